import Fastify from 'fastify'
import type { GsOptions } from '../options.ts'
import { fastifyGs } from '../plugin.ts'
import { Inbox, quickHasher } from './build.ts'
import { anyData } from './session-data.ts'
import { sessionKeys } from './session-processes.ts'

// The other process of a test: the same site on the same database.

const app = Fastify()
await app.register(fastifyGs, {
  baseUrl: 'http://localhost:7681',
  keys: sessionKeys,
  database: JSON.parse(process.argv[2]!) as GsOptions['database'],
  mail: { mailer: new Inbox(), from: 'Test <noreply@site.test>' },
  password: { hasher: quickHasher },
  rateLimits: false
})
app.get('/who', ({ gs }) => ({ username: gs.account?.username ?? null }))
app.get('/data', ({ gs }) => gs.data.read())
app.post('/data', ({ gs, body }) => anyData(gs).patch(body as Record<string, unknown>))
const address = await app.listen({ port: 0, host: '127.0.0.1' })
process.on('disconnect', () => void app.close())
process.send!(address)
