import { errorMonitor, type EventEmitter } from 'node:events'
import type { TLSSocket } from 'node:tls'

export interface HandshakeEvents {
  /** It is done, and the server is verified. Comes before every `session`. */
  readonly secure: (resumed: boolean) => void
  readonly session: (session: Buffer) => void
  /** It will never be done. `reached`: the server may have seen the session that it was offered. */
  readonly failed: (reached: boolean) => void
}

/** Sessions that are looked at for each connection: a server that sends more has no good in mind. */
const mostSessions = 64

/**
 * What a handshake comes to. The listeners change nothing for the owner of the socket: an error that he does not listen to stays one that nobody
 * listens to, and after the handshake only the one for sessions is left.
 */
export function watchHandshake(socket: TLSSocket, events: HandshakeEvents): void {
  const emitter: EventEmitter = socket
  const early: Buffer[] = []
  let isSecure = false
  let reached = !socket.connecting
  let count = 0

  const connected = () => {
    reached = true
    // When the first address of a host was not reached, Node goes on with a new handle that brings no sessions; a new listener has it do so.
    socket.off('session', session).on('session', session)
  }
  const session = (given: Buffer) => {
    if (++count === mostSessions) socket.off('session', session)
    if (isSecure) events.session(given)
    else early.push(given)
  }
  const failed = () => {
    leave()
    events.failed(reached)
  }
  const secure = () => {
    leave()
    isSecure = true
    events.secure(socket.isSessionReused())
    for (const given of early.splice(0)) events.session(given)
  }
  const leave = () => {
    emitter.off('connect', connected).off(errorMonitor, failed).off('close', failed).off('secureConnect', secure)
  }

  socket.on('session', session)
  if (socket.authorized) return secure()
  // First of all, so that an owner who connects again in his own listener finds what has become of it.
  socket.prependListener('secureConnect', secure)
  emitter.on('connect', connected).on(errorMonitor, failed).on('close', failed)
}
