import type { OutgoingHttpHeaders } from 'node:http'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import {
  EventsQuery,
  gsPaths,
  SessionInfo,
  type EmailChanged,
  type LevelChanged,
  type MaskChanged,
  type OtherLogin,
  type OtherLogout,
  type SessionEnded,
  type VerifiedChanged
} from '../api.ts'
import { gsError } from '../errors.ts'
import type { SessionEndCause } from '../hooks.ts'
import { createAccountNews, type AccountNews, type SessionNews } from '../live/account-news.ts'
import { createFindEnd, type FindEnd } from '../live/change-log.ts'
import { endedId, eventIdOf, isNews, readEventId, toldOf, withNews, type Told } from '../live/event-id.ts'
import { openEventStream, type EventStream } from '../live/event-stream.ts'
import { quiet } from '../sessions/load-session.ts'
import { isSameOrigin } from '../sessions/same-origin.ts'
import { sessionInfoOf } from '../sessions/session-info.ts'
import { visitState, type AccountVisit } from '../sessions/visit.ts'
import { documented, sessionInfo, type FlowServices } from './shared/flow.ts'

/** Open pages with a stream, more get none: each one costs memory. */
const streamsOfSession = 16
/** Over HTTP/1 each takes one of the six connections that a browser has to a site; with all of them taken the next page would never come. */
const streamsOverHttp1 = 4
const streamsOfAccount = 64
/** Logins and logouts that a page is told one by one when it comes back; for older ones it is told that the list is another one. */
const longestReplay = 50

/** Programs that ask again and again take JSON; everything else is a stream. */
const wantsSnapshot = ({ headers: { accept = '' } }: FastifyRequest) =>
  accept.includes('application/json') && !accept.includes('text/event-stream')

/** Whether nobody waits for the answer any more. Over HTTP/2 only the stream below the response knows. */
const isGone = (raw: FastifyReply['raw'] & { readonly stream?: { readonly destroyed: boolean } }) => raw.stream?.destroyed ?? raw.destroyed

const streamHeaders = { 'content-type': 'text/event-stream', 'cache-control': 'no-store, no-transform', 'x-accel-buffering': 'no' }

/** What the page heard last. Null: it has not been here before. A browser that comes back by itself still has the query of the first time. */
const lastEventIdOf = ({ headers, query }: FastifyRequest): string | null => {
  const header = headers['last-event-id']
  return (typeof header === 'string' && header) || (query as EventsQuery).lastEventId || null
}

/** Tells one page what is new to it; the ids say what that was. */
function createTeller(stream: EventStream, sectors: readonly string[], begin: Told) {
  let told = begin
  const tell = (event: string, data: object) => stream.send(event, data, eventIdOf(told))
  const tellNews = ({ id, type, sessionId, cause }: SessionNews) => {
    if (!isNews(told, id)) return
    told = withNews(told, id)
    if (type === 'login') tell('login', { session: sessionId } satisfies OtherLogin)
    else tell('logout', { session: sessionId, cause: cause! } satisfies OtherLogout)
  }
  const tellChanges = (visit: AccountVisit) => {
    const { verified, mask, level, email } = toldOf(visit)
    const info = sessionInfoOf(visit, sectors)
    if (verified !== told.verified) {
      told = { ...told, verified }
      tell('verified', { verified } satisfies VerifiedChanged)
    }
    if (mask !== told.mask) {
      told = { ...told, mask }
      tell('mask', { mask, sectors: info.sectors } satisfies MaskChanged)
    }
    if (level !== told.level) {
      told = { ...told, level }
      tell('level', { level } satisfies LevelChanged)
    }
    if (email !== told.email) {
      told = { ...told, email }
      tell('email', { email: info.email } satisfies EmailChanged)
    }
    return () => tell('session', info)
  }
  return {
    news: tellNews,
    changed: (visit: AccountVisit) => tellChanges(visit)(),
    sessionsChanged: () => tell('sessions', {}),
    /** All that has happened since the page was here last, and at the end what the session is now. */
    resume(visit: AccountVisit, { newest, news }: Awaited<ReturnType<AccountNews['latest']>>) {
      // What a log that was restored from a backup does not have yet, it will have once more.
      told = { ...told, upTo: Math.min(told.upTo, newest), beyond: told.beyond.filter((id) => id <= newest) }
      const missed = news.filter(({ id, sessionId }) => isNews(told, id) && sessionId !== visit.session.id)
      const tellSession = tellChanges(visit)
      if (missed.length > longestReplay) {
        told = { ...told, upTo: missed.at(-longestReplay - 1)!.id, beyond: [] }
        tell('sessions', {})
      }
      for (const one of missed.slice(-longestReplay)) tellNews(one)
      tellSession()
    }
  }
}

/** What happens while the log is read. */
interface Meanwhile {
  visit: AccountVisit
  readonly news: SessionNews[]
  sessionsChanged: boolean
}

async function openStream(
  { options, registry }: FlowServices,
  accountNews: AccountNews,
  request: FastifyRequest,
  reply: FastifyReply,
  visit: AccountVisit
): Promise<void> {
  const { raw } = reply
  // Hijacked, so that no hook of the application compresses or collects what has to arrive at once.
  reply.hijack()
  if (isGone(raw)) return
  reply.headers(streamHeaders)
  const meanwhile: Meanwhile = { visit, news: [], sessionsChanged: false }
  let teller: ReturnType<typeof createTeller> | undefined
  // Before the log is read, so that nothing falls in between.
  const leave = registry.connect(visit, {
    kind: 'page',
    ended(cause) {
      stream.send('ended', { cause } satisfies SessionEnded, endedId)
      stream.end()
    },
    // At once: it has an id by which it will be told the rest.
    renewed: () => stream.end(50),
    changed(current) {
      if (teller === undefined) meanwhile.visit = current
      else teller.changed(current)
    },
    happened(news) {
      if (teller === undefined) meanwhile.news.push(news)
      else teller.news(news)
    },
    sessionsChanged() {
      if (teller === undefined) meanwhile.sessionsChanged = true
      else teller.sessionsChanged()
    },
    closing: () => stream.end()
  })
  // A broken connection, unlike an answer with an error, makes the browser come again.
  if (leave === null) return void raw.destroy()
  const stream = openEventStream(raw, reply.getHeaders() as OutgoingHttpHeaders, leave)

  await registry.ready()
  const log = await accountNews.latest(visit.account.id)
  const now = toldOf(meanwhile.visit)
  const known = readEventId(lastEventIdOf(request) ?? '')
  if (known?.session === now.session) {
    teller = createTeller(stream, options.sectors, known)
    teller.resume(meanwhile.visit, log)
  } else {
    teller = createTeller(stream, options.sectors, { ...now, upTo: log.newest, beyond: [] })
    teller.changed(meanwhile.visit)
  }
  for (const news of meanwhile.news) teller.news(news)
  if (meanwhile.sessionsChanged) teller.sessionsChanged()
}

/** Why the session is over with whose token the browser came. Null: nobody knows. */
async function causeOf(findEnd: FindEnd, request: FastifyRequest): Promise<SessionEndCause | null> {
  const { formerTokenHash, formerCause } = visitState(request.gs)
  if (formerTokenHash === null) return null
  return formerCause ?? findEnd(formerTokenHash)
}

/** For a page that was away when its session ended. */
function tellEnd(reply: FastifyReply, cause: SessionEndCause): void {
  const { raw } = reply
  reply.hijack()
  if (isGone(raw)) return
  reply.headers(streamHeaders)
  const stream = openEventStream(raw, reply.getHeaders() as OutgoingHttpHeaders, () => undefined)
  stream.send('ended', { cause } satisfies SessionEnded, endedId)
  stream.end()
}

/** Tells a page what happens to its session, as it happens, and what has happened since it was here last. */
export function events(app: FastifyInstance, services: FlowServices): void {
  const { database, options, registry } = services
  const accountNews = createAccountNews(database)
  const findEnd = createFindEnd(database)
  app.get(
    gsPaths.events,
    {
      config: { [quiet]: true },
      schema: documented('Events of the session (text/event-stream), or what it is now (application/json)', {
        querystring: EventsQuery,
        response: { 200: SessionInfo }
      })
    },
    async (request, reply) => {
      const visit = request.gs
      if (wantsSnapshot(request)) {
        const cause = await causeOf(findEnd, request)
        if (cause !== null) reply.header('x-gs-ended', cause)
        return sessionInfo(services, request)
      }
      // The answer could not be read there, but it would take one of the streams.
      if (!isSameOrigin(request.headers, options.origin)) throw gsError('GS_CROSS_SITE')
      if (visit.account === null) {
        const lastId = lastEventIdOf(request)
        const cause = lastId === null || lastId === endedId ? null : await causeOf(findEnd, request)
        if (cause !== null && request.method !== 'HEAD') {
          tellEnd(reply, cause)
          return reply
        }
        // 204 is how a server asks an EventSource not to come again.
        return reply.code(204).send()
      }
      const full =
        registry.countOfSession(visit.session.id, 'page') >= (request.raw.httpVersionMajor < 2 ? streamsOverHttp1 : streamsOfSession) ||
        registry.countOfAccount(visit.account.id, 'page') >= streamsOfAccount
      if (full) return reply.code(204).send()
      if (request.method === 'HEAD') return reply.type('text/event-stream').send('')
      openStream(services, accountNews, request, reply, visit).catch((error: unknown) => {
        request.log.error({ err: error }, 'an event stream could not begin; the browser tries it again')
        reply.raw.destroy()
      })
      return reply
    }
  )
}
