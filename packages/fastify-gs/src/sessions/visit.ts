import type { IncomingHttpHeaders } from 'node:http'
import { publicAccount, type Account } from '../accounts/accounts.ts'
import { AuthLevel } from '../accounts/auth-level.ts'
import { maskOf } from '../accounts/auth-mask.ts'
import type { KeyRing } from '../crypto/tokens.ts'
import type { AnonymousTicket, TicketLimits } from './anonymous-ticket.ts'
import { ticketAges } from './anonymous-ticket.ts'
import type { FoundSession, SessionLimits } from './sessions.ts'

/** The session of a request, as the application sees it. */
export interface SessionFacts {
  /** Public id: may be shown and logged, opens nothing. */
  readonly id: string
  /** When it began, ms since 1970. */
  readonly createdAt: number
  readonly anonymous: boolean
  readonly remember: boolean
}

interface VisitFacts {
  /** The client's address, as Fastify's `trustProxy` tells it. */
  readonly ip: string
  /** When the session ends if nothing more happens, ms since 1970. */
  readonly expiresAt: number
  /** Bound to the session: what an application's own forms send back. */
  readonly csrfToken: string
}

/** Nobody is logged in: the mask is 0. */
export interface AnonymousVisit extends VisitFacts {
  readonly session: SessionFacts
  readonly account: null
  readonly mask: 0
  readonly level: typeof AuthLevel.anonymous
}

/** Somebody is logged in: the mask has bit 0. */
export interface AccountVisit extends VisitFacts {
  readonly session: SessionFacts
  readonly account: Account
  /** 32 bits, unsigned. */
  readonly mask: number
  /** See `AuthLevel`. */
  readonly level: number
}

/** What `request.gs` holds; it cannot be half right: no account ⇔ mask 0. */
export type Visit = AnonymousVisit | AccountVisit

/** The parts that only fastify-gs itself uses. */
export interface VisitState {
  /** Null: logged in. */
  readonly ticket: AnonymousTicket | null
  /** Whether the browser brought nothing of ours, and the session begins with this request. */
  readonly fresh: boolean
  /** Whether the ticket has to be sent to the browser. */
  readonly unsent: boolean
  readonly forgotAt: number | null
  /** Absolute end, ms. */
  readonly end: number
  /** The row it was made from. Null: nobody is logged in. */
  readonly found: FoundSession | null
}

const stateOf = new WeakMap<Visit, VisitState>()

/** The parts of a visit that only fastify-gs itself uses. */
export function visitState(visit: Visit): VisitState {
  return stateOf.get(visit)!
}

/** What a visit is seen by: the request, or a connection that was made by one. */
export interface VisitSource {
  readonly ip: string
  readonly headers: IncomingHttpHeaders
}

class LazyVisit {
  readonly session: SessionFacts
  readonly account: Account | null
  readonly mask: number
  readonly level: number
  readonly ip: string
  readonly expiresAt: number
  readonly #keys: KeyRing
  #csrfToken: string | undefined

  constructor(keys: KeyRing, from: VisitSource, facts: Omit<Visit, 'csrfToken' | 'ip'>) {
    this.session = facts.session
    this.account = facts.account
    this.mask = facts.mask
    this.level = facts.level
    this.ip = from.ip
    this.expiresAt = facts.expiresAt
    this.#keys = keys
  }

  /** Signed when it is asked for: most requests do not. */
  get csrfToken(): string {
    return (this.#csrfToken ??= this.#keys.sign('csrf', this.session.id))
  }
}

/** What somebody unverified may do is "logged in"; the account's own level counts from the verification on. */
const levelOf = (account: Account, level: number) =>
  account.admin ? Math.max(level, AuthLevel.admin) : account.verified ? level : AuthLevel['logged-in']

/** @param activeAt the last use of the session: now, unless this is none */
export function accountVisit(
  keys: KeyRing,
  found: FoundSession,
  limits: SessionLimits,
  from: VisitSource,
  now: number,
  activeAt = now
): AccountVisit {
  const { forgotAt } = found
  const account = publicAccount(found.account)
  const visit = new LazyVisit(keys, from, {
    session: { id: found.id, createdAt: found.createdAt, anonymous: false, remember: found.remember },
    account,
    mask: maskOf({ admin: account.admin, verified: account.verified, sectors: found.sectors, forgotAt }, now),
    level: levelOf(account, found.level),
    expiresAt: Math.min(found.expiresAt, activeAt + (found.remember ? limits.remembered : limits.idle))
  }) as AccountVisit
  stateOf.set(visit, { ticket: null, fresh: false, unsent: false, forgotAt, end: found.expiresAt, found })
  return visit
}

export function anonymousVisit(
  keys: KeyRing,
  ticket: AnonymousTicket,
  fresh: boolean,
  limits: TicketLimits,
  from: VisitSource,
  now: number
): AnonymousVisit {
  const renewed = !fresh && ticketAges(ticket, limits, now)
  const current = renewed ? { ...ticket, issuedAt: now } : ticket
  const visit = new LazyVisit(keys, from, {
    session: { id: ticket.id, createdAt: ticket.startedAt, anonymous: true, remember: false },
    account: null,
    mask: 0,
    level: AuthLevel.anonymous,
    expiresAt: Math.min(current.issuedAt + limits.idle, current.startedAt + limits.absolute)
  }) as AnonymousVisit
  stateOf.set(visit, {
    ticket: current,
    fresh,
    unsent: fresh || renewed,
    forgotAt: null,
    end: current.startedAt + limits.absolute,
    found: null
  })
  return visit
}
