import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { gsPaths, LogoutBody, SessionInfo } from '../api.ts'
import { endSession } from '../sessions/sessions.ts'
import { answer } from './shared/answer.ts'
import { documented, sessionInfo, type FlowServices } from './shared/flow.ts'

/** Ends the session of this browser; asking twice is no mistake. */
export type Logout = (request: FastifyRequest, reply: FastifyReply) => Promise<void>

export function createLogout(services: FlowServices): Logout {
  const { database, events, signIn } = services
  return async (request, reply) => {
    const { account, session } = request.gs
    if (account === null) return
    events.ended(await database.transaction((trx) => endSession(trx, session.id, 'logout')))
    signIn.leave(request, reply)
    request.log.info({ gs: 'logout', accountId: account.id, sessionId: session.id, ip: request.ip }, 'logged out')
  }
}

/** Log out. */
export function logout(app: FastifyInstance, services: FlowServices): void {
  const logOut = createLogout(services)
  app.post<{ Body: LogoutBody }>(
    gsPaths.logout,
    { schema: documented('Log out', { body: LogoutBody, response: { 200: SessionInfo } }) },
    async (request, reply) => {
      await logOut(request, reply)
      return answer(services, request, reply, { status: 200, body: sessionInfo(services, request), notice: 'loggedout' })
    }
  )
}
