import type { FastifyBaseLogger } from 'fastify'
import type { SessionEndEvent, SessionEndListener } from '../hooks.ts'

/** Tells the listeners in this process which sessions have ended. */
export interface SessionEvents {
  readonly onSessionEnd: (listener: SessionEndListener) => () => void
  readonly ended: (events: readonly SessionEndEvent[]) => void
}

export function createSessionEvents(log: Pick<FastifyBaseLogger, 'error'>): SessionEvents {
  const listeners = new Set<SessionEndListener>()
  return {
    onSessionEnd(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    ended(events) {
      for (const event of events) {
        for (const listener of listeners) {
          try {
            listener(event)
          } catch (error) {
            // One listener's fault must not keep the others from closing what the session had open.
            log.error({ err: error, sessionId: event.sessionId }, 'a listener of onSessionEnd failed')
          }
        }
      }
    }
  }
}
