import type { FastifyRequest } from 'fastify'
import pino, { type Logger } from 'pino'
import pretty from 'pino-pretty'

export type { Logger } from 'pino'

/** What the log tells of a request. Not the query: the links in mails have their token there. */
function requestForLog(request: FastifyRequest) {
  return { method: request.method, path: request.url.split('?', 1)[0], ip: request.ip }
}

/** The log of the server on stdout: for people on a terminal, lines of JSON elsewhere. */
export function createLog(level: string): Logger {
  const options = { level, base: null, serializers: { req: requestForLog, err: pino.stdSerializers.err } }
  if (process.stdout.isTTY) return pino(options, pretty({ translateTime: 'SYS:HH:MM:ss', singleLine: true, sync: true }))
  return pino(options, pino.destination({ dest: 1, sync: true }))
}
