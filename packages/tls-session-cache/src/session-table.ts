import { LRUCache } from 'lru-cache'
import type { ResolvedOptions } from './options.ts'
import type { Peer } from './peer.ts'

/** A session, and until when it may be used. */
export interface KeptSession {
  readonly session: Buffer
  readonly protocol: 'TLSv1.2' | 'TLSv1.3'
  /** ms since 1970. */
  readonly expiresAt: number
  /** Until when sessions that come of this one may be used at most, ms since 1970: once a day there is a full handshake. */
  readonly finalAt: number
}

interface Row {
  readonly peer: Peer
  /** The newest first. */
  sessions: KeptSession[]
}

export interface TableEvents {
  readonly evicted: () => void
  readonly expired: (count: number) => void
}

/** The sessions of a namespace, by peer, those that were used last first. */
export class SessionTable {
  readonly #options: Pick<ResolvedOptions, 'max' | 'perPeer' | 'singleUse' | 'now'>
  readonly #events: TableEvents
  readonly #rows: LRUCache<string, Row>

  constructor(options: Pick<ResolvedOptions, 'max' | 'perPeer' | 'singleUse' | 'now'>, events: TableEvents) {
    this.#options = options
    this.#events = events
    this.#rows = new LRUCache({
      max: options.max,
      dispose: (_row, _key, reason) => {
        if (reason === 'evict') events.evicted()
      }
    })
  }

  get size(): number {
    return this.#rows.size
  }

  /** The newest session of a peer. One of TLS 1.3 is gone with that. */
  take(peer: Peer): KeptSession | null {
    const row = this.#rows.get(peer.key)
    if (row === undefined) return null
    this.#expire(row)
    const [newest] = row.sessions
    if (newest === undefined) return null
    if (newest.protocol === 'TLSv1.3' && (this.#options.singleUse || row.sessions.length > 1)) this.remove(peer, newest)
    return newest
  }

  put(peer: Peer, kept: KeptSession): void {
    const { now, perPeer } = this.#options
    if (kept.expiresAt <= now()) return
    const row = this.#rows.get(peer.key) ?? { peer, sessions: [] }
    // One of TLS 1.2 can be used as often as one likes: the newest is enough.
    const others = kept.protocol === 'TLSv1.2' ? [] : row.sessions
    row.sessions = [kept, ...others].slice(0, perPeer)
    this.#rows.set(peer.key, row)
  }

  remove(peer: Peer, kept: KeptSession): void {
    const row = this.#rows.peek(peer.key)
    if (row === undefined) return
    row.sessions = row.sessions.filter((session) => session !== kept)
    if (row.sessions.length === 0) this.#rows.delete(peer.key)
  }

  /** Peers with what is kept for them, those that were used last first. */
  *entries(): Generator<{ readonly peer: Peer; readonly sessions: readonly KeptSession[] }> {
    for (const row of Array.from(this.#rows.values())) {
      this.#expire(row)
      if (row.sessions.length > 0) yield row
    }
  }

  /** Forgets the peers that are meant. Gives how many. */
  forget(isMeant: (peer: Peer) => boolean): number {
    const meant = Array.from(this.#rows.values()).filter(({ peer }) => isMeant(peer))
    for (const { peer } of meant) this.#rows.delete(peer.key)
    return meant.length
  }

  #expire(row: Row): void {
    const now = this.#options.now()
    const left = row.sessions.filter(({ expiresAt }) => expiresAt > now)
    if (left.length === row.sessions.length) return
    this.#events.expired(row.sessions.length - left.length)
    row.sessions = left
    if (left.length === 0) this.#rows.delete(row.peer.key)
  }
}
