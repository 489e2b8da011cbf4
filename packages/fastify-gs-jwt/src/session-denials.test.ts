import assert from 'node:assert/strict'
import { it } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import Fastify from 'fastify'
import { memoryDenylist, type Denylist } from './index.ts'
import { createSessionDenials } from './session-denials.ts'

const aTurn = Promise.resolve()

it('a stronger denial is written, at whatever moment of the writing of a weaker one it comes', async () => {
  const { log } = Fastify()
  for (let moment = 0; moment < 30; moment++) {
    const list = memoryDenylist()
    const slow: Denylist = {
      ...list,
      async deny(denial, now) {
        await aTurn
        await list.deny(denial, now)
      }
    }
    for (const store of [list, slow]) {
      const denials = createSessionDenials(store, { log, options: { now: () => 0 } })
      const first = denials.deny('s', moment + 1, 10_000)
      for (let turn = 0; turn < moment; turn++) await aTurn
      await Promise.all([first, denials.deny('s', 1000 + moment, 10_000)])
      assert.equal(await store.deniedBefore({ sid: 's' }, 0), 1000 + moment, `after ${moment} turns`)
    }
  }
})

it('a denial that comes at whatever moment of a failure is written in the end', async () => {
  const log = Object.assign(Fastify().log, { error: () => undefined })
  for (let moment = 0; moment < 30; moment++) {
    const list = memoryDenylist()
    let broken = true
    const store: Denylist = {
      ...list,
      async deny(denial, now) {
        if (broken) throw new Error('no disk')
        await list.deny(denial, now)
      }
    }
    const denials = createSessionDenials(store, { log, options: { now: () => 0 } })
    const first = denials.deny('s', 1, 10_000)
    for (let turn = 0; turn < moment; turn++) await aTurn
    await Promise.all([first, denials.deny('s', 2, 10_000)])
    await wait(0)
    broken = false
    await denials.close()
    assert.equal(await store.deniedBefore({ sid: 's' }, 0), 2, `after ${moment} turns`)
  }
})
