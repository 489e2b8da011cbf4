import { createHmac, type webcrypto } from 'node:crypto'
import { CompactSign, calculateJwkThumbprint, compactVerify, exportJWK, importJWK, type CryptoKey, type JWK } from 'jose'
import { fitsAlgorithm, isJwsAlgorithm, isSymmetric, jwsAlgorithms, keyTypeOf, secretBytes, type JwsAlgorithm } from './algorithms.ts'
import { isKid } from './key-source.ts'
import { refuseKey } from './refuse-key.ts'

/** A key that was checked; none of its secrets can be taken out again. */
export interface ImportedKey {
  readonly kid: string
  readonly alg: JwsAlgorithm
  readonly verifying: CryptoKey
  /** Null: it only verifies. */
  readonly signing: CryptoKey | null
  /** Its public members; null: it is a secret. */
  readonly published: JWK | null
  /** The same for the same key, whatever it is called. */
  readonly identity: string
}

export interface ImportRules {
  /** How messages call it. */
  readonly name: string
  /** The algorithm that it must have; undefined: its own. */
  readonly alg?: JwsAlgorithm | undefined
  /** The algorithm that it has, when nobody says otherwise. */
  readonly defaultAlg: JwsAlgorithm
  readonly kid?: string | undefined
}

const minRsaBits = 2048
const maxRsaBits = 8192
const privateMembers = ['d', 'priv', 'k', 'p', 'q', 'dp', 'dq', 'qi', 'oth']
const openMembers = ['kty', 'crv', 'x', 'y', 'n', 'e', 'pub']
const check = new TextEncoder().encode('fastify-gs-jwt')

/** Whether a JWK has a secret in it. */
export const isSecretJwk = (jwk: JWK): boolean =>
  privateMembers.some((name) => (jwk as Readonly<Record<string, unknown>>)[name] !== undefined)

/** For messages: what stands in a key, but not much of it. */
const quote = (value: unknown) => (typeof value === 'string' ? JSON.stringify(value.slice(0, 40)) : 'no text')

function algorithmOf(jwk: JWK, { name, alg, defaultAlg }: ImportRules): JwsAlgorithm {
  const own = jwk.alg
  if (own !== undefined && !isJwsAlgorithm(own)) {
    refuseKey(`The alg of ${name} is ${quote(own)}, with which tokens are not signed here; known are ${jwsAlgorithms.join(', ')}.`)
  }
  if (alg !== undefined && own !== undefined && alg !== own)
    refuseKey(
      `${name} says that its alg is ${own}, and the option keys says ${alg}; a key has one algorithm, so correct the option${
        keyTypeOf(alg) === keyTypeOf(own) ? '' : ', or take another key'
      }.`
    )
  return alg ?? own ?? defaultAlg
}

function checkPurpose(jwk: JWK, name: string): void {
  const { use, key_ops: operations } = jwk
  if (use !== undefined && use !== 'sig') refuseKey(`The use of ${name} is ${quote(use)}, not "sig"; take a key that is for signatures.`)
  if (operations === undefined) return
  if (!Array.isArray(operations) || operations.some((one) => typeof one !== 'string') || new Set(operations).size !== operations.length)
    refuseKey(`The key_ops of ${name} is no list of different texts; correct it, or leave it out.`)
  const wanted = jwk.kty === 'oct' ? ['sign', 'verify'] : isSecretJwk(jwk) ? ['sign'] : ['verify']
  if (!wanted.every((one) => operations.includes(one)))
    refuseKey(`The key_ops of ${name} does not allow to ${wanted.join(' and ')}; take a key that is for signatures.`)
}

function checkType(jwk: JWK, alg: JwsAlgorithm, name: string): void {
  if (fitsAlgorithm(alg, jwk)) return
  const type = [jwk.kty, jwk.crv]
    .filter((part) => typeof part === 'string')
    .join(' ')
    .slice(0, 40)
  if (jwk.crv === 'Ed448') refuseKey(`${name} is an Ed448 key, which is not supported; make one for Ed25519 with "gs jwk generate".`)
  const others = jwsAlgorithms.filter((other) => fitsAlgorithm(other, jwk))
  refuseKey(
    `${name} is of the type ${type}, and ${alg} needs ${keyTypeOf(alg)}; ${
      others.length === 0 ? 'take another key' : `write the alg that it is for (${others.join(', ')}), or take another key`
    }.`
  )
}

const base64url = /^[\w-]+$/

function secretOf({ k }: JWK, name: string): Uint8Array {
  if (typeof k !== 'string' || !base64url.test(k) || Buffer.from(k, 'base64url').toString('base64url') !== k)
    refuseKey(`The member k of ${name} is missing or no base64url; restore the key from a backup.`)
  return Buffer.from(k, 'base64url')
}

/** A secret as a key. @throws {JwtKeyError} */
export async function importSecret(
  secret: Uint8Array,
  alg: JwsAlgorithm,
  { name, kid }: Pick<ImportRules, 'name' | 'kid'>
): Promise<ImportedKey> {
  const least = secretBytes(alg)
  const cure = `make one with "gs jwk generate --alg ${alg}"`
  if (secret.length < least)
    refuseKey(`The secret of ${name} has ${secret.length} bytes, and ${alg} needs ${least} random ones at least; ${cure}.`)
  // Perhaps the public one, with which everybody could sign then.
  if (/-----BEGIN |^\s*\{.*"kty"/s.test(Buffer.from(secret).toString('latin1')))
    refuseKey(`The secret of ${name} is the text of a key; write it as pem, jwk or file with its own alg, or ${cure}.`)
  // A zeroed buffer, a repeated word; random bytes never.
  if (new Set(secret).size <= 8) refuseKey(`The secret of ${name} is not random (hardly any of its bytes differ); ${cure}.`)
  const key = await crypto.subtle.importKey('raw', new Uint8Array(secret), { name: 'HMAC', hash: `SHA-${least * 8}` }, false, [
    'sign',
    'verify'
  ])
  // The thumbprint of RFC 7638 would be a plain hash of the secret, in every token.
  const identity = createHmac('sha256', secret).update('fastify-gs-jwt kid').digest('base64url')
  return { kid: kid ?? identity, alg, verifying: key, signing: key, published: null, identity: `oct ${identity}` }
}

/** Imports a JWK after having checked all that it says about itself. @throws {JwtKeyError} (rejects) */
export async function importKey(jwk: JWK, rules: ImportRules): Promise<ImportedKey> {
  const { name } = rules
  const alg = algorithmOf(jwk, rules)
  checkType(jwk, alg, name)
  checkPurpose(jwk, name)
  if (jwk.kid !== undefined && !isKid(jwk.kid))
    refuseKey(`The kid of ${name} is no text of 1 to 256 characters without control characters; correct it.`)
  const kid = rules.kid ?? jwk.kid
  if (isSymmetric(alg)) return importSecret(secretOf(jwk, name), alg, { name, kid })

  const readable = await load(pick(jwk, openMembers, alg), alg, name, true)
  if (alg.startsWith('RS') || alg.startsWith('PS')) checkRsa(readable, name)
  // Written anew: without what others need not know, and as RFC 7518 spells it.
  const exported = await exportJWK(readable)
  const verifying = await load(exported, alg, name, false)
  const signing = isSecretJwk(jwk) ? await load(pick(jwk, [...openMembers, ...privateMembers], alg), alg, name, false) : null
  if (signing !== null) await checkPair(signing, verifying, alg, name)
  const thumbprint = await calculateJwkThumbprint(exported)
  const named = kid ?? thumbprint
  return {
    kid: named,
    alg,
    verifying,
    signing,
    published: Object.freeze({ ...exported, kid: named, alg, use: 'sig' }),
    // EdDSA and Ed25519 make no difference to it; the parameter sets of ML-DSA do.
    identity: thumbprint
  }
}

/** What makes a key, and nothing that is said about it. */
function pick(jwk: JWK, names: readonly string[], alg: JwsAlgorithm): JWK {
  const members = Object.entries(jwk).filter(([name]) => names.includes(name))
  return Object.fromEntries([...members, ...(jwk.kty === 'AKP' ? [['alg', alg]] : [])])
}

async function load(jwk: JWK, alg: JwsAlgorithm, name: string, extractable: boolean): Promise<CryptoKey> {
  const secret = isSecretJwk(jwk)
  try {
    const key = await importJWK(jwk, alg, { extractable })
    if (!(key instanceof Uint8Array) && key.type === (secret ? 'private' : 'public')) return key
  } catch {
    // The errors of WebCrypto say no more than that, and an own sentence is sure to say nothing of the key.
  }
  return refuseKey(
    `The ${secret ? 'private' : 'public'} members of ${name} are damaged or incomplete, or not a point of its curve; restore the key from a backup.`
  )
}

function checkRsa({ algorithm }: CryptoKey, name: string): void {
  const { modulusLength, publicExponent } = algorithm as webcrypto.RsaHashedKeyAlgorithm
  if (modulusLength < minRsaBits || modulusLength > maxRsaBits)
    refuseKey(
      `${name} has ${modulusLength} bits, and RSA keys must have ${minRsaBits} to ${maxRsaBits}; make another one with "gs jwk generate".`
    )
  const exponent = BigInt(`0x${Buffer.from(publicExponent).toString('hex')}`)
  // With 1 everybody can sign, with a huge one verifying takes seconds.
  if (exponent < 3n || exponent > 0xff_ff_ff_ffn || exponent % 2n === 0n)
    refuseKey(`The public exponent of ${name} is not usual for RSA; make another key with "gs jwk generate".`)
}

async function checkPair(signing: CryptoKey, verifying: CryptoKey, alg: JwsAlgorithm, name: string): Promise<void> {
  try {
    await compactVerify(await new CompactSign(check).setProtectedHeader({ alg }).sign(signing), verifying, { algorithms: [alg] })
  } catch {
    refuseKey(`The private members of ${name} do not belong to its public ones; restore the key from a backup.`)
  }
}
