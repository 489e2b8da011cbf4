import { existsSync } from 'node:fs'
import type { IncomingHttpHeaders } from 'node:http'
import { join } from 'node:path'
import fastifyWebsocket from '@fastify/websocket'
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify'
import fastifyGs, { gsMount } from 'fastify-gs'
import type { Config } from './config.ts'
import { NoWebsocket, NotFound, UrlInvalid, answerError } from './errors.ts'
import { startMailCatcher } from './mailbox/catcher.ts'
import { isLocal, mailboxRoutes } from './mailbox/routes.ts'
import { Board } from './messages/board.ts'
import { openBoardDatabase } from './messages/database.ts'
import { LiveBoard } from './messages/live.ts'
import { findPosition } from './messages/messages.ts'
import { chooseProtocol, messageRoutes } from './messages/routes.ts'
import { StartError } from './start-error.ts'

export interface AppConfig extends Pick<Config, 'baseUrl' | 'dataDirectory' | 'smtpUrl' | 'mailFrom' | 'databaseUrl' | 'webDirectory'> {
  readonly trustProxy?: Config['trustProxy']
  /** The first signs, all verify. */
  readonly keys: readonly string[]
  readonly adminPasswordHash: string
  /** Where the log goes, as lines of JSON. Default: nowhere. */
  readonly log?: { write(line: string): void }
}

const protectedPages = join(import.meta.dirname, '../public')

/** Defaults for every answer, which a route may replace. */
function securityHeaders(baseUrl: string): Record<string, string> {
  // Older Safari does not count the own websocket as 'self'.
  const websocketOrigin = baseUrl.replace(/^http/, 'ws')
  return {
    'content-security-policy': `default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self' ${websocketOrigin}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
    'x-content-type-options': 'nosniff',
    // Not no-referrer: that would make browsers send "Origin: null" with the board's own forms.
    'referrer-policy': 'same-origin',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    ...(baseUrl.startsWith('https:') && { 'strict-transport-security': 'max-age=31536000' })
  }
}

const boardPath = '/lwsgs/board'

const isWebsocket = ({ headers }: { headers: IncomingHttpHeaders }) => headers.upgrade?.toLowerCase() === 'websocket'

/** What the log tells of a request. Not the query: the links in mails have their token there. */
function requestForLog(request: FastifyRequest) {
  return { method: request.method, path: request.url.split('?', 1)[0], ip: request.ip }
}

/**
 * The whole message board, ready to listen.
 *
 * @throws {StartError | GsStartError | GsOptionError} in one sentence for the operator
 */
export async function buildApp(config: AppConfig): Promise<FastifyInstance> {
  if (!existsSync(join(config.webDirectory, 'index.html'))) {
    throw new StartError(
      `The pages of the board are not built (${config.webDirectory} has no index.html): run "npm run build", or "npm start", which builds them.`
    )
  }

  const headers = securityHeaders(config.baseUrl)
  const app = Fastify({
    logger: config.log === undefined ? false : { stream: config.log, serializers: { req: requestForLog } },
    // Fastify would rather turn ["text"] into "text", and drop fields that it does not know, than refuse them.
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false } },
    bodyLimit: 16 * 1024,
    trustProxy: [...(config.trustProxy ?? [])],
    requestTimeout: 30_000,
    // All other requests with this header are ordinary ones: some programs offer HTTP/2 in it.
    http: { shouldUpgradeCallback: (request) => isWebsocket(request) && request.url?.split('?', 1)[0] === boardPath },
    frameworkErrors: (_error, request, reply) => answerError(new UrlInvalid(), request, reply.headers(headers))
  })

  try {
    app.setErrorHandler(answerError)
    app.setNotFoundHandler(() => {
      throw new NotFound()
    })
    app.addHook('onRequest', async (_request, reply) => {
      reply.headers(headers)
    })

    const db = openBoardDatabase(join(config.dataDirectory, 'messageboard.sqlite3'))
    const live = new LiveBoard(db, app.log, await findPosition(db))
    const board = new Board({ db, live, log: app.log })
    app.addHook('onClose', async () => {
      await live.close()
      board.close()
      await db.destroy()
    })

    // Origin, limits, pings and the end of each socket are fastify-gs's business.
    await app.register(fastifyWebsocket, { options: { handleProtocols: (offered) => chooseProtocol(offered) ?? false } })

    app.addHook('onRequest', async (request) => {
      if (isWebsocket(request) && request.routeOptions.url !== boardPath) throw new NoWebsocket()
    })

    app.get('/', (_request, reply) => reply.redirect('/lwsgs/', 302))
    // For the link on the page; asking for the mailbox itself would put a 404 into the console of the browser.
    app.get('/mailbox/available', { logLevel: 'warn' }, (request) => ({ available: config.smtpUrl === undefined && isLocal(request) }))
    // Answered in a hook, before fastify-gs adds the one that looks up the session.
    app.addHook('onRequest', (request, reply, done) => {
      if (request.routeOptions.url === '/healthz') reply.send({ ok: true })
      else done()
    })
    app.get('/healthz', { logLevel: 'warn' }, () => ({ ok: true }))

    let smtp = config.smtpUrl
    if (smtp === undefined) {
      const catcher = await startMailCatcher()
      // Hooks close the last thing first: fastify-gs has stopped sending by then.
      app.addHook('onClose', () => catcher.close())
      await app.register(mailboxRoutes, { prefix: '/mailbox', catcher })
      smtp = catcher.url
    }

    await app.register(fastifyGs, {
      baseUrl: config.baseUrl,
      keys: config.keys,
      database: config.databaseUrl === undefined ? { sqlite: join(config.dataDirectory, 'gs.sqlite3') } : { postgres: config.databaseUrl },
      mail: { smtp, from: `Message board <${config.mailFrom}>` },
      prefix: '/lwsgs',
      siteName: 'Message board',
      loginPage: '/lwsgs/',
      sectors: ['moderator', 'press'],
      loginCodes: true,
      admin: { username: 'admin', passwordHash: config.adminPasswordHash }
    })
    // Posts go with their author, also when nobody is looking.
    app.gs.onAccountEvent(({ accountId, type }) => (type === 'accountDeleted' ? board.forget(accountId) : undefined))

    const interpret = ['.js']
    await app.register(gsMount, { prefix: '/lwsgs', root: config.webDirectory, policy: 0, interpret })
    await app.register(gsMount, { prefix: '/lwsgs/needauth', root: join(protectedPages, 'needauth'), policy: 5, interpret })
    await app.register(gsMount, { prefix: '/lwsgs/needadmin', root: join(protectedPages, 'needadmin'), policy: 7, interpret })
    await app.register(messageRoutes, { prefix: '/lwsgs', board, db, live })

    await app.ready()
    return app
  } catch (error) {
    await app.close()
    throw error
  }
}
