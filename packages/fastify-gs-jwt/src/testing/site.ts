import type { TestContext } from 'node:test'
import Fastify, { type FastifyInstance, type InjectOptions } from 'fastify'
import { exportJWK, generateKeyPair, type JWK } from 'jose'
import { fastifyGsJwt, type GsJwtOptions } from '../index.ts'

/** A private key with all that its JWK may say. Made once for each algorithm. */
export function keyFor(alg: string): Promise<JWK> {
  let key = keys.get(alg)
  if (key === undefined) {
    key = generateKeyPair(alg as 'ES256', { extractable: true }).then(async ({ privateKey }) => ({ ...(await exportJWK(privateKey)), alg }))
    keys.set(alg, key)
  }
  return key
}

const keys = new Map<string, Promise<JWK>>()

export const issuer = 'https://example.com'

/** A clock that stands still until it is told otherwise, ms since 1970. */
export class Clock {
  at = Date.UTC(2026, 10, 21, 12)
  readonly now = () => this.at
  /** Seconds. */
  forward(seconds: number): void {
    this.at += seconds * 1000
  }
}

/** An application with the plugin; options that are not given are those of a usual one. */
export async function startSite(
  t: TestContext,
  given: Partial<GsJwtOptions> = {},
  prepare: (app: FastifyInstance) => unknown = () => undefined,
  log?: { readonly write: (line: string) => void }
): Promise<FastifyInstance> {
  const app = Fastify(log === undefined ? {} : { logger: { stream: log } })
  t.after(() => app.close())
  await prepare(app)
  await app.register(fastifyGsJwt, {
    keys: given.keys ?? { jwk: await keyFor('ES256') },
    alg: 'ES256',
    iss: issuer,
    aud: issuer,
    cookieName: 'session',
    ...given
  })
  app.post<{ Body: { sub: string; ext?: Record<string, unknown>; expiresIn?: number } }>('/login', async ({ body }, reply) => {
    const { expiresAt, token } = await app.jwtCookie.set(reply, body)
    return { expiresAt, token }
  })
  app.post('/logout', async (request, reply) => {
    await app.jwtCookie.end(request, reply)
    return {}
  })
  app.get('/who', ({ jwt }) => ({ sub: jwt?.sub ?? null, ext: jwt?.ext ?? null }))
  app.get('/members', { onRequest: app.requireJwt() }, ({ jwt }) => jwt?.sub)
  return app
}

/** A browser: it keeps the cookies that it is given, and gives them back. */
export class Browser {
  cookies = new Map<string, string>()
  readonly app: FastifyInstance
  constructor(app: FastifyInstance) {
    this.app = app
  }

  async send(options: InjectOptions) {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const response = await this.app.inject({ ...options, headers: { ...(cookie !== '' && { cookie }), ...options.headers } })
    for (const { name, value, maxAge } of response.cookies) {
      if (maxAge === 0) this.cookies.delete(name)
      else this.cookies.set(name, value)
    }
    return response
  }

  get(url: string, headers: Record<string, string> = {}) {
    return this.send({ method: 'GET', url, headers })
  }

  post(url: string, payload: object = {}, headers: Record<string, string> = {}) {
    return this.send({ method: 'POST', url, payload, headers })
  }

  form(url: string, fields: Record<string, string>) {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    return this.send({ method: 'POST', url, payload: new URLSearchParams(fields).toString(), headers })
  }

  /** Logs in as somebody. */
  login(sub: string, more: object = {}) {
    return this.post('/login', { sub, ...more })
  }

  /** The claim that links and forms bring along. */
  async csrf(): Promise<string> {
    return (await this.get('/jwt/session')).json<{ csrf: string }>().csrf
  }
}
