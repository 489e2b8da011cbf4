import type { TLSSocket } from 'node:tls'

export interface Outcome {
  /** The code of the error; null: the handshake was done. */
  readonly refused: string | null
  readonly resumed: boolean
  readonly authorized: boolean
  /** Those that came until the connection was closed. */
  readonly sessions: readonly Buffer[]
}

/** Waits for the line of the server, says goodbye, and tells what there was. */
export async function outcomeOf(socket: TLSSocket): Promise<Outcome> {
  const sessions: Buffer[] = []
  let refused: string | null = null
  let resumed = false
  let authorized = false
  socket.on('session', (session) => sessions.push(session))
  socket.once('secureConnect', () => {
    resumed = socket.isSessionReused()
    authorized = socket.authorized
  })
  socket.once('data', () => socket.end())
  return await new Promise((resolve) => {
    socket.on('error', (error: NodeJS.ErrnoException) => (refused = error.code ?? error.message))
    socket.once('close', () => resolve({ refused, resumed, authorized, sessions }))
  })
}
