import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import type { TestContext } from 'node:test'

/** A way to a PostgreSQL server that can be cut, and on which everything can get lost. */
export async function startPostgresProxy(t: TestContext, url: string) {
  const target = new URL(url)
  const sockets = new Set<Socket>()
  let mode: 'open' | 'cut' | 'lost' = 'open'

  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket))
    if (mode === 'cut') return socket.destroy()
    if (mode === 'lost') return socket.resume()
    const onward = connect(Number(target.port), target.hostname)
    onward.on('error', () => socket.destroy()).on('close', () => socket.destroy())
    socket.on('close', () => onward.destroy())
    socket.on('data', (data) => void (mode === 'open' && onward.write(data)))
    onward.on('data', (data) => void (mode === 'open' && socket.write(data)))
    return undefined
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(async () => {
    server.close()
    for (const socket of sockets) socket.destroy()
    await once(server, 'close')
  })
  const own = new URL(url)
  own.port = String((server.address() as AddressInfo).port)
  return {
    url: own.href,
    /** Ends all connections, and every new one. */
    cut() {
      mode = 'cut'
      for (const socket of sockets) socket.destroy()
    },
    /** Nothing arrives any more, and nobody is told. */
    lose() {
      mode = 'lost'
    },
    /** For connections that are made from now on. */
    mend() {
      mode = 'open'
    }
  }
}
