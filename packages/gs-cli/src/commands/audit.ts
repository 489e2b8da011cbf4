import type { Command } from 'commander'
import type { AuditRecord } from 'fastify-gs/admin'
import { onDatabase, withAdministration, type DatabaseSettings } from '../database.ts'
import { findAccount } from '../find-account.ts'
import { formatTime, note, printJson, printTable } from '../output.ts'
import { collectPages, withPaging, type Paging } from '../paging.ts'

export function register(program: Command): void {
  withPaging(onDatabase(program.command('audit')))
    .summary('what admins and operators have done')
    .description('Lists what admins and operators have done in the last 400 days, the newest first: on the site, and with this command.')
    .option('--account <name>', 'only what was done to this account: user name, address or id, also the id of one that was deleted')
    .option('--json', 'print { "entries": […], "next": … }; times are ms since 1970')
    .addHelpText('after', '\nExample:\n  gs audit --account ann --database ./gs.sqlite3')
    .action(async (settings: DatabaseSettings & Paging & { account?: string; json?: boolean }) => {
      const { rows, next } = await withAdministration(settings, async (administration) => {
        const { account: name } = settings
        const list = (account?: string) =>
          collectPages(settings, async (page) => {
            const found = await administration.audit.list({ ...page, ...(account !== undefined && { account }) })
            return { rows: found.entries, next: found.next }
          })
        if (name === undefined) return list()
        const known = await administration.accounts.find(name)
        if (known !== null) return list(known.id)
        const ofDeleted = await list(name)
        return ofDeleted.rows.length > 0 ? ofDeleted : list((await findAccount(administration, name)).id)
      })
      if (settings.json) return printJson({ entries: rows, next })
      if (rows.length === 0) return note('Nothing was done.')
      printTable(rows, [
        { title: 'WHEN', value: ({ at }) => formatTime(at) },
        { title: 'WHO', value: ({ actor }) => actor },
        { title: 'FROM', value: ({ ip }) => ip ?? '' },
        { title: 'WHAT', value: ({ action }) => action },
        { title: 'ACCOUNT', value: ({ username, accountId }) => username ?? accountId ?? '' },
        { title: 'DETAILS', value: ({ details }) => inWords(details), max: 60 }
      ])
      if (next !== null) note(`There are more: --after ${next}, or --all.`)
    })
}

/** `level 10 -> 30, sectors none -> press`. */
function inWords(details: AuditRecord['details']): string {
  return Object.entries(details)
    .map(([name, value]) => {
      const isChange = Array.isArray(value) && value.length === 2
      return `${name} ${isChange ? value.map(inWord).join(' -> ') : inWord(value)}`
    })
    .join(', ')
}

function inWord(value: unknown): string {
  if (Array.isArray(value)) return value.join('+') || 'none'
  return typeof value === 'string' ? value : JSON.stringify(value)
}
