import { accessSync, closeSync, constants, existsSync, openSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { Options, Statement } from 'better-sqlite3'
import type { CompiledQuery } from 'kysely'
import pRetry from 'p-retry'
import { WsOptionError, WsStartError, WsUnavailableError } from '../errors.ts'
import { createDatabaseStore } from './database-store.ts'
import { createGroupedWrites } from './grouped-writes.ts'
import { createSessionQueries, createTables, type Row } from './session-queries.ts'
import type { SessionStore } from './session-store.ts'
import { patience } from './store-database.ts'

/** Options of `sqliteStore()`. */
export interface SqliteStoreOptions {
  /** Path of a SQLite file, for processes of one machine; made when it is missing. The file of fastify-gs will do. */
  readonly path: string
}

/** How long a statement may block the event loop while another process writes, in ms; longer waits are asynchronous. */
const busyTimeout = 5

const codeOf = (error: unknown) => (error as { code?: string } | null)?.code ?? ''
const isBusy = (error: unknown) => /^SQLITE_(BUSY|LOCKED)/.test(codeOf(error))

function explain(file: string, error: unknown): Error {
  const code = codeOf(error)
  const { message } = error as Error
  const because = (sentence: string) => new WsStartError(`${file} ${sentence}`, { cause: error })
  if (/^SQLITE_(NOTADB|CORRUPT)/.test(code))
    return because('is not an intact SQLite database; choose another file for the sessions, or move this one away.')
  if (isBusy(error)) return because('is in use by another program, which does not let go of it; stop that program.')
  if (code === 'SQLITE_ERROR')
    return because(`has not the tables of fastify-gs-ws (${message}); choose another file for the sessions, or restore this one.`)
  if (code.startsWith('SQLITE_'))
    return because(
      `cannot be used for the sessions (${code}: ${message}); check the owner and the mode of the file and its directory, and the room on the disk.`
    )
  return error as Error
}

function refuseUnusablePath(file: string): void {
  const directory = dirname(file)
  if (!existsSync(directory))
    throw new WsStartError(`The directory ${directory} does not exist; create it, or choose another file for the sessions.`)
  for (const place of existsSync(file) ? [file, directory] : [directory]) {
    try {
      accessSync(place, constants.R_OK | constants.W_OK)
    } catch (cause) {
      throw new WsStartError(
        `${place} is not writable for this process; change its owner or mode, or choose another file for the sessions.`,
        { cause }
      )
    }
  }
}

/** A new file is for this user only, and so are those that SQLite lays beside it; of one that is there, the mode is its owner's choice. */
function createPrivately(file: string): void {
  if (existsSync(file)) return
  try {
    closeSync(openSync(file, 'a', 0o600))
  } catch {
    // SQLite says why.
  }
}

/**
 * Opens a store in a SQLite file, which several processes of one machine may share. Needs the package `better-sqlite3`.
 *
 * @throws {WsOptionError} (rejects) an option is wrong
 * @throws {WsStartError} (rejects) the file cannot be used: its message says why
 */
export async function sqliteStore(options: SqliteStoreOptions): Promise<SessionStore> {
  const path: unknown = (options as SqliteStoreOptions | undefined)?.path
  if (typeof path !== 'string' || path === '' || path.includes(':memory:'))
    throw new WsOptionError('fastify-gs-ws: the option path of sqliteStore() must be the path of a file; in memory there is memoryStore().')
  const file = resolve(path)
  const { default: Sqlite } = await import('better-sqlite3').catch((cause: unknown) => {
    throw new WsStartError('sqliteStore() needs the package "better-sqlite3"; install it with `npm install better-sqlite3`.', { cause })
  })
  refuseUnusablePath(file)
  createPrivately(file)

  const queries = createSessionQueries('sqlite')
  const connect = (options: Options) => {
    const connection = new Sqlite(file, { timeout: busyTimeout, ...options })
    const statements = new Map<string, Statement<unknown[], Row>>()
    const prepare = (text: string) => {
      let statement = statements.get(text)
      if (statement === undefined) {
        statement = connection.prepare<unknown[], Row>(text)
        if (statement.reader) statement.raw()
        statements.set(text, statement)
      }
      return statement
    }
    const run = ({ sql, parameters }: CompiledQuery): readonly Row[] => {
      const statement = prepare(sql)
      if (statement.reader) return statement.all(...parameters)
      statement.run(...parameters)
      return []
    }
    return { connection, run }
  }

  const open = async () => {
    const writer = connect({})
    const { connection } = writer
    try {
      connection.pragma('journal_mode = WAL')
      // In WAL mode the default may lose the last commits in a power cut, and messages were acknowledged on their strength.
      connection.pragma('synchronous = FULL')
      // What was ended is not left in the file.
      connection.pragma('secure_delete = ON')
      connection.exec('begin immediate')
      await createTables(queries, writer.run, file)
      connection.exec('commit')
      // A second connection sees only what is committed, and never waits for a transaction of this process.
      return { writer, reader: connect({ readonly: true }) }
    } catch (error) {
      connection.close()
      throw error
    }
  }
  const { writer, reader } = await pRetry(open, { ...patience, shouldRetry: ({ error }) => isBusy(error) }).catch((error: unknown) => {
    throw explain(file, error)
  })

  const unavailable = (error: unknown) =>
    new WsUnavailableError(
      `The sessions in ${file} are out of reach${isBusy(error) ? ', because another program does not let go of them' : ''}.`,
      {
        cause: error
      }
    )
  const transaction = writer.connection.transaction((all: readonly CompiledQuery[]) => all.map(writer.run))
  const writes = createGroupedWrites(
    (all) => pRetry(() => transaction.immediate(all), { ...patience, shouldRetry: ({ error }) => isBusy(error) }),
    isBusy
  )
  let closing: Promise<void> | undefined
  const close = async () => {
    await writes.idle()
    reader.connection.close()
    writer.connection.close()
  }

  return createDatabaseStore({
    queries,
    async read(query) {
      try {
        return reader.run(query)
      } catch (error) {
        throw unavailable(error)
      }
    },
    async write(query) {
      try {
        return { rows: await writes.write(query), again: false }
      } catch (error) {
        throw unavailable(error)
      }
    },
    close: () => (closing ??= close())
  })
}
