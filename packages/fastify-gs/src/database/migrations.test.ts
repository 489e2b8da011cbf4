import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { sql } from 'kysely'
import { emptyPostgres, publishedSchemas, temporaryDirectory } from '../testing/databases.ts'
import type { GsDatabase } from './database.ts'
import { schemaVersion } from './migrations.ts'
import { openPostgres } from './postgres.ts'
import { openSqlite } from './sqlite.ts'

/** Gives how to open one database, time and again. */
const places: [engine: string, place: (t: TestContext) => Promise<() => Promise<GsDatabase>>][] = [
  [
    'SQLite',
    async (t) => {
      const path = join(temporaryDirectory(t), 'gs.sqlite3')
      return () => openSqlite(path)
    }
  ],
  [
    'PostgreSQL',
    async () => {
      const url = await emptyPostgres()
      return () => openPostgres(url, () => undefined)
    }
  ]
]

/** Those that refer to others before those. */
const allTables = [
  'gs_connections',
  'gs_nodes',
  'gs_changes',
  'gs_settings',
  'gs_session_data',
  'gs_replaced_tokens',
  'gs_audit',
  'gs_imports',
  'gs_throttle',
  'gs_outbox',
  'gs_links',
  'gs_sessions',
  'gs_accounts',
  'gs_groups'
]

/** What every version can hold. */
const rows = [
  `insert into gs_accounts (id, username, username_key, email, email_key, verified_email_key, password_hash, level, sectors, created_at)
    values ('ann', 'Ann', 'ann', 'ann@mail.test', 'ann@mail.test', 'ann@mail.test', 'hash', 30, 48, 1)`,
  `insert into gs_sessions (id, token_hash, account_id, created_at, last_active_at, expires_at, remember, ip, user_agent)
    values ('s', 'token', 'ann', 1, 2, 3, 1, '127.0.0.1', 'agent')`,
  `insert into gs_links (id, token_hash, purpose, account_id, email, created_at, expires_at)
    values ('l', 'link', 'forgot-password', 'ann', 'ann@mail.test', 1, 2)`,
  `insert into gs_outbox (id, kind, account_id, recipient, recipient_key, parameters, link_id, state, created_at, next_attempt_at)
    values ('o', 'forgot-password', 'ann', 'ann@mail.test', 'ann@mail.test', '{}', 'l', 'waiting', 1, 1)`,
  "insert into gs_throttle (key, failures, last_at) values ('k', 7, 1)"
]

/** Tables with columns and indexes, whatever their order. */
async function shapeOf({ db, engine }: GsDatabase): Promise<string[]> {
  const { rows: found } = await (
    engine === 'sqlite'
      ? sql<{
          part: string
        }>`select m.name || '.' || c.name || ' ' || lower(c.type) || ' ' || c."notnull" || ' ' || coalesce(c.dflt_value, '') as part
        from sqlite_master m, pragma_table_info(m.name) c where m.type = 'table'
        union all select tbl_name || '.' || name from sqlite_master where type = 'index'`
      : sql<{
          part: string
        }>`select table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable || ' ' || coalesce(column_default, '') as part
        from information_schema.columns where table_schema = 'public'
        union all select tablename || '.' || indexname from pg_indexes where schemaname = 'public'`
  ).execute(db)
  return found.map(({ part }) => part).sort()
}

for (const [engine, place] of places) {
  describe(`migrations on ${engine}`, () => {
    for (let version = 1; version < schemaVersion; version++) {
      it(`bring a database of version ${version} to this one, and keep what is in it`, async (t) => {
        const open = await place(t)
        const first = await open()
        const shape = await shapeOf(first)
        for (const table of allTables) await sql`drop table ${sql.table(table)}`.execute(first.db)
        const statements = [...publishedSchemas.slice(0, version).flat(), ...rows]
        for (const statement of statements) await sql.raw(statement).execute(first.db)
        await sql`update gs_schema set version = ${sql.lit(version)}`.execute(first.db)
        await first.close()

        const second = await open()
        t.after(() => second.close())
        const { db } = second
        assert.equal(second.migratedFrom, version)
        assert.deepEqual(await db.selectFrom('gs_schema').select('version').execute(), [{ version: schemaVersion }])
        assert.deepEqual(await shapeOf(second), shape)

        const account = await db.selectFrom('gs_accounts').selectAll().executeTakeFirstOrThrow()
        const { email, level, sectors, locked_at, group_id, must_change_password, language, visits, last_login_at } = account
        assert.deepEqual([email, level, sectors, visits, must_change_password], ['ann@mail.test', 30, 48, 0, 0])
        assert.deepEqual([locked_at, group_id, language, last_login_at], [null, null, null, null])
        const session = await db.selectFrom('gs_sessions').selectAll().executeTakeFirstOrThrow()
        assert.deepEqual([session.token_hash, session.expires_at, session.token_at, session.token_unused], ['token', 3, null, 0])
        assert.equal((await db.selectFrom('gs_links').selectAll().executeTakeFirstOrThrow()).tries, 0)
        assert.equal((await db.selectFrom('gs_outbox').selectAll().executeTakeFirstOrThrow()).link_id, 'l')
        assert.deepEqual(await db.selectFrom('gs_throttle').selectAll().execute(), [{ key: 'k', failures: 7, last_at: 1 }])

        // What belongs to the account still goes with it, in old tables and in new ones.
        await db.insertInto('gs_settings').values({ account_id: 'ann', key: 'k', value: 'v', updated_at: 1 }).execute()
        await db.deleteFrom('gs_accounts').execute()
        for (const table of ['gs_sessions', 'gs_links', 'gs_settings'] as const)
          assert.deepEqual(await db.selectFrom(table).selectAll().execute(), [])
      })
    }
  })
}
