import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { CliError } from '../cli-error.ts'

export interface AccessLog {
  write(request: FastifyRequest, reply: FastifyReply): void
  /** Goes on in a new file after the old one was renamed. */
  reopen(): void
  close(): Promise<void>
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const two = (number: number) => String(number).padStart(2, '0')

function timestamp(date: Date): string {
  const day = `${two(date.getUTCDate())}/${months[date.getUTCMonth()]!}/${date.getUTCFullYear()}`
  return `${day}:${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())} +0000`
}

/** What a client sent must not look like another line, nor like the end of its field. */
const field = (text: string) =>
  text.slice(0, 2048).replace(/[^\x20-\x7e]|["\\]/gu, (character) => `\\x${character.codePointAt(0)!.toString(16).padStart(2, '0')}`)

/** Queries are left out: the links in mails have their token there. */
const withoutQuery = (address: string) => address.split(/[?#]/, 1)[0]!

/** One line for one request, in the combined format that log analysers know. */
export function accessLine(request: FastifyRequest, reply: FastifyReply, now = new Date()): string {
  const { headers, method, raw } = request
  const length = String(reply.getHeader('content-length') ?? '-')
  const target = `${method} ${field(withoutQuery(request.originalUrl))} HTTP/${raw.httpVersion}`
  const referer = field(withoutQuery(headers.referer ?? '-'))
  return `${request.ip} - - [${timestamp(now)}] "${target}" ${reply.statusCode} ${length} "${referer}" "${field(headers['user-agent'] ?? '-')}"\n`
}

/** @throws {CliError} the file cannot be written */
export async function openAccessLog(path: string, onError: (error: Error) => void): Promise<AccessLog> {
  const open = () => createWriteStream(path, { flags: 'a', mode: 0o600 })
  let file = open()
  try {
    await once(file, 'open')
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    throw new CliError(
      `The access log ${path} cannot be written (${code ?? message}); make its directory, or change "access-log".`,
      undefined,
      {
        cause: error
      }
    )
  }
  file.on('error', onError)
  return {
    write(request, reply) {
      // After an error nothing more goes there until it is opened again.
      if (file.writable) file.write(accessLine(request, reply))
    },
    reopen() {
      file.end()
      file = open()
      file.on('error', onError)
    },
    close: () =>
      new Promise((resolve) => {
        if (file.closed) return resolve()
        file.once('close', resolve)
        file.end()
      })
  }
}
