import type { GsWsOptions } from './options.ts'
import type { SessionStore } from './store/session-store.ts'
import type { GsWs, WsConnection, WsSession } from './ws-connection.ts'

/** Number of the last message that was handled, of each link. */
export type LinkNumbers = ReadonlyMap<string, number>

/** What a connection (second dialect: a link) hears of its session. Must not throw. */
export interface LiveListener {
  /** The data have changed: somebody has saved them, here or in another process. */
  readonly saved: (version: number) => void
  /** The session is over; said once. `cause`: the reason for close code 4401. */
  readonly ended: (cause: string) => void
}

/** A session in memory: one object for all connections of this process. */
export interface LiveSession {
  /** What the application sees. The same object, with the same `data`, for the life of the live session. */
  readonly session: WsSession
  /** Of the data as they were last loaded or saved. */
  readonly version: number
  /** When it is over if nobody comes, ms since 1970. */
  readonly expiresAt: number
  /** Why it is over; null: it goes on. */
  readonly cause: string | null
  /**
   * Adds the connection to `session.connections`; gives how to take it away. To be called in the turn in which `create` or `resume` has resolved: nothing
   * can have ended the session until then. A live session that nobody has is dropped after 5 s.
   *
   * @throws {WsEndedError} it is over
   */
  readonly attach: (connection: WsConnection, listener: LiveListener) => () => void
  /**
   * Number of the last message of the link whose effects are saved, by any process, or are in the data here; 0: none. Take the larger one of this and what
   * you know.
   */
  readonly handled: (link: string) => number
  /**
   * This process forgets the link, of which it has handled the messages up to this number: they are not to be handled again. Writes that, unless there are
   * data that are not saved: then it is written together with them. @throws {WsEndedError | WsUnavailableError} (rejects) nothing is written, for now
   */
  readonly forget: (link: string, handled: number) => Promise<void>
  /** Whether the client has gone on without this link: it takes no effects any more. */
  readonly isGivenUp: (link: string) => boolean
  /**
   * From now on messages of this link have no effect in the data, in any process that still handles some: saving them is a `WsConflictError`.
   *
   * @param handled up to this number they were, as far as this process knows; `handled()` gives the number that remains
   * @throws {WsEndedError | WsUnavailableError} (rejects)
   */
  readonly giveUp: (link: string, handled: number) => Promise<void>
  /** How often changes that were not saved have been taken back, because one of them was the effect of a message that is handled elsewhere. */
  readonly takenBack: number
  /**
   * Saves the data, and that the messages with these numbers were handled. Without any change nothing is written.
   *
   * @param handling the link whose message is being handled: if another process has handled and saved that one, a `WsConflictError` keeps its effect from
   *   being there twice
   * @throws {WsConflictError | WsDataError | WsEndedError | WsUnavailableError} (rejects)
   */
  readonly save: (links?: LinkNumbers, handling?: string | null) => Promise<void>
  /** Changes the newest data and saves them; `change` is called again when another process was quicker. Rejects like `save`, and with what `change` throws. */
  readonly update: <T>(change: (data: WsSession['data']) => T, links?: LinkNumbers, handling?: string | null) => Promise<T>
}

export interface LiveSessionsOptions extends Required<Pick<GsWsOptions, 'ids' | 'idle' | 'absolute' | 'maxData' | 'refresh'>> {}

export interface LiveSessionsLog {
  readonly warn: (fields: object, text: string) => void
  readonly error: (fields: object, text: string) => void
}

export interface LiveSessionsParts {
  readonly store: SessionStore
  readonly options: LiveSessionsOptions
  /** ms since 1970. */
  readonly now: () => number
  readonly log: LiveSessionsLog
}

export interface Created {
  readonly live: LiveSession
  readonly secret: string
}

export interface Resumed {
  readonly live: LiveSession
  /** To be kept in place of the former one; null: keep the one that you have. */
  readonly secret: string | null
}

export interface LiveSessions {
  /** @throws {WsDataError | WsUnavailableError} (rejects) `fromClient` has more than 4 KiB; the store is away, or there is no free id */
  readonly create: (about: {
    /** `undefined`: the client has said nothing. */
    readonly fromClient: unknown
    readonly owner: string | null
    readonly dialect: WsConnection['dialect']
  }) => Promise<Created>
  /** `id` and `secret` as they came: they need not be checked. An owner who is another one gets `unknown`. @throws {WsUnavailableError} (rejects) */
  readonly resume: (about: {
    readonly id: unknown
    readonly secret: unknown
    readonly owner: string | null
    readonly dialect: WsConnection['dialect']
  }) => Promise<Resumed | 'unknown' | 'wrong-secret'>
  /** Null: nobody has it in this process. */
  readonly get: (id: string | number) => LiveSession | null
  /** Ends a session everywhere; false: there is none. `cause`: default `ended`. */
  readonly end: (id: string | number, cause?: string) => Promise<boolean>
  /** Ends all sessions of an owner, everywhere. Gives how many. */
  readonly endOwned: (owner: string, cause?: string) => Promise<number>
  readonly endAll: (cause?: string) => Promise<number>
  readonly list: GsWs['sessions']['list']
  /** What the timers do: looks for changes by other processes and for ends (every `refresh` s). Never rejects. */
  readonly refresh: () => Promise<void>
  /** Puts the end of sessions with connections off (once a minute), and removes what is over. Never rejects. */
  readonly maintain: () => Promise<void>
  /** Stops the timers, and waits for what is being saved. Sessions and connections stay, the store is not closed. */
  readonly close: () => Promise<void>
}
