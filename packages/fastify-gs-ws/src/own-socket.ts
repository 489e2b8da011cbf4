import type { FastifyRequest } from 'fastify'

/**
 * Whether a page of this server opens a websocket, or a program: browsers always say whose page it is (`Origin`). The host is the one that
 * `trustProxy` allows a proxy to tell, and so is whether the connection is a safe one.
 */
export function isOwnSocket(
  { headers, host, protocol }: Pick<FastifyRequest, 'headers' | 'host' | 'protocol'>,
  origins: readonly string[]
): boolean {
  const { origin } = headers
  if (origin === undefined) return true
  const from = origin.toLowerCase()
  if (origins.includes(from)) return true
  const own = host.toLowerCase()
  return own !== '' && (from === `https://${own}` || (protocol === 'http' && from === `http://${own}`))
}
