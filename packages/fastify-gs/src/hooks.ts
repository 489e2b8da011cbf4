/** Why a session ended. */
export type SessionEndCause =
  | 'logout'
  | 'login'
  | 'idle'
  | 'absolute'
  | 'verified'
  | 'password-changed'
  | 'password-forgotten'
  | 'account-deleted'

/** Told to `app.gs.onSessionEnd` listeners after the change is committed and before the causing request is answered. */
export interface SessionEndEvent {
  /** Public id of the session. */
  readonly sessionId: string
  readonly accountId: string
  readonly cause: SessionEndCause
}

export type SessionEndListener = (event: SessionEndEvent) => void
