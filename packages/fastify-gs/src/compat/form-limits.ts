import type { FastifyInstance, FastifyRequest } from 'fastify'
import { addressGroup } from '../accounts/throttle.ts'
import { gsError } from '../errors.ts'
import type { FlowServices } from '../flows/shared/flow.ts'
import type { GsRateLimits } from '../options.ts'

/** Counts a request. @throws {GsError} `GS_TOO_MANY_ATTEMPTS` */
export type FormLimits = Record<keyof GsRateLimits, (request: FastifyRequest) => Promise<void>>

/**
 * Limits per client address, counted together for all prefixes: a site with more mounts must not allow more guesses.
 *
 * @param app the scope of the flows, which has @fastify/rate-limit
 */
export function createFormLimits(app: FastifyInstance, { options: { rateLimits } }: FlowServices): FormLimits {
  const limit = (group: keyof GsRateLimits) => {
    if (rateLimits === null) return async () => {}
    const { max, seconds } = rateLimits[group]
    const keyGenerator = (request: FastifyRequest) => `gs-form-${group}:${addressGroup(request.ip)}`
    const count = app.createRateLimit({ max, timeWindow: seconds * 1000, keyGenerator })
    return async (request: FastifyRequest) => {
      const counted = await count(request)
      if (!counted.isAllowed && counted.isExceeded) throw gsError('GS_TOO_MANY_ATTEMPTS', { retryAfter: counted.ttlInSeconds })
    }
  }
  return { login: limit('login'), register: limit('register'), mail: limit('mail'), link: limit('link'), check: limit('check') }
}
