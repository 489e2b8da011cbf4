import { createHash, randomBytes } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import websocket from '@fastify/websocket'
import Fastify from 'fastify'
import { fastifyGsWs, memoryStore, sqliteStore } from 'fastify-gs-ws'
import type { SocketsQuestion, SocketsSetup, StoredSecret } from './sockets-process.ts'

// The server of bench/sockets.ts, in a process of its own so that CPU and memory are only its own. It sends back what it hears.

const { kind, file } = JSON.parse(process.argv[2]!) as SocketsSetup
const day = 86_400_000

const app = Fastify({ forceCloseConnections: true })
const store = kind === 'sqlite' ? await sqliteStore({ path: file }) : memoryStore()
if (kind === 'bare') {
  await app.register(websocket)
  app.get('/ws', { websocket: true }, (socket) => {
    socket.on('message', (text: Buffer) => socket.send(JSON.stringify(JSON.parse(text.toString()))))
  })
} else {
  const many = 100_000
  await app.register(fastifyGsWs, {
    path: '/ws',
    store,
    framesPerSecond: many,
    burst: many,
    perAddress: many,
    createsPerAddress: many
  })
  app.gsWs.on('echo', (conn, text) => conn.send('echo', text))
}

async function fill(count: number): Promise<StoredSecret[]> {
  const now = Date.now()
  return Promise.all(
    Array.from({ length: count }, async (): Promise<StoredSecret> => {
      const id = randomBytes(16).toString('base64url')
      const secret = randomBytes(64).toString('base64')
      await store.create({
        id,
        secretHash: createHash('sha256').update(secret).digest('base64url'),
        formerHash: null,
        formerUntil: null,
        owner: null,
        data: JSON.stringify({ count: 1, name: 'somebody', text: 'x'.repeat(200) }),
        fromClient: null,
        firstVisit: now,
        previousVisit: null,
        latestVisit: now,
        version: 1,
        links: '{}',
        idleUntil: now + 30 * day,
        absoluteUntil: now + 365 * day
      })
      return [id, secret]
    })
  )
}

async function memory(): Promise<number> {
  // What has a finalizer, buffers of sockets and of compiled code, goes with the second collection.
  globalThis.gc!()
  await setTimeout(200)
  globalThis.gc!()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

process.on('message', (question: SocketsQuestion) => {
  if (question.do === 'fill') void fill(question.count).then((secrets) => process.send!(secrets))
  else if (question.do === 'memory') void memory().then((bytes) => process.send!(bytes))
  else if (question.do === 'cpu') {
    const { user, system } = process.cpuUsage()
    process.send!(user + system)
  } else void app.close().then(() => process.disconnect())
})
// A measurement that was broken off leaves no server behind.
process.on('disconnect', () => process.exit())
process.send!((await app.listen({ host: '127.0.0.1', port: 0 })).replace(/^http/, 'ws') + '/ws')
