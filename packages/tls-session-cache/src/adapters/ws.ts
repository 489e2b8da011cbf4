import net, { type NetConnectOpts, type Socket } from 'node:net'
import type { ConnectionOptions, SecureContextOptions } from 'node:tls'
import type { TlsSessionCache } from '../session-cache.ts'

/** What `ws` hands to `createConnection`, of which the rest are the options of `tls.connect`. */
interface WsConnection extends Omit<ConnectionOptions, 'port'> {
  readonly port?: number | string
  readonly defaultPort?: number | string
  readonly socketPath?: string
}

/** Of `tls.connect`, as far as `ws` has a place for them: address and timeouts are its own. */
export type WsTlsOptions = SecureContextOptions &
  Pick<ConnectionOptions, 'ALPNProtocols' | 'checkServerIdentity' | 'rejectUnauthorized' | 'servername'>

/** What is in it for the types of `ws`, which think otherwise of `checkServerIdentity` and know no `servername`. */
export type WsOptions = SecureContextOptions &
  Pick<ConnectionOptions, 'rejectUnauthorized'> & { readonly createConnection: typeof net.createConnection }

/**
 * Options for `new WebSocket(url, options)` of `ws`, by which `wss:` connections are resumed; `ws:` stays plain. Others can stand beside them:
 * `{ ...wsOptions(cache), handshakeTimeout: 5000 }`.
 */
export function wsOptions(cache: TlsSessionCache, tlsOptions: WsTlsOptions = {}): WsOptions {
  const createConnection = (connection: WsConnection): Socket => {
    // The path is that of the URL here.
    const { defaultPort, path: _, port, socketPath, ...rest } = connection
    if (socketPath !== undefined) return net.connect({ ...rest, path: socketPath } as NetConnectOpts)
    const target = { ...rest, port: Number(port ?? defaultPort) }
    // Nothing else says which of the two it is, not even after a redirect. What is not clearly plain is encrypted.
    if (Number(defaultPort) === 80) return net.connect(target as NetConnectOpts)
    const { host = 'localhost' } = rest
    return cache.connect({ ...target, servername: rest.servername ?? (net.isIP(host) === 0 ? host : '') })
  }
  return { ...tlsOptions, createConnection: createConnection as unknown as typeof net.createConnection }
}

/** A class as browsers have it: address and subprotocols, nothing else. */
export type StandardWebSocket<T> = new (url: string | URL, protocols?: string | string[]) => T

/**
 * `WebSocket` of `ws` as a class whose `wss:` connections are resumed, for libraries that make their websockets themselves and take a class.
 *
 * @param Base The class of `ws`.
 */
export function webSocketClass<T extends object>(
  Base: new (...parameters: never[]) => T,
  cache: TlsSessionCache,
  tlsOptions: WsTlsOptions = {}
): StandardWebSocket<T> {
  const options = wsOptions(cache, tlsOptions)
  const Plain = Base as unknown as new (url: string | URL, protocols: string | string[] | undefined, options: WsOptions) => object
  class ResumingWebSocket extends Plain {
    constructor(url: string | URL, protocols?: string | string[]) {
      super(url, protocols, options)
    }
  }
  return ResumingWebSocket as unknown as StandardWebSocket<T>
}
