import type { EventEmitter } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { subprotocol } from './protocol.ts'

interface SettableSocket {
  setSocket(socket: unknown, head: unknown, options: { readonly maxPayload?: number }): void
}
type HandleProtocols = (protocols: Set<string>, request: IncomingMessage) => string | false

/** What is used of the server of the package `ws`, which @fastify/websocket has made. */
export interface WebSocketServerLike extends EventEmitter {
  readonly options: {
    handleProtocols?: HandleProtocols | null
    WebSocket: new (address: null, protocols: undefined, options: object) => SettableSocket
  }
}

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
    override setSocket(socket: unknown, head: unknown, settings: { readonly maxPayload?: number }): void {
      const own = maxFrame
      maxFrame = undefined
      super.setSocket(socket, head, own === undefined ? settings : { ...settings, maxPayload: Math.min(own, settings.maxPayload || own) })
    }
  }
}
