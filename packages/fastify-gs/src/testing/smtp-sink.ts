import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import type { TestContext } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { callbackify } from 'node:util'
import PostalMime, { type Email } from 'postal-mime'
import { SMTPServer, type SMTPServerOptions, type SMTPServerSession } from 'smtp-server'
import { certificate, certificateKey } from './certificate.ts'
import { Queue } from './queue.ts'

/** A mail as it arrived: envelope, whether it came encrypted, bytes, and what a mail program sees in them. */
export interface SunkMail {
  readonly from: string
  readonly to: readonly string[]
  readonly secure: boolean
  /** Whether its connection was resumed (TLS), as the server says; null: it was not encrypted. */
  readonly resumed: boolean | null
  readonly user: string | undefined
  readonly raw: string
  readonly parsed: Email
}

export interface SmtpSink {
  readonly port: number
  readonly mails: readonly SunkMail[]
  readonly next: () => Promise<SunkMail>
  /** Breaks off every connection that is encrypted. */
  readonly cut: () => Promise<void>
  readonly stop: () => Promise<void>
}

/** An SMTP server on loopback, without STARTTLS unless `disabledCommands` says otherwise, that keeps what it is sent; `accept` may refuse with a `responseCode`, before the mail counts. */
export async function startSmtpSink(
  t: TestContext,
  options: Omit<SMTPServerOptions, 'onData'> & { port?: number; accept?: (session: SMTPServerSession) => void | Promise<void> } = {}
): Promise<SmtpSink> {
  const { port = 0, accept, ...rest } = options
  const mails = new Queue<SunkMail>()
  const encrypted = new Map<string, TLSSocket>()
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    disableReverseLookup: true,
    closeTimeout: 1,
    cert: certificate,
    key: certificateKey,
    onSecure: (socket, { id }, done) => {
      encrypted.set(id, socket as TLSSocket)
      done()
    },
    ...rest,
    onData: callbackify(async (stream: AsyncIterable<Buffer>, session: SMTPServerSession) => {
      const raw = Buffer.concat(await Array.fromAsync(stream))
      await accept?.(session)
      const { mailFrom, rcptTo } = session.envelope
      mails.push({
        from: mailFrom === false ? '' : mailFrom.address,
        to: rcptTo.map(({ address }) => address),
        secure: session.secure,
        resumed: encrypted.get(session.id)?.isSessionReused() ?? null,
        user: session.user,
        raw: raw.toString('latin1'),
        parsed: await PostalMime.parse(raw)
      })
    }) as NonNullable<SMTPServerOptions['onData']>
  })
  // A client that breaks the connection is what some tests are about.
  server.on('error', () => undefined)
  server.listen(port, '127.0.0.1')
  await once(server.server, 'listening')
  let stopping: Promise<void> | undefined
  const stop = () => (stopping ??= new Promise<void>((resolve) => server.close(resolve)))
  const cut = async () => {
    const open = Array.from(encrypted.values()).filter((socket) => !socket.closed)
    await Promise.all(open.map((socket) => once(socket.end(), 'close')))
  }
  t.after(stop)
  return { port: (server.server.address() as AddressInfo).port, mails: mails.all, next: () => mails.next(), cut, stop }
}

/** A refusal that an SMTP server gives. */
export const smtpError = (responseCode: number) => Object.assign(new Error('refused by the test'), { responseCode })

export interface LineServer {
  readonly port: number
  /** Each line that any client has sent. */
  readonly lines: readonly string[]
  readonly nextConnection: () => Promise<Socket>
}

/** A server that behaves as no mail server should: `greet` sees each connection, `answer` each line and says what comes back. */
export async function startLineServer(
  t: TestContext,
  behaviour: {
    greet?: (socket: Socket, count: number) => void
    answer?: (line: string, socket: Socket, count: number) => string | undefined
  }
): Promise<LineServer> {
  const lines: string[] = []
  const connections = new Queue<Socket>()
  const server: Server = createServer((socket) => {
    const count = connections.all.length
    socket.on('error', () => undefined)
    behaviour.greet?.(socket, count)
    createInterface({ input: socket, crlfDelay: Infinity }).on('line', (line) => {
      lines.push(line)
      const reply = behaviour.answer?.(line, socket, count)
      if (reply !== undefined) socket.write(`${reply}\r\n`)
    })
    connections.push(socket)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    for (const socket of connections.all) socket.destroy()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, lines, nextConnection: () => connections.next() }
}

/** Says yes to everything that a client needs to send a mail; `mailEnded` answers the final dot. */
export function politeAnswers(mailEnded: (socket: Socket, count: number) => string | undefined = () => '250 taken') {
  const inMail = new WeakSet<Socket>()
  return (line: string, socket: Socket, count: number): string | undefined => {
    if (inMail.has(socket)) {
      if (line !== '.') return undefined
      inMail.delete(socket)
      return mailEnded(socket, count)
    }
    if (line === 'DATA') inMail.add(socket)
    if (line === 'QUIT') return '221 bye'
    return line === 'DATA' ? '354 go on' : '250 yes'
  }
}

/** A port of loopback on which nobody listens. */
export async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
