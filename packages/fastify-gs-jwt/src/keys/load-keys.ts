import type { webcrypto } from 'node:crypto'
import { calculateJwkThumbprint, importJWK, type CryptoKey, type JWK } from 'jose'
import { JwtKeyError } from '../errors.ts'
import { isSymmetric, type JwsAlgorithm } from './algorithms.ts'
import type { KeyRing, SigningKey, VerifyKey } from './key-ring.ts'

/** A key, or several (JWKS, PEM with more than one). */
export type KeySource = { readonly jwk: JWK } & {
  readonly alg?: JwsAlgorithm
  readonly kid?: string
  readonly retireAt?: Date | number | string
}

const publicParts = ['kty', 'crv', 'x', 'y', 'n', 'e', 'pub'] as const

/** First version: one kind of source. */
export async function loadKeys(sources: KeySource | readonly KeySource[], { alg }: { readonly alg: JwsAlgorithm }): Promise<KeyRing> {
  const verifying = new Map<string, VerifyKey>()
  const signing: SigningKey[] = []
  const published: JWK[] = []
  for (const source of [sources].flat()) {
    const { jwk } = source
    const algorithm = source.alg ?? (jwk.alg as JwsAlgorithm | undefined) ?? alg
    const open: JWK = { ...Object.fromEntries(publicParts.filter((name) => name in jwk).map((name) => [name, jwk[name]])), kty: jwk.kty! }
    const kid = source.kid ?? jwk.kid ?? (await calculateJwkThumbprint(jwk))
    const validUntil = source.retireAt === undefined ? Infinity : new Date(source.retireAt).getTime()
    const secret = isSymmetric(algorithm)
    const verifyKey = (await importJWK(secret ? jwk : open, algorithm)) as CryptoKey
    if (verifying.has(kid)) throw new JwtKeyError(`Two keys have the kid ${kid}.`)
    verifying.set(kid, { kid, alg: algorithm, key: verifyKey, validUntil })
    if (secret) signing.push({ kid, alg: algorithm, key: verifyKey, validUntil })
    else {
      published.push({ ...open, kid, alg: algorithm, use: 'sig' })
      if ('d' in jwk || 'priv' in jwk)
        signing.push({ kid, alg: algorithm, key: (await importJWK(jwk, algorithm)) as webcrypto.CryptoKey, validUntil })
    }
  }
  return {
    algorithms: [...new Set([...verifying.values()].map((key) => key.alg))],
    find(kid, now) {
      const key = kid === undefined ? (verifying.size === 1 ? [...verifying.values()][0] : undefined) : verifying.get(kid)
      return key === undefined || now >= key.validUntil ? null : key
    },
    signing: (now) => signing.find((key) => now < key.validUntil) ?? null,
    publicKeys: (now) => published.filter((jwk) => now < verifying.get(jwk.kid!)!.validUntil)
  }
}
