import { WsOptionError, WsUnavailableError } from '../errors.ts'
import { readCursor, writeCursor } from './list-cursor.ts'
import { checkGiven, checkLimit, checkNames, checkNumber, existsAlready, keyOf } from './session-key.ts'
import type { SessionStore, StoredSession } from './session-store.ts'

/** Options of `memoryStore()`. */
export interface MemoryStoreOptions {
  /** How many sessions it holds. Default: 100000. */
  readonly max?: number
  /** Bytes of JSON that all of them hold together. Default: 256 MiB. */
  readonly maxBytes?: number
}

type SessionId = StoredSession['id']

const overAt = ({ idleUntil, absoluteUntil }: StoredSession) => Math.min(idleUntil, absoluteUntil)
const bytesOf = ({ data, links, fromClient }: Pick<StoredSession, 'data' | 'links' | 'fromClient'>) =>
  Buffer.byteLength(data) + Buffer.byteLength(links) + (fromClient === null ? 0 : Buffer.byteLength(fromClient))

function whole(name: string, value: number): number {
  if (!Number.isSafeInteger(value) || value < 1)
    throw new WsOptionError(`fastify-gs-ws: the option ${name} of memoryStore() must be a whole number above 0.`)
  return value
}

/**
 * A store for a single process, which forgets everything when it ends. When it is full it removes what is over, and else refuses new sessions:
 * none that somebody may come back to is given up.
 *
 * @throws {WsOptionError}
 */
export function memoryStore(options: MemoryStoreOptions = {}): SessionStore {
  const max = whole('max', options.max ?? 100_000)
  const maxBytes = whole('maxBytes', options.maxBytes ?? 256 * 1024 * 1024)
  /** Numbers and texts are different keys. */
  const sessions = new Map<unknown, StoredSession>()
  let bytes = 0
  let number = 0
  /** None is over earlier, so that a full store is not searched in vain each time. */
  let earliest = Infinity
  let closed = false

  const opened = () => {
    if (closed) throw new WsUnavailableError('The sessions in memory are out of reach, because their store has been closed.')
    return sessions
  }
  const put = (session: StoredSession) => {
    sessions.set(session.id, Object.freeze(session))
    earliest = Math.min(earliest, overAt(session))
  }
  const remove = (session: StoredSession) => {
    sessions.delete(session.id)
    bytes -= bytesOf(session)
    return session.id
  }
  const prune = (now: number, limit: number): readonly SessionId[] => {
    if (now < earliest) return []
    const removed: SessionId[] = []
    let next = Infinity
    for (const session of sessions.values()) {
      if (overAt(session) > now) next = Math.min(next, overAt(session))
      else if (removed.length < limit) removed.push(remove(session))
      else return removed
    }
    earliest = next
    return removed
  }
  const makeRoom = (count: number, added: number, now: number) => {
    const tooMany = () => sessions.size + count > max || bytes + added > maxBytes
    if (added <= 0 && count === 0) return
    if (tooMany()) prune(now, Infinity)
    if (!tooMany()) return
    throw new WsUnavailableError(
      `memoryStore() is full (${sessions.size} sessions, ${bytes} bytes); give it a larger max or maxBytes, or use sqliteStore().`
    )
  }
  const lookUp = (id: SessionId, now: number) => {
    const session = opened().get(id)
    return session === undefined || overAt(session) <= now ? null : session
  }

  return {
    async create(given) {
      checkNames(given)
      if (opened().has(given.id)) throw existsAlready()
      const size = bytesOf(given)
      makeRoom(1, size, given.firstVisit)
      put({ ...given })
      bytes += size
    },
    find: async (id, now) => lookUp(id, now),
    async save(id, version, { data, links, now }) {
      const session = lookUp(id, now)
      if (session === null || session.version !== version) return null
      const changed = { ...session, data, links, version: version + 1 }
      const growth = bytesOf(changed) - bytesOf(session)
      makeRoom(0, growth, now)
      put(changed)
      bytes += growth
      return changed.version
    },
    async visit(id, secretHash, change) {
      const session = lookUp(id, change.latestVisit)
      if (session === null || session.secretHash !== secretHash) return false
      const { formerHash, formerUntil, previousVisit, latestVisit, idleUntil } = change
      put({ ...session, secretHash: change.secretHash, formerHash, formerUntil, previousVisit, latestVisit, idleUntil })
      return true
    },
    async extend(all) {
      opened()
      for (const [id, idleUntil] of all) {
        const session = sessions.get(id)
        if (session !== undefined && session.idleUntil < idleUntil) put({ ...session, idleUntil })
      }
    },
    async end(which) {
      opened()
      if (which === 'all') return [...sessions.values()].map(remove)
      if ('id' in which) {
        const session = sessions.get(which.id)
        return session === undefined ? [] : [remove(session)]
      }
      return [...sessions.values()].filter(({ owner }) => owner === which.owner).map(remove)
    },
    async list({ now, limit, after }) {
      opened()
      checkLimit(limit)
      const from = after === undefined ? null : readCursor(after)
      const place = (session: StoredSession) => ({ session, latestVisit: session.latestVisit, key: keyOf(session.id)! })
      const later = (a: { latestVisit: number; key: string }, b: { latestVisit: number; key: string }) =>
        b.latestVisit - a.latestVisit || (a.key < b.key ? 1 : a.key > b.key ? -1 : 0)
      const rest = [...sessions.values()]
        .filter((session) => overAt(session) > now && (from === null || session.latestVisit <= from.latestVisit))
        .map(place)
        .filter((one) => from === null || later(from, one) < 0)
        .sort(later)
      const page = rest.slice(0, limit)
      return {
        sessions: page.map(({ session: { id, owner, firstVisit, latestVisit, data } }) => ({
          id,
          owner,
          firstVisit,
          latestVisit,
          size: Buffer.byteLength(data)
        })),
        next: rest.length > limit ? writeCursor(page.at(-1)!) : null
      }
    },
    async prune(now, limit) {
      opened()
      checkLimit(limit)
      return prune(now, limit)
    },
    async nextNumber() {
      opened()
      number = checkGiven(number + 1)
      return number
    },
    async raiseNumber(above) {
      opened()
      checkNumber(above)
      number = Math.max(number, above)
    },
    async changes() {
      opened()
      return []
    },
    async close() {
      closed = true
      sessions.clear()
      bytes = 0
    }
  }
}
