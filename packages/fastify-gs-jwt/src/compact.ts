import { visit } from 'jsonc-parser'

/** What stands in the header of a token (RFC 7515, 4.1), of which we take no more than this. */
export interface JwsHeader {
  readonly alg: string
  readonly kid?: string
  readonly typ?: string
}

/** Why a text is not a token that we look at any further. */
export type CompactFault = 'malformed' | 'too-large' | 'header'

/** Leaves no room for two texts that are one token: no padding, no white space, no unused bits (RFC 7515, 2; RFC 4648, 3.5). */
const segment = /^[\w-]+$/
const isCanonical = (text: string) => segment.test(text) && Buffer.from(text, 'base64url').toString('base64url') === text

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Members that would have us take a key from the token, change what is signed, or understand something that we do not: RFC 8725, 3.10;
 * RFC 7515, 4.1.11; RFC 7797.
 */
const refused = ['jku', 'jwk', 'x5u', 'x5c', 'x5t', 'x5t#S256', 'crit', 'b64', 'zip', 'enc', 'cty']

/**
 * The object in a JSON text; null if it is none, or two readers could understand it differently: members given twice, `__proto__`, a byte
 * order mark, bytes that are not UTF-8.
 */
export function parseObject(bytes: Uint8Array): Record<string, unknown> | null {
  try {
    const text = utf8.decode(bytes)
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return null
    // What JSON.stringify would write has no member twice, because the value has not.
    if ((text.includes('__proto__') || JSON.stringify(value) !== text) && !hasPlainMembers(text)) return null
    return value as Record<string, unknown>
  } catch {
    return null
  }
}

function hasPlainMembers(text: string): boolean {
  const open: Set<string>[] = []
  let plain = true
  visit(text, {
    onObjectBegin: () => void open.push(new Set()),
    onObjectEnd: () => void open.pop(),
    onObjectProperty(name) {
      const members = open.at(-1)
      if (name === '__proto__' || members === undefined || members.has(name)) plain = false
      members?.add(name)
    }
  })
  return plain
}

/**
 * Takes a token apart without believing it: the compact form (RFC 7515, 7.1) of a signed token, of `maxBytes` at most.
 */
export function readCompact(token: unknown, maxBytes: number): JwsHeader | CompactFault {
  if (typeof token !== 'string') return 'malformed'
  if (token.length > maxBytes) return 'too-large'
  const segments = token.split('.', 4)
  if (segments.length !== 3 || !segments.every(isCanonical)) return 'malformed'
  const header = parseObject(Buffer.from(segments[0]!, 'base64url'))
  if (header === null) return 'malformed'
  const { alg, kid, typ } = header
  if (typeof alg !== 'string' || refused.some((name) => Object.hasOwn(header, name))) return 'header'
  if (kid !== undefined && (typeof kid !== 'string' || kid.length > 256)) return 'header'
  if (typ !== undefined && typeof typ !== 'string') return 'header'
  return { alg, ...(kid !== undefined && { kid }), ...(typ !== undefined && { typ }) }
}
