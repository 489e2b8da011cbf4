import type { Trx } from '../database/database.ts'
import { gsError } from '../errors.ts'
import type { SessionEndEvent } from '../hooks.ts'
import type { Activity } from './activity.ts'
import { endSession, expiryCause, type SessionLimits } from './sessions.ts'

/** How many logged-in sessions there may be. */
export interface SessionLimitSettings {
  readonly perAccount: number
  readonly whenFull: 'end-oldest' | 'refuse'
  /** Of all accounts. */
  readonly total: number
  readonly limits: SessionLimits
  readonly activity: Pick<Activity, 'latest'>
  readonly now: () => number
}

/**
 * In the transaction of a login, whose account row is locked: makes room for one more session. Says what had to end for it.
 *
 * @param replaced the session in whose place the new one comes; null: none
 *
 * @throws {GsError} `GS_SESSION_LIMIT`, `GS_SESSIONS_FULL`
 */
export type MakeRoom = (
  trx: Trx,
  account: { readonly id: string; readonly configured: boolean },
  replaced: string | null
) => Promise<SessionEndEvent[]>

/** How long a count of all sessions is believed, ms; and when it said that there is no room. */
const trusted = 60_000
const trustedFull = 5_000

export function createMakeRoom(settings: SessionLimitSettings): MakeRoom {
  const { perAccount, whenFull, total, limits, activity, now } = settings
  /** Counting takes longer than a login where there are many; so it is done now and then, and what begins meanwhile is added. */
  let counted = { sessions: 0, at: Number.NEGATIVE_INFINITY }

  const requireRoom = async (trx: Trx) => {
    const age = now() - counted.at
    if (age < 0 || age >= (counted.sessions >= total ? trustedFull : trusted)) {
      const { sessions } = await trx
        .selectFrom('gs_sessions')
        .select((eb) => eb.fn.countAll<number>().as('sessions'))
        .executeTakeFirstOrThrow()
      counted = { sessions, at: now() }
    }
    if (counted.sessions >= total) throw gsError('GS_SESSIONS_FULL', { retryAfter: Math.ceil(trustedFull / 1000) })
    counted.sessions++
  }

  return async (trx, account, replaced) => {
    const rows = await trx
      .selectFrom('gs_sessions')
      .select(['id', 'last_active_at as lastActiveAt', 'expires_at as expiresAt', 'remember'])
      .where('account_id', '=', account.id)
      .execute()
    const at = now()
    const living = rows
      .map((row) => ({ ...row, remember: row.remember === 1, lastActiveAt: activity.latest(row.id, row.lastActiveAt) }))
      .filter((session) => session.id !== replaced && expiryCause(session, limits, at) === null)
      .toSorted((a, b) => a.lastActiveAt - b.lastActiveAt)
    const surplus = Math.max(0, living.length - perAccount + 1)
    if (surplus > 0 && whenFull === 'refuse') throw gsError('GS_SESSION_LIMIT')

    const ended: SessionEndEvent[] = []
    for (const { id } of living.slice(0, surplus)) ended.push(...(await endSession(trx, id, 'limit')))
    const takesTheirPlace = replaced !== null || ended.length > 0
    // The admin of the configuration must get in where nobody else does.
    if (!account.configured && !takesTheirPlace) await requireRoom(trx)
    return ended
  }
}
