import type { FastifyRequest, onRequestHookHandler } from 'fastify'
import type { Ext, SessionClaims } from './claims.ts'
import { JwtUnavailableError, withoutPlaces } from './errors.ts'
import type { Services } from './services.ts'
import type { JwtRefusal, VerifiedJwt, VerifyResult } from './verify.ts'

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
  /** The claim that the body may bring along, or has to. Null: nobody has asked for it. */
  csrf: { readonly claim: string; readonly required: boolean } | null
  /** Whether the body has been read, if there is one. */
  bodyRead: boolean
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
    // A handler that assigns a body to it by mistake must not make somebody else of its bearer.
    Object.freeze(this)
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
  static tokenOf(jwt: LoadedJwt): string {
    return jwt.#token
  }
}

/** The token that is behind `request.jwt`. For ourselves: nobody else is given it. */
export const tokenOf = (jwt: RequestJwt): string => LoadedJwt.tokenOf(jwt as LoadedJwt)

const noExt = Object.freeze({}) as Ext

/** Makes what `request.jwt` is. */
export type CreateRequestJwt = (token: string, jwt: Timed) => RequestJwt

/** Whether somebody has denied a token. */
export function isDenied(
  { denylist, options }: Pick<Services, 'denylist'> & { readonly options: Pick<Services['options'], 'now'> },
  jwt: Pick<VerifiedJwt, 'claims' | 'issuedAt'>
): boolean | Promise<boolean> {
  const { jti, sub, sid } = jwt.claims
  const before = denylist.deniedBefore({ jti: jti!, sub: sub!, ...(sid !== undefined && { sid }) }, options.now())
  return typeof before === 'number' ? jwt.issuedAt <= before : before.then((time) => jwt.issuedAt <= time)
}

export function createRequestJwtFactory(services: Pick<Services, 'denylist' | 'options' | 'verify'>): CreateRequestJwt {
  const check = (token: string) =>
    withoutPlaces(async () => {
      const result = await services.verify(token)
      return result.ok && !(await isDenied(services, result.jwt))
    })
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

  const judge = (answer: VerifyResult): Outcome | Promise<Outcome> => {
    if (!answer.ok) return answer.reason
    const denied = isDenied(services, answer.jwt)
    const outcome = (is: boolean): Outcome => (is ? 'denied' : answer.jwt)
    return denied instanceof Promise ? denied.then(outcome) : outcome(denied)
  }
  const ask = (token: string): Outcome | Promise<Outcome> => {
    const answer = verify(token)
    return answer instanceof Promise ? answer.then(judge) : judge(answer)
  }

  return function loadJwt(request, _reply, done) {
    const given = present(request)
    if (typeof given === 'string') return leave(request, given, false, done)
    const { bearer, token } = given
    const finish = (outcome: Outcome) => {
      if (typeof outcome === 'string') return leave(request, outcome, bearer, done)
      if (isSomebodyElse(request, outcome.claims.sub)) return leave(request, 'ambiguous', bearer, done)
      request.jwt = createRequestJwt(token, outcome)
      leave(request, null, bearer, done)
    }
    const fail = (error: unknown) => {
      if (!(error instanceof JwtUnavailableError)) return done(error as Error)
      log.warn({ err: error }, 'tokens cannot be checked at the moment')
      leave(request, 'unavailable', bearer, done)
    }
    let outcome: Outcome | Promise<Outcome>
    try {
      outcome = ask(token)
    } catch (error) {
      return fail(error)
    }
    // What the rest of the request throws is none of ours.
    if (outcome instanceof Promise) outcome.then(finish, fail)
    else finish(outcome)
  }
}

type Outcome = VerifiedJwt | MissingReason

/** Two logins of two people in one browser: whoever has planted one of them, must not be taken for the other. */
function isSomebodyElse(request: FastifyRequest, sub: string | undefined): boolean {
  const account = (request as WithAccount).gs?.account
  return account != null && sub !== account.id && sub !== account.username && sub !== account.email
}

function leave(request: WithState, missing: MissingReason | null, bearer: boolean, done: () => void): void {
  request[jwtState] = { missing, bearer, csrf: null, bodyRead: false }
  // Requests of a scope that was registered before the plugin come to our hooks, and have no decorations.
  if (missing !== null) request.jwt = null
  if (missing !== null && missing !== 'absent' && missing !== 'expired') {
    request.log.info({ jwt: missing, ip: request.ip }, 'a token was not accepted')
  }
  done()
}
