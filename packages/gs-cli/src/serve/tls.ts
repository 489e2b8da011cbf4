import { readFileSync } from 'node:fs'
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls'
import type { LwswsVhost } from 'fastify-gs/lwsws'
import { CliError } from '../cli-error.ts'

export interface Tls {
  readonly options: SecureContextOptions
  readonly context: SecureContext
}

/**
 * Key and certificates of a vhost, as they are in their files now.
 *
 * @throws {CliError} a file cannot be read or used
 */
export function readTls({ name, tls }: LwswsVhost): Tls | null {
  if (tls === null) return null
  const read = (file: string) => {
    try {
      return readFileSync(file)
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      throw new CliError(`${file} of the vhost ${name} cannot be read (${code ?? message}); correct its path, owner or mode.`, undefined, {
        cause: error
      })
    }
  }
  const options: SecureContextOptions = {
    key: read(tls.keyFile),
    cert: read(tls.certFile),
    ...(tls.caFile !== null && { ca: read(tls.caFile) }),
    minVersion: 'TLSv1.2'
  }
  try {
    return { options, context: createSecureContext(options) }
  } catch (error) {
    throw new CliError(
      `Key and certificate of the vhost ${name} cannot be used (${(error as Error).message}); they must be PEM files that belong together: ${tls.keyFile}, ${tls.certFile}.`,
      undefined,
      { cause: error }
    )
  }
}
