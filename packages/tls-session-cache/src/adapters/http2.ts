import type { SecureClientSessionOptions } from 'node:http2'
import net, { type Socket } from 'node:net'
import type { ConnectionOptions } from 'node:tls'
import type { TlsSessionCache } from '../session-cache.ts'

export interface Http2Options extends ConnectionOptions {
  /** Whether HTTP/1.1 is offered, too, as the option of the same name of `http2.connect`. Default: false. */
  readonly allowHTTP1?: boolean
}

/** Options for `http2.connect(url, options)`, by which `https:` connections are resumed; `http:` stays plain. Others can stand beside them. */
export function http2Options(cache: TlsSessionCache, tlsOptions: Http2Options = {}): SecureClientSessionOptions {
  return {
    ...tlsOptions,
    createConnection(authority: URL, options: SecureClientSessionOptions): Socket {
      // It may be an object with a host alone.
      const isPlain = authority.protocol === 'http:'
      const host = (authority.hostname || authority.host || 'localhost').replace(/^\[|\]$/g, '')
      const port = Number(authority.port || (isPlain ? 80 : 443))
      const { allowHTTP1, createConnection: _, ...rest } = options as Http2Options & SecureClientSessionOptions
      const target = { ...(rest as ConnectionOptions), host, port }
      if (isPlain) return net.connect(target)
      return cache.connect({
        ...target,
        ALPNProtocols: allowHTTP1 === true ? ['h2', 'http/1.1'] : ['h2'],
        ...(rest.servername || net.isIP(host) !== 0 ? {} : { servername: host })
      })
    }
  }
}
