import assert from 'node:assert/strict'
import { before, describe, test } from 'node:test'
import type { Ext } from './claims.ts'
import { maxDepth } from './compact.ts'
import { JwtSignError, type JwtSignFault } from './errors.ts'
import { resolveSignOptions, type SignOptions, type VerifyOptions } from './options.ts'
import { createSigner, signJwt } from './sign.ts'
import { OwnRing } from './testing/own-ring.ts'
import { Clock, issuer } from './testing/site.ts'
import { issuedAt } from './token-id.ts'
import { verifyJwt } from './verify.ts'

let keys: OwnRing
before(async () => {
  keys = await OwnRing.make()
})

const options = (clock: Clock, more: Partial<SignOptions> = {}): SignOptions => ({
  keys,
  iss: issuer,
  aud: issuer,
  now: clock.now,
  ...more
})
const rules = (clock: Clock, more: Partial<VerifyOptions> = {}): VerifyOptions => ({
  keys,
  iss: issuer,
  aud: issuer,
  now: clock.now,
  ...more
})
const signer = (clock: Clock, more: Partial<SignOptions> = {}) => createSigner(resolveSignOptions(options(clock, more)))
const decode = (segment: string) => JSON.parse(Buffer.from(segment, 'base64url').toString()) as Record<string, unknown>

test('a token has the claims of a session, and their times belong together', async () => {
  const clock = new Clock()
  clock.at += 789
  const { token, claims, csrf, expiresAt } = await signJwt({ sub: 'ann', expiresIn: 600, ext: { authorization: 1 } }, options(clock))
  const [header, payload] = token.split('.').map((segment, index) => (index < 2 ? decode(segment) : {})) as [object, object]
  const iat = Math.floor(clock.at / 1000)
  assert.deepEqual(header, { alg: 'HS256', kid: 'own', typ: 'session+jwt' })
  assert.deepEqual(payload, { ...claims })
  assert.deepEqual(payload, {
    iss: issuer,
    aud: issuer,
    iat,
    nbf: iat - 60,
    exp: iat + 600,
    sub: 'ann',
    jti: claims.jti,
    csrf,
    ext: { authorization: 1 }
  })
  assert.match(csrf, /^[0-9a-f]{16}$/)
  assert.equal(expiresAt, claims.exp * 1000)
  assert.equal(issuedAt(claims), clock.at)
})

test('each token has a jti and a csrf of its own', async () => {
  const sign = signer(new Clock())
  const tokens = await Promise.all(Array.from({ length: 1000 }, () => sign({ sub: 'ann' })))
  assert.equal(new Set(tokens.map(({ claims }) => claims.jti)).size, 1000)
  assert.equal(new Set(tokens.map(({ csrf }) => csrf)).size, 1000)
  assert.equal(new Set(tokens.map(({ token }) => token)).size, 1000)
})

test('a token lives 20 minutes unless somebody says otherwise, and never longer than maxAge', async () => {
  for (const [given, request, seconds] of [
    [{}, {}, 1200],
    [{ expiresIn: 60 }, {}, 60],
    [{ expiresIn: 60 }, { expiresIn: 3600 }, 3600],
    [{ maxAge: 300 }, {}, 300],
    [{ maxAge: 300 }, { expiresIn: 300 }, 300]
  ] as const) {
    const { claims } = await signer(new Clock(), given)({ sub: 'ann', ...request })
    assert.equal(claims.exp - claims.iat, seconds)
  }
})

test('a token ends with its key, and with the session that it was made from', async () => {
  const clock = new Clock()
  const ring = await OwnRing.make()
  const sign = signer(clock, { keys: ring })
  ring.validUntil = clock.at + 90_999
  assert.equal((await sign({ sub: 'ann' })).expiresAt, clock.at + 90_000)
  assert.equal((await sign({ sub: 'ann', notAfter: clock.at + 30_500 })).expiresAt, clock.at + 30_000)
  assert.equal((await sign({ sub: 'ann', notAfter: clock.at + 3_600_000 })).expiresAt, clock.at + 90_000)
})

test('a token is issued later than what has been denied', async () => {
  const clock = new Clock()
  const { claims } = await signer(clock)({ sub: 'ann', after: clock.at + 1500 })
  assert.equal(issuedAt(claims), clock.at + 1501)
  assert.equal(claims.iat, clock.at / 1000 + 1)
})

test('sid and auth_time are claims where they are given', async () => {
  const clock = new Clock()
  const { token, claims } = await signer(clock)({ sub: 'ann', sid: 's1', authTime: clock.at / 1000 - 60 })
  assert.equal(claims.sid, 's1')
  assert.equal(claims.auth_time, clock.at / 1000 - 60)
  const result = await verifyJwt(token, rules(clock))
  assert.ok(result.ok)
  assert.deepEqual(result.jwt.claims, claims)
})

describe('a token that nobody could use is not signed', () => {
  const schema = { type: 'object', properties: { role: { enum: ['reader', 'editor'] } }, required: ['role'] }
  const text = 'a text of 1 to 512 characters without control characters.'
  const cases: readonly (readonly [
    name: string,
    request: object,
    fault: JwtSignFault,
    message: RegExp | string,
    given?: Partial<SignOptions>
  ])[] = [
    ['no sub', { sub: undefined }, 'claim', `The claim sub must be ${text}`],
    ['empty sub', { sub: '' }, 'claim', `The claim sub must be ${text}`],
    ['a sub that is a number', { sub: 1 }, 'claim', `The claim sub must be ${text}`],
    ['a sub that is too long', { sub: 'a'.repeat(513) }, 'claim', `The claim sub must be ${text}`],
    ['a newline in sub', { sub: 'ann\n' }, 'claim', `The claim sub must be ${text}`],
    ['half a surrogate pair in sub', { sub: '\uD800' }, 'claim', `The claim sub must be ${text}`],
    ['a sid that is a number', { sid: 1 }, 'claim', `The claim sid must be ${text}`],
    [
      'an auth_time that is no number',
      { authTime: Number.NaN },
      'claim',
      'The claim auth_time must be a whole number of seconds since 1970.'
    ],
    ['no time', { expiresIn: 0 }, 'expires-in', 'expiresIn must be a whole number of seconds from 1 to 86400 (the option maxAge).'],
    ['half a second', { expiresIn: 0.5 }, 'expires-in', /whole number of seconds/],
    ['a time that is a text', { expiresIn: '600' }, 'expires-in', /whole number of seconds/],
    ['more than maxAge', { expiresIn: 301 }, 'expires-in', /from 1 to 300/, { maxAge: 300 }],
    ['a session that is over', { notAfter: 1 }, 'expires-in', /ends in less than a second; there is no time left/],
    ['a session of which nobody knows the end', { notAfter: Number.NaN }, 'expires-in', /there is no time left/],
    ['an ext that is a text', { ext: 'x' }, 'ext', 'ext must be an object.'],
    ['an ext that is a list', { ext: [] }, 'ext', 'ext must be an object.'],
    ['an ext that is null', { ext: null }, 'ext', 'ext must be an object.'],
    [
      'an ext that is too large',
      { ext: { a: 'a'.repeat(2041) } },
      'ext',
      'ext has 2049 bytes of JSON, and 2048 is the limit (the option ext.maxBytes).'
    ],
    ['letters that have several bytes', { ext: { a: '\u20AC'.repeat(700) } }, 'ext', /ext has 2108 bytes/],
    [
      'an ext against its schema',
      { ext: { role: 'admin' } },
      'ext',
      'ext.role must be equal to one of the allowed values.',
      { ext: { schema } }
    ],
    ['no ext where the schema requires one', {}, 'ext', "ext must have required property 'role'.", { ext: { schema } }],
    [
      'more than a cookie takes',
      { sub: 'ann', ext: { a: 'a'.repeat(3000) } },
      'too-large',
      /^The token has \d+ bytes, and 4096 is the limit; put less into ext, or take an algorithm with shorter signatures\.$/,
      { ext: { maxBytes: 4000 } }
    ]
  ]
  for (const [name, request, fault, message, given] of cases) {
    test(name, async () => {
      await assert.rejects(signer(new Clock(), given)({ sub: 'ann', ...request }), (error) => {
        assert.ok(error instanceof JwtSignError)
        assert.equal(error.fault, fault)
        assert.equal(error.code, 'GS_JWT_SIGN')
        if (typeof message === 'string') assert.equal(error.message, message)
        else assert.match(error.message, message)
        return true
      })
    })
  }

  test('no key that can sign', async () => {
    const clock = new Clock()
    const ring = await OwnRing.make()
    ring.validUntil = clock.at
    await assert.rejects(signJwt({ sub: 'ann' }, options(clock, { keys: ring })), {
      fault: 'no-key',
      message: 'No key can sign: all of them only verify, or have retired. Put a private key first in the option keys.'
    })
  })
})

test('a token may have as many bytes as the limit says', async () => {
  const clock = new Clock()
  const { length } = (await signer(clock)({ sub: 'ann' })).token
  assert.equal((await signer(clock, { maxBytes: length })({ sub: 'ann' })).token.length, length)
  await assert.rejects(signer(clock, { maxBytes: length - 1 })({ sub: 'ann' }), { fault: 'too-large' })
})

describe('what JSON would change or drop is not signed', () => {
  const cycle: Record<string, unknown> = {}
  cycle['self'] = cycle
  const deep = (levels: number): object => (levels === 1 ? {} : { a: deep(levels - 1) })
  class Role {
    name = 'editor'
  }
  const cases: readonly (readonly [name: string, ext: object, message: string])[] = [
    ['a date', { at: new Date(0) }, 'ext.at is no plain object but a Date; write what of it the verifier shall read.'],
    ['a date as ext', new Date(0), 'ext is no plain object but a Date; write what of it the verifier shall read.'],
    ['a map', { a: [new Map()] }, 'ext.a.0 is no plain object but a Map; write what of it the verifier shall read.'],
    ['bytes', { a: Buffer.from('x') }, 'ext.a is no plain object but a Buffer; write what of it the verifier shall read.'],
    ['an object of a class', { role: new Role() }, 'ext.role is no plain object but a Role; write what of it the verifier shall read.'],
    ['an object with toJSON', { toJSON: () => ({ role: 'admin' }) }, 'ext.toJSON is a value of type function, which JSON does not have.'],
    ['a function', { a: { b: () => 1 } }, 'ext.a.b is a value of type function, which JSON does not have.'],
    ['a symbol', { a: Symbol('x') }, 'ext.a is a value of type symbol, which JSON does not have.'],
    ['a BigInt', { a: 1n }, 'ext.a is a value of type bigint, which JSON does not have.'],
    ['NaN', { a: Number.NaN }, 'ext.a is NaN, which JSON does not have.'],
    ['Infinity', { a: [0, -Infinity] }, 'ext.a.1 is -Infinity, which JSON does not have.'],
    ['undefined in a list', { a: [undefined] }, 'ext.a.0 is a value of type undefined, which JSON does not have.'],
    ['a hole in a list', { a: Array.from({ length: 1 }) }, 'ext.a.0 is a value of type undefined, which JSON does not have.'],
    ['half a surrogate pair', { a: 'x\uDC00' }, 'ext.a has half a surrogate pair, which not every verifier can read.'],
    ['half a surrogate pair in a name', { '\uD800': 1 }, 'ext has a member "\\ud800", which not every verifier can read.'],
    [
      '__proto__',
      JSON.parse('{"a":{"__proto__":{"role":"admin"}}}') as object,
      'ext.a has a member "__proto__", which not every verifier can read.'
    ],
    ['something that contains itself', cycle, `ext${'.self'.repeat(maxDepth - 1)} is nested deeper than 32 levels, or contains itself.`],
    ['deep nesting', deep(maxDepth), `ext${'.a'.repeat(maxDepth - 1)} is nested deeper than 32 levels, or contains itself.`],
    [
      'a getter that throws',
      {
        get role() {
          throw new Error('no database')
        }
      },
      'ext cannot be read: Error: no database.'
    ]
  ]
  for (const [name, ext, message] of cases) {
    test(name, async () => {
      await assert.rejects(signer(new Clock())({ sub: 'ann', ext: ext as Ext }), { name: 'JwtSignError', fault: 'ext', message })
    })
  }

  test('the deepest ext that is signed is accepted', async () => {
    const clock = new Clock()
    const { token } = await signJwt({ sub: 'ann', ext: deep(maxDepth - 1) as Ext }, options(clock))
    assert.ok((await verifyJwt(token, rules(clock))).ok)
  })
})

test('ext is read once and copied: what happens to it later does not matter', async () => {
  const clock = new Clock()
  let reads = 0
  const list = ['reader']
  const ext = {
    list,
    none: undefined,
    get role() {
      reads += 1
      return reads === 1 ? 'reader' : 'admin'
    }
  }
  const pending = signJwt(
    { sub: 'ann', ext },
    options(clock, { ext: { schema: { type: 'object', properties: { role: { const: 'reader' } } } } })
  )
  list.push('admin')
  const { token, claims } = await pending
  assert.equal(reads, 1)
  assert.deepEqual(claims.ext, { list: ['reader'], role: 'reader' })
  assert.throws(() => Object.assign(claims.ext as object, { role: 'admin' }), TypeError)
  const result = await verifyJwt(token, rules(clock))
  assert.ok(result.ok)
  assert.deepEqual(result.jwt.claims.ext, { list: ['reader'], role: 'reader' })
})

test('the claims that signing gives are those that a verifier reads, also where JSON has no such value', async () => {
  const clock = new Clock()
  const { token, claims } = await signJwt({ sub: 'ann', ext: { zero: -0, none: undefined } }, options(clock))
  const result = await verifyJwt(token, rules(clock))
  assert.ok(result.ok)
  assert.deepEqual(claims, result.jwt.claims)
  assert.deepEqual(claims.ext, { zero: 0 })
})

test('ext must fit its schema when a token comes, too', async () => {
  const clock = new Clock()
  const { token } = await signJwt({ sub: 'ann', ext: { role: 'editor' } }, options(clock))
  const schema = (role: string) => ({ ext: { schema: { type: 'object', properties: { role: { const: role } }, required: ['role'] } } })
  assert.ok((await verifyJwt(token, rules(clock, schema('editor')))).ok)
  assert.deepEqual(await verifyJwt(token, rules(clock, schema('admin'))), { ok: false, reason: 'ext' })
  const { token: bare } = await signJwt({ sub: 'ann' }, options(clock))
  assert.deepEqual(await verifyJwt(bare, rules(clock, schema('editor'))), { ok: false, reason: 'ext' })
})

test('a schema asks for members of its own, not for what every object has', async () => {
  const schema = { type: 'object', properties: { constructor: {} }, required: ['constructor'] }
  await assert.rejects(signer(new Clock(), { ext: { schema } })({ sub: 'ann', ext: {} }), { fault: 'ext' })
})

test('texts with quotes, backslashes, newlines and letters of all kinds come back as they were', async () => {
  const clock = new Clock()
  const texts = [
    '"',
    '","ext":{"role":"admin"},"x":"',
    '\\',
    '\\"',
    '\u2028\u2029',
    '</script>',
    '\u{1F600}',
    'e\u0301',
    'a,b}',
    '\u200F',
    'null'
  ]
  for (const text of texts) {
    const more = { iss: `https://example.com/${text}`, aud: text }
    const ext = { [text]: [text, { a: `${text}\n\0` }] }
    const { token } = await signJwt({ sub: text, ext }, options(clock, more))
    const result = await verifyJwt(token, rules(clock, more))
    assert.ok(result.ok)
    assert.equal(result.jwt.claims.sub, text)
    assert.equal(result.jwt.claims.iss, more.iss)
    assert.deepEqual(result.jwt.claims.ext, ext)
  }
})
