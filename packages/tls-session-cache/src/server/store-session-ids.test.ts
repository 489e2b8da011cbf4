import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import tls, { type TlsOptions } from 'node:tls'
import { makeAuthority, makeCertificate } from '../testing/certificates.ts'
import { at, messageOf, resumes, sessionOf } from '../testing/session-of.ts'
import { tlsServer, visit } from '../testing/tls-server.ts'
import { memorySessionIds } from './memory-session-ids.ts'
import { storeSessionIds, type SessionIdOptions, type SessionIdStore } from './store-session-ids.ts'
import { withoutTickets } from './without-tickets.ts'

const authority = await makeAuthority()
const localhost = await makeCertificate(authority, ['localhost'])
const key = randomBytes(32)

async function start(t: TestContext, store: SessionIdStore, options: SessionIdOptions = {}, server: TlsOptions = {}) {
  const started = await tlsServer(t, withoutTickets({ ...localhost, sessionIdContext: 'shop', ...server }))
  const stop = storeSessionIds(started.server, store, options)
  return { ...started, stop, connection: at(started.port, authority.cert, 'TLSv1.2') }
}

/** A store that shows what is in it. */
function openStore() {
  const kept = new Map<string, Uint8Array>()
  const ttls: number[] = []
  const store: SessionIdStore = {
    get: (id) => kept.get(id),
    set: async (id, data, ttl) => {
      kept.set(id, data)
      ttls.push(ttl)
    },
    delete: (id) => kept.delete(id)
  }
  return { kept, ttls, store }
}

for (const options of [{}, { key }])
  test(`servers resume the sessions of each other through one store (${Object.keys(options).join() || 'no key'})`, async (t) => {
    const { kept, store, ttls } = openStore()
    const one = await start(t, store, { ...options, ttl: 120 })
    const two = await start(t, store, options)
    const session = await sessionOf(one.connection)
    assert.equal(await resumes(two.connection, session), true)
    assert.equal(await resumes(one.connection, session), true)
    assert.deepEqual([one.reused, two.reused, ttls], [[false, true], [true], [120]])
    const [[id, data]] = Array.from(kept) as [[string, Uint8Array]]
    assert.equal(Buffer.from(data).includes(Buffer.from(id, 'hex')), !('key' in options))
  })

test('a session is resumed by another process that has the store and the key', async (t) => {
  const { kept, store } = openStore()
  const child = fork(join(import.meta.dirname, '../testing/id-server.ts'), [
    JSON.stringify({ options: { ...localhost, sessionIdContext: 'shop' }, key: key.toString('base64') })
  ])
  t.after(() => child.disconnect())
  const port = (await messageOf(child)) as number
  child.on('message', ({ data, get, set }: { readonly get?: string; readonly set?: string; readonly data?: string }) => {
    if (set !== undefined) kept.set(set, Buffer.from(data!, 'base64'))
    if (get !== undefined) child.send({ id: get, data: Buffer.from(kept.get(get) ?? []).toString('base64') })
  })
  const here = await start(t, store, { key })
  const there = at(port, authority.cert, 'TLSv1.2')
  assert.equal(await resumes(there, await sessionOf(here.connection)), true)
  assert.equal(await resumes(here.connection, await sessionOf(there)), true)
  assert.deepEqual(here.reused, [false, true])
})

test('a session is found by nobody else', async (t) => {
  const { store } = openStore()
  const session = await sessionOf((await start(t, store, { key })).connection)
  const table: [name: string, options: SessionIdOptions, server: TlsOptions][] = [
    ['another key', { key: randomBytes(32) }, {}],
    ['another sessionIdContext', { key }, { sessionIdContext: 'admin' }]
  ]
  for (const [name, options, server] of table)
    assert.equal(await resumes((await start(t, store, options, server)).connection, session), false, name)
})

const broken: Record<string, (get: () => Uint8Array | undefined) => Partial<SessionIdStore>> = {
  throws: () => ({
    get: () => {
      throw new Error('out of order')
    }
  }),
  'fails later': () => ({ get: () => Promise.reject(new Error('out of order')) }),
  'never answers': () => ({ get: () => new Promise(() => undefined) }),
  'gives text': () => ({ get: () => 'session' as unknown as Uint8Array }),
  'gives nonsense': () => ({ get: () => randomBytes(158) }),
  'gives nothing of something': () => ({ get: () => Buffer.alloc(0) }),
  'gives too much': () => ({ get: () => Buffer.alloc(2 ** 20) }),
  'gives a part': (get) => ({ get: () => get()?.subarray(0, 100) }),
  'has changed a bit': (get) => ({
    get: () => {
      const data = Buffer.from(get()!)
      data[10]! ^= 1
      return data
    }
  })
}
for (const [name, damage] of Object.entries(broken))
  for (const options of [{}, { key }])
    test(`a store that ${name} costs a full handshake, and no more (${Object.keys(options).join() || 'no key'})`, async (t) => {
      const { kept, store } = openStore()
      const errors: unknown[] = []
      const one = await start(t, store, options)
      const bad = { ...store, ...damage(() => Array.from(kept.values())[0]) }
      const two = await start(t, bad, { ...options, timeout: 50, onError: (error) => errors.push(error) })
      const session = await sessionOf(one.connection)
      assert.equal(await resumes(two.connection, session), false)
      assert.equal(errors.length, 1)
    })

for (const options of [{}, { key }])
  test(`a store that gives the session of another one costs a full handshake (${Object.keys(options).join() || 'no key'})`, async (t) => {
    const { kept, store } = openStore()
    const one = await start(t, store, options)
    const session = await sessionOf(one.connection)
    await sessionOf(one.connection)
    const [mine, others] = Array.from(kept.keys())
    kept.set(mine!, kept.get(others!)!)
    assert.equal(await resumes(one.connection, session), false)
    assert.equal(kept.has(mine!), false)
  })

for (const [name, set] of Object.entries({
  throws: () => {
    throw new Error('out of order')
  },
  fails: () => Promise.reject(new Error('out of order')),
  'never answers': () => new Promise(() => undefined)
}))
  test(`a connection is made although the store ${name} when it has to keep something`, async (t) => {
    const errors: unknown[] = []
    const { connection } = await start(t, { get: () => null, set }, { timeout: 50, onError: (error) => errors.push(error) })
    assert.equal(await visit(tls.connect(connection)), false)
    assert.equal(errors.length, 1)
  })

test('a client that goes away while the store is asked does no harm', async (t) => {
  const { store } = openStore()
  const asked = { get: Promise.withResolvers<void>(), set: Promise.withResolvers<void>() }
  const answer = Promise.withResolvers<null>()
  const session = await sessionOf((await start(t, store)).connection)
  for (const [method, given] of [
    ['get', { session }],
    ['set', {}]
  ] as const) {
    const slow = () => {
      asked[method].resolve()
      return answer.promise
    }
    const { connection, reused, server } = await start(t, { ...store, [method]: slow })
    const socket = tls.connect({ ...connection, ...given })
    socket.on('error', () => undefined)
    await asked[method].promise
    const gone = method === 'get' ? once(server, 'tlsClientError') : null
    socket.destroy()
    await once(socket, 'close')
    answer.resolve(null)
    await gone
    assert.equal(await visit(tls.connect(connection)), false)
    assert.ok(reused.length >= 1)
  }
})

test('nothing of TLS 1.3 is stored, because it is never asked for', async (t) => {
  const { kept, store } = openStore()
  const { connection } = await start(t, store)
  assert.equal(await visit(tls.connect({ ...connection, minVersion: 'TLSv1.3', maxVersion: 'TLSv1.3' })), false)
  assert.equal(kept.size, 0)
})

test('a session that the store has lost costs a full handshake', async (t) => {
  const { kept, store } = openStore()
  const { connection } = await start(t, store)
  const session = await sessionOf(connection)
  kept.clear()
  assert.equal(await resumes(connection, session), false)
})

test('can be ended', async (t) => {
  const { kept, store } = openStore()
  const { connection, stop } = await start(t, store)
  stop()
  assert.equal(await visit(tls.connect(connection)), false)
  assert.equal(kept.size, 0)
})

test('the store in memory forgets what was used longest ago, and what is over', async (t) => {
  t.mock.timers.enable({ apis: ['Date'] })
  const store = memorySessionIds({ max: 2 })
  const [a, b, c] = [Buffer.from('a'), Buffer.from('b'), Buffer.from('c')]
  await store.set('a', a, 10)
  await store.set('b', b, 20)
  assert.equal(await store.get('a'), a)
  await store.set('c', c, 20)
  assert.deepEqual([store.get('a'), store.get('b'), store.get('c')], [a, undefined, c])
  store.delete!('a')
  assert.equal(store.get('a'), undefined)
})

test('the store in memory works for a server', async (t) => {
  const { connection } = await start(t, memorySessionIds())
  assert.equal(await resumes(connection, await sessionOf(connection)), true)
})

for (const version of ['TLSv1.2', 'TLSv1.3'] as const)
  test(`${version}: without tickets, and without a store, nothing is resumed`, async (t) => {
    const server = await tlsServer(t, withoutTickets({ ...localhost }))
    const connection = at(server.port, authority.cert, version)
    const socket = tls.connect(connection)
    let session: Buffer | undefined
    socket.on('session', (given: Buffer) => (session = given))
    await visit(socket)
    assert.equal(session === undefined ? false : await resumes(connection, session), false)
  })

test('the other options stay as they are', () => {
  const given = { ...localhost, secureOptions: 1 }
  assert.deepEqual(withoutTickets(given), { ...localhost, secureOptions: 1 | 0x4000 })
  assert.equal(given.secureOptions, 1)
})

const wrongOptions: Record<string, [options: unknown, message: RegExp]> = {
  'no lifetime': [{ ttl: 0 }, /ttl must be a whole number of seconds from 1 to 86400/],
  'more than a day': [{ ttl: 86_401 }, /ttl must be/],
  'a short key': [{ key: randomBytes(16) }, /key must be 32 random bytes/],
  'a passphrase': [{ key: 'correct horse battery staple' }, /key must be 32 random bytes/],
  'no timeout': [{ timeout: Infinity }, /timeout must be/],
  'an unknown option': [{ tll: 1 }, /the option tll is not known/],
  'an onError that is none': [{ onError: 7 }, /the option onError/]
}
for (const [name, [options, message]] of Object.entries(wrongOptions))
  test(`refuses ${name}`, () => {
    assert.throws(() => storeSessionIds(tls.createServer(), memorySessionIds(), options as SessionIdOptions), {
      name: 'TlsCacheOptionError',
      message
    })
  })

test('refuses what is no store, or no server of TLS', () => {
  assert.throws(() => storeSessionIds(tls.createServer(), {} as SessionIdStore), { message: /a store with the methods get and set/ })
  assert.throws(() => storeSessionIds({} as tls.Server, memorySessionIds()), { message: /needs a server of tls/ })
  assert.throws(() => memorySessionIds({ max: 0 }), { message: /the option max/ })
})

test('refuses a second store, with which every connection would fail', () => {
  const server = tls.createServer()
  const end = storeSessionIds(server, memorySessionIds())
  assert.throws(() => storeSessionIds(server, memorySessionIds()), { name: 'TlsCacheOptionError', message: /in a store already/ })
  end()
  storeSessionIds(server, memorySessionIds())()
})
