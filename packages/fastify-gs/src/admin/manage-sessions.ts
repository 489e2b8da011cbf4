import { lockAccount } from '../accounts/accounts.ts'
import type { Db } from '../database/database.ts'
import { endSession, endSessionsOf } from '../sessions/sessions.ts'
import type { Administration } from './administration.ts'
import { cutPage, pageLimit, parsePlaceInTime, placeInTime } from './page.ts'
import type { AdminServices } from './services.ts'

/** How many sessions each of the accounts has; those without are missing. */
export async function countSessions(db: Db, accountIds: readonly string[], now: number): Promise<Map<string, number>> {
  if (accountIds.length === 0) return new Map()
  const rows = await db
    .selectFrom('gs_sessions')
    .select((eb) => ['account_id', eb.fn.countAll().as('sessions')])
    .where('account_id', 'in', accountIds)
    .where('expires_at', '>', now)
    .groupBy('account_id')
    .execute()
  return new Map(rows.map((row) => [row.account_id, Number(row.sessions)]))
}

export function manageSessions({ database, now, actor, audited, connectionsOf, ended }: AdminServices): Administration['sessions'] {
  return {
    async list({ account, limit: asked, after } = {}) {
      const limit = pageLimit(asked)
      const place = after === undefined ? undefined : parsePlaceInTime(after)
      const found = await database.db
        .selectFrom('gs_sessions as s')
        .innerJoin('gs_accounts as a', 'a.id', 's.account_id')
        .select([
          's.id',
          's.account_id',
          'a.username',
          's.created_at',
          's.last_active_at',
          's.expires_at',
          's.ip',
          's.user_agent',
          's.remember'
        ])
        .where('s.expires_at', '>', now())
        .$if(account !== undefined, (query) => query.where('s.account_id', '=', account!))
        .$if(place !== undefined, (query) =>
          query.where((eb) => eb(eb.refTuple('s.created_at', 's.id'), '<', eb.tuple(place!.createdAt, place!.id)))
        )
        .orderBy('s.created_at', 'desc')
        .orderBy('s.id', 'desc')
        .limit(limit + 1)
        .execute()
      const { rows, next } = cutPage(found, limit, placeInTime)
      const open = await connectionsOf(rows.map(({ id }) => id))
      const sessions = rows.map((row) => ({
        id: row.id,
        accountId: row.account_id,
        username: row.username,
        createdAt: row.created_at,
        lastActiveAt: row.last_active_at,
        expiresAt: row.expires_at,
        ip: row.ip,
        userAgent: row.user_agent,
        remember: row.remember === 1,
        pages: open.get(row.id)?.pages ?? 0,
        sockets: open.get(row.id)?.sockets ?? 0
      }))
      return { sessions, next }
    },

    async end(id) {
      const events = await audited(async (trx, record) => {
        const session = await trx.selectFrom('gs_sessions').select('account_id').where('id', '=', id).executeTakeFirst()
        const account = session === undefined ? null : await lockAccount(trx, session.account_id)
        if (account === null) return []
        await actor.mayChange(trx, account)
        const events = await endSession(trx, id, 'revoked')
        if (events.length > 0) await record({ action: 'end-session', accountId: account.id, details: { session: id } })
        return events
      })
      ended(events)
      return events.length > 0
    },

    async endAllOf(accountId) {
      const events = await audited(async (trx, record) => {
        const account = await lockAccount(trx, accountId)
        if (account === null) return []
        await actor.mayChange(trx, account)
        const events = await endSessionsOf(trx, accountId, 'revoked')
        if (events.length > 0) await record({ action: 'end-sessions', accountId, details: { sessions: events.length } })
        return events
      })
      ended(events)
      return events.length
    }
  }
}
