import { sql, type ExpressionBuilder } from 'kysely'
import type { Account } from '../accounts/accounts.ts'
import { createId, createToken, digest } from '../crypto/tokens.ts'
import { recordChanges } from '../database/changes.ts'
import type { Db, GsDatabase, RawRow } from '../database/database.ts'
import type { GsTables } from '../database/schema.ts'
import type { SessionEndCause, SessionEndEvent } from '../hooks.ts'
import type { Use } from './activity.ts'

/** Limits of logged-in sessions, in ms. */
export interface SessionLimits {
  /** Without a request for so long the session ends. */
  readonly idle: number
  /** Ends at the latest so long after login. */
  readonly absolute: number
  /** Both, for sessions that are kept logged in. */
  readonly remembered: number
}

/** A logged-in session with its account, as one row of the database gives it. */
export interface FoundSession {
  readonly id: string
  /** SHA-256 of the token that was presented: another one means that the token was renewed. */
  readonly tokenHash: string
  /** Whether that is the token which the session had before: it goes on for a moment (sessions/token-renewal.ts). */
  readonly former: boolean
  readonly createdAt: number
  readonly lastActiveAt: number
  /** Absolute end, ms. */
  readonly expiresAt: number
  readonly remember: boolean
  readonly forgotAt: number | null
  readonly account: Account
  /** The account's own, or that of its group. */
  readonly level: number
  readonly sectors: number
  /** When the newest token was made, ms. */
  readonly tokenAt: number
  /** Whether that one has never been presented until now. */
  readonly tokenUnused: boolean
  /** From where the visitor came to the site. */
  readonly referer: string | null
}

/** Place of the column in the row. */
const lockedAt = 13

/** Whether the row of {@link selectSessions} is that of a locked account. */
export const isLocked = (row: RawRow): boolean => row[lockedAt] !== null

/** The session in a row of {@link selectSessions}. */
export const toSession = (row: RawRow, tokenHash: string): FoundSession => ({
  id: row[0] as string,
  tokenHash,
  former: false,
  createdAt: row[1] as number,
  lastActiveAt: row[2] as number,
  expiresAt: row[3] as number,
  remember: row[4] === 1,
  forgotAt: row[5] as number | null,
  account: {
    id: row[6] as string,
    username: row[7] as string,
    email: row[8] as string | null,
    verified: row[9] === 1 || row[10] === 1,
    admin: row[10] === 1,
    configured: row[10] === 1,
    mustChangePassword: row[14] === 1,
    language: row[15] as string | null
  },
  level: row[11] as number,
  sectors: row[12] as number,
  tokenAt: (row[16] as number | null) ?? (row[1] as number),
  tokenUnused: row[17] === 1,
  referer: row[18] as string | null
})

/** How many columns {@link selectSessions} has: those that a query adds come behind them. */
export const sessionColumns = 19

export type FindSession = (token: string) => FoundSession | null | Promise<FoundSession | null>

/** Sessions with what a request needs to know of their accounts; {@link toSession} reads the columns. */
export const selectSessions = (db: Db) =>
  db
    .selectFrom('gs_sessions as s')
    .select(['s.id', 's.created_at', 's.last_active_at', 's.expires_at', 's.remember', 's.forgot_at', 's.account_id'])
    .select((eb) => {
      // Each column by itself: a join takes better-sqlite3 twice as long (docs/decisions/0003).
      const ofAccount = eb.selectFrom('gs_accounts as a').whereRef('a.id', '=', 's.account_id')
      const verified = sql<number>`case when a.verified_email_key is null then 0 else 1 end`
      return [
        ofAccount.select('a.username').as('username'),
        ofAccount.select('a.email').as('email'),
        ofAccount.select(verified.as('verified')).as('verified'),
        ofAccount.select('a.configured').as('configured'),
        ofAccount
          .select(sql<number>`coalesce((select g.level from gs_groups as g where g.id = a.group_id), a.level)`.as('level'))
          .as('level'),
        ofAccount.select('a.sectors').as('sectors'),
        ofAccount.select('a.locked_at').as('locked_at'),
        ofAccount.select('a.must_change_password').as('must_change_password'),
        ofAccount.select('a.language').as('language')
      ]
    })
    .select(['s.token_at', 's.token_unused', 's.referer'])

/**
 * The one query of a logged-in request: the session by the hash of the token, and its account. Compiled once, columns as an array;
 * synchronous on SQLite. Limits are the caller's business. Sessions of locked accounts are not found.
 *
 * Only for a token that is none at the moment a second query asks whether it was one until a moment ago: an unknown token costs two.
 */
export function createFindSession(database: GsDatabase, now: () => number = Date.now): FindSession {
  const { db } = database
  const lookup = database.prepareLookup(selectSessions(db).where('s.token_hash', '=', '').compile().sql)
  const former = selectSessions(db)
    .innerJoin('gs_replaced_tokens as r', 'r.session_id', 's.id')
    .select('r.valid_until')
    .where('r.token_hash', '=', '')
  const lookupFormer = database.prepareLookup(former.compile().sql)

  const readFormer = (row: RawRow | undefined, hash: string) => {
    if (row === undefined || isLocked(row)) return null
    const validUntil = row[sessionColumns] as number | null
    return validUntil === null || now() < validUntil ? { ...toSession(row, hash), former: true } : null
  }
  const read = (row: RawRow | undefined, hash: string) => {
    if (row !== undefined) return isLocked(row) ? null : toSession(row, hash)
    const found = lookupFormer(hash)
    return found instanceof Promise ? found.then((formerRow) => readFormer(formerRow, hash)) : readFormer(found, hash)
  }
  return (token) => {
    const hash = digest(token)
    const row = lookup(hash)
    return row instanceof Promise ? row.then((found) => read(found, hash)) : read(row, hash)
  }
}

/** Which limit a session has crossed; null: it lives. */
export function expiryCause(
  session: Pick<FoundSession, 'lastActiveAt' | 'expiresAt' | 'remember'>,
  limits: SessionLimits,
  now: number
): 'idle' | 'absolute' | null {
  if (now >= session.expiresAt) return 'absolute'
  return now >= session.lastActiveAt + (session.remember ? limits.remembered : limits.idle) ? 'idle' : null
}

export interface NewSession {
  readonly accountId: string
  readonly remember: boolean
  readonly forgotAt: number | null
  readonly ip: string
  readonly userAgent: string
  /** From where the visitor came to the site. Default: not known. */
  readonly referer?: string | null
  readonly now: number
}

/** Creates a session; the token is handed out here once and kept nowhere. */
export async function createSession(
  db: Db,
  session: NewSession,
  limits: SessionLimits
): Promise<{ id: string; token: string; expiresAt: number }> {
  const token = createToken()
  const id = createId()
  const expiresAt = session.now + (session.remember ? limits.remembered : limits.absolute)
  await db
    .insertInto('gs_sessions')
    .values({
      id,
      token_hash: digest(token),
      account_id: session.accountId,
      created_at: session.now,
      last_active_at: session.now,
      expires_at: expiresAt,
      remember: session.remember ? 1 : 0,
      forgot_at: session.forgotAt,
      ip: session.ip,
      user_agent: session.userAgent.slice(0, 512),
      referer: session.referer ?? null
    })
    .execute()
  await recordChanges(db, [{ type: 'login', accountId: session.accountId, sessionId: id }])
  return { id, token, expiresAt }
}

/**
 * Gives a living session a new token, because it may do more or less now; all that it had before are dead at once. Null: the session has
 * ended meanwhile.
 */
export async function renewToken(db: Db, id: string, change: { forgotAt: number | null; now: number }): Promise<string | null> {
  const token = createToken()
  const row = await db
    .updateTable('gs_sessions')
    .set({ token_hash: digest(token), token_at: change.now, token_unused: 0, forgot_at: change.forgotAt })
    .where('id', '=', id)
    .returning('account_id')
    .executeTakeFirst()
  if (row === undefined) return null
  await recordChanges(db, [{ type: 'account', accountId: row.account_id, sessionId: id }])
  await db.deleteFrom('gs_replaced_tokens').where('session_id', '=', id).execute()
  return token
}

/** Whether a session that was found a moment ago has not been ended since. */
export async function isAlive(db: Db, id: string): Promise<boolean> {
  return (await db.selectFrom('gs_sessions').select('id').where('id', '=', id).executeTakeFirst()) !== undefined
}

const endedColumns = ['id', 'account_id', 'token_hash'] as const

async function told(
  db: Db,
  rows: readonly { readonly id: string; readonly account_id: string; readonly token_hash: string; readonly cause: SessionEndCause }[]
): Promise<SessionEndEvent[]> {
  const ends = rows.map((row) => ({ sessionId: row.id, accountId: row.account_id, cause: row.cause, tokenHash: row.token_hash }))
  await recordChanges(
    db,
    ends.map((end) => ({ type: 'end' as const, ...end }))
  )
  return ends.map(({ sessionId, accountId, cause }) => ({ sessionId, accountId, cause }))
}

/** Ends one session. Says what ended, for {@link SessionEndEvent}s after the commit. */
export async function endSession(db: Db, id: string, cause: SessionEndCause): Promise<SessionEndEvent[]> {
  const rows = await db.deleteFrom('gs_sessions').where('id', '=', id).returning(endedColumns).execute()
  return told(
    db,
    rows.map((row) => ({ ...row, cause }))
  )
}

/** The same, if it is a session of this account; an empty list for all others. */
export async function endSessionOf(db: Db, accountId: string, id: string, cause: SessionEndCause): Promise<SessionEndEvent[]> {
  const rows = await db.deleteFrom('gs_sessions').where('id', '=', id).where('account_id', '=', accountId).returning(endedColumns).execute()
  return told(
    db,
    rows.map((row) => ({ ...row, cause }))
  )
}

/** Ends all sessions of an account, but for one if `except` is given. */
export async function endSessionsOf(db: Db, accountId: string, cause: SessionEndCause, except?: string): Promise<SessionEndEvent[]> {
  const query = db.deleteFrom('gs_sessions').where('account_id', '=', accountId)
  const rows = await (except === undefined ? query : query.where('id', '!=', except)).returning(endedColumns).execute()
  return told(
    db,
    rows.map((row) => ({ ...row, cause }))
  )
}

/** Writes when and from where sessions were last active; never turns a time back, never revives a session. */
export async function recordActivity(db: Db, seen: ReadonlyMap<string, Use>): Promise<void> {
  for (const [id, { at, ip }] of seen) {
    await db.updateTable('gs_sessions').set({ last_active_at: at, ip }).where('id', '=', id).where('last_active_at', '<', at).execute()
  }
}

/**
 * Removes at most `limit` sessions that have crossed a limit.
 *
 * @param beforeEnd told which they are while they are still there
 */
export async function pruneSessions(
  db: Db,
  limits: SessionLimits,
  now: number,
  limit: number,
  beforeEnd?: (ids: readonly string[]) => Promise<void>
): Promise<SessionEndEvent[]> {
  const crossed = (eb: ExpressionBuilder<GsTables, 'gs_sessions'>) =>
    eb.or([
      eb('expires_at', '<=', now),
      eb.and([eb('last_active_at', '<=', now - limits.idle), eb('remember', '=', 0)]),
      eb.and([eb('last_active_at', '<=', now - limits.remembered), eb('remember', '=', 1)])
    ])
  const expired = (rows: readonly { id: string; account_id: string; token_hash: string; expires_at: number }[]) =>
    told(
      db,
      rows.map((row) => ({ ...row, cause: row.expires_at <= now ? ('absolute' as const) : ('idle' as const) }))
    )
  if (beforeEnd !== undefined) {
    // Changed to what it is, which keeps others from changing it until all is done.
    const locked = await db
      .updateTable('gs_sessions')
      .set((eb) => ({ remember: eb.ref('remember') }))
      .where('id', 'in', (eb) => eb.selectFrom('gs_sessions').select('id').where(crossed).limit(limit))
      .where(crossed)
      .returning('id')
      .execute()
    if (locked.length === 0) return []
    const ids = locked.map(({ id }) => id)
    await beforeEnd(ids)
    return expired(
      await db
        .deleteFrom('gs_sessions')
        .where('id', 'in', ids)
        .returning([...endedColumns, 'expires_at'])
        .execute()
    )
  }
  const rows = await db
    .deleteFrom('gs_sessions')
    .where('id', 'in', (eb) => eb.selectFrom('gs_sessions').select('id').where(crossed).limit(limit))
    // Again, because PostgreSQL asks only this again when a use of the session is being written at this moment.
    .where(crossed)
    .returning([...endedColumns, 'expires_at'])
    .execute()
  return expired(rows)
}
