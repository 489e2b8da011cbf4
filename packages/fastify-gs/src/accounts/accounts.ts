import type { Selectable } from 'kysely'
import { recordAccountChange } from '../database/changes.ts'
import type { Db, Trx } from '../database/database.ts'
import type { AccountsTable } from '../database/schema.ts'
import { effectiveLevel } from './groups.ts'
import { emailKey, usernameKey, type Identifier } from './identifiers.ts'

/** An account as the application sees it. */
export interface Account {
  readonly id: string
  /** As typed at registration. */
  readonly username: string
  /** Null only for the configured admin without address. */
  readonly email: string | null
  readonly verified: boolean
  readonly admin: boolean
  /** Lives in the configuration; cannot be changed or deleted by a visitor. */
  readonly configured: boolean
  /** BCP 47 tag of the language in which it is spoken to; null: none chosen. */
  readonly language: string | null
  /** Nothing is open to it but to choose a new password: its mask is that of somebody who is only logged in, and policies refuse it. */
  readonly mustChangePassword: boolean
}

/** What the flows need besides: the password hash, level and sectors, and whether an operator has locked it. */
export interface StoredAccount extends Account {
  readonly locked: boolean
  readonly passwordHash: string
  /** That of its group, else its own. */
  readonly level: number
  readonly sectors: number
}

const selectAccounts = (db: Db) => db.selectFrom('gs_accounts').selectAll().select(effectiveLevel.as('effective_level'))

const toAccount = (row: Selectable<AccountsTable> & { effective_level: number }): StoredAccount => ({
  id: row.id,
  username: row.username,
  email: row.email,
  verified: row.configured === 1 || row.verified_email_key !== null,
  admin: row.configured === 1,
  configured: row.configured === 1,
  language: row.language,
  mustChangePassword: row.must_change_password === 1,
  locked: row.locked_at !== null,
  passwordHash: row.password_hash,
  level: row.effective_level,
  sectors: row.sectors
})

/** Without what only the flows may see. */
export function publicAccount({ id, username, email, verified, admin, configured, language, mustChangePassword }: Account): Account {
  return { id, username, email, verified, admin, configured, language, mustChangePassword }
}

export async function findAccountById(db: Db, id: string): Promise<StoredAccount | null> {
  const row = await selectAccounts(db).where('id', '=', id).executeTakeFirst()
  return row === undefined ? null : toAccount(row)
}

/**
 * The account, kept as it is until the transaction ends: a password change or deletion waits, or has been seen (on SQLite one transaction
 * excludes all others anyway).
 */
export async function lockAccount(trx: Trx, id: string): Promise<StoredAccount | null> {
  await trx
    .updateTable('gs_accounts')
    .set((eb) => ({ created_at: eb.ref('created_at') }))
    .where('id', '=', id)
    .execute()
  return findAccountById(trx, id)
}

export async function findAccountByUsername(db: Db, key: string): Promise<StoredAccount | null> {
  const row = await selectAccounts(db).where('username_key', '=', key).executeTakeFirst()
  return row === undefined ? null : toAccount(row)
}

/** The account that has proved this address. */
export async function findAccountByVerifiedEmail(db: Db, key: string): Promise<StoredAccount | null> {
  const row = await selectAccounts(db).where('verified_email_key', '=', key).executeTakeFirst()
  return row === undefined ? null : toAccount(row)
}

/** Those who claim an address that nobody has proved, latest first; before them the configured admin, who need not prove his. */
const claimantsOf = (db: Db, key: string) =>
  selectAccounts(db)
    .where('email_key', '=', key)
    .where('verified_email_key', 'is', null)
    .orderBy('configured', 'desc')
    .orderBy('created_at', 'desc')
    .orderBy('id')

/** The latest accounts that claim this address and have not proved it, at most three. */
export async function findUnverifiedAccountsByEmail(db: Db, key: string): Promise<StoredAccount[]> {
  const rows = await claimantsOf(db, key).where('configured', '=', 0).limit(3).execute()
  return rows.map(toAccount)
}

/**
 * Whom somebody means who types a user name or an e-mail address; of an address that nobody has proved the configured admin, else
 * the latest claimant.
 */
export async function findAccountByName(db: Db, typed: string): Promise<StoredAccount | null> {
  if (typed.includes('@')) {
    const key = emailKey(typed)
    if (key === null) return null
    const proved = await findAccountByVerifiedEmail(db, key)
    if (proved !== null) return proved
    const row = await claimantsOf(db, key).limit(1).executeTakeFirst()
    return row === undefined ? null : toAccount(row)
  }
  const key = usernameKey(typed)
  return key === null ? null : findAccountByUsername(db, key)
}

export interface NewAccount {
  readonly id: string
  readonly username: Identifier
  readonly email: Identifier
  readonly passwordHash: string
  readonly createdAt: number
  /** Default: false. */
  readonly mustChangePassword?: boolean
  /** BCP 47 tag. Default: none chosen. */
  readonly language?: string | null
}

/** False: the user name is taken. */
export async function insertAccount(db: Db, account: NewAccount): Promise<boolean> {
  const result = await db
    .insertInto('gs_accounts')
    .values({
      id: account.id,
      username: account.username.value,
      username_key: account.username.key,
      email: account.email.value,
      email_key: account.email.key,
      verified_email_key: null,
      password_hash: account.passwordHash,
      created_at: account.createdAt,
      must_change_password: account.mustChangePassword === true ? 1 : 0,
      language: account.language ?? null
    })
    .onConflict((conflict) => conflict.column('username_key').doNothing())
    .executeTakeFirst()
  return result.numInsertedOrUpdatedRows === 1n
}

/** Marks the address as proved by this account. False: another account has proved the same address before. */
export async function markVerified(db: Db, id: string): Promise<boolean> {
  const result = await db
    .updateTable('gs_accounts')
    .set((eb) => ({ verified_email_key: eb.ref('email_key') }))
    .where('id', '=', id)
    .where((eb) =>
      eb.not(
        eb.exists(
          eb
            .selectFrom('gs_accounts as other')
            .select('other.id')
            .whereRef('other.verified_email_key', '=', 'gs_accounts.email_key')
            .where('other.id', '!=', id)
        )
      )
    )
    .executeTakeFirst()
  if (result.numUpdatedRows === 0n) return false
  await recordAccountChange(db, id)
  return true
}

/** Gives the account an address that its owner has just proved. False: another account has proved it before, or this one is gone. */
export async function setVerifiedEmail(db: Db, id: string, email: Identifier): Promise<boolean> {
  const result = await db
    .updateTable('gs_accounts')
    .set({ email: email.value, email_key: email.key, verified_email_key: email.key })
    .where('id', '=', id)
    .where('configured', '=', 0)
    .where((eb) =>
      eb.not(
        eb.exists(
          eb
            .selectFrom('gs_accounts as other')
            .select('other.id')
            .where('other.verified_email_key', '=', email.key)
            .where('other.id', '!=', id)
        )
      )
    )
    .executeTakeFirst()
  if (result.numUpdatedRows === 0n) return false
  await recordAccountChange(db, id)
  return true
}

/** Counts a login; uses of a session are none. */
export async function recordLogin(trx: Trx, id: string, now: number): Promise<void> {
  await trx
    .updateTable('gs_accounts')
    .set((eb) => ({ visits: eb('visits', '+', 1), last_login_at: now }))
    .where('id', '=', id)
    .execute()
}

/** The language in which the account is spoken to, from the next request on. */
export async function setLanguage(db: Db, id: string, language: string): Promise<void> {
  await db.updateTable('gs_accounts').set({ language }).where('id', '=', id).execute()
  await recordAccountChange(db, id)
}

/** From the next request on nothing is open to the account but to choose a new password; or no longer so. */
export async function setMustChangePassword(db: Db, id: string, mustChange: boolean): Promise<void> {
  await db
    .updateTable('gs_accounts')
    .set({ must_change_password: mustChange ? 1 : 0 })
    .where('id', '=', id)
    .where('configured', '=', 0)
    .execute()
  await recordAccountChange(db, id)
}

/** Replaces the password. With `from`, only if it is still that one. False: it was changed meanwhile, or the account is gone. */
export async function replacePasswordHash(db: Db, id: string, to: string, from?: string): Promise<boolean> {
  const update = db.updateTable('gs_accounts').set({ password_hash: to }).where('id', '=', id).where('configured', '=', 0)
  const result = await (from === undefined ? update : update.where('password_hash', '=', from)).executeTakeFirst()
  return result.numUpdatedRows === 1n
}

/**
 * The owner has chosen a new password, and so done what he perhaps had to. Only if password and duty are still those of `from`. False: one
 * of them was changed meanwhile, or the account is gone.
 */
export async function chooseNewPassword(
  db: Db,
  id: string,
  to: string,
  from: Pick<StoredAccount, 'passwordHash' | 'mustChangePassword'>
): Promise<boolean> {
  const result = await db
    .updateTable('gs_accounts')
    .set({ password_hash: to, must_change_password: 0 })
    .where('id', '=', id)
    .where('configured', '=', 0)
    .where('password_hash', '=', from.passwordHash)
    .where('must_change_password', '=', from.mustChangePassword ? 1 : 0)
    .executeTakeFirst()
  if (result.numUpdatedRows === 0n) return false
  await recordAccountChange(db, id)
  return true
}

/** Removes the account; its sessions, links and waiting mails go with it. With `passwordHash`, only if it still has that one. */
export async function deleteAccount(db: Db, id: string, passwordHash: string): Promise<boolean> {
  const result = await db
    .deleteFrom('gs_accounts')
    .where('id', '=', id)
    .where('password_hash', '=', passwordHash)
    .where('configured', '=', 0)
    .executeTakeFirst()
  return result.numDeletedRows === 1n
}

/** Links that are mailed later than this after the sign-up do not keep an account: or whoever asks every day would hold its name for ever. */
const longestExtension = 7 * 86_400_000

/**
 * Removes accounts that are not verified though they were created, and in the week after that mailed their last link, before the given
 * time, at most `limit` of them; says which. What an operator has locked stays for him to judge.
 *
 * @param leaving told which they are while they are still there, and cannot be verified any more
 */
export async function pruneUnverifiedAccounts(
  db: Db,
  before: number,
  limit: number,
  leaving?: (ids: readonly string[]) => Promise<void>
): Promise<Pick<Account, 'id' | 'username' | 'email'>[]> {
  // Changed to what they are, which keeps others from changing them until all is done.
  const held = await db
    .updateTable('gs_accounts')
    .set((eb) => ({ created_at: eb.ref('created_at') }))
    .where('id', 'in', (eb) =>
      eb
        .selectFrom('gs_accounts as old')
        .select('old.id')
        .where('old.verified_email_key', 'is', null)
        .where('old.configured', '=', 0)
        .where('old.locked_at', 'is', null)
        .where('old.created_at', '<', before)
        .where((eb) =>
          eb.not(
            eb.exists(
              eb
                .selectFrom('gs_links')
                .select('gs_links.id')
                .whereRef('gs_links.account_id', '=', 'old.id')
                .where('gs_links.created_at', '>=', before)
                .where((eb) => eb('gs_links.created_at', '<', eb('old.created_at', '+', longestExtension)))
            )
          )
        )
        .limit(limit)
    )
    // Again, because PostgreSQL asks only this again when the account is being verified at this moment.
    .where('verified_email_key', 'is', null)
    .returning('id')
    .execute()
  if (held.length === 0) return []
  const ids = held.map(({ id }) => id)
  await leaving?.(ids)
  return db.deleteFrom('gs_accounts').where('id', 'in', ids).returning(['id', 'username', 'email']).execute()
}
