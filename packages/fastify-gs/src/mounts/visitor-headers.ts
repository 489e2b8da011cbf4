import type { FastifyRequest } from 'fastify'

/**
 * What a server behind a proxy mount is told of a visitor. Names and addresses are percent-encoded UTF-8, because headers hold ASCII.
 */
export function visitorHeaders(request: FastifyRequest): Record<string, string> {
  const { account, mask, level } = request.gs
  return {
    'x-forwarded-for': request.ip,
    'x-forwarded-host': request.host,
    'x-forwarded-proto': request.protocol,
    'x-gs-mask': String(mask),
    'x-gs-level': String(level),
    ...(account !== null && { 'x-gs-account': account.id, 'x-gs-username': encodeURIComponent(account.username) }),
    ...(account?.email != null && { 'x-gs-email': encodeURIComponent(account.email) })
  }
}
