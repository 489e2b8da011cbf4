import { randomBytes } from 'node:crypto'
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { createJwtCookie } from './cookie/jwt-cookie.ts'
import { csrfInput, csrfUrl } from './csrf.ts'
import { memoryDenylist } from './denylist/memory-denylist.ts'
import { createDeny, loginPrefix, type DenyRequest } from './deny.ts'
import { JwtOptionError, JwtSignError, jwtError, withoutPlaces } from './errors.ts'
import { createIssueClock } from './issue-clock.ts'
import { jwtRoutes } from './jwt-routes.ts'
import { loadKeys } from './keys/load-keys.ts'
import type { WebSocketLike } from './live/guarded-socket.ts'
import { hearDenials } from './live/hear-denials.ts'
import { createLiveJwts, type JwtEndReason } from './live/live-jwts.ts'
import { createProlong, type ProlongResult } from './live/prolong.ts'
import { createSocketGuard } from './live/socket-guard.ts'
import { createWatchJwt } from './live/watch-jwt.ts'
import { createLoadJwt, createRequestJwtFactory, isDenied, jwtState, type WithState } from './load-jwt.ts'
import { isKeyRing, refuse, resolveOptions, type GsJwtOptions, type ResolvedOptions } from './options.ts'
import { checkBodyCsrf, createRequireJwt, type RequireJwt } from './require-jwt.ts'
import type { Services } from './services.ts'
import { createSessionDenials } from './session-denials.ts'
import { createSessionTokens, findGs, needsFastifyGs, ownExt, type FromSessionOptions } from './session-token.ts'
import { createSigner, type SignedJwt, type SigningRequest, type TokenContent } from './sign.ts'
import { createVerifiedCache } from './verified-cache.ts'
import { createVerifier, type VerifyResult } from './verify.ts'

/** What the plugin offers to the application as `app.jwtCookie`. */
export interface JwtCookieApi {
  /** Name of the cookie, with its prefix. */
  readonly cookieName: string
  /**
   * Logs somebody in: signs a token, and gives it to the browser as a cookie that lives as long. `request.jwt` is that token from now on.
   *
   * @throws {JwtSignError} (rejects) nobody could use the token: `fault` says why
   * @throws {JwtUnavailableError} (rejects) the denials cannot be asked
   */
  set(reply: FastifyReply, content: TokenContent): Promise<SignedJwt>
  /** Signs a token without giving it to the browser. Throws like `set`. */
  sign(content: TokenContent): Promise<SignedJwt>
  /**
   * Signs a token for whoever is logged in by fastify-gs, for services that only verify, or for the cookie (option `cookie`). Its `sub` is the
   * id of the account, its `sid` that of the session, and its `ext` has the user name, mask, level and sectors. It expires with the session at
   * the latest; it is denied when the session ends before, or may something else.
   *
   * @throws {JwtError} (rejects) `GS_JWT_REQUIRED`: nobody is logged in; `GS_JWT_PASSWORD_CHANGE`: the account has to choose a new password
   * first; `GS_JWT_UNAVAILABLE`: what it may was being changed all the time
   * @throws {JwtOptionError} (rejects) there is no fastify-gs
   * @throws {JwtSignError} (rejects) like `set`
   * @throws {JwtUnavailableError} (rejects) the denials cannot be asked
   */
  fromSession(request: FastifyRequest, options?: FromSessionOptions): Promise<SignedJwt>
  /**
   * Another token for the bearer of this one, with the same `sub` and `ext`, for as long as the option `renewFor` allows since the login. The
   * former one goes on to its end, so that requests under way do not fail. One that was made by `fromSession` is made from the session again,
   * by a request of that session.
   *
   * @throws {JwtError} (rejects) `GS_JWT_REQUIRED`: there is none; `GS_JWT_RENEWAL`: the login is too long ago
   */
  renew(request: FastifyRequest, reply: FastifyReply): Promise<SignedJwt>
  /**
   * Logs out: denies the token of the request, and all that were renewed from the same login, and takes the cookie away.
   *
   * @throws {JwtError | JwtUnavailableError} (rejects) `GS_JWT_UNAVAILABLE`: that is not possible at the moment; the cookie stays
   */
  end(request: FastifyRequest, reply: FastifyReply): Promise<void>
  /** Takes the cookie away, and denies nothing. */
  clear(reply: FastifyReply): void
  /** Denies tokens before their time is over. When it is done, every process that shares the denylist refuses them. */
  deny(what: DenyRequest): Promise<void>
  /** Verifies a token that came by another way, denials included. */
  verify(token: string): Promise<VerifyResult | { readonly ok: false; readonly reason: 'denied' }>
  /** `<input type="hidden" …>` for the forms of a page; empty when nobody is logged in. */
  csrfInput(request: FastifyRequest): string
  /** A path of this site with the claim `csrf` in its query; unchanged when nobody is logged in. @throws {TypeError} it leads elsewhere */
  csrfUrl(request: FastifyRequest, path: string): string
  /**
   * For what outlives its request and is no websocket of @fastify/websocket: an event stream, a job. `onEnd` is told when the token is good no
   * more, and why: `expired`; `denied`, also when its key has retired; `unavailable`, nobody could say for half a minute; `closing`, the server
   * stops. It is called once, never before this returns; what it throws is logged. `onRenewalDue` is told when 85 % of the life of the token
   * are over. Call what is returned when it has ended by itself.
   *
   * @throws {JwtError} `GS_JWT_REQUIRED`: the request has no token
   */
  watch(request: FastifyRequest, onEnd: (reason: JwtEndReason) => unknown, onRenewalDue?: () => unknown): () => void
  /**
   * Guards a websocket (of the package `ws`) that was opened without `requireJwt()`, as if it had that: it is closed when the token of the
   * request is good no more, and nothing that its client sends later reaches a listener. Throws like `watch`.
   */
  guardSocket(socket: WebSocketLike, request: FastifyRequest): void
  /**
   * Goes on with another token, which the client of a guarded websocket has sent: `request.jwt` is that token from now on. It must be for the
   * same `sub` and `sid`, and expire later. Else nothing changes, and `reason` says why.
   *
   * @throws {JwtOptionError} (rejects) the socket is not guarded
   * @throws {JwtUnavailableError} (rejects) the keys or the denials cannot be asked
   */
  prolong(socket: WebSocketLike, token: string): Promise<ProlongResult>
}

declare module 'fastify' {
  interface FastifyInstance {
    jwtCookie: JwtCookieApi
    /** A hook for `onRequest` that lets only requests with a valid token pass: 401 `GS_JWT_REQUIRED`, 403 `GS_JWT_CSRF`. */
    requireJwt: RequireJwt
  }
}

async function createServices(options: ResolvedOptions, log: Services['log']): Promise<Services> {
  const { alg, now } = options
  const keys = isKeyRing(options.keys) ? options.keys : await loadKeys(options.keys, { alg, now })
  // The one that signs in the end: a rotation to another algorithm must not leave a server that does not start any more.
  const signs = keys.signing(Number.MAX_SAFE_INTEGER) ?? keys.signing(now())
  if (signs !== null && signs.alg !== alg)
    throw new JwtOptionError(
      `fastify-gs-jwt: the option alg is ${alg}, but the key that signs, or will (${signs.kid}), is one for ${signs.alg}; make both the same.`
    )
  const cookie = createJwtCookie(options.cookieName, options.secure, options.sameSite)
  const clock = createIssueClock(now)
  const rules = { ...options, keys, maxBytes: cookie.maxBytes }
  return {
    options,
    keys,
    log,
    clock,
    cookie,
    denylist: options.denylist ?? memoryDenylist({ onFull: (message) => log.warn(message) }),
    sign: createSigner(rules, clock),
    verify: createVerifier(
      { ...rules, required: ['nbf', 'sub', 'jti', 'csrf'] },
      options.cache === 0 ? null : createVerifiedCache(options.cache)
    )
  }
}

/** No clock is ahead by more, ms: a denial that reaches further was meant so. */
const farAhead = 60_000

const plugin: FastifyPluginAsync<GsJwtOptions> = async (app, given) => {
  const options = resolveOptions(given)
  const built = await createServices(options, app.log)
  const gs = findGs(app)
  const denials = gs === null ? null : createSessionDenials(built.denylist, built, (denial) => lives.denied(denial))
  const denying: Services = denials === null ? built : { ...built, denylist: denials.denylist }
  const lives = createLiveJwts(denying)
  const services: Services = { ...denying, denylist: hearDenials(denying.denylist, lives.denied) }
  const { cookie, denylist, sign, verify } = services
  const { clockTolerance, now, renewFor } = options
  app.addHook('onClose', async () => denylist.close?.())
  const createRequestJwt = createRequestJwtFactory(services)
  const sessions = gs === null || denials === null ? null : createSessionTokens(gs, services, built.denylist, denials)
  if (sessions !== null) {
    app.addHook('onReady', () => sessions.start())
    app.addHook('onClose', async () => {
      sessions.close()
      await denials?.close()
    })
  }
  const sockets = createSocketGuard(lives)
  const prolong = createProlong(services, lives, createRequestJwt)

  const give = (reply: FastifyReply, signed: SignedJwt): SignedJwt => {
    const { claims, token } = signed
    cookie.write(reply, token, claims.exp - claims.iat)
    if (!reply.hasHeader('cache-control')) reply.header('cache-control', 'no-store')
    const request: WithState = reply.request
    request.jwt = createRequestJwt(token, signed)
    const state = request[jwtState]
    request[jwtState] = { missing: null, bearer: false, csrf: state?.csrf ?? null, bodyRead: state?.bodyRead ?? false }
    return signed
  }
  /** A token of a login, which those that are renewed from it have in common. */
  const begin = async ({ sub, ext, expiresIn }: TokenContent): Promise<SigningRequest> => {
    // By another process, whose clock may be ahead, everything before may have been denied.
    const after = await denylist.deniedBefore({ sub }, now())
    if (after > now() + farAhead + clockTolerance * 1000)
      throw new JwtSignError('denied', `All tokens of this subject are denied that are issued before ${new Date(after).toISOString()}.`)
    return {
      sub,
      after,
      ...(ext !== undefined && { ext }),
      ...(expiresIn !== undefined && { expiresIn }),
      ...(renewFor > 0 && { sid: loginPrefix + randomBytes(18).toString('base64url'), authTime: Math.floor(now() / 1000) })
    }
  }
  /** Another token for the bearer of this one. */
  const again = async (request: FastifyRequest): Promise<SignedJwt> => {
    if (request.jwt === null) throw jwtError('GS_JWT_REQUIRED')
    const { jwt } = request
    const { auth_time: authTime, ext, sid } = jwt.claims
    const notAfter = authTime === undefined ? 0 : (authTime + renewFor) * 1000
    if (authTime === undefined || renewFor === 0 || now() + 1000 > notAfter) throw jwtError('GS_JWT_RENEWAL')
    let signed: SignedJwt
    if (sid !== undefined && !sid.startsWith(loginPrefix)) {
      // What it may is the session's to say, and so is whether it goes on.
      if (sessions === null || !sessions.isSessionOf(request, jwt)) throw jwtError('GS_JWT_RENEWAL')
      signed = await sessions.mint(request, { ext: ownExt(jwt.ext) }, { notAfter })
    } else signed = await sign({ sub: jwt.sub, authTime, notAfter, ...(ext !== undefined && { ext }), ...(sid !== undefined && { sid }) })
    // Asked after the new one was issued: a denial that comes later counts for that, too.
    if (!(await jwt.stillValid())) throw jwtError('GS_JWT_REQUIRED')
    return signed
  }
  const deny = createDeny(services)

  app.decorateRequest('jwt', null)
  app.decorateRequest(jwtState as never, null as never)
  let readsBodies = false
  const readBodies = () => {
    if (!readsBodies) app.addHook('preValidation', checkBodyCsrf)
    readsBodies = true
  }
  app.decorate('requireJwt', createRequireJwt(options, sockets, readBodies))
  app.decorate('jwtCookie', {
    cookieName: cookie.name,
    set: (reply, content) => withoutPlaces(async () => give(reply, await sign(await begin(content)))),
    sign: (content) => withoutPlaces(async () => sign(await begin(content))),
    fromSession: (request, { cookie: to, ...content } = {}) =>
      withoutPlaces(async () => {
        if (sessions === null) return needsFastifyGs()
        if (to !== undefined && (content.aud ?? options.aud) !== options.aud)
          refuse('fromSession() gives the browser only tokens of our own audience; leave out the option cookie, or aud.')
        const signed = await sessions.mint(request, content)
        return to === undefined ? signed : give(to, signed)
      }),
    renew: (request, reply) => withoutPlaces(async () => give(reply, await again(request))),
    end: (request, reply) =>
      withoutPlaces(async () => {
        const { jwt } = request
        // Without its cookie nobody could try again.
        if (jwt === null && (request as WithState)[jwtState]?.missing === 'unavailable') throw jwtError('GS_JWT_UNAVAILABLE')
        if (jwt !== null) await deny(jwt.sid === undefined ? { jti: jwt.jti } : { sid: jwt.sid })
        request.jwt = null
        cookie.remove(reply)
      }),
    clear: (reply) => cookie.remove(reply),
    deny: (what) => withoutPlaces(() => deny(what)),
    verify: (token) =>
      withoutPlaces(async () => {
        const result = await verify(token)
        return result.ok && (await isDenied(services, result.jwt)) ? { ok: false, reason: 'denied' } : result
      }),
    csrfInput: ({ jwt }) => (jwt === null ? '' : csrfInput(jwt.csrf)),
    csrfUrl: ({ jwt }, path) => (jwt === null ? path : csrfUrl(jwt.csrf, path)),
    watch: createWatchJwt(lives, app.log),
    guardSocket: sockets.guard,
    prolong: (socket, token) => withoutPlaces(() => prolong(socket, token))
  })

  app.addHook('onRequest', createLoadJwt(services, createRequestJwt))
  // Before the hooks preClose of anybody: that of @fastify/websocket closes without saying why. Ours is for a Fastify without this method.
  app.addHook('onReady', async () => {
    ;(app as { onClose?: (close: () => void) => void }).onClose?.(() => lives.close())
  })
  app.addHook('preClose', async () => lives.close())
  jwtRoutes(app, services)
}

/** Signed session tokens in a cookie: see {@link GsJwtOptions}. @throws {JwtOptionError} @throws {JwtKeyError} */
export const fastifyGsJwt = fp(plugin, { name: 'fastify-gs-jwt', fastify: '5.x' })
