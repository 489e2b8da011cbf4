import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import Fastify from 'fastify'
import fastifyGs, { gsMount, hashPassword } from 'fastify-gs'

/*
 * A site of plain HTML pages, as the README of gs-ui describes it. It is a process of its own, because it runs as its users run it: from
 * source. Says its address in one line and ends with its input.
 */

const port = Number(process.env['PORT'])
const origin = `http://localhost:${port}`
const widget = dirname(fileURLToPath(import.meta.resolve('gs-ui/lwsgs.js')))
const mails: { to: string; subject: string; text: string; html: string; date: string }[] = []

const app = Fastify()
app.addHook('onRequest', async (_request, reply) => {
  reply.header('content-security-policy', "default-src 'self'")
})
await app.register(fastifyGs, {
  baseUrl: origin,
  keys: ['a secret of the tests that is long enough'],
  database: { sqlite: ':memory:' },
  mail: {
    from: 'Site <noreply@site.test>',
    mailer: {
      async send(mail) {
        mails.push({ ...mail, date: new Date().toISOString() })
      },
      close() {}
    }
  },
  loginPage: '/',
  loginCodes: true,
  admin: { username: 'admin', passwordHash: await hashPassword('the password of the admin') },
  rateLimits: false
})
await app.register(gsMount, { prefix: '/lwsgs', root: widget })
await app.register(gsMount, { prefix: '/rewritten', root: widget, interpret: ['.js'] })

app.get('/mailbox/messages.json', () => mails)
/** As somebody does it who copies one file only. */
app.get('/copied/lwsgs.js', (_request, reply) => reply.type('text/javascript').send(readFileSync(join(widget, 'lwsgs.js'))))
app.get('/own.js', (_request, reply) =>
  reply.type('text/javascript').send('globalThis.seen = [lwsgs_user, lwsgs_auth, lwsgs_email]\nlwsgs_initial()\nlwsgs_initial()\n')
)

interface PageQuery {
  /** Path of the script. */
  readonly script?: string
  /** Where and how it stands: `defer` or `async` in the head, `head`, `end` of the body; `old` with a call in a script of the page. */
  readonly how?: string
  /** Attributes of the script and of the element. */
  readonly of?: string
  readonly attributes?: string
}

app.get<{ Querystring: PageQuery }>('/', (request, reply) => {
  const { script = '/lwsgs/lwsgs.js', how = 'defer', of = '', attributes = '' } = request.query
  const tag = (word = '') => `<script src="${script}" ${of} ${word}></script>`
  const head = how === 'defer' || how === 'async' ? tag(how) : how === 'end' ? '' : tag()
  const body = how === 'end' ? tag() : how === 'old' ? '<script src="/own.js"></script>' : ''
  return reply
    .type('text/html; charset=utf-8')
    .send(
      `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Plain</title>${head}</head><body><h1>Plain page</h1><div id="lwsgs" ${attributes}></div>${body}</body></html>`
    )
})
app.get('/favicon.ico', (_request, reply) => reply.code(204).send())
app.get('/goodbye', (_request, reply) => reply.type('text/html').send('<!doctype html><title>Goodbye</title><h1>Goodbye</h1>'))

await app.listen({ port, host: 'localhost' })
process.stdout.write(`${origin}\n`)
process.stdin.resume().on('end', () => void app.close())
