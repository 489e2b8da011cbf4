import { once } from 'node:events'
import type { FastifyBaseLogger } from 'fastify'
import type { WebSocket } from 'ws'
import type { BoardDatabase } from './database.ts'
import { findLastMessages, findMessagesAfter, type Message } from './messages.ts'

/** Why the board closes a socket. */
export const closeCodes = {
  /** The server stops; come back in a moment. */
  goingAway: 1001,
  /** The client sent a message, though this socket only listens. */
  policy: 1008,
  /** The board could not read its posts. */
  failed: 1011,
  /** The session has too many sockets open. */
  tooMany: 1013,
  /** The session ended: log out, password changed, account deleted … */
  sessionEnded: 4401
} as const

export interface LiveBoardOptions {
  /** Posts that a new socket gets at once. Default: 10. */
  readonly history?: number
  /** ms between two pings; who has not answered the last one is dropped. Default: 30 s. */
  readonly heartbeat?: number
  /** Bytes that may wait for a slow reader before it is dropped. Default: 1 MiB. */
  readonly maxBuffered?: number
  /** Sockets that one session may have open. Default: 20. */
  readonly maxSocketsPerSession?: number
}

interface Reader {
  readonly sessionId: string
  /** It has its history, and gets each new post. */
  live: boolean
  answered: boolean
}

/** How long an ended session is remembered, in ms: longer than an upgrade can take between the look at the session and `join`. */
const endedMemory = 60_000

/** What goes over the wire: strings only, as the original had it; neither address of the author. */
const frameOf = ({ idx, time, username, content }: Message): string =>
  JSON.stringify({ idx: String(idx), time: String(time), username, content })

/**
 * The sockets that watch the board. Everything that reads posts waits in one queue, and one cursor says which posts have been
 * handed out: so each socket gets its history and then every later post, in order, none twice and none left out.
 */
export class LiveBoard {
  readonly #db: BoardDatabase
  readonly #log: FastifyBaseLogger
  readonly #options: Required<LiveBoardOptions>
  readonly #readers = new Map<WebSocket, Reader>()
  readonly #ended = new Set<string>()
  readonly #heartbeat: NodeJS.Timeout
  #queue: Promise<void> = Promise.resolve()
  #cursor: number
  #closed = false

  /** @param cursor the newest post so far; what follows it is sent as new */
  constructor(db: BoardDatabase, log: FastifyBaseLogger, cursor: number, options: LiveBoardOptions = {}) {
    this.#db = db
    this.#log = log
    this.#cursor = cursor
    this.#options = { history: 10, heartbeat: 30_000, maxBuffered: 1024 * 1024, maxSocketsPerSession: 20, ...options }
    this.#heartbeat = setInterval(() => this.#beat(), this.#options.heartbeat).unref()
  }

  /** Takes over a socket that has passed the policy: history first, then each new post. */
  join(socket: WebSocket, sessionId: string): void {
    if (this.#closed) return socket.close(closeCodes.goingAway)
    if (this.#ended.has(sessionId)) return socket.close(closeCodes.sessionEnded, 'session ended')
    const open = this.#readersOf(sessionId).length
    if (open >= this.#options.maxSocketsPerSession) return socket.close(closeCodes.tooMany, 'too many windows')

    const reader: Reader = { sessionId, live: false, answered: true }
    this.#readers.set(socket, reader)
    socket.on('close', () => this.#readers.delete(socket))
    socket.on('pong', () => (reader.answered = true))
    socket.on('message', () => this.#drop(socket, closeCodes.policy, 'this socket only listens'))

    this.#enqueue(async () => {
      try {
        const messages = await findLastMessages(this.#db, this.#cursor, this.#options.history)
        for (const message of messages) this.#send(socket, frameOf(message))
        reader.live = true
      } catch (error) {
        this.#drop(socket, closeCodes.failed, 'the posts cannot be read')
        throw error
      }
    })
  }

  /** Call after a post is committed; sends what is new to everybody. */
  announce(): void {
    this.#enqueue(async () => {
      const batch = 100
      for (;;) {
        const messages = await findMessagesAfter(this.#db, this.#cursor, batch)
        for (const message of messages) {
          const frame = frameOf(message)
          for (const [socket, reader] of this.#readers) if (reader.live) this.#send(socket, frame)
          this.#cursor = message.idx
        }
        if (messages.length < batch) return
      }
    })
  }

  /** Closes the sockets of a session; nothing more is sent to them from now on. */
  endSession(sessionId: string): void {
    // An upgrade of this session may be on its way, checked just before the end.
    this.#ended.add(sessionId)
    setTimeout(() => this.#ended.delete(sessionId), endedMemory).unref()
    for (const socket of this.#readersOf(sessionId)) this.#drop(socket, closeCodes.sessionEnded, 'session ended')
  }

  /** Closes all sockets; resolves when they are gone and nothing reads the database any more. */
  async close(): Promise<void> {
    this.#closed = true
    clearInterval(this.#heartbeat)
    const sockets = [...this.#readers.keys()]
    const gone = sockets.map((socket) => once(socket, 'close'))
    for (const socket of sockets) this.#drop(socket, closeCodes.goingAway, 'server stops')
    await Promise.all([...gone, this.#queue])
  }

  #readersOf(sessionId: string): WebSocket[] {
    return [...this.#readers].filter(([, reader]) => reader.sessionId === sessionId).map(([socket]) => socket)
  }

  #send(socket: WebSocket, frame: string): void {
    if (socket.readyState !== socket.OPEN) return
    if (socket.bufferedAmount > this.#options.maxBuffered) {
      this.#log.warn({ buffered: socket.bufferedAmount }, 'dropped a socket that does not read')
      this.#readers.delete(socket)
      socket.terminate()
      return
    }
    socket.send(frame)
  }

  #drop(socket: WebSocket, code: number, reason: string): void {
    this.#readers.delete(socket)
    socket.close(code, reason)
    // Who does not answer the close frame does not keep the connection.
    setTimeout(() => socket.terminate(), 2000).unref()
  }

  #beat(): void {
    for (const [socket, reader] of this.#readers) {
      if (!reader.answered) {
        this.#readers.delete(socket)
        socket.terminate()
        continue
      }
      reader.answered = false
      socket.ping()
    }
    // Repeats an announcement that failed, and finds posts that another process wrote.
    this.announce()
  }

  #enqueue(work: () => Promise<void>): void {
    this.#queue = this.#queue.then(work).catch((error: unknown) => this.#log.error({ err: error }, 'reading the posts failed'))
  }
}
