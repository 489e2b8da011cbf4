import assert from 'node:assert/strict'
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { inspect } from 'node:util'
import { calculateJwkThumbprint, type JWK } from 'jose'
import { signJwt } from '../sign.ts'
import * as certificates from '../testing/certificates.ts'
import { verifyJwt } from '../verify.ts'
import { isSymmetric, jwsAlgorithms, type JwsAlgorithm } from './algorithms.ts'
import { generateJwk } from './generate-jwk.ts'
import type { KeyRing } from './key-ring.ts'
import { loadKeys, type KeySource } from './load-keys.ts'

// Node.js says once that ML-DSA is experimental.
process.removeAllListeners('warning')

const issuer = { iss: 'https://example.com', aud: 'https://example.com/shop', maxBytes: 8192 }
const sign = async (keys: KeyRing) => (await signJwt({ sub: 'ann' }, { ...issuer, keys })).token
const verify = async (token: string, keys: KeyRing) => {
  const result = await verifyJwt(token, { ...issuer, keys })
  return result.ok ? `${result.jwt.header.alg} ${result.jwt.header.kid}` : result.reason
}

const members = new Set(['kty', 'crv', 'x', 'y', 'n', 'e', 'pub', 'kid', 'alg', 'use'])
const privateObject = (jwk: JWK): KeyObject => createPrivateKey({ key: jwk, format: 'jwk' })
const pkcs8 = (jwk: JWK) => privateObject(jwk).export({ type: 'pkcs8', format: 'pem' }) as string
const spki = (jwk: JWK) => createPublicKey(privateObject(jwk)).export({ type: 'spki', format: 'pem' }) as string
const bare = ({ alg: _alg, kid: _kid, use: _use, ...jwk }: JWK): JWK => (jwk.kty === 'AKP' ? { ...jwk, alg: _alg! } : jwk)
const publicOf = (jwk: JWK): JWK => Object.fromEntries(Object.entries(jwk).filter(([name]) => members.has(name)))

const jwks = new Map<JwsAlgorithm, JWK>()
let directory: string
before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gs-jwt-keys-'))
  for (const alg of jwsAlgorithms) jwks.set(alg, await generateJwk(alg, /^[RP]S/.test(alg) ? { modulusLength: 2048 } : {}))
})
after(() => rm(directory, { recursive: true }))

let files = 0
async function fileOf(text: string, mode = 0o600): Promise<string> {
  const path = join(directory, `key-${++files}`)
  await writeFile(path, text, { mode })
  return path
}

for (const alg of jwsAlgorithms) {
  describe(alg, () => {
    test('signs and verifies as JWK, as JWKS and from files of both', async () => {
      const jwk = jwks.get(alg)!
      const set = { keys: [jwk] }
      const sources: KeySource[] = [
        { jwk },
        { jwk: set },
        { file: await fileOf(JSON.stringify(jwk)) },
        { file: await fileOf(`\uFEFF${JSON.stringify(set, null, 2)}\n`) }
      ]
      const rings = await Promise.all(sources.map((source) => loadKeys(source, { alg })))
      for (const ring of rings) {
        assert.deepEqual(ring.algorithms, [alg])
        for (const other of rings) assert.equal(await verify(await sign(ring), other), `${alg} ${jwk.kid}`)
      }
    })

    test('has the name of its thumbprint when it has no other, and the algorithm of the option', async () => {
      const jwk = bare(jwks.get(alg)!)
      const keys = await loadKeys({ jwk }, { alg })
      const kid = isSymmetric(alg) ? keys.signing(0)!.kid : await calculateJwkThumbprint(jwk)
      assert.equal(await verify(await sign(keys), keys), `${alg} ${kid}`)
      assert.equal((await loadKeys({ jwk, kid: 'k1' }, { alg })).signing(0)!.kid, 'k1')
    })

    test('cannot be taken out of memory', async () => {
      const keys = await loadKeys({ jwk: jwks.get(alg)! }, { alg })
      const { kid, key } = keys.signing(0)!
      assert.equal(key.extractable, false)
      assert.equal((await keys.find(kid, 0))!.key.extractable, false)
      const { d, k, priv } = jwks.get(alg)!
      assert.ok(!inspect(keys, { depth: 10, showHidden: true }).includes((d ?? k ?? priv)!))
    })

    if (isSymmetric(alg)) {
      test('signs with a text or bytes as secret, publishes nothing, and has a name that is no hash of the secret', async () => {
        const secret = jwks.get(alg)!.k!.slice(0, 64).padEnd(64, '-')
        const text = await loadKeys({ secret }, { alg })
        const bytes = await loadKeys({ secret: Buffer.from(secret) }, { alg })
        assert.equal(await verify(await sign(text), bytes), `${alg} ${bytes.signing(0)!.kid}`)
        assert.deepEqual(text.publicKeys(0), [])
        assert.notEqual(text.signing(0)!.kid, await calculateJwkThumbprint({ kty: 'oct', k: Buffer.from(secret).toString('base64url') }))
      })
    } else {
      test('signs and verifies as PKCS#8 and SPKI, in text and file', async () => {
        const jwk = jwks.get(alg)!
        const kid = await calculateJwkThumbprint(jwk)
        const encrypted = privateObject(jwk).export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'open' }) as string
        const signers: KeySource[] = [
          { pem: pkcs8(jwk) },
          { pem: pkcs8(jwk) + spki(jwk) },
          { pem: encrypted, passphrase: 'open' },
          { pem: encrypted.replaceAll('\n', '\r\n'), passphrase: Buffer.from('open') },
          { file: await fileOf(encrypted), passphrase: 'open' },
          { file: await fileOf(`a comment\n${pkcs8(jwk)}`) }
        ]
        const verifiers: KeySource[] = [{ pem: spki(jwk) }, { file: await fileOf(spki(jwk), 0o644) }, { jwk: publicOf(bare(jwk)) }]
        for (const source of signers) {
          const token = await sign(await loadKeys(source, { alg }))
          for (const other of verifiers) assert.equal(await verify(token, await loadKeys(other, { alg })), `${alg} ${kid}`)
        }
      })

      test('publishes exactly the public members, its name, algorithm and use', async () => {
        const jwk = jwks.get(alg)!
        const [published, ...others] = (
          await loadKeys({ jwk: { ...jwk, key_ops: ['sign'], ext: true, x5u: 'https://example.com' } }, { alg })
        ).publicKeys(0)
        assert.deepEqual(published, publicOf(jwk))
        assert.deepEqual(others, [])
      })

      test('of public keys nothing can be signed', async () => {
        assert.equal((await loadKeys({ jwk: publicOf(jwks.get(alg)!) }, { alg })).signing(0), null)
      })
    }
  })
}

describe('PEM of other programs', () => {
  const ec = () => privateObject(jwks.get('ES256')!)
  const rsa = () => privateObject(jwks.get('RS256')!)
  test('SEC1 and PKCS#1 are read, also encrypted, and with their parameters in front', async () => {
    const sec1 = ec().export({ type: 'sec1', format: 'pem' }) as string
    const parameters = '-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n'
    const locked = { format: 'pem', cipher: 'aes-256-cbc', passphrase: 'open' } as const
    const cases: [JwsAlgorithm, KeySource][] = [
      ['ES256', { pem: parameters + sec1 }],
      ['ES256', { pem: ec().export({ type: 'sec1', ...locked }) as string, passphrase: 'open' }],
      ['RS256', { pem: rsa().export({ type: 'pkcs1', format: 'pem' }) as string }],
      ['RS256', { pem: rsa().export({ type: 'pkcs1', ...locked }) as string, passphrase: 'open' }]
    ]
    for (const [alg, source] of cases) {
      const kid = await calculateJwkThumbprint(jwks.get(alg)!)
      assert.equal(
        await verify(await sign(await loadKeys(source, { alg })), await loadKeys({ jwk: jwks.get(alg)!, kid }, { alg })),
        `${alg} ${kid}`
      )
    }
    const pkcs1 = createPublicKey(rsa()).export({ type: 'pkcs1', format: 'pem' }) as string
    assert.deepEqual((await loadKeys({ pem: pkcs1 }, { alg: 'RS256' })).algorithms, ['RS256'])
  })

  test('several keys in one text: the first signs, all verify', async () => {
    const [one, other] = [await generateJwk('ES256'), await generateJwk('ES256')]
    const keys = await loadKeys({ pem: pkcs8(one) + pkcs8(other) }, { alg: 'ES256' })
    assert.equal(keys.signing(0)!.kid, one.kid)
    assert.deepEqual(
      keys.publicKeys(0).map(({ kid }) => kid),
      [one.kid, other.kid]
    )
    assert.equal(await verify(await sign(await loadKeys({ jwk: other }, { alg: 'ES256' })), keys), `ES256 ${other.kid}`)
  })

  test('a certificate is its public key, whatever its dates say', async () => {
    const keys = await loadKeys({ pem: certificates.leafKey }, { alg: 'ES256' })
    for (const pem of [certificates.leaf, certificates.selfSigned]) {
      const verifying = await loadKeys({ pem }, { alg: 'ES256' })
      assert.equal(verifying.signing(0), null)
      assert.equal(await verify(await sign(keys), verifying), `ES256 ${keys.signing(0)!.kid}`)
    }
  })

  test('a private key and its certificate are one key, in any order', async () => {
    for (const pem of [certificates.leafKey + certificates.leaf, certificates.selfSigned + certificates.leafKey]) {
      const keys = await loadKeys({ pem }, { alg: 'ES256' })
      assert.equal(keys.publicKeys(0).length, 1)
      assert.equal(await verify(await sign(keys), keys), `ES256 ${keys.signing(0)!.kid}`)
    }
  })

  test('a chain is refused, because its authority would verify, too', async () => {
    await assert.rejects(
      loadKeys({ pem: certificates.leafKey + certificates.leaf + certificates.authority }, { alg: 'ES256' }),
      /^JwtKeyError: The key in the option keys is a chain of certificates, whose authority could sign tokens, too/
    )
  })

  test('a damaged certificate is named', async () => {
    const pem = certificates.leaf.replace(/\n.{20}/, '\nAAAA')
    await assert.rejects(loadKeys({ pem }, { alg: 'ES256' }), /^JwtKeyError: The CERTIFICATE of the key in the option keys is damaged/)
  })
})

describe('several keys', () => {
  test('each verifies its own algorithm and no other', async () => {
    const keys = await loadKeys([{ jwk: jwks.get('ES256')! }, { jwk: jwks.get('RS256')! }, { jwk: jwks.get('EdDSA')! }], { alg: 'ES256' })
    assert.deepEqual(keys.algorithms, ['ES256', 'RS256', 'EdDSA'])
    const same = bare(jwks.get('RS256')!)
    const { kid } = jwks.get('RS256')!
    assert.equal(await verify(await sign(await loadKeys({ jwk: same, alg: 'RS256', kid: kid! }, { alg: 'ES256' })), keys), `RS256 ${kid}`)
    assert.equal(await verify(await sign(await loadKeys({ jwk: same, alg: 'PS256', kid: kid! }, { alg: 'ES256' })), keys), 'alg')
  })

  test('a token without kid means the only key, and none when there are several', async () => {
    const one = await loadKeys({ jwk: jwks.get('ES256')! }, { alg: 'ES256' })
    const two = await loadKeys([{ jwk: jwks.get('ES256')! }, { jwk: jwks.get('ES384')! }], { alg: 'ES256' })
    assert.equal((await one.find(undefined, 0))!.kid, jwks.get('ES256')!.kid)
    assert.equal(await two.find(undefined, 0), null)
  })

  test('names that are members of every object name no key', async () => {
    const keys = await loadKeys({ jwk: jwks.get('ES256')! }, { alg: 'ES256' })
    for (const kid of ['__proto__', 'constructor', 'toString', '', '../../dev/null', "' or 1=1"])
      assert.equal(await keys.find(kid, 0), null)
  })

  test('EdDSA and Ed25519 are two names, of which a key has one', async () => {
    const keys = await loadKeys({ jwk: bare(jwks.get('EdDSA')!), alg: 'EdDSA', kid: 'k' }, { alg: 'ES256' })
    const other = await loadKeys({ jwk: bare(jwks.get('EdDSA')!), alg: 'Ed25519', kid: 'k' }, { alg: 'ES256' })
    assert.equal(await verify(await sign(keys), keys), 'EdDSA k')
    assert.equal(await verify(await sign(other), keys), 'alg')
  })
})
