import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { CliError } from '../cli-error.ts'
import { escapeHtml } from './error-pages.ts'

/*
 * What a login mount shows when its directory has nothing of its own: a start page, and the widget as lwsgs.js with the parts that it loads.
 */

export interface LoginPages {
  /** For what is no file below the mount of the logins. */
  readonly handler: (request: FastifyRequest, reply: FastifyReply) => FastifyReply | void
  /** For what is no file below another mount: pages there may name the script without a path. */
  readonly scriptOnly: (request: FastifyRequest, reply: FastifyReply) => FastifyReply | void
}

interface Settings {
  /** Of fastify-gs. */
  readonly prefix: string
  readonly siteName: string
}

/** What can be sent, with the name that browsers know it by. */
interface Body {
  readonly content: Buffer
  readonly etag: string
}

/** What the script loads when it is needed. It holds nothing of a session, so it goes out as it is. */
interface Part extends Body {
  readonly compressed: () => Body
}

interface Widget {
  readonly script: string
  /** By file name: `lwsgs-account.js`, `lwsgs-de.js` … */
  readonly parts: ReadonlyMap<string, Part>
}

const bodyOf = (content: Buffer): Body => ({
  content,
  etag: `"${createHash('sha256').update(content).digest('base64url').slice(0, 27)}"`
})

function readPart(path: string): Part {
  const plain = bodyOf(readFileSync(path))
  let compressed: Body | undefined
  return { ...plain, compressed: () => (compressed ??= bodyOf(gzipSync(plain.content, { level: 9 }))) }
}

let known: Widget | undefined

/** @throws {CliError} the widget is not built */
function readWidget(): Widget {
  const path = fileURLToPath(import.meta.resolve('gs-ui/lwsgs.js'))
  const directory = dirname(path)
  try {
    const names = readdirSync(directory).filter((name) => /^lwsgs-\w+\.js$/.test(name))
    return (known ??= {
      script: readFileSync(path, 'utf8'),
      parts: new Map(names.map((name) => [name, readPart(join(directory, name))]))
    })
  } catch (error) {
    throw new CliError(`The login widget ${path} is not built; run "npm run build".`, undefined, { cause: error })
  }
}

const escapeScript = (text: string) => text.replace(/[^A-Za-z0-9_.@-]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)

/** @param query for the way without scripts: where the visitor wanted to go */
function startPage({ prefix, siteName }: Settings, query: string): string {
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Your account · ${escapeHtml(siteName)}</title>
    <link rel="icon" href="data:,">
    <link rel="stylesheet" href="${prefix}/gs-page.css">
    <script src="${prefix}/lwsgs.js" defer></script>
  </head>
  <body>
    <main>
      <p class="site">${escapeHtml(siteName)}</p>
      <div id="lwsgs"></div>
      <noscript>
        <h1>Your account</h1>
        <p><a href="${prefix}/lwsgs-login${query}">Log in</a></p>
        <p><a href="${prefix}/lwsgs-register${query}">Sign up</a></p>
        <p><a href="${prefix}/lwsgs-change">Your account: password, address, devices, log out</a></p>
      </noscript>
    </main>
  </body>
</html>
`
}

const pageHeaders = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'referrer-policy': 'same-origin',
  'cache-control': 'no-cache'
}

/** @param symbols whether the mount replaces symbols in scripts, as it would in a file of its own */
export function createLoginPages(app: FastifyInstance, settings: Settings, symbols: boolean): LoginPages {
  // Without symbols everybody gets the same text: what the script needs to know besides stands there for good.
  const { script, parts } = readWidget()
  const widget = script.replaceAll('$lwsgs_prefix', escapeScript(settings.prefix))
  const { etag } = bodyOf(Buffer.from(widget))

  function sendWidget(request: FastifyRequest, reply: FastifyReply): FastifyReply {
    reply.type('text/javascript; charset=utf-8').header('x-content-type-options', 'nosniff')
    if (symbols) {
      reply.headers({ 'cache-control': 'private, no-store', 'cross-origin-resource-policy': 'same-origin' })
      // A page of another site could read in it who is logged in here; it gets the script without that.
      if (!isForeign(request, app.gs.origin)) {
        const session = app.gs.sessionInfo(request)
        const values = { user: session?.username ?? '', auth: String(session?.mask ?? 0), email: session?.email ?? '' }
        return reply.send(widget.replace(/\$lwsgs_(user|auth|email)/g, (_, name: keyof typeof values) => escapeScript(values[name])))
      }
    } else {
      reply.headers({ 'cache-control': 'no-cache', etag })
      if (request.headers['if-none-match'] === etag) return reply.code(304).send()
    }
    return reply.send(widget)
  }

  /** Null: there is no such part. */
  function sendPart(request: FastifyRequest, reply: FastifyReply): FastifyReply | null {
    const part = parts.get(nameOf(request))
    if (part === undefined) return null
    const { 'accept-encoding': accepted = '', 'if-none-match': held } = request.headers
    const isCompressed = /\bgzip\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))/.test(accepted)
    const { content, etag } = isCompressed ? part.compressed() : part
    reply.type('text/javascript; charset=utf-8').headers({
      'x-content-type-options': 'nosniff',
      'cache-control': isCurrent(request.query) ? 'public, max-age=31536000, immutable' : 'no-cache',
      vary: 'accept-encoding',
      etag
    })
    if (held === etag) return reply.code(304).send()
    if (isCompressed) reply.header('content-encoding', 'gzip')
    return reply.send(content)
  }

  /** Whether somebody asks for the version that is here: the script has its own in it. Another one must not be kept for good. */
  const isCurrent = (query: unknown) => {
    const { v } = query as { v?: unknown }
    return typeof v === 'string' && /^[0-9a-f]{12}$/.test(v) && script.includes(v)
  }

  const nameOf = (request: FastifyRequest) => (request.params as { '*'?: string })['*'] ?? ''
  const isRead = ({ method }: FastifyRequest) => method === 'GET' || method === 'HEAD'

  return {
    handler(request, reply) {
      if (!isRead(request)) return reply.callNotFound()
      const name = nameOf(request)
      if (name === 'lwsgs.js') return sendWidget(request, reply)
      if (name !== '') return sendPart(request, reply) ?? reply.callNotFound()
      const path = request.url.split('?', 1)[0]!
      // Addresses in the page are relative to its directory for people's own scripts.
      if (!path.endsWith('/')) return reply.redirect(`${path}/${request.url.slice(path.length)}`, 302)
      return reply
        .type('text/html; charset=utf-8')
        .headers(pageHeaders)
        .send(startPage(settings, nextOf(request)))
    },
    scriptOnly(request, reply) {
      if (!isRead(request)) return reply.callNotFound()
      return nameOf(request) === 'lwsgs.js' ? sendWidget(request, reply) : (sendPart(request, reply) ?? reply.callNotFound())
    }
  }
}

/** The page there checks where it leads. */
function nextOf({ query }: FastifyRequest): string {
  const { next } = query as { next?: unknown }
  return typeof next === 'string' && next.isWellFormed() ? `?next=${encodeURIComponent(next).replaceAll("'", '%27')}` : ''
}

function isForeign({ headers }: FastifyRequest, origin: string): boolean {
  const site = headers['sec-fetch-site']
  if (site !== undefined) return site !== 'same-origin' && site !== 'none'
  return headers.referer !== undefined && URL.parse(headers.referer)?.origin !== origin
}
