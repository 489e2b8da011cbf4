import { setImmediate } from 'node:timers/promises'
import { sql, type Expression, type ExpressionBuilder, type Selectable, type SqlBool } from 'kysely'
import {
  findAccountByVerifiedEmail,
  deleteAccount,
  insertAccount,
  lockAccount,
  markVerified,
  replacePasswordHash,
  setMustChangePassword
} from '../accounts/accounts.ts'
import { AuthLevel } from '../accounts/auth-level.ts'
import { voidLinks } from '../accounts/email-links.ts'
import { effectiveLevel, lockGroup, setGroupOf } from '../accounts/groups.ts'
import { checkEmail, checkUsername, emailKey, usernameKey } from '../accounts/identifiers.ts'
import { failuresOn, forgiveFailures } from '../accounts/throttle.ts'
import { encodeNewPassword } from '../crypto/password-rules.ts'
import { pepperIdOf } from '../crypto/passwords.ts'
import { createId } from '../crypto/tokens.ts'
import { recordAccountChange } from '../database/changes.ts'
import type { Db } from '../database/database.ts'
import type { AccountsTable, GsTables } from '../database/schema.ts'
import { gsError, GsOptionError } from '../errors.ts'
import { enqueueEvent } from '../mail/account-events.ts'
import { endSessionsOf } from '../sessions/sessions.ts'
import { requireChangeable } from './actor.ts'
import type { AccountState, Administration, Grant } from './administration.ts'
import { cutPage, pageLimit } from './page.ts'
import type { AccountRecord, AccountStatus } from './records.ts'
import type { AdminServices } from './services.ts'

const defaultMinLength = 15

type Row = Selectable<AccountsTable> & { readonly effective_level: number; readonly group_name: string | null }

const selectRows = (db: Db) =>
  db
    .selectFrom('gs_accounts')
    .selectAll()
    .select(effectiveLevel.as('effective_level'))
    .select((eb) =>
      eb.selectFrom('gs_groups').select('gs_groups.name').whereRef('gs_groups.id', '=', 'gs_accounts.group_id').as('group_name')
    )

/** The first accounts that fit, of those behind the key `from` up to the key `to`. */
type Fitting = (from: string | undefined, to: string | undefined, count: number) => Promise<Row[]>

/** Accounts that are looked at in one go. */
const stretch = 10_000

function schemeOf(hash: string): string | null {
  const scheme = /^\$([\w-]+)\$/.exec(hash)?.[1] ?? null
  const pepper = pepperIdOf(hash)
  return pepper === null ? scheme : `${scheme}+${pepper}`
}

const isVerified = (row: Row) => row.configured === 1 || row.verified_email_key !== null

function statusOf(row: Row): AccountStatus {
  if (row.locked_at !== null) return 'locked'
  if (!isVerified(row)) return 'inactive'
  return row.must_change_password === 1 ? 'must-change-password' : 'active'
}

const toRecord = (row: Row): AccountRecord => ({
  id: row.id,
  username: row.username,
  email: row.email,
  verified: isVerified(row),
  status: statusOf(row),
  mustChangePassword: row.must_change_password === 1,
  visits: row.visits,
  lastLoginAt: row.last_login_at,
  language: row.language,
  configured: row.configured === 1,
  level: row.level,
  effectiveLevel: row.effective_level,
  group: row.group_name,
  sectors: row.sectors,
  createdAt: row.created_at,
  lockedAt: row.locked_at,
  passwordScheme: schemeOf(row.password_hash)
})

/** The account with this id. @throws {GsError} `GS_ACCOUNT_UNKNOWN` */
export async function recordOf(db: Db, id: string): Promise<AccountRecord> {
  const row = await selectRows(db).where('id', '=', id).executeTakeFirst()
  if (row === undefined) throw gsError('GS_ACCOUNT_UNKNOWN')
  return toRecord(row)
}

/** The sectors of a mask by name, or by the number of the bit where it has none. */
export function namesOfSectors(mask: number, names: readonly string[]): string[] {
  return Array.from({ length: 28 }, (_, index) => (((mask >>> (index + 4)) & 1) === 1 ? (names[index] ?? String(index + 4)) : null)).filter(
    (name) => name !== null
  )
}

type Where = ExpressionBuilder<GsTables, 'gs_accounts'>

const states: Readonly<Record<AccountState, (eb: Where) => Expression<SqlBool>>> = {
  verified: (eb: Where) => eb.or([eb('verified_email_key', 'is not', null), eb('configured', '=', 1)]),
  unverified: (eb: Where) => eb.and([eb('verified_email_key', 'is', null), eb('configured', '=', 0)]),
  locked: (eb: Where) => eb('locked_at', 'is not', null),
  'must-change-password': (eb: Where) => eb('must_change_password', '=', 1)
}

/** Part of a user name or of an address, in the form of the keys; a whole address also as its domain is kept, in ASCII. */
function containing(search: string) {
  const part = search.normalize('NFKC').toLowerCase().normalize('NFKC')
  const pattern = `%${part.replace(/[\\%_]/g, String.raw`\$&`)}%`
  return (eb: Where) =>
    eb.or([
      sql<boolean>`username_key like ${pattern} escape '\\'`,
      sql<boolean>`email_key like ${pattern} escape '\\'`,
      eb('email_key', '=', emailKey(search))
    ])
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

export function manageAccounts({
  database,
  hasher,
  blocklist,
  now,
  actor,
  audited,
  sectors: names,
  ended
}: AdminServices): Administration['accounts'] {
  const { db } = database

  const hashNew = (password: string, minLength: number | undefined, owner: { username: string; email: string | null }) =>
    hasher.hash(
      encodeNewPassword(password, { minLength: checkMinLength(minLength ?? defaultMinLength), contextWords: [], blocklist }, owner)
    )

  /**
   * SQLite keeps the whole process waiting while it looks at every account for the few that fit: 0.1 s for 100,000 of them. So they are
   * looked at in stretches, with time for others in between.
   */
  const inStretches = async (fitting: Fitting, after: string | undefined, count: number) => {
    const found: Row[] = []
    for (let from = after; ;) {
      const end = await db
        .selectFrom('gs_accounts')
        .select('username_key')
        .$if(from !== undefined, (query) => query.where('username_key', '>', from!))
        .orderBy('username_key')
        .limit(1)
        .offset(stretch)
        .executeTakeFirst()
      found.push(...(await fitting(from, end?.username_key, count - found.length)))
      if (end === undefined || found.length === count) return found
      from = end.username_key
      await setImmediate()
    }
  }

  const findByAddress = async (typed: string): Promise<AccountRecord | null> => {
    const key = emailKey(typed)
    if (key === null) return null
    const owner = await findAccountByVerifiedEmail(db, key)
    if (owner !== null) return recordOf(db, owner.id)
    const [claimant, another] = await selectRows(db).where('email_key', '=', key).limit(2).execute()
    if (another !== undefined)
      throw new GsOptionError(`Several accounts claim the address ${typed}, and none has proved it; give the user name or the id.`)
    return claimant === undefined ? null : toRecord(claimant)
  }

  const accounts: Administration['accounts'] = {
    async list({ search = '', state, limit: asked, after } = {}) {
      const limit = pageLimit(asked)
      // PostgreSQL has no NUL in texts, and no text of ours has one.
      if (!search.isWellFormed() || search.includes('\0')) return { accounts: [], next: null }
      const fitting: Fitting = (from, to, count) =>
        selectRows(db)
          .$if(search !== '', (query) => query.where(containing(search)))
          .$if(state !== undefined, (query) => query.where(states[state!]))
          .$if(from !== undefined, (query) => query.where('username_key', '>', from!))
          .$if(to !== undefined, (query) => query.where('username_key', '<=', to!))
          .orderBy('username_key')
          .limit(count)
          .execute()
      const isFiltered = search !== '' || state !== undefined
      const found = await (isFiltered && database.engine === 'sqlite'
        ? inStretches(fitting, after, limit + 1)
        : fitting(after, undefined, limit + 1))
      const { rows, next } = cutPage(found, limit, (row) => row.username_key)
      return { accounts: rows.map(toRecord), next }
    },

    async find(name) {
      if (name.includes('@')) return findByAddress(name)
      const key = usernameKey(name)
      const rows = await selectRows(db)
        .where((eb) =>
          eb.or([...(key === null ? [] : [eb('username_key', '=', key)]), ...(/^[\w-]+$/.test(name) ? [eb('id', '=', name)] : [])])
        )
        .limit(2)
        .execute()
      if (rows.length > 1)
        throw new GsOptionError(`${name} is the id of one account, and another one has taken it as the user name; give the e-mail address.`)
      return rows[0] === undefined ? null : toRecord(rows[0])
    },

    async add({ username: name, email: address, password, verified = true, minLength, mustChangePassword = false }) {
      const username = checkUsername(name)
      const email = checkEmail(address)
      const passwordHash = password === null ? '' : await hashNew(password, minLength, { username: username.value, email: email.value })
      return audited(async (trx, record) => {
        const id = createId()
        if (!(await insertAccount(trx, { id, username, email, passwordHash, createdAt: now(), mustChangePassword })))
          throw gsError('GS_USERNAME_TAKEN', { field: 'username' })
        const account = { id, username: username.value, email: email.value }
        await enqueueEvent(trx, 'accountCreated', account, now())
        if (verified) {
          if (!(await markVerified(trx, id))) throw gsError('GS_EMAIL_TAKEN', { field: 'email' })
          await enqueueEvent(trx, 'accountVerified', account, now())
        }
        await record({ action: 'add', accountId: id, details: { verified, ...(mustChangePassword && { mustChangePassword }) } })
        return recordOf(trx, id)
      })
    },

    verify: (id) =>
      audited(async (trx, record) => {
        const account = await requireChangeable(trx, actor, id)
        if (!(await markVerified(trx, id))) throw gsError('GS_EMAIL_TAKEN')
        if (!account.verified) {
          await enqueueEvent(trx, 'accountVerified', account, now())
          await record({ action: 'verify', accountId: id, details: { verified: [false, true] } })
        }
        return recordOf(trx, id)
      }),

    async lock(id) {
      const { account, events } = await audited(async (trx, record) => {
        const { locked } = await requireChangeable(trx, actor, id)
        await trx.updateTable('gs_accounts').set({ locked_at: now() }).where('id', '=', id).where('locked_at', 'is', null).execute()
        const events = await endSessionsOf(trx, id, 'account-locked')
        if (!locked) await record({ action: 'lock', accountId: id, details: { locked: [false, true], sessions: events.length } })
        return { account: await recordOf(trx, id), events }
      })
      ended(events)
      return account
    },

    unlock: (id) =>
      audited(async (trx, record) => {
        const { locked } = await requireChangeable(trx, actor, id)
        // Of an account that is open nothing must be lost without an entry in the audit.
        if (locked) {
          await voidLinks(trx, id, now(), 'forgot-password', 'login-code', 'change-email')
          await trx.updateTable('gs_accounts').set({ locked_at: null }).where('id', '=', id).execute()
        }
        const failures = await failuresOn(trx, id)
        if (failures !== null) await forgiveFailures(trx, id)
        const details = { ...(locked && { locked: [true, false] }), ...(failures !== null && { failures: [failures.count, 0] }) }
        if (locked || failures !== null) await record({ action: 'unlock', accountId: id, details })
        return recordOf(trx, id)
      }),

    async delete(id) {
      const events = await audited(async (trx, record) => {
        const account = await requireChangeable(trx, actor, id)
        const events = await endSessionsOf(trx, id, 'account-deleted')
        await deleteAccount(trx, id, account.passwordHash)
        await forgiveFailures(trx, id)
        await enqueueEvent(trx, 'accountDeleted', account, now(), 'operator')
        await record({ action: 'delete', accountId: id, details: { sessions: events.length } })
        return events
      })
      ended(events)
    },

    async grant(id, grant) {
      const { add, remove, level } = checkGrant(grant)
      return audited(async (trx, record) => {
        const group = grant.group === undefined || grant.group === null ? grant.group : await lockGroup(trx, grant.group)
        if (group === null && grant.group !== null) throw gsError('GS_GROUP_UNKNOWN', { field: 'group' })
        // Held from here on: the own level that he has again must be the one that the rank is compared with.
        await lockAccount(trx, id)
        const before = await recordOf(trx, id)
        // Who leaves a group has his own level again.
        const lent = group === undefined ? undefined : (group?.level ?? level ?? before.level)
        const highest = lent === undefined && level === undefined ? undefined : Math.max(lent ?? 0, level ?? 0)
        const account = await requireChangeable(trx, actor, id, highest)
        const sectors = ((account.sectors | add) & ~remove) >>> 0
        await trx
          .updateTable('gs_accounts')
          .set({ sectors, ...(level !== undefined && { level }) })
          .where('id', '=', id)
          .execute()
        await recordAccountChange(trx, id)
        if (group !== undefined) await setGroupOf(trx, id, group?.id ?? null)
        const after = await recordOf(trx, id)
        const details = {
          ...(after.level !== before.level && { level: [before.level, after.level] }),
          ...(after.group !== before.group && { group: [before.group, after.group] }),
          ...(sectors !== account.sectors && { sectors: [namesOfSectors(account.sectors, names), namesOfSectors(sectors, names)] })
        }
        if (Object.keys(details).length > 0) await record({ action: 'grant', accountId: id, details })
        return after
      })
    },

    setGroup: (id, group) => accounts.grant(id, { group }),

    requirePasswordChange: (id, required = true) =>
      audited(async (trx, record) => {
        const { mustChangePassword } = await requireChangeable(trx, actor, id)
        if (mustChangePassword !== required) {
          await setMustChangePassword(trx, id, required)
          await record({ action: 'require-password-change', accountId: id, details: { mustChangePassword: [!required, required] } })
        }
        return recordOf(trx, id)
      }),

    async failures(id) {
      await recordOf(db, id)
      return failuresOn(db, id)
    },

    async setPassword(id, password, { minLength, mustChange = false } = {}) {
      const owner = await db.selectFrom('gs_accounts').select(['username', 'email', 'configured']).where('id', '=', id).executeTakeFirst()
      if (owner === undefined) throw gsError('GS_ACCOUNT_UNKNOWN')
      if (owner.configured === 1) throw gsError('GS_CONFIGURED_ADMIN')
      const hash = await hashNew(password, minLength, owner)
      const events = await audited(async (trx, record) => {
        await requireChangeable(trx, actor, id)
        await replacePasswordHash(trx, id, hash)
        await setMustChangePassword(trx, id, mustChange)
        await forgiveFailures(trx, id)
        await voidLinks(trx, id, now(), 'forgot-password', 'login-code', 'change-email')
        const events = await endSessionsOf(trx, id, 'password-changed')
        await record({ action: 'set-password', accountId: id, details: { sessions: events.length, ...(mustChange && { mustChange }) } })
        return events
      })
      ended(events)
    }
  }
  return accounts
}
