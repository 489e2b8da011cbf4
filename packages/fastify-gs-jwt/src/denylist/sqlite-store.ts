import { accessSync, constants, existsSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { Options, Statement } from 'better-sqlite3'
import type { CompiledQuery } from 'kysely'
import pRetry from 'p-retry'
import { JwtDenylistError, JwtUnavailableError } from '../errors.ts'
import { refuse } from '../options.ts'
import { createDenialQueries, createTables, type Row } from './denial-queries.ts'
import { patience, type DenialStore } from './denial-store.ts'

/** How long a statement may block the event loop while another process writes, in ms; longer waits are asynchronous. */
const busyTimeout = 5

const codeOf = (error: unknown) => (error as { code?: string } | null)?.code ?? ''
const isBusy = (error: unknown) => /^SQLITE_(BUSY|LOCKED)/.test(codeOf(error))

function explain(file: string, error: unknown): Error {
  const code = codeOf(error)
  if (/^SQLITE_(NOTADB|CORRUPT)/.test(code))
    return new JwtDenylistError(`${file} is not an intact SQLite database; choose another file for the denials, or move this one away.`, {
      cause: error
    })
  if (isBusy(error))
    return new JwtDenylistError(`${file} is in use by another program, which does not let go of it; stop that program.`, { cause: error })
  if (code.startsWith('SQLITE_'))
    return new JwtDenylistError(
      `${file} cannot be used for the denials (${code}: ${(error as Error).message}); check the owner and the mode of the file and its directory, and the room on the disk.`,
      { cause: error }
    )
  return error as Error
}

function refuseUnusablePath(file: string): void {
  const directory = dirname(file)
  if (!existsSync(directory))
    throw new JwtDenylistError(`The directory ${directory} does not exist; create it, or choose another file for the denials.`)
  for (const place of existsSync(file) ? [file, directory] : [directory]) {
    try {
      accessSync(place, constants.R_OK | constants.W_OK)
    } catch (cause) {
      throw new JwtDenylistError(
        `${place} is not writable for this process; change its owner or mode, or choose another file for the denials.`,
        { cause }
      )
    }
  }
}

/** @throws {JwtOptionError} @throws {JwtDenylistError} */
export async function openSqliteStore(path: string): Promise<DenialStore> {
  if (typeof path !== 'string' || path === '' || path === ':memory:')
    refuse('the option sqlite of databaseDenylist() must be the path of a file; in memory there is memoryDenylist().')
  const file = resolve(path)
  const { default: Sqlite } = await import('better-sqlite3').catch((cause: unknown) => {
    throw new JwtDenylistError(
      'The option sqlite of databaseDenylist() needs the package "better-sqlite3"; install it with `npm install better-sqlite3`.',
      { cause }
    )
  })
  refuseUnusablePath(file)

  const queries = createDenialQueries('sqlite')
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
    return { connection, prepare, run }
  }

  const open = async () => {
    const writer = connect({})
    const { connection } = writer
    try {
      connection.pragma('journal_mode = WAL')
      // In WAL mode the default may lose the last commits in a power cut, and one of them may be a logout.
      connection.pragma('synchronous = FULL')
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
    new JwtUnavailableError(
      `The denials in ${file} are out of reach${isBusy(error) ? ', because another program does not let go of them' : ''}.`,
      { cause: error }
    )
  const lookup = reader.prepare(queries.deniedBefore.sql)
  const write = writer.connection.transaction((all: readonly (CompiledQuery | undefined)[]) => {
    for (const query of all) if (query !== undefined) writer.run(query)
  })

  return {
    queries,
    deniedBefore(parameters) {
      try {
        return lookup.get(...parameters)?.[0] as number | null
      } catch (error) {
        throw unavailable(error)
      }
    },
    async write(query, tidy) {
      try {
        await pRetry(() => write.immediate([query, tidy]), { ...patience, shouldRetry: ({ error }) => isBusy(error) })
      } catch (error) {
        throw unavailable(error)
      }
    },
    async read(query) {
      try {
        return reader.run(query)
      } catch (error) {
        throw unavailable(error)
      }
    },
    async close() {
      reader.connection.close()
      writer.connection.close()
    }
  }
}
