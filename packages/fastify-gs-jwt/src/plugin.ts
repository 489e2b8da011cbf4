import { randomBytes } from 'node:crypto'
import fastifyCookie from '@fastify/cookie'
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { createJwtCookie } from './cookie/jwt-cookie.ts'
import { csrfInput, csrfUrl } from './csrf.ts'
import { memoryDenylist } from './denylist/memory-denylist.ts'
import { JwtOptionError, jwtError } from './errors.ts'
import { createIssueClock } from './issue-clock.ts'
import { jwtRoutes } from './jwt-routes.ts'
import { loadKeys } from './keys/load-keys.ts'
import { createLoadJwt, createRequestJwtFactory, isDenied, jwtState, type WithState } from './load-jwt.ts'
import { isKeyRing, resolveOptions, type GsJwtOptions, type ResolvedOptions } from './options.ts'
import { checkBodyCsrf, createRequireJwt, type RequireJwt } from './require-jwt.ts'
import type { Services } from './services.ts'
import { createSigner, type SignedJwt, type SigningRequest, type TokenContent } from './sign.ts'
import { createVerifiedCache } from './verified-cache.ts'
import { createVerifier, type VerifyResult } from './verify.ts'

/** Which tokens to deny; all of them that were issued until now. */
export type DenyRequest =
  | { /** One token. */ readonly jti: string }
  | { /** Everything of a subject: after a change of its password, when an account is locked. */ readonly sub: string }
  | { /** Everything of one login. */ readonly sid: string }

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
   * Another token for the bearer of this one, with the same `sub` and `ext`, for as long as the option `renewFor` allows since the login. The
   * former one goes on to its end, so that requests under way do not fail.
   *
   * @throws {JwtError} (rejects) `GS_JWT_REQUIRED`: there is none; `GS_JWT_RENEWAL`: the login is too long ago
   */
  renew(request: FastifyRequest, reply: FastifyReply): Promise<SignedJwt>
  /** Logs out: denies the token of the request, and all that were renewed from the same login, and takes the cookie away. */
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
  const keys = isKeyRing(options.keys) ? options.keys : await loadKeys(options.keys, { alg })
  const signs = keys.signing(now())
  if (signs !== null && signs.alg !== alg)
    throw new JwtOptionError(
      `fastify-gs-jwt: the option alg is ${alg}, but the key that signs (${signs.kid}) is one for ${signs.alg}; make both the same.`
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
    denylist: options.denylist ?? memoryDenylist(),
    sign: createSigner(rules, clock),
    verify: createVerifier(
      { ...rules, required: ['nbf', 'sub', 'jti', 'csrf'] },
      options.cache === 0 ? null : createVerifiedCache(options.cache)
    )
  }
}

const plugin: FastifyPluginAsync<GsJwtOptions> = async (app, given) => {
  const options = resolveOptions(given)
  const services = await createServices(options, app.log)
  const { clock, cookie, denylist, sign, verify } = services
  const { maxAge, now, renewFor } = options
  app.addHook('onClose', async () => denylist.close?.())
  if (!app.hasDecorator('serializeCookie')) await app.register(fastifyCookie, { hook: false })
  const createRequestJwt = createRequestJwtFactory(services)

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
  const begin = async ({ sub, ext, expiresIn }: TokenContent): Promise<SigningRequest> => ({
    sub,
    ...(ext !== undefined && { ext }),
    ...(expiresIn !== undefined && { expiresIn }),
    ...(renewFor > 0 && { sid: randomBytes(18).toString('base64url'), authTime: Math.floor(now() / 1000) }),
    // By another process, whose clock may be ahead, everything before may have been denied.
    after: await denylist.deniedBefore({ sub }, now())
  })
  const deny = async (what: DenyRequest) => {
    const before = clock.denial()
    await denylist.deny({ ...what, before, until: before + (maxAge + options.clockTolerance) * 1000 })
  }
  app.decorateRequest('jwt', null)
  app.decorateRequest(jwtState as never, null as never)
  app.decorate('requireJwt', createRequireJwt(options))
  app.decorate('jwtCookie', {
    cookieName: cookie.name,
    set: async (reply, content) => give(reply, await sign(await begin(content))),
    sign: async (content) => sign(await begin(content)),
    async renew(request, reply) {
      if (request.jwt === null) throw jwtError('GS_JWT_REQUIRED')
      const { jwt } = request
      const { auth_time: authTime, ext, sid } = jwt.claims
      const notAfter = authTime === undefined ? 0 : (authTime + renewFor) * 1000
      if (authTime === undefined || renewFor === 0 || now() + 1000 > notAfter) throw jwtError('GS_JWT_RENEWAL')
      const signed = await sign({ sub: jwt.sub, authTime, notAfter, ...(ext !== undefined && { ext }), ...(sid !== undefined && { sid }) })
      // Asked after the new one was issued: a denial that comes later counts for that, too.
      if (!(await jwt.stillValid())) throw jwtError('GS_JWT_REQUIRED')
      return give(reply, signed)
    },
    async end(request, reply) {
      cookie.remove(reply)
      const { jwt } = request
      request.jwt = null
      if (jwt !== null) await deny(jwt.sid === undefined ? { jti: jwt.jti } : { sid: jwt.sid })
    },
    clear: (reply) => cookie.remove(reply),
    deny,
    async verify(token) {
      const result = await verify(token)
      return result.ok && (await isDenied(services, result.jwt)) ? { ok: false, reason: 'denied' } : result
    },
    csrfInput: ({ jwt }) => (jwt === null ? '' : csrfInput(jwt.csrf)),
    csrfUrl: ({ jwt }, path) => (jwt === null ? path : csrfUrl(jwt.csrf, path))
  })

  app.addHook('onRequest', createLoadJwt(services, createRequestJwt))
  app.addHook('preValidation', checkBodyCsrf)
  jwtRoutes(app, services)
}

/** Signed session tokens in a cookie: see {@link GsJwtOptions}. @throws {JwtOptionError} @throws {JwtKeyError} */
export const fastifyGsJwt = fp(plugin, { name: 'fastify-gs-jwt', fastify: '5.x' })
