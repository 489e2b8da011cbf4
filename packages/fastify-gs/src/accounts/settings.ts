import type { Db, GsDatabase } from '../database/database.ts'
import { gsError, type GsError } from '../errors.ts'

const maxKeys = 100
const maxLength = 1024
const keyPattern = /^[\w.:-]{1,64}$/

/**
 * What the application remembers of an account: texts by key, which go with the account. Keys are 1 to 64 letters, digits, `_`, `.`, `:`
 * and `-`, values at most 1024 characters, and an account has at most 100 of them. All methods take the id of an account
 * (`request.gs.account.id`): there are no settings of nobody.
 *
 * @throws {GsError} `GS_ACCOUNT_UNKNOWN`, `GS_SETTING_INVALID` with a sentence
 */
export interface GsSettings {
  /** Null: it is not set. */
  get(accountId: string, key: string): Promise<string | null>
  /** The same as a number. @throws {GsError} `GS_SETTING_INVALID` when the text is none */
  getNumber(accountId: string, key: string): Promise<number | null>
  /** A number is kept as its text. */
  set(accountId: string, key: string, value: string | number): Promise<void>
  /** False: it was not set. */
  delete(accountId: string, key: string): Promise<boolean>
  /** In the order of their keys. */
  all(accountId: string): Promise<Readonly<Record<string, string>>>
}

const invalid = (reason: string): GsError => gsError('GS_SETTING_INVALID', { reason })

function checkKey(key: unknown): string {
  if (typeof key !== 'string' || !keyPattern.test(key))
    throw invalid('The key of a setting must be 1 to 64 letters, digits, _, ., : and -.')
  return key
}

function checkValue(value: unknown): string {
  if (typeof value === 'number' && Number.isFinite(value)) return String(value)
  // PostgreSQL has no NUL in texts.
  if (typeof value !== 'string' || !value.isWellFormed() || value.includes('\0'))
    throw invalid('The value of a setting must be a text without NUL and damaged characters, or a number.')
  if (value.length > maxLength) throw invalid(`The value of a setting must have at most ${maxLength} characters.`)
  return value
}

async function requireKnown(db: Db, accountId: string): Promise<void> {
  const known = typeof accountId === 'string' && !accountId.includes('\0')
  const row = known ? await db.selectFrom('gs_accounts').select('id').where('id', '=', accountId).executeTakeFirst() : undefined
  if (row === undefined) throw gsError('GS_ACCOUNT_UNKNOWN')
}

export function createSettings(database: GsDatabase, now: () => number): GsSettings {
  /** Hooks ask for settings in the middle of a login. */
  const reading = () => database.current() ?? database.db
  const get: GsSettings['get'] = async (accountId, key) => {
    checkKey(key)
    await requireKnown(reading(), accountId)
    const row = await reading()
      .selectFrom('gs_settings')
      .select('value')
      .where('account_id', '=', accountId)
      .where('key', '=', key)
      .executeTakeFirst()
    return row?.value ?? null
  }
  return {
    get,
    async getNumber(accountId, key) {
      const value = await get(accountId, key)
      if (value === null) return null
      const number = value.trim() === '' ? NaN : Number(value)
      if (!Number.isFinite(number)) throw invalid(`The setting ${key} is no number.`)
      return number
    },
    async set(accountId, key, given) {
      checkKey(key)
      const value = checkValue(given)
      await requireKnown(reading(), accountId)
      await database.transaction(async (trx) => {
        // Takes the account's row: simultaneous calls count one after the other, and none comes behind a deletion.
        const held = await trx
          .updateTable('gs_accounts')
          .set((eb) => ({ created_at: eb.ref('created_at') }))
          .where('id', '=', accountId)
          .executeTakeFirst()
        if (held.numUpdatedRows === 0n) throw gsError('GS_ACCOUNT_UNKNOWN')
        const { others } = await trx
          .selectFrom('gs_settings')
          .select((eb) => eb.fn.countAll<number | string>().as('others'))
          .where('account_id', '=', accountId)
          .where('key', '!=', key)
          .executeTakeFirstOrThrow()
        if (Number(others) >= maxKeys) throw invalid(`An account has at most ${maxKeys} settings; delete one of them first.`)
        const change = { value, updated_at: now() }
        await trx
          .insertInto('gs_settings')
          .values({ account_id: accountId, key, ...change })
          .onConflict((conflict) => conflict.columns(['account_id', 'key']).doUpdateSet(change))
          .execute()
      })
    },
    async delete(accountId, key) {
      checkKey(key)
      await requireKnown(reading(), accountId)
      const result = await database.transaction((trx) =>
        trx.deleteFrom('gs_settings').where('account_id', '=', accountId).where('key', '=', key).executeTakeFirst()
      )
      return result.numDeletedRows === 1n
    },
    async all(accountId) {
      await requireKnown(reading(), accountId)
      const rows = await reading().selectFrom('gs_settings').select(['key', 'value']).where('account_id', '=', accountId).execute()
      // Every collation sorts them otherwise.
      return Object.fromEntries(rows.sort((a, b) => (a.key < b.key ? -1 : 1)).map(({ key, value }) => [key, value]))
    }
  }
}
