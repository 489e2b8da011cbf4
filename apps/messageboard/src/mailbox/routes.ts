import { join } from 'node:path'
import createError from '@fastify/error'
import fastifyStatic from '@fastify/static'
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import { isLoopbackAddress, isLoopbackHost } from '../loopback.ts'
import type { MailCatcher } from './catcher.ts'
import type { Html } from '../html.ts'
import { renderInbox, renderMail } from './page.ts'

const NotLocal = createError(
  'BOARD_MAILBOX_LOCAL',
  'The mailbox shows the links of all mails, so it opens only on the machine of the board itself, at its loopback address. Set SMTP_URL to have mails delivered.',
  403
)
const NoSuchMail = createError('BOARD_NOT_FOUND', 'There is no such mail. The mails are forgotten when the board stops.', 404)

/**
 * Whether a request comes from a person at this machine. The peer alone does not say so: a reverse proxy is a local peer too,
 * and so is a browser here that a strange page has lured to this port under a name of its own (DNS rebinding).
 */
export function isLocal(request: FastifyRequest): boolean {
  const { headers, socket } = request
  const proxied = headers.forwarded !== undefined || headers['x-forwarded-for'] !== undefined || headers.via !== undefined
  return !proxied && isLoopbackAddress(socket.remoteAddress ?? '') && isLoopbackHost(headers.host)
}

const sendPage = (reply: FastifyReply, page: Html) => reply.type('text/html; charset=utf-8').send(String(page))

/** `/mailbox/`: the mails that the built-in catcher has taken. */
export const mailboxRoutes: FastifyPluginAsync<{ catcher: MailCatcher }> = async (app, { catcher }) => {
  app.addHook('onRequest', async (request, reply) => {
    if (!isLocal(request)) throw new NotLocal()
    reply.header('cache-control', 'no-store')
  })
  // The page asks every two seconds, which nobody wants to read about.
  app.addHook('onRoute', (route) => {
    route.logLevel = 'warn'
  })

  await app.register(fastifyStatic, {
    root: join(import.meta.dirname, 'assets'),
    prefix: '/assets/',
    index: false,
    cacheControl: false,
    decorateReply: false
  })
  app.get('/', (_request, reply) => sendPage(reply, renderInbox(catcher.mails)))
  app.get('/messages.json', () => catcher.mails.map(({ id, to, subject, text, html, date }) => ({ id, to, subject, text, html, date })))
  app.get<{ Params: { id: string } }>('/:id', (request, reply) => {
    const mail = catcher.mails.find(({ id }) => id === request.params.id)
    if (mail === undefined) throw new NoSuchMail()
    return sendPage(reply, renderMail(mail))
  })
}
