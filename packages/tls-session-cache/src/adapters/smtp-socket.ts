import net, { type Socket } from 'node:net'
import type { TlsSessionCache } from '../session-cache.ts'
import { smtpError, smtpTimeout } from './smtp-error.ts'
import { smtpSettings, type SmtpSettings, type SmtpTransportOptions } from './smtp-settings.ts'
import { socketStep } from './socket-step.ts'
import { startTls } from './start-tls.ts'

/** What nodemailer goes on with; false: it connects by itself. */
export type SmtpSocket = false | { readonly connection: Socket; readonly secured: boolean; readonly secure: boolean }

/** The option `getSocket` of nodemailer's transports. */
export type GetSmtpSocket = (options: SmtpTransportOptions, callback: (error: Error | null, socket: SmtpSocket) => void) => void

export interface SmtpSocketOptions {
  /** Ends the connections that are being made, and lets none be made any more. It has no effect on those that nodemailer has. */
  readonly signal?: AbortSignal | undefined
}

/**
 * The option `getSocket` of nodemailer transports, with and without pool, by which their connections are resumed: with TLS from the first byte
 * (`secure: true`, port 465) and with STARTTLS. Everything else is set as always, in the options of the transport: `host`, `port`, `secure`,
 * `requireTLS`, `ignoreTLS`, `opportunisticTLS`, `tls`, `name`, `localAddress` and the timeouts. Its errors have nodemailer's codes.
 *
 * With STARTTLS, the connection is made here until it is encrypted; nodemailer gets it then with a greeting of ours before it and says EHLO again, as
 * it must (RFC 3207, 4.2).
 *
 * Neither the `signal` of a mail nor a `close()` of the transport comes here: what they find in the making goes on until it is done or its time is over.
 */
export function smtpSocket(cache: TlsSessionCache, { signal }: SmtpSocketOptions = {}): GetSmtpSocket {
  return (options, callback) => {
    // Out of the promise: what the callback throws is not for us.
    connect(cache, options, signal).then(
      (socket) => process.nextTick(callback, null, socket),
      (error: Error) => process.nextTick(callback, error, false)
    )
  }
}

const aborted = () => smtpError('Connecting was aborted', 'EABORT', 'CONN')

async function connect(cache: TlsSessionCache, options: SmtpTransportOptions, signal?: AbortSignal): Promise<SmtpSocket> {
  const settings = smtpSettings(options, Date.now())
  if (settings === null) return false
  if (signal?.aborted) throw aborted()
  const socket = open(cache, settings)
  const end = () => void socket.destroy()
  signal?.addEventListener('abort', end)
  // Between two steps nobody listens, and an error that nobody listens to ends the process.
  socket.on('error', () => undefined)
  try {
    await connected(socket, settings)
    if (settings.implicit) return { connection: socket, secured: true, secure: true }
    const started = await startTls(cache, socket, settings, Date.now)
    if (started.secure === null) {
      // Nodemailer begins again with EHLO, which is allowed at any time (RFC 5321, 4.1.4), and finds out by itself what it can do here.
      socket.unshift(`${started.greeting.replaceAll('\n', '\r\n')}\r\n`)
      return { connection: socket, secured: false, secure: false }
    }
    // Not that of the server: nothing counts that was said before the encryption.
    started.secure.unshift('220 encrypted\r\n')
    return { connection: started.secure, secured: true, secure: true }
  } catch (error) {
    socket.destroy()
    throw signal?.aborted ? aborted() : error
  } finally {
    signal?.removeEventListener('abort', end)
  }
}

function open(cache: TlsSessionCache, { implicit, target }: SmtpSettings): Socket {
  try {
    return implicit ? cache.connect(target) : net.connect(target)
  } catch (error) {
    throw smtpError(error as Error, 'ECONNECTION', 'CONN')
  }
}

/** Waits until it stands, with its encryption where that comes first. */
async function connected(socket: Socket, { deadline, dnsTimeout, implicit, target }: SmtpSettings): Promise<void> {
  const closed = () => smtpError('Connection closed unexpectedly', 'ECONNECTION', 'CONN')
  if (net.isIP(target.host) === 0)
    await socketStep<void>(
      socket,
      {
        within: Math.min(dnsTimeout, deadline - Date.now()),
        late: () => smtpError(`DNS lookup for ${target.host} timed out`, 'EDNS', 'CONN'),
        closed
      },
      (done) => ({ lookup: () => done() })
    )
  await socketStep<void>(
    socket,
    { within: deadline - Date.now(), late: () => smtpTimeout('Connection timeout', 'CONNECT_TIMEOUT'), closed },
    (done) => ({ [implicit ? 'secureConnect' : 'connect']: () => done() })
  )
}
