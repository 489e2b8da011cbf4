import assert from 'node:assert/strict'
import { once } from 'node:events'
import net, { type AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import type { ConnectionOptions } from 'node:tls'
import { TlsSessionCache } from './session-cache.ts'
import { makeAuthority, makeCertificate } from './testing/certificates.ts'
import { outcomeOf } from './testing/handshake.ts'
import { tlsServer, visit } from './testing/tls-server.ts'

const authority = await makeAuthority()
const localhost = await makeCertificate(authority, ['localhost'])
const to = (port: number): ConnectionOptions & { timeout?: never } => ({
  host: '127.0.0.1',
  servername: 'localhost',
  port,
  ca: authority.cert
})

/** Stands before a server, and deals with its connections as it is told, in turn; the last word holds for those that follow. */
async function before(t: TestContext, port: number, ...words: readonly ('pass' | 'break' | 'hang')[]) {
  const seen: string[] = []
  const server = net.createServer((socket) => {
    const word = words[Math.min(seen.length, words.length - 1)]!
    seen.push(word)
    socket.on('error', () => undefined)
    t.after(() => socket.destroy())
    if (word === 'hang') socket.resume()
    else if (word === 'break') socket.once('data', () => socket.destroy())
    else {
      const onward = net.connect(port, '127.0.0.1')
      onward.on('error', () => undefined)
      socket.pipe(onward).pipe(socket)
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  return { port: (server.address() as AddressInfo).port, seen, server }
}

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`${version}: gives a socket whose handshake is done, and resumes`, async (t) => {
    const server = await tlsServer(t, { ...localhost, minVersion: version, maxVersion: version })
    const cache = new TlsSessionCache()
    for (const resumed of [false, true]) {
      const socket = await cache.connectSecure(to(server.port))
      assert.deepEqual([socket.authorized, socket.listenerCount('error')], [true, 0])
      assert.equal(await visit(socket), resumed)
    }
  })

  test(`${version}: where a server breaks off when it sees a session, it is tried once more without`, async (t) => {
    const server = await tlsServer(t, { ...localhost, minVersion: version, maxVersion: version })
    const door = await before(t, server.port, 'pass', 'break', 'pass')
    const cache = new TlsSessionCache()
    for (let round = 0; round < 2; round++) assert.equal(await visit(await cache.connectSecure(to(door.port))), false)
    assert.deepEqual(door.seen, ['pass', 'break', 'pass'])
    assert.equal(await visit(await cache.connectSecure(to(door.port))), true)
  })

  test(`${version}: and not a third time`, async (t) => {
    const server = await tlsServer(t, { ...localhost, minVersion: version, maxVersion: version })
    const door = await before(t, server.port, 'pass', 'break')
    const cache = new TlsSessionCache()
    await visit(await cache.connectSecure(to(door.port)))
    await assert.rejects(cache.connectSecure(to(door.port)), { code: 'ECONNRESET' })
    assert.deepEqual(door.seen, ['pass', 'break', 'break'])
  })
}

test('without a session it is not tried twice', async (t) => {
  const door = await before(t, 0, 'break')
  await assert.rejects(new TlsSessionCache().connectSecure(to(door.port)), { code: 'ECONNRESET' })
  assert.deepEqual(door.seen, ['break'])
})

test('a server that cannot be reached is not tried twice, and costs no session', async (t) => {
  const server = await tlsServer(t, localhost)
  const cache = new TlsSessionCache()
  await visit(await cache.connectSecure(to(server.port)))
  await new Promise<void>((resolve) => void server.server.close(() => resolve()))
  const { misses } = cache.stats
  await assert.rejects(cache.connectSecure(to(server.port)), { code: 'ECONNREFUSED' })
  assert.equal(cache.stats.misses, misses)
  assert.equal(cache.stats.peers, 1)
})

test('over a socket of the caller it is not tried twice', async (t) => {
  const server = await tlsServer(t, localhost)
  const door = await before(t, server.port, 'pass', 'break')
  const cache = new TlsSessionCache()
  const over = async () => {
    const socket = net.connect(door.port, '127.0.0.1')
    await once(socket, 'connect')
    return await cache.connectSecure({ socket, servername: 'localhost', ca: authority.cert })
  }
  await visit(await over())
  assert.equal(cache.stats.peers, 1)
  await assert.rejects(over(), { code: 'ECONNRESET' })
  assert.deepEqual(door.seen, ['pass', 'break'])
})

test('is rejected with the error of the handshake', async (t) => {
  const server = await tlsServer(t, localhost)
  await assert.rejects(new TlsSessionCache().connectSecure({ ...to(server.port), servername: 'other.test' }), {
    code: 'ERR_TLS_CERT_ALTNAME_INVALID'
  })
  await assert.rejects(new TlsSessionCache().connectSecure({ ...to(server.port), ca: 1 as never }), { code: 'ERR_INVALID_ARG_TYPE' })
})

test('ends after timeout, with the second try in it, and leaves no connection', async (t) => {
  const server = await tlsServer(t, localhost)
  const door = await before(t, server.port, 'pass', 'break', 'hang')
  const cache = new TlsSessionCache()
  await visit(await cache.connectSecure(to(door.port)))
  await assert.rejects(cache.connectSecure({ ...to(door.port), timeout: 300 }), { code: 'ETIMEDOUT', message: /300 ms/ })
  assert.deepEqual(door.seen, ['pass', 'break', 'hang'])
  await new Promise<void>((resolve) => {
    const look = () => door.server.getConnections((_error, count) => (count === 0 ? resolve() : setImmediate(look)))
    look()
  })
})

test('ends with the reason of its signal, before and while it connects, and not afterwards', async (t) => {
  const server = await tlsServer(t, localhost)
  const door = await before(t, server.port, 'hang', 'pass')
  const cache = new TlsSessionCache()
  const reason = new Error('enough')
  await assert.rejects(cache.connectSecure({ ...to(door.port), signal: AbortSignal.abort(reason) }), reason)
  assert.deepEqual(door.seen, [])
  const stop = new AbortController()
  const attempt = cache.connectSecure({ ...to(door.port), signal: stop.signal })
  await once(door.server, 'connection')
  stop.abort(reason)
  await assert.rejects(attempt, reason)
  const later = new AbortController()
  const socket = await cache.connectSecure({ ...to(door.port), signal: later.signal, timeout: 60_000 })
  later.abort(reason)
  assert.equal((await outcomeOf(socket)).refused, null)
})

for (const timeout of [0, -1, Number.NaN, '5' as never])
  test(`timeout ${timeout} is refused`, async () => {
    await assert.rejects(new TlsSessionCache().connectSecure({ ...to(1), timeout }), { code: 'GS_TLS_OPTION', message: /timeout/ })
  })
