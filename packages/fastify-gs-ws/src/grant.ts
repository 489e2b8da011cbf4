import type { FastifyRequest } from 'fastify'
import { WsDataError, WsUnavailableError } from './errors.ts'
import type { Hub } from './hub.ts'
import { addressGroup } from './limits.ts'
import type { LiveSession } from './live-sessions-types.ts'
import type { WsConnection } from './ws-connection.ts'

export type Granted = { readonly live: LiveSession; readonly secret: string | null; readonly resumed: boolean }

/** `data`: what the client has said of itself is too large. */
export type Refusal = 'unknown' | 'wrong-secret' | 'busy' | 'limit' | 'data'

export interface SessionCall {
  readonly request: FastifyRequest
  readonly owner: string | null
  readonly dialect: WsConnection['dialect']
}

/** Why somebody gets no session when this was thrown. */
export function refusalOf(hub: Hub, error: unknown): Refusal {
  if (error instanceof WsDataError) return 'data'
  hub.log[error instanceof WsUnavailableError ? 'warn' : 'error']({ err: error }, 'a session could not be given')
  return 'busy'
}

/** A new session, if its address may have one more. Never rejects. */
export async function createSession(hub: Hub, { request, owner, dialect }: SessionCall, fromClient: unknown): Promise<Granted | Refusal> {
  const group = addressGroup(request.ip)
  if (!hub.creates.take(group, hub.elapsed())) {
    hub.log.info({ ip: request.ip }, 'a session was refused: its address has made too many')
    return 'limit'
  }
  try {
    return { ...(await hub.live.create({ fromClient, owner, dialect })), resumed: false }
  } catch (error) {
    hub.creates.giveBack(group)
    return refusalOf(hub, error)
  }
}

/** The session of an id and a secret. Never rejects. */
export async function resumeSession(hub: Hub, { owner, dialect }: SessionCall, id: unknown, secret: unknown): Promise<Granted | Refusal> {
  try {
    const result = await hub.live.resume({ id, secret, owner, dialect })
    return typeof result === 'string' ? result : { ...result, resumed: true }
  } catch (error) {
    return refusalOf(hub, error)
  }
}
