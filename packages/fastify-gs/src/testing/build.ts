import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import Fastify, { type FastifyInstance, type FastifyHttpOptions, type InjectOptions, type RawServerDefault } from 'fastify'
import { createArgon2Hasher } from '../crypto/passwords.ts'
import type { GsOptions, Mail } from '../options.ts'
import { fastifyGs } from '../plugin.ts'

/** What a test's browser knows: cookies by name. */
export class Browser {
  readonly cookies = new Map<string, string>()
  readonly app: FastifyInstance
  constructor(app: FastifyInstance) {
    this.app = app
  }

  async send(options: InjectOptions) {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const response = await this.app.inject({ ...options, headers: { ...(cookie !== '' && { cookie }), ...options.headers } })
    for (const { name, value } of response.cookies) this.cookies.set(name, value)
    return response
  }

  get(url: string, headers: Record<string, string> = {}) {
    return this.send({ method: 'GET', url, headers })
  }

  post(url: string, payload: object = {}, headers: Record<string, string> = {}) {
    return this.send({ method: 'POST', url, payload, headers })
  }

  form(url: string, fields: Record<string, string>) {
    return this.send({
      method: 'POST',
      url,
      payload: new URLSearchParams(fields).toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded' }
    })
  }

  /** A page as a person opens it. */
  visit(url: string) {
    return this.get(url, { accept: 'text/html', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' })
  }

  /** The session token or ticket. */
  get token(): string | undefined {
    return this.cookies.get('gs') ?? this.cookies.get('__Host-gs')
  }
}

/** Keeps mails and tells those who wait for one. */
export class Inbox {
  readonly mails: Mail[] = []
  readonly #waiting = new Set<() => void>()

  async send(mail: Mail): Promise<void> {
    this.mails.push(mail)
    for (const wake of this.#waiting) wake()
  }

  close(): void {}

  /** The newest mail to the address whose subject fits; waits for it. */
  async find(to: string, subject: RegExp, after = 0): Promise<Mail> {
    for (;;) {
      const mail = this.mails.slice(after).findLast((candidate) => candidate.to === to && subject.test(candidate.subject))
      if (mail !== undefined) return mail
      await new Promise<void>((resolve) => {
        const wake = () => {
          this.#waiting.delete(wake)
          resolve()
        }
        this.#waiting.add(wake)
      })
    }
  }

  /** The token in the newest fitting mail. */
  async token(to: string, subject: RegExp, after = 0): Promise<string> {
    const mail = await this.find(to, subject, after)
    return /\?token=([\w-]+)/.exec(mail.text)![1]!
  }
}

export class Clock {
  now = Date.UTC(2026, 0, 1)
  advance(seconds: number): void {
    this.now += seconds * 1000
  }
}

export const password = 'correct horse battery staple'

export interface Built {
  readonly app: FastifyInstance
  readonly inbox: Inbox
  readonly clock: Clock
  readonly databasePath: string
  readonly browser: () => Browser
  /** Signs up, verifies and gives back the browser that is logged in. */
  readonly member: (username: string, email?: string) => Promise<Browser>
}

/** Cheap parameters: these tests are about the flows, not about the cost of a hash. */
export const quickHasher = createArgon2Hasher({ memory: 64, passes: 1, parallelism: 1 })

/** An application with fastify-gs on a database of its own, closed after the test. */
export async function build(
  t: TestContext,
  options: Partial<GsOptions> = {},
  routes?: (app: FastifyInstance) => void | Promise<void>,
  server: FastifyHttpOptions<RawServerDefault> = {}
): Promise<Built> {
  const directory = mkdtempSync(join(tmpdir(), 'gs-test-'))
  const databasePath = join(directory, 'gs.sqlite3')
  const inbox = new Inbox()
  const clock = new Clock()
  const app = Fastify(server)
  t.after(async () => {
    await app.close()
    rmSync(directory, { recursive: true, force: true })
  })
  await app.register(fastifyGs, {
    baseUrl: 'http://localhost:7681',
    keys: ['only-for-tests-0123456789-abcdefghij'],
    database: { sqlite: databasePath },
    mail: { mailer: inbox, from: 'Test <noreply@site.test>' },
    password: { hasher: quickHasher },
    rateLimits: false,
    siteName: 'Test site',
    now: () => clock.now,
    ...options
  })
  await routes?.(app)
  await app.ready()
  const browser = () => new Browser(app)
  return {
    app,
    inbox,
    clock,
    databasePath,
    browser,
    async member(username, email = `${username}@mail.test`) {
      const own = browser()
      const seen = inbox.mails.length
      const registered = await own.post('/lwsgs/register', { username, email, password })
      if (registered.statusCode !== 202) throw new Error(registered.body)
      const token = await inbox.token(email, /Confirm/, seen)
      const verified = await own.post('/lwsgs/verify-email', { token })
      if (verified.statusCode !== 200) throw new Error(verified.body)
      return own
    }
  }
}
