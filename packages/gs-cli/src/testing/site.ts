import type { TestContext } from 'node:test'
import Fastify, { type FastifyInstance } from 'fastify'
import { fastifyGs, type GsOptions, type Mail } from 'fastify-gs'

export const password = 'correct horse battery staple'

export interface Site {
  readonly app: FastifyInstance
  /** Logs in; gives the status and the cookie. */
  login(username: string, password: string, userAgent?: string): Promise<{ status: number; cookie: string }>
  /** Who the server thinks that this is; null: nobody who is logged in. */
  whoIs(cookie: string): Promise<string | null>
  /** The next mail that is handed to the mail server. */
  nextMail(): Promise<Mail>
  close(): Promise<void>
}

type MailServer = 'works' | 'refuses' | 'is away'

/** A server on the database, as people use it while the operator uses the command line. */
export async function startSite(
  t: TestContext,
  database: GsOptions['database'],
  { mailServer = 'works', ...options }: Partial<GsOptions> & { mailServer?: MailServer } = {}
): Promise<Site> {
  const tried: Mail[] = []
  let wake = () => {}
  const app = Fastify()
  let closed: Promise<void> | undefined
  const close = () => (closed ??= app.close())
  t.after(close)
  await app.register(fastifyGs, {
    baseUrl: 'http://localhost:7681',
    keys: ['only-for-tests-0123456789-abcdefghij'],
    database,
    rateLimits: false,
    ...options,
    mail: {
      from: 'Test <noreply@site.test>',
      mailer: {
        async send(mail) {
          tried.push(mail)
          wake()
          if (mailServer !== 'works')
            throw Object.assign(new Error(`The mail server ${mailServer}.`), { permanent: mailServer === 'refuses' })
        },
        close() {}
      }
    }
  })
  await app.ready()
  return {
    app,
    async login(username, password, userAgent = 'Test browser') {
      const response = await app.inject({
        method: 'POST',
        url: '/lwsgs/login',
        payload: { username, password },
        headers: { 'user-agent': userAgent }
      })
      return { status: response.statusCode, cookie: response.cookies.map(({ name, value }) => `${name}=${value}`).join('; ') }
    },
    async whoIs(cookie) {
      const response = await app.inject({ url: '/lwsgs/session', headers: { cookie } })
      return response.json<{ username: string | null }>().username
    },
    async nextMail() {
      while (tried.length === 0) await new Promise<void>((resolve) => (wake = resolve))
      return tried.shift()!
    },
    close
  }
}
