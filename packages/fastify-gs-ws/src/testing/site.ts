import type { TestContext } from 'node:test'
import type { AddressInfo } from 'node:net'
import Fastify, { type FastifyInstance } from 'fastify'
import { WebSocket } from 'ws'
import { fastifyGsWs, memoryStore, type GsWsOptions } from '../index.ts'
import { subprotocol } from '../protocol.ts'

/** Things that happen, for those who wait for them. */
export class Queue<T> {
  readonly all: T[] = []
  readonly #waiting: ((item: T) => void)[] = []
  #taken = 0

  push(item: T): void {
    this.all.push(item)
    const wake = this.#waiting.shift()
    if (wake !== undefined) wake(this.all[this.#taken++]!)
  }

  /** The oldest one that nobody has taken. */
  next(): Promise<T> {
    if (this.#taken < this.all.length) return Promise.resolve(this.all[this.#taken++]!)
    return new Promise((resolve) => this.#waiting.push(resolve))
  }
}

/** A client that does what the test says. */
export class RawClient {
  readonly socket: WebSocket
  readonly frames = new Queue<unknown[]>()
  /** With what it was closed, as `4401 ended`. */
  readonly closed: Promise<string>

  constructor(socket: WebSocket) {
    this.socket = socket
    socket.on('message', (data: Buffer) => {
      const frame = JSON.parse(data.toString()) as unknown[]
      this.frames.push(frame)
    })
    socket.on('error', () => undefined)
    this.closed = new Promise((resolve) => socket.once('close', (code, reason) => resolve(`${code} ${reason.toString()}`.trim())))
  }

  send(...frame: unknown[]): void {
    this.socket.send(JSON.stringify(frame))
  }

  raw(data: string | Buffer): void {
    this.socket.send(data)
  }

  /** The next frame. Rejects when there comes none any more. */
  next(): Promise<unknown[]> {
    return Promise.race([this.frames.next(), this.closed.then((how) => Promise.reject(new Error(`closed: ${how}`)))])
  }

  /** Sends a frame, and gives the next one that comes. */
  ask(...frame: unknown[]): Promise<unknown[]> {
    this.send(...frame)
    return this.next()
  }

  /** First dialect: everything that was sent has been taken when this is answered. */
  async settled(): Promise<void> {
    const [word] = await this.ask('webgram-ping')
    if (word !== 'webgram-pong') throw new Error(`not a pong, but ${String(word)}`)
  }

  close(code = 1000): Promise<string> {
    this.socket.close(code)
    return this.closed
  }
}

export interface Site {
  readonly app: FastifyInstance
  readonly port: number
  readonly log: Queue<Record<string, unknown>>
  /** Opens a connection: `first` dialect, or the numbered one. */
  readonly connect: (dialect?: 'first' | 'second', headers?: Record<string, string>) => Promise<RawClient>
}

/** An application with the plugin, which listens. */
export async function startSite(
  t: TestContext,
  options: GsWsOptions = {},
  prepare: (app: FastifyInstance) => unknown = () => undefined
): Promise<Site> {
  const log = new Queue<Record<string, unknown>>()
  const app = Fastify({ logger: { stream: { write: (line: string) => log.push(JSON.parse(line) as Record<string, unknown>) } } })
  t.after(() => app.close())
  await prepare(app)
  await app.register(fastifyGsWs, { store: memoryStore(), ...options })
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo
  return {
    app,
    port,
    log,
    async connect(dialect = 'first', headers = {}) {
      const socket = new WebSocket(`ws://127.0.0.1:${port}${app.gsWs.path}`, dialect === 'second' ? [subprotocol] : [], { headers })
      t.after(() => socket.terminate())
      const client = new RawClient(socket)
      await new Promise<void>((resolve, reject) => {
        socket.once('open', resolve)
        socket.once('error', reject)
      })
      return client
    }
  }
}
