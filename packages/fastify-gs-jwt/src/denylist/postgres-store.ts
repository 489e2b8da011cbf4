import type { CompiledQuery } from 'kysely'
import pRetry from 'p-retry'
import type { ClientBase, Pool } from 'pg'
import { JwtDenylistError, JwtUnavailableError } from '../errors.ts'
import { refuse } from '../options.ts'
import { createDenialQueries, createTables, type Row } from './denial-queries.ts'
import { patience, type DenialStore } from './denial-store.ts'

/** How long the server may take to be connected to, and to answer, in ms. Requests wait for it. */
const usualWait = 5000

const codeOf = (error: unknown) => (error as { code?: string } | null)?.code ?? ''

/** Serialization failure, deadlock, too many connections, server starting or stopping, connection broken: a moment later it may succeed. */
const isTransient = (error: unknown) =>
  /^(40001|40P01|53300|57P0|08|ECONN|EPIPE)/.test(codeOf(error)) ||
  (error instanceof Error && /^(Connection terminated|Client has encountered a connection error)/.test(error.message))

/** The address without user and password, for messages. */
const printable = (url: string) => {
  const { protocol, host, pathname } = new URL(url)
  return `${protocol}//${host}${pathname}`
}

/** @throws {JwtOptionError} @throws {JwtDenylistError} */
export async function openPostgresStore(url: string, longestWait = usualWait): Promise<DenialStore> {
  if (typeof url !== 'string' || !URL.canParse(url) || !/^postgres(ql)?:\/\//.test(url))
    refuse('the option postgres of databaseDenylist() must be an address like postgres://user:password@host/database.')
  const { default: pg } = await import('pg').catch((cause: unknown) => {
    throw new JwtDenylistError('The option postgres of databaseDenylist() needs the package "pg"; install it with `npm install pg`.', {
      cause
    })
  })
  const name = printable(url)
  const types = new pg.TypeOverrides()
  // Times are below 2^53; as strings they would be compared as text.
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

  const queries = createDenialQueries('postgres')
  // Never over a connection that is handed back by hand: the pool throws away those whose query has failed, also because the server hangs.
  const ask = async (client: Pool | ClientBase, { sql, parameters }: Pick<CompiledQuery, 'sql' | 'parameters'>, prepared?: string) => {
    const { rows } = await client.query<unknown[]>({
      ...(prepared !== undefined && { name: prepared }),
      text: sql,
      values: [...parameters],
      rowMode: 'array'
    })
    return rows as readonly Row[]
  }

  try {
    const client = await pool.connect()
    try {
      await client.query('begin')
      await client.query('select pg_advisory_xact_lock(720210714)')
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
    if (error instanceof JwtDenylistError) throw error
    const reason = error instanceof Error && error.message !== '' ? error.message : codeOf(error) || 'no answer'
    throw new JwtDenylistError(`${name} cannot be used for the denials: ${reason}; check the address, the user and that the server runs.`, {
      cause: error
    })
  }

  const unavailable = (error: unknown) => new JwtUnavailableError(`The denials in ${name} are out of reach.`, { cause: error })
  const once = async (query: Pick<CompiledQuery, 'sql' | 'parameters'>, prepared?: string) => {
    try {
      return await ask(pool, query, prepared)
    } catch (error) {
      throw unavailable(error)
    }
  }
  const { sql } = queries.deniedBefore
  let closing: Promise<void> | undefined

  return {
    queries,
    deniedBefore: async (parameters) => (await once({ sql, parameters }, 'gs_jwt_denied_before'))[0]?.[0] as number | null,
    async write(query, tidy) {
      try {
        await pRetry(() => ask(pool, query), { ...patience, shouldRetry: ({ error }) => isTransient(error) })
      } catch (error) {
        throw unavailable(error)
      }
      // The next one will do it.
      if (tidy !== undefined) await ask(pool, tidy).catch(() => undefined)
    },
    read: once,
    close: () => (closing ??= pool.end())
  }
}
