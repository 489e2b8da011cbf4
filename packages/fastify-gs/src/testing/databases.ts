import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, type TestContext } from 'node:test'
import pg from 'pg'
import type { GsDatabase } from '../database/database.ts'
import { openPostgres } from '../database/postgres.ts'
import { openSqlite } from '../database/sqlite.ts'
import type { GsOptions } from '../options.ts'
import { startPostgres, type PostgresServer } from './postgres-server.ts'

export { publishedSchemas } from './published-schemas.ts'

let server: Promise<PostgresServer> | undefined
const created: string[] = []

/** `DATABASE_URL`, or the server that a run of all tests has started for them (`GS_TEST_POSTGRES`), or one of this test process. */
async function serverUrl(): Promise<string> {
  return process.env['DATABASE_URL'] ?? process.env['GS_TEST_POSTGRES'] ?? (await (server ??= startPostgres())).url
}

async function administer(statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: await serverUrl() })
  await client.connect()
  await client.query(statement)
  await client.end()
}

// At the very end: the tests close their connections in hooks of their own.
after(async () => {
  for (const name of created) await administer(`drop database if exists ${name} with (force)`)
  await (await server)?.stop()
})

/** The address of an empty PostgreSQL database of its own: on `DATABASE_URL`, or on a server that is started for the purpose. */
export async function emptyPostgres(): Promise<string> {
  const name = `gs_test_${process.pid}_${created.length}`
  created.push(name)
  await administer(`create database ${name}`)
  const url = new URL(await serverUrl())
  url.pathname = `/${name}`
  return url.href
}

export function temporaryDirectory(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'gs-test-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** Both engines, for one body of tests; each call gives an empty, migrated database that is closed after the test. */
export const engines: readonly { name: string; open(t: TestContext): Promise<GsDatabase> }[] = [
  {
    name: 'SQLite',
    async open(t) {
      const directory = temporaryDirectory(t)
      const database = await openSqlite(join(directory, 'gs.sqlite3'))
      t.after(() => database.close())
      return database
    }
  },
  {
    name: 'PostgreSQL',
    async open(t) {
      const url = await emptyPostgres()
      const database = await openPostgres(url, () => undefined)
      t.after(() => database.close())
      return database
    }
  }
]

/** Where several applications find one database, which is empty and not migrated. */
export const places: readonly { name: string; place: (t: TestContext) => Promise<GsOptions['database']> }[] = [
  { name: 'SQLite', place: async (t) => ({ sqlite: join(temporaryDirectory(t), 'gs.sqlite3') }) },
  { name: 'PostgreSQL', place: async () => ({ postgres: await emptyPostgres() }) }
]
