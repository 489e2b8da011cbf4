import type { FastifyBaseLogger, FastifyReply, FastifyRequest, onSendHookHandler } from 'fastify'
import { createToken, digest } from '../crypto/tokens.ts'
import type { Db, GsDatabase } from '../database/database.ts'
import type { SessionCookies } from './session-cookies.ts'
import type { FoundSession } from './sessions.ts'

/**
 * How long a former token goes on once the new one has been used, for requests that were on their way; and how long an answer with a new
 * one may take before it counts as lost, ms.
 */
const grace = 60_000

/** What {@link FoundSession} says of the token that was presented. */
type PresentedToken = Pick<FoundSession, 'id' | 'tokenHash' | 'tokenAt' | 'tokenUnused' | 'former'>

/** Whether the next answer to a page should bring a new token. @param interval ms; 0: never */
export function isRenewalDue(found: PresentedToken, interval: number, now: number): boolean {
  if (interval === 0) return false
  // Still the former one, though the new one should have come long ago: that answer was lost.
  if (found.former) return found.tokenUnused && now - found.tokenAt >= grace
  return now - found.tokenAt >= interval
}

/**
 * Gives the session a new token, if it still is as it was found. The former one goes on until the new one has been used. Of several requests
 * at once one succeeds; null for the others.
 */
export async function replaceToken(db: Db, found: PresentedToken, now: number): Promise<string | null> {
  const token = createToken()
  const session = db
    .updateTable('gs_sessions')
    .set({ token_hash: digest(token), token_at: now, token_unused: 1 })
    .where('id', '=', found.id)
  // The one that was lost is dead; the former one is remembered already.
  const lost = session.where('token_unused', '=', 1).where('token_at', '=', found.tokenAt)
  const { numUpdatedRows } = await (found.former ? lost : session.where('token_hash', '=', found.tokenHash)).executeTakeFirstOrThrow()
  if (numUpdatedRows === 0n) return null
  if (!found.former) {
    await endFormerTokens(db, found.id, now)
    await db.insertInto('gs_replaced_tokens').values({ token_hash: found.tokenHash, session_id: found.id, valid_until: null }).execute()
  }
  return token
}

/** The new token has been used: the former one ends after the {@link grace}. */
export async function confirmToken(db: Db, found: PresentedToken, now: number): Promise<void> {
  const { numUpdatedRows } = await db
    .updateTable('gs_sessions')
    .set({ token_unused: 0 })
    .where('id', '=', found.id)
    .where('token_hash', '=', found.tokenHash)
    .where('token_unused', '=', 1)
    .executeTakeFirstOrThrow()
  if (numUpdatedRows > 0n) await endFormerTokens(db, found.id, now)
}

async function endFormerTokens(db: Db, sessionId: string, now: number): Promise<void> {
  await db
    .updateTable('gs_replaced_tokens')
    .set({ valid_until: now + grace })
    .where('session_id', '=', sessionId)
    .where('valid_until', 'is', null)
    .execute()
}

/** Removes the former tokens that have ended. */
export async function pruneFormerTokens(db: Db, now: number): Promise<void> {
  await db.deleteFrom('gs_replaced_tokens').where('valid_until', '<=', now).execute()
}

/** Renews the tokens of browsers that open pages. */
export interface TokenRenewal {
  /** Notes that the answer to this request may bring a new token. */
  readonly offer: (request: FastifyRequest, found: FoundSession) => void
  /**
   * Renews what was offered. At the last moment: what takes long until then, or fails, has no new token on its way, and whatever has become
   * of the session meanwhile is known.
   */
  readonly beforeAnswer: onSendHookHandler
  /** A new token has been used; written down behind the back of the request, and at the next use if that fails. */
  readonly confirm: (found: FoundSession) => void
  /** Waits for what is being written. Never rejects. */
  readonly settled: () => Promise<void>
}

interface RenewalSettings {
  readonly database: GsDatabase
  readonly cookies: SessionCookies
  /** ms; 0: never. */
  readonly interval: number
  readonly log: Pick<FastifyBaseLogger, 'warn'>
  readonly now: () => number
}

export function createTokenRenewal({ database, cookies, interval, log, now }: RenewalSettings): TokenRenewal {
  const offered = new WeakMap<FastifyRequest, FoundSession>()
  const confirming = new Map<string, Promise<void>>()

  const renew = async (reply: FastifyReply, found: FoundSession) => {
    const at = now()
    try {
      // Once only: the visitor waits for his page, and there is another time.
      const token = await database.db.transaction().execute((trx) => replaceToken(trx, found, at))
      if (token === null) return
      cookies.appendToken(reply, token, found.remember ? Math.floor((found.expiresAt - at) / 1000) : undefined)
    } catch (error) {
      log.warn({ err: error, sessionId: found.id }, 'a session token could not be renewed; it is tried again later')
    }
  }

  return {
    offer(request, found) {
      if (isRenewalDue(found, interval, now())) offered.set(request, found)
    },
    beforeAnswer(request, reply, _payload, done) {
      const found = offered.get(request)
      if (found === undefined) return done()
      offered.delete(request)
      const proceed = () => done()
      renew(reply, found).then(proceed, proceed)
    },
    confirm(found) {
      if (confirming.has(found.id)) return
      const written = database
        .transaction((trx) => confirmToken(trx, found, now()))
        .catch((error: unknown) => log.warn({ err: error, sessionId: found.id }, 'the first use of a token could not be noted'))
        .finally(() => confirming.delete(found.id))
      confirming.set(found.id, written)
    },
    async settled() {
      await Promise.all(confirming.values())
    }
  }
}
