import { existsSync } from 'node:fs'
import { userInfo } from 'node:os'
import type { Command } from 'commander'
import type { GsOptions } from 'fastify-gs'
import type { Administration } from 'fastify-gs/admin'
import { CliError, usageError } from './cli-error.ts'
import { note } from './output.ts'

/** The options that say where the database is. */
export interface DatabaseSettings {
  readonly database?: string
  readonly config?: string
  readonly vhost?: string
  readonly data?: string
}

/** A database, and what the configuration knows about it. */
export interface Place {
  readonly database: GsOptions['database']
  /** The site's own mask bits by name, the first is bit 4; empty without a configuration. */
  readonly sectors: readonly string[]
  /** Shortest password; `undefined` without a configuration. */
  readonly minLength: number | undefined
  /** User name of the admin in the configuration; `undefined` without. */
  readonly admin: string | undefined
  /** That of lwsgs' password hashes; `undefined` without a configuration. */
  readonly confounder: string | undefined
}

/** Adds to a command the options that say where the database is. */
export function onDatabase(command: Command): Command {
  return command
    .option('-d, --database <place>', 'SQLite file or postgres://… (default: GS_DATABASE or DATABASE_URL)')
    .option('-c, --config <path>', 'configuration of gs serve, a file or a directory, that names the database')
    .option('--vhost <name>', 'which vhost of the configuration')
    .option('--data <directory>', 'what _lws_ddir_ in the configuration stands for')
}

/**
 * Finds out where the database is: from the options, else from the environment.
 *
 * @throws {CliError} nobody says it, or it cannot be
 */
export async function findPlace(settings: DatabaseSettings, env: NodeJS.ProcessEnv = process.env): Promise<Place> {
  const { database, config, vhost, data } = settings
  if (database !== undefined && config !== undefined) throw usageError('Say --database or --config, not both.')
  if (config === undefined && (vhost ?? data) !== undefined)
    throw usageError('--vhost and --data belong to a configuration; say --config as well.')
  if (config !== undefined) return placeOfConfig(config, vhost, data)
  const given = database ?? (env['GS_DATABASE'] || env['DATABASE_URL'])
  if (!given)
    throw usageError('Say where the database is: --database <file or postgres://…>, --config <path>, or the variable GS_DATABASE.')
  return { database: parseDatabase(given), sectors: [], minLength: undefined, admin: undefined, confounder: undefined }
}

function parseDatabase(given: string): GsOptions['database'] {
  if (/^postgres(ql)?:\/\//.test(given)) return { postgres: given }
  const scheme = /^([a-z][a-z\d+.-]+):/i.exec(given)?.[1]
  // A single letter is a drive.
  if (scheme !== undefined) throw usageError(`${scheme}: is no database of fastify-gs; give a SQLite file, or postgres://….`)
  return { sqlite: given }
}

async function placeOfConfig(path: string, vhost: string | undefined, dataDirectory: string | undefined): Promise<Place> {
  const { readLwswsConfig } = await import('fastify-gs/lwsws')
  const { problems, vhosts } = readLwswsConfig(path, dataDirectory === undefined ? {} : { dataDirectory })
  const errors = problems.filter(({ severity }) => severity === 'error')
  for (const { message } of errors) note(message)
  if (errors.length > 0) throw new CliError(`${path} has ${errors.length === 1 ? 'an error' : `${errors.length} errors`}; see above.`)

  const named = vhosts.filter(({ name }) => vhost === undefined || name === vhost)
  const names = (of: typeof vhosts) => of.map(({ name }) => name).join(', ')
  if (named.length === 0) throw new CliError(`${path} has no vhost ${vhost ?? ''}; it has ${names(vhosts) || 'none'}.`)
  const withSessions = named.filter(({ sessions }) => sessions !== null)
  const [first, second] = withSessions
  if (first === undefined || first.sessions === null) {
    throw new CliError(`In ${path} protocol-generic-sessions is not enabled on ${names(named)}; there is no database.`)
  }
  if (second !== undefined) throw usageError(`${path} has sessions on ${names(withSessions)}; say which with --vhost.`)
  const { database, sectors, password, admin } = first.sessions.options
  const { confounder } = first.sessions
  return { database, sectors: sectors ?? [], minLength: password?.minLength, admin: admin?.username, confounder }
}

/**
 * Opens the database, which is brought to the newest schema as a server would do it, for the time of the work.
 *
 * @param settings.create a SQLite file that does not exist is made; otherwise it is taken for a mistake
 * @throws {CliError} nobody says where the database is, or it is not there
 */
export async function withAdministration<Result>(
  settings: DatabaseSettings & { readonly create?: boolean },
  work: (administration: Administration, place: Place) => Promise<Result>
): Promise<Result> {
  const place = await findPlace(settings)
  const { database } = place
  if ('sqlite' in database && settings.create !== true && !existsSync(database.sqlite)) {
    throw new CliError(`There is no database ${database.sqlite}; check the path, or make it with gs migrate.`)
  }
  return administer(database, (administration) => work(administration, place), place.sectors)
}

/** Who gives the command, for the audit. */
function actor(): string {
  try {
    return `gs (${userInfo().username.replace(/\p{C}/gu, '?').slice(0, 100)})`
  } catch {
    // In a container the user may have a number only.
    return `gs (user ${process.getuid?.() ?? 'unknown'})`
  }
}

/**
 * Opens the database for the time of the work.
 *
 * @param sectors the site's own mask bits by name
 */
export async function administer<Result>(
  database: GsOptions['database'],
  work: (administration: Administration) => Promise<Result>,
  sectors: readonly string[] = []
): Promise<Result> {
  const { openAdministration } = await import('fastify-gs/admin')
  const administration = await openAdministration({ database, actor: actor(), sectors })
  try {
    return await work(administration)
  } finally {
    await administration.close()
  }
}
