import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { inspect } from 'node:util'
import { JwtOptionError } from './errors.ts'
import { resolveOptions, resolveSignOptions, resolveVerifyOptions, type GsJwtOptions } from './options.ts'
import { OwnRing } from './testing/own-ring.ts'
import { issuer } from './testing/site.ts'

const keys = await OwnRing.make()
const plugin: GsJwtOptions = { keys, alg: 'HS256', iss: issuer, aud: issuer, cookieName: 'session' }
const low = { keys, iss: issuer, aud: issuer }

type Case = readonly [option: string, values: readonly unknown[], sentence: string]

const shared: readonly Case[] = [
  ['keys', [Promise.resolve(keys)], 'the option keys is a promise; write keys: await loadKeys(…).'],
  [
    'iss',
    [undefined, '', 1, null, 'a\n', '\uD800', 'a'.repeat(513)],
    'the option iss is missing or no text; write something like https://example.com.'
  ],
  ['aud', [undefined, '', [issuer], null], 'the option aud is missing or no text; write something like https://example.com/shop.'],
  ['now', [1, 'x', {}], 'the option now must be a function that returns ms since 1970.'],
  ['ext', [1, 'x'], 'the option ext must be an object like { schema: { … }, maxBytes: 1024 }.'],
  ['ext', [{ schemas: {} }], 'the option ext.schemas is not known; known are ext.schema, ext.maxBytes.'],
  [
    'ext',
    [{ maxBytes: 1 }, { maxBytes: '2048' }, { maxBytes: 65_537 }, { maxBytes: Number.NaN }],
    'the option ext.maxBytes must be a whole number of bytes from 2 to 65536.'
  ],
  [
    'ext',
    [{ schema: 'x' }, { schema: null }, { schema: true }],
    'the option ext.schema must be a JSON schema, like { type: "object", properties: { … } }.'
  ],
  [
    'ext',
    [{ schema: { type: 'objekt' } }],
    'the option ext.schema is no JSON schema: schema is invalid: data/type must be equal to one of the allowed values, data/type must be array, data/type must match a schema in anyOf.'
  ],
  [
    'ext',
    [{ schema: { type: 'object', propertys: {} } }],
    'the option ext.schema is no JSON schema: strict mode: unknown keyword: "propertys".'
  ],
  [
    'ext',
    [{ schema: { $ref: 'https://example.com/schema' } }],
    "the option ext.schema is no JSON schema: can't resolve reference https://example.com/schema from id #."
  ],
  ['ext', [{ schema: { $async: true, type: 'object' } }], 'the option ext.schema must not be asynchronous; leave $async out.'],
  ['typ', ['', 1, 'a\0'], 'the option typ is missing or no text; write something like session+jwt.']
]

const tolerance: Case = [
  'clockTolerance',
  [-1, 61, 0.5, '0', Number.NaN],
  'the option clockTolerance must be a whole number of seconds from 0 to 60.'
]
const ring: Case = ['keys', [undefined, null, 1, {}, [], { jwk: {} }], 'the option keys must be what loadKeys() or remoteKeys() has made.']
const size: Case = [
  'maxBytes',
  [63, 65_537, '4096', 1.5, Infinity],
  'the option maxBytes must be a whole number of bytes from 64 to 65536.'
]
const life: Case = [
  'expiresIn',
  [0, -1, 86_401, '600', 1.5, Infinity, Number.NaN],
  'the option expiresIn must be a whole number of seconds from 1 to 86400.'
]

const cases: readonly (readonly [
  what: string,
  resolve: (given: object) => unknown,
  right: object,
  table: readonly Case[],
  known: string
])[] = [
  [
    'fastify-gs-jwt',
    (given) => resolveOptions(given as GsJwtOptions),
    plugin,
    [
      ...shared,
      tolerance,
      life,
      ['keys', [undefined], 'the option keys is missing; make a key with "gs jwk generate" and write keys: { file: "jwt.jwk.json" }.'],
      [
        'alg',
        [undefined, 'none', 'ES257', 'es256', 1, ['ES256'], 'constructor'],
        'the option alg is missing or unknown; it is one of HS256, HS384, HS512, RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA, Ed25519, ML-DSA-44, ML-DSA-65, ML-DSA-87.'
      ],
      [
        'cookieName',
        [undefined, '', 'a b', 'a;b', 'a=b', '__Host-session', '__host-session', '__Secure-session', 'a'.repeat(65), 'sessiön', 'a\n'],
        'the option cookieName must be a name like "session" of letters, digits and . _ ~ -, without __Host-, which is put in front of it.'
      ],
      ['maxAge', [0, 86_401, '3600', 1.5, Infinity], 'the option maxAge must be a whole number of seconds from 1 to 86400.'],
      ['renewFor', [-1, 31_536_001, '1', 0.5], 'the option renewFor must be a whole number of seconds from 0 to 31536000.'],
      ['cache', [-1, 10_000_001, '1', true], 'the option cache must be a whole number of tokens from 0 to 10000000.'],
      ['sameSite', ['none', 'Lax', true], 'the option sameSite must be "lax" or "strict".'],
      ['secure', ['no', 0, 'auto'], 'the option secure must be true or false.'],
      ['bearer', ['no', 1], 'the option bearer must be true or false.'],
      [
        'denylist',
        [null, {}, { deny() {} }, { deniedBefore() {} }, 'memory'],
        'the option denylist must be what memoryDenylist() or databaseDenylist() has made, or have the methods deny and deniedBefore.'
      ],
      ['origins', ['https://example.com', {}], 'the option origins must be a list of origins like https://example.com.'],
      [
        'origins',
        [['https://example.com/'], ['example.com'], ['null'], ['*'], [1], ['HTTPS://example.com']],
        'the option origins must be a list of origins like https://example.com, without path and slash at the end.'
      ],
      ['jwks', ['jwks.json', '/', '/a b', '/:a', '/a*', true, 1], 'the option jwks must be a path like /.well-known/jwks.json, or false.'],
      ['prefix', ['jwt', '/', '/jwt/', '', '/a b', '/:a', false, 1], 'the option prefix must be a path like /jwt.'],
      ['sessionRoutes', ['no', 0], 'the option sessionRoutes must be true or false.'],
      ['liveInterval', [0, 61, 0.5, '5'], 'the option liveInterval must be a whole number of seconds from 1 to 60.'],
      ['denylist', [Promise.resolve({})], 'the option denylist is a promise; write denylist: await databaseDenylist({ … }).']
    ],
    'keys, alg, iss, aud, cookieName'
  ],
  [
    'verifyJwt',
    (given) => resolveVerifyOptions(given as never),
    low,
    [
      ...shared,
      tolerance,
      ring,
      size,
      ['maxAge', [0, '1', 1.5, Infinity, 2 ** 53], 'the option maxAge must be a whole number of seconds from 1 to 9007199254740991.'],
      ['required', [null, 'sub', ['exp'], ['sub', 1], {}], 'the option required must be a list of nbf, sub, jti, csrf.']
    ],
    'keys, iss, aud'
  ],
  ['signJwt', (given) => resolveSignOptions(given as never), low, [...shared, ring, size, life], 'keys, iss, aud']
]

for (const [what, resolve, right, table, known] of cases) {
  describe(`options of ${what}`, () => {
    test('the least that is needed is enough', () => {
      assert.ok(resolve(right))
    })

    for (const [option, values, sentence] of table) {
      for (const value of values) {
        test(`${option}: ${inspect(value).slice(0, 50)} is refused`, () => {
          assert.throws(
            () => resolve({ ...right, [option]: value }),
            (error) => {
              assert.ok(error instanceof JwtOptionError)
              assert.equal(error.message, `fastify-gs-jwt: ${sentence}`)
              assert.equal(error.code, 'GS_JWT_OPTION')
              return true
            }
          )
        })
      }
    }

    test('an option that is not known is refused', () => {
      assert.throws(
        () => resolve({ ...right, expires: 1 }),
        (error) => {
          assert.ok(error instanceof JwtOptionError)
          assert.ok(error.message.startsWith(`fastify-gs-jwt: the option expires is not known; known are ${known}`), error.message)
          return true
        }
      )
    })

    test('no options are refused', () => {
      for (const given of [undefined, null, 'x']) {
        assert.throws(() => resolve(given as never), { message: `fastify-gs-jwt: ${what} needs an object with options.` })
      }
    })
  })
}

test('what is not said has the value that is documented', () => {
  const { checkExt, now, keys: _keys, ...rest } = resolveOptions(plugin)
  assert.deepEqual(rest, {
    alg: 'HS256',
    iss: issuer,
    aud: issuer,
    cookieName: 'session',
    expiresIn: 1200,
    maxAge: 86_400,
    renewFor: 0,
    typ: 'session+jwt',
    clockTolerance: 0,
    sameSite: 'lax',
    secure: true,
    bearer: false,
    cache: 10_000,
    denylist: null,
    origins: [],
    jwks: '/.well-known/jwks.json',
    prefix: '/jwt',
    sessionRoutes: true,
    liveInterval: 5
  })
  assert.equal(now, Date.now)
  assert.equal(checkExt({ anything: [1] }), null)
  assert.match(checkExt({ a: 'a'.repeat(2048) })!, /2048 is the limit/)
})

test('a shorter maxAge shortens what is given by default', () => {
  assert.equal(resolveOptions({ ...plugin, maxAge: 600 }).expiresIn, 600)
  assert.equal(resolveSignOptions({ ...low, maxAge: 600 }).expiresIn, 600)
})
