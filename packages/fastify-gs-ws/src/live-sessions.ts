import { LRUCache } from 'lru-cache'
import { WsDataError, WsEndedError, WsUnavailableError } from './errors.ts'
import { LoadedSession, type LiveParts } from './live-session.ts'
import type { LiveSessions, LiveSessionsParts } from './live-sessions-types.ts'
import { createSecret, hashSecret, judgeSecret, rotateSecret } from './secrets.ts'
import { createSessionIds, isSessionId } from './session-ids.ts'
import type { StoredSession } from './store/session-store.ts'

type Id = string | number

/** How long a live session stays that nobody has, ms. */
const linger = 5000
/** How often the ends of sessions with connections are put off, ms; more often where `idle` is short. */
const extendInterval = 60_000
/** Timers for longer fire at once, ms. */
const longestTimer = 2 ** 31 - 1
/** How many questions the store gets at the same time, and how many sessions are in one. */
const together = 16
const batch = 500
/** How many that are over one round removes at most, in batches. */
const pruneRounds = 20
/** How often another id is tried for a new session, and a resume when another one of the same session was quicker. */
const idTries = 5
const visitTries = 20
/** JSON of what the client says of a new session, bytes. */
const maxFromClient = 4096
/** How often one is told of late secrets of the same session, ms. */
const warnInterval = 60_000

/** Somebody waits for the store to make or give a session, which may be ended meanwhile. */
interface Waiting {
  readonly id: Id
  /** Of a session that is being made. */
  readonly owner: string | null
  cause: string | null
}

/** The sessions that this process has in memory, of a store that others may share. */
export function createLiveSessions(given: LiveSessionsParts): LiveSessions {
  const { store, options, now, log } = given
  const step = Math.min(extendInterval, (options.idle * 1000) / 3)
  const lives = new Map<Id, LoadedSession>()
  const waiting = new Set<Waiting>()
  /** Ends that are to be put off, of sessions that nobody has any more. */
  const extensions = new Map<Id, number>()
  const warned = new LRUCache<Id, true>({ max: 1000, ttl: warnInterval })
  const nextId = createSessionIds(options.ids, store)
  const troubles = new Set<string>()
  let closed = false

  const idleEnd = (absoluteUntil: number) => Math.min(now() + options.idle * 1000, absoluteUntil)
  const parts: LiveParts = {
    ...given,
    joined(live) {
      const { id } = live.session
      const known = lives.get(id)
      if (known !== undefined && known !== live)
        throw new WsEndedError(`The session ${JSON.stringify(id)} was dropped, because nobody had it for too long`)
      lives.set(id, live)
    },
    left: (live) => void extensions.set(live.session.id, idleEnd(live.absoluteUntil)),
    over(live) {
      const { id } = live.session
      if (lives.get(id) === live) lives.delete(id)
      extensions.delete(id)
    }
  }

  const refuseClosed = () => {
    if (closed) throw new WsUnavailableError('The server stops')
  }
  /** Runs something that the session with this id must survive. */
  const watching = async <T>(id: Id, owner: string | null, job: (watch: Waiting) => Promise<T>): Promise<T> => {
    const watch = { id, owner, cause: null }
    waiting.add(watch)
    try {
      return await job(watch)
    } finally {
      waiting.delete(watch)
    }
  }

  const begin = (stored: StoredSession) => {
    const live = new LoadedSession(stored, parts)
    lives.set(stored.id, live)
    return live
  }
  /** The one object for a session that the store has. */
  const liveOf = async (stored: StoredSession) => {
    const live = lives.get(stored.id)
    if (live?.isSameAs(stored)) {
      await live.take(stored)
      return live
    }
    live?.end('ended')
    return begin(stored)
  }

  /** False: there is a session with this id. */
  const isStored = async (session: StoredSession, last: boolean) => {
    try {
      await store.create(session)
      return true
    } catch (error) {
      if (last || error instanceof WsUnavailableError || error instanceof TypeError) throw error
      return false
    }
  }

  const lateSecret = (id: Id) => {
    if (warned.has(id)) return
    warned.set(id, true)
    log.warn(
      { sessionId: id },
      'a websocket session was asked for with a secret that is not good any more: a window that slept for long, or somebody has a copy'
    )
  }

  const finish = (ids: readonly Id[], cause: string) => {
    const over = new Set(ids)
    for (const watch of waiting) if (over.has(watch.id)) watch.cause = cause
    for (const id of over) {
      lives.get(id)?.end(cause)
      extensions.delete(id)
    }
    return over.size
  }

  /** Runs a job of a timer, which says once that it cannot, until it can again. */
  const trying = async (what: string, job: () => Promise<void>) => {
    try {
      await job()
      troubles.delete(what)
    } catch (error) {
      if (!troubles.has(what)) log.error({ err: error }, `${what} at the moment`)
      troubles.add(what)
    }
  }

  const endOverdue = () => {
    const at = now()
    for (const live of Array.from(lives.values())) {
      if (at >= live.absoluteUntil) live.end('expired')
      else if (live.unusedSince === null || live.busy || at - live.unusedSince < linger) continue
      else {
        const { unsaved } = live
        if (unsaved.length > 0)
          log.warn(
            { sessionId: live.session.id, members: unsaved },
            'data of a websocket session were changed and never saved: call conn.save() after changing them'
          )
        lives.delete(live.session.id)
      }
    }
  }
  const lookForChanges = async () => {
    if (lives.size === 0) return
    const changes = await store.changes(new Map(Array.from(lives, ([id, live]) => [id, live.version])))
    const changed = changes.flatMap(({ id, version }) => {
      const live = lives.get(id)
      return live === undefined || version === live.version ? [] : [live]
    })
    // One whose data in the store are broken does not keep those of others from being seen.
    let failure: unknown = null
    const reload = async (live: LoadedSession) => {
      try {
        await live.reload()
      } catch (error) {
        if (error instanceof WsUnavailableError) throw error
        failure ??= error
      }
    }
    for (let first = 0; first < changed.length; first += together) await Promise.all(changed.slice(first, first + together).map(reload))
    if (failure !== null) throw failure
  }

  const extend = async () => {
    for (const [id, live] of lives) {
      const until = idleEnd(live.absoluteUntil)
      if (live.unusedSince === null && until - live.idleUntil >= step / 2) extensions.set(id, until)
    }
    const due = Array.from(extensions)
    for (let first = 0; first < due.length; first += batch) {
      const some = due.slice(first, first + batch)
      await store.extend(new Map(some))
      for (const [id, until] of some) {
        if (extensions.get(id) === until) extensions.delete(id)
        const live = lives.get(id)
        if (live !== undefined) live.idleUntil = Math.max(live.idleUntil, until)
      }
    }
  }
  const prune = async () => {
    for (let round = 0; round < pruneRounds; round++) {
      const ids = await store.prune(now(), batch)
      finish(ids, 'expired')
      if (ids.length < batch) return
    }
  }

  /** The same round for all who ask while it runs. */
  const single = (job: () => Promise<void>) => {
    let running: Promise<void> | null = null
    return () => (running ??= job().finally(() => (running = null)))
  }
  const refresh = single(async () => {
    endOverdue()
    await trying('changes of websocket sessions by other processes cannot be seen', lookForChanges)
  })
  const maintain = single(() =>
    trying('the ends of websocket sessions cannot be looked after', async () => {
      // First, so that nothing is removed that somebody has.
      await extend()
      await prune()
    })
  )

  const timers = new Set<NodeJS.Timeout>()
  const every = (interval: number, job: () => Promise<void>) => {
    const run = () => {
      timers.delete(timer)
      void job().finally(() => {
        if (!closed) every(interval, job)
      })
    }
    const timer = setTimeout(run, Math.max(1, Math.min(interval, longestTimer))).unref()
    timers.add(timer)
  }
  every(options.refresh * 1000, refresh)
  every(step, maintain)

  return {
    async create({ fromClient, owner }) {
      refuseClosed()
      const said = fromClient === undefined ? null : jsonOf(fromClient)
      const secret = createSecret()
      for (let tries = 1; ; tries++) {
        const id = await nextId()
        const at = now()
        const stored: StoredSession = {
          id,
          secretHash: hashSecret(secret),
          formerHash: null,
          formerUntil: null,
          owner,
          data: '{}',
          fromClient: said,
          firstVisit: at,
          previousVisit: null,
          latestVisit: at,
          version: 1,
          links: '{}',
          idleUntil: Math.min(at + options.idle * 1000, at + options.absolute * 1000),
          absoluteUntil: at + options.absolute * 1000
        }
        const live = await watching(id, owner, async (watch) => {
          if (!(await isStored(stored, tries === idTries))) return null
          if (watch.cause !== null) {
            // Its owner was gone before it was there.
            if (owner !== null) await store.end({ id })
            throw new WsEndedError(`The session was ended while it was made (${watch.cause})`)
          }
          lives.get(id)?.end('ended')
          return begin(stored)
        })
        if (live !== null) return { live, secret }
      }
    },

    async resume({ id, secret, owner, dialect }) {
      refuseClosed()
      if (!isSessionId(id)) {
        judgeSecret(null, secret, now())
        return 'unknown'
      }
      return watching(id, null, async (watch) => {
        for (let tries = 0; tries < visitTries; tries++) {
          const stored = await store.find(id, now())
          const at = now()
          // Also for sessions that are not there, so that the answer takes as long.
          const verdict = judgeSecret(stored, secret, at)
          if (stored === null || (stored.owner !== null && stored.owner !== owner)) return 'unknown'
          if (verdict === 'late') lateSecret(id)
          if (verdict === 'late' || verdict === 'wrong') return 'wrong-secret'
          const { secrets, told } = rotateSecret(stored, secret as string, verdict, at, dialect !== 'webgram')
          const visit = { previousVisit: stored.latestVisit, latestVisit: at, idleUntil: idleEnd(stored.absoluteUntil) }
          if (!(await store.visit(id, stored.secretHash, { ...secrets, ...visit }))) continue
          const live = await liveOf(stored)
          if (watch.cause !== null) live.end(watch.cause)
          if (live.cause !== null) return 'unknown'
          live.visited(visit)
          return { live, secret: told }
        }
        throw new WsUnavailableError(`The session ${JSON.stringify(id)} is being resumed by too many at once`)
      })
    },

    get: (id) => lives.get(id) ?? null,

    async end(id, cause = 'ended') {
      if (!isSessionId(id)) return false
      return finish(await store.end({ id }), cause) > 0
    },
    async endOwned(owner, cause = 'ended') {
      // First those that are here, so that the cause is told when another process was quicker, and their end when the store is away.
      const here = Array.from(lives.values()).filter(({ session }) => session.owner === owner)
      for (const live of here) live.end(cause)
      for (const watch of waiting) if (watch.owner === owner) watch.cause = cause
      return finish(await store.end({ owner }), cause)
    },
    async endAll(cause = 'ended') {
      return finish(await store.end('all'), cause)
    },

    async list({ limit = 100, after } = {}) {
      const page = await store.list({ now: now(), limit, ...(after !== undefined && { after }) })
      const withConnections = page.sessions.map((session) => {
        const live = lives.get(session.id)
        return Object.assign(session, { connections: live?.session.connections.size ?? 0 })
      })
      return { sessions: withConnections, next: page.next }
    },

    refresh,
    maintain,

    async close() {
      closed = true
      for (const timer of timers) clearTimeout(timer)
      await Promise.all([refresh(), maintain()])
      await Promise.all(Array.from(lives.values(), (live) => live.settled()))
    }
  }
}

/** @throws {WsDataError} */
function jsonOf(fromClient: unknown): string | null {
  let text: string | undefined
  try {
    text = JSON.stringify(fromClient)
  } catch (cause) {
    throw new WsDataError('What the client says of its session is no JSON', { cause })
  }
  if (text === undefined) return null
  if (Buffer.byteLength(text) > maxFromClient)
    throw new WsDataError(`What the client says of its session has more than ${maxFromClient} bytes`)
  return text
}
