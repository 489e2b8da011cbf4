import { sql } from 'kysely'
import { GsStartError } from '../errors.ts'
import type { GsDatabase, Trx } from './database.ts'

type Migration = (db: Trx, engine: GsDatabase['engine']) => Promise<void>

/** In order; the position is the version. Additive only within a major version of this package. */
const migrations: readonly Migration[] = [
  async function accountsSessionsMail(db) {
    await db.schema
      .createTable('gs_accounts')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('username', 'text', (c) => c.notNull())
      .addColumn('username_key', 'text', (c) => c.notNull().unique())
      .addColumn('email', 'text')
      .addColumn('email_key', 'text')
      .addColumn('verified_email_key', 'text', (c) => c.unique())
      .addColumn('password_hash', 'text', (c) => c.notNull())
      .addColumn('level', 'integer', (c) => c.notNull().defaultTo(10))
      .addColumn('sectors', 'bigint', (c) => c.notNull().defaultTo(0))
      .addColumn('configured', 'integer', (c) => c.notNull().defaultTo(0))
      .addColumn('created_at', 'bigint', (c) => c.notNull())
      .execute()
    await db.schema.createIndex('gs_accounts_email').on('gs_accounts').column('email_key').execute()

    await db.schema
      .createTable('gs_sessions')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('token_hash', 'text', (c) => c.notNull().unique())
      .addColumn('account_id', 'text', (c) => c.notNull().references('gs_accounts.id').onDelete('cascade'))
      .addColumn('created_at', 'bigint', (c) => c.notNull())
      .addColumn('last_active_at', 'bigint', (c) => c.notNull())
      .addColumn('expires_at', 'bigint', (c) => c.notNull())
      .addColumn('remember', 'integer', (c) => c.notNull())
      .addColumn('forgot_at', 'bigint')
      .addColumn('ip', 'text', (c) => c.notNull())
      .addColumn('user_agent', 'text', (c) => c.notNull())
      .execute()
    await db.schema.createIndex('gs_sessions_account').on('gs_sessions').column('account_id').execute()
    await db.schema.createIndex('gs_sessions_expiry').on('gs_sessions').column('expires_at').execute()
    await db.schema.createIndex('gs_sessions_activity').on('gs_sessions').column('last_active_at').execute()

    await db.schema
      .createTable('gs_links')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('token_hash', 'text', (c) => c.notNull().unique())
      .addColumn('purpose', 'text', (c) => c.notNull())
      .addColumn('account_id', 'text', (c) => c.notNull().references('gs_accounts.id').onDelete('cascade'))
      .addColumn('email', 'text', (c) => c.notNull())
      .addColumn('created_at', 'bigint', (c) => c.notNull())
      .addColumn('expires_at', 'bigint', (c) => c.notNull())
      .addColumn('used_at', 'bigint')
      .execute()
    await db.schema.createIndex('gs_links_account').on('gs_links').columns(['account_id', 'purpose']).execute()
    await db.schema.createIndex('gs_links_expiry').on('gs_links').column('expires_at').execute()

    await db.schema
      .createTable('gs_outbox')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('kind', 'text', (c) => c.notNull())
      .addColumn('account_id', 'text', (c) => c.references('gs_accounts.id').onDelete('set null'))
      .addColumn('recipient', 'text', (c) => c.notNull())
      .addColumn('recipient_key', 'text', (c) => c.notNull())
      .addColumn('parameters', 'text', (c) => c.notNull())
      .addColumn('link_id', 'text', (c) => c.references('gs_links.id').onDelete('set null'))
      .addColumn('state', 'text', (c) => c.notNull())
      .addColumn('attempts', 'integer', (c) => c.notNull().defaultTo(0))
      .addColumn('created_at', 'bigint', (c) => c.notNull())
      .addColumn('next_attempt_at', 'bigint', (c) => c.notNull())
      .addColumn('finished_at', 'bigint')
      .addColumn('last_error', 'text')
      .execute()
    await db.schema.createIndex('gs_outbox_due').on('gs_outbox').columns(['state', 'next_attempt_at']).execute()
    await db.schema.createIndex('gs_outbox_recipient').on('gs_outbox').columns(['recipient_key', 'created_at']).execute()

    await db.schema
      .createTable('gs_throttle')
      .addColumn('key', 'text', (c) => c.primaryKey())
      .addColumn('failures', 'integer', (c) => c.notNull())
      .addColumn('last_at', 'bigint', (c) => c.notNull())
      .execute()
    await db.schema.createIndex('gs_throttle_age').on('gs_throttle').column('last_at').execute()
  },

  async function locksAndImports(db) {
    await db.schema.alterTable('gs_accounts').addColumn('locked_at', 'bigint').execute()
    await db.schema
      .createTable('gs_imports')
      .addColumn('source', 'text', (c) => c.notNull())
      .addColumn('name_hash', 'text', (c) => c.notNull())
      .addColumn('account_id', 'text', (c) => c.notNull())
      .addColumn('at', 'bigint', (c) => c.notNull())
      .addPrimaryKeyConstraint('gs_imports_primary', ['source', 'name_hash'])
      .execute()
  },

  async function audit(db) {
    await db.schema
      .createTable('gs_audit')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('at', 'bigint', (c) => c.notNull())
      .addColumn('actor', 'text', (c) => c.notNull())
      .addColumn('actor_account_id', 'text')
      .addColumn('ip', 'text')
      .addColumn('action', 'text', (c) => c.notNull())
      .addColumn('account_id', 'text')
      .addColumn('details', 'text', (c) => c.notNull())
      .execute()
    await db.schema.createIndex('gs_audit_time').on('gs_audit').columns(['at', 'id']).execute()
    await db.schema.createIndex('gs_audit_account').on('gs_audit').columns(['account_id', 'at', 'id']).execute()
    // The list of all sessions is in this order, and must not sort a hundred thousand rows for fifty of them.
    await db.schema.createIndex('gs_sessions_created').on('gs_sessions').columns(['created_at', 'id']).execute()
  },

  async function levelsAndSessionData(db) {
    await db.schema
      .createTable('gs_groups')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('name', 'text', (c) => c.notNull())
      .addColumn('name_key', 'text', (c) => c.notNull().unique())
      .addColumn('level', 'integer', (c) => c.notNull())
      .addColumn('created_at', 'bigint', (c) => c.notNull())
      .execute()
    const accounts = () => db.schema.alterTable('gs_accounts')
    // One column a statement: SQLite knows no more.
    await accounts()
      .addColumn('group_id', 'text', (c) => c.references('gs_groups.id').onDelete('set null'))
      .execute()
    await accounts()
      .addColumn('must_change_password', 'integer', (c) => c.notNull().defaultTo(0))
      .execute()
    await accounts().addColumn('language', 'text').execute()
    await accounts()
      .addColumn('visits', 'integer', (c) => c.notNull().defaultTo(0))
      .execute()
    await accounts().addColumn('last_login_at', 'bigint').execute()
    await db.schema.createIndex('gs_accounts_group').on('gs_accounts').column('group_id').execute()

    const sessions = () => db.schema.alterTable('gs_sessions')
    await sessions().addColumn('token_at', 'bigint').execute()
    await sessions()
      .addColumn('token_unused', 'integer', (c) => c.notNull().defaultTo(0))
      .execute()
    await sessions().addColumn('referer', 'text').execute()
    await db.schema
      .createTable('gs_replaced_tokens')
      .addColumn('token_hash', 'text', (c) => c.primaryKey())
      .addColumn('session_id', 'text', (c) => c.notNull().references('gs_sessions.id').onDelete('cascade'))
      .addColumn('valid_until', 'bigint')
      .execute()
    await db.schema.createIndex('gs_replaced_tokens_session').on('gs_replaced_tokens').column('session_id').execute()
    await db.schema.createIndex('gs_replaced_tokens_expiry').on('gs_replaced_tokens').column('valid_until').execute()

    await db.schema
      .createTable('gs_session_data')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('session_id', 'text', (c) => c.references('gs_sessions.id').onDelete('cascade'))
      .addColumn('token_hash', 'text')
      .addColumn('data', 'text', (c) => c.notNull())
      .addColumn('version', 'integer', (c) => c.notNull())
      .addColumn('address_key', 'text')
      .addColumn('expires_at', 'bigint')
      .execute()
    await db.schema.createIndex('gs_session_data_session').on('gs_session_data').column('session_id').execute()
    await db.schema.createIndex('gs_session_data_token').on('gs_session_data').column('token_hash').execute()
    await db.schema.createIndex('gs_session_data_address').on('gs_session_data').column('address_key').execute()
    await db.schema.createIndex('gs_session_data_expiry').on('gs_session_data').column('expires_at').execute()

    await db.schema
      .createTable('gs_settings')
      .addColumn('account_id', 'text', (c) => c.notNull().references('gs_accounts.id').onDelete('cascade'))
      .addColumn('key', 'text', (c) => c.notNull())
      .addColumn('value', 'text', (c) => c.notNull())
      .addColumn('updated_at', 'bigint', (c) => c.notNull())
      .addPrimaryKeyConstraint('gs_settings_primary', ['account_id', 'key'])
      .execute()
    await db.schema
      .alterTable('gs_links')
      .addColumn('tries', 'integer', (c) => c.notNull().defaultTo(0))
      .execute()
  },

  async function changesAndConnections(db, engine) {
    await db.schema
      .createTable('gs_changes')
      .addColumn('id', engine === 'postgres' ? 'bigserial' : 'integer', (c) =>
        engine === 'postgres' ? c.primaryKey() : c.primaryKey().autoIncrement()
      )
      .addColumn('account_id', 'text', (c) => c.notNull())
      .addColumn('type', 'text', (c) => c.notNull())
      .addColumn('session_id', 'text')
      .addColumn('cause', 'text')
      .addColumn('token_hash', 'text')
      .addColumn('at', 'bigint', (c) => c.notNull())
      .execute()
    await db.schema.createIndex('gs_changes_account').on('gs_changes').columns(['account_id', 'id']).execute()
    await db.schema.createIndex('gs_changes_token').on('gs_changes').column('token_hash').execute()
    await db.schema.createIndex('gs_changes_age').on('gs_changes').columns(['type', 'at']).execute()
    if (engine === 'postgres') {
      // Whoever writes, all processes that listen are told at the commit; the content they read from the table.
      await sql`create or replace function gs_tell_changes() returns trigger language plpgsql as $$
        begin perform pg_notify('gs_changes', ''); return null; end $$`.execute(db)
      await sql`create trigger gs_changes_told after insert on gs_changes
        for each statement execute function gs_tell_changes()`.execute(db)
    }
    await db.schema
      .createTable('gs_nodes')
      .addColumn('id', 'text', (c) => c.primaryKey())
      .addColumn('seen_at', 'bigint', (c) => c.notNull())
      .execute()
    await db.schema
      .createTable('gs_connections')
      .addColumn('node_id', 'text', (c) => c.notNull().references('gs_nodes.id').onDelete('cascade'))
      .addColumn('session_id', 'text', (c) => c.notNull())
      .addColumn('pages', 'integer', (c) => c.notNull())
      .addColumn('sockets', 'integer', (c) => c.notNull())
      .addPrimaryKeyConstraint('gs_connections_primary', ['node_id', 'session_id'])
      .execute()
    await db.schema.createIndex('gs_connections_session').on('gs_connections').column('session_id').execute()
  }
]

/** The schema version that this package writes. */
export const schemaVersion = migrations.length

/**
 * Brings the tables to {@link schemaVersion}, in one transaction, so that it is done wholly or not at all; several
 * processes that start at once wait for one another. Gives the version that was found; 0: the database is new.
 *
 * @throws {GsStartError} when the database was written by a newer version of this package
 */
export async function migrate(database: Pick<GsDatabase, 'engine' | 'transaction'>, name: string): Promise<number> {
  return database.transaction(async (trx) => {
    // SQLite transactions begin immediate (sqlite.ts) and exclude one another already.
    if (database.engine === 'postgres') await sql`select pg_advisory_xact_lock(720210713)`.execute(trx)
    await trx.schema
      .createTable('gs_schema')
      .ifNotExists()
      .addColumn('version', 'integer', (c) => c.notNull())
      .execute()
    const found = (await trx.selectFrom('gs_schema').select('version').executeTakeFirst())?.version
    const from = found ?? 0
    if (from > schemaVersion) {
      throw new GsStartError(
        `${name} was written by a newer version of fastify-gs (schema ${from}, this version knows ${schemaVersion}); install that version or restore an older backup.`
      )
    }
    for (const migration of migrations.slice(from)) await migration(trx, database.engine)
    if (found === undefined) await trx.insertInto('gs_schema').values({ version: schemaVersion }).execute()
    else if (from < schemaVersion) await trx.updateTable('gs_schema').set({ version: schemaVersion }).execute()
    return from
  })
}
