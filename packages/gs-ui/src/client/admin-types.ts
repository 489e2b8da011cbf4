import type { ListedSession } from './listed-session.ts'

/*
 * What the calls of an admin answer (`GET /lwsgs/admin/…`): the types of the same names in `fastify-gs/api`, which a test compares with these.
 * Times are ms since 1970.
 */

/** One page of a list; `next` says where the following one begins, null: this is the last. */
export interface AdminPage {
  readonly next: string | null
}

/** An account as an admin sees it. */
export interface AdminAccount {
  readonly id: string
  readonly username: string
  readonly email: string | null
  /** Whether the address is verified. */
  readonly verified: boolean
  /** Defined in the configuration of the server: can be looked at, not changed. */
  readonly configured: boolean
  /** Whether the admin who asks may change it: he stands above it, and it is not himself. */
  readonly changeable: boolean
  /** `inactive`: the address is not proved yet; of several that fit the first of `locked`, `inactive`, `must-change-password`. */
  readonly status: 'inactive' | 'active' | 'locked' | 'must-change-password'
  /** Whether nothing is open to it but to choose a new password. */
  readonly mustChangePassword: boolean
  /** How often somebody has logged in. */
  readonly visits: number
  /** Null: never. */
  readonly lastLoginAt: number | null
  /** Its own, 2 to 100. */
  readonly level: number
  /** Name of its group; null: it is in none. */
  readonly group: string | null
  /** What counts: the level of the group, without one its own. */
  readonly effectiveLevel: number
  /** Names of the sectors that it has. */
  readonly sectors: readonly string[]
  readonly createdAt: number
  /** Null: it is not locked. */
  readonly lockedAt: number | null
  /** How many sessions live. */
  readonly sessions: number
}

/** Lends its level to the accounts in it. */
export interface AdminGroup {
  readonly id: string
  readonly name: string
  /** 2 to 100. */
  readonly level: number
  /** How many accounts are in it. */
  readonly members: number
  /** Whether the admin who asks stands above its level. */
  readonly changeable: boolean
}

export interface AdminAccountList extends AdminPage {
  readonly accounts: readonly AdminAccount[]
  /** Names of all sectors of the application. */
  readonly sectors: readonly string[]
  /** The highest level that the admin who asks may grant. */
  readonly highestLevel: number
}

/** A session, and whose it is. */
export interface AdminSession extends ListedSession {
  readonly accountId: string
  readonly username: string
}

export interface AdminSessionList extends AdminPage {
  readonly sessions: readonly AdminSession[]
}

/** A mail in the queue. What it says is not told, because it may hold a link. */
export interface AdminMail {
  readonly id: string
  /** `verify-email`, `forgot-password` … */
  readonly kind: string
  readonly recipient: string
  /** `dead`: given up. */
  readonly state: 'waiting' | 'sent' | 'dead'
  readonly attempts: number
  readonly createdAt: number
  readonly nextAttemptAt: number | null
  /** What the mail server said last. */
  readonly lastError: string | null
}

export interface AdminMailList extends AdminPage {
  readonly mails: readonly AdminMail[]
}

/** Something that an admin or operator has done. */
export interface AuditEntry {
  readonly id: string
  readonly at: number
  /** User name of the admin; `gs` and the name of the system user for the command line. */
  readonly actor: string
  /** Null: not through the network. */
  readonly ip: string | null
  /** `verify`, `lock`, `grant` … */
  readonly action: string
  readonly accountId: string | null
  /** Of the account it was done to; null once that account is deleted. */
  readonly username: string | null
  /** E.g. `{ level: [10, 30] }`: before and after. */
  readonly details: Readonly<Record<string, unknown>>
}

export interface AuditList extends AdminPage {
  readonly entries: readonly AuditEntry[]
}
