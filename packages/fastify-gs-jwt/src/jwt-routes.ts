import { hash } from 'node:crypto'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { jwtError } from './errors.ts'
import { jwtState, type WithState } from './load-jwt.ts'
import type { Services } from './services.ts'

/** What `GET {prefix}/session` tells the pages of a bearer. */
export interface JwtSessionInfo {
  /** Null: nobody is logged in. */
  readonly sub: string | null
  /** What links, forms and scripts have to bring along. */
  readonly csrf: string | null
  /** From then on nobody is logged in, ms since 1970. */
  readonly expiresAt: number | null
  /** The same from now, in ms, for pages whose clock is wrong. */
  readonly expiresIn: number | null
  /** What the token lives in all, ms: pages prolong a login when most of that is over. */
  readonly lifetime: number | null
  /** From when on the login can be prolonged no more (`POST {prefix}/renew`), ms since 1970; null: it cannot be prolonged. */
  readonly renewUntil: number | null
}

/** Seconds that others may keep our keys. */
const keysMaxAge = 300

/** Only browsers send these headers, and pages cannot forge them. */
const isCrossSite = (site: unknown) => site !== undefined && site !== 'same-origin' && site !== 'none'

/** The routes of the plugin: what a page asks about its login, and the public keys. */
export function jwtRoutes(app: FastifyInstance, { options, keys }: Pick<Services, 'options' | 'keys'>): void {
  const { jwks, now, prefix, renewFor, sessionRoutes } = options
  // Open for everybody, whatever fastify-gs asks for by default.
  const config = { gs: { level: 'none' } } as object

  // Secrets are not published, and keys of others are published by them.
  if (jwks !== null && keys.publicKeys(now()).length > 0) {
    app.get(jwks, { config }, (request, reply) => {
      const body = JSON.stringify({ keys: keys.publicKeys(now()) })
      const etag = `"${hash('sha256', body, 'base64url')}"`
      reply.header('cache-control', `public, max-age=${keysMaxAge}`).header('etag', etag).header('access-control-allow-origin', '*')
      if (request.headers['if-none-match'] === etag) return reply.code(304).send()
      return reply.type('application/jwk-set+json').send(body)
    })
  }
  if (!sessionRoutes) return

  const infoOf = ({ jwt }: FastifyRequest): JwtSessionInfo => {
    if (jwt === null) return { sub: null, csrf: null, expiresAt: null, expiresIn: null, lifetime: null, renewUntil: null }
    const { claims, csrf, expiresAt, sub } = jwt
    const renewUntil = renewFor > 0 && claims.auth_time !== undefined ? (claims.auth_time + renewFor) * 1000 : null
    const lifetime = (claims.exp - claims.iat) * 1000
    return { sub, csrf, expiresAt, expiresIn: Math.max(0, expiresAt - now()), lifetime, renewUntil }
  }
  app.get(`${prefix}/session`, { config }, (request, reply) => {
    reply.header('cache-control', 'no-store').header('vary', 'Cookie')
    if (isCrossSite(request.headers['sec-fetch-site'])) throw jwtError('GS_JWT_CROSS_SITE')
    // A page that heard "nobody" would show its visitor out.
    if ((request as WithState)[jwtState]?.missing === 'unavailable') throw jwtError('GS_JWT_UNAVAILABLE')
    return infoOf(request)
  })
  if (renewFor > 0) {
    app.post(`${prefix}/renew`, { config, onRequest: app.requireJwt({ csrf: true }) }, async (request, reply) => {
      await app.jwtCookie.renew(request, reply)
      return infoOf(request)
    })
  }
}
