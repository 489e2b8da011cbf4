import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import { describe, test, type TestContext } from 'node:test'
import { WebSocketServer, type WebSocket as ServerSocket } from 'ws'
import type { ClientFrame, Post, ServerFrame } from '../../src/messages/protocol.ts'
import { createBoardCalls } from './board-calls.ts'
import { BoardFeed, type BoardFeedOptions } from './board-feed.ts'
import type { UnsentText } from './draft.ts'
import { findShownUnsent, type FeedState } from './feed-state.ts'

const post = (idx: number, change: Partial<Post> = {}): Post => {
  return { idx, time: 1_795_225_853, username: 'alice', content: `message ${idx}`, own: false, deletable: false, ...change }
}
const hello: ServerFrame = { type: 'hello', seq: 0, username: 'alice', mayModerate: false }
const reset = (seq: number, ...posts: Post[]): ServerFrame => ({ type: 'reset', seq, history: 'h', posts, older: false })
const shown = ({ posts }: FeedState) => posts.map(({ idx }) => idx)
const unsent = (state: FeedState) => findShownUnsent(state).map(({ content, state }) => `${content}: ${state}`)

type Answer = (request: IncomingMessage, response: ServerResponse, body: { id: string; msg: string } | null) => void

/** The server's side of a socket. */
class Peer {
  readonly socket: ServerSocket
  readonly closed: Promise<unknown>
  readonly #frames: ClientFrame[] = []
  readonly #waiting: ((frame: ClientFrame) => void)[] = []

  constructor(socket: ServerSocket) {
    this.socket = socket
    this.closed = once(socket, 'close')
    socket.on('message', (data: Buffer) => {
      const frame = JSON.parse(data.toString()) as ClientFrame
      const wanted = this.#waiting.shift()
      if (wanted) wanted(frame)
      else this.#frames.push(frame)
    })
  }

  send(...frames: ServerFrame[]): void {
    for (const frame of frames) this.socket.send(JSON.stringify(frame))
  }

  /** The next post that the page sends. */
  async received(): Promise<{ id: string; msg: string }> {
    const frame = this.#frames.shift() ?? (await new Promise<ClientFrame>((resolve) => this.#waiting.push(resolve)))
    assert.ok(frame.type === 'post')
    return { id: frame.id, msg: frame.msg }
  }
}

interface SetUp extends Partial<BoardFeedOptions> {
  readonly accept?: () => boolean
  readonly answer?: Answer
}

/** A board on loopback, and a feed of it that comes back at once. */
async function setUp(t: TestContext, options: SetUp = {}) {
  const { accept = () => true, answer = (_, response) => response.writeHead(503).end(), ...feedOptions } = options
  const http = createServer(async (request, response) => {
    answer(request, response, request.method === 'POST' ? ((await json(request)) as { id: string; msg: string }) : null)
  }).listen(0, '127.0.0.1')
  await once(http, 'listening')
  const server = new WebSocketServer({ server: http, verifyClient: () => accept() })
  const peers: Peer[] = []
  const protocols: string[] = []
  const addresses: string[] = []
  const waiting: ((peer: Peer) => void)[] = []
  server.on('connection', (socket, request) => {
    const peer = new Peer(socket)
    peers.push(peer)
    protocols.push(socket.protocol)
    addresses.push(request.url ?? '')
    waiting.shift()?.(peer)
  })
  const { port } = http.address() as AddressInfo
  let refusals = 0
  const feed = new BoardFeed({
    url: `ws://127.0.0.1:${port}/lwsgs/board`,
    calls: createBoardCalls(`http://127.0.0.1:${port}/lwsgs`),
    onRefused: async () => void refusals++,
    backOff: () => 1,
    ...feedOptions
  })
  t.after(async () => {
    for (const socket of server.clients) socket.terminate()
    server.close()
    http.closeAllConnections()
    http.close()
    await once(http, 'close')
  })
  /** Somebody looks at the board until the test is over. */
  const watch = () => t.after(feed.subscribe(() => {}))
  const nextPeer = () => new Promise<Peer>((resolve) => waiting.push(resolve))
  return {
    feed,
    peers,
    protocols,
    addresses,
    refusals: () => refusals,
    watch,
    /** The next socket that the server gets. */
    nextPeer,
    /** A board that is open, with these posts. */
    open: async (...posts: Post[]) => {
      const peer = nextPeer()
      watch()
      ;(await peer).send(hello, reset(posts.length, ...posts))
      await reaches(feed, ({ connection }) => connection === 'live')
      return peer
    },
    /** Resolves when the state is as wanted. */
    reaches: (wanted: (state: FeedState) => boolean) => reaches(feed, wanted)
  }
}

function reaches(feed: BoardFeed, wanted: (state: FeedState) => boolean): Promise<FeedState> {
  const { promise, resolve } = Promise.withResolvers<FeedState>()
  const check = () => wanted(feed.getSnapshot()) && resolve(feed.getSnapshot())
  const stop = feed.subscribe(check)
  check()
  return promise.finally(stop)
}

describe('BoardFeed', () => {
  test('offers its subprotocol, and shows the newest post first', async (t) => {
    const { feed, open, protocols, addresses } = await setUp(t)
    await open(post(3), post(4), post(5))
    const state = feed.getSnapshot()
    assert.deepEqual(shown(state), [5, 4, 3])
    assert.equal(state.loaded, true)
    assert.deepEqual(protocols, ['messageboard.2'])
    assert.deepEqual(addresses, ['/lwsgs/board'])
  })

  test('follows posts, deletions, presence and rights', async (t) => {
    const { open, reaches } = await setUp(t)
    const peer = await open(post(1), post(2, { own: true, deletable: true }))
    peer.send({ type: 'post', seq: 3, post: post(4) }, { type: 'deleted', seq: 4, idx: 1 }, { type: 'presence', people: 3 })
    assert.deepEqual(shown(await reaches(({ people }) => people === 3)), [4, 2])
    const deletable = ({ posts }: FeedState) => posts.map((each) => each.deletable).join()
    peer.send({ type: 'rights', username: 'alice', mayModerate: true })
    await reaches((state) => deletable(state) === 'true,true')
    peer.send({ type: 'rights', username: 'alice', mayModerate: false })
    await reaches((state) => deletable(state) === 'false,true')
  })

  test('ignores what it does not understand', async (t) => {
    const { open, reaches } = await setUp(t)
    const { socket } = await open()
    for (const junk of ['hello', '{}', '{"type":"weather"}', Buffer.from(JSON.stringify({ type: 'post', seq: 1, post: post(1) }))])
      socket.send(junk)
    socket.send(JSON.stringify({ type: 'post', seq: 1, post: post(2) }))
    assert.deepEqual(shown(await reaches(({ posts }) => posts.length > 0)), [2])
  })

  test('goes on after a loss where it was: misses nothing and shows nothing twice', async (t) => {
    const { open, nextPeer, addresses, reaches, refusals } = await setUp(t)
    const first = await open(post(1), post(2))
    first.send({ type: 'post', seq: 7, post: post(3) })
    await reaches(({ posts }) => posts.length === 3)
    const second = nextPeer()
    first.socket.close(1001)
    ;(await second).send(
      { ...hello, seq: 9 },
      { type: 'post', seq: 7, post: post(3) },
      { type: 'deleted', seq: 8, idx: 1 },
      { type: 'post', seq: 9, post: post(4) }
    )
    const state = await reaches(({ posts }) => posts[0]?.idx === 4)
    assert.deepEqual(shown(state), [4, 3, 2])
    assert.equal(state.connection, 'live')
    // What the greeting says is newer than what has come.
    const third = nextPeer()
    ;(await second).socket.close(1001)
    ;(await third).send({ ...hello, seq: 12 })
    const fourth = nextPeer()
    ;(await third).socket.close(1001)
    await fourth
    assert.deepEqual(addresses, ['/lwsgs/board', ...[7, 9, 9].map((seq) => `/lwsgs/board?after=${seq}&history=h`)])
    assert.equal(refusals(), 0)
  })

  test('says which history it knows: that of the last posts or of the last greeting that went on', async (t) => {
    const { open, nextPeer, addresses } = await setUp(t)
    let peer = await open(post(1))
    for (const greeting of [{ ...hello, seq: 1, history: 'later' }, hello, { ...hello, seq: 1, history: 'latest' }]) {
      const next = nextPeer()
      peer.socket.close(1001)
      peer = await next
      peer.send(greeting)
    }
    const last = nextPeer()
    peer.socket.close(1001)
    await last
    assert.deepEqual(addresses, [
      '/lwsgs/board',
      ...['h', 'later', 'later', 'latest'].map((mark) => `/lwsgs/board?after=1&history=${mark}`)
    ])
  })

  test('begins anew when too much happened meanwhile', async (t) => {
    const { open, nextPeer, reaches } = await setUp(t)
    const first = await open(post(1), post(2))
    const second = nextPeer()
    first.socket.terminate()
    ;(await second).send(hello, { type: 'reset', seq: 90_000, history: 'h', posts: [post(70_000)], older: true })
    const state = await reaches(({ posts }) => posts[0]?.idx === 70_000)
    assert.deepEqual(shown(state), [70_000])
    assert.equal(state.older, true)
  })

  test('asks for the session before it comes back after 4401', async (t) => {
    const asked = Promise.withResolvers<void>()
    const answered = Promise.withResolvers<void>()
    const { feed, open, nextPeer, peers } = await setUp(t, {
      onRefused: () => {
        asked.resolve()
        return answered.promise
      }
    })
    const first = await open()
    first.socket.close(4401, 'logout')
    await asked.promise
    assert.equal(feed.getSnapshot().connection, 'waiting')
    assert.equal(peers.length, 1)
    const second = nextPeer()
    answered.resolve()
    await second
  })

  test('says that the board is closed after 4403, and knocks again only when the rights have changed', async (t) => {
    const { feed, open, nextPeer, refusals, reaches } = await setUp(t, { backOff: () => assert.fail('it plans to come back') })
    feed.setMask(5)
    const first = await open(post(1))
    first.socket.close(4403, 'mask')
    await reaches(({ connection }) => connection === 'closed')
    assert.equal(refusals(), 1)
    const second = nextPeer()
    feed.setMask(5)
    feed.setMask(1)
    ;(await second).send(hello)
    await reaches(({ connection }) => connection === 'live')
  })

  for (const code of [1008, 1009]) {
    test(`says so after ${code}, waits long, and is not to be woken`, async (t) => {
      const attempts: number[] = []
      const { feed, open, nextPeer, peers, reaches } = await setUp(t, {
        backOff: (attempt) => {
          attempts.push(attempt)
          return 5
        }
      })
      const first = await open()
      const second = nextPeer()
      first.socket.close(code)
      await reaches(({ connection }) => connection === 'throttled')
      feed.wake()
      assert.equal(peers.length, 1)
      await second
      assert.deepEqual(attempts, [5])
    })
  }

  test('comes back soon with the new cookie after a renewed session, whatever the back-off', async (t) => {
    const { open, nextPeer, refusals } = await setUp(t, { backOff: () => assert.fail('it waits as after a failure') })
    const first = await open()
    const second = nextPeer()
    first.socket.close(1013, 'renewed')
    await second
    assert.equal(refusals(), 0)
  })

  test('does not come back when nobody listens any more, such as after a logout', async (t) => {
    const answered = Promise.withResolvers<void>()
    const asked = Promise.withResolvers<void>()
    const { feed, nextPeer, peers } = await setUp(t, {
      onRefused: async () => {
        asked.resolve()
        await answered.promise
      },
      backOff: () => assert.fail('it plans to come back')
    })
    const first = nextPeer()
    const stop = feed.subscribe(() => {})
    ;(await first).socket.close(4401)
    await asked.promise
    stop()
    answered.resolve()
    await new Promise(setImmediate)
    assert.equal(peers.length, 1)
  })

  test('asks for the session when it is not let in', async (t) => {
    let open = false
    const { nextPeer, watch } = await setUp(t, {
      accept: () => open,
      onRefused: async () => void (open = true)
    })
    const peer = nextPeer()
    watch()
    await peer
  })

  test('waits longer after each failure in a row', async (t) => {
    const attempts: number[] = []
    const { nextPeer, watch } = await setUp(t, {
      backOff: (attempt) => {
        attempts.push(attempt)
        return 1
      }
    })
    const next = [nextPeer(), nextPeer(), nextPeer(), nextPeer()]
    watch()
    for (const peer of next.slice(0, 3)) (await peer).socket.close(1013, 'busy')
    await next[3]
    assert.deepEqual(attempts, [0, 1, 2])
  })

  test('comes back at once when woken', async (t) => {
    const waiting = Promise.withResolvers<void>()
    const { feed, open, nextPeer } = await setUp(t, {
      backOff: () => {
        waiting.resolve()
        return 3_600_000
      }
    })
    const first = await open()
    first.socket.close(1001)
    await waiting.promise
    await new Promise(setImmediate)
    const second = nextPeer()
    feed.wake()
    await second
  })

  test('opens a new socket when woken after a while, since the old one may be dead', async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() })
    const { feed, open, nextPeer, peers, reaches } = await setUp(t)
    const first = await open(post(1))
    t.mock.timers.tick(9999)
    feed.wake()
    assert.equal(feed.getSnapshot().connection, 'live')
    t.mock.timers.tick(1)
    const second = nextPeer()
    feed.wake()
    feed.wake()
    assert.equal(feed.getSnapshot().connection, 'connecting')
    ;(await second).send(hello, { type: 'post', seq: 2, post: post(2) })
    const state = await reaches(({ posts }) => posts.length === 2)
    assert.equal(state.connection, 'live')
    await first.closed
    assert.equal(peers.length, 2)
  })

  test('closes its socket with its last listener', async (t) => {
    const { feed, nextPeer, reaches } = await setUp(t)
    const peer = nextPeer()
    const stop = feed.subscribe(() => {})
    ;(await peer).send(hello, reset(0))
    await reaches(({ connection }) => connection === 'live')
    stop()
    await (
      await peer
    ).closed
  })
})

describe('a post that is written here', () => {
  test('is shown at once, and stands once when the board has it', async (t) => {
    for (const order of ['answer first', 'post first']) {
      const { feed, open, reaches } = await setUp(t)
      const peer = await open(post(1))
      feed.post('hello')
      assert.deepEqual(unsent(feed.getSnapshot()), ['hello: sending'])
      const { id, msg } = await peer.received()
      assert.equal(msg, 'hello')
      const frames: ServerFrame[] = [
        { type: 'done', id, idx: 2 },
        { type: 'post', seq: 2, post: post(2, { content: 'hello', own: true, deletable: true }) }
      ]
      const seen = new Set<string>()
      const stop = feed.subscribe(() => seen.add([...unsent(feed.getSnapshot()), ...shown(feed.getSnapshot())].join()))
      peer.send(...(order === 'answer first' ? frames : frames.toReversed()))
      const state = await reaches(({ posts, unsent }) => posts.length === 2 && unsent.length === 0)
      stop()
      assert.equal(state.posts[0]?.sentAs, id)
      // Never both of them, and never none.
      assert.deepEqual([...seen], order === 'answer first' ? ['hello: sent,1', '2,1'] : ['2,1'])
    }
  })

  test('is sent again under the same id when its answer was lost', async (t) => {
    const { feed, open, nextPeer, reaches } = await setUp(t)
    const first = await open()
    feed.post('hello')
    const { id } = await first.received()
    const second = nextPeer()
    first.socket.terminate()
    const peer = await second
    peer.send(hello, { type: 'post', seq: 1, post: post(1, { content: 'hello', own: true, deletable: true }) })
    assert.deepEqual(await peer.received(), { id, msg: 'hello' })
    peer.send({ type: 'done', id, idx: 1 })
    const state = await reaches(({ unsent }) => unsent.length === 0)
    assert.deepEqual(shown(state), [1])
  })

  test('makes a new connection when it gets no answer', async (t) => {
    const { feed, open, nextPeer } = await setUp(t, { patience: 5 })
    await open()
    const second = nextPeer()
    feed.post('hello')
    const peer = await second
    peer.send(hello)
    assert.equal((await peer.received()).msg, 'hello')
  })

  test('is told apart from the same text of another window', async (t) => {
    const { feed, open, reaches } = await setUp(t)
    const peer = await open()
    feed.post('same')
    const { id } = await peer.received()
    const own = { content: 'same', own: true, deletable: true }
    peer.send({ type: 'post', seq: 1, post: post(1, own) }, { type: 'done', id, idx: 2 }, { type: 'post', seq: 2, post: post(2, own) })
    const state = await reaches(({ posts, unsent }) => posts.length === 2 && unsent.length === 0)
    assert.deepEqual(shown(state), [2, 1])
  })

  test('goes over HTTP while there is no socket, in order, and is kept until then', async (t) => {
    const taken: string[] = []
    let up = false
    const { feed, watch, reaches } = await setUp(t, {
      accept: () => false,
      answer: (request, response, body) => {
        if (body === null) return response.writeHead(404).end()
        if (!up) return response.writeHead(503).end()
        taken.push(body.msg)
        return response.writeHead(201).end(JSON.stringify({ ok: true, idx: String(taken.length) }))
      }
    })
    watch()
    feed.post('one')
    feed.post('two')
    await reaches(({ connection }) => connection === 'waiting')
    assert.deepEqual(unsent(feed.getSnapshot()), ['one: sending', 'two: sending'])
    up = true
    const state = await reaches(({ unsent }) => unsent.every((each) => each.state === 'sent'))
    assert.deepEqual(taken, ['one', 'two'])
    assert.deepEqual(unsent(state), ['one: sent', 'two: sent'])
  })

  test('is refused with the reason, and can be sent again or forgotten', async (t) => {
    const kept: (readonly UnsentText[])[] = []
    const { feed, open, reaches } = await setUp(t, { keepUnsent: (texts) => kept.push(texts) })
    const peer = await open()
    feed.post('too often')
    const { id } = await peer.received()
    peer.send({ type: 'refused', id, code: 'BOARD_TOO_MANY_POSTS', message: 'Please wait.' })
    const state = await reaches(({ unsent }) => unsent[0]?.state === 'refused')
    assert.equal(state.unsent[0]?.reason, 'Please wait.')
    feed.retry(id)
    assert.deepEqual(await peer.received(), { id, msg: 'too often' })
    peer.send({ type: 'refused', id, code: 'BOARD_TOO_MANY_POSTS', message: 'Please wait.' })
    await reaches(({ unsent }) => unsent[0]?.state === 'refused')
    assert.equal(kept.at(-1)?.[0]?.content, 'too often')
    feed.discard(id)
    assert.deepEqual(unsent(feed.getSnapshot()), [])
    assert.deepEqual(kept.at(-1), [])
  })

  for (const code of ['GS_FORBIDDEN', 'BOARD_NOT_ALLOWED']) {
    test(`asks for the session when it was refused with ${code}`, async (t) => {
      const asked = Promise.withResolvers<void>()
      const { feed, open } = await setUp(t, { onRefused: async () => asked.resolve() })
      const peer = await open()
      feed.post('hello')
      peer.send({ type: 'refused', id: (await peer.received()).id, code, message: 'No.' })
      await asked.promise
    })
  }

  test('outlives the page: a late one is sent, an old one waits for a word', async (t) => {
    const { feed, open, reaches } = await setUp(t, {
      unsent: [
        { id: 'old', content: 'yesterday', at: Date.now() - 86_400_000 },
        { id: 'late', content: 'just now', at: Date.now() - 60_000 }
      ]
    })
    assert.deepEqual(unsent(feed.getSnapshot()), ['yesterday: refused', 'just now: sending'])
    const peer = await open(post(8), post(9))
    assert.deepEqual(await peer.received(), { id: 'late', msg: 'just now' })
    // The board had it already, before the posts that it shows.
    peer.send({ type: 'done', id: 'late', idx: 3 })
    const state = await reaches(({ unsent }) => unsent.length === 1)
    assert.deepEqual(shown(state), [9, 8])
  })

  test('many at once are no flood', async (t) => {
    const { feed, open } = await setUp(t)
    const peer = await open()
    for (let n = 1; n <= 30; n++) feed.post(`number ${n}`)
    const waiting: string[] = []
    for (let n = 1; n <= 30; n++) {
      const { id, msg } = await peer.received()
      assert.equal(msg, `number ${n}`)
      waiting.push(id)
      assert.ok(waiting.length <= 5)
      if (waiting.length === 5) peer.send({ type: 'done', id: waiting.shift()!, idx: n })
    }
  })
})

describe('older posts', () => {
  const page = (response: ServerResponse, older: boolean, ...idxs: number[]) =>
    response.end(JSON.stringify({ posts: idxs.map((idx) => post(idx)), older }))

  test('are loaded page by page to the first one', async (t) => {
    const asked: string[] = []
    const { feed, nextPeer, watch, reaches } = await setUp(t, {
      answer: ({ url = '' }, response) => {
        asked.push(url)
        page(response, asked.length === 1, ...(asked.length === 1 ? [3, 4] : [1, 2]))
      }
    })
    const peer = nextPeer()
    watch()
    ;(await peer).send(hello, { type: 'reset', seq: 6, history: 'h', posts: [post(5), post(6)], older: true })
    await reaches(({ loaded }) => loaded)
    await Promise.all([feed.loadOlder(), feed.loadOlder()])
    assert.deepEqual(shown(feed.getSnapshot()), [6, 5, 4, 3])
    await feed.loadOlder()
    await feed.loadOlder()
    const { older, posts } = feed.getSnapshot()
    assert.deepEqual([older, posts.length], [false, 6])
    assert.deepEqual(asked, ['/lwsgs/messages?limit=50&before=5', '/lwsgs/messages?limit=50&before=3'])
  })

  test('are no more than the page holds', async (t) => {
    const many = Array.from({ length: 10_000 }, (_, index) => index + 1)
    const { feed, nextPeer, watch, reaches } = await setUp(t, { answer: (_, response) => page(response, true, ...many) })
    const peer = nextPeer()
    watch()
    ;(await peer).send(hello, { type: 'reset', seq: 6, history: 'h', posts: [post(20_000)], older: true })
    await reaches(({ loaded }) => loaded)
    await feed.loadOlder()
    assert.equal(feed.getSnapshot().older, 'full')
    await feed.loadOlder()
    assert.equal(feed.getSnapshot().posts.length, 10_001)
    ;(await peer).send({ type: 'post', seq: 7, post: post(20_001) })
    const { older, posts } = await reaches(({ posts }) => posts[0]?.idx === 20_001)
    assert.deepEqual([older, posts.length, posts.at(-1)?.idx], ['full', 10_000, 3])
  })

  test('that are deleted while they are on their way do not come back', async (t) => {
    const asked = Promise.withResolvers<ServerResponse>()
    const { feed, nextPeer, watch, reaches } = await setUp(t, { answer: (_, response) => asked.resolve(response) })
    const peer = nextPeer()
    watch()
    ;(await peer).send(hello, { type: 'reset', seq: 6, history: 'h', posts: [post(5)], older: true })
    await reaches(({ loaded }) => loaded)
    const loaded = feed.loadOlder()
    const response = await asked.promise
    ;(await peer).send({ type: 'deleted', seq: 7, idx: 3 }, { type: 'presence', people: 1 })
    await reaches(({ people }) => people === 1)
    page(response, false, 3, 4)
    await loaded
    assert.deepEqual(shown(feed.getSnapshot()), [5, 4])
  })

  test('that belong to posts which are gone are forgotten', async (t) => {
    const asked = Promise.withResolvers<ServerResponse>()
    const { feed, nextPeer, watch, reaches } = await setUp(t, { answer: (_, response) => asked.resolve(response) })
    const peer = nextPeer()
    watch()
    ;(await peer).send(hello, { type: 'reset', seq: 6, history: 'h', posts: [post(5)], older: true })
    await reaches(({ loaded }) => loaded)
    const loaded = feed.loadOlder()
    const response = await asked.promise
    ;(await peer).send({ type: 'reset', seq: 20_000, history: 'h', posts: [post(9000)], older: true })
    await reaches(({ posts }) => posts[0]?.idx === 9000)
    page(response, false, 3, 4)
    await loaded
    const { loadingOlder, older, posts } = feed.getSnapshot()
    assert.deepEqual([loadingOlder, older, posts.length], ['no', true, 1])
  })

  test('that cannot be loaded can be asked for again', async (t) => {
    let works = false
    const { feed, nextPeer, watch, reaches } = await setUp(t, {
      answer: (_, response) => (works ? page(response, false, 4) : response.writeHead(500).end('<h1>proxy</h1>'))
    })
    const peer = nextPeer()
    watch()
    ;(await peer).send(hello, { type: 'reset', seq: 6, history: 'h', posts: [post(5)], older: true })
    await reaches(({ loaded }) => loaded)
    await feed.loadOlder()
    assert.equal(feed.getSnapshot().loadingOlder, 'failed')
    works = true
    await feed.loadOlder()
    assert.deepEqual(shown(feed.getSnapshot()), [5, 4])
  })

  test('are shown where websockets are not let through', async (t) => {
    const { watch, reaches } = await setUp(t, { accept: () => false, answer: (_, response) => page(response, false, 1, 2) })
    watch()
    assert.deepEqual(shown(await reaches(({ loaded }) => loaded)), [2, 1])
  })
})

describe('deleting', () => {
  for (const [status, gone] of [
    [200, true],
    [404, true],
    [403, false],
    [500, false]
  ] as const) {
    test(`${gone ? 'removes' : 'keeps'} the post when the answer is ${status}`, async (t) => {
      const asked: string[] = []
      const { feed, open } = await setUp(t, {
        answer: ({ method, url }, response) => {
          asked.push(`${method} ${url}`)
          response.writeHead(status).end(JSON.stringify({ message: 'It is not yours.' }))
        }
      })
      await open(post(1), post(2))
      const result = await feed.remove(1)
      assert.equal(result.ok, gone)
      if (!result.ok) assert.equal(result.message, 'It is not yours.')
      assert.deepEqual(shown(feed.getSnapshot()), gone ? [2] : [2, 1])
      assert.deepEqual(asked, ['DELETE /lwsgs/messages/1'])
    })
  }

  test('fails with a sentence when the board cannot be reached', async (t) => {
    const { feed, open } = await setUp(t, { answer: (request) => request.socket.destroy() })
    await open(post(1))
    assert.deepEqual(await feed.remove(1), { ok: false, status: 0, message: 'The board could not be reached.' })
  })
})
