import { CliError } from '../cli-error.ts'
import { note } from '../output.ts'
import { problemLine } from './check.ts'
import { createLog } from './log.ts'
import { SiteServer, stopLimit } from './server.ts'
import { errorsOf, readConfig, type ServeSettings } from './settings.ts'

/**
 * Runs the sites of a configuration until a signal says to stop; then it ends the process.
 *
 * @throws {CliError | GsStartError | GsOptionError} it cannot be started
 */
export async function serve(settings: ServeSettings & { readonly logLevel: string }): Promise<void> {
  // Databases, keys and logs are for their owner only.
  process.umask(0o077)
  const config = readConfig(settings)
  const errors = errorsOf(config)
  if (errors.length > 0) {
    for (const problem of config.problems) note(problemLine(problem))
    throw new CliError(`${settings.path} has ${errors.length === 1 ? 'an error' : `${errors.length} errors`}; see above.`)
  }
  const log = createLog(settings.logLevel)
  for (const { message } of config.problems) log.warn(message)

  const server = new SiteServer({ ...settings, config, log })
  let stopping = false
  const stop = async (signal: NodeJS.Signals) => {
    // A terminal and npm may each pass on the same Ctrl-C.
    if (stopping) return
    stopping = true
    log.info(`${signal}: stopping`)
    setTimeout(() => process.exit(1), stopLimit).unref()
    await server.stop()
    process.exit(0)
  }
  const reload = async () => {
    if (stopping) return
    log.info('SIGHUP: reading the configuration again')
    try {
      const read = readConfig(settings)
      for (const { severity, message } of read.problems) log[severity === 'error' ? 'error' : 'warn'](message)
      if (errorsOf(read).length > 0) log.error('the configuration has errors; everything goes on as before')
      else await server.reload(read)
    } catch (error) {
      log.error(`${(error as Error).message} Everything goes on as before.`)
    }
  }
  process.on('SIGTERM', (signal) => void stop(signal))
  process.on('SIGINT', (signal) => void stop(signal))
  process.on('SIGHUP', () => void reload())
  await server.start()
}
