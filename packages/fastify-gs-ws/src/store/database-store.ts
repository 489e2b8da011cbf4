import { setImmediate as turn } from 'node:timers/promises'
import type { CompiledQuery } from 'kysely'
import { readCursor, writeCursor } from './list-cursor.ts'
import { checkGiven, checkLimit, checkNames, checkNumber, existsAlready, idOf, isKeyText, keyOf } from './session-key.ts'
import { toListed, toSession, type Row } from './session-queries.ts'
import type { SessionStore, StoreChange, StoredSession } from './session-store.ts'
import type { StoreDatabase } from './store-database.ts'

type SessionId = StoredSession['id']

/** How many sessions one statement looks at, or changes. On SQLite nothing else of this process runs meanwhile. */
const batch = 1000

/** In batches, each as a parameter in JSON. */
function* inBatches(all: ReadonlyMap<SessionId, number>): Generator<string> {
  let some: [string, number][] = []
  for (const [id, value] of all) {
    const key = keyOf(id)
    if (key === null) continue
    some.push([key, value])
    if (some.length < batch) continue
    yield JSON.stringify(Object.fromEntries(some))
    some = []
  }
  if (some.length > 0) yield JSON.stringify(Object.fromEntries(some))
}

export function createDatabaseStore({ queries, read, write, close }: StoreDatabase): SessionStore {
  /** The row as it is, whether it is over or not. */
  const look = async (key: string) => {
    const row = (await read(queries.find(key, Number.MIN_SAFE_INTEGER)))[0]
    return row === undefined ? null : toSession(row)
  }
  const idsOf = (rows: readonly Row[]): readonly SessionId[] => rows.map(([key]) => idOf(key as string))
  const endAll = async (some: CompiledQuery) => {
    const ended: SessionId[] = []
    for (;;) {
      const { rows } = await write(some, 'refuse')
      ended.push(...idsOf(rows))
      // What another process was quicker with is not counted.
      if (rows.length < batch) return ended
      await turn()
    }
  }

  return {
    async create(session) {
      const key = checkNames(session)
      const { rows, again } = await write(queries.create(key, session), 'repeat')
      if (rows.length > 0) return
      // Nobody else has this secret.
      if (again && (await look(key))?.secretHash === session.secretHash) return
      throw existsAlready()
    },
    async find(id, now) {
      const key = keyOf(id)
      const row = key === null ? undefined : (await read(queries.find(key, now)))[0]
      return row === undefined ? null : toSession(row)
    },
    async save(id, version, { data, links, now }) {
      const key = keyOf(id)
      if (key === null) return null
      const { rows, again } = await write(queries.save(key, version, data, links, now), 'repeat')
      if (rows.length > 0) return version + 1
      if (!again) return null
      const kept = await look(key)
      return kept !== null && kept.version === version + 1 && kept.data === data && kept.links === links ? kept.version : null
    },
    async visit(id, secretHash, change) {
      const key = keyOf(id)
      if (key === null) return false
      const { rows, again } = await write(queries.visit(key, secretHash, change), 'repeat')
      if (rows.length > 0) return true
      return again && change.secretHash !== secretHash && (await look(key))?.secretHash === change.secretHash
    },
    async extend(all) {
      for (const json of inBatches(all)) {
        await write(queries.extend(json), 'repeat')
        await turn()
      }
    },
    async end(which) {
      if (which === 'all') return endAll(queries.endAny(batch))
      if ('owner' in which) return isKeyText(which.owner) ? endAll(queries.endOfOwner(which.owner, batch)) : []
      const key = keyOf(which.id)
      return key === null ? [] : idsOf((await write(queries.endOne(key), 'refuse')).rows)
    },
    async list({ now, limit, after }) {
      checkLimit(limit)
      const from = after === undefined ? null : readCursor(after)
      const rows = await read(queries.list(now, limit + 1, from))
      const page = rows.slice(0, limit)
      const [key, , , latestVisit] = (page.at(-1) ?? []) as [string, string | null, number, number]
      return { sessions: page.map(toListed), next: rows.length > limit ? writeCursor({ latestVisit, key }) : null }
    },
    async prune(now, limit) {
      checkLimit(limit)
      const removed: SessionId[] = []
      while (removed.length < limit) {
        const most = Math.min(batch, limit - removed.length)
        const { rows } = await write(queries.prune(now, most), 'refuse')
        removed.push(...idsOf(rows))
        if (rows.length < most) break
        await turn()
      }
      return removed
    },
    nextNumber: async () => checkGiven((await write(queries.nextNumber, 'repeat')).rows[0]![0] as number),
    async raiseNumber(above) {
      checkNumber(above)
      await write(queries.raiseNumber(above), 'repeat')
    },
    async changes(watched) {
      const changes: StoreChange[] = []
      for (const json of inBatches(watched)) {
        for (const [key, version] of await read(queries.changes(json)))
          changes.push({ id: idOf(key as string), version: version as number | null })
        await turn()
      }
      return changes
    },
    close
  }
}
