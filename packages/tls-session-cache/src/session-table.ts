import { LRUCache } from 'lru-cache'
import { longestChain } from './lifetime.ts'
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
  /** Digest of the certificate of the server, where it is known already. */
  readonly server?: string
}

interface Row {
  readonly peer: Peer
  /** The newest first. */
  sessions: KeptSession[]
}

export type TableOptions = Pick<ResolvedOptions, 'max' | 'perPeer' | 'singleUse' | 'ttl' | 'now'>

export interface TableEvents {
  readonly evicted: () => void
  readonly expired: (count: number) => void
}

/** By how much a clock may be corrected back before what was kept by it is thrown away, ms. */
const correction = 5000

/** How often secrets whose time is over are looked for at most, ms. */
const shortestRest = 1000

/** The sessions of a namespace, by peer, those that were used last first. */
export class SessionTable {
  readonly #options: TableOptions
  readonly #events: TableEvents
  readonly #rows: LRUCache<string, Row>
  #forgets = 0
  #timer: NodeJS.Timeout | undefined
  /** ms since 1970, when the timer is set. */
  #wakeAt = Infinity

  constructor(options: TableOptions, events: TableEvents) {
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

  /** How often something was forgotten on demand. */
  get forgets(): number {
    return this.#forgets
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

  /** Gives whether it is kept: not when its time is over. */
  put(peer: Peer, given: KeptSession): boolean {
    const { now, perPeer, ttl } = this.#options
    const time = now()
    const expiresAt = Math.min(given.expiresAt, given.finalAt, time + ttl * 1000)
    if (!(expiresAt > time)) return false
    const kept = { ...given, expiresAt }
    const row = this.#rows.get(peer.key) ?? { peer, sessions: [] }
    // One of TLS 1.2 can be used as often as one likes: the newest is enough.
    const others = kept.protocol === 'TLSv1.2' ? [] : row.sessions
    row.sessions = [kept, ...others].slice(0, perPeer)
    this.#rows.set(peer.key, row)
    this.#wake(expiresAt)
    return true
  }

  /** Keeps one that was taken and that no server has seen. */
  giveBack(peer: Peer, taken: KeptSession): void {
    const row = this.#rows.peek(peer.key)
    // Of TLS 1.2 what is there is the same or a newer one.
    if (row === undefined || taken.protocol === 'TLSv1.3') {
      if (!row?.sessions.includes(taken)) this.put(peer, taken)
    }
  }

  remove(peer: Peer, kept: KeptSession): void {
    const row = this.#rows.peek(peer.key)
    if (row === undefined) return
    row.sessions = row.sessions.filter((session) => session !== kept)
    if (row.sessions.length === 0) this.#rows.delete(peer.key)
  }

  has(peer: Peer): boolean {
    const row = this.#rows.peek(peer.key)
    if (row !== undefined) this.#expire(row)
    return this.#rows.has(peer.key)
  }

  /** Adds peers that there are not, behind those that there are, as long as there is room. Gives how many sessions it took. */
  adopt(rows: readonly { readonly peer: Peer; readonly sessions: readonly KeptSession[] }[]): number {
    const { max, perPeer } = this.#options
    const before = Array.from(this.entries(), ({ peer }) => peer.key)
    let taken = 0
    for (const { peer, sessions } of rows.slice(0, max - before.length).toReversed()) {
      const kept = sessions.slice(0, sessions[0]?.protocol === 'TLSv1.2' ? 1 : perPeer)
      this.#rows.set(peer.key, { peer, sessions: kept })
      for (const { expiresAt } of kept) this.#wake(expiresAt)
      taken += kept.length
    }
    for (const key of before.toReversed()) this.#rows.get(key)
    return taken
  }

  removeAll(peer: Peer): void {
    this.#rows.delete(peer.key)
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
    this.#forgets++
    const meant = Array.from(this.#rows.values()).filter(({ peer }) => isMeant(peer))
    for (const { peer } of meant) this.#rows.delete(peer.key)
    if (this.#rows.size === 0) {
      clearTimeout(this.#timer)
      this.#wakeAt = Infinity
    }
    return meant.length
  }

  /** Whether its time is over; also when it would have more of it than there is to give: then the clock was set back. */
  #isOver({ expiresAt, finalAt }: KeptSession, now: number): boolean {
    const latest = now + correction
    return expiresAt <= now || expiresAt > latest + this.#options.ttl * 1000 || finalAt > latest + longestChain
  }

  #expire(row: Row): void {
    const now = this.#options.now()
    const left = row.sessions.filter((kept) => !this.#isOver(kept, now))
    if (left.length === row.sessions.length) return
    this.#events.expired(row.sessions.length - left.length)
    row.sessions = left
    if (left.length === 0) this.#rows.delete(row.peer.key)
  }

  /** Sees to it that no secret is in memory long after its time, without keeping the process alive. */
  #wake(at: number): void {
    if (at >= this.#wakeAt) return
    clearTimeout(this.#timer)
    this.#wakeAt = at
    this.#timer = setTimeout(
      () => {
        this.#wakeAt = Infinity
        let next = Infinity
        for (const { sessions } of this.entries()) for (const { expiresAt } of sessions) next = Math.min(next, expiresAt)
        if (next !== Infinity) this.#wake(next)
      },
      Math.max(shortestRest, at - this.#options.now())
    ).unref()
  }
}
