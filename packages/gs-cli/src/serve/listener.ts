import {
  createServer as createHttpServer,
  STATUS_CODES,
  type IncomingMessage,
  type Server,
  type ServerOptions,
  type ServerResponse
} from 'node:http'
import { createServer as createHttpsServer, Server as HttpsServer } from 'node:https'
import { constants } from 'node:crypto'
import { once } from 'node:events'
import { unlink } from 'node:fs/promises'
import { connect, type ListenOptions, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import type { LwswsVhost } from 'fastify-gs/lwsws'
import { CliError } from '../cli-error.ts'
import { chooseByName, hostName } from './host-name.ts'
import type { Logger } from './log.ts'
import type { Site } from './site.ts'

/** A place to listen at, and what has to be known before the first connection. */
export interface ListenPlan {
  /** The same for listeners that can stay. */
  readonly key: string
  /** How people name it. */
  readonly name: string
  readonly address: ListenOptions
  readonly tls: boolean
  /** Unencrypted requests to the encrypted port are sent to the encrypted address. */
  readonly redirectHttp: boolean
  readonly clientCertificates: boolean
}

/** How long a client may take for the head of a request, and to begin with it at all, ms. */
const headersTimeout = 20_000

/** A client that neither sends nor takes anything for so long has gone, ms. */
const silenceTimeout = 600_000

/** Which vhosts listen where. */
export function planListeners(vhosts: readonly LwswsVhost[]): ReadonlyMap<ListenPlan, readonly LwswsVhost[]> {
  const groups = Map.groupBy(vhosts, placeOf)
  const plans = new Map<ListenPlan, readonly LwswsVhost[]>()
  for (const [name, [first, ...others]] of groups) {
    const all = [first!, ...others]
    const tls = all.some((vhost) => vhost.tls !== null)
    const redirectHttp = tls && all.some((vhost) => vhost.redirectHttp)
    const clientCertificates = all.some((vhost) => vhost.tls?.clientCertRequired === true)
    const key = JSON.stringify([name, tls, redirectHttp, clientCertificates])
    plans.set({ key, name, address: addressOf(first!), tls, redirectHttp, clientCertificates }, all)
  }
  return plans
}

const placeOf = ({ port, interface: host, unixSocket }: LwswsVhost) =>
  unixSocket ?? (host === null ? `port ${port}` : `${host}, port ${port}`)

function addressOf({ port, interface: host, unixSocket }: LwswsVhost): ListenOptions {
  // Who may use the socket is decided by its directory, whatever the umask of the server: the proxy in front is another user.
  if (unixSocket !== null) return { path: unixSocket, readableAll: true, writableAll: true }
  return host === null ? { port } : { port, host }
}

function explain(error: NodeJS.ErrnoException, { name }: ListenPlan): CliError {
  const sentences: Record<string, string> = {
    EADDRINUSE: `${name} is already in use; stop the program that uses it, or change "port".`,
    EACCES: `${name} may not be used by this user; choose a port from 1024 on, or let the system pass connections on.`,
    EADDRNOTAVAIL: `${name} is no address of this machine; change "interface".`
  }
  const sentence =
    sentences[error.code ?? ''] ?? `${name} cannot be listened at (${error.code ?? error.message}); change "port" or "interface".`
  return new CliError(sentence[0]!.toUpperCase() + sentence.slice(1), undefined, { cause: error })
}

/** One open port: takes connections and gives each request to the site it is for. */
export class Listener {
  readonly plan: ListenPlan
  readonly #log: Logger
  readonly #server: Server
  /** For what comes unencrypted to an encrypted port. */
  readonly #plainServer: Server | null
  #sites: readonly Site[] = []
  #stopping = false
  /** Requests that come before there are sites. */
  readonly #ready = Promise.withResolvers<void>()

  /** All connections have ended after a stop. */
  readonly closed: Promise<unknown>

  constructor(plan: ListenPlan, log: Logger) {
    this.plan = plan
    const options: ServerOptions = {
      headersTimeout,
      connectionsCheckingInterval: 5_000,
      // Websockets belong to applications; here whoever asks for one is answered like anybody else.
      shouldUpgradeCallback: () => false
    }
    this.#server = plan.tls ? this.#createTlsServer(options) : createHttpServer(options)
    this.#server.timeout = silenceTimeout
    this.#server.on('request', (request, response) => this.#answer(request, response))
    this.#server.on('clientError', refuseMalformed)
    this.closed = new Promise((resolve) => this.#server.once('close', resolve))
    this.#log = log
    this.#plainServer = plan.tls && plan.redirectHttp ? this.#takePlainConnections() : null
  }

  /** @throws {CliError} it cannot be opened */
  async open(): Promise<void> {
    const { path } = this.plan.address
    if (path !== undefined) await removeStaleSocket(path)
    const opened = once(this.#server, 'listening')
    try {
      this.#server.listen(this.plan.address)
      await opened
    } catch (error) {
      throw explain(error as NodeJS.ErrnoException, this.plan)
    }
    this.#server.on('error', (error) => this.#log.error({ err: error }, 'a listener failed'))
  }

  /** From now on these answer. */
  use(sites: readonly Site[]): void {
    this.#sites = sites
    this.#server.keepAliveTimeout = Math.max(...sites.map(({ vhost }) => vhost.keepAliveTimeout)) * 1000
    const first = sites[0]?.tls
    if (this.#server instanceof HttpsServer && first != null) this.#server.setSecureContext(first.options)
    this.#ready.resolve()
  }

  /** Takes no new connections, and no new requests on the old ones once these are answered. */
  stop(): void {
    this.#stopping = true
    this.#ready.resolve()
    this.#server.close()
    this.#plainServer?.closeAllConnections()
  }

  closeIdleConnections(): void {
    this.#server.closeIdleConnections()
  }

  closeAllConnections(): void {
    this.#server.closeAllConnections()
  }

  #siteFor(request: IncomingMessage): Site | undefined {
    return chooseByName(this.#sites, hostName(request.headers.host))
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    if (this.#sites.length === 0 && !this.#stopping) {
      void this.#ready.promise.then(() => this.#answer(request, response))
      return
    }
    if (this.#stopping) response.shouldKeepAlive = false
    const site = this.#siteFor(request)
    const refusal = site === undefined ? 503 : this.#refusal(request, site)
    if (refusal !== null) return refuse(response, refusal)
    nameSocketPeer(request.socket)
    site!.handle(request, response)
  }

  #refusal(request: IncomingMessage, site: Site): number | null {
    // Two names would let one be checked and the other one be used.
    if (request.rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === 'host').length > 1) return 400
    if (site.vhost.tls?.clientCertRequired !== true) return null
    const socket = request.socket as TLSSocket
    // The certificate was asked for, and compared with the authorities of, the name in the handshake: another one's do not count.
    if (chooseByName(this.#sites, servernameOf(socket)) !== site) return 421
    return socket.authorized ? null : 403
  }

  #createTlsServer(options: ServerOptions): Server {
    return createHttpsServer({
      ...options,
      ALPNProtocols: ['http/1.1'],
      SNICallback: (servername, done) => done(null, chooseByName(this.#sites, hostName(servername))?.tls?.context),
      handshakeTimeout: headersTimeout,
      requestCert: this.plan.clientCertificates,
      // Decided for each request, because it depends on the vhost.
      rejectUnauthorized: false,
      // A session that was begun with one vhost must not be resumed with another one that trusts other authorities.
      ...(this.plan.clientCertificates && { secureOptions: constants.SSL_OP_NO_TICKET })
    })
  }

  /** Looks at the first byte of each connection: encrypted ones begin with 22. */
  #takePlainConnections(): Server {
    const redirecting = createHttpServer((request, response) => {
      const site = this.#siteFor(request)
      const port = request.socket.localPort ?? 443
      const authority = `${hostName(request.headers.host) || (site?.name ?? 'localhost')}${port === 443 ? '' : `:${port}`}`
      const location = URL.parse(request.url ?? '/', `https://${authority}`)
      if (location?.host !== new URL(`https://${authority}`).host) return refuse(response, 400)
      response.shouldKeepAlive = false
      response.writeHead(301, { location: location.href, 'content-length': 0 }).end()
    })
    redirecting.on('clientError', refuseMalformed)
    const encrypted = this.#server.listeners('connection') as ((this: Server, socket: Socket) => void)[]
    this.#server.removeAllListeners('connection')
    this.#server.on('connection', (socket: Socket) => {
      const giveUp = setTimeout(() => socket.destroy(), headersTimeout)
      const stopWaiting = () => clearTimeout(giveUp)
      socket.on('error', stopWaiting).on('close', stopWaiting)
      socket.once('readable', () => {
        const first = socket.read(1) as Buffer | null
        if (first !== null) socket.unshift(first)
        if (first?.[0] === 22) {
          stopWaiting()
          for (const listener of encrypted) listener.call(this.#server, socket)
        } else if (first === null) socket.destroy()
        else redirecting.emit('connection', socket)
      })
    })
    return redirecting
  }
}

const servernameOf = (socket: TLSSocket) => {
  const { servername } = socket as { servername?: string | false | null }
  return typeof servername === 'string' ? hostName(servername) : ''
}

/** Who comes through a unix socket has no address; he is on this machine. */
function nameSocketPeer(socket: Socket): void {
  if (socket.remoteAddress === undefined && !socket.destroyed)
    Object.defineProperty(socket, 'remoteAddress', { value: '127.0.0.1', configurable: true })
}

function refuse(response: ServerResponse, status: number): void {
  response.shouldKeepAlive = false
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${STATUS_CODES[status]}\n`)
}

function refuseMalformed(error: NodeJS.ErrnoException, socket: Duplex): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  const status = error.code === 'HPE_HEADER_OVERFLOW' ? 431 : error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 408 : 400
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\n\r\n`)
}

/** A server that was killed leaves its socket behind; one that runs answers there. */
async function removeStaleSocket(path: string): Promise<void> {
  const probe = connect(path)
  try {
    await once(probe, 'connect')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ECONNREFUSED') await unlink(path)
  } finally {
    probe.destroy()
  }
}
