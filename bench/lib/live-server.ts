import websocket from '@fastify/websocket'
import Fastify from 'fastify'
import fastifyGs, { type GsOptions, type PasswordHasher } from 'fastify-gs'
import { openAdministration } from 'fastify-gs/admin'
import type { WebSocket } from 'ws'
import type { Answers, Question } from './live-process.ts'

// The server of bench/live.ts, in a process of its own so that its memory is only its own: with fastify-gs on this database, or without it.

const database = JSON.parse(process.argv[2]!) as GsOptions['database'] | null
const password = 'correct horse battery staple'

/** Thousands of people log in here, which would take minutes with argon2. */
const hasher: PasswordHasher = {
  hash: async (plain) => `$bench$${plain.toString('hex')}`,
  verify: async (plain, stored) => stored === `$bench$${plain.toString('hex')}`,
  needsRehash: () => false
}

const app = Fastify()
const open = new Map<WebSocket, string>()

// How many sockets of somebody are still open when the end of his sessions is answered.
app.addHook('onSend', async (request, reply) => {
  if (request.method !== 'DELETE') return
  const left = [...open].filter(([socket, name]) => name === request.gs.account?.username && socket.readyState === socket.OPEN)
  reply.header('x-still-open', left.length)
})
if (database !== null) {
  await app.register(fastifyGs, {
    baseUrl: 'http://localhost',
    keys: ['only-for-measuring-0123456789-abcdef'],
    database,
    mail: { mailer: { send: async () => undefined, close: () => undefined }, from: 'noreply@site.test' },
    password: { hasher },
    rateLimits: false
  })
}
await app.register(websocket)
app.get('/healthz', () => ({ ok: true }))
app.get('/live', { websocket: true, ...(database !== null && { config: { gs: 'user' } }) }, (socket, request) => {
  open.set(socket, database === null ? '' : (request.gs.account?.username ?? ''))
  socket.on('close', () => open.delete(socket))
  // Somebody posts: all get a text of so many characters, and as in most applications each one its own copy.
  socket.on('message', (size: Buffer) => {
    const text = 'x'.repeat(Number(size.toString()))
    for (const reader of open.keys()) if (reader.readyState === reader.OPEN) reader.send(text)
  })
})

let watching: NodeJS.Timeout | undefined
let highest = 0

const nameOf = (member: number) => `member${member}`

const answers: { [Name in keyof Answers]: (question: Extract<Question, { do: Name }>) => Answers[Name] | Promise<Answers[Name]> } = {
  async members({ count }) {
    const administration = await openAdministration({ database: database!, hasher })
    const passwordHash = await hasher.hash(Buffer.from(password))
    const members = Array.from({ length: count }, (_, i) => nameOf(i))
    await administration.importAccounts(
      'bench',
      members.map((name) => ({ name, email: `${name}@mail.test`, passwordHash, verified: true, createdAt: null })),
      { dryRun: false }
    )
    await administration.close()
  },
  async logIn({ members }) {
    const cookies: string[] = []
    const logIn = async (at: number) => {
      const payload = { username: nameOf(members[at]!), password }
      const response = await app.inject({ method: 'POST', url: '/lwsgs/login', payload })
      if (response.statusCode !== 200) throw new Error(`A login was refused: ${response.body}`)
      cookies[at] = response.cookies.map(({ name, value }) => `${name}=${value}`).join('; ')
    }
    const several = 8
    const worker = async (first: number) => {
      for (let at = first; at < members.length; at += several) await logIn(at)
    }
    await Promise.all(Array.from({ length: several }, (_, first) => worker(first)))
    return cookies
  },
  memory() {
    // The second call waits for what the first one began to free.
    for (let i = 0; i < 3; i++) global.gc!()
    const { heapUsed, external, rss } = process.memoryUsage()
    return { alive: heapUsed + external, resident: rss }
  },
  cpu() {
    const { user, system } = process.cpuUsage()
    return user + system
  },
  open: () => open.size,
  watch() {
    highest = process.memoryUsage.rss()
    watching = setInterval(() => (highest = Math.max(highest, process.memoryUsage.rss())), 20)
  },
  watched() {
    clearInterval(watching)
    return highest
  },
  async stop() {
    for (const socket of open.keys()) socket.terminate()
    await app.close()
  }
}

process.on('message', (question: Question) => {
  const answer = answers[question.do] as (asked: Question) => unknown
  void Promise.resolve(answer(question))
    .then((value) => process.send!({ value }))
    .then(() => question.do === 'stop' && process.disconnect())
})
process.on('disconnect', () => process.exit(0))
await app.listen({ port: 0, host: '127.0.0.1', backlog: 4096 })
process.send!((app.server.address() as { port: number }).port)
