import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import type { GsOptions } from 'fastify-gs'
import { CliError } from './cli-error.ts'
import { inTemporaryDirectory } from './temporary-directory.ts'

type Database = GsOptions['database']

/**
 * Gives the work a SQLite database that is a copy of the named one and goes with the work: the real one is not even brought to the newest
 * schema, and a server that uses it is not kept waiting. PostgreSQL is given as it is: a transaction there stops nobody.
 */
export async function rehearse<Result>(database: Database, work: (database: Database) => Promise<Result>): Promise<Result> {
  if (!('sqlite' in database)) return work(database)
  if (!existsSync(database.sqlite)) {
    const place = dirname(resolve(database.sqlite))
    if (!existsSync(place)) throw new CliError(`The directory ${place} does not exist; create it, or choose another path for the database.`)
    return work({ sqlite: ':memory:' })
  }
  // The copy has people's addresses and hashes in it: it goes with the work.
  return inTemporaryDirectory('gs-rehearsal-', async (directory) => {
    const copy = join(directory, 'copy.sqlite3')
    await copyDatabase(database.sqlite, copy)
    return work({ sqlite: copy })
  })
}

async function copyDatabase(from: string, to: string): Promise<void> {
  const { default: Sqlite } = await import('better-sqlite3')
  try {
    const original = new Sqlite(from, { fileMustExist: true })
    try {
      await original.backup(to)
    } finally {
      original.close()
    }
  } catch (cause) {
    throw new CliError(
      `${from} cannot be copied for the rehearsal (${(cause as Error).message}); check that it is a SQLite database, and its mode.`,
      undefined,
      { cause }
    )
  }
}
