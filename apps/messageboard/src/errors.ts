import { STATUS_CODES } from 'node:http'
import createError from '@fastify/error'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'

export const NotFound = createError('BOARD_NOT_FOUND', 'There is nothing here.', 404)
export const NoWebsocket = createError('BOARD_NO_WEBSOCKET', 'There is no websocket at this address.', 404)

export const UrlInvalid = createError('BOARD_URL_INVALID', 'The address is not valid.', 400)

/** What a refusal may carry besides code and status. */
export interface Refusal extends FastifyError {
  /** The field of the body it is about. */
  readonly field?: string
  /** Seconds after which a new attempt makes sense. */
  readonly retryAfter?: number
}

/** Answers every error in one shape. What went wrong inside the server stays inside the server. */
export function answerError(error: Refusal, request: FastifyRequest, reply: FastifyReply): void {
  const statusCode = error.statusCode ?? 500
  const known = statusCode < 500 || statusCode === 503
  if (!known) request.log.error({ err: error }, 'request failed')
  if (error.retryAfter !== undefined) reply.header('retry-after', String(error.retryAfter))
  reply.code(statusCode).send({
    statusCode,
    code: known ? (error.code ?? 'BOARD_REFUSED') : 'BOARD_INTERNAL',
    error: STATUS_CODES[statusCode],
    message: known ? error.message : 'Something went wrong on the server.',
    ...(error.field !== undefined && { field: error.field })
  })
}
