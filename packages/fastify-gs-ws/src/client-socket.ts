import type { EventEmitter } from 'node:events'
import type { FastifyBaseLogger, FastifyRequest } from 'fastify'
import { TokenBucket } from './limits.ts'
import { closeCodes } from './protocol.ts'

/** What is used of a socket of the package `ws`. */
export interface WebSocketLike extends EventEmitter {
  readonly readyState: number
  readonly bufferedAmount: number
  readonly isPaused: boolean
  readonly protocol: string
  close(code?: number, reason?: string): void
  terminate(): void
  ping(): void
  pause(): void
  resume(): void
  send(data: string): void
}

/** What a dialect makes of a socket. */
export interface Dialect {
  readonly receive: (data: Buffer, isBinary: boolean) => void
  /** The connection is no more. @param code what the client has said, 1006: nothing */
  readonly gone: (code: number) => void
  /** Whether it has got a session. */
  readonly isIn: () => boolean
}

export interface SocketLimits {
  readonly maxFrame: number
  readonly maxBuffered: number
  readonly maxUnacknowledged: number
  readonly maxUnacknowledgedBytes: number
  readonly framesPerSecond: number
  readonly burst: number
  /** Seconds between beats. */
  readonly pingInterval: number
}

/** How long a client may take to answer the close frame, ms. */
const closeLimit = 2000
/** Faults that are overlooked. */
const maxFaults = 100
/** How long a client may take at least until it has a session, seconds. */
const sessionLimit = 60

const isOpen = 1

/** A websocket: its limits, whatever is said on it. */
export class ClientSocket {
  readonly request: FastifyRequest
  readonly #socket: WebSocketLike
  readonly #limits: SocketLimits
  readonly #elapsed: () => number
  readonly #bucket: TokenBucket
  readonly #log: Pick<FastifyBaseLogger, 'info'>
  #dialect: Dialect | null = null
  #answered = true
  #faults = 0
  /** Since it has had no session. */
  #beatsOutside = 0
  /** What may wait besides `maxBuffered`, because it is sent again. */
  #allowance = 0
  #closed = false
  #code = 1006

  constructor(socket: WebSocketLike, request: FastifyRequest, limits: SocketLimits, elapsed: () => number) {
    this.request = request
    this.#socket = socket
    this.#limits = limits
    this.#elapsed = elapsed
    this.#bucket = new TokenBucket(limits.burst, limits.framesPerSecond, elapsed())
    this.#log = request.log
  }

  open(dialect: Dialect, gone: () => void): void {
    const socket = this.#socket
    this.#dialect = dialect
    // The one of @fastify/websocket takes a fault of a client for one of the server, and takes the close frame along.
    socket.removeAllListeners('error')
    socket.on('error', (error: Error) => {
      this.#log.info({ err: error }, 'a websocket was closed for what its client has sent')
      this.#end()
    })
    socket.on('message', (data: Buffer, isBinary: boolean) => {
      if (!this.#hear()) return
      if (data.length > this.#limits.maxFrame) return this.close(closeCodes.tooLarge, 'size')
      dialect.receive(data, isBinary)
    })
    const hear = () => void this.#hear()
    socket.on('ping', hear)
    socket.on('pong', hear)
    socket.once('close', (code: number) => {
      this.#closed = true
      // After a close frame of ours it is its answer.
      dialect.gone(this.#code === 1006 ? code : this.#code)
      gone()
    })
  }

  get isClosed(): boolean {
    return this.#closed
  }

  /** @param again it was sent before: its size is limited by others */
  send(text: string, again = false): void {
    if (this.#closed) return
    const { bufferedAmount } = this.#socket
    if (bufferedAmount === 0) this.#allowance = 0
    const size = Buffer.byteLength(text)
    if (again) this.#allowance += size
    // With nothing before it, a message may be as large as it wants.
    else if (bufferedAmount > 0 && bufferedAmount + size > this.#limits.maxBuffered + this.#allowance) {
      this.#log.info({ waiting: bufferedAmount }, 'a websocket was broken off whose client does not read')
      this.close(closeCodes.tryLater, 'slow')
      // Its close frame would wait behind all that.
      this.#socket.terminate()
      return
    }
    this.#socket.send(text)
  }

  close(code: number, reason: string): void {
    if (this.#closed) return
    this.#code = code
    this.#socket.close(code, reason)
    this.#end()
  }

  /** A frame that is none; too many of them close. */
  fault(): void {
    if (++this.#faults < maxFaults) return
    this.#log.info('a websocket was closed for too many faults')
    this.close(closeCodes.policy, 'faults')
  }

  /** So many messages, and bytes of them, are being handled: takes no more while these are too many. */
  busyWith(count: number, size: number): void {
    const socket = this.#socket
    if (this.#closed || socket.readyState !== isOpen) return
    const isFull = count >= this.#limits.maxUnacknowledged || size >= this.#limits.maxUnacknowledgedBytes
    if (isFull && !socket.isPaused) socket.pause()
    else if (!isFull && socket.isPaused) {
      this.#answered = true
      socket.resume()
    }
  }

  /** Asks whether somebody is there; breaks it off if the last question has not been answered. */
  beat(): void {
    const socket = this.#socket
    if (this.#closed || socket.readyState !== isOpen) return
    if (this.#dialect!.isIn()) this.#beatsOutside = 0
    else if (this.#beatsOutside++ * this.#limits.pingInterval >= sessionLimit) return this.close(closeCodes.policy, 'no session')
    // While it is paused, no answer could be read.
    if (!this.#answered && !socket.isPaused) {
      this.#log.info('a websocket was broken off whose client is gone')
      return socket.terminate()
    }
    this.#answered = socket.isPaused
    socket.ping()
  }

  /** Counts something that the client has sent. False: it is as if it had not come. */
  #hear(): boolean {
    if (this.#closed) return false
    this.#answered = true
    if (this.#bucket.take(this.#elapsed())) return true
    this.#log.info('a websocket was closed for too many frames')
    this.close(closeCodes.policy, 'rate')
    return false
  }

  #end(): void {
    this.#closed = true
    const socket = this.#socket
    // Else the answer of the client could not be read.
    if (socket.isPaused) socket.resume()
    setTimeout(() => socket.terminate(), closeLimit).unref()
  }
}
