import { sql, type ExpressionBuilder, type Selectable } from 'kysely'
import {
  findAccountByVerifiedEmail,
  deleteAccount,
  insertAccount,
  lockAccount,
  markVerified,
  replacePasswordHash,
  type StoredAccount
} from '../accounts/accounts.ts'
import { AuthLevel } from '../accounts/auth-level.ts'
import { voidLinks } from '../accounts/email-links.ts'
import { checkEmail, checkUsername, emailKey, usernameKey } from '../accounts/identifiers.ts'
import { createThrottle } from '../accounts/throttle.ts'
import { encodeNewPassword } from '../crypto/password-rules.ts'
import { createId } from '../crypto/tokens.ts'
import type { Db, Trx } from '../database/database.ts'
import type { AccountsTable, GsTables } from '../database/schema.ts'
import { gsError, GsOptionError } from '../errors.ts'
import { enqueueEvent } from '../mail/account-events.ts'
import { endSessionsOf } from '../sessions/sessions.ts'
import type { Administration, Grant } from './administration.ts'
import { cutPage, pageLimit } from './page.ts'
import type { AccountRecord } from './records.ts'
import type { AdminServices } from './services.ts'

const defaultMinLength = 15

const toRecord = (row: Selectable<AccountsTable>): AccountRecord => ({
  id: row.id,
  username: row.username,
  email: row.email,
  verified: row.configured === 1 || row.verified_email_key !== null,
  configured: row.configured === 1,
  level: row.level,
  sectors: row.sectors,
  createdAt: row.created_at,
  lockedAt: row.locked_at,
  passwordScheme: /^\$([\w-]+)\$/.exec(row.password_hash)?.[1] ?? null
})

async function recordOf(db: Db, id: string): Promise<AccountRecord> {
  return toRecord(await db.selectFrom('gs_accounts').selectAll().where('id', '=', id).executeTakeFirstOrThrow())
}

/** The account, kept as it is until the transaction ends. @throws {GsError} `GS_ACCOUNT_UNKNOWN`, `GS_CONFIGURED_ADMIN` */
async function requireChangeable(trx: Trx, id: string): Promise<StoredAccount> {
  const account = await lockAccount(trx, id)
  if (account === null) throw gsError('GS_ACCOUNT_UNKNOWN')
  if (account.configured) throw gsError('GS_CONFIGURED_ADMIN')
  return account
}

type Where = ExpressionBuilder<GsTables, 'gs_accounts'>

const states = {
  verified: (eb: Where) => eb.or([eb('verified_email_key', 'is not', null), eb('configured', '=', 1)]),
  unverified: (eb: Where) => eb.and([eb('verified_email_key', 'is', null), eb('configured', '=', 0)]),
  locked: (eb: Where) => eb('locked_at', 'is not', null)
}

/** Part of a user name or of an address, in the form of the keys. */
function containing(search: string) {
  const part = search.normalize('NFKC').toLowerCase().normalize('NFKC')
  const pattern = `%${part.replace(/[\\%_]/g, String.raw`\$&`)}%`
  return (eb: Where) => eb.or([sql<boolean>`username_key like ${pattern} escape '\\'`, sql<boolean>`email_key like ${pattern} escape '\\'`])
}

function sectorBits(value: number, name: string): number {
  if (!Number.isInteger(value) || value < 0 || value > 0xffff_ffff || (value & 0xf) !== 0)
    throw new GsOptionError(`${name} must be bits 4 to 31 of the mask as one unsigned number; it is ${value}.`)
  return value
}

function checkGrant({ sectors = 0, revokeSectors = 0, level }: Grant) {
  if (level !== undefined && (!Number.isInteger(level) || level < AuthLevel['logged-in'] || level > AuthLevel.root))
    throw new GsOptionError(`The level must be a whole number from ${AuthLevel['logged-in']} to ${AuthLevel.root}; it is ${level}.`)
  return { add: sectorBits(sectors, 'sectors'), remove: sectorBits(revokeSectors, 'revokeSectors'), level }
}

function checkMinLength(minLength: number): number {
  if (!Number.isInteger(minLength) || minLength < 8 || minLength > 64)
    throw new GsOptionError(`The shortest password must be 8 to 64 characters; it is ${minLength}.`)
  return minLength
}

export function manageAccounts({ database, hasher, now, ended }: AdminServices): Administration['accounts'] {
  const { db } = database
  const throttle = createThrottle(database, now)

  const hashNew = (password: string, minLength: number | undefined, owner: { username: string; email: string | null }) =>
    hasher.hash(encodeNewPassword(password, { minLength: checkMinLength(minLength ?? defaultMinLength), contextWords: [] }, owner))

  const findByAddress = async (typed: string): Promise<AccountRecord | null> => {
    const key = emailKey(typed)
    if (key === null) return null
    const owner = await findAccountByVerifiedEmail(db, key)
    if (owner !== null) return recordOf(db, owner.id)
    const [claimant, another] = await db.selectFrom('gs_accounts').selectAll().where('email_key', '=', key).limit(2).execute()
    if (another !== undefined)
      throw new GsOptionError(`Several accounts claim the address ${typed}, and none has proved it; give the user name or the id.`)
    return claimant === undefined ? null : toRecord(claimant)
  }

  return {
    async list({ search = '', state, limit: asked, after } = {}) {
      const limit = pageLimit(asked)
      // PostgreSQL has no NUL in texts, and no text of ours has one.
      if (!search.isWellFormed() || search.includes('\0')) return { accounts: [], next: null }
      const found = await db
        .selectFrom('gs_accounts')
        .selectAll()
        .$if(search !== '', (query) => query.where(containing(search)))
        .$if(state !== undefined, (query) => query.where(states[state!]))
        .$if(after !== undefined, (query) => query.where('username_key', '>', after!))
        .orderBy('username_key')
        .limit(limit + 1)
        .execute()
      const { rows, next } = cutPage(found, limit, (row) => row.username_key)
      return { accounts: rows.map(toRecord), next }
    },

    async find(name) {
      if (name.includes('@')) return findByAddress(name)
      const key = usernameKey(name)
      const rows = await db
        .selectFrom('gs_accounts')
        .selectAll()
        .where((eb) =>
          eb.or([...(key === null ? [] : [eb('username_key', '=', key)]), ...(/^[\w-]+$/.test(name) ? [eb('id', '=', name)] : [])])
        )
        .limit(2)
        .execute()
      if (rows.length > 1)
        throw new GsOptionError(`${name} is the id of one account, and another one has taken it as the user name; give the e-mail address.`)
      return rows[0] === undefined ? null : toRecord(rows[0])
    },

    async add({ username: name, email: address, password, verified = true, minLength }) {
      const username = checkUsername(name)
      const email = checkEmail(address)
      const passwordHash = password === null ? '' : await hashNew(password, minLength, { username: username.value, email: email.value })
      return database.transaction(async (trx) => {
        const id = createId()
        if (!(await insertAccount(trx, { id, username, email, passwordHash, createdAt: now() })))
          throw gsError('GS_USERNAME_TAKEN', { field: 'username' })
        const account = { id, username: username.value, email: email.value }
        await enqueueEvent(trx, 'accountCreated', account, now())
        if (verified) {
          if (!(await markVerified(trx, id))) throw gsError('GS_EMAIL_TAKEN', { field: 'email' })
          await enqueueEvent(trx, 'accountVerified', account, now())
        }
        return recordOf(trx, id)
      })
    },

    verify: (id) =>
      database.transaction(async (trx) => {
        const account = await requireChangeable(trx, id)
        if (!(await markVerified(trx, id))) throw gsError('GS_EMAIL_TAKEN')
        if (!account.verified) await enqueueEvent(trx, 'accountVerified', account, now())
        return recordOf(trx, id)
      }),

    async lock(id) {
      const { record, events } = await database.transaction(async (trx) => {
        await requireChangeable(trx, id)
        await trx.updateTable('gs_accounts').set({ locked_at: now() }).where('id', '=', id).where('locked_at', 'is', null).execute()
        const events = await endSessionsOf(trx, id, 'account-locked')
        return { record: await recordOf(trx, id), events }
      })
      ended(events)
      return record
    },

    unlock: (id) =>
      database.transaction(async (trx) => {
        await requireChangeable(trx, id)
        await voidLinks(trx, id, now(), 'forgot-password')
        await trx.updateTable('gs_accounts').set({ locked_at: null }).where('id', '=', id).execute()
        return recordOf(trx, id)
      }),

    async delete(id) {
      const events = await database.transaction(async (trx) => {
        const account = await requireChangeable(trx, id)
        const events = await endSessionsOf(trx, id, 'account-deleted')
        await deleteAccount(trx, id, account.passwordHash)
        await enqueueEvent(trx, 'accountDeleted', account, now(), 'operator')
        return events
      })
      ended(events)
    },

    async grant(id, grant) {
      const { add, remove, level } = checkGrant(grant)
      return database.transaction(async (trx) => {
        const account = await requireChangeable(trx, id)
        const sectors = ((account.sectors | add) & ~remove) >>> 0
        await trx
          .updateTable('gs_accounts')
          .set({ sectors, ...(level !== undefined && { level }) })
          .where('id', '=', id)
          .execute()
        return recordOf(trx, id)
      })
    },

    async setPassword(id, password, minLength) {
      const owner = await db.selectFrom('gs_accounts').select(['username', 'email', 'configured']).where('id', '=', id).executeTakeFirst()
      if (owner === undefined) throw gsError('GS_ACCOUNT_UNKNOWN')
      if (owner.configured === 1) throw gsError('GS_CONFIGURED_ADMIN')
      const hash = await hashNew(password, minLength, owner)
      const events = await database.transaction(async (trx) => {
        await requireChangeable(trx, id)
        await replacePasswordHash(trx, id, hash)
        await throttle.forgive(trx, id)
        await voidLinks(trx, id, now(), 'forgot-password')
        return endSessionsOf(trx, id, 'password-changed')
      })
      ended(events)
    }
  }
}
