import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { GsWsOptions } from './options.ts'

interface GsVisit {
  readonly session: { readonly id: string }
  readonly account: { readonly id: string } | null
}

/** What is used of fastify-gs. */
interface GsLike {
  onSessionEnd(listener: (event: { readonly sessionId: string; readonly cause: string }) => void): () => void
  watch(request: FastifyRequest, watch: { readonly job: true; readonly onEnd: (cause: string) => void }): () => void
  holdAnswers(work: Promise<unknown>): void
}

export interface Owners {
  readonly of: NonNullable<GsWsOptions['owner']>
  /** Tells when the owner is no more, for as long as there is a connection. Gives how to stop that. */
  readonly watch: (request: FastifyRequest, onEnd: (cause: string) => void) => () => void
  readonly close: () => void
}

const nothing = () => undefined
const ownerOf = (sessionId: string) => `gs:${sessionId}`

/**
 * Who owns sessions: what the application says; else with fastify-gs the login of the request, whose end is the end of its sessions.
 *
 * @param end ends all sessions of an owner
 */
export function createOwners(
  app: FastifyInstance,
  given: GsWsOptions['owner'] | null,
  end: (owner: string, cause: string) => Promise<unknown>
): Owners {
  if (typeof given === 'function') return { of: given, watch: () => nothing, close: nothing }
  const gs = app.hasDecorator('gs') ? (app as unknown as { readonly gs: GsLike }).gs : null
  if (gs === null) return { of: () => null, watch: () => nothing, close: nothing }
  const visitOf = (request: FastifyRequest) => (request as unknown as { readonly gs: GsVisit }).gs
  const close = gs.onSessionEnd(({ sessionId, cause }) => gs.holdAnswers(end(ownerOf(sessionId), cause)))
  return {
    of(request) {
      const { account, session } = visitOf(request)
      return account === null ? null : ownerOf(session.id)
    },
    watch(request, onEnd) {
      return visitOf(request).account === null ? nothing : gs.watch(request, { job: true, onEnd })
    },
    close
  }
}
