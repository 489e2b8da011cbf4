import type { FastifyRequest, onRequestHookHandler } from 'fastify'
import type { Ext, SessionClaims } from './claims.ts'
import { JwtUnavailableError } from './errors.ts'
import type { Services } from './services.ts'
import type { JwtRefusal, VerifiedJwt } from './verify.ts'

/** Who is asking, by a token of which everything has been checked. */
export interface RequestJwt {
  readonly sub: string
  /** `{}` when the token has none. */
  readonly ext: Ext
  /** What links and forms have to bring along; see `requireJwt({ csrf: true })`. */
  readonly csrf: string
  /** Names this token and no other. */
  readonly jti: string
  /** The session from which it was made; undefined: none. */
  readonly sid: string | undefined
  /** From then on it is not valid any more, ms since 1970. */
  readonly expiresAt: number
  /** All claims, as they stand in the token. Frozen. */
  readonly claims: SessionClaims
  /**
   * Whether the token is good at this moment: its time is not over, its key has not retired, and nobody has denied it. For whatever outlives
   * the request; await it.
   *
   * @throws {JwtUnavailableError} (rejects) the keys or the denials cannot be asked
   */
  stillValid(): Promise<boolean>
}

/** Why a request has no `request.jwt`. */
export type MissingReason = JwtRefusal | 'absent' | 'twice' | 'ambiguous' | 'denied' | 'unavailable'

/** Where a request keeps what we know besides `request.jwt`. */
export const jwtState = Symbol('fastify-gs-jwt.state')

export interface JwtState {
  /** Null: there is a `request.jwt`. */
  readonly missing: MissingReason | null
  /** Whether a page cannot have sent it: it came in `Authorization`. */
  readonly bearer: boolean
  /** Whether the body still has to bring the `csrf` claim. */
  csrfPending: boolean
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Who is asking. Null: nobody, or nobody that we believe. */
    jwt: RequestJwt | null
  }
}

export type WithState = FastifyRequest & { [jwtState]?: JwtState | null }

/** What fastify-gs knows of the same request, when it is there. */
interface WithAccount {
  readonly gs?: { readonly account: { readonly id: string; readonly username: string; readonly email: string | null } | null } | null
}

type Timed = Pick<VerifiedJwt, 'claims' | 'expiresAt'>

class LoadedJwt implements RequestJwt {
  readonly claims: SessionClaims
  readonly expiresAt: number
  // Private, so that neither a log nor an answer shows it.
  readonly #token: string
  readonly #check: (token: string) => Promise<boolean>

  constructor(token: string, { claims, expiresAt }: Timed, check: (token: string) => Promise<boolean>) {
    this.claims = claims as SessionClaims
    this.expiresAt = expiresAt
    this.#token = token
    this.#check = check
  }

  get sub(): string {
    return this.claims.sub
  }
  get ext(): Ext {
    return this.claims.ext ?? noExt
  }
  get csrf(): string {
    return this.claims.csrf
  }
  get jti(): string {
    return this.claims.jti
  }
  get sid(): string | undefined {
    return this.claims.sid
  }
  stillValid(): Promise<boolean> {
    return this.#check(this.#token)
  }
}

const noExt: Ext = Object.freeze({})

/** Makes what `request.jwt` is. */
export type CreateRequestJwt = (token: string, jwt: Timed) => RequestJwt

/** Whether somebody has denied a token. */
export function isDenied({ denylist, options }: Pick<Services, 'denylist' | 'options'>, jwt: VerifiedJwt): boolean | Promise<boolean> {
  const { jti, sub, sid } = jwt.claims
  const before = denylist.deniedBefore({ jti: jti!, sub: sub!, ...(sid !== undefined && { sid }) }, options.now())
  return typeof before === 'number' ? jwt.issuedAt <= before : before.then((time) => jwt.issuedAt <= time)
}

export function createRequestJwtFactory(services: Pick<Services, 'denylist' | 'options' | 'verify'>): CreateRequestJwt {
  const check = async (token: string) => {
    const result = await services.verify(token)
    return result.ok && !(await isDenied(services, result.jwt))
  }
  return (token, jwt) => new LoadedJwt(token, jwt, check)
}

const bearerPattern = /^Bearer +([^\s]+) *$/i

/** The hook that fills `request.jwt`. Synchronous for requests without token, and for tokens that were verified before. */
export function createLoadJwt(services: Services, createRequestJwt: CreateRequestJwt): onRequestHookHandler {
  const { cookie, options, verify, log } = services

  const present = (request: FastifyRequest): { readonly token: string; readonly bearer: boolean } | MissingReason => {
    const inCookie = cookie.read(request.headers.cookie)
    const { authorization } = request.headers
    const inHeader = options.bearer && authorization !== undefined ? (bearerPattern.exec(authorization)?.[1] ?? null) : null
    if (inCookie === 'twice') return 'twice'
    if (inHeader !== null) {
      return inCookie !== null && inCookie.value !== inHeader ? 'ambiguous' : { token: inHeader, bearer: inCookie === null }
    }
    return inCookie === null ? 'absent' : { token: inCookie.value, bearer: false }
  }

  return function loadJwt(request, _reply, done) {
    const given = present(request)
    const bearer = typeof given === 'object' && given.bearer
    const leave = (missing: MissingReason | null) => {
      ;(request as WithState)[jwtState] = { missing, bearer, csrfPending: false }
      if (missing !== null && missing !== 'absent' && missing !== 'expired') {
        request.log.info({ jwt: missing, ip: request.ip }, 'a token was not accepted')
      }
      done()
    }
    if (typeof given === 'string') return leave(given)
    const { token } = given

    const fail = (error: unknown) => {
      if (!(error instanceof JwtUnavailableError)) return done(error as Error)
      log.warn({ err: error }, 'tokens cannot be checked at the moment')
      leave('unavailable')
    }
    const accept = (jwt: VerifiedJwt, denied: boolean) => {
      if (denied) return leave('denied')
      const account = (request as WithAccount).gs?.account
      const { sub } = jwt.claims
      // Two logins of two people in one browser: whoever has planted one of them, must not be taken for the other.
      if (account != null && sub !== account.id && sub !== account.username && sub !== account.email) return leave('ambiguous')
      request.jwt = createRequestJwt(token, jwt)
      leave(null)
    }
    try {
      const result = verify(token)
      if (result instanceof Promise) {
        result
          .then(async (answer) => (answer.ok ? accept(answer.jwt, await isDenied(services, answer.jwt)) : leave(answer.reason)))
          .catch(fail)
        return
      }
      if (!result.ok) return leave(result.reason)
      const denied = isDenied(services, result.jwt)
      if (denied instanceof Promise) denied.then((is) => accept(result.jwt, is)).catch(fail)
      else accept(result.jwt, denied)
    } catch (error) {
      fail(error)
    }
  }
}
