import type { Socket } from 'node:net'
import { smtpError } from './smtp-error.ts'
import { socketStep, type StepLimits } from './socket-step.ts'

const tooMuch = () => smtpError('The server has sent more than one reply', 'EPROTOCOL', 'CONN')

/** Each byte is one character until here, because a character may come in two packets. */
function decode(bytes: string): string {
  const text = Buffer.from(bytes, 'latin1').toString('utf8')
  return text.includes('\uFFFD') ? bytes : text
}

/**
 * One reply of an SMTP server, its lines joined by LF. The socket is paused then. A server that says more than it was asked for is not listened to any
 * further: what it sends ahead could be taken for the reply to a command that it has not seen (RFC 3207, 6).
 */
export function readReply(socket: Socket, longest: number, limits: Omit<StepLimits, 'closed'>): Promise<string> {
  let rest = ''
  let size = 0
  const lines: string[] = []
  const closed = () => {
    // Some say why they close without ending the line.
    const said = decode(rest.trim())
    return smtpError('Connection closed unexpectedly', 'ECONNECTION', 'CONN', /^[45]\d{2}[ -]/.test(said) ? said : undefined)
  }
  const reply = socketStep<string>(socket, { ...limits, closed }, (done, fail) => ({
    data: (chunk: Buffer) => {
      size += chunk.length
      const text = chunk.toString('latin1')
      rest += text
      if (size > longest) {
        fail(smtpError('Server response exceeds maximum allowed size', 'EPROTOCOL', 'CONN'))
        return
      }
      // A line that comes byte by byte is looked at once.
      if (!text.includes('\n')) return
      const found = rest.split(/\r?\n/)
      rest = found.pop()!
      for (const [index, line] of found.entries()) {
        // Some begin with an empty line.
        if (lines.length === 0 && line.trim() === '') continue
        lines.push(line)
        if (/^\d{3}-/.test(line)) continue
        socket.pause()
        if (index < found.length - 1 || rest !== '' || socket.readableLength > 0) fail(tooMuch())
        else done(decode(lines.join('\n')))
        return
      }
    }
  }))
  socket.resume()
  return reply
}

/** Sends a command. @throws The server has already said something that was to come after it. */
export function sendCommand(socket: Socket, command: string): void {
  if (socket.readableLength > 0) throw tooMuch()
  socket.write(`${command}\r\n`)
}
