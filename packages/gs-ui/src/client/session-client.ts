import { badReplyFailure, type GsResult } from './api-errors.ts'
import type { GsEvent } from './gs-event.ts'
import { createGsRequest, type GsRequest } from './gs-request.ts'
import { loadLive } from './lazy/load-live.ts'
import type { LiveSession } from './live-session.ts'
import { announceOnce, watchPage, type EndedSession, type PageWatch } from './page-watch.ts'
import { parseSessionInfo, type SessionInfo } from './session-info.ts'
import { createSessionStore, type GsState } from './session-store.ts'

/** Options of `createGsClient`. */
export interface GsClientOptions {
  /** The prefix under which fastify-gs is registered, a path of this origin (default: `/lwsgs`). */
  readonly prefix?: string
  /** Replaces the global `fetch`. It gets paths such as `/lwsgs/login`. */
  readonly fetch?: (path: string, init: RequestInit) => Promise<Response>
  /** How long to wait for an answer, in ms (default: 30 000). */
  readonly timeout?: number
  /** Replaces the global `EventSource`, over which the server says at once what happens to the session. Where there is none it is asked for. */
  readonly EventSource?: typeof EventSource
  /** What a server that renders the page already knows; without it the session is loaded when the first listener subscribes. */
  readonly session?: SessionInfo
}

/** How a call ended that has nothing to tell but that it succeeded. */
export type GsDone = GsResult<null>

/** The session, and calls that may change it. */
export interface SessionClient {
  /** The prefix, without a slash at its end. */
  readonly prefix: string
  /**
   * Calls `listener` after each change of state; returns the function that ends it. While there is a listener, other tabs are heard, and the
   * server says at once when the session changes or ends.
   */
  readonly subscribe: (listener: () => void) => () => void
  /** The state, the same object until it changes. */
  readonly getSnapshot: () => GsState
  /** Asks the server for the session again. */
  readonly refresh: () => Promise<GsResult<SessionInfo>>
  /** Tells the other tabs that the session changed, so that they ask again. The calls do it by themselves. */
  readonly announce: () => void
  /** Logs in by user name or e-mail address, without the white space around it; `remember` keeps the session after the browser is closed. */
  readonly login: (input: { username: string; password: string; remember?: boolean }) => Promise<GsResult<SessionInfo>>
  /** Ends the session; what follows is an anonymous one. */
  readonly logout: () => Promise<GsResult<SessionInfo>>
  /** Sends the verification link once more. */
  readonly resendVerification: (input: { email: string }) => Promise<GsDone>
  /**
   * Calls `listener` with what happens to the session and its account, each event once in this tab; returns the function that ends it. What the
   * state says is the new one by then.
   */
  readonly onEvent: (listener: (event: GsEvent) => void) => () => void
  /**
   * Sends a request below the prefix and reads the JSON of its answer; with a body it is a POST, unless `method` says otherwise. When the answer
   * makes the session doubtful, it is asked for again.
   */
  readonly call: GsRequest
  /** `call` for what answers with nothing to tell. */
  readonly callForNothing: (path: string, body: object) => Promise<GsDone>
  /** `call` for what answers with the session, which becomes the state. */
  readonly callForSession: (path: string, body: object) => Promise<GsResult<SessionInfo>>
  /** `callForSession` for what ends the session because the visitor wants it. */
  readonly callToLeave: (path: string, body: object) => Promise<GsResult<SessionInfo>>
}

/** A tab that comes back into view asks again when what it knows is older, ms: the session may have ended, or the address been verified elsewhere. */
const staleAfter = 2000

/**
 * So many ms after the first reason to ask, the client does, and has heard the other reasons by then. After the end of a session the next one may
 * be on its way meanwhile, in the answer to another tab.
 */
const lookAfter = 150

/** How often it asks when what hears the server cannot be loaded, ms. */
const askAfter = 10_000

/** The server may have done it, and its answer got lost. */
const isUnanswered = /^GS_(NETWORK|BAD_REPLY)$/

/** After these the session may be another one than is known here. */
const isDoubtful = /^GS_(NETWORK|BAD_REPLY|NOT_LOGGED_IN|PASSWORD_CHANGE_REQUIRED)$/

/** Makes the part of a client that every page needs. The prefix is taken as it stands: '' or a path without a slash at its end. */
export function createSessionClient(options: GsClientOptions = {}): SessionClient {
  const { prefix = '/lwsgs', fetch = (path, init) => globalThis.fetch(path, init), timeout = 30_000 } = options
  const store = createSessionStore(options.session, () => followSession())
  const request = createGsRequest({
    prefix,
    fetch: async (path, init) => {
      const { session } = store.state()
      const response = await fetch(path, init)
      const cause = response.headers.get('x-gs-ended')
      // Who asks with the cookie of a session that is over is told why it is. Another tab may have no such cookie any more.
      if (cause !== null && session?.username != null) tell({ session: session.session, cause })
      return response
    },
    timeout
  })
  const tabs = `gs-ui:${prefix}`
  const eventListeners = new Set<(event: GsEvent) => void>()
  let watch: PageWatch | undefined
  let live: LiveSession | undefined
  /** The watch for which the live part is being loaded. */
  let loading: PageWatch | undefined
  let refreshes = 0
  let looker: ReturnType<typeof setTimeout> | undefined

  async function ask(path: '/session' | '/events'): Promise<GsResult<SessionInfo>> {
    const ticket = store.takeTicket()
    const result = asSession(await request(path))
    if (result.ok) store.putFound(result.value, ticket)
    else store.fail(result.error, ticket)
    return result
  }

  async function refresh(): Promise<GsResult<SessionInfo>> {
    refreshes++
    // Who is logged in no more gets another cookie with the other answer; with the one before he can be told why.
    if (isMember()) await ask('/events')
    const result = await ask('/session')
    refreshes--
    return result
  }

  /**
   * Asks soon, without being taken for a sign of life of the visitor. The answer brings no cookie: an answer with a new anonymous session could
   * overtake that of a login in another tab, and throw it away.
   */
  function look(): void {
    looker ??= setTimeout(() => {
      looker = undefined
      void ask('/events')
    }, lookAfter)
  }

  /** Something has changed; with `ended`, why. */
  function onChange(ended?: EndedSession): void {
    if (ended) store.because(ended)
    look()
  }

  /** Why the session ends, for this tab and the others. */
  function tell(ended: EndedSession): void {
    store.because(ended)
    announce(ended)
  }

  const isMember = () => store.state().session?.username != null

  function followSession(): void {
    if (live !== undefined) return live.follow(store.state())
    const mine = watch
    if (!isMember() || mine === undefined || loading === mine) return
    loading = mine
    void startLive(mine)
  }

  async function startLive(mine: PageWatch): Promise<void> {
    const part = await loadLive().catch(() => null)
    if (watch !== mine) return
    if (part === null) {
      // Until it can be loaded the page asks.
      setTimeout(() => {
        if (watch !== mine) return
        loading = undefined
        look()
        followSession()
      }, askAfter)
      return
    }
    live = part.createLiveSession({
      address: `${prefix}/events`,
      onSession: (session) => store.putFound(session, store.takeTicket()),
      onEnded: (ended) => {
        // Tabs in the background have no stream.
        tell(ended)
        look()
      },
      onEvent: (event) => {
        // Later, so that a listener that fails stops nobody else.
        for (const listener of eventListeners) queueMicrotask(() => listener(event))
      },
      onDoubt: look,
      EventSource: options.EventSource
    })
    followSession()
  }

  function announce(ended?: EndedSession): void {
    if (watch) watch.announce(ended)
    else announceOnce(tabs)
  }

  function check(): void {
    if (store.state().status === 'ready') {
      if (store.age() > staleAfter) look()
    } else if (refreshes === 0) void refresh()
  }

  const call: GsRequest = async (path, options) => {
    const result = await request(path, options)
    // The session may have ended meanwhile, or be another one.
    if (!result.ok && isDoubtful.test(result.error.code)) look()
    return result
  }

  async function callForNothing(path: string, body: object): Promise<GsDone> {
    const result = await call(path, { body })
    if (!result.ok) return result
    // The page of a hotel's network answers everything with 200.
    return Object(result.value) === result.value ? { ok: true, value: null } : { ok: false, error: badReplyFailure(200) }
  }

  async function callForSession(path: string, body: object): Promise<GsResult<SessionInfo>> {
    const answer = await call(path, { body })
    const result = asSession(answer)
    if (result.ok) {
      store.put(result.value)
      announce()
    } else if (answer.ok) {
      look()
    }
    return result
  }

  async function callToLeave(path: string, body: object): Promise<GsResult<SessionInfo>> {
    store.leave(true)
    const result = await callForSession(path, body)
    if (!result.ok && !isUnanswered.test(result.error.code)) store.leave(false)
    return result
  }

  return {
    prefix,
    subscribe: (listener) => {
      store.listeners.add(listener)
      if (watch === undefined) {
        watch = watchPage({ name: tabs, onChange, onReturn: check })
        check()
        followSession()
      }
      return () => {
        store.listeners.delete(listener)
        if (store.listeners.size > 0) return
        clearTimeout(looker)
        looker = undefined
        watch?.stop()
        live?.stop()
        watch = undefined
        live = undefined
      }
    },
    getSnapshot: store.state,
    refresh,
    announce: () => announce(),
    login: ({ username, password, remember = false }) => callForSession('/login', { username: username.trim(), password, remember }),
    logout: () => callToLeave('/logout', {}),
    resendVerification: ({ email }) => callForNothing('/verify-email/resend', { email }),
    onEvent: (listener) => {
      eventListeners.add(listener)
      return () => void eventListeners.delete(listener)
    },
    call,
    callForNothing,
    callForSession,
    callToLeave
  }
}

function asSession(result: GsResult<unknown>): GsResult<SessionInfo> {
  if (!result.ok) return result
  const session = parseSessionInfo(result.value)
  return session ? { ok: true, value: session } : { ok: false, error: badReplyFailure(200) }
}
