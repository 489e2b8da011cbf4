import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { connect as connectTcp, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import websocket from '@fastify/websocket'
import Fastify from 'fastify'
import { WebSocket } from 'ws'
import { fastifyGsWs, memoryStore, sqliteStore, WsOptionError, type GsWsOptions, type WsConnection } from './index.ts'
import { RawClient, startSite, type Site } from './testing/site.ts'

const clientsOf = ({ app }: Site) => (app as unknown as { websocketServer: { clients: Set<WebSocket> } }).websocketServer.clients

async function inSession(site: Site, dialect: 'first' | 'second' = 'first') {
  const client = await site.connect(dialect)
  client.send(dialect === 'first' ? 'session-create' : 'create')
  const [, about, secret] = await client.next()
  return { client, id: dialect === 'first' ? about : (about as { id: unknown }).id, secret }
}

describe('options', () => {
  const wrong: readonly [given: object, sentence: RegExp][] = [
    [{ paht: '/ws' }, /paht is not known; known are path, store/],
    [{ path: 'ws' }, /path must be a path like \/ws/],
    [{ prefix: '/v1' }, /prefix has no effect; write it into the option path/],
    [{ store: Promise.resolve() }, /store is a promise; write store: await/],
    [{ store: {} }, /store must be what memoryStore/],
    [{ ids: 'uuid' }, /ids must be "random", "sequence" or a function/],
    [{ idle: 0.5 }, /idle must be a whole number of seconds from 1/],
    [{ maxFrame: '1mb' }, /maxFrame must be a whole number of bytes/],
    [{ perAddress: 0 }, /perAddress must be a whole number of connections/],
    [{ origins: ['https://example.com/'] }, /origins must be a list of origins/],
    [{ origins: 'https://example.com' }, /origins must be a list of origins/],
    [{ webgram: 'no' }, /webgram must be true or false/],
    [{ allow: true }, /allow must be a function/],
    [{ onSession: {} }, /onSession must be a function/],
    [{ owner: 'me' }, /owner must be a function/]
  ]
  for (const [given, sentence] of wrong) {
    it(`that are wrong refuse to start: ${Object.keys(given).join()} ${sentence.source.slice(0, 30)}`, async () => {
      const app = Fastify()
      app.register(fastifyGsWs, given)
      await assert.rejects(
        async () => app.ready(),
        (error: Error) => error instanceof WsOptionError && sentence.test(error.message)
      )
    })
  }
})

describe('the default store', () => {
  it('is a SQLite file in the working directory, so that sessions outlive the process', async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'gs-ws-default-'))
    const before = process.cwd()
    process.chdir(directory)
    t.after(() => {
      process.chdir(before)
      rmSync(directory, { recursive: true })
    })
    const sessions = async () => {
      const app = Fastify()
      await app.register(fastifyGsWs)
      const { port } = new URL(await app.listen({ port: 0, host: '127.0.0.1' }))
      const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`)
      await once(socket, 'open')
      socket.send('["session-create"]')
      await once(socket, 'message')
      const { sessions } = await app.gsWs.sessions.list()
      await app.close()
      return sessions.length
    }
    assert.deepEqual([await sessions(), await sessions()], [1, 2])
    assert.deepEqual(readdirSync(directory), ['gs-ws.sqlite3'])
  })
})

describe('a prefix', () => {
  for (const path of ['/ws', '/'])
    it(`of the plugin around it is part of the path ${path}`, async (t) => {
      const app = Fastify()
      t.after(() => app.close())
      let where = ''
      app.register(
        async (inner) => {
          await inner.register(fastifyGsWs, { path, store: memoryStore() })
          where = inner.gsWs.path
        },
        { prefix: '/v1' }
      )
      await app.listen({ port: 0, host: '127.0.0.1' })
      assert.equal(where, path === '/' ? '/v1' : '/v1/ws')
      const socket = new WebSocket(`ws://127.0.0.1:${(app.server.address() as AddressInfo).port}${where}`)
      t.after(() => socket.terminate())
      await once(socket, 'open')
    })
})

describe('limits', () => {
  for (const dialect of ['first', 'second'] as const) {
    it(`close with 1008 who sends more frames than the burst (${dialect} dialect)`, async (t) => {
      const site = await startSite(t, { framesPerSecond: 1, burst: 20 })
      const { client } = await inSession(site, dialect)
      for (let n = 1; n <= 30; n++) client.send(...(dialect === 'first' ? ['note', n] : ['message', n, 'note']))
      assert.equal(await client.closed, '1008 rate')
    })

    it(`close with 1009 a frame that is too large, also when the application has registered @fastify/websocket (${dialect} dialect)`, async (t) => {
      for (const prepare of [undefined, (app: Site['app']) => app.register(websocket), deflating]) {
        const site = await startSite(t, { maxFrame: 2000 }, prepare)
        const { client } = await inSession(site, dialect)
        assert.equal(client.socket.extensions, '')
        client.raw(JSON.stringify(['message', 1, 'x'.repeat(3000)]))
        assert.match(await client.closed, /^1009/)
        assert.deepEqual(
          site.log.all.filter(({ level }) => Number(level) > 40),
          []
        )
      }
    })
  }
  const deflating = (app: Site['app']) => app.register(websocket, { options: { perMessageDeflate: true } })

  it('close with 1008 who only sends pings', async (t) => {
    const site = await startSite(t, { framesPerSecond: 1, burst: 20 })
    const { client } = await inSession(site)
    for (let n = 0; n < 30; n++) client.socket.ping()
    assert.equal(await client.closed, '1008 rate')
  })

  it('close with 1007 a text that is no UTF-8', async (t) => {
    const site = await startSite(t)
    const { client } = await inSession(site)
    client.socket.send(Buffer.from([0x5b, 0x22, 0xff, 0x22, 0x5d]), { binary: false })
    assert.match(await client.closed, /^1007/)
    const other = await inSession(site)
    other.client.raw(Buffer.from([0x5b, 0x22, 0xff, 0x22, 0x5d]))
    await other.client.settled()
  })

  it('break off who does not read, and nobody else', async (t) => {
    const conns: WsConnection[] = []
    const site = await startSite(t, { maxBuffered: 100_000, onSession: (conn) => void conns.push(conn) })
    const [slow, quick] = [await inSession(site), await inSession(site)]
    slow.client.socket.pause()
    const over = new Promise<void>((resolve) => conns[0]!.onLocal('close', resolve))
    let sent = 0
    while (site.app.gsWs.connections.size === 2) {
      for (const conn of conns) conn.send('data', 'x'.repeat(50_000))
      sent++
      const [, text] = await quick.client.next()
      assert.equal((text as string).length, 50_000)
    }
    await over
    assert.ok(sent > 2)
    slow.client.socket.resume()
    assert.match(await slow.client.closed, /^(1006|1013)/)
    await quick.client.settled()
  })

  it('refuse with 429 more connections of an address than perAddress, until one is gone', async (t) => {
    const site = await startSite(t, { perAddress: 2 })
    const first = await site.connect()
    await site.connect('second')
    await assert.rejects(site.connect(), /429/)
    await first.close()
    while (clientsOf(site).size > 1) await new Promise(setImmediate)
    await inSession(site)
  })

  it('refuse more connections of a session than perSession', async (t) => {
    const site = await startSite(t, { perSession: 1 })
    const { client, id, secret } = await inSession(site)
    const other = await site.connect()
    assert.deepEqual(await other.ask('session-resume', id, secret), ['session-error', 'internal-error'])
    await client.close()
    while (clientsOf(site).size > 1) await new Promise(setImmediate)
    assert.deepEqual(await other.ask('session-resume', id, secret), ['session-ok', id])
  })

  it('hold nesting of 64, and not more', async (t) => {
    const site = await startSite(t)
    site.app.gsWs.answer('echo', (_conn, value) => value)
    const { client } = await inSession(site)
    const nested = (depth: number) => `["ask",1,"echo",${'['.repeat(depth)}${']'.repeat(depth)}]`
    client.raw(nested(64))
    client.raw(nested(63))
    assert.equal((await client.next())[0], 1)
    await client.settled()
    // Brackets in a text are none.
    assert.equal((await client.ask('ask', 2, 'echo', '['.repeat(1000) + '\\"'))[0], 2)
  })
})

describe('a client that is gone', () => {
  async function frozen(t: TestContext, options: GsWsOptions) {
    t.mock.timers.enable({ apis: ['setInterval', 'setTimeout'] })
    const site = await startSite(t, options)
    const socket = connectTcp(site.port, '127.0.0.1')
    t.after(() => socket.destroy())
    socket.on('error', () => undefined)
    socket.write(
      `GET /ws HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: ${'A'.repeat(22)}==\r\n\r\n`
    )
    await once(socket, 'data')
    return { site, socket }
  }

  it('is cut off when it has not answered a ping until the next one', async (t) => {
    const { site, socket } = await frozen(t, { pingInterval: 30 })
    const closed = once(socket, 'close')
    const { client } = await inSession(site)
    let pings = 0
    client.socket.on('ping', () => pings++)
    for (let second = 0; second < 30; second++) t.mock.timers.tick(1000)
    while (pings === 0) await new Promise(setImmediate)
    await client.settled()
    assert.equal(clientsOf(site).size, 2)
    for (let second = 0; second < 30; second++) t.mock.timers.tick(1000)
    await closed
    await client.settled()
  })
})

describe('a client that asks for no session', () => {
  it('is closed after a minute or two, whatever else it says', async (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] })
    const site = await startSite(t, { pingInterval: 30 })
    const { client: other } = await inSession(site)
    const client = await site.connect()
    for (let minute = 0; minute < 3; minute++) {
      await client.settled()
      for (let second = 0; second < 30; second++) t.mock.timers.tick(1000)
      // The answers to the pings are read before the next ones.
      await other.settled()
      if (minute < 2) await client.settled()
    }
    assert.equal(await client.closed, '1008 no session')
    await other.settled()
  })
})

describe('conn.close()', () => {
  it('takes codes that may be sent, and refuses others without harm', async (t) => {
    const conns: WsConnection[] = []
    const site = await startSite(t, { onSession: (conn) => void conns.push(conn) })
    for (const dialect of ['first', 'second'] as const) {
      const { client } = await inSession(site, dialect)
      const conn = conns.pop()!
      for (const wrong of [0, 999, 1001, 1006, 2999, 5000, 1000.5]) assert.throws(() => conn.close(wrong), TypeError)
      assert.throws(() => conn.close(4000, 'ä'.repeat(62)), TypeError)
      assert.equal(site.app.gsWs.connections.size, 1)
      conn.close(4000, 'done')
      conn.close(4001)
      assert.equal(await client.closed, '4000 done')
      assert.equal(site.app.gsWs.connections.size, 0)
    }
  })
})

describe('app.close()', () => {
  it('says 1001 to all, and takes no more', async (t) => {
    const site = await startSite(t, {}, (app) => app.register(websocket))
    const clients = [(await inSession(site)).client, (await inSession(site, 'second')).client, await site.connect()]
    await site.app.close()
    for (const client of clients) assert.equal(await client.closed, '1001 closing')
    await assert.rejects(site.connect())
    assert.equal(site.app.gsWs.connections.size, 0)
  })
})

describe('app.gsWs.sessions', () => {
  it('lists and ends sessions', async (t) => {
    const site = await startSite(t)
    const [one, two] = [await inSession(site), await inSession(site, 'second')]
    const { sessions, next } = await site.app.gsWs.sessions.list()
    assert.deepEqual(
      new Map(sessions.map(({ id, connections, owner }) => [id, [connections, owner]])),
      new Map([
        [one.id, [1, null]],
        [two.id, [1, null]]
      ])
    )
    assert.equal(next, null)
    assert.equal(await site.app.gsWs.sessions.end(one.id as string), true)
    assert.equal(await site.app.gsWs.sessions.end(one.id as string), false)
    assert.equal(await one.client.closed, '4401 ended')
    assert.equal(await site.app.gsWs.sessions.endAll(), 1)
    assert.equal(await two.client.closed, '4401 ended')
  })
})

describe('two processes with one store', () => {
  it('end sessions of one another, and their connections', async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'gs-ws-'))
    t.after(() => rmSync(directory, { recursive: true }))
    const open = async () => startSite(t, { refresh: 1, store: await sqliteStore({ path: join(directory, 'ws.sqlite3') }) })
    const [one, two] = [await open(), await open()]
    const first = await inSession(one)
    const second = await inSession(one, 'second')
    assert.equal(await two.app.gsWs.sessions.end(first.id as string), true)
    assert.equal(await first.client.closed, '4401 ended')
    assert.equal(await two.app.gsWs.sessions.endAll(), 1)
    assert.equal(await second.client.closed, '4401 ended')
    assert.equal(one.app.gsWs.connections.size, 0)
  })
})

describe('other websockets of the application', () => {
  it('keep their subprotocols, sizes and compression', async (t) => {
    const site = await startSite(t, { maxFrame: 2000 }, async (app) => {
      await app.register(websocket, {
        options: { perMessageDeflate: true, handleProtocols: (protocols) => [...protocols].at(-1) ?? false }
      })
      app.get('/own', { websocket: true }, (socket) => {
        socket.on('message', (data: Buffer) => socket.send(String(data.length)))
      })
    })
    const socket = new WebSocket(`ws://127.0.0.1:${site.port}/own`, ['gs-sessions.1', 'mine'])
    t.after(() => socket.terminate())
    await once(socket, 'open')
    assert.equal(socket.protocol, 'mine')
    assert.match(socket.extensions, /permessage-deflate/)
    socket.send('x'.repeat(100_000))
    assert.equal(String((await once(socket, 'message'))[0]), '100000')
  })

  it('cannot be what a page asks for: plain requests to the path are not found', async (t) => {
    const site = await startSite(t)
    assert.equal((await site.app.inject('/ws')).statusCode, 404)
    const client = new RawClient(new WebSocket(`ws://127.0.0.1:${site.port}/ws`, ['other', 'gs-sessions.1']))
    t.after(() => client.socket.terminate())
    await once(client.socket, 'open')
    assert.equal(client.socket.protocol, 'gs-sessions.1')
  })
})

describe('the option owner', () => {
  it('lets a session be resumed by its owner only', async (t) => {
    const site = await startSite(t, { owner: ({ headers }) => (headers['x-user'] as string | undefined) ?? null })
    const ann = await site.connect('first', { 'x-user': 'ann' })
    const [, id, secret] = await ann.ask('session-create')
    const unknown = ['session-error', 'unknown session-id for resume']
    for (const headers of [{}, { 'x-user': 'bob' }] as Record<string, string>[]) {
      const other = await site.connect('first', headers)
      assert.deepEqual(await other.ask('session-resume', id, secret), unknown)
    }
    const again = await site.connect('first', { 'x-user': 'ann' })
    assert.deepEqual(await again.ask('session-resume', id, secret), ['session-ok', id])
  })

  it('refuses the connection when it gives nonsense', async (t) => {
    const site = await startSite(t, { owner: () => undefined as unknown as null })
    await assert.rejects(site.connect(), /500/)
  })
})
