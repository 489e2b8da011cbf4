import type { JwtEnd } from './jwt-client.ts'

/** What happens in the page, and in other tabs. */
export interface JwtPageOptions {
  /** Name shared by all tabs that show the same login. */
  readonly name: string
  /** Another tab says what it knows. Not checked. */
  readonly onTold: (data: unknown) => void
  /** The page comes into view, or the network is back. */
  readonly onReturn: () => void
  /** The page is kept aside, to be shown as it is when the visitor goes back. */
  readonly onPutAside: () => void
  /** It is shown again. */
  readonly onRestored: () => void
  /** The visitor does something. */
  readonly onUse: () => void
}

/** The other tabs and the life of this page, where there are any (on a server there are none). */
export interface JwtPage {
  /** Tells the other tabs, not this one. */
  readonly tell: (data: unknown) => void
  readonly stop: () => void
}

declare global {
  interface WindowEventMap {
    /** The login ends soon, and was not renewed. `preventDefault()`: the page stays at the end, and has to care for it itself. */
    'gs-jwt-expiring': CustomEvent<{ readonly sub: string; readonly expiresIn: number }>
    /** The login is over. `preventDefault()`: the page stays. */
    'gs-jwt-expired': CustomEvent<JwtEnd>
  }
}

export function watchJwtPage({ name, onTold, onReturn, onPutAside, onRestored, onUse }: JwtPageOptions): JwtPage {
  const events = new AbortController()
  const { signal } = events
  const channel = typeof BroadcastChannel === 'function' ? new BroadcastChannel(name) : undefined
  channel?.addEventListener('message', ({ data }) => onTold(data))
  if (inPage()) {
    const on = (type: string, listener: (event: Event) => unknown) =>
      window.addEventListener(type, listener, { signal, capture: true, passive: true })
    on('pagehide', (event) => (event as PageTransitionEvent).persisted && onPutAside())
    on('pageshow', (event) => (event as PageTransitionEvent).persisted && onRestored())
    // That of the document comes by here, too; and that of each field that gets the focus.
    on('visibilitychange', () => isSeen() && onReturn())
    on('focus', ({ target }) => target === window && onReturn())
    on('online', onReturn)
    for (const type of ['keydown', 'pointerdown', 'wheel', 'touchmove', 'input']) on(type, onUse)
  }
  return {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a channel is bound to its origin
    tell: (data) => channel?.postMessage(data),
    stop: () => {
      events.abort()
      channel?.close()
    }
  }
}

/** Whether there is a page. */
export const inPage = () => typeof document !== 'undefined'

/** Whether somebody may be looking at it. */
export const isSeen = () => inPage() && document.visibilityState === 'visible'

/** Where the visitor was in the page when it was hidden; a page without content is not scrolled. */
let left = 0
let top = 0

/** Hides all that the page shows, or shows it again. By the object model: policies of the page forbid only the attribute. */
export function hidePage(hidden: boolean): void {
  if (!inPage()) return
  const { style } = document.documentElement
  if (hidden === (style.display === 'none')) return
  if (hidden) {
    left = scrollX
    top = scrollY
    style.setProperty('display', 'none', 'important')
  } else {
    style.display = ''
    scrollTo({ left, top, behavior: 'instant' })
  }
}

/** Whether the page lets happen what would happen. */
export function dispatchToPage(type: 'gs-jwt-expiring' | 'gs-jwt-expired', detail: object): boolean {
  return !inPage() || window.dispatchEvent(new CustomEvent(type, { detail, cancelable: true }))
}
