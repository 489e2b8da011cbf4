import { badReplyFailure, type GsResult } from './api-errors.ts'
import { createGsRequest } from './gs-request.ts'
import { announceOnce, watchPage, type PageWatch } from './page-watch.ts'
import { parseSessionInfo, type SessionInfo } from './session-info.ts'
import { SessionStore, type GsState } from './session-store.ts'

/** Options of `createGsClient`. */
export interface GsClientOptions {
  /** The prefix under which fastify-gs is registered, a path of this origin (default: `/lwsgs`). */
  readonly prefix?: string
  /** Replaces the global `fetch`. It gets paths such as `/lwsgs/login`. */
  readonly fetch?: (path: string, init: RequestInit) => Promise<Response>
  /** How long to wait for an answer, in ms (default: 30 000). */
  readonly timeout?: number
  /** What a server that renders the page already knows; without it the session is loaded when the first listener subscribes. */
  readonly session?: SessionInfo
}

/** How a call ended that has nothing to tell but that it succeeded. */
export type GsDone = GsResult<null>

/**
 * Calls fastify-gs and keeps what it says about the session, for any framework or none.
 * No call throws: each resolves to `{ ok: true, value }` or `{ ok: false, error }`.
 */
export interface GsClient {
  /** The prefix, without a slash at its end. */
  readonly prefix: string
  /** Calls `listener` after each change of state; returns the function that ends it. While there is a listener, other tabs are heard. */
  readonly subscribe: (listener: () => void) => () => void
  /** The state, the same object until it changes. */
  readonly getSnapshot: () => GsState
  /** Asks the server for the session again. */
  readonly refresh: () => Promise<GsResult<SessionInfo>>
  /** Tells the other tabs that the session changed, so that they ask again. The calls below do it by themselves. */
  readonly announce: () => void
  /** Logs in by user name or e-mail address, without the white space around it; `remember` keeps the session after the browser is closed. */
  readonly login: (input: { username: string; password: string; remember?: boolean }) => Promise<GsResult<SessionInfo>>
  /** Ends the session; what follows is an anonymous one. */
  readonly logout: () => Promise<GsResult<SessionInfo>>
  /** Makes an account; a mail with a link follows. */
  readonly register: (input: { username: string; email: string; password: string }) => Promise<GsDone>
  /** Redeems the token of a verification link. */
  readonly verifyEmail: (input: { token: string }) => Promise<GsResult<SessionInfo>>
  /** Sends the verification link once more. */
  readonly resendVerification: (input: { email: string }) => Promise<GsDone>
  /** Sends a link that logs in without the password. */
  readonly forgotPassword: (input: { username: string } | { email: string }) => Promise<GsDone>
  /** Redeems the token of a lost-password link: logged in, and for five minutes free to set a password. */
  readonly redeem: (input: { token: string }) => Promise<GsResult<SessionInfo>>
  /** Sets a new password; `currentPassword` is not needed within five minutes after `redeem`. */
  readonly changePassword: (input: { password: string; currentPassword?: string }) => Promise<GsResult<SessionInfo>>
  /** Deletes the account. */
  readonly deleteAccount: (input: { currentPassword: string }) => Promise<GsResult<SessionInfo>>
  /** Whether a user name is free. */
  readonly checkUsername: (username: string, options?: { signal?: AbortSignal }) => Promise<GsResult<{ available: boolean }>>
}

/** A tab that comes back into view after this many ms asks again: the session may have ended, or the address been verified elsewhere. */
const staleAfter = 30_000

/** After these the page may be wrong about the session: it ended meanwhile, or the server did it and its answer got lost. */
const doubtful = new Set(['GS_NOT_LOGGED_IN', 'GS_NETWORK', 'GS_BAD_REPLY'])

/** The server may have done it. */
const unanswered = new Set(['GS_NETWORK', 'GS_BAD_REPLY'])

/** Makes a client. Nothing happens before the first call or listener, so it may be made anywhere, also on a server. */
export function createGsClient(options: GsClientOptions = {}): GsClient {
  const prefix = checkedPrefix(options.prefix ?? '/lwsgs')
  const { fetch = (path, init) => globalThis.fetch(path, init), timeout = 30_000 } = options
  const request = createGsRequest({ prefix, fetch, timeout })
  const store = new SessionStore(options.session)
  const tabs = `gs-ui:${prefix}`
  let watch: PageWatch | undefined
  let refreshes = 0

  async function refresh(): Promise<GsResult<SessionInfo>> {
    const ticket = store.takeTicket()
    refreshes++
    const result = asSession(await request('/session'))
    refreshes--
    if (result.ok) store.putFound(result.value, ticket)
    else store.fail(result.error, ticket)
    return result
  }

  function announce(): void {
    if (watch) watch.announce()
    else announceOnce(tabs)
  }

  function start(): PageWatch {
    if (store.state.status !== 'ready' && refreshes === 0) void refresh()
    return watchPage({
      name: tabs,
      onChange: () => void refresh(),
      onReturn: () => {
        if (store.state.status === 'failed' || store.age > staleAfter) void refresh()
      }
    })
  }

  async function call(path: string, body: object): Promise<GsResult<unknown>> {
    const result = await request(path, { body })
    if (!result.ok && doubtful.has(result.error.code)) void refresh()
    return result
  }

  async function callForNothing(path: string, body: object): Promise<GsDone> {
    const result = await call(path, body)
    return result.ok ? { ok: true, value: null } : result
  }

  async function callForSession(path: string, body: object): Promise<GsResult<SessionInfo>> {
    const answer = await call(path, body)
    const result = asSession(answer)
    if (result.ok) {
      store.put(result.value)
      announce()
    } else if (answer.ok) {
      void refresh()
    }
    return result
  }

  async function callToLeave(path: string, body: object): Promise<GsResult<SessionInfo>> {
    store.leave()
    const result = await callForSession(path, body)
    if (!result.ok && !unanswered.has(result.error.code)) store.stay()
    return result
  }

  return {
    prefix,
    subscribe: (listener) => {
      store.listen(listener)
      watch ??= start()
      return () => {
        store.unlisten(listener)
        if (!store.idle) return
        watch?.stop()
        watch = undefined
      }
    },
    getSnapshot: () => store.state,
    refresh,
    announce,
    login: ({ username, password, remember = false }) => callForSession('/login', { username: username.trim(), password, remember }),
    logout: () => callToLeave('/logout', {}),
    register: ({ username, email, password }) => callForNothing('/register', { username: username.trim(), email, password }),
    verifyEmail: ({ token }) => callForSession('/verify-email', { token }),
    resendVerification: ({ email }) => callForNothing('/verify-email/resend', { email }),
    forgotPassword: (input) => callForNothing('/forgot-password', input),
    redeem: ({ token }) => callForSession('/forgot-password/redeem', { token }),
    changePassword: (input) => callForSession('/change-password', input),
    deleteAccount: ({ currentPassword }) => callToLeave('/delete-account', { currentPassword }),
    checkUsername: async (username, { signal } = {}) => {
      const result = await request(`/check?${new URLSearchParams({ username: username.trim() })}`, signal && { signal })
      if (!result.ok) return result
      const { available } = Object(result.value) as { available?: unknown }
      return typeof available === 'boolean' ? { ok: true, value: { available } } : { ok: false, error: badReplyFailure(200) }
    }
  }
}

function checkedPrefix(prefix: string): string {
  const path = prefix.replace(/\/+$/, '')
  if (path === '' || /^\/(?![/\\])[^?#\\]*$/.test(path)) return path
  throw new TypeError(`gs-ui: "prefix" must be a path of this site such as "/lwsgs", not "${prefix}".`)
}

function asSession(result: GsResult<unknown>): GsResult<SessionInfo> {
  if (!result.ok) return result
  const session = parseSessionInfo(result.value)
  return session ? { ok: true, value: session } : { ok: false, error: badReplyFailure(200) }
}
