import assert from 'node:assert/strict'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import Fastify, { type FastifyInstance } from 'fastify'
import { fastifyGs, type GsOptions } from 'fastify-gs'
import { emptyPostgres, temporaryDirectory } from 'fastify-gs/testing'
import { Browser, Clock, Inbox, password, quickHasher } from 'fastify-gs/testing/build'
import { fastifyGsJwt, type Denial, type Denylist, type FromSessionOptions, type GsJwtOptions } from '../index.ts'
import { keyFor } from './site.ts'

export const origin = 'http://localhost:7681'

export type Place = GsOptions['database']

export const places: readonly [name: string, open: (t: TestContext) => Promise<Place>][] = [
  ['SQLite', async (t) => ({ sqlite: join(temporaryDirectory(t), 'gs.sqlite3') })],
  ['PostgreSQL', async () => ({ postgres: await emptyPostgres() })]
]

/** A denylist that tells what is written to it. */
export class Told {
  readonly denials: Denial[] = []
  #waiting = new Set<() => void>()
  readonly list: Denylist

  /** @param before done before a denial is written */
  constructor(list: Denylist, before: (denial: Denial) => Promise<void> | void = () => undefined) {
    this.list = {
      async deny(denial, now) {
        await before(denial)
        await list.deny(denial, now)
        told(denial)
      },
      deniedBefore: (token, now) => list.deniedBefore(token, now),
      rememberSession: (sid, until) => list.rememberSession!(sid, until),
      rememberedSessions: (now) => list.rememberedSessions!(now),
      close: () => list.close?.()
    }
    const told = (denial: Denial) => {
      this.denials.push(denial)
      for (const wake of this.#waiting) wake()
    }
  }

  /** Waits until a session is denied. */
  async sid(sid: string): Promise<void> {
    while (!this.denials.some((denial) => 'sid' in denial && denial.sid === sid)) {
      await new Promise<void>((resolve) => {
        const wake = () => {
          this.#waiting.delete(wake)
          resolve()
        }
        this.#waiting.add(wake)
      })
    }
  }
}

export interface Setting {
  readonly clock: Clock
  readonly inbox: Inbox
  readonly database: Place
}

/** One for all: another password of the configured admin would end its sessions. */
const chiefsHash = quickHasher.hash(Buffer.from(password))

export async function startGs({ clock, inbox, database }: Setting, app: FastifyInstance, options: Partial<GsOptions> = {}) {
  await app.register(fastifyGs, {
    baseUrl: origin,
    keys: ['only-for-tests-0123456789-abcdefghij'],
    database,
    mail: { mailer: inbox, from: 'Test <noreply@site.test>' },
    password: { hasher: quickHasher },
    admin: { username: 'Chief', passwordHash: await chiefsHash },
    sectors: ['press', 'editor'],
    session: { perAccount: 3 },
    rateLimits: false,
    now: () => clock.now,
    ...options
  })
}

export async function startJwt({ clock }: Setting, app: FastifyInstance, options: Partial<GsJwtOptions> = {}) {
  await app.register(fastifyGsJwt, {
    keys: { jwk: await keyFor('ES256') },
    alg: 'ES256',
    iss: origin,
    aud: origin,
    cookieName: 'token',
    secure: false,
    bearer: true,
    now: () => clock.now,
    ...options
  })
  app.get('/members', { onRequest: app.requireJwt() }, ({ jwt }) => ({ sub: jwt!.sub, ext: jwt!.ext }))
}

/** A process of the site that makes tokens. */
export async function startMinter(t: TestContext, setting: Setting, jwt: Partial<GsJwtOptions>, gs: Partial<GsOptions> = {}) {
  const app = Fastify()
  t.after(() => app.close())
  await startGs(setting, app, gs)
  await startJwt(setting, app, jwt)
  app.post<{ Body: FromSessionOptions | null }>('/token', async (request) => app.jwtCookie.fromSession(request, request.body ?? {}))
  app.post<{ Body: FromSessionOptions | null }>('/cookie', async (request, reply) =>
    app.jwtCookie.fromSession(request, { ...request.body, cookie: reply })
  )
  await app.ready()
  return app
}

/** A service that only knows public keys. */
export async function startVerifier(t: TestContext, setting: Setting, jwt: Partial<GsJwtOptions>) {
  const app = Fastify()
  t.after(() => app.close())
  const { kty, crv, x, y } = await keyFor('ES256')
  await startJwt(setting, app, { keys: { jwk: { kty: kty!, crv: crv!, x: x!, y: y! } }, ...jwt })
  await app.ready()
  return app
}

export const ask = (app: FastifyInstance, token: string) => app.inject({ url: '/members', headers: { authorization: `Bearer ${token}` } })
export const statusOf = async (app: FastifyInstance, token: string) => (await ask(app, token)).statusCode

export interface Token {
  readonly token: string
  readonly claims: {
    readonly sub: string
    readonly sid: string
    readonly aud: string
    readonly exp: number
    readonly iat: number
    readonly ext: object
  }
}

export async function mint(browser: Browser, options: object = {}): Promise<Token> {
  const answer = await browser.post('/token', options)
  assert.equal(answer.statusCode, 200, answer.body)
  return answer.json<Token>()
}

export async function member({ inbox }: Setting, app: FastifyInstance, username: string): Promise<Browser> {
  const browser = new Browser(app)
  const seen = inbox.mails.length
  await browser.post('/lwsgs/register', { username, email: `${username}@mail.test`, password })
  const verified = await browser.post('/lwsgs/verify-email', { token: await inbox.token(`${username}@mail.test`, /Confirm/, seen) })
  assert.equal(verified.statusCode, 200, verified.body)
  return browser
}

export async function logIn(app: FastifyInstance, username: string): Promise<Browser> {
  const browser = new Browser(app)
  const answer = await browser.post('/lwsgs/login', { username, password })
  assert.equal(answer.statusCode, 200, answer.body)
  return browser
}

export function at(app: FastifyInstance, browser: Browser): Browser {
  const same = new Browser(app)
  for (const [name, value] of browser.cookies) same.cookies.set(name, value)
  return same
}

export const newSetting = (database: Place): Setting => ({ clock: new Clock(), inbox: new Inbox(), database })
