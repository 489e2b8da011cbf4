import { STATUS_CODES } from 'node:http'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (character) => entities[character]!)

/** Whether a person with a browser waits, rather than a program or a part of a page. */
function wantsPage({ method, headers }: FastifyRequest): boolean {
  if (method !== 'GET' && method !== 'HEAD' && method !== 'POST') return false
  const mode = headers['sec-fetch-mode']
  if (mode !== undefined) return mode === 'navigate'
  return headers.accept?.includes('text/html') ?? false
}

function answer(request: FastifyRequest, reply: FastifyReply, status: number, code: string, message: string): void {
  const title = STATUS_CODES[status] ?? 'Error'
  reply.code(status).header('cache-control', 'no-store')
  if (!wantsPage(request)) {
    reply.type('application/json; charset=utf-8').send({ statusCode: status, code, error: title, message })
    return
  }
  reply
    .headers({ 'content-security-policy': "default-src 'none'; frame-ancestors 'self'", 'x-content-type-options': 'nosniff' })
    .type('text/html; charset=utf-8')
    .send(
      `<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark"><title>${escapeHtml(title)}</title></head>\n<body><h1>${escapeHtml(title)}</h1><p>${escapeHtml(message)}</p></body>\n</html>\n`
    )
}

export function answerError(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  const status = error.statusCode ?? 500
  if (status < 500) return answer(request, reply, status, error.code ?? 'GS_REFUSED', error.message)
  request.log.error({ err: error, req: request }, 'request failed')
  answer(request, reply, status, error.code ?? 'GS_FAILED', status === 500 ? 'Something went wrong here.' : error.message)
}

/** What is answered to requests that nobody has an answer for; `document`: the address of a page of the site for missing files. */
export function setErrorPages(app: FastifyInstance, document: string | null): void {
  app.setErrorHandler(answerError)
  app.setNotFoundHandler((request, reply) => {
    const isPage = request.method === 'GET' || request.method === 'HEAD'
    // Without the check a missing document would be looked for without end.
    if (document !== null && isPage && request.url.split('?', 1)[0] !== document)
      return reply.header('cache-control', 'no-store').redirect(document, 302)
    answer(request, reply, 404, 'GS_NOT_FOUND', 'There is nothing at this address.')
    return reply
  })
}
