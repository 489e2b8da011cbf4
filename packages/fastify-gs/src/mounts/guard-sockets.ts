import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { FastifyInstance, FastifyRequest, onRequestHookHandler, RouteOptions } from 'fastify'
import { satisfies } from '../accounts/auth-mask.ts'
import { gsError, GsOptionError, isGsError, type GsError } from '../errors.ts'
import { admit, guardOf, guardServer, type WebSocketServerLike } from '../live/guarded-websocket.ts'
import type { Sockets } from '../live/sockets.ts'
import { resolveSocketLimits, type GsSocketLimits, type ResolvedOptions } from '../options.ts'
import { isOwnSocket, isWebsocket } from '../sessions/same-origin.ts'
import type { AccountVisit } from '../sessions/visit.ts'
import { decide } from './policy.ts'
import { policiesPassed, type Guard } from './require.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Limits of the websockets of this route, in the place of those of the option `sockets`. */
    gsSocket?: GsSocketLimits
  }
}

/** What @fastify/websocket adds to an application. */
interface WithWebsockets {
  readonly websocketServer?: WebSocketServerLike
}
interface WebsocketRoute {
  readonly websocket?: boolean
  readonly wsHandler?: unknown
}
interface WebsocketRequest {
  readonly ws?: boolean | null
}

/** How long an upgrade may take, hooks and all, ms. */
const upgradeLimit = 10_000

interface SocketGuarding {
  readonly guard: Pick<Guard, 'refuseUpgrade'>
  readonly sockets: Sockets
  readonly options: ResolvedOptions['sockets']
  readonly origin: string
}

/** In the config of routes that were seen when they were added. */
const known = Symbol('fastify-gs.socket')

const listOf = <T>(hooks: T | T[] | undefined): T[] => (hooks === undefined ? [] : ([hooks].flat() as T[]))

/** Whether @fastify/websocket would upgrade a request. */
const isForWebsocket = (request: FastifyRequest) => (request as WebsocketRequest).ws === true

/** Whether a request has come to be upgraded, and not to be answered. */
const isUpgrade = (request: FastifyRequest) => (request.raw as { readonly upgrade?: boolean }).upgrade === true || isForWebsocket(request)

function connectionGone(this: ServerResponse): void {
  guardOf(this.req)?.gone()
}

/** After a refusal. Outside of the scope of @fastify/websocket, where also hidden routes are answered, it would stay open. */
function endConnection(this: ServerResponse): void {
  this.socket?.destroySoon()
}

/** Why a visitor may not go on with what the policies of its upgrade have let him begin. */
export function reasonToLeave(request: FastifyRequest, visit: AccountVisit): string | null {
  for (const policy of policiesPassed(request)) {
    const decision = decide(policy, visit)
    if (decision === 'change-password') return 'password-change'
    if (decision !== 'pass') return satisfies(visit.mask, policy.mask) ? 'level' : 'mask'
  }
  return null
}

/**
 * Guards the routes of @fastify/websocket, whether that was registered before or after: their upgrades must come from pages of this site and
 * find a place among the limits; the open socket lives as long as the session of its visitor, and as the policies of the route allow. All
 * other routes refuse upgrades as if there were no such address.
 */
export function guardSockets(app: FastifyInstance, { guard, sockets, options, origin }: SocketGuarding): void {
  const servers = new Set<WebSocketServerLike>()

  const refuse = (request: FastifyRequest, error: GsError) => {
    request.log.info(
      { gs: 'socket', outcome: error.code, url: request.url.split('?', 1)[0], accountId: request.gs.account?.id, ip: request.ip },
      'refused'
    )
    return error
  }

  const gate =
    (limits: Required<GsSocketLimits>): onRequestHookHandler =>
    (request, reply, done) => {
      if (!isForWebsocket(request)) return done()
      if (!isOwnSocket(request.headers, origin, options)) return done(refuse(request, gsError('GS_CROSS_SITE')))
      const socket = sockets.admit(request, limits)
      if (isGsError(socket)) return done(refuse(request, socket))
      admit(request.raw, socket)
      // It may have closed while the hooks before this one were at work, and would never say so again.
      if (reply.raw.destroyed) socket.gone()
      // Of the connection, whatever becomes of the upgrade.
      else reply.raw.once('close', connectionGone)
      done()
    }

  /** Whether somebody else takes upgrades, like a proxy of the application. */
  const othersUpgrade = () => app.server.listenerCount('upgrade') > servers.size + (servers.size > 0 ? 1 : 0)
  const refuseUpgrade: onRequestHookHandler = function (request, reply, done) {
    if (!isUpgrade(request) || !isWebsocket(request.headers) || servers.size === 0 || othersUpgrade()) return done()
    guard.refuseUpgrade.call(this, request, reply, done)
  }

  /** Connections whose upgrade is neither done nor refused; by the request, because one under test has no socket. */
  const undecided = new Map<IncomingMessage, Duplex>()
  const limitUpgrade = (request: IncomingMessage, connection: Duplex) => {
    if (othersUpgrade()) return
    // What Fastify refuses before all hooks, like an address that cannot be decoded, would leave the connection open for ever.
    const timer = setTimeout(() => undecided.get(request)?.destroy(), upgradeLimit).unref()
    undecided.set(request, connection)
    connection.once('close', () => {
      clearTimeout(timer)
      undecided.delete(request)
    })
  }
  const meet = (server: WebSocketServerLike) => {
    if (servers.has(server)) return
    // Ahead of theirs, which may upgrade at once. Not before there is one: a server with a listener takes every request with this header
    // for one of its own.
    if (servers.size === 0) app.server.prependListener('upgrade', limitUpgrade)
    servers.add(server)
    server.on('headers', (_headers: unknown, request: IncomingMessage) => undecided.delete(request))
  }

  app.addHook('onRoute', function (this: FastifyInstance, route: RouteOptions) {
    const server = (this as unknown as WithWebsockets).websocketServer
    if (server !== undefined) meet(server)
    const { websocket, wsHandler } = route as unknown as WebsocketRoute
    const takesUpgrades = (websocket === true || wsHandler !== undefined) && listOf(route.method).includes('GET')
    const where = `${String(route.method)} ${route.url}`
    route.config = { ...route.config, [known]: true } as typeof route.config & object
    if (!takesUpgrades) {
      if (route.config?.gsSocket !== undefined && !listOf(route.method).includes('HEAD'))
        throw new GsOptionError(`fastify-gs: the route ${where} has gsSocket in its config, but is no websocket; leave it out.`)
      route.onRequest = [refuseUpgrade, ...listOf(route.onRequest)]
      return
    }
    if (server === undefined)
      throw new GsOptionError(
        `fastify-gs: the route ${where} is a websocket, but @fastify/websocket was not registered before it; write "await app.register(websocket)" in front of the route.`
      )
    const { maxMessage, messagesPerSecond, burst, maxBuffered, activity } = options
    const limits = resolveSocketLimits(
      { maxMessage, messagesPerSecond, burst, maxBuffered, activity, ...route.config?.gsSocket },
      `${where} config.gsSocket`
    )
    guardServer(server, limits.maxMessage)
    route.onRequest = [gate(limits), ...listOf(route.onRequest)]
  })

  app.addHook('onRequest', (request, reply, done) => {
    if (isUpgrade(request) && servers.size > 0 && !othersUpgrade()) reply.raw.once('finish', endConnection)
    const { config, url } = request.routeOptions
    if (!isForWebsocket(request) || request.is404 || known in config) return done()
    done(
      new Error(`The route ${url} was asked for a websocket, but was added before fastify-gs was registered; register fastify-gs first.`)
    )
  })

  // Before the hooks preClose of anybody: that of @fastify/websocket closes without saying why.
  app.addHook('onReady', async () => {
    ;(app as { onClose?: (close: () => void) => void }).onClose?.(() => sockets.close())
  })
  app.addHook('preClose', async () => {
    sockets.close()
    for (const connection of undecided.values()) connection.destroy()
  })
}
