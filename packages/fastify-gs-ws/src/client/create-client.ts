import { closeCodes, isName, subprotocol, type AnswerError, type SessionErrorCode, type SessionGranted } from '../protocol.ts'
import type {
  AskOptions,
  ClientOptions,
  ClientSession,
  ClientSocket,
  ClientState,
  GsWsClient,
  Identity,
  LocalEvents
} from './client-types.ts'
import { listeners } from './listeners.ts'
import { createOutbox, type Item } from './outbox.ts'
import { credentials, isId } from './storage.ts'

/** What of a page is used, when there is one. */
interface Page {
  readonly location?: { readonly href: string }
  readonly document?: EventTarget & { readonly visibilityState: string }
  readonly addEventListener?: EventTarget['addEventListener']
  readonly removeEventListener?: EventTarget['removeEventListener']
  readonly reportError?: (error: unknown) => void
}

interface PendingAsk {
  readonly settle: (error: Error | null, result?: unknown) => void
}

const page = globalThis as Page

/** ms until a connection must have got its session, and until a page that wakes up must have heard something. */
const patience = 15_000
const wakePatience = 5000
/** Closes a connection, but not the link. */
const closedByClient = 4000
/** ms in session after which a break is no sign of trouble. */
const stable = 5000
const ackBatch = 16
const ackDelay = 250
/** Acknowledgements are frames, too, of which the server takes so many a second. */
const ackPause = 50
const longest = 2_147_483_647

const failure = (code: string, message = code) => Object.assign(new Error(message), { code })

const randoms = (count: number) => crypto.getRandomValues(new Uint32Array(count))

/** Its name has 22 characters of base64url, with 110 bits. `holder`: who has it. */
const newLink = (): { readonly link: string; holder?: string } => ({
  link: Array.from(randoms(22), (random) => (random & 31).toString(32)).join('')
})

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0

/**
 * Connects to a server with fastify-gs-ws, and keeps a session over broken connections, reloads and restarts.
 *
 * @param url Absolute, or in pages relative to the page. `http` stands for `ws`.
 * @throws {TypeError} no address, or there is no WebSocket
 */
export function createClient(url: string | URL, options: ClientOptions = {}): GsWsClient {
  const {
    renew = true,
    onNewSession = 'send',
    pingInterval = 30_000,
    retry: { min = 250, max = 30_000 } = {},
    WebSocket: Socket = globalThis.WebSocket
  } = options
  const address = new URL(url, page.location?.href)
  address.protocol = address.protocol.replace('http', 'ws')
  address.hash = ''
  if (!Socket) throw new TypeError('There is no WebSocket')

  const handlers = listeners(fail)
  const locals = listeners(report)
  const kept = credentials(options.storage, options.key ?? `gs-ws ${address.origin}${address.pathname}`, fail)
  const outbox = createOutbox(options, (event) => locals.tell(event, []))
  const asks = new Map<Item, PendingAsk>()

  let state: ClientState = 'connecting'
  let session: ClientSession | null = null
  let mine: Identity | null = options.session ?? null
  /** With which this connection resumes: what is stored may be older than what this client has. */
  let shown: Identity | null = null
  let skip = options.skipResume ?? false
  /** Secrets that were refused since there was a session. */
  let refused = new Set<string>()
  /** Of the stored session before a new one was asked for. */
  let storedId: unknown
  let replacing = false

  let link = newLink()
  let isFresh = true
  let received = 0
  /** So many are sent again on a new link: perhaps somebody has begun with them. */
  let again = 0
  let unacknowledged = 0
  let acknowledgedAt = 0

  let socket: ClientSocket | null = null
  let frames: Promise<unknown> = Promise.resolve()
  let attempt = 0
  let pausedUntil = 0
  let discarding: Promise<void> | undefined
  let grantedAt = 0
  let probed = false
  let ending = false
  let retryTimer: ReturnType<typeof setTimeout> | undefined
  let watchTimer: typeof retryTimer
  let ackTimer: typeof retryTimer

  function report(error: unknown): void {
    // Not thrown: that would end a process because of one message.
    // oxlint-disable-next-line no-console
    ;(page.reportError ?? console.error)(error)
  }

  function fail(error: Error): void {
    if (!locals.tell('error', [error])) report(error)
  }

  const emit = <E extends keyof LocalEvents>(event: E, ...args: LocalEvents[E]) => locals.tell(event, args)
  const isOver = () => state === 'closed' || state === 'ended'

  function become(next: ClientState): void {
    if (state === next) return
    state = next
    emit('state', next)
  }

  const write = (...frame: unknown[]) => socket?.send(JSON.stringify(frame))

  // Connections

  function connect(): void {
    clearTimeout(retryTimer)
    become('connecting')
    if (isOver()) return
    let current: ClientSocket
    let cause = ''
    try {
      socket = current = new Socket(address.href, [subprotocol])
    } catch (error) {
      fail(error as Error)
      return finish('closed')
    }
    const next = (act: () => unknown) => void (frames = frames.then(() => current === socket && act()).catch(fail))
    frames = Promise.resolve()
    watch(patience)
    const on: ClientSocket['addEventListener'] = (type, listener) => current.addEventListener(type, listener)
    on('open', () => next(greet))
    on('message', ({ data }) => {
      if (current !== socket) return
      probed = false
      watch(state === 'session' ? pingInterval : patience)
      next(() => take(data))
    })
    on('close', ({ code, reason }) => next(() => broken(code, reason || cause)))
    // What has happened is told by the close that follows. `ws` wants a listener, and only it says why: a certificate, an answer of HTTP.
    on('error', ({ message = '' }) => (cause = message))
  }

  function watch(ms: number): void {
    clearTimeout(watchTimer)
    watchTimer = setTimeout(quiet, ms)
  }

  function quiet(): void {
    if (state === 'session' && !probed) probe(pingInterval)
    else abandon(1006, 'silent')
  }

  function probe(ms: number): void {
    probed = true
    write('ping')
    watch(ms)
  }

  /** A laptop that has slept, or a network that is back. */
  function wake({ type }: Event): void {
    if (type !== 'online' && page.document?.visibilityState === 'hidden') return
    if (state === 'session') probe(Math.min(wakePatience, pingInterval))
    else if (state === 'waiting' && Date.now() >= pausedUntil) connect()
  }

  function watchPage(method: 'addEventListener' | 'removeEventListener'): void {
    page[method]?.('online', wake)
    page.document?.[method]('visibilitychange', wake)
  }

  /** Closes the connection, and does not wait for it: it may be dead. */
  function abandon(code: number, reason: string, closeCode = closedByClient): void {
    const old = socket
    broken(code, reason)
    old?.close(closeCode)
  }

  function leave(): void {
    socket = null
    outbox.stop()
    clearTimeout(watchTimer)
    clearTimeout(ackTimer)
    ackTimer = undefined
    unacknowledged = 0
  }

  function broken(code: number, reason: string): void {
    if (state === 'session' && Date.now() - grantedAt >= stable) attempt = 0
    leave()
    if (code === closeCodes.goingAway) attempt = Math.max(attempt, 3)
    if (code === closeCodes.tryLater) attempt = Math.max(attempt, 6)
    const isRefused = code === closeCodes.policy || code === closeCodes.tooLarge
    const chance = randoms(1)[0]! / 2 ** 32
    const bound = Math.min(max, min * 2 ** ++attempt)
    const delay = isRefused ? max * (1 + chance) : min + chance * Math.max(0, bound - min)
    pausedUntil = isRefused ? Date.now() + delay : 0
    retryTimer = setTimeout(connect, delay)
    become('waiting')
    emit('close', { code, reason })
    if (isOver()) return
    if (code === closeCodes.ended) over(reason)
    else if (code === closeCodes.broken) startLink(true, outbox.takeOut(false))
    if (isRefused || code === closeCodes.broken) fail(failure('protocol', `${code} ${reason}`))
  }

  // Sessions

  async function greet(): Promise<void> {
    if (socket!.protocol !== subprotocol) return abandon(closeCodes.policy, `no ${subprotocol}`)
    emit('open')
    await present()
  }

  /** Resumes what is stored now (another tab may have got another secret), else what this client knows, else makes a new session. */
  async function present(): Promise<void> {
    const current = socket
    const stored = skip ? null : await kept.read()
    if (!current || current !== socket) return
    storedId = stored?.id
    const isOurs = !mine || stored?.id === mine.id || refused.has(mine.secret)
    const candidates = skip ? [] : isOurs ? [stored, mine] : [mine, stored]
    shown = candidates.find((identity) => identity && !refused.has(identity.secret)) ?? null
    if (session && shown?.id !== session.id) forget()
    if (shown) write('resume', { ...shown, ...link, received, again })
    else if (ending) finish('ended', stored)
    else write('create', { ...link, fromClient: options.fromClient })
  }

  async function granted(given: SessionGranted): Promise<void> {
    const { id, secret, created, lost, expiresAt } = given
    const current = socket
    if (created && !skip) {
      const stored = await kept.read()
      if (current !== socket) return
      if (stored && stored.id !== storedId && !refused.has(stored.secret)) {
        // Another tab was quicker: one session is enough.
        write('end')
        mine = stored
        return reconnect()
      }
    }
    mine = { id, secret: secret ?? shown?.secret ?? '' }
    refused.clear()
    skip = false
    await kept.write(mine)
    if (current !== socket) return
    if (!isFresh && (lost || given.received < outbox.handled)) {
      outbox.acknowledge(given.received)
      startLink(true, [])
      return reconnect()
    }
    isFresh = false
    link.holder = given.holder
    outbox.acknowledge(given.received)
    session = { id, expiresAt, created, replaced: replacing && session?.id !== id }
    replacing = false
    grantedAt = Date.now()
    watch(pingInterval)
    if (!ending) outbox.start((frame) => current!.send(frame))
    become('session')
    emit('session', session)
    if (ending && current === socket) write('end')
  }

  /** At once, on another link. */
  function reconnect(): void {
    const old = socket
    link = newLink()
    leave()
    old?.close(1000)
    connect()
  }

  function denied(code: SessionErrorCode): unknown {
    if (code === 'unknown' && shown) {
      refused.add(shown.secret)
      replacing = true
      return present()
    }
    fail(failure(code))
    return abandon(code === 'limit' ? closeCodes.policy : closeCodes.tryLater, code)
  }

  /** Numbers begin anew. What was sent and is not known to be handled is sent again, except `outgoing`, which the application is given. */
  function startLink(incoming: boolean, outgoing: readonly Item[]): void {
    link = newLink()
    isFresh = true
    received = 0
    again = outbox.renumber()
    for (const [item, { settle }] of asks) if (!outbox.items.includes(item)) settle(failure('lost'))
    if (incoming || outgoing.length)
      emit('lost', { incoming, outgoing: outgoing.map(({ tail }) => JSON.parse(`[${tail}`) as [string, ...unknown[]]) })
  }

  /** Another session comes in the place of this one. */
  function forget(): void {
    session = null
    replacing = true
    startLink(false, outbox.takeOut(onNewSession === 'drop'))
  }

  function over(reason: string): void {
    const ended = mine ?? shown
    mine = null
    if (ended) refused.add(ended.secret)
    emit('ended', reason)
    if (ending || !renew) finish('ended', ended)
    else if (!isOver()) forget()
  }

  function finish(next: 'closed' | 'ended', ended: Identity | null = null): void {
    if (isOver()) return
    const old = socket
    leave()
    clearTimeout(retryTimer)
    watchPage('removeEventListener')
    old?.close(1000)
    if (next === 'ended') session = null
    if (ended) discarding = kept.read().then((stored) => (stored?.id === ended.id ? kept.write(null) : undefined))
    become(next)
    for (const { settle } of asks.values()) settle(failure('closed'))
  }

  // Frames

  function take(data: unknown): unknown {
    let frame: unknown
    try {
      frame = JSON.parse(data as string)
    } catch {}
    const [word, a, b, ...rest] = (Array.isArray(frame) ? frame : []) as [unknown, any, any, ...unknown[]]
    if (state !== 'session') {
      if (word === 'session' && isId(a?.id) && isCount(a.received)) return granted(a as SessionGranted)
      if (word === 'error') return denied(a as SessionErrorCode)
    } else if (word === 'message' || word === 'answer') {
      if (isCount(a)) {
        return isNext(a) && (word === 'message' ? handlers.tell(b, rest) : answered(b, rest))
      }
    } else if (word === 'ack' && isCount(a)) return outbox.acknowledge(a)
    else if (word === 'saved') return emit('saved', a as number)
    else if (word === 'pong') return null
    fail(failure('protocol', 'A frame that is none'))
    return abandon(1006, 'protocol')
  }

  /** Whether it is the next one; else it was handled already, or one is missing and the connection is made anew. */
  function isNext(n: number): boolean {
    const isNew = n > received
    if (n > received + 1) {
      abandon(1006, 'gap')
      return false
    }
    if (isNew) received = n
    if (++unacknowledged >= ackBatch && Date.now() - acknowledgedAt >= ackPause) acknowledge()
    else ackTimer ??= setTimeout(acknowledge, ackDelay)
    return isNew
  }

  function acknowledge(): void {
    clearTimeout(ackTimer)
    ackTimer = undefined
    unacknowledged = 0
    acknowledgedAt = Date.now()
    write('ack', received)
  }

  function answered(asked: unknown, [error, result]: readonly unknown[]): void {
    const { code, message } = (error ?? {}) as Partial<AnswerError>
    for (const [item, { settle }] of asks)
      if (item.n === asked) return settle(error ? failure(String(code), String(message)) : null, result)
  }

  // What the application calls

  function add(kind: Item['kind'], event: string, args: readonly unknown[]): Item {
    if (isOver() || ending) throw failure('closed', 'The client is closed')
    return outbox.add(kind, event, args)
  }

  function ask(question: string, args: readonly unknown[] = [], { timeout = 10_000, signal }: AskOptions = {}): Promise<unknown> {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted()
      const item = add('ask', question, args)
      const cancel = (error: Error) => {
        settle(error)
        if (item.n < 1) outbox.remove(item)
        else if (state === 'session' && outbox.spare()) write('cancel', item.n)
      }
      const onAbort = () => cancel(signal!.reason as Error)
      const timer = timeout > 0 ? setTimeout(() => cancel(failure('timeout')), Math.min(timeout, longest)) : undefined
      const settle = (error: Error | null, result?: unknown) => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', onAbort)
        asks.delete(item)
        if (error) reject(error)
        else resolve(result)
      }
      asks.set(item, { settle })
      signal?.addEventListener('abort', onAbort)
    })
  }

  /** Resolves as soon as `test` gives something. */
  const until = <T>(test: () => T | null | undefined | false): Promise<T> =>
    new Promise((resolve, reject) => {
      const stops: (() => void)[] = []
      const look = () => {
        const value = test()
        if (value) resolve(value)
        else if (isOver()) reject(failure('closed', 'The client is closed'))
        else return
        for (const stop of stops.splice(0)) stop()
      }
      stops.push(locals.add('state', look), locals.add('handled', look))
      look()
    })

  watchPage('addEventListener')
  retryTimer = setTimeout(connect)

  return {
    get state() {
      return state
    },
    get session() {
      return session
    },
    get writable() {
      return outbox.writable && !isOver() && !ending
    },
    on(event, handler) {
      if (!isName(event)) throw new TypeError(`No name: ${String(event)}`)
      return handlers.add(event, handler)
    },
    onLocal: (event, listener) => locals.add(event, listener as (...args: unknown[]) => unknown),
    subscribe: (listener) => locals.add('state', listener),
    send: (event, ...args) => void add('message', event, args),
    ask,
    flush: (): Promise<any> => {
      const last = outbox.items.at(-1)
      return until(() => !last || !outbox.items.includes(last))
    },
    waitForSession: () => until(() => state === 'session' && session),
    close: () => finish('closed'),
    async end() {
      ending = true
      outbox.stop()
      if (state === 'session') write('end')
      await until(() => state === 'ended')
      await discarding
    }
  }
}
