import { setImmediate as turn } from 'node:timers/promises'
import { sql, type Insertable } from 'kysely'
import type { Db, GsDatabase } from '../database/database.ts'
import type { AccountsTable } from '../database/schema.ts'

/** A row for an account that needs no sign-up; `username` is its id and key as well. It is not verified unless `change` says so. */
export async function seedAccount(db: Db, username: string, change: Partial<Insertable<AccountsTable>> = {}): Promise<string> {
  const row = {
    id: username,
    username,
    username_key: username,
    email: `${username}@mail.test`,
    email_key: `${username}@mail.test`,
    verified_email_key: null,
    password_hash: `hash of ${username}`,
    created_at: Date.UTC(2026, 0, 1),
    ...change
  }
  await db.insertInto('gs_accounts').values(row).execute()
  return row.id
}

/**
 * Waits, 10 s at most, until a statement on another connection waits for a row that an open transaction has changed. On SQLite, where
 * transactions exclude one another, there is nothing to wait for.
 */
export async function untilBlocked({ engine, db }: GsDatabase): Promise<void> {
  if (engine === 'sqlite') return
  const waiting = sql<{ n: number }>`select count(*)::int as n from pg_stat_activity
    where datname = current_database() and wait_event_type = 'Lock'`
  const deadline = Date.now() + 10_000
  while ((await waiting.execute(db)).rows[0]!.n === 0) {
    if (Date.now() > deadline) throw new Error('no statement waits for a row')
    await turn()
  }
}
