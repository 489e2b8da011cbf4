import { Kysely, PostgresDialect } from 'kysely'
import type { Client } from 'pg'
import { GsStartError, isGsError } from '../errors.ts'
import { retryingTransactions, type GsDatabase } from './database.ts'
import { migrate } from './migrations.ts'
import type { GsTables } from './schema.ts'

/**
 * Serialization failure, deadlock, lock not available; a unique value taken between the question and the write (asked again, the
 * question has its answer); too many connections, server starting or stopping.
 */
const transient = new Set(['23505', '40001', '40P01', '55P03', '53300', '57P01', '57P03'])

const codeOf = (error: unknown) => (error as { code?: string } | null)?.code ?? ''
const isTransient = (error: unknown) => transient.has(codeOf(error))

/** The server cannot be reached, or has broken off (class 08 and 57, the sockets' codes, and what `pg` says without a code). */
const isUnavailable = (error: unknown) =>
  /^(ECONN|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENOTFOUND|08|57P|53)/.test(codeOf(error)) ||
  (error instanceof Error &&
    /^(Connection terminated|timeout exceeded when trying to connect|Client has encountered a connection error)/.test(error.message))

/** The address without user and password, for messages. */
const printable = (url: string) => {
  const parsed = URL.canParse(url) ? new URL(url) : undefined
  return parsed === undefined ? 'the PostgreSQL database' : `${parsed.protocol}//${parsed.host}${parsed.pathname}`
}

/** Between two attempts to get the connection back on which notifications come, ms. */
const firstReconnect = 250
const longestReconnect = 10_000

/** Keeps a connection that listens; it is made again as long as nobody stops that. */
function listenTo(connect: () => Client, listener: () => void, onError: (error: Error) => void): () => Promise<void> {
  let client: Client | undefined
  let timer: NodeJS.Timeout | undefined
  let delay = firstReconnect
  let stopped = false

  const again = (failed: Client, error?: Error) => {
    if (stopped || client !== failed) return
    client = undefined
    if (error !== undefined) onError(error)
    failed.end().catch(() => undefined)
    timer = setTimeout(() => void open(), delay).unref()
    delay = Math.min(longestReconnect, delay * 2)
  }
  const open = async () => {
    const opened = (client = connect())
    opened.on('error', (error) => again(opened, error))
    opened.on('end', () => again(opened))
    opened.on('notification', listener)
    try {
      await opened.connect()
      await opened.query('listen gs_changes')
      if (stopped) return
      delay = firstReconnect
      // What was told while nobody listened.
      listener()
    } catch (error) {
      again(opened, error as Error)
    }
  }
  const opening = open()
  return async () => {
    stopped = true
    clearTimeout(timer)
    await opening
    await client?.end().catch(() => undefined)
  }
}

/**
 * Connects to PostgreSQL (needs the package `pg`) and migrates it.
 *
 * @param onError told about connections that break while idle; the pool replaces them
 * @throws {GsStartError} `pg` is missing, the server cannot be reached, or the schema is newer
 */
export async function openPostgres(url: string, onError: (error: Error) => void): Promise<GsDatabase> {
  const pg = await import('pg').catch((cause: unknown) => {
    throw new GsStartError('The option database.postgres needs the package "pg"; install it with `npm install pg`.', { cause })
  })
  const types = new pg.default.TypeOverrides()
  // Times and sectors are below 2^53; as strings they would be compared as text.
  types.setTypeParser(pg.default.types.builtins.INT8, Number)
  const pool = new pg.default.Pool({ connectionString: url, max: 10, connectionTimeoutMillis: 5000, keepAlive: true, types })
  pool.on('error', onError)
  // The pool listens only to idle connections; one that breaks while a transaction holds it would end the process.
  pool.on('connect', (client) => client.on('error', onError))
  const db = new Kysely<GsTables>({ dialect: new PostgresDialect({ pool }) })
  const transactions = retryingTransactions(db, isTransient, isUnavailable)

  let migratedFrom: number
  try {
    migratedFrom = await migrate({ engine: 'postgres', ...transactions }, printable(url))
  } catch (error) {
    await db.destroy()
    if (error instanceof GsStartError) throw error
    // What the transaction says to visitors hides what the server said.
    const origin = isGsError(error) ? error.cause : error
    const reason = origin instanceof Error && origin.message !== '' ? origin.message : codeOf(origin) || 'no answer'
    throw new GsStartError(`${printable(url)} cannot be used: ${reason}; check the address, the user and that the server runs.`, {
      cause: error
    })
  }

  let lookups = 0
  const prepareRows = (sql: string) => {
    const name = `gs_lookup_${++lookups}`
    return async (parameter: string) => (await pool.query<never[]>({ name, text: sql, values: [parameter], rowMode: 'array' })).rows
  }
  return {
    engine: 'postgres',
    isUnavailable,
    db,
    migratedFrom,
    ...transactions,
    prepareLookup(sql) {
      const rows = prepareRows(sql)
      return async (parameter) => (await rows(parameter))[0]
    },
    prepareListLookup: prepareRows,
    listen: (listener) => listenTo(() => new pg.default.Client({ connectionString: url, keepAlive: true }), listener, onError),
    close: () => db.destroy()
  }
}
