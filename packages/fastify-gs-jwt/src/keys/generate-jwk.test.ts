import assert from 'node:assert/strict'
import { test } from 'node:test'
import { calculateJwkThumbprint } from 'jose'
import { signJwt } from '../sign.ts'
import { verifyJwt } from '../verify.ts'
import { isSymmetric, jwsAlgorithms, type JwsAlgorithm } from './algorithms.ts'
import { generateJwk } from './generate-jwk.ts'
import { loadKeys } from './load-keys.ts'

const bytesOf = (text: unknown) => Buffer.from(String(text), 'base64url').length
const issuer = { iss: 'https://example.com', aud: 'https://example.com/shop' }

for (const alg of jwsAlgorithms) {
  test(`a new ${alg} key is named, says what it is for, and signs what it verifies`, async () => {
    const jwk = await generateJwk(alg)
    assert.deepEqual([jwk.alg, jwk.use], [alg, 'sig'])
    assert.equal(jwk.kid === (await calculateJwkThumbprint(jwk)), !isSymmetric(alg))
    assert.deepEqual(Object.keys(jwk), Object.keys(jwk).toSorted())
    assert.ok(isSymmetric(alg) ? jwk.k : (jwk.d ?? jwk.priv))
    const keys = await loadKeys({ jwk }, { alg })
    const { token } = await signJwt({ sub: 'ann' }, { ...issuer, keys, maxBytes: 8192 })
    const verified = await verifyJwt(token, { ...issuer, keys, maxBytes: 8192 })
    assert.ok(verified.ok)
    assert.deepEqual(verified.jwt.header, { alg, kid: jwk.kid, typ: 'session+jwt' })
  })
}

for (const alg of ['HS256', 'PS256', 'EdDSA'] as const) {
  test(`a new ${alg} key has the name that it would have without one`, async () => {
    const { kid, ...jwk } = await generateJwk(alg)
    assert.equal((await loadKeys({ jwk }, { alg })).signing(Date.now())?.kid, kid)
  })
}

test('no key is made twice', async () => {
  const [one, other] = await Promise.all([generateJwk('EdDSA'), generateJwk('EdDSA')])
  assert.notEqual(one.d, other.d)
  assert.notEqual(one.kid, other.kid)
})

test('secrets are as long as the hash of their algorithm (RFC 7518, 3.2)', async () => {
  const lengths = await Promise.all((['HS256', 'HS384', 'HS512'] as const).map(async (alg) => bytesOf((await generateJwk(alg)).k)))
  assert.deepEqual(lengths, [32, 48, 64])
})

test('RSA keys have 3072 bits, or what was asked for', async () => {
  assert.equal(bytesOf((await generateJwk('PS256')).n), 384)
  assert.equal(bytesOf((await generateJwk('RS256', { modulusLength: 2048 })).n), 256)
})

test('a key may have a name of its own', async () => {
  assert.equal((await generateJwk('ES256', { kid: '2026-11 ö' })).kid, '2026-11 ö')
})

const refusals: Record<string, [alg: string, options: object, message: RegExp]> = {
  'an unknown algorithm': ['ES255', {}, /^fastify-gs-jwt: the algorithm of a new key is missing or unknown; it is one of HS256, /],
  none: ['none', {}, /missing or unknown/],
  'an RSA key that is too short': ['RS256', { modulusLength: 1024 }, /modulusLength must be a multiple of 8 from 2048 to 8192/],
  'an RSA key that nobody can wait for': ['PS256', { modulusLength: 65_536 }, /modulusLength must be/],
  'bits that are no bytes': ['PS256', { modulusLength: 2049 }, /modulusLength must be/],
  'a length for a curve': ['ES256', { modulusLength: 2048 }, /is for RS and PS algorithms; ES256 has one length only/],
  'an empty name': ['ES256', { kid: '' }, /kid must be a text of 1 to 256 characters/],
  'a long name': ['ES256', { kid: 'k'.repeat(257) }, /kid must be/],
  'a name with a newline': ['ES256', { kid: 'a\nb' }, /kid must be/],
  'half a character': ['ES256', { kid: '\uD83D' }, /kid must be/],
  'a name that is no text': ['ES256', { kid: 7 }, /kid must be/]
}
for (const [name, [alg, options, message]] of Object.entries(refusals)) {
  test(`refuses ${name}`, async () => {
    await assert.rejects(generateJwk(alg as JwsAlgorithm, options), { name: 'JwtOptionError', code: 'GS_JWT_OPTION', message })
  })
}
