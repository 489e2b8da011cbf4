import type { GsFailure } from './api-errors.ts'
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
export class SessionStore {
  #state: GsState
  #issued = 0
  #applied = 0
  #changedAt = Date.now()
  #leaving = false
  #cause = 'unknown'
  readonly #listeners = new Set<() => void>()

  readonly #onChange: () => void

  /** @param onChange told of each change before the listeners */
  constructor(session: SessionInfo | undefined, onChange: () => void) {
    this.#onChange = onChange
    this.#state = session ? { status: 'ready', session, error: null } : { status: 'loading', session: null, error: null }
  }

  get state(): GsState {
    return this.#state
  }

  /** Milliseconds since the server last said something about the session. */
  get age(): number {
    return Date.now() - this.#changedAt
  }

  get idle(): boolean {
    return this.#listeners.size === 0
  }

  listen(listener: () => void): void {
    this.#listeners.add(listener)
  }

  unlisten(listener: () => void): void {
    this.#listeners.delete(listener)
  }

  takeTicket(): number {
    return ++this.#issued
  }

  /** The visitor asked for the end of the session, so its end will be no surprise; until `stay` or the next thing the server says. */
  leave(): void {
    this.#leaving = true
  }

  stay(): void {
    this.#leaving = false
  }

  /** The server said why the session ends, before a question finds that it has. */
  because(cause: string): void {
    this.#cause = cause
  }

  /** What a change answered. */
  put(session: SessionInfo): void {
    this.#apply(session, this.takeTicket(), undefined)
  }

  /** What a question answered. */
  putFound(session: SessionInfo, ticket: number): void {
    if (ticket < this.#applied) return
    const before = this.#state
    this.#apply(session, ticket, session.username === null && before.status === 'ready' ? this.#endOf(before) : undefined)
  }

  #endOf(before: Extract<GsState, { status: 'ready' }>): string | undefined {
    if (before.session.username === null) return before.ended
    return this.#leaving ? undefined : this.#cause
  }

  #apply(session: SessionInfo, ticket: number, ended: string | undefined): void {
    this.#applied = ticket
    this.#changedAt = Date.now()
    this.#leaving = false
    this.#cause = 'unknown'
    const { state } = this
    // The same again is no news, and would have everything drawn again.
    if (state.status === 'ready' && state.ended === ended && isSameSession(state.session, session)) return
    this.#set({ status: 'ready', session, error: null, ...(ended !== undefined && { ended }) })
  }

  /** What is known stays known: only a client that knows nothing yet shows the failure. */
  fail(error: GsFailure, ticket: number): void {
    if (ticket < this.#applied || this.#state.status === 'ready') return
    this.#set({ status: 'failed', session: null, error })
  }

  #set(state: GsState): void {
    this.#state = state
    this.#onChange()
    for (const listener of this.#listeners) listener()
  }
}

function isSameSession(one: SessionInfo, other: SessionInfo): boolean {
  return JSON.stringify(one) === JSON.stringify(other)
}
