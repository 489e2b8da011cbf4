import { sql } from 'kysely'
import { everybody } from '../database/changes.ts'
import type { GsDatabase, RawRow } from '../database/database.ts'
import type { SessionEndCause } from '../hooks.ts'

/** An entry of the log of changes. */
export type Change =
  | { readonly type: 'login'; readonly id: number; readonly accountId: string; readonly sessionId: string }
  | { readonly type: 'end'; readonly id: number; readonly accountId: string; readonly sessionId: string; readonly cause: SessionEndCause }
  /** `accountId` null: everybody's; `sessionId` null: all sessions of the account. */
  | { readonly type: 'account'; readonly id: number; readonly accountId: string | null; readonly sessionId: string | null }
  /** The sessions of the account have other connections in another process. */
  | { readonly type: 'connections'; readonly id: number; readonly accountId: string }

type MaybePromise<T> = T | Promise<T>

/** What any process has committed. Synchronous on SQLite. */
export interface ChangeLog {
  /** Whether entries appear in the order of their ids. */
  readonly ordered: boolean
  /** The id of the newest entry; 0: there is none. */
  readonly position: () => MaybePromise<number>
  /** The entries with a higher id, in the order of the ids: at most {@link longestRead}. */
  readonly after: (id: number) => MaybePromise<readonly Change[]>
  /** Why the session ended that had this token last. Null: the log does not know, or not any more. */
  readonly endOf: FindEnd
  /** Calls the listener when there may be new ones, if the database can tell. Returns how to stop. */
  readonly listen: (listener: () => void) => () => Promise<void>
}

/** @param tokenHash SHA-256 of the token */
export type FindEnd = (tokenHash: string) => MaybePromise<SessionEndCause | null>

export const longestRead = 1000

const toChange = (row: readonly unknown[]): Change => {
  const id = row[0] as number
  const accountId = row[1] as string
  const sessionId = row[3] as string | null
  switch (row[2]) {
    case 'login':
      return { type: 'login', id, accountId, sessionId: sessionId! }
    case 'end':
      return { type: 'end', id, accountId, sessionId: sessionId!, cause: row[4] as SessionEndCause }
    case 'connections':
      return { type: 'connections', id, accountId }
    default:
      return { type: 'account', id, accountId: accountId === everybody ? null : accountId, sessionId }
  }
}

export function createFindEnd({ db, prepareLookup }: GsDatabase): FindEnd {
  const lookup = prepareLookup(
    db.selectFrom('gs_changes').select('cause').where('token_hash', '=', '').orderBy('id', 'desc').limit(sql.lit(1)).compile().sql
  )
  const toCause = (row: RawRow | undefined) => (row?.[0] ?? null) as SessionEndCause | null
  return (tokenHash) => {
    const row = lookup(tokenHash)
    return row instanceof Promise ? row.then(toCause) : toCause(row)
  }
}

export function createChangeLog(database: GsDatabase): ChangeLog {
  const { db, prepareListLookup } = database
  const after = prepareListLookup(
    db
      .selectFrom('gs_changes')
      .select(['id', 'account_id', 'type', 'session_id', 'cause'])
      .where('id', '>', sql<number>`cast(${''} as bigint)`)
      .orderBy('id')
      .limit(sql.lit(longestRead))
      .compile().sql
  )
  // Its parameter says nothing; the statements of the request path have one.
  const newest = prepareListLookup(
    db
      .selectFrom('gs_changes')
      .select((eb) => eb.fn.max('id').as('id'))
      .where(sql<boolean>`${''} = ''`)
      .compile()
      .sql.replaceAll('$1', '$1::text')
  )
  const read = <T>(rows: MaybePromise<readonly (readonly unknown[])[]>, as: (rows: readonly (readonly unknown[])[]) => T) =>
    rows instanceof Promise ? rows.then(as) : as(rows)
  return {
    // One writes after the other.
    ordered: database.engine === 'sqlite',
    position: () => read(newest(''), (rows) => (rows[0]?.[0] as number | null) ?? 0),
    after: (id) => read(after(String(id)), (rows) => rows.map(toChange)),
    endOf: createFindEnd(database),
    listen: database.listen
  }
}
