import { AsyncLocalStorage } from 'node:async_hooks'
import type { FastifyBaseLogger, FastifyRequest } from 'fastify'
import type { SessionEndCause } from '../hooks.ts'
import type { AccountVisit } from '../sessions/visit.ts'
import type { SessionRegistry } from './session-registry.ts'

/** What happens to a session, for something of the application that outlives the request. What these throw is logged. */
export interface SessionWatch {
  /**
   * It has to stop: the session is over, and why. `renewed`: the session goes on, but the browser has got a new token, after which whoever
   * came with the former one must come again, because it may be somebody else who holds it. Called once, nothing follows.
   */
  readonly onEnd: (cause: SessionEndCause | 'renewed') => void
  /** The session or its account is, or may, something else now. `visit` has neither `data` nor `client`. */
  readonly onChange?: (visit: AccountVisit) => void
  /** The server stops: end it, so that the server can. Called once, nothing follows. */
  readonly onClose?: () => void
  /**
   * Whether it goes on when the browser gets a new token: right for a job, which answers nobody; wrong for whatever sends something to who
   * has asked for it. Default: false.
   */
  readonly job?: boolean
}

/** Tells `watch` what happens to the session of the request, until that is stopped. Of a visitor who is not logged in: nothing. */
type WatchSession = (request: FastifyRequest, watch: SessionWatch) => () => void

export function createWatchSession(registry: Pick<SessionRegistry, 'connect'>, log: Pick<FastifyBaseLogger, 'error'>): WatchSession {
  return ({ gs: visit }, watch) => {
    if (visit.account === null) return () => undefined
    let over = false
    // Whoever has caused what is told, the context of his request is not for others.
    const inContext = AsyncLocalStorage.snapshot()
    const call = (name: string, handler: () => unknown) => {
      const failed = (error: unknown) => log.error({ err: error, sessionId: visit.session.id }, `${name} of a watched session failed`)
      try {
        const told = inContext(handler)
        // Nobody waits for it; but a rejection that nobody hears of would end the process.
        if (told instanceof Promise) told.catch(failed)
      } catch (error) {
        failed(error)
      }
    }
    const last = (name: string, handler: () => unknown) => {
      if (over) return
      over = true
      call(name, handler)
    }
    const closing = () => last('onClose', () => watch.onClose?.())
    const leave = registry.connect(visit, {
      kind: 'watch',
      acrossTokens: watch.job === true,
      ended: (cause) => last('onEnd', () => watch.onEnd(cause)),
      renewed: () => last('onEnd', () => watch.onEnd('renewed')),
      changed(current) {
        if (!over) call('onChange', () => watch.onChange?.(current))
      },
      sessionsChanged: () => undefined,
      closing
    })
    // The caller has not got yet what stops it.
    if (leave === null) queueMicrotask(closing)
    return () => {
      over = true
      leave?.()
    }
  }
}
