import fastifyCookie from '@fastify/cookie'
import type { FastifyInstance, FastifyPluginAsync, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { pruneUnverifiedAccounts } from './accounts/accounts.ts'
import { AuthLevel } from './accounts/auth-level.ts'
import { synchronizeConfiguredAdmin } from './accounts/configured-admin.ts'
import { pruneLinks, tokenOfLink } from './accounts/email-links.ts'
import { checkEmail, usernameKey } from './accounts/identifiers.ts'
import { codeOfLink } from './accounts/login-codes.ts'
import { createSettings, type GsSettings } from './accounts/settings.ts'
import { createThrottle } from './accounts/throttle.ts'
import { adminPage } from './admin/admin-page.ts'
import { adminRoutes } from './admin/admin-routes.ts'
import { pruneAudit } from './admin/audit.ts'
import { gsPaths, type SessionInfo } from './api.ts'
import { findLegacyHash } from './crypto/legacy-hashes.ts'
import { provideForms } from './compat/gs-forms.ts'
import { createLwsgsEndpoints } from './compat/lwsgs-endpoints.ts'
import { argon2Available, createPasswords, isPasswordHash, pepperIdOf } from './crypto/passwords.ts'
import { createKeyRing } from './crypto/tokens.ts'
import { pruneChanges } from './database/changes.ts'
import type { GsDatabase, Trx } from './database/database.ts'
import { openPostgres } from './database/postgres.ts'
import { openSqlite } from './database/sqlite.ts'
import { GsOptionError, GsStartError, type GsError } from './errors.ts'
import { changeEmail } from './flows/change-email.ts'
import { changePassword } from './flows/change-password.ts'
import { checkName } from './flows/check-name.ts'
import { deleteAccount } from './flows/delete-account.ts'
import { events as eventStream } from './flows/events.ts'
import { forgotPassword } from './flows/forgot-password.ts'
import { language } from './flows/language.ts'
import { login } from './flows/login.ts'
import { loginCode } from './flows/login-code.ts'
import { logout } from './flows/logout.ts'
import { pageStyle } from './flows/page-style.ts'
import { register } from './flows/register.ts'
import { sessionInfo } from './flows/session-info.ts'
import { sessionsList } from './flows/sessions-list.ts'
import type { FlowServices } from './flows/shared/flow.ts'
import { bodyLimit, prepareScope } from './flows/shared/scope.ts'
import { timeZone } from './flows/time-zone.ts'
import { verifyEmail } from './flows/verify-email.ts'
import type { AccountEventListener, GsHooks, SessionEndEvent, SessionEndListener } from './hooks.ts'
import { createAccountListeners } from './live/account-listeners.ts'
import { createChangeLog } from './live/change-log.ts'
import { createConnectionCounts, pruneNodes } from './live/connection-counts.ts'
import { createHeldAnswers } from './live/held-answers.ts'
import { createSessionEvents } from './live/session-events.ts'
import { createSessionRegistry, provideRegistry } from './live/session-registry.ts'
import { createSockets } from './live/sockets.ts'
import { createWatchSession, type SessionWatch } from './live/watch-session.ts'
import { createSmtpMailer } from './mail/mailer.ts'
import { enqueueEvent } from './mail/account-events.ts'
import type { MailKind } from './mail/messages.ts'
import { createOutbox } from './mail/outbox.ts'
import { governScope, guardRoutes } from './mounts/guard-routes.ts'
import { guardSockets, reasonToLeave } from './mounts/guard-sockets.ts'
import { provideMounts } from './mounts/mount-services.ts'
import { createGuard, type RequirePolicy } from './mounts/require.ts'
import { createSymbols } from './mounts/symbols.ts'
import { resolveOptions, type GsOptions, type ResolvedOptions } from './options.ts'
import { createActivity } from './sessions/activity.ts'
import type { ClientSite } from './sessions/client-facts.ts'
import { createKnownBrowsers } from './sessions/known-browsers.ts'
import { createLoadSession, offerTicket, tokenOf, type SessionLoading } from './sessions/load-session.ts'
import { isSameOrigin } from './sessions/same-origin.ts'
import { checkHook, createSessionHooks } from './sessions/session-hooks.ts'
import { createKeepForVisitor, createSessionCookies } from './sessions/session-cookies.ts'
import { createReplacedTokens } from './sessions/replaced-tokens.ts'
import { sessionInfoOf } from './sessions/session-info.ts'
import { createFindSessions, type FindSessions } from './sessions/session-states.ts'
import { createFindSession, endSessionsOf, pruneSessions, recordActivity } from './sessions/sessions.ts'
import { createOpenSession, type OpenSession } from './sessions/opened-session.ts'
import { createSessionData } from './sessions/session-data.ts'
import { createMakeRoom } from './sessions/session-limits.ts'
import { createSignIn } from './sessions/sign-in.ts'
import { createTokenRenewal, pruneFormerTokens } from './sessions/token-renewal.ts'
import { openData, readClient, visitState } from './sessions/visit.ts'
import { createReadClient } from './sessions/visit-client.ts'
import { createOpenData, replyOf } from './sessions/visit-data.ts'
import { createWatchedSessions } from './sessions/watched-sessions.ts'
import { createMessages } from './texts/messages.ts'

/** What the plugin offers to the application as `app.gs`. */
export interface Gs {
  /** Path under which the calls live. */
  readonly prefix: string
  /** Public origin. */
  readonly origin: string
  /**
   * A hook for `onRequest` that lets only those pass whom the policy allows. On a route it stands for the default level.
   *
   * @throws {GsOptionError} for anything that is not a policy, and for one with `csrf`, which belongs into the `config` of a route
   */
  readonly requirePolicy: RequirePolicy
  /**
   * What applications ask about a request: null when it brought no usable cookie, `username: null` when nobody is logged in, else all of
   * the account. The same as `request.gs`, in the form of `GET P/session`.
   */
  sessionInfo(request: FastifyRequest): SessionInfo | null
  /** Whether a request was made by a page of this site or by no page at all; unsafe methods of routes with a policy are checked already. */
  isSameOrigin(request: FastifyRequest): boolean
  /**
   * The message table: the text of a code in a language (default: that of the site), `{name}` replaced by values. Falls back to the primary
   * language (`de` for `de-AT`), the default one, English, and at last the code itself; never throws.
   */
  message(code: string, language?: string | null, values?: Readonly<Record<string, string | number>>): string
  /**
   * The sentence of a refusal, with its details, in a language (default: that of the site), for an error handler of the application. Of an
   * error whose code has no text: its own message.
   */
  messageOf(error: Error, language?: string | null): string
  /** What the application remembers of an account. */
  readonly settings: GsSettings
  /** Opens a session outside of requests, by what {@link tokenOf} gave; see `OpenedSession`. */
  readonly openSession: OpenSession
  /**
   * What stands in the cookie of the browser's session, to open the session elsewhere (`openSession`). It is a secret: whoever has it, is the
   * visitor. Give it to processes of your own over a private channel, and keep it nowhere. Null: the browser has no session yet.
   */
  tokenOf(request: FastifyRequest): string | null
  /** Attaches a handler to the life cycle of sessions; see {@link GsHooks}. @throws {GsOptionError} for a name that is none */
  addHook<Name extends keyof GsHooks>(name: Name, handler: GsHooks[Name]): void
  /** Calls the listener for every session that ends in this process, before the request that caused it is answered. Returns how to stop that. */
  onSessionEnd(listener: SessionEndListener): () => void
  /**
   * Calls the listener for accounts that are created, verified and deleted, whoever does it and in whatever process: after the commit, at
   * least once, until it does not fail. Returns how to stop that.
   */
  onAccountEvent(listener: AccountEventListener): () => void
  /**
   * Tells what happens to the session of a request, for something that outlives it: an event stream of your own, a long poll, a job. An end is
   * told before the request that caused it is answered, if this process answers it, all else within a second. Returns how to stop that. Of a
   * visitor who is not logged in nothing is told. Websockets need it not: they are closed by themselves.
   */
  watch(request: FastifyRequest, watch: SessionWatch): () => void
  /** What sessions are at this moment, by their public ids, for something that keeps them elsewhere; see {@link FindSessions}. */
  readonly findSessions: FindSessions
  /**
   * No answer to a request that may change something (any but GET, HEAD and OPTIONS) leaves before this work is done, failed, or 5 s old: for
   * what listeners of `onSessionEnd` and `watch` have to write down before the request is answered that was the cause.
   */
  holdAnswers(work: Promise<unknown>): void
  /**
   * Ends all event streams and websockets (1001), and takes no new ones; their browsers come again. `app.close()` does it by itself: this is
   * for a server that waits for what runs before it closes the application.
   */
  closeStreams(): void
}

declare module 'fastify' {
  interface FastifyInstance {
    gs: Gs
  }
}

const flushInterval = 5_000
const flushGrace = 3 * flushInterval
const sweepInterval = 60_000
const sweepBatch = 500
/** How long ended links are remembered, so that a late click is told what happened, ms. */
const linkMemory = 7 * 86_400_000

const open = (options: ResolvedOptions, app: FastifyInstance): Promise<GsDatabase> =>
  'sqlite' in options.database
    ? openSqlite(options.database.sqlite)
    : openPostgres(options.database.postgres, (error) => app.log.warn({ err: error }, 'an idle database connection broke'))

function resolveAdmin({ admin, password }: ResolvedOptions) {
  if (admin === null) return null
  const pepper = password.hasher === null ? pepperIdOf(admin.passwordHash) : null
  if (pepper !== null && !password.peppers.some(({ id }) => id === pepper)) {
    throw new GsOptionError(
      `fastify-gs: the option admin.passwordHash was made with the pepper ${JSON.stringify(pepper)}, which the option password.peppers does not have; add it there, or make a new hash with \`gs hash-password\`.`
    )
  }
  const key = usernameKey(admin.username)
  if (key === null) throw new GsOptionError("fastify-gs: the option admin.username must have only letters, digits, and . _ - ' in it.")
  try {
    return {
      username: { value: admin.username, key },
      passwordHash: admin.passwordHash,
      email: admin.email === null ? null : checkEmail(admin.email)
    }
  } catch {
    throw new GsOptionError('fastify-gs: the option admin.email must be an e-mail address like name@example.com.')
  }
}

/** The pages behind the links in mails. */
const linkPages: { readonly [kind in MailKind]?: string } = {
  'verify-email': gsPaths.verifyEmailPage,
  'forgot-password': gsPaths.forgotPasswordPage,
  'password-off': gsPaths.forgotPasswordPage,
  'change-email': gsPaths.changeEmailPage,
  'email-changed': gsPaths.undoChangeEmailPage
}

const plugin: FastifyPluginAsync<GsOptions> = async (app, given) => {
  const options = resolveOptions(given, { isPasswordHash, levels: AuthLevel })
  const admin = resolveAdmin(options)
  if (!argon2Available && options.password.hasher === null) {
    throw new GsStartError(
      'This Node has no crypto.argon2; use Node 24.7 or later with its own OpenSSL, or set the option password.hasher.'
    )
  }
  if (admin !== null && findLegacyHash(options.password.legacy, admin.passwordHash) !== undefined) {
    app.log.warn(
      { gs: 'admin' },
      'the password hash of the configured admin is of an old kind, which is guessed quickly once somebody has seen it; replace it by what the command "gs hash-password" prints'
    )
  }
  const { now, session } = options
  const database = await open(options, app)
  app.addHook('onClose', () => database.close())
  await synchronizeConfiguredAdmin(database, admin, now())

  if (!app.hasDecorator('serializeCookie')) await app.register(fastifyCookie, { hook: false })

  const keys = createKeyRing(options.keys)
  const messages = createMessages(options)
  const site: ClientSite = {
    origin: options.origin,
    languages: messages.languages,
    timeZoneCookie: `${session.cookieNames.loggedIn}-tz`
  }
  const activity = createActivity(session.activityInterval)
  const events = createSessionEvents(app.log)
  const hooks = createSessionHooks(app.log)
  const cookies = createSessionCookies(session.cookieNames, options.secure)
  const renewal = createTokenRenewal({ database, cookies, interval: session.renewal, log: app.log, now })
  const findSession = createFindSession(database, now)
  const { limits, ticketLimits } = session
  const data = createSessionData({
    database,
    options: session.data,
    limits,
    ticketLimits,
    activity,
    failed: (error) => app.log.error({ err: error }, 'session.data.onLogin or onLogout failed; the data was dropped'),
    now
  })
  const loading: SessionLoading = {
    cookies,
    keys,
    limits: session.limits,
    ticketLimits: session.ticketLimits,
    activity,
    findSession,
    replaced: createReplacedTokens(now),
    renewal,
    hooks,
    data,
    origin: options.origin,
    now
  }
  const watchedSessions = createWatchedSessions(database)
  const registry = createSessionRegistry({
    find: watchedSessions,
    log: createChangeLog(database),
    events,
    activity,
    activityInterval: session.activityInterval,
    limits: session.limits,
    keys,
    logger: app.log,
    now
  })
  database.onCommittedChanges(registry.committed)
  const connections = createConnectionCounts({ database, registry, log: app.log, now })
  const disconnect = async () => {
    await registry.close()
    await connections.close()
  }
  // Before the server waits for what runs: streams would run for ever.
  app.addHook('preClose', disconnect)
  const heldAnswers = createHeldAnswers()
  const accountListeners = createAccountListeners(() => outbox.wake())
  const outbox = createOutbox({
    database,
    mailer:
      options.mail.mailer ??
      createSmtpMailer({ url: options.mail.smtp!, from: options.mail.from, allowInsecure: options.mail.allowInsecure }),
    context: { siteName: options.siteName, loginUrl: options.origin + options.loginPage, contact: options.mail.contact, messages },
    async linkUrl(kind, linkId, { good, bad }) {
      if (kind === 'login-code') {
        return options.loginCodes === null ? null : codeOfLink(database.db, keys, linkId, options.loginCodes, now())
      }
      const token = await tokenOfLink(database.db, keys, linkId, now())
      const path = linkPages[kind]
      if (token === null || path === undefined) return null
      const query = new URLSearchParams({ token, ...(good !== undefined && { good }), ...(bad !== undefined && { bad }) })
      return `${options.origin}${options.prefix}${path}?${query.toString()}`
    },
    tellEvent: accountListeners.tell,
    host: new URL(options.origin).hostname,
    log: app.log,
    now
  })
  const guard = createGuard({ ...options, keys, offerTicket: (request, reply) => offerTicket(loading, request, reply) })
  const sockets = createSockets({
    registry,
    options: options.sockets,
    activity,
    activityInterval: session.activityInterval,
    sessionLimits: limits,
    ticketLimits,
    keys,
    now,
    elapsed: () => performance.now(),
    forbids: reasonToLeave
  })
  const throttle = createThrottle(database, now, options.attempts)
  const knownBrowsers = createKnownBrowsers(keys, { sessionCookieName: session.cookieNames.loggedIn, secure: options.secure, now })
  const { hasher, legacy, concurrency, maxWaiting, peppers } = options.password
  const services: FlowServices = {
    options,
    database,
    keys,
    passwords: createPasswords({
      legacy,
      peppers,
      onUnknownPepper: (id) =>
        app.log.warn(
          { gs: 'pepper', pepper: id },
          'a stored password was hashed with a pepper that the option password.peppers does not have; such accounts cannot log in with their passwords until it is there again'
        ),
      ...(hasher !== null && { hasher }),
      ...(concurrency !== null && { concurrency }),
      ...(maxWaiting !== null && { maxWaiting })
    }),
    throttle,
    knownBrowsers,
    outbox,
    signIn: createSignIn(loading, createMakeRoom({ ...session, activity, now })),
    events,
    registry,
    connections,
    activity,
    formPages: new Map(),
    hooks,
    messages,
    site,
    offerTicket: (request, reply) => offerTicket(loading, request, reply)
  }

  app.decorateRequest('gs', null as never)
  app.decorateRequest(replyOf, null)
  app.decorateRequest(readClient, createReadClient(site))
  app.decorateRequest(
    openData,
    createOpenData({ store: data, ticketLimits, offerTicket: (request, reply) => offerTicket(loading, request, reply) })
  )
  app.decorate('gs', {
    prefix: options.prefix,
    origin: options.origin,
    message: (code, language, values) => messages.message(code, language, values),
    messageOf: (error, language = null) => messages.ofError(error as GsError, language).text,
    settings: createSettings(database, now),
    requirePolicy: guard.requirePolicy,
    sessionInfo: ({ gs }) => (visitState(gs).fresh ? null : sessionInfoOf(gs, options.sectors)),
    isSameOrigin: (request) => isSameOrigin(request.headers, options.origin),
    openSession: createOpenSession({
      database,
      keys,
      limits,
      ticketLimits,
      activity,
      findSession,
      data,
      ended: (ended) => events.ended(ended),
      now
    }),
    tokenOf: (request) => tokenOf(loading, request),
    addHook(name, handler) {
      checkHook(name, handler)
      if (name === 'onSessionEnd') events.onSessionEnd(handler as GsHooks['onSessionEnd'])
      else if (name === 'onDowngrade') events.onDowngrade(handler as GsHooks['onDowngrade'])
      else hooks.add(name as 'beforeLogin', handler as GsHooks['beforeLogin'])
    },
    onSessionEnd: events.onSessionEnd,
    onAccountEvent: accountListeners.onAccountEvent,
    watch: createWatchSession(registry, app.log),
    findSessions: createFindSessions({
      find: watchedSessions,
      database,
      activity,
      limits: session.limits,
      keys,
      sectors: options.sectors,
      grace: session.activityInterval + flushGrace,
      now
    }),
    holdAnswers: heldAnswers.hold,
    closeStreams() {
      sockets.close()
      void disconnect()
    }
  })
  provideRegistry(app.gs, registry)

  const files = provideMounts(app.gs, {
    guard,
    symbols: createSymbols(options.symbols, ({ gs }) => sessionInfoOf(gs, options.sectors)),
    origin: options.origin,
    loginPage: options.loginPage,
    cookieNames: [...cookies.names, knownBrowsers.cookieName]
  })
  if ('sqlite' in options.database && options.database.sqlite !== ':memory:') files.keepOut(options.database.sqlite)

  app.addHook('onRequest', createLoadSession(loading))
  app.addHook('onSend', heldAnswers.beforeAnswer)
  if (session.renewal > 0) app.addHook('onSend', renewal.beforeAnswer)
  guardSockets(app, { guard, sockets, options: options.sockets, origin: options.origin })
  guardRoutes(app, guard, options)
  // After what says that nobody keeps a missing page, which must look like a hidden one.
  app.addHook('onSend', createKeepForVisitor(cookies))

  await app.register(
    async (scope) => {
      governScope(scope, 'own')
      await prepareScope(scope, services)
      const flows = [
        sessionInfo,
        checkName,
        register,
        verifyEmail,
        login,
        loginCode,
        logout,
        forgotPassword,
        changePassword,
        changeEmail,
        deleteAccount,
        sessionsList,
        language,
        timeZone,
        eventStream
      ]
      for (const flow of flows) flow(scope, services)
      if (options.adminApi) {
        adminRoutes(scope, services)
        adminPage(scope, services)
      }
      pageStyle(scope)
      const endpoints = createLwsgsEndpoints(scope, services)
      await endpoints(scope, options.prefix)
      provideForms(app.gs, { services, endpoints })
    },
    { prefix: options.prefix, bodyLimit } as object
  )

  keepHouse(app, services, loading)
}

/** Timers: write down activity, remove what has ended. They begin when the server is ready and end before the database closes. */
function keepHouse(app: FastifyInstance, services: FlowServices, { activity, renewal, data }: SessionLoading): void {
  const { database, events, options, outbox, throttle } = services
  const { limits } = options.session

  const flush = async () => {
    const seen = activity.take()
    if (seen.size > 0) await database.transaction((trx) => recordActivity(trx, seen))
  }
  const keepOf = (trx: Trx) => (data.keepsOfEnded ? (ids: readonly string[]) => data.keepOfExpired(trx, ids) : undefined)
  const sweep = async () => {
    const at = options.now()
    // What was used a moment ago may not be written yet, here or in another process; requests keep to the exact limit.
    await flush()
    const lenient = { ...limits, idle: limits.idle + flushGrace, remembered: limits.remembered + flushGrace }
    // In batches, each its own transaction: nobody waits long for a big one.
    for (let ended: SessionEndEvent[] | undefined; ended === undefined || ended.length === sweepBatch;) {
      ended = await database.transaction((trx) => pruneSessions(trx, lenient, at, sweepBatch, keepOf(trx)))
      events.ended(ended)
    }
    for (let gone: number | undefined; gone === undefined || gone === sweepBatch;) {
      gone = await database.transaction((trx) => data.prune(trx, sweepBatch))
    }
    for (let gone: number | undefined; gone === undefined || gone === sweepBatch;) {
      const ended: SessionEndEvent[] = []
      gone = await database.transaction(async (trx) => {
        ended.length = 0
        const before = at - Math.max(options.links.verifyEmail, options.links.forgotPassword)
        const accounts = await pruneUnverifiedAccounts(trx, before, sweepBatch, async (ids) => {
          for (const id of ids) ended.push(...(await endSessionsOf(trx, id, 'account-deleted')))
        })
        for (const account of accounts) {
          await throttle.forgive(trx, account.id)
          await enqueueEvent(trx, 'accountDeleted', account, at, 'unverified')
        }
        return accounts.length
      })
      events.ended(ended)
    }
    await database.transaction(async (trx) => {
      await pruneFormerTokens(trx, at)
      await pruneLinks(trx, at - linkMemory)
      await throttle.prune(trx, at)
      await outbox.prune(trx, at)
      await pruneAudit(trx, at)
      await pruneChanges(trx)
      await pruneNodes(trx, at)
    })
  }

  let running = Promise.resolve()
  const inTurn = (task: () => Promise<void>) => {
    running = running.then(task).catch((error: unknown) => app.log.error({ err: error }, 'housekeeping failed; it is tried again'))
  }
  const timers: NodeJS.Timeout[] = []
  app.addHook('onReady', async () => {
    timers.push(setInterval(inTurn, flushInterval, flush).unref(), setInterval(inTurn, sweepInterval, sweep).unref())
    inTurn(sweep)
    outbox.start()
  })
  app.addHook('onClose', async () => {
    for (const timer of timers) clearInterval(timer)
    inTurn(flush)
    await running
    await renewal.settled()
    await outbox.stop()
  })
}

/**
 * Sessions, accounts, mail flows and policies for a Fastify application. Register it once, at the root, before the routes it protects.
 *
 * @throws {GsOptionError} an option is wrong
 * @throws {GsStartError} the database cannot be used
 */
export const fastifyGs = fp(plugin, { fastify: '5.x', name: 'fastify-gs' })
