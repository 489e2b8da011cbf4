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
const askingTime = 8_000
const samplingInterval = 20
const readers = 1000
const slowReaders = 10
const posts = { count: 40, size: 200 }
const bigPosts = { count: 40, size: 65_536, most: 250 }
const victims = { sessions: 5, socketsEach: 20, repeats: 10 }

const limits = {
  /** Most that a socket may take of memory, as a multiple of one of @fastify/websocket alone. */
  alive: 3,
  resident: 3,
  /** Most of a core that the idle sockets may use. */
  idle: 0.1,
  /** By how much they may delay one answer in a hundred of /healthz, ms. */
  healthz: 20,
  /** Most time of a post to its last reader, as a multiple. */
  post: 2,
  /** Until the last socket of ended sessions is closed, ms: by the same process, by another one. */
  revocation: 500,
  revocationElsewhere: 1000,
  /** Time of one post in a hundred to those who read, as a multiple of that without slow readers. */
  slow: 2,
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
}

async function gather(name: string, server: LiveProcess, cookies: readonly string[]): Promise<Side> {
  // What is made once, for the first ones, is not counted.
  await (await Crowd.connect(server.port, cookies.slice(0, 100))).keep(0)
  const before = await server.ask({ do: 'memory' })
  const crowd = await Crowd.connect(server.port, cookies)
  const after = await server.ask({ do: 'memory' })
  const perSocket = (what: keyof typeof before) => (after[what] - before[what]) / cookies.length
  return { name, server, crowd, alive: perSocket('alive'), resident: perSocket('resident') }
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
  const shares = after.map(({ user, system }, i) => (user - before[i]!.user + system - before[i]!.system) / elapsed)
  const healths = await Promise.all(sides.map(({ server }, i) => watchHealth(server, askingTime, (i * samplingInterval) / sides.length)))
  const [base] = sides
  printTable([
    [`${crowdSize} idle sockets`, 'in use, kB each', 'ratio', 'resident, kB each', 'ratio', 'CPU %', 'GET /healthz, median ms', 'p99'],
    ...sides.map(({ name, alive, resident }, i) => [
      name,
      kB(alive),
      times(alive / base!.alive),
      kB(resident),
      times(resident / base!.resident),
      (shares[i]! * 100).toFixed(2),
      ms(median(healths[i]!)),
      ms(percentile(healths[i]!, 0.99))
    ])
  ])
  for (const [i, { name, alive, resident }] of sides.entries()) {
    const delay = percentile(healths[i]!, 0.99) - percentile(healths[0]!, 0.99)
    check(alive <= base!.alive * limits.alive, `${name}: a socket has more than ${limits.alive} times the memory in use`)
    check(
      resident <= base!.resident * limits.resident,
      `${name}: a socket makes the process grow by more than ${limits.resident} times as much`
    )
    check(shares[i]! <= limits.idle, `${name}: idle sockets use more than ${limits.idle * 100} % of a core`)
    check(delay <= limits.healthz, `${name}: idle sockets delay one answer in a hundred by more than ${limits.healthz} ms`)
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
    check(Math.max(...delays) <= limit, `${engine}, ${where}: sockets of ended sessions live for more than ${limit} ms`)
    check(stillOpen === 0, `${engine}: sockets were open when the end of their sessions was answered`)
  }
  printTable(rows)
}

/** 4. Some take nothing while big texts are sent. */
async function slowReading({ name, server, crowd }: Side): Promise<void> {
  const send = async (enough: (sent: number) => Promise<boolean>, reading: number) => {
    const heard: number[] = []
    let sent = 0
    await server.ask({ do: 'watch' })
    while (!(await enough(sent))) {
      heard.push(...(await crowd.post(bigPosts.size, reading)))
      sent++
    }
    return { heard, sent, highest: await server.ask({ do: 'watched' }) }
  }
  const until = (count: number) => async (sent: number) => sent >= count
  await send(until(5), readers)
  const without = await send(until(bigPosts.count), readers)
  const reading = readers - slowReaders
  for (const socket of crowd.sockets.slice(-slowReaders)) socket.pause()
  let droppedAfter = 0
  const slow = await send(async (sent) => {
    if (droppedAfter === 0 && (await server.ask({ do: 'open' })) === reading) droppedAfter = sent
    return (droppedAfter > 0 && sent >= bigPosts.count) || sent >= bigPosts.most
  }, reading)
  const row = (label: string, { heard, sent, highest }: typeof slow) => [
    label,
    ms(median(heard)),
    ms(percentile(heard, 0.99)),
    ms(Math.max(...heard)),
    String(sent),
    (highest / 1e6).toFixed(0)
  ]
  printTable([
    [`Posts of 64 KiB to ${readers} sockets, ms until they are there`, 'median', 'p99', 'max', 'posts', 'most memory of the server, MB'],
    row('all read', without),
    row(`${slowReaders} do not`, slow)
  ])
  console.log(
    droppedAfter > 0 ? `Those who did not read were broken off after ${droppedAfter} posts.` : 'Those who did not read were not broken off.'
  )
  const ratio = percentile(slow.heard, 0.99) / percentile(without.heard, 0.99)
  check(droppedAfter > 0, `${name}: who does not read is not broken off after ${bigPosts.most} posts`)
  check(ratio <= limits.slow, `${name}: slow readers delay the others by more than ${limits.slow} times`)
  check(
    slow.highest - without.highest <= slowReaders * limits.slowMemory,
    `${name}: each slow reader takes more than ${limits.slowMemory / 1e6} MB of the server`
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
await few.server.stop()
await few.other.stop()
console.log('')
await sides[1]!.crowd.keep(crowdSize - victims.sessions * victims.socketsEach)
await revocations('SQLite', many.server, many.other)
console.log('')
const compared = sides.slice(0, 2)
for (const { crowd } of compared) await crowd.keep(readers)
await fanOut(compared)
console.log('')
await slowReading(compared[1]!)
for (const server of [bare, many.server, many.other]) await server.stop()

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
rmSync(directory, { recursive: true, force: true })

console.log(`\n${((performance.now() - begin) / 1000).toFixed(0)} s`)
for (const failure of failures) console.error(`Too slow or too big: ${failure}.`)
if (failures.length > 0) process.exitCode = 1
