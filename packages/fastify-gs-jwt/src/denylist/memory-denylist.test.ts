import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, it } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { JwtOptionError, memoryDenylist, type DeniableToken, type Denial, type MemoryDenylistOptions } from '../index.ts'

const t0 = Date.UTC(2026, 10, 21, 12)
const hour = 3_600_000

/** Everything here is done at once. */
function open(options?: MemoryDenylistOptions) {
  const denylist = memoryDenylist(options)
  return {
    deny: (denial: Denial, now?: number) => void denylist.deny(denial, now),
    deniedBefore: (token: DeniableToken, now: number) => denylist.deniedBefore(token, now),
    rememberSession: (sid: string, until: number) => void denylist.rememberSession!(sid, until),
    rememberedSessions: (now: number) => denylist.rememberedSessions!(now) as readonly string[]
  }
}

describe('memoryDenylist', () => {
  it('forgets nothing when it is full: it denies everything that was issued until then, and says so once', () => {
    const told: string[] = []
    const denylist = open({ max: 3, onFull: (message) => void told.push(message) })
    denylist.deny({ jti: 'a', before: t0 + 24 * hour, until: t0 + 24 * hour }, t0)
    denylist.deny({ sub: 'ann', before: t0 + 1, until: t0 + hour }, t0)
    denylist.deny({ sid: 's', before: t0 + 20 * hour, until: t0 + 20 * hour }, t0)
    assert.equal(denylist.deniedBefore({ jti: 'b', sub: 'bob' }, t0 + 2), 0)
    assert.deepEqual(told, [])

    denylist.deny({ sub: 'cat', before: t0 + 3, until: t0 + hour }, t0 + 3)
    assert.equal(told.length, 1)
    assert.match(
      told[0]!,
      /^memoryDenylist\(\) holds 3 denials and was full: all tokens issued until now are denied\..*databaseDenylist\(\)\.$/
    )
    // Tokens may be dated nearly a minute ahead of the clock, and what was denied for good, a token and a login, is not to be found any more.
    for (const token of [{ jti: 'a' }, { sub: 'ann' }, { sid: 's' }, { sub: 'cat' }, { jti: 'b', sub: 'bob' }, {}])
      assert.equal(denylist.deniedBefore(token, t0 + 24 * hour - 1), t0 + 3 + 59_000)
    assert.equal(denylist.deniedBefore({ jti: 'a' }, t0 + 24 * hour), 0)

    denylist.deny({ sub: 'bob', before: t0 + 2 * hour, until: t0 + 3 * hour }, t0 + 2 * hour)
    assert.equal(denylist.deniedBefore({ sub: 'bob' }, t0 + 2 * hour), t0 + 2 * hour)
    assert.equal(denylist.deniedBefore({ sub: 'ann' }, t0 + 2 * hour), t0 + 3 + 59_000)
    assert.equal(told.length, 1)
  })

  it('is not full as long as there is something to forget, in whatever order it ends', () => {
    const told: string[] = []
    const denylist = open({ max: 3, onFull: (message) => void told.push(message) })
    denylist.deny({ sub: 'long', before: t0, until: t0 + 10 * hour }, t0)
    for (let index = 0; index < 100; index++) {
      const now = t0 + index * 1000
      denylist.deny({ sub: `ann ${index}`, before: now, until: now + 2000 }, now)
      assert.equal(denylist.deniedBefore({ sub: `ann ${index}` }, now + 1999), now)
      assert.equal(denylist.deniedBefore({ sub: 'long' }, now), t0)
    }
    assert.deepEqual(told, [])
  })

  it('holds no more than twice what has not ended, and a thousand', () => {
    const told: string[] = []
    const denylist = open({ max: 2000, onFull: (message) => void told.push(message) })
    for (let index = 0; index < 50_000; index++) denylist.deny({ jti: `${index}`, before: t0 + index, until: t0 + index + 900 }, t0 + index)
    assert.deepEqual(told, [])
  })

  it('is no fuller when the same name is denied again', () => {
    const told: string[] = []
    const denylist = open({ max: 1, onFull: (message) => void told.push(message) })
    for (let index = 0; index < 100; index++) denylist.deny({ sub: 'ann', before: t0 + index, until: t0 + hour }, t0)
    assert.equal(denylist.deniedBefore({ sub: 'ann' }, t0), t0 + 99)
    assert.deepEqual(told, [])
  })

  it('warns by the process when nobody else is to be told', async () => {
    const denylist = open({ max: 1 })
    const warned = once(process, 'warning')
    denylist.deny({ sub: 'ann', before: t0, until: t0 + hour }, t0)
    denylist.deny({ sub: 'bob', before: t0, until: t0 + hour }, t0)
    const [warning] = (await warned) as [Error & { code?: string }]
    assert.equal(warning.code, 'GS_JWT_DENYLIST_FULL')
  })

  it('takes no more memory than its maximum needs, whatever is denied and however long the names are', () => {
    setFlagsFromString('--expose-gc')
    const collectGarbage = runInNewContext('gc') as () => void
    const heap = () => {
      collectGarbage()
      return process.memoryUsage().heapUsed
    }
    let told = 0
    const denylist = open({ onFull: () => void told++ })
    const before = heap()
    const padding = 'x'.repeat(448)
    for (let index = 0; index < 99_999; index++) denylist.deny({ sub: `${index} ${padding}`, before: t0, until: t0 + hour }, t0)
    for (let index = 0; index < 300_000; index++) denylist.rememberSession(`session ${index}`, t0 + hour)
    assert.equal(told, 0)
    const full = heap() - before
    assert.ok(full < 50_000_000, `${full} bytes`)
    for (let index = 0; index < 500_000; index++) denylist.deny({ jti: `token ${index}`, before: t0, until: t0 + hour }, t0)
    assert.equal(told, 5)
    const later = heap() - before
    assert.ok(later < 60_000_000, `${later} bytes`)
    // Used here, so that it is not garbage before.
    assert.equal(denylist.deniedBefore({ jti: 'token 0' }, t0), t0)
    assert.equal(denylist.rememberedSessions(t0).length, 100_000)
  })

  it('forgets of the remembered sessions those first whose last token was made the longest ago', () => {
    const denylist = open({ max: 2 })
    for (const sid of ['a', 'b', 'a', 'c']) denylist.rememberSession(sid, t0 + hour)
    assert.deepEqual(denylist.rememberedSessions(t0).toSorted(), ['a', 'c'])
  })

  it('refuses wrong options', () => {
    for (const max of [0, -1, 1.5, '10', 10_000_001, Number.NaN])
      assert.throws(() => memoryDenylist({ max: max as number }), JwtOptionError, String(max))
    assert.throws(() => memoryDenylist({ onFull: 'log' as never }), /onFull of memoryDenylist\(\) must be a function/)
  })
})
