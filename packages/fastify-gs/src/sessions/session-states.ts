import { setImmediate as turn } from 'node:timers/promises'
import { AuthMask, forgotWindow } from '../accounts/auth-mask.ts'
import type { KeyRing } from '../crypto/tokens.ts'
import type { GsDatabase } from '../database/database.ts'
import { gsError } from '../errors.ts'
import type { Activity } from './activity.ts'
import { sectorsOf } from './session-info.ts'
import { expiryCause, type FoundSession, type SessionLimits } from './sessions.ts'
import { accountVisit, visitState } from './visit.ts'
import type { WatchedSessions } from './watched-sessions.ts'

/** What a logged-in session is and may at this moment. */
export interface SessionState {
  readonly accountId: string
  readonly username: string
  /** 32 bits, unsigned. */
  readonly mask: number
  /** See `AuthLevel`. */
  readonly level: number
  /** Names of the application's bits of the mask (option `sectors`). */
  readonly sectors: readonly string[]
  /** Nothing but a new password is open to the account. */
  readonly mustChangePassword: boolean
  /** When the session ends if it is not used any more, ms since 1970. */
  readonly expiresAt: number
  /** When time alone changes the mask (bit 3, after a lost-password link), ms since 1970. Null: it does not. */
  readonly changesAt: number | null
}

/**
 * Asks the database what sessions are at this moment, by their public ids. Those that are over are missing, and those of locked accounts.
 * One of which only the idle time is over may have been used in another process a moment ago: it is missing a little later.
 *
 * @throws {GsError} `GS_BUSY` (rejects): the database cannot answer
 */
export type FindSessions = (ids: readonly string[]) => Promise<ReadonlyMap<string, SessionState>>

export interface SessionStatesSettings {
  readonly find: Pick<WatchedSessions, 'sessions'>
  readonly database: Pick<GsDatabase, 'isUnavailable'>
  readonly activity: Pick<Activity, 'latest'>
  readonly limits: SessionLimits
  readonly keys: KeyRing
  readonly sectors: readonly string[]
  /** After which another process has certainly written down that it has used a session, ms. */
  readonly grace: number
  readonly now: () => number
}

/** How many are asked for at once: on SQLite nothing else runs meanwhile. */
const batch = 500
const nobody = { ip: '', headers: {} }

export function createFindSessions(settings: SessionStatesSettings): FindSessions {
  const { find, database, activity, limits, keys, sectors, grace, now } = settings
  const lenient = { ...limits, idle: limits.idle + grace, remembered: limits.remembered + grace }

  const toState = (row: FoundSession, at: number): SessionState | null => {
    const found = { ...row, lastActiveAt: activity.latest(row.id, row.lastActiveAt) }
    if (expiryCause(found, lenient, at) !== null) return null
    const visit = accountVisit(keys, found, limits, nobody, at, found.lastActiveAt)
    const { account, mask, level, expiresAt } = visit
    const { forgotAt } = visitState(visit)
    return {
      accountId: account.id,
      username: account.username,
      mask,
      level,
      sectors: sectorsOf(mask, sectors),
      mustChangePassword: account.mustChangePassword,
      expiresAt,
      changesAt: (mask & AuthMask.forgot) !== 0 && forgotAt !== null ? forgotAt + forgotWindow : null
    }
  }

  return async (ids) => {
    const states = new Map<string, SessionState>()
    try {
      for (let start = 0; start < ids.length; start += batch) {
        if (start > 0) await turn()
        const rows = await find.sessions(ids.slice(start, start + batch))
        for (const [id, row] of rows) {
          const state = row === 'locked' ? null : toState(row, now())
          if (state !== null) states.set(id, state)
        }
      }
    } catch (error) {
      if (database.isUnavailable(error)) throw Object.assign(gsError('GS_BUSY', { retryAfter: 2 }), { cause: error })
      throw error
    }
    return states
  }
}
