import type { FastifyReply, FastifyRequest, FastifySchema } from 'fastify'
import type { StoredAccount } from '../../accounts/accounts.ts'
import type { Throttle } from '../../accounts/throttle.ts'
import type { SessionInfo } from '../../api.ts'
import type { Passwords } from '../../crypto/passwords.ts'
import type { KeyRing } from '../../crypto/tokens.ts'
import type { GsDatabase } from '../../database/database.ts'
import { gsError } from '../../errors.ts'
import type { FormPages } from '../../forms-page.ts'
import type { SessionEvents } from '../../live/session-events.ts'
import type { SessionRegistry } from '../../live/session-registry.ts'
import type { Outbox } from '../../mail/outbox.ts'
import type { ResolvedOptions } from '../../options.ts'
import type { Activity } from '../../sessions/activity.ts'
import { sessionInfoOf } from '../../sessions/session-info.ts'
import type { SignedIn, SignIn } from '../../sessions/sign-in.ts'
import type { AccountVisit } from '../../sessions/visit.ts'

/** What the flows work with; made once by the plugin. */
export interface FlowServices {
  readonly options: ResolvedOptions
  readonly database: GsDatabase
  readonly keys: KeyRing
  readonly passwords: Passwords
  readonly throttle: Throttle
  readonly outbox: Outbox
  readonly signIn: SignIn
  readonly events: SessionEvents
  /** Who is connected to this process. */
  readonly registry: SessionRegistry
  /** Uses of sessions that are not written yet. */
  readonly activity: Activity
  /** Pages that are shown again when one of their forms is refused. */
  readonly formPages: FormPages
  /** Sends a visitor's browser the ticket of its anonymous session, if it has none. */
  offerTicket(request: FastifyRequest, reply: FastifyReply): void
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

/** The visit of somebody who is logged in. @throws {GsError} `GS_NOT_LOGGED_IN` */
export function requireAccount(request: FastifyRequest): AccountVisit {
  const visit = request.gs
  if (visit.account === null) throw gsError('GS_NOT_LOGGED_IN')
  return visit
}

/** The hash that a password is checked against; that of the configured admin never was in the database. */
export function passwordHashOf(services: FlowServices, account: StoredAccount | null): string | null {
  if (account === null) return null
  return account.configured ? (services.options.admin?.passwordHash ?? null) : account.passwordHash
}

/** After the commit: the cookie, `request.gs`, and those who wait for the end of sessions. */
export function completeSignIn(services: FlowServices, request: FastifyRequest, reply: FastifyReply, signedIn: SignedIn): void {
  services.signIn.complete(request, reply, signedIn)
  services.events.ended(signedIn.ended)
}

/** What `GET P/session` says of this request. */
export function sessionInfo(services: FlowServices, request: FastifyRequest): SessionInfo {
  return sessionInfoOf(request.gs, services.options.sectors)
}
