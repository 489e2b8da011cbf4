import type { FastifyRequest } from 'fastify'
import { WsConflictError } from './errors.ts'
import type { Hub, Task } from './hub.ts'
import type { Link } from './link.ts'
import type { LinkNumbers, LiveSession } from './live-sessions-types.ts'
import { ignorePromise } from './promises.ts'
import { isName, type AnswerError } from './protocol.ts'
import type { WsConnection, WsSession } from './ws-connection.ts'
import type { WsSessionData } from './app-types.ts'

/** How a connection reaches its client. */
export interface Transport {
  /** @param text the message, JSON without brackets: `"event",1,2` */
  readonly message: (text: string) => void
  /** The data have another version. */
  readonly saved: (version: number) => void
  readonly close: (code: number, reason: string) => void
}

interface PeerParts {
  readonly hub: Hub
  readonly live: LiveSession
  readonly transport: Transport
  readonly request: FastifyRequest
  readonly dialect: WsConnection['dialect']
  readonly resumed: boolean
  /** Second dialect. */
  readonly link?: { readonly name: string | null; readonly numbers: Link }
}

export type Outcome =
  | { readonly kind: 'result'; readonly text: string }
  | { readonly kind: 'refused'; readonly error: AnswerError }
  | { readonly kind: 'none' | 'failed' | 'forbidden' }

const peers = new WeakMap<WsConnection, Peer>()

function checkName(name: unknown): asserts name is string {
  if (!isName(name))
    throw new TypeError(
      'fastify-gs-ws: the name of an event is a text of 1 to 128 characters that does not begin with $ and is no word of the protocol.'
    )
}

function checkHandler(handler: unknown): void {
  if (typeof handler !== 'function') throw new TypeError('fastify-gs-ws: a handler must be a function.')
}

/** Adds the handler of a name, of which there can be one. */
export function addHandler<T>(handlers: Map<string, T>, name: string, handler: T): () => void {
  checkName(name)
  checkHandler(handler)
  if (handlers.has(name))
    throw new TypeError(`fastify-gs-ws: there is a handler for "${name}" already; take it away first, or use another name.`)
  handlers.set(name, handler)
  return () => {
    if (handlers.get(name) === handler) handlers.delete(name)
  }
}

/** A message as it travels. @throws {TypeError} no name, or no JSON */
function messageText(event: string, args: readonly unknown[]): string {
  checkName(event)
  const text = JSON.stringify([event, ...args])
  return text.slice(1, -1)
}

/** What the application holds. */
class Connection implements WsConnection {
  readonly #peer: Peer

  constructor(peer: Peer) {
    this.#peer = peer
  }
  get session(): WsSession {
    return this.#peer.live.session
  }
  get request(): FastifyRequest {
    return this.#peer.request
  }
  get dialect(): WsConnection['dialect'] {
    return this.#peer.dialect
  }
  get resumed(): boolean {
    return this.#peer.resumed
  }
  get replayed(): boolean {
    return this.#peer.replayed
  }
  on(event: string, handler: (...args: never[]) => unknown): () => void {
    return addHandler(this.#peer.handlers, event, handler as (...args: unknown[]) => unknown)
  }
  onLocal(event: 'save' | 'close', listener: () => void): () => void {
    return this.#peer.onLocal(event, listener)
  }
  send(event: string, ...args: unknown[]): void {
    this.#peer.send(event, args)
  }
  save(): Promise<void> {
    return this.#peer.save()
  }
  update<T>(change: (data: WsSessionData) => T): Promise<T> {
    return this.#peer.update(change)
  }
  end(): Promise<void> {
    return this.#peer.end()
  }
  close(code = 1000, reason = ''): void {
    if ((code !== 1000 && !(Number.isInteger(code) && code >= 3000 && code <= 4999)) || Buffer.byteLength(reason) > 123)
      throw new TypeError('fastify-gs-ws: close() takes 1000 or a code from 3000 to 4999, and a reason of 123 bytes.')
    this.#peer.close(code, reason)
  }
}

/** One client that is in a session: the side of `WsConnection` that is not the application's. */
export class Peer {
  readonly conn: WsConnection
  readonly live: LiveSession
  readonly dialect: WsConnection['dialect']
  readonly resumed: boolean
  readonly handlers = new Map<string, (...args: unknown[]) => unknown>()
  request: FastifyRequest
  readonly #hub: Hub
  readonly #transport: Transport
  readonly #link: PeerParts['link']
  readonly #saves = new Set<() => void>()
  readonly #closes = new Set<() => void>()
  #leave: (() => void) | null = null
  /** What is sent before the client knows that it has a session. */
  #early: string[] | null = []
  #over = false

  constructor({ hub, live, transport, request, dialect, resumed, link }: PeerParts) {
    this.#hub = hub
    this.live = live
    this.#transport = transport
    this.request = request
    this.dialect = dialect
    this.resumed = resumed
    this.#link = link
    this.conn = new Connection(this)
    peers.set(this.conn, this)
  }

  get isOver(): boolean {
    return this.#over
  }

  get replayed(): boolean {
    const task = this.#hub.running.getStore()
    return task !== undefined && task.link === (this.#link?.numbers ?? null) && task.replayed
  }

  /**
   * Joins the session, and tells the application. Resolves when its messages may be handled.
   *
   * @param greet tells the client that it has a session
   * @throws {WsEndedError} the session is over
   */
  start(greet: () => void): Promise<void> {
    const { connections, listeners } = this.#hub
    this.#leave = this.live.attach(this.conn, {
      saved: (version) => {
        if (this.#over) return
        if (this.#early === null) this.#transport.saved(version)
        this.#tell(this.#saves)
      },
      ended: (cause) => this.close(4401, cause)
    })
    connections.add(this.conn)
    const waits = [...listeners].map(async (listener) => {
      try {
        await listener(this.conn)
      } catch (error) {
        this.#hub.log.error({ err: error }, 'onSession failed')
      }
    })
    // Else it was closed by the application.
    if (!this.#over) greet()
    const early = this.#early ?? []
    this.#early = null
    if (!this.#over) for (const text of early) this.#transport.message(text)
    return Promise.all(waits).then(() => undefined)
  }

  /** There is no client any more. */
  gone(): void {
    if (this.#over) return
    this.#over = true
    this.#early = null
    this.#hub.connections.delete(this.conn)
    this.#leave?.()
    this.#tell(this.#closes)
    this.#closes.clear()
    this.#saves.clear()
    this.handlers.clear()
  }

  close(code: number, reason: string): void {
    if (this.#over) return
    this.#transport.close(code, reason)
    this.gone()
  }

  onLocal(event: 'save' | 'close', listener: () => void): () => void {
    checkHandler(listener)
    if (event !== 'save' && event !== 'close') throw new TypeError('fastify-gs-ws: onLocal() takes "save" or "close".')
    const listeners = event === 'save' ? this.#saves : this.#closes
    // The same function twice is two listeners.
    const own = () => listener()
    if (!this.#over) listeners.add(own)
    return () => void listeners.delete(own)
  }

  send(event: string, args: readonly unknown[]): void {
    const text = messageText(event, args)
    if (this.#over) return
    if (this.#early === null) this.#transport.message(text)
    else this.#early.push(text)
  }

  async save(): Promise<void> {
    const task = this.#hub.running.getStore()
    if (task?.live === this.live && task.takenBack !== this.live.takenBack)
      throw new WsConflictError(
        `What was changed of the session ${JSON.stringify(this.live.session.id)} was taken back, with the effect of a message that is handled elsewhere; nothing was saved. Change it with conn.update()`
      )
    const { numbers, handling } = this.#handled()
    return this.live.save(numbers, handling)
  }

  update<T>(change: (data: WsSessionData) => T): Promise<T> {
    const { numbers, handling } = this.#handled()
    return this.live.update(change, numbers, handling)
  }

  async end(): Promise<void> {
    await this.#hub.live.end(this.live.session.id)
  }

  /** Hands a message to its handler; resolves when that is done. Never rejects. */
  async handle(event: string, args: readonly unknown[], task: Task): Promise<void> {
    if (!this.#mayCome(event, args)) return
    try {
      await this.#run(task, () => {
        const own = this.handlers.get(event)
        if (own !== undefined) return own(...args)
        return this.#hub.handlers.get(event)?.(this.conn, ...args)
      })
    } catch (error) {
      this.#hub.log.error({ err: error, event }, 'the handler of a message failed')
    }
  }

  /** Asks the application. Never rejects. */
  async answer(question: string, args: readonly unknown[], task: Task): Promise<Outcome> {
    const handler = this.#hub.answers.get(question)
    if (handler === undefined) return { kind: 'none' }
    if (!this.#mayCome(question, args)) return { kind: 'forbidden' }
    try {
      const result = await this.#run(task, () => handler(this.conn, ...args))
      return { kind: 'result', text: JSON.stringify(result) ?? 'null' }
    } catch (error) {
      const { code, expose, message } = (error ?? {}) as { code?: unknown; expose?: unknown; message?: unknown }
      if (typeof message === 'string' && (expose === true || message.startsWith('client:')))
        return { kind: 'refused', error: { code: typeof code === 'string' ? code : 'refused', message } }
      this.#hub.log.error({ err: error, question }, 'the answer to a question failed')
      return { kind: 'failed' }
    }
  }

  #run(task: Task, handler: () => unknown): unknown {
    return this.#hub.running.run({ ...task, live: this.live, takenBack: this.live.takenBack }, handler)
  }

  /** Of all links of the session, because their messages may have changed the same data; and the link whose message is being handled. */
  #handled(): { readonly numbers: LinkNumbers; readonly handling: string | null } {
    const task = this.#hub.running.getStore()
    const numbers = new Map<string, number>()
    let handling: string | null = null
    // This one, too, when it is over, but its handler goes on.
    for (const conn of new Set([...this.live.session.connections, this.conn])) {
      const peer = peers.get(conn)
      const link = peer === undefined ? undefined : peer.#link
      if (link === undefined || link.name === null) continue
      const isHandling = task?.link === link.numbers
      if (isHandling) handling = link.name
      // Messages before the one that is being handled are done.
      const n = isHandling ? Math.max(task.n, link.numbers.handled) : link.numbers.handled
      if (n > 0) numbers.set(link.name, n)
    }
    return { numbers, handling }
  }

  #mayCome(event: string, args: readonly unknown[]): boolean {
    try {
      const may: unknown = this.#hub.options.allow(this.conn, event, args)
      if (typeof may === 'boolean') return may
      ignorePromise(may)
      throw new TypeError('fastify-gs-ws: the option allow must give true or false, and no promise.')
    } catch (error) {
      this.#hub.log.error({ err: error, event }, 'the option allow failed; the message was dropped')
      return false
    }
  }

  #tell(listeners: ReadonlySet<() => void>): void {
    // Not those that are added meanwhile.
    for (const listener of Array.from(listeners)) {
      try {
        const told = listener() as unknown
        if (told instanceof Promise) told.catch((error: unknown) => this.#hub.log.error({ err: error }, 'a listener of onLocal failed'))
      } catch (error) {
        this.#hub.log.error({ err: error }, 'a listener of onLocal failed')
      }
    }
  }
}
