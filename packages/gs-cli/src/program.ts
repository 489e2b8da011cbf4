import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { CliError, ExitCode } from './cli-error.ts'
import { register as registerAudit } from './commands/audit.ts'
import { register as registerGroup } from './commands/group.ts'
import { register as registerHashPassword } from './commands/hash-password.ts'
import { register as registerImportLwsgs } from './commands/import-lwsgs.ts'
import { register as registerImportWebgram } from './commands/import-webgram.ts'
import { register as registerJwk } from './commands/jwk.ts'
import { register as registerJwt } from './commands/jwt.ts'
import { register as registerMail } from './commands/mail.ts'
import { register as registerMigrate } from './commands/migrate.ts'
import { register as registerServe } from './commands/serve.ts'
import { register as registerSessions } from './commands/sessions.ts'
import { register as registerUser } from './commands/user.ts'
import { note, survivePipeEnd } from './output.ts'

/** In the order of the help. What a command needs is loaded when it runs, so that the help is there at once. */
const commands = [
  registerServe,
  registerUser,
  registerGroup,
  registerSessions,
  registerMail,
  registerAudit,
  registerHashPassword,
  registerJwk,
  registerJwt,
  registerMigrate,
  registerImportLwsgs,
  registerImportWebgram
]

/** Runs the command line (without `node` and the script) and leaves the exit code in `process.exitCode`. Never throws. */
export async function run(args: readonly string[]): Promise<void> {
  survivePipeEnd()
  // A database that is made here is nobody else's to read.
  process.umask(0o077)
  try {
    await createProgram().parseAsync(args, { from: 'user' })
  } catch (error) {
    process.exitCode = report(error)
  }
}

function createProgram(): Command {
  const program = new Command('gs')
    .description('Accounts, sessions and mail of fastify-gs, and whole sites from a configuration file.')
    .version(version(), '-V, --version')
    .exitOverride()
    .configureOutput({ outputError: (text) => note(`gs: ${inOneLine(text)}`) })
    .addHelpText(
      'after',
      `
Environment:
  GS_DATABASE, DATABASE_URL  the database, when neither --database nor --config says where it is
  NO_COLOR                   no bold text

Exit codes: 0 done, 1 not done, 2 wrongly asked, 3 done in part

Example:
  gs user list --database ./gs.sqlite3`
    )
  for (const register of commands) register(program)
  return program
}

/** Commander's own words; without a superfluous argument in them, which may be the password that somebody hoped to give so. */
function inOneLine(text: string): string {
  const sentence = text
    .replace(/^error: /, '')
    .replace(/(too many arguments .*?but got \d+):.*/s, '$1.')
    .trim()
    .replaceAll('\n', ' ')
  // Ids are random and may begin so.
  return /^unknown option '-[\w-]{15}'$/.test(sentence) ? `${sentence}; if this is an id, put -- before it.` : sentence
}

function version(): string {
  const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }
  return manifest.version
}

/** Says what went wrong in a sentence, and gives the exit code. */
function report(error: unknown): number {
  // Commander has said it itself.
  if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.ok : ExitCode.usage
  const { name, message, code, stack } = error as Error & { code?: string }
  if (name === 'ExitPromptError') note('gs: Stopped; nothing was changed.')
  else if (code === 'GS_BUSY') note('gs: The database is in use by another program or out of reach; try again in a moment.')
  else if (error instanceof CliError || code?.startsWith('GS_')) note(`gs: ${message.replace(/^fastify-gs(-jwt|-ws)?: /, '')}`)
  else note(`gs: ${message || String(error)} (unexpected; GS_DEBUG=1 shows where)`)
  if (process.env['GS_DEBUG'] && stack !== undefined) for (const line of stack.split('\n')) note(line)
  return error instanceof CliError ? error.exitCode : ExitCode.failed
}
