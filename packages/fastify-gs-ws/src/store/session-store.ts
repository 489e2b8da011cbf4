/** A session as the store has it. Times are ms since 1970. */
export interface StoredSession {
  readonly id: string | number
  /** SHA-256 of the secret that counts, base64url. */
  readonly secretHash: string
  /** The same of the former secret, with a dot and the salt of the one that followed it; null: there is none. It is good until `formerUntil`. */
  readonly formerHash: string | null
  /** Null while the new secret has not been used: then the former one goes on without limit. */
  readonly formerUntil: number | null
  /** Who owns it: an account, a login. Null: whoever has the secret. */
  readonly owner: string | null
  /** JSON. */
  readonly data: string
  /** JSON; null: the client has said nothing. */
  readonly fromClient: string | null
  readonly firstVisit: number
  readonly previousVisit: number | null
  readonly latestVisit: number
  /** Counts the changes of `data`, from 1. */
  readonly version: number
  /** JSON: number of the last message that was handled on each link whose effects may be in `data`, with the time of it: `{ link: [n, at] }`. */
  readonly links: string
  /** When it is over if nobody comes, and in any case: from that millisecond on. */
  readonly idleUntil: number
  readonly absoluteUntil: number
}

export interface ListedWsSession {
  readonly id: string | number
  readonly owner: string | null
  readonly firstVisit: number
  readonly latestVisit: number
  /** Of `data`, bytes. */
  readonly size: number
}

export interface StoreChange {
  readonly id: string | number
  /** The version that it has now; null: it is over. */
  readonly version: number | null
}

/**
 * Where sessions are. Whatever is done when a promise of it is resolved is durable, and seen by all processes that share the store. Rejects with
 * `WsUnavailableError` when it cannot be asked. Ids are compared with their type: `1` and `'1'` are different ones. They are whole numbers, or texts of
 * 1 to 256 characters without U+0000 and half surrogate pairs; what cannot be an id is not found.
 */
export interface SessionStore {
  /** @throws {Error} (rejects) there is one with this id, also if it is over. @throws {TypeError} (rejects) what cannot be an id, or an owner */
  readonly create: (session: StoredSession) => Promise<void>
  /** Null: there is none, or it is over (`now` has reached `idleUntil` or `absoluteUntil`). */
  readonly find: (id: string | number, now: number) => Promise<StoredSession | null>
  /**
   * Replaces `data` and `links` if the version is still the one given. Gives the new version; null: somebody was quicker, or it is over, and
   * nothing has been changed.
   */
  readonly save: (
    id: string | number,
    version: number,
    change: { readonly data: string; readonly links: string; readonly now: number }
  ) => Promise<number | null>
  /** A visit: times, and secrets. False: it is over at `latestVisit`, or `secretHash` is not the one given any more. */
  readonly visit: (
    id: string | number,
    secretHash: string,
    change: Pick<StoredSession, 'secretHash' | 'formerHash' | 'formerUntil' | 'previousVisit' | 'latestVisit' | 'idleUntil'>
  ) => Promise<boolean>
  /**
   * Puts the end off; never back. In batches, because it is called for all sessions with open connections; so one whose `idleUntil` has passed
   * meanwhile goes on if it has not been removed.
   */
  readonly extend: (sessions: ReadonlyMap<string | number, number>) => Promise<void>
  /** Ends sessions; gives the ids of those that were there, whether they were over or not. */
  readonly end: (which: { readonly id: string | number } | { readonly owner: string } | 'all') => Promise<readonly (string | number)[]>
  /** A page of those that are not over, latest visit first. @throws {TypeError} (rejects) no limit from 1 to 10000, or an `after` that is none */
  readonly list: (page: { readonly now: number; readonly limit: number; readonly after?: string }) => Promise<{
    readonly sessions: readonly ListedWsSession[]
    /** For the next page; null: this is the last one. */
    readonly next: string | null
  }>
  /** Removes what is over, at most `limit` (1 to 10000); gives their ids. */
  readonly prune: (now: number, limit: number) => Promise<readonly (string | number)[]>
  /** The next number of the sequence, never given before, 1 first; also by several processes at once. */
  readonly nextNumber: () => Promise<number>
  /** Makes sure that `nextNumber` gives numbers above this one. */
  readonly raiseNumber: (above: number) => Promise<void>
  /**
   * Those of these sessions (id: the version that one knows) that have another version now, or are gone. What this process changes while it is asked
   * may be among them; the store of a single process never has anything.
   */
  readonly changes: (watched: ReadonlyMap<string | number, number>) => Promise<readonly StoreChange[]>
  readonly close: () => Promise<void>
}
