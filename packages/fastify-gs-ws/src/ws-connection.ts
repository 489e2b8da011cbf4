import type { FastifyRequest } from 'fastify'
import type { WsSessionData } from './app-types.ts'

/** A session, one object for all connections of a process that have it. */
export interface WsSession {
  readonly id: string | number
  /** Yours. Change it, and call `conn.save()`; or `conn.update()`, where several processes change the same member. */
  readonly data: WsSessionData
  /** ms since 1970. */
  readonly firstVisit: number
  readonly previousVisit: number | null
  readonly latestVisit: number
  /** What the client said when it was made: any JSON, unchecked. */
  readonly fromClient: unknown
  readonly owner: string | null
  /** Open connections of this process. */
  readonly connections: ReadonlySet<WsConnection>
}

export type WsHandler = (conn: WsConnection, ...args: unknown[]) => unknown

export interface WsConnection {
  readonly session: WsSession
  readonly request: FastifyRequest
  readonly dialect: 'webgram' | 'gs-sessions.1'
  /** Whether the session was there before. */
  readonly resumed: boolean
  /** While a handler runs: whether its message may have been begun before (by a process that crashed). */
  readonly replayed: boolean
  /** Handles a message of this connection; like `app.gsWs.on`, and before it. Returns how to stop. @throws {TypeError} for names that are none */
  on(event: string, handler: (...args: never[]) => unknown): () => void
  /** `save`: somebody has saved the session; `close`: the connection (second dialect: the link) is over. Returns how to stop. */
  onLocal(event: 'save' | 'close', listener: () => void): () => void
  /** Sends a message. Second dialect: exactly once and in order, over breaks. @throws {TypeError} no name, or no JSON */
  send(event: string, ...args: unknown[]): void
  /**
   * Saves `session.data`, whole, and that the message that is being handled was. Members that only another process has changed are kept.
   *
   * @throws {WsConflictError | WsDataError | WsUnavailableError} (rejects)
   */
  save(): Promise<void>
  /** Changes the data by a function of the newest ones, which is called again when another process was quicker; then saves. Throws like `save`, but for conflicts. */
  update<T>(change: (data: WsSessionData) => T): Promise<T>
  /** Ends the session: all of its connections, everywhere. */
  end(): Promise<void>
  close(code?: number, reason?: string): void
}

/** `app.gsWs`. */
export interface GsWs {
  /** Where the websocket is, with the prefix of the plugin in which it was registered. */
  readonly path: string
  readonly connections: ReadonlySet<WsConnection>
  /** Handles messages with this name of all connections. */
  on(event: string, handler: WsHandler): () => void
  /** Answers questions with this name: with what the handler gives, or its promise. */
  answer(question: string, handler: WsHandler): () => void
  onSession(listener: (conn: WsConnection) => void | Promise<void>): () => void
  readonly sessions: {
    list(page?: { readonly limit?: number; readonly after?: string }): Promise<{
      readonly sessions: readonly {
        readonly id: string | number
        readonly owner: string | null
        readonly firstVisit: number
        readonly latestVisit: number
        readonly size: number
        readonly connections: number
      }[]
      readonly next: string | null
    }>
    end(id: string | number): Promise<boolean>
    /** Gives how many. */
    endAll(): Promise<number>
  }
}
