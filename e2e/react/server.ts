// An application with the React package, for the tests: node server.ts <version of React> <port> <directory>. Says "serving" when it does.
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import fastifyStatic from '@fastify/static'
import Fastify from 'fastify'
import fastifyGs from 'fastify-gs'
import type { SessionInfo } from 'gs-ui'
import { build, type InlineConfig } from 'vite'

const [version = '', port = '', directory = ''] = process.argv.slice(2)
const here = import.meta.dirname
// Only the development build of React says what is wrong, and mounts everything twice in strict mode.
process.env['NODE_ENV'] = 'development'

const origin = `http://localhost:${port}`

/** The page is one source; which React it gets is decided here. */
const react: InlineConfig = {
  root: here,
  base: '/web/',
  configFile: false,
  logLevel: 'error',
  publicDir: false,
  resolve: {
    alias:
      version === '18'
        ? [
            { find: /^react(\/|$)/, replacement: `${join(here, '../node_modules/react-18')}$1` },
            { find: /^react-dom(\/|$)/, replacement: `${join(here, '../node_modules/react-dom-18')}$1` }
          ]
        : [],
    dedupe: ['react', 'react-dom']
  }
}
await build({
  ...react,
  build: {
    outDir: join(directory, 'web'),
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: 'es2022',
    cssCodeSplit: false,
    rolldownOptions: {
      input: join(here, 'main.tsx'),
      output: { entryFileNames: 'main.js', assetFileNames: '[name][extname]' }
    }
  }
})
await build({
  ...react,
  ssr: { noExternal: true },
  build: { ssr: join(here, 'render.tsx'), outDir: join(directory, 'server'), rolldownOptions: { output: { entryFileNames: 'render.mjs' } } }
})
const { render } = (await import(pathToFileURL(join(directory, 'server/render.mjs')).href)) as typeof import('./render.tsx')

const app = Fastify()
app.addHook('onRequest', async (_request, reply) => {
  reply.header('content-security-policy', "default-src 'self'")
})
await app.register(fastifyGs, {
  baseUrl: origin,
  keys: [randomBytes(32).toString('base64')],
  database: { sqlite: join(directory, 'gs.sqlite3') },
  mail: { mailer: { send: async () => undefined, close: () => undefined }, from: 'noreply@app.test' },
  loginCodes: true,
  loginPage: '/'
})
await app.register(fastifyStatic, { root: join(directory, 'web'), prefix: '/web/' })

const pageOf = (language: string, inside: string) => `<!doctype html>
<html lang="${language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Application</title><link rel="stylesheet" href="/web/style.css">
<script type="module" src="/web/main.js"></script></head><body>${inside}<footer>Footer</footer></body></html>`

/** Not rendered before the browser has the scripts. */
app.get<{ Querystring: { lang?: string } }>('/', (request, reply) =>
  reply.type('text/html').send(pageOf(request.query.lang ?? 'en', '<div id="root" class="gs-place"></div>'))
)

app.get('/favicon.ico', (_request, reply) => reply.code(204).send())

/** Rendered here, with what is known about the session. */
app.get('/rendered', async (request, reply) => {
  const { cookie } = request.headers
  const answer = await app.inject({ url: '/lwsgs/session', headers: cookie === undefined ? {} : { cookie } })
  const session = answer.json<SessionInfo>()
  const html = await render(new URL(request.url, origin).searchParams, session)
  const told = JSON.stringify(session).replaceAll('<', String.raw`\u003c`)
  // A visitor without a cookie gets one, which belongs to that session.
  if (answer.headers['set-cookie'] !== undefined) reply.header('set-cookie', answer.headers['set-cookie'])
  return reply
    .header('cache-control', 'private, no-store')
    .type('text/html')
    .send(pageOf('en', `<div id="root">${html}</div><script type="application/json" id="session">${told}</script>`))
})

await app.listen({ port: Number(port), host: '127.0.0.1' })
process.stdout.write('serving\n')
process.once('SIGTERM', () => void app.close())
