import type { Command } from 'commander'
import { CliError, ExitCode, usageError } from '../cli-error.ts'
import { onDatabase, withAdministration, type DatabaseSettings } from '../database.ts'
import { findAccount } from '../find-account.ts'
import { formatTime, note, printJson, printLine, printTable } from '../output.ts'
import { collectPages, withPaging, type Paging } from '../paging.ts'

interface Common extends DatabaseSettings {
  readonly json?: boolean
}

export function register(program: Command): void {
  const sessions = program
    .command('sessions')
    .summary('sessions of logged-in people: list, end')
    .description('Sessions of logged-in people.')
  registerList(sessions)
  registerEnd(sessions)
}

function registerList(sessions: Command): void {
  withPaging(onDatabase(sessions.command('list')))
    .description('Lists sessions, the newest first, and how many pages and websockets they have open.')
    .option('--account <name>', 'only those of this account: user name, address or id')
    .option('--json', 'print { "sessions": […], "next": … }; times are ms since 1970')
    .addHelpText('after', '\nExample:\n  gs sessions list --account ann --database ./gs.sqlite3')
    .action(async (settings: Common & Paging & { account?: string }) => {
      const { rows, next } = await withAdministration(settings, async (administration) => {
        const account = settings.account === undefined ? {} : { account: (await findAccount(administration, settings.account)).id }
        return collectPages(settings, async (page) => {
          const found = await administration.sessions.list({ ...account, ...page })
          return { rows: found.sessions, next: found.next }
        })
      })
      if (settings.json) return printJson({ sessions: rows, next })
      if (rows.length === 0) return note('No sessions.')
      printTable(rows, [
        { title: 'ID', value: ({ id }) => id },
        { title: 'ACCOUNT', value: ({ username }) => username },
        { title: 'SINCE', value: ({ createdAt }) => formatTime(createdAt) },
        { title: 'LAST USE', value: ({ lastActiveAt }) => formatTime(lastActiveAt) },
        { title: 'ENDS', value: ({ expiresAt }) => formatTime(expiresAt) },
        { title: 'FROM', value: ({ ip }) => ip },
        { title: 'PAGES', value: ({ pages }) => String(pages) },
        { title: 'SOCKETS', value: ({ sockets }) => String(sockets) },
        { title: 'WITH', value: ({ userAgent }) => userAgent, max: 40 }
      ])
      if (next !== null) note(`There are more: --after ${next}, or --all.`)
    })
}

function registerEnd(sessions: Command): void {
  onDatabase(sessions.command('end'))
    .description('Ends sessions by their ids, or all sessions of one account.')
    .argument('[ids...]', 'ids as gs sessions list shows them')
    .option('--account <name>', 'all sessions of this account: user name, address or id')
    .option('--json', 'print { "ended": … }')
    .addHelpText(
      'after',
      '\nExamples:\n  gs sessions end 8c1f… --database ./gs.sqlite3\n  gs sessions end --account ann --database ./gs.sqlite3'
    )
    .action(async (ids: string[], settings: Common & { account?: string }) => {
      const { account } = settings
      if ((ids.length === 0) === (account === undefined)) throw usageError('Say which sessions: their ids, or --account <name>.')
      const missing: string[] = []
      const ended = await withAdministration(settings, async (administration) => {
        if (account !== undefined) return administration.sessions.endAllOf((await findAccount(administration, account)).id)
        for (const id of ids) if (!(await administration.sessions.end(id))) missing.push(id)
        return ids.length - missing.length
      })
      if (settings.json) printJson({ ended, missing })
      else if (missing.length < ids.length || account !== undefined)
        printLine(ended === 1 ? '1 session was ended.' : `${ended} sessions were ended.`)
      if (missing.length > 0)
        throw new CliError(`There is no session ${missing.join(', ')}.`, ended > 0 ? ExitCode.partly : ExitCode.failed)
    })
}
