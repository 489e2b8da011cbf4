import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Fastify, { type FastifyInstance } from 'fastify'
import fastifyGs, { type Mail } from 'fastify-gs'

export const password = 'correct horse battery staple'

/** An application with fastify-gs as its defaults make it, and members who have verified their address. */
export async function buildBenchApp(
  members: number,
  routes?: (app: FastifyInstance) => Promise<void>
): Promise<{ app: FastifyInstance; cookies: string[]; close: () => Promise<void> }> {
  const directory = mkdtempSync(join(tmpdir(), 'gs-bench-'))
  const links = new Map<string, string>()
  const waiting = new Map<string, (token: string) => void>()
  const mailer = {
    async send(mail: Mail) {
      const token = /token=([\w-]+)/.exec(mail.text)?.[1] ?? ''
      links.set(mail.to, token)
      waiting.get(mail.to)?.(token)
    },
    close() {}
  }
  const app = Fastify()
  await app.register(async (scope) => {
    scope.get('/healthz', () => ({ ok: true }))
  })
  await app.register(fastifyGs, {
    baseUrl: 'http://localhost',
    keys: ['only-for-measuring-0123456789-abcdef'],
    database: { sqlite: join(directory, 'gs.sqlite3') },
    mail: { mailer, from: 'noreply@site.test' },
    rateLimits: false
  })
  app.get('/me', (request) => ({ name: request.gs.account?.username ?? null }))
  await routes?.(app)
  await app.ready()

  const cookies: string[] = []
  for (let i = 0; i < members; i++) {
    const email = `member${i}@mail.test`
    const arrived = new Promise<string>((resolve) => waiting.set(email, resolve))
    await app.inject({ method: 'POST', url: '/lwsgs/register', payload: { username: `member${i}`, email, password } })
    const token = links.get(email) ?? (await arrived)
    const verified = await app.inject({ method: 'POST', url: '/lwsgs/verify-email', payload: { token } })
    cookies.push(verified.cookies.map(({ name, value }) => `${name}=${value}`).join('; '))
  }
  return {
    app,
    cookies,
    async close() {
      await app.close()
      rmSync(directory, { recursive: true, force: true })
    }
  }
}
