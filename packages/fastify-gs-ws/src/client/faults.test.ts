import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { WebSocket } from 'ws'
import { ProtocolServer } from '../testing/protocol-server.ts'
import { createClient, memoryStorage, type ClientOptions, type ClientStorage, type GsWsClient } from './index.ts'

const retry = { min: 1, max: 5 }

function open(t: TestContext, url: string, options: ClientOptions = {}) {
  const client = createClient(url, { retry, WebSocket, ...options })
  t.after(() => client.close())
  const errors: (Error & { code?: string })[] = []
  client.onLocal('error', (error) => errors.push(error))
  return Object.assign(client, { errors })
}

const stateOf = (client: GsWsClient, state: string): Promise<void> =>
  new Promise((resolve) => {
    const look = () => {
      if (client.state === state) resolve()
    }
    client.subscribe(look)
    look()
  })

/** Makes this process a page, until the test is over. */
function makePage(t: TestContext, globals: Readonly<Record<string, PropertyDescriptor>>) {
  const window = new EventTarget()
  const document = Object.assign(new EventTarget(), { visibilityState: 'visible' })
  const all: Record<string, PropertyDescriptor> = {
    document: { value: document },
    location: { value: { href: 'http://site.test/a/page?x=1' } },
    addEventListener: { value: window.addEventListener.bind(window) },
    removeEventListener: { value: window.removeEventListener.bind(window) },
    ...globals
  }
  const before = Object.keys(all).map((name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)] as const)
  for (const [name, descriptor] of Object.entries(all)) Object.defineProperty(globalThis, name, { ...descriptor, configurable: true })
  t.after(() => {
    for (const [name, descriptor] of before) {
      Reflect.deleteProperty(globalThis, name)
      if (descriptor !== undefined) Object.defineProperty(globalThis, name, descriptor)
    }
  })
  return { window, document }
}

describe('a page that sleeps', () => {
  // The first one: timers of other connections would not be stopped while there are false ones.
  it('asks whether a connection lives, and gives a dead one up', async (t) => {
    const server = await ProtocolServer.start(t)
    const { document } = makePage(t, {})
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const client = open(t, server.url, { storage: memoryStorage() })
    t.mock.timers.tick(1)
    await client.waitForSession()
    document.dispatchEvent(new Event('visibilitychange'))
    await server.until(() => server.words('ping').length === 1)
    assert.equal(await client.ask('echo', [1]), 1)
    server.script = () => true
    document.dispatchEvent(new Event('visibilitychange'))
    await server.until(() => server.words('ping').length === 2)
    t.mock.timers.tick(4999)
    assert.equal(client.state, 'session')
    t.mock.timers.tick(1)
    assert.equal(client.state, 'waiting')
  })

  it('connects at once when the network is back', async (t) => {
    const server = await ProtocolServer.start(t)
    const { window } = makePage(t, {})
    const client = open(t, server.url, { storage: memoryStorage(), retry: { min: 600_000, max: 600_000 } })
    await client.waitForSession()
    server.cut()
    await stateOf(client, 'waiting')
    window.dispatchEvent(new Event('online'))
    await client.waitForSession()
    // Nobody listens to the page any more.
    client.close()
    window.dispatchEvent(new Event('online'))
    assert.equal(client.state, 'closed')
  })

  it('connects at once when it is seen again, not when it is hidden', async (t) => {
    const server = await ProtocolServer.start(t)
    const { document } = makePage(t, {})
    const client = open(t, server.url, { storage: memoryStorage(), retry: { min: 600_000, max: 600_000 } })
    await client.waitForSession()
    server.cut()
    await stateOf(client, 'waiting')
    document.visibilityState = 'hidden'
    document.dispatchEvent(new Event('visibilitychange'))
    assert.equal(client.state, 'waiting')
    document.visibilityState = 'visible'
    document.dispatchEvent(new Event('visibilitychange'))
    assert.equal(client.state, 'connecting')
    await client.waitForSession()
  })

  it('does not disturb a server that has sent it away', async (t) => {
    const server = await ProtocolServer.start(t)
    const { window } = makePage(t, {})
    const client = open(t, server.url, { storage: memoryStorage(), retry: { min: 1, max: 600_000 } })
    await client.waitForSession()
    server.close(1008, 'too much')
    await stateOf(client, 'waiting')
    window.dispatchEvent(new Event('online'))
    assert.equal(client.state, 'waiting')
  })
})

describe('faults of the first clients', () => {
  it('W18: a second grant sends nothing again', async (t) => {
    const server = await ProtocolServer.start(t)
    const client = open(t, server.url)
    client.send('one')
    client.send('two')
    await client.flush()
    server.raw(JSON.stringify(['session', { id: 'x', secret: 's', created: true, received: 0, lost: false, expiresAt: 1 }]))
    await stateOf(client, 'waiting')
    await client.ask('echo')
    assert.deepEqual(server.handled, [['one'], ['two'], ['echo']])
    assert.deepEqual(
      client.errors.map(({ code }) => code),
      ['protocol']
    )
    assert.equal(server.words('message').length, 2)
  })

  it('W19: a page resumes after a reload, and nothing is guessed', async (t) => {
    const server = await ProtocolServer.start(t)
    const localStorage = memoryStorage()
    const { port } = server
    makePage(t, {
      localStorage: { value: localStorage },
      location: { value: { href: `http://127.0.0.1:${port}/a/page?x=1#y` } }
    })
    const ids: unknown[] = []
    for (const query of ['?once=1', '?once=2', '']) {
      const client = open(t, `/ws${query}`)
      ids.push((await client.waitForSession()).id)
      client.close()
    }
    assert.equal(new Set(ids).size, 1)
    assert.ok(await localStorage.getItem(`gs-ws ws://127.0.0.1:${port}/ws`))
    assert.equal(await localStorage.getItem('undefined'), null)
    assert.throws(() => createClient('http://'), TypeError)
  })

  it('W19: without a page an address has to be whole', () => {
    for (const address of ['/ws', '', undefined as unknown as string]) assert.throws(() => createClient(address), TypeError)
  })

  for (const frame of [
    '5',
    'null',
    '{}',
    '[]',
    '[null]',
    '"x"',
    'x',
    '',
    '[["$session-active"]]',
    '["$session-active"]',
    '["session-ok","1"]'
  ]) {
    it(`W20: ${frame} from the server does no harm`, async (t) => {
      const server = await ProtocolServer.start(t)
      const client = open(t, server.url)
      await client.waitForSession()
      server.raw(frame)
      await stateOf(client, 'waiting')
      assert.equal(await client.ask('echo', [1]), 1)
      assert.equal(client.errors.length, 1)
    })
  }

  const hostile = [
    '["message",1,"$session"]',
    '["message",2,"session",{"id":"x"}]',
    '["message",3,["session"]]',
    '["message",4,"__proto__"]',
    '["message",5,"constructor"]',
    '["message",6]',
    '["message",7,"state","closed"]'
  ]
  it('W20: no name of the server is an event of the client itself', async (t) => {
    const server = await ProtocolServer.start(t)
    const client = open(t, server.url)
    await client.waitForSession()
    const told: unknown[] = []
    for (const event of ['session', 'state', 'ended', 'lost'] as const) client.onLocal(event, (...args) => told.push([event, ...args]))
    server.raw(...hostile)
    for (const link of server.links.values()) link.next += hostile.length
    await client.ask('echo')
    assert.deepEqual(told, [])
    assert.deepEqual(client.errors, [])
    assert.equal(server.connections, 1)
  })

  for (const frame of [
    '["message"]',
    '["message",-1,"x"]',
    '["message",1.5,"x"]',
    '["message","1","x"]',
    '["ack",-1]',
    '["ack"]',
    '["answer"]'
  ]) {
    it(`W20: ${frame} is a fault, too`, async (t) => {
      const server = await ProtocolServer.start(t)
      const client = open(t, server.url)
      await client.waitForSession()
      server.raw(frame)
      await stateOf(client, 'waiting')
      assert.equal(client.errors.length, 1)
    })
  }

  for (const [code, isLong] of [
    ['busy', false],
    ['limit', true],
    ['unknown', false],
    ['new text', false],
    [null, false]
  ] as const) {
    it(`W21: a server that answers ${code} to everything is asked less and less`, async (t) => {
      const server = await ProtocolServer.start(t)
      server.script = (_frame, socket) => socket.send(JSON.stringify(['error', code]))
      const client = open(t, server.url, { retry: isLong ? { min: 1, max: 30_000 } : retry })
      client.send('x')
      await server.until(() => server.connections >= (isLong ? 1 : 4))
      if (isLong) await stateOf(client, 'waiting')
      assert.equal(server.words('create').length, server.frames.length)
      assert.ok(server.frames.length <= server.connections, 'one question for each connection')
      if (isLong) return
      server.script = null
      await client.flush()
      assert.deepEqual(server.handled, [['x']])
    })
  }

  it('W21: busy keeps what is stored', async (t) => {
    const server = await ProtocolServer.start(t)
    const client = open(t, server.url)
    const { id } = await client.waitForSession()
    let refusals = 3
    server.script = (_frame, socket) => {
      if (refusals-- === 0) server.script = null
      return socket.send('["error","busy"]')
    }
    server.cut()
    await stateOf(client, 'waiting')
    assert.equal((await client.waitForSession()).id, id)
    assert.equal(server.sessions.size, 1)
  })

  for (const text of ['{"id":', 'null', '5', '"x"', '{}', '{"id":"1"}', '{"id":{},"secret":"s"}', '[]']) {
    it(`W22: ${text} in the storage is told, and a new session is made`, async (t) => {
      const server = await ProtocolServer.start(t)
      const storage = memoryStorage()
      storage.setItem('k', text)
      const client = open(t, server.url, { storage, key: 'k' })
      client.send('x')
      await client.flush()
      assert.ok(client.errors.length > 0)
      assert.equal(server.words('create').length, 1)
      assert.ok((JSON.parse((await storage.getItem('k'))!) as { secret: string }).secret)
    })
  }

  const fails = (): never => {
    throw new Error('forbidden')
  }
  const storages: Readonly<Record<string, ClientStorage>> = {
    'cannot be read': { getItem: fails, setItem: () => {}, removeItem: () => {} },
    'is full': { getItem: () => null, setItem: fails, removeItem: fails },
    rejects: { getItem: async () => fails(), setItem: async () => fails(), removeItem: async () => fails() }
  }
  for (const [name, storage] of Object.entries(storages)) {
    it(`W22: a storage that ${name} stops nothing: the session goes on while the client lives`, async (t) => {
      const server = await ProtocolServer.start(t)
      const client = open(t, server.url, { storage })
      const { id } = await client.waitForSession()
      server.cut()
      await stateOf(client, 'waiting')
      assert.equal((await client.waitForSession()).id, id)
      assert.ok(client.errors.every(({ message }) => message === 'forbidden') && client.errors.length > 0)
      await client.end()
      assert.equal(client.state, 'ended')
    })
  }

  it('W22: a storage that has become full holds an old secret: the session is the same one, and nothing says that it was replaced', async (t) => {
    const server = await ProtocolServer.start(t)
    const storage = memoryStorage()
    let isFull = false
    const setItem = (key: string, value: string) => (isFull ? fails() : storage.setItem(key, value))
    const client = open(t, server.url, { storage: { ...storage, setItem } })
    const { id } = await client.waitForSession()
    const [session] = server.sessions.values()
    for (let n = 0; n < 2; n++) {
      isFull = true
      server.cut()
      await stateOf(client, 'waiting')
      await client.waitForSession()
      assert.deepEqual(client.session, { id, expiresAt: 1e15, created: false, replaced: false })
      // Only the newest one is good.
      for (const secret of Array.from(session!.secrets).slice(0, -1)) session!.secrets.delete(secret)
    }
    assert.equal(server.words('resume').length, 3)
    assert.equal(server.sessions.size, 1)
  })

  it('W22: a page that may have no storage goes on without', async (t) => {
    const server = await ProtocolServer.start(t)
    makePage(t, { localStorage: { get: fails } })
    const client = open(t, server.url)
    assert.equal(await client.ask('echo', [1]), 1)
    assert.ok(client.errors.length > 0)
  })

  it('W23: a time-out is the one given, counts before there is a connection, and leaves nothing behind', async (t) => {
    const server = await ProtocolServer.start(t)
    const client = open(t, server.url)
    server.script = () => true
    const begun = performance.now()
    await assert.rejects(client.ask('never', [], { timeout: 20 }), { code: 'timeout' })
    assert.ok(performance.now() - begun < 5000)
    server.script = null
    server.cut()
    await client.ask('echo')
    assert.deepEqual(server.handled, [['echo']])
    const controller = new AbortController()
    const { signal } = controller
    let listening = 0
    t.mock.method(signal, 'addEventListener', () => listening++)
    t.mock.method(signal, 'removeEventListener', () => listening--)
    await client.ask('echo', [], { signal })
    assert.equal(listening, 0)
    client.close()
  })

  it('W25: one client goes on over restarts of the server, and sends nothing twice', async (t) => {
    const first = await ProtocolServer.start(t)
    const { port } = first
    const client = open(t, first.url)
    client.send('one')
    await client.flush()
    const { id } = client.session!
    first.close(1001)
    first.server.close()
    await stateOf(client, 'waiting')
    client.send('two')
    const second = await ProtocolServer.start(t, { port })
    for (const [key, session] of first.sessions) second.sessions.set(key, session)
    await client.flush()
    assert.equal(client.session!.id, id)
    assert.deepEqual(second.handled, [['two']])
  })
})
