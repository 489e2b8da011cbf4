import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { once } from 'node:events'
import { describe, it, type TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { deflateRawSync } from 'node:zlib'
import websocket, { type WebsocketPluginOptions } from '@fastify/websocket'
import { sql } from 'kysely'
import type { WebSocket } from 'ws'
import { openSqlite } from '../database/sqlite.ts'
import type { GsOptions, GsSocketLimits } from '../options.ts'
import { build, type Browser, type Built } from '../testing/build.ts'
import { Queue } from '../testing/queue.ts'
import { openSocket, ownOrigin, portOf } from '../testing/socket-client.ts'
import { sessionRegistryOf } from './session-registry.ts'

interface Site extends Built {
  readonly sockets: Queue<WebSocket>
  readonly received: string[]
  readonly log: () => readonly { readonly level: number; readonly gs?: string; readonly msg: string }[]
}

/** A site with one websocket, which answers with the length of what it gets. */
async function start(
  t: TestContext,
  sockets: GsOptions['sockets'] = {},
  { gsSocket, plugin = {} }: { gsSocket?: GsSocketLimits; plugin?: WebsocketPluginOptions } = {}
): Promise<Site> {
  const opened = new Queue<WebSocket>()
  const received: string[] = []
  const lines: string[] = []
  const built = await build(
    t,
    { sockets },
    async (app) => {
      await app.register(websocket, plugin)
      app.get('/live', { websocket: true, config: gsSocket === undefined ? {} : { gsSocket } }, (socket) => {
        opened.push(socket)
        socket.on('message', (data: Buffer) => {
          received.push(data.subarray(0, 20).toString())
          socket.send(String(data.length))
        })
      })
    },
    { logger: { level: 'info', stream: { write: (line: string) => void lines.push(line) } } }
  )
  return { ...built, sockets: opened, received, log: () => lines.map((line) => JSON.parse(line)) }
}

/** A client without a library: what it sends is not what a library would. */
class RawSocket {
  readonly socket: Socket
  readonly closed: Promise<void>
  #data = Buffer.alloc(0)

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on('error', () => undefined)
    this.closed = new Promise((resolve) => socket.once('close', () => resolve()))
    socket.on('data', (chunk: Buffer) => (this.#data = Buffer.concat([this.#data, chunk])))
  }

  static async open(t: TestContext, { app }: Built, browser: Browser | null = null, headers: Record<string, string> = {}) {
    const socket = connect(await portOf(app), '127.0.0.1')
    t.after(() => socket.destroy())
    const all = {
      host: 'localhost:7681',
      connection: 'Upgrade',
      upgrade: 'websocket',
      origin: ownOrigin,
      'sec-websocket-version': '13',
      'sec-websocket-key': randomBytes(16).toString('base64'),
      ...(browser !== null && { cookie: `gs=${browser.token}` }),
      ...headers
    }
    const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
    const head = once(socket, 'data')
    socket.write(`GET /live HTTP/1.1\r\n${lines.join('')}\r\n`)
    assert.match(String(((await head) as [Buffer])[0]), /^HTTP\/1\.1 101 /)
    return new RawSocket(socket)
  }

  /** The code of the close frame with which the connection ended; null: there was none. */
  async closeCode(): Promise<number | null> {
    await this.closed
    for (let at = 0; at + 2 <= this.#data.length;) {
      const length = this.#data[at + 1]! & 0x7f
      const size = length === 126 ? this.#data.readUInt16BE(at + 2) : length
      const start = at + (length === 126 ? 4 : 2)
      if ((this.#data[at]! & 0xf) === 8) return size < 2 ? 1005 : this.#data.readUInt16BE(start)
      at = start + size
    }
    return null
  }
}

const mask = Buffer.from([1, 2, 3, 4])

/** A frame as a browser would send it, unless something else is said. */
function frame(
  first: number,
  payload: Buffer | string = '',
  { masked = true, length }: { masked?: boolean; length?: number } = {}
): Buffer {
  const data = Buffer.from(payload as string)
  const told = length ?? data.length
  const bit = masked ? 0x80 : 0
  const head =
    told < 126
      ? Buffer.from([first, bit | told])
      : told < 65_536
        ? Buffer.from([first, bit | 126, told >> 8, told & 0xff])
        : Buffer.concat([
            Buffer.from([first, bit | 127, 0, 0, 0, 0]),
            Buffer.from([told >>> 24, (told >> 16) & 0xff, (told >> 8) & 0xff, told & 0xff])
          ])
  if (!masked) return Buffer.concat([head, data])
  for (const [index, byte] of data.entries()) data[index] = byte ^ mask[index % 4]!
  return Buffer.concat([head, mask, data])
}

const text = 0x81
const fatal = ({ log }: Site) => log().filter(({ level }) => level >= 40)

describe('the size of a message', () => {
  const limits: readonly [what: string, limit: number, sockets: GsOptions['sockets'], gsSocket: GsSocketLimits | undefined][] = [
    ['64 KiB by default', 65_536, {}, undefined],
    ['what the option says', 1000, { maxMessage: 1000 }, undefined],
    ['what the route says, less', 500, { maxMessage: 1000 }, { maxMessage: 500 }],
    ['what the route says, more', 200_000, { maxMessage: 1000 }, { maxMessage: 200_000 }]
  ]
  for (const [what, limit, sockets, gsSocket] of limits) {
    it(`is limited to ${what}`, async (t) => {
      const site = await start(t, sockets, { ...(gsSocket !== undefined && { gsSocket }) })
      const socket = await openSocket(t, site.app)
      assert.equal(await socket.ask('x'.repeat(limit)), String(limit))
      socket.send('x'.repeat(limit + 1))
      assert.match(await socket.closed, /^1009/)
      assert.equal(site.received.length, 1)
      assert.deepEqual(fatal(site), [])
    })
  }

  it('is the smaller one of what the application and the route say', async (t) => {
    const site = await start(t, {}, { plugin: { options: { maxPayload: 300 } } })
    const socket = await openSocket(t, site.app)
    assert.equal(await socket.ask('x'.repeat(300)), '300')
    socket.send('x'.repeat(301))
    assert.match(await socket.closed, /^1009/)
  })

  it('is limited before it is there: of 90 MiB nothing is kept', async (t) => {
    const site = await start(t)
    const client = await RawSocket.open(t, site)
    client.socket.write(frame(text, 'x', { length: 94_371_840 }))
    assert.equal(await client.closeCode(), 1009)
  })

  it('is that of what is unpacked', async (t) => {
    const site = await start(t, {}, { plugin: { options: { perMessageDeflate: true } } })
    const bomb = deflateRawSync(Buffer.alloc(64 * 1024 * 1024))
    const client = await RawSocket.open(t, site, null, { 'sec-websocket-extensions': 'permessage-deflate' })
    assert.ok(bomb.length < 70_000)
    client.socket.write(frame(text | 0x40, bomb))
    assert.equal(await client.closeCode(), 1009)
    assert.deepEqual(site.received, [])
  })

  it('counts all parts of it, also a million of one byte', async (t) => {
    const site = await start(t)
    const client = await RawSocket.open(t, site)
    const before = process.memoryUsage().rss
    const part = frame(0x00, 'x')
    client.socket.write(frame(0x01, 'x'))
    client.socket.write(Buffer.alloc(part.length * 1_000_000, part))
    assert.ok([1008, 1009].includes((await client.closeCode()) ?? 0))
    // The million parts are 7 MB by themselves, in this process.
    assert.ok(process.memoryUsage().rss - before < 60_000_000)
    assert.deepEqual(site.received, [])
  })
})

describe('messages and pings', () => {
  const kinds: readonly [what: string, first: number][] = [
    ['messages', text],
    ['pings', 0x89],
    ['pongs', 0x8a]
  ]
  for (const [what, first] of kinds) {
    it(`close the socket with 1008 when they are too many: ${what}`, async (t) => {
      const site = await start(t, { messagesPerSecond: 1, burst: 5 })
      const client = await RawSocket.open(t, site)
      client.socket.write(Buffer.concat(Array.from({ length: 10_000 }, () => frame(first, 'x'))))
      assert.equal(await client.closeCode(), 1008)
      assert.equal(site.received.length, first === text ? 5 : 0)
      assert.deepEqual(fatal(site), [])
    })
  }

  it('may go on for ever at the rate that is allowed', async (t) => {
    const site = await start(t, { messagesPerSecond: 1000, burst: 1 })
    const socket = await openSocket(t, site.app)
    const from = performance.now()
    for (let n = 0; n < 50; n++) {
      // Each one waits for its turn: a thousandth of a second after the one before.
      for (const at = performance.now(); performance.now() < at + 2;);
      assert.equal(await socket.ask('x'), '1')
    }
    assert.ok(performance.now() - from >= 50)
  })
})

describe('a broken frame', () => {
  const frames: readonly [what: string, data: Buffer, code: number][] = [
    ['a reserved opcode', frame(0x83, 'x'), 1002],
    ['a reserved control opcode', frame(0x8b, 'x'), 1002],
    ['a reserved bit', frame(0x91, 'x'), 1002],
    ['compression that was not agreed', frame(0xc1, 'x'), 1002],
    ['no mask', frame(text, 'x', { masked: false }), 1002],
    ['text that is no UTF-8', frame(text, Buffer.from([0xc3, 0x28])), 1007],
    ['half a surrogate pair', frame(text, Buffer.from([0xed, 0xa0, 0x80])), 1007],
    ['a close code that is none', frame(0x88, Buffer.from([0x03, 0xe7])), 1002],
    ['a close frame of one byte', frame(0x88, 'x'), 1002],
    ['a reason that is no UTF-8', frame(0x88, Buffer.from([0x03, 0xe8, 0xff])), 1007],
    ['a ping in parts', frame(0x09, 'x'), 1002],
    ['a ping that is too long', frame(0x89, 'x'.repeat(126)), 1002],
    ['a part of nothing', frame(0x80, 'x'), 1002],
    ['a new message within another one', Buffer.concat([frame(0x01, 'x'), frame(text, 'x')]), 1002],
    ['a length that no machine has', Buffer.from([text, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), 1009]
  ]
  for (const [what, data, code] of frames) {
    it(`closes with ${code}, and reaches nobody: ${what}`, async (t) => {
      const site = await start(t)
      const client = await RawSocket.open(t, site)
      client.socket.write(data)
      assert.equal(await client.closeCode(), code)
      assert.deepEqual(site.received, [])
      assert.deepEqual(fatal(site), [])
      assert.equal(site.log().filter(({ gs }) => gs === 'socket').length, 1)
    })
  }

  it('of 10 000 kinds leaves the process alive, and others undisturbed', { timeout: 120_000 }, async (t) => {
    const site = await start(t, { burst: 100_000, messagesPerSecond: 100_000, perAddress: 1000 })
    const other = await openSocket(t, site.app)
    const valid = frame(text, 'a message like any other')
    for (let round = 0; round < 100; round++) {
      await Promise.all(
        Array.from({ length: 10 }, async () => {
          const client = await RawSocket.open(t, site)
          for (let n = 0; n < 10; n++) {
            const data = Buffer.from(valid)
            for (const byte of randomBytes(1 + (n % 3))) data[byte % data.length] = randomBytes(1)[0]!
            client.socket.write(data)
          }
          client.socket.end()
          await client.closed
        })
      )
    }
    assert.equal(await other.ask('hello'), '5')
    assert.deepEqual(fatal(site), [])
  })
})

describe('who does not read', () => {
  it('is broken off when too much waits for him; nobody else notices', async (t) => {
    const site = await start(t, { maxBuffered: 262_144 })
    const slow = await RawSocket.open(t, site)
    const slowSide = await site.sockets.next()
    const gone = once(slowSide, 'close')
    const other = await openSocket(t, site.app)
    const otherSide = await site.sockets.next()
    slow.socket.pause()
    const post = Buffer.alloc(65_536, 'x')
    let sent = 0
    let refused: Error | undefined
    while (slowSide.readyState === slowSide.OPEN) {
      slowSide.send(post, (error) => (refused ??= error ?? undefined))
      assert.ok(slowSide.bufferedAmount <= 262_144 + 20)
      sent++
      otherSide.send(post)
      await other.next()
    }
    assert.ok(sent > 4 && sent < 1000)
    await gone
    assert.match(String(refused), /does not read/)
    assert.equal(await other.ask('hello'), '5')
    assert.deepEqual(fatal(site), [])
    assert.equal(site.log().filter(({ gs }) => gs === 'socket').length, 1)
  })

  it('may get one message that is larger than that', async (t) => {
    const site = await start(t, { maxBuffered: 1024 })
    const socket = await openSocket(t, site.app)
    ;(await site.sockets.next()).send('x'.repeat(5_000_000))
    assert.equal((await socket.next()).length, 5_000_000)
  })

  it('is cut off two seconds after the close frame if he does not answer it', async (t) => {
    const site = await start(t)
    const alice = await site.member('alice')
    const client = await RawSocket.open(t, site, alice)
    const side = await site.sockets.next()
    const from = performance.now()
    await alice.post('/lwsgs/logout')
    assert.equal(side.readyState, side.CLOSING)
    assert.equal(await client.closeCode(), 4401)
    assert.ok(performance.now() - from > 1900)
  })

  it('does not answer pings either, and is broken off at the next one', async (t) => {
    const site = await start(t, { pingInterval: 1 })
    const gone = await openSocket(t, site.app, null, { client: { autoPong: false } })
    const there = await openSocket(t, site.app)
    const pinged = new Queue<number>()
    there.socket.on('ping', () => pinged.push(performance.now()))
    await once(gone.socket, 'ping')
    assert.equal(await gone.closed, '1006')
    const times = [await pinged.next(), await pinged.next(), await pinged.next()]
    assert.ok(times[2]! - times[0]! > 1500)
    assert.equal(await there.ask('hello'), '5')
    assert.deepEqual(fatal(site), [])
  })

  it('is not taken for gone while the application has paused the socket', { timeout: 20_000 }, async (t) => {
    const site = await start(t, { pingInterval: 1 })
    const waiting = await openSocket(t, site.app)
    const socket = await site.sockets.next()
    socket.pause()
    waiting.send('hello')
    for (let pings = 0; pings < 3; pings++) await once(waiting.socket, 'ping')
    socket.resume()
    assert.equal(await waiting.next(), '5')
  })
})

describe('a closed socket', () => {
  it('takes nothing more from either side', async (t) => {
    const site = await start(t)
    const alice = await site.member('alice')
    const client = await openSocket(t, site.app, alice)
    assert.equal(await client.ask('hello'), '5')
    const side = await site.sockets.next()
    await alice.post('/lwsgs/logout')
    for (let n = 0; n < 10; n++) client.send('too late')
    const refused = new Queue<Error | undefined>()
    side.send('too late', (error) => refused.push(error))
    assert.match(String(await refused.next()), /closed \(4401 logout\)/)
    assert.equal(await client.closed, '4401 logout')
    assert.deepEqual(client.messages.all, ['5'])
    assert.deepEqual(site.received, ['hello'])
  })

  it('may still be closed by the application itself, with its own code', async (t) => {
    const site = await start(t)
    const client = await openSocket(t, site.app)
    ;(await site.sockets.next()).close(4000, 'own')
    assert.equal(await client.closed, '4000 own')
  })
})

describe('a database that is out of reach', () => {
  it('closes a socket with 1013 when something comes after the time that is known to be left', async (t) => {
    const site = await start(t)
    const alice = await site.member('alice')
    const socket = await openSocket(t, site.app, alice)
    const database = await openSqlite(site.databasePath)
    t.after(() => database.close())
    assert.equal(await socket.ask('before'), '6')
    await sql`alter table gs_sessions rename to gs_elsewhere`.execute(database.db)
    site.clock.advance(3600)
    socket.send('too late')
    assert.equal(await socket.closed, '1013 busy')
    assert.deepEqual(site.received, ['before'])
  })

  it('does so too when the session may have ended elsewhere for more than a second', async (t) => {
    const site = await start(t)
    const [speaker, listener] = [await site.member('alice'), await site.member('bob')]
    const stranger = await openSocket(t, site.app)
    const speaking = await openSocket(t, site.app, speaker)
    const listening = await openSocket(t, site.app, listener)
    assert.equal(await speaking.ask('before'), '6')
    const database = await openSqlite(site.databasePath)
    t.after(() => database.close())
    await sql`alter table gs_sessions rename to gs_elsewhere`.execute(database.db)
    while (sessionRegistryOf(site.app.gs).isCurrent()) await sleep(50)
    speaking.send('too late')
    assert.equal(await speaking.closed, '1013 busy')
    assert.equal(await stranger.ask('me not'), '6')
    await sql`alter table gs_elsewhere rename to gs_sessions`.execute(database.db)
    while (!sessionRegistryOf(site.app.gs).isCurrent()) await sleep(50)
    assert.equal(await listening.ask('after'), '5')
    assert.deepEqual(site.received, ['before', 'me not', 'after'])
  })

  it('is not meant when the process was paused: what has come meanwhile waits until it is known who may', async (t) => {
    const site = await start(t)
    const socket = await openSocket(t, site.app, await site.member('alice'))
    const elapsed = performance.now.bind(performance)
    t.mock.method(performance, 'now', () => elapsed() + 20_000)
    for (const word of ['one', 'two', 'three']) socket.send(word)
    for (const length of ['3', '3', '5']) assert.equal(await socket.next(), length)
  })

  it('leaves it to others who guard the socket, too, what becomes of that', async (t) => {
    const site = await start(t)
    const client = await openSocket(t, site.app, await site.member('alice'))
    const socket = await site.sockets.next()
    const emit = socket.emit.bind(socket)
    socket.emit = (event: string, ...values: unknown[]) =>
      event === 'message' && String(values[0]) === 'two' ? false : emit(event, ...values)
    const elapsed = performance.now.bind(performance)
    t.mock.method(performance, 'now', () => elapsed() + 20_000)
    for (const word of ['one', 'two', 'three']) client.send(word)
    for (const length of ['3', '5']) assert.equal(await client.next(), length)
    assert.deepEqual(site.received, ['one', 'three'])
  })
})

describe('the use of a session', () => {
  for (const activity of [false, true]) {
    it(`is ${activity ? '' : 'not '}a message on its websocket${activity ? ', by option' : ''}`, async (t) => {
      const site = await start(t, { activity, maxMessage: 100 })
      const alice = await site.member('alice')
      const socket = await openSocket(t, site.app, alice)
      for (let n = 0; n < 4; n++) {
        site.clock.advance(1700)
        socket.send('x')
        if (!activity && n === 2) break
        assert.equal(await socket.next(), '1')
      }
      if (activity) assert.equal((await alice.get('/lwsgs/session')).json().username, 'alice')
      else assert.equal(await socket.closed, '4401 idle')
    })
  }
})
