import { STATUS_CODES } from 'node:http'
import createError from '@fastify/error'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { html } from './html.ts'

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

/** Whether a request has a form as its body. */
export const isForm = ({ headers }: FastifyRequest): boolean =>
  headers['content-type']?.toLowerCase().startsWith('application/x-www-form-urlencoded') ?? false

/** Whether a person looks at the answer, rather than a script. */
const wantsPage = (request: FastifyRequest) => opensPage(request) && showsPage(request)

const opensPage = (request: FastifyRequest) => request.method === 'GET' || request.method === 'HEAD' || isForm(request)

const showsPage = ({ headers }: FastifyRequest) =>
  headers['sec-fetch-mode'] === undefined ? (headers.accept?.includes('text/html') ?? false) : headers['sec-fetch-mode'] === 'navigate'

const page = (message: string) =>
  html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${message} – Message board</title>
        <link rel="icon" href="data:," />
        <link rel="stylesheet" href="/lwsgs/gs-page.css" />
      </head>
      <body>
        <main>
          <p class="site">Message board</p>
          <h1>${message}</h1>
          <p><a href="/lwsgs/">To the start page</a></p>
        </main>
      </body>
    </html>`

/** Answers every error in one shape, people with a page. What went wrong inside the server stays inside the server. */
export function answerError(error: Refusal, request: FastifyRequest, reply: FastifyReply): void {
  const statusCode = error.statusCode ?? 500
  const known = statusCode < 500 || statusCode === 503
  if (!known) request.log.error({ err: error }, 'request failed')
  if (error.retryAfter !== undefined) reply.header('retry-after', String(error.retryAfter))
  const message = known ? error.message : 'Something went wrong on the server.'
  reply.code(statusCode)
  if (wantsPage(request)) {
    reply.type('text/html; charset=utf-8').send(String(page(message)))
    return
  }
  reply.send({
    statusCode,
    code: known ? (error.code ?? 'BOARD_REFUSED') : 'BOARD_INTERNAL',
    error: STATUS_CODES[statusCode],
    message,
    ...(error.field !== undefined && { field: error.field })
  })
}
