import { basename, resolve } from 'node:path'
import type { Command } from 'commander'
import type { SessionStore, StoredSession } from 'fastify-gs-ws'
import { CliError, ExitCode, usageError } from '../cli-error.ts'
import { findPlace, onDatabase, type DatabaseSettings, type Place } from '../database.ts'
import { note, printJson, printLine, printTable, showProgress } from '../output.ts'
import type { WebgramSession, WebgramSessions } from '../webgram/read-sessions.ts'

interface Settings extends DatabaseSettings {
  readonly idle: string
  readonly absolute: string
  readonly dryRun?: boolean
  readonly json?: boolean
}

/** Sessions that are written side by side. */
const batchSize = 32

const day = 86_400_000

/** Bytes of JSON that a server lets a session hold: the default of its option maxData. */
const usualMaxData = 65_536

export function register(program: Command): void {
  onDatabase(program.command('import-webgram'))
    .summary('take over the sessions of webgram-sessions')
    .description(
      'Takes the sessions of webgram-sessions over, from its LevelDB store, which is only read, into a store of fastify-gs-ws. Clients resume them with the ids and secrets that they have; of the secrets only hashes are kept. A second run takes over only what is new. Stop the old server first.'
    )
    .argument('<directory>', "the old store, webgram-sessions' option serverSecretsDBName (webgram-server-secrets)")
    .option('--idle <days>', 'when a session is over if its client does not come, from now', '30')
    .option('--absolute <days>', 'when it is over in any case, from now', '365')
    .option('--dry-run', 'change nothing, only report')
    .option('--json', 'print the report as JSON')
    .addHelpText(
      'after',
      `
Exit code 3: some sessions were refused; the report says why.

Example:
  gs import-webgram ./webgram-server-secrets --database ./sessions.sqlite3 --dry-run`
    )
    .action(async (directory: string, settings: Settings) => {
      const now = Date.now()
      const life = { idleUntil: now + days(settings.idle, '--idle'), absoluteUntil: now + days(settings.absolute, '--absolute') }
      const { database } = await findPlace(settings)
      const dryRun = settings.dryRun === true
      const { withWebgramSessions } = await import('../webgram/read-sessions.ts')
      await withWebgramSessions(directory, async (sessions) => {
        const run = (place: Place['database']) => onStore(place, dryRun, (store) => takeOver(store, { sessions, now, life, dryRun }))
        const { rehearse } = await import('../rehearsal.ts')
        report(directory, sessions, dryRun ? await rehearse(database, run) : await run(database), settings)
      })
    })
}

function days(text: string, option: string): number {
  const count = Number(text)
  if (!(count > 0 && count <= 36_500)) throw usageError(`${option} is a number of days, above 0 and at most 36500.`)
  return count * day
}

async function onStore<Result>(place: Place['database'], dryRun: boolean, work: (store: SessionStore) => Promise<Result>): Promise<Result> {
  const { memoryStore, postgresStore, sqliteStore } = await import('fastify-gs-ws')
  const open = async (): Promise<SessionStore> => {
    // To open a store makes its tables.
    if ('postgres' in place) return dryRun && !(await hasTables(place.postgres)) ? memoryStore() : postgresStore({ url: place.postgres })
    return place.sqlite === ':memory:' ? memoryStore() : sqliteStore({ path: place.sqlite })
  }
  const store = await open()
  try {
    return await work(store)
  } finally {
    await store.close()
  }
}

async function hasTables(url: string): Promise<boolean> {
  const { default: pg } = await import('pg')
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5000 })
  try {
    await client.connect()
    const { rows } = await client.query<{ found: boolean }>("select to_regclass('gs_ws_sessions') is not null as found")
    return rows[0]?.found === true
  } catch (cause) {
    throw new CliError(`PostgreSQL cannot be asked (${(cause as Error).message}); check the address of the database.`, undefined, { cause })
  } finally {
    await client.end().catch(() => undefined)
  }
}

interface Order {
  readonly sessions: WebgramSessions
  readonly now: number
  readonly life: Pick<StoredSession, 'idleUntil' | 'absoluteUntil'>
  readonly dryRun: boolean
}

interface Outcome {
  seen: number
  imported: number
  known: number
  /** The first number that new sessions get; null: the old ones had no numbers. */
  nextNumber: number | null
  /** Bytes of JSON in the largest session. */
  largest: number
  readonly refused: { id: string; reason: string }[]
}

async function takeOver(store: SessionStore, { sessions, now, life, dryRun }: Order): Promise<Outcome> {
  const outcome: Outcome = { seen: 0, imported: 0, known: 0, nextNumber: sessions.nextNumber, largest: 0, refused: [] }
  const keepNumbersFree = async () => {
    if (outcome.nextNumber !== null && !dryRun) await store.raiseNumber(outcome.nextNumber - 1)
  }
  const write = async (session: WebgramSession) => {
    if (typeof session.id === 'number') outcome.nextNumber = Math.max(outcome.nextNumber ?? 1, session.id + 1)
    const found = await store.find(session.id, now)
    // A server that began to count from 1 has sessions of its own.
    if (found !== null && found.firstVisit !== session.firstVisit) {
      outcome.refused.push({ id: String(session.id), reason: 'The database has another session with this id.' })
    } else if (found !== null) {
      outcome.known++
    } else {
      if (!dryRun) await store.create({ ...session, ...life, formerHash: null, formerUntil: null, owner: null, version: 1, links: '{}' })
      outcome.imported++
      outcome.largest = Math.max(outcome.largest, Buffer.byteLength(session.data))
    }
  }
  try {
    // First, or a server that runs already would give them to others.
    await keepNumbersFree()
    for await (const batch of sessions.batches(batchSize)) {
      for (const record of batch) if ('damaged' in record) outcome.refused.push({ id: record.key, reason: record.damaged })
      await Promise.all(batch.flatMap((record) => ('session' in record ? [write(record.session)] : [])))
      outcome.seen += batch.length
      showProgress(`${outcome.seen} of ${sessions.count} sessions`)
    }
    await keepNumbersFree()
  } catch (error) {
    if (outcome.imported > 0 && !dryRun) note(`${outcome.imported} sessions were taken over before this; a second run goes on from there.`)
    throw withReason(error)
  } finally {
    showProgress('')
  }
  return outcome
}

/** The store says only that it cannot be asked; at a terminal there is no log that would say why. */
function withReason(error: unknown): unknown {
  const { code, message, cause } = error as Error & { readonly code?: string }
  if (code !== 'GS_WS_UNAVAILABLE' || !(cause instanceof Error)) return error
  return new CliError(`${message.replace(/\.$/, '')} (${cause.message}).`, undefined, { cause: error })
}

function report(directory: string, { repaired }: WebgramSessions, outcome: Outcome, { dryRun = false, json }: Settings): void {
  const { imported, known, nextNumber, largest, refused } = outcome
  if (refused.length > 0 || repaired) process.exitCode = ExitCode.partly
  if (json) {
    printJson({ dryRun, imported, known, nextNumber, repaired, refused })
  } else {
    const numbers = nextNumber === null ? '' : `; new numbers from ${nextNumber} on`
    printLine(
      `${basename(resolve(directory))}: ${imported} sessions ${dryRun ? 'would be ' : ''}taken over, ${known} known from an earlier run, ${refused.length} refused${numbers}.`
    )
    if (refused.length > 0) {
      printTable(refused, [
        { title: 'REFUSED', value: ({ id }) => id, max: 60 },
        { title: 'REASON', value: ({ reason }) => reason }
      ])
    }
  }
  if (largest > usualMaxData)
    note(
      `The largest session holds ${largest} bytes: register the server with maxData: ${largest} or more, or it cannot save such sessions.`
    )
  if (repaired) note('Files of the store were damaged: what could be read of them was taken over, the rest is gone. A backup may have it.')
}
