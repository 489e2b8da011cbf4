import { visit } from 'jsonc-parser'

/** What stands in the header of a token (RFC 7515, 4.1), of which we take no more than this. */
export interface JwsHeader {
  readonly alg: string
  readonly kid?: string
  readonly typ?: string
}

/** Why a text is not a token that we look at any further. */
export type CompactFault = 'malformed' | 'too-large' | 'header'

const segment = /^[\w-]+$/
/** The characters with which a segment may end that is no whole number of groups of four: with them, no bit is unused. */
const ends = ['', '', 'AQgw', 'AEIMQUYcgkosw048'] as const
/** Leaves no room for two texts that are one token: no padding, no white space, no unused bits (RFC 7515, 2; RFC 4648, 3.5). */
const isCanonical = (text: string) => segment.test(text) && (text.length % 4 === 0 || ends[text.length % 4]!.includes(text.at(-1)!))

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Members that would have us take a key from the token, change what is signed, or understand something that we do not: RFC 8725, 3.10;
 * RFC 7515, 4.1.11; RFC 7797.
 */
const refused = ['jku', 'jwk', 'x5u', 'x5c', 'x5t', 'x5t#S256', 'crit', 'b64', 'zip', 'enc', 'epk', 'p2c', 'p2s', 'cty']

/** Levels of objects and arrays in a header, in claims, in `ext`. */
export const maxDepth = 32

/**
 * The object in a JSON text; null if it is none, or two readers could understand it differently (RFC 7493): members given twice,
 * `__proto__`, a byte order mark, bytes that are not UTF-8, halves of surrogate pairs, numbers that are too large, whole numbers that JavaScript
 * reads as others, deep nesting.
 */
export function parseObject(bytes: Uint8Array): Record<string, unknown> | null {
  try {
    const text = utf8.decode(bytes)
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || Array.isArray(value) || !isUnambiguous(value, maxDepth)) return null
    // What JSON.stringify would write has no member twice, because the value has not.
    if ((text.includes('__proto__') || JSON.stringify(value) !== text) && !hasPlainMembers(text)) return null
    return value as Record<string, unknown>
  } catch {
    return null
  }
}

function isUnambiguous(value: unknown, depth: number): boolean {
  if (typeof value === 'string') return value.isWellFormed()
  if (typeof value === 'number') return Number.isFinite(value)
  if (typeof value !== 'object' || value === null) return true
  if (depth === 0) return false
  if (Array.isArray(value)) return value.every((member) => isUnambiguous(member, depth - 1))
  for (const [name, member] of Object.entries(value)) if (!name.isWellFormed() || !isUnambiguous(member, depth - 1)) return false
  return true
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
    },
    onLiteralValue(value, offset, length) {
      // 9007199254740993 would be one less here, and what it says elsewhere: the id of somebody else.
      if (typeof value !== 'number') return
      const digits = text.slice(offset, offset + length)
      if (/^-?[1-9]\d*$/.test(digits) && String(value) !== digits) plain = false
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
