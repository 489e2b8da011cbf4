import type { EventEmitter } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { subprotocol } from './protocol.ts'

interface SocketSettings {
  readonly maxPayload?: number
  readonly maxFragments?: number
}
interface SettableSocket {
  setSocket(socket: unknown, head: unknown, options: SocketSettings): void
}
type HandleProtocols = (protocols: Set<string>, request: IncomingMessage) => string | false

/** What is used of the server of the package `ws`, which @fastify/websocket has made. */
export interface WebSocketServerLike extends EventEmitter {
  readonly options: {
    handleProtocols?: HandleProtocols | null
    WebSocket: new (address: null, protocols: undefined, options: object) => SettableSocket
  }
}

/** Into how many parts a client may cut a frame: they are not counted otherwise, and may be empty. */
const maxFragments = 256

const admitted = new WeakMap<IncomingMessage, number>()

/** The websocket of this request is one of ours. @param maxFrame bytes */
export function admit(request: IncomingMessage, maxFrame: number): void {
  // A frame that is inflated is limited by the server only, and there is one for all routes.
  delete request.headers['sec-websocket-extensions']
  admitted.set(request, maxFrame)
}

const met = new WeakSet<WebSocketServerLike>()

/** Gives our websockets our subprotocol, and the size of our frames; those of other routes are what they were. */
export function ownUpgrades(server: WebSocketServerLike): void {
  if (met.has(server)) return
  met.add(server)
  const { options } = server
  const given = options.handleProtocols ?? ((protocols) => protocols.values().next().value ?? false)
  options.handleProtocols = (protocols, request) => {
    if (!admitted.has(request)) return given(protocols, request)
    return protocols.has(subprotocol) ? subprotocol : false
  }

  let maxFrame: number | undefined
  // In the midst of the handshake, right before `setSocket`.
  server.on('headers', (_headers: unknown, request: IncomingMessage) => {
    maxFrame = admitted.get(request)
  })
  options.WebSocket = class extends options.WebSocket {
    override setSocket(socket: unknown, head: unknown, settings: SocketSettings): void {
      const own = maxFrame
      maxFrame = undefined
      const bounded = (given: number | undefined, most: number) => Math.min(most, given || most)
      super.setSocket(
        socket,
        head,
        own === undefined
          ? settings
          : { ...settings, maxPayload: bounded(settings.maxPayload, own), maxFragments: bounded(settings.maxFragments, maxFragments) }
      )
    }
  }
}

/**
 * Ends the connection of an upgrade that was answered with a page. @fastify/websocket does so in a hook, but what Fastify refuses before all hooks, like an
 * address that cannot be decoded, would stay open for ever, and nobody reads from it, so that its client has gone is not seen either.
 */
export function endWhenAnswered(_request: IncomingMessage, connection: Duplex & { readonly _httpMessage?: ServerResponse | null }): void {
  const { _httpMessage: response } = connection
  response?.once('finish', () => connection.destroy())
}
