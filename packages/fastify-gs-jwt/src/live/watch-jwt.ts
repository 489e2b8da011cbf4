import { AsyncLocalStorage } from 'node:async_hooks'
import type { FastifyBaseLogger, FastifyRequest } from 'fastify'
import { jwtError } from '../errors.ts'
import type { JwtEndReason, LiveJwts, LiveListener } from './live-jwts.ts'

/**
 * Tells `onEnd` when the token of the request is good no more.
 *
 * @param onEnd why it has to stop; called once, never before this returns
 * @param onRenewalDue 85 % of the life of the token are over: time for the client to get another one
 * @returns what stops it; nothing is told any more
 */
export type WatchJwt = (request: FastifyRequest, onEnd: (reason: JwtEndReason) => unknown, onRenewalDue?: () => unknown) => () => void

export function createWatchJwt(lives: LiveJwts, log: Pick<FastifyBaseLogger, 'error'>): WatchJwt {
  return (request, onEnd, onRenewalDue) => {
    const { jwt } = request
    if (jwt === null) throw jwtError('GS_JWT_REQUIRED')
    // Whoever denies a token is told, the context of his request is not for others.
    const inContext = AsyncLocalStorage.snapshot()
    let stopped = false
    const call = (name: string, handler: () => unknown) => {
      const failed = (error: unknown) => log.error({ err: error, jti: jwt.jti }, `${name} of a watched token failed`)
      try {
        const told = inContext(handler)
        // Nobody waits for it; but a rejection that nobody hears of would end the process.
        if (told instanceof Promise) told.catch(failed)
      } catch (error) {
        failed(error)
      }
    }
    let returned = false
    const tellEnd = (reason: JwtEndReason) => {
      if (stopped) return
      stopped = true
      call('onEnd', () => onEnd(reason))
    }
    const listener: LiveListener = {
      ended: (reason) => (returned ? tellEnd(reason) : queueMicrotask(() => tellEnd(reason))),
      renewalDue() {
        if (!stopped && onRenewalDue !== undefined) call('onRenewalDue', onRenewalDue)
      }
    }
    const live = lives.join(request, jwt, listener)
    returned = true
    return () => {
      stopped = true
      lives.leave(live, listener)
    }
  }
}
