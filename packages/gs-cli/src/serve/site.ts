import { randomBytes } from 'node:crypto'
import { existsSync, statSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { join } from 'node:path'
import Fastify, { LogController, type FastifyInstance } from 'fastify'
import { fastifyGs, gsForms, gsMount, lwsgsHashes, type GsMountOptions } from 'fastify-gs'
import type { LwswsMount, LwswsSessions, LwswsVhost } from 'fastify-gs/lwsws'
import { CliError } from '../cli-error.ts'
import { openAccessLog, type AccessLog } from './access-log.ts'
import { guardLogins, keepOut, protectedBelow, requireBasicAuth } from './basic-auth.ts'
import { answerError, setErrorPages } from './error-pages.ts'
import { importLwsgsUsers } from './import-users.ts'
import { readKeyRing } from './keys.ts'
import type { Logger } from './log.ts'
import { createLoginPages } from './login-pages.ts'
import { registerPlainMount } from './plain-mounts.ts'
import { readTls, type Tls } from './tls.ts'

export interface SiteSettings {
  readonly log: Logger
  readonly serverString: string | null
  /** The file of the keys, when it is not beside the database. */
  readonly keysFile: string | null
  /** Addresses of proxies that are believed. */
  readonly trustProxy: readonly string[]
  /** Nothing is opened, read over or written: only to see whether the settings are good. */
  readonly rehearsal?: boolean
}

/** What answers for one vhost. */
export interface Site {
  readonly name: string
  readonly vhost: LwswsVhost
  /** The same for sites that need not be built anew. */
  readonly fingerprint: string
  /** Replaced when the certificates are read again. */
  tls: Tls | null
  handle(request: IncomingMessage, response: ServerResponse): void
  reopenLogs(): void
  /** Waits until everything that runs is answered. */
  drained(): Promise<void>
  close(): Promise<void>
}

/** All that a site is made of, but not the places in the files where it was written. */
export function fingerprintOf(vhost: LwswsVhost, settings: SiteSettings): string {
  const { serverString, keysFile, trustProxy } = settings
  const place = { file: '', line: 0 }
  const { mounts, sessions, tls, ...rest } = vhost
  return JSON.stringify([
    { ...rest, ...place },
    mounts.map((mount) => ({ ...mount, ...place })),
    sessions && { ...sessions, ...place },
    tls?.clientCertRequired,
    sessions && keysStamp(keysFileOf(vhost.name, sessions.options.database, settings)),
    serverString,
    keysFile,
    trustProxy
  ])
}

/** Changes when somebody changes the keys. */
function keysStamp(path: string): string {
  const stats = statSync(path, { throwIfNoEntry: false })
  return stats === undefined ? '' : `${stats.mtimeMs} ${stats.size}`
}

/** What does not disturb pages that know nothing of such headers. */
function headersOf(vhost: LwswsVhost, serverString: string | null): Record<string, string> {
  const own = Object.entries(vhost.headers).map(([name, value]) => [name.toLowerCase().replace(/:$/, ''), value])
  return {
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'SAMEORIGIN',
    'referrer-policy': 'strict-origin-when-cross-origin',
    ...(vhost.tls !== null && vhost.hsts && { 'strict-transport-security': 'max-age=15768000; includeSubDomains' }),
    ...(serverString !== null && { server: serverString }),
    ...(Object.fromEntries(own) as Record<string, string>)
  }
}

/**
 * Builds what answers for a vhost: opens its database and logs, but no port.
 *
 * @throws {CliError | GsStartError | GsOptionError} in one sentence
 */
export async function buildSite(vhost: LwswsVhost, settings: SiteSettings): Promise<Site> {
  const log = settings.log.child({ vhost: vhost.name })
  const tls = readTls(vhost)
  const app = Fastify({
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true }),
    trustProxy: [...settings.trustProxy],
    // Opening a large database may take its time.
    pluginTimeout: 0,
    frameworkErrors: answerError
  }) as unknown as FastifyInstance
  let accessLog: AccessLog | null = null

  try {
    const headers = headersOf(vhost, settings.serverString)
    app.addHook('onRequest', (_request, reply, done) => {
      reply.headers(headers)
      done()
    })
    setErrorPages(app, vhost.errorDocument404)

    if (vhost.accessLog !== null && settings.rehearsal !== true) {
      const opened = await openAccessLog(vhost.accessLog, (error) => log.error({ err: error }, 'the access log cannot be written'))
      accessLog = opened
      app.addHook('onResponse', (request, reply, done) => {
        opened.write(request, reply)
        done()
      })
    }

    if (vhost.sessions === null) await registerPlainMounts(app, vhost.mounts)
    else await registerSessions(app, vhost, vhost.sessions, settings, log)
    await app.ready()
  } catch (error) {
    await app.close()
    await accessLog?.close()
    throw error
  }

  let running = 0
  let wake: (() => void) | undefined
  const leave = () => {
    if (--running === 0) wake?.()
  }

  return {
    name: vhost.name,
    vhost,
    fingerprint: fingerprintOf(vhost, settings),
    tls,
    handle(request, response) {
      running++
      response.once('close', leave)
      app.routing(request, response)
    },
    reopenLogs: () => accessLog?.reopen(),
    drained: () =>
      new Promise((resolve) => {
        wake = resolve
        if (app.hasDecorator('gs')) app.gs.closeStreams()
        if (running === 0) resolve()
      }),
    async close() {
      await app.close()
      await accessLog?.close()
    }
  }
}

/** What is asked and refused before the mount itself sees a request. */
async function guard(scope: FastifyInstance, mount: LwswsMount, mounts: readonly LwswsMount[]): Promise<void> {
  if (mount.basicAuthFile !== null) await requireBasicAuth(scope, mount.basicAuthFile)
  const inner = protectedBelow(mount, mounts)
  if (inner.length > 0 && mount.origin.kind === 'files') keepOut(scope, mount.origin.directory, [mount.default ?? '', 'index.html'], inner)
}

async function registerPlainMounts(app: FastifyInstance, mounts: readonly LwswsMount[]): Promise<void> {
  for (const mount of mounts) {
    await app.register(async (scope) => {
      await guard(scope, mount, mounts)
      await registerPlainMount(scope, mount)
    })
  }
}

async function registerSessions(
  app: FastifyInstance,
  { name, mounts }: LwswsVhost,
  { options, confounder }: LwswsSessions,
  settings: SiteSettings,
  log: Logger
): Promise<void> {
  const { rehearsal = false } = settings
  const prefix = options.prefix ?? '/lwsgs'
  const loginMount = mounts.find((mount) => mount.prefix === prefix)
  const keysFile = keysFileOf(name, options.database, settings)
  const keys = rehearsal ? [randomBytes(32).toString('base64url')] : await readKeyRing(keysFile)
  if (!rehearsal && 'sqlite' in options.database) await importLwsgsUsers(options.database.sqlite, options.admin?.username, log)

  await guardLogins(app, prefix, mounts)
  await app.register(fastifyGs, {
    ...options,
    prefix,
    keys,
    database: rehearsal ? { sqlite: ':memory:' } : options.database,
    password: { ...options.password, legacy: lwsgsHashes({ confounder }) },
    lwsgs: { ...ownPages(loginMount), ...options.lwsgs },
    // The widget asks there, wherever its script was loaded from.
    symbols: { $lwsgs_prefix: () => prefix }
  })

  const siteName = options.siteName ?? new URL(options.baseUrl).host
  const pagesFor = (mount: LwswsMount | undefined) => createLoginPages(app, { prefix, siteName }, mount?.interpret.includes('.js') ?? false)

  for (const mount of mounts) {
    await app.register(async (scope) => {
      await guard(scope, mount, mounts)
      const isLogin = mount === loginMount
      const pages = isLogin || mount.callback !== null ? pagesFor(mount) : null
      await scope.register(gsMount, mountOptions(mount, isLogin ? pages?.handler : pages?.scriptOnly))
      if (mount.callback !== null && !isLogin) await scope.register(gsForms, { prefix: mount.prefix, policy: mount.mask })
    })
  }
  if (loginMount === undefined) await app.register(gsMount, { prefix, handler: pagesFor(undefined).handler })
}

/** Pages of the site for the ends of the way through the mail, named as lwsgs names them. */
function ownPages(mount: LwswsMount | undefined) {
  if (mount?.origin.kind !== 'files') return {}
  const { directory } = mount.origin
  const has = (file: string) => existsSync(join(directory, file))
  return {
    ...(has('post-verify-ok.html') && { verifiedPage: 'post-verify-ok.html' }),
    ...(has('post-verify-fail.html') && { verifyFailedPage: 'post-verify-fail.html' })
  }
}

function mountOptions(mount: LwswsMount, handler: GsMountOptions['handler'] | undefined): GsMountOptions {
  const { prefix, origin, mask, interpret, cacheControl, mimeTypes } = mount
  const common = { prefix, policy: mask }
  switch (origin.kind) {
    case 'files':
      return {
        ...common,
        root: origin.directory,
        ...(handler !== undefined && { handler }),
        ...(mount.default !== null && { default: mount.default }),
        interpret,
        cacheControl,
        mimeTypes
      }
    case 'proxy':
      return { ...common, proxy: origin.url }
    case 'redirect':
      return { ...common, redirect: origin.url }
    default:
      return { ...common, handler: handler ?? ((_request, reply) => reply.callNotFound()) }
  }
}

function keysFileOf(vhost: string, database: LwswsSessions['options']['database'], { keysFile }: SiteSettings): string {
  if (keysFile !== null) return keysFile
  if ('sqlite' in database) return `${database.sqlite}.keys`
  throw new CliError(
    `The vhost ${vhost} has its sessions in PostgreSQL, beside which no file can lie; say with --keys <file> where its secret keys are kept.`
  )
}
