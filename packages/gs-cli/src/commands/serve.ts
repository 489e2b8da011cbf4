import { existsSync } from 'node:fs'
import { isIP } from 'node:net'
import { resolve } from 'node:path'
import { Option, type Command } from 'commander'
import { CliError, usageError } from '../cli-error.ts'
import { printLine } from '../output.ts'

interface ServeOptions {
  readonly check?: boolean
  readonly keys?: string
  readonly trustProxy?: string
  readonly data?: string
  readonly logLevel: string
}

export function register(program: Command): void {
  program
    .command('serve')
    .argument('<config>', 'directory with conf and conf.d/, or one file')
    .summary('run a complete site from a configuration file')
    .description(
      'Serves the vhosts of a configuration in the format of lwsws: directories, logins, mail links, protected parts, with no code. SIGHUP reads it again, SIGTERM stops.'
    )
    .option('--check', 'only say what is wrong with the configuration')
    .option('--keys <file>', 'where the secret keys are kept (default: <session-db>.keys)')
    .option('--trust-proxy <addresses>', 'proxies whose X-Forwarded-For is believed, e.g. 127.0.0.1,10.0.0.0/8')
    .option('--data <directory>', 'what _lws_ddir_ in the configuration stands for')
    .addOption(
      new Option('--log-level <level>', 'what is logged')
        .choices(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
        .default('info')
    )
    .addHelpText('after', '\nExample:\n  gs serve --check /etc/lwsws\n  gs serve /etc/lwsws')
    .action(async (path: string, options: ServeOptions) => {
      if (!existsSync(path)) throw new CliError(`There is no configuration ${path}; give a directory with the file conf, or a file.`)
      const { check } = await import('../serve/check.ts')
      const settings = {
        path: resolve(path),
        keysFile: options.keys === undefined ? null : resolve(options.keys),
        trustProxy: parseProxies(options.trustProxy),
        dataDirectory: options.data === undefined ? null : resolve(options.data)
      }
      if (options.check === true) {
        await check(settings)
        printLine(`${path} is good.`)
        return
      }
      const { serve } = await import('../serve/serve.ts')
      await serve({ ...settings, logLevel: options.logLevel })
    })
}

/** Addresses only: a count of hops would believe whatever a client writes in front. */
function parseProxies(given: string | undefined): readonly string[] {
  if (given === undefined) return []
  return given.split(',').map((part) => {
    const proxy = part.trim()
    const [address = '', bits, more] = proxy.split('/')
    const version = isIP(address)
    const isNetwork = bits === undefined || (/^\d{1,3}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128))
    if (version === 0 || !isNetwork || more !== undefined) {
      throw usageError(`--trust-proxy has ${JSON.stringify(proxy)}; write addresses or networks, like 127.0.0.1,10.0.0.0/8.`)
    }
    return proxy
  })
}
