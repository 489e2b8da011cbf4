import { hkdfSync, randomBytes } from 'node:crypto'
import type { Server } from 'node:tls'
import { TlsCacheOptionError } from '../errors.ts'

interface Rotation {
  /**
   * Seconds for which a key is used, 60 to 86400; every process must have the same. What was resumed with a key, and all of TLS 1.2 with it, can be read
   * by who gets hold of it later. Default: 14400 (four hours).
   */
  readonly every?: number
  /** Told when `keys` has failed, or has not answered in time; the server goes on with the key that it has. Default: a warning of the process. */
  readonly onError?: (error: unknown) => void
  /** The clock, ms since 1970. Default: `Date.now`. */
  readonly now?: () => number
}

export type TicketKeyOptions = Rotation &
  (
    | {
        /** At least 32 random bytes, the same in every process, of which the keys are made. Who has them can make every key there was and will be. */
        readonly secret: Uint8Array | string
        /** Services with the same secret that must not resume the sessions of each other have different ones. Default: none. */
        readonly context?: string
        readonly keys?: undefined
      }
    | {
        /** Gives the key of a period, 48 random bytes: the same for every process that asks. A period is the time since 1970 divided by `every`. */
        readonly keys: (period: number) => Uint8Array | PromiseLike<Uint8Array>
        readonly secret?: undefined
        readonly context?: undefined
      }
  )

export interface SharedTicketKeys {
  /** Settled when the server has its first key, or `keys` has failed to give it. With `secret` it has it at once. */
  readonly ready: Promise<void>
  /** The period whose key the server has; null: none yet. */
  readonly period: number | null
  /** The server keeps its key and gets no others. Happens by itself when the server closes. */
  stop(): void
}

type TicketServer = Pick<Server, 'setTicketKeys' | 'once' | 'off' | 'prependListener'>

const keyBytes = 48
const day = 86_400_000
/** The clock is looked at as often, ms, because it can be set, and machines can sleep; `keys` has as long to answer. */
const longestWait = 60_000
/** After a failure, ms. */
const retryWait = 5_000

const isPromise = (key: Uint8Array | PromiseLike<Uint8Array>): key is PromiseLike<Uint8Array> =>
  typeof (key as Partial<PromiseLike<Uint8Array>> | undefined)?.then === 'function'

function refuse(message: string): never {
  throw new TlsCacheOptionError(`tls-session-cache: ${message}`)
}

interface Resolved {
  readonly keyOf: (period: number) => Uint8Array | PromiseLike<Uint8Array>
  readonly length: number
  readonly onError: (error: unknown) => void
  readonly now: () => number
}

const warn = (error: unknown) =>
  process.emitWarning(
    `The next key for session tickets could not be had (${error instanceof Error ? error.message : 'unknown error'}); the server goes on with the one it has.`,
    'TlsSessionCacheWarning'
  )

function resolve(server: TicketServer, options: TicketKeyOptions): Resolved {
  if (typeof server?.setTicketKeys !== 'function')
    refuse('shareTicketKeys() needs a server of tls, https or http2; with Fastify it is app.server, and the option https has to be there.')
  if (typeof options !== 'object' || options === null) refuse('shareTicketKeys() needs an object with options.')
  const known = ['secret', 'context', 'keys', 'every', 'onError', 'now']
  const unknown = Object.keys(options).find((name) => !known.includes(name))
  if (unknown !== undefined) refuse(`the option ${unknown} is not known; known are ${known.join(', ')}.`)
  const { context = '', every = 14_400, keys, now = Date.now, onError = warn, secret } = options
  if (!Number.isSafeInteger(every) || every < 60 || every > 86_400)
    refuse('the option every must be a whole number of seconds from 60 to 86400.')
  if (typeof now !== 'function') refuse('the option now must be a function that gives ms since 1970.')
  if (typeof onError !== 'function') refuse('the option onError must be a function.')
  const rest = { length: every * 1000, onError, now }
  if ((keys === undefined) === (secret === undefined)) refuse('one of the options secret and keys is needed, and one only.')
  if (secret === undefined) {
    if (typeof keys !== 'function') refuse('the option keys must be a function that gives the key of a period.')
    if (context !== '') refuse('the option context is for secret; keys can give other keys by itself.')
    return { ...rest, keyOf: keys }
  }
  if (typeof context !== 'string' || context.length > 256) refuse('the option context must be a text of 256 characters at most.')
  if ((typeof secret !== 'string' && !(secret instanceof Uint8Array)) || Buffer.byteLength(secret) < 32)
    refuse('the option secret must be at least 32 random bytes; make it with "openssl rand -hex 32".')
  // A copy: the given one may be overwritten.
  const input = Buffer.from(secret as Uint8Array)
  return {
    ...rest,
    keyOf: (period) =>
      new Uint8Array(hkdfSync('sha256', input, '', `tls-session-cache ticket key 1 ${JSON.stringify([context, every, period])}`, keyBytes))
  }
}

/**
 * Gives the servers of several processes the same ticket keys, and all of them the next one at the same moment, by their clocks.
 *
 * @throws {TlsCacheOptionError}
 */
export function shareTicketKeys(server: TicketServer, options: TicketKeyOptions): SharedTicketKeys {
  const { keyOf, length, now, onError } = resolve(server, options)
  let period: number | null = null
  let asked: number | null = null
  let current: { readonly key: Buffer; readonly since: number } | null = null
  let timer: NodeJS.Timeout | undefined
  let stopped = false
  const ready = Promise.withResolvers<void>()

  const use = (key: Uint8Array) => {
    if (!(key instanceof Uint8Array) || key.length !== keyBytes)
      throw new TlsCacheOptionError(`tls-session-cache: the option keys must give ${keyBytes} bytes.`)
    current = { key: Buffer.from(key), since: now() }
    server.setTicketKeys(current.key)
  }
  const failed = (error: unknown) => {
    asked = null
    if (current !== null && now() - current.since >= day) use(randomBytes(keyBytes))
    wait(retryWait)
    ready.resolve()
    onError(error)
  }
  const wait = (most: number) => {
    clearTimeout(timer)
    if (stopped) return
    const untilNext = length - (now() % length)
    timer = setTimeout(turn, Math.max(1, Math.min(most, untilNext)))
    timer.unref()
  }
  const turn = () => {
    const wanted = Math.floor(now() / length)
    wait(longestWait)
    // Node gives a server a key of its own again when it gets another certificate.
    if (wanted === period) return again()
    if (asked !== null) {
      const isRetriedLater = asked === wanted
      failed(new Error('the option keys has not answered in time'))
      if (isRetriedLater) return
      wait(longestWait)
    }
    asked = wanted
    const settle = (key: Uint8Array) => {
      // Somebody else's turn by now.
      if (stopped || asked !== wanted) return
      use(key)
      period = wanted
      asked = null
      ready.resolve()
    }
    try {
      const key = keyOf(wanted)
      if (!isPromise(key)) return settle(key)
      void Promise.resolve(key)
        .then(settle)
        .catch((error: unknown) => stopped || asked !== wanted || failed(error))
    } catch (error) {
      failed(error)
    }
  }
  const stop = () => {
    stopped = true
    ready.resolve()
    clearTimeout(timer)
    server.off('close', stop)
    server.off('listening', again)
  }
  // In a cluster, a worker gets the key that the first one had when it began to listen.
  const again = () => {
    if (current !== null) server.setTicketKeys(current.key)
  }

  server.once('close', stop)
  server.prependListener('listening', again)
  turn()
  return {
    ready: ready.promise,
    get period() {
      return period
    },
    stop
  }
}
