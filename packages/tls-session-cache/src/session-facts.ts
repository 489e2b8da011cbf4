import { X509Certificate } from 'node:crypto'

/** What a session says of itself. */
export interface SessionFacts {
  readonly protocol: 'TLSv1.2' | 'TLSv1.3'
  /** Whether a server can know it again at all: a session of TLS 1.3 without a ticket is the state of a connection, and no more. */
  readonly resumable: boolean
  /** For how long OpenSSL wants it to be used, seconds; null: it has not said so. */
  readonly timeout: number | null
  /** For how long the server wants it to be used, seconds; null: it has not said so. */
  readonly hint: number | null
  /** Of OpenSSL; 0: the chain of the server was good. */
  readonly verifyResult: number
  /** The certificate of the server, DER; null: there is none. A part of the session, not a copy. */
  readonly certificate: Buffer | null
  /** Until when that is valid, ms since 1970; null: there is none, or it cannot be read. */
  readonly certificateUntil: number | null
}

/** No server has a leaf certificate that makes more of it, bytes. */
export const longestSession = 8192

/** What Node (since 24.17 and 22.23) puts before a session: this, two bytes of length, and the name of the server. */
const wrapper = Buffer.from('\0nodejs:tls:session:1\0', 'latin1')

const versions: Readonly<Record<number, SessionFacts['protocol']>> = { 0x303: 'TLSv1.2', 0x304: 'TLSv1.3' }

/** Tags of DER that occur. */
const integer = 0x02
const octets = 0x04
const sequence = 0x30
const context = 0xa0

/** The ASN.1 of OpenSSL inside a session of Node, and the name that Node has put before it; null: there is none. */
export function unwrapSession(session: Buffer): { readonly name: string | null; readonly der: Buffer } | null {
  if (!session.subarray(0, wrapper.length).equals(wrapper)) return session[0] === sequence ? { name: null, der: session } : null
  const at = wrapper.length + 2
  if (session.length < at) return null
  const end = at + session.readUInt16BE(wrapper.length)
  if (session.length <= end) return null
  return { name: session.toString('latin1', at, end), der: session.subarray(end) }
}

interface Element {
  readonly tag: number
  readonly content: Buffer
}

/**
 * The elements that stand one after the other, without looking into them; null: that is no DER. A library takes half a millisecond for a session, a
 * third of the handshake that is to be saved, because it reads all of the certificate.
 */
function elementsOf(der: Buffer): Element[] | null {
  const elements: Element[] = []
  for (let at = 0; at < der.length;) {
    const tag = der[at]!
    let length = der[at + 1]
    let start = at + 2
    if (length === undefined || (tag & 0x1f) === 0x1f) return null
    if (length >= 0x80) {
      const bytes = length - 0x80
      if (bytes < 1 || bytes > 3 || start + bytes > der.length) return null
      length = der.readUIntBE(start, bytes)
      start += bytes
    }
    at = start + length
    if (at > der.length) return null
    elements.push({ tag, content: der.subarray(start, at) })
  }
  return elements
}

const numberOf = ({ content, tag }: Element) =>
  tag === integer && content.length >= 1 && content.length <= 6 ? content.readIntBE(0, content.length) : null

function untilOf(certificate: Buffer): number | null {
  try {
    return new X509Certificate(certificate).validToDate.getTime()
  } catch {
    return null
  }
}

/** Reads a session as OpenSSL writes it (its `SSL_SESSION`, i2d_SSL_SESSION(3)); null: it is none. */
export function sessionFacts(session: Buffer): SessionFacts | null {
  if (session.length > longestSession) return null
  const der = unwrapSession(session)?.der
  const outer = der === undefined ? null : elementsOf(der)
  if (outer?.length !== 1 || outer[0]!.tag !== sequence) return null
  const [form, version, cipher, id, secret, ...tagged] = elementsOf(outer[0]!.content) ?? []
  if (form === undefined || version === undefined || secret === undefined || numberOf(form) === null) return null
  if ([cipher, id, secret].some((element) => element?.tag !== octets)) return null
  const protocol = versions[numberOf(version) ?? 0]
  if (protocol === undefined) return null
  const inside = (number: number): Element | undefined => {
    const found = tagged.find(({ tag }) => tag === context + number)
    return found && elementsOf(found.content)?.[0]
  }
  // One that is there and cannot be read must not count as one that is not there.
  const numbers = [1, 2, 5, 9].map((number) => {
    const element = inside(number)
    return element === undefined ? (tagged.some(({ tag }) => tag === context + number) ? null : undefined) : numberOf(element)
  })
  if (numbers.includes(null)) return null
  const [, timeout, verifyResult, hint] = numbers
  // The certificate stands in its tag as it is.
  const certificate = tagged.find(({ tag }) => tag === context + 3)?.content ?? null
  const hasTicket = (inside(10)?.content.length ?? 0) > 0
  return {
    protocol,
    resumable: hasTicket || (protocol === 'TLSv1.2' && id!.content.length > 0),
    timeout: timeout ?? null,
    hint: hint ?? null,
    verifyResult: verifyResult ?? 0,
    certificate,
    get certificateUntil() {
      return certificate === null ? null : untilOf(certificate)
    }
  }
}
