import type { FastifyReply, FastifyRequest } from 'fastify'
import { returnPath } from '../../sessions/return-path.ts'
import type { FlowServices } from './flow.ts'

/** What the login page should tell a visitor who comes from a form or a mail link (`?gs=…`). */
export type Notice =
  | 'loggedin'
  | 'loggedout'
  | 'registered'
  | 'verified'
  | 'other'
  | 'sent'
  | 'codesent'
  | 'forgot'
  | 'changed'
  | 'emailsent'
  | 'emailchanged'
  | 'emailrestored'
  | 'ended'
  | 'endedothers'
  | 'deleted'
  | 'saved'
  | 'adminchanged'

/** Whether the body came from a plain HTML form. */
export function isForm(request: FastifyRequest): boolean {
  return request.headers['content-type']?.startsWith('application/x-www-form-urlencoded') ?? false
}

/** A program gets JSON; a form is sent on to the page it asked for, or to the login page with a notice. */
export function answer(
  services: FlowServices,
  request: FastifyRequest,
  reply: FastifyReply,
  outcome: { status: number; body: object; notice: Notice }
) {
  if (!isForm(request)) return reply.code(outcome.status).send(outcome.body)
  const { origin, loginPage } = services.options
  const wanted = returnPath((request.body as { next?: unknown } | undefined)?.next, origin)
  return reply.redirect(wanted ?? `${loginPage}?gs=${outcome.notice}`, 303)
}
