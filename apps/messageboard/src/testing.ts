import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { TestContext } from 'node:test'
import { setInterval } from 'node:timers/promises'
import Sqlite from 'better-sqlite3'
import { hashPassword } from 'fastify-gs'
import { WebSocket, type RawData } from 'ws'
import { buildApp, type AppConfig } from './app.ts'
import { currentProtocol, type History, type ServerFrame } from './messages/protocol.ts'

/** A directory that goes with the test. */
export async function temporaryDirectory(t: TestContext): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'messageboard-'))
  t.after(() => rm(directory, { recursive: true, force: true }))
  return directory
}

/**
 * A port on which nobody listens, and below those that systems hand out by themselves: a board that is started again on it must not find
 * it taken by some other test's connection.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(20_000, 32_000)
    const server = createServer().listen(port, '127.0.0.1')
    const taken = await once(server, 'listening').then(
      () => false,
      () => true
    )
    if (taken) continue
    server.close()
    await once(server, 'close')
    return port
  }
}

export interface Frame {
  readonly idx: string
  readonly time: string
  readonly username: string
  readonly content: string
}

/** Collects what a socket receives from the moment it is made. */
export class FrameReader {
  readonly frames: Frame[] = []
  readonly closed: Promise<{ code: number; reason: string }>
  readonly #socket: WebSocket

  constructor(socket: WebSocket) {
    this.#socket = socket
    socket.on('message', (data: RawData) => this.frames.push(JSON.parse((data as Buffer).toString()) as Frame))
    socket.on('error', () => {})
    // Of two that wait for the same answer one waits on.
    socket.setMaxListeners(0)
    this.closed = new Promise((resolve) => {
      socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() }))
    })
  }

  /** Waits until so many frames have come in all. */
  async count(count: number): Promise<Frame[]> {
    while (this.frames.length < count) await once(this.#socket, 'message')
    return this.frames.slice(0, count)
  }

  async until(isLast: (frame: Frame) => boolean): Promise<Frame[]> {
    for (;;) {
      const index = this.frames.findIndex((frame) => isLast(frame))
      if (index >= 0) return this.frames.slice(0, index + 1)
      await once(this.#socket, 'message')
    }
  }
}

/** A reader of `messageboard.2`, which keeps what it was told, and can post and delete. */
export class BoardClient {
  readonly frames: ServerFrame[] = []
  readonly closed: Promise<{ code: number; reason: string }>
  readonly socket: WebSocket
  #id = 0

  constructor(socket: WebSocket) {
    this.socket = socket
    socket.on('message', (data: RawData) => {
      this.frames.push(JSON.parse((data as Buffer).toString()) as ServerFrame)
      socket.emit('told')
    })
    socket.on('error', () => {})
    this.closed = new Promise((resolve) => {
      socket.on('close', (code, reason) => {
        resolve({ code, reason: reason.toString() })
        socket.emit('told')
      })
    })
  }

  /** Waits for a frame of the type that fits, also among those that came before. */
  async frame<Type extends ServerFrame['type']>(
    type: Type,
    fits: (frame: Extract<ServerFrame, { type: Type }>) => boolean = () => true
  ): Promise<Extract<ServerFrame, { type: Type }>> {
    for (;;) {
      const found = this.frames.find((frame): frame is Extract<ServerFrame, { type: Type }> => frame.type === type && fits(frame as never))
      if (found !== undefined) return found
      if (this.socket.readyState === this.socket.CLOSED) assert.fail(`closed before "${type}" came: ${JSON.stringify(this.frames)}`)
      await once(this.socket, 'told')
    }
  }

  /** Waits until so many people are what it was told last. */
  async people(count: number): Promise<void> {
    while (this.frames.findLast((frame) => frame.type === 'presence')?.people !== count) await once(this.socket, 'told')
  }

  /** Waits for the first frames. */
  async ready(): Promise<this> {
    await this.frame('presence')
    return this
  }

  /** Sends a frame, and waits for its answer. */
  async send(frame: { type: 'post'; msg: string; id?: string } | { type: 'delete'; idx: number; id?: string }) {
    const { id = `own ${++this.#id}` } = frame
    this.socket.send(JSON.stringify({ ...frame, id }))
    const answer = (wanted: { id: string }) => wanted.id === id
    return Promise.race([this.frame('done', answer), this.frame('refused', answer)])
  }

  /** The numbers of the changes that it was told, in order. */
  get told(): number[] {
    return this.frames.flatMap((frame) => (frame.type === 'post' || frame.type === 'deleted' ? [frame.seq] : []))
  }

  /** What its page shows, oldest first. */
  get page(): { idx: number; content: string }[] {
    let page: { idx: number; content: string }[] = []
    for (const frame of this.frames) {
      if (frame.type === 'reset') page = frame.posts.map(({ idx, content }) => ({ idx, content }))
      if (frame.type === 'post') page.push({ idx: frame.post.idx, content: frame.post.content })
      if (frame.type === 'deleted') page = page.filter(({ idx }) => idx !== frame.idx)
    }
    return page
  }
}

/** What a visitor's browser is to the server: an origin and the cookies it was given. */
export class Visitor {
  readonly #origin: string
  readonly #cookies = new Map<string, string>()

  constructor(origin: string) {
    this.#origin = origin
  }

  get cookie(): string {
    return [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  }

  async fetch(path: string, init: RequestInit & { headers?: Record<string, string> } = {}): Promise<Response> {
    const response = await fetch(this.#origin + path, {
      redirect: 'manual',
      ...init,
      headers: { origin: this.#origin, cookie: this.cookie, ...init.headers }
    })
    for (const cookie of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie)!
      this.#cookies.set(name!, value!)
    }
    return response
  }

  post(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
    return this.fetch(path, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: JSON.stringify(body) })
  }

  /** The board's answer to somebody who is known to be let in. */
  async history(query = ''): Promise<History> {
    const response = await this.fetch(`/lwsgs/messages${query}`)
    if (response.status !== 200) throw new Error(`messages: ${response.status} ${await response.text()}`)
    return (await response.json()) as History
  }

  /** Posts a text; its number. */
  async write(msg: string): Promise<number> {
    const response = await this.post('/lwsgs/msg', { msg })
    if (response.status !== 201) throw new Error(`msg: ${response.status} ${await response.text()}`)
    return Number(((await response.json()) as { idx: string }).idx)
  }

  /** As an admin: changes what a member may. */
  async grant(username: string, change: { readonly sectors?: string[]; readonly withdraw?: string[] }): Promise<void> {
    const found = await this.fetch(`/lwsgs/admin/accounts?search=${username}`)
    const { accounts } = (await found.json()) as { accounts: { id: string; username: string }[] }
    const account = accounts.find((candidate) => candidate.username === username)!
    const response = await this.post(`/lwsgs/admin/accounts/${account.id}/grant`, change)
    if (response.status !== 200) throw new Error(`grant: ${response.status} ${await response.text()}`)
  }

  async logIn(username: string, password: string): Promise<void> {
    const response = await this.post('/lwsgs/login', { username, password })
    if (response.status !== 200) throw new Error(`login: ${response.status} ${await response.text()}`)
  }

  /** Signs up; with `verify` also follows the link in the mail. */
  async signUp(username: string, verify: boolean): Promise<void> {
    const password = 'correct horse battery staple'
    const email = `${username}@example.com`
    const response = await this.post('/lwsgs/register', { username, email, password })
    if (response.status !== 202) throw new Error(`register: ${response.status} ${await response.text()}`)
    if (!verify) return this.logIn(username, password)
    const { text } = await this.mail(email)
    const token = /token=([\w-]+)/.exec(text)![1]
    const verified = await this.post('/lwsgs/verify-email', { token })
    if (verified.status !== 200) throw new Error(`verify: ${verified.status} ${await verified.text()}`)
  }

  /** The newest mail to the address; waits until there is one. */
  async mail(to: string): Promise<{ subject: string; text: string }> {
    for await (const _ of setInterval(20)) {
      const mails = (await (await fetch(`${this.#origin}/mailbox/messages.json`)).json()) as { to: string; subject: string; text: string }[]
      const mail = mails.find((candidate) => candidate.to === to)
      if (mail !== undefined) return mail
    }
    throw new Error('unreachable')
  }

  /** The same with `messageboard.2`. */
  openClient(after?: number): BoardClient {
    const path = `/lwsgs/board${after === undefined ? '' : `?after=${after}`}`
    return new BoardClient(this.openBoard({ path, subprotocols: [currentProtocol] }))
  }

  /** Opens the websocket of the board. Without `origin` none is sent, as programs do. */
  openBoard(options: { origin?: string | null; host?: string; path?: string; subprotocols?: string[] } = {}): WebSocket {
    const { host, origin = this.#origin, path = '/lwsgs/board', subprotocols = ['protocol-lws-messageboard'] } = options
    return new WebSocket(this.#origin.replace('http', 'ws') + path, subprotocols, {
      ...(origin !== null && { origin }),
      headers: { cookie: this.cookie, ...(host !== undefined && { host }) }
    })
  }
}

const adminPassword = 'the password of the admin'
let adminPasswordHash: Promise<string> | undefined

/** A board of its own: a port, a data directory, pages. */
export async function configureApp(t: TestContext, overrides: Partial<AppConfig> = {}): Promise<AppConfig> {
  const directory = await temporaryDirectory(t)
  const webDirectory = join(directory, 'web')
  const dataDirectory = join(directory, 'data')
  mkdirSync(webDirectory)
  mkdirSync(dataDirectory)
  writeFileSync(join(webDirectory, 'index.html'), '<!doctype html><title>Message board</title>')
  return {
    baseUrl: `http://127.0.0.1:${await freePort()}`,
    dataDirectory,
    webDirectory,
    keys: ['0123456789abcdef0123456789abcdef'],
    adminPasswordHash: await (adminPasswordHash ??= hashPassword(adminPassword)),
    smtpUrl: undefined,
    mailFrom: 'noreply@localhost',
    databaseUrl: undefined,
    ...overrides
  }
}

/** The board in this process, on a real port. */
export async function startApp(t: TestContext, overrides: Partial<AppConfig> = {}) {
  const config = await configureApp(t, overrides)
  const app = await buildApp(config)
  t.after(() => app.close())
  await app.listen({ port: Number(new URL(config.baseUrl).port), host: '127.0.0.1' })
  return {
    app,
    config,
    visitor: () => new Visitor(config.baseUrl),
    /** A member, logged in. */
    member: async (username: string) => {
      const visitor = new Visitor(config.baseUrl)
      await visitor.signUp(username, true)
      return visitor
    },
    admin: async () => {
      const visitor = new Visitor(config.baseUrl)
      await visitor.logIn('admin', adminPassword)
      return visitor
    },
    boardDatabase: () => new Sqlite(join(config.dataDirectory, 'messageboard.sqlite3'))
  }
}

/** The status with which an upgrade was refused; 101 if it was not. */
export function upgradeStatus(socket: WebSocket): Promise<number> {
  return new Promise((resolve, reject) => {
    socket.on('error', reject)
    socket.on('upgrade', () => {
      resolve(101)
      socket.terminate()
    })
    socket.on('unexpected-response', (_request, response) => {
      response.resume()
      resolve(response.statusCode!)
    })
  })
}

/** Starts the board as a user starts it: another process, everything by environment. */
export function startBoard(t: TestContext, env: NodeJS.ProcessEnv) {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'server.ts')], {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe']
  })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (output += chunk))
  const errors = text(child.stderr)
  const exited = once(child, 'exit') as Promise<[code: number | null, signal: NodeJS.Signals | null]>
  t.after(async () => {
    child.kill('SIGKILL')
    await exited
  })
  return {
    child,
    errors,
    exited,
    output: () => output,
    /** Waits for the banner. */
    async ready() {
      while (!/Data +\S+\n(.*\n)?\n/.test(output)) {
        const happened = await Promise.race([once(child.stdout, 'data'), exited.then(() => 'exit')])
        if (happened === 'exit') assert.fail(`the board did not start: ${await errors}`)
      }
    }
  }
}

/** An environment with a data directory and pages of its own. */
export async function boardEnvironment(
  t: TestContext
): Promise<{ PORT: string; GS_DATA_DIR: string; GS_WEB_DIR: string; GS_BASE_URL: string }> {
  const directory = await temporaryDirectory(t)
  const web = join(directory, 'web')
  mkdirSync(web)
  writeFileSync(join(web, 'index.html'), '<!doctype html><title>Message board</title>')
  const port = await freePort()
  return { PORT: String(port), GS_DATA_DIR: join(directory, 'data'), GS_WEB_DIR: web, GS_BASE_URL: `http://127.0.0.1:${port}` }
}
