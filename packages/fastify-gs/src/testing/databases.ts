import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, type TestContext } from 'node:test'
import pg from 'pg'
import type { GsDatabase } from '../database/database.ts'
import { openPostgres } from '../database/postgres.ts'
import { openSqlite } from '../database/sqlite.ts'
import { startPostgres, type PostgresServer } from './postgres-server.ts'

let server: Promise<PostgresServer> | undefined
after(async () => (await server)?.stop())

/** `DATABASE_URL`, or a server of this test process. */
async function serverUrl(): Promise<string> {
  return process.env['DATABASE_URL'] ?? (await (server ??= startPostgres())).url
}

let databases = 0

/** The address of an empty PostgreSQL database of its own: on `DATABASE_URL`, or on a server that is started for the purpose. */
export async function emptyPostgres(t: TestContext): Promise<string> {
  const base = await serverUrl()
  const name = `gs_test_${process.pid}_${++databases}`
  const run = async (statement: string) => {
    const client = new pg.Client({ connectionString: base })
    await client.connect()
    await client.query(statement)
    await client.end()
  }
  await run(`create database ${name}`)
  t.after(() => run(`drop database if exists ${name} with (force)`))
  const url = new URL(base)
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
      const url = await emptyPostgres(t)
      const database = await openPostgres(url, () => undefined)
      t.after(() => database.close())
      return database
    }
  }
]
