import type { FastifyBaseLogger } from 'fastify'
import { createId } from '../crypto/tokens.ts'
import { recordChanges } from '../database/changes.ts'
import type { Db, GsDatabase, Trx } from '../database/database.ts'
import type { SessionRegistry } from './session-registry.ts'

/** How many pages and websockets a session has open. */
export interface OpenConnections {
  readonly pages: number
  readonly sockets: number
}

/** What sessions have open in all processes that share the database. */
export interface ConnectionCounts {
  /** By session id: of this process as it is, of others as they wrote it last. Those that have nothing open may be missing. One query. */
  readonly of: (sessionIds: readonly string[]) => Promise<ReadonlyMap<string, OpenConnections>>
  /** Writes what is due, as the timer does. Never rejects. */
  readonly tick: () => Promise<void>
  /** Takes back what this process has written. Never rejects. */
  readonly close: () => Promise<void>
}

interface CountSettings {
  readonly database: Pick<GsDatabase, 'db' | 'transaction'>
  readonly registry: Pick<SessionRegistry, 'countOfSession' | 'onCounts'>
  readonly log: Pick<FastifyBaseLogger, 'error' | 'warn'>
  /** The clock that the processes share, ms since 1970. */
  readonly now: () => number
  /** The clock of the timer, ms; for tests. Default: `performance.now`. */
  readonly elapsed?: () => number
}

/** A number is written when it has been another one for so long, ms: a page that is left and loaded again writes nothing. */
const settling = 1000
/** A process with connections says so often that it lives, ms. */
const beatInterval = 10_000
/** One that has said nothing for so long is gone, ms. */
const silence = 30_000
/** Sessions in one statement, and in one transaction: on SQLite nobody else writes meanwhile. */
const perStatement = 500
const perTransaction = 5000

const nothing: OpenConnections = { pages: 0, sockets: 0 }
const same = (a: OpenConnections, b: OpenConnections) => a.pages === b.pages && a.sockets === b.sockets
const isNothing = (open: OpenConnections) => same(open, nothing)

function* chunks<T>(all: readonly T[]) {
  for (let start = 0; start < all.length; start += perStatement) yield all.slice(start, start + perStatement)
}

/** What the living processes have written, but for that of the id `except`; sessions of which none has anything open are missing. */
export async function readConnections(
  db: Db,
  sessionIds: readonly string[],
  now: number,
  except = ''
): Promise<Map<string, OpenConnections>> {
  if (sessionIds.length === 0) return new Map()
  const rows = await db
    .selectFrom('gs_connections as c')
    .innerJoin('gs_nodes as n', 'n.id', 'c.node_id')
    .select((eb) => ['c.session_id', eb.fn.sum('c.pages').as('pages'), eb.fn.sum('c.sockets').as('sockets')])
    .where('c.session_id', 'in', sessionIds)
    .where('n.id', '!=', except)
    .where('n.seen_at', '>', now - silence)
    .groupBy('c.session_id')
    .execute()
  return new Map(rows.map((row) => [row.session_id, { pages: Number(row.pages), sockets: Number(row.sockets) }]))
}

/** Tells the accounts of these sessions that have connections in other processes than these, which hear of it by the log of changes. */
async function tell(trx: Trx, sessionIds: readonly string[], except: readonly string[]): Promise<void> {
  for (const ids of chunks(sessionIds)) {
    const rows = await trx
      .selectFrom('gs_sessions as s')
      .innerJoin('gs_sessions as other', 'other.account_id', 's.account_id')
      .innerJoin('gs_connections as c', 'c.session_id', 'other.id')
      .select('s.account_id')
      .distinct()
      .where('s.id', 'in', ids)
      .where('c.node_id', 'not in', except)
      .execute()
    await recordChanges(
      trx,
      rows.map((row) => ({ type: 'connections' as const, accountId: row.account_id }))
    )
  }
}

/** Removes what processes that are gone have left. */
export async function pruneNodes(trx: Trx, now: number): Promise<void> {
  const rows = await trx
    .selectFrom('gs_nodes')
    .select('id')
    .where('seen_at', '<=', now - silence)
    .execute()
  if (rows.length === 0) return
  const gone = rows.map(({ id }) => id)
  const left = await trx.selectFrom('gs_connections').select('session_id').distinct().where('node_id', 'in', gone).execute()
  await trx
    .deleteFrom('gs_nodes')
    .where('id', 'in', gone)
    // Again: it may have been asleep, and say at this moment that it lives.
    .where('seen_at', '<=', now - silence)
    .execute()
  await tell(
    trx,
    left.map((row) => row.session_id),
    gone
  )
}

async function writeRows(trx: Trx, node: string, counts: ReadonlyMap<string, OpenConnections>): Promise<void> {
  const rows = [...counts].map(([session_id, { pages, sockets }]) => ({ node_id: node, session_id, pages, sockets }))
  for (const some of chunks(rows.filter((row) => !isNothing(row)))) {
    await trx
      .insertInto('gs_connections')
      .values(some)
      .onConflict((conflict) =>
        conflict
          .columns(['node_id', 'session_id'])
          .doUpdateSet((eb) => ({ pages: eb.ref('excluded.pages'), sockets: eb.ref('excluded.sockets') }))
      )
      .execute()
  }
  for (const some of chunks(rows.filter(isNothing))) {
    const ids = some.map((row) => row.session_id)
    await trx.deleteFrom('gs_connections').where('node_id', '=', node).where('session_id', 'in', ids).execute()
  }
}

/**
 * Writes down for the other processes what sessions have open in this one: only numbers that are other ones than before, together, at most
 * once in a second, never on the way of a request. There is nothing to do, and no timer, while nobody is connected.
 */
export function createConnectionCounts(settings: CountSettings): ConnectionCounts {
  const { database, registry, log, now, elapsed = () => performance.now() } = settings
  const node = createId()
  /** What the database has of this process. */
  let written: ReadonlyMap<string, OpenConnections> = new Map()
  /** Since when a session may have other numbers than those; the oldest first. */
  const changed = new Map<string, number>()
  let timer: NodeJS.Timeout | undefined
  let writtenAt = Number.NEGATIVE_INFINITY
  let failing = false
  let closed = false
  let running = Promise.resolve()

  const openHere = (id: string): OpenConnections => ({
    pages: registry.countOfSession(id, 'page'),
    sockets: registry.countOfSession(id, 'socket')
  })

  const isWritten = (id: string) => same(openHere(id), written.get(id) ?? nothing)
  const note = (id: string) => {
    if (!changed.has(id) && !isWritten(id)) changed.set(id, elapsed())
  }

  /** When there is something to do next; infinite: nothing. */
  const nextAt = () => {
    if (changed.size === 0) return written.size === 0 ? Number.POSITIVE_INFINITY : writtenAt + beatInterval
    const [oldest] = changed.values()
    return Math.max(writtenAt + (failing ? beatInterval : settling), oldest! + settling)
  }
  const schedule = () => {
    clearTimeout(timer)
    const at = nextAt()
    if (!closed && at < Number.POSITIVE_INFINITY) timer = setTimeout(() => void tick(), Math.max(at - elapsed(), 1)).unref()
  }

  const write = (ids: readonly string[]) =>
    database.transaction(async (trx) => {
      const at = now()
      const updated = await trx.updateTable('gs_nodes').set({ seen_at: at }).where('id', '=', node).executeTakeFirst()
      const known = updated.numUpdatedRows === 1n
      // Others have taken this process for a dead one: all that it had written is gone.
      const lost = known ? [] : [...written.keys()]
      const counts = new Map([...lost, ...ids].map((id) => [id, openHere(id)]))
      const after = new Map(known ? written : [])
      for (const [id, open] of counts) {
        if (isNothing(open)) after.delete(id)
        else after.set(id, open)
      }
      if (after.size === 0) {
        await trx.deleteFrom('gs_nodes').where('id', '=', node).execute()
      } else {
        if (!known) await trx.insertInto('gs_nodes').values({ id: node, seen_at: at }).execute()
        await writeRows(trx, node, counts)
      }
      await pruneNodes(trx, at)
      const other = await trx.selectFrom('gs_nodes').select('id').where('id', '!=', node).limit(1).executeTakeFirst()
      if (other !== undefined) await tell(trx, [...counts.keys()], [node])
      return after
    })

  const run = async () => {
    const at = elapsed()
    if (closed || at < nextAt()) return
    const ids: string[] = []
    for (const [id, since] of changed) {
      if (since > at - settling || ids.length === perTransaction) break
      if (isWritten(id)) changed.delete(id)
      else ids.push(id)
    }
    const quiet = written.size === 0 || at < writtenAt + beatInterval
    if (ids.length === 0 && quiet) return
    writtenAt = at
    try {
      written = await write(ids)
      if (failing) log.warn('it can be written again how many pages and websockets are open')
      failing = false
      for (const id of ids) {
        changed.delete(id)
        // Meanwhile it may have become another one again.
        note(id)
      }
    } catch (error) {
      if (!failing) log.error({ err: error }, 'it cannot be written how many pages and websockets are open; it is tried again')
      failing = true
    }
  }
  const tick = () => (running = running.then(run).then(schedule))

  const stop = registry.onCounts((id) => {
    const before = changed.size
    note(id)
    // Otherwise the timer stands already.
    if (before === 0 && changed.size > 0) schedule()
  })

  const withdraw = async () => {
    if (written.size === 0) return
    try {
      await database.transaction(async (trx) => {
        await trx.deleteFrom('gs_nodes').where('id', '=', node).execute()
        await tell(trx, [...written.keys()], [node])
      })
    } catch (error) {
      log.warn({ err: error }, 'it could not be written that this process has no pages and websockets open any more; the others notice it')
    }
    written = new Map()
  }

  return {
    async of(sessionIds) {
      const open = await readConnections(database.db, sessionIds, now(), node)
      for (const id of sessionIds) {
        const here = openHere(id)
        if (isNothing(here)) continue
        const elsewhere = open.get(id) ?? nothing
        open.set(id, { pages: here.pages + elsewhere.pages, sockets: here.sockets + elsewhere.sockets })
      }
      return open
    },
    tick,
    close() {
      if (!closed) {
        closed = true
        stop()
        clearTimeout(timer)
        running = running.then(withdraw)
      }
      return running
    }
  }
}
