import { readLwswsConfig, type LwswsConfig } from 'fastify-gs/lwsws'

/** What the command line says about a configuration. */
export interface ServeSettings {
  /** Absolute path of the directory or file. */
  readonly path: string
  readonly keysFile: string | null
  readonly trustProxy: readonly string[]
  /** What `_lws_ddir_` stands for. */
  readonly dataDirectory: string | null
}

export function readConfig({ path, dataDirectory }: ServeSettings): LwswsConfig {
  return readLwswsConfig(path, dataDirectory === null ? {} : { dataDirectory })
}

export const errorsOf = ({ problems }: LwswsConfig) => problems.filter(({ severity }) => severity === 'error')
