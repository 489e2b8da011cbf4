import { JwtOptionError } from '../errors.ts'
import { isDenied, type CreateRequestJwt, type RequestJwt } from '../load-jwt.ts'
import type { Services } from '../services.ts'
import type { JwtRefusal } from '../verify.ts'
import { guardOf, type WebSocketLike } from './guarded-socket.ts'
import type { LiveJwts } from './live-jwts.ts'

/**
 * Why a connection does not go on with another token. `sub`, `sid`: it is somebody else's, or of another login. `not-later`: it would not live
 * longer. `closed`: the connection has ended.
 */
export type ProlongRefusal = JwtRefusal | 'denied' | 'sub' | 'sid' | 'not-later' | 'closed'

export type ProlongResult = { readonly ok: true; readonly jwt: RequestJwt } | { readonly ok: false; readonly reason: ProlongRefusal }

export type Prolong = (socket: WebSocketLike, token: string) => Promise<ProlongResult>

export function createProlong(
  services: Pick<Services, 'denylist' | 'options' | 'verify'>,
  lives: LiveJwts,
  createRequestJwt: CreateRequestJwt
): Prolong {
  const refuse = (reason: ProlongRefusal): ProlongResult => ({ ok: false, reason })

  return async (socket, token) => {
    const guard = guardOf(socket)
    if (guard === undefined)
      throw new JwtOptionError(
        'fastify-gs-jwt: prolong() takes a websocket whose route has requireJwt() in onRequest, or one that was given to guardSocket().'
      )
    const { live } = guard
    const result = await services.verify(token)
    if (!result.ok) return refuse(result.reason)
    if (await isDenied(services, result.jwt)) return refuse('denied')
    // From here on nothing happens in between.
    if (!lives.isOn(live)) return refuse('closed')
    const { exp, sid, sub } = result.jwt.claims
    if (sub !== live.jwt.sub) return refuse('sub')
    if (sid !== live.jwt.sid) return refuse('sid')
    if (exp <= live.jwt.claims.exp) return refuse('not-later')
    const jwt = createRequestJwt(token, result.jwt)
    lives.replace(live, jwt)
    if (live.isOver) return refuse('denied')
    live.request.jwt = jwt
    return { ok: true, jwt }
  }
}
