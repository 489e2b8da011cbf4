import type { FastifyReply, FastifyRequest, onRequestHookHandler } from 'fastify'
import { digest, type KeyRing } from '../crypto/tokens.ts'
import { gsError } from '../errors.ts'
import type { Activity } from './activity.ts'
import { newTicket, readTicket, signTicket, type TicketLimits } from './anonymous-ticket.ts'
import { refererFrom } from './client-facts.ts'
import type { SessionCookies } from './session-cookies.ts'
import type { ReplacedTokens } from './replaced-tokens.ts'
import type { SessionDataStore } from './session-data.ts'
import type { SessionHooks } from './session-hooks.ts'
import { expiryCause, type FindSession, type FoundSession, type SessionLimits } from './sessions.ts'
import type { TokenRenewal } from './token-renewal.ts'
import { ownerOfTicket, replyOf } from './visit-data.ts'
import { accountVisit, anonymousVisit, noteTicketSent, visitState, type FormerSession, type Visit } from './visit.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Who is asking. Filled by fastify-gs before any handler runs; read-only. */
    gs: Visit
  }
  interface FastifyContextConfig {
    [quiet]?: true
    [givesNoTicket]?: true
  }
}

/**
 * In the config of routes that pages call by themselves: such a call is no use of the session, which would else never be idle, and no
 * visit of a person.
 */
export const quiet = Symbol('fastify-gs.quiet')

/** In the config of routes at which nobody who has no session gets one by opening the page. */
export const givesNoTicket = Symbol('fastify-gs.givesNoTicket')

const isQuiet = (request: FastifyRequest) => {
  const { config } = request.routeOptions
  return config !== undefined && quiet in config
}

export interface SessionLoading {
  readonly cookies: SessionCookies
  readonly keys: KeyRing
  readonly limits: SessionLimits
  readonly ticketLimits: TicketLimits
  readonly activity: Activity
  readonly findSession: FindSession
  readonly replaced: ReplacedTokens
  readonly renewal: TokenRenewal
  readonly hooks: SessionHooks
  /** What the application keeps in sessions. */
  readonly data: SessionDataStore
  /** The public origin. */
  readonly origin: string
  now(): number
}

/**
 * The one hook that finds out who is asking: cookie → hash → one query → `request.gs`. Synchronous on SQLite; without a session cookie
 * there is no query, and no request waits for a write. When the store fails the request fails: nobody passes as anonymous by an outage.
 */
export function createLoadSession(loading: SessionLoading): onRequestHookHandler {
  const { cookies, keys, limits, ticketLimits, activity, findSession, renewal } = loading

  const anonymous = (request: FastifyRequest, value: string | null, now: number, former?: FormerSession) => {
    const ticket = value === null ? null : readTicket(keys, value, ticketLimits, now)
    const from = ticket === null && isPageVisit(request) ? refererFrom(request.headers, loading.origin) : null
    return anonymousVisit(keys, ticket ?? newTicket(now, from), ticket === null, ticketLimits, request, now, former)
  }

  const settle = (request: FastifyRequest, found: FoundSession | null, token: string, ticket: string | null) => {
    const now = loading.now()
    const over = (formerCause: FormerSession['formerCause'] = null) => {
      // Of no other use: an event stream asks why it is over.
      const formerTokenHash = loading.data.keepsOfEnded || isQuiet(request) ? digest(token) : null
      return anonymous(request, ticket, now, { formerTokenHash, formerCause })
    }
    if (found === null) return over()
    const lastActiveAt = activity.latest(found.id, found.lastActiveAt)
    const current = { ...found, lastActiveAt }
    const expired = expiryCause(current, limits, now)
    if (expired !== null) return over(expired)
    if (found.tokenUnused && !found.former) renewal.confirm(found)
    if (isQuiet(request)) return accountVisit(keys, current, limits, request, now, lastActiveAt)
    activity.note(found.id, found.lastActiveAt, { at: now, ip: request.ip })
    return accountVisit(keys, current, limits, request, now)
  }

  return function loadSession(request, reply, done) {
    request[replyOf] = reply
    const { token, ticket } = cookies.read(request.headers.cookie)
    const proceed = (refusal?: Error | void) => done(refusal ?? undefined)
    const finish = (visit: Visit) => {
      request.gs = visit
      // Not instead of a token: the browser may have got a newer one meanwhile, and a late answer must not take it away.
      const may = token === null || cookies.separate || visit.account !== null
      const offered = may && isPageVisit(request) && mayHaveTicket(request) ? offerTicket(loading, request, reply) : undefined
      if (offered === undefined) proceed()
      else offered.then(proceed, proceed)
    }
    const fail = (error: unknown) => {
      request.log.error({ err: error }, 'session lookup failed')
      done(gsError('GS_BUSY', { retryAfter: 2 }))
    }

    if (token === null) return finish(anonymous(request, ticket, loading.now()))
    let found
    try {
      found = findSession(token)
    } catch (error) {
      return fail(error)
    }
    if (found instanceof Promise) found.then((row) => finish(settle(request, row, token, ticket)), fail)
    else finish(settle(request, found, token, ticket))
  }
}

function mayHaveTicket(request: FastifyRequest): boolean {
  const { config } = request.routeOptions
  return config === undefined || !(quiet in config || (givesNoTicket in config && visitState(request.gs).fresh))
}

/** What stands in the cookie for the session of a request. Null: the browser has none yet. */
export function tokenOf({ cookies, keys }: Pick<SessionLoading, 'cookies' | 'keys'>, request: FastifyRequest): string | null {
  const { ticket, fresh, unsent } = visitState(request.gs)
  if (ticket === null) return cookies.read(request.headers.cookie).token
  return fresh && unsent ? null : signTicket(keys, ticket)
}

/** A person opens a page; scripts, pictures and programs get no ticket. */
function isPageVisit(request: FastifyRequest): boolean {
  const destination = request.headers['sec-fetch-dest']
  if (destination !== undefined) return destination === 'document'
  return request.headers.accept?.includes('text/html') ?? false
}

/**
 * Sends the browser the ticket of its anonymous session, if it has not got it; nor, on its way, a token that this would take away. Who is
 * logged in gets a new token, if it is time for one.
 * A promise only when hooks have to be asked whether the session may begin, or data of the one before goes on with it.
 *
 * @throws {GsError} `GS_SESSION_REFUSED` (rejects)
 */
export function offerTicket(
  loading: Pick<SessionLoading, 'cookies' | 'data' | 'hooks' | 'keys' | 'renewal' | 'replaced' | 'ticketLimits'>,
  request: FastifyRequest,
  reply: FastifyReply
): Promise<void> | undefined {
  const { cookies, data, hooks, keys, renewal, replaced, ticketLimits } = loading
  const visit = request.gs
  const { ticket, unsent, fresh, found, formerTokenHash } = visitState(visit)
  if (found !== null) renewal.offer(request, found)
  if (ticket === null || !(unsent || cookies.separate)) return undefined
  const send = () => {
    const brought = cookies.read(request.headers.cookie)
    if ([brought.token, brought.ticket].some((value) => value !== null && replaced.has(value))) return
    if (unsent) cookies.writeTicket(reply, signTicket(keys, ticket))
    noteTicketSent(visit)
    if (brought.hasOwn) cookies.removeToken(reply)
  }
  const asked = fresh ? hooks.start(request) : null
  if (unsent && formerTokenHash !== null) {
    // The ticket takes the place of the token by which they are found.
    const adopt = async () => data.adopt(ownerOfTicket(ticket, ticketLimits, request.ip), formerTokenHash)
    const failed = (error: unknown) => request.log.warn({ err: error }, 'data of a session that is over is not there yet; tried again')
    return Promise.resolve(asked).then(() => adopt().then(send, failed))
  }
  if (asked !== null) return asked.then(send)
  send()
  return undefined
}
