/** An account as an operator sees it. */
export interface AccountRecord {
  readonly id: string
  readonly username: string
  /** Null only for the configured admin without address. */
  readonly email: string | null
  readonly verified: boolean
  /** The admin of the configuration: can be looked at, not changed. */
  readonly configured: boolean
  /** Ordered rights, see `AuthLevel`. */
  readonly level: number
  /** Bits 4–31 of the mask, unsigned. */
  readonly sectors: number
  /** ms since 1970. */
  readonly createdAt: number
  /** When it was locked, ms since 1970; null: it is not. */
  readonly lockedAt: number | null
  /** How its password is hashed, like `argon2id` or `lwsgs-sha1`; null: it has none here (the configured admin has his in the configuration). */
  readonly passwordScheme: string | null
}

/** A logged-in session as an operator sees it. Times are ms since 1970. */
export interface SessionRecord {
  /** Public id, never the token. */
  readonly id: string
  readonly accountId: string
  readonly username: string
  readonly createdAt: number
  /** Written at intervals of `session.activityInterval`. */
  readonly lastActiveAt: number
  /** Absolute end. */
  readonly expiresAt: number
  readonly ip: string
  readonly userAgent: string
  /** "Keep me logged in". */
  readonly remember: boolean
}

/** A mail in the queue as an operator sees it; what it says is not told, because it may hold a link. Times are ms since 1970. */
export interface MailRecord {
  readonly id: string
  /** `verify-email`, `forgot-password` … */
  readonly kind: string
  readonly recipient: string
  readonly state: MailState
  readonly attempts: number
  readonly createdAt: number
  /** When a waiting mail is tried next; null: it is not tried any more. */
  readonly nextAttemptAt: number | null
  /** What the mail server said last; null: nothing bad. */
  readonly lastError: string | null
}

/** `waiting`: will be sent. `sent`: the mail server has taken it; remembered for a week. `dead`: given up. */
export type MailState = 'waiting' | 'sent' | 'dead'

/** Something that an admin or operator has done. */
export interface AuditRecord {
  readonly id: string
  /** ms since 1970. */
  readonly at: number
  /** User name of the admin, or what the operator calls himself. */
  readonly actor: string
  /** Null: an operator with the database in his hands. */
  readonly actorAccountId: string | null
  /** Null: not through the network. */
  readonly ip: string | null
  /** `add`, `verify`, `lock`, `unlock`, `delete`, `grant`, `set-password`, `reset-password`, `end-session`, `end-sessions`, `retry-mail`, `drop-mail`, `import`. */
  readonly action: string
  /** To whom it was done; null: to nobody in particular. */
  readonly accountId: string | null
  /** User name of that account; null: there is none, or it is deleted. */
  readonly username: string | null
  /** E.g. `{ level: [10, 30] }`: before and after. */
  readonly details: Readonly<Record<string, unknown>>
}

/** An account of another system. */
export interface ImportedAccount {
  /** Its name there: becomes the user name, and tells it from the others of the source. */
  readonly name: string
  /** Null: it has none; such an account is refused, because it could never be verified. */
  readonly email: string | null
  /** An argon2id PHC string, a hash with a prefix that `password.legacy` of the server knows, or `''`: no password yet ("Forgot password" sets one). */
  readonly passwordHash: string
  readonly verified: boolean
  /** When it was created there, ms since 1970; null: not known. */
  readonly createdAt: number | null
}

/** What became of one account. */
export interface ImportOutcome {
  readonly name: string
  /** `known`: an earlier import from this source brought it, even if it has been deleted since. */
  readonly result: 'imported' | 'known' | 'refused'
  /** Why it was refused, a sentence. */
  readonly reason?: string
}
