import type { Generated } from 'kysely'

/*
 * Tables of fastify-gs. All names begin with gs_, so they can live in the application's own database. Times are
 * milliseconds since 1970; truth values are 0 and 1. Both engines see the same types.
 */

export interface AccountsTable {
  id: string
  /** As typed at registration. */
  username: string
  /** Canonical form, unique (accounts/identifiers.ts). */
  username_key: string
  email: string | null
  email_key: string | null
  /** Equals email_key once the address is verified; unique, so an address belongs to the account that proved it. */
  verified_email_key: string | null
  /** PHC string; empty: no password can log in. */
  password_hash: string
  level: Generated<number>
  /** Bits 4–31 of the mask. */
  sectors: Generated<number>
  /** 1: lives in the configuration (the admin), this row only carries its sessions. */
  configured: Generated<number>
  created_at: number
  /** When an operator locked it; null: it is not locked. */
  locked_at: Generated<number | null>
}

export interface SessionsTable {
  /** Public id; survives the renewal of the token. */
  id: string
  /** SHA-256 of the token in the cookie. */
  token_hash: string
  account_id: string
  created_at: number
  last_active_at: number
  /** Absolute end. */
  expires_at: number
  /** 1: "keep me logged in". */
  remember: number
  /** When this session redeemed a lost-password link. */
  forgot_at: number | null
  ip: string
  user_agent: string
}

export interface LinksTable {
  id: string
  token_hash: string
  purpose: 'verify-email' | 'forgot-password' | 'change-email' | 'undo-email'
  account_id: string
  /** The address it was mailed to; redeemed, a link to change the address or to undo that makes it the account's. */
  email: string
  created_at: number
  expires_at: number
  /** When it was redeemed or replaced by a newer one. */
  used_at: number | null
}

interface OutboxTable {
  id: string
  kind: string
  account_id: string | null
  recipient: string
  recipient_key: string
  /** JSON; holds no token: that of a link is computed from link_id when the mail is sent. */
  parameters: string
  link_id: string | null
  /** An event of the application waits as 'event': there may be thousands of them, through which nobody should have to look for a mail. */
  state: 'waiting' | 'event' | 'sent' | 'dead'
  attempts: Generated<number>
  created_at: number
  /** Not before this time; while a worker is sending, the time at which its claim ends. */
  next_attempt_at: number
  finished_at: number | null
  last_error: string | null
}

/** Which accounts of other systems were imported, so that a second run imports none again, not even those deleted since. */
interface ImportsTable {
  source: string
  /** SHA-256 of the name there: of somebody who deletes his account no name stays. */
  name_hash: string
  account_id: string
  at: number
}

/** What admins and operators have done; written in the transaction of the change. */
export interface AuditTable {
  id: string
  at: number
  /** User name of the admin, or what the operator calls himself. */
  actor: string
  /** No reference: the entry outlives the account. */
  actor_account_id: string | null
  ip: string | null
  action: string
  /** To whom it was done; no reference likewise. The name is that of the account as long as there is one: of somebody who is deleted none stays. */
  account_id: string | null
  /** JSON object without secrets, names and addresses. */
  details: string
}

interface ThrottleTable {
  key: string
  failures: number
  last_at: number
}

export interface GsTables {
  gs_accounts: AccountsTable
  gs_sessions: SessionsTable
  gs_links: LinksTable
  gs_outbox: OutboxTable
  gs_throttle: ThrottleTable
  gs_imports: ImportsTable
  gs_audit: AuditTable
  gs_schema: { version: number }
}
