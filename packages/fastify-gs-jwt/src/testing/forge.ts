import { constants, createHmac, createPrivateKey, createSecretKey, sign, type KeyObject } from 'node:crypto'
import type { JWK } from 'jose'
import type { JwsAlgorithm } from '../keys/algorithms.ts'

/** What stands in a segment: a text as it is, bytes as they are, anything else as JSON. */
export type Content = string | Uint8Array | object

export const encode = (content: Content): string =>
  Buffer.from(typeof content === 'string' || content instanceof Uint8Array ? content : JSON.stringify(content)).toString('base64url')

/** Signs bytes. */
export type RawSigner = (input: string) => Buffer

/** Signs by `node:crypto`, without the library that is tested, and without a look at what it signs. */
export function rawSigner(alg: JwsAlgorithm, jwk: JWK): RawSigner {
  const digest = `sha${alg.slice(-3)}`
  if (alg.startsWith('HS')) return hmacSigner(digest, createSecretKey(jwk.k!, 'base64url'))
  const key = createPrivateKey({ key: { ...jwk }, format: 'jwk' })
  const padding = { RS: constants.RSA_PKCS1_PADDING, PS: constants.RSA_PKCS1_PSS_PADDING }[alg.slice(0, 2)]
  const options = {
    key,
    dsaEncoding: 'ieee-p1363' as const,
    ...(padding !== undefined && { padding, saltLength: constants.RSA_PSS_SALTLEN_DIGEST })
  }
  return (input) => sign(alg.startsWith('Ed') ? null : digest, Buffer.from(input), options)
}

/** Takes anything for a secret, as a verifier would that has mixed up its keys. */
export const hmacSigner =
  (digest: string, secret: KeyObject | string | Uint8Array): RawSigner =>
  (input) =>
    createHmac(digest, secret).update(input).digest()

/** A token with any header, any content and any signature. */
export function forge(header: Content, payload: Content, signer: RawSigner): string {
  const input = `${encode(header)}.${encode(payload)}`
  return `${input}.${signer(input).toString('base64url')}`
}
