import assert from 'node:assert/strict'
import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes, type KeyObject } from 'node:crypto'
import { describe, test } from 'node:test'
import { inspect } from 'node:util'
import type { JWK } from 'jose'
import type { JwsAlgorithm } from './algorithms.ts'
import { generateJwk } from './generate-jwk.ts'
import { loadKeys, type KeySource } from './load-keys.ts'

process.removeAllListeners('warning')

const make = {
  ES256: await generateJwk('ES256'),
  other: await generateJwk('ES256'),
  ES512: await generateJwk('ES512'),
  EdDSA: await generateJwk('EdDSA'),
  RS256: await generateJwk('RS256', { modulusLength: 2048 }),
  otherRSA: await generateJwk('RS256', { modulusLength: 2048 }),
  HS256: await generateJwk('HS256'),
  otherHS: await generateJwk('HS256'),
  ML: await generateJwk('ML-DSA-44'),
  otherML: await generateJwk('ML-DSA-44')
}
const { ES256, ES512, EdDSA, HS256, ML, RS256, other, otherHS, otherML, otherRSA } = make
const without = (jwk: JWK, ...names: string[]): JWK => Object.fromEntries(Object.entries(jwk).filter(([name]) => !names.includes(name)))
const publicES256 = without(ES256, 'd')
const pem = (jwk: JWK, passphrase?: string) =>
  createPrivateKey({ key: jwk, format: 'jwk' }).export({
    type: 'pkcs8',
    format: 'pem',
    ...(passphrase !== undefined && { cipher: 'aes-256-cbc', passphrase })
  }) as string
const publicPem = createPublicKey(pem(ES256)).export({ type: 'spki', format: 'pem' }) as string
const pemOf = (type: string, options: object) =>
  (generateKeyPairSync as (type: string, options: object) => { readonly privateKey: KeyObject })(type, options).privateKey.export({
    type: 'pkcs8',
    format: 'pem'
  }) as string
const rsaOf = (modulusLength: number, publicExponent = 65_537) => pemOf('rsa', { modulusLength, publicExponent })
/** With n of a good key, and an exponent that lets everybody sign. */
const everybody: JWK = { ...without(RS256, 'd', 'p', 'q', 'dp', 'dq', 'qi'), e: 'AQ' }

type Case = readonly [what: string, source: unknown, message: RegExp, alg?: JwsAlgorithm]

const keyCases: Case[] = [
  ['an algorithm that there is not', { jwk: { ...ES256, alg: 'ES256K' } }, /^The alg of the key in the option keys is "ES256K"/],
  ['none', { jwk: { ...ES256, alg: 'none' } }, /The alg of .* is "none"/],
  ['an algorithm that is no text', { jwk: { ...ES256, alg: 5 } }, /The alg of .* is no text/],
  ['an algorithm that contradicts the option', { jwk: RS256, alg: 'PS256' }, /says that its alg is RS256, and the option keys says PS256/],
  ['another name of its algorithm', { jwk: EdDSA, alg: 'Ed25519' }, /says that its alg is EdDSA, and the option keys says Ed25519/],
  [
    'a curve that its algorithm has not',
    { jwk: { ...ES512, alg: 'ES256' } },
    /is of the type EC P-521, and ES256 needs EC P-256; .*\(ES512\)/
  ],
  ['a type that the algorithm of the option has not', { pem: pem(RS256) }, /is of the type RSA, and ES256 needs EC P-256; .*RS256/],
  ['a type that no algorithm has', { jwk: { kty: 'OKP', crv: 'X25519', x: 'AAAA' } }, /is of the type OKP X25519, .* take another key/],
  ['a secp256k1 key', { pem: pemOf('ec', { namedCurve: 'secp256k1' }) }, /is of the type EC secp256k1/],
  ['an Ed448 key', { pem: pemOf('ed448', {}) }, /is an Ed448 key, which is not supported; make one for Ed25519/],
  ['an Ed448 key as JWK', { jwk: { kty: 'OKP', crv: 'Ed448', x: 'AAAA' }, alg: 'EdDSA' }, /is an Ed448 key, which is not supported/],
  ['an RSA-PSS key', { pem: pemOf('rsa-pss', { modulusLength: 2048 }) }, /is of the type rsa-pss, .*for PS256 a plain RSA key/],
  ['an RSA key of 1024 bits', { pem: rsaOf(1024) }, /has 1024 bits, and RSA keys must have 2048 to 8192/, 'RS256'],
  ['an RSA key of 2040 bits', { pem: rsaOf(2040) }, /has 2040 bits/, 'PS256'],
  ['an RSA key with the exponent 1', { jwk: everybody }, /^The public exponent of .* is not usual/],
  [
    'a secret of 31 bytes',
    { secret: randomBytes(31) },
    /has 31 bytes, and HS256 needs 32 random ones.*gs jwk generate --alg HS256/,
    'HS256'
  ],
  ['a secret of 47 bytes', { secret: randomBytes(47) }, /has 47 bytes, and HS384 needs 48/, 'HS384'],
  ['a secret of 63 bytes', { secret: randomBytes(63) }, /has 63 bytes, and HS512 needs 64/, 'HS512'],
  ['an empty secret', { secret: '' }, /has 0 bytes/, 'HS256'],
  ['a secret of zeros', { secret: Buffer.alloc(64) }, /is not random/, 'HS256'],
  ['a public key in PEM as a secret', { secret: publicPem }, /is the text of a key; write it as pem, jwk or file/, 'HS256'],
  ['the same as bytes', { secret: Buffer.from(`\n${publicPem}`) }, /is the text of a key/, 'HS256'],
  ['a public JWK as a secret', { secret: JSON.stringify(publicES256, null, 2) }, /is the text of a key/, 'HS256'],
  ['a repeated word', { secret: 'changeme'.repeat(8) }, /is not random/, 'HS256'],
  ['a secret JWK that is too short', { jwk: { ...HS256, k: HS256.k!.slice(0, 12) } }, /has 9 bytes/],
  ['a secret JWK that is no base64url', { jwk: { ...HS256, k: `${HS256.k}==` } }, /The member k of .* is missing or no base64url/],
  ['a secret JWK without secret', { jwk: without(HS256, 'k') }, /The member k of .* is missing/],
  ['a secret JWK for a private algorithm', { jwk: without(HS256, 'alg') }, /is of the type oct, and ES256 needs EC P-256/],
  ['a public key as a secret', { jwk: publicES256, alg: 'HS256' }, /says that its alg is ES256, and the option keys says HS256/],
  [
    'a public key without algorithm as a secret',
    { jwk: without(publicES256, 'alg') },
    /is of the type EC P-256, and HS256 needs oct/,
    'HS256'
  ],
  ['a key for encryption', { jwk: { ...ES256, use: 'enc' } }, /The use of .* is "enc", not "sig"/],
  ['a private key that may not sign', { jwk: { ...ES256, key_ops: ['verify'] } }, /The key_ops of .* does not allow to sign;/],
  ['a public key that may not verify', { jwk: { ...publicES256, key_ops: ['encrypt'] } }, /does not allow to verify;/],
  ['a secret that may only sign', { jwk: { ...HS256, key_ops: ['sign'] } }, /does not allow to sign and verify;/],
  ['key_ops that is no list', { jwk: { ...ES256, key_ops: 'sign' } }, /key_ops of .* is no list/],
  ['key_ops with a value twice', { jwk: { ...ES256, key_ops: ['sign', 'sign'] } }, /key_ops of .* is no list of different texts/],
  ['a kid that is no text', { jwk: { ...ES256, kid: 7 } }, /The kid of .* is no text/],
  ['a kid that is too long', { jwk: { ...ES256, kid: 'k'.repeat(257) } }, /The kid of .* is no text of 1 to 256/],
  ['a point off the curve', { jwk: { ...publicES256, y: publicES256.x } }, /The public members of .* not a point of its curve/],
  ['half a point', { jwk: without(publicES256, 'y') }, /The public members of .* incomplete/],
  ['members that are no text', { jwk: { ...publicES256, x: 5 } }, /The public members of .* damaged/],
  ['private members of another EC key', { jwk: { ...ES256, d: other.d } }, /private members of .*/],
  ['private members of another RSA key', { jwk: { ...otherRSA, n: RS256.n } }, /private members of .*/],
  ['private members of another Ed25519 key', { jwk: { ...EdDSA, x: 'A'.repeat(43) } }, /members of .*/],
  ['private members of another ML-DSA key', { jwk: { ...ML, pub: otherML.pub } }, /private members of .*/],
  ['half a private key', { jwk: without(RS256, 'd') }, /private members of .* incomplete/],
  ['private members that are null', { jwk: { ...ES256, d: null } }, /private members of .* damaged/],
  [
    'secrets and private keys',
    [{ jwk: HS256 }, { jwk: ES256 }],
    /^The key in keys\[0\] is a secret \(HS256\), and the key in keys\[1\] a key for ES256/
  ],
  [
    'two keys with one name',
    [{ jwk: ES256 }, { jwk: { ...other, kid: ES256.kid } }],
    /in keys\[1\] and the key in keys\[0\] have the same kid/
  ],
  [
    'two secrets with one name',
    [
      { jwk: HS256, kid: 'a' },
      { jwk: otherHS, kid: 'a' }
    ],
    /have the same kid "a"/
  ],
  ['the same key twice', [{ jwk: ES256 }, { jwk: publicES256, kid: 'again' }], /in keys\[1\] and the key in keys\[0\] are the same key/],
  ['the same key for two algorithms', [{ jwk: RS256 }, { jwk: without(RS256, 'alg'), alg: 'PS256', kid: 'p' }], /are the same key/],
  ['a JWKS without keys', { jwk: { keys: [] } }, /must have 1 to 100 keys in its list/],
  ['a JWKS whose keys are no list', { jwk: { keys: ES256 } }, /must have 1 to 100 keys in its list/],
  ['a JWKS with a text in it', { jwk: { keys: [ES256, 'x'] } }, /is neither a JWK/],
  ['an object that is no JWK', { jwk: { d: ES256.d } }, /is neither a JWK/],
  ['a key of a JWKS', { jwk: { keys: [ES256, { ...other, use: 'enc' }] } }, /^The use of the key in the option keys \(number 2\)/],
  ['no PEM', { pem: 'c2VjcmV0' }, /is damaged or no key: neither JSON nor PEM/],
  ['half a PEM', { pem: pem(ES256).slice(0, -40) }, /is damaged or no key/],
  ['a second key without end', { pem: pem(ES256) + pem(other).slice(0, 60) }, /is damaged or no key/],
  ['a damaged PEM', { pem: pem(ES256).replace(/\n.{20}/, '\nAAAA') }, /^The PRIVATE KEY of the key in the option keys is damaged/],
  [
    'a PEM of something else',
    { pem: '-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----' },
    /The OPENSSH PRIVATE KEY of .* is no key for tokens/
  ],
  [
    'parameters alone',
    { pem: '-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----' },
    /has the parameters of a key, but no key/
  ],
  ['an encrypted key without passphrase', { pem: pem(ES256, 'open') }, /is encrypted; add its passphrase/],
  ['a wrong passphrase', { pem: pem(ES256, 'open'), passphrase: 'sesame' }, /cannot be decrypted: the passphrase is wrong/],
  ['keys that have all retired', { jwk: ES256, retireAt: '2020-01-01' }, /^All keys of the option keys have retired/],
  [
    'a gap without a key that signs',
    [
      { jwk: ES256, signsFrom: '2100-02-01' },
      { jwk: other, retireAt: '2100-01-01' }
    ],
    /^Before 2100-02-01T00:00:00.000Z, when the key in keys\[0\] begins to sign, no key signs/
  ],
  ['a key alone that does not sign yet', { jwk: ES256, signsFrom: '2100-02-01' }, /no key signs; keep the former key until then/]
]

const optionCases: Case[] = [
  ['no source', [], /the option keys has no key/],
  ['a text', 'secret', /the option keys must be an object with one of file, jwk, pem, secret/],
  ['bytes', randomBytes(32), /must be an object with one of/],
  ['nothing', null, /must be an object with one of/],
  ['an empty object', {}, /must be an object with one of .*, and not more than one/],
  ['two kinds at once', { jwk: ES256, pem: pem(ES256) }, /and not more than one/],
  [
    'a member that is not known',
    { jwk: ES256, retiresAt: '2030-01-01' },
    /has the member retiresAt, which is not known; known are file, jwk/
  ],
  ['a source of a list', [{ jwk: ES256 }, { jwk: other, alg: 'none' }], /the alg of keys\[1\] is unknown; it is one of HS256/],
  ['a name that is none', { jwk: ES256, kid: 'a\nb' }, /the kid of the option keys must be a text/],
  ['one name for two keys', { jwk: { keys: [ES256, other] }, kid: 'a' }, /can name one key, and there are 2/],
  ['a key as the name of a file', { file: pem(ES256) }, /must be the path of a file; a key itself belongs into jwk, pem or secret/],
  ['a JWK as the name of a file', { file: JSON.stringify(ES256) }, /must be the path of a file/],
  ['a text as JWK', { jwk: JSON.stringify(ES256) }, /the jwk of the option keys must be an object/],
  ['a passphrase for a JWK', { jwk: ES256, passphrase: 'x' }, /passphrase of .* goes with file or pem only/],
  ['a passphrase that is none', { pem: pem(ES256), passphrase: 5 }, /passphrase of .* must be a text or bytes/],
  ['a secret that is none', { secret: 5 }, /secret of .* must be a text or bytes/],
  ['a secret for a private algorithm', { secret: randomBytes(32) }, /is a secret, and the algorithm ES256 has private keys/],
  ...[
    'yesterday',
    '',
    '2030-01-01T00:00',
    '2030-02-30',
    '2030-13-01',
    '2030-01-01T25:00Z',
    1_900_000_000,
    Number.NaN,
    new Date('x'),
    true
  ].map((retireAt): Case => [
    `the date ${String(retireAt)}`,
    { jwk: ES256, retireAt },
    /the retireAt of the option keys must be a date like/
  ]),
  ['a date of signing that is none', { jwk: ES256, signsFrom: 'soon' }, /the signsFrom of the option keys must be a date like/],
  ['a key that retires before it signs', { jwk: ES256, signsFrom: '2100-01-02', retireAt: '2100-01-01' }, /never signs/]
]

const secrets = [...Object.values(make).flatMap(({ d, k, priv, p }) => [d, k, priv, p]), ...pem(ES256).split('\n').slice(1, -2)].filter(
  (text): text is string => text !== undefined
)

for (const [name, cases] of [
  ['JwtKeyError', keyCases],
  ['JwtOptionError', optionCases]
] as const) {
  describe(`${name} refuses`, () => {
    for (const [what, source, message, alg = 'ES256'] of cases) {
      test(what, async () => {
        const error = await loadKeys(source as KeySource, { alg }).then(
          () => assert.fail('it was not refused'),
          (thrown: Error) => thrown
        )
        assert.equal(error.name, name, error.message)
        assert.match(error.message, message)
        assert.match(error.message, /\.$/)
        const shown = inspect(error, { depth: 10, showHidden: true })
        for (const secret of secrets) assert.ok(!shown.includes(secret), 'the message has a secret in it')
      })
    }
  })
}

describe('dates', () => {
  for (const retireAt of ['2028-02-29', '2030-01-01T12:00Z', '2030-01-01T12:00:00.5+01:00', new Date('2030-01-01'), Date.UTC(2030, 0, 1)]) {
    test(`${String(retireAt)} is one`, async () => {
      const keys = await loadKeys({ jwk: ES256, retireAt }, { alg: 'ES256', now: () => Date.UTC(2027) })
      assert.equal(keys.signing(Date.UTC(2027))!.validUntil, new Date(retireAt).getTime())
    })
  }
})
