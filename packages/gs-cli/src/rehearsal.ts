import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { GsOptions } from 'fastify-gs'

type Database = GsOptions['database']

/**
 * Gives the work a SQLite database that is a copy of the named one and goes with the work: the real one is not even brought to the newest
 * schema, and a server that uses it is not kept waiting. PostgreSQL is given as it is: a transaction there stops nobody.
 */
export async function rehearse<Result>(database: Database, work: (database: Database) => Promise<Result>): Promise<Result> {
  if (!('sqlite' in database)) return work(database)
  if (!existsSync(database.sqlite)) return work({ sqlite: ':memory:' })
  const { default: Sqlite } = await import('better-sqlite3')
  const directory = mkdtempSync(join(tmpdir(), 'gs-rehearsal-'))
  try {
    const copy = join(directory, 'copy.sqlite3')
    const original = new Sqlite(database.sqlite, { fileMustExist: true })
    try {
      await original.backup(copy)
    } finally {
      original.close()
    }
    return await work({ sqlite: copy })
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
