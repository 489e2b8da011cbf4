/** The algorithms of JWS (RFC 7518, RFC 8037, RFC 9864) that `jose` has. `EdDSA` and `Ed25519` are two names for one thing; a key has one of them. */
export const jwsAlgorithms = [
  'HS256',
  'HS384',
  'HS512',
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
  'ML-DSA-44',
  'ML-DSA-65',
  'ML-DSA-87'
] as const

export type JwsAlgorithm = (typeof jwsAlgorithms)[number]

export const isJwsAlgorithm = (value: unknown): value is JwsAlgorithm => (jwsAlgorithms as readonly unknown[]).includes(value)

/** Whether signer and verifier have the same secret. */
export const isSymmetric = (alg: JwsAlgorithm) => alg.startsWith('HS')

/** What a key must be. */
interface KeyType {
  readonly kty: 'oct' | 'RSA' | 'EC' | 'OKP' | 'AKP'
  readonly crv?: string
}

const keyTypes: Readonly<Record<JwsAlgorithm, KeyType>> = {
  HS256: { kty: 'oct' },
  HS384: { kty: 'oct' },
  HS512: { kty: 'oct' },
  RS256: { kty: 'RSA' },
  RS384: { kty: 'RSA' },
  RS512: { kty: 'RSA' },
  PS256: { kty: 'RSA' },
  PS384: { kty: 'RSA' },
  PS512: { kty: 'RSA' },
  ES256: { kty: 'EC', crv: 'P-256' },
  ES384: { kty: 'EC', crv: 'P-384' },
  ES512: { kty: 'EC', crv: 'P-521' },
  EdDSA: { kty: 'OKP', crv: 'Ed25519' },
  Ed25519: { kty: 'OKP', crv: 'Ed25519' },
  'ML-DSA-44': { kty: 'AKP' },
  'ML-DSA-65': { kty: 'AKP' },
  'ML-DSA-87': { kty: 'AKP' }
}

/** Whether a key of this type and curve is one for the algorithm. */
export function fitsAlgorithm(alg: JwsAlgorithm, { kty, crv }: { readonly kty?: unknown; readonly crv?: unknown }): boolean {
  const wanted = keyTypes[alg]
  return kty === wanted.kty && (wanted.crv === undefined || crv === wanted.crv)
}

/** The type of its keys, for people: `EC P-256`. */
export function keyTypeOf(alg: JwsAlgorithm): string {
  const { kty, crv } = keyTypes[alg]
  return crv === undefined ? kty : `${kty} ${crv}`
}

/** Bytes that a secret must have: as many as the hash (RFC 7518, 3.2). */
export const secretBytes = (alg: JwsAlgorithm): number => Number(alg.slice(2)) / 8
