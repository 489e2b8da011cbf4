import { causeIn, changesBetween, otherSessionEvent, type GsEvent } from './gs-event.ts'
import type { EndedSession } from './page-watch.ts'
import { parseSessionInfo, type SessionInfo } from './session-info.ts'

/** What a `LiveSession` asks for and tells. */
export interface LiveSessionOptions {
  /** Address of the event stream. */
  readonly address: string
  /** The stream says what the session is now. */
  readonly onSession: (session: SessionInfo) => void
  /** The session is over. */
  readonly onEnded: (ended: EndedSession) => void
  /** Something has happened. `sessions` is also told when nobody would tell it. */
  readonly onEvent: (event: GsEvent) => void
  /** What the page shows may be wrong: the server has to be asked. */
  readonly onDoubt: () => void
  readonly EventSource?: typeof EventSource | undefined
}

/** What the page shows: whose session, or why there is none any more. */
export interface Shown {
  readonly session: SessionInfo | null
  readonly ended?: string
}

/** Hears from the server what happens to the session, as long as somebody looks at the page. */
export interface LiveSession {
  /** What the page shows from now on. */
  readonly follow: (shown: Shown) => void
  readonly stop: () => void
}

/** Between two looks at the clock, ms. */
const tickInterval = 1000
/** A pause of the clock that only sleep explains, ms. Then no connection is to be trusted, though it may still look open. */
const sleep = 5000
/** While the stream says nothing the server is asked: for the first time after so many ms, and then again after so many. */
const patience = 5000
const askInterval = 10_000
/** After a break the browser tries again so much later, ms: the server says so at the beginning of each stream. */
const browserRetry = 2000
/** A stream that is refused is not opened again by the browser; after so many ms we try. */
const reopenAfter = 60_000
/** One that has worked is tried again at once, then after so many ms, then each time after twice as many: the server may be starting again. */
const shortestPause = 2000
/** A stream that lived so long, ms, and breaks is opened again by us, sooner than by the browser. One that breaks at once is left to it. */
const goodLife = 3000
/** Not at once: a stream also ends because this browser gets a new token, whose cookie may be on its way. */
const resumeAfter = 300

/** What came twice is told once, as far back as so many events. */
const memory = 200

/** `EventSource.CLOSED`, also where there is none. */
const closed = 2

/** Makes a `LiveSession`. Hidden pages have no stream: over HTTP/1.1 a browser has six connections for all tabs of a site. */
export function createLiveSession(options: LiveSessionOptions): LiveSession {
  const { address, onSession, onEnded, onEvent, onDoubt, EventSource: Source = globalThis.EventSource } = options
  let followed: SessionInfo | null = null
  let timer: ReturnType<typeof setInterval> | undefined
  let tickedAt = 0
  let source: EventSource | undefined
  /** When a stream that is refused is tried again, ms. */
  let pause = reopenAfter
  /** Whether this stream has said something. */
  let heard = false
  let heardAt = 0
  /** Since when this stream should be there. */
  let triedAt = 0
  /** Whether it began to speak so late that something in between must hold it back: what it says is old. */
  let late = false
  /** Where a stream that is opened anew goes on. */
  let lastId = ''
  /** What was told of other sessions. */
  const told = new Set<string>()
  let openAt = 0
  let askAt = 0
  /** The end of the session after which the server was asked. */
  let askedAfter = 0

  function ask(): void {
    askAt = Date.now() + askInterval
    onDoubt()
    onEvent({ type: 'sessions' })
  }

  function close(reopen: number): void {
    source?.close()
    source = undefined
    heard = false
    openAt = Date.now() + reopen
  }

  function onError(stream: EventSource): void {
    const now = Date.now()
    if (heard) askAt = now + patience
    const lived = heard && now - heardAt >= goodLife
    heard = false
    late = false
    triedAt = now + browserRetry
    if (stream.readyState === closed) {
      close(pause)
      pause = Math.min(Math.max(2 * pause, shortestPause), reopenAfter)
      ask()
    } else if (lived) {
      close(resumeAfter)
    }
  }

  function tellOther(event: ReturnType<typeof otherSessionEvent>): void {
    if (event === null || event.session === followed?.session) return
    // A session begins once and ends once.
    const key = `${event.type} ${event.session}`
    if (told.has(key)) return
    told.add(key)
    for (const first of told) {
      if (told.size <= memory) break
      told.delete(first)
    }
    onEvent(event)
  }

  function open(): void {
    close(Number.POSITIVE_INFINITY)
    askAt = 0
    if (typeof Source !== 'function') return
    triedAt = Date.now()
    askAt = triedAt + patience
    late = false
    const stream = new Source(lastId === '' ? address : `${address}?lastEventId=${lastId}`)
    source = stream
    const on = (type: string, listener: (data: unknown) => void) =>
      stream.addEventListener(type, (event) => {
        if (source !== stream) return
        if (/^[\w.-]{1,128}$/.test(event.lastEventId)) lastId = event.lastEventId
        listener(parseJson(String(event.data)))
      })
    on('session', (data) => {
      if (!heard) {
        heardAt = Date.now()
        late = heardAt - triedAt > patience
      }
      heard = true
      pause = 0
      const session = parseSessionInfo(data)
      if (late || session === null) onDoubt()
      else onSession(session)
    })
    on('sessions', () => onEvent({ type: 'sessions' }))
    for (const type of ['login', 'logout'] as const) on(type, (data) => tellOther(otherSessionEvent(type, data)))
    on('ended', (data) => {
      close(reopenAfter)
      askAt = Date.now() + askInterval
      if (followed !== null) onEnded({ session: followed.session, cause: causeIn(data) })
    })
    stream.addEventListener('error', () => source === stream && onError(stream))
  }

  function tick(): void {
    if (followed === null) return
    const { expiresAt } = followed
    const now = Date.now()
    const paused = Math.abs(now - tickedAt) > sleep
    tickedAt = now
    if (paused) {
      open()
      return ask()
    }
    if (now >= openAt) open()
    if ((late || !heard) && now >= askAt) ask()
    else if (now > expiresAt && expiresAt !== askedAfter) {
      // The stream should have said it. Only once, because clocks differ.
      askedAfter = expiresAt
      onDoubt()
    }
  }

  function update(): void {
    // Without a page nobody looks, unless somebody brings an EventSource to hear all the same.
    const seen = typeof document === 'undefined' ? options.EventSource !== undefined : document.visibilityState === 'visible'
    if (followed === null || !seen) {
      clearInterval(timer)
      timer = undefined
      close(0)
    } else if (timer === undefined) {
      tickedAt = Date.now()
      timer = setInterval(tick, tickInterval)
      open()
    }
  }

  const events = new AbortController()
  if (typeof document !== 'undefined') document.addEventListener('visibilitychange', update, { signal: events.signal })
  return {
    follow: ({ session, ended }) => {
      const before = followed
      followed = session?.username == null ? null : session
      if (followed?.session !== before?.session) {
        pause = reopenAfter
        lastId = ''
        clearInterval(timer)
        timer = undefined
      }
      update()
      if (before === null) return
      if (followed !== null) for (const event of changesBetween(before, followed)) onEvent(event)
      else if (ended !== undefined) onEvent({ type: 'ended', cause: ended })
    },
    stop: () => {
      events.abort()
      followed = null
      update()
    }
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
