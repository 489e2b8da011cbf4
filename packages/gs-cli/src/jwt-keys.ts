import { createPublicKey } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import type { Command } from 'commander'
import type { JwsAlgorithm, KeyRing } from 'fastify-gs-jwt'
import { CliError, usageError } from './cli-error.ts'

export interface KeySettings {
  readonly alg?: string
  readonly passphraseFile?: string
}

/** Adds the options of a command that reads keys out of a file. */
export function withKeyOptions(command: Command): Command {
  return command
    .option('--alg <name>', 'the algorithm of RSA keys and secrets that do not name theirs, e.g. PS256')
    .option('--passphrase-file <path>', 'the file with the passphrase of an encrypted key, one line')
}

/** @throws {CliError} */
export async function parseAlgorithm(name: string): Promise<JwsAlgorithm> {
  const { jwsAlgorithms } = await import('fastify-gs-jwt')
  const alg = jwsAlgorithms.find((known) => known === name)
  if (alg === undefined) throw usageError(`The algorithm ${name} is unknown; it is one of ${jwsAlgorithms.join(', ')}.`)
  return alg
}

/**
 * The keys in a file, as a server loads them: JWK, JWKS or PEM.
 *
 * @throws {CliError}
 * @throws {JwtKeyError} a server would not take the file
 */
export async function loadKeyFile(file: string, { alg, passphraseFile }: KeySettings): Promise<KeyRing> {
  const passphrase = passphraseFile === undefined ? undefined : readLine(passphraseFile)
  const named = alg === undefined ? algorithmIn(file, passphrase) : await parseAlgorithm(alg)
  if (named === null) throw usageError(`The key in ${file} does not say for which algorithm it is; say --alg, e.g. --alg PS256.`)
  const { loadKeys } = await import('fastify-gs-jwt')
  return loadKeys({ file, ...(passphrase !== undefined && { passphrase }) }, { alg: named })
}

function readLine(path: string): string {
  try {
    return readFileSync(path, 'utf8').replace(/\r?\n$/, '')
  } catch (error) {
    throw new CliError(`The file ${path} cannot be read (${(error as Error).message}).`)
  }
}

const byCurve: Readonly<Record<string, JwsAlgorithm>> = { 'P-256': 'ES256', 'P-384': 'ES384', 'P-521': 'ES512', Ed25519: 'EdDSA' }

/** What the first key can only be for. Null: several. */
function algorithmIn(file: string, passphrase: string | undefined): JwsAlgorithm | null {
  try {
    // A pipe would be waited for, a device read for ever.
    if (!statSync(file).isFile()) return 'ES256'
    const text = readFileSync(file, 'utf8')
    const json = text.trimStart().startsWith('{')
      ? (JSON.parse(text) as Record<string, unknown> & { keys?: Record<string, unknown>[] })
      : null
    const jwk =
      json?.keys?.[0] ??
      json ??
      createPublicKey({ key: text, format: 'pem', ...(passphrase !== undefined && { passphrase }) }).export({ format: 'jwk' })
    return (jwk['alg'] as JwsAlgorithm | undefined) ?? byCurve[String(jwk['crv'])] ?? null
  } catch {
    // Loading it tells what is wrong, and needs some algorithm for that.
    return 'ES256'
  }
}
