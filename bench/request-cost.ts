/*
 * What fastify-gs adds to a request: a route of the same application outside of it, for a program without cookie, and for a member
 * (one query). Interleaved rounds through inject, so the figures are for comparison with each other only.
 */
import { buildBenchApp } from './lib/app.ts'
import { median, printTable } from './lib/stats.ts'

const rounds = 15
const perRound = 1000

const { app, cookies, close } = await buildBenchApp(100)
const cases: Record<string, (i: number) => Promise<unknown>> = {
  'outside of fastify-gs': () => app.inject('/healthz'),
  'no cookie': () => app.inject('/me'),
  'logged in, one query': (i) => app.inject({ url: '/me', headers: { cookie: cookies[i % cookies.length]! } })
}
const times = new Map<string, number[]>(Object.keys(cases).map((name) => [name, []]))
for (let round = 0; round <= rounds; round++) {
  for (const [name, run] of Object.entries(cases)) {
    const start = performance.now()
    for (let i = 0; i < perRound; i++) await run(i)
    // The first round only warms up.
    if (round > 0) times.get(name)!.push(((performance.now() - start) / perRound) * 1000)
  }
}
await close()

const base = median(times.get('outside of fastify-gs')!)
printTable([
  ['request', 'median µs', 'ratio'],
  ...[...times].map(([name, values]) => [name, median(values).toFixed(0), (median(values) / base).toFixed(2)])
])
