import type { AccountRecord, Administration } from 'fastify-gs/admin'
import { CliError } from './cli-error.ts'

/**
 * The account that somebody means by its user name, e-mail address or id.
 *
 * @throws {CliError} there is none
 */
export async function findAccount({ accounts }: Administration, name: string): Promise<AccountRecord> {
  const account = await accounts.find(name)
  if (account === null) throw new CliError(`There is no account ${JSON.stringify(name)}; gs user list shows all.`)
  return account
}
