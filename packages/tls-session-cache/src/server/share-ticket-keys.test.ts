import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import cluster from 'node:cluster'
import { hkdfSync, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import tls, { type TlsOptions } from 'node:tls'
import { runInNewContext } from 'node:vm'
import Fastify from 'fastify'
import { makeAuthority, makeCertificate } from '../testing/certificates.ts'
import { at, messageOf, resumes, sessionOf } from '../testing/session-of.ts'
import { tlsServer } from '../testing/tls-server.ts'
import { shareTicketKeys, type SharedTicketKeys, type TicketKeyOptions } from './share-ticket-keys.ts'

const authority = await makeAuthority()
const localhost = await makeCertificate(authority, ['localhost'])
const secret = randomBytes(32).toString('hex')
const sessionIdContext = 'shop'
const ticketServer = join(import.meta.dirname, '../testing/ticket-server.ts')
const versions: ('TLSv1.2' | 'TLSv1.3')[] = ['TLSv1.2', 'TLSv1.3']
const every = 60
const length = every * 1000

async function start(t: TestContext, keys: TicketKeyOptions = { secret }, options: TlsOptions = {}) {
  const server = await tlsServer(t, { ...localhost, sessionIdContext, ...options })
  const shared = shareTicketKeys(server.server, keys)
  // Now: the timers of this test are not those of the next one.
  t.after(() => shared.stop())
  return { ...server, shared, connection: at(server.port, authority.cert) }
}

/** Timers and a clock that stand still until they are told. */
function stoppedClock(t: TestContext, now: number) {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  return {
    now: () => now,
    pass: (ms: number) => {
      now += ms
      t.mock.timers.tick(ms)
    },
    set: (time: number) => (now = time)
  }
}

for (const version of versions) {
  test(`${version}: servers with the same secret resume the sessions of each other`, async (t) => {
    const one = await start(t)
    const two = await start(t, { secret: Buffer.from(secret) })
    const session = await sessionOf({ ...one.connection, minVersion: version, maxVersion: version })
    assert.equal(await resumes({ ...two.connection, maxVersion: version }, session), true)
    assert.deepEqual(two.reused, [true])
  })

  for (const [name, keys, options] of [
    ['another secret', { secret: randomBytes(32) }, {}],
    ['another context', { secret, context: 'admin' }, {}],
    ['another sessionIdContext', { secret }, { sessionIdContext: 'admin' }],
    ['another period', { secret, every: 7200 }, {}]
  ] as const)
    test(`${version}: servers with ${name} do not`, async (t) => {
      const one = await start(t)
      const two = await start(t, keys, options)
      const session = await sessionOf({ ...one.connection, maxVersion: version })
      assert.equal(await resumes({ ...two.connection, maxVersion: version }, session), false)
    })

  test(`${version}: sessions outlive a restart, and are resumed by another process`, async (t) => {
    const child = fork(ticketServer, [JSON.stringify({ options: { ...localhost, sessionIdContext }, secret })])
    t.after(() => child.disconnect())
    const port = (await messageOf(child)) as number
    const before = await start(t)
    const session = await sessionOf({ ...before.connection, maxVersion: version })
    before.server.close()
    const after = await start(t)
    assert.equal(await resumes({ ...after.connection, maxVersion: version }, session), true)
    assert.equal(await resumes(at(port, authority.cert, version), session), true)
  })
}

test('a worker of a cluster has the key of its time, not that which another one began with', async (t) => {
  const fork = async (shift: number) => {
    cluster.setupPrimary({ exec: ticketServer, args: [JSON.stringify({ options: { ...localhost, sessionIdContext }, secret, shift })] })
    const worker = cluster.fork()
    t.after(() => worker.kill())
    return { pid: worker.process.pid, port: (await messageOf(worker)) as number }
  }
  const late = await fork(-14_400_000)
  const right = await fork(0)
  assert.equal(right.port, late.port)
  const session = await sessionOf({ ...(await start(t)).connection, maxVersion: 'TLSv1.2' })
  const resumed = new Map<number, boolean>()
  for (let turn = 0; turn < 4; turn++) {
    const socket = tls.connect({ ...at(right.port, authority.cert, 'TLSv1.2'), session })
    const [line] = (await once(socket, 'data')) as [Buffer]
    resumed.set(Number(line), socket.isSessionReused())
    socket.destroy()
  }
  assert.deepEqual(
    resumed,
    new Map([
      [late.pid, false],
      [right.pid, true]
    ])
  )
})

for (const version of versions)
  test(`${version}: at the end of a period, to the millisecond, the old sessions are over`, async (t) => {
    const clock = stoppedClock(t, 10 * length)
    const options = { secret, every, now: clock.now }
    const one = await start(t, options)
    const two = await start(t, options)
    const connection = { ...two.connection, maxVersion: version }
    const session = await sessionOf({ ...one.connection, maxVersion: version })
    clock.pass(length - 1)
    assert.deepEqual([one.shared.period, two.shared.period], [10, 10])
    assert.equal(await resumes(connection, session), true)
    clock.pass(1)
    assert.deepEqual([one.shared.period, two.shared.period], [11, 11])
    assert.equal(await resumes(connection, session), false)
    const next = await sessionOf({ ...one.connection, maxVersion: version })
    assert.equal(await resumes(connection, next), true)
  })

test('a clock that was set, or a machine that slept, is noticed within a minute', async (t) => {
  const clock = stoppedClock(t, 0)
  const { shared } = await start(t, { secret, every: 86_400, now: clock.now })
  clock.set(5 * 86_400_000)
  clock.pass(60_000)
  assert.equal(shared.period, 5)
})

test('a server that has closed gets no more keys', async (t) => {
  const clock = stoppedClock(t, 0)
  const periods: number[] = []
  const keys = (period: number) => {
    periods.push(period)
    return Buffer.alloc(48, period + 1)
  }
  const closing = await start(t, { keys, every, now: clock.now })
  clock.pass(length)
  closing.server.close()
  await once(closing.server, 'close')
  clock.pass(3 * length)
  assert.deepEqual(periods, [0, 1])
  const stopped = await start(t, { keys, every, now: clock.now })
  stopped.shared.stop()
  clock.pass(3 * length)
  assert.deepEqual(periods, [0, 1, 4])
})

test('nobody is kept alive by it', async () => {
  const script = `import tls from 'node:tls'
import { shareTicketKeys } from ${JSON.stringify(join(import.meta.dirname, 'share-ticket-keys.ts'))}
shareTicketKeys(tls.createServer(), { secret: '${secret}' })`
  const child = fork('-', [], { execArgv: ['--input-type=module', '--eval', script], stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
  const [code] = (await once(child, 'exit')) as [number]
  assert.equal(code, 0)
})

test('keys may come from a function of the application, at once or later', async (t) => {
  const key = (period: number) => Buffer.from(hkdfSync('sha256', secret, '', `mine ${period}`, 48))
  const one = await start(t, { keys: key })
  const server = await tlsServer(t, { ...localhost, sessionIdContext })
  const shared = shareTicketKeys(server.server, { keys: async (period) => key(period) })
  t.after(() => shared.stop())
  assert.equal(shared.period, null)
  await shared.ready
  assert.equal(shared.period, one.shared.period)
  assert.equal(
    await resumes(at(server.port, authority.cert, 'TLSv1.2'), await sessionOf({ ...one.connection, maxVersion: 'TLSv1.2' })),
    true
  )
})

test('a server goes on with its key while the function fails, and asks again', async (t) => {
  const clock = stoppedClock(t, 0)
  const errors: unknown[] = []
  const answers: (() => Uint8Array | Promise<Uint8Array>)[] = [
    () => Buffer.alloc(48, 1),
    () => {
      throw new Error('out of order')
    },
    () => Buffer.alloc(32),
    () => 'key' as unknown as Uint8Array,
    () => Buffer.alloc(48, 2)
  ]
  const { connection, shared } = await start(t, {
    keys: () => answers.shift()!(),
    every,
    now: clock.now,
    onError: (error) => errors.push((error as Error).message)
  })
  const session = await sessionOf({ ...connection, maxVersion: 'TLSv1.2' })
  clock.pass(length)
  assert.deepEqual([shared.period, errors.length], [0, 1])
  assert.equal(await resumes({ ...connection, maxVersion: 'TLSv1.2' }, session), true)
  clock.pass(5000)
  clock.pass(5000)
  assert.deepEqual([shared.period, errors.length], [0, 3])
  clock.pass(5000)
  assert.deepEqual([shared.period, errors.length, answers.length], [1, 3, 0])
  assert.deepEqual(errors.slice(0, 2), ['out of order', 'tls-session-cache: the option keys must give 48 bytes.'])
  assert.equal(await resumes({ ...connection, maxVersion: 'TLSv1.2' }, session), false)
})

test('a server has no key for longer than a day, even if it gets no other', async (t) => {
  const clock = stoppedClock(t, 0)
  const { connection } = await start(t, {
    keys: (period) => {
      if (period > 0) throw new Error('out of order')
      return Buffer.alloc(48, 1)
    },
    every: 86_400,
    now: clock.now,
    onError: () => undefined
  })
  const session = await sessionOf({ ...connection, maxVersion: 'TLSv1.2' })
  clock.pass(86_399_999)
  assert.equal(await resumes({ ...connection, maxVersion: 'TLSv1.2' }, session), true)
  clock.pass(1)
  assert.equal(await resumes({ ...connection, maxVersion: 'TLSv1.2' }, session), false)
})

test('a key that comes too late is not used', async (t) => {
  const clock = stoppedClock(t, 0)
  const first = Promise.withResolvers<Uint8Array>()
  const { shared } = await start(t, {
    keys: (period) => (period === 0 ? first.promise : Buffer.alloc(48, 1)),
    every,
    now: clock.now,
    onError: () => undefined
  })
  clock.pass(length)
  assert.equal(shared.period, 1)
  first.resolve(Buffer.alloc(48, 2))
  await shared.ready
  assert.equal(shared.period, 1)
})

test('a function that never answers is asked again, and its last key is used for a day at most', async (t) => {
  const clock = stoppedClock(t, 0)
  const errors: unknown[] = []
  const periods: number[] = []
  const { connection, shared } = await start(t, {
    keys: (period) => {
      periods.push(period)
      return period === 0 ? Buffer.alloc(48, 1) : new Promise<never>(() => undefined)
    },
    every: 43_200,
    now: clock.now,
    onError: (error) => errors.push((error as Error).message)
  })
  const session = await sessionOf({ ...connection, maxVersion: 'TLSv1.2' })
  clock.pass(43_200_000)
  clock.pass(60_000)
  assert.deepEqual(errors, ['the option keys has not answered in time'])
  clock.pass(5000)
  assert.deepEqual([periods, shared.period], [[0, 1, 1], 0])
  assert.equal(await resumes({ ...connection, maxVersion: 'TLSv1.2' }, session), true)
  clock.set(86_400_000)
  clock.pass(60_000)
  assert.equal(periods.at(-1), 2)
  assert.equal(await resumes({ ...connection, maxVersion: 'TLSv1.2' }, session), false)
})

test('nobody waits for ever for the first key', async (t) => {
  const clock = stoppedClock(t, 0)
  const errors: unknown[] = []
  const { shared } = await start(t, {
    keys: () => new Promise<never>(() => undefined),
    now: clock.now,
    onError: (error) => errors.push(error)
  })
  clock.pass(60_000)
  await shared.ready
  assert.deepEqual([shared.period, errors.length], [null, 1])
  const other = await start(t, { keys: () => new Promise<never>(() => undefined), now: clock.now })
  other.shared.stop()
  await other.shared.ready
})

test('keys may come as a promise of another realm, as with test runners that have their own', async (t) => {
  const Foreign = runInNewContext('Promise') as PromiseConstructor
  const { shared } = await start(t, { keys: () => Foreign.resolve(Buffer.alloc(48, 1)) })
  await shared.ready
  assert.notEqual(shared.period, null)
})

for (const version of versions)
  test(`${version}: a server that gets another certificate has the key of all again within a minute`, async (t) => {
    const clock = stoppedClock(t, 0)
    const { connection, server } = await start(t, { secret, now: clock.now })
    const session = await sessionOf({ ...connection, maxVersion: version })
    server.setSecureContext({ ...(await makeCertificate(authority, ['localhost'])), sessionIdContext })
    clock.pass(60_000)
    assert.equal(await resumes({ ...connection, maxVersion: version }, session), true)
  })

test('a process is warned when keys fail, if nobody else is told', async (t) => {
  const warned = once(process, 'warning')
  const { shared } = await start(t, { keys: async () => Promise.reject(new Error('out of order')) })
  await shared.ready
  const [warning] = (await warned) as [Error]
  assert.equal(warning.name, 'TlsSessionCacheWarning')
  assert.match(warning.message, /out of order.*goes on with the one it has/)
})

test('works with the server of Fastify', async (t) => {
  const apps = await Promise.all(
    [1, 2].map(async () => {
      const app = Fastify({ https: { ...localhost, sessionIdContext } })
      t.after(() => app.close())
      app.get('/', () => 'hello')
      const shared: SharedTicketKeys = shareTicketKeys(app.server, { secret })
      assert.notEqual(shared.period, null)
      await app.listen({ port: 0, host: '127.0.0.1' })
      return (app.server.address() as AddressInfo).port
    })
  )
  const reused: boolean[] = []
  let session: Buffer | undefined
  for (const port of apps) {
    const socket = tls.connect({ ...at(port, authority.cert, 'TLSv1.2'), ...(session && { session }) })
    socket.on('session', (given: Buffer) => (session = given))
    socket.write('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
    await once(socket, 'data')
    reused.push(socket.isSessionReused())
    socket.destroy()
  }
  assert.deepEqual(reused, [false, true])
})

const wrongOptions: Record<string, [options: unknown, message: RegExp]> = {
  'neither secret nor keys': [{}, /one of the options secret and keys is needed/],
  'secret and keys': [{ secret, keys: () => Buffer.alloc(48) }, /one of the options secret and keys is needed/],
  'a short secret': [{ secret: 'x'.repeat(31) }, /at least 32 random bytes; make it with "openssl rand -hex 32"/],
  'a secret that is none': [{ secret: 7 }, /at least 32 random bytes/],
  'a context that is none': [{ secret, context: 7 }, /the option context/],
  'a context for keys': [{ keys: () => Buffer.alloc(48), context: 'shop' }, /context is for secret/],
  'keys that are no function': [{ keys: [Buffer.alloc(48)] }, /keys must be a function/],
  'too short a period': [{ secret, every: 59 }, /every must be a whole number of seconds from 60 to 86400/],
  'more than a day': [{ secret, every: 86_401 }, /every must be/],
  'an unknown option': [{ secret, period: 3 }, /the option period is not known/],
  'a clock that is none': [{ secret, now: 7 }, /the option now/],
  'an onError that is none': [{ secret, onError: 7 }, /the option onError/],
  'no options': [undefined, /needs an object with options/]
}
for (const [name, [options, message]] of Object.entries(wrongOptions))
  test(`refuses ${name}`, () => {
    assert.throws(() => shareTicketKeys(tls.createServer(), options as TicketKeyOptions), { name: 'TlsCacheOptionError', message })
  })

test('refuses a server without TLS', () => {
  assert.throws(() => shareTicketKeys(Fastify().server as unknown as tls.Server, { secret }), {
    name: 'TlsCacheOptionError',
    message: /app\.server/
  })
})
