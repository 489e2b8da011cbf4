import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { WebSocketServer, type WebSocket } from 'ws'
import { subprotocol } from '../protocol.ts'

interface Session {
  readonly id: string
  /** All that are good. */
  readonly secrets: Set<string>
}

interface Link {
  readonly session: Session
  /** Says which one it is, of all with its name. */
  readonly holder: string
  received: number
  next: number
  kept: { readonly n: number; readonly frame: string }[]
  socket: WebSocket | null
}

type Frame = [word: string, ...rest: any[]]

/** Speaks the second dialect by hand, for tests of clients: it remembers what it was told, and does what it is told to. */
export class ProtocolServer {
  readonly sockets = new Set<WebSocket>()
  readonly sessions = new Map<string, Session>()
  readonly links = new Map<string, Link>()
  /** All frames that have come, and those of clients that have been handled. */
  readonly frames: Frame[] = []
  readonly handled: unknown[][] = []
  /** Replaces what it does with a frame, unless it gives false. */
  script: ((frame: Frame, socket: WebSocket) => unknown) | null = null
  answer: (question: string, ...args: any[]) => unknown = (_question, ...args) => args[0] ?? null
  connections = 0
  acknowledges = true
  /** After it has handled a message. */
  react: ((reply: (event: string, ...args: unknown[]) => void, event: string, ...args: any[]) => void) | null = null
  /** Numbers that a crash does not take. */
  readonly #saved = new Map<string, number>()
  readonly server: WebSocketServer
  #waiting: (() => void)[] = []

  private constructor(server: WebSocketServer) {
    this.server = server
    server.on('connection', (socket) => {
      this.connections++
      this.sockets.add(socket)
      let link: Link | null = null
      socket.on('error', () => {})
      socket.on('close', (code) => {
        this.sockets.delete(socket)
        if (link?.socket === socket) {
          link.socket = null
          if (code === 1000) for (const [name, other] of this.links) if (other === link) this.links.delete(name)
        }
        this.#look()
      })
      socket.on('message', (data: Buffer) => {
        const frame = JSON.parse(data.toString()) as Frame
        this.frames.push(frame)
        if (this.script === null || this.script(frame, socket) === false) link = this.#take(frame, socket, link)
        this.#look()
      })
    })
  }

  static async start(t: TestContext, options: { port?: number; protocol?: boolean } = {}): Promise<ProtocolServer> {
    const handleProtocols = () => (options.protocol === false ? false : subprotocol)
    const server = new WebSocketServer({ host: '127.0.0.1', port: options.port ?? 0, handleProtocols })
    await once(server, 'listening')
    const made = new ProtocolServer(server)
    t.after(() => {
      made.cut()
      server.close()
    })
    return made
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port
  }

  get url(): string {
    return `ws://127.0.0.1:${this.port}/ws`
  }

  /** Breaks all connections. */
  cut(): void {
    for (const socket of this.sockets) socket.terminate()
  }

  close(code: number, reason = ''): void {
    for (const socket of this.sockets) socket.close(code, reason)
  }

  /** Links are forgotten; `saved`: but not what was handled. */
  crash(saved = false): void {
    this.cut()
    if (saved) for (const [name, { received }] of this.links) this.#saved.set(name, received)
    this.links.clear()
  }

  /** Sends raw text to all. */
  raw(...texts: string[]): void {
    for (const socket of this.sockets) for (const text of texts) socket.send(text)
  }

  /** Sends a message on all links. */
  send(event: string, ...args: unknown[]): void {
    for (const link of this.links.values()) this.#post(link, ['message', 0, event, ...args])
  }

  words(word: string): Frame[] {
    return this.frames.filter(([first]) => first === word)
  }

  /** Resolves when this is so; looks after each frame and each close. */
  until(test: () => unknown): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        if (!test()) return
        this.#waiting = this.#waiting.filter((other) => other !== look)
        resolve()
      }
      this.#waiting.push(look)
      look()
    })
  }

  #look(): void {
    for (const look of this.#waiting) look()
  }

  #take([word, ...rest]: Frame, socket: WebSocket, link: Link | null): Link | null {
    const say = (...frame: unknown[]) => socket.send(JSON.stringify(frame))
    if (word === 'create') {
      const session = { id: randomBytes(8).toString('hex'), secrets: new Set<string>() }
      this.sessions.set(session.id, session)
      return this.#grant(session, { name: rest[0].link, received: 0, holder: null }, socket)
    }
    if (word === 'resume') {
      const { holder, id, secret, link: name, received } = rest[0]
      const session = this.sessions.get(id as string)
      if (session?.secrets.has(secret as string)) return this.#grant(session, { name, received, holder }, socket)
      say('error', 'unknown')
      return null
    }
    if (word === 'ping') say('pong')
    if (link === null) return link
    if (word === 'ack') link.kept = link.kept.filter(({ n }) => n > rest[0])
    if (word === 'end') {
      this.sessions.delete(link.session.id)
      for (const other of this.links.values()) if (other.session === link.session) other.socket?.close(4401, 'ended')
    }
    if (word === 'message' || word === 'ask') {
      const [n, event, ...args] = rest
      if (n > link.received + 1) {
        socket.close(4400, 'gap')
        return link
      }
      if (n === link.received + 1) {
        link.received++
        this.handled.push([event, ...args])
        if (word === 'ask') {
          const result = this.answer(event as string, ...args)
          if (result !== undefined) this.#post(link, ['answer', 0, n, ...(result instanceof Error ? [result] : [null, result])])
        }
        const target = link
        this.react?.((event, ...args) => this.#post(target, ['message', 0, event, ...args]), event as string, ...args)
      }
      if (this.acknowledges) say('ack', link.received)
    }
    return link
  }

  /** `holder`: null for a session that is made, undefined for a link that was never used. */
  #grant(session: Session, wanted: { name: string; received: number; holder: string | null | undefined }, socket: WebSocket): Link {
    const { holder, name, received } = wanted
    const created = holder === null
    const key = `${session.id} ${name}`
    const former = this.links.get(key)
    // Whom the client has heard of last; an answer in between may not have arrived.
    const known = created || holder === undefined || former?.holder === holder ? former : undefined
    const made = {
      session,
      holder: randomBytes(8).toString('hex'),
      received: former?.received ?? this.#saved.get(key) ?? 0,
      next: received + 1
    }
    const link = known ?? { ...made, kept: [], socket }
    if (link !== former) former?.socket?.close(4409)
    this.links.set(key, link)
    if (link.socket !== socket) link.socket?.close(4409)
    link.socket = socket
    link.kept = link.kept.filter(({ n }) => n > received)
    const secret = randomBytes(64).toString('base64')
    session.secrets.add(secret)
    const granted = {
      id: session.id,
      secret,
      created,
      received: link.received,
      lost: !known && !created,
      holder: link.holder,
      expiresAt: 1e15
    }
    socket.send(JSON.stringify(['session', granted]))
    for (const { frame } of link.kept) socket.send(frame)
    return link
  }

  #post(link: Link, frame: unknown[]): void {
    const n = link.next++
    const error = frame[3] instanceof Error ? { code: (frame[3] as { code?: string }).code, message: frame[3].message } : frame[3]
    const text = JSON.stringify([frame[0], n, frame[2], error, ...frame.slice(4)].slice(0, frame.length))
    link.kept.push({ n, frame: text })
    link.socket?.send(text)
  }
}
