import { hash } from 'node:crypto'
import tls, { type ConnectionOptions, type TLSSocket } from 'node:tls'
import { connectSecure, type SecureConnectionOptions } from './connect-secure.ts'
import { lifeOf, verifiedServer } from './lifetime.ts'
import { resolveOptions, type ResolvedOptions, type TlsSessionCacheOptions } from './options.ts'
import { peerOf, type Peer } from './peer.ts'
import { sessionFacts } from './session-facts.ts'
import { SessionTable, type KeptSession } from './session-table.ts'
import { watchHandshake } from './watch-handshake.ts'

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

  /** Whether `close()` was called. */
  get closed(): boolean {
    return this.#closed
  }

  get stats(): TlsSessionStats {
    return { peers: this.#table.size, ...this.#counters }
  }

  /** As `tls.connect`, with a session where there is one. */
  connect(options: ConnectionOptions, onSecure?: () => void): TLSSocket {
    // Read once, as `tls.connect` does: what decides here must be what decides there.
    const own: ConnectionOptions = { ...options }
    const { session, watch } = this.prepare(own)
    if (session !== undefined) own.session = session
    return watch(tls.connect(own, onSecure))
  }

  /**
   * A connection whose handshake is done. Where the handshake fails and a session had been offered, it is tried once more without one, except over
   * `options.socket`, which cannot be used twice. From then on errors are the caller's: listen to `error` at once.
   *
   * @throws what the connection has failed with, the reason of `signal`, or an error with the code `ETIMEDOUT`
   */
  connectSecure(options: SecureConnectionOptions): Promise<TLSSocket> {
    return connectSecure(this, options)
  }

  /**
   * For connections that others make. The options must be those of the connection: whom it goes to, what it trusts, and as whom it presents itself.
   * `fresh`: no session is given, as for a second try, but those that come are kept.
   */
  prepare(options: ConnectionOptions, fresh = false): PreparedConnection {
    const isOut = this.#closed || !this.#options.enabled || (options.session !== undefined && options.session !== null)
    const peer = isOut ? null : peerOf(options)
    if (peer === null) {
      this.#counters.bypassed++
      return { session: undefined, watch: (socket) => socket }
    }
    const offered = fresh ? null : this.#table.take(peer)
    this.#counters[offered === null ? 'misses' : 'hits']++
    const forgets = this.#table.forgets
    return {
      session: offered?.session,
      watch: (socket) => {
        this.#watch(socket, peer, offered, forgets)
        return socket
      }
    }
  }

  /**
   * Forgets the sessions of a host, or of one port of it. Gives of how many peers. What servers send later on connections that are open now is not
   * kept either.
   */
  forget(host: string, port?: number): number {
    const name = host.toLowerCase()
    return this.#table.forget((peer) => peer.host === name && (port === undefined || peer.port === port))
  }

  /** As {@link forget}, of all hosts. */
  clear(): void {
    this.#table.forget(() => true)
  }

  /** Forgets everything. Connections can still be made; they are as without cache. */
  close(): void {
    this.#closed = true
    this.clear()
  }

  #watch(socket: TLSSocket, peer: Peer, given: KeptSession | null, forgets: number): void {
    let offered = given
    let server: KnownServer | null = null
    const isForgotten = () => forgets !== this.#table.forgets
    watchHandshake(socket, {
      secure: (resumed) => {
        // Resumed with a session that is none of ours: who knows how that was verified.
        server = resumed ? offered && serverBefore(offered) : serverNow(socket, this.#options.now())
        if (offered === null) return
        this.#counters[resumed ? 'resumed' : 'refused']++
        if (!resumed) this.#table.remove(peer, offered)
        offered = null
      },
      session: (session) => {
        if (server !== null && socket.authorized && !isForgotten()) this.#keep(peer, session, server)
      },
      failed: (reached) => {
        if (offered === null || isForgotten()) return
        if (reached) this.#table.removeAll(peer)
        else this.#table.giveBack(peer, offered)
        offered = null
      }
    })
  }

  #keep(peer: Peer, session: Buffer, { digest, finalAt }: KnownServer): void {
    const { now, ttl } = this.#options
    const facts = sessionFacts(session)
    if (facts === null || !facts.resumable || facts.verifyResult !== 0) return
    // Of another one, as after a renegotiation, nobody has looked at the name.
    if (facts.certificate === null || digestOf(facts.certificate) !== digest) return
    const expiresAt = Math.min(now() + lifeOf(facts, ttl) * 1000, finalAt)
    if (this.#table.put(peer, { session, protocol: facts.protocol, expiresAt, finalAt, server: digest })) this.#counters.stored++
  }
}

/** The server of a connection, as it was verified in the last full handshake. */
interface KnownServer {
  /** Of its certificate. */
  readonly digest: string
  readonly finalAt: number
}

const digestOf = (certificate: Buffer) => hash('sha256', certificate, 'base64url')

function serverNow(socket: TLSSocket, now: number): KnownServer | null {
  const { certificate, finalAt } = verifiedServer(socket, now)
  return certificate && { digest: digestOf(certificate), finalAt }
}

function serverBefore({ finalAt, server, session }: KeptSession): KnownServer | null {
  if (server !== undefined) return { digest: server, finalAt }
  const certificate = sessionFacts(session)?.certificate
  return certificate ? { digest: digestOf(certificate), finalAt } : null
}

const tables = new WeakMap<TlsSessionCache, SessionTable>()
const clocks = new WeakMap<TlsSessionCache, ResolvedOptions>()

/** For those in this package who save and load. */
export const internalsOf = (cache: TlsSessionCache) => ({ table: tables.get(cache)!, options: clocks.get(cache)! })
