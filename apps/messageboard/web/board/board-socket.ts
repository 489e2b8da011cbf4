import { currentProtocol } from '../../src/messages/protocol.ts'

/**
 * How the board is reached. `waiting`: it will be tried again. `closed`: the board is not open to this account any more, so nobody knocks until
 * something changes. `throttled`: the board was told too much at once, and is left alone for a while.
 */
export type Connection = 'connecting' | 'live' | 'waiting' | 'throttled' | 'closed'

export interface BoardSocketOptions {
  /** Where the websocket is, asked before each attempt. */
  readonly url: () => string
  readonly onFrame: (data: unknown) => void
  /** Each change of how the board is reached. */
  readonly onConnection: (connection: Connection) => void
  /** The server did not let us in, or no longer does. Asks whether the session still stands; the next attempt waits for it. */
  readonly onRefused: () => Promise<unknown>
  /** How long to wait before the n-th attempt in a row (from 0), in ms. Default: 1 to 30 s, growing, with jitter. */
  readonly backOff?: (attempt: number) => number
}

/** Numbers of `gsCloseCodes` of fastify-gs, which a page does not load for four numbers. */
const closeCodes = { tooMany: 1008, tooBig: 1009, tryAgain: 1013, ended: 4401, forbidden: 4403 }

/** A connection that lived this long, in ms, was a good one: the next loss starts with a short wait again. */
const goodAfter = 5000

/** A connection that was made or heard in the last so many ms is not disturbed by waking. */
const freshFor = 10_000

/** How long the cookie with a new token may be on its way to this browser, in ms. */
const cookieDelay = 300

/** The attempt whose wait is the longest. */
const lastAttempt = 5

/** Half of the wait is random, so that a thousand pages do not return in the same moment after a restart of the server. */
const defaultBackOff = (attempt: number) => Math.min(15_000, 1000 * 2 ** attempt) * (1 + Math.random())

/** A websocket that comes back by itself after each loss, from `start` to `stop`. */
export class BoardSocket {
  readonly #options: Required<BoardSocketOptions>
  #started = false
  #socket: WebSocket | null = null
  #timer: ReturnType<typeof setTimeout> | undefined
  #attempt = 0
  /** When the socket was made, opened or heard. */
  #heardAt = 0
  #throttled = false

  constructor(options: BoardSocketOptions) {
    this.#options = { backOff: defaultBackOff, ...options }
  }

  start(): void {
    this.#started = true
    this.#connect()
  }

  stop(): void {
    this.#started = false
    this.#attempt = 0
    this.#drop()
  }

  /** @returns whether there is a connection that takes it */
  send(frame: string): boolean {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false
    this.#socket.send(frame)
    return true
  }

  /**
   * For when the network or the page comes back: does not wait any longer for the next attempt, and opens a new socket instead of an
   * old one, which may have died without a word. (A page is not told of the server's pings.)
   */
  wake(): void {
    if (!this.#started || this.#throttled || (this.#socket !== null && Date.now() - this.#heardAt < freshFor)) return
    this.#attempt = 0
    this.#connect()
  }

  /** Opens a new socket, because the one there is does not answer. */
  renew(): void {
    if (this.#started) this.#connect()
  }

  #drop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const socket = this.#socket
    this.#socket = null
    socket?.close()
  }

  #connect(): void {
    this.#drop()
    this.#throttled = false
    this.#options.onConnection('connecting')
    const socket = new WebSocket(this.#options.url(), currentProtocol)
    let openedAt: number | undefined
    this.#socket = socket
    this.#heardAt = Date.now()
    socket.addEventListener('open', () => {
      if (socket !== this.#socket) return
      openedAt = this.#heardAt = Date.now()
    })
    socket.addEventListener('message', ({ data }) => {
      if (socket !== this.#socket) return
      this.#heardAt = Date.now()
      this.#options.onFrame(data)
    })
    socket.addEventListener('close', ({ code, reason }) => {
      if (socket !== this.#socket) return
      this.#socket = null
      if (openedAt !== undefined && Date.now() - openedAt > goodAfter) this.#attempt = 0
      void this.#afterClose(openedAt !== undefined, code, reason)
    })
  }

  async #afterClose(opened: boolean, code: number, reason: string): Promise<void> {
    const { onConnection, onRefused } = this.#options
    if (code === closeCodes.forbidden) {
      onConnection('closed')
      await onRefused()
      return
    }
    if (code === closeCodes.tooMany || code === closeCodes.tooBig) {
      this.#throttled = true
      onConnection('throttled')
      this.#attempt = lastAttempt
    } else {
      onConnection('waiting')
      // A refused upgrade looks to a page like any other failure, so each connection that never opened counts as one.
      if (!opened || code === closeCodes.ended) await onRefused()
    }
    if (!this.#started || this.#socket !== null || this.#timer !== undefined) return
    const first = this.#attempt++ === 0
    // The browser got a new token, and nobody was at fault.
    const renewed = first && code === closeCodes.tryAgain && reason === 'renewed'
    this.#timer = setTimeout(() => this.#connect(), renewed ? cookieDelay : this.#options.backOff(this.#attempt - 1))
  }
}
