import { once } from 'node:events'
import { WebSocket } from 'ws'

/** How many connect at once. */
const perBatch = 50

/** Many websockets of one server. */
export class Crowd {
  readonly sockets: WebSocket[]
  #heard: () => void = () => undefined

  private constructor(sockets: WebSocket[]) {
    this.sockets = sockets
    for (const socket of sockets) socket.on('message', () => this.#heard())
  }

  /** @param cookies one for each socket; an empty one is not sent */
  static async connect(port: number, cookies: readonly string[]): Promise<Crowd> {
    const sockets: WebSocket[] = []
    for (let start = 0; start < cookies.length; start += perBatch) {
      const batch = cookies.slice(start, start + perBatch).map((cookie) => {
        const headers = { origin: 'http://localhost', ...(cookie !== '' && { cookie }) }
        return new WebSocket(`ws://127.0.0.1:${port}/live`, { headers, perMessageDeflate: false })
      })
      await Promise.all(batch.map((socket) => once(socket, 'open')))
      sockets.push(...batch)
    }
    return new Crowd(sockets)
  }

  /** The first one posts a text of this size for all. Gives for each reader after how many ms he had it. */
  post(size: number, readers = this.sockets.length): Promise<number[]> {
    const times: number[] = []
    return new Promise((resolve) => {
      const start = performance.now()
      this.#heard = () => {
        if (times.push(performance.now() - start) === readers) resolve(times)
      }
      this.sockets[0]!.send(String(size))
    })
  }

  /** When all of them have been closed, `performance.now()`, and how, as `4401 revoked`. */
  async closed(): Promise<{ at: number; how: Set<string> }> {
    const all = await Promise.all(this.sockets.map((socket) => once(socket, 'close') as Promise<[number, Buffer]>))
    return { at: performance.now(), how: new Set(all.map(([code, reason]) => `${code} ${reason.toString()}`)) }
  }

  /** Keeps so many of them, and closes the others. */
  async keep(count: number): Promise<void> {
    const leaving = this.sockets.splice(count)
    const gone = leaving.map((socket) => once(socket, 'close'))
    for (const socket of leaving) socket.close()
    await Promise.all(gone)
  }
}
