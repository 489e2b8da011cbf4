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
