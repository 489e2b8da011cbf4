import { calculateJwkThumbprint, exportJWK, generateKeyPair, generateSecret, type JWK } from 'jose'
import { isJwsAlgorithm, isSymmetric, jwsAlgorithms, type JwsAlgorithm } from './algorithms.ts'
import { importSecret } from './import-key.ts'
import { isKid, refuseOption } from './key-source.ts'

/** What may be said about a new key. */
export interface GenerateJwkOptions {
  /**
   * Its name, 1 to 256 characters, none of them a control character. Default: its RFC 7638 thumbprint; for secrets, a
   * name made of the secret by HMAC.
   */
  readonly kid?: string
  /** Bits of the modulus, 2048 to 8192 and a multiple of 8; RS and PS algorithms only. Default: 3072. */
  readonly modulusLength?: number
}

/** Of 128 bits of strength, as the other algorithms have; 2048 would be 112. */
const defaultModulus = 3072

function checkModulus(alg: JwsAlgorithm, bits: number): number {
  if (!/^[RP]S/.test(alg)) refuseOption(`the option modulusLength is for RS and PS algorithms; ${alg} has one length only.`)
  if (!Number.isSafeInteger(bits) || bits < 2048 || bits > 8192 || bits % 8 !== 0)
    refuseOption('the option modulusLength must be a multiple of 8 from 2048 to 8192.')
  return bits
}

function checkKid(kid: string): string {
  if (!isKid(kid)) refuseOption('the option kid must be a text of 1 to 256 characters without control characters.')
  return kid
}

/** The name that a key without one has. */
async function nameOf(jwk: JWK, alg: JwsAlgorithm): Promise<string> {
  if (!isSymmetric(alg)) return calculateJwkThumbprint(jwk)
  return (await importSecret(Buffer.from(jwk.k!, 'base64url'), alg, { name: 'the new key' })).kid
}

/**
 * Makes a new key: a private JWK, or a secret one with HS algorithms, whose `alg`, `kid` and `use` are set. Its members are in the order of
 * their names.
 *
 * @throws {JwtOptionError} (rejects) the algorithm is unknown, or an option is wrong
 */
export async function generateJwk(alg: JwsAlgorithm, { kid, modulusLength }: GenerateJwkOptions = {}): Promise<JWK> {
  if (!isJwsAlgorithm(alg)) refuseOption(`the algorithm of a new key is missing or unknown; it is one of ${jwsAlgorithms.join(', ')}.`)
  const bits = modulusLength === undefined ? defaultModulus : checkModulus(alg, modulusLength)
  const named = kid === undefined ? null : checkKid(kid)
  const key = isSymmetric(alg)
    ? await generateSecret(alg, { extractable: true })
    : (await generateKeyPair(alg, { extractable: true, modulusLength: bits })).privateKey
  const jwk = await exportJWK(key)
  const complete: JWK = { ...jwk, alg, kid: named ?? (await nameOf(jwk, alg)), use: 'sig' }
  return Object.fromEntries(Object.entries(complete).toSorted(([one], [other]) => (one < other ? -1 : 1)))
}
