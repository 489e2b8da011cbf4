import { createLiveSession as create } from '../client/live-session.ts'

/** The one of every client; in plain pages what has happened is also an event of the window, `gs-event`. */
export const createLiveSession: typeof create = (options) =>
  create({
    ...options,
    onEvent: (event) => {
      options.onEvent(event)
      // When `lwsgs_user` and its like say what is now.
      queueMicrotask(() => window.dispatchEvent(new CustomEvent('gs-event', { detail: event })))
    }
  })
