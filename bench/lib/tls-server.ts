import { constants } from 'node:crypto'
import https from 'node:https'
import net, { type AddressInfo } from 'node:net'
import tls, { type TLSSocket } from 'node:tls'
import { talkSmtp } from './smtp-talk.ts'
import type { TlsSetup, TlsUse } from './tls-process.ts'

// A server of bench/tls.ts, in a process of its own so that its CPU is only its own.

const { cert, key, kind, tickets = true, version } = JSON.parse(process.argv[2]!) as TlsSetup
const settings = {
  cert,
  key,
  minVersion: version,
  maxVersion: version,
  ...(!tickets && { secureOptions: constants.SSL_OP_NO_TICKET })
}

let connections = 0
let resumed = 0
const count = (socket: TLSSocket) => {
  socket.on('error', () => undefined)
  connections++
  if (socket.isSessionReused()) resumed++
}

function lineServer(): tls.Server {
  const server = tls.createServer(settings, (socket) => {
    count(socket)
    socket.write('hello\n')
  })
  if (tickets) return server
  const sessions = new Map<string, Buffer>()
  server.on('newSession', (id: Buffer, session: Buffer, done: () => void) => {
    sessions.set(id.toString('latin1'), session)
    done()
  })
  server.on('resumeSession', (id: Buffer, done: (error: Error | null, session: Buffer | null) => void) =>
    done(null, sessions.get(id.toString('latin1')) ?? null)
  )
  return server
}

function httpsServer(): https.Server {
  const server = https.createServer(settings, (_request, response) => {
    response.setHeader('connection', 'close')
    response.end('hello')
  })
  server.on('secureConnection', count)
  return server
}

function mailServer(): net.Server {
  const encrypted = tls.createServer(settings, (socket) => {
    count(socket)
    talkSmtp(socket, { greet: kind === 'smtps' })
  })
  if (kind === 'smtps') return encrypted
  return net.createServer((socket) => talkSmtp(socket, { greet: true, startTls: () => encrypted.emit('connection', socket) }))
}

process.on('message', () => {
  const { user, system } = process.cpuUsage()
  process.send!({ cpu: user + system, connections, resumed } satisfies TlsUse)
})
process.on('disconnect', () => process.exit())
const server = kind === 'line' ? lineServer() : kind === 'https' ? httpsServer() : mailServer()
server.listen(0, '127.0.0.1', () => process.send!((server.address() as AddressInfo).port))
