import type { FastifyRequest } from 'fastify'
import type { WsConnection } from './ws-connection.ts'
import type { SessionStore } from './store/session-store.ts'

export interface GsWsOptions {
  /** Where the websocket is. Default: `/ws`. */
  readonly path?: string
  /** Where sessions are kept. Default: `memoryStore()`, which is for one process and forgets when it ends. */
  readonly store?: SessionStore
  /** Called when a connection has got its session, before any message of it is handled, and before anything is sent. */
  readonly onSession?: (conn: WsConnection) => void | Promise<void>
  /** `random`: 22 characters of base64url, which nobody guesses. `sequence`: 1, 2, 3 …, as in data of webgram-sessions. Or a function of yours. Default: `random`. */
  readonly ids?: 'random' | 'sequence' | (() => string | number | Promise<string | number>)
  /** Seconds without any connection after which a session is over. Default: 30 days. */
  readonly idle?: number
  /** Seconds after which it is over in any case. Default: 365 days. */
  readonly absolute?: number
  /** Bytes of JSON that a session may hold. Default: 65536. */
  readonly maxData?: number
  /** Bytes of a frame. Default: 65536. */
  readonly maxFrame?: number
  /** Frames a second, and how many at once. Default: 100, 200. */
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
