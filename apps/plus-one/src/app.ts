import { join } from 'node:path'
import fastifyStatic from '@fastify/static'
import fastify, { type FastifyInstance } from 'fastify'
import { fastifyGsWs, sqliteStore } from 'fastify-gs-ws'
import { openSharedCounter } from './shared-counter.ts'

declare module 'fastify-gs-ws' {
  interface WsSessionData {
    count?: number
  }
}

export interface AppOptions {
  /** Where the counters are kept; must exist. */
  readonly dataDirectory: string
  /** The built page. */
  readonly webDirectory: string
  readonly logger?: boolean
}

export async function buildApp({ dataDirectory, webDirectory, logger = false }: AppOptions): Promise<FastifyInstance> {
  const app = fastify({ logger, forceCloseConnections: true })
  const store = await sqliteStore({ path: join(dataDirectory, 'sessions.sqlite3') })
  const shared = openSharedCounter(join(dataDirectory, 'shared.sqlite3'))
  app.addHook('onClose', () => shared.close())

  await app.register(fastifyGsWs, {
    path: '/ws',
    store,
    onSession: (conn) => {
      conn.send('mine', conn.session.data.count ?? 0)
      conn.send('shared', shared.value())
    }
  })

  app.gsWs.on('plus-one', async (conn) => {
    const count = await conn.update((data) => (data.count = (data.count ?? 0) + 1))
    for (const window of conn.session.connections) window.send('mine', count)
  })

  app.gsWs.on('plus-one-shared', async (conn) => {
    const value = shared.add()
    for (const each of app.gsWs.connections) each.send('shared', value)
    // Writes that this message was handled: it is not counted again, not even after a restart.
    await conn.save()
  })

  await app.register(fastifyStatic, {
    root: webDirectory,
    setHeaders: (reply) => {
      void reply.header(
        'content-security-policy',
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'"
      )
    }
  })
  return app
}
