import assert from 'node:assert/strict'
import crypto from 'node:crypto'
import { syncBuiltinESMExports } from 'node:module'
import { describe, it } from 'node:test'
import { createSecret, formerGrace, hashSecret, judgeSecret, rotateSecret } from './secrets.ts'

const t0 = Date.UTC(2026, 10, 21, 12)
const fresh = (secret: string) => ({ secretHash: hashSecret(secret), formerHash: null, formerUntil: null })

describe('secrets of sessions', () => {
  it('are 64 random bytes', () => {
    const secrets = Array.from({ length: 1000 }, createSecret)
    assert.equal(new Set(secrets).size, 1000)
    for (const secret of secrets) assert.match(secret, /^[A-Za-z0-9+/]{86}==$/)
  })

  it('are kept as SHA-256 only (W11)', () => {
    assert.equal(hashSecret('abc'), 'ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0')
  })

  const stored = { secretHash: hashSecret('new'), formerHash: `${hashSecret('old')}.salt`, formerUntil: t0 + 1000 }
  for (const [what, session, secret, now, verdict] of [
    ['the one that counts', stored, 'new', t0, 'current'],
    ['the former one in its grace', stored, 'old', t0 + 999, 'former'],
    ['the former one after its grace', stored, 'old', t0 + 1000, 'late'],
    ['the former one before the new one was used', { ...stored, formerUntil: null }, 'old', t0 + 1e12, 'former'],
    ['another one', stored, 'newer', t0, 'wrong'],
    ['the one that counts, of no session', null, 'new', t0, 'wrong'],
    ['the hash instead of the secret', stored, stored.secretHash, t0, 'wrong'],
    ['an empty text', { ...stored, secretHash: hashSecret('') }, '', t0, 'wrong'],
    ['a text that is too long', { ...stored, secretHash: hashSecret('x'.repeat(257)) }, 'x'.repeat(257), t0, 'wrong'],
    ['a missing one, where the store has none either', { ...stored, secretHash: '', formerHash: '' }, undefined, t0, 'wrong'],
    ['a list with the secret', stored, ['new'], t0, 'wrong'],
    ['null', stored, null, t0, 'wrong']
  ] as const)
    it(`judges ${what}: ${verdict}`, () => assert.equal(judgeSecret(session, secret, now), verdict))

  it('are compared in constant time, as often for a session that is not there (W10)', (t) => {
    const compare = t.mock.method(crypto, 'timingSafeEqual')
    syncBuiltinESMExports()
    t.after(() => {
      compare.mock.restore()
      syncBuiltinESMExports()
    })
    const counts = [
      [stored, 'new'],
      [stored, 'old'],
      [stored, 'another'],
      [fresh('new'), 'another'],
      [null, 'new'],
      [stored, null]
    ].map(([session, secret]) => {
      compare.mock.resetCalls()
      judgeSecret(session as typeof stored | null, secret, t0)
      return compare.mock.callCount()
    })
    assert.deepEqual(counts, [2, 2, 2, 2, 2, 2])
  })

  it('are rotated by a resume, and the former one gives the same new one again and again', () => {
    const first = rotateSecret(fresh('one'), 'one', 'current', t0, true)
    assert.match(first.told!, /^[A-Za-z0-9+/]{86}==$/)
    assert.equal(judgeSecret(first.secrets, first.told, t0), 'current')
    for (const now of [t0, t0 + 1e10]) {
      assert.equal(judgeSecret(first.secrets, 'one', now), 'former')
      assert.deepEqual(rotateSecret(first.secrets, 'one', 'former', now, true), first)
    }
  })

  it('give the former one a grace from the first use of the new one on, and rotate again after it', () => {
    const { secrets, told } = rotateSecret(fresh('one'), 'one', 'current', t0, true)
    const used = rotateSecret(secrets, told!, 'current', t0 + 5, true)
    assert.deepEqual(used, { secrets: { ...secrets, formerUntil: t0 + 5 + formerGrace }, told: null })
    const again = rotateSecret(used.secrets, told!, 'current', t0 + 4 + formerGrace, true)
    assert.deepEqual(again, used)
    assert.deepEqual(rotateSecret(used.secrets, 'one', 'former', t0 + 6, true), { secrets: used.secrets, told })
    const next = rotateSecret(used.secrets, told!, 'current', t0 + 5 + formerGrace, true)
    assert.notEqual(next.told, null)
    assert.equal(judgeSecret(next.secrets, told, t0), 'former')
    assert.equal(judgeSecret(next.secrets, 'one', t0), 'wrong')
  })

  it('cannot be computed from the former one alone', () => {
    const rotate = () => rotateSecret(fresh('one'), 'one', 'current', t0, true).told
    assert.notEqual(rotate(), rotate())
  })

  it('are not rotated in the first dialect', () => {
    assert.deepEqual(rotateSecret(fresh('one'), 'one', 'current', t0, false), { secrets: fresh('one'), told: null })
    const { secrets } = rotateSecret(fresh('one'), 'one', 'current', t0, true)
    assert.deepEqual(rotateSecret(secrets, 'one', 'former', t0, false), { secrets, told: null })
  })

  it('are not told where nobody knows what followed the former one', () => {
    const secrets = { secretHash: hashSecret('two'), formerHash: hashSecret('one'), formerUntil: null }
    assert.deepEqual(rotateSecret(secrets, 'one', 'former', t0, true), { secrets, told: null })
  })
})
