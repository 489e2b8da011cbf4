import { badReplyFailure, networkFailure, type GsFailure, type GsResult } from './api-errors.ts'
import { createFetchWithToken } from './fetch-with-token.ts'
import type { FetchWithCsrf } from './fetch-with-csrf.ts'
import { createGsRequest } from './gs-request.ts'
import { momentNow, since, type Moment } from './jwt-clock.ts'
import { exitPage, isReload } from './jwt-exit.ts'
import { protectLinks, type LinkRoot } from './jwt-links.ts'
import { dispatchToPage, hidePage, isSeen, watchJwtPage, type JwtPage } from './jwt-page.ts'
import { parseJwtSession, type JwtSession, type JwtSessionAnswer } from './jwt-session.ts'

/** How a login ended for a page. */
export interface JwtEnd {
  /** Who was logged in. */
  readonly sub: string
  /** Its time was over; somebody logged out, or the token was denied; somebody else is logged in. */
  readonly reason: 'expired' | 'logged-out' | 'replaced'
}

/** What a page knows about its login. */
export type JwtState =
  | { readonly status: 'loading'; readonly session: null }
  /** The server could not be asked, and will be again. */
  | { readonly status: 'failed'; readonly session: null; readonly error: GsFailure }
  /** Nobody is logged in. */
  | { readonly status: 'guest'; readonly session: null }
  | {
      readonly status: 'member'
      readonly session: JwtSession
      /** Whether the login ends soon: there is time to say so, or to keep what was typed. */
      readonly expiring: boolean
    }
  /** Nobody is logged in any more, or somebody else. The page is about to go, unless it has decided otherwise. */
  | { readonly status: 'ended'; readonly session: null; readonly ended: JwtEnd }

/** Options of `createJwtClient`. */
export interface JwtClientOptions {
  /** The option `prefix` of fastify-gs-jwt, a path of this origin. Default: `/jwt`. */
  readonly prefix?: string
  /**
   * What happens when the login is over. `reload`: the page is fetched again, and shows what everybody may see. `leave`: it gives way to `home`;
   * for pages that only members may see. A function: nothing but that it is called. Default: `reload`.
   */
  readonly atExpiry?: 'reload' | 'leave' | ((ended: JwtEnd) => void)
  /** Where `leave` leads, a path of this origin. Default: `/`. */
  readonly home?: `/${string}`
  /**
   * `while-used`: where the server allows it (its option `renewFor`), the login is prolonged when 85 % of its time are over and the visitor has
   * done something meanwhile. `never`: it ends when it ends. Default: `while-used`.
   */
  readonly renew?: 'while-used' | 'never'
  /** How long before the end the state is `expiring` and the page gets the event `gs-jwt-expiring`, ms; half the life at most. Default: 60 000. */
  readonly warnBefore?: number
  /** For whom the page was made. When somebody else is logged in by now, or nobody, the page is over. Default: whoever is logged in. */
  readonly sub?: string
  /** Replaces the global `fetch`. It gets paths such as `/jwt/session`. */
  readonly fetch?: (path: string, init: RequestInit) => Promise<Response>
  /** How long to wait for an answer, in ms. Default: 10 000. */
  readonly timeout?: number
}

/** Keeps a page no longer than the login for which it was made. */
export interface JwtClient {
  /**
   * Calls `listener` after each change of state; returns the function that ends it. While there is a listener, the end of the login is watched
   * for, other tabs are heard, and the login is renewed.
   */
  readonly subscribe: (listener: () => void) => () => void
  /** The state, the same object until it changes. */
  readonly getSnapshot: () => JwtState
  /** Asks the server who is logged in, and tells the other tabs what is new; for pages that log in or out without being loaded again. */
  readonly refresh: () => Promise<GsResult<JwtSession | null>>
  /** Prolongs the login now. `GS_JWT_RENEWAL`: it can be prolonged no more. */
  readonly renew: () => Promise<GsResult<JwtSession | null>>
  /**
   * `fetch` that brings the claim `csrf` along in the header `x-jwt-csrf`, for addresses of this site; others get none. After `GS_JWT_CSRF` the
   * server is asked who is logged in, and the request is sent once more if the same person has another claim by now.
   */
  readonly fetch: FetchWithCsrf
  /**
   * Links and forms with the attribute `data-jwt-csrf` bring the claim along when they are used, in the field `csrf`; never to another site.
   * Those that the server made with a claim of this page get the one that is valid by then. Returns the function that ends it.
   *
   * @param root in which part of the page (default: all of it)
   */
  readonly protectLinks: (root?: LinkRoot) => () => void
}

type Answer = GsResult<JwtSession | null>

/** A page that comes back into view asks again when what it knows is older, ms. */
const staleAfter = 2000
/** Between two looks at the clock, ms. In the background browsers allow about one a minute. */
const tickInterval = 1000
const hiddenTickInterval = 60_000
/** After a failure the server is asked again so much later, ms. */
const retryAfter = 10_000
/** Who is found to be logged in no more so long before the end, or less, ms, was until the end: clocks and answers take their time. */
const soon = 1000
/** What part of its life is left at most when a login is renewed. */
const lastPart = 0.15
/** An end that another clock than the steady one tells waits so long for the server, ms. */
const patience = 3000

/** Makes a client. Nothing happens before the first listener or call, so it may be made anywhere, also on a server. */
export function createJwtClient(options: JwtClientOptions = {}): JwtClient {
  const { atExpiry = 'reload', renew: renewal = 'while-used', warnBefore = 60_000, timeout = 10_000 } = options
  const prefix = checkedPath('prefix', options.prefix ?? '/jwt').replace(/\/+$/, '')
  const home = checkedPath('home', options.home ?? '/')
  const fetch = options.fetch ?? ((path: string, init: RequestInit) => globalThis.fetch(path, init))
  const request = createGsRequest({ prefix, fetch, timeout })
  /** Whether nobody may see anything of the page when the login is over. */
  const hides = typeof atExpiry === 'string'
  const listeners = new Set<() => void>()
  /** Claims that links and forms of this page may have. */
  const claims = new Set<string>()

  let state: JwtState = { status: 'loading', session: null }
  let page: JwtPage | undefined
  let timer: ReturnType<typeof setTimeout> | undefined
  /** When the server last said who is logged in, and for how long from then, ms. */
  let answeredAt: Moment = { steady: -Infinity, wall: 0 }
  let livesFor = 0
  let running: Promise<unknown> = Promise.resolve()
  let waiting: Promise<Answer> | undefined
  let asking = false
  let renewing = false
  /** `performance.now()` before which nothing is asked again by itself. */
  let quietUntil = 0
  /** Whether the visitor has done something since the token is there. To come here was one thing. */
  let used = !isReload()
  /** Of the token: it cannot be renewed; the page cares for its end. */
  let isFinal = false
  let isKept = false
  let doubted: JwtSession | undefined
  let isLeaving = false
  let wasRestored = false

  /** One after the other: an answer that overtakes another one would be undone by it. */
  function exchange(path: '/session' | '/renew', body?: object): Promise<Answer> {
    const answer = running.then(async (): Promise<Answer> => {
      quiet()
      const began = momentNow()
      asking = true
      const result = await request(path, body && { body })
      asking = false
      if (!result.ok) return fail(result.error)
      const said = parseJwtSession(result.value)
      if (said === null) return fail(badReplyFailure(200))
      // It was on its way while the device slept.
      if (since(began).most > 2 * timeout) return fail(networkFailure())
      quietUntil = 0
      doubted = undefined
      const { least } = left()
      answeredAt = momentNow()
      livesFor = said.expiresIn
      apply(said, least)
      return { ok: true, value: state.session }
    })
    // Whatever a listener throws.
    running = answer.catch(() => undefined)
    return answer
  }

  function fail(error: GsFailure): Answer {
    quiet()
    if (isUnknown()) set({ status: 'failed', session: null, error })
    return { ok: false, error }
  }

  const quiet = () => (quietUntil = performance.now() + retryAfter)

  /** @param leftBefore how long the login should have lived, ms */
  function apply({ session, expiresIn }: JwtSessionAnswer, leftBefore: number): void {
    const before = isUnknown() ? options.sub : state.session?.sub
    // A server that tolerates clocks of others takes a token for some seconds more.
    if (session === null || expiresIn === 0) {
      const sub = before ?? session?.sub
      if (state.status === 'ended') return
      if (sub === undefined) return become({ status: 'guest', session: null })
      return end({ sub, reason: session === null && leftBefore > soon ? 'logged-out' : 'expired' })
    }
    if (before !== undefined && session.sub !== before) end({ sub: before, reason: 'replaced' })
    if (isLeaving) return
    const isNew = !claims.has(session.csrf)
    if (isNew) {
      claims.add(session.csrf)
      isFinal = false
      isKept = false
      if (state.status === 'member') used = false
    }
    hidePage(false)
    const expiring = !isNew && state.status === 'member' && state.expiring
    if (!isSame(state.session, session)) become({ status: 'member', session, expiring })
    tick()
  }

  function set(next: JwtState): void {
    state = next
    for (const listener of listeners) listener()
  }

  function become(next: JwtState): void {
    set(next)
    page?.tell(newsOf(state))
  }

  function end(ended: JwtEnd): void {
    const next: JwtState = { status: 'ended', session: null, ended }
    // Other tabs have a clock of their own.
    if (ended.reason === 'expired') set(next)
    else become(next)
    const goes = dispatchToPage('gs-jwt-expired', ended) && !isKept
    if (!goes) return hidePage(false)
    if (typeof atExpiry === 'function') return atExpiry(ended)
    isLeaving = true
    exitPage(homeAfter(ended), wasRestored)
  }

  const homeAfter = ({ reason }: JwtEnd) => (atExpiry === 'leave' && reason !== 'replaced' ? home : null)

  function refresh(): Promise<Answer> {
    // What is on its way may be older than the reason to ask.
    waiting ??= running.then(() => {
      waiting = undefined
      return exchange('/session')
    })
    return waiting
  }

  async function renew(): Promise<Answer> {
    renewing = true
    // Also when a listener throws.
    const result = await exchange('/renew', { csrf: csrf() }).finally(() => (renewing = false))
    if (result.ok) return result
    isFinal = result.error.code === 'GS_JWT_RENEWAL'
    if (!/^GS_JWT_(CSRF|REQUIRED)$/.test(result.error.code)) return result
    // Another tab may have done it, or there is nobody any more.
    const now = await refresh()
    return now.ok && now.value !== null ? now : result
  }

  function isRenewable({ expiresAt, renewUntil }: JwtSession): boolean {
    return renewal === 'while-used' && renewUntil !== null && renewUntil - expiresAt >= 1000 && !isFinal && !renewing
  }

  /** How long the login lives, ms. */
  function left(): { readonly least: number; readonly most: number } {
    const passed = since(answeredAt)
    return { least: livesFor - passed.most, most: livesFor - passed.least }
  }

  function tick(): void {
    clearTimeout(timer)
    if (page === undefined) return
    if (state.status === 'member') follow(state)
    else if (isUnknown() && isSeen() && performance.now() >= quietUntil) void refresh()
    const pause = isSeen() ? tickInterval : hiddenTickInterval
    if (state.status === 'member') timer = setTimeout(tick, Math.max(1, Math.min(pause, left().most)))
    else if (isUnknown()) timer = setTimeout(tick, pause)
  }

  function follow({ session, expiring }: Extract<JwtState, { status: 'member' }>): void {
    const { least, most } = left()
    if (most <= 0) return end({ sub: session.sub, reason: 'expired' })
    if (least <= 0) return doubt(session)
    const isLate = least <= lastPart * session.lifetime
    if (isLate && used && isRenewable(session) && performance.now() >= quietUntil) void renew()
    if (expiring || renewing || least > Math.min(warnBefore, session.lifetime / 2)) return
    set({ status: 'member', session, expiring: true })
    isKept = !dispatchToPage('gs-jwt-expiring', { sub: session.sub, expiresIn: least })
  }

  /** The device has slept, or its clock was set: the server knows. Nobody sees anything meanwhile. */
  function doubt(session: JwtSession): void {
    if (doubted === session) return
    doubted = session
    if (hides && !isKept) hidePage(true)
    const giveUp = () => {
      if (doubted === session && state.session === session) end({ sub: session.sub, reason: 'expired' })
    }
    void refresh().then(giveUp)
    setTimeout(giveUp, patience)
  }

  function lookAgain(): void {
    tick()
    if (!isLeaving && !asking && since(answeredAt).most > staleAfter) void refresh()
  }

  function onRestored(): void {
    wasRestored = true
    if (state.status === 'ended' && isLeaving) return exitPage(homeAfter(state.ended), true)
    if (state.status === 'member' && left().least > 0) hidePage(false)
    lookAgain()
  }

  function start(): void {
    page = watchJwtPage({
      name: `gs-jwt:${prefix}`,
      onTold: (news) => {
        if (!isLeaving && news !== newsOf(state)) void refresh()
      },
      onReturn: lookAgain,
      onPutAside: () => {
        // What is kept is shown before any script can look whether it still may be.
        if (hides && state.status === 'member' && !isKept) hidePage(true)
      },
      onRestored,
      onUse: () => (used = true)
    })
    lookAgain()
  }

  function subscribe(listener: () => void): () => void {
    listeners.add(listener)
    if (page === undefined) start()
    return () => {
      listeners.delete(listener)
      if (listeners.size > 0) return
      clearTimeout(timer)
      page?.stop()
      page = undefined
    }
  }

  const isUnknown = () => state.status === 'loading' || state.status === 'failed'
  const csrf = () => state.session?.csrf

  return {
    subscribe,
    getSnapshot: () => state,
    refresh,
    renew,
    fetch: createFetchWithToken(
      {
        header: 'x-jwt-csrf',
        code: 'GS_JWT_CSRF',
        current: () => ({ token: csrf(), owner: state.session?.sub }),
        isUnknown,
        refresh
      },
      fetch
    ),
    protectLinks(root = document) {
      const stop = protectLinks(root, {
        csrf,
        isOld: (claim) => claims.has(claim),
        isLoading: () => state.status === 'loading',
        load: refresh
      })
      // The claim changes with each renewal, of other tabs too.
      const leave = subscribe(() => undefined)
      return () => {
        stop()
        leave()
      }
    }
  }
}

/** What other tabs hear; it is no secret from them. */
const newsOf = ({ session }: JwtState) => session?.csrf ?? null

const isSame = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other)

function checkedPath(name: string, path: string): string {
  if (/^\/(?![/\\])[^\\]*$/.test(path)) return path
  throw new TypeError(`gs-ui: "${name}" must be a path of this site such as "/jwt", not "${path}".`)
}
