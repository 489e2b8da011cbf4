import net, { type Socket, type TcpNetConnectOpts } from 'node:net'
import type { ConnectionOptions } from 'node:tls'
import type { TlsSessionCache } from '../session-cache.ts'

/** Options of `tls.connect` and `net.connect`, and those of undici's own connector. */
export interface UndiciConnectorOptions
  extends ConnectionOptions, Pick<TcpNetConnectOpts, 'autoSelectFamily' | 'autoSelectFamilyAttemptTimeout' | 'family' | 'localAddress'> {
  /** Whether HTTP/2 is offered beside HTTP/1.1; the option of the same name of a dispatcher goes first. Default: false. */
  readonly allowH2?: boolean
  /** ms until a connection must stand, with its handshake; 0: as long as it takes. Default: 10000. */
  readonly timeout?: number
  /** Whether the system looks after idle connections. Default: true. */
  readonly keepAlive?: boolean
  /** ms after which it begins with that. Default: 60000. */
  readonly keepAliveInitialDelay?: number
  /** Path of a local socket. */
  readonly socketPath?: string | null
}

/** What undici tells a connector. */
export interface UndiciConnection {
  readonly hostname: string
  readonly host?: string | undefined
  readonly protocol: string
  readonly port: string
  readonly servername?: string | undefined
  readonly localAddress?: string | null | undefined
  readonly httpSocket?: Socket | undefined
  readonly allowH2?: boolean | undefined
  readonly socketPath?: string | null | undefined
}

export type UndiciConnected = (...result: [error: null, socket: Socket] | [error: Error, socket: null]) => void

/** The name for SNI in `host:port`; addresses are none. */
function nameIn(host: string | undefined): string | undefined {
  if (host === undefined || host.startsWith('[')) return undefined
  const name = host.replace(/:\d*$/, '')
  return net.isIP(name) === 0 ? name : undefined
}

/** As undici names it, so that who looks at `code` finds it. */
function connectTimeout({ hostname, port }: UndiciConnection, timeout: number): Error {
  const error = new Error(`Connect Timeout Error (attempted address: ${hostname}:${port}, timeout: ${timeout}ms)`)
  return Object.assign(error, { name: 'ConnectTimeoutError', code: 'UND_ERR_CONNECT_TIMEOUT' })
}

/**
 * The option `connect` of undici's `Agent`, `Pool` and `Client` (7 and 8), by which their connections, and those of `fetch`, are resumed. It stands
 * for undici's own connector, whose sessions go with the last connection to an origin and know neither ports nor settings.
 */
export function undiciConnector(
  cache: TlsSessionCache,
  {
    allowH2 = false,
    keepAlive = true,
    keepAliveInitialDelay = 60_000,
    socketPath,
    timeout = 10_000,
    ...settings
  }: UndiciConnectorOptions = {}
): (connection: UndiciConnection, callback: UndiciConnected) => void {
  const begin = (connection: UndiciConnection): Socket => {
    const { hostname, httpSocket, localAddress, protocol, port } = connection
    const path = connection.socketPath ?? socketPath
    const target = {
      ...settings,
      ...(localAddress ? { localAddress } : {}),
      ...(path ? { path } : {}),
      host: hostname,
      port: Number(port || (protocol === 'https:' ? 443 : 80))
    }
    if (protocol !== 'https:') return net.connect(target)
    const servername = connection.servername || settings.servername || nameIn(connection.host) || nameIn(hostname)
    return cache.connect({
      ALPNProtocols: (connection.allowH2 ?? allowH2) ? ['http/1.1', 'h2'] : ['http/1.1'],
      ...target,
      ...(servername === undefined ? {} : { servername }),
      ...(httpSocket === undefined ? {} : { socket: httpSocket })
    })
  }
  return (connection, callback) => {
    let socket: Socket
    try {
      socket = begin(connection)
    } catch (error) {
      process.nextTick(callback, error, null)
      return
    }
    socket.setNoDelay(true)
    if (keepAlive) socket.setKeepAlive(true, keepAliveInitialDelay)
    let isDone = false
    const finish: UndiciConnected = (...result) => {
      if (isDone) return
      isDone = true
      clearTimeout(timer)
      callback(...result)
    }
    const timer = timeout > 0 ? setTimeout(() => socket.destroy(connectTimeout(connection, timeout)), timeout) : undefined
    socket.once(connection.protocol === 'https:' ? 'secureConnect' : 'connect', () => finish(null, socket))
    socket.on('error', (error) => finish(error, null))
    socket.once('close', () => finish(Object.assign(new Error('The connection was closed before it stood.'), { code: 'ECONNRESET' }), null))
  }
}
