import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/**
 * Connections that ask a server of one's own the same thing over and over, each as soon as its answer is there. It takes less of a processor
 * than the server does, which an ordinary client would not: then both would wait for the client.
 */
export class HttpLoad {
  readonly #sockets: readonly Socket[]

  private constructor(sockets: readonly Socket[]) {
    this.#sockets = sockets
  }

  static async connect(port: number, connections: number): Promise<HttpLoad> {
    const sockets = Array.from({ length: connections }, () => connect({ port, host: '127.0.0.1', noDelay: true }))
    await Promise.all(sockets.map((socket) => once(socket, 'connect')))
    return new HttpLoad(sockets)
  }

  /** Asks so many times. Gives the requests per second. All answers are 200 and have the same length. @throws (rejects) one is not */
  async run(path: string, headers: Readonly<Record<string, string>>, count: number): Promise<number> {
    const lines = Object.entries({ host: '127.0.0.1', ...headers }).map(([name, value]) => `${name}: ${value}\r\n`)
    const request = Buffer.from(`GET ${path} HTTP/1.1\r\n${lines.join('')}\r\n`)
    let left = count
    const ask = (socket: Socket) =>
      new Promise<void>((resolve, reject) => {
        let length = 0
        let missing = 0
        const leave = (error?: Error) => {
          socket.removeAllListeners('data').removeAllListeners('close')
          if (error === undefined) resolve()
          else reject(error)
        }
        const next = () => {
          if (left-- <= 0) return leave()
          missing = length
          socket.write(request)
        }
        socket.on('close', () => leave(new Error(`The server has hung up on ${path}.`)))
        socket.on('data', (chunk) => {
          if (length === 0) {
            const head = chunk.toString('latin1')
            const end = head.indexOf('\r\n\r\n')
            if (end === -1) return leave(new Error(`Half an answer to ${path}.`))
            length = end + 4 + Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1])
            missing = length
          }
          if (missing === length && chunk.toString('latin1', 0, 12) !== 'HTTP/1.1 200')
            return leave(new Error(`${path}: ${chunk.toString('latin1')}`))
          missing -= chunk.length
          if (missing === 0) next()
        })
        next()
      })
    const start = performance.now()
    await Promise.all(this.#sockets.map(ask))
    return count / ((performance.now() - start) / 1000)
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy()
  }
}
