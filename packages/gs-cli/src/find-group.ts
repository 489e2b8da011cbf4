import type { Administration, GroupRecord } from 'fastify-gs/admin'
import { CliError } from './cli-error.ts'

/**
 * The group with this name, or this id.
 *
 * @throws {CliError} there is none
 */
export async function findGroup({ groups }: Administration, name: string): Promise<GroupRecord> {
  const all = await groups.list()
  const key = name.normalize('NFKC').toLowerCase()
  const found = all.find((group) => group.name.normalize('NFKC').toLowerCase() === key) ?? all.find(({ id }) => id === name)
  if (found === undefined) throw new CliError(`There is no group ${JSON.stringify(name)}; gs group list shows them.`)
  return found
}
