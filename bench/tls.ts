/*
 * What resumed TLS saves, and what tls-session-cache takes for it: full handshakes and resumed ones, of both versions and kinds of keys, with the
 * CPU of both ends; the cache beside tls.connect with a session carried by hand; agents of Node and undici; and mails, with and without pool.
 * Servers are processes of their own; all are of Node. Over loopback: what a round trip costs is not in it.
 */
import { once } from 'node:events'
import https from 'node:https'
import { text } from 'node:stream/consumers'
import tls, { type ConnectionOptions, type TLSSocket } from 'node:tls'
import { createTransport } from 'nodemailer'
import type SMTPTransport from 'nodemailer/lib/smtp-transport/index.js'
import { httpsAgent, smtpSocket, TlsSessionCache, undiciConnector } from 'tls-session-cache'
import { Agent, request, type Dispatcher } from 'undici'
import { median, printTable } from './lib/stats.ts'
import { makeServerCertificate, type KeyType } from './lib/tls-certificates.ts'
import { startTlsProcess, type TlsProcess, type TlsVersion } from './lib/tls-process.ts'

const rounds = { handshakes: 15, cache: 15, requests: 10, mails: 10 }
const perRound = { handshakes: 20, cache: 20, requests: 20, mails: 20 }

const limits = {
  /** How many times as long a full handshake takes as a resumed one, at least. */
  handshake: { 'TLSv1.2': 1.4, 'TLSv1.3': 1.1 },
  /** Most CPU of a connection with the cache, as a multiple of one whose session is carried by hand. */
  cache: 2,
  /** Most time of a request with one of our adapters, as a multiple of the same client without sessions. */
  request: 1,
  /** Fewest mails in a second without pool, as a multiple of those without cache. */
  mails: 0.9
}

const keyTypes: readonly KeyType[] = ['P-256', 'RSA-2048']
const versions: readonly TlsVersion[] = ['TLSv1.2', 'TLSv1.3']
const ways: readonly { readonly name: string; readonly version: TlsVersion; readonly tickets: boolean }[] = [
  { name: 'TLS 1.2, id', version: 'TLSv1.2', tickets: false },
  { name: 'TLS 1.2, ticket', version: 'TLSv1.2', tickets: true },
  { name: 'TLS 1.3', version: 'TLSv1.3', tickets: true }
]

const failures: string[] = []
const check = (fine: boolean, failure: string) => {
  if (!fine) failures.push(failure)
}
const times = (ratio: number) => ratio.toFixed(2)
const ms = (value: number) => value.toFixed(2)

/** Round by round, so that a slow moment of the machine counts for both. */
const ratioOf = (values: readonly number[], base: readonly number[]) => median(values.map((value, round) => value / base[round]!))

/** µs since the start. */
function cpuNow(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}

/** Of one time, in each round: how long it took, ms, and the CPU of both ends, µs. */
interface Cost {
  readonly time: number[]
  readonly client: number[]
  readonly server: number[]
  /** Part of the connections that were resumed, as the server says. */
  resumed: number
}

/** Things with one server, so often in each of several rounds that go from one to the next. */
async function measure<Name extends string>(
  server: TlsProcess,
  { count, rounds: wanted }: { readonly count: number; readonly rounds: number },
  things: Readonly<Record<Name, () => Promise<unknown>>>
): Promise<Record<Name, Cost>> {
  const names = Object.keys(things) as Name[]
  const costs = Object.fromEntries(names.map((name) => [name, { time: [], client: [], server: [], resumed: 0 }])) as unknown as Record<
    Name,
    Cost
  >
  for (let round = 0; round <= wanted; round++) {
    for (const name of names) {
      const times: number[] = []
      const before = await server.use()
      const cpu = cpuNow()
      for (let i = 0; i < count; i++) {
        const start = performance.now()
        await things[name]()
        times.push(performance.now() - start)
      }
      const client = cpuNow() - cpu
      const after = await server.use()
      // The first round only warms up.
      if (round === 0) continue
      const cost = costs[name]
      cost.time.push(median(times))
      cost.client.push(client / count)
      cost.server.push((after.cpu - before.cpu) / count)
      cost.resumed += (after.resumed - before.resumed) / Math.max(1, after.connections - before.connections) / wanted
    }
  }
  return costs
}

/** Until the server has said its line, by which its tickets have come, and the connection is closed. */
async function visit(socket: TLSSocket): Promise<void> {
  await once(socket, 'data')
  socket.end()
  await once(socket, 'close')
}

async function sessionOf(options: ConnectionOptions): Promise<Buffer> {
  const socket = tls.connect(options)
  const given = once(socket, 'session') as Promise<[Buffer]>
  await visit(socket)
  return (await given)[0]
}

/** 1. Handshakes, with a session that is carried by hand. */
async function handshakes(): Promise<void> {
  const rows = [['full against resumed', 'full, ms', 'resumed, ms', 'time', 'CPU of the client', 'CPU of the server']]
  for (const type of keyTypes) {
    const certificate = await makeServerCertificate(type)
    const secureContext = tls.createSecureContext({ ca: certificate.ca })
    for (const { name, tickets, version } of ways) {
      const server = await startTlsProcess({ kind: 'line', ...certificate, version, tickets })
      const options = { host: '127.0.0.1', servername: 'localhost', port: server.port, secureContext }
      const session = await sessionOf(options)
      const { full, resumed } = await measure(
        server,
        { count: perRound.handshakes, rounds: rounds.handshakes },
        { full: () => visit(tls.connect(options)), resumed: () => visit(tls.connect({ ...options, session })) }
      )
      await server.stop()
      const faster = ratioOf(full.time, resumed.time)
      const title = `${type}, ${name}`
      check(full.resumed === 0 && resumed.resumed > 0.999, `${title}: the server has not resumed what it should`)
      check(faster >= limits.handshake[version], `${title}: a resumed handshake is not ${limits.handshake[version]} times as fast`)
      rows.push([
        title,
        ms(median(full.time)),
        ms(median(resumed.time)),
        times(faster),
        times(ratioOf(full.client, resumed.client)),
        times(ratioOf(full.server, resumed.server))
      ])
    }
  }
  printTable(rows)
  console.log('')
}

/** 2. The cache itself. */
async function cacheItself(): Promise<void> {
  const certificate = await makeServerCertificate('P-256')
  const secureContext = tls.createSecureContext({ ca: certificate.ca })
  const rows = [['CPU of the client, µs', 'by hand', 'cache', 'adds', 'as a multiple']]
  for (const version of versions) {
    const server = await startTlsProcess({ kind: 'line', ...certificate, version })
    for (const [settings, trust] of [
      ['secureContext', { secureContext }],
      ['ca', { ca: certificate.ca }]
    ] as const) {
      const options = { host: '127.0.0.1', servername: 'localhost', port: server.port, ...trust }
      const session = await sessionOf(options)
      const cache = new TlsSessionCache({ singleUse: false })
      const forgetful = new TlsSessionCache()
      const costs = await measure(
        server,
        { count: perRound.cache, rounds: rounds.cache },
        {
          'full by hand': () => visit(tls.connect(options)),
          'full cache': () => {
            forgetful.clear()
            return visit(forgetful.connect(options))
          },
          'resumed by hand': () => visit(tls.connect({ ...options, session })),
          'resumed cache': () => visit(cache.connect(options))
        }
      )
      for (const kind of ['full', 'resumed'] as const) {
        const [bare, ours] = [costs[`${kind} by hand`].client, costs[`${kind} cache`].client]
        const title = `${version}, ${settings}, ${kind}`
        const factor = ratioOf(ours, bare)
        check(factor <= limits.cache, `${title}: the cache takes more than ${limits.cache} times the CPU`)
        rows.push([title, median(bare).toFixed(0), median(ours).toFixed(0), (median(ours) - median(bare)).toFixed(0), times(factor)])
      }
      check(costs['resumed cache'].resumed > 0.999, `${version}: the cache has not resumed every connection`)
    }
    await server.stop()
  }
  printTable(rows)
  console.log('')
}

/** 3. Requests one after the other to a server that closes each connection. */
async function requests(): Promise<void> {
  const certificate = await makeServerCertificate('P-256')
  const { ca } = certificate
  const rows = [['requests', 'ms', 'of the same without sessions', 'CPU of both ends', 'resumed']]
  for (const version of versions) {
    const server = await startTlsProcess({ kind: 'https', ...certificate, version })
    const agents = {
      bare: new https.Agent({ ca, maxCachedSessions: 0 }),
      node: new https.Agent({ ca }),
      ours: httpsAgent(new TlsSessionCache({ singleUse: false }), { ca })
    }
    const dispatchers = {
      bare: new Agent({ connect: { ca }, allowH2: false }),
      ours: new Agent({ connect: undiciConnector(new TlsSessionCache({ singleUse: false }), { ca }), allowH2: false })
    }
    const byHttps = (agent: https.Agent) => async () => {
      const sent = https.get({ host: 'localhost', port: server.port, agent })
      const [response] = (await once(sent, 'response')) as [NodeJS.ReadableStream]
      await text(response)
    }
    const byUndici = (dispatcher: Dispatcher) => async () => {
      // Whoever asks again at once still finds the pool of the connection before, with its session; with a pause, undici has thrown both away.
      const closed = once(dispatcher, 'disconnect')
      const { body } = await request(`https://localhost:${server.port}/`, { dispatcher })
      await body.text()
      await closed
    }
    const costs = await measure(
      server,
      { count: perRound.requests, rounds: rounds.requests },
      {
        'https, no sessions': byHttps(agents.bare),
        "https, Node's agent": byHttps(agents.node),
        'https, our agent': byHttps(agents.ours),
        'undici alone': byUndici(dispatchers.bare),
        'undici, our connector': byUndici(dispatchers.ours)
      }
    )
    const compared = [
      ["https, Node's agent", 'https, no sessions'],
      ['https, our agent', 'https, no sessions'],
      ['undici, our connector', 'undici alone']
    ] as const
    const both = ({ client, server: other }: Cost) => client.map((value, round) => value + other[round]!)
    for (const [name, cost] of Object.entries(costs)) {
      const base = compared.find(([ours]) => ours === name)?.[1]
      const part = base === undefined ? null : ratioOf(cost.time, costs[base].time)
      rows.push([
        `${version}, ${name}`,
        ms(median(cost.time)),
        part === null ? '' : times(part),
        base === undefined ? '' : times(ratioOf(both(cost), both(costs[base]))),
        `${(cost.resumed * 100).toFixed(0)} %`
      ])
      if (!name.includes(' our ') || part === null) continue
      check(part <= limits.request, `${version}: a request with "${name}" takes longer than without sessions`)
      check(cost.resumed > 0.999, `${version}: "${name}" has not resumed every connection`)
    }
    for (const agent of Object.values(agents)) agent.destroy()
    for (const dispatcher of Object.values(dispatchers)) await dispatcher.destroy()
    await server.stop()
  }
  printTable(rows)
  console.log('')
}

const mail = { from: 'us@example.com', to: 'you@example.com', subject: 'hello', text: 'A mail of the usual kind.\n'.repeat(20) }

/** 4. Mails one after the other. */
async function mails(): Promise<void> {
  const rows = [['mails in a second', 'no cache', 'cache', 'times', 'CPU of both ends', 'pool', 'pool and cache']]
  for (const type of keyTypes)
    for (const version of versions)
      for (const kind of ['smtp', 'smtps'] as const) {
        const certificate = await makeServerCertificate(type)
        const server = await startTlsProcess({ kind, ...certificate, version })
        const transport = (cache: TlsSessionCache | null, pool: boolean) =>
          createTransport({
            host: 'localhost',
            port: server.port,
            secure: kind === 'smtps',
            requireTLS: true,
            tls: { ca: certificate.ca },
            ...(pool && { pool, maxConnections: 1 }),
            ...(cache !== null && { getSocket: smtpSocket(cache) })
          } as SMTPTransport.Options)
        const transports = {
          alone: transport(null, false),
          cache: transport(new TlsSessionCache({ singleUse: false }), false),
          pool: transport(null, true),
          both: transport(new TlsSessionCache({ singleUse: false }), true)
        }
        const sending = (name: keyof typeof transports) => () => transports[name].sendMail(mail)
        const costs = await measure(
          server,
          { count: perRound.mails, rounds: rounds.mails },
          { alone: sending('alone'), cache: sending('cache'), pool: sending('pool'), both: sending('both') }
        )
        for (const each of Object.values(transports)) each.close()
        await server.stop()
        const rate = ({ time }: Cost) => (1000 / median(time)).toFixed(0)
        const both = ({ client, server: other }: Cost) => client.map((value, round) => value + other[round]!)
        const faster = ratioOf(costs.alone.time, costs.cache.time)
        const title = `${type}, ${version}, ${kind === 'smtp' ? 'STARTTLS' : 'TLS from the first byte'}`
        check(faster >= limits.mails, `${title}: mails with the cache are less than ${limits.mails} times as fast`)
        check(costs.cache.resumed > 0.999, `${title}: not every mail came over a resumed connection`)
        rows.push([
          title,
          rate(costs.alone),
          rate(costs.cache),
          times(faster),
          times(ratioOf(both(costs.cache), both(costs.alone))),
          rate(costs.pool),
          rate(costs.both)
        ])
      }
  printTable(rows)
}

const begin = performance.now()
await handshakes()
await cacheItself()
await requests()
await mails()
console.log(`\n${((performance.now() - begin) / 1000).toFixed(0)} s`)
for (const failure of failures) console.error(`Not as it should be: ${failure}.`)
if (failures.length > 0) process.exitCode = 1
