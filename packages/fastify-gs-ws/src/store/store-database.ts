import type { CompiledQuery } from 'kysely'
import type { Row, SessionQueries } from './session-queries.ts'

/** An opened database with our tables. Everything in it rejects with `WsUnavailableError` when the database does not answer. */
export interface StoreDatabase {
  readonly queries: SessionQueries
  readonly read: (query: CompiledQuery) => Promise<readonly Row[]>
  /**
   * Writes, durable when it is done. It is tried again when another process is in the way. When a connection has broken nobody knows whether
   * it was done: then `repeat` does it again and says so by `again`, `refuse` rejects.
   */
  readonly write: (query: CompiledQuery, unsure: 'repeat' | 'refuse') => Promise<{ readonly rows: readonly Row[]; readonly again: boolean }>
  readonly close: () => Promise<void>
}

/** How long and how often to try to write when another process is in the way: about 2 s in all. */
export const patience = { retries: 14, minTimeout: 10, maxTimeout: 250, factor: 1.6, randomize: true, maxRetryTime: 2000 } as const
