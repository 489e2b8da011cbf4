import type { FastifyRequest } from 'fastify'
import type { Account } from './accounts/accounts.ts'

/** Why a session ended. */
export type SessionEndCause =
  | 'logout'
  | 'login'
  | 'idle'
  | 'absolute'
  | 'verified'
  | 'password-changed'
  | 'password-forgotten'
  | 'email-restored'
  | 'account-deleted'
  | 'account-locked'
  | 'revoked'
  | 'limit'

/** Told to `app.gs.onSessionEnd` listeners after the change is committed and before the causing request is answered. */
export interface SessionEndEvent {
  /** Public id of the session. */
  readonly sessionId: string
  readonly accountId: string
  readonly cause: SessionEndCause
}

export type SessionEndListener = (event: SessionEndEvent) => void

export type AccountEventType = 'accountCreated' | 'accountVerified' | 'accountEmailChanged' | 'accountDeleted'

/**
 * Something that has happened to an account. `accountCreated`: signed up (the address is not proved yet); `accountVerified`: the address is
 * proved for the first time, from now on it is one of the site's members (its address may be another one than at sign-up: somebody who had
 * mistyped it could set another); `accountEmailChanged`: a member has another proved address now, or again the one of before; `accountDeleted`:
 * the row is gone.
 */
export interface AccountEvent {
  /** The same each time this event is told. */
  readonly id: string
  readonly type: AccountEventType
  /** When it happened, ms since 1970. */
  readonly at: number
  readonly accountId: string
  readonly username: string
  /** The address after the event. Null: the account had none. */
  readonly email: string | null
  /** Why it was deleted: by its owner, by an operator, or because the address was never verified. Null for the other types. */
  readonly cause: 'owner' | 'operator' | 'unverified' | null
}

/**
 * Told after the commit, at least once: an event whose listener throws, rejects or takes longer than 30 s, or that a crash interrupted, is
 * told again, with growing pauses. Events of one account come in their order, those of different accounts in any.
 */
export type AccountEventListener = (event: AccountEvent) => void | Promise<void>

/** How somebody became a logged-in visitor. */
export type LoginMethod = 'password' | 'login-code' | 'verify-email' | 'forgot-password' | 'undo-email'

/** An anonymous session is about to begin: a browser that has none gets a ticket, or logs in without one. */
export interface SessionStartEvent {
  /** Public id. */
  readonly sessionId: string
  readonly ip: string
  readonly request: FastifyRequest
}

/** Somebody has proved who he is, and is not logged in yet. */
export interface BeforeLoginEvent {
  readonly account: Account
  readonly method: LoginMethod
  /** "Keep me logged in". */
  readonly remember: boolean
  readonly ip: string
  readonly request: FastifyRequest
}

/** A session of an account has begun in the place of another one; committed, not answered yet. */
export interface UpgradeEvent {
  /** Public id of the session that has begun. */
  readonly sessionId: string
  /** Public id of the anonymous or logged-in session that the browser had; null: it had none. */
  readonly formerSessionId: string | null
  readonly account: Account
  readonly method: LoginMethod
  readonly request: FastifyRequest
}

/** A logged-in session is not one any more; for whatever cause but a new login in the same browser. */
export interface DowngradeEvent {
  /** Public id of the session that has ended. */
  readonly formerSessionId: string
  readonly accountId: string
  readonly cause: SessionEndCause
  /** Public id of the anonymous session with which the browser goes on; null: the browser is not there, or was told of nothing yet. */
  readonly sessionId: string | null
}

/** `false` or a sentence for the visitor refuses; nothing else does. A hook that throws, or takes longer than 5 s, refuses with an error of the server. */
export type HookVerdict = boolean | string | void

/**
 * What an application can attach with `app.gs.addHook(name, handler)`; several handlers of a name run in the order in which they were added.
 *
 * - `onSessionStart` may refuse: the request is answered with `GS_SESSION_REFUSED` (403), and there is no session.
 * - `beforeLogin` may refuse: `GS_LOGIN_REFUSED` (403), and nothing has changed. It runs inside the transaction of the login, which other
 *   writers wait for on SQLite: be quick. It can read `request.gs.data` and `app.gs.settings`; changing them there fails, and other things
 *   that would have to be undone should not be written. When another process was in the way it is asked again.
 * - `onUpgrade` and `onDowngrade` run after the commit and before the answer; what they throw is logged. `onUpgrade` may take its time, and the
 *   answer waits for it; `onDowngrade` may not.
 * - `onSessionEnd` runs for each logged-in session that ends, after `onDowngrade` where there is one.
 */
export interface GsHooks {
  onSessionStart: (event: SessionStartEvent) => HookVerdict | Promise<HookVerdict>
  beforeLogin: (event: BeforeLoginEvent) => HookVerdict | Promise<HookVerdict>
  onUpgrade: (event: UpgradeEvent) => void | Promise<void>
  onDowngrade: (event: DowngradeEvent) => void
  onSessionEnd: SessionEndListener
}
