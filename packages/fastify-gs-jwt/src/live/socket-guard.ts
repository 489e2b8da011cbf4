import type { IncomingMessage, ServerResponse } from 'node:http'
import type { EventEmitter } from 'node:events'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { JwtOptionError, jwtError } from '../errors.ts'
import { GuardedSocket, guardOf, type WebSocketLike } from './guarded-socket.ts'
import type { LiveJwts } from './live-jwts.ts'

/** The websockets of an application. */
export interface SocketGuard {
  /** The request may be upgraded: what becomes of it is guarded. */
  readonly admit: (request: FastifyRequest, reply: FastifyReply) => void
  /** A request asks for a websocket: if it gets an answer instead, its connection ends with that. */
  readonly mayEnd: (reply: FastifyReply) => void
  /** Guards a socket that was opened by other means than @fastify/websocket. */
  readonly guard: (socket: WebSocketLike, request: FastifyRequest) => void
}

/** What @fastify/websocket adds to an application. */
const serverOf = ({ server }: FastifyRequest) => (server as { readonly websocketServer?: EventEmitter }).websocketServer

/** Whether Node has handed over the connection, to whoever listens. */
const isUpgraded = ({ raw }: FastifyRequest) => (raw as { readonly upgrade?: boolean }).upgrade === true

/** To Node, the connection of an upgrade is none of its own any more: it would stay open after a refusal. */
function endConnection(this: ServerResponse): void {
  this.socket?.destroySoon()
}

export function createSocketGuard(lives: LiveJwts): SocketGuard {
  const admitted = new WeakMap<IncomingMessage, GuardedSocket>()
  const met = new WeakSet<EventEmitter>()

  const meet = (server: EventEmitter) => {
    if (met.has(server)) return
    met.add(server)
    // Before the handler gets it.
    server.on('connection', (socket: WebSocketLike, request: IncomingMessage) => admitted.get(request)?.open(socket))
  }
  function connectionGone(this: ServerResponse): void {
    admitted.get(this.req)?.gone()
  }

  return {
    admit(request, reply) {
      const server = serverOf(request)
      if (server === undefined || admitted.has(request.raw)) return
      meet(server)
      const guard = new GuardedSocket(lives, request, request.jwt!)
      admitted.set(request.raw, guard)
      // It may have closed while the hooks before this one were at work, and would never say so again.
      if (reply.raw.destroyed) guard.gone()
      // Of the connection, whatever becomes of the upgrade.
      else reply.raw.once('close', connectionGone)
    },
    mayEnd(reply) {
      const { request } = reply
      if (serverOf(request) !== undefined || isUpgraded(request)) reply.raw.once('finish', endConnection)
    },
    guard(socket, request) {
      if (guardOf(socket) !== undefined) return
      if (typeof socket?.emit !== 'function' || typeof socket.terminate !== 'function')
        throw new JwtOptionError('fastify-gs-jwt: guardSocket() takes a websocket of the package ws, and the request that has opened it.')
      if (request.jwt === null) throw jwtError('GS_JWT_REQUIRED')
      new GuardedSocket(lives, request, request.jwt).open(socket)
    }
  }
}
