import type { FastifyBaseLogger } from 'fastify'
import type { WebSocket } from 'ws'
import type { BoardDatabase } from './database.ts'
import {
  findChangesAfter,
  findHistoryMark,
  findLastMessages,
  findPage,
  findPosition,
  hasChange,
  postFor,
  type Change,
  type Message,
  type Page,
  type Position,
  type Visitor
} from './messages.ts'
import { Presence } from './presence.ts'
import { currentProtocol, type ServerFrame } from './protocol.ts'

/** Why the board closes a socket; the other codes are those of fastify-gs. */
export const closeCodes = {
  /** The server stops; come back in a moment. */
  goingAway: 1001,
  /** The client sent something that is no frame of its protocol. */
  policy: 1008,
  /** The board could not read its posts. */
  failed: 1011
} as const

export interface LiveBoardOptions {
  /** Posts that a new socket of the original protocol gets at once. Default: 10. */
  readonly history?: number
  /** The same for `messageboard.2`. Default: 30. */
  readonly page?: number
  /** ms between two looks for what another process wrote, for people who came or went, and for rights that changed. Default: 1000. */
  readonly interval?: number
  /** ms since 1970. Default: `Date.now`. */
  readonly now?: () => number
}

/** Who listens, and how. */
export interface ReaderSettings {
  /** Subprotocol. */
  readonly protocol: string
  /** The last change that the reader has; null: none. */
  readonly after: number | null
  /** What he was told to call the history of that change; null: nothing. */
  readonly history: string | null
  /** Who it is by now; null: somebody who may not read any more. */
  readonly visitor: () => Visitor | null
}

interface Reader extends ReaderSettings {
  readonly socket: WebSocket
  /** It has its history, and gets each change. */
  live: boolean
  /** What it was told last that it may. */
  mayModerate: boolean
  people: number
  /** It was told just now how many people there are. */
  fresh: boolean
}

/** Changes that are read at once. */
const batch = 100

/** Who has missed more gets the last posts instead: changes, and characters of their posts. Below what may wait for a slow reader. */
const mostMissed = 1000
const mostMissedText = 120_000

/** Of the original: strings only, nothing of the author but the name. */
const originalFrame = ({ idx, time, username, content }: Message): string =>
  JSON.stringify({ idx: String(idx), time: String(time), username, content })

/**
 * The sockets that watch the board. Everything that reads changes waits in one queue, and one position says which changes have been handed
 * out: so each socket gets what it has missed and then every later change, in order, none twice and none left out.
 */
export class LiveBoard {
  readonly #db: BoardDatabase
  readonly #log: FastifyBaseLogger
  readonly #options: Required<LiveBoardOptions>
  readonly #readers = new Map<WebSocket, Reader>()
  readonly #presence: Presence
  readonly #timer: NodeJS.Timeout
  #queue: Promise<void> = Promise.resolve()
  #position: Position
  #people = 0
  #announced = false
  #looking = false
  #closed = false

  /** @param position where the board is; what follows is sent as new */
  constructor(db: BoardDatabase, log: FastifyBaseLogger, position: Position, options: LiveBoardOptions = {}) {
    this.#db = db
    this.#log = log
    this.#position = position
    this.#options = { history: 10, page: 30, interval: 1000, now: Date.now, ...options }
    this.#presence = new Presence(db)
    this.#timer = setInterval(() => this.#look(), this.#options.interval).unref()
  }

  /** Takes over a socket that has passed the policy. */
  join(socket: WebSocket, settings: ReaderSettings): void {
    if (this.#closed) return socket.close(closeCodes.goingAway, 'server stops')
    const reader: Reader = { ...settings, socket, live: false, mayModerate: false, people: -1, fresh: true }
    this.#readers.set(socket, reader)
    socket.on('close', () => this.#readers.delete(socket))
    this.#enqueue(async () => {
      try {
        // Another process may have told the reader more than this one has heard of.
        await this.#catchUp()
        if (reader.protocol === currentProtocol) await this.#welcome(reader)
        else for (const message of await findLastMessages(this.#db, this.#position.idx, this.#options.history)) this.#tell(reader, message)
        reader.live = true
      } catch (error) {
        this.#readers.delete(socket)
        socket.close(closeCodes.failed, 'the posts cannot be read')
        throw error
      }
    })
  }

  /** Call after something is committed; tells everybody what is new. */
  announce(): void {
    // One that waits already tells this, too.
    if (this.#announced) return
    this.#announced = true
    this.#enqueue(() => this.#catchUp())
  }

  /** Sends an answer to one reader. */
  answer(socket: WebSocket, frame: ServerFrame): void {
    if (socket.readyState === socket.OPEN) socket.send(JSON.stringify(frame))
  }

  /** Resolves when nothing reads the database any more. Sockets that come later are turned away; those that are open are fastify-gs's to close. */
  async close(): Promise<void> {
    this.#closed = true
    clearInterval(this.#timer)
    await this.#queue
    await this.#presence.leave().catch((error: unknown) => this.#log.error({ err: error }, 'the readers could not be signed off'))
  }

  /** The first frames of `messageboard.2`. */
  async #welcome(reader: Reader): Promise<void> {
    const visitor = reader.visitor()
    if (visitor === null) return
    const { username, mayModerate } = visitor
    reader.mayModerate = mayModerate
    const missed = await this.#missedBy(reader)
    const history = await findHistoryMark(this.#db)
    const hello = { type: 'hello', username, mayModerate } as const
    if (missed === null) {
      const page = await findPage(this.#db, this.#position.idx, this.#options.page)
      this.answer(reader.socket, { ...hello, seq: this.#position.seq })
      this.#reset(reader, page, history)
    } else {
      this.answer(reader.socket, { ...hello, seq: reader.after!, history })
      for (const change of missed) this.#tellChange(reader, change)
    }
    this.#tellPeople(reader, Math.max(this.#people, this.#accounts().size))
  }

  /** What somebody who comes back has not heard of; null: too much, or nobody knows any more. */
  async #missedBy({ after, history }: Reader): Promise<Change[] | null> {
    if (after === null) return null
    const count = this.#position.seq - after
    if (count < 0 || count > mostMissed) return null
    if (history !== null && !(await hasChange(this.#db, history, after))) return null
    const changes = count === 0 ? [] : await findChangesAfter(this.#db, after, count)
    const size = changes.reduce((sum, { message }) => sum + (message?.content.length ?? 0), 0)
    return changes.length === count && size <= mostMissedText ? changes : null
  }

  #reset(reader: Reader, { messages, older }: Page, history: string): void {
    const visitor = this.#refresh(reader)
    if (visitor === null) return
    const posts = messages.map((message) => postFor(visitor, message))
    this.answer(reader.socket, { type: 'reset', seq: this.#position.seq, history, posts, older })
  }

  /** Hands out what has been committed, by whatever process. */
  async #catchUp(): Promise<void> {
    this.#announced = false
    for (;;) {
      const changes = await findChangesAfter(this.#db, this.#position.seq, batch)
      if (changes.length === 0) return
      if (changes[0]!.seq !== this.#position.seq + 1) {
        await this.#startAnew()
        continue
      }
      for (const change of changes) {
        const encoded = new Map<string, string>()
        for (const reader of this.#readers.values()) if (reader.live) this.#tellChange(reader, change, encoded)
        this.#position = { seq: change.seq, idx: change.deleted ? this.#position.idx : change.idx }
      }
      if (changes.length < batch) return
    }
  }

  /** Another process has written more than is remembered, since this one has looked. */
  async #startAnew(): Promise<void> {
    const position = await findPosition(this.#db)
    const page = await findPage(this.#db, position.idx, this.#options.page)
    const history = await findHistoryMark(this.#db)
    const before = this.#position
    this.#position = position
    for (const reader of this.#readers.values()) {
      if (!reader.live) continue
      if (reader.protocol === currentProtocol) this.#reset(reader, page, history)
      else for (const message of page.messages) if (message.idx > before.idx) this.#tell(reader, message)
    }
  }

  /** @param encoded frames of this change that were made for others */
  #tellChange(reader: Reader, change: Change, encoded?: Map<string, string>): void {
    const { socket } = reader
    if (socket.readyState !== socket.OPEN) return
    const { deleted, idx, message, seq } = change
    if (reader.protocol !== currentProtocol) {
      if (message !== null) this.#tell(reader, message)
      return
    }
    const visitor = this.#refresh(reader)
    if (visitor === null || (!deleted && message === null)) return
    const post = message === null ? null : postFor(visitor, message)
    const key = post === null ? 'deleted' : `${post.own} ${post.deletable}`
    const frame =
      encoded?.get(key) ??
      JSON.stringify((post === null ? { type: 'deleted', seq, idx } : { type: 'post', seq, post }) satisfies ServerFrame)
    encoded?.set(key, frame)
    socket.send(frame)
  }

  #tell({ socket, visitor }: Reader, message: Message): void {
    if (socket.readyState === socket.OPEN && visitor() !== null) socket.send(originalFrame(message))
  }

  /** Who the reader is by now; tells him what he may, if that has changed. */
  #refresh(reader: Reader): Visitor | null {
    const visitor = reader.visitor()
    if (visitor !== null && visitor.mayModerate !== reader.mayModerate) {
      const { username, mayModerate } = visitor
      reader.mayModerate = mayModerate
      this.answer(reader.socket, { type: 'rights', username, mayModerate })
    }
    return visitor
  }

  #tellPeople(reader: Reader, people: number): void {
    if (reader.people === people) return
    reader.people = people
    this.answer(reader.socket, { type: 'presence', people })
  }

  #accounts(): Set<string> {
    const accounts = new Set<string>()
    for (const reader of this.#readers.values()) {
      const visitor = reader.visitor()
      if (visitor !== null) accounts.add(visitor.accountId)
    }
    return accounts
  }

  /** Once per interval. */
  #look(): void {
    // Behind a database that is slow, looks would pile up.
    if (this.#looking) return
    this.#looking = true
    this.#enqueue(async () => {
      try {
        await this.#catchUp()
        this.#people = await this.#presence.count(this.#accounts(), Math.floor(this.#options.now() / 1000))
        for (const reader of this.#readers.values()) {
          if (!reader.live || reader.protocol !== currentProtocol || this.#refresh(reader) === null) continue
          if (reader.fresh) reader.fresh = false
          else this.#tellPeople(reader, this.#people)
        }
      } finally {
        this.#looking = false
      }
    })
  }

  #enqueue(work: () => Promise<void>): void {
    this.#queue = this.#queue.then(work).catch((error: unknown) => this.#log.error({ err: error }, 'reading the posts failed'))
  }
}
