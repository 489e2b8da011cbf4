import { createPrivateKey } from 'node:crypto'
import { existsSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import type { Command } from 'commander'
import type { JWK } from 'jose'
import { CliError, usageError } from '../cli-error.ts'
import { loadKeyFile, parseAlgorithm, withKeyOptions, type KeySettings } from '../jwt-keys.ts'
import { note, printJson, printLine } from '../output.ts'
import { wholeNumber } from '../paging.ts'
import { writeKeyFile } from '../write-key-file.ts'

export function register(program: Command): void {
  const jwk = program
    .command('jwk')
    .summary('keys for signed tokens (fastify-gs-jwt): generate, public, thumbprint')
    .description('Keys for the signed tokens of fastify-gs-jwt: JWK (RFC 7517) or PEM.')
  registerGenerate(jwk)
  registerPublic(jwk)
  registerThumbprint(jwk)
}

interface GenerateSettings {
  readonly alg: string
  readonly kid?: string
  readonly bits?: number
  readonly out?: string
  readonly publicOut?: string
  readonly pem?: boolean
  readonly force?: boolean
  readonly json?: boolean
}

function registerGenerate(jwk: Command): void {
  jwk
    .command('generate')
    .description('Makes a new private key, or a secret with HS algorithms. Without --out it goes to stdout.')
    .option(
      '--alg <name>',
      'ES256, ES384, ES512, EdDSA, Ed25519, PS256, PS384, PS512, RS256, RS384, RS512, ML-DSA-44, ML-DSA-65, ML-DSA-87, HS256, HS384 or HS512',
      'ES256'
    )
    .option('--kid <name>', 'its name, which tokens carry (default: its RFC 7638 thumbprint)')
    .option('--bits <n>', 'length of an RSA key, a multiple of 8 (default: 3072)', wholeNumber(2048, 8192))
    .option('--out <path>', 'write it to this file, for its owner only; a file that is there stays')
    .option('--public-out <path>', 'write the public key to this file as a JWKS, for those who verify')
    .option('--pem', 'as PEM (PKCS#8) instead of JSON; it has no room for --alg and --kid, the server has to be told')
    .option('--force', 'replace files that are there; tokens of the key in them are not valid any more')
    .option('--json', 'print { "kid", "alg", "file", "publicFile" } in the place of a sentence; the key itself is JSON in any case')
    .addHelpText(
      'after',
      '\nExamples:\n  gs jwk generate --out /etc/site/jwt.jwk.json\n  gs jwk generate --alg ES512 --out jwt.jwk.json --public-out jwks.json\n  gs jwk generate --alg HS256 | pass insert --multiline site/jwt'
    )
    .action(async (settings: GenerateSettings) => {
      const { kid, bits, out, publicOut, pem, json } = settings
      const alg = await parseAlgorithm(settings.alg)
      checkPlaces(settings)
      if (bits !== undefined && !/^[RP]S/.test(alg))
        throw usageError(`--bits is for RSA keys (PS256, RS256 …); ${alg} has one length only.`)
      if (bits !== undefined && bits % 8 !== 0) throw usageError('--bits must be a multiple of 8.')
      if (pem && alg.startsWith('HS')) throw usageError('A secret has no PEM; leave out --pem.')
      if (pem && kid !== undefined)
        throw usageError('PEM has no room for a name; leave out --kid and write it into the option keys of the server.')
      if (pem && json && out === undefined) throw usageError('PEM is no JSON; leave out one of --pem and --json, or say --out.')
      if (publicOut !== undefined && alg.startsWith('HS'))
        throw usageError('A secret has no public part: whoever verifies with it can sign. Leave out --public-out, or take ES256.')

      const { generateJwk, loadKeys } = await import('fastify-gs-jwt')
      const key = await generateJwk(alg, { ...(kid !== undefined && { kid }), ...(bits !== undefined && { modulusLength: bits }) })
      // Nobody gets a key that a server would refuse.
      const keys = await loadKeys({ jwk: key }, { alg })
      const text = pem ? toPem(key) : `${JSON.stringify(key, null, 2)}\n`
      if (out !== undefined) await write(out, text, settings)
      if (publicOut !== undefined)
        await write(publicOut, `${JSON.stringify({ keys: keys.publicKeys(Date.now()) }, null, 2)}\n`, { ...settings, mode: 0o644 })

      if (out === undefined) {
        if (process.stdout.isTTY) note('This key is a secret: whoever has it can sign. --out <path> writes it to a file.')
        if (pem) process.stdout.write(text)
        else printJson(key)
      } else if (json) printJson({ kid: key.kid, alg, file: out, publicFile: publicOut ?? null })
      else {
        printLine(`The ${alg} key ${key.kid} is in ${out}, which only you can read.`)
        if (publicOut !== undefined) printLine(`Its public part is in ${publicOut}.`)
      }
    })
}

/** Before a key is made, so that nothing is done by halves. */
function checkPlaces({ out, publicOut, force }: GenerateSettings): void {
  if (out !== undefined && publicOut !== undefined && resolve(out) === resolve(publicOut))
    throw usageError('The private and the public key need two files; --out and --public-out name the same.')
  if (force && out === undefined && publicOut === undefined) throw usageError('--force goes with --out or --public-out.')
  for (const path of [out, publicOut]) {
    if (path === undefined) continue
    // As root, a new file would take the place of /dev/null or /dev/stdout for everybody.
    if (isSpecial(path)) throw new CliError(`${path} is no file but a device or something else that stays; choose a file.`)
    if (!existsSync(dirname(path))) throw cannotWrite(path, 'ENOENT')
    if (!force && existsSync(path)) throw existsAlready(path)
  }
}

/** A device, a pipe, a socket, or a file that only stands there for whoever has it open, like /dev/stdout. Directories are refused by the system. */
function isSpecial(path: string): boolean {
  const stats = statSync(path, { throwIfNoEntry: false })
  return stats !== undefined && !stats.isDirectory() && (!stats.isFile() || /^\/(dev\/(std(in|out|err)|fd\/)|proc\/)/.test(resolve(path)))
}

const existsAlready = (path: string) =>
  new CliError(`${path} exists already and was not touched; choose another file, or say --force to replace it.`)

async function write(
  path: string,
  text: string,
  { force = false, mode }: { readonly force?: boolean; readonly mode?: number }
): Promise<void> {
  try {
    if ((await writeKeyFile(path, text, { replace: force, ...(mode !== undefined && { mode }) })) === 'exists') throw existsAlready(path)
  } catch (error) {
    if (error instanceof CliError) throw error
    const { code = String(error) } = error as NodeJS.ErrnoException
    throw cannotWrite(path, code, { cause: error })
  }
}

const cannotWrite = (path: string, code: string, options?: ErrorOptions) =>
  new CliError(
    `${path} cannot be written (${code}); make its directory writable for this user, or choose another place.`,
    undefined,
    options
  )

const toPem = (key: JWK): string => String(createPrivateKey({ key, format: 'jwk' }).export({ type: 'pkcs8', format: 'pem' }))

function registerPublic(jwk: Command): void {
  withKeyOptions(jwk.command('public'))
    .description('Prints the public keys of a file as a JWKS, for those who verify. The file is a JWK, a JWKS or PEM, also a certificate.')
    .argument('<file>', 'the file with the keys')
    .addHelpText('after', '\nExamples:\n  gs jwk public jwt.jwk.json > jwks.json\n  gs jwk public --alg PS256 jwt.pem')
    .action(async (file: string, settings: KeySettings) => {
      printJson({ keys: await publicKeysIn(file, settings) })
    })
}

function registerThumbprint(jwk: Command): void {
  withKeyOptions(jwk.command('thumbprint'))
    .description('Prints the RFC 7638 thumbprint (SHA-256) of each key of a file. It is the kid of keys that have no other name.')
    .argument('<file>', 'a JWK, a JWKS or PEM')
    .option('--json', 'print { "keys": [{ "kid", "alg", "thumbprint" }] }')
    .addHelpText('after', '\nExample:\n  gs jwk thumbprint jwt.jwk.json')
    .action(async (file: string, settings: KeySettings & { readonly json?: boolean }) => {
      const { calculateJwkThumbprint } = await import('jose')
      const publicKeys = await publicKeysIn(file, settings)
      const keys = await Promise.all(
        publicKeys.map(async (key) => ({ kid: key.kid, alg: key.alg, thumbprint: await calculateJwkThumbprint(key) }))
      )
      if (settings.json) return printJson({ keys })
      for (const { thumbprint } of keys) printLine(thumbprint)
    })
}

async function publicKeysIn(file: string, settings: KeySettings) {
  const keys = (await loadKeyFile(file, settings)).publicKeys(Date.now())
  if (keys.length === 0)
    throw new CliError(`What is in ${file} is a secret (HS), which has no public part: whoever verifies with it can sign.`)
  return keys
}
