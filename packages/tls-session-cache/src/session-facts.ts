import { X509Certificate } from 'node:crypto'
import { Constructed, Integer, OctetString, fromBER, type BaseBlock } from 'asn1js'

/** What a session says of itself. */
export interface SessionFacts {
  readonly protocol: 'TLSv1.2' | 'TLSv1.3'
  /** Whether it has a ticket: else the server knows it by its id. */
  readonly ticket: boolean
  /** When the server has given it, ms since 1970. */
  readonly issued: number
  /** For how long the server wants it to be used, seconds; null: it has not said so. */
  readonly hint: number | null
  /** Of OpenSSL; 0: the chain of the server was good. */
  readonly verifyResult: number
  /** Until when the certificate of the server is valid, ms since 1970; null: there is none. */
  readonly certificateUntil: number | null
}

/** No server has a leaf certificate that makes more of it, bytes. */
export const longestSession = 8192

/** What Node (since 24.17 and 22.23) puts before a session: this, two bytes of length, and the name of the server. */
const wrapper = Buffer.from('\0nodejs:tls:session:1\0', 'latin1')

const versions: Readonly<Record<number, SessionFacts['protocol']>> = { 0x303: 'TLSv1.2', 0x304: 'TLSv1.3' }

/** The ASN.1 of OpenSSL inside a session of Node, and the name that Node has put before it; null: there is none. */
export function unwrapSession(session: Buffer): { readonly name: string | null; readonly der: Buffer } | null {
  if (!session.subarray(0, wrapper.length).equals(wrapper)) return session[0] === 0x30 ? { name: null, der: session } : null
  const at = wrapper.length + 2
  if (session.length < at) return null
  const end = at + session.readUInt16BE(wrapper.length)
  if (session.length <= end) return null
  return { name: session.toString('latin1', at, end), der: session.subarray(end) }
}

const numberOf = (block: BaseBlock | undefined) => (block instanceof Integer ? Number(block.toBigInt()) : null)

/** Reads a session as OpenSSL writes it (its `SSL_SESSION`, i2d_SSL_SESSION(3)); null: it is none. */
export function sessionFacts(session: Buffer): SessionFacts | null {
  if (session.length > longestSession) return null
  const der = unwrapSession(session)?.der
  if (der === undefined) return null
  const { offset, result } = fromBER(der)
  if (offset !== der.length || !(result instanceof Constructed)) return null
  const [, version, cipher, id] = result.valueBlock.value
  if (!(version instanceof Integer && cipher instanceof OctetString && id instanceof OctetString)) return null
  const protocol = versions[numberOf(version)!]
  if (protocol === undefined) return null
  const tagged = new Map<number, BaseBlock>()
  for (const block of result.valueBlock.value)
    if (block instanceof Constructed && block.idBlock.tagClass === 3) tagged.set(block.idBlock.tagNumber, block.valueBlock.value[0]!)
  const certificate = tagged.get(3)
  return {
    protocol,
    ticket: tagged.has(10),
    issued: (numberOf(tagged.get(1)) ?? 0) * 1000,
    hint: numberOf(tagged.get(9)),
    verifyResult: numberOf(tagged.get(5)) ?? 0,
    certificateUntil: certificate === undefined ? null : new X509Certificate(Buffer.from(certificate.toBER())).validToDate.getTime()
  }
}
