import { sql } from 'kysely'
import { createId } from '../crypto/tokens.ts'
import { everybody, recordAccountChange } from '../database/changes.ts'
import type { Db, Trx } from '../database/database.ts'
import { gsError } from '../errors.ts'
import { AuthLevel } from './auth-level.ts'
import { usernameKey, type Identifier } from './identifiers.ts'

/** Accounts that have one level together: it stands in the place of their own, be that higher or lower. */
export interface Group {
  readonly id: string
  readonly name: string
  readonly level: number
}

/** The level that counts: that of the group, else the account's own. For queries on `gs_accounts` by this name. */
export const effectiveLevel = sql<number>`coalesce((select g.level from gs_groups as g where g.id = gs_accounts.group_id), gs_accounts.level)`

const longestName = 64

/**
 * Checks the name of a group: 1 to 64 characters of those that user names have.
 *
 * @throws {GsError} `GS_GROUP_INVALID` with `field: 'name'`
 */
export function checkGroupName(typed: string): Identifier {
  const key = usernameKey(typed)
  if (key === null || [...key].length > longestName || typed.length > 2 * longestName) {
    throw gsError('GS_GROUP_INVALID', {
      field: 'name',
      reasonCode: 'reason.group.name'
    })
  }
  return { value: typed, key }
}

/** @throws {GsError} `GS_GROUP_INVALID` with `field: 'level'` */
export function checkGroupLevel(level: number): number {
  if (!Number.isInteger(level) || level < AuthLevel['logged-in'] || level > AuthLevel.root) {
    throw gsError('GS_GROUP_INVALID', {
      field: 'level',
      reasonCode: 'reason.group.level',
      values: { lowest: AuthLevel['logged-in'], highest: AuthLevel.root }
    })
  }
  return level
}

const selectGroups = (db: Db) => db.selectFrom('gs_groups').select(['id', 'name', 'level'])

/** In the order of their names, with how many accounts they have. */
export async function listGroups(db: Db): Promise<(Group & { readonly members: number })[]> {
  return selectGroups(db)
    .select((eb) =>
      eb
        .selectFrom('gs_accounts')
        .select((accounts) => accounts.fn.countAll<number>().as('members'))
        .whereRef('gs_accounts.group_id', '=', 'gs_groups.id')
        .$asScalar()
        .$notNull()
        .as('members')
    )
    .orderBy('name_key')
    .execute()
}

/** By name, whatever was typed. */
export async function findGroupByName(db: Db, typed: string): Promise<Group | null> {
  const key = usernameKey(typed)
  return key === null ? null : ((await selectGroups(db).where('name_key', '=', key).executeTakeFirst()) ?? null)
}

/** The group, kept as it is until the transaction ends. */
export async function lockGroup(trx: Trx, id: string): Promise<Group | null> {
  await trx
    .updateTable('gs_groups')
    .set((eb) => ({ created_at: eb.ref('created_at') }))
    .where('id', '=', id)
    .execute()
  return (await selectGroups(trx).where('id', '=', id).executeTakeFirst()) ?? null
}

/** Null: there is one of this name. */
export async function insertGroup(db: Db, name: Identifier, level: number, now: number): Promise<Group | null> {
  const id = createId()
  const result = await db
    .insertInto('gs_groups')
    .values({ id, name: name.value, name_key: name.key, level, created_at: now })
    .onConflict((conflict) => conflict.column('name_key').doNothing())
    .executeTakeFirst()
  return result.numInsertedOrUpdatedRows === 1n ? { id, name: name.value, level } : null
}

/** False: another one has this name. */
export async function updateGroup(db: Db, id: string, change: { readonly name?: Identifier; readonly level?: number }): Promise<boolean> {
  const { name, level } = change
  if (name === undefined && level === undefined) return true
  const result = await db
    .updateTable('gs_groups')
    .set({ ...(name !== undefined && { name: name.value, name_key: name.key }), ...(level !== undefined && { level }) })
    .where('id', '=', id)
    .$if(name !== undefined, (query) =>
      query.where((eb) =>
        eb.not(
          eb.exists(
            eb.selectFrom('gs_groups as other').select('other.id').where('other.name_key', '=', name!.key).where('other.id', '!=', id)
          )
        )
      )
    )
    .executeTakeFirst()
  if (result.numUpdatedRows === 0n) return false
  if (level !== undefined) await recordAccountChange(db, everybody)
  return true
}

/** The highest level that a member has of its own, which counts again without the group. Null: it has no members. */
export async function highestOwnLevel(db: Db, id: string): Promise<number | null> {
  const { highest } = await db
    .selectFrom('gs_accounts')
    .select((eb) => eb.fn.max<number | null>('level').as('highest'))
    .where('group_id', '=', id)
    .executeTakeFirstOrThrow()
  return highest
}

/** Its members have their own levels again. */
export async function deleteGroup(db: Db, id: string): Promise<void> {
  await db.deleteFrom('gs_groups').where('id', '=', id).execute()
  await recordAccountChange(db, everybody)
}

/** Puts an account into a group, or with null into none. */
export async function setGroupOf(db: Db, accountId: string, groupId: string | null): Promise<void> {
  await db.updateTable('gs_accounts').set({ group_id: groupId }).where('id', '=', accountId).where('configured', '=', 0).execute()
  await recordAccountChange(db, accountId)
}
