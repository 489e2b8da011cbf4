import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import type { Command } from 'commander'
import type { ImportOutcome } from 'fastify-gs/admin'
import { askPassword } from '../ask.ts'
import { CliError, ExitCode, usageError } from '../cli-error.ts'
import { administer, findPlace, onDatabase, type DatabaseSettings } from '../database.ts'
import type { LwsgsUsers } from '../lwsgs/read-users.ts'
import { note, printJson, printLine, printTable, showProgress } from '../output.ts'

interface Settings extends DatabaseSettings {
  readonly confounder?: string
  readonly confounderFile?: string
  readonly source?: string
  readonly admin?: string
  readonly try?: string
  readonly dryRun?: boolean
  readonly json?: boolean
}

/** Users that one transaction takes over. */
const batchSize = 500

export function register(program: Command): void {
  onDatabase(program.command('import-lwsgs'))
    .summary("take over the users of libwebsockets' generic-sessions")
    .description(
      "Takes the users of libwebsockets' generic-sessions over, from its session-db of 2.x or 3.x, which is only read. They log in with their old passwords, which are hashed anew at that moment. A second run takes over only who is new."
    )
    .argument('<file>', "lwsgs' database, the option session-db of its configuration")
    .option('--confounder <text>', 'the confounder of its configuration, for --try')
    .option('--confounder-file <path>', 'the same from a file, which keeps it from the list of processes')
    .option('--try <user>', 'first asks for the password of this user, and takes nobody over if confounder and password do not fit')
    .option('--dry-run', 'change nothing, only report')
    .option('--admin <name>', 'the admin of the configuration, whose name nobody may get; needed if no server has used the database yet')
    .option('--source <name>', 'name of this origin, one for each if several databases are taken over into one (default: lwsgs)')
    .option('--json', 'print the report as JSON')
    .addHelpText(
      'after',
      `
Exit code 3: some users were refused; the report says why.

Example:
  gs import-lwsgs /var/www/sessions/lws.sqlite3 --confounder-file ./confounder --database ./gs.sqlite3 --dry-run`
    )
    .action(async (file: string, settings: Settings) => {
      const confounder = readConfounder(settings)
      const place = await findPlace(settings)
      const { lwsgsSource, openLwsgsUsers } = await import('../lwsgs/read-users.ts')
      const users = openLwsgsUsers(file)
      try {
        if (settings.try !== undefined) await tryPassword(users, settings.try, confounder ?? place.confounder ?? '')
        const admin = settings.admin ?? place.admin
        const order = { users, source: settings.source ?? lwsgsSource, dryRun: settings.dryRun === true, admin }
        const { rehearse } = await import('../rehearsal.ts')
        const outcomes = order.dryRun
          ? await rehearse(place.database, (database) => takeOver(database, order))
          : await takeOver(place.database, order)
        report(file, users, outcomes, settings)
      } finally {
        users.close()
      }
    })
}

function readConfounder({ confounder, confounderFile }: Settings): string | undefined {
  if (confounderFile === undefined) return confounder
  if (confounder !== undefined) throw usageError('Say --confounder or --confounder-file, not both.')
  try {
    return readFileSync(confounderFile, 'utf8').replace(/\r?\n$/, '')
  } catch (cause) {
    throw new CliError(`${confounderFile} cannot be read; check the path and its mode.`, undefined, { cause })
  }
}

/** With a wrong confounder no old password would ever fit, and nothing but a password can tell. */
async function tryPassword(users: LwsgsUsers, name: string, confounder: string): Promise<void> {
  const hash = users.passwordHashOf(name)
  if (hash === null) throw new CliError(`lwsgs has no user ${JSON.stringify(name)} with a password.`)
  const password = Buffer.from(await askPassword())
  const { lwsgsHashes } = await import('fastify-gs')
  const kind = lwsgsHashes({ confounder }).find(({ prefix }) => hash.startsWith(prefix))
  if (!(await kind?.verify(password, hash))) {
    throw new CliError(`This is not the password of ${name}, or it is another confounder; nobody was taken over.`)
  }
}

interface Order {
  readonly users: LwsgsUsers
  readonly source: string
  readonly dryRun: boolean
  readonly admin: string | undefined
}

async function takeOver(
  database: Parameters<typeof administer>[0],
  { users, source, dryRun, admin }: Order
): Promise<readonly ImportOutcome[]> {
  const outcomes: ImportOutcome[] = []
  const options = { dryRun, ...(admin !== undefined && { admin }) }
  try {
    await administer(database, async (administration) => {
      // Of two names that collide a dry run sees only those of one call.
      for (const batch of users.batches(dryRun ? users.count + 1 : batchSize)) {
        const began = performance.now()
        const refused = batch.flatMap((user) =>
          'refused' in user ? [{ name: user.name, result: 'refused' as const, reason: user.refused }] : []
        )
        const accounts = batch.flatMap((user) => ('account' in user ? [user.account] : []))
        for (const outcome of [...refused, ...(await administration.importAccounts(source, accounts, options))]) outcomes.push(outcome)
        showProgress(`${outcomes.length} of ${users.count} users`)
        // A running server has to find a gap for its own transactions on SQLite, where one writes at a time.
        if (!dryRun && 'sqlite' in database && outcomes.length < users.count) await setTimeout(performance.now() - began)
      }
    })
  } catch (error) {
    if (outcomes.length > 0 && !dryRun) note(`${outcomes.length} users were looked at before this; a second run goes on from there.`)
    throw error
  } finally {
    showProgress('')
  }
  return outcomes
}

function report(file: string, { hashes }: LwsgsUsers, outcomes: readonly ImportOutcome[], { dryRun = false, json }: Settings): void {
  const count = (result: ImportOutcome['result']) => outcomes.filter((outcome) => outcome.result === result).length
  const refused = outcomes.flatMap(({ name, result, reason = '' }) => (result === 'refused' ? [{ name, reason }] : []))
  const imported = count('imported')
  const known = count('known')
  if (refused.length > 0) process.exitCode = ExitCode.partly
  if (json) {
    printJson({ dryRun, users: outcomes.length, sha1: hashes.sha1, sha256: hashes.sha256, imported, known, refused })
  } else {
    printLine(`${outcomes.length} users in ${basename(file)}, ${hashes.sha1} with SHA-1 (2.x), ${hashes.sha256} with SHA-256 (3.x).`)
    printLine(`${imported} ${dryRun ? 'would be ' : ''}taken over, ${known} known from an earlier run, ${refused.length} refused.`)
    if (refused.length > 0) {
      printTable(refused, [
        { title: 'REFUSED', value: ({ name }) => name },
        { title: 'REASON', value: ({ reason }) => reason }
      ])
    }
  }
  note(
    'The confounder is not kept in the database; the server needs it to check the old passwords: password: { legacy: lwsgsHashes({ confounder }) }, or "confounder" in the configuration of gs serve.'
  )
}
