import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { gsPaths, LogoutBody, SessionInfo } from '../api.ts'
import { answer } from './shared/answer.ts'
import { documented, leaveSession, sessionInfo, type FlowServices } from './shared/flow.ts'

/** Ends the session of this browser; asking twice is no mistake. */
export type Logout = (request: FastifyRequest, reply: FastifyReply) => Promise<void>

export function createLogout(services: FlowServices): Logout {
  const { database, signIn } = services
  return async (request, reply) => {
    const { account, session } = request.gs
    if (account === null) return
    const { ended, ticket } = await database.transaction((trx) => signIn.end(trx, request))
    leaveSession(services, request, reply, ended, ticket)
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
