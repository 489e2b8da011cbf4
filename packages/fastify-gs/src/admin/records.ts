/** An account as an operator sees it. */
export interface AccountRecord {
  readonly id: string
  readonly username: string
  /** Null only for the configured admin without address. */
  readonly email: string | null
  readonly verified: boolean
  readonly status: AccountStatus
  /** Nothing but a new password is open to it. */
  readonly mustChangePassword: boolean
  /** How often somebody has logged in. */
  readonly visits: number
  /** ms since 1970; null: never. */
  readonly lastLoginAt: number | null
  /** BCP 47 tag; null: none chosen. */
  readonly language: string | null
  /** The admin of the configuration: can be looked at, not changed. */
  readonly configured: boolean
  /** Its own level, see `AuthLevel`; that of its group counts before it. */
  readonly level: number
  /** The level that counts: that of the group, else the own one. */
  readonly effectiveLevel: number
  /** Name of its group; null: it is in none. */
  readonly group: string | null
  /** Bits 4–31 of the mask, unsigned. */
  readonly sectors: number
  /** ms since 1970. */
  readonly createdAt: number
  /** When it was locked, ms since 1970; null: it is not. */
  readonly lockedAt: number | null
  /** How its password is hashed, like `argon2id`, `argon2id+2026` (with the pepper of that id) or `lwsgs-sha1`; null: it has none here (the configured admin has his in the configuration). */
  readonly passwordScheme: string | null
}

/**
 * `inactive`: the address is not proved yet, so it may little more than a visitor who is not logged in. `locked`: nobody can log in.
 * `must-change-password`: nothing but a new password is open to it. Of several that fit it is the first of `locked`, `inactive`,
 * `must-change-password`. A deleted account has no record.
 */
export type AccountStatus = 'inactive' | 'active' | 'locked' | 'must-change-password'

/** A group as an operator sees it. */
export interface GroupRecord {
  readonly id: string
  readonly name: string
  /** What its members have in the place of their own level, 2 to 100. */
  readonly level: number
  /** How many accounts are in it. */
  readonly members: number
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
  /** Open pages, in all processes of the server; to about two seconds. */
  readonly pages: number
  /** Open websockets, likewise. */
  readonly sockets: number
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
  /** `add`, `verify`, `lock`, `unlock`, `delete`, `grant`, `set-password`, `reset-password`, `require-password-change`, `end-session`, `end-sessions`, `retry-mail`, `drop-mail`, `import`, `add-group`, `set-group`, `delete-group`. */
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
