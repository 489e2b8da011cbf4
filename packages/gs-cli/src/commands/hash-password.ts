import { readFileSync } from 'node:fs'
import type { Command } from 'commander'
import type { Pepper } from 'fastify-gs'
import { askNewPassword } from '../ask.ts'
import { CliError, usageError } from '../cli-error.ts'
import { printJson, printLine } from '../output.ts'

interface Settings {
  readonly json?: boolean
  readonly pepperId?: string
  readonly pepperFile?: string
}

export function register(program: Command): void {
  program
    .command('hash-password')
    .summary('print the hash of a password, for the admin of a configuration')
    .description(
      'Prints the argon2id hash of a password, for admin.passwordHash or "admin-password-hash". On a terminal the password is asked twice and not shown; otherwise it is one line on stdin.'
    )
    .option('--pepper-id <id>', 'hash with the pepper of this id in the option password.peppers')
    .option('--pepper-file <path>', 'the file with its secret, one line')
    .option('--json', 'print { "hash": … }')
    .addHelpText(
      'after',
      '\nExamples:\n  gs hash-password\n  pass show site/admin | gs hash-password\n  gs hash-password --pepper-id 2026 --pepper-file /etc/site/pepper'
    )
    .action(async (settings: Settings) => {
      const peppers = readPeppers(settings)
      const { hashPassword } = await import('fastify-gs')
      // A wrong pepper is told before anybody types a password.
      if (peppers !== undefined) await hashPassword('', { peppers })
      const hash = await hashPassword(await askNewPassword(), peppers === undefined ? {} : { peppers })
      if (settings.json) printJson({ hash })
      else printLine(hash)
    })
}

/** Not as an argument: other users of the machine see those. */
function readPeppers({ pepperId, pepperFile }: Settings): readonly Pepper[] | undefined {
  if (pepperId === undefined && pepperFile === undefined) return undefined
  if (pepperId === undefined || pepperFile === undefined) throw usageError('Say both --pepper-id and --pepper-file.')
  try {
    return [{ id: pepperId, secret: readFileSync(pepperFile, 'utf8').replace(/\r?\n$/, '') }]
  } catch (error) {
    throw new CliError(`The file ${pepperFile} cannot be read (${(error as Error).message}).`)
  }
}
