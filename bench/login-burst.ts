/*
 * While 50 people log in at the same moment: how long does GET /healthz take? The server runs in a process of its own; each round asks
 * first while it is idle and then during the burst, so that both columns see the same machine.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout } from 'node:timers/promises'
import { buildBenchApp, password } from './lib/app.ts'
import { median, percentile, printTable } from './lib/stats.ts'

const logins = 50
const rounds = 5
/** Time between two questions, ms. */
const samplingInterval = 5
/** "Within tens of milliseconds": what all but one in a hundred answers must keep to, ms. */
const limit = 90

if (process.send !== undefined) {
  const { app, close } = await buildBenchApp(logins)
  await app.listen({ port: 0, host: '127.0.0.1' })
  const delay = monitorEventLoopDelay({ resolution: 1 })
  process.on('message', (message) => {
    if (message === 'begin') delay.enable()
    if (message === 'end') {
      delay.disable()
      process.send!({ loop: delay.max / 1e6 })
      delay.reset()
    }
    if (message === 'stop') void close().then(() => process.exit(0))
  })
  process.send({ port: (app.server.address() as { port: number }).port })
} else {
  const server = fork(import.meta.filename)
  const [{ port }] = (await once(server, 'message')) as [{ port: number }]
  const agent = new Agent({ keepAlive: true })

  const call = (method: string, path: string, body?: object) =>
    new Promise<{ status: number; ms: number }>((resolve, reject) => {
      const start = performance.now()
      const text = body === undefined ? '' : JSON.stringify(body)
      const headers = body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }
      request({ host: '127.0.0.1', port, method, path, agent, headers }, (response) => {
        response.resume().on('end', () => resolve({ status: response.statusCode!, ms: performance.now() - start }))
      })
        .on('error', reject)
        .end(text)
    })

  /** Asks at a steady rate, whether or not the last answer has come: pauses of the server must not hide behind the fast answers between them. */
  const watch = async (until: Promise<unknown>) => {
    const times: Promise<number>[] = []
    let over = false
    void until.finally(() => (over = true))
    for (let due = performance.now(); !over; due += samplingInterval) {
      await setTimeout(Math.max(0, due - performance.now()))
      const late = Math.max(0, performance.now() - due)
      times.push(call('GET', '/healthz').then(({ ms }) => ms + late))
    }
    return Promise.all(times)
  }

  const idle: number[] = []
  const busy: number[] = []
  const bursts: number[] = []
  const loops: number[] = []
  for (let round = 0; round < rounds; round++) {
    idle.push(...(await watch(setTimeout(1000))))
    server.send('begin')
    const start = performance.now()
    const burst = Promise.all(Array.from({ length: logins }, (_, i) => call('POST', '/lwsgs/login', { username: `member${i}`, password })))
    busy.push(...(await watch(burst)))
    bursts.push(performance.now() - start)
    const refused = (await burst).filter(({ status }) => status !== 200)
    if (refused.length > 0) throw new Error(`${refused.length} logins were refused (${refused[0]!.status})`)
    server.send('end')
    loops.push(((await once(server, 'message')) as [{ loop: number }])[0].loop)
  }
  server.send('stop')
  await once(server, 'exit')
  agent.destroy()

  const ms = (value: number) => value.toFixed(2)
  printTable([
    ['GET /healthz, ms', 'median', 'p99', 'max', 'requests'],
    ['idle', ms(median(idle)), ms(percentile(idle, 0.99)), ms(Math.max(...idle)), String(idle.length)],
    [`while ${logins} log in`, ms(median(busy)), ms(percentile(busy, 0.99)), ms(Math.max(...busy)), String(busy.length)]
  ])
  console.log(
    `\n${logins} logins took ${median(bursts).toFixed(0)} ms (median of ${rounds}); longest pause of the event loop ${Math.max(...loops).toFixed(1)} ms`
  )
  if (percentile(busy, 0.99) > limit) {
    console.error(`One answer in a hundred took more than ${limit} ms.`)
    process.exitCode = 1
  }
}
