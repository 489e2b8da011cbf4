/** What each version added, as it was published: a later change of a migration must not change what tests begin with. */
export const publishedSchemas: readonly (readonly string[])[] = [
  [
    `create table gs_accounts (id text primary key, username text not null, username_key text not null unique, email text, email_key text,
      verified_email_key text unique, password_hash text not null, level integer default 10 not null, sectors bigint default 0 not null,
      configured integer default 0 not null, created_at bigint not null)`,
    'create index gs_accounts_email on gs_accounts (email_key)',
    `create table gs_sessions (id text primary key, token_hash text not null unique,
      account_id text not null references gs_accounts (id) on delete cascade, created_at bigint not null, last_active_at bigint not null,
      expires_at bigint not null, remember integer not null, forgot_at bigint, ip text not null, user_agent text not null)`,
    'create index gs_sessions_account on gs_sessions (account_id)',
    'create index gs_sessions_expiry on gs_sessions (expires_at)',
    'create index gs_sessions_activity on gs_sessions (last_active_at)',
    `create table gs_links (id text primary key, token_hash text not null unique, purpose text not null,
      account_id text not null references gs_accounts (id) on delete cascade, email text not null, created_at bigint not null,
      expires_at bigint not null, used_at bigint)`,
    'create index gs_links_account on gs_links (account_id, purpose)',
    'create index gs_links_expiry on gs_links (expires_at)',
    `create table gs_outbox (id text primary key, kind text not null, account_id text references gs_accounts (id) on delete set null,
      recipient text not null, recipient_key text not null, parameters text not null,
      link_id text references gs_links (id) on delete set null, state text not null, attempts integer default 0 not null,
      created_at bigint not null, next_attempt_at bigint not null, finished_at bigint, last_error text)`,
    'create index gs_outbox_due on gs_outbox (state, next_attempt_at)',
    'create index gs_outbox_recipient on gs_outbox (recipient_key, created_at)',
    'create table gs_throttle (key text primary key, failures integer not null, last_at bigint not null)',
    'create index gs_throttle_age on gs_throttle (last_at)'
  ],
  [
    'alter table gs_accounts add column locked_at bigint',
    `create table gs_imports (source text not null, name_hash text not null, account_id text not null, at bigint not null,
      constraint gs_imports_primary primary key (source, name_hash))`
  ],
  [
    `create table gs_audit (id text primary key, at bigint not null, actor text not null, actor_account_id text, ip text,
      action text not null, account_id text, details text not null)`,
    'create index gs_audit_time on gs_audit (at, id)',
    'create index gs_audit_account on gs_audit (account_id, at, id)',
    'create index gs_sessions_created on gs_sessions (created_at, id)'
  ]
]
