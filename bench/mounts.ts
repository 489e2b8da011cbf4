/*
 * What a mount costs: a script of 25 kB as @fastify/static serves it, the same from an open mount, from one with a policy (asked for by
 * members), and with its symbols replaced. The server runs in a process of its own; rounds are interleaved. Then a file of 100 MB is
 * rewritten while the heap is watched.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, get, type IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fastifyStatic from '@fastify/static'
import { gsMount } from 'fastify-gs'
import { buildBenchApp } from './lib/app.ts'
import { median, printTable } from './lib/stats.ts'

const rounds = 15
const perRound = 600
const connections = 4
/** Least part of the requests of the compared case that must be answered in the same time. */
const limits = { rewritten: 0.6, protected: 0.85 }
const megabytes = 100
/** Most that the heap may grow while the big file is rewritten, bytes; far below its size. */
const heapLimit = 5e6

const script = (length: number) => {
  const line = `var user = "$lwsgs_user", mask = $lwsgs_auth, price = "$" + amount + "$lwsgs_";\n`
  const filler = 'function add(first, second) { return first + second } // an ordinary line of code\n'
  return (line + filler.repeat(20)).repeat(Math.ceil(length / 1800)).slice(0, length)
}

/** Heap and buffers in use, bytes. How much waits to be collected says nothing; the second call waits for what the first one began to free. */
function alive(): number {
  global.gc!()
  global.gc!()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

if (process.send !== undefined) {
  const directory = mkdtempSync(join(tmpdir(), 'gs-bench-mounts-'))
  const open = join(directory, 'open')
  const closed = join(directory, 'closed')
  for (const root of [open, closed]) {
    mkdirSync(root)
    writeFileSync(join(root, 'app.js'), script(25_000))
  }
  const big = createWriteStream(join(open, 'big.js'))
  for (let i = 0; i < megabytes; i++) if (!big.write(script(1_000_000))) await once(big, 'drain')
  big.end()
  await once(big, 'finish')

  const { app, cookies, close } = await buildBenchApp(20, async (server) => {
    await server.register(fastifyStatic, { root: open, prefix: '/static/', cacheControl: false, decorateReply: false })
    await server.register(gsMount, { prefix: '/open', root: open })
    await server.register(gsMount, { prefix: '/rewritten', root: open, interpret: ['.js'] })
    await server.register(gsMount, { prefix: '/protected', root: closed, policy: 5 })
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  let highest = 0
  let watch: NodeJS.Timeout | undefined
  process.on('message', (message) => {
    if (message === 'watch') {
      const before = alive()
      highest = 0
      watch = setInterval(() => {
        highest = Math.max(highest, alive() - before)
      }, 100)
    }
    if (message === 'watched') {
      clearInterval(watch)
      process.send!({ highest })
    }
    if (message === 'stop') {
      void close().then(() => {
        rmSync(directory, { recursive: true, force: true })
        process.exit(0)
      })
    }
  })
  process.send({ port: (app.server.address() as { port: number }).port, cookies })
} else {
  const server = fork(import.meta.filename, { execArgv: ['--expose-gc'] })
  const [{ port, cookies }] = (await once(server, 'message')) as [{ port: number; cookies: string[] }]
  const agent = new Agent({ keepAlive: true, maxSockets: connections })

  const load = async (path: string, cookie: string | undefined): Promise<number> => {
    const headers = cookie === undefined ? {} : { cookie }
    const [response] = (await once(get({ host: '127.0.0.1', port, path, agent, headers }), 'response')) as [IncomingMessage]
    if (response.statusCode !== 200) throw new Error(`${path}: ${response.statusCode}`)
    let length = 0
    for await (const chunk of response as AsyncIterable<Buffer>) length += chunk.length
    return length
  }
  /** Requests per second. */
  const rate = async (path: string, member: boolean) => {
    const start = performance.now()
    const worker = async (offset: number) => {
      for (let i = offset; i < perRound; i += connections) await load(path, member ? cookies[i % cookies.length] : undefined)
    }
    await Promise.all(Array.from({ length: connections }, (_, offset) => worker(offset)))
    return perRound / ((performance.now() - start) / 1000)
  }

  const cases = {
    '@fastify/static': ['/static/app.js', false],
    'open mount': ['/open/app.js', false],
    'mount with policy, member': ['/protected/app.js', true],
    'rewritten, no cookie': ['/rewritten/app.js', false],
    'rewritten, member': ['/rewritten/app.js', true]
  } as const
  const rates = new Map(Object.keys(cases).map((name) => [name as keyof typeof cases, [] as number[]]))
  for (let round = 0; round <= rounds; round++) {
    for (const [name, [path, member]] of Object.entries(cases)) {
      const measured = await rate(path, member)
      // The first round only warms up.
      if (round > 0) rates.get(name as keyof typeof cases)!.push(measured)
    }
  }
  /** Round by round, so that a slow moment of the machine counts for both. */
  const ratio = (name: keyof typeof cases, base: keyof typeof cases) =>
    median(rates.get(name)!.map((value, round) => value / rates.get(base)![round]!))
  printTable([
    ['25 kB script', 'requests/s', 'of @fastify/static', 'of an open mount'],
    ...[...rates].map(([name, values]) => [
      name,
      median(values).toFixed(0),
      ratio(name, '@fastify/static').toFixed(2),
      ratio(name, 'open mount').toFixed(2)
    ])
  ])

  await load('/rewritten/big.js', undefined)
  server.send('watch')
  const start = performance.now()
  const length = await load('/rewritten/big.js', undefined)
  const seconds = (performance.now() - start) / 1000
  server.send('watched')
  const [{ highest }] = (await once(server, 'message')) as [{ highest: number }]
  console.log(
    `\nA file of ${megabytes} MB became ${(length / 1e6).toFixed(1)} MB in ${seconds.toFixed(1)} s; heap and buffers grew by ${(highest / 1e6).toFixed(1)} MB at most`
  )
  server.send('stop')
  await once(server, 'exit')
  agent.destroy()

  const failures = [
    ratio('rewritten, member', '@fastify/static') < limits.rewritten && `a rewritten file is below ${limits.rewritten} of a plain one`,
    ratio('mount with policy, member', 'open mount') < limits.protected && `a protected file is below ${limits.protected} of an open one`,
    highest > heapLimit && `the heap grew by more than ${heapLimit / 1e6} MB`
  ].filter((failure) => failure !== false)
  for (const failure of failures) console.error(`Too slow or too big: ${failure}.`)
  if (failures.length > 0) process.exitCode = 1
}
