import tls, { type ConnectionOptions, type TLSSocket } from 'node:tls'
import { resolveOptions, type ResolvedOptions, type TlsSessionCacheOptions } from './options.ts'
import { peerOf, type Peer } from './peer.ts'
import { sessionFacts } from './session-facts.ts'
import { SessionTable, type KeptSession } from './session-table.ts'

export interface TlsSessionStats {
  /** Peers of which there are sessions. */
  readonly peers: number
  /** Connections that were given a session, and that found none. */
  readonly hits: number
  readonly misses: number
  /** Connections that had been given one, and what the server has made of it. */
  readonly resumed: number
  readonly refused: number
  /** Sessions that were kept; that went because there were too many peers; whose time was over. */
  readonly stored: number
  readonly evicted: number
  readonly expired: number
  /** Connections that the cache has nothing to do with: without verification, without a name for the server, or it is switched off. */
  readonly bypassed: number
}

/** What somebody who makes a connection himself needs of the cache. */
export interface PreparedConnection {
  /** The option `session` for `tls.connect`; undefined: there is none. */
  readonly session: Buffer | undefined
  /** To be called with the socket at once, before it can have said anything. Gives it back. */
  readonly watch: <T extends TLSSocket>(socket: T) => T
}

/** A full handshake is made at least as often, ms (RFC 5246, F.1.4): certificates and pins are looked at again. */
const longestChain = 86_400_000

type Counters = { -readonly [name in Exclude<keyof TlsSessionStats, 'peers'>]: number }

/** Keeps sessions of TLS for clients; see {@link TlsSessionCacheOptions}. */
export class TlsSessionCache {
  readonly namespace: string
  readonly #options: ResolvedOptions
  readonly #table: SessionTable
  readonly #counters: Counters = { hits: 0, misses: 0, resumed: 0, refused: 0, stored: 0, evicted: 0, expired: 0, bypassed: 0 }
  #closed = false

  /** @throws {TlsCacheOptionError} */
  constructor(options: TlsSessionCacheOptions = {}) {
    this.#options = resolveOptions(options)
    this.namespace = this.#options.namespace
    const counters = this.#counters
    this.#table = new SessionTable(this.#options, {
      evicted: () => void counters.evicted++,
      expired: (count) => void (counters.expired += count)
    })
    tables.set(this, this.#table)
    clocks.set(this, this.#options)
  }

  get stats(): TlsSessionStats {
    return { peers: this.#table.size, ...this.#counters }
  }

  /** As `tls.connect`, with a session where there is one. */
  connect(options: ConnectionOptions, onSecure?: () => void): TLSSocket {
    const { session, watch } = this.prepare(options)
    return watch(tls.connect(session === undefined ? options : { ...options, session }, onSecure))
  }

  /** For connections that others make. The options must be those of the connection: whom it goes to, what it trusts, and as whom it presents itself. */
  prepare(options: ConnectionOptions): PreparedConnection {
    const peer = this.#closed || !this.#options.enabled || options.session !== undefined ? null : peerOf(options)
    if (peer === null) {
      this.#counters.bypassed++
      return { session: undefined, watch: (socket) => socket }
    }
    const offered = this.#table.take(peer)
    this.#counters[offered === null ? 'misses' : 'hits']++
    return {
      session: offered?.session,
      watch: (socket) => {
        this.#watch(socket, peer, offered)
        return socket
      }
    }
  }

  /** Forgets the sessions of a host, or of one port of it. Gives of how many peers. */
  forget(host: string, port?: number): number {
    const name = host.toLowerCase()
    return this.#table.forget((peer) => peer.host === name && (port === undefined || peer.port === port))
  }

  clear(): void {
    this.#table.forget(() => true)
  }

  /** Forgets everything. Connections can still be made; they are as without cache. */
  close(): void {
    this.#closed = true
    this.clear()
  }

  #watch(socket: TLSSocket, peer: Peer, offered: KeptSession | null): void {
    const early: Buffer[] = []
    let isSecure = false
    let finalAt: number | null = null
    const keep = (session: Buffer) => {
      if (isSecure) this.#keep(peer, session, finalAt, socket)
      else early.push(session)
    }
    const failed = () => {
      if (!isSecure && offered !== null) this.#table.remove(peer, offered)
    }
    socket.on('session', keep)
    socket.once('error', failed)
    socket.once('close', failed)
    socket.prependOnceListener('secureConnect', () => {
      isSecure = true
      if (offered !== null) {
        const resumed = socket.isSessionReused()
        this.#counters[resumed ? 'resumed' : 'refused']++
        if (resumed) finalAt = offered.finalAt
        else this.#table.remove(peer, offered)
      }
      finalAt ??= finalOf(socket, this.#options.now())
      for (const session of early.splice(0)) keep(session)
    })
  }

  #keep(peer: Peer, session: Buffer, finalAt: number | null, socket: TLSSocket): void {
    const { now, ttl } = this.#options
    if (this.#closed || !socket.authorized || finalAt === null) return
    const facts = sessionFacts(session)
    if (facts === null || facts.verifyResult !== 0) return
    const life = Math.min(ttl, facts.hint === null || facts.hint === 0 ? ttl : facts.hint)
    const expiresAt = Math.min(now() + life * 1000, finalAt, facts.certificateUntil ?? Infinity)
    this.#table.put(peer, { session, protocol: facts.protocol, expiresAt, finalAt })
    this.#counters.stored++
  }
}

const tables = new WeakMap<TlsSessionCache, SessionTable>()
const clocks = new WeakMap<TlsSessionCache, ResolvedOptions>()

/** For those in this package who save and load. */
export const internalsOf = (cache: TlsSessionCache) => ({ table: tables.get(cache)!, options: clocks.get(cache)! })

/** Until when what comes of a full handshake may be used: a day, and no certificate of the chain may expire before. */
function finalOf(socket: TLSSocket, now: number): number {
  let final = now + longestChain
  const seen = new Set<string>()
  for (let certificate = socket.getPeerCertificate(true); certificate?.fingerprint256 && !seen.has(certificate.fingerprint256);) {
    seen.add(certificate.fingerprint256)
    const until = Date.parse(certificate.valid_to)
    if (until < final) final = until
    certificate = certificate.issuerCertificate
  }
  return final
}
