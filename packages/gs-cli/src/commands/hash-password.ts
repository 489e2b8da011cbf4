import type { Command } from 'commander'
import { askNewPassword } from '../ask.ts'
import { printJson, printLine } from '../output.ts'

export function register(program: Command): void {
  program
    .command('hash-password')
    .summary('print the hash of a password, for the admin of a configuration')
    .description(
      'Prints the argon2id hash of a password, for admin.passwordHash or "admin-password-hash". On a terminal the password is asked twice and not shown; otherwise it is one line on stdin.'
    )
    .option('--json', 'print { "hash": … }')
    .addHelpText('after', '\nExample:\n  gs hash-password\n  pass show site/admin | gs hash-password')
    .action(async ({ json }: { json?: boolean }) => {
      const password = await askNewPassword()
      const { hashPassword } = await import('fastify-gs')
      const hash = await hashPassword(password)
      if (json) printJson({ hash })
      else printLine(hash)
    })
}
