import { once } from 'node:events'
import tls, { type ConnectionOptions } from 'node:tls'
import { visit } from './tls-server.ts'

/** The last session that a server gives. */
export async function sessionOf(connection: ConnectionOptions): Promise<Buffer> {
  const socket = tls.connect(connection)
  let session: Buffer | undefined
  socket.on('session', (given: Buffer) => (session = given))
  await visit(socket)
  if (session === undefined) throw new Error('The server has given no session.')
  return session
}

/** Whether a server knows a session. */
export const resumes = (connection: ConnectionOptions, session: Buffer): Promise<boolean> => visit(tls.connect({ ...connection, session }))

/** A port of this machine with the certificate of `authority` for localhost. */
export const at = (port: number, ca: string, version?: 'TLSv1.2' | 'TLSv1.3'): ConnectionOptions => ({
  host: '127.0.0.1',
  servername: 'localhost',
  port,
  ca,
  ...(version && { minVersion: version, maxVersion: version })
})

/** What comes next from another process. */
export const messageOf = async (from: NodeJS.EventEmitter): Promise<unknown> => ((await once(from, 'message')) as [unknown])[0]
