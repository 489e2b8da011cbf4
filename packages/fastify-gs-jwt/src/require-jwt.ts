import type { FastifyRequest, onRequestHookHandler, preValidationHookHandler } from 'fastify'
import { csrfBeforeBody, csrfOfBody } from './csrf.ts'
import { jwtError, type JwtError } from './errors.ts'
import type { SocketGuard } from './live/socket-guard.ts'
import { jwtState, type JwtState, type WithState } from './load-jwt.ts'
import { isOwnSocket, isUpgrade } from './own-socket.ts'
import { refuse, type ResolvedOptions } from './options.ts'

export interface RequireJwtOptions {
  /**
   * Whether the request has to bring the claim `csrf` of its token along, in the header `x-jwt-csrf` or the field `csrf` of query or body: so
   * it was made by a page that this bearer has been given. For everything that has an effect. Default: false.
   */
  readonly csrf?: boolean
}

/** A hook for `onRequest` that lets only requests with a valid token pass. */
export type RequireJwt = (options?: RequireJwtOptions) => onRequestHookHandler

function stateOf(request: FastifyRequest): JwtState {
  const state = (request as WithState)[jwtState]
  if (state == null)
    throw new Error(
      `The route ${request.routeOptions.url ?? request.url} is outside of the scope in which fastify-gs-jwt was registered; register it at the root.`
    )
  return state
}

const bodiless = new Set(['GET', 'HEAD'])

export function createRequireJwt(
  { origins, secure }: Pick<ResolvedOptions, 'origins' | 'secure'>,
  sockets: Pick<SocketGuard, 'admit' | 'mayEnd'>,
  readBodies: () => void
): RequireJwt {
  return (given = {}) => {
    const { csrf = false, ...rest } = given
    const unknown = Object.keys(rest)[0]
    if (unknown !== undefined) refuse(`requireJwt() does not know the option ${unknown}; it knows csrf.`)
    if (typeof csrf !== 'boolean') refuse('the option csrf of requireJwt() must be true or false.')
    if (csrf) readBodies()

    return function requireJwt(request, reply, done) {
      const upgrade = isUpgrade(request)
      if (upgrade) sockets.mayEnd(reply)
      let state: JwtState
      try {
        state = stateOf(request)
      } catch (error) {
        return done(error as Error)
      }
      // Of a page for one bearer no copy may be left behind, as browsers keep them for the Back button; the handler can say otherwise.
      if (!reply.hasHeader('cache-control')) reply.header('cache-control', 'no-store')
      const refusal = refusalOf(request, state, upgrade, csrf)
      if (upgrade && refusal === undefined) sockets.admit(request, reply)
      done(refusal)
    }
  }

  function refusalOf(request: FastifyRequest, state: JwtState, upgrade: boolean, csrf: boolean): JwtError | undefined {
    const { jwt } = request
    if (jwt == null) return jwtError(state.missing === 'unavailable' ? 'GS_JWT_UNAVAILABLE' : 'GS_JWT_REQUIRED')
    if (upgrade && !isOwnSocket(request, origins, secure)) return jwtError('GS_JWT_CROSS_SITE')
    // Null no more: another hook of the route has asked already, and taken what there was.
    if (!csrf || state.bearer || state.csrf !== null) return undefined
    const verdict = csrfBeforeBody(request, jwt.csrf)
    if (verdict === 'wrong' || (verdict === 'absent' && bodiless.has(request.method))) return jwtError('GS_JWT_CSRF')
    state.csrf = { claim: jwt.csrf, required: verdict === 'absent' }
    return state.bodyRead ? checkBody(request, state) : undefined
  }
}

/** The hook that asks the body for the claim, which has to be right if it is there. Before the schema of the route sees the body. */
export const checkBodyCsrf: preValidationHookHandler = (request, _reply, done) => {
  const state = (request as WithState)[jwtState]
  if (state == null) return done()
  state.bodyRead = true
  done(checkBody(request, state))
}

function checkBody(request: FastifyRequest, state: JwtState): JwtError | undefined {
  if (state.csrf === null) return undefined
  const { claim, required } = state.csrf
  const verdict = csrfOfBody(request, claim)
  if (verdict === 'wrong' || (verdict === 'absent' && required)) return jwtError('GS_JWT_CSRF')
  state.csrf = { claim, required: false }
  return undefined
}
