import { accessSync, constants, existsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import Sqlite from 'better-sqlite3'
import { Kysely, SqliteDialect, type SqliteStatement } from 'kysely'
import pRetry from 'p-retry'
import { GsStartError, isGsError } from '../errors.ts'
import { patience, retryingTransactions, type GsDatabase, type RawRow } from './database.ts'
import { migrate } from './migrations.ts'
import type { GsTables } from './schema.ts'

/** How long a statement may block the event loop while another process writes, in ms; longer waits are asynchronous. */
const busyTimeout = 5

const codeOf = (error: unknown) => (error instanceof Sqlite.SqliteError ? error.code : '')
const isBusy = (error: unknown) => codeOf(error).startsWith('SQLITE_BUSY') || codeOf(error).startsWith('SQLITE_LOCKED')

/** The disk is full or fails. */
const isUnavailable = (error: unknown) => /^SQLITE_(BUSY|LOCKED|FULL|IOERR)/.test(codeOf(error))

function explain(path: string, error: unknown): Error {
  const code = codeOf(error)
  if (code === 'SQLITE_NOTADB' || code.startsWith('SQLITE_CORRUPT')) {
    return new GsStartError(`${path} is not an intact SQLite database; move it away or restore a backup.`, { cause: error })
  }
  if (code.startsWith('SQLITE_READONLY') || code.startsWith('SQLITE_CANTOPEN') || code.startsWith('SQLITE_IOERR')) {
    return new GsStartError(`${path} cannot be opened for writing (${code}); check the owner and the mode of the file and its directory.`, {
      cause: error
    })
  }
  if (isBusy(error) || (isGsError(error) && error.code === 'GS_BUSY')) {
    return new GsStartError(`${path} is in use by another program, which does not let go of it; stop that program.`, { cause: error })
  }
  if (code.startsWith('SQLITE_')) {
    const { message } = error as Error
    return new GsStartError(`${path} cannot be used (${message}); it may belong to another program, or the disk may be full.`, {
      cause: error
    })
  }
  return error as Error
}

/** SQLite has rolled back by itself when the disk is full; a second rollback would fail, and hide why. */
function rollback(database: Sqlite.Database): SqliteStatement {
  const run = () => {
    if (database.inTransaction) database.exec('rollback')
    return { changes: 0, lastInsertRowid: 0 }
  }
  return { reader: false, run, all: () => [], iterate: () => [][Symbol.iterator]() }
}

function refuseUnusablePath(path: string): void {
  const directory = dirname(path)
  if (!existsSync(directory))
    throw new GsStartError(`The directory ${directory} does not exist; create it, or choose another path for the database.`)
  for (const place of existsSync(path) ? [path, directory] : [directory]) {
    try {
      accessSync(place, constants.R_OK | constants.W_OK)
    } catch (error) {
      throw new GsStartError(
        `${place} is not writable for this process; change its owner or mode, or choose another path for the database.`,
        {
          cause: error
        }
      )
    }
  }
}

function openWriter(file: string): Sqlite.Database {
  const writer = new Sqlite(file, { timeout: busyTimeout })
  try {
    writer.pragma('journal_mode = WAL')
    // FULL: in WAL mode the default may lose the last commits in a power cut, and one of them may be a logout.
    writer.pragma('synchronous = FULL')
    writer.pragma('foreign_keys = ON')
    writer.pragma('secure_delete = ON')
    if (writer.pragma('quick_check(1)', { simple: true }) !== 'ok') throw new GsStartError(`${file} is damaged; restore a backup.`)
    return writer
  } catch (error) {
    writer.close()
    throw error
  }
}

/**
 * Opens (and creates) the SQLite database at `path` (`:memory:` for one that goes with the process) and migrates it.
 *
 * @throws {GsStartError} not writable, not SQLite, damaged, or written by a newer version
 */
export async function openSqlite(path: string): Promise<GsDatabase> {
  const inMemory = path === ':memory:'
  const file = inMemory ? path : resolve(path)
  if (!inMemory) refuseUnusablePath(file)

  let writer: Sqlite.Database
  try {
    // Others may be starting or ending at the same moment; SQLite does not wait for them itself when the journal changes.
    writer = await pRetry(() => openWriter(file), { ...patience, shouldRetry: ({ error }) => isBusy(error) })
  } catch (error) {
    throw explain(file, error)
  }

  const opened = writer
  const statements = new Map<string, SqliteStatement>()
  const db = new Kysely<GsTables>({
    dialect: new SqliteDialect({
      database: {
        close: () => opened.close(),
        prepare(sql) {
          let statement = statements.get(sql)
          if (statement === undefined) {
            // A deferred transaction that begins by reading cannot become a writing one once another process has written.
            statement = sql === 'rollback' ? rollback(opened) : opened.prepare(sql === 'begin' ? 'begin immediate' : sql)
            statements.set(sql, statement)
          }
          return statement
        }
      }
    })
  })
  const transactions = retryingTransactions(db, isBusy, isUnavailable)

  let reader = writer
  let migratedFrom: number
  try {
    migratedFrom = await migrate({ engine: 'sqlite', ...transactions }, file)
    // A second connection sees only what is committed, and never waits for a transaction of this process.
    if (!inMemory) reader = new Sqlite(file, { readonly: true, timeout: busyTimeout })
  } catch (error) {
    await db.destroy()
    throw explain(file, error)
  }

  return {
    engine: 'sqlite',
    isUnavailable,
    db,
    migratedFrom,
    ...transactions,
    prepareLookup(sql) {
      const statement = reader.prepare<[string], RawRow>(sql).raw()
      return (parameter) => statement.get(parameter)
    },
    prepareListLookup(sql) {
      const statement = reader.prepare<[string], RawRow>(sql).raw()
      return (parameter) => statement.all(parameter)
    },
    listen: () => async () => undefined,
    async close() {
      if (reader !== writer) reader.close()
      await db.destroy()
    }
  }
}
