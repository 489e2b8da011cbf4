import type { TLSSocket } from 'node:tls'
import type { SessionFacts } from './session-facts.ts'

/** A full handshake is made at least as often, ms (RFC 5246, F.1.4): certificates and pins are looked at again. */
export const longestChain = 86_400_000

/**
 * For how long a session may be used, seconds: as long as the cache wants, and its server, and OpenSSL. A server that says nothing, or 0, leaves it to
 * the client in TLS 1.2 (RFC 5077, 3.3), and in TLS 1.3 wants it to be thrown away at once (RFC 8446, 4.6.1).
 */
export function lifeOf({ hint, protocol, timeout }: Pick<SessionFacts, 'hint' | 'protocol' | 'timeout'>, ttl: number): number {
  const wished = hint ?? 0
  if (protocol === 'TLSv1.3' && wished <= 0) return 0
  return Math.min(ttl, wished > 0 ? wished : ttl, timeout ?? ttl)
}

/** The certificate of a server, and until when what comes of a full handshake with it may be used. */
interface VerifiedServer {
  /** DER; null: there is none, and nothing is kept. */
  readonly certificate: Buffer | null
  /** ms since 1970: a day, and no certificate of the chain may expire before. */
  readonly finalAt: number
}

export function verifiedServer(socket: TLSSocket, now: number): VerifiedServer {
  const leaf = socket.getPeerCertificate(true)
  let finalAt = now + longestChain
  const seen = new Set<string>()
  for (let certificate = leaf; certificate?.fingerprint256 && !seen.has(certificate.fingerprint256);) {
    seen.add(certificate.fingerprint256)
    const until = Date.parse(certificate.valid_to)
    if (!(until >= finalAt)) finalAt = Number.isNaN(until) ? 0 : until
    certificate = certificate.issuerCertificate
  }
  return { certificate: leaf?.raw ?? null, finalAt }
}
