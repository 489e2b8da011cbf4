import type { FastifyInstance } from 'fastify'
import { AuthLevel } from '../accounts/auth-level.ts'
import { GsOptionError } from '../errors.ts'
import { givesNoTicket } from '../sessions/load-session.ts'
import { defaultPolicy, isOpen, type ParsedPolicy } from './policy.ts'
import type { Guard } from './require.ts'

/** In the config of routes whose policy is enforced. */
const guarded = Symbol('fastify-gs.guarded')
/** Of a scope: whoever made it decides who may use its routes. */
const governed = Symbol('fastify-gs.governed')

/**
 * Says that the routes of a scope need no policy of their own: the default level is not asked there. `own`: calls and pages of fastify-gs;
 * otherwise the policy that a hook of this scope enforces.
 */
export function governScope(scope: FastifyInstance, policy: ParsedPolicy | 'own'): void {
  Object.defineProperty(scope, governed, { value: policy })
}

const listOf = <T>(hooks: T | T[] | undefined): T[] => (hooks === undefined ? [] : ([hooks].flat() as T[]))

/**
 * Attaches the policy that a route states in its `config`, else the default level, to the route itself: what the router has found decides,
 * however the address was written. Routes that escaped this are refused when they are asked for. Of addresses without route the default
 * level is asked too.
 */
export function guardRoutes(app: FastifyInstance, guard: Guard, { loginPage }: { readonly loginPage: string }): void {
  const byDefault = defaultPolicy(guard.words)
  const closed = byDefault.level > AuthLevel.none
  let policyOfLoginPage: ParsedPolicy | undefined

  app.addHook('onRoute', function (this: FastifyInstance, route) {
    const scope = (this as { [governed]?: ParsedPolicy | 'own' })[governed]
    const where = `${String(route.method)} ${route.url}`
    const onRequest = listOf(route.onRequest)
    // By the key, not the value: a policy that a missing setting left undefined must not open the route.
    const stated = route.config !== undefined && 'gs' in route.config ? guard.parse(route.config.gs, where) : undefined
    const policy = stated ?? (closed && scope === undefined && !onRequest.some(guard.isRequirement) ? byDefault : undefined)
    if (policy !== undefined) {
      const hooks = guard.enforce(policy, { known: scope === 'own' })
      route.onRequest = [hooks.onRequest, ...onRequest]
      if (hooks.preValidation !== null) {
        const later = listOf(route.preValidation)
        route.preValidation = [hooks.preValidation, ...later]
      }
    }
    const asked = policy ?? (typeof scope === 'object' ? scope : undefined)
    const quietly = asked !== undefined && asked.starts !== 'page'
    if (policy !== undefined || closed || quietly)
      route.config = { ...route.config, [guarded]: true, ...(quietly && { [givesNoTicket]: true as const }) } as typeof route.config &
        object
    if (route.url === loginPage && [route.method].flat().includes('GET')) policyOfLoginPage = asked
  })

  app.addHook('onRequest', (request, _reply, done) => {
    if (request.is404) return done()
    const { config, url } = request.routeOptions
    if ((!closed && !('gs' in config)) || guarded in config) return done()
    done(new Error(`The route ${url} has a policy but was added before fastify-gs was registered; register fastify-gs first.`))
  })

  if (closed) {
    const { onRequest } = guard.enforce({ ...byDefault, starts: 'page' })
    // After all hooks onRequest, as the policies of routes: which headers a refusal has must not tell the two apart.
    app.addHook('preParsing', function (request, reply, _payload, done) {
      if (!request.is404 || byDefault.level >= AuthLevel.nobody) return done()
      onRequest.call(this, request, reply, done)
    })
  }

  // What is hidden from one visitor may be there for the next one, and must look like what is missing.
  app.addHook('onSend', (request, reply, _payload, done) => {
    if (request.is404 && reply.statusCode === 404 && !reply.hasHeader('cache-control')) reply.header('cache-control', 'no-store')
    done()
  })

  app.addHook('onReady', async () => {
    if (policyOfLoginPage === undefined || isOpen(policyOfLoginPage)) return
    throw new GsOptionError(
      `fastify-gs: the login page ${loginPage} is only for who is logged in, and everybody else would be sent there again and again; give it the policy { level: "none" }, or set the option loginPage to another page.`
    )
  })
}
