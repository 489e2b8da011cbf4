import { hash } from 'node:crypto'
import tls, { type ConnectionOptions } from 'node:tls'
import { inspect } from 'node:util'

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

/** Whether this Node was started, or built, so that it trusts what OpenSSL finds on the disk. */
const asksOpenssl =
  [...process.execArgv, ...(process.env['NODE_OPTIONS'] ?? '').split(/\s+/)].includes('--use-openssl-ca') ||
  JSON.stringify(process.config).includes('NODE_OPENSSL_CERT_STORE')

/** The certificates that Node trusts when no others are given; `tls.setDefaultCACertificates()` gives another list. */
function defaultAuthorities(): Written {
  const list = tls.getCACertificates('default')
  // Those of OpenSSL are not in it: nobody can say whether they are the same, but that the list is.
  if (asksOpenssl && !list.includes(tls.rootCertificates[0]!)) return { text: `o${numberOf(list)};`, stable: false }
  let digest = digests.get(list)
  if (digest === undefined) {
    digest = hash('sha256', list.join('\n'), 'base64url')
    digests.set(list, digest)
  }
  return { text: digest, stable: true }
}

/** What Node looks at the name with, as long as nobody puts another function in its place. */
const usualCheck = tls.checkServerIdentity

/** Options are no deeper; what is, is none of Node's, and may go round in circles. */
const deepest = 8

interface Written {
  /** No two different values have the same. */
  readonly text: string
  readonly stable: boolean
}

function writtenList(values: readonly unknown[], depth: number): Written {
  const all = values.map((value) => written(value, depth))
  return { text: `a${all.length};${all.map(({ text }) => text).join('')}`, stable: all.every(({ stable }) => stable) }
}

function written(value: unknown, depth = 0): Written {
  if (typeof value === 'string') return { text: `s${value.length};${value}`, stable: true }
  if (value === undefined || value === null || value === false) return { text: '-;', stable: true }
  if (ArrayBuffer.isView(value)) {
    const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength)
    return { text: `b${hash('sha256', bytes, 'base64url')};`, stable: true }
  }
  if (typeof value === 'function' || (typeof value === 'object' && depth > deepest)) return { text: `o${numberOf(value)};`, stable: false }
  if (Array.isArray(value)) return writtenList(value, depth + 1)
  if (typeof value === 'object') {
    // One of a class stands for itself, and for what it holds at the moment.
    const isPlain = Object.getPrototypeOf(value) === Object.prototype
    const entries = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1))
    const { stable, text } = writtenList(entries.flat(), depth + 1)
    return { text: `${isPlain ? '' : `o${numberOf(value)};`}r${text}`, stable: stable && isPlain }
  }
  return { text: `${typeof value};${inspect(value)};`, stable: true }
}

/** What a connection trusts, and as whom it presents itself. Connections share sessions only when this is the same. */
export function trustOf(options: ConnectionOptions): Trust {
  let all = ''
  let stable = true
  for (const [index, name] of deciding.entries()) {
    const given: unknown = (options as Readonly<Record<string, unknown>>)[name]
    const value = given === undefined && name === 'checkServerIdentity' ? tls.checkServerIdentity : given
    if (value === undefined || value === usualCheck) continue
    const one = written(value)
    if (one.text === '-;') continue
    all += `${index}=${one.text}`
    stable &&= one.stable
  }
  if (!options.secureContext) {
    if (!options.ca) {
      const authorities = defaultAuthorities()
      all += `|${authorities.text}`
      stable &&= authorities.stable
    }
    all += `|${tls.DEFAULT_MIN_VERSION};${tls.DEFAULT_MAX_VERSION};${tls.DEFAULT_CIPHERS};${tls.DEFAULT_ECDH_CURVE}`
  }
  // At once: a call for each option costs more than all else here.
  return { hash: hash('sha256', all, 'base64url'), stable }
}
