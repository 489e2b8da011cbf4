import { parseMessage, type Message } from './message.ts'

/** A message on the page. */
export interface FeedMessage extends Message {
  /** Messages before this one were written while the page was not connected, and the server did not send them again. */
  readonly gapBefore?: true
}

/** What the board shows: newest message first, none twice. */
export interface FeedState {
  readonly connection: 'connecting' | 'live' | 'waiting'
  readonly messages: readonly FeedMessage[]
}

export interface BoardFeedOptions {
  /** Where the websocket is. */
  readonly url: string
  /** The server did not let us in, or no longer does. Asks whether the session still stands; the next attempt waits for it. */
  readonly onRefused: () => Promise<unknown>
  /** How long to wait before the n-th attempt in a row (from 0), in ms. Default: 0.5 to 15 s, growing, with jitter. */
  readonly backOff?: (attempt: number) => number
}

const subprotocol = 'protocol-lws-messageboard'

/** The server says that the session has ended, or may not see the board any more. */
const refusals = [4401, 4403]

/** Older ones leave the page. */
const keptMessages = 500

/** A connection that lived this long was a good one: the next loss starts with a short wait again. */
const goodAfter = 5000

/** Waking does not disturb a connection that is younger than this, in ms. */
const freshFor = 5000

/** Half of the wait is random, so that a thousand pages do not return in the same moment after a restart of the server. */
const defaultBackOff = (attempt: number) => Math.min(15_000, 500 * 2 ** attempt) * (0.5 + Math.random() / 2)

/** The live messages. Connected while anybody listens; comes back by itself after each loss. */
export class BoardFeed {
  #state: FeedState = { connection: 'connecting', messages: [] }
  readonly #options: Required<BoardFeedOptions>
  readonly #listeners = new Set<() => void>()
  #socket: WebSocket | null = null
  #timer: ReturnType<typeof setTimeout> | undefined
  #attempt = 0
  /** When the socket was made, or opened. */
  #changedAt = 0

  constructor(options: BoardFeedOptions) {
    this.#options = { backOff: defaultBackOff, ...options }
  }

  readonly getSnapshot = (): FeedState => this.#state

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    if (this.#listeners.size === 1) this.#connect()
    return () => {
      this.#listeners.delete(listener)
      if (this.#listeners.size === 0) this.#disconnect()
    }
  }

  /**
   * For when the network or the page comes back: does not wait any longer for the next attempt, and opens a new socket instead of an
   * old one, which may have died without a word. (A page is not told of the server's pings.)
   */
  readonly wake = (): void => {
    const stale = this.#socket !== null && Date.now() - this.#changedAt >= freshFor
    if (this.#timer === undefined && !stale) return
    this.#attempt = 0
    this.#socket?.close()
    this.#connect()
  }

  #connect(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#set({ connection: 'connecting' })
    const socket = new WebSocket(this.#options.url, subprotocol)
    let openedAt: number | undefined
    let replaying = true
    this.#socket = socket
    this.#changedAt = Date.now()
    socket.addEventListener('open', () => {
      if (socket !== this.#socket) return
      openedAt = this.#changedAt = Date.now()
      this.#set({ connection: 'live' })
    })
    socket.addEventListener('message', ({ data }) => {
      const message = parseMessage(data)
      if (socket !== this.#socket || !message) return
      this.#add(message, replaying)
      replaying = false
    })
    socket.addEventListener('close', ({ code }) => {
      if (socket !== this.#socket) return
      this.#socket = null
      if (openedAt !== undefined && Date.now() - openedAt > goodAfter) this.#attempt = 0
      // A refused upgrade looks to a page like any other failure, so each connection that never opened counts as one.
      void this.#retry(openedAt === undefined || refusals.includes(code))
    })
  }

  async #retry(refused: boolean): Promise<void> {
    this.#set({ connection: 'waiting' })
    if (refused) await this.#options.onRefused()
    if (this.#listeners.size === 0 || this.#socket !== null) return
    this.#timer = setTimeout(() => this.#connect(), this.#options.backOff(this.#attempt++))
  }

  #disconnect(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#attempt = 0
    this.#socket?.close()
    this.#socket = null
  }

  /** After a reconnect the server sends its last messages again, the oldest of them first. */
  #add(message: Message, first: boolean): void {
    const { messages } = this.#state
    if (messages.some(({ idx }) => idx === message.idx)) return
    const newest = messages[0]
    const gapBefore = first && newest !== undefined && message.idx > newest.idx + 1
    this.#set({
      messages: [{ ...message, ...(gapBefore && { gapBefore }) }, ...messages].sort((a, b) => b.idx - a.idx).slice(0, keptMessages)
    })
  }

  #set(change: Partial<FeedState>): void {
    this.#state = { ...this.#state, ...change }
    for (const listener of this.#listeners) listener()
  }
}
