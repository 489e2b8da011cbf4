import { once } from 'node:events'
import { createServer, request as ask, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'

/**
 * What the proxy does to event streams: `pass`; `no-content` and `unavailable` answer in the place of the server; `hold` keeps all that the
 * server says until it has said everything; `cut` ends each after five seconds. `dead`: nothing at all comes through, as on a computer that
 * sleeps.
 */
export type ProxyMode = 'pass' | 'no-content' | 'unavailable' | 'hold' | 'cut' | 'dead'

export interface Proxy {
  readonly origin: string
  /** How many streams were asked for. */
  readonly streams: () => number
  /** For connections that begin from now on; `dead` ends the others too. */
  readonly set: (mode: ProxyMode) => void
  readonly close: () => Promise<void>
}

const cutAfter = 5000

/** A proxy as companies have them, in front of a site. */
export async function startProxy(site: string, begin: ProxyMode = 'pass'): Promise<Proxy> {
  const target = new URL(site)
  const sockets = new Set<Socket>()
  let mode = begin
  let streams = 0

  const headersFor = ({ headers }: IncomingMessage) => ({
    ...headers,
    host: target.host,
    ...(headers.origin !== undefined && { origin: target.origin }),
    ...(headers.referer !== undefined && { referer: headers.referer.replace(/^https?:\/\/[^/]+/, target.origin) })
  })

  function pass(incoming: IncomingMessage, response: ServerResponse, to: 'pass' | 'hold' | 'cut'): void {
    const { method, url } = incoming
    const onward = ask(new URL(url!, target), { method, headers: headersFor(incoming), agent: false }, (answer) => {
      if (to === 'hold') {
        const parts: Buffer[] = []
        answer.on('data', (part: Buffer) => parts.push(part))
        answer.on('end', () => response.writeHead(answer.statusCode!, answer.headers).end(Buffer.concat(parts)))
        return
      }
      response.writeHead(answer.statusCode!, answer.headers)
      response.flushHeaders()
      answer.pipe(response)
      // Whatever the server does: the connection is gone.
      answer.on('error', () => response.destroy())
      if (to === 'cut') setTimeout(() => response.destroy(), cutAfter)
    })
    onward.on('error', () => response.destroy())
    response.on('close', () => onward.destroy())
    incoming.pipe(onward)
  }

  const server = createServer((incoming, response) => {
    if (mode === 'dead') return void response.destroy()
    if (incoming.headers.accept !== 'text/event-stream') return pass(incoming, response, 'pass')
    streams++
    if (mode === 'no-content') return void response.writeHead(204).end()
    if (mode === 'unavailable') return void response.writeHead(503, { 'content-type': 'text/plain' }).end('no such thing here')
    pass(incoming, response, mode)
  })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    if (mode === 'dead') socket.destroy()
  })
  // A websocket goes through as it is.
  server.on('upgrade', (incoming: IncomingMessage, socket: Socket, head: Buffer) => {
    const onward = connect(Number(target.port), target.hostname)
    const lines = Object.entries(headersFor(incoming)).map(([name, value]) => `${name}: ${String(value)}`)
    onward.write(`${incoming.method} ${incoming.url} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`)
    onward.write(head)
    onward.pipe(socket).pipe(onward)
    for (const [one, other] of [
      [onward, socket],
      [socket, onward]
    ] as const) {
      one.on('error', () => other.destroy())
      one.on('close', () => other.destroy())
    }
  })
  server.listen(0, 'localhost')
  await once(server, 'listening')
  const cutAll = () => sockets.forEach((socket) => socket.destroy())
  return {
    origin: `http://localhost:${(server.address() as AddressInfo).port}`,
    streams: () => streams,
    set(next) {
      mode = next
      if (next === 'dead') cutAll()
    },
    async close() {
      const closed = once(server, 'close')
      server.close()
      cutAll()
      await closed
    }
  }
}
