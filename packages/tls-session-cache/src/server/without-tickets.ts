import { constants } from 'node:crypto'
import type { TlsOptions } from 'node:tls'

/**
 * Options of a server that gives no session tickets. Its TLS 1.2 clients can resume by session id, see `storeSessionIds()`; those of TLS 1.3 not at all,
 * because Node has no other way for them.
 */
export function withoutTickets<T extends object>(options: T & Pick<TlsOptions, 'secureOptions'>): T & { readonly secureOptions: number } {
  return { ...options, secureOptions: (options.secureOptions ?? 0) | constants.SSL_OP_NO_TICKET }
}
