/*
 * What websockets cost that live and die with their sessions, each beside the same number of sockets of @fastify/websocket alone: memory and
 * CPU of 5 000 idle ones, a post to 1 000, readers that do not read. And how long it takes, with 5 000 open, until the 100 sockets of an
 * account whose sessions are ended have been closed: by the same process, and by another one. Servers are processes of their own. On SQLite,
 * and for the last question on PostgreSQL too.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import type { GsOptions } from 'fastify-gs'
import { startPostgres } from 'fastify-gs/testing/postgres'
import { Crowd } from './lib/crowd.ts'
import { startLiveProcess, type LiveProcess } from './lib/live-process.ts'
import { median, percentile, printTable } from './lib/stats.ts'

const crowdSize = 5000
const fewSessions = 250
/** How long nothing happens, and how long /healthz is asked then, ms. */
const idleTime = 20_000
const askingTime = 5_000
const samplingInterval = 20
const readers = 1000
const slowReaders = 10
const posts = { count: 40, size: 200 }
/** At least so many, then until the slow readers are gone: much fits into the buffers of the system. */
const bigPosts = { size: 65_536, least: 40, most: 250 }
const victims = { sessions: 5, socketsEach: 20, repeats: 10 }

const limits = {
  /** Most that a socket may take of memory and of CPU, and a post of time until its last reader has it, as multiples of @fastify/websocket alone. */
  alive: 2.5,
  resident: 4,
  upgrade: 5,
  post: 2,
  /** Most of a core that the idle sockets may use. */
  idle: 0.05,
  /** Most time of one answer in a hundred of /healthz, as a multiple; less than this many ms are always fine. */
  healthz: 4,
  healthzAlways: 25,
  /** Until the last socket of ended sessions is closed, ms: by the same process in the median, by another one always. */
  revocation: 500,
  revocationElsewhere: 1000,
  /** Time until one in a hundred of those who read has a big post, as a multiple of that without slow readers. */
  slow: 3,
  /** Most that slow readers may add to the memory of the server, bytes for each. */
  slowMemory: 8e6
}

const failures: string[] = []
const check = (fine: boolean, failure: string) => {
  if (!fine) failures.push(failure)
}
const ms = (value: number) => value.toFixed(value < 10 ? 2 : 0)
const kB = (bytes: number) => (bytes / 1000).toFixed(1)
const times = (ratio: number) => ratio.toFixed(2)
const numbers = (length: number, offset = 0) => Array.from({ length }, (_, i) => offset + i)

/** Asks at a steady rate, whether or not the last answer has come: pauses of the server must not hide behind the fast answers between them. */
async function watchHealth(server: LiveProcess, during: number, after: number): Promise<number[]> {
  const asked: Promise<number>[] = []
  await setTimeout(after)
  const end = performance.now() + during
  for (let due = performance.now(); due < end; due += samplingInterval) {
    await setTimeout(Math.max(0, due - performance.now()))
    const late = Math.max(0, performance.now() - due)
    asked.push(server.call('GET', '/healthz').then((answer) => answer.ms + late))
  }
  return Promise.all(asked)
}

interface Side {
  readonly name: string
  readonly server: LiveProcess
  readonly crowd: Crowd
  /** Of one socket, bytes. */
  readonly alive: number
  readonly resident: number
  /** CPU until it was open, µs. */
  readonly upgrade: number
}

async function gather(name: string, server: LiveProcess, cookies: readonly string[]): Promise<Side> {
  // What is made once, for the first ones, is not counted.
  await (await Crowd.connect(server.port, cookies.slice(0, 500))).keep(0)
  const memory = await server.ask({ do: 'memory' })
  const cpu = await server.ask({ do: 'cpu' })
  const crowd = await Crowd.connect(server.port, cookies)
  const cpuAfter = await server.ask({ do: 'cpu' })
  const memoryAfter = await server.ask({ do: 'memory' })
  const { length } = cookies
  return {
    name,
    server,
    crowd,
    alive: (memoryAfter.alive - memory.alive) / length,
    resident: (memoryAfter.resident - memory.resident) / length,
    upgrade: (cpuAfter - cpu) / length
  }
}

/** 1. Nothing happens. All sides at the same time, so that they see the same machine. */
async function idle(sides: readonly Side[]): Promise<void> {
  const cpu = () => Promise.all(sides.map(({ server }) => server.ask({ do: 'cpu' })))
  await setTimeout(3000)
  const before = await cpu()
  const start = performance.now()
  await setTimeout(idleTime)
  const after = await cpu()
  const elapsed = (performance.now() - start) * 1000
  const shares = after.map((used, i) => (used - before[i]!) / elapsed)
  const healths = await Promise.all(sides.map(({ server }, i) => watchHealth(server, askingTime, (i * samplingInterval) / sides.length)))
  const slowest = healths.map((health) => percentile(health, 0.99))
  const base = sides[0]!
  printTable([
    [`${crowdSize} idle sockets`, 'in use, kB each', 'ratio', 'resident, kB each', 'ratio', 'upgrade, CPU µs', 'ratio', 'idle, CPU %'],
    ...sides.map(({ name, alive, resident, upgrade }, i) => [
      name,
      kB(alive),
      times(alive / base.alive),
      kB(resident),
      times(resident / base.resident),
      upgrade.toFixed(0),
      times(upgrade / base.upgrade),
      (shares[i]! * 100).toFixed(2)
    ])
  ])
  console.log('')
  printTable([
    ['GET /healthz meanwhile, ms', 'median', 'p99'],
    ...sides.map(({ name }, i) => [name, ms(median(healths[i]!)), ms(slowest[i]!)])
  ])
  for (const [i, { name, alive, resident, upgrade }] of sides.entries()) {
    check(alive <= base.alive * limits.alive, `${name}: a socket has more than ${limits.alive} times the memory in use`)
    check(resident <= base.resident * limits.resident, `${name}: the process grows by more than ${limits.resident} times as much`)
    check(upgrade <= base.upgrade * limits.upgrade, `${name}: an upgrade takes more than ${limits.upgrade} times the CPU`)
    check(shares[i]! <= limits.idle, `${name}: idle sockets use more than ${limits.idle * 100} % of a core`)
    const slow = Math.max(slowest[0]! * limits.healthz, limits.healthzAlways)
    check(slowest[i]! <= slow, `${name}: one answer in a hundred of /healthz takes more than ${ms(slow)} ms`)
  }
}

/** 2. One post to all. */
async function fanOut(sides: readonly Side[]): Promise<void> {
  const heard = sides.map(() => [] as number[])
  const last = sides.map(() => [] as number[])
  for (let round = -5; round < posts.count; round++) {
    for (const [i, { crowd }] of sides.entries()) {
      const arrivals = await crowd.post(posts.size)
      // The first ones only warm up.
      if (round < 0) continue
      heard[i]!.push(...arrivals)
      last[i]!.push(arrivals.at(-1)!)
    }
  }
  const ratioOf = (i: number) => median(last[i]!.map((value, round) => value / last[0]![round]!))
  printTable([
    [`A post to ${readers} sockets, ms until it is there`, 'median', 'p99', 'max', 'the last one, median', 'ratio'],
    ...sides.map(({ name }, i) => [
      name,
      ms(median(heard[i]!)),
      ms(percentile(heard[i]!, 0.99)),
      ms(Math.max(...heard[i]!)),
      ms(median(last[i]!)),
      times(ratioOf(i))
    ])
  ])
  for (const [i, { name }] of sides.entries())
    check(ratioOf(i) <= limits.post, `${name}: a post takes more than ${limits.post} times as long`)
}

/** 3. Somebody ends all other sessions of his account, at the process that has their sockets, or at another one. */
async function revocations(engine: string, server: LiveProcess, other: LiveProcess): Promise<void> {
  const rows = [
    [
      `${victims.sessions * victims.socketsEach} sockets of ended sessions, ms until the last is closed`,
      'median',
      'max',
      'open at the answer'
    ]
  ]
  for (const [where, ender] of [
    ['same process', server],
    ['another process', other]
  ] as const) {
    const delays: number[] = []
    let stillOpen = 0
    for (let repeat = 0; repeat < victims.repeats; repeat++) {
      const [own, ...sessions] = await other.ask({ do: 'logIn', members: Array<number>(victims.sessions + 1).fill(0) })
      const crowd = await Crowd.connect(
        server.port,
        sessions.flatMap((cookie) => Array<string>(victims.socketsEach).fill(cookie))
      )
      const closed = crowd.closed()
      const start = performance.now()
      const { response } = await ender.call('DELETE', '/lwsgs/sessions', own)
      const { at, how } = await closed
      if (response.statusCode !== 200 || how.size !== 1 || !how.has('4401 revoked'))
        throw new Error(`The sessions could not be ended: ${response.statusCode}, ${[...how].join(', ')}`)
      delays.push(at - start)
      if (ender === server) stillOpen += Number(response.headers['x-still-open'])
    }
    rows.push([`${engine}, ${where}`, ms(median(delays)), ms(Math.max(...delays)), ender === server ? String(stillOpen) : '–'])
    const limit = ender === server ? limits.revocation : limits.revocationElsewhere
    const delay = ender === server ? median(delays) : Math.max(...delays)
    check(delay <= limit, `${engine}, ${where}: sockets of ended sessions live for more than ${limit} ms`)
    check(stillOpen === 0, `${engine}: sockets were open when the end of their sessions was answered`)
  }
  printTable(rows)
}

/** 4. Some take nothing while big texts are sent. Post by post beside the same without them, so that both see the same machine. */
async function slowReading(slow: Side, fine: Side): Promise<void> {
  const rounds = async (count: number, withSlow: number, each: (heard: number[], others: number[]) => void | Promise<void>) => {
    for (let round = 0; round < count; round++) {
      await each(await slow.crowd.post(bigPosts.size, withSlow), await fine.crowd.post(bigPosts.size))
    }
  }
  await rounds(5, readers, () => undefined)
  for (const socket of slow.crowd.sockets.slice(-slowReaders)) socket.pause()
  const sides = [fine, slow]
  for (const { server } of sides) await server.ask({ do: 'watch' })
  const heard: [number[], number[]] = [[], []]
  let posts = 0
  let left = slowReaders
  while (posts < bigPosts.most && (left > 0 || posts < bigPosts.least)) {
    await rounds(1, readers - slowReaders, (withSlow, without) => {
      heard[0].push(...without)
      heard[1].push(...withSlow)
    })
    posts++
    left = (await slow.server.ask({ do: 'open' })) - (readers - slowReaders)
  }
  const highest = [await fine.server.ask({ do: 'watched' }), await slow.server.ask({ do: 'watched' })] as const
  const rowOf = (label: string, i: 0 | 1) => [
    label,
    ms(median(heard[i])),
    ms(percentile(heard[i], 0.99)),
    ms(Math.max(...heard[i])),
    (highest[i] / 1e6).toFixed(0)
  ]
  printTable([
    [`${posts} posts of 64 KiB to ${readers} sockets, ms`, 'median', 'p99', 'max', 'memory of the server at most, MB'],
    rowOf('all of them read', 0),
    rowOf(`${slowReaders} do not`, 1)
  ])
  console.log(`${slowReaders - left} of those who do not read were broken off.`)
  const [without, withSlow] = [percentile(heard[0], 0.99), percentile(heard[1], 0.99)]
  check(left === 0, `who does not read is not broken off after ${posts} posts`)
  check(withSlow <= without * limits.slow, `slow readers delay the others by more than ${limits.slow} times`)
  check(
    highest[1] - highest[0] <= slowReaders * limits.slowMemory,
    `a slow reader takes more than ${limits.slowMemory / 1e6} MB of the server`
  )
}

/** A server and another one on the same database, which has logged everybody in: what that has left in memory is not counted. */
async function startPair(database: GsOptions['database'], accounts: number, sessions: readonly number[]) {
  const other = await startLiveProcess(database)
  await other.ask({ do: 'members', count: accounts })
  const cookies = await other.ask({ do: 'logIn', members: sessions })
  return { other, server: await startLiveProcess(database), cookies }
}

const begin = performance.now()
const directory = mkdtempSync(join(tmpdir(), 'gs-bench-'))
process.once('exit', () => rmSync(directory, { recursive: true, force: true }))
const place = (name: string) => ({ sqlite: join(directory, `${name}.sqlite3`) })

const bare = await startLiveProcess(null)
// Nobody's is the account 0, whose sessions are ended.
const many = await startPair(place('many'), crowdSize + 1, numbers(crowdSize, 1))
const few = await startPair(place('few'), fewSessions, numbers(fewSessions))
const sides = [
  await gather('@fastify/websocket', bare, Array<string>(crowdSize).fill('')),
  await gather(`fastify-gs, ${crowdSize} sessions`, many.server, many.cookies),
  await gather(
    `fastify-gs, ${fewSessions} sessions`,
    few.server,
    numbers(crowdSize).map((i) => few.cookies[i % fewSessions]!)
  )
]
await idle(sides)
console.log('')
await sides[1]!.crowd.keep(crowdSize - victims.sessions * victims.socketsEach)
await revocations('SQLite', many.server, many.other)
console.log('')
for (const { crowd } of sides) await crowd.keep(readers)
await fanOut(sides)
console.log('')
await slowReading(sides[1]!, sides[2]!)
for (const server of [bare, many.server, many.other, few.server, few.other]) await server.stop()

const postgres = await startPostgres()
const shared = await startPair({ postgres: postgres.url }, fewSessions + 1, numbers(fewSessions, 1))
const bystanders = await Crowd.connect(
  shared.server.port,
  numbers(crowdSize - victims.sessions * victims.socketsEach).map((i) => shared.cookies[i % fewSessions]!)
)
console.log('')
await revocations('PostgreSQL', shared.server, shared.other)
await bystanders.keep(0)
await shared.server.stop()
await shared.other.stop()
await postgres.stop()

console.log(`\n${((performance.now() - begin) / 1000).toFixed(0)} s`)
for (const failure of failures) console.error(`Too slow or too big: ${failure}.`)
if (failures.length > 0) process.exitCode = 1
