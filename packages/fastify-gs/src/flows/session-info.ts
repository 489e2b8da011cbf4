import type { FastifyInstance } from 'fastify'
import { gsPaths, SessionInfo } from '../api.ts'
import { documented, sessionInfo as infoOf, type FlowServices } from './shared/flow.ts'

/** Who am I? Also gives a browser that has none its anonymous session. */
export function sessionInfo(app: FastifyInstance, services: FlowServices): void {
  app.get(gsPaths.session, { schema: documented('The session of this browser', { response: { 200: SessionInfo } }) }, (request, reply) => {
    const offered = services.offerTicket(request, reply)
    if (offered === undefined) return reply.send(infoOf(services, request))
    return offered.then(() => infoOf(services, request))
  })
}
