import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import fc from 'fast-check'
import { exportJWK, generateKeyPair, generateSecret, type JWK } from 'jose'
import { loadKeys } from './keys/load-keys.ts'
import type { JwsAlgorithm } from './keys/algorithms.ts'
import { resolveVerifyOptions } from './options.ts'
import { signJwt } from './sign.ts'
import { encode, forge, hmacSigner } from './testing/forge.ts'
import { OwnRing, ownSecret } from './testing/own-ring.ts'
import { Clock, issuer } from './testing/site.ts'
import { createVerifiedCache } from './verified-cache.ts'
import { createVerifier, type Verifier, type VerifyResult } from './verify.ts'

const clock = new Clock()
const second = clock.at / 1000
const names = { iss: issuer, aud: issuer, now: clock.now }

/** A result is a token or a reason, and nothing of both. */
function assertWhole(result: VerifyResult): void {
  if (result.ok) {
    assert.deepEqual(Object.keys(result), ['ok', 'jwt'])
    assert.ok(Object.isFrozen(result.jwt) && Object.isFrozen(result.jwt.claims) && Object.isFrozen(result.jwt.header))
    return
  }
  assert.ok(typeof result.reason === 'string')
  assert.ok(!('jwt' in result))
}

interface Subject {
  readonly token: string
  readonly verify: Verifier
}

/** With and without a cache that knows the token. */
async function subjectsOf(alg: JwsAlgorithm): Promise<Subject[]> {
  const jwk: JWK = alg.startsWith('HS')
    ? await exportJWK(await generateSecret(alg, { extractable: true }))
    : await exportJWK((await generateKeyPair(alg, { extractable: true })).privateKey)
  const keys = await loadKeys({ jwk, alg }, { alg })
  const { token } = await signJwt({ sub: 'ann', ext: { role: 'reader', list: [1, 2] } }, { ...names, keys })
  const rules = resolveVerifyOptions({ ...names, keys })
  const verifiers = [createVerifier(rules), createVerifier(rules, createVerifiedCache(10))]
  return Promise.all(
    verifiers.map(async (verify) => {
      assert.ok((await verify(token)).ok)
      return { token, verify }
    })
  )
}

const base64url = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const position = fc.nat({ max: 10_000 })
const insertion = fc.oneof(
  fc.string({ unit: fc.constantFrom(...base64url), minLength: 1, maxLength: 4 }),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 4 }),
  fc.constantFrom('.', '=', '==', ' ', '\n', '\0', '+', '/', '%2E', '\u212A', '\uD800')
)

/** One change of a text. */
const mutation: fc.Arbitrary<(text: string) => string> = fc.oneof(
  fc.tuple(position, insertion).map(
    ([at, what]) =>
      (text: string) =>
        text.slice(0, at % (text.length + 1)) + what + text.slice(at % (text.length + 1))
  ),
  fc.tuple(position, fc.integer({ min: 1, max: 8 })).map(
    ([at, count]) =>
      (text: string) =>
        text.slice(0, at % text.length) + text.slice((at % text.length) + count)
  ),
  fc.tuple(position, fc.nat({ max: 6 })).map(([at, bit]) => (text: string) => {
    const index = at % text.length
    return text.slice(0, index) + String.fromCharCode(text.charCodeAt(index) ^ (1 << bit)) + text.slice(index + 1)
  }),
  fc.tuple(position, fc.constantFrom(...base64url)).map(
    ([at, letter]) =>
      (text: string) =>
        text.slice(0, at % text.length) + letter + text.slice((at % text.length) + 1)
  ),
  // One bit of what a segment says, in the same spelling.
  fc.tuple(fc.nat({ max: 2 }), position, fc.nat({ max: 7 })).map(([which, at, bit]) => (text: string) => {
    const segments = text.split('.')
    const bytes = Buffer.from(segments[which] ?? '', 'base64url')
    if (bytes.length === 0) return text
    bytes[at % bytes.length]! ^= 1 << bit
    segments[which] = bytes.toString('base64url')
    return segments.join('.')
  }),
  fc
    .shuffledSubarray([0, 1, 2], { minLength: 1 })
    .map((order) => (text: string) => order.map((index) => text.split('.')[index] ?? '').join('.')),
  fc.constantFrom<(text: string) => string>(
    (text) => text.toUpperCase(),
    (text) => text.toLowerCase(),
    (text) => `${text}.`,
    (text) => text + text,
    (text) => text.replaceAll('.', '%2E'),
    (text) => text.normalize('NFKC') + '\u200B',
    (text) => Buffer.from(text).toString('base64url')
  )
)

const runs = { numRuns: 1000 }

for (const alg of ['HS256', 'ES256', 'ES512', 'EdDSA', 'RS256', 'PS256'] as const) {
  describe(`a token of ${alg} that was changed`, () => {
    let subjects: Subject[]
    before(async () => {
      subjects = await subjectsOf(alg)
    })

    test('is refused unless it is the same again', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(mutation, { minLength: 1, maxLength: 3 }), async (mutations) => {
          for (const { token, verify } of subjects) {
            const changed = mutations.reduce((text, mutate) => mutate(text), token)
            const result = await verify(changed)
            assertWhole(result)
            assert.equal(result.ok, changed === token)
          }
        }),
        { ...runs, numRuns: alg === 'ES512' ? 200 : runs.numRuns }
      )
    })
  })
}

describe('anything', () => {
  let verify: Verifier
  before(async () => {
    const keys = await OwnRing.make()
    verify = createVerifier(resolveVerifyOptions({ ...names, keys }), createVerifiedCache(10))
  })
  const header = { alg: 'HS256', kid: 'own', typ: 'session+jwt' }
  const signed = (payload: string | Uint8Array | object) => forge(header, payload, hmacSigner('sha256', ownSecret))
  const claims = {
    iss: issuer,
    aud: issuer,
    iat: second,
    nbf: second - 60,
    exp: second + 600,
    sub: 'ann',
    jti: 'j',
    csrf: '0123456789abcdef'
  }

  async function refused(token: unknown): Promise<void> {
    const result = await verify(token as string)
    assertWhole(result)
    assert.equal(result.ok, false)
  }

  test('that is a text is refused', async () => {
    const segment = fc.string({ unit: fc.constantFrom(...base64url), maxLength: 40 })
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(segment, { maxLength: 6 }).map((segments) => segments.join('.')),
      fc.array(fc.uint8Array({ maxLength: 40 }), { minLength: 3, maxLength: 3 }).map((parts) => parts.map(encode).join('.'))
    )
    await fc.assert(fc.asyncProperty(text, refused), { numRuns: 2000 })
  })

  test('that is no text is refused', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.anything().filter((value) => typeof value !== 'string'),
        refused
      ),
      { numRuns: 500 }
    )
  })

  test('in the header is refused, though its signature is right', async () => {
    const text = fc.oneof(
      fc.json(),
      fc.string(),
      fc.jsonValue().map((alg) => JSON.stringify({ ...header, alg }))
    )
    await fc.assert(
      fc.asyncProperty(
        text.filter((header) => !header.includes('"HS256"')),
        async (header) => {
          await refused(forge(header, claims, hmacSigner('sha256', ownSecret)))
        }
      ),
      runs
    )
  })

  test('in the payload is refused, though its signature is right', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.json(), fc.string(), fc.uint8Array()), (payload) => refused(signed(payload))),
      runs
    )
  })

  test('in the claims is accepted exactly when each of them is right', async () => {
    const odd = fc.oneof(
      fc.jsonValue({ maxDepth: 2 }),
      fc.constantFrom<unknown>(
        second,
        second - 1,
        second + 60,
        second + 61,
        second + 600,
        second + 86_400,
        second + 86_401,
        second + 0.5,
        -1,
        0,
        1e21,
        '',
        'ann',
        issuer,
        [issuer],
        `${issuer}/`,
        {},
        { role: 'x' },
        null
      )
    )
    /** Often right, sometimes anything, sometimes left out. */
    const mostly = (right: unknown) =>
      fc.oneof(
        { weight: 12, arbitrary: fc.constant(right) },
        { weight: 2, arbitrary: odd },
        { weight: 1, arbitrary: fc.constant(undefined) }
      )
    const given = fc.record({
      iss: mostly(issuer),
      aud: mostly(issuer),
      iat: mostly(second),
      nbf: mostly(second - 60),
      exp: mostly(second + 600),
      sub: mostly('ann'),
      jti: mostly('j'),
      csrf: mostly('0123456789abcdef'),
      sid: mostly(undefined),
      auth_time: mostly(undefined),
      ext: mostly({ role: 'reader' })
    })
    let accepted = 0
    await fc.assert(
      fc.asyncProperty(given, async (claims) => {
        const result = await verify(signed(claims))
        assertWhole(result)
        assert.equal(result.ok, isRight(claims))
        if (!result.ok) return
        accepted += 1
        assert.deepEqual({ ...result.jwt.claims }, JSON.parse(JSON.stringify(claims)))
      }),
      { numRuns: 2000 }
    )
    assert.ok(accepted > 100, `only ${accepted} were accepted, which says nothing`)
  })
})

/** The rules again, in the words of the documentation and without a look at the code. */
function isRight({ iss, aud, iat, nbf, exp, sub, jti, csrf, sid, auth_time: authTime, ext }: Record<string, unknown>): boolean {
  const time = (value: unknown): value is number =>
    typeof value === 'number' && Math.floor(value) === value && value >= 0 && value <= 2 ** 53 - 1
  const name = (value: unknown) =>
    typeof value === 'string' &&
    value.length >= 1 &&
    value.length <= 512 &&
    [...value].every((letter) => {
      const code = letter.codePointAt(0)!
      return code > 0x1f && !(code >= 0x7f && code <= 0x9f) && !(code >= 0xd800 && code <= 0xdfff)
    })
  if (!time(iat) || !time(nbf) || !time(exp)) return false
  if (nbf > second || iat > second + 60 || exp <= second || exp <= iat || exp - iat > 86_400) return false
  if (iss !== issuer || aud !== issuer || !name(sub) || !name(jti)) return false
  if (typeof csrf !== 'string' || csrf.length !== 16 || [...csrf].some((digit) => !'0123456789abcdef'.includes(digit))) return false
  if (sid !== undefined && !name(sid)) return false
  if (authTime !== undefined && !time(authTime)) return false
  if (ext !== undefined && (typeof ext !== 'object' || ext === null || Array.isArray(ext))) return false
  const text = JSON.stringify({ iss, aud, sub, jti, sid, ext })
  return !text.includes('"__proto__":')
}

test('what was signed comes back as it was', async () => {
  const keys = await OwnRing.make()
  const verify = createVerifier(resolveVerifyOptions({ ...names, keys }))
  const sub = fc
    .string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
    .filter((text) => text.isWellFormed() && !/\p{Cc}/u.test(text) && text.length <= 512)
  const ext = fc
    .dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue({ maxDepth: 3, stringUnit: 'grapheme' }))
    .filter((value) => JSON.stringify(value).length < 1000 && !JSON.stringify(value).includes('"__proto__":'))
  await fc.assert(
    fc.asyncProperty(sub, ext, async (sub, ext) => {
      const { token, claims } = await signJwt({ sub, ext }, { ...names, keys })
      const result = await verify(token)
      assert.ok(result.ok)
      assert.deepEqual(result.jwt.claims, claims)
      assert.equal(result.jwt.claims.sub, sub)
      assert.deepEqual(result.jwt.claims.ext, JSON.parse(JSON.stringify(ext)))
    }),
    { numRuns: 500 }
  )
})
