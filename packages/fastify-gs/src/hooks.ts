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
