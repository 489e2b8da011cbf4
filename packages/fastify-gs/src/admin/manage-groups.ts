import {
  checkGroupLevel,
  checkGroupName,
  deleteGroup,
  highestOwnLevel,
  insertGroup,
  listGroups,
  lockGroup,
  updateGroup
} from '../accounts/groups.ts'
import type { Db } from '../database/database.ts'
import { gsError } from '../errors.ts'
import type { Administration } from './administration.ts'
import type { GroupRecord } from './records.ts'
import type { AdminServices } from './services.ts'

async function recordOfGroup(db: Db, id: string): Promise<GroupRecord> {
  const found = (await listGroups(db)).find((group) => group.id === id)
  if (found === undefined) throw gsError('GS_GROUP_UNKNOWN')
  return found
}

const taken = () => gsError('GS_GROUP_TAKEN', { field: 'name' })

export function manageGroups({ database, now, actor, audited }: AdminServices): Administration['groups'] {
  return {
    list: () => listGroups(database.db),

    async add({ name: typed, level: given }) {
      const name = checkGroupName(typed)
      const level = checkGroupLevel(given)
      return audited(async (trx, record) => {
        await actor.mayLend(trx, [level])
        const group = await insertGroup(trx, name, level, now())
        if (group === null) throw taken()
        await record({ action: 'add-group', accountId: null, details: { group: group.name, level } })
        return { ...group, members: 0 }
      })
    },

    async set(id, { name: typed, level: given }) {
      const name = typed === undefined ? undefined : checkGroupName(typed)
      const level = given === undefined ? undefined : checkGroupLevel(given)
      return audited(async (trx, record) => {
        const before = await lockGroup(trx, id)
        if (before === null) throw gsError('GS_GROUP_UNKNOWN')
        await actor.mayLend(trx, [before.level, level ?? before.level])
        if (!(await updateGroup(trx, id, { ...(name !== undefined && { name }), ...(level !== undefined && { level }) }))) throw taken()
        const details = {
          ...(name !== undefined && name.value !== before.name && { name: [before.name, name.value] }),
          ...(level !== undefined && level !== before.level && { level: [before.level, level] })
        }
        if (Object.keys(details).length > 0)
          await record({ action: 'set-group', accountId: null, details: { group: before.name, ...details } })
        return recordOfGroup(trx, id)
      })
    },

    delete: (id) =>
      audited(async (trx, record) => {
        const group = await lockGroup(trx, id)
        if (group === null) throw gsError('GS_GROUP_UNKNOWN')
        // What it had taken from a member it would give back.
        await actor.mayLend(trx, [group.level, (await highestOwnLevel(trx, id)) ?? group.level])
        await deleteGroup(trx, id)
        await record({ action: 'delete-group', accountId: null, details: { group: group.name, level: group.level } })
      })
  }
}
