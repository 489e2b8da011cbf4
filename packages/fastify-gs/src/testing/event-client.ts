import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import type { FastifyInstance } from 'fastify'
import type { Browser } from './build.ts'
import { Queue } from './queue.ts'

export interface ReceivedEvent {
  readonly event: string
  readonly data: Record<string, unknown>
}

/** What came on a stream of server-sent events. */
export class EventClient {
  readonly response: IncomingMessage
  /** Resolves when the server has ended the stream, or broken it. */
  readonly over: Promise<void>
  /** All text that came. */
  text = ''
  /** Id of the event that was taken last. */
  lastId = ''
  readonly #events = new Queue<ReceivedEvent & { readonly id: string }>()

  constructor(response: IncomingMessage) {
    this.response = response
    let rest = ''
    response.setEncoding('utf8').on('data', (chunk: string) => {
      this.text += chunk
      const blocks = (rest + chunk).split('\n\n')
      rest = blocks.pop()!
      for (const block of blocks) {
        const match = /^event: (\w+)\nid: (\S+)\ndata: (.*)$/.exec(block)
        if (match !== null) this.#events.push({ event: match[1]!, id: match[2]!, data: JSON.parse(match[3]!) as Record<string, unknown> })
      }
    })
    response.on('error', () => undefined)
    this.over = new Promise((resolve) => response.once('close', () => resolve()))
  }

  /** The next event; whatever it is. */
  async next(): Promise<ReceivedEvent> {
    const { id, ...event } = await this.#events.next()
    this.lastId = id
    return event
  }

  /** All that come until one of this name, and that one. */
  async until(name: string): Promise<ReceivedEvent[]> {
    const events: ReceivedEvent[] = []
    while (events.at(-1)?.event !== name) events.push(await this.next())
    return events
  }

  /** The data of the next event of this name; skips others. */
  async expect(name: string): Promise<Record<string, unknown>> {
    for (;;) {
      const { event, data } = await this.next()
      if (event === name) return data
    }
  }

  leave(): void {
    this.response.destroy()
  }
}

/** The answer to a request over a connection of its own, which is cut after the test. The app listens from the first one on. */
export async function ask(
  t: TestContext,
  app: FastifyInstance,
  browser: Browser | null,
  options: { method?: string; url?: string; headers?: Record<string, string> } = {}
): Promise<IncomingMessage> {
  if (!app.server.listening) await app.listen({ port: 0, host: '127.0.0.1' })
  const cookie = [...(browser?.cookies ?? [])].map(([name, value]) => `${name}=${value}`).join('; ')
  const sent = request({
    host: '127.0.0.1',
    port: (app.server.address() as AddressInfo).port,
    agent: false,
    path: options.url ?? '/lwsgs/events',
    method: options.method ?? 'GET',
    headers: { accept: 'text/event-stream', ...(cookie !== '' && { cookie }), ...options.headers }
  })
  t.after(() => sent.destroy())
  sent.end()
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  return response
}

/** Opens the event stream of the browser's session. */
export async function openEvents(t: TestContext, app: FastifyInstance, browser: Browser, headers: Record<string, string> = {}) {
  const response = await ask(t, app, browser, { headers })
  if (response.statusCode !== 200) throw new Error(`the stream is refused: ${response.statusCode}`)
  return new EventClient(response)
}
