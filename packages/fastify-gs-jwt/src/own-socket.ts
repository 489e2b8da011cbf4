import type { FastifyRequest } from 'fastify'

/** Whether a request asks for a websocket. */
export const isUpgrade = ({ headers }: Pick<FastifyRequest, 'headers'>): boolean => headers.upgrade?.toLowerCase() === 'websocket'

/**
 * Whether a page of this server opens a websocket, or a program: browsers send their cookies with a websocket whoever opens it, and always say
 * who that is (`Origin`). The host is the one that `trustProxy` allows a proxy to tell.
 */
export function isOwnSocket(
  { headers, host }: Pick<FastifyRequest, 'headers' | 'host'>,
  origins: readonly string[],
  secure: boolean
): boolean {
  const { origin } = headers
  if (origin === undefined) return true
  const from = origin.toLowerCase()
  if (origins.includes(from)) return true
  const own = host.toLowerCase()
  return own !== '' && (from === `https://${own}` || (!secure && from === `http://${own}`))
}
