import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import fastifyStatic from '@fastify/static'
import Fastify, { type FastifyReply, type FastifyRequest } from 'fastify'
import fastifyGsJwt, { generateJwk } from 'fastify-gs-jwt'

/*
 * A site of plain HTML pages with fastify-gs-jwt alone, as the READMEs describe it, and a site of somebody else who wants to do harm. It is a
 * process of its own, because it runs as its users run it: from source. Says its two addresses in one line and ends with its input.
 */

const port = Number(process.env['PORT'])
const origin = `http://localhost:${port}`
const evilOrigin = `http://localhost:${port + 1}`
/** Ahead of the clock of the machine, ms. */
let ahead = 0
/** What was deleted, and what the other site was told. */
const deleted: string[] = []
const told: string[] = []

const app = Fastify()
app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) =>
  done(null, Object.fromEntries(new URLSearchParams(String(body))))
)
app.addHook('onRequest', async (_request, reply) => {
  reply.header('content-security-policy', `default-src 'self'; connect-src 'self' ${evilOrigin}; form-action 'self' ${evilOrigin}`)
})
await app.register(fastifyGsJwt, {
  keys: { jwk: await generateJwk('ES256') },
  alg: 'ES256',
  iss: origin,
  aud: origin,
  cookieName: 'session',
  secure: false,
  renewFor: 3600,
  now: () => Date.now() + ahead
})
await app.register(fastifyStatic, {
  root: dirname(fileURLToPath(import.meta.resolve('gs-ui/gs-jwt.js'))),
  prefix: '/gs-ui/',
  allowedPath: (path) => path === '/gs-jwt.js'
})

const escapeHtml = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;')

function send(reply: FastifyReply, heading: string, body: string, script = ''): FastifyReply {
  const own = script === '' ? '' : `<script src="/gs-ui/gs-jwt.js" ${script} defer></script><script src="/own.js" defer></script>`
  return reply
    .type('text/html; charset=utf-8')
    .send(
      `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${heading}</title>${own}</head><body><h1>${heading}</h1>${body}</body></html>`
    )
}

const logIn = `<form method="post" action="/login"><label>Name <input name="name" required></label><button>Log in</button></form>`
const logOut = `<form method="post" action="/logout"><button>Log out</button></form>`
const who = ({ jwt }: FastifyRequest) => (jwt === null ? '<p>Nobody is logged in.</p>' : `<p>Logged in: ${escapeHtml(jwt.sub)}</p>`)

interface PageQuery {
  /** Attributes of the script. */
  readonly script?: string
}

/** Everybody may see it; there is more to see for members. Browsers may keep it, so it says for whom it was made. */
app.get<{ Querystring: PageQuery }>('/', (request, reply) => {
  const madeFor = request.jwt === null ? '' : ` data-sub="${escapeHtml(request.jwt.sub)}"`
  const { script = `data-renew="never"${madeFor}` } = request.query
  reply.header('cache-control', 'private, max-age=60')
  const more = `<ul><li>Secret of members <button data-delete="/messages/7/delete">Delete 7</button></li></ul>${logOut}`
  return send(reply, 'Home', who(request) + (request.jwt === null ? logIn : more) + '<a href="/about">About</a>', script)
})
app.get('/about', (_request, reply) => send(reply, 'About', '<a href="/">Home</a>'))

/** Only members may see it, and no browser keeps it. `data-jwt-csrf`: the script brings the claim along; without it the server has written it. */
app.get<{ Querystring: PageQuery }>('/members', { onRequest: app.requireJwt() }, (request, reply) => {
  const { script = 'data-at-expiry="leave"' } = request.query
  reply.header('cache-control', 'no-store')
  const body = `${who(request)}<p>Secret of members</p>
    <p role="status"><span data-jwt-expiring hidden>Your login ends soon.</span></p>
    <p><a data-jwt-csrf href="/messages/1/delete?really=yes#done">Delete 1</a></p>
    <p><a href="${escapeHtml(app.jwtCookie.csrfUrl(request, '/messages/2/delete'))}">Delete 2</a></p>
    <p><a href="/messages/1/delete">Delete without claim</a></p>
    <p><a data-jwt-csrf href="${evilOrigin}/told?from=link">Elsewhere</a></p>
    <p><a data-jwt-csrf href="/messages/8/delete" ping="${evilOrigin}/ping">Delete 8, and tell others</a></p>
    <p><a data-jwt-csrf data-change="/messages/9/restore" href="/messages/9/delete">Delete 9</a></p>
    <form data-jwt-csrf method="post" action="/messages/3/delete"><input type="hidden" name="action" value="delete">
      <button>Delete 3</button></form>
    <form method="post" action="/messages/4/delete">${app.jwtCookie.csrfInput(request)}<button>Delete 4</button></form>
    <form data-jwt-csrf action="${evilOrigin}/told"><input type="hidden" name="from" value="form"><button>Form elsewhere</button></form>
    <form data-jwt-csrf action="/about"><input type="hidden" name="from" value="button">
      <button formaction="${evilOrigin}/told">Button elsewhere</button></form>
    <p><button data-delete="/messages/5/delete">Delete 5</button> <output></output></p>
    <p><a href="/about">About</a></p>${logOut}`
  return send(reply, 'Members', body, script)
})
app.get('/own.js', (_request, reply) =>
  reply.type('text/javascript').send(`for (const button of document.querySelectorAll('[data-delete]'))
  button.addEventListener('click', async () => {
    const { status } = await gsJwt.fetch(button.dataset.delete, { method: 'POST' })
    document.querySelector('output').value = String(status)
  })
for (const link of document.querySelectorAll('[data-change]'))
  link.addEventListener('click', (event) => {
    event.preventDefault()
    link.setAttribute('href', link.dataset.change)
  })
globalThis.ends = []
addEventListener('gs-jwt-expired', ({ detail }) => ends.push(detail.reason))
`)
)
app.route<{ Params: { id: string } }>({
  method: ['GET', 'POST'],
  url: '/messages/:id/delete',
  onRequest: app.requireJwt({ csrf: true }),
  handler: (request, reply) => {
    deleted.push(`${request.params.id} by ${request.jwt!.sub}`)
    return send(reply, 'Deleted', `<p>${escapeHtml(JSON.stringify(request.query))}</p>`)
  }
})
app.post<{ Body: { name: string; expiresIn?: string } }>('/login', async ({ body }, reply) => {
  await app.jwtCookie.set(reply, { sub: body.name, ...(body.expiresIn !== undefined && { expiresIn: Number(body.expiresIn) }) })
  return reply.redirect('/', 303)
})
/** A login that answers with a page, at the address of its form. */
app.get('/enter', (request, reply) =>
  send(reply, 'Enter', `${who(request)}<form method="post"><input type="hidden" name="name" value="eve"><button>Enter</button></form>`)
)
app.post<{ Body: { name: string } }>('/enter', async (request, reply) => {
  await app.jwtCookie.set(reply, { sub: request.body.name })
  return send(reply, 'Entered', who(request), 'data-renew="never"')
})
app.post('/logout', async (request, reply) => {
  await app.jwtCookie.end(request, reply)
  return reply.redirect('/', 303)
})
app.get('/favicon.ico', (_request, reply) => reply.code(204).send())

/** For the tests: time passes; what has happened. */
app.post<{ Body: { ms: number } }>('/clock', ({ body }) => ({ ahead: (ahead += body.ms) }))
app.get('/log', () => ({ deleted, told }))

const evil = Fastify()
evil.get('/told', ({ url }, reply) => {
  told.push(url)
  return reply.type('text/html').send('<!doctype html><title>Thanks</title><h1>Thanks</h1>')
})
evil.addContentTypeParser('text/ping', (_request, _body, done) => done(null))
evil.post('/ping', ({ headers }) => {
  told.push(`/ping ${String(headers['ping-to'])}`)
  return {}
})
evil.get('/favicon.ico', (_request, reply) => reply.code(204).send())
evil.get('/', (_request, reply) =>
  send(
    reply,
    'You have won',
    `<p><a href="${origin}/messages/6/delete">Take it</a></p><p><a href="${origin}/messages/6/delete?csrf=0123456789abcdef">Take it all</a></p>
    <form method="post" action="${origin}/messages/6/delete"><button>Post it</button></form>`
  )
)

await app.listen({ port, host: 'localhost' })
await evil.listen({ port: port + 1, host: 'localhost' })
process.stdout.write(`${origin} ${evilOrigin}\n`)
process.stdin.resume().on('end', () => void Promise.all([app.close(), evil.close()]))
