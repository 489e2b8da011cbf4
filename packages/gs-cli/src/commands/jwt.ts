import type { Command } from 'commander'
import { askToken } from '../ask.ts'
import { CliError, ExitCode } from '../cli-error.ts'
import { loadKeyFile, withKeyOptions, type KeySettings } from '../jwt-keys.ts'
import { note, printFields, printJson } from '../output.ts'

interface Settings extends KeySettings {
  readonly keys?: string
  readonly json?: boolean
}

export function register(program: Command): void {
  const jwt = program.command('jwt').summary('signed tokens (fastify-gs-jwt): show').description('Signed tokens of fastify-gs-jwt.')
  withKeyOptions(jwt.command('show'))
    .description(
      'Shows what a token says, and with --keys whether one of them has signed it. The token is one line on stdin, or asked for on a terminal and not shown; it is never an argument, because others could read it there.'
    )
    .option('--keys <file>', 'check the signature with the keys of this file: a JWK, a JWKS or PEM')
    .option('--json', 'print { "header", "claims", "signature" }: "right", why it is not, or null without --keys; times as in the token')
    .addHelpText('after', '\nExamples:\n  gs jwt show\n  xclip -o | gs jwt show --keys jwks.json')
    .action(async ({ keys, json, ...settings }: Settings) => {
      const ring = keys === undefined ? null : await loadKeyFile(keys, settings)
      const token = await askToken()
      const { header, claims } = await decode(token)
      const { verifyJws } = await import('fastify-gs-jwt')
      const result = ring === null ? null : await verifyJws(token, { keys: ring, maxBytes: 65_536 })
      const signature = result === null ? null : result.ok ? 'right' : result.reason
      if (signature !== null && signature !== 'right') process.exitCode = ExitCode.failed
      if (json) return printJson({ header, claims, signature })
      printFields([
        ['header', JSON.stringify(header)],
        ...Object.entries(claims).map(([name, value]) => [name, describe(name, value)] as const)
      ])
      if (signature === null) note('The signature was not checked, so anybody may have written this; --keys <file> checks it.')
      else if (signature === 'right') note('The signature is right.')
      else note(`gs: No key of ${keys} has signed this (${sentences[signature]}), so anybody may have written it.`)
    })
}

const sentences = {
  malformed: 'it is not in the compact form',
  'too-large': 'it is too long',
  header: 'its header is refused',
  kid: 'none has the kid of its header',
  alg: 'the key is for another algorithm',
  signature: 'the signature is wrong'
} as const

async function decode(token: string) {
  const { decodeJwt, decodeProtectedHeader } = await import('jose')
  try {
    return { header: decodeProtectedHeader(token), claims: decodeJwt(token) }
  } catch {
    throw new CliError('This is no signed token: three parts with dots between them, of which the first two are JSON.')
  }
}

const times = ['iat', 'nbf', 'exp', 'auth_time']

function describe(name: string, value: unknown): string {
  if (times.includes(name) && typeof value === 'number') {
    const date = new Date(value * 1000)
    if (!Number.isNaN(date.getTime())) return `${value}  ${date.toISOString().slice(0, 19).replace('T', ' ')} UTC${remark(name, date)}`
  }
  // JSON.stringify would make null of one that is too large.
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : JSON.stringify(value)
}

function remark(name: string, date: Date): string {
  const past = date.getTime() <= Date.now()
  if (name === 'exp') return past ? ', expired' : ''
  return name !== 'auth_time' && !past ? ', not yet' : ''
}
