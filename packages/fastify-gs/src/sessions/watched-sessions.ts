import { sql } from 'kysely'
import type { GsDatabase, RawRow } from '../database/database.ts'
import { isLocked, selectSessions, sessionColumns, toSession, type FoundSession } from './sessions.ts'

/** What the database says at this moment of sessions and accounts that somebody watches. Synchronous on SQLite. */
export interface WatchedSessions {
  /** By id; those that have ended are missing, those of locked accounts are `'locked'`. */
  readonly sessions: (ids: readonly string[]) => MaybePromise<ReadonlyMap<string, WatchedSession | 'locked'>>
  /** By id; those that were deleted are missing. */
  readonly accounts: (ids: readonly string[]) => MaybePromise<ReadonlyMap<string, WatchedAccount>>
}

export interface WatchedSession extends FoundSession {
  /** SHA-256 of the former token, as long as the newest one has not been used; else null. */
  readonly formerHash: string | null
}

export interface WatchedAccount {
  readonly locked: boolean
}

type MaybePromise<T> = T | Promise<T>

/** Places of the columns in the row of a session. */
const tokenHash = sessionColumns
const formerHash = sessionColumns + 1

export function createWatchedSessions(database: GsDatabase): WatchedSessions {
  const { db, engine, prepareListLookup } = database
  // All ids in one parameter, as JSON: so there is one statement to prepare, however many they are.
  const given =
    engine === 'sqlite' ? sql`(select value from json_each(${''}))` : sql`(select value from json_array_elements_text(${''}::json))`

  const sessionRows = prepareListLookup(
    selectSessions(db)
      .select('s.token_hash')
      .select((eb) =>
        eb
          .case()
          .when('s.token_unused', '=', sql.lit(1))
          .then(
            eb
              .selectFrom('gs_replaced_tokens as r')
              .select((former) => former.fn.max('r.token_hash').as('token_hash'))
              .whereRef('r.session_id', '=', 's.id')
              .where('r.valid_until', 'is', null)
          )
          .end()
          .as('former_hash')
      )
      .where(sql<boolean>`s.id in ${given}`)
      .compile().sql
  )
  const accountRows = prepareListLookup(
    db
      .selectFrom('gs_accounts as a')
      .select(['a.id', 'a.locked_at'])
      .where(sql<boolean>`a.id in ${given}`)
      .compile().sql
  )

  const toWatched = (row: RawRow): WatchedSession => ({
    ...toSession(row, row[tokenHash] as string),
    formerHash: row[formerHash] as string | null
  })
  const toSessions = (rows: readonly RawRow[]) =>
    new Map(rows.map((row) => [row[0] as string, isLocked(row) ? ('locked' as const) : toWatched(row)]))
  const toAccounts = (rows: readonly RawRow[]) => new Map(rows.map((row) => [row[0] as string, { locked: row[1] !== null }]))
  const read = <T>(rows: MaybePromise<readonly RawRow[]>, as: (rows: readonly RawRow[]) => T) =>
    rows instanceof Promise ? rows.then(as) : as(rows)
  return {
    sessions: (ids) => read(sessionRows(JSON.stringify(ids)), toSessions),
    accounts: (ids) => read(accountRows(JSON.stringify(ids)), toAccounts)
  }
}
