import type { FastifyReply, FastifyRequest, onRequestHookHandler } from 'fastify'
import type { KeyRing } from '../crypto/tokens.ts'
import { gsError } from '../errors.ts'
import type { Activity } from './activity.ts'
import { newTicket, readTicket, signTicket, type TicketLimits } from './anonymous-ticket.ts'
import type { SessionCookie } from './session-cookie.ts'
import type { ReplacedTokens } from './replaced-tokens.ts'
import { expiryCause, type FindSession, type FoundSession, type SessionLimits } from './sessions.ts'
import { accountVisit, anonymousVisit, visitState, type Visit } from './visit.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Who is asking. Filled by fastify-gs before any handler runs; read-only. */
    gs: Visit
  }
  interface FastifyContextConfig {
    [quiet]?: true
  }
}

/**
 * In the config of routes that pages call by themselves: such a call is no use of the session, which would else never be idle, and no
 * visit of a person.
 */
export const quiet = Symbol('fastify-gs.quiet')

const isQuiet = (request: FastifyRequest) => {
  const { config } = request.routeOptions
  return config !== undefined && quiet in config
}

export interface SessionLoading {
  readonly cookie: SessionCookie
  readonly keys: KeyRing
  readonly limits: SessionLimits
  readonly ticketLimits: TicketLimits
  readonly activity: Activity
  readonly findSession: FindSession
  readonly replaced: ReplacedTokens
  now(): number
}

/** Our tokens are 27 characters, tickets longer; anything else needs no look-up. */
const tokenPattern = /^[\w-]{27}$/

/**
 * The one hook that finds out who is asking: cookie → hash → one query → `request.gs`. Synchronous on SQLite; without a session cookie
 * there is no query, and there is never a write. When the store fails the request fails: nobody passes as anonymous by an outage.
 */
export function createLoadSession(loading: SessionLoading): onRequestHookHandler {
  const { cookie, keys, limits, ticketLimits, activity, findSession } = loading

  const anonymous = (request: FastifyRequest, value: string | null, now: number) => {
    const ticket = value === null ? null : readTicket(keys, value, ticketLimits, now)
    return anonymousVisit(keys, ticket ?? newTicket(now), ticket === null, ticketLimits, request, now)
  }

  const settle = (request: FastifyRequest, found: FoundSession | null) => {
    const now = loading.now()
    if (found === null) return anonymous(request, null, now)
    const lastActiveAt = activity.latest(found.id, found.lastActiveAt)
    const current = { ...found, lastActiveAt }
    if (expiryCause(current, limits, now) !== null) return anonymous(request, null, now)
    if (isQuiet(request)) return accountVisit(keys, current, limits, request, now, lastActiveAt)
    activity.note(found.id, found.lastActiveAt, { at: now, ip: request.ip })
    return accountVisit(keys, current, limits, request, now)
  }

  return function loadSession(request, reply, done) {
    const value = cookie.read(request.headers.cookie)
    const tokenLike = value !== null && tokenPattern.test(value)
    const finish = (visit: Visit) => {
      request.gs = visit
      // Not instead of a token: the browser may have got a newer one meanwhile, and a late answer must not take it away.
      if (!tokenLike && isPageVisit(request) && !isQuiet(request)) offerTicket(loading, request, reply)
      done()
    }
    const fail = (error: unknown) => {
      request.log.error({ err: error }, 'session lookup failed')
      done(gsError('GS_BUSY', { retryAfter: 2 }))
    }

    if (!tokenLike) return finish(anonymous(request, value, loading.now()))
    let found
    try {
      found = findSession(value)
    } catch (error) {
      return fail(error)
    }
    if (found instanceof Promise) found.then((row) => finish(settle(request, row)), fail)
    else finish(settle(request, found))
  }
}

/** A person opens a page; scripts, pictures and programs get no ticket. */
function isPageVisit(request: FastifyRequest): boolean {
  const destination = request.headers['sec-fetch-dest']
  if (destination !== undefined) return destination === 'document'
  return request.headers.accept?.includes('text/html') ?? false
}

/** Sends the browser the ticket of its anonymous session, if it has not got it; nor, on its way, a token that this would take away. */
export function offerTicket(
  { cookie, keys, replaced }: Pick<SessionLoading, 'cookie' | 'keys' | 'replaced'>,
  request: FastifyRequest,
  reply: FastifyReply
): void {
  const { ticket, unsent } = visitState(request.gs)
  if (ticket === null || !unsent) return
  const value = cookie.read(request.headers.cookie)
  if (value === null || !replaced.has(value)) cookie.write(reply, signTicket(keys, ticket))
}
