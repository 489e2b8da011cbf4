import { once } from 'node:events'
import { randomBytes } from 'node:crypto'
import { connect, type AddressInfo, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { WebSocket } from 'ws'
import { issuer } from './site.ts'

/** The port of the app, which listens from the first call on. */
export async function portOf(app: FastifyInstance): Promise<number> {
  if (!app.server.listening) await app.listen({ port: 0, host: '127.0.0.1' })
  return (app.server.address() as AddressInfo).port
}

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

/** A websocket as a page has it. */
export class SocketClient {
  readonly socket: WebSocket
  readonly messages = new Queue<string>()
  /** With what it was closed, as `4401 expired`. */
  readonly closed: Promise<string>

  constructor(socket: WebSocket) {
    this.socket = socket
    socket.on('message', (data: Buffer) => this.messages.push(data.toString()))
    socket.on('error', () => undefined)
    this.closed = new Promise((resolve) => socket.once('close', (code, reason) => resolve(`${code} ${reason.toString()}`.trim())))
  }

  send(text: string): void {
    this.socket.send(text)
  }

  /** The next message. Rejects when there comes none any more. */
  next(): Promise<string> {
    return Promise.race([this.messages.next(), this.closed.then((how) => Promise.reject(new Error(`closed: ${how}`)))])
  }

  ask(text: string): Promise<string> {
    this.send(text)
    return this.next()
  }
}

/** Opens a websocket with a token, which is cut after the test. Rejects when it is refused. */
export async function openSocket(t: TestContext, app: FastifyInstance, token: string, url = '/live'): Promise<SocketClient> {
  const socket = new WebSocket(`ws://127.0.0.1:${await portOf(app)}${url}`, {
    headers: { host: new URL(issuer).host, cookie: `__Host-session=${token}`, origin: issuer }
  })
  t.after(() => socket.terminate())
  const client = new SocketClient(socket)
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve)
    socket.once('error', reject)
  })
  return client
}

/** A client without a library: it answers no close frame. */
export class RawSocket {
  readonly socket: Socket
  /** When the server has ended the connection: all that it has sent. */
  readonly ended: Promise<Buffer>
  #data = Buffer.alloc(0)

  constructor(socket: Socket) {
    this.socket = socket
    socket.on('error', () => undefined)
    this.ended = new Promise((resolve) => socket.once('close', () => resolve(this.#data)))
    socket.on('data', (chunk: Buffer) => (this.#data = Buffer.concat([this.#data, chunk])))
  }

  /** The beginning of the answer, until that has `end`. */
  async until(end: string): Promise<string> {
    while (!this.#data.includes(end)) await once(this.socket, 'data')
    return this.#data.toString('latin1')
  }
}

/** Asks for a websocket over a connection of its own. */
export async function askForUpgrade(
  t: TestContext,
  app: FastifyInstance,
  headers: Readonly<Record<string, string>> = {},
  url = '/live'
): Promise<RawSocket> {
  const socket = connect(await portOf(app), '127.0.0.1')
  t.after(() => socket.destroy())
  const all = {
    host: new URL(issuer).host,
    connection: 'Upgrade',
    upgrade: 'websocket',
    'sec-websocket-version': '13',
    'sec-websocket-key': randomBytes(16).toString('base64'),
    ...headers
  }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.write(`GET ${url} HTTP/1.1\r\n${lines.join('')}\r\n`)
  return new RawSocket(socket)
}

/** A short text as a browser would send it. */
export function textFrame(text: string): Buffer {
  const mask = Buffer.from([1, 2, 3, 4])
  const data = Buffer.from(text)
  for (const [index, byte] of data.entries()) data[index] = byte ^ mask[index % 4]!
  return Buffer.concat([Buffer.from([0x81, 0x80 | data.length]), mask, data])
}
