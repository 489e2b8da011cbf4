import type { FastifyReply, FastifyRequest, onRequestHookHandler, preValidationHookHandler } from 'fastify'
import { isbot } from 'isbot'
import { AuthLevel, lowestRole } from '../accounts/auth-level.ts'
import type { KeyRing } from '../crypto/tokens.ts'
import { gsError, GsOptionError, type GsErrorCode } from '../errors.ts'
import { html } from '../html.ts'
import { sendPage, wantsPage } from '../page.ts'
import { returnPath } from '../sessions/return-path.ts'
import { isOwnSocket, isSameOrigin, isUnsafe, isWebsocket, type SocketOrigins } from '../sessions/same-origin.ts'
import { levelAfterChange, type Visit } from '../sessions/visit.ts'
import { createCsrfCheck } from './csrf.ts'
import { decide, defaultPolicy, parsePolicy, type ParsedPolicy, type Policy, type PolicyWords } from './policy.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Who may use this route; see `Policy`. */
    gs?: Policy
  }
}

export interface PolicyEnforcement extends PolicyWords {
  readonly loginPage: string
  readonly origin: string
  readonly prefix: string
  readonly siteName: string
  readonly keys: KeyRing
  readonly sockets: SocketOrigins
  /** Sends a visitor's browser the ticket of its anonymous session, if it has none. */
  readonly offerTicket: (request: FastifyRequest, reply: FastifyReply) => Promise<void> | undefined
}

/**
 * Makes the hook that lets visitors pass or refuses them; everything about the policy is decided here, once.
 *
 * @param where how errors name the place, like `the cellar`. Default: `a route`
 */
export type RequirePolicy = (policy: Policy, where?: string) => onRequestHookHandler

export interface PolicyHooks {
  readonly onRequest: onRequestHookHandler
  /** Null: nothing is left to be asked when the body is read. */
  readonly preValidation: preValidationHookHandler | null
}

export interface EnforceSettings {
  /** Of all answers but those that hide: these must look as if there were no such address. */
  readonly headers?: Readonly<Record<string, string>>
  /** Of those that hide: what a missing address would have here. */
  readonly headersOfMissing?: (request: FastifyRequest) => Readonly<Record<string, string>> | undefined
  /** Refuse with the code `GS_NOT_FOUND` instead of hiding; for calls of our own, which everybody may know. */
  readonly known?: boolean
}

export interface Guard {
  readonly words: PolicyWords
  readonly parse: (policy: unknown, where: string) => ParsedPolicy
  readonly enforce: (policy: ParsedPolicy, settings?: EnforceSettings) => PolicyHooks
  readonly requirePolicy: RequirePolicy
  /** Whether a hook was made by `requirePolicy`. */
  readonly isRequirement: (hook: unknown) => boolean
  /** Answers as an address that leads nowhere does, asking the default level first. */
  readonly refuseUpgrade: onRequestHookHandler
}

const hidden = new WeakSet<FastifyRequest>()

/** Whether a request was answered as if there were nothing. */
export const isHidden = (request: FastifyRequest): boolean => hidden.has(request)

const passed = new WeakMap<FastifyRequest, ParsedPolicy[]>()

/** What a websocket has passed, so that it can be asked again while it is open. */
export const policiesPassed = (request: FastifyRequest): readonly ParsedPolicy[] => passed.get(request) ?? []

function notePassed(request: FastifyRequest, policy: ParsedPolicy): void {
  const policies = passed.get(request)
  if (policies === undefined) passed.set(request, [policy])
  else policies.push(policy)
}

/** The page on which somebody chooses a new password without scripts. */
const changePage = '/lwsgs-change'

/** A longer one is none that a browser sends. */
const longestUserAgent = 512

/** Whether a visitor is given an anonymous session: not a program that looks at every address, and only with an answer that a browser keeps. */
function takesSession({ method, headers }: FastifyRequest): boolean {
  if (method === 'HEAD' || method === 'OPTIONS' || headers.upgrade !== undefined) return false
  const { 'user-agent': name = '' } = headers
  return name.length <= longestUserAgent && !isbot(name)
}

const pathOf = (url: string) => url.split('?', 1)[0]!

export function createGuard(enforcement: PolicyEnforcement): Guard {
  const { loginPage, origin, prefix, siteName, sockets, offerTicket } = enforcement
  const csrf = createCsrfCheck(enforcement.keys)
  const parse: Guard['parse'] = (policy, where) => parsePolicy(policy, enforcement, where)

  const note = (request: FastifyRequest, code: GsErrorCode) =>
    request.log.info(
      { gs: 'policy', outcome: code, url: pathOf(request.url), accountId: request.gs.account?.id, ip: request.ip },
      'refused'
    )

  const refuse = (request: FastifyRequest, reply: FastifyReply, code: GsErrorCode, done: (error: Error) => void) => {
    const error = gsError(code)
    note(request, code)
    // What is refused to one visitor may be for the next one.
    reply.header('cache-control', 'no-store')
    if (!wantsPage(request.method, request.headers)) return done(error)
    sendPage(reply, error.statusCode, prefix, siteName, {
      title: error.message,
      content: html`<p><a href="${loginPage}">To the start page</a></p>`
    })
  }

  const sendTo = (request: FastifyRequest, reply: FastifyReply, page: string) => {
    // What the browser has asked for, not what an application has rewritten it into.
    const next = returnPath(request.originalUrl, origin)
    reply.header('cache-control', 'no-store').redirect(next === null ? page : `${page}?next=${encodeURIComponent(next)}`, 303)
  }

  const byDefault = defaultPolicy(enforcement)
  /** Whether a new password would not help, and that one is due is not said of missing addresses either. */
  const staysHidden = ({ level }: ParsedPolicy, visit: Visit) =>
    level >= lowestRole && levelAfterChange(visit) < level && decide(byDefault, visit) !== 'change-password'

  const enforce: Guard['enforce'] = (policy, { headers, headersOfMissing, known = false } = {}) => {
    const onRequest: onRequestHookHandler = (request, reply, done) => {
      const decided = decide(policy, request.gs)
      const decision = decided === 'change-password' && !known && staysHidden(policy, request.gs) ? 'hidden' : decided
      // Before anything else is said: an address that does not exist asks for nothing.
      if (decision === 'hidden' && !known) {
        note(request, 'GS_NOT_FOUND')
        hidden.add(request)
        const missing = headersOfMissing?.(request)
        if (missing !== undefined) reply.headers(missing)
        reply.callNotFound()
        return
      }
      if (headers !== undefined) reply.headers(headers)
      const unsafe = isUnsafe(request.method)
      if (unsafe && !isSameOrigin(request.headers, origin)) return refuse(request, reply, 'GS_CROSS_SITE', done)
      const socket = isWebsocket(request.headers)
      if (socket && !isOwnSocket(request.headers, origin, sockets)) return refuse(request, reply, 'GS_CROSS_SITE', done)
      const page = wantsPage(request.method, request.headers)
      if (decision === 'hidden') return refuse(request, reply, 'GS_NOT_FOUND', done)
      if (decision === 'forbidden') return refuse(request, reply, 'GS_FORBIDDEN', done)
      if (decision === 'change-password') {
        if (!page) return refuse(request, reply, 'GS_PASSWORD_CHANGE_REQUIRED', done)
        return sendTo(request, reply, prefix + changePage)
      }
      if (decision === 'log-in') {
        if (!page) return refuse(request, reply, 'GS_NOT_LOGGED_IN', done)
        if (pathOf(request.originalUrl) !== loginPage) return sendTo(request, reply, loginPage)
        request.log.error(
          { gs: 'policy', url: loginPage },
          `the login page ${loginPage} is only for who is logged in; give it the policy { level: "none" }, or set the option loginPage to another page`
        )
        return refuse(request, reply, 'GS_INTERNAL', done)
      }
      if (policy.csrf && unsafe && csrf.header(request) === 'wrong') return refuse(request, reply, 'GS_CSRF', done)
      if (socket) notePassed(request, policy)
      const offered =
        policy.starts === 'session' && request.gs.account === null && takesSession(request) ? offerTicket(request, reply) : undefined
      const proceed = (refusal?: Error | void) => done(refusal ?? undefined)
      if (offered === undefined) proceed()
      else offered.then(proceed, proceed)
    }
    const preValidation: preValidationHookHandler = (request, reply, done) => {
      if (!isUnsafe(request.method)) return done()
      // Asked always, so that the field does not reach the application.
      const inBody = csrf.body(request)
      if (csrf.header(request) === 'right' || inBody === 'right') return done()
      refuse(request, reply, 'GS_CSRF', done)
    }
    return { onRequest, preValidation: policy.csrf ? preValidation : null }
  }

  const askDefault =
    byDefault.level > AuthLevel.none && byDefault.level < AuthLevel.nobody ? enforce({ ...byDefault, starts: 'page' }) : null
  const refuseUpgrade: onRequestHookHandler = function (request, reply, done) {
    const hide = (refusal?: Error) => {
      if (refusal !== undefined) return done(refusal)
      hidden.add(request)
      reply.callNotFound()
    }
    if (askDefault === null) hide()
    else askDefault.onRequest.call(this, request, reply, hide)
  }

  const requirements = new WeakSet<object>()
  const requirePolicy: RequirePolicy = (policy, where = 'a route') => {
    const parsed = parse(policy, where)
    if (parsed.csrf) {
      throw new GsOptionError(
        `fastify-gs: the policy of ${where} has csrf, which is asked when the body is read; put the policy into the config of the route ({ config: { gs: … } }).`
      )
    }
    const { onRequest } = enforce(parsed)
    requirements.add(onRequest)
    return onRequest
  }
  return {
    words: enforcement,
    parse,
    enforce,
    requirePolicy,
    refuseUpgrade,
    isRequirement: (hook) => typeof hook === 'function' && requirements.has(hook)
  }
}
