import type { EventEmitter } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { GuardedSocket } from './guarded-socket.ts'

/*
 * What is used of the package `ws`, which the application brings along with @fastify/websocket.
 */

export interface WebSocketLike extends EventEmitter {
  readonly readyState: number
  readonly bufferedAmount: number
  readonly isPaused: boolean
  close(code?: number, reason?: string): void
  terminate(): void
  ping(): void
  pause(): void
  resume(): void
  send(data: unknown, options?: unknown, done?: unknown): void
  setSocket(socket: unknown, head: unknown, options: { readonly maxPayload?: number }): void
}

type WebSocketClass = new (address: null, protocols: undefined, options: object) => WebSocketLike

export interface WebSocketServerLike extends EventEmitter {
  readonly options: { maxPayload?: number; WebSocket: WebSocketClass }
}

/** What `ws` takes when nobody says anything: far too much. */
const maxPayloadOfWs = 104_857_600

const sizeOf = (data: unknown): number => {
  if (typeof data === 'string') return data.length
  const { byteLength, size } = (data ?? {}) as { byteLength?: number; size?: number }
  return byteLength ?? size ?? 0
}

/** Faults of what a client has sent; `ws` closes the socket by itself, with the fitting code. */
const isFaultOfClient = (error: unknown) => /^(?:WS_ERR_|Z_)/.test(String((error as { code?: unknown }).code))

const own = Symbol('fastify-gs.guard')

const admitted = new WeakMap<object, GuardedSocket>()

/** The socket that this request is about to open has a guard. */
export function admit(request: IncomingMessage, guard: GuardedSocket): void {
  admitted.set(request, guard)
}

/** The guard of the socket that this request has opened, or is about to open. */
export const guardOf = (request: IncomingMessage): GuardedSocket | undefined => admitted.get(request)

const widenOf = new WeakMap<WebSocketServerLike, (maxMessage: number) => void>()

/**
 * Puts what guards a socket between `ws` and the application: everything that the client sends, and everything that is sent to it, passes
 * it. Methods of a class, once for each server: a socket costs no closures.
 *
 * @param maxMessage the limit of one of the routes
 */
export function guardServer(server: WebSocketServerLike, maxMessage: number): void {
  const known = widenOf.get(server)
  if (known !== undefined) return known(maxMessage)

  const { options } = server
  const given = options.maxPayload ?? 0
  const isSet = given !== 0 && given !== maxPayloadOfWs
  let largest = 0
  const widen = (size: number) => {
    largest = Math.max(largest, size)
    // Of compressed messages, this number alone limits the parts.
    if (!isSet) options.maxPayload = largest
  }
  widenOf.set(server, widen)
  widen(maxMessage)

  let next: GuardedSocket | undefined
  // In the midst of the handshake, right before `setSocket`.
  server.on('headers', (_headers: unknown, request: IncomingMessage) => {
    next = guardOf(request)
  })

  options.WebSocket = class extends options.WebSocket {
    [own]: GuardedSocket | undefined
    #releasing = false

    override setSocket(socket: unknown, head: unknown, settings: { readonly maxPayload?: number }): void {
      const guard = next
      next = undefined
      if (guard === undefined) return super.setSocket(socket, head, settings)
      this[own] = guard
      const { maxMessage } = guard.limits
      super.setSocket(socket, head, { ...settings, maxPayload: isSet ? Math.min(given, maxMessage) : maxMessage })
      guard.open(this)
    }

    override emit(event: string | symbol, ...values: unknown[]): boolean {
      const guard = this[own]
      if (guard === undefined) return super.emit(event, ...values)
      if (event === 'message') {
        const isReleased = this.#releasing
        this.#releasing = false
        return (isReleased || guard.receive(values)) && super.emit('message', ...values)
      }
      if (event === 'ping' || event === 'pong') return guard.hear() && super.emit(event, ...values)
      if (event === 'error' && isFaultOfClient(values[0])) return guard.fail(values[0])
      if (event === 'close') guard.gone()
      return super.emit(event, ...values)
    }

    /** Hands over what was held back; by `emit`, because others may guard the socket, too, and much may have happened meanwhile. */
    deliver(values: readonly unknown[]): void {
      this.#releasing = true
      try {
        this.emit('message', ...values)
      } finally {
        this.#releasing = false
      }
    }

    override send(data: unknown, options?: unknown, done?: unknown): void {
      const refusal = this[own]?.refusal(sizeOf(data)) ?? null
      if (refusal === null) return super.send(data, options, done)
      const tell = typeof options === 'function' ? options : done
      if (typeof tell === 'function') process.nextTick(tell, refusal)
    }
  }
}
