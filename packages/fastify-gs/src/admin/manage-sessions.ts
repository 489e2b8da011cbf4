import { endSession, endSessionsOf } from '../sessions/sessions.ts'
import type { Administration } from './administration.ts'
import { cutPage, pageLimit, parsePlaceInTime, placeInTime } from './page.ts'
import type { AdminServices } from './services.ts'

export function manageSessions({ database, now, ended }: AdminServices): Administration['sessions'] {
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
      const sessions = rows.map((row) => ({
        id: row.id,
        accountId: row.account_id,
        username: row.username,
        createdAt: row.created_at,
        lastActiveAt: row.last_active_at,
        expiresAt: row.expires_at,
        ip: row.ip,
        userAgent: row.user_agent,
        remember: row.remember === 1
      }))
      return { sessions, next }
    },

    async end(id) {
      const events = await database.transaction((trx) => endSession(trx, id, 'revoked'))
      ended(events)
      return events.length > 0
    },

    async endAllOf(accountId) {
      const events = await database.transaction((trx) => endSessionsOf(trx, accountId, 'revoked'))
      ended(events)
      return events.length
    }
  }
}
