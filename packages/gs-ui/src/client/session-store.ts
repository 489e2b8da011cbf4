import type { GsFailure } from './api-errors.ts'
import type { EndedSession } from './page-watch.ts'
import type { SessionInfo } from './session-info.ts'

/** What the client knows about the session. */
export type GsState =
  | { readonly status: 'loading'; readonly session: null; readonly error: null }
  | {
      readonly status: 'ready'
      readonly session: SessionInfo
      readonly error: null
      /**
       * Nobody is logged in any more, though nobody logged out or deleted the account in this tab: the cause, as `SessionEndCause` of fastify-gs
       * has it (`idle`, `revoked`, `password-changed` …), or `unknown`.
       */
      readonly ended?: string
    }
  | { readonly status: 'failed'; readonly session: null; readonly error: GsFailure }

/**
 * Keeps the state and decides which answer counts, since answers may overtake each other. A question takes its ticket when
 * it is asked, a change when it is answered; so what was asked before a login can never undo it.
 */
export interface SessionStore {
  readonly listeners: Set<() => void>
  readonly state: () => GsState
  /** Milliseconds since the server last said something about the session. */
  readonly age: () => number
  readonly takeTicket: () => number
  /** The visitor asked for the end of the session, so its end will be no surprise; until it is taken back or the server says something. */
  readonly leave: (leaving: boolean) => void
  /** The server said why a session ends, before a question finds that it has. Not checked. */
  readonly because: (ended: unknown) => void
  /** What a change answered. */
  readonly put: (session: SessionInfo) => void
  /** What a question answered. */
  readonly putFound: (session: SessionInfo, ticket: number) => void
  /** What is known stays known: only a client that knows nothing yet shows the failure. */
  readonly fail: (error: GsFailure, ticket: number) => void
}

/** @param onChange told of each change before the listeners */
export function createSessionStore(known: SessionInfo | undefined, onChange: () => void): SessionStore {
  const listeners = new Set<() => void>()
  let state: GsState = known ? { status: 'ready', session: known, error: null } : { status: 'loading', session: null, error: null }
  let issued = 0
  let applied = 0
  let changedAt = Date.now()
  let leaving = false
  let cause = 'unknown'

  const takeTicket = () => ++issued

  function set(next: GsState): void {
    state = next
    onChange()
    for (const listener of listeners) listener()
  }

  /** Why nobody is logged in any more. */
  function endOf(session: SessionInfo): string | undefined {
    if (session.username !== null || state.status !== 'ready') return undefined
    if (state.session.username === null) return state.ended
    return leaving ? undefined : cause
  }

  function apply(session: SessionInfo, ticket: number, ended?: string): void {
    applied = ticket
    changedAt = Date.now()
    leaving = false
    // A question that was asked before the end may be answered after it.
    if (state.session?.session !== session.session) cause = 'unknown'
    // The same again is no news, and would have everything drawn again.
    if (state.status === 'ready' && state.ended === ended && isSameSession(state.session, session)) return
    set({ status: 'ready', session, error: null, ...(ended !== undefined && { ended }) })
  }

  return {
    listeners,
    state: () => state,
    age: () => Date.now() - changedAt,
    takeTicket,
    leave: (next) => {
      leaving = next
    },
    because: (ended) => {
      const given = Object(ended) as Partial<EndedSession>
      if (given.session === state.session?.session && typeof given.cause === 'string') ({ cause } = given as EndedSession)
    },
    put: (session) => apply(session, takeTicket()),
    putFound: (session, ticket) => {
      if (ticket >= applied) apply(session, ticket, endOf(session))
    },
    fail: (error, ticket) => {
      if (ticket >= applied && state.status !== 'ready') set({ status: 'failed', session: null, error })
    }
  }
}

function isSameSession(one: SessionInfo, other: SessionInfo): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}
