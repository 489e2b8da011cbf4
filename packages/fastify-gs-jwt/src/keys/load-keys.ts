import type { JWK } from 'jose'
import { isSymmetric, type JwsAlgorithm } from './algorithms.ts'
import { importKey, importSecret, isSecretJwk, type ImportedKey } from './import-key.ts'
import type { KeyRing, SigningKey, VerifyKey } from './key-ring.ts'
import { refuseOption, resolveSources, type KeySource, type ResolvedSource } from './key-source.ts'
import { parsePem } from './parse-pem.ts'
import { faultOfAccess, readKeyFile } from './read-key-file.ts'
import { refuseKey } from './refuse-key.ts'

export type { KeySource } from './key-source.ts'

interface LoadedKey extends ImportedKey {
  readonly name: string
  readonly retireAt: number
  readonly signsFrom: number
}

/**
 * Loads keys of one's own. The first one that may sign now, signs; all of them verify, each by its own algorithm only.
 *
 * @param alg the algorithm of keys that do not name theirs
 * @param now the clock, ms since 1970
 * @throws {JwtOptionError} (rejects) a source is not described as it has to be
 * @throws {JwtKeyError} (rejects) a key cannot be used, or not together with the others
 */
export async function loadKeys(
  sources: KeySource | readonly KeySource[],
  { alg, now = Date.now }: { readonly alg: JwsAlgorithm; readonly now?: () => number }
): Promise<KeyRing> {
  const resolved = resolveSources(sources)
  const at = now()
  // What has retired need not be there any more.
  const current = resolved.filter((source) => at < source.retireAt)
  if (current.length === 0)
    refuseKey('All keys of the option keys have retired (retireAt); make a new one with "gs jwk generate" and put it first.')
  const keys: LoadedKey[] = []
  for (const source of current) keys.push(...(await loadSource(source, alg)))
  checkTogether(keys, at)
  return createRing(keys)
}

async function loadSource(source: ResolvedSource, defaultAlg: JwsAlgorithm): Promise<LoadedKey[]> {
  const { name, alg, kid, origin, retireAt, signsFrom } = source
  const load = (key: ImportedKey, called: string): LoadedKey => ({ ...key, name: called, retireAt, signsFrom })
  if ('secret' in origin) {
    const algorithm = alg ?? defaultAlg
    if (!isSymmetric(algorithm))
      refuseOption(`${name} is a secret, and the algorithm ${algorithm} has private keys; write alg: "HS256", or take a key.`)
    const secret = typeof origin.secret === 'string' ? Buffer.from(origin.secret) : origin.secret
    return [load(await importSecret(secret, algorithm, { name, kid }), name)]
  }
  const jwks = await readSource(source)
  if (kid !== undefined && jwks.length > 1)
    refuseOption(`the kid of ${name} can name one key, and there are ${jwks.length}; leave it out, or give each key its own entry in keys.`)
  return Promise.all(
    jwks.map(async (jwk, index) => {
      const called = jwks.length === 1 ? name : `${name} (number ${index + 1})`
      return load(await importKey(jwk, { name: called, alg, defaultAlg, kid }), called)
    })
  )
}

async function readSource({ name, origin }: ResolvedSource): Promise<readonly JWK[]> {
  if ('jwk' in origin) return listOf(origin.jwk, name)
  if ('pem' in origin) return parsePem(origin.pem, name, origin.passphrase)
  if (!('file' in origin)) return []
  const { file, passphrase } = origin
  const { text, mode, uid } = await readKeyFile(file)
  const jwks = /^\s*[{[]/.test(text) ? listOf(parseJson(text, name), name) : parsePem(text, name, passphrase)
  const fault = process.platform === 'win32' ? null : faultOfAccess(file, { mode, uid }, jwks.some(isSecretJwk))
  if (fault !== null) refuseKey(fault)
  return jwks
}

function parseJson(text: string, name: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The error of JSON.parse quotes the text.
    return refuseKey(`${name} is damaged JSON; restore it from a backup, or make a key with "gs jwk generate".`)
  }
}

/** The JWKs in a JWK or a JWKS. */
function listOf(given: unknown, name: string): readonly JWK[] {
  const isObject = (value: unknown): value is JWK => typeof value === 'object' && value !== null && !Array.isArray(value)
  const list = isObject(given) && Object.hasOwn(given, 'keys') ? (given as { readonly keys?: unknown }).keys : [given]
  if (!Array.isArray(list) || list.length === 0 || list.length > 100)
    refuseKey(`${name} must have 1 to 100 keys in its list "keys"; correct it.`)
  for (const jwk of list)
    if (!isObject(jwk) || typeof jwk.kty !== 'string')
      refuseKey(`${name} is neither a JWK (an object with kty) nor a JWKS (an object with keys); correct it.`)
  return list as readonly JWK[]
}

function checkTogether(keys: readonly LoadedKey[], now: number): void {
  const names = new Map<string, LoadedKey>()
  const identities = new Map<string, LoadedKey>()
  for (const key of keys) {
    const same = identities.get(key.identity)
    if (same !== undefined) refuseKey(`${key.name} and ${same.name} are the same key; remove one of them.`)
    const other = names.get(key.kid)
    if (other !== undefined)
      refuseKey(`${key.name} and ${other.name} have the same kid ${JSON.stringify(key.kid)}; give one of them another kid.`)
    identities.set(key.identity, key)
    names.set(key.kid, key)
  }
  const secret = keys.find((key) => key.published === null)
  const open = keys.find((key) => key.published !== null)
  if (secret !== undefined && open !== undefined)
    refuseKey(
      `${secret.name} is a secret (${secret.alg}), and ${open.name} a key for ${open.alg}; they do not go together: take one kind for all.`
    )
  // Keys that only verify mean that somebody else may sign in the meantime.
  const signers = keys.filter((key) => key.signing !== null)
  if (signers.length < keys.length) return
  for (const { name, signsFrom } of signers)
    if (now < signsFrom && !signers.some((other) => other.signsFrom < signsFrom && signsFrom <= other.retireAt))
      refuseKey(
        `Before ${new Date(signsFrom).toISOString()}, when ${name} begins to sign, no key signs; keep the former key until then, or leave signsFrom out.`
      )
}

function createRing(keys: readonly LoadedKey[]): KeyRing {
  const verifying = new Map<string, VerifyKey>()
  const signing: (SigningKey & { readonly from: number })[] = []
  for (const { kid, alg, verifying: key, signing: signer, retireAt, signsFrom } of keys) {
    verifying.set(kid, Object.freeze({ kid, alg, key, validUntil: retireAt }))
    if (signer !== null) signing.push(Object.freeze({ kid, alg, key: signer, validUntil: retireAt, from: signsFrom }))
  }
  const only = keys.length === 1 ? verifying.get(keys[0]!.kid)! : undefined
  const published = keys.flatMap(({ published: jwk, retireAt }) => (jwk === null ? [] : [{ jwk, retireAt }]))
  return Object.freeze({
    algorithms: Object.freeze([...new Set(keys.map(({ alg }) => alg))]),
    find(kid: string | undefined, now: number) {
      const key = kid === undefined ? only : verifying.get(kid)
      return key !== undefined && now < key.validUntil ? key : null
    },
    signing: (now: number) => signing.find((key) => key.from <= now && now < key.validUntil) ?? null,
    publicKeys: (now: number) => published.filter(({ retireAt }) => now < retireAt).map(({ jwk }) => jwk)
  })
}
