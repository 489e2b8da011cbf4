import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Denial, Denylist } from '../denylist/denylist.ts'
import { JwtUnavailableError } from '../errors.ts'
import { hearDenials } from './hear-denials.ts'

const denial: Denial = { sub: 'ann', before: 1, until: 2 }

describe('a denylist that is listened to', () => {
  it('tells of a denial when that is written, and before it is done', async () => {
    const events: string[] = []
    let write = () => undefined as void
    const list: Denylist = {
      deny: (_denial, now) => new Promise((resolve) => (write = () => resolve(void events.push(`written at ${now}`)))),
      deniedBefore: () => 7,
      close: () => void events.push('closed')
    }
    const heard = hearDenials(list, (told) => events.push(told === denial ? 'heard' : 'something else'))
    const done = heard.deny(denial, 5)
    assert.equal(events.length, 0)
    write()
    await done
    assert.deepEqual(events, ['written at 5', 'heard'])
    assert.equal(heard.deniedBefore({ sub: 'ann' }, 0), 7)
    await heard.close!()
    assert.deepEqual(events, ['written at 5', 'heard', 'closed'])
  })

  it('stays synchronous', () => {
    const told: Denial[] = []
    assert.equal(hearDenials({ deny: () => undefined, deniedBefore: () => 0 }, (one) => void told.push(one)).deny(denial), undefined)
    assert.deepEqual(told, [denial])
  })

  it('tells nothing of what was not written', async () => {
    const told: Denial[] = []
    const failing: Denylist = {
      async deny() {
        throw new JwtUnavailableError('It is not there.')
      },
      deniedBefore: () => 0
    }
    await assert.rejects(async () => hearDenials(failing, (one) => void told.push(one)).deny(denial), JwtUnavailableError)
    assert.deepEqual(told, [])
  })
})
