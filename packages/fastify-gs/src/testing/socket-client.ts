import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { WebSocket, type ClientOptions } from 'ws'
import type { Browser } from './build.ts'
import { Queue } from './queue.ts'

/** The origin of the sites that {@link build} makes. */
export const ownOrigin = 'http://localhost:7681'

export interface SocketOptions {
  readonly url?: string
  /** Null: none is sent. */
  readonly origin?: string | null
  readonly client?: ClientOptions
}

/** A websocket as a page has it. */
export class SocketClient {
  readonly socket: WebSocket
  readonly messages = new Queue<string>()
  /** With what it was closed, as `4401 logout`. */
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

  async ask(text: string): Promise<string> {
    this.send(text)
    return this.next()
  }
}

/** The port of the app, which listens from the first call on. */
export async function portOf(app: FastifyInstance): Promise<number> {
  if (!app.server.listening) await app.listen({ port: 0, host: '127.0.0.1' })
  return (app.server.address() as AddressInfo).port
}

async function dial(t: TestContext, app: FastifyInstance, browser: Browser | null, options: SocketOptions): Promise<WebSocket> {
  const { url = '/live', origin = ownOrigin, client } = options
  const cookie = [...(browser?.cookies ?? [])].map(([name, value]) => `${name}=${value}`).join('; ')
  const socket = new WebSocket(`ws://127.0.0.1:${await portOf(app)}${url}`, {
    ...client,
    headers: { ...(cookie !== '' && { cookie }), ...(origin !== null && { origin }), ...client?.headers }
  })
  t.after(() => socket.terminate())
  return socket
}

/** Opens a websocket, which is cut after the test. Rejects when it is refused. */
export async function openSocket(
  t: TestContext,
  app: FastifyInstance,
  browser: Browser | null = null,
  options: SocketOptions = {}
): Promise<SocketClient> {
  const socket = await dial(t, app, browser, options)
  const client = new SocketClient(socket)
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve)
    socket.once('error', reject)
  })
  return client
}

/** How a websocket is refused, as `403 GS_CROSS_SITE`; `101` when it is not. */
export async function askForSocket(
  t: TestContext,
  app: FastifyInstance,
  browser: Browser | null = null,
  options: SocketOptions = {}
): Promise<string> {
  const socket = await dial(t, app, browser, options)
  socket.on('error', () => undefined)
  const opened = once(socket, 'open').then(() => '101')
  const refused = once(socket, 'unexpected-response').then(async (values) => {
    const response = values[1] as IncomingMessage
    let body = ''
    for await (const chunk of response) body += String(chunk)
    const { code } = (body === '' ? {} : JSON.parse(body)) as { code?: string }
    return `${response.statusCode} ${code ?? ''}`.trim()
  })
  return Promise.race([opened, refused]).finally(() => socket.terminate())
}
