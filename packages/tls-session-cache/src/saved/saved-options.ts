import type { ConnectionOptions } from 'node:tls'
import { TlsCacheOptionError } from '../errors.ts'

/**
 * How saved sessions are protected. `key`: 32 random bytes, or a passphrase of 16 characters at least, of which scrypt makes a key. `plaintext`:
 * not at all. Who has a session can read the TLS 1.2 connections that it was used for and pass for the client whose certificate it was made
 * with, and who can change a plaintext dump decides whom connections take for verified (RFC 5246, F.1.4).
 */
export type Protection =
  | { readonly key: Uint8Array | string; readonly plaintext?: false }
  | { readonly key?: undefined; readonly plaintext: true }

interface Which {
  /** Only sessions with this host. Default: all. */
  readonly host?: string
  /** Only those of this port. */
  readonly port?: number
}

export type DumpOptions = Protection &
  Which & {
    /**
     * Whether tickets of TLS 1.3 leave the cache when they are saved, because they are used once: by this process or by the next one. Sessions
     * of TLS 1.2 may be used by both and stay in any case. Default: the option `singleUse` of the cache.
     */
    readonly move?: boolean
  }

export type LoadOptions = Protection &
  Which & {
    /** Only sessions that one of these connections would use: whom it goes to, what it trusts, and as whom it presents itself. Default: all. */
    readonly connections?: readonly ConnectionOptions[]
  }

export type RestoreOptions = LoadOptions & {
  /** Whether the file goes when it has sessions that can be used, so that no other process uses its tickets, too. Default: the option `singleUse` of the cache. */
  readonly move?: boolean
}

export type ResolvedProtection =
  | { readonly kind: 'key'; readonly key: Buffer }
  | { readonly kind: 'passphrase'; readonly passphrase: string }
  | { readonly kind: 'plaintext' }

export function refuse(message: string): never {
  throw new TlsCacheOptionError(`tls-session-cache: ${message}`)
}

function protectionOf({ key, plaintext }: { readonly key?: unknown; readonly plaintext?: unknown }): ResolvedProtection {
  if (plaintext !== undefined && typeof plaintext !== 'boolean') refuse('the option plaintext must be true or false.')
  if (plaintext === true) {
    if (key !== undefined) refuse('the options key and plaintext contradict each other; leave one of them out.')
    return { kind: 'plaintext' }
  }
  if (key === undefined)
    refuse('sessions are secrets, and the option key is missing; give 32 random bytes or a passphrase, or say plaintext: true.')
  if (typeof key === 'string') {
    const passphrase = key.normalize('NFC')
    if (passphrase.length < 16 || passphrase.length > 1024)
      refuse('the option key must be 32 random bytes or a passphrase of 16 to 1024 characters.')
    return { kind: 'passphrase', passphrase }
  }
  if (!(key instanceof Uint8Array) || key.length !== 32)
    refuse('the option key must be 32 random bytes or a passphrase of 16 to 1024 characters.')
  return { kind: 'key', key: Buffer.from(key) }
}

export interface ResolvedSaveOptions {
  readonly protection: ResolvedProtection
  /** Lower case. */
  readonly host: string | null
  readonly port: number | null
  readonly move: boolean
  readonly connections: readonly ConnectionOptions[] | null
}

/** @throws {TlsCacheOptionError} */
export function resolveSaveOptions(given: object, names: readonly string[], defaultMove: boolean): ResolvedSaveOptions {
  if (typeof given !== 'object' || given === null) refuse('saving and loading need an object with options: a key, or plaintext: true.')
  const known = ['key', 'plaintext', 'host', 'port', ...names]
  const unknown = Object.keys(given).find((name) => !known.includes(name))
  if (unknown !== undefined) refuse(`the option ${unknown} is not known; known are ${known.join(', ')}.`)
  const { connections, host, move = defaultMove, port, ...protection } = given as Readonly<Record<string, unknown>>
  if (host !== undefined && (typeof host !== 'string' || host === '')) refuse('the option host must be the name of a host.')
  if (port !== undefined && (!Number.isInteger(port) || (port as number) < 0 || (port as number) > 65_535))
    refuse('the option port must be a whole number from 0 to 65535.')
  if (typeof move !== 'boolean') refuse('the option move must be true or false.')
  if (connections !== undefined && !Array.isArray(connections)) refuse('the option connections must be a list of options of tls.connect.')
  return {
    protection: protectionOf(protection),
    host: host?.toLowerCase() ?? null,
    port: (port as number | undefined) ?? null,
    move,
    connections: (connections as readonly ConnectionOptions[] | undefined) ?? null
  }
}
