import type { Command } from 'commander'
import { confirmOrStop } from '../ask.ts'
import { CliError, usageError } from '../cli-error.ts'
import { onDatabase, withAdministration, type DatabaseSettings } from '../database.ts'
import { formatTime, note, printJson, printLine, printTable } from '../output.ts'
import { collectPages, oneOf, withPaging, type Paging } from '../paging.ts'

interface Common extends DatabaseSettings {
  readonly json?: boolean
}

export function register(program: Command): void {
  const mail = program
    .command('mail')
    .summary('mails that wait, were sent or given up: list, retry, drop')
    .description('The outbox of mails.')
  registerList(mail)
  registerRetry(mail)
  registerDrop(mail)
}

const states = ['waiting', 'sent', 'dead'] as const

function registerList(mail: Command): void {
  withPaging(onDatabase(mail.command('list')))
    .description('Lists mails, the newest first. A dead one was given up; gs mail retry has it sent again.')
    .addOption(oneOf('--state <state>', 'only mails in this state', states))
    .option('--json', 'print { "mails": […], "next": … }; times are ms since 1970')
    .addHelpText('after', '\nExample:\n  gs mail list --state dead --database ./gs.sqlite3')
    .action(async (settings: Common & Paging & { state?: (typeof states)[number] }) => {
      const state = settings.state === undefined ? {} : { state: settings.state }
      const { rows, next } = await withAdministration(settings, (administration) =>
        collectPages(settings, async (page) => {
          const found = await administration.mail.list({ ...state, ...page })
          return { rows: found.mails, next: found.next }
        })
      )
      if (settings.json) return printJson({ mails: rows, next })
      if (rows.length === 0) return note('No mails.')
      printTable(rows, [
        { title: 'ID', value: ({ id }) => id },
        { title: 'STATE', value: ({ state }) => state },
        { title: 'KIND', value: ({ kind }) => kind },
        { title: 'TO', value: ({ recipient }) => recipient },
        { title: 'WRITTEN', value: ({ createdAt }) => formatTime(createdAt) },
        { title: 'TRIES', value: ({ attempts }) => String(attempts) },
        { title: 'NEXT TRY', value: ({ nextAttemptAt }) => (nextAttemptAt === null ? '' : formatTime(nextAttemptAt)) },
        { title: 'LAST ERROR', value: ({ lastError }) => lastError ?? '', max: 60 }
      ])
      if (next !== null) note(`There are more: --after ${next}, or --all.`)
    })
}

function registerRetry(mail: Command): void {
  onDatabase(mail.command('retry'))
    .description('Has a server send a mail now, also one that was given up.')
    .argument('[id]', 'id as gs mail list shows it')
    .option('--all', 'all mails that wait or were given up')
    .option('--json', 'print { "retried": … }')
    .addHelpText('after', '\nExamples:\n  gs mail retry 5b0e… --database ./gs.sqlite3\n  gs mail retry --all --database ./gs.sqlite3')
    .action(async (id: string | undefined, settings: Common & { all?: boolean }) => {
      if ((id === undefined) !== (settings.all === true)) throw usageError('Say which mail: its id, or --all.')
      const retried = await withAdministration(settings, ({ mail }) => mail.retry(id ?? 'all'))
      if (settings.json) printJson({ retried })
      else if (retried > 0 || id === undefined) printLine(retried === 1 ? '1 mail will be sent.' : `${retried} mails will be sent.`)
      if (retried === 0 && id !== undefined) throw new CliError(`There is no mail ${id} that waits or was given up.`)
    })
}

function registerDrop(mail: Command): void {
  onDatabase(mail.command('drop'))
    .description('Removes a mail from the outbox. If it waits, it will never be sent, and the link in it never arrives.')
    .argument('<id>', 'id as gs mail list shows it')
    .option('-y, --yes', 'do not ask')
    .option('--json', 'print { "dropped": … }')
    .addHelpText('after', '\nExample:\n  gs mail drop 5b0e… --yes --database ./gs.sqlite3')
    .action(async (id: string, settings: Common & { yes?: boolean }) => {
      await confirmOrStop(`Drop the mail ${id}?`, settings.yes)
      const dropped = await withAdministration(settings, ({ mail }) => mail.drop(id))
      if (!dropped) throw new CliError(`There is no mail ${id} that waits or was given up.`)
      if (settings.json) printJson({ dropped: id })
      else printLine(`The mail ${id} was dropped.`)
    })
}
