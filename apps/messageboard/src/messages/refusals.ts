import type { FastifyBaseLogger, FastifyError } from 'fastify'
import { isDatabaseTrouble } from './database.ts'
import { BodyInvalid, BodyTooLarge, ContentType, QueryInvalid, Unavailable } from './errors.ts'

/** Gives Fastify's own refusals of a request, and troubles of the database, the board's codes; anything else is not ours. */
export function translate(error: FastifyError): FastifyError {
  if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE') return new BodyTooLarge()
  if (error.code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') return new ContentType()
  if (error.validation !== undefined)
    return error.validationContext === 'body' ? new BodyInvalid(error.message) : new QueryInvalid(error.message)
  if (error.code?.startsWith('FST_ERR_CTP_')) return new BodyInvalid('it cannot be read.')
  if (isDatabaseTrouble(error)) return Object.assign(new Unavailable(), { cause: error, retryAfter: 1 })
  return error
}

/** What a client of the websocket is told of an error. What went wrong inside the server stays inside the server. */
export function refusalOf(error: unknown, log: FastifyBaseLogger): { readonly code: string; readonly message: string } {
  const { code, message, statusCode = 500 } = translate(error as FastifyError)
  if (statusCode >= 500) log.error({ err: error }, 'a frame could not be carried out')
  return statusCode < 500 || statusCode === 503
    ? { code: code ?? 'BOARD_REFUSED', message }
    : { code: 'BOARD_INTERNAL', message: 'Something went wrong on the server.' }
}
