import type { Command } from 'commander'
import type { GroupRecord } from 'fastify-gs/admin'
import { confirmOrStop } from '../ask.ts'
import { usageError } from '../cli-error.ts'
import { onDatabase, withAdministration, type DatabaseSettings } from '../database.ts'
import { findGroup } from '../find-group.ts'
import { note, printJson, printLine, printTable } from '../output.ts'
import { levelName, parseLevel } from '../rights.ts'

interface Common extends DatabaseSettings {
  readonly json?: boolean
}

const nameMeaning = 'name or id of the group'
const levelMeaning = 'logged-in, user, customer, staff, moderator, admin, root, or a number from 2 to 100'
const recordJson = 'print the group'

export function register(program: Command): void {
  const group = program
    .command('group')
    .summary('groups that lend a level: list, add, set, delete')
    .description('Groups. Who is in one (gs user grant --group) has its level in the place of his own, be that higher or lower.')
  registerList(group)
  registerAdd(group)
  registerSet(group)
  registerDelete(group)
}

function registerList(group: Command): void {
  onDatabase(group.command('list'))
    .description('Lists the groups in the order of their names.')
    .option('--json', 'print { "groups": […] }')
    .addHelpText('after', '\nExample:\n  gs group list --database ./gs.sqlite3')
    .action(async (settings: Common) => {
      const groups = await withAdministration(settings, (administration) => administration.groups.list())
      if (settings.json) return printJson({ groups })
      if (groups.length === 0) return note('No groups.')
      printTable(groups, [
        { title: 'GROUP', value: ({ name }) => name },
        { title: 'LEVEL', value: ({ level }) => levelName(level) },
        { title: 'ACCOUNTS', value: ({ members }) => String(members) },
        { title: 'ID', value: ({ id }) => id }
      ])
    })
}

function registerAdd(group: Command): void {
  onDatabase(group.command('add'))
    .description('Adds a group.')
    .argument('<name>', '1 to 64 characters, those of user names')
    .requiredOption('--level <level>', levelMeaning)
    .option('--json', recordJson)
    .addHelpText('after', '\nExample:\n  gs group add editors --level 35 --database ./gs.sqlite3')
    .action(async (name: string, settings: Common & { level: string }) => {
      const level = parseLevel(settings.level)
      await withAdministration(settings, async ({ groups }) => tell(settings, await groups.add({ name, level }), 'was added'))
    })
}

function registerSet(group: Command): void {
  onDatabase(group.command('set'))
    .description('Changes the name or the level of a group; its members have the new level at their next request.')
    .argument('<name>', nameMeaning)
    .option('--level <level>', levelMeaning)
    .option('--name <name>', 'the new name')
    .option('--json', recordJson)
    .addHelpText('after', '\nExample:\n  gs group set editors --level moderator --database ./gs.sqlite3')
    .action(async (name: string, settings: Common & { level?: string; name?: string }) => {
      if (settings.level === undefined && settings.name === undefined) throw usageError('Say what to change: --level or --name.')
      const change = {
        ...(settings.level !== undefined && { level: parseLevel(settings.level) }),
        ...(settings.name !== undefined && { name: settings.name })
      }
      await withAdministration(settings, async (administration) => {
        const { id } = await findGroup(administration, name)
        const changed = await administration.groups.set(id, change)
        tell(settings, changed, `has the level ${levelName(changed.level)}`)
      })
    })
}

function registerDelete(group: Command): void {
  onDatabase(group.command('delete'))
    .description('Deletes a group; its members have their own levels again.')
    .argument('<name>', nameMeaning)
    .option('-y, --yes', 'do not ask')
    .option('--json', recordJson)
    .addHelpText('after', '\nExample:\n  gs group delete editors --yes --database ./gs.sqlite3')
    .action(async (name: string, settings: Common & { yes?: boolean }) => {
      await withAdministration(settings, async (administration) => {
        const found = await findGroup(administration, name)
        await confirmOrStop(`Delete the group ${found.name}, in which there are ${found.members} accounts?`, settings.yes)
        await administration.groups.delete(found.id)
        tell(settings, found, 'was deleted')
      })
    })
}

function tell({ json }: Common, group: GroupRecord, done: string): void {
  if (json) printJson(group)
  else printLine(`The group ${group.name} ${done}.`)
}
