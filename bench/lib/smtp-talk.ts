import type { Socket } from 'node:net'

export interface SmtpTalk {
  /** Whether there is a greeting: not after STARTTLS. */
  readonly greet: boolean
  /** What is done when that is asked for; without, it is not offered. */
  readonly startTls?: () => void
}

/** Takes mails and forgets them. Servers that are meant for more wait 100 ms before they greet, and hide by that what is measured. */
export function talkSmtp(socket: Socket, { greet, startTls }: SmtpTalk): void {
  let rest = ''
  let inData = false
  const answer = (line: string): string | null => {
    if (inData) {
      if (line !== '.') return null
      inData = false
      return '250 taken'
    }
    switch (line.slice(0, 4).toUpperCase()) {
      case 'EHLO':
        return startTls === undefined ? '250 localhost' : '250-localhost\r\n250 STARTTLS'
      case 'DATA':
        inData = true
        return '354 go on'
      case 'STAR':
        return '220 begin'
      case 'QUIT':
        return '221 goodbye'
      default:
        return '250 fine'
    }
  }
  const read = (chunk: Buffer) => {
    const lines = (rest + chunk.toString('latin1')).split('\r\n')
    rest = lines.pop()!
    for (const line of lines) {
      const reply = answer(line)
      if (reply === null) continue
      socket.write(`${reply}\r\n`)
      if (reply.startsWith('221')) socket.end()
      if (!reply.startsWith('220')) continue
      socket.off('data', read)
      startTls?.()
    }
  }
  socket.on('error', () => undefined)
  socket.on('data', read)
  if (greet) socket.write('220 localhost ESMTP\r\n')
}
