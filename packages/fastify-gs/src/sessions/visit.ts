import type { IncomingHttpHeaders } from 'node:http'
import { publicAccount, type Account } from '../accounts/accounts.ts'
import { AuthLevel } from '../accounts/auth-level.ts'
import { maskOf } from '../accounts/auth-mask.ts'
import type { KeyRing } from '../crypto/tokens.ts'
import type { AnonymousTicket, TicketLimits } from './anonymous-ticket.ts'
import { ticketAges } from './anonymous-ticket.ts'
import type { ClientFacts } from './client-facts.ts'
import type { SessionData } from './session-data.ts'
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
  /** What the application keeps in the session. Costs nothing until it is used. */
  readonly data: SessionData
  /** Language, time zone and the like. Costs nothing until it is asked for, and no query then. */
  readonly client: ClientFacts
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
  /** SHA-256 of the token with which the browser came, if that opens nothing any more. */
  readonly formerTokenHash: string | null
  /** By which limit the session of that token is over, if its row is still there. */
  readonly formerCause: 'idle' | 'absolute' | null
}

/** With what the browser of a session that is over came. */
export type FormerSession = Pick<VisitState, 'formerTokenHash' | 'formerCause'>

const nothingFormer: FormerSession = { formerTokenHash: null, formerCause: null }

const stateOf = new WeakMap<Visit, VisitState>()

/** The parts of a visit that only fastify-gs itself uses. */
export function visitState(visit: Visit): VisitState {
  return stateOf.get(visit)!
}

/** The ticket is on its way to the browser, which will come back with it. */
export function noteTicketSent(visit: Visit): void {
  const state = visitState(visit)
  if (state.unsent) stateOf.set(visit, { ...state, unsent: false })
}

/** How a request opens the data of its session. */
export const openData = Symbol('fastify-gs.openData')

/** What a request tells of who made it. */
export const readClient = Symbol('fastify-gs.readClient')

/** What a visit is seen by: the request, or a connection that was made by one. */
export interface VisitSource {
  readonly ip: string
  readonly headers: IncomingHttpHeaders
  [openData]?(visit: Visit): SessionData
  [readClient]?(visit: Visit): ClientFacts
}

class LazyVisit {
  readonly session: SessionFacts
  readonly account: Account | null
  readonly mask: number
  readonly level: number
  readonly ip: string
  readonly expiresAt: number
  readonly #keys: KeyRing
  readonly #from: VisitSource
  #data: SessionData | undefined
  #client: ClientFacts | undefined
  #csrfToken: string | undefined

  constructor(keys: KeyRing, from: VisitSource, facts: Omit<Visit, 'client' | 'csrfToken' | 'data' | 'ip'>) {
    this.session = facts.session
    this.account = facts.account
    this.mask = facts.mask
    this.level = facts.level
    this.ip = from.ip
    this.expiresAt = facts.expiresAt
    this.#keys = keys
    this.#from = from
  }

  /** Signed when it is asked for: most requests do not. */
  get csrfToken(): string {
    return (this.#csrfToken ??= this.#keys.sign('csrf', this.session.id))
  }

  get data(): SessionData {
    if (this.#data !== undefined) return this.#data
    const data = this.#from[openData]?.(this as unknown as Visit)
    if (data === undefined) throw new Error('This visit belongs to no request; use request.gs.data, or app.gs.openSession().')
    return (this.#data = data)
  }

  get client(): ClientFacts {
    if (this.#client !== undefined) return this.#client
    const client = this.#from[readClient]?.(this as unknown as Visit)
    if (client === undefined) throw new Error('This visit belongs to no request; use request.gs.client.')
    return (this.#client = client)
  }
}

/** What somebody unverified may do is "logged in"; the account's own level counts from the verification on, unless a new password is due. */
const levelOf = (account: Account, level: number) =>
  account.mustChangePassword
    ? AuthLevel['logged-in']
    : account.admin
      ? Math.max(level, AuthLevel.admin)
      : account.verified
        ? level
        : AuthLevel['logged-in']

/** The level of a visit as it is once the new password that is due has been chosen. */
export function levelAfterChange(visit: Visit): number {
  const found = visitState(visit).found
  return found === null ? visit.level : levelOf({ ...publicAccount(found.account), mustChangePassword: false }, found.level)
}

/** Who has to choose a new password first may nothing else. */
const rightsOf = ({ admin, verified, mustChangePassword }: Account, sectors: number) =>
  mustChangePassword ? { admin: false, verified: false, sectors: 0 } : { admin, verified, sectors }

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
    mask: maskOf({ ...rightsOf(account, found.sectors), forgotAt }, now),
    level: levelOf(account, found.level),
    expiresAt: Math.min(found.expiresAt, activeAt + (found.remember ? limits.remembered : limits.idle))
  }) as AccountVisit
  stateOf.set(visit, { ticket: null, fresh: false, unsent: false, forgotAt, end: found.expiresAt, found, ...nothingFormer })
  return visit
}

export function anonymousVisit(
  keys: KeyRing,
  ticket: AnonymousTicket,
  fresh: boolean,
  limits: TicketLimits,
  from: VisitSource,
  now: number,
  former = nothingFormer
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
    found: null,
    ...former
  })
  return visit
}
