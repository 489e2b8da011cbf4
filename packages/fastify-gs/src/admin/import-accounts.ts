import { looksLike, checkEmail, checkUsernameForm, type Identifier } from '../accounts/identifiers.ts'
import { isPasswordHash } from '../crypto/passwords.ts'
import { createId, digest } from '../crypto/tokens.ts'
import type { Db, Trx } from '../database/database.ts'
import { GsOptionError, isGsError } from '../errors.ts'
import { enqueueEvents } from '../mail/account-events.ts'
import type { Administration } from './administration.ts'
import type { ImportedAccount, ImportOutcome } from './records.ts'
import type { AdminServices } from './services.ts'

/** Rows of one statement; the engines have a limit on its parameters. */
const chunkSize = 500

function* chunks<T>(items: readonly T[]): Generator<T[]> {
  for (let at = 0; at < items.length; at += chunkSize) yield items.slice(at, at + chunkSize)
}

interface Candidate {
  readonly account: ImportedAccount
  readonly username: Identifier
  readonly email: Identifier
}

interface NewRow extends Candidate {
  readonly id: string
}

/** Kinds that the server may not know are let through: `password.legacy` is an option of the server. */
const isStorable = (hash: string) =>
  hash === '' || (hash.startsWith('$argon2id$') ? isPasswordHash(hash) : /^\$[\w-]{1,32}\$[\x21-\x7e]{1,512}$/.test(hash))

/** What can be said without the database; a text is the reason for a refusal. */
function examine(account: ImportedAccount, admins: readonly string[]): Candidate | string {
  try {
    const username = checkUsernameForm(account.name)
    const admin = admins.find((name) => looksLike(name, username.value))
    if (admin !== undefined) return `The user name looks like that of the configured admin, "${admin}".`
    if (account.email === null) return 'It has no e-mail address, so it could never be verified.'
    const email = checkEmail(account.email)
    if (!isStorable(account.passwordHash)) return 'The password hash is damaged; it must begin with the name of its kind between two $.'
    return { account, username, email }
  } catch (error) {
    if (isGsError(error)) return error.message
    throw error
  }
}

async function knownNames(db: Db, source: string, batch: readonly ImportedAccount[]): Promise<Set<string>> {
  const known = new Set<string>()
  for (const chunk of chunks(batch.map(({ name }) => digest(name)))) {
    const rows = await db
      .selectFrom('gs_imports')
      .select('name_hash')
      .where('source', '=', source)
      .where('name_hash', 'in', chunk)
      .execute()
    for (const row of rows) known.add(row.name_hash)
  }
  return known
}

/** Who has the user names and the proved addresses already: key to name. */
async function holders(db: Db, candidates: readonly Candidate[]) {
  const usernames = new Map<string, string>()
  const addresses = new Map<string, string>()
  for (const chunk of chunks(candidates)) {
    const rows = await db
      .selectFrom('gs_accounts')
      .select(['username', 'username_key', 'verified_email_key'])
      .where((eb) =>
        eb.or([
          eb(
            'username_key',
            'in',
            chunk.map(({ username }) => username.key)
          ),
          eb(
            'verified_email_key',
            'in',
            chunk.map(({ email }) => email.key)
          )
        ])
      )
      .execute()
    for (const row of rows) {
      usernames.set(row.username_key, row.username)
      if (row.verified_email_key !== null) addresses.set(row.verified_email_key, row.username)
    }
  }
  return { usernames, addresses }
}

async function plan(db: Db, source: string, batch: readonly ImportedAccount[], admin: string | undefined) {
  const configured = await db.selectFrom('gs_accounts').select('username').where('configured', '=', 1).execute()
  const admins = [...configured.map(({ username }) => username), ...(admin === undefined ? [] : [admin])]
  const known = await knownNames(db, source, batch)
  const examined = batch.map((account) => (known.has(digest(account.name)) ? null : examine(account, admins)))
  const { usernames, addresses } = await holders(
    db,
    examined.filter((candidate) => candidate !== null && typeof candidate !== 'string')
  )

  const rows: NewRow[] = []
  const outcomes = examined.map((candidate, index): ImportOutcome => {
    const { name } = batch[index]!
    const refused = (reason: string): ImportOutcome => ({ name, result: 'refused', reason })
    if (candidate === null) return { name, result: 'known' }
    if (typeof candidate === 'string') return refused(candidate)
    const { account, username, email } = candidate
    const namesake = usernames.get(username.key)
    if (namesake !== undefined) return refused(`The user name counts as the same as "${namesake}", which another account has.`)
    const owner = addresses.get(email.key)
    if (account.verified && owner !== undefined) return refused(`The account "${owner}" has proved the same e-mail address.`)
    usernames.set(username.key, username.value)
    if (account.verified) addresses.set(email.key, username.value)
    rows.push({ ...candidate, id: createId() })
    return { name, result: 'imported' }
  })
  return { rows, outcomes }
}

/** One that is not verified has the usual time for it from now on. */
function beginningOf({ verified, createdAt }: ImportedAccount, now: number): number {
  if (!verified || createdAt === null || !Number.isFinite(createdAt)) return now
  return Math.min(Math.max(0, Math.trunc(createdAt)), now)
}

async function insert(trx: Trx, source: string, rows: readonly NewRow[], at: number): Promise<void> {
  for (const chunk of chunks(rows)) {
    await trx
      .insertInto('gs_accounts')
      .values(
        chunk.map(({ id, account, username, email }) => ({
          id,
          username: username.value,
          username_key: username.key,
          email: email.value,
          email_key: email.key,
          verified_email_key: account.verified ? email.key : null,
          password_hash: account.passwordHash,
          created_at: beginningOf(account, at)
        }))
      )
      .execute()
    await trx
      .insertInto('gs_imports')
      .values(chunk.map(({ id, account }) => ({ source, name_hash: digest(account.name), account_id: id, at })))
      .execute()
    const concerned = (of: readonly NewRow[]) => of.map(({ id, username, email }) => ({ id, username: username.value, email: email.value }))
    await enqueueEvents(trx, 'accountCreated', concerned(chunk), at)
    await enqueueEvents(trx, 'accountVerified', concerned(chunk.filter(({ account }) => account.verified)), at)
  }
}

export function createImportAccounts({ database, now, audited }: AdminServices): Administration['importAccounts'] {
  return async (source, batch, { dryRun, admin }) => {
    if (!/^[\w.:/@-]{1,200}$/.test(source))
      throw new GsOptionError('The name of the source must be 1 to 200 letters, digits and . _ - : / @.')
    if (dryRun) return (await plan(database.db, source, batch, admin)).outcomes
    return audited(async (trx, record) => {
      const { rows, outcomes } = await plan(trx, source, batch, admin)
      await insert(trx, source, rows, now())
      if (rows.length > 0) await record({ action: 'import', accountId: null, details: { source, accounts: rows.length } })
      return outcomes
    })
  }
}
