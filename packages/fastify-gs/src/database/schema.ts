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
  /** Its group lends the level in the place of the own one. */
  group_id: Generated<string | null>
  /** 1: nothing but a new password is open to it. */
  must_change_password: Generated<number>
  /** BCP 47 tag, like `de` or `pt-BR`; null: none chosen. */
  language: Generated<string | null>
  /** How often somebody has logged in. */
  visits: Generated<number>
  last_login_at: Generated<number | null>
}

export interface GroupsTable {
  id: string
  /** As typed. */
  name: string
  /** Canonical form, unique. */
  name_key: string
  level: number
  created_at: number
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
  /** When the token was made; null: with the session. */
  token_at: Generated<number | null>
  /** 1: the token has been sent and not been seen since; the one before it (gs_replaced_tokens) still counts. */
  token_unused: Generated<number>
  /** From where the visitor came to the site; null: not known. */
  referer: Generated<string | null>
}

/** Tokens that were renewed by time: they go on for a moment, for requests that were on their way. */
export interface ReplacedTokensTable {
  /** SHA-256 of the token. */
  token_hash: string
  session_id: string
  /** Null: as long as the new one has not been used. */
  valid_until: number | null
}

/** What the application keeps in sessions. */
export interface SessionDataTable {
  /** Public id of the session, anonymous or logged in. */
  id: string
  /** The logged-in session that it belongs to, or with which the data of the anonymous session `id` has gone on; null: an anonymous one. */
  session_id: string | null
  /** SHA-256 of the last token of a logged-in session that is over, whose data its browser may go on with; null for all others. */
  token_hash: string | null
  /** JSON object. */
  data: string
  version: number
  /** Hashed group of addresses from which an anonymous visitor stored it first, to bound how many there are. */
  address_key: string | null
  /** Null: it lives as long as session_id. */
  expires_at: number | null
}

export interface SettingsTable {
  account_id: string
  key: string
  value: string
  updated_at: number
}

export interface LinksTable {
  id: string
  token_hash: string
  purpose: 'verify-email' | 'forgot-password' | 'change-email' | 'undo-email' | 'login-code'
  account_id: string
  /** The address it was mailed to; redeemed, a link to change the address or to undo that makes it the account's. */
  email: string
  created_at: number
  expires_at: number
  /** When it was redeemed or replaced by a newer one. */
  used_at: number | null
  /** Wrong codes that were typed for it. */
  tries: Generated<number>
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

/**
 * What has changed for those who are connected, in the order of the commits of each account (nearly so on PostgreSQL, where a later id may
 * be seen before an earlier one). Written in the transaction of the change; kept for an hour, ends for a day.
 */
export interface ChangesTable {
  id: Generated<number>
  /** No reference: the entry outlives the account. Empty: it may concern everybody. */
  account_id: string
  /** `login`: a session has begun; `end`: one has ended; `account`: what an account is or may; `connections`: what its sessions have open. */
  type: 'login' | 'end' | 'account' | 'connections'
  session_id: string | null
  /** Of an end. */
  cause: string | null
  /** SHA-256 of the token that the session had when it ended. */
  token_hash: string | null
  /** Of the database's machine or of ours, ms: for its age only. */
  at: number
}

/** Processes that have connections of sessions. */
interface NodesTable {
  id: string
  /** It says so every few seconds; one that does not is gone. */
  seen_at: number
}

/** How many pages and sockets sessions have open, by process. */
interface ConnectionsTable {
  node_id: string
  /** No reference: it is written late, and the session may have ended meanwhile. */
  session_id: string
  pages: number
  sockets: number
}

interface ThrottleTable {
  key: string
  failures: number
  last_at: number
}

export interface GsTables {
  gs_accounts: AccountsTable
  gs_sessions: SessionsTable
  gs_replaced_tokens: ReplacedTokensTable
  gs_session_data: SessionDataTable
  gs_groups: GroupsTable
  gs_settings: SettingsTable
  gs_links: LinksTable
  gs_outbox: OutboxTable
  gs_throttle: ThrottleTable
  gs_imports: ImportsTable
  gs_audit: AuditTable
  gs_changes: ChangesTable
  gs_nodes: NodesTable
  gs_connections: ConnectionsTable
  gs_schema: { version: number }
}
