import type { IncomingHttpHeaders } from 'node:http'

/**
 * Whether the headers say that a request was made by a page of this origin, or by no page at all. `Sec-Fetch-Site` cannot be set by
 * pages and decides when present; `same-site` does not suffice, because another host of the domain is another origin. Without it
 * `Origin` has to be ours. Programs send neither; SameSite=Lax keeps the cookie from old browsers' cross-site posts.
 */
export function isSameOrigin(headers: IncomingHttpHeaders, origin: string): boolean {
  const site = headers['sec-fetch-site']
  if (site !== undefined) return site === 'same-origin' || site === 'none'
  const from = headers.origin
  return from === undefined || from.toLowerCase() === origin
}

/** Which pages besides our own may open websockets. */
export interface SocketOrigins {
  readonly origins: readonly string[]
  readonly allowNoOrigin: boolean
}

/**
 * Whether the headers of a websocket's request say that a page of this site opens it: whoever listens on it reads along. Browsers always
 * send `Origin` with it, which decides; `Sec-Fetch-Site`, which not all of them send, may only refuse. Pages that were loaded under another
 * name of the server are its own, too; browsers give them the cookies of that name only.
 */
export function isOwnSocket(headers: IncomingHttpHeaders, origin: string, { origins, allowNoOrigin }: SocketOrigins): boolean {
  const { origin: from, host, 'sec-fetch-site': site } = headers
  if (from === undefined) return allowNoOrigin && isSameOrigin(headers, origin)
  if (origins.includes(from.toLowerCase())) return true
  if (site !== undefined && site !== 'same-origin') return false
  const scheme = origin.slice(0, origin.indexOf(':'))
  return from.toLowerCase() === origin || (host !== undefined && from.toLowerCase() === `${scheme}://${host.toLowerCase()}`)
}

export function isWebsocket(headers: IncomingHttpHeaders): boolean {
  return headers.upgrade?.toLowerCase() === 'websocket'
}

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS'])

/** Whether a method may have an effect and needs the check. */
export function isUnsafe(method: string): boolean {
  return !safeMethods.has(method)
}
