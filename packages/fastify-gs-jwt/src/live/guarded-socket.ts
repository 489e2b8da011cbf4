import type { EventEmitter } from 'node:events'
import type { FastifyRequest } from 'fastify'
import type { RequestJwt } from '../load-jwt.ts'
import type { JwtEndReason, LiveJwt, LiveJwts, LiveListener } from './live-jwts.ts'

/** What is used of a socket of the package `ws`, which the application brings along. */
export interface WebSocketLike extends EventEmitter {
  readonly isPaused: boolean
  close(code?: number, reason?: string): void
  terminate(): void
  pause(): void
  resume(): void
  send(data: unknown, options?: unknown, done?: unknown): void
}

/** How long a client may take to answer the close frame, ms. */
const closeLimit = 2000

const codes: Readonly<Record<JwtEndReason, number>> = { expired: 4401, denied: 4401, unavailable: 1013, closing: 1001 }

const own = Symbol('fastify-gs-jwt.guard')

type Guarded = WebSocketLike & { readonly [own]: GuardedSocket }

/** The guard of a socket. */
export const guardOf = (socket: object): GuardedSocket | undefined => (socket as Partial<Guarded>)[own]

const fromClient = new Set<string | symbol>(['message', 'ping', 'pong'])

/*
 * Takes the place of the methods of a socket: everything that the client sends passes here, whoever listens. `ws` hands over messages after
 * its own close(), and listeners cannot keep a message from other listeners. Of all sockets the same two functions.
 */
function emit(this: Guarded, event: string | symbol, ...values: unknown[]): boolean {
  const guard = this[own]
  if (fromClient.has(event) && (!guard.isOn() || guard.holds(event, values))) return false
  if (event === 'close') guard.gone()
  return guard.emit.call(this, event, ...values)
}
function send(this: Guarded, data: unknown, options?: unknown, done?: unknown): void {
  const guard = this[own]
  // Else it is closed by now, and `ws` tells the sender.
  guard.isOn()
  guard.send.call(this, data, options, done)
}

/** A websocket that is there as long as the token of its request is good: from the admission of the request on. */
export class GuardedSocket implements LiveListener {
  readonly #lives: LiveJwts
  readonly live: LiveJwt
  #socket: WebSocketLike | null = null
  #ended: JwtEndReason | null = null
  /** What came while the token is in doubt. */
  #held: (readonly [string | symbol, ...unknown[]])[] | null = null
  #resumes = false
  /** Those that the socket had before. */
  emit!: WebSocketLike['emit']
  send!: WebSocketLike['send']

  constructor(lives: LiveJwts, request: FastifyRequest, jwt: RequestJwt) {
    this.#lives = lives
    this.live = lives.join(request, jwt, this)
  }

  /** The upgrade is done. */
  open(socket: WebSocketLike): void {
    this.#socket = socket
    this.emit = Reflect.get(socket, 'emit')
    this.send = Reflect.get(socket, 'send')
    const method = { writable: true, configurable: true, enumerable: false }
    Object.defineProperties(socket, {
      [own]: { value: this },
      emit: { ...method, value: emit },
      send: { ...method, value: send }
    })
    if (this.#ended !== null) this.#close(this.#ended)
  }

  /** Whether the client may still say something, and be told something. */
  isOn(): boolean {
    return this.#lives.isOn(this.live)
  }

  /** Whether the handler gets it later, or never. */
  holds(event: string | symbol, values: readonly unknown[]): boolean {
    if (this.#held === null) {
      if (!this.live.isDoubted) return false
      const socket = this.#socket!
      this.#held = []
      // What comes meanwhile waits in the connection.
      this.#resumes = !socket.isPaused
      if (this.#resumes) socket.pause()
    }
    this.#held.push([event, ...values])
    return true
  }

  trusted(): void {
    // What a listener throws is none of ours.
    if (this.#held !== null) process.nextTick(() => this.#release())
  }

  #release(): void {
    const held = this.#held
    if (held === null) return
    this.#held = null
    const socket = this.#socket!
    if (this.#resumes) socket.resume()
    for (const [event, ...values] of held) socket.emit(event, ...values)
  }

  /** The connection is no more, or the upgrade did not happen. */
  gone(): void {
    this.#held = null
    this.#lives.leave(this.live, this)
  }

  ended(reason: JwtEndReason): void {
    this.#ended = reason
    this.#held = null
    if (this.#socket !== null) this.#close(reason)
  }

  renewalDue(): void {}

  #close(reason: JwtEndReason): void {
    const socket = this.#socket!
    socket.close(codes[reason], reason)
    // Else the answer of the client could not be read.
    if (socket.isPaused) socket.resume()
    setTimeout(cut, closeLimit, socket).unref()
  }
}

const cut = (socket: WebSocketLike) => socket.terminate()
