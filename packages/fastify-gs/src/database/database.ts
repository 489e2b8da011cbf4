import { AsyncLocalStorage } from 'node:async_hooks'
import type { Kysely, Transaction } from 'kysely'
import pRetry from 'p-retry'
import { gsError } from '../errors.ts'
import type { GsTables } from './schema.ts'

/** What query functions take first: the database, or a transaction in it. */
export type Db = Kysely<GsTables>
export type Trx = Transaction<GsTables>

/** A row as an array of its columns in the order of the select list; the cheapest shape of both drivers. */
export type RawRow = readonly unknown[]

/** Looks up one row by one text parameter. Synchronous where the engine is (SQLite), so that the request path needs no await. */
type Lookup = (parameter: string) => RawRow | undefined | Promise<RawRow | undefined>

/** The same for all rows of an answer. */
type ListLookup = (parameter: string) => readonly RawRow[] | Promise<readonly RawRow[]>

export interface GsDatabase {
  readonly engine: 'sqlite' | 'postgres'
  readonly db: Db
  /** The version of the schema before it was opened; 0: it was new. */
  readonly migratedFrom: number
  /**
   * Runs `work` in one transaction and again when another process was in the way. Refuses with `GS_BUSY` in the end; and at once when it is
   * called by `work` of another one (a hook of the application), which it would wait for.
   */
  readonly transaction: <T>(work: (trx: Trx) => Promise<T>) => Promise<T>
  /**
   * Calls the listener after each commit of this process that recorded changes (database/changes.ts), before `transaction()` resolves. There
   * is one listener; what it throws is its own fault.
   */
  readonly onCommittedChanges: (listener: () => Promise<void> | void) => void
  /**
   * PostgreSQL: calls the listener when any process has committed changes, over a connection of its own that is made again when it breaks.
   * Nobody must rely on it alone. Returns how to stop. SQLite: never calls it.
   */
  readonly listen: (listener: () => void) => () => Promise<void>
  /** The transaction in whose `work` this is called, for questions that would wait for it; null: none. */
  readonly current: () => Trx | null
  /** Prepares the statement for the request path. `sql` has one parameter. */
  readonly prepareLookup: (sql: string) => Lookup
  /** Prepares a statement that gives several rows. `sql` has one parameter. */
  readonly prepareListLookup: (sql: string) => ListLookup
  /** Whether an error of a query says that the database cannot answer at the moment; a later attempt may succeed. */
  readonly isUnavailable: (error: unknown) => boolean
  readonly close: () => Promise<void>
}

const changed = new WeakSet<object>()

/** Notes that changes were recorded in this transaction (database/changes.ts). */
export const touch = (db: Db): void => void changed.add(db)

/** How long and how often to try when another process is in the way: about 2 s in all. */
export const patience = { retries: 14, minTimeout: 10, maxTimeout: 250, factor: 1.6, randomize: true, maxRetryTime: 2000 } as const

/** Transactions that wait for other processes with back-off, {@link patience}, and are refused with `GS_BUSY` when the database is out of reach. */
export function retryingTransactions(
  db: Db,
  inTheWay: (error: unknown) => boolean,
  isUnavailable: (error: unknown) => boolean
): Pick<GsDatabase, 'transaction' | 'current' | 'onCommittedChanges'> {
  const running = new AsyncLocalStorage<{ readonly trx: Trx; over: boolean }>()
  const current = () => {
    const around = running.getStore()
    // What a hook has left behind goes on after the transaction.
    return around === undefined || around.over ? null : around.trx
  }
  let committed: () => Promise<void> | void = () => undefined
  const attempt = <T>(work: (trx: Trx) => Promise<T>) =>
    db.transaction().execute(async (trx) => {
      const around = { trx, over: false }
      try {
        const result = await running.run(around, work, trx)
        return { result, touched: changed.has(trx) }
      } finally {
        around.over = true
      }
    })
  return {
    current,
    onCommittedChanges(listener) {
      committed = listener
    },
    async transaction(work) {
      if (current() !== null)
        throw new Error('Nothing can be changed here: this is inside of a transaction (in the hook beforeLogin). Do it in onUpgrade.')
      try {
        const { result, touched } = await pRetry(() => attempt(work), { ...patience, shouldRetry: ({ error }) => inTheWay(error) })
        if (touched) await committed()
        return result
      } catch (error) {
        if (inTheWay(error) || isUnavailable(error)) throw Object.assign(gsError('GS_BUSY', { retryAfter: 2 }), { cause: error })
        throw error
      }
    }
  }
}

/**
 * Makes the transaction cost a commit. For flows that write something for a known name: for an unknown one the answer must not come
 * sooner (EN-03).
 */
export async function commitAnyway(trx: Trx): Promise<void> {
  await trx
    .updateTable('gs_schema')
    .set((eb) => ({ version: eb.ref('version') }))
    .execute()
}
