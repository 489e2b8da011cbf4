import { setImmediate as turn } from 'node:timers/promises'
import type { FastifyBaseLogger } from 'fastify'
import type { KeyRing } from '../crypto/tokens.ts'
import type { SessionEndCause } from '../hooks.ts'
import type { Activity } from '../sessions/activity.ts'
import { expiryCause, type FoundSession, type SessionLimits } from '../sessions/sessions.ts'
import { accountVisit, visitState, type AccountVisit } from '../sessions/visit.ts'
import type { WatchedAccount, WatchedSession as WatchedRow, WatchedSessions } from '../sessions/watched-sessions.ts'
import type { SessionEvents } from './session-events.ts'

/** Something that is connected for a session: the event stream of a page, or an application's websocket. */
export interface Connection {
  readonly kind: 'page' | 'socket'
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
   * Never rejects.
   */
  readonly checkSession: (sessionId: string) => Promise<void>
  /** The newest entry of the log of changes (`gs_changes`): what follows it is told to who connects now. */
  readonly position: () => Promise<number>
  /** How many connections of the kind the session has. */
  readonly countOfSession: (sessionId: string, kind: Connection['kind']) => number
  /** How many connections of the kind all sessions of the account have. */
  readonly countOfAccount: (accountId: string, kind: Connection['kind']) => number
  /** Compares all sessions with the database now, as the timer does. Never rejects. */
  readonly check: () => Promise<void>
  /** Tells all connections that the server stops, and takes no more. */
  readonly close: () => Promise<void>
}

export interface RegistrySettings {
  readonly find: WatchedSessions
  readonly events: Pick<SessionEvents, 'onSessionEnd'>
  readonly activity: Activity
  /** A shift of the end of the session by less than this is not told, ms. */
  readonly activityInterval: number
  readonly limits: SessionLimits
  readonly keys: KeyRing
  readonly log: Pick<FastifyBaseLogger, 'error' | 'warn'>
  readonly now: () => number
  /** Between two comparisons with the database, ms; for tests. Default: 1000. */
  readonly interval?: number
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
}

interface AccountGroup {
  readonly id: string
  readonly sessions: Set<WatchedSession>
  /** What the database said last; undefined: not asked yet. */
  mark: string | undefined
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

export function createSessionRegistry(settings: RegistrySettings): SessionRegistry {
  const { find, events, activity, activityInterval, limits, keys, log, now, interval = 1000 } = settings
  const sessions = new Map<string, WatchedSession>()
  const accounts = new Map<string, AccountGroup>()
  let timer: NodeJS.Timeout | undefined
  let closed = false
  let failing = false
  let round = 0
  let checking = Promise.resolve()

  const guarded = (work: () => void) => {
    try {
      work()
    } catch (error) {
      // The fault of one connection must not keep the others from hearing.
      log.error({ err: error }, 'a connection of a session failed')
    }
  }
  const each = (members: Iterable<Member>, work: (member: Member) => void) => {
    for (const member of members) guarded(() => work(member))
  }
  const visitOf = (found: FoundSession, ip: string) => accountVisit(keys, found, limits, { ip, headers: {} }, now(), found.lastActiveAt)

  /** All that a connection is told of, as a text to compare. */
  const stateOf = (found: FoundSession) => {
    const { account, mask, level, expiresAt } = visitOf(found, '')
    const { username, email, verified, admin, mustChangePassword } = account
    return JSON.stringify([username, email, verified, admin, mustChangePassword, mask, level, Math.floor(expiresAt / activityInterval)])
  }

  const forget = (session: WatchedSession) => {
    const { account } = session
    sessions.delete(session.id)
    account.sessions.delete(session)
    if (account.sessions.size === 0) accounts.delete(account.id)
    account.stale = true
  }

  const remove = (session: WatchedSession, member: Member) => {
    session.members.delete(member)
    session.account.stale = true
    if (session.members.size === 0 && sessions.get(session.id) === session) forget(session)
    if (sessions.size === 0) clearTimeout(timer)
  }

  const end = (session: WatchedSession, cause: SessionEndCause) => {
    const members = [...session.members]
    session.members.clear()
    forget(session)
    each(members, ({ connection }) => connection.ended(cause))
  }

  /** What another process has done to a session that is gone, as far as it can be seen. */
  const causeOf = (session: WatchedSession, account: WatchedAccount | undefined): SessionEndCause => {
    if (account === undefined) return 'account-deleted'
    if (account.locked) return 'account-locked'
    return expiryCause(session.found, limits, now()) ?? 'revoked'
  }

  const compare = (session: WatchedSession, row: WatchedRow | 'locked' | undefined, account: WatchedAccount | undefined) => {
    if (row === 'locked') return end(session, 'account-locked')
    if (row === undefined) return end(session, causeOf(session, account))
    const found = { ...row, lastActiveAt: activity.latest(row.id, row.lastActiveAt) }
    session.found = found
    const expired = expiryCause(found, limits, now())
    if (expired !== null) return end(session, expired)

    each(session.members, (member) => {
      // The browser may not have got the new one, and would come again and again with the former one, which still counts.
      const current = member.tokenHash === found.tokenHash || member.tokenHash === found.formerHash
      if (current || member.round === round) return
      remove(session, member)
      member.connection.renewed()
    })
    const state = stateOf(found)
    if (state === session.told) return
    session.told = state
    each(session.members, ({ connection, ip }) => connection.changed(visitOf(found, ip)))
  }

  const checkBatch = async (watched: readonly WatchedSession[]) => {
    round++
    const groups = [...new Set(watched.map(({ account }) => account))]
    const found = await find.sessions(watched.map(({ id }) => id))
    const owners = await find.accounts(groups.map(({ id }) => id))
    if (closed) return
    for (const session of watched) {
      // Meanwhile this process may have ended it.
      if (sessions.get(session.id) === session) compare(session, found.get(session.id), owners.get(session.account.id))
    }
    for (const group of groups) {
      const mark = owners.get(group.id)?.sessionsMark
      if (group.mark !== undefined && group.mark !== mark) group.stale = true
      group.mark = mark
    }
  }

  const checkAll = async () => {
    try {
      const watched = [...sessions.values()]
      for (let start = 0; start < watched.length && !closed; start += batch) {
        if (start > 0) await turn()
        await checkBatch(watched.slice(start, start + batch))
      }
      if (failing) log.warn('the sessions of those who are connected can be watched again')
      failing = false
    } catch (error) {
      if (!failing && !closed) log.error({ err: error }, 'the sessions of those who are connected cannot be watched; it is tried again')
      failing = true
    }
    if (closed) return
    for (const group of accounts.values()) {
      if (!group.stale) continue
      group.stale = false
      for (const session of group.sessions) each(session.members, ({ connection }) => connection.sessionsChanged())
    }
  }
  const check = () => (checking = checking.then(checkAll))

  /** The next comparison, sooner if a session ends by time before it: then it is told at that moment. */
  const schedule = () => {
    clearTimeout(timer)
    if (closed || sessions.size === 0) return
    const at = now()
    let delay = interval
    // What a database that is out of reach cannot say is asked no sooner: it would be asked at every millisecond.
    for (const { found } of failing ? [] : sessions.values()) {
      const idleEnd = found.lastActiveAt + (found.remember ? limits.remembered : limits.idle)
      delay = Math.min(delay, Math.max(Math.min(found.expiresAt, idleEnd) - at, 1))
    }
    timer = setTimeout(() => void check().then(schedule), delay).unref()
  }

  const stopListening = events.onSessionEnd(({ sessionId, accountId, cause }) => {
    const session = sessions.get(sessionId)
    if (session !== undefined) end(session, cause)
    const account = accounts.get(accountId)
    if (account !== undefined) account.stale = true
  })

  const groupOf = (id: string) => {
    const known = accounts.get(id)
    if (known !== undefined) return known
    const group: AccountGroup = { id, sessions: new Set(), mark: undefined, stale: true }
    accounts.set(id, group)
    return group
  }
  const watch = (id: string, accountId: string, found: FoundSession) => {
    const known = sessions.get(id)
    if (known !== undefined) return known
    const account = groupOf(accountId)
    const session: WatchedSession = { id, account, members: new Set(), found, told: stateOf(found) }
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
      session.account.stale = true
      // One of both is of yesterday: the next comparison tells all of them what is true.
      if (session.told !== stateOf(found)) session.told = ''
      if (idle) schedule()
      return () => remove(session, member)
    },
    countOfSession: (id, kind) => {
      const session = sessions.get(id)
      return session === undefined ? 0 : count(session, kind)
    },
    countOfAccount: (id, kind) => {
      let connections = 0
      for (const session of accounts.get(id)?.sessions ?? []) connections += count(session, kind)
      return connections
    },
    check,
    checkSession: () => check(),
    position: async () => 0,
    async close() {
      if (!closed) {
        closed = true
        clearTimeout(timer)
        stopListening()
        for (const session of sessions.values()) each(session.members, ({ connection }) => connection.closing())
        sessions.clear()
        accounts.clear()
      }
      await checking
    }
  }
}
