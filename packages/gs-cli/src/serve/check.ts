import { accessSync, constants, existsSync } from 'node:fs'
import { dirname } from 'node:path'
import type { LwswsVhost } from 'fastify-gs/lwsws'
import { CliError } from '../cli-error.ts'
import { note } from '../output.ts'
import { readKeys } from './keys.ts'
import { createLog } from './log.ts'
import { errorsOf, readConfig, type ServeSettings } from './settings.ts'
import { buildSite } from './site.ts'

/** How a problem is shown before the server runs. */
export const problemLine = ({ severity, message }: { severity: string; message: string }) => `${severity}: ${message}`

/** What the trial does not see, because it opens nothing. @throws {CliError} */
async function checkFiles({ name, sessions, accessLog }: LwswsVhost, { keysFile }: ServeSettings): Promise<void> {
  if (accessLog !== null) refuseUnusable(accessLog, `the access log of the vhost ${name}`)
  if (sessions === null) return
  const { database } = sessions.options
  const keys = keysFile ?? ('sqlite' in database ? `${database.sqlite}.keys` : null)
  if (keys !== null && existsSync(keys)) await readKeys(keys)
  if ('sqlite' in database) refuseUnusable(database.sqlite, `the database of the vhost ${name}`)
}

function refuseUnusable(path: string, what: string): void {
  for (const place of existsSync(path) ? [path, dirname(path)] : [dirname(path)]) {
    try {
      accessSync(place, constants.R_OK | constants.W_OK)
    } catch (error) {
      throw new CliError(
        `${place}, for ${what}, is not there or not writable for this user; make it, or change its owner or mode.`,
        undefined,
        {
          cause: error
        }
      )
    }
  }
}

/**
 * Says everything that is wrong with a configuration, and builds its sites for a trial, on a database in memory: nothing is opened or
 * written. What does not keep the site from running is a warning.
 *
 * @throws {CliError} there are errors
 */
export async function check(settings: ServeSettings): Promise<void> {
  const config = readConfig(settings)
  for (const problem of config.problems) note(problemLine(problem))
  let errors = errorsOf(config).length
  if (errors === 0) {
    const refuse = (error: unknown) => {
      errors++
      note(problemLine({ severity: 'error', message: (error as Error).message.replace(/^fastify-gs: /, '') }))
    }
    const log = createLog('silent')
    for (const vhost of config.vhosts) {
      try {
        await checkFiles(vhost, settings)
        const site = await buildSite(vhost, { ...settings, ...config.global, log, rehearsal: true })
        await site.close()
      } catch (error) {
        refuse(error)
      }
    }
  }
  if (errors > 0) throw new CliError(`${settings.path} has ${errors === 1 ? 'an error' : `${errors} errors`}; see above.`)
}
