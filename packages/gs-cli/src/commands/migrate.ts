import type { Command } from 'commander'
import { onDatabase, withAdministration, type DatabaseSettings } from '../database.ts'
import { printJson, printLine } from '../output.ts'

export function register(program: Command): void {
  onDatabase(program.command('migrate'))
    .summary('bring the database to the newest schema')
    .description('Brings the database to the newest schema, as a server does when it starts; makes a SQLite file that does not exist.')
    .option('--json', 'print { "from": …, "to": … }')
    .addHelpText('after', '\nExample:\n  gs migrate --database ./gs.sqlite3')
    .action(async (settings: DatabaseSettings & { json?: boolean }) => {
      const { migratedFrom: from, version: to } = await withAdministration({ ...settings, create: true }, async ({ schema }) => schema)
      if (settings.json) printJson({ from, to })
      else if (from === to) printLine(`The database has the newest schema, ${to}.`)
      else printLine(from === 0 ? `The database was made with schema ${to}.` : `The database was brought from schema ${from} to ${to}.`)
    })
}
