import type { JSONWebKeySet, JWK } from 'jose'
import { JwtOptionError } from '../errors.ts'
import { isJwsAlgorithm, jwsAlgorithms, type JwsAlgorithm } from './algorithms.ts'

/** What can be said about a key, wherever it comes from. */
export interface KeyRules {
  /** Its algorithm. Default: what the key itself says (the member `alg` of a JWK), else the option `alg`. */
  readonly alg?: JwsAlgorithm
  /**
   * Its name, which tokens carry: 1 to 256 characters. Default: what the key itself says (the member `kid` of a JWK), else the RFC 7638
   * thumbprint of the public key; for secrets, a name made of the secret by HMAC.
   */
  readonly kid?: string
  /**
   * From then on it neither signs nor verifies, and is not published any more; what it signs does not live longer. A `Date`, ms since 1970, or
   * a date as in `2027-01-31` (midnight UTC) or `2027-01-31T12:00Z`. Default: never.
   */
  readonly retireAt?: Date | number | string
  /**
   * Until then it is published and verifies, but does not sign, so that everybody has it when it does. Written like `retireAt`. Default: it
   * signs at once.
   */
  readonly signsFrom?: Date | number | string
}

/**
 * Where a key is. In `file` and `pem`, and with a JWKS in `jwk`, there may be several: the first is the one that signs, and `kid` is left out.
 *
 * - `file`: the path of a JWK or a JWKS (JSON), or of PEM. With a private key or a secret in it, it must not be readable for others.
 * - `jwk`: a JWK or a JWKS, private or public.
 * - `pem`: PKCS#8, also encrypted, SEC1 and PKCS#1 for private keys; SPKI, PKCS#1 and X.509 certificates for public ones.
 * - `secret`: for HS algorithms, 32, 48 or 64 random bytes at least; of a text, its UTF-8 bytes.
 */
export type KeySource = (
  | { readonly file: string; /** Of the private keys in it, when they are encrypted. */ readonly passphrase?: string | Uint8Array }
  | { readonly jwk: JWK | JSONWebKeySet }
  | { readonly pem: string; readonly passphrase?: string | Uint8Array }
  | { readonly secret: string | Uint8Array }
) &
  KeyRules

/** Of which kind a source is, and what it has to be. */
export type KeyOrigin =
  | { readonly file: string; readonly passphrase: string | Uint8Array | undefined }
  | { readonly jwk: JWK | JSONWebKeySet }
  | { readonly pem: string; readonly passphrase: string | Uint8Array | undefined }
  | { readonly secret: string | Uint8Array }

/** A source that was checked. */
export interface ResolvedSource {
  /** How messages call it: `the key file jwt.pem`, `the key in keys[0]`. */
  readonly name: string
  readonly origin: KeyOrigin
  readonly alg: JwsAlgorithm | undefined
  readonly kid: string | undefined
  /** Ms since 1970; Infinity: never. */
  readonly retireAt: number
  /** Ms since 1970; -Infinity: always. */
  readonly signsFrom: number
}

const kinds = ['file', 'jwk', 'pem', 'secret'] as const
const rules = ['alg', 'kid', 'retireAt', 'signsFrom']

export function refuseOption(message: string): never {
  throw new JwtOptionError(`fastify-gs-jwt: ${message}`)
}

/** Whether a text can be the name of a key; longer ones are not taken from tokens. */
export const isKid = (value: unknown): value is string =>
  typeof value === 'string' && value !== '' && value.length <= 256 && value.isWellFormed() && !/\p{Cc}/u.test(value)

const datePattern = /^(\d{4})-(\d\d)-(\d\d)(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d))?$/
/** Of 1973 in ms: whatever is less, was meant as seconds. */
const leastTime = 100_000_000_000

function timeOf(given: unknown): number {
  if (given instanceof Date) return given.getTime()
  if (typeof given === 'number') return Number.isSafeInteger(given) && given >= leastTime ? given : Number.NaN
  const parts = typeof given === 'string' ? datePattern.exec(given) : null
  if (parts === null) return Number.NaN
  // JavaScript takes the 30th of February for the 2nd of March.
  const days = new Date(Date.UTC(Number(parts[1]), Number(parts[2]), 0)).getUTCDate()
  return Number(parts[3]) > days ? Number.NaN : Date.parse(given as string)
}

function time(where: string, given: unknown, otherwise: number): number {
  if (given === undefined) return otherwise
  const at = timeOf(given)
  if (Number.isNaN(at))
    refuseOption(`${where} must be a date like 2027-01-31 or 2027-01-31T12:00Z (with its zone), a Date, or ms (not seconds) since 1970.`)
  return at
}

const isText = (value: unknown): value is string => typeof value === 'string' && value !== ''
const isBytes = (value: unknown): value is Uint8Array => value instanceof Uint8Array

function originOf(where: string, source: Readonly<Record<string, unknown>>): KeyOrigin {
  const { file, jwk, pem, secret, passphrase } = source
  if (passphrase !== undefined && !isText(passphrase) && !isBytes(passphrase))
    refuseOption(`the passphrase of ${where} must be a text or bytes.`)
  if (file !== undefined) {
    // A key in the wrong place must not end up in a message as the name of a file.
    if (!isText(file) || file.length > 4096 || /[\p{Cc}{]|-----BEGIN/u.test(file))
      refuseOption(`the file of ${where} must be the path of a file; a key itself belongs into jwk, pem or secret.`)
    return { file, passphrase }
  }
  if (pem !== undefined) {
    if (!isText(pem)) refuseOption(`the pem of ${where} must be the text of a PEM file, with its lines -----BEGIN … and -----END …`)
    return { pem, passphrase }
  }
  if (passphrase !== undefined) refuseOption(`the passphrase of ${where} goes with file or pem only.`)
  if (secret !== undefined) {
    if (typeof secret !== 'string' && !isBytes(secret)) refuseOption(`the secret of ${where} must be a text or bytes.`)
    return { secret }
  }
  if (typeof jwk !== 'object' || jwk === null || Array.isArray(jwk) || isBytes(jwk))
    refuseOption(`the jwk of ${where} must be an object: a JWK, or a JWKS with its list in keys.`)
  return { jwk: jwk as JWK | JSONWebKeySet }
}

function resolveSource(given: unknown, where: string): ResolvedSource {
  const shape = `${where} must be an object with one of ${kinds.join(', ')}, for instance { file: "jwt.jwk.json" }`
  if (typeof given !== 'object' || given === null || Array.isArray(given) || isBytes(given)) refuseOption(`${shape}.`)
  const source = given as Readonly<Record<string, unknown>>
  const defined = Object.keys(source).filter((name) => source[name] !== undefined)
  if (defined.filter((name) => (kinds as readonly string[]).includes(name)).length !== 1) refuseOption(`${shape}, and not more than one.`)
  const unknown = defined.find((name) => ![...kinds, ...rules, 'passphrase'].includes(name))
  if (unknown !== undefined)
    refuseOption(`${where} has the member ${unknown}, which is not known; known are ${[...kinds, 'passphrase', ...rules].join(', ')}.`)
  const { alg, kid } = source
  if (alg !== undefined && !isJwsAlgorithm(alg)) refuseOption(`the alg of ${where} is unknown; it is one of ${jwsAlgorithms.join(', ')}.`)
  if (kid !== undefined && !isKid(kid))
    refuseOption(`the kid of ${where} must be a text of 1 to 256 characters without control characters.`)
  const retireAt = time(`the retireAt of ${where}`, source['retireAt'], Infinity)
  const signsFrom = time(`the signsFrom of ${where}`, source['signsFrom'], -Infinity)
  if (signsFrom >= retireAt) refuseOption(`the signsFrom of ${where} must be before its retireAt; else it never signs.`)
  const origin = originOf(where, source)
  return { name: 'file' in origin ? `the key file ${origin.file}` : `the key in ${where}`, origin, alg, kid, retireAt, signsFrom }
}

/** @throws {JwtOptionError} */
export function resolveSources(given: KeySource | readonly KeySource[]): readonly ResolvedSource[] {
  const several = Array.isArray(given)
  const list: readonly unknown[] = several ? given : [given]
  if (list.length === 0)
    refuseOption('the option keys has no key; make one with "gs jwk generate" and write keys: { file: "jwt.jwk.json" }.')
  return list.map((source, index) => resolveSource(source, several ? `keys[${index}]` : 'the option keys'))
}
