import type { EndedSession } from './page-watch.ts'

/** What a `LiveSession` asks for and tells. */
export interface LiveSessionOptions {
  /** Address of the event stream. */
  readonly address: string
  /** The stream says what the session is now. Not checked; undefined: it was no JSON. */
  readonly onSession: (session: unknown) => void
  /** The session is over. */
  readonly onEnded: (ended: EndedSession) => void
  /** Another session of the account has begun or ended; also told when nobody would tell it. */
  readonly onSessionsChanged: () => void
  /** What the page shows may be wrong: the server has to be asked. */
  readonly onDoubt: () => void
  readonly EventSource?: typeof EventSource | undefined
}

/** What has to be known of a session to follow it. */
export interface FollowedSession {
  /** Public id. */
  readonly session: string
  /** When it ends if nothing more happens, ms since 1970. */
  readonly expiresAt: number
}

/** Hears from the server what happens to the session, as long as somebody looks at the page. */
export interface LiveSession {
  /** Which session the page shows; null: there is none to follow. */
  readonly follow: (session: FollowedSession | null) => void
  readonly stop: () => void
}

/** Between two looks at the clock, ms. */
const tickInterval = 1000
/** A pause of the clock that only sleep explains, ms. Then no connection is to be trusted, though it may still look open. */
const sleep = 5000
/** While the stream says nothing the server is asked: for the first time after so many ms, and then again after so many. */
const patience = 5000
const askInterval = 10_000
/** A stream that the server closed is not opened again by the browser; after so many ms we try. */
const reopenAfter = 60_000
/** A stream that lived so long, ms, and breaks is opened again by us, sooner than by the browser. One that breaks at once is left to it. */
const goodLife = 5000
/** Not at once: a stream also ends because this browser gets a new token, whose cookie may be on its way. */
const resumeAfter = 300

/** `EventSource.CLOSED`, also where there is none. */
const closed = 2

/** Makes a `LiveSession`. Hidden pages have no stream: over HTTP/1.1 a browser has six connections for all tabs of a site. */
export function createLiveSession(options: LiveSessionOptions): LiveSession {
  const { address, onSession, onEnded, onSessionsChanged, onDoubt, EventSource: Source = globalThis.EventSource } = options
  let followed: FollowedSession | null = null
  let timer: ReturnType<typeof setInterval> | undefined
  let tickedAt = 0
  let source: EventSource | undefined
  /** Whether this stream, or the one before it, has ever worked. */
  let worked = false
  /** Whether this stream has said something. */
  let heard = false
  let heardAt = 0
  let openAt = 0
  let askAt = 0
  /** The end of the session after which the server was asked. */
  let askedAfter = 0

  function ask(): void {
    askAt = Date.now() + askInterval
    onDoubt()
    onSessionsChanged()
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
    if (stream.readyState === closed) {
      close(worked ? 0 : reopenAfter)
      worked = false
      ask()
    } else if (lived) {
      close(resumeAfter)
    }
  }

  function open(): void {
    close(Number.POSITIVE_INFINITY)
    askAt = 0
    if (typeof Source !== 'function') return
    askAt = Date.now() + patience
    const stream = new Source(address)
    source = stream
    const on = (type: string, listener: (data: unknown) => void) =>
      stream.addEventListener(type, (event) => {
        if (source === stream) listener(parseJson(String(event.data)))
      })
    on('session', (data) => {
      if (!heard) heardAt = Date.now()
      heard = true
      worked = true
      onSession(data)
    })
    on('sessions', onSessionsChanged)
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
    if (!heard && now >= askAt) ask()
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
    follow: (next) => {
      const other = next?.session !== followed?.session
      followed = next
      if (other) {
        worked = false
        clearInterval(timer)
        timer = undefined
      }
      update()
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

function causeIn(data: unknown): string {
  const { cause } = Object(data) as { cause?: unknown }
  return typeof cause === 'string' && /^[\w-]{1,40}$/.test(cause) ? cause : 'unknown'
}
