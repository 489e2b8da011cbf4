import type { GsFailure } from './api-errors.ts'
import type { SessionInfo } from './session-info.ts'

/** What the client knows about the session. */
export type GsState =
  | { readonly status: 'loading'; readonly session: null; readonly error: null }
  | {
      readonly status: 'ready'
      readonly session: SessionInfo
      readonly error: null
      /** Nobody is logged in any more, though nobody logged out or deleted the account in this tab. */
      readonly ended?: true
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
  readonly #listeners = new Set<() => void>()

  constructor(session: SessionInfo | undefined) {
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

  /** What a change answered. */
  put(session: SessionInfo): void {
    this.#apply(session, this.takeTicket(), false)
  }

  /** What a question answered. */
  putFound(session: SessionInfo, ticket: number): void {
    if (ticket < this.#applied) return
    const before = this.#state
    const lost =
      before.session !== null && before.session.username !== null ? !this.#leaving : before.status === 'ready' && before.ended === true
    this.#apply(session, ticket, lost && session.username === null)
  }

  #apply(session: SessionInfo, ticket: number, ended: boolean): void {
    this.#applied = ticket
    this.#changedAt = Date.now()
    this.#leaving = false
    this.#set({ status: 'ready', session, error: null, ...(ended && { ended }) })
  }

  /** What is known stays known: only a client that knows nothing yet shows the failure. */
  fail(error: GsFailure, ticket: number): void {
    if (ticket < this.#applied || this.#state.status === 'ready') return
    this.#set({ status: 'failed', session: null, error })
  }

  #set(state: GsState): void {
    this.#state = state
    for (const listener of this.#listeners) listener()
  }
}
