import { setImmediate as turn } from 'node:timers/promises'
import type { FastifyBaseLogger } from 'fastify'
import type { KeyRing } from '../crypto/tokens.ts'
import type { SessionEndCause } from '../hooks.ts'
import type { Activity } from '../sessions/activity.ts'
import { forgotWindow } from '../accounts/auth-mask.ts'
import { expiryCause, type FoundSession, type SessionLimits } from '../sessions/sessions.ts'
import { accountVisit, visitState, type AccountVisit } from '../sessions/visit.ts'
import type { WatchedAccount, WatchedSession as WatchedRow, WatchedSessions } from '../sessions/watched-sessions.ts'
import { longestRead, type Change, type ChangeLog } from './change-log.ts'
import type { SessionEvents } from './session-events.ts'

/** Something that is connected for a session: the event stream of a page, an application's websocket, or what it watches itself, which nobody sees. */
export interface Connection {
  readonly kind: 'page' | 'socket' | 'watch'
  /** It belongs to the session, and not to who has connected: it is never {@link renewed}. Default: false. */
  readonly acrossTokens?: boolean
  /** The session is over. Called once, nothing follows. */
  readonly ended: (cause: SessionEndCause) => void
  /**
   * The browser has got a new token. Whoever has connected with the old one must do it again: it may be somebody else who holds it. Called
   * once, nothing follows.
   */
  readonly renewed: () => void
  /** The session or its account is, or may, something else now; `visit` says what. */
  readonly changed: (visit: AccountVisit) => void
  /** Another session of the account has begun, or ended for the cause. */
  readonly happened?: (event: {
    readonly type: 'login' | 'logout'
    readonly sessionId: string
    readonly cause: SessionEndCause | null
    readonly id: number
  }) => void
  /** The account has other sessions than before, or one of them other connections. */
  readonly sessionsChanged: () => void
  /** The server stops. Called once, nothing follows. */
  readonly closing: () => void
}

/** Who is connected to this process, and what has become of their sessions. */
export interface SessionRegistry {
  /**
   * Tells the connection what happens to the session of the visit. Returns how to stop that; null: the server is stopping.
   *
   * What this process does is told before the request that caused it is answered if it ends the session, all else within a second,
   * whatever process did it.
   */
  readonly connect: (visit: AccountVisit, connection: Connection) => (() => void) | null
  /**
   * Compares one session with the database now, if somebody is connected for it: for who is about to trust one whose time may be over.
   * Never rejects; false: nobody could be asked.
   */
  readonly checkSession: (sessionId: string) => Promise<boolean>
  /** Whether all is told that was committed more than a second ago: not after a pause of the process, nor without the database. */
  readonly isCurrent: () => boolean
  /**
   * After `connect`, for who reads the log of changes himself, to go on from where he was: whatever is missing in the log when this is done, is
   * told. Undefined: that is so already. Never rejects.
   */
  readonly ready: () => Promise<void> | undefined
  /** After a commit that recorded changes: resolves when all connections of this process have been told. Undefined: nobody is connected. */
  readonly committed: () => Promise<void> | undefined
  /** How many connections of the kind the session has. */
  readonly countOfSession: (sessionId: string, kind: Connection['kind']) => number
  /** How many connections of the kind all sessions of the account have. */
  readonly countOfAccount: (accountId: string, kind: Connection['kind']) => number
  /** Calls the listener whenever a session may have another number of connections. Returns how to stop that. */
  readonly onCounts: (listener: (sessionId: string) => void) => () => void
  /** Compares all sessions with the database now, as the timer does. Never rejects. */
  readonly check: () => Promise<void>
  /** Tells all connections that the server stops, and takes no more. */
  readonly close: () => Promise<void>
}

export interface RegistrySettings {
  readonly find: WatchedSessions
  readonly log: ChangeLog
  readonly events: Pick<SessionEvents, 'onSessionEnd'>
  readonly activity: Activity
  /** A shift of the end of the session by less than this is not told, ms. */
  readonly activityInterval: number
  readonly limits: SessionLimits
  readonly keys: KeyRing
  readonly logger: Pick<FastifyBaseLogger, 'error' | 'warn'>
  readonly now: () => number
  /** Between two looks at the log of changes, ms. Default: 250. */
  readonly interval?: number
  /** In which each session is compared with the database once, whatever the log says, ms. Default: 15000. */
  readonly fullRound?: number
}

interface Member {
  readonly connection: Connection
  /** Of the token with which it has connected. */
  readonly tokenHash: string
  readonly ip: string
  /** The comparison before which it has come; what that one reads may be older than its token. */
  readonly round: number
}

interface WatchedSession {
  readonly id: string
  readonly account: AccountGroup
  readonly members: Set<Member>
  found: FoundSession
  /** What the members know. */
  told: string
  /** When time alone changes something: the session ends, or a bit of its mask does. */
  due: number
}

interface AccountGroup {
  readonly id: string
  readonly sessions: Set<WatchedSession>
  /** Whether the members have to be told that the list is another one. */
  stale: boolean
}

const registryOf = new WeakMap<object, SessionRegistry>()

/** @param gs the decorator `app.gs`, by which others find what belongs to it */
export function provideRegistry(gs: object, registry: SessionRegistry): void {
  registryOf.set(gs, registry)
}

export function sessionRegistryOf(gs: object): SessionRegistry {
  return registryOf.get(gs)!
}

/** How many sessions are asked for at once: on SQLite nothing else runs meanwhile. */
const batch = 500
/** An entry of the log that was written before this time can no longer appear behind one with a higher id, ms. */
const settling = 5_000
/** For how long a look at the database counts, ms: there are four in this time. */
const currency = 1000
/** How long an end is remembered, for what was being connected at that moment, ms; and how many. */
const endMemory = 60_000
const rememberedEnds = 10_000

export function createSessionRegistry(settings: RegistrySettings): SessionRegistry {
  const { find, log, events, activity, activityInterval, limits, keys, logger, now, interval = 250, fullRound = 15_000 } = settings
  const sessions = new Map<string, WatchedSession>()
  const accounts = new Map<string, AccountGroup>()
  /** Those that the next run compares with the database. */
  const doubtful = new Set<WatchedSession>()
  const ends = new Map<string, { readonly cause: SessionEndCause; readonly at: number }>()
  /** Entries above the cursor that were read already; null: nobody has been connected, and so nothing was read. */
  let cursor: number | null = null
  let read = new Map<number, number>()
  let timer: NodeJS.Timeout | undefined
  /** Runs while the database is asked. */
  let waits: NodeJS.Timeout | undefined
  let stopsListening: (() => Promise<void>) | undefined
  const countListeners = new Set<(sessionId: string) => void>()
  let closed = false
  let failing = false
  /** When the last look began that has found everything; by a clock that nobody sets back, ms. */
  let lookedAt = Number.NEGATIVE_INFINITY
  let round = 0
  /** Those whose turn it still is in this round. */
  let everyone: WatchedSession[] = []
  let turnDue = false
  let running: Promise<void> = Promise.resolve()
  let waiting: Promise<void> | null = null

  const guarded = (work: () => void) => {
    try {
      work()
    } catch (error) {
      // The fault of one connection must not keep the others from hearing.
      logger.error({ err: error }, 'a connection of a session failed')
    }
  }
  const each = (members: Iterable<Member>, work: (member: Member) => void) => {
    for (const member of members) guarded(() => work(member))
  }
  const countChanged = (sessionId: string) => {
    for (const listener of countListeners) guarded(() => listener(sessionId))
  }
  const visitOf = (found: FoundSession, ip: string) => accountVisit(keys, found, limits, { ip, headers: {} }, now(), found.lastActiveAt)

  /** All that a connection is told of, as a text to compare. */
  const stateOf = (found: FoundSession) => {
    const { account, mask, level, expiresAt } = visitOf(found, '')
    const { username, email, verified, admin, language, mustChangePassword } = account
    return JSON.stringify([
      username,
      email,
      verified,
      admin,
      language,
      mustChangePassword,
      mask,
      level,
      Math.floor(expiresAt / activityInterval)
    ])
  }
  const dueOf = ({ lastActiveAt, expiresAt, remember, forgotAt }: FoundSession) => {
    const ends = Math.min(expiresAt, lastActiveAt + (remember ? limits.remembered : limits.idle))
    const bitEnds = forgotAt === null ? ends : forgotAt + forgotWindow
    return bitEnds > now() ? Math.min(ends, bitEnds) : ends
  }

  const rememberEnd = (sessionId: string, cause: SessionEndCause) => {
    ends.delete(sessionId)
    ends.set(sessionId, { cause, at: Date.now() })
    for (const [id, { at }] of ends) {
      if (ends.size <= rememberedEnds && at > Date.now() - endMemory) break
      ends.delete(id)
    }
  }

  const forget = (session: WatchedSession) => {
    const { account } = session
    sessions.delete(session.id)
    doubtful.delete(session)
    account.sessions.delete(session)
    if (account.sessions.size === 0) accounts.delete(account.id)
  }

  const noteShown = ({ account }: WatchedSession, { kind }: Connection) => {
    if (kind !== 'watch') account.stale = true
  }

  const remove = (session: WatchedSession, member: Member) => {
    session.members.delete(member)
    noteShown(session, member.connection)
    if (session.members.size === 0 && sessions.get(session.id) === session) forget(session)
    if (sessions.size === 0) rest()
    countChanged(session.id)
  }

  const end = (session: WatchedSession, cause: SessionEndCause) => {
    const members = [...session.members]
    session.members.clear()
    session.account.stale = true
    forget(session)
    each(members, ({ connection }) => connection.ended(cause))
    if (sessions.size === 0) rest()
    countChanged(session.id)
  }

  /** Nobody is connected: there is nothing to look for. */
  const rest = () => {
    clearTimeout(timer)
    clearInterval(waits)
    cursor = null
    read.clear()
  }

  const compare = (session: WatchedSession, row: WatchedRow | 'locked' | undefined, missing: SessionEndCause) => {
    if (row === 'locked') return end(session, 'account-locked')
    if (row === undefined) return end(session, missing)
    const found = { ...row, lastActiveAt: activity.latest(row.id, row.lastActiveAt) }
    session.found = found
    session.due = dueOf(found)
    const expired = expiryCause(found, limits, now())
    if (expired !== null) return end(session, expired)

    each(session.members, (member) => {
      // The browser may not have got the new one, and would come again and again with the former one, which still counts.
      const current =
        member.connection.acrossTokens === true || member.tokenHash === found.tokenHash || member.tokenHash === found.formerHash
      if (current || member.round === round) return
      remove(session, member)
      member.connection.renewed()
    })
    const state = stateOf(found)
    if (state === session.told) return
    session.told = state
    each(session.members, ({ connection, ip }) => connection.changed(visitOf(found, ip)))
  }

  /** Why sessions are gone whose end was not heard: before they were connected, or because somebody has changed the database by hand. */
  const causesOf = async (gone: readonly WatchedSession[]): Promise<ReadonlyMap<WatchedSession, SessionEndCause>> => {
    const unknown = gone.filter(({ id }) => !ends.has(id))
    const owners = unknown.length === 0 ? new Map<string, WatchedAccount>() : await find.accounts(unknown.map(({ account }) => account.id))
    const logged = new Map<string, SessionEndCause | null>()
    for (const { id, found } of unknown) logged.set(id, await log.endOf(found.tokenHash))
    return new Map(
      gone.map((session) => {
        const known = ends.get(session.id)?.cause ?? logged.get(session.id)
        const owner = owners.get(session.account.id)
        const guessed = owner === undefined ? 'account-deleted' : owner.locked ? 'account-locked' : undefined
        return [session, known ?? guessed ?? expiryCause(session.found, limits, now()) ?? 'revoked']
      })
    )
  }

  const compareBatch = async (watched: readonly WatchedSession[]) => {
    round++
    const found = await find.sessions(watched.map(({ id }) => id))
    const gone = watched.filter(({ id }) => !found.has(id))
    const causes = gone.length === 0 ? null : await causesOf(gone)
    if (closed) return
    for (const session of watched) {
      // Meanwhile this process may have ended it.
      if (sessions.get(session.id) === session) compare(session, found.get(session.id), causes?.get(session) ?? 'revoked')
    }
  }

  const hear = (change: Change) => {
    if (change.type === 'connections') {
      const group = accounts.get(change.accountId)
      if (group !== undefined) group.stale = true
      return
    }
    if (change.type === 'account') {
      const group = change.accountId === null ? undefined : accounts.get(change.accountId)
      for (const session of change.accountId === null ? sessions.values() : (group?.sessions ?? [])) {
        if (change.sessionId === null || change.sessionId === session.id) doubtful.add(session)
      }
      return
    }
    const { accountId, sessionId, id } = change
    if (change.type === 'end') {
      rememberEnd(sessionId, change.cause)
      const session = sessions.get(sessionId)
      if (session !== undefined) end(session, change.cause)
    }
    const group = accounts.get(accountId)
    if (group === undefined) return
    group.stale = true
    const event =
      change.type === 'end'
        ? ({ type: 'logout', sessionId, cause: change.cause, id } as const)
        : ({ type: 'login', sessionId, cause: null, id } as const)
    for (const session of group.sessions) {
      if (session.id !== sessionId) each(session.members, ({ connection }) => connection.happened?.(event))
    }
  }

  /** On PostgreSQL an entry may appear behind one with a higher id: the last ones are read again for a while. */
  const readLog = async () => {
    if (cursor === null) {
      const position = await log.position()
      // Nothing before it was missed: who has connected is compared with the database now.
      const from = log.ordered ? position : Math.max(0, position - longestRead)
      const known = log.ordered ? [] : await log.after(from)
      cursor = from
      for (const { id } of known) read.set(id, Date.now())
      return
    }
    const at = Date.now()
    let after = cursor
    for (;;) {
      const asked = log.after(after)
      const changes = asked instanceof Promise ? await asked : asked
      // Meanwhile the last one may have gone, and the first one of others have come.
      if (closed || cursor === null) return
      for (const change of changes) {
        if (!read.has(change.id)) {
          read.set(change.id, at)
          hear(change)
        }
      }
      if (changes.length < longestRead) break
      after = changes.at(-1)!.id
      // After a long pause there may be many: others have their turn between them.
      await turn()
    }
    // Behind those that have no gap before them nothing can appear any more: they need not be read again.
    while (cursor !== null && read.delete(cursor + 1)) cursor++
    // They were read in any order, but the map has them in that of their times.
    for (const [id, time] of read) {
      if (!log.ordered && time > at - settling) break
      if (cursor !== null && id > cursor) cursor = id
      read.delete(id)
    }
    for (const id of read.keys()) if (cursor !== null && id <= cursor) read.delete(id)
  }

  /** Some of all sessions, so that in a while it was each one's turn. Who has come meanwhile was compared then, and waits for the next round. */
  const nextOfAll = function* () {
    if (everyone.length === 0) everyone = [...sessions.values()]
    for (let left = Math.ceil((sessions.size * interval) / fullRound); left > 0 && everyone.length > 0;) {
      const next = everyone.pop()!
      if (sessions.get(next.id) !== next) continue
      left--
      yield next
    }
  }

  /** This much is certain without the database. */
  const endOverdue = () => {
    for (const session of sessions.values()) if (now() >= session.found.expiresAt) end(session, 'absolute')
  }

  const run = async () => {
    const inTurn = turnDue
    turnDue = false
    const began = performance.now()
    try {
      await readLog()
      const at = now()
      for (const session of sessions.values()) if (session.due <= at) doubtful.add(session)
      if (inTurn) for (const session of nextOfAll()) doubtful.add(session)
      const watched = [...doubtful]
      doubtful.clear()
      for (let start = 0; start < watched.length && !closed; start += batch) {
        if (start > 0) await turn()
        await compareBatch(watched.slice(start, start + batch))
      }
      if (failing) logger.warn('the sessions of those who are connected can be watched again')
      failing = false
      lookedAt = began
    } catch (error) {
      if (!failing && !closed) {
        logger.error({ err: error }, 'the sessions of those who are connected cannot be watched; it is tried again')
      }
      failing = true
      endOverdue()
      // What was to be compared now is not forgotten, nor is anything that was missed.
      for (const session of sessions.values()) doubtful.add(session)
    }
    if (closed) return
    for (const group of accounts.values()) {
      if (!group.stale) continue
      group.stale = false
      for (const session of group.sessions) each(session.members, ({ connection }) => connection.sessionsChanged())
    }
  }
  /** A run that begins after this call: one that waits for its turn serves all who ask meanwhile. */
  const check = (): Promise<void> => {
    if (waiting !== null) return waiting
    const next = running.then(() => {
      waiting = null
      return run()
    })
    waiting = next
    running = next
    return next
  }

  /** The next look, sooner if time changes something before it: then it is told at that moment. */
  const schedule = () => {
    clearTimeout(timer)
    if (closed || sessions.size === 0) return
    const at = now()
    let delay = interval
    // What a database that is out of reach cannot say is asked no sooner: it would be asked at every millisecond.
    for (const { due } of failing ? [] : sessions.values()) delay = Math.min(delay, Math.max(due - at, 1))
    timer = setTimeout(() => {
      turnDue = true
      void look()
    }, delay).unref()
  }
  const look = async () => {
    // A database that is frozen, or cut off without a word, gives no answer and no error.
    clearInterval(waits)
    waits = setInterval(endOverdue, interval).unref()
    await check()
    clearInterval(waits)
    schedule()
  }

  const stopHearing = events.onSessionEnd(({ sessionId, accountId, cause }) => {
    rememberEnd(sessionId, cause)
    const session = sessions.get(sessionId)
    if (session !== undefined) end(session, cause)
    const account = accounts.get(accountId)
    if (account !== undefined) account.stale = true
  })

  const groupOf = (id: string) => {
    const known = accounts.get(id)
    if (known !== undefined) return known
    const group: AccountGroup = { id, sessions: new Set(), stale: true }
    accounts.set(id, group)
    return group
  }
  const watch = (id: string, accountId: string, found: FoundSession) => {
    const known = sessions.get(id)
    if (known !== undefined) return known
    const account = groupOf(accountId)
    const session: WatchedSession = { id, account, members: new Set(), found, told: stateOf(found), due: dueOf(found) }
    sessions.set(id, session)
    account.sessions.add(session)
    return session
  }

  const count = (session: WatchedSession, kind: Connection['kind']) => {
    let connections = 0
    for (const { connection } of session.members) if (connection.kind === kind) connections++
    return connections
  }

  return {
    connect(visit, connection) {
      if (closed) return null
      const found = visitState(visit).found!
      const idle = sessions.size === 0
      const session = watch(visit.session.id, visit.account.id, found)
      const member = { connection, tokenHash: found.tokenHash, ip: visit.ip, round }
      session.members.add(member)
      noteShown(session, connection)
      // One of both is of yesterday: the next comparison tells all of them what is true.
      if (session.told !== stateOf(found)) session.told = ''
      // What was committed after the request was looked up, and told to the others already.
      doubtful.add(session)
      const missed = ends.get(session.id)
      if (missed !== undefined) queueMicrotask(() => sessions.get(session.id) === session && end(session, missed.cause))
      stopsListening ??= log.listen(() => void (sessions.size > 0 && check()))
      if (idle) void look()
      countChanged(session.id)
      return () => remove(session, member)
    },
    committed: () => (sessions.size === 0 || closed ? undefined : check()),
    checkSession(id) {
      const session = sessions.get(id)
      if (session !== undefined) doubtful.add(session)
      return check().then(() => !failing)
    },
    isCurrent: () => performance.now() - lookedAt <= currency,
    ready: () => (cursor === null ? check() : undefined),
    countOfSession: (id, kind) => {
      const session = sessions.get(id)
      return session === undefined ? 0 : count(session, kind)
    },
    countOfAccount: (id, kind) => {
      let connections = 0
      for (const session of accounts.get(id)?.sessions ?? []) connections += count(session, kind)
      return connections
    },
    onCounts(listener) {
      countListeners.add(listener)
      return () => void countListeners.delete(listener)
    },
    check() {
      for (const session of sessions.values()) doubtful.add(session)
      return check()
    },
    async close() {
      if (!closed) {
        closed = true
        clearTimeout(timer)
        clearInterval(waits)
        stopHearing()
        for (const session of sessions.values()) each(session.members, ({ connection }) => connection.closing())
        sessions.clear()
        accounts.clear()
        doubtful.clear()
      }
      await Promise.all([running, stopsListening?.()])
    }
  }
}
