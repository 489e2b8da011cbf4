import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JWK } from 'jose'
import { resolveSignOptions, resolveVerifyOptions } from '../options.ts'
import { createSigner } from '../sign.ts'
import { createVerifiedCache } from '../verified-cache.ts'
import { createVerifier } from '../verify.ts'
import { generateJwk } from './generate-jwk.ts'
import { loadKeys, type KeySource } from './load-keys.ts'

const minute = 60_000
const start = Date.UTC(2027, 0, 1)

async function issuer(sources: KeySource | readonly KeySource[]) {
  let at = start
  const now = () => at
  const keys = await loadKeys(sources, { alg: 'ES256', now })
  const names = { iss: 'https://example.com', aud: 'https://example.com', keys, now }
  const signer = createSigner(resolveSignOptions(names))
  const cached = createVerifier(resolveVerifyOptions(names), createVerifiedCache(100))
  const uncached = createVerifier(resolveVerifyOptions(names))
  return {
    keys,
    /** Goes to a minute since the start. */
    go: (minutes: number) => void (at = start + minutes * minute),
    sign: async () => {
      const { token, expiresAt } = await signer({ sub: 'ann' })
      return {
        token,
        kid: JSON.parse(Buffer.from(token.split('.')[0]!, 'base64url').toString()).kid as string,
        minutes: (expiresAt - at) / minute
      }
    },
    verify: async (token: string) => {
      const [one, other] = [await cached(token), await uncached(token)]
      assert.equal(one.ok, other.ok)
      return one.ok ? 'good' : one.reason
    },
    published: () => keys.publicKeys(at).map(({ kid }) => kid)
  }
}

const [former, next]: [JWK, JWK] = [await generateJwk('ES256'), await generateJwk('ES256')]
const date = (minutes: number) => new Date(start + minutes * minute).toISOString()

test('a key is published, then signs, then only verifies, then is gone; nobody is logged out by it', async () => {
  const site = await issuer([
    { jwk: next, signsFrom: date(60) },
    { jwk: former, retireAt: date(60 + 20) }
  ])
  assert.deepEqual(site.published(), [next.kid, former.kid])
  const early = await site.sign()
  assert.equal(early.kid, former.kid)

  site.go(59.99)
  const last = await site.sign()
  assert.deepEqual([last.kid, Math.round(last.minutes)], [former.kid, 20])

  site.go(60)
  const first = await site.sign()
  assert.equal(first.kid, next.kid)
  assert.equal(await site.verify(last.token), 'good')
  assert.equal(await site.verify(first.token), 'good')

  site.go(79)
  assert.deepEqual(site.published(), [next.kid, former.kid])
  assert.equal(await site.verify(last.token), 'good')

  site.go(80)
  assert.deepEqual(site.published(), [next.kid])
  assert.notEqual(await site.verify(last.token), 'good')
  assert.equal((await site.sign()).kid, next.kid)
})

test('a key that is published already verifies, for other processes that sign with it', async () => {
  const site = await issuer([{ jwk: next, signsFrom: date(60) }, { jwk: former }])
  const other = await issuer([{ jwk: next }, { jwk: former }])
  const { kid, token } = await other.sign()
  assert.equal(kid, next.kid)
  assert.equal(await site.verify(token), 'good')
})

test('what a key signs does not live longer than the key, and is not remembered longer', async () => {
  const site = await issuer([{ jwk: former, retireAt: date(10) }, { jwk: next }])
  const { kid, minutes, token } = await site.sign()
  assert.deepEqual([kid, minutes], [former.kid, 10])
  assert.equal(await site.verify(token), 'good')
  site.go(9.99)
  assert.equal(await site.verify(token), 'good')
  site.go(10)
  assert.notEqual(await site.verify(token), 'good')
})

test('a token that was verified before is refused when its key has retired, though its own time is not over', async () => {
  const unlimited = await issuer({ jwk: former })
  const { token } = await unlimited.sign()
  const site = await issuer([{ jwk: former, retireAt: date(10) }, { jwk: next }])
  assert.equal(await site.verify(token), 'good')
  site.go(10)
  assert.equal(await site.verify(token), 'kid')
})

test('when all keys have retired, nothing is signed, verified or published', async () => {
  const site = await issuer({ jwk: former, retireAt: date(10) })
  const { token } = await site.sign()
  site.go(10)
  assert.deepEqual(site.published(), [])
  assert.equal(await site.keys.find(former.kid, start + 10 * minute), null)
  assert.equal(await site.keys.find(undefined, start + 10 * minute), null)
  assert.notEqual(await site.verify(token), 'good')
  await assert.rejects(site.sign(), { code: 'GS_JWT_SIGN', fault: 'no-key' })
})

test('public keys of others do not forbid a key that does not sign yet', async () => {
  const { d: _d, ...open } = former
  const site = await issuer([{ jwk: next, signsFrom: date(60) }, { jwk: open }])
  await assert.rejects(site.sign(), { fault: 'no-key' })
  site.go(60)
  assert.equal((await site.sign()).kid, next.kid)
})
