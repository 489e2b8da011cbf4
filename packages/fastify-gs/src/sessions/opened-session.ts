import type { Account } from '../accounts/accounts.ts'
import type { KeyRing } from '../crypto/tokens.ts'
import type { GsDatabase } from '../database/database.ts'
import type { SessionEndEvent } from '../hooks.ts'
import type { Activity } from './activity.ts'
import { readTicket, type TicketLimits } from './anonymous-ticket.ts'
import type { DataOwner, SessionData, SessionDataStore } from './session-data.ts'
import { tokenPattern } from './session-cookies.ts'
import { endSession, expiryCause, type FindSession, type SessionLimits } from './sessions.ts'
import { accountVisit, anonymousVisit, type SessionFacts, type Visit } from './visit.ts'
import { ownerOfTicket } from './visit-data.ts'

/**
 * A session outside of requests. The facts are those of the moment when it was opened; `data`, `isAlive()` and `end()` ask the database each
 * time. Nothing that it does is a use of the session, which would else never be idle.
 */
export interface OpenedSession {
  readonly session: SessionFacts
  /** Null: nobody is logged in. */
  readonly account: Account | null
  /** 32 bits, unsigned; 0: nobody is logged in. */
  readonly mask: number
  readonly level: number
  /** When the session ends if nothing more happens, ms since 1970. */
  readonly expiresAt: number
  /** The same that `request.gs.csrfToken` is for this session. */
  readonly csrfToken: string
  readonly data: SessionData
  /** Whether it has not ended meanwhile: by a logout, by time, because its account was locked or deleted, whatever process did it. */
  isAlive(): Promise<boolean>
  /**
   * Ends it, with the cause `revoked`; asking twice is no mistake. Of an anonymous session, which nothing but time can end, it removes the
   * data.
   */
  end(): Promise<void>
}

/**
 * Opens a session by what stands in the cookie of its browser. Null: it is no session, or one that has ended.
 *
 * @throws {GsError} `GS_BUSY`, and what the database says when it cannot answer (rejects)
 */
export type OpenSession = (token: string) => Promise<OpenedSession | null>

export interface OpenSessionSettings {
  readonly database: GsDatabase
  readonly keys: KeyRing
  readonly limits: SessionLimits
  readonly ticketLimits: TicketLimits
  readonly activity: Pick<Activity, 'latest'>
  readonly findSession: FindSession
  readonly data: SessionDataStore
  /** Told what has ended, after the commit. */
  readonly ended: (events: readonly SessionEndEvent[]) => void
  readonly now: () => number
}

const nowhere = { ip: '', headers: {} }

export function createOpenSession(settings: OpenSessionSettings): OpenSession {
  const { database, keys, limits, ticketLimits, activity, findSession, data, ended, now } = settings

  const opened = (visit: Visit, owner: DataOwner, acts: Pick<OpenedSession, 'isAlive' | 'end'>): OpenedSession => {
    const { session, account, mask, level, expiresAt, csrfToken } = visit
    return { session, account, mask, level, expiresAt, csrfToken, data: data.open(owner), ...acts }
  }

  const openLoggedIn = async (token: string) => {
    const found = await findSession(token)
    if (found === null) return null
    const lastActiveAt = activity.latest(found.id, found.lastActiveAt)
    const current = { ...found, lastActiveAt }
    const at = now()
    if (expiryCause(current, limits, at) !== null) return null
    const visit = accountVisit(keys, current, limits, nowhere, at, lastActiveAt)
    return opened(
      visit,
      { id: found.id, anonymous: null },
      {
        isAlive: () => data.isAlive(found.id),
        end: async () => ended(await database.transaction((trx) => endSession(trx, found.id, 'revoked')))
      }
    )
  }

  const openAnonymous = (token: string) => {
    const ticket = readTicket(keys, token, ticketLimits, now())
    if (ticket === null) return null
    const end = Math.min(ticket.issuedAt + ticketLimits.idle, ticket.startedAt + ticketLimits.absolute)
    const { id, anonymous } = ownerOfTicket(ticket, ticketLimits, null)
    // Its browser may have got a ticket that goes on for longer; this one is what it is.
    const owner = { id, anonymous: { ...anonymous!, usableUntil: end } }
    return opened(anonymousVisit(keys, ticket, false, ticketLimits, nowhere, ticket.issuedAt), owner, {
      isAlive: async () => now() < end,
      end: () => data.dropAnonymous(ticket.id)
    })
  }

  return async (token) => {
    if (typeof token !== 'string') return null
    return tokenPattern.test(token) ? openLoggedIn(token) : openAnonymous(token)
  }
}
