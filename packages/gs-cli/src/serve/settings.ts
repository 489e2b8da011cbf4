import { realpathSync } from 'node:fs'
import { dirname, sep } from 'node:path'
import { readLwswsConfig, type LwswsConfig, type LwswsProblem } from 'fastify-gs/lwsws'

/** What the command line says about a configuration. */
export interface ServeSettings {
  /** Absolute path of the directory or file. */
  readonly path: string
  readonly keysFile: string | null
  readonly trustProxy: readonly string[]
  /** What `_lws_ddir_` stands for. */
  readonly dataDirectory: string | null
}

export function readConfig(settings: ServeSettings): LwswsConfig {
  const { path, dataDirectory } = settings
  const config = readLwswsConfig(path, dataDirectory === null ? {} : { dataDirectory })
  return { ...config, problems: [...config.problems, ...exposedKeys(config, settings)] }
}

export const errorsOf = ({ problems }: LwswsConfig) => problems.filter(({ severity }) => severity === 'error')

/** The configuration cannot know the file of the keys when the command line names it. */
function exposedKeys({ vhosts }: LwswsConfig, { keysFile }: ServeSettings): LwswsProblem[] {
  if (keysFile === null) return []
  const directory = realPath(dirname(keysFile)) + sep
  return vhosts.flatMap(({ name, mounts }) =>
    mounts
      .filter(({ origin }) => origin.kind === 'files' && directory.startsWith(origin.directory.replace(/\/$/, '') + sep))
      .map(({ prefix, file, line }) => ({
        severity: 'error',
        file,
        line,
        message: `${file}:${line}: the mount "${prefix}" of the vhost "${name}" would serve the secret keys ${keysFile}, which --keys names; move them.`
      }))
  )
}

function realPath(path: string): string {
  try {
    return realpathSync.native(path)
  } catch {
    return path
  }
}
