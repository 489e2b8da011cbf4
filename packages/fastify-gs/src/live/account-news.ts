import { sql } from 'kysely'
import type { GsDatabase, RawRow } from '../database/database.ts'
import type { SessionEndCause } from '../hooks.ts'

/** A session of the account has begun, or ended for the cause. `id`: of the entry in the log of changes. */
export interface SessionNews {
  readonly id: number
  readonly type: 'login' | 'logout'
  readonly sessionId: string
  readonly cause: SessionEndCause | null
}

type MaybePromise<T> = T | Promise<T>

/** What the log of changes says to who was not connected when it happened. Synchronous on SQLite. */
export interface AccountNews {
  /** The latest of an account, at most {@link longestNews}, in the order of their ids; `newest`: the id of the newest entry of the whole log, or 0. */
  readonly latest: (accountId: string) => MaybePromise<{ readonly newest: number; readonly news: readonly SessionNews[] }>
}

export const longestNews = 60

export function createAccountNews({ prepareListLookup, db }: GsDatabase): AccountNews {
  const latest = prepareListLookup(
    db
      .selectFrom(
        db
          .selectFrom('gs_changes')
          .select(['id', 'type', 'session_id', 'cause'])
          .where('account_id', '=', '')
          .where(sql<boolean>`type in ('login', 'end')`)
          .orderBy('id', 'desc')
          .limit(sql.lit(longestNews))
          .as('latest')
      )
      .selectAll()
      // One more row, so that both come from the same moment.
      .unionAll(
        db
          .selectFrom('gs_changes')
          .select((eb) => [
            eb.fn.coalesce(eb.fn.max('id'), sql.lit(0)).as('id'),
            sql<'account'>`'account'`.as('type'),
            sql<string | null>`null`.as('session_id'),
            sql<string | null>`null`.as('cause')
          ])
      )
      .compile().sql
  )

  const toNews = (rows: readonly RawRow[]) => {
    let newest = 0
    const news: SessionNews[] = []
    for (const [id, type, sessionId, cause] of rows) {
      if (type === 'account') newest = id as number
      else if (type === 'login') news.push({ id: id as number, type, sessionId: sessionId as string, cause: null })
      else news.push({ id: id as number, type: 'logout', sessionId: sessionId as string, cause: cause as SessionEndCause })
    }
    return { newest, news: news.sort((a, b) => a.id - b.id) }
  }
  return {
    latest(accountId) {
      const rows = latest(accountId)
      return rows instanceof Promise ? rows.then(toNews) : toNews(rows)
    }
  }
}
