import { createHash, type Hash } from 'node:crypto'
import tls, { type ConnectionOptions } from 'node:tls'

/** Everything by which two connections to the same server can trust it, or present themselves, differently. */
const deciding = [
  'allowPartialTrustChain',
  'ca',
  'cert',
  'checkServerIdentity',
  'ciphers',
  'clientCertEngine',
  'crl',
  'dhparam',
  'ecdhCurve',
  'key',
  'maxVersion',
  'minDHSize',
  'minVersion',
  'passphrase',
  'pfx',
  'privateKeyEngine',
  'privateKeyIdentifier',
  'requestOCSP',
  'secureContext',
  'secureOptions',
  'secureProtocol',
  'sessionIdContext',
  'sigalgs'
] as const

export interface Trust {
  /** SHA-256, base64url. */
  readonly hash: string
  /** Whether another process finds the same: not where a function or an object stands for itself. */
  readonly stable: boolean
}

const numbers = new WeakMap<object, number>()
let count = 0

/** A number for an object that stands for itself. */
function numberOf(thing: object): number {
  const known = numbers.get(thing)
  if (known !== undefined) return known
  numbers.set(thing, ++count)
  return count
}

const digests = new WeakMap<object, string>()

/** The certificates that Node trusts when no others are given; `tls.setDefaultCACertificates()` gives another list. */
function defaultAuthorities(): string {
  const list = tls.getCACertificates('default')
  let digest = digests.get(list)
  if (digest === undefined) {
    digest = createHash('sha256').update(list.join('\n')).digest('base64url')
    digests.set(list, digest)
  }
  return digest
}

/** Adds a value so that no two different ones add the same. Gives whether another process would add the same. */
function add(hash: Hash, value: unknown): boolean {
  if (value === undefined || value === null || value === false) {
    hash.update('-;')
    return true
  }
  if (ArrayBuffer.isView(value)) {
    hash.update(`b${value.byteLength};`).update(new Uint8Array(value.buffer, value.byteOffset, value.byteLength))
    return true
  }
  if (Array.isArray(value)) {
    hash.update(`a${value.length};`)
    return value.map((item) => add(hash, item)).every(Boolean)
  }
  if (typeof value === 'function' || (typeof value === 'object' && Object.getPrototypeOf(value) !== Object.prototype)) {
    hash.update(`o${numberOf(value)};`)
    return false
  }
  if (typeof value === 'object') {
    const entries = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1))
    hash.update(`r${entries.length};`)
    return entries.map(([name, member]) => [add(hash, name), add(hash, member)].every(Boolean)).every(Boolean)
  }
  const text = String(value as string | number | bigint | boolean | symbol)
  hash.update(`${typeof value}${Buffer.byteLength(text)};`).update(text)
  return true
}

/** What a connection trusts, and as whom it presents itself. Connections share sessions only when this is the same. */
export function trustOf(options: ConnectionOptions): Trust {
  const hash = createHash('sha256')
  let stable = true
  for (const name of deciding) {
    let value: unknown = (options as Readonly<Record<string, unknown>>)[name]
    if (name === 'checkServerIdentity' && value === tls.checkServerIdentity) value = undefined
    if (!add(hash, value)) stable = false
  }
  if (options.secureContext === undefined) {
    if (options.ca === undefined || options.ca === null) hash.update(defaultAuthorities())
    hash.update(`${tls.DEFAULT_MIN_VERSION};${tls.DEFAULT_MAX_VERSION};${tls.DEFAULT_CIPHERS};${tls.DEFAULT_ECDH_CURVE}`)
  }
  return { hash: hash.digest('base64url'), stable }
}
