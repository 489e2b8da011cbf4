import assert from 'node:assert/strict'
import { beforeEach, test } from 'node:test'
import { JwtUnavailableError } from './errors.ts'
import { resolveSignOptions, resolveVerifyOptions } from './options.ts'
import { createSigner, type Signer, type SigningRequest } from './sign.ts'
import { OwnRing } from './testing/own-ring.ts'
import { Clock, issuer } from './testing/site.ts'
import { createVerifiedCache } from './verified-cache.ts'
import { createVerifier, type Verifier, type VerifyResult } from './verify.ts'

let clock: Clock
let keys: OwnRing
let sign: Signer
let verify: Verifier

beforeEach(async () => {
  clock = new Clock()
  keys = await OwnRing.make()
  const options = { keys, iss: issuer, aud: issuer, now: clock.now }
  sign = createSigner(resolveSignOptions(options))
  verify = createVerifier(resolveVerifyOptions(options), createVerifiedCache(3))
})

const tokenOf = async (request: Partial<SigningRequest> = {}) => (await sign({ sub: 'ann', ...request })).token
const reasonOf = (result: VerifyResult) => (result.ok ? 'accepted' : result.reason)

test('a token that was verified is known at once, without a promise', async () => {
  const token = await tokenOf()
  const first = verify(token)
  assert.ok(first instanceof Promise)
  const result = await first
  assert.ok(result.ok)
  const again = verify(token)
  assert.ok(!(again instanceof Promise))
  assert.ok(again.ok)
  assert.equal(again.jwt, result.jwt)
  assert.equal(keys.asked, 1)
})

test('of many requests with one token, one verifies it', async () => {
  const token = await tokenOf()
  let open = () => {}
  keys.delay = new Promise((resolve) => (open = resolve))
  const answers = Array.from({ length: 50 }, async () => verify(token))
  open()
  for (const result of await Promise.all(answers)) assert.ok(result.ok)
  assert.equal(keys.asked, 1)
})

test('keys that cannot be asked are asked again for the next request', async () => {
  const token = await tokenOf()
  keys.delay = Promise.reject(new JwtUnavailableError('gone'))
  await Promise.all([
    assert.rejects(async () => verify(token), JwtUnavailableError),
    assert.rejects(async () => verify(token), JwtUnavailableError)
  ])
  assert.equal(keys.asked, 1)
  keys.delay = null
  assert.equal(reasonOf(await verify(token)), 'accepted')
})

test('what is known is over in the second in which it expires', async () => {
  const token = await tokenOf({ expiresIn: 60 })
  assert.equal(reasonOf(await verify(token)), 'accepted')
  clock.at += 59_999
  assert.equal(reasonOf(await verify(token)), 'accepted')
  clock.at += 1
  assert.equal(reasonOf(await verify(token)), 'expired')
  assert.equal(keys.asked, 1)
})

test('what is known is verified again by a clock that was set back, so that no key lasts longer', async () => {
  const token = await tokenOf()
  clock.at += 50_000
  keys.validUntil = clock.at + 10_000
  assert.equal(reasonOf(await verify(token)), 'accepted')
  assert.equal(reasonOf(await verify(token)), 'accepted')
  assert.equal(keys.asked, 1)
  // Taken away.
  keys.validUntil = 0
  clock.at -= 40_000
  assert.equal(reasonOf(await verify(token)), 'kid')
  assert.equal(keys.asked, 2)
  // Nor when the clock comes to that time again.
  clock.at += 45_000
  assert.equal(reasonOf(await verify(token)), 'kid')
})

test('what is known is not accepted by a clock that was set back before its time', async () => {
  const token = await tokenOf()
  assert.equal(reasonOf(await verify(token)), 'accepted')
  clock.at -= 61_000
  assert.equal(reasonOf(await verify(token)), 'not-yet')
  clock.at = Number.NaN
  assert.equal(reasonOf(await verify(token)), 'not-yet')
})

test('when the time of a key is over the ring is asked again, and its answer counts', async () => {
  const token = await tokenOf({ expiresIn: 600 })
  keys.validUntil = clock.at + 30_000
  assert.equal(reasonOf(await verify(token)), 'accepted')
  clock.at += 30_000
  keys.validUntil = clock.at + 30_000
  assert.equal(reasonOf(await verify(token)), 'accepted')
  assert.equal(keys.asked, 2)
  assert.equal(reasonOf(await verify(token)), 'accepted')
  assert.equal(keys.asked, 2)
  clock.at += 30_000
  assert.equal(reasonOf(await verify(token)), 'kid')
  assert.equal(reasonOf(await verify(token)), 'kid')
  assert.equal(keys.asked, 4)
})

test('refused tokens are not kept', async () => {
  const token = await tokenOf()
  const damaged = `${token.slice(0, -3)}${token.at(-3) === 'A' ? 'B' : 'A'}${token.slice(-2)}`
  for (const asked of [1, 2, 3]) {
    assert.equal(reasonOf(await verify(damaged)), 'signature')
    assert.equal(keys.asked, asked)
  }
})

test('another spelling of a known token is not known', async () => {
  const token = await tokenOf()
  await verify(token)
  for (const other of [`${token}=`, `${token}\n`, ` ${token}`, token.toLowerCase(), `${token.slice(0, -1)}\uFFFD`]) {
    const result = await verify(other)
    assert.ok(!result.ok)
  }
})

test('what is too large, or no text, is refused before anything is done with it', async () => {
  for (const [token, reason] of [
    ['a'.repeat(4097), 'too-large'],
    ['a'.repeat(8_000_000), 'too-large'],
    [undefined, 'malformed'],
    [{ length: 3 }, 'malformed']
  ] as const) {
    const result = verify(token as string)
    assert.ok(!(result instanceof Promise))
    assert.deepEqual(result, { ok: false, reason })
  }
  assert.equal(keys.asked, 0)
})

test('no more tokens are kept than allowed, the ones asked for last', async () => {
  const [a, b, c, d] = (await Promise.all(['a', 'b', 'c', 'd'].map((sub) => tokenOf({ sub })))) as [string, string, string, string]
  for (const token of [a, b, c]) await verify(token)
  await verify(a)
  assert.equal(keys.asked, 3)
  await verify(d)
  assert.equal(keys.asked, 4)
  for (const token of [a, c, d]) assert.ok(!(verify(token) instanceof Promise))
  assert.ok(verify(b) instanceof Promise)
})

test('the claims that requests share cannot be changed', async () => {
  const token = await tokenOf({ ext: { roles: ['reader'], deep: { list: [{ a: 1 }] } } })
  const result = await verify(token)
  assert.ok(result.ok)
  const { jwt } = result
  const ext = jwt.claims.ext as { roles: string[]; deep: { list: { a: number }[] } }
  for (const change of [
    () => ext.roles.push('admin'),
    () => (ext.deep.list[0]!.a = 2),
    () => Object.assign(ext, { admin: true }),
    () => Object.assign(jwt.claims, { sub: 'root' }),
    () => Object.assign(jwt, { claims: {} }),
    () => Object.assign(jwt.header, { alg: 'none' }),
    () => Object.setPrototypeOf(jwt.claims, { admin: true })
  ]) {
    assert.throws(change, TypeError)
  }
  const again = await verify(token)
  assert.ok(again.ok)
  assert.deepEqual(again.jwt.claims.ext, { roles: ['reader'], deep: { list: [{ a: 1 }] } })
})
