import type { FastifyBaseLogger } from 'fastify'
import type { GsHooks, SessionEndEvent, SessionEndListener } from '../hooks.ts'

/** Tells the listeners in this process which sessions have ended. */
export interface SessionEvents {
  readonly onSessionEnd: (listener: SessionEndListener) => () => void
  readonly onDowngrade: (listener: GsHooks['onDowngrade']) => void
  /** @param successor the anonymous session with which the browser of one of them goes on */
  readonly ended: (events: readonly SessionEndEvent[], successor?: Successor) => void
}

/** With what the browser of an ended session goes on: public ids. */
export interface Successor {
  readonly of: string
  readonly sessionId: string
}

export function createSessionEvents(log: Pick<FastifyBaseLogger, 'error'>): SessionEvents {
  const listeners = new Set<SessionEndListener>()
  const downgraded = new Set<GsHooks['onDowngrade']>()
  const guarded = (sessionId: string, hook: string, tell: () => unknown) => {
    const failed = (error: unknown) => log.error({ err: error, sessionId }, `a listener of ${hook} failed`)
    try {
      const told = tell()
      // Nobody waits for it; but a rejection that nobody hears of would end the process.
      if (told instanceof Promise) told.catch(failed)
    } catch (error) {
      // One listener's fault must not keep the others from closing what the session had open.
      failed(error)
    }
  }
  return {
    onDowngrade: (listener) => void downgraded.add(listener),
    onSessionEnd(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    ended(events, successor) {
      for (const event of events) {
        const { sessionId: formerSessionId, accountId, cause } = event
        if (cause !== 'login') {
          const downgrade = { formerSessionId, accountId, cause, sessionId: successor?.of === formerSessionId ? successor.sessionId : null }
          for (const listener of downgraded) guarded(formerSessionId, 'onDowngrade', () => listener(downgrade))
        }
        for (const listener of listeners) guarded(formerSessionId, 'onSessionEnd', () => listener(event))
      }
    }
  }
}
