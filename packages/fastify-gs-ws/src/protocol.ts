/* What both sides know of the protocol (PROTOCOL.md). No import, because it goes to browsers. */

/** The subprotocol of the second dialect. */
export const subprotocol = 'gs-sessions.1'

export const closeCodes = {
  goingAway: 1001,
  policy: 1008,
  tooLarge: 1009,
  tryLater: 1013,
  broken: 4400,
  ended: 4401,
  replaced: 4409
} as const

/** Why a session was not given (second dialect). */
export type SessionErrorCode = 'unknown' | 'busy' | 'limit'

/** What the server says when a connection has a session. */
export interface SessionGranted {
  readonly id: string | number
  /** A new one, to be kept in place of the former. */
  readonly secret?: string
  readonly created: boolean
  /** Number of the last message that the server has handled on this link; 0: none. */
  readonly received: number
  /** Whether messages to the client are gone. */
  readonly lost: boolean
  /** Stands for the link as this server has it now; the client says it when it resumes the link. */
  readonly holder: string
  /** When the session is over if nobody comes, ms since 1970. */
  readonly expiresAt: number
}

export interface AnswerError {
  readonly code: string
  readonly message: string
}

/** Words of the first dialect, which are no names of events in either. */
const words = ['ask', 'cancel', 'session-create', 'session-resume', 'session-ok', 'session-error', 'webgram-ping', 'webgram-pong']

/** Whether a value may name an event or a question of the application. Names with $ are for what happens on one side only. */
export const isName = (value: unknown): value is string =>
  typeof value === 'string' && value.length > 0 && value.length <= 128 && !/^[$\uFE69\uFF04]/.test(value) && !words.includes(value)
