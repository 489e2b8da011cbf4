import type { FastifyReply, FastifyRequest, onRequestHookHandler } from 'fastify'
import { gsError, type GsErrorCode } from '../errors.ts'
import { html } from '../html.ts'
import { sendPage, wantsPage } from '../page.ts'
import { returnPath } from '../sessions/return-path.ts'
import { isSameOrigin, isUnsafe } from '../sessions/same-origin.ts'
import { decide, parsePolicy, type Policy } from './policy.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Who may use this route; see `Policy`. */
    gs?: Policy
  }
}

export interface PolicyEnforcement {
  readonly sectors: readonly string[]
  readonly loginPage: string
  readonly origin: string
  readonly prefix: string
  readonly siteName: string
}

/** Makes the hook that lets visitors pass or refuses them; everything about the policy is decided here, once. */
export type RequirePolicy = (policy: Policy, where?: string) => onRequestHookHandler

export function createRequirePolicy(enforcement: PolicyEnforcement): RequirePolicy {
  const { sectors, loginPage, origin, prefix, siteName } = enforcement

  const refuse = (request: FastifyRequest, reply: FastifyReply, code: GsErrorCode, done: (error: Error) => void) => {
    const error = gsError(code)
    request.log.info(
      { gs: 'policy', outcome: code, url: request.url.split('?', 1)[0], accountId: request.gs.account?.id, ip: request.ip },
      'refused'
    )
    // What is refused to one visitor may be for the next one.
    reply.header('cache-control', 'no-store')
    if (!wantsPage(request.method, request.headers)) return done(error)
    sendPage(reply, error.statusCode, prefix, siteName, {
      title: error.message,
      content: html`<p><a href="${loginPage}">To the start page</a></p>`
    })
  }

  return (policy, where = 'a route') => {
    const parsed = parsePolicy(policy, sectors, where)
    return function requirePolicy(request, reply, done) {
      if (isUnsafe(request.method) && !isSameOrigin(request.headers, origin)) return refuse(request, reply, 'GS_CROSS_SITE', done)
      const decision = decide(parsed, request.gs)
      if (decision === 'pass') return done()
      if (decision === 'hidden') return refuse(request, reply, 'GS_NOT_FOUND', done)
      if (decision === 'forbidden') return refuse(request, reply, 'GS_FORBIDDEN', done)
      if (!wantsPage(request.method, request.headers)) return refuse(request, reply, 'GS_NOT_LOGGED_IN', done)
      const next = returnPath(request.url, origin)
      reply.header('cache-control', 'no-store').redirect(next === null ? loginPage : `${loginPage}?next=${encodeURIComponent(next)}`, 303)
    }
  }
}
