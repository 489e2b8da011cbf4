import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import tls, { type TLSSocket, type TlsOptions } from 'node:tls'

export interface TestServer {
  readonly port: number
  readonly server: tls.Server
  /** Whether each connection that there was so far was resumed, as the server says. */
  readonly reused: readonly boolean[]
  /** The next connection, when its handshake is done. */
  readonly next: () => Promise<TLSSocket>
}

/** A server of Node on loopback that sends one line to each connection; it ends with the test. */
export async function tlsServer(t: TestContext, options: TlsOptions): Promise<TestServer> {
  const reused: boolean[] = []
  const open = new Set<TLSSocket>()
  const server = tls.createServer(options, (socket) => {
    reused.push(socket.isSessionReused())
    open.add(socket)
    socket.on('close', () => open.delete(socket))
    socket.on('error', () => undefined)
    socket.write('hello\n')
  })
  server.on('tlsClientError', () => undefined)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const socket of open) socket.destroy()
    server.close()
  })
  return {
    port: (server.address() as AddressInfo).port,
    server,
    reused,
    next: async () => ((await once(server, 'secureConnection')) as [TLSSocket])[0]
  }
}

/** Reads the line of the server, by which its tickets have come, too, and says goodbye. Gives whether the connection was resumed. */
export async function visit(socket: TLSSocket): Promise<boolean> {
  await once(socket, 'data')
  const resumed = socket.isSessionReused()
  socket.end()
  await once(socket, 'close')
  return resumed
}
