import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { describe, test, type TestContext } from 'node:test'
import { WebSocketServer, type WebSocket as ServerSocket } from 'ws'
import { BoardFeed, type BoardFeedOptions, type FeedState } from './board-feed.ts'

const frame = (idx: number) => JSON.stringify({ idx: String(idx), time: '1795225853', username: 'alice', content: `message ${idx}` })
const shown = ({ messages }: FeedState) => messages.map(({ idx }) => idx)

/** A board on loopback, and a feed of it that comes back at once. */
async function setUp(t: TestContext, options: Partial<BoardFeedOptions> & { accept?: () => boolean } = {}) {
  const { accept = () => true, ...feedOptions } = options
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', verifyClient: () => accept() })
  await once(server, 'listening')
  const sockets: ServerSocket[] = []
  const protocols: string[] = []
  const waiting: ((socket: ServerSocket) => void)[] = []
  server.on('connection', (socket) => {
    sockets.push(socket)
    protocols.push(socket.protocol)
    waiting.shift()?.(socket)
  })
  const refusals: number[] = []
  const feed = new BoardFeed({
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/lwsgs/board`,
    onRefused: async () => void refusals.push(Date.now()),
    backOff: () => 1,
    ...feedOptions
  })
  t.after(async () => {
    for (const socket of server.clients) socket.terminate()
    server.close()
    await once(server, 'close')
  })
  return {
    feed,
    sockets,
    protocols,
    refusals,
    /** The next socket that the server gets. */
    nextSocket: () => new Promise<ServerSocket>((resolve) => waiting.push(resolve)),
    /** Resolves when the state is as wanted. */
    reaches: (wanted: (state: FeedState) => boolean): Promise<FeedState> => {
      const { promise, resolve } = Promise.withResolvers<FeedState>()
      const check = () => wanted(feed.getSnapshot()) && resolve(feed.getSnapshot())
      const stop = feed.subscribe(check)
      check()
      return promise.finally(stop)
    }
  }
}

describe('BoardFeed', () => {
  test('offers the subprotocol and shows the newest message first', async (t) => {
    const { feed, protocols, nextSocket, reaches } = await setUp(t)
    const socket = nextSocket()
    t.after(feed.subscribe(() => {}))
    for (const idx of [3, 4, 5]) (await socket).send(frame(idx))
    const state = await reaches(({ messages }) => messages.length === 3)
    assert.deepEqual(shown(state), [5, 4, 3])
    assert.equal(state.connection, 'live')
    assert.deepEqual(protocols, ['protocol-lws-messageboard'])
  })

  test('ignores frames that are no messages', async (t) => {
    const { feed, nextSocket, reaches } = await setUp(t)
    const socket = nextSocket()
    t.after(feed.subscribe(() => {}))
    for (const junk of ['hello', '{}', Buffer.from(frame(1)), frame(2)]) (await socket).send(junk)
    assert.deepEqual(shown(await reaches(({ messages }) => messages.length > 0)), [2])
  })

  test('comes back after a loss and shows no message twice', async (t) => {
    const { feed, nextSocket, reaches, refusals } = await setUp(t)
    const first = nextSocket()
    t.after(feed.subscribe(() => {}))
    for (const idx of [1, 2]) (await first).send(frame(idx))
    await reaches(({ messages }) => messages.length === 2)
    const second = nextSocket()
    ;(await first).close(1001)
    for (const idx of [1, 2, 3]) (await second).send(frame(idx))
    assert.deepEqual(shown(await reaches(({ messages }) => messages.length === 3)), [3, 2, 1])
    assert.deepEqual(refusals, [])
  })

  for (const code of [4401, 4403]) {
    test(`asks for the session before it comes back after ${code}`, async (t) => {
      const asked = Promise.withResolvers<void>()
      const answered = Promise.withResolvers<void>()
      const { feed, nextSocket, sockets } = await setUp(t, {
        onRefused: () => {
          asked.resolve()
          return answered.promise
        }
      })
      const first = nextSocket()
      t.after(feed.subscribe(() => {}))
      ;(await first).close(code)
      await asked.promise
      assert.equal(feed.getSnapshot().connection, 'waiting')
      assert.equal(sockets.length, 1)
      const second = nextSocket()
      answered.resolve()
      await second
    })
  }

  test('does not come back when nobody listens any more, such as after a logout', async (t) => {
    const answered = Promise.withResolvers<void>()
    const asked = Promise.withResolvers<void>()
    const { feed, nextSocket, sockets } = await setUp(t, {
      onRefused: async () => {
        asked.resolve()
        await answered.promise
      },
      backOff: () => assert.fail('it plans to come back')
    })
    const first = nextSocket()
    const stop = feed.subscribe(() => {})
    ;(await first).close(4401)
    await asked.promise
    stop()
    answered.resolve()
    await new Promise(setImmediate)
    assert.equal(sockets.length, 1)
  })

  test('asks for the session when it is not let in', async (t) => {
    let open = false
    const refused = Promise.withResolvers<void>()
    const { feed, nextSocket } = await setUp(t, {
      accept: () => open,
      onRefused: async () => {
        open = true
        refused.resolve()
      }
    })
    const socket = nextSocket()
    t.after(feed.subscribe(() => {}))
    await refused.promise
    await socket
  })

  test('waits longer after each failure in a row', async (t) => {
    const attempts: number[] = []
    const { feed, nextSocket } = await setUp(t, {
      backOff: (attempt) => {
        attempts.push(attempt)
        return 1
      }
    })
    const next = [nextSocket(), nextSocket(), nextSocket(), nextSocket()]
    t.after(feed.subscribe(() => {}))
    for (const socket of next.slice(0, 3)) (await socket).close(1013)
    await next[3]
    assert.deepEqual(attempts, [0, 1, 2])
  })

  test('comes back at once when woken', async (t) => {
    const waiting = Promise.withResolvers<void>()
    const { feed, nextSocket } = await setUp(t, {
      backOff: () => {
        waiting.resolve()
        return 3_600_000
      }
    })
    const first = nextSocket()
    t.after(feed.subscribe(() => {}))
    ;(await first).close(1001)
    await waiting.promise
    await new Promise(setImmediate)
    const second = nextSocket()
    feed.wake()
    await second
  })

  test('opens a new socket when woken after a while, since the old one may be dead', async (t) => {
    t.mock.timers.enable({ apis: ['Date'] })
    const { feed, nextSocket, sockets, reaches } = await setUp(t)
    const first = nextSocket()
    t.after(feed.subscribe(() => {}))
    ;(await first).send(frame(1))
    await reaches(({ messages }) => messages.length === 1)
    t.mock.timers.tick(4999)
    feed.wake()
    assert.equal(feed.getSnapshot().connection, 'live')
    t.mock.timers.tick(1)
    const closed = once(await first, 'close')
    const second = nextSocket()
    feed.wake()
    feed.wake()
    assert.equal(feed.getSnapshot().connection, 'connecting')
    for (const idx of [1, 2]) (await second).send(frame(idx))
    const state = await reaches(({ messages }) => messages.length === 2)
    assert.deepEqual(shown(state), [2, 1])
    assert.equal(state.connection, 'live')
    await closed
    assert.equal(sockets.length, 2)
  })

  test('says where messages are missing after a reconnect', async (t) => {
    const { feed, nextSocket, reaches } = await setUp(t)
    const gaps = ({ messages }: FeedState) => messages.filter(({ gapBefore }) => gapBefore).map(({ idx }) => idx)
    const first = nextSocket()
    t.after(feed.subscribe(() => {}))
    for (const idx of [4, 5]) (await first).send(frame(idx))
    assert.deepEqual(gaps(await reaches(({ messages }) => messages.length === 2)), [])
    const second = nextSocket()
    ;(await first).close(1001)
    for (const idx of [8, 9]) (await second).send(frame(idx))
    assert.deepEqual(gaps(await reaches(({ messages }) => messages.length === 4)), [8])
    const third = nextSocket()
    ;(await second).close(1001)
    for (const idx of [9, 10, 12]) (await third).send(frame(idx))
    const state = await reaches(({ messages }) => messages.length === 6)
    assert.deepEqual(shown(state), [12, 10, 9, 8, 5, 4])
    assert.deepEqual(gaps(state), [8])
  })

  test('says nothing is missing when the server goes on where it was', async (t) => {
    const { feed, nextSocket, reaches } = await setUp(t)
    const first = nextSocket()
    t.after(feed.subscribe(() => {}))
    ;(await first).send(frame(5))
    await reaches(({ messages }) => messages.length === 1)
    const second = nextSocket()
    ;(await first).close(1001)
    ;(await second).send(frame(6))
    const { messages } = await reaches(({ messages }) => messages.length === 2)
    assert.ok(messages.every(({ gapBefore }) => gapBefore === undefined))
  })

  test('closes its socket with its last listener', async (t) => {
    const { feed, nextSocket, reaches } = await setUp(t)
    const socket = nextSocket()
    const stop = feed.subscribe(() => {})
    await reaches(({ connection }) => connection === 'live')
    const closed = once(await socket, 'close')
    stop()
    await closed
  })
})
