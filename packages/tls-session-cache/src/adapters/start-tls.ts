import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { TlsSessionCache } from '../session-cache.ts'
import { readReply, sendCommand } from './read-reply.ts'
import { smtpError, smtpTimeout } from './smtp-error.ts'
import type { SmtpSettings } from './smtp-settings.ts'
import { socketStep } from './socket-step.ts'

/** What became of it: encrypted, or not offered, with what the server had said first. */
export type Started = { readonly secure: TLSSocket } | { readonly secure: null; readonly greeting: string }

/** Talks with an SMTP server, on a connection that has just been made, until it is encrypted (RFC 3207). */
export async function startTls(cache: TlsSessionCache, socket: Socket, settings: SmtpSettings, now: () => number): Promise<Started> {
  const { hello, longestReply, required } = settings
  const left = () => settings.deadline - now()
  const ask = (command: string) => {
    sendCommand(socket, command)
    return readReply(socket, longestReply, {
      within: Math.min(settings.socketTimeout, left()),
      late: () => smtpTimeout('Timeout', 'SOCKET_TIMEOUT')
    })
  }

  const greeting = await readReply(socket, longestReply, {
    within: Math.min(settings.greetingTimeout, left()),
    late: () => smtpTimeout('Greeting never received', 'GREETING_TIMEOUT')
  })
  if (!greeting.startsWith('220')) throw smtpError(`Invalid greeting. response=${greeting}`, 'EPROTOCOL', 'CONN', greeting)

  const extensions = await ask(hello)
  if (extensions.startsWith('421'))
    throw smtpError(`Server terminates connection. response=${extensions}`, 'ECONNECTION', 'EHLO', extensions)
  const isUnderstood = extensions.startsWith('2')
  if (!isUnderstood && hello.startsWith('LHLO')) throw smtpError(`Invalid LHLO. response=${extensions}`, 'EPROTOCOL', 'LHLO', extensions)
  if (!isUnderstood && required)
    throw smtpError(`EHLO failed but HELO does not support required STARTTLS. response=${extensions}`, 'ECONNECTION', 'EHLO', extensions)
  // Who requires it asks for it in any case: it may only have been taken out of the list on its way.
  if (!required && !(isUnderstood && /^\d{3}[ -]STARTTLS\b/im.test(extensions))) return { secure: null, greeting }

  const answer = await ask('STARTTLS')
  if (!answer.startsWith('2')) {
    if (settings.opportunistic) return { secure: null, greeting }
    throw smtpError('Error upgrading connection with STARTTLS', 'ETLS', 'STARTTLS', answer)
  }
  // Whatever else is here was sent by somebody who wants it to be taken for encrypted.
  if (socket.readableLength > 0) throw smtpError('Bytes after the reply to STARTTLS that were not encrypted', 'ETLS', 'STARTTLS')
  return { secure: await upgrade(cache, socket, settings, left) }
}

async function upgrade(cache: TlsSessionCache, socket: Socket, settings: SmtpSettings, left: () => number): Promise<TLSSocket> {
  let secure: TLSSocket
  try {
    secure = cache.connect({ ...settings.target, socket })
  } catch (error) {
    throw smtpError(`Error initiating TLS - ${(error as Error).message}`, 'ETLS', 'STARTTLS')
  }
  secure.on('error', () => undefined)
  try {
    await socketStep<void>(
      secure,
      {
        within: Math.min(settings.greetingTimeout, left()),
        late: () => smtpTimeout('TLS handshake timed out', 'UPGRADE_TIMEOUT'),
        closed: () => smtpError('Connection closed unexpectedly', 'ETLS', 'CONN')
      },
      (done) => ({ secureConnect: () => done() })
    )
    return secure
  } catch (error) {
    secure.destroy()
    throw error
  }
}
