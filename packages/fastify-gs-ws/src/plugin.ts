import { AsyncLocalStorage } from 'node:async_hooks'
import fastifyWebsocket from '@fastify/websocket'
import type { FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { ClientSocket, type WebSocketLike } from './client-socket.ts'
import { addHandler } from './connection.ts'
import { WsOptionError } from './errors.ts'
import type { Hub } from './hub.ts'
import { addressGroup, Counts, HourlyLimit } from './limits.ts'
import { createLiveSessions } from './live-sessions.ts'
import { NumberedDialect } from './numbered-dialect.ts'
import { resolveOptions, type GsWsOptions } from './options.ts'
import { admit, endWhenAnswered, ownUpgrades, type WebSocketServerLike } from './own-upgrades.ts'
import { isOwnSocket } from './own-socket.ts'
import { createOwners } from './owner.ts'
import { ignorePromise } from './promises.ts'
import { closeCodes, subprotocol } from './protocol.ts'
import { sqliteStore } from './store/sqlite-store.ts'
import { WebgramDialect } from './webgram-dialect.ts'
import type { GsWs } from './ws-connection.ts'

declare module 'fastify' {
  interface FastifyInstance {
    gsWs: GsWs
  }
}

/** Into how many parts the sockets are divided: the pings of one part go out together. */
const parts = 30

const ownerAt = Symbol('fastify-gs-ws.owner')
type Admitted = FastifyRequest & { [ownerAt]?: string | null }

const plugin: FastifyPluginAsync<GsWsOptions> = async (app, given) => {
  const options = resolveOptions(given)
  const { log } = app
  const hasGs = app.hasDecorator('gs')
  const store = options.store ?? (await sqliteStore({ path: 'gs-ws.sqlite3' }))
  const live = createLiveSessions({ store, options, now: options.now, log })
  const hub: Hub = {
    options,
    log,
    live,
    handlers: new Map(),
    answers: new Map(),
    listeners: new Set(options.onSession === null || options.onSession === undefined ? [] : [options.onSession]),
    connections: new Set(),
    links: new Map(),
    creates: new HourlyLimit(options.createsPerAddress),
    open: new Counts(),
    elapsed: () => performance.now(),
    running: new AsyncLocalStorage()
  }
  const owners = createOwners(app, options.owner, async (owner, cause) => {
    try {
      await live.endOwned(owner, cause)
    } catch (error) {
      log.warn({ err: error }, 'the sessions of a login that is over could not be ended; nobody can resume them')
    }
  })

  const ring = Array.from({ length: parts }, () => new Set<ClientSocket>())
  let admittedCount = 0
  let beats = 0
  let closed = false
  const timer = setInterval(
    () => {
      for (const socket of ring[beats++ % parts]!) socket.beat()
    },
    (options.pingInterval * 1000) / parts
  ).unref()

  const refuse = (request: FastifyRequest, reply: FastifyReply, status: number, code: string, message: string) => {
    request.log.info({ code, ip: request.ip }, 'a websocket was refused')
    return reply.code(status).send({ statusCode: status, code, error: code, message })
  }

  const gate = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply | undefined> => {
    if ((request as { readonly ws?: boolean | null }).ws !== true) return undefined
    if (!isOwnSocket(request, options.origins)) return refuse(request, reply, 403, 'GS_WS_ORIGIN', 'A page of another site.')
    if (closed) return refuse(request, reply, 503, 'GS_WS_CLOSING', 'The server stops.')
    const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((name) => name.trim())
    if (!options.webgram && !offered.includes(subprotocol))
      return refuse(request, reply, 400, 'GS_WS_PROTOCOL', `The subprotocol is ${subprotocol}.`)
    const group = addressGroup(request.ip)
    if (hub.open.of(group) >= options.perAddress) return refuse(request, reply, 429, 'GS_WS_ADDRESS', 'Too many connections.')
    let owner: unknown
    try {
      owner = owners.of(request)
      if (owner !== null && (typeof owner !== 'string' || owner === '' || owner.length > 256)) {
        ignorePromise(owner)
        throw new TypeError('fastify-gs-ws: the option owner must give a text of 1 to 256 characters, or null, and no promise.')
      }
    } catch (error) {
      request.log.error({ err: error }, 'the option owner failed')
      return refuse(request, reply, 500, 'GS_WS_OWNER', 'Internal error.')
    }
    ;(request as Admitted)[ownerAt] = owner
    // It has closed while hooks of others were at work, and would never say so again.
    if (reply.raw.destroyed) return reply.hijack()
    // Counted from here on, so that others that come at the same time find it.
    hub.open.add(group)
    reply.raw.once('close', () => hub.open.remove(group))
    admit(request.raw, options.maxFrame)
    return undefined
  }

  const opened = (socket: WebSocketLike, request: FastifyRequest) => {
    const client = new ClientSocket(socket, request, options, hub.elapsed)
    const owner = (request as Admitted)[ownerAt] ?? null
    const dialect = socket.protocol === subprotocol ? new NumberedDialect(hub, client, owner) : new WebgramDialect(hub, client, owner)
    const part = ring[admittedCount++ % parts]!
    part.add(client)
    const unwatch =
      owner === null ? () => undefined : owners.watch(request, (cause) => void live.endOwned(owner, cause).catch(() => undefined))
    client.open(dialect, () => {
      part.delete(client)
      unwatch()
    })
    if (closed) client.close(closeCodes.goingAway, 'closing')
  }

  const close = () => {
    if (closed) return
    closed = true
    app.server.off('upgrade', endWhenAnswered)
    clearInterval(timer)
    for (const peer of hub.links.values()) peer.flush()
    for (const part of ring) for (const socket of part) socket.close(closeCodes.goingAway, 'closing')
  }

  if (!app.hasDecorator('websocketServer')) await app.register(fastifyWebsocket)
  ownUpgrades((app as unknown as { readonly websocketServer: WebSocketServerLike }).websocketServer)
  // Behind theirs, which makes the response.
  app.server.on('upgrade', endWhenAnswered)
  const limits = {
    maxMessage: options.maxFrame,
    messagesPerSecond: options.framesPerSecond,
    burst: options.burst,
    maxBuffered: options.maxBuffered
  }
  app.decorate('gsWs', {
    path: options.path === '/' && app.prefix !== '' ? app.prefix : app.prefix + options.path,
    connections: hub.connections,
    on: (event, handler) => addHandler(hub.handlers, event, handler),
    answer: (question, handler) => addHandler(hub.answers, question, handler),
    onSession(listener) {
      if (typeof listener !== 'function') throw new TypeError('fastify-gs-ws: a listener must be a function.')
      const own: typeof listener = (conn) => listener(conn)
      hub.listeners.add(own)
      return () => void hub.listeners.delete(own)
    },
    sessions: { list: live.list, end: (id) => live.end(id), endAll: () => live.endAll() }
  })

  // Before the hooks preClose of anybody: that of @fastify/websocket closes without saying why.
  app.addHook('onReady', async () => {
    if (!hasGs && app.hasDecorator('gs'))
      throw new WsOptionError('fastify-gs-ws: register fastify-gs before fastify-gs-ws; else sessions cannot belong to logins.')
    ;(app as { onClose?: (close: () => void) => void }).onClose?.(close)
  })
  app.addHook('preClose', async () => close())
  app.addHook('onClose', async () => {
    close()
    owners.close()
    for (const peer of hub.links.values()) peer.drop()
    await live.close()
    await store.close()
  })

  const route = {
    method: 'GET' as const,
    url: options.path,
    websocket: true,
    onRequest: gate,
    // Those of fastify-gs, where that guards all websockets.
    ...(hasGs && { config: { gsSocket: limits } }),
    handler: opened
  }
  app.route(route as unknown as Parameters<FastifyInstance['route']>[0])
}

/** Resumable websocket sessions: see {@link GsWsOptions}. @throws {WsOptionError} (rejects) */
export const fastifyGsWs = fp(plugin, { name: 'fastify-gs-ws', fastify: '5.x' })
