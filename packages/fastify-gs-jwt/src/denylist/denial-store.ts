import type { CompiledQuery } from 'kysely'
import type { DenialQueries, Row } from './denial-queries.ts'

/** An opened database with our tables. Everything in it throws (or rejects with) `JwtUnavailableError` when the database does not answer. */
export interface DenialStore {
  readonly queries: DenialQueries
  /**
   * The question of the request path, prepared: a key for each kind of name, now -> the latest `before`, or null. Synchronous where the
   * engine is.
   */
  readonly deniedBefore: (parameters: readonly [string, string, string, number]) => number | null | Promise<number | null>
  /** Writes, durable when it is done; doing it twice must be doing it once. What `tidy` would remove may also stay. */
  readonly write: (query: CompiledQuery, tidy?: CompiledQuery) => Promise<void>
  readonly read: (query: CompiledQuery) => Promise<readonly Row[]>
  readonly close: () => Promise<void>
}

/** How long and how often to try to write when another process is in the way: about 2 s in all. */
export const patience = { retries: 14, minTimeout: 10, maxTimeout: 250, factor: 1.6, randomize: true, maxRetryTime: 2000 } as const
