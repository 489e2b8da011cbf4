import type { FastifyRequest } from 'fastify'
import { WsOptionError } from './errors.ts'
import type { SessionStore } from './store/session-store.ts'
import type { WsConnection } from './ws-connection.ts'

export interface GsWsOptions {
  /** Where the websocket is. Default: `/ws`. */
  readonly path?: string
  /** Where sessions are kept. Default: `sqliteStore({ path: 'gs-ws.sqlite3' })`, in the working directory. */
  readonly store?: SessionStore
  /** Called when a connection has got its session, before any message of it is handled, and before anything is sent. */
  readonly onSession?: (conn: WsConnection) => void | Promise<void>
  /**
   * `random`: 22 characters of base64url, which nobody guesses. `sequence`: 1, 2, 3 …, as in data of webgram-sessions. Or a function of yours, which never
   * gives one again that it gave before. Default: `random`.
   */
  readonly ids?: 'random' | 'sequence' | (() => string | number | Promise<string | number>)
  /** Seconds without any connection after which a session is over. Default: 30 days. */
  readonly idle?: number
  /** Seconds after which it is over in any case. Default: 365 days. */
  readonly absolute?: number
  /** Bytes of JSON that a session may hold. Default: 65536. */
  readonly maxData?: number
  /** Bytes of a frame. Default: 65536. */
  readonly maxFrame?: number
  /** Frames a second, and how many at once. Default: 100, 1200: clients of the first dialect send all at once what waits for a session. */
  readonly framesPerSecond?: number
  readonly burst?: number
  /** Bytes that may wait for a slow client. Default: 1 MiB. */
  readonly maxBuffered?: number
  /** Messages and bytes of a link that wait for an acknowledgement. Default: 1000, 1 MiB. */
  readonly maxUnacknowledged?: number
  readonly maxUnacknowledgedBytes?: number
  /** Seconds for which a link without connection is kept. Default: 120. */
  readonly linkTimeout?: number
  /** Connections of a session, and of an address (IPv6: /64). Default: 20, 100. */
  readonly perSession?: number
  readonly perAddress?: number
  /** New sessions that an address may make in an hour. Default: 100. */
  readonly createsPerAddress?: number
  /** Seconds between pings; who does not answer one is cut off. Default: 30. */
  readonly pingInterval?: number
  /** Seconds until changes by other processes are seen. Default: 1. */
  readonly refresh?: number
  /** Origins besides the own one whose pages may connect. Default: none. */
  readonly origins?: readonly string[]
  /** Whether clients of the first dialect (webgram-sessions) are served. Default: true. */
  readonly webgram?: boolean
  /**
   * Who owns the sessions of a request; null: nobody. A session can be resumed by its owner only, and is over when the login is. Default: with
   * fastify-gs, the session that is logged in; else nobody.
   */
  readonly owner?: (request: FastifyRequest) => string | null
  /** What may come in: asked for each message, also for those that are sent again, with what the connection may do now. Default: everything. */
  readonly allow?: (conn: WsConnection, event: string, args: readonly unknown[]) => boolean
  /** The clock, ms since 1970; for tests. Default: `Date.now`. */
  readonly now?: () => number
}

/** The options, checked and complete. */
export interface ResolvedOptions extends Required<Omit<GsWsOptions, 'onSession' | 'owner' | 'store'>> {
  readonly onSession: GsWsOptions['onSession'] | null
  readonly owner: NonNullable<GsWsOptions['owner']> | null
  readonly store: SessionStore | null
}

const known =
  'path store onSession ids idle absolute maxData maxFrame framesPerSecond burst maxBuffered maxUnacknowledged maxUnacknowledgedBytes linkTimeout perSession perAddress createsPerAddress pingInterval refresh origins webgram owner allow now'.split(
    ' '
  )

const day = 86_400
const mebibyte = 1_048_576

function refuse(message: string): never {
  throw new WsOptionError(`fastify-gs-ws: ${message}`)
}

function whole(name: string, value: unknown, least: number, most: number, unit: string): number {
  if (!Number.isSafeInteger(value) || (value as number) < least || (value as number) > most)
    refuse(`the option ${name} must be a whole number of ${unit} from ${least} to ${most}.`)
  return value as number
}

function callable<T>(name: string, value: T, what: string): T {
  if (typeof value !== 'function') refuse(`the option ${name} must be a function ${what}.`)
  return value
}

function origin(value: unknown): string {
  if (typeof value !== 'string' || !URL.canParse(value) || new URL(value).origin !== value)
    refuse('the option origins must be a list of origins like https://example.com, without path and slash at the end.')
  return value
}

/** @throws {WsOptionError} */
export function resolveOptions(given: GsWsOptions): ResolvedOptions {
  if (typeof given !== 'object' || given === null) refuse('it needs an object with options, or none.')
  const unknown = Object.keys(given).find((name) => !known.includes(name))
  // Fastify keeps it from what is registered for all.
  if (unknown === 'prefix') refuse('the option prefix has no effect; write it into the option path.')
  if (unknown !== undefined) refuse(`the option ${unknown} is not known; known are ${known.join(', ')}.`)
  const { ids = 'random', origins = [], path = '/ws', store, webgram = true } = given
  if (typeof path !== 'string' || !/^(\/|(\/[\w.~-]+)+)$/.test(path)) refuse('the option path must be a path like /ws.')
  if (store instanceof Promise) refuse('the option store is a promise; write store: await sqliteStore({ … }).')
  if (store !== undefined && (typeof store?.create !== 'function' || typeof store.visit !== 'function'))
    refuse('the option store must be what memoryStore(), sqliteStore() or postgresStore() has made, or have the methods of SessionStore.')
  if (ids !== 'random' && ids !== 'sequence' && typeof ids !== 'function')
    refuse('the option ids must be "random", "sequence" or a function that gives a new id.')
  if (!Array.isArray(origins)) refuse('the option origins must be a list of origins like https://example.com.')
  if (typeof webgram !== 'boolean') refuse('the option webgram must be true or false.')
  const number = (name: keyof GsWsOptions, usual: number, least: number, most: number, unit: string) =>
    whole(name, given[name] ?? usual, least, most, unit)
  const framesPerSecond = number('framesPerSecond', 100, 1, 100_000, 'frames')
  return Object.freeze({
    path,
    store: store ?? null,
    onSession: given.onSession === undefined ? null : callable('onSession', given.onSession, 'that takes a connection'),
    ids,
    idle: number('idle', 30 * day, 1, 3650 * day, 'seconds'),
    absolute: number('absolute', 365 * day, 1, 3650 * day, 'seconds'),
    maxData: number('maxData', 65_536, 64, 16 * mebibyte, 'bytes'),
    maxFrame: number('maxFrame', 65_536, 1024, 16 * mebibyte, 'bytes'),
    framesPerSecond,
    burst: number('burst', 12 * framesPerSecond, 1, 10_000_000, 'frames'),
    maxBuffered: number('maxBuffered', mebibyte, 1024, 1024 * mebibyte, 'bytes'),
    maxUnacknowledged: number('maxUnacknowledged', 1000, 32, 1_000_000, 'messages'),
    maxUnacknowledgedBytes: number('maxUnacknowledgedBytes', mebibyte, 1024, 1024 * mebibyte, 'bytes'),
    linkTimeout: number('linkTimeout', 120, 1, day, 'seconds'),
    perSession: number('perSession', 20, 1, 100_000, 'connections'),
    perAddress: number('perAddress', 100, 1, 1_000_000, 'connections'),
    createsPerAddress: number('createsPerAddress', 100, 1, 10_000_000, 'sessions'),
    pingInterval: number('pingInterval', 30, 1, 3600, 'seconds'),
    refresh: number('refresh', 1, 1, 3600, 'seconds'),
    origins: origins.map(origin),
    webgram,
    owner: given.owner === undefined ? null : callable('owner', given.owner, 'that takes a request and gives a text or null'),
    allow: given.allow === undefined ? () => true : callable('allow', given.allow, 'that gives true or false'),
    now: given.now === undefined ? Date.now : callable('now', given.now, 'that gives ms since 1970')
  })
}
