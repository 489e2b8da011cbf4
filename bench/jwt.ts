/*
 * What tokens cost. Signing and verifying with each algorithm, beside node:crypto with as little around it as there can be, fast-jwt and
 * jose. The cache of verified tokens. A protected route on a server in a process of its own, beside the same route without plugin and with
 * @fastify/jwt. And 100 000 denials, in memory and in SQLite.
 */
import { KeyObject } from 'node:crypto'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import Fastify from 'fastify'
import fastifyGsJwt, { databaseDenylist, loadKeys, memoryDenylist, signJwt, type Denylist, type JwsAlgorithm } from 'fastify-gs-jwt'
import { deniedToken, denyMany, fillDenials } from './lib/deny-many.ts'
import { createContenders, generateKeys } from './lib/jwt-contenders.ts'
import { aud, cookieName, iss, startJwtProcess, type ServerKind } from './lib/jwt-process.ts'
import { median, printTable } from './lib/stats.ts'

const rounds = 15
/** How long something is done over and over before it is the turn of the next, ms. */
const turn = 25
/** Ed25519 is another name of EdDSA; tokens of ML-DSA-65 and ML-DSA-87 do not fit into a cookie. */
const algorithms: readonly JwsAlgorithm[] = [
  'HS256',
  'HS384',
  'HS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ML-DSA-44'
]
const cachedAlgorithms: readonly JwsAlgorithm[] = ['ES512', 'ES256', 'EdDSA', 'RS256', 'HS256']
const requests = { rounds: 30, perRound: 2000, connections: 10 }
/** How many there are, and how many of those in SQLite are written one by one, as applications do it. */
const denials = { count: 100_000, oneByOne: 1000 }

const limits = {
  /** Least part of jose's speed: of all algorithms in the median, and of each. */
  ofJose: 0.85,
  ofJoseEach: 0.5,
  /** How many times as fast as the first verification with ES512 each later one is, at least. */
  cache: 20,
  /** Least part of the requests that the route without plugin answers: in the same time, and with the same CPU. */
  protected: {
    'fastify-gs-jwt': 0.8,
    'fastify-gs-jwt, csrf': 0.75,
    'fastify-gs-jwt, denials in memory': 0.8,
    'fastify-gs-jwt, denials in SQLite': 0.3
  },
  /** Most memory of a denial, bytes, and most CPU of a look-up, µs. */
  denialBytes: 500,
  lookUp: { memory: 10, sqlite: 200 }
}

const failures: string[] = []
const check = (fine: boolean, failure: string) => {
  if (!fine) failures.push(failure)
}
const times = (ratio: number) => ratio.toFixed(2)
const whole = (value: number) => value.toFixed(0)

/** µs since the start, of all threads: jose works in those of libuv. */
function cpuNow(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}

/** How often something is done in a second of CPU, for each of several things, in each of several rounds that go from one to the next. */
async function measure(things: Readonly<Record<string, () => unknown>>): Promise<Map<string, number[]>> {
  const rates = new Map<string, number[]>(Object.keys(things).map((name) => [name, []]))
  for (let round = 0; round <= rounds; round++) {
    for (const [name, thing] of Object.entries(things)) {
      let count = 0
      const before = cpuNow()
      const start = performance.now()
      while (performance.now() - start < turn) {
        const result = thing()
        // Whoever is done at once, is not made to wait.
        if (result instanceof Promise) await result
        count++
      }
      // The first round only warms up.
      if (round > 0) rates.get(name)!.push((count / (cpuNow() - before)) * 1e6)
    }
  }
  return rates
}

/** Round by round, so that a slow moment of the machine counts for both. */
const ratioOf = (values: readonly number[], base: readonly number[]) => median(values.map((value, round) => value / base[round]!))

/** 1. Each algorithm, by everybody who knows it. */
async function signAndVerify(): Promise<void> {
  for (const verb of ['sign', 'verify'] as const) {
    const rows = [[verb, 'token', 'node:crypto, per s of CPU', 'fast-jwt', 'jose', 'fastify-gs-jwt', 'of jose']]
    const ofJose: number[] = []
    for (const alg of algorithms) {
      const contenders = await createContenders(alg)
      const { token, 'fast-jwt': fast } = contenders
      const doing = (name: 'node:crypto' | 'jose' | 'fastify-gs-jwt') => () => contenders[name][verb](token)
      const rates = await measure({
        bare: doing('node:crypto'),
        ...(fast !== null && { fast: () => fast[verb](token) }),
        jose: doing('jose'),
        ours: doing('fastify-gs-jwt')
      })
      const bare = rates.get('bare')!
      const share = ratioOf(rates.get('ours')!, rates.get('jose')!)
      ofJose.push(share)
      rows.push([
        alg,
        String(token.length),
        whole(median(bare)),
        fast === null ? '–' : times(ratioOf(rates.get('fast')!, bare)),
        times(ratioOf(rates.get('jose')!, bare)),
        times(ratioOf(rates.get('ours')!, bare)),
        times(share)
      ])
      check(share >= limits.ofJoseEach, `${verb} with ${alg} is below ${limits.ofJoseEach} of jose alone`)
    }
    printTable(rows)
    console.log('')
    check(median(ofJose) >= limits.ofJose, `${verb} is below ${limits.ofJose} of jose alone`)
  }
}

/** 2. A token that has been verified before. */
async function cached(): Promise<void> {
  const sides: Record<string, () => unknown> = {}
  const apps: { close: () => Promise<unknown> }[] = []
  for (const alg of cachedAlgorithms) {
    const { jwk } = await generateKeys(alg)
    for (const [name, cache] of [
      ['first', 0],
      ['again', 1000]
    ] as const) {
      const app = Fastify()
      await app.register(fastifyGsJwt, { keys: { jwk }, alg, iss, aud, cookieName, cache })
      const { token } = await app.jwtCookie.sign({ sub: 'member-4711', ext: { authorization: 1, role: 'admin' } })
      sides[`${alg} ${name}`] = async () => {
        if (!(await app.jwtCookie.verify(token)).ok) throw new Error(`A token of ${alg} was not accepted.`)
      }
      apps.push(app)
    }
  }
  const rates = await measure(sides)
  for (const app of apps) await app.close()
  const slowest = rates.get('ES512 first')!
  printTable([
    ['verify', 'the first time, CPU µs', 'again, CPU µs', 'times as fast', 'as ES512'],
    ...cachedAlgorithms.map((alg) => {
      const [first, again] = [rates.get(`${alg} first`)!, rates.get(`${alg} again`)!]
      const faster = ratioOf(again, slowest)
      check(faster >= limits.cache, `verifying a token of ${alg} again is not ${limits.cache} times as fast as a first time with ES512`)
      return [alg, whole(1e6 / median(first)), (1e6 / median(again)).toFixed(1), whole(ratioOf(again, first)), whole(faster)]
    })
  ])
  console.log('')
}

/** 3. Many denials. Gives the file of those in SQLite. */
async function manyDenials(directory: string): Promise<string> {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const alive = () => {
    // The second call waits for what the first one began to free.
    for (let i = 0; i < 3; i++) collect()
    const { heapUsed, external } = process.memoryUsage()
    return heapUsed + external
  }
  const denying = async (list: Denylist, count: number) => {
    const start = performance.now()
    await denyMany(list, count)
    return ((performance.now() - start) / count) * 1000
  }
  const file = join(directory, 'denials.sqlite3')
  const before = alive()
  const memory = memoryDenylist()
  const denyingInMemory = await denying(memory, denials.count)
  const bytes = (alive() - before) / denials.count
  const sqlite = await databaseDenylist({ sqlite: file })
  const denyingInSqlite = await denying(sqlite, denials.oneByOne)
  fillDenials(file, denials.count - denials.oneByOne)

  const now = Date.now()
  let at = 0
  /** For a token that has everything which can be denied; every second one is. */
  const lookUp = (list: Denylist) => () => {
    at = (at + 1) % denials.oneByOne
    return list.deniedBefore({ jti: at % 2 === 0 ? deniedToken(at) : `other-${at}`, sub: `member-${at}`, sid: `session-${at}` }, now)
  }
  const rates = await measure({ memory: lookUp(memory), sqlite: lookUp(sqlite) })
  await sqlite.close?.()
  const [ofMemory, ofSqlite] = [1e6 / median(rates.get('memory')!), 1e6 / median(rates.get('sqlite')!)]
  printTable([
    [`${denials.count} denials`, 'bytes each', 'denying, µs', 'a look-up, CPU µs'],
    ['in memory', whole(bytes), denyingInMemory.toFixed(1), ofMemory.toFixed(1)],
    ['in SQLite', whole(statSync(file).size / denials.count), denyingInSqlite.toFixed(1), ofSqlite.toFixed(1)]
  ])
  console.log('')
  check(bytes <= limits.denialBytes, `a denial takes more than ${limits.denialBytes} bytes of memory`)
  check(ofMemory <= limits.lookUp.memory, `a look-up in memory takes more than ${limits.lookUp.memory} µs`)
  check(ofSqlite <= limits.lookUp.sqlite, `a look-up in SQLite takes more than ${limits.lookUp.sqlite} µs`)
  return file
}

/** 4. A request. */
async function protectedRoute(denialsFile: string): Promise<void> {
  const alg: JwsAlgorithm = 'EdDSA'
  const { jwk, publicKey } = await generateKeys(alg)
  const content = { sub: 'member-4711', ext: { authorization: 1, role: 'admin' } }
  const { token, csrf } = await signJwt(content, { keys: await loadKeys({ jwk }, { alg }), iss, aud })
  const headers = { cookie: `__Host-${cookieName}=${token}`, 'x-jwt-csrf': csrf }
  const kinds: readonly ServerKind[] = [
    'bare',
    'fastify-gs-jwt',
    'fastify-gs-jwt, csrf',
    'fastify-gs-jwt, denials in memory',
    'fastify-gs-jwt, denials in SQLite',
    'fastify-gs-jwt, no cache',
    '@fastify/jwt, cache',
    '@fastify/jwt, no cache'
  ]
  const setup = {
    jwk,
    alg,
    publicKey: KeyObject.from(publicKey).export({ type: 'spki', format: 'pem' }) as string,
    denials: denials.count,
    denialsFile
  }
  const sides = []
  for (const kind of kinds) {
    const server = await startJwtProcess({ ...setup, kind }, requests.connections)
    sides.push({ kind, server, rates: [] as number[], cpu: [] as number[] })
  }
  for (let round = -3; round < requests.rounds; round++) {
    // To and fro, so that nobody comes always after the same one.
    for (const { server, rates, cpu } of round % 2 === 0 ? sides : sides.toReversed()) {
      const before = await server.cpu()
      const rate = await server.load.run('/me', headers, requests.perRound)
      const used = (await server.cpu()) - before
      // The first ones only warm up.
      if (round < 0) continue
      rates.push(rate)
      cpu.push(used / requests.perRound)
    }
  }
  for (const { server } of sides) await server.stop()
  const base = sides[0]!
  printTable([
    ['GET /me', 'requests/s', 'ratio', 'CPU µs', 'with the same CPU'],
    ...sides.map(({ kind, rates, cpu }) => {
      const ofRequests = ratioOf(rates, base.rates)
      const ofCpu = ratioOf(base.cpu, cpu)
      const limit = (limits.protected as Partial<Record<ServerKind, number>>)[kind] ?? 0
      // Requests a second depend on who else uses the machine.
      check(ofCpu >= limit, `a protected route (${kind}) is below ${limit} of a bare one`)
      return [kind, whole(median(rates)), times(ofRequests), median(cpu).toFixed(1), times(ofCpu)]
    })
  ])
  console.log('')
}

const begin = performance.now()
await signAndVerify()
await cached()
const directory = mkdtempSync(join(tmpdir(), 'gs-bench-jwt-'))
await protectedRoute(await manyDenials(directory))
rmSync(directory, { recursive: true, force: true })
console.log(`\n${((performance.now() - begin) / 1000).toFixed(0)} s`)
for (const failure of failures) console.error(`Too slow or too big: ${failure}.`)
if (failures.length > 0) process.exitCode = 1
