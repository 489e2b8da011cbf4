import type { ClientStorage } from './storage.ts'

/** What a client needs of a websocket: the one of browsers and Node, and `ws`, have it. */
export interface ClientSocket {
  readonly protocol: string
  addEventListener(type: 'open' | 'message' | 'close' | 'error', listener: (event: any) => void): void
  send(frame: string): void
  close(code?: number, reason?: string): void
}

export interface ClientOptions {
  /**
   * Where id and secret are kept: anything with `getItem`, `setItem` and `removeItem`, with values or promises. Default: `localStorage` in pages,
   * else the memory of the client.
   */
  readonly storage?: ClientStorage
  /** Under which name. Clients with different names have different sessions. Default: `gs-ws ` and the address without its query. */
  readonly key?: string
  /** The session to begin with, instead of the stored one. */
  readonly session?: Identity
  /** Begins with a new session, whatever is stored. Default: false. */
  readonly skipResume?: boolean
  /** Kept by the server with a new session: any JSON, 4 KiB at most. */
  readonly fromClient?: unknown
  /** After the end of the session: makes a new one; false: stops. Default: true. */
  readonly renew?: boolean
  /** What becomes of messages that were never sent, when there is another session now. Default: `send`. */
  readonly onNewSession?: 'send' | 'drop'
  /** Messages, and bytes, that may wait until the server has handled them. Default: 1000, 1 MiB. */
  readonly maxBuffered?: number
  readonly maxBufferedBytes?: number
  /** Bytes of a message, as the server's `maxFrame`. Default: 65536. */
  readonly maxFrame?: number
  /** Frames a second, below the server's `framesPerSecond`, because acknowledgements are some, too. Default: 75. */
  readonly framesPerSecond?: number
  /** ms without a frame after which the server is asked for a sign of life; it has as long for it. Default: 30000. */
  readonly pingInterval?: number
  /** ms between attempts, at least and at most; chosen at random below a bound that doubles. Default: 250, 30000. */
  readonly retry?: { readonly min?: number; readonly max?: number }
  /** Another class of websockets. Default: the global one; for `createClient` in Node that of the package `ws`, which resumes TLS. */
  readonly WebSocket?: new (url: string, protocols: string[]) => ClientSocket
}

/** What proves a session. The secret is one: nobody else may see it. */
export interface Identity {
  readonly id: string | number
  readonly secret: string
}

export interface ClientSession {
  readonly id: string | number
  /** When it is over if nobody comes, ms since 1970. */
  readonly expiresAt: number
  /** Whether it was made for this client. */
  readonly created: boolean
  /** Whether it stands in for one that the server does not know any more, or that has ended. */
  readonly replaced: boolean
}

/**
 * `connecting`: there is no session yet. `session`: messages flow. `waiting`: for the next attempt. `closed`: `close()` was called, or there is no
 * way to connect. `ended`: the session is over, and no other one is wanted.
 */
export type ClientState = 'connecting' | 'session' | 'waiting' | 'closed' | 'ended'

/** What a client hears of itself. Names of their own: the server cannot send them. */
export interface LocalEvents {
  state: [state: ClientState]
  /** There is a connection, but no session yet. */
  open: []
  /** There is a session: at first, and after each break. */
  session: [session: ClientSession]
  /**
   * Messages may not have arrived exactly once. `incoming`: some of the server are gone. `outgoing`: these of ours were sent, and whether they
   * have been handled is unknown, or were dropped; they are not sent again. `[event, ...args]` each.
   */
  lost: [lost: { readonly incoming: boolean; readonly outgoing: readonly (readonly [string, ...unknown[]])[] }]
  /** The connection is broken. Code of the websocket; 1006: nothing was heard, and of the class of `ws` `reason` says why. */
  close: [closed: { readonly code: number; readonly reason: string }]
  /** The session is over. `ended`, `expired`, `logout` … */
  ended: [reason: string]
  /** Somebody has saved the data of the session. */
  saved: [version: number]
  /** After `send` has thrown: there is room again. */
  drain: []
  /** What went wrong, and did not stop the client: storage, refusals (`code`: `busy`, `limit`, `protocol`), handlers that throw. */
  error: [error: Error & { code?: string }]
}

export interface AskOptions {
  /** ms from the call on, also while it waits for a session. Default: 10000; 0: none. */
  readonly timeout?: number
  readonly signal?: AbortSignal
}

export interface GsWsClient {
  readonly state: ClientState
  /** Null: there was none yet, or it is over. */
  readonly session: ClientSession | null
  /** Whether `send` has room for a message of `maxFrame` bytes. */
  readonly writable: boolean
  /** Handles messages of the server with this name. Returns how to stop. @throws {TypeError} no name */
  readonly on: (event: string, handler: (...args: any[]) => unknown) => () => void
  readonly onLocal: <E extends keyof LocalEvents>(event: E, listener: (...args: LocalEvents[E]) => unknown) => () => void
  /** For `useSyncExternalStore(client.subscribe, () => client.state)`. */
  readonly subscribe: (listener: () => void) => () => void
  /**
   * Sends a message, exactly once and in order, as soon as there is a session.
   *
   * @throws {TypeError} no name, or no JSON
   * @throws {RangeError} too large, or too many wait already
   * @throws {Error} the client is closed
   */
  readonly send: (event: string, ...args: unknown[]) => void
  /**
   * Asks, and gives the answer. Rejects like `send` throws; with `code: 'timeout'`; `'lost'`: the session or the server's memory of it is gone;
   * `'closed'`; the code of the server; or with the reason of `signal`.
   */
  readonly ask: (question: string, args?: readonly unknown[], options?: AskOptions) => Promise<any>
  /** Resolves when the server has handled everything that was sent until then. Rejects when the client is closed before. */
  readonly flush: () => Promise<void>
  /** Resolves when there is a session; at once when there is one. Rejects when the client is closed before. */
  readonly waitForSession: () => Promise<ClientSession>
  /** Closes for good. What waits is not sent: `await client.flush()` before. The session stays, and is resumed by the next client. */
  readonly close: () => void
  /** Ends the session, everywhere, and forgets it. Resolves when that is done. */
  readonly end: () => Promise<void>
}
