import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import type { TestContext } from 'node:test'

/** Where a connection breaks: after so many bytes of one side have been passed on. */
export interface Cut {
  readonly from: 'client' | 'server'
  readonly after: number
}

/** A proxy that breaks connections, each at the place given; those without one stay. */
export class CuttingProxy {
  readonly port: number
  /** The port to which connections go. */
  target: number
  /** Connections so far. */
  count = 0
  /** Bytes of the latest connection that have been passed on. */
  passed = { client: 0, server: 0 }
  readonly sockets: Set<Socket>
  /** Takes no more connections, and breaks those that there are. */
  readonly close: () => void

  private constructor(port: number, target: number, sockets: Set<Socket>, close: () => void) {
    this.port = port
    this.target = target
    this.sockets = sockets
    this.close = close
  }

  /** Breaks all connections. */
  cut(): void {
    for (const socket of this.sockets) socket.destroy()
  }

  static async start(t: TestContext, target: number, cuts: (index: number) => Cut | null): Promise<CuttingProxy> {
    const sockets = new Set<Socket>()
    const server = createServer((client) => {
      const cut = cuts(proxy.count++)
      const upstream = connect(proxy.target, '127.0.0.1')
      const passed = (proxy.passed = { client: 0, server: 0 })
      const both = [client, upstream]
      const breakAll = () => {
        for (const socket of both) socket.destroy()
      }
      const pass = (from: Socket, to: Socket, side: Cut['from']) => {
        sockets.add(from)
        from.setNoDelay(true)
        from.on('error', breakAll)
        from.on('close', () => {
          sockets.delete(from)
          breakAll()
        })
        from.on('data', (data) => {
          const room = cut?.from === side ? cut.after - passed[side] : Infinity
          passed[side] += Math.min(room, data.length)
          if (data.length < room) to.write(data)
          else if (room > 0) to.write(data.subarray(0, room), () => from.destroy() && to.end())
          else breakAll()
        })
      }
      pass(client, upstream, 'client')
      pass(upstream, client, 'server')
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const proxy = new CuttingProxy((server.address() as AddressInfo).port, target, sockets, () => {
      server.close()
      for (const socket of sockets) socket.destroy()
    })
    t.after(proxy.close)
    return proxy
  }
}
