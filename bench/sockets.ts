/*
 * What sessions of fastify-gs-ws cost: a message there and back in both dialects, beside @fastify/websocket alone; a resume, with sessions in
 * memory and in SQLite; and what 10 000 stored sessions take, and 1 000 that are open. Servers are processes of their own, and CPU is theirs.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient, memoryStorage, type GsWsClient } from 'fastify-gs-ws/client'
import { WebSocket } from 'ws'
import { startSocketsProcess, type SocketsProcess, type StoredSecret } from './lib/sockets-process.ts'
import { median, printTable } from './lib/stats.ts'

const talkers = 50
const talkTime = 2000
const rounds = 3
const stored = 10_000
const resumes = 1000
const atOnce = 20
const open = 1000
/** A session that everybody has left stays in memory for 5 s: nothing of the work before may be there when memory is compared. */
const linger = 6000

const limits = {
  /** Most CPU of a message there and back, as a multiple of @fastify/websocket alone. */
  webgram: 6,
  numbered: 10,
  /** Fewest resumes in a second. */
  resumes: 100,
  /** Most bytes of a stored session of 250 bytes, and of one that is open. */
  stored: 4000,
  open: 60_000
}

const failures: string[] = []
const check = (fine: boolean, failure: string) => {
  if (!fine) failures.push(failure)
}

type Dialect = 'bare' | 'webgram' | 'gs-sessions.1'

interface Talker {
  /** Says something; `heard` is called with each answer. */
  readonly say: (text: string) => void
  readonly close: () => void
}

async function openTalker(address: string, dialect: Dialect, heard: () => void, session?: StoredSecret): Promise<Talker> {
  if (dialect === 'gs-sessions.1') {
    const client: GsWsClient = createClient(address, {
      storage: memoryStorage(),
      framesPerSecond: 1_000_000,
      WebSocket,
      ...(session !== undefined && { session: { id: session[0], secret: session[1] } })
    })
    client.on('echo', heard)
    await client.waitForSession()
    return { say: (text) => client.send('echo', text), close: () => client.close() }
  }
  const socket = new WebSocket(address, { perMessageDeflate: false })
  const ready = new Promise<void>((resolve, reject) => {
    socket.on('error', reject)
    socket.on('open', () => {
      if (dialect === 'bare') resolve()
      else socket.send(JSON.stringify(session === undefined ? ['session-create'] : ['session-resume', ...session]))
    })
    socket.on('message', (text: Buffer) => {
      const [event] = JSON.parse(text.toString()) as [string]
      if (event === 'session-ok') resolve()
      else if (event === 'echo') heard()
      else reject(new Error(`The server has said ${text.toString()}`))
    })
  })
  await ready
  return { say: (text) => socket.send(JSON.stringify(['echo', text])), close: () => socket.close() }
}

/** All talk for a while, each waits for its answer. Gives the messages of a second, and the CPU of one, µs. */
async function talk(server: SocketsProcess, dialect: Dialect): Promise<{ rate: number; cpu: number }> {
  let count = 0
  let going = true
  const all = await Promise.all(
    Array.from({ length: talkers }, async () => {
      const talker: Talker = await openTalker(server.address, dialect, () => {
        count++
        if (going) talker.say('a message of usual length')
      })
      return talker
    })
  )
  const before = await server.cpu()
  const start = performance.now()
  for (const talker of all) talker.say('a message of usual length')
  await new Promise((resolve) => setTimeout(resolve, talkTime))
  going = false
  const done = count
  const elapsed = performance.now() - start
  const used = (await server.cpu()) - before
  for (const talker of all) talker.close()
  return { rate: (done / elapsed) * 1000, cpu: used / done }
}

/** Each session comes once, some at once. Gives the resumes of a second, and the CPU of one, µs. */
async function resume(server: SocketsProcess, dialect: Dialect, sessions: readonly StoredSecret[]): Promise<{ rate: number; cpu: number }> {
  const waiting = [...sessions]
  const before = await server.cpu()
  const start = performance.now()
  const worker = async () => {
    for (let session = waiting.pop(); session; session = waiting.pop()) {
      const talker = await openTalker(server.address, dialect, () => undefined, session)
      talker.close()
    }
  }
  await Promise.all(Array.from({ length: atOnce }, worker))
  const elapsed = performance.now() - start
  return { rate: (sessions.length / elapsed) * 1000, cpu: ((await server.cpu()) - before) / sessions.length }
}

/** Bytes that a server needs when everybody has gone. */
async function memoryAtRest(server: SocketsProcess): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, linger))
  return server.memory()
}

const begin = performance.now()
const directory = mkdtempSync(join(tmpdir(), 'gs-bench-'))
const file = join(directory, 'sockets.sqlite3')
const bare = await startSocketsProcess({ kind: 'bare', file })
const memory = await startSocketsProcess({ kind: 'memory', file })
const sqlite = await startSocketsProcess({ kind: 'sqlite', file })

const sides = [
  ['@fastify/websocket alone', bare, 'bare', Infinity],
  ['first dialect', memory, 'webgram', limits.webgram],
  ['second dialect', memory, 'gs-sessions.1', limits.numbered]
] as const
const talks = sides.map((): { rate: number; cpu: number }[] => [])
// The first round warms up.
for (let round = 0; round <= rounds; round++) {
  for (const [i, [, server, dialect]] of sides.entries()) {
    const result = await talk(server, dialect)
    if (round > 0) talks[i]!.push(result)
  }
}
const cpus = talks.map((results) => median(results.map(({ cpu }) => cpu)))
printTable([
  [`${talkers} clients, there and back`, 'messages/s', 'CPU µs each', 'ratio'],
  ...sides.map(([name], i) => [
    name,
    median(talks[i]!.map(({ rate }) => rate)).toFixed(0),
    cpus[i]!.toFixed(0),
    (cpus[i]! / cpus[0]!).toFixed(2)
  ])
])
for (const [i, [name, , , limit]] of sides.entries()) check(cpus[i]! / cpus[0]! <= limit, `a message of the ${name}`)

const rows: string[][] = []
for (const [name, server] of [
  ['memory', memory],
  ['SQLite', sqlite]
] as const) {
  const before = await memoryAtRest(server)
  const secrets = await server.fill(stored)
  const heap = ((await server.memory()) - before) / stored
  const disk = name === 'SQLite' ? statSync(file).size + (statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0) : 0
  const first = await resume(server, 'webgram', secrets.slice(0, resumes))
  const second = await resume(server, 'gs-sessions.1', secrets.slice(resumes, 2 * resumes))
  const idle = await memoryAtRest(server)
  const crowd = await Promise.all(
    secrets.slice(-open).map((secret) => openTalker(server.address, 'gs-sessions.1', () => undefined, secret))
  )
  const each = ((await server.memory()) - idle) / open
  for (const talker of crowd) talker.close()
  rows.push([
    name,
    first.rate.toFixed(0),
    first.cpu.toFixed(0),
    second.rate.toFixed(0),
    second.cpu.toFixed(0),
    ((heap * stored) / 1e6).toFixed(1),
    disk > 0 ? (disk / 1e6).toFixed(1) : '',
    (each / 1000).toFixed(1)
  ])
  check(Math.min(first.rate, second.rate) >= limits.resumes, `a resume from ${name}`)
  check(Math.max(heap, disk / stored) <= limits.stored, `a session stored in ${name}`)
  check(each <= limits.open, `an open session of ${name}`)
}
console.log('')
printTable([
  [
    `${stored} stored sessions`,
    'first dialect: resumes/s',
    'CPU µs each',
    'second: resumes/s',
    'CPU µs each',
    'heap, MB',
    'disk, MB',
    'each open one, kB'
  ],
  ...rows
])
for (const server of [bare, memory, sqlite]) await server.stop()
rmSync(directory, { recursive: true })

console.log(`\n${((performance.now() - begin) / 1000).toFixed(0)} s`)
for (const failure of failures) console.error(`Too slow or too big: ${failure}.`)
if (failures.length > 0) process.exitCode = 1
