import assert from 'node:assert/strict'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { promisify } from 'node:util'
import tls, { type ConnectionOptions, type TLSSocket } from 'node:tls'
import { sessionFacts } from './session-facts.ts'
import { TlsSessionCache } from './session-cache.ts'
import { makeAuthority, makeCertificate } from './testing/certificates.ts'
import { opensslServer, withoutOpenssl as skip } from './testing/openssl-server.ts'

const authority = await makeAuthority()
const localhost = await makeCertificate(authority, ['localhost'])
const rsaAuthority = await makeAuthority('another for tests', { kind: 'rsa' })
const rsaLocalhost = await makeCertificate(rsaAuthority, ['localhost'], { kind: 'rsa' })

interface Visit {
  /** As both ends say. */
  readonly resumed: boolean
  readonly authorized: boolean
  readonly sessions: readonly Buffer[]
  /** Of the server, about the connection. */
  readonly page: string
  readonly ticket: boolean
  readonly protocol: string | null
}

/** Reads the page of `openssl s_server -www`. */
async function read(socket: TLSSocket): Promise<Visit> {
  const sessions: Buffer[] = []
  socket.on('session', (session: Buffer) => sessions.push(session))
  await once(socket, 'secureConnect')
  const resumed = socket.isSessionReused()
  const { authorized } = socket
  const protocol = socket.getProtocol()
  const ticket = socket.getTLSTicket() !== undefined
  socket.write('GET / HTTP/1.0\r\n\r\n')
  const page = await text(socket)
  const said = /^(New|Reused), TLSv1\.[23]/m.exec(page)?.[1]
  assert.equal(said, resumed ? 'Reused' : 'New', 'both ends agree')
  return { resumed, authorized, sessions, page, ticket, protocol }
}

const to = (port: number, options: ConnectionOptions = {}): ConnectionOptions => ({
  host: '127.0.0.1',
  servername: 'localhost',
  port,
  ca: authority.cert,
  ...options
})

async function visits(count: number, visit: () => Promise<Visit>): Promise<Visit[]> {
  const all: Visit[] = []
  for (let i = 0; i < count; i++) all.push(await visit())
  return all
}

const resumedOf = (all: readonly Visit[]) => all.map(({ resumed }) => resumed)

interface Way {
  readonly name: string
  readonly args: readonly string[]
  readonly protocol: 'TLSv1.2' | 'TLSv1.3'
  /** Sessions that come with a full handshake, and with one that is resumed. */
  readonly sessions: readonly [full: number, resumed: number]
  readonly ticket?: boolean
}

const ways: readonly Way[] = [
  { name: 'TLS 1.2 with session ids', args: ['-tls1_2', '-no_ticket'], protocol: 'TLSv1.2', sessions: [1, 0], ticket: false },
  { name: 'TLS 1.2 with tickets', args: ['-tls1_2'], protocol: 'TLSv1.2', sessions: [1, 0], ticket: true },
  { name: 'TLS 1.3', args: ['-tls1_3'], protocol: 'TLSv1.3', sessions: [2, 1] },
  { name: 'TLS 1.3 with one ticket', args: ['-tls1_3', '-num_tickets', '1'], protocol: 'TLSv1.3', sessions: [1, 1] },
  { name: 'TLS 1.3 with five tickets', args: ['-tls1_3', '-num_tickets', '5'], protocol: 'TLSv1.3', sessions: [5, 1] },
  { name: 'TLS 1.3 with sessions in the server', args: ['-tls1_3', '-no_ticket'], protocol: 'TLSv1.3', sessions: [2, 1] },
  { name: 'TLS 1.3 with tickets for early data', args: ['-tls1_3', '-max_early_data', '4096'], protocol: 'TLSv1.3', sessions: [2, 1] }
]
const kinds = [
  { kind: 'ECDSA', certificate: localhost, ca: authority.cert },
  { kind: 'RSA', certificate: rsaLocalhost, ca: rsaAuthority.cert }
]

for (const { args, name, protocol, sessions, ticket } of ways)
  for (const { ca, certificate, kind } of kinds)
    test(`${name}, ${kind}: the first connection is new, the others resume, as both ends say`, { skip }, async (t) => {
      const server = await opensslServer(t, { ...certificate, args: ['-www', ...args] })
      const cache = new TlsSessionCache()
      const all = await visits(5, () => read(cache.connect(to(server.port, { ca }))))
      assert.deepEqual(resumedOf(all), [false, true, true, true, true])
      assert.ok(all.every((visit) => visit.authorized && visit.protocol === protocol))
      assert.deepEqual(
        all.map((visit) => visit.sessions.length),
        [sessions[0], ...Array<number>(4).fill(sessions[1])]
      )
      if (ticket !== undefined) assert.equal(all[0]!.ticket, ticket)
      const { hits, misses, refused, resumed } = cache.stats
      assert.deepEqual({ hits, misses, refused, resumed }, { hits: 4, misses: 1, refused: 0, resumed: 4 })
    })

for (const { args, name } of [
  { name: 'TLS 1.3 without tickets', args: ['-tls1_3', '-num_tickets', '0'] },
  { name: 'TLS 1.2 with neither tickets nor ids', args: ['-tls1_2', '-no_ticket', '-no_cache'] }
])
  test(`${name}: each connection is new, and nothing is kept`, { skip }, async (t) => {
    const server = await opensslServer(t, { ...localhost, args: ['-www', ...args] })
    const cache = new TlsSessionCache()
    const all = await visits(3, () => read(cache.connect(to(server.port))))
    assert.deepEqual(resumedOf(all), [false, false, false])
    assert.deepEqual(cache.stats, { ...cache.stats, peers: 0, stored: 0, misses: 3 })
  })

test('every one of five tickets is good for a connection, without any that comes later', { skip }, async (t) => {
  const server = await opensslServer(t, { ...localhost, args: ['-www', '-tls1_3', '-num_tickets', '5'] })
  const cache = new TlsSessionCache({ perPeer: 5 })
  await read(cache.connect(to(server.port)))
  const all = await Promise.all(Array.from({ length: 6 }, () => read(cache.connect(to(server.port)))))
  assert.deepEqual(resumedOf(all), [true, true, true, true, true, false])
})

test('a ticket for early data is good once: who takes it a second time gets a full handshake', { skip }, async (t) => {
  const server = await opensslServer(t, { ...localhost, args: ['-www', '-tls1_3', '-max_early_data', '4096', '-num_tickets', '1'] })
  const control = await read(tls.connect(to(server.port)))
  const session = control.sessions[0]!
  const again = await visits(2, () => read(tls.connect(to(server.port, { session }))))
  assert.deepEqual(resumedOf(again), [true, false])

  const cache = new TlsSessionCache({ singleUse: false })
  await read(cache.connect(to(server.port)))
  const both = await Promise.all([0, 1].map(() => read(cache.connect(to(server.port)))))
  assert.equal(resumedOf(both).filter(Boolean).length, 1)
  assert.deepEqual(cache.stats, { ...cache.stats, hits: 2, resumed: 1, refused: 1 })
})

for (const { args, name } of ways)
  test(
    `${name}: a server that was restarted has forgotten; the next connection is new without an error, and then they resume`,
    { skip },
    async (t) => {
      const first = await opensslServer(t, { ...localhost, args: ['-www', ...args] })
      const cache = new TlsSessionCache()
      const before = await visits(2, () => read(cache.connect(to(first.port))))
      assert.deepEqual(resumedOf(before), [false, true])
      await first.stop()
      const second = await opensslServer(t, { ...localhost, args: ['-www', ...args], port: first.port })
      const after = await visits(2, () => read(cache.connect(to(second.port))))
      assert.deepEqual(resumedOf(after), [false, true])
      assert.equal(cache.stats.refused, 1)
    }
  )

test('the sessions of a server with a renewed certificate are of that one', { skip }, async (t) => {
  const renewed = await makeCertificate(authority, ['localhost'])
  const first = await opensslServer(t, { ...localhost, args: ['-www'] })
  const cache = new TlsSessionCache()
  await read(cache.connect(to(first.port)))
  await first.stop()
  const second = await opensslServer(t, { ...renewed, args: ['-www'], port: first.port })
  const all = await visits(2, () => read(cache.connect(to(second.port))))
  assert.deepEqual(resumedOf(all), [false, true])
  const facts = sessionFacts(all[1]!.sessions[0]!)
  assert.deepEqual(facts?.certificate, Buffer.from(renewed.cert.replaceAll(/-----.*-----|\s/g, ''), 'base64'))
})

test('a server that comes back as somebody else is refused, and nothing of it is kept', { skip }, async (t) => {
  const foreign = await makeCertificate(await makeAuthority('nobody knows it'), ['localhost'])
  const first = await opensslServer(t, { ...localhost, args: ['-www'] })
  const cache = new TlsSessionCache()
  await read(cache.connect(to(first.port)))
  const { stored } = cache.stats
  await first.stop()
  const second = await opensslServer(t, { ...foreign, args: ['-www'], port: first.port })
  await assert.rejects(read(cache.connect(to(second.port))), { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' })
  assert.deepEqual(cache.stats, { ...cache.stats, peers: 0, stored })
})

for (const { args, name } of ways)
  test(`${name}: a session whose time is over is not used`, { skip }, async (t) => {
    const server = await opensslServer(t, { ...localhost, args: ['-www', ...args] })
    let now = Date.now()
    const cache = new TlsSessionCache({ ttl: 60, now: () => now })
    const connect = () => read(cache.connect(to(server.port)))
    const before = await visits(2, connect)
    now += 61_000
    const after = await visits(2, connect)
    assert.deepEqual(resumedOf([...before, ...after]), [false, true, false, true])
    assert.ok(cache.stats.expired > 0)
  })

test('a session is kept for two hours at most where the cache may keep it for a day, because the server says so', { skip }, async (t) => {
  for (const args of [['-tls1_2'], ['-tls1_3']]) {
    const server = await opensslServer(t, { ...localhost, args: ['-www', ...args] })
    let now = Date.now()
    const cache = new TlsSessionCache({ ttl: 86_400, now: () => now })
    const connect = () => read(cache.connect(to(server.port)))
    const before = await connect()
    assert.equal(sessionFacts(before.sessions[0]!)?.hint, 7200)
    now += 7_190_000
    assert.equal((await connect()).resumed, true)
    now += 7_201_000
    assert.equal((await connect()).resumed, false)
  }
})

test('of three servers with room for two, the one that was used longest ago is new again', { skip }, async (t) => {
  const servers = await Promise.all([0, 1, 2].map(() => opensslServer(t, { ...localhost, args: ['-www'] })))
  const cache = new TlsSessionCache({ max: 2 })
  const order = [0, 1, 0, 2, 0, 1]
  const all: boolean[] = []
  for (const at of order) all.push((await read(cache.connect(to(servers[at]!.port)))).resumed)
  assert.deepEqual(all, [false, false, true, false, true, false])
  assert.equal(cache.stats.evicted, 2)
})

for (const version of ['-tls1_2', '-tls1_3'])
  test(`${version}: two names of one server with a certificate each have sessions of their own`, { skip }, async (t) => {
    const other = { ...(await makeCertificate(authority, ['other.test'])), servername: 'other.test' }
    const server = await opensslServer(t, { ...localhost, other, args: ['-www', version] })
    const cache = new TlsSessionCache()
    const all: boolean[] = []
    for (const servername of ['localhost', 'other.test', 'localhost', 'other.test'])
      all.push((await read(cache.connect(to(server.port, { servername })))).resumed)
    assert.deepEqual(all, [false, false, true, true])
    assert.equal(cache.stats.peers, 2)
  })

const moreTrust = [authority.cert, rsaAuthority.cert]
const settings: readonly { readonly name: string; readonly options: ConnectionOptions }[] = [
  { name: 'another list of authorities', options: { ca: moreTrust } },
  { name: 'another check of the name', options: { checkServerIdentity: () => undefined } },
  { name: 'other protocols to choose from', options: { ALPNProtocols: ['h2'] } },
  { name: 'another least version', options: { minVersion: 'TLSv1.2' } }
]
for (const { name, options } of settings)
  test(`a connection with ${name} is new, and then resumes by itself`, { skip }, async (t) => {
    const server = await opensslServer(t, { ...localhost, args: ['-www', '-tls1_2'] })
    const cache = new TlsSessionCache()
    const all: boolean[] = []
    for (const own of [{}, options, {}, options]) all.push((await read(cache.connect(to(server.port, own)))).resumed)
    assert.deepEqual(all, [false, false, true, true])
  })

for (const version of ['-tls1_2', '-tls1_3'])
  test(`${version}: what came without verification is never used, nor is anything used for it`, { skip }, async (t) => {
    const server = await opensslServer(t, { ...localhost, args: ['-www', version] })
    const cache = new TlsSessionCache()
    const all: boolean[] = []
    for (const rejectUnauthorized of [false, true, false, true])
      all.push((await read(cache.connect(to(server.port, { rejectUnauthorized })))).resumed)
    assert.deepEqual(all, [false, false, false, true])
    assert.equal(cache.stats.bypassed, 2)
  })

for (const version of ['-tls1_2', '-tls1_3'])
  test(`${version}: a server that asks who the client is sees each as itself, new and resumed`, { skip }, async (t) => {
    const server = await opensslServer(t, { ...localhost, args: ['-www', version, '-verify', '1'] })
    const [one, two] = await Promise.all(['one.test', 'two.test'].map((name) => makeCertificate(authority, [name])))
    const cache = new TlsSessionCache()
    const seen: (string | boolean)[][] = []
    for (const own of [one, two, undefined, one, two, undefined]) {
      const { page, resumed } = await read(cache.connect(to(server.port, own)))
      const subject = /Subject: CN\s*=\s*(\S+)/.exec(page)?.[1] ?? 'nobody'
      seen.push([subject, resumed])
    }
    assert.deepEqual(seen, [
      ['one.test', false],
      ['two.test', false],
      ['nobody', false],
      ['one.test', true],
      ['two.test', true],
      ['nobody', true]
    ])
  })

test('TLS 1.2: after a renegotiation connections are still resumed', { skip }, async (t) => {
  const server = await opensslServer(t, { ...localhost, args: ['-tls1_2', '-client_renegotiation'] })
  const cache = new TlsSessionCache()
  const socket = cache.connect(to(server.port))
  await once(socket, 'session')
  await promisify((done: (error: Error | null) => void) => socket.renegotiate({}, done))()
  assert.equal(cache.stats.stored, 2)
  socket.destroy()
  const heard = server.says(/^Reused session-id/)
  const next = cache.connect(to(server.port))
  await Promise.all([heard, once(next, 'secureConnect')])
  assert.equal(next.isSessionReused(), true)
  next.destroy()
})
