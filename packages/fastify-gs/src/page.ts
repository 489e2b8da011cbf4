import type { FastifyReply } from 'fastify'
import { html, type Html } from './html.ts'

/** Own pages run no script and load nothing but their style sheet; nobody may frame them (ASVS 3.4.3, 3.4.6). */
const contentSecurityPolicy = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

export const pageStylePath = '/gs-page.css'

export interface Page {
  readonly title: string
  readonly content: Html
  /** Whether it shows that something was refused: the title, which is read out first, says so. */
  readonly failed?: boolean
  /** Whether it shows a table, which needs room. */
  readonly wide?: boolean
}

/** Answers with a small page that works without scripts. Never stored: it may show what belongs to one visitor. */
export function sendPage(reply: FastifyReply, status: number, prefix: string, siteName: string, page: Page): FastifyReply {
  const { text } = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="robots" content="noindex" />
        <title>${page.failed === true ? 'Error: ' : ''}${page.title} · ${siteName}</title>
        <link rel="stylesheet" href="${prefix + pageStylePath}" />
      </head>
      <body>
        <main${page.wide === true ? html` class="wide"` : html``}>
          <p class="site">${siteName}</p>
          <h1>${page.title}</h1>
          ${page.content}
        </main>
      </body>
    </html> `
  return reply
    .code(status)
    .headers({
      'content-security-policy': contentSecurityPolicy,
      'cross-origin-opener-policy': 'same-origin',
      // Keeps the token of the address to this page; with no-referrer browsers would send "Origin: null" with the page's own form.
      'referrer-policy': 'strict-origin',
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store'
    })
    .type('text/html; charset=utf-8')
    .send(text)
}

/** Whether a person with a browser waits for a page, rather than a program for data. */
export function wantsPage(
  method: string,
  headers: { accept?: string | undefined; 'sec-fetch-mode'?: string | string[] | undefined }
): boolean {
  if (method !== 'GET' && method !== 'HEAD') return false
  const mode = headers['sec-fetch-mode']
  if (mode !== undefined) return mode === 'navigate'
  return headers.accept?.includes('text/html') ?? false
}
