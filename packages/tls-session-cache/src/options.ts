import { TlsCacheOptionError } from './errors.ts'

export interface TlsSessionCacheOptions {
  /** Sessions are used inside one namespace only. Default: `default`. */
  readonly namespace?: string
  /** False: connections are made as without cache. Default: true. */
  readonly enabled?: boolean
  /** Peers whose sessions are kept; the one that was used longest ago goes first. Default: 10. */
  readonly max?: number
  /** Seconds for which a session is kept, from 1 to 86400 (RFC 5246, F.1.4); never longer than its server wants it to be. Default: 300. */
  readonly ttl?: number
  /** Sessions that are kept for each peer, the newest of those that it has sent. Default: 4. */
  readonly perPeer?: number
  /**
   * Tickets of TLS 1.3 are used once (RFC 8446, C.4), because who reads them on their way could otherwise tell that two connections have the same
   * client. False: the last one that is left is used again, for servers that send no other when a connection is resumed, as those of Node. Default: true.
   */
  readonly singleUse?: boolean
  /** The clock, ms since 1970; for tests. Default: `Date.now`. */
  readonly now?: () => number
}

/** The options, checked and complete. */
export type ResolvedOptions = Required<TlsSessionCacheOptions>

const known = 'namespace enabled max ttl perPeer singleUse now'.split(' ')

function refuse(message: string): never {
  throw new TlsCacheOptionError(`tls-session-cache: ${message}`)
}

function whole(name: string, value: unknown, least: number, most: number, unit: string): number {
  if (!Number.isSafeInteger(value) || (value as number) < least || (value as number) > most)
    refuse(`the option ${name} must be a whole number of ${unit} from ${least} to ${most}.`)
  return value as number
}

function truth(name: string, value: unknown): boolean {
  if (typeof value !== 'boolean') refuse(`the option ${name} must be true or false.`)
  return value
}

/** @throws {TlsCacheOptionError} */
export function resolveOptions(given: TlsSessionCacheOptions): ResolvedOptions {
  if (typeof given !== 'object' || given === null) refuse('it needs an object with options, or none.')
  const unknown = Object.keys(given).find((name) => !known.includes(name))
  if (unknown !== undefined) refuse(`the option ${unknown} is not known; known are ${known.join(', ')}.`)
  const { enabled = true, max = 10, namespace = 'default', now = Date.now, perPeer = 4, singleUse = true, ttl = 300 } = given
  if (typeof namespace !== 'string' || namespace === '' || namespace.length > 128)
    refuse('the option namespace must be a text of 1 to 128 characters.')
  if (typeof now !== 'function') refuse('the option now must be a function that gives ms since 1970.')
  return Object.freeze({
    namespace,
    enabled: truth('enabled', enabled),
    max: whole('max', max, 1, 100_000, 'peers'),
    ttl: whole('ttl', ttl, 1, 86_400, 'seconds'),
    perPeer: whole('perPeer', perPeer, 1, 16, 'sessions'),
    singleUse: truth('singleUse', singleUse),
    now
  })
}
