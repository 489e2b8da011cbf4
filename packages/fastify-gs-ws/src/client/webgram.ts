// By its name: in Node that is the client which resumes TLS.
import { createClient } from 'fastify-gs-ws/client'
import type { ClientOptions, GsWsClient, Identity } from './client-types.ts'
import { memoryStorage, type ClientStorage } from './storage.ts'

export interface WebgramClientOptions extends Omit<ClientOptions, 'session' | 'key'> {
  /** The session to begin with, instead of the stored one. */
  readonly sessionData?: Identity
}

const page = globalThis as { readonly document?: unknown; readonly localStorage?: ClientStorage }

/**
 * The interface of webgram's client with webgram-sessions, for programs that move: over numbered messages, with reconnection. Its stored session is
 * found again, because it is kept under the same name: the address.
 */
export class Client {
  readonly address: string
  /** Id and secret; undefined until there is a session. */
  sessionData: Identity | undefined
  readonly #client: GsWsClient

  /** @throws {TypeError} no address */
  constructor(address: string, { sessionData, storage, ...options }: WebgramClientOptions = {}) {
    this.address = address
    const memory = memoryStorage()
    const kept = () => storage ?? (page.document === undefined ? memory : page.localStorage!)
    this.#client = createClient(address, {
      ...options,
      key: address,
      storage: {
        getItem: (key) => kept().getItem(key),
        setItem: (key, value) => {
          this.sessionData = JSON.parse(value) as Identity
          return kept().setItem(key, value)
        },
        removeItem: (key) => kept().removeItem(key)
      },
      ...(sessionData && { session: sessionData })
    })
  }

  /** `$session-active`: there is a session (without arguments). `$closed`: the connection is broken; it is made anew. `error`. Else: messages. */
  on(event: string, handler: (...args: any[]) => unknown): this {
    if (event === '$session-active') this.#client.onLocal('session', () => handler())
    else if (event === '$closed') this.#client.onLocal('close', () => handler())
    else if (event === 'error') this.#client.onLocal('error', handler)
    else this.#client.on(event, handler)
    return this
  }

  /** Throws as `send` of `createClient`. */
  send(event: string, ...args: unknown[]): void {
    this.#client.send(event, ...args)
  }

  /** Asks, and gives the answer within 10 s. Rejects as `ask` of `createClient`. */
  ask(question: string, ...args: unknown[]): Promise<any> {
    return this.#client.ask(question, args)
  }

  async waitForSession(): Promise<void> {
    await this.#client.waitForSession()
  }

  close(): void {
    this.#client.close()
  }
}

/**
 * Gives a client sessions; one of this module has them.
 *
 * @throws {TypeError} another client
 */
export function hook(client: Client): Client {
  if (!(client instanceof Client)) throw new TypeError('hook() takes a Client of fastify-gs-ws/webgram: import both from there.')
  return client
}
