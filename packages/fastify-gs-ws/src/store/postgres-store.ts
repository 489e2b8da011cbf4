import type { CompiledQuery } from 'kysely'
import pRetry from 'p-retry'
import type { ClientBase, Pool } from 'pg'
import { WsOptionError, WsStartError, WsUnavailableError } from '../errors.ts'
import { createDatabaseStore } from './database-store.ts'
import { createSessionQueries, createTables, type Row } from './session-queries.ts'
import type { SessionStore } from './session-store.ts'
import { patience } from './store-database.ts'

/** Options of `postgresStore()`. */
export interface PostgresStoreOptions {
  /** Address of a PostgreSQL database, e.g. `postgres://user:password@host/database`. The database of fastify-gs will do. */
  readonly url: string
}

/** How long the server may take to be connected to, and to answer, in ms. Connections wait for it. */
const usualWait = 5000

const codeOf = (error: unknown) => (error as { code?: string } | null)?.code ?? ''

/** Serialization failure, deadlock, too many connections, server starting, nobody there: nothing was done, and a moment later it may succeed. */
const isUndone = (error: unknown) => /^(40001|40P01|53300|57P03|ECONNREFUSED)/.test(codeOf(error))
/** Server stopping, connection broken: perhaps it was done. */
const isUnsure = (error: unknown) =>
  /^(57P0|08|ECONN|EPIPE)/.test(codeOf(error)) ||
  (error instanceof Error && /^(Connection terminated|Client has encountered a connection error)/.test(error.message))

/** A table or a column is missing, or there already. */
const isOtherSchema = (error: unknown) => /^42(P01|P07|703)/.test(codeOf(error))

/** The address without user and password, for messages. */
const printable = (url: string) => {
  const { protocol, host, pathname } = new URL(url)
  return `${protocol}//${host}${pathname}`
}

/**
 * Opens a store in a PostgreSQL database, which processes of several machines may share. Needs the package `pg`.
 *
 * @throws {WsOptionError} (rejects) an option is wrong
 * @throws {WsStartError} (rejects) the database cannot be used: its message says why
 */
export const postgresStore = (options: PostgresStoreOptions): Promise<SessionStore> =>
  openPostgresStore((options as PostgresStoreOptions | undefined)?.url)

/** The same with another patience, for tests. */
export async function openPostgresStore(url: unknown, longestWait = usualWait): Promise<SessionStore> {
  if (typeof url !== 'string' || !URL.canParse(url) || !/^postgres(ql)?:\/\//.test(url))
    throw new WsOptionError(
      'fastify-gs-ws: the option url of postgresStore() must be an address like postgres://user:password@host/database.'
    )
  const { default: pg } = await import('pg').catch((cause: unknown) => {
    throw new WsStartError('postgresStore() needs the package "pg"; install it with `npm install pg`.', { cause })
  })
  const name = printable(url)
  const types = new pg.TypeOverrides()
  // Times, versions and numbers are below 2^53; as strings they would be compared as text.
  types.setTypeParser(pg.types.builtins.INT8, Number)
  const pool = new pg.Pool({
    connectionString: url,
    max: 10,
    connectionTimeoutMillis: longestWait,
    query_timeout: longestWait,
    keepAlive: true,
    allowExitOnIdle: true,
    types
  })
  // Without listeners a connection that breaks would end the process. The pool replaces it, and whoever has needed it has been told.
  pool.on('error', () => undefined)
  pool.on('connect', (client) => client.on('error', () => undefined))

  const queries = createSessionQueries('postgres')
  // Never over a connection that is handed back by hand: the pool throws away those whose query has failed, also because the server hangs.
  const ask = async (client: Pool | ClientBase, { sql, parameters }: CompiledQuery) => {
    const { rows } = await client.query<unknown[]>({ text: sql, values: [...parameters], rowMode: 'array' })
    return rows as readonly Row[]
  }

  try {
    const client = await pool.connect()
    try {
      await client.query('begin')
      await client.query('select pg_advisory_xact_lock(720210715)')
      await createTables(queries, (query) => ask(client, query), name)
      await client.query('commit')
      client.release()
    } catch (error) {
      // Closed, and so rolled back.
      client.release(true)
      throw error
    }
  } catch (error) {
    await pool.end()
    if (error instanceof WsStartError) throw error
    const reason = error instanceof Error && error.message !== '' ? error.message : codeOf(error) || 'no answer'
    throw new WsStartError(
      isOtherSchema(error)
        ? `${name} has not the tables of fastify-gs-ws (${reason}); choose another database for the sessions, or restore this one.`
        : `${name} cannot be used for the sessions: ${reason}; check the address, the user and that the server runs.`,
      { cause: error }
    )
  }

  const unavailable = (error: unknown) => new WsUnavailableError(`The sessions in ${name} are out of reach.`, { cause: error })
  let closing: Promise<void> | undefined

  return createDatabaseStore({
    queries,
    async read(query) {
      try {
        return await ask(pool, query)
      } catch (error) {
        throw unavailable(error)
      }
    },
    async write(query, unsure) {
      let again = false
      const shouldRetry = ({ error }: { error: unknown }) => {
        if (isUndone(error)) return true
        if (unsure === 'refuse' || !isUnsure(error)) return false
        again = true
        return true
      }
      try {
        const rows = await pRetry(() => ask(pool, query), { ...patience, shouldRetry })
        return { rows, again }
      } catch (error) {
        throw unavailable(error)
      }
    },
    close: () => (closing ??= pool.end())
  })
}
