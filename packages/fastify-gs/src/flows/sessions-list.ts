import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { EndOtherSessionsBody, EndSessionBody, gsPaths, SessionList, type ListedSession } from '../api.ts'
import type { Db, Trx } from '../database/database.ts'
import { gsError } from '../errors.ts'
import { quiet } from '../sessions/load-session.ts'
import { endSessionOf, endSessionsOf, expiryCause, isAlive } from '../sessions/sessions.ts'
import { readableUserAgent } from '../sessions/user-agent.ts'
import { answer } from './shared/answer.ts'
import { documented, leaveSession, requireAccount, type FlowServices } from './shared/flow.ts'
import type { Left } from '../sessions/sign-in.ts'

/** More are not listed; they can be ended all the same. */
const longestList = 200

/** Where the visitor is logged in. All three throw `GS_NOT_LOGGED_IN`. */
export interface OwnSessions {
  /** Those that live, the current one first, then the latest use first. */
  readonly list: (request: FastifyRequest) => Promise<SessionList>
  /**
   * Ends one of them; gives those that are left. The current one is ended as by a logout: the browser goes on with an anonymous session,
   * and the list is empty.
   *
   * @throws {GsError} `GS_SESSION_UNKNOWN`: there is none of this id, or it is somebody else's
   */
  readonly end: (request: FastifyRequest, reply: FastifyReply, id: string) => Promise<SessionList>
  /** Ends all but the current one. */
  readonly endOthers: (request: FastifyRequest) => Promise<SessionList>
}

export function createOwnSessions(services: FlowServices): OwnSessions {
  const { activity, connections, database, events, options, signIn } = services

  const rowsOf = (db: Db, accountId: string, currentId: string, now: number) =>
    db
      .selectFrom('gs_sessions')
      .select(['id', 'created_at', 'last_active_at', 'expires_at', 'remember', 'ip', 'user_agent'])
      .where('account_id', '=', accountId)
      .where('expires_at', '>', now)
      .orderBy((eb) => eb.case().when('id', '=', currentId).then(0).else(1).end())
      .orderBy('last_active_at', 'desc')
      .orderBy('id')
      .limit(longestList)
      .execute()

  const list: OwnSessions['list'] = async (request) => {
    const { account, session } = requireAccount(request)
    const now = options.now()
    const rows = await rowsOf(database.db, account.id, session.id, now)
    const open = await connections.of(rows.map(({ id }) => id))
    const sessions = rows.flatMap((row): ListedSession[] => {
      const current = row.id === session.id
      const remember = row.remember === 1
      const use = activity.latestUse(row.id, { at: row.last_active_at, ip: row.ip })
      if (expiryCause({ lastActiveAt: use.at, expiresAt: row.expires_at, remember }, options.session.limits, now) !== null) return []
      return [
        {
          id: row.id,
          current,
          createdAt: row.created_at,
          lastActiveAt: use.at,
          expiresAt: row.expires_at,
          remember,
          ip: current ? request.ip : use.ip,
          userAgent: readableUserAgent(row.user_agent),
          pages: open.get(row.id)?.pages ?? 0,
          sockets: open.get(row.id)?.sockets ?? 0
        }
      ]
    })
    // Again, because of uses that are not written yet.
    sessions.sort((a, b) => Number(b.current) - Number(a.current) || b.lastActiveAt - a.lastActiveAt)
    return { sessions }
  }

  /** A session that was ended a moment ago must not end others any more. */
  const requireLiving = async (trx: Trx, id: string) => {
    if (!(await isAlive(trx, id))) throw gsError('GS_NOT_LOGGED_IN')
  }

  return {
    list,
    async end(request, reply, id) {
      const { account, session } = requireAccount(request)
      const current = id === session.id
      const { ended, ticket } = await database.transaction<Partial<Left> & Pick<Left, 'ended'>>(async (trx) => {
        await requireLiving(trx, session.id)
        // Not every text may be asked for: PostgreSQL has no zero bytes.
        if (!/^[\w-]{1,64}$/.test(id)) return { ended: [] }
        return current ? signIn.end(trx, request) : { ended: await endSessionOf(trx, account.id, id, 'revoked') }
      })
      if (ended.length === 0) throw gsError('GS_SESSION_UNKNOWN')
      request.log.info(
        { gs: 'end-session', accountId: account.id, sessionId: id, ip: request.ip },
        current ? 'logged out' : 'session ended'
      )
      if (current) {
        leaveSession(services, request, reply, ended, ticket)
        return { sessions: [] }
      }
      events.ended(ended)
      return list(request)
    },
    async endOthers(request) {
      const { account, session } = requireAccount(request)
      const ended = await database.transaction(async (trx) => {
        await requireLiving(trx, session.id)
        return endSessionsOf(trx, account.id, 'revoked', session.id)
      })
      events.ended(ended)
      request.log.info({ gs: 'end-other-sessions', accountId: account.id, ended: ended.length, ip: request.ip }, 'other sessions ended')
      return list(request)
    }
  }
}

/** See and end the own sessions. */
export function sessionsList(app: FastifyInstance, services: FlowServices): void {
  const { list, end, endOthers } = createOwnSessions(services)
  const response = { 200: SessionList }

  app.get(
    gsPaths.sessions,
    // Pages ask by themselves when the list changes, for which a use of another device is enough.
    { config: { [quiet]: true }, schema: documented('The sessions of the account', { response }) },
    (request) => list(request)
  )
  app.delete<{ Params: { id: string } }>(gsPaths.sessionById, { schema: documented('End one of them', { response }) }, (request, reply) =>
    end(request, reply, request.params.id)
  )
  app.delete(gsPaths.sessions, { schema: documented('End all of them but the one that asks', { response }) }, (request) =>
    endOthers(request)
  )

  app.post<{ Body: EndSessionBody }>(
    gsPaths.endSession,
    { schema: documented('End one of them (forms)', { body: EndSessionBody, response }) },
    async (request, reply) => {
      const body = await end(request, reply, request.body.id)
      return answer(services, request, reply, { status: 200, body, notice: request.gs.account === null ? 'loggedout' : 'ended' })
    }
  )
  app.post<{ Body: EndOtherSessionsBody }>(
    gsPaths.endOtherSessions,
    { schema: documented('End all of them but the one that asks (forms)', { body: EndOtherSessionsBody, response }) },
    async (request, reply) => answer(services, request, reply, { status: 200, body: await endOthers(request), notice: 'endedothers' })
  )
}
