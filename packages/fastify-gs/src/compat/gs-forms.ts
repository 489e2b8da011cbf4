import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { GsOptionError } from '../errors.ts'
import type { FlowServices } from '../flows/shared/flow.ts'
import { bodyLimit, prepareScope } from '../flows/shared/scope.ts'
import { governScope } from '../mounts/guard-routes.ts'
import type { Policy } from '../mounts/policy.ts'
import type { LwsgsEndpoints } from './lwsgs-endpoints.ts'
import { lwsgsPaths } from './lwsgs-paths.ts'

export interface GsFormsOptions {
  /** Path under which the endpoints appear besides the prefix of fastify-gs, e.g. `/lwsgs/needauth`; `/` is the root. */
  readonly prefix: string
  /** Who may use them there; see `Policy`. Default: 0, everybody. */
  readonly policy?: Policy
}

interface Forms {
  readonly services: FlowServices
  readonly endpoints: LwsgsEndpoints
}

const formsOf = new WeakMap<object, Forms>()

/** @param gs the decorator `app.gs`, by which `gsForms` finds what belongs to it */
export function provideForms(gs: object, forms: Forms): void {
  formsOf.set(gs, forms)
}

const optionNames = ['prefix', 'policy']

function resolvePrefix(app: FastifyInstance, options: GsFormsOptions): string {
  // A misspelt policy, or one that a missing setting left undefined, must not open the forms.
  const unknown = Object.keys(options).find((name) => !optionNames.includes(name))
  if (unknown !== undefined)
    throw new GsOptionError(`fastify-gs: the option ${unknown} of gsForms is not known; known are ${optionNames.join(', ')}.`)
  const { prefix } = options
  if (typeof prefix !== 'string' || !/^\/$|^(\/(?!\.{1,2}(?:\/|$))[\w\-.~]+)+\/?$/.test(prefix))
    throw new GsOptionError(
      `fastify-gs: the option prefix of gsForms must be a path like "/lwsgs/needauth"; it is ${JSON.stringify(prefix)}.`
    )
  const plain = prefix.replace(/\/$/, '')
  if (plain === app.gs.prefix)
    throw new GsOptionError(
      `fastify-gs: the option prefix of gsForms is ${plain}, where fastify-gs has the forms already; leave gsForms out there.`
    )
  return plain
}

async function forms(app: FastifyInstance, options: GsFormsOptions): Promise<void> {
  const prefix = resolvePrefix(app, options)
  const policy = 'policy' in options ? options.policy : 0
  const { services, endpoints } = formsOf.get(app.gs)!
  const requirePolicy = app.gs.requirePolicy(policy, `the forms of ${prefix}/`)
  await app.register(
    async (scope) => {
      governScope(scope, 'own')
      // First of all hooks: the headers of our answers would tell forms that are hidden.
      scope.addHook('onRequest', function (request, reply, done) {
        // Who presses "log out" after his session has ended is logged out: that is no reason to ask him to log in.
        const leaves = request.gs.account === null && request.method === 'POST' && request.routeOptions.url === prefix + lwsgsPaths.logout
        if (leaves) done()
        else requirePolicy.call(this, request, reply, done)
      })
      await prepareScope(scope, services)
      await endpoints(scope, prefix)
    },
    { prefix, bodyLimit } as object
  )
}

/**
 * The forms of libwebsockets' generic-sessions (`lwsgs-login`, `lwsgs-logout`, `lwsgs-change`, …) under one more prefix, for pages that
 * post to addresses relative to themselves. Under the prefix of fastify-gs they exist anyway.
 *
 * @throws {GsOptionError} while registering: prefix or policy is not usable
 */
// Not encapsulated: the option `prefix` is ours, Fastify would put its own in front of it once more.
export const gsForms = fp(forms, { fastify: '5.x', name: 'fastify-gs-forms', dependencies: ['fastify-gs'] })
