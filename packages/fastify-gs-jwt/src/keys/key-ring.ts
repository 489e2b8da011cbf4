import type { CryptoKey, JWK } from 'jose'
import type { JwsAlgorithm } from './algorithms.ts'

/** A key that may verify. */
export interface VerifyKey {
  readonly kid: string
  /** The only algorithm that tokens with this key may have; no token chooses it. */
  readonly alg: JwsAlgorithm
  readonly key: CryptoKey
  /** From then on it does not verify, or has to be asked for again, ms since 1970; `Infinity`: never. */
  readonly validUntil: number
}

/** A key that may sign. With HS algorithms the same as the one that verifies. */
export interface SigningKey {
  readonly kid: string
  readonly alg: JwsAlgorithm
  readonly key: CryptoKey
  /** No token that it signs may live longer, ms since 1970; `Infinity`: no limit. */
  readonly validUntil: number
}

/** All keys of an issuer: one signs, all verify. */
export interface KeyRing {
  /** Of all keys; never both HS and others. */
  readonly algorithms: readonly JwsAlgorithm[]
  /**
   * The key that a token names, or the only one when it names none. Null: there is none, or it has retired.
   *
   * @throws {JwtUnavailableError} (or rejects) keys that are elsewhere cannot be asked at the moment
   */
  readonly find: (kid: string | undefined, now: number) => VerifyKey | null | Promise<VerifyKey | null>
  /** The first key that can sign and has not retired. Null: there is none (keys of others, public keys). */
  readonly signing: (now: number) => SigningKey | null
  /** What others need to verify: `{ kid, alg, use: 'sig', … }`. Secrets (HS) and retired keys are never among them. */
  readonly publicKeys: (now: number) => readonly JWK[]
}
