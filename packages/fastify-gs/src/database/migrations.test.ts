import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { sql } from 'kysely'
import { seedAccount } from '../testing/accounts.ts'
import { emptyPostgres, temporaryDirectory } from '../testing/databases.ts'
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

for (const [engine, place] of places) {
  describe(`migrations on ${engine}`, () => {
    it('bring a database of the first version to this one, and keep what is in it', async (t) => {
      const open = await place(t)
      const first = await open()
      await seedAccount(first.db, 'ann')
      await sql`alter table gs_accounts drop column locked_at`.execute(first.db)
      await sql`drop table gs_imports`.execute(first.db)
      await sql`drop table gs_audit`.execute(first.db)
      await sql`drop index gs_sessions_created`.execute(first.db)
      await sql`update gs_schema set version = 1`.execute(first.db)
      await first.close()

      const second = await open()
      t.after(() => second.close())
      assert.equal(second.migratedFrom, 1)
      assert.deepEqual(await second.db.selectFrom('gs_schema').select('version').execute(), [{ version: schemaVersion }])
      assert.deepEqual(await second.db.selectFrom('gs_accounts').select(['id', 'email', 'locked_at']).execute(), [
        { id: 'ann', email: 'ann@mail.test', locked_at: null }
      ])
      const imported = { source: 'old', name_hash: 'x', account_id: 'ann', at: 1 }
      await second.db.insertInto('gs_imports').values(imported).execute()
      assert.deepEqual(await second.db.selectFrom('gs_imports').selectAll().execute(), [imported])
      await assert.rejects(second.db.insertInto('gs_imports').values(imported).execute())
    })
  })
}
