import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyRequest } from 'fastify'

/** Whether a request asks for a websocket. */
export const isUpgrade = ({ headers }: Pick<FastifyRequest, 'headers'>): boolean => headers.upgrade?.toLowerCase() === 'websocket'

/**
 * Whether the headers say that a page of this server opens a websocket, or a program: browsers send their cookies with a websocket whoever
 * opens it, and always say who that is (`Origin`).
 */
export function isOwnSocket({ origin, host }: IncomingHttpHeaders, origins: readonly string[], secure: boolean): boolean {
  if (origin === undefined) return true
  const from = origin.toLowerCase()
  if (origins.includes(from)) return true
  const own = host?.toLowerCase()
  return own !== undefined && (from === `https://${own}` || (!secure && from === `http://${own}`))
}
