import type { OutgoingHttpHeaders } from 'node:http'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { gsPaths, SessionInfo, type SessionEnded } from '../api.ts'
import { gsError } from '../errors.ts'
import { openEventStream } from '../live/event-stream.ts'
import { quiet } from '../sessions/load-session.ts'
import { isSameOrigin } from '../sessions/same-origin.ts'
import { sessionInfoOf } from '../sessions/session-info.ts'
import type { AccountVisit } from '../sessions/visit.ts'
import { documented, sessionInfo, type FlowServices } from './shared/flow.ts'

/** Open pages with a stream, more get none: each one costs memory. */
const streamsOfSession = 16
/** Over HTTP/1 each takes one of the six connections that a browser has to a site; with all of them taken the next page would never come. */
const streamsOverHttp1 = 4
const streamsOfAccount = 64

/** Programs that ask again and again take JSON; everything else is a stream. */
const wantsSnapshot = ({ headers: { accept = '' } }: FastifyRequest) =>
  accept.includes('application/json') && !accept.includes('text/event-stream')

/** Whether nobody waits for the answer any more. Over HTTP/2 only the stream below the response knows. */
const isGone = (raw: FastifyReply['raw'] & { readonly stream?: { readonly destroyed: boolean } }) => raw.stream?.destroyed ?? raw.destroyed

function openStream({ options, registry }: FlowServices, request: FastifyRequest, reply: FastifyReply, visit: AccountVisit): void {
  const { raw } = reply
  // Hijacked, so that no hook of the application compresses or collects what has to arrive at once.
  reply.hijack()
  if (isGone(raw)) return
  reply.headers({ 'content-type': 'text/event-stream', 'cache-control': 'no-store, no-transform', 'x-accel-buffering': 'no' })
  const leave = registry.connect(visit, {
    kind: 'page',
    ended(cause) {
      stream.send('ended', { cause } satisfies SessionEnded)
      stream.end()
    },
    // At once: what happens until it is back, the page learns without its cause.
    renewed: () => stream.end(50),
    changed: (current) => stream.send('session', sessionInfoOf(current, options.sectors)),
    sessionsChanged: () => stream.send('sessions', {}),
    closing: () => stream.end()
  })
  // A broken connection, unlike an answer with an error, makes the browser come again.
  if (leave === null) return void raw.destroy()
  const stream = openEventStream(raw, reply.getHeaders() as OutgoingHttpHeaders, leave)
  stream.send('session', sessionInfoOf(visit, options.sectors))
}

/** Tells a page what happens to its session, as it happens. */
export function events(app: FastifyInstance, services: FlowServices): void {
  const { options, registry } = services
  app.get(
    gsPaths.events,
    {
      config: { [quiet]: true },
      schema: documented('Events of the session (text/event-stream), or what it is now (application/json)', {
        response: { 200: SessionInfo }
      })
    },
    (request, reply) => {
      const visit = request.gs
      if (wantsSnapshot(request)) return reply.send(sessionInfo(services, request))
      // The answer could not be read there, but it would take one of the streams.
      if (!isSameOrigin(request.headers, options.origin)) throw gsError('GS_CROSS_SITE')
      // 204 is how a server asks an EventSource not to come again.
      if (visit.account === null) return reply.code(204).send()
      const full =
        registry.countOfSession(visit.session.id, 'page') >= (request.raw.httpVersionMajor < 2 ? streamsOverHttp1 : streamsOfSession) ||
        registry.countOfAccount(visit.account.id, 'page') >= streamsOfAccount
      if (full) return reply.code(204).send()
      if (request.method === 'HEAD') return reply.type('text/event-stream').send('')
      openStream(services, request, reply, visit)
      return reply
    }
  )
}
