/** What a `LiveSession` asks for and tells. */
export interface LiveSessionOptions {
  /** Address of the event stream. */
  readonly address: string
  /** The stream says what the session is now: the data of its event, not checked. */
  readonly onSession: (data: string) => void
  /** The session is over. */
  readonly onEnded: (cause: string) => void
  /** Another session of the account has begun or ended. */
  readonly onSessionsChanged: () => void
  /** There is no stream, or none any more: called at once and then again and again, to ask instead. */
  readonly onBlind: () => void
  /** Pause between two questions while there is no stream, ms (default: 10 000). */
  readonly interval?: number
  readonly EventSource?: typeof EventSource
}

/** Hears from the server what happens to the session, as long as somebody looks at the page. */
export interface LiveSession {
  /** Which session the page shows; null: there is none to follow. */
  readonly follow: (session: string | null) => void
  readonly stop: () => void
}

/** A stream that was closed by the server is not opened again by the browser; after this many ms we try. */
const reopenAfter = 60_000

/** Makes a `LiveSession`. Hidden pages have no stream: over HTTP/1.1 a browser has six connections for all tabs of a site. */
export function createLiveSession(options: LiveSessionOptions): LiveSession {
  const { address, onBlind, interval = 10_000, EventSource: Source = globalThis.EventSource } = options
  let session: string | null = null
  let source: EventSource | undefined
  let timer: ReturnType<typeof setInterval> | undefined
  let closedAt = Number.NEGATIVE_INFINITY

  function close(): void {
    source?.close()
    source = undefined
    clearInterval(timer)
    timer = undefined
  }

  function ask(): void {
    if (Date.now() - closedAt >= reopenAfter) return open()
    onBlind()
  }

  function poll(): void {
    close()
    timer = setInterval(ask, interval)
    onBlind()
  }

  function open(): void {
    close()
    if (typeof Source !== 'function') return poll()
    const stream = new Source(address)
    source = stream
    const on = (type: string, listener: (data: string) => void) =>
      stream.addEventListener(type, (event) => source === stream && listener(String((event as MessageEvent).data)))
    on('session', options.onSession)
    on('sessions', options.onSessionsChanged)
    on('ended', (data) => {
      close()
      options.onEnded(causeIn(data))
    })
    stream.addEventListener('error', () => {
      // Otherwise the browser tries again by itself.
      if (source !== stream || stream.readyState !== 2) return
      closedAt = Date.now()
      poll()
    })
  }

  function update(): void {
    // Without a page nobody looks, unless somebody brings an EventSource to hear all the same.
    const seen = typeof document === 'undefined' ? options.EventSource !== undefined : document.visibilityState === 'visible'
    const wanted = session !== null && seen
    if (!wanted) close()
    else if (source === undefined && timer === undefined) open()
  }

  const events = new AbortController()
  if (typeof document !== 'undefined') document.addEventListener('visibilitychange', update, { signal: events.signal })
  return {
    follow: (next) => {
      if (next !== session) {
        session = next
        closedAt = Number.NEGATIVE_INFINITY
        close()
      }
      update()
    },
    stop: () => {
      events.abort()
      close()
    }
  }
}

function causeIn(data: string): string {
  try {
    const { cause } = JSON.parse(data) as { cause?: unknown }
    return typeof cause === 'string' && /^[\w-]{1,40}$/.test(cause) ? cause : 'unknown'
  } catch {
    return 'unknown'
  }
}
