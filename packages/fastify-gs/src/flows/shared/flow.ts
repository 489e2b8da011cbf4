import type { FastifyReply, FastifyRequest, FastifySchema } from 'fastify'
import { publicAccount, type StoredAccount } from '../../accounts/accounts.ts'
import type { Throttle } from '../../accounts/throttle.ts'
import type { SessionInfo } from '../../api.ts'
import type { Passwords } from '../../crypto/passwords.ts'
import type { KeyRing } from '../../crypto/tokens.ts'
import type { GsDatabase } from '../../database/database.ts'
import { gsError } from '../../errors.ts'
import type { FormPages } from '../../forms-page.ts'
import type { ConnectionCounts } from '../../live/connection-counts.ts'
import type { SessionEvents } from '../../live/session-events.ts'
import type { SessionRegistry } from '../../live/session-registry.ts'
import type { Outbox } from '../../mail/outbox.ts'
import type { ResolvedOptions } from '../../options.ts'
import type { Activity } from '../../sessions/activity.ts'
import type { ClientSite } from '../../sessions/client-facts.ts'
import type { KnownBrowsers } from '../../sessions/known-browsers.ts'
import type { SessionHooks } from '../../sessions/session-hooks.ts'
import { sessionInfoOf } from '../../sessions/session-info.ts'
import type { Messages } from '../../texts/messages.ts'
import type { AnonymousTicket } from '../../sessions/anonymous-ticket.ts'
import type { SessionEndEvent } from '../../hooks.ts'
import type { SignedIn, SignIn } from '../../sessions/sign-in.ts'
import type { AccountVisit } from '../../sessions/visit.ts'

/** What the flows work with; made once by the plugin. */
export interface FlowServices {
  readonly options: ResolvedOptions
  readonly database: GsDatabase
  readonly keys: KeyRing
  readonly passwords: Passwords
  readonly throttle: Throttle
  /** Browsers that have logged in to an account before. */
  readonly knownBrowsers: KnownBrowsers
  readonly outbox: Outbox
  readonly signIn: SignIn
  readonly events: SessionEvents
  /** Who is connected to this process. */
  readonly registry: SessionRegistry
  /** What sessions have open in all processes. */
  readonly connections: ConnectionCounts
  /** Uses of sessions that are not written yet. */
  readonly activity: Activity
  /** What is said to visitors, by code and language. */
  readonly messages: Messages
  readonly site: ClientSite
  /** Pages that are shown again when one of their forms is refused. */
  readonly formPages: FormPages
  /** What the application has attached. */
  readonly hooks: SessionHooks
  /** Sends a visitor's browser the ticket of its anonymous session, if it has none. A promise only when hooks are asked. */
  offerTicket(request: FastifyRequest, reply: FastifyReply): Promise<void> | undefined
}

/** A route's schema with what API documentation shows of it (the fields are those of @fastify/swagger). */
export function documented(summary: string, schema: FastifySchema): FastifySchema {
  return Object.assign(schema, { tags: ['accounts'], summary })
}

/** Limit per client address of a group of routes, for their `config`. */
export function rateLimited(services: FlowServices, group: keyof NonNullable<ResolvedOptions['rateLimits']>): { rateLimit?: object } {
  const limit = services.options.rateLimits?.[group]
  if (limit === undefined) return {}
  return {
    rateLimit: {
      max: limit.max,
      timeWindow: limit.seconds * 1000,
      groupId: `gs-${group}`,
      // After the body is read, so that a form can be shown again with what was typed.
      hook: 'preValidation',
      errorResponseBuilder: (_request: FastifyRequest, context: { ttl: number }) =>
        gsError('GS_TOO_MANY_ATTEMPTS', { retryAfter: Math.ceil(context.ttl / 1000) })
    }
  }
}

/** The visit of somebody who is logged in, and perhaps has to choose a new password first. @throws {GsError} `GS_NOT_LOGGED_IN` */
export function requireLogin(request: FastifyRequest): AccountVisit {
  const visit = request.gs
  if (visit.account === null) throw gsError('GS_NOT_LOGGED_IN')
  return visit
}

/** The visit of somebody who is logged in and may use the account. @throws {GsError} `GS_NOT_LOGGED_IN`, `GS_PASSWORD_CHANGE_REQUIRED` */
export function requireAccount(request: FastifyRequest): AccountVisit {
  const visit = requireLogin(request)
  if (visit.account.mustChangePassword) throw gsError('GS_PASSWORD_CHANGE_REQUIRED')
  return visit
}

/** The hash that a password is checked against; that of the configured admin never was in the database. */
export function passwordHashOf(services: FlowServices, account: StoredAccount | null): string | null {
  if (account === null) return null
  return account.configured ? (services.options.admin?.passwordHash ?? null) : account.passwordHash
}

/** After the commit: the cookie, `request.gs`, and those who wait for the end of sessions and for new ones. */
export async function completeSignIn(
  services: FlowServices,
  request: FastifyRequest,
  reply: FastifyReply,
  signedIn: SignedIn
): Promise<void> {
  const { signIn, events, hooks } = services
  signIn.complete(request, reply, signedIn)
  services.knownBrowsers.remember(request, reply, signedIn.account.id)
  events.ended(signedIn.ended)
  const { upgrade, id, account } = signedIn
  if (upgrade !== null) await hooks.upgraded({ ...upgrade, sessionId: id, account: publicAccount(account), request })
}

/** After the commit that has ended the session of this browser: it goes on with an anonymous one. */
export function leaveSession(
  services: FlowServices,
  request: FastifyRequest,
  reply: FastifyReply,
  ended: readonly SessionEndEvent[],
  ticket?: AnonymousTicket
): void {
  const former = request.gs.session.id
  services.signIn.leave(request, reply, ticket)
  services.events.ended(ended, { of: former, sessionId: request.gs.session.id })
}

/** What `GET P/session` says of this request. */
export function sessionInfo(services: FlowServices, request: FastifyRequest): SessionInfo {
  return sessionInfoOf(request.gs, services.options.sectors)
}
