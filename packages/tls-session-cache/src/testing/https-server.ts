import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import https, { type ServerOptions } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import type { TLSSocket } from 'node:tls'

export interface HttpsTestServer {
  readonly port: number
  readonly server: https.Server
  /** Whether each connection that there was so far was resumed, as the server says. */
  readonly reused: readonly boolean[]
}

/** An HTTPS server of Node on loopback that says who asked for what; it ends with the test. */
export async function httpsServer(
  t: TestContext,
  options: ServerOptions & { readonly keepAlive?: boolean },
  answer: (request: IncomingMessage) => string = () => 'hello'
): Promise<HttpsTestServer> {
  const reused: boolean[] = []
  const { keepAlive = false, ...rest } = options
  const server = https.createServer(rest, (request, response) => {
    if (!keepAlive) response.setHeader('connection', 'close')
    response.end(answer(request))
  })
  server.on('secureConnection', (socket: TLSSocket) => {
    reused.push(socket.isSessionReused())
    socket.on('error', () => undefined)
  })
  server.on('tlsClientError', () => undefined)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, server, reused }
}
