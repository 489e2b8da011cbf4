import https, { type AgentOptions, type RequestOptions } from 'node:https'
import type { ConnectionOptions, TLSSocket } from 'node:tls'
import type { TlsSessionCache } from '../session-cache.ts'

class ResumingAgent extends https.Agent {
  readonly #cache: TlsSessionCache
  readonly #proxied: boolean

  constructor(cache: TlsSessionCache, options: AgentOptions) {
    // Node's own cache neither sees another `checkServerIdentity` of the agent nor NODE_TLS_REJECT_UNAUTHORIZED, and knows no time to live.
    super({ ...options, maxCachedSessions: 0 })
    this.#cache = cache
    this.#proxied = options.proxyEnv !== undefined
  }

  override createConnection(
    options: RequestOptions,
    callback?: Parameters<https.Agent['createConnection']>[1]
  ): ReturnType<https.Agent['createConnection']> {
    // Node shows the socket inside its tunnel after the handshake only: too late to know what its sessions are worth.
    if (this.#proxied) return super.createConnection(options, callback)
    const { path, ...rest } = options as ConnectionOptions
    const { session, watch } = this.#cache.prepare({ ...rest, ...(path ? { path } : {}), port: Number(options.port ?? 443) })
    const withSession = session === undefined ? options : ({ ...options, session } as RequestOptions)
    return watch(super.createConnection(withSession, callback) as TLSSocket)
  }
}

/**
 * An agent for `https.request`, and for every library that takes one, whose connections are resumed. Several agents may share a cache. A request may
 * have its own `ca`, `cert`, `servername`, `checkServerIdentity` and so on: sessions are then used among such requests only.
 *
 * @param options Those of `https.Agent`; `maxCachedSessions` has no meaning here. With `proxyEnv`, connections are made as without cache.
 */
export function httpsAgent(cache: TlsSessionCache, options: AgentOptions = {}): https.Agent {
  return new ResumingAgent(cache, options)
}
