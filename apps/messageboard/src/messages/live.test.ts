import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import Fastify from 'fastify'
import { WebSocket, WebSocketServer } from 'ws'
import { FrameReader, temporaryDirectory } from '../testing.ts'
import { openBoardDatabase } from './database.ts'
import { LiveBoard, type LiveBoardOptions } from './live.ts'
import { addMessage, findLastIdx } from './messages.ts'

/** A board on a real socket; whoever connects to `/<session>` is taken as having passed the policy. */
async function startBoard(t: TestContext, options?: LiveBoardOptions) {
  const db = openBoardDatabase(join(await temporaryDirectory(t), 'board.sqlite3'))
  const live = new LiveBoard(db, Fastify().log, 0, options)
  const http = createServer()
  const sockets = new WebSocketServer({ server: http })
  sockets.on('connection', (socket, request) => {
    socket.on('error', () => {})
    live.join(socket, request.url!.slice(1))
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  t.after(async () => {
    await live.close()
    http.close()
    await db.destroy()
  })
  const { port } = http.address() as AddressInfo

  return {
    db,
    live,
    sockets,
    connect(session = 'alice', clientOptions = {}) {
      const socket = new WebSocket(`ws://127.0.0.1:${port}/${session}`, clientOptions)
      t.after(() => socket.terminate())
      return { socket, reader: new FrameReader(socket) }
    },
    async post(content: string) {
      const message = await addMessage(db, { username: 'bob', content, time: 1_795_225_853 })
      live.announce()
      return message
    }
  }
}

describe('LiveBoard', () => {
  it('sends the last ten posts in ascending order and then each new one', async (t) => {
    const board = await startBoard(t)
    for (let number = 1; number <= 13; number++) await board.post(`post ${number}`)
    const { reader } = board.connect()
    const history = await reader.count(10)
    assert.deepEqual(
      history.map(({ idx }) => idx),
      ['4', '5', '6', '7', '8', '9', '10', '11', '12', '13']
    )
    await board.post('fresh')
    assert.deepEqual((await reader.count(11)).at(-1), { idx: '14', time: '1795225853', username: 'bob', content: 'fresh' })
  })

  it('sends strings only, in a fixed order, and neither address of the author', async (t) => {
    const board = await startBoard(t)
    const { socket } = board.connect()
    const message = once(socket, 'message')
    await board.post('a "quote",\n<b>ü😀</b>')
    const [data, isBinary] = (await message) as [Buffer, boolean]
    assert.equal(isBinary, false)
    assert.equal(data.toString(), '{"idx":"1","time":"1795225853","username":"bob","content":"a \\"quote\\",\\n<b>ü😀</b>"}')
  })

  it('starts after the posts of an earlier run', async (t) => {
    const first = await startBoard(t)
    await addMessage(first.db, { username: 'bob', content: 'before', time: 1 })
    const again = new LiveBoard(first.db, Fastify().log, await findLastIdx(first.db))
    t.after(() => again.close())
    first.sockets.removeAllListeners('connection')
    first.sockets.on('connection', (socket) => again.join(socket, 'alice'))
    const { reader } = first.connect()
    await reader.count(1)
    await addMessage(first.db, { username: 'bob', content: 'after', time: 1 })
    again.announce()
    assert.deepEqual(
      (await reader.count(2)).map(({ content }) => content),
      ['before', 'after']
    )
  })

  it('neither loses nor doubles a post between the history and what follows', async (t) => {
    const board = await startBoard(t)
    const total = 120
    const readers: FrameReader[] = []
    for (let number = 1; number <= total; number++) {
      // Posts from several requests at once, and sockets that open in the midst of them.
      const posts = [board.post(`post ${number}`), board.post(`also ${number}`)]
      if (number % 6 === 0) {
        const { socket, reader } = board.connect(`session ${number}`)
        readers.push(reader)
        if (number % 12 === 0) await once(socket, 'open')
      }
      await Promise.all(posts)
    }
    for (const reader of readers) {
      const indexes = (await reader.until(({ idx }) => idx === String(2 * total))).map(({ idx }) => Number(idx))
      const first = indexes[0]!
      assert.deepEqual(
        indexes,
        Array.from({ length: 2 * total - first + 1 }, (_, offset) => first + offset)
      )
      assert.ok(indexes.length >= 10)
    }
  })

  it('closes all sockets of a session that ends, and no others', async (t) => {
    const board = await startBoard(t)
    const one = board.connect('alice')
    const two = board.connect('alice')
    const other = board.connect('bob')
    await Promise.all([one, two, other].map(({ socket }) => once(socket, 'open')))
    board.live.endSession('alice')
    await board.post('not for alice')
    assert.deepEqual(await one.reader.closed, { code: 4401, reason: 'session ended' })
    assert.deepEqual(await two.reader.closed, { code: 4401, reason: 'session ended' })
    assert.equal((await other.reader.count(1))[0]!.content, 'not for alice')
    assert.deepEqual([...one.reader.frames, ...two.reader.frames], [])
  })

  it('closes a socket that was on its way while its session ended', async (t) => {
    const board = await startBoard(t)
    await board.post('secret')
    board.live.endSession('alice')
    const { reader } = board.connect('alice')
    assert.equal((await reader.closed).code, 4401)
    assert.deepEqual(reader.frames, [])
  })

  it('closes a socket that sends something', async (t) => {
    const board = await startBoard(t)
    for (const data of ['hello', '{"__proto__":{"admin":1}}', Buffer.from([0, 1])]) {
      const { socket, reader } = board.connect()
      await once(socket, 'open')
      socket.send(data)
      assert.equal((await reader.closed).code, 1008)
    }
  })

  it('drops a socket that does not read, and serves the others', async (t) => {
    const board = await startBoard(t, { maxBuffered: 64 * 1024 })
    const slow = board.connect('slow')
    await once(slow.socket, 'open')
    slow.socket.pause()
    const good = board.connect('good')
    await once(good.socket, 'open')

    const content = '😀'.repeat(4000)
    let total = 0
    while (board.sockets.clients.size === 2) {
      await board.db
        .insertInto('message')
        .values(Array.from({ length: 20 }, () => ({ username: 'bob', content, time: 1 })))
        .execute()
      board.live.announce()
      total += 20
      await good.reader.count(total)
      assert.ok(total < 10_000, 'the slow socket is never dropped')
    }
    slow.socket.resume()
    assert.equal((await slow.reader.closed).code, 1006)
    assert.equal(good.socket.readyState, WebSocket.OPEN)
  })

  it('drops a socket that no longer answers pings, and keeps one that does', async (t) => {
    const board = await startBoard(t, { heartbeat: 50 })
    const dead = board.connect('dead', { autoPong: false })
    const alive = board.connect('alive')
    assert.equal((await dead.reader.closed).code, 1006)
    for (let pings = 0; pings < 3; pings++) await once(alive.socket, 'ping')
    assert.equal(alive.socket.readyState, WebSocket.OPEN)
  })

  it('finds posts of another process at the next heartbeat', async (t) => {
    const board = await startBoard(t, { heartbeat: 50 })
    const { socket, reader } = board.connect()
    await once(socket, 'open')
    await addMessage(board.db, { username: 'bob', content: 'from elsewhere', time: 1 })
    assert.equal((await reader.count(1))[0]!.content, 'from elsewhere')
  })

  it('refuses one session more sockets than it needs', async (t) => {
    const board = await startBoard(t, { maxSocketsPerSession: 2 })
    for (let number = 0; number < 2; number++) await once(board.connect('alice').socket, 'open')
    const third = board.connect('alice')
    assert.equal((await third.reader.closed).code, 1013)
    await once(board.connect('bob').socket, 'open')
    await board.post('hello')
  })

  it('closes everything with 1001 when the server stops', async (t) => {
    const board = await startBoard(t)
    const clients = ['alice', 'alice', 'bob'].map((session) => board.connect(session))
    await Promise.all(clients.map(({ socket }) => once(socket, 'open')))
    await board.live.close()
    for (const { reader } of clients) assert.deepEqual(await reader.closed, { code: 1001, reason: 'server stops' })
    const late = board.connect('late')
    assert.equal((await late.reader.closed).code, 1001)
  })

  it('stops although a client does not answer the close frame', async (t) => {
    const board = await startBoard(t)
    const { socket } = board.connect()
    await once(socket, 'open')
    socket.pause()
    await board.live.close()
    assert.equal(board.sockets.clients.size, 0)
  })

  it('closes a new socket with 1011 when the posts cannot be read, and goes on when they can', async (t) => {
    const board = await startBoard(t)
    await board.post('hello')
    await board.db.schema.alterTable('message').renameTo('elsewhere').execute()
    const { reader } = board.connect()
    assert.equal((await reader.closed).code, 1011)
    await board.db.schema.alterTable('elsewhere').renameTo('message').execute()
    assert.equal((await board.connect().reader.count(1))[0]!.content, 'hello')
  })
})
