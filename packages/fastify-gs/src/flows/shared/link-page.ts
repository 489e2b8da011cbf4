import type { FastifyInstance } from 'fastify'
import { TokenQuery } from '../../api.ts'
import { html } from '../../html.ts'
import { sendPage } from '../../page.ts'
import { documented, type FlowServices } from './flow.ts'

export interface LinkPage {
  readonly path: string
  /** The call that the button posts to. */
  readonly action: string
  readonly title: string
  readonly text: string
  readonly button: string
}

/**
 * The page behind a mail link. It changes nothing by itself and does not even look the token up: mail scanners and prefetching
 * browsers open links, but they press no buttons. It says nothing about the account.
 */
export function linkPage(app: FastifyInstance, services: FlowServices, page: LinkPage): void {
  const { prefix, siteName } = services.options
  // Below "warn" Fastify logs the address of each request, and this one has the token in it.
  const route = { logLevel: 'warn' as const, schema: documented(page.title, { querystring: TokenQuery }) }
  app.get<{ Querystring: TokenQuery }>(page.path, route, (request, reply) =>
    sendPage(reply, 200, prefix, siteName, {
      title: page.title,
      content: html`<p>${page.text}</p>
        <form method="post" action="${prefix + page.action}">
          <input type="hidden" name="token" value="${request.query.token ?? ''}" />
          <button type="submit">${page.button}</button>
        </form>`
    })
  )
}
