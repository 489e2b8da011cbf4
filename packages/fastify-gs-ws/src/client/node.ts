import { TlsSessionCache, webSocketClass } from 'tls-session-cache'
import { WebSocket } from 'ws'
import type { ClientOptions, GsWsClient } from './client-types.ts'
import { createClient as create } from './create-client.ts'

/*
 * What Node is given for `fastify-gs-ws/client`: the same, but for the class of websockets, which makes a new connection to a server with the TLS session of
 * the former one. In pages the browser does so by itself.
 */

export { memoryStorage, type ClientStorage } from './storage.ts'
export type * from './client-types.ts'

/**
 * One for all clients of the process: they trust the same, and show no certificate. Tickets are used again, because servers of Node, as those of Fastify
 * are, give none when they resume.
 */
const sessions = new TlsSessionCache({ namespace: 'fastify-gs-ws client', max: 100, ttl: 3600, singleUse: false })
const ResumingWebSocket = webSocketClass(WebSocket, sessions)

/** See `createClient` in create-client.ts. */
export const createClient = (url: string | URL, options: ClientOptions = {}): GsWsClient =>
  create(url, { WebSocket: ResumingWebSocket, ...options })
