import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { text } from 'node:stream/consumers'
import { callbackify } from 'node:util'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'

export interface TestMail {
  /** Whether the connection was resumed, as the server says; null: it was not encrypted. */
  readonly resumed: boolean | null
  readonly user: string | undefined
  readonly hello: string
  readonly body: string
}

export interface MailServer {
  readonly port: number
  readonly mails: readonly TestMail[]
  readonly server: SMTPServer
}

/** A mail server on loopback that keeps what it is sent; anyone may log in as `mailer`. */
export async function mailServer(t: TestContext, options: SMTPServerOptions, host = '127.0.0.1'): Promise<MailServer> {
  const mails: TestMail[] = []
  const sockets = new Map<string, TLSSocket>()
  const server = new SMTPServer({
    authOptional: true,
    disableReverseLookup: true,
    closeTimeout: 1,
    onAuth: ({ password, username }, _session, done) =>
      password === 'right' ? done(null, { user: username }) : done(new Error('no such user')),
    onSecure: (socket, session, done) => {
      sockets.set(session.id, socket as TLSSocket)
      done()
    },
    ...options,
    onData: callbackify(async (stream: NodeJS.ReadableStream, session: { id: string; user?: string; hostNameAppearsAs: string }) => {
      const body = await text(stream)
      mails.push({
        resumed: sockets.get(session.id)?.isSessionReused() ?? null,
        user: session.user,
        hello: session.hostNameAppearsAs,
        body
      })
    }) as unknown as NonNullable<SMTPServerOptions['onData']>
  })
  server.on('error', () => undefined)
  server.listen(0, host)
  await once(server.server, 'listening')
  t.after(() => new Promise<void>((resolve) => server.close(resolve)))
  return { port: (server.server.address() as AddressInfo).port, mails, server }
}

export interface ScriptedServer {
  readonly port: number
  /** Each line that any client has sent. */
  readonly lines: readonly string[]
  /** Connections that are open. */
  readonly open: ReadonlySet<Socket>
  /** When every connection that there was is closed. */
  readonly idle: () => Promise<void>
  readonly stop: () => Promise<void>
}

/** A mail server that misbehaves: `greet` sees each connection, `answers` has the reply to each command, or what is done with it. */
export async function scriptedServer(
  t: TestContext,
  greet: (socket: Socket) => void,
  answers: Readonly<Record<string, string | ((socket: Socket) => void)>> = {}
): Promise<ScriptedServer> {
  const lines: string[] = []
  const open = new Set<Socket>()
  const server = createServer((socket) => {
    open.add(socket)
    socket.on('close', () => {
      open.delete(socket)
      if (open.size === 0) server.emit('idle')
    })
    socket.on('error', () => undefined)
    let rest = ''
    socket.on('data', (chunk) => {
      const found = (rest + chunk.toString('latin1')).split('\r\n')
      rest = found.pop()!
      for (const line of found) {
        lines.push(line)
        const answer = answers[line.split(' ')[0]!]
        if (typeof answer === 'string') socket.write(answer)
        else answer?.(socket)
      }
    })
    greet(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const stop = async () => {
    if (!server.listening) return
    for (const socket of open) socket.destroy()
    server.close()
    await once(server, 'close')
  }
  t.after(stop)
  return {
    stop,
    port: (server.address() as AddressInfo).port,
    lines,
    open,
    idle: async () => {
      if (open.size > 0) await once(server, 'idle')
    }
  }
}
