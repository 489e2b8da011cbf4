import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { constants, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import net, { type LookupFunction } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import tls, { type ConnectionOptions, type TLSSocket } from 'node:tls'
import { inspect, promisify } from 'node:util'
import { TlsSessionCache, internalsOf } from './session-cache.ts'
import { sessionFacts } from './session-facts.ts'
import { makeAuthority, makeCertificate } from './testing/certificates.ts'
import { outcomeOf } from './testing/handshake.ts'
import { tlsServer, type TestServer } from './testing/tls-server.ts'

const authority = await makeAuthority()
const rsaAuthority = await makeAuthority('an authority with RSA', { kind: 'rsa' })
const localhost = await makeCertificate(authority, ['localhost'])
const ca = authority.cert

const versions = ['TLSv1.2', 'TLSv1.3'] as const
const only = (version: (typeof versions)[number]) => ({ minVersion: version, maxVersion: version }) as const
const to = ({ port }: TestServer): ConnectionOptions => ({ host: '127.0.0.1', servername: 'localhost', port, ca })

/** A server that knows sessions by their id (TLS 1.2). */
async function serverWithIds(t: Parameters<typeof tlsServer>[0]): Promise<TestServer> {
  const known = new Map<string, Buffer>()
  const server = await tlsServer(t, { ...localhost, maxVersion: 'TLSv1.2', secureOptions: constants.SSL_OP_NO_TICKET })
  server.server.on('newSession', (id: Buffer, data: Buffer, done: () => void) => {
    known.set(id.toString('hex'), data)
    done()
  })
  server.server.on('resumeSession', (id: Buffer, done: (error: null, data: Buffer | null) => void) => {
    done(null, known.get(id.toString('hex')) ?? null)
  })
  return server
}

/** A clock that is set. */
function clock(start = Date.now()) {
  const time = { at: start, now: () => time.at, pass: (seconds: number) => void (time.at += seconds * 1000) }
  return time
}

for (const version of versions)
  for (const kind of ['ec', 'rsa'] as const)
    test(`${version}, ${kind}: the second connection is resumed`, async (t) => {
      const by = kind === 'ec' ? authority : rsaAuthority
      const server = await tlsServer(t, { ...(await makeCertificate(by, ['localhost'], { kind })), ...only(version) })
      const cache = new TlsSessionCache()
      for (const resumed of [false, true]) {
        const outcome = await outcomeOf(cache.connect({ ...to(server), ca: by.cert }))
        assert.deepEqual([outcome.refused, outcome.authorized, outcome.resumed], [null, true, resumed])
      }
      assert.deepEqual(server.reused, [false, true])
      const { hits, misses, refused, resumed } = cache.stats
      assert.deepEqual({ hits, misses, refused, resumed }, { hits: 1, misses: 1, refused: 0, resumed: 1 })
    })

test('TLSv1.2: sessions that the server knows by their id are resumed, also several at a time', async (t) => {
  const server = await serverWithIds(t)
  const cache = new TlsSessionCache()
  await outcomeOf(cache.connect(to(server)))
  await Promise.all(Array.from({ length: 4 }, () => outcomeOf(cache.connect(to(server)))))
  assert.deepEqual(server.reused, [false, true, true, true, true])
})

test('TLSv1.2: one ticket serves connections at the same time', async (t) => {
  const server = await tlsServer(t, { ...localhost, ...only('TLSv1.2') })
  const cache = new TlsSessionCache()
  await outcomeOf(cache.connect(to(server)))
  await Promise.all(Array.from({ length: 4 }, () => outcomeOf(cache.connect(to(server)))))
  assert.deepEqual(server.reused, [false, true, true, true, true])
})

test('TLSv1.3: a ticket is used once, the newest first', async (t) => {
  const server = await tlsServer(t, { ...localhost, ...only('TLSv1.3') })
  const cache = new TlsSessionCache()
  const { sessions } = await outcomeOf(cache.connect(to(server)))
  assert.equal(sessions.length, 2)
  const given = Array.from({ length: 3 }, () => cache.prepare(to(server)).session)
  assert.deepEqual(given, [sessions[1], sessions[0], undefined])
})

test('TLSv1.3: of a server that renews none, with its two tickets two connections are resumed', async (t) => {
  const server = await tlsServer(t, { ...localhost, ...only('TLSv1.3') })
  const cache = new TlsSessionCache()
  for (let round = 0; round < 4; round++) await outcomeOf(cache.connect(to(server)))
  assert.deepEqual(server.reused, [false, true, true, false])
})

test('TLSv1.3: with singleUse off the last ticket is used again', async (t) => {
  const server = await tlsServer(t, { ...localhost, ...only('TLSv1.3') })
  const cache = new TlsSessionCache({ singleUse: false })
  for (let round = 0; round < 5; round++) await outcomeOf(cache.connect(to(server)))
  assert.deepEqual(server.reused, [false, true, true, true, true])
})

test('TLSv1.3: connections at the same time, cold and warm, each use a ticket of their own', async (t) => {
  const server = await tlsServer(t, { ...localhost, ...only('TLSv1.3') })
  const cache = new TlsSessionCache()
  const four = async () => {
    const before = server.reused.length
    await Promise.all(Array.from({ length: 4 }, () => outcomeOf(cache.connect(to(server)))))
    return server.reused.slice(before)
  }
  assert.deepEqual(await four(), [false, false, false, false])
  assert.deepEqual(await four(), [true, true, true, true])
})

test('TLSv1.3: of each peer perPeer tickets are kept', async (t) => {
  const server = await tlsServer(t, { ...localhost, ...only('TLSv1.3') })
  const cache = new TlsSessionCache({ perPeer: 1 })
  for (let round = 0; round < 3; round++) await outcomeOf(cache.connect(to(server)))
  assert.deepEqual(server.reused, [false, true, false])
})

for (const version of versions)
  test(`${version}: a host whose first address cannot be reached resumes, too`, async (t) => {
    const server = await tlsServer(t, { ...localhost, ...only(version) })
    const addresses = [
      { address: '::1', family: 6 },
      { address: '127.0.0.1', family: 4 }
    ]
    const lookup: LookupFunction = (_host, _options, found) => found(null, addresses)
    const cache = new TlsSessionCache()
    const target = { ...to(server), host: 'two.test', lookup, autoSelectFamily: true }
    for (let round = 0; round < 2; round++) assert.equal((await outcomeOf(cache.connect(target))).refused, null)
    assert.deepEqual(server.reused, [false, true])
  })

for (const version of versions) {
  test(`${version}: a server that has forgotten makes a full handshake, and the session is forgotten, too`, async (t) => {
    const server = await tlsServer(t, { ...localhost, ...only(version) })
    const cache = new TlsSessionCache({ perPeer: 1 })
    await outcomeOf(cache.connect(to(server)))
    server.server.setTicketKeys(randomBytes(48))
    for (const resumed of [false, true]) {
      const outcome = await outcomeOf(cache.connect(to(server)))
      assert.deepEqual([outcome.refused, outcome.resumed], [null, resumed])
    }
    assert.deepEqual([cache.stats.refused, cache.stats.resumed], [1, 1])
  })

  test(`${version}: a server with a new certificate, but the keys of before, resumes until the old one expires at most`, async (t) => {
    const time = clock()
    const until = Math.ceil(time.at / 1000) * 1000 + 100_000
    const old = await makeCertificate(authority, ['localhost'], { notAfter: new Date(until) })
    const keys = { ...only(version), ticketKeys: randomBytes(48), sessionIdContext: 'one' }
    const server = await tlsServer(t, { ...old, ...keys })
    const cache = new TlsSessionCache({ now: time.now, singleUse: false })
    await outcomeOf(cache.connect(to(server)))
    server.server.setSecureContext({ ...localhost, ...keys })
    assert.equal((await outcomeOf(cache.connect(to(server)))).resumed, true)
    time.at = until
    assert.equal((await outcomeOf(cache.connect(to(server)))).resumed, false)
  })

  test(`${version}: no certificate of the chain may have expired, neither that of the authority`, async (t) => {
    const time = clock()
    const until = Math.ceil(time.at / 1000) * 1000 + 100_000
    const short = await makeAuthority('one that ends soon', { notAfter: new Date(until) })
    const server = await tlsServer(t, { ...(await makeCertificate(short, ['localhost'])), ...only(version) })
    const cache = new TlsSessionCache({ now: time.now, singleUse: false })
    const connect = () => outcomeOf(cache.connect({ ...to(server), ca: short.cert }))
    await connect()
    time.at = until - 1
    assert.equal((await connect()).resumed, true)
    time.at = until
    assert.equal((await connect()).resumed, false)
  })

  test(`${version}: sessions are kept for ttl, 300 seconds by default`, async (t) => {
    const server = await tlsServer(t, { ...localhost, ...only(version) })
    for (const [options, life] of [
      [{}, 300],
      [{ ttl: 20 }, 20]
    ] as const) {
      const time = clock()
      const cache = new TlsSessionCache({ ...options, now: time.now, singleUse: false })
      await outcomeOf(cache.connect(to(server)))
      time.pass(life - 1)
      assert.equal((await outcomeOf(cache.connect(to(server)))).resumed, true)
      time.pass(1)
      assert.equal((await outcomeOf(cache.connect(to(server)))).resumed, false)
      assert.ok(cache.stats.expired > 0)
    }
  })

  test(`${version}: sessions are kept no longer than the server wants`, async (t) => {
    const server = await tlsServer(t, { ...localhost, ...only(version), sessionTimeout: 60 })
    const time = clock()
    const cache = new TlsSessionCache({ ttl: 86_400, now: time.now })
    await outcomeOf(cache.connect(to(server)))
    time.pass(59)
    assert.notEqual(cache.prepare(to(server)).session, undefined)
    time.pass(1)
    assert.equal(cache.prepare(to(server)).session, undefined)
  })

  test(`${version}: a server cannot have them kept longer than ttl, nor than OpenSSL would`, async (t) => {
    const server = await tlsServer(t, { ...localhost, ...only(version), sessionTimeout: 1_000_000 })
    const time = clock()
    const cache = new TlsSessionCache({ ttl: 86_400, now: time.now })
    const { sessions } = await outcomeOf(cache.connect(to(server)))
    const { hint, timeout } = sessionFacts(sessions[0]!)!
    assert.ok(hint! > 86_400 && timeout! <= 86_400)
    time.pass(timeout!)
    assert.equal(cache.prepare(to(server)).session, undefined)
  })

  test(`${version}: a chain of resumed connections ends a day after the full handshake`, async (t) => {
    const server = await tlsServer(t, { ...localhost, ...only(version), sessionTimeout: 86_400 })
    const time = clock()
    const cache = new TlsSessionCache({ now: time.now, singleUse: false })
    const { sessions } = await outcomeOf(cache.connect(to(server)))
    const [row] = internalsOf(cache).table.entries()
    const { finalAt } = row!.sessions[0]!
    assert.equal(finalAt, time.at + 86_400_000)
    // A Node server renews nothing; this is what one that does would send on the resumed connection.
    time.pass(250)
    const socket = cache.connect(to(server))
    await once(socket, 'secureConnect')
    assert.equal(socket.isSessionReused(), true)
    socket.emit('session', sessions[0]!)
    assert.deepEqual(new Set([...internalsOf(cache).table.entries()][0]!.sessions.map((kept) => kept.finalAt)), new Set([finalAt]))
    time.at = finalAt - 1000
    socket.emit('session', sessions[0]!)
    assert.equal([...internalsOf(cache).table.entries()][0]!.sessions[0]!.expiresAt, finalAt)
    time.at = finalAt
    socket.emit('session', sessions[0]!)
    assert.equal(cache.prepare(to(server)).session, undefined)
    socket.destroy()
  })

  test(`${version}: when the clock was set back, nothing lives longer for it`, async (t) => {
    const server = await tlsServer(t, { ...localhost, ...only(version) })
    const time = clock()
    const cache = new TlsSessionCache({ now: time.now })
    await outcomeOf(cache.connect(to(server)))
    time.pass(-3600)
    assert.equal(cache.prepare(to(server)).session, undefined)
    assert.equal(cache.stats.peers, 0)
  })

  test(`${version}: a socket that ends before tickets can have come does no harm`, async (t) => {
    const server = await tlsServer(t, { ...localhost, ...only(version) })
    const cache = new TlsSessionCache()
    const socket = cache.connect(to(server), () => socket.destroy())
    await once(socket, 'close')
    const never = cache.connect(to(server))
    never.destroy()
    await once(never, 'close')
    assert.equal((await outcomeOf(cache.connect(to(server)))).refused, null)
    assert.equal((await outcomeOf(cache.connect(to(server)))).resumed, true)
  })

  test(`${version}: an error after the handshake costs no session`, async (t) => {
    const server = await tlsServer(t, { ...localhost, ...only(version) })
    const cache = new TlsSessionCache()
    const socket = cache.connect(to(server))
    socket.on('error', () => undefined)
    await once(socket, 'data')
    socket.destroy(new Error('late'))
    await new Promise((resolve) => void socket.once('close', resolve))
    assert.equal((await outcomeOf(cache.connect(to(server)))).resumed, true)
  })

  test(`${version}: a handshake that fails costs the sessions of the peer`, async (t) => {
    const server = await tlsServer(t, { ...localhost, ...only(version) })
    const cache = new TlsSessionCache()
    await outcomeOf(cache.connect(to(server)))
    const closing = net.createServer((socket) => socket.once('data', () => socket.destroy()))
    await new Promise<void>((resolve) => void server.server.close(() => resolve()))
    closing.listen(server.port, '127.0.0.1')
    await once(closing, 'listening')
    t.after(() => closing.close())
    assert.equal((await outcomeOf(cache.connect(to(server)))).refused, 'ECONNRESET')
    assert.equal(cache.stats.peers, 0)
  })

  test(`${version}: a server that cannot be reached costs none`, async (t) => {
    const server = await tlsServer(t, { ...localhost, ...only(version) })
    const cache = new TlsSessionCache()
    await outcomeOf(cache.connect(to(server)))
    await new Promise<void>((resolve) => void server.server.close(() => resolve()))
    for (let round = 0; round < 3; round++) assert.equal((await outcomeOf(cache.connect(to(server)))).refused, 'ECONNREFUSED')
    server.server.listen(server.port, '127.0.0.1')
    await once(server.server, 'listening')
    assert.equal((await outcomeOf(cache.connect(to(server)))).resumed, true)
  })

  test(`${version}: after clear, neither what is there nor what is on its way is used`, async (t) => {
    const server = await tlsServer(t, { ...localhost, ...only(version) })
    const cache = new TlsSessionCache()
    const { sessions } = await outcomeOf(cache.connect(to(server)))
    const socket = cache.connect(to(server))
    await once(socket, 'data')
    cache.clear()
    socket.emit('session', sessions[0]!)
    assert.equal(cache.stats.peers, 0)
    socket.destroy()
    assert.equal((await outcomeOf(cache.connect(to(server)))).resumed, false)
  })

  test(`${version}: after clear, a session that came to no server is not given back`, async (t) => {
    const server = await tlsServer(t, { ...localhost, ...only(version) })
    const cache = new TlsSessionCache()
    await outcomeOf(cache.connect(to(server)))
    await new Promise<void>((resolve) => void server.server.close(() => resolve()))
    const never = outcomeOf(cache.connect(to(server)))
    cache.clear()
    assert.equal((await never).refused, 'ECONNREFUSED')
    assert.deepEqual([cache.stats.hits, cache.stats.peers], [1, 0])
  })

  test(`${version}: of a connection that verified less than it was prepared for nothing is kept`, async (t) => {
    const server = await tlsServer(t, { ...(await makeCertificate(authority, ['other.test'])), ...only(version) })
    const cache = new TlsSessionCache()
    const { watch } = cache.prepare(to(server))
    const { refused, sessions } = await outcomeOf(watch(tls.connect({ ...to(server), rejectUnauthorized: false })))
    assert.equal(refused, null)
    assert.ok(sessions.length > 0)
    assert.equal(cache.stats.stored, 0)
  })

  test(`${version}: a session of another certificate than the one that was verified is not kept`, async (t) => {
    const server = await tlsServer(t, { ...localhost, ...only(version) })
    const other = await tlsServer(t, { ...(await makeCertificate(authority, ['localhost'])), ...only(version) })
    const cache = new TlsSessionCache()
    const { sessions } = await outcomeOf(tls.connect(to(other)))
    for (const resumed of [false, true]) {
      const socket = cache.connect(to(server))
      await once(socket, 'data')
      assert.equal(socket.isSessionReused(), resumed)
      const before = cache.stats.stored
      socket.emit('session', sessions[0]!)
      assert.equal(cache.stats.stored, before)
      socket.end()
      await once(socket, 'close')
    }
  })
}

test('TLSv1.3: with singleUse off, a ticket that its server has refused is not used again', async (t) => {
  const server = await tlsServer(t, { ...localhost, ...only('TLSv1.3') })
  const cache = new TlsSessionCache({ singleUse: false })
  for (let round = 0; round < 2; round++) await outcomeOf(cache.connect(to(server)))
  server.server.setTicketKeys(randomBytes(48))
  for (let round = 0; round < 5; round++) await outcomeOf(cache.connect(to(server)))
  assert.deepEqual(server.reused, [false, true, false, true, true, true, true])
})

test('TLSv1.2: after a renegotiation connections are still resumed', async (t) => {
  const server = await tlsServer(t, { ...localhost, ...only('TLSv1.2') })
  const cache = new TlsSessionCache()
  const socket = cache.connect(to(server))
  await once(socket, 'data')
  await promisify((done: (error: Error | null) => void) => socket.renegotiate({}, done))()
  socket.end()
  await once(socket, 'close')
  assert.equal((await outcomeOf(cache.connect(to(server)))).resumed, true)
})

test('sessions are kept for max peers, and the one that was used longest ago goes', async (t) => {
  const server = await tlsServer(t, { ...localhost, ...only('TLSv1.2') })
  const cache = new TlsSessionCache({ max: 2 })
  const peer = (tenant: string) => ({ ...to(server), sessionIdContext: tenant })
  for (const tenant of ['a', 'b', 'a', 'c']) await outcomeOf(cache.connect(peer(tenant)))
  assert.deepEqual(
    ['c', 'a', 'b'].map((tenant) => cache.prepare(peer(tenant)).session !== undefined),
    [true, true, false]
  )
  assert.deepEqual([cache.stats.peers, cache.stats.evicted], [2, 1])
})

test('by default ten peers are kept', async (t) => {
  const server = await tlsServer(t, { ...localhost, ...only('TLSv1.2') })
  const cache = new TlsSessionCache()
  for (let tenant = 0; tenant < 12; tenant++) await outcomeOf(cache.connect({ ...to(server), sessionIdContext: String(tenant) }))
  assert.deepEqual([cache.stats.peers, cache.stats.evicted], [10, 2])
})

test('a cache that is switched off or closed lets connections be made, and keeps nothing', async (t) => {
  const server = await tlsServer(t, localhost)
  const off = new TlsSessionCache({ enabled: false })
  const closed = new TlsSessionCache()
  const open = closed.connect(to(server))
  await once(open, 'secureConnect')
  closed.close()
  open.resume().end()
  await once(open, 'close')
  for (const cache of [off, closed]) {
    for (let round = 0; round < 2; round++) {
      const { refused, resumed } = await outcomeOf(cache.connect(to(server)))
      assert.deepEqual([refused, resumed], [null, false])
    }
    assert.deepEqual([cache.stats.peers, cache.stats.bypassed], [0, 2])
  }
})

test('a host, or a port of it, can be forgotten', async (t) => {
  const servers = [await tlsServer(t, localhost), await tlsServer(t, localhost)] as const
  const cache = new TlsSessionCache()
  const fill = async () => {
    for (const server of servers) await outcomeOf(cache.connect(to(server)))
  }
  await fill()
  assert.deepEqual([cache.forget('other.test'), cache.forget('127.0.0.1', servers[0].port), cache.stats.peers], [0, 1, 1])
  await fill()
  assert.deepEqual([cache.forget('127.0.0.1'), cache.stats.peers], [2, 0])
})

test('a local socket can be forgotten, too, by its path', async (t) => {
  const { server } = await tlsServer(t, localhost)
  await new Promise<void>((resolve) => void server.close(() => resolve()))
  const path = join(await mkdtemp(join(tmpdir(), 'gs-tls-')), 'Socket')
  t.after(() => rm(dirname(path), { recursive: true }))
  server.listen(path)
  await once(server, 'listening')
  const cache = new TlsSessionCache()
  await outcomeOf(cache.connect({ path, servername: 'localhost', ca }))
  assert.deepEqual([cache.forget(path), cache.stats.peers], [1, 0])
})

test('a connection over a socket of the caller is resumed', async (t) => {
  const server = await tlsServer(t, localhost)
  const cache = new TlsSessionCache()
  for (const resumed of [false, true]) {
    const socket = net.connect(server.port, '127.0.0.1')
    await once(socket, 'connect')
    assert.equal((await outcomeOf(cache.connect({ socket, servername: 'localhost', ca }))).resumed, resumed)
  }
})

test('sessions whose time is over leave the memory without being asked for', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout', 'Date'], now: Date.now() })
  const cache = new TlsSessionCache({ ttl: 10 })
  const { table } = internalsOf(cache)
  const peer = { key: 'a', host: 'a', port: 1, servername: '', alpn: [], trust: '', stable: true }
  const kept = (life: number) => ({
    session: Buffer.alloc(1),
    protocol: 'TLSv1.3' as const,
    expiresAt: Date.now() + life,
    finalAt: Date.now() + 86_400_000
  })
  table.put(peer, kept(9000))
  table.put(peer, kept(4000))
  table.put({ ...peer, key: 'b' }, kept(60_000))
  t.mock.timers.tick(4000)
  assert.deepEqual([cache.stats.peers, cache.stats.expired], [2, 1])
  t.mock.timers.tick(5000)
  assert.deepEqual([cache.stats.peers, cache.stats.expired], [1, 2])
  t.mock.timers.tick(1000)
  assert.deepEqual([cache.stats.peers, cache.stats.expired], [0, 3])
})

test('a cache with sessions does not keep the process alive, and hides no error that nobody listens to', async (t) => {
  const server = await tlsServer(t, localhost)
  const script = `
    const { TlsSessionCache } = await import(${JSON.stringify(new URL('session-cache.ts', import.meta.url).href)})
    const { outcomeOf } = await import(${JSON.stringify(new URL('testing/handshake.ts', import.meta.url).href)})
    const cache = new TlsSessionCache({ ttl: 86400 })
    const options = { host: '127.0.0.1', servername: 'localhost', port: ${server.port}, ca: ${JSON.stringify(ca)} }
    await outcomeOf(cache.connect(options))
    console.log(cache.stats.stored > 0)
    process.on('exit', () => console.log('end'))
    if (process.argv.at(-1) === 'fail') {
      process.on('uncaughtException', (error) => console.log(error.code))
      cache.connect({ ...options, servername: 'other.test', ca: options.ca + ' ' })
      cache.connect(options).on('secureConnect', function () { this.destroy(Object.assign(new Error(), { code: 'LATE' })) })
    }`
  const run = async (...args: string[]) =>
    (await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script, ...args], { timeout: 20_000 })).stdout
      .trim()
      .split('\n')
  assert.deepEqual(await run(), ['true', 'end'])
  assert.deepEqual((await run('fail')).toSorted(), ['ERR_TLS_CERT_ALTNAME_INVALID', 'LATE', 'end', 'true'])
})

test('after the handshake one listener is left, and a connection that is watched often warns of nothing', async (t) => {
  const server = await tlsServer(t, localhost)
  const names = ['session', 'secureConnect', 'error', 'connect', 'close']
  const counts = (socket: TLSSocket) => names.map((name) => socket.listenerCount(name))
  const bare = tls.connect(to(server))
  await once(bare, 'secureConnect')
  const socket = new TlsSessionCache().connect(to(server))
  assert.equal(socket.listenerCount('error'), 0)
  await once(socket, 'secureConnect')
  const [sessions, ...others] = counts(bare)
  assert.deepEqual(counts(socket), [sessions! + 1, ...others])
  bare.destroy()
  socket.destroy()
})

test('the listener of the caller finds the session kept or forgotten already', async (t) => {
  const server = await tlsServer(t, { ...localhost, ...only('TLSv1.2') })
  const cache = new TlsSessionCache()
  await outcomeOf(cache.connect(to(server)))
  let resumed = 0
  const socket = cache.connect(to(server), () => (resumed = cache.stats.resumed))
  await once(socket, 'secureConnect')
  assert.equal(resumed, 1)
  socket.destroy()
})

test('a server that floods is not listened to for long', async (t) => {
  const server = await tlsServer(t, localhost)
  const cache = new TlsSessionCache()
  const { sessions } = await outcomeOf(tls.connect(to(server)))
  const socket = cache.connect(to(server))
  await once(socket, 'data')
  for (let count = 0; count < 1000; count++) socket.emit('session', sessions[0]!)
  assert.ok(cache.stats.stored <= 64)
  socket.destroy()
})

test('nothing shows a session: not the cache, not its statistics', async (t) => {
  const server = await tlsServer(t, localhost)
  const cache = new TlsSessionCache()
  const { sessions } = await outcomeOf(cache.connect(to(server)))
  const shown = [inspect(cache, { showHidden: true, depth: 9 }), JSON.stringify(cache), inspect(cache.stats)].join('\n')
  assert.equal(JSON.stringify(cache), '{"namespace":"default"}')
  for (const session of sessions)
    for (const form of ['hex', 'base64', 'latin1'] as const) assert.ok(!shown.includes(session.toString(form).slice(100, 120)))
  assert.doesNotMatch(shown, /Buffer|BEGIN|\d, \d/)
})

test('TLSv1.3: what a connection is before its tickets come is not kept', async (t) => {
  const server = await tlsServer(t, { ...localhost, ...only('TLSv1.3') })
  const cache = new TlsSessionCache()
  const socket = cache.connect(to(server))
  socket.once('secureConnect', () => socket.emit('session', socket.getSession()!))
  await once(socket, 'secureConnect')
  assert.equal(cache.stats.stored, 0)
  socket.destroy()
})
