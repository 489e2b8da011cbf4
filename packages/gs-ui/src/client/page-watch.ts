/** How a session ended. */
export interface EndedSession {
  /** Public id. */
  readonly session: string
  readonly cause: string
}

/** What can make the session that a page shows out of date. */
export interface PageWatchOptions {
  /** Name shared by all tabs that show the same session. */
  readonly name: string
  /** Another tab changed the session, or knows how it ended; or the page was restored as it looked long ago. Not checked. */
  readonly onChange: (ended?: EndedSession) => void
  /** The page came back into view, or the network came back. */
  readonly onReturn: () => void
}

/** Watches the other tabs and the life of this page, where there are any (on a server there are none). */
export interface PageWatch {
  /** Tells the other tabs, not this one. */
  readonly announce: (ended?: EndedSession) => void
  readonly stop: () => void
}

/** Starts a `PageWatch`. */
export function watchPage({ name, onChange, onReturn }: PageWatchOptions): PageWatch {
  const events = new AbortController()
  const { signal } = events
  const channel = openChannel(name)
  channel?.addEventListener('message', ({ data }) => onChange(data))
  if (typeof window !== 'undefined') {
    // The Back button can show a page as it was, perhaps from before a logout.
    window.addEventListener('pageshow', (event) => event.persisted && onChange(), { signal })
    window.addEventListener('online', onReturn, { signal })
    document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && onReturn(), { signal })
  }
  return {
    announce: (ended) => tell(channel, ended),
    stop: () => {
      events.abort()
      channel?.close()
    }
  }
}

/** Tells all tabs without listening to any. */
export function announceOnce(name: string): void {
  const channel = openChannel(name)
  tell(channel)
  channel?.close()
}

function openChannel(name: string): BroadcastChannel | undefined {
  return typeof BroadcastChannel === 'function' ? new BroadcastChannel(name) : undefined
}

function tell(channel: BroadcastChannel | undefined, ended?: EndedSession): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a channel is bound to its origin
  channel?.postMessage(ended)
}
