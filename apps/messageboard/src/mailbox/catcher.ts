import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { callbackify } from 'node:util'
import PostalMime from 'postal-mime'
import { SMTPServer, type SMTPServerDataStream, type SMTPServerSession } from 'smtp-server'

/** A mail that was caught instead of being delivered. */
export interface CaughtMail {
  readonly id: string
  /** The envelope's recipients, joined by `, `. */
  readonly to: string
  readonly from: string
  readonly subject: string
  /** '' if the mail has no such part. */
  readonly text: string
  readonly html: string
  /** When it was caught, ISO 8601 in UTC. */
  readonly date: string
}

export interface MailCatcher {
  /** Where to send mail, e.g. `smtp://127.0.0.1:41234`. */
  readonly url: string
  /** Newest first. */
  readonly mails: readonly CaughtMail[]
  close(): Promise<void>
}

const maxMails = 200
const maxMailBytes = 256 * 1024

/**
 * A mail server that delivers nothing: what it takes is kept in memory for the mailbox page, the last 200 mails, until the
 * process ends. It listens on the loopback interface, on a port that the system chooses.
 */
export async function startMailCatcher(): Promise<MailCatcher> {
  const mails: CaughtMail[] = []

  const catchMail = async (stream: SMTPServerDataStream, session: SMTPServerSession): Promise<void> => {
    const chunks: Buffer[] = []
    for await (const chunk of stream as AsyncIterable<Buffer>) if (!stream.sizeExceeded) chunks.push(chunk)
    if (stream.sizeExceeded) throw Object.assign(new Error('The mail is too large.'), { responseCode: 552 })
    const mail = await PostalMime.parse(Buffer.concat(chunks))
    mails.unshift({
      id: randomUUID(),
      to: session.envelope.rcptTo.map(({ address }) => address).join(', '),
      from: mail.from?.address ?? '',
      subject: mail.subject ?? '',
      text: mail.text ?? '',
      html: mail.html ?? '',
      date: new Date().toISOString()
    })
    mails.length = Math.min(mails.length, maxMails)
  }

  const server = new SMTPServer({
    // On this machine nobody listens in, and there is nobody to log in as.
    disabledCommands: ['AUTH', 'STARTTLS'],
    disableReverseLookup: true,
    size: maxMailBytes,
    maxClients: 50,
    closeTimeout: 1000,
    onData: callbackify(catchMail)
  })
  // A client that goes away in the middle of a mail is its own problem.
  server.on('error', () => {})
  server.listen(0, '127.0.0.1')
  await once(server.server, 'listening')
  const { port } = server.server.address() as AddressInfo

  return {
    url: `smtp://127.0.0.1:${port}`,
    mails,
    close: () => new Promise((resolve) => server.close(() => resolve()))
  }
}
