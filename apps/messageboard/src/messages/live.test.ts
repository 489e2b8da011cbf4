import assert from 'node:assert/strict'
import { once } from 'node:events'
import { copyFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import Fastify from 'fastify'
import { sql } from 'kysely'
import { WebSocket, WebSocketServer } from 'ws'
import { BoardClient, FrameReader, temporaryDirectory } from '../testing.ts'
import { openBoardDatabase, type BoardDatabase } from './database.ts'
import { LiveBoard, type LiveBoardOptions } from './live.ts'
import { addMessage, findHistoryMark, findPosition, removeMessage, removeMessagesOf, type Visitor } from './messages.ts'
import { currentProtocol, originalProtocol } from './protocol.ts'

const moderator: Visitor = { accountId: 'mo', username: 'mo', mayModerate: true }

/**
 * A process that serves a board on real sockets; whoever connects to `/<account>` is taken as having passed the policy. What he may is in
 * `visitors`, where tests change it.
 */
async function serve(t: TestContext, path: string, options?: LiveBoardOptions) {
  const db = openBoardDatabase(path)
  const live = new LiveBoard(db, Fastify().log, await findPosition(db), options)
  const visitors = new Map<string, Visitor | null>()
  const http = createServer()
  const sockets = new WebSocketServer({ server: http })
  sockets.on('connection', (socket, request) => {
    socket.on('error', () => {})
    const { pathname, searchParams } = new URL(request.url!, 'http://board')
    const accountId = pathname.slice(1)
    if (!visitors.has(accountId)) visitors.set(accountId, { accountId, username: accountId, mayModerate: false })
    live.join(socket, {
      protocol: socket.protocol,
      after: searchParams.has('after') ? Number(searchParams.get('after')) : null,
      history: searchParams.get('history'),
      visitor: () => visitors.get(accountId)!
    })
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  const stop = async () => {
    await live.close()
    for (const socket of sockets.clients) socket.terminate()
    http.close()
    await db.destroy()
  }
  t.after(stop)
  const { port } = http.address() as AddressInfo
  const open = (account: string, protocol: string) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/${account}`, protocol)
    t.after(() => socket.terminate())
    return socket
  }

  return {
    db,
    live,
    sockets,
    stop,
    visitors,
    listen(account = 'alice') {
      const socket = open(account, originalProtocol)
      return { socket, reader: new FrameReader(socket) }
    },
    connect: (account = 'alice', after?: number, history?: string) =>
      new BoardClient(
        open(
          account + (after === undefined ? '' : `?after=${after}`) + (history === undefined ? '' : `&history=${history}`),
          currentProtocol
        )
      ),
    async post(content: string, accountId = 'bob') {
      const message = await addMessage(db, { accountId, username: accountId, content, time: 1_795_225_853 })
      live.announce()
      return message!.idx
    },
    async remove(idx: number) {
      assert.equal(await removeMessage(db, moderator, idx), 'removed')
      live.announce()
    }
  }
}

const startBoard = async (t: TestContext, options?: LiveBoardOptions) =>
  serve(t, join(await temporaryDirectory(t), 'board.sqlite3'), options)

const contents = (page: readonly { content: string }[]) => page.map(({ content }) => content)

/** Writes more than is remembered. */
const flood = (db: BoardDatabase) =>
  sql`with recursive n (i) as (select 1 union all select i + 1 from n where i < 10_100)
    insert into message (time, username, content) select 1, 'flood', 'flood ' || i from n`.execute(db)

describe('LiveBoard, with the protocol of the original', () => {
  it('sends the last ten posts in ascending order and then each new one', async (t) => {
    const board = await startBoard(t)
    for (let number = 1; number <= 13; number++) await board.post(`post ${number}`)
    const { reader } = board.listen()
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
    const { socket } = board.listen()
    const message = once(socket, 'message')
    await board.post('a "quote",\n<b>ü😀</b>')
    const [data, isBinary] = (await message) as [Buffer, boolean]
    assert.equal(isBinary, false)
    assert.equal(data.toString(), '{"idx":"1","time":"1795225853","username":"bob","content":"a \\"quote\\",\\n<b>ü😀</b>"}')
  })

  it('says nothing of deletions', async (t) => {
    const board = await startBoard(t)
    await board.post('stays')
    await board.remove(await board.post('goes'))
    const { reader } = board.listen()
    await reader.count(1)
    await board.remove(1)
    await board.post('comes')
    assert.deepEqual(contents(await reader.count(2)), ['stays', 'comes'])
  })

  it('neither loses nor doubles a post between the history and what follows', async (t) => {
    const board = await startBoard(t)
    const total = 120
    const readers: FrameReader[] = []
    for (let number = 1; number <= total; number++) {
      // Posts from several requests at once, and sockets that open in the midst of them.
      const posts = [board.post(`post ${number}`), board.post(`also ${number}`)]
      if (number % 6 === 0) {
        const { socket, reader } = board.listen(`account-${number}`)
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
})

describe('LiveBoard, with messageboard.2', () => {
  it('says who one is, shows the last posts and says whether there are older ones', async (t) => {
    const board = await startBoard(t, { page: 3 })
    const history = await findHistoryMark(board.db)
    const empty = await board.connect('alice').ready()
    assert.deepEqual(empty.frames, [
      { type: 'hello', seq: 0, username: 'alice', mayModerate: false },
      { type: 'reset', seq: 0, history, posts: [], older: false },
      { type: 'presence', people: 1 }
    ])
    for (const author of ['bob', 'alice', 'bob', 'alice']) await board.post(`by ${author}`, author)
    const client = await board.connect('alice').ready()
    assert.deepEqual(client.frames.slice(0, 2), [
      { type: 'hello', seq: 4, username: 'alice', mayModerate: false },
      {
        type: 'reset',
        seq: 4,
        history,
        posts: [
          { idx: 2, time: 1_795_225_853, username: 'alice', content: 'by alice', own: true, deletable: true },
          { idx: 3, time: 1_795_225_853, username: 'bob', content: 'by bob', own: false, deletable: false },
          { idx: 4, time: 1_795_225_853, username: 'alice', content: 'by alice', own: true, deletable: true }
        ],
        older: true
      }
    ])
  })

  it('tells each of what comes and goes, and what he may do with it', async (t) => {
    const board = await startBoard(t)
    board.visitors.set('mo', moderator)
    const rights = { alice: [true, true], bob: [false, false], mo: [false, true] }
    const clients = await Promise.all(Object.keys(rights).map((name) => board.connect(name).ready()))
    await board.post('hello', 'alice')
    const posts = await Promise.all(clients.map((client) => client.frame('post')))
    assert.deepEqual(
      posts.map(({ post }) => [post.own, post.deletable]),
      Object.values(rights)
    )
    assert.deepEqual({ ...posts[0]!.post, time: 0 }, { idx: 1, time: 0, username: 'alice', content: 'hello', own: true, deletable: true })
    await board.remove(1)
    for (const client of clients) assert.deepEqual(await client.frame('deleted'), { type: 'deleted', seq: 2, idx: 1 })
  })

  it('tells who comes back what he has missed, once each and in order, and then goes on', async (t) => {
    const board = await startBoard(t)
    for (let number = 1; number <= 5; number++) await board.post(`post ${number}`)
    await board.remove(2)
    await board.remove(5)
    const client = await board.connect('alice', 3).ready()
    const history = await findHistoryMark(board.db)
    assert.deepEqual(client.frames[0], { type: 'hello', seq: 3, history, username: 'alice', mayModerate: false })
    await board.post('fresh')
    await client.frame('post', ({ post }) => post.content === 'fresh')
    // The fifth change is that of a post which is gone: nobody can be told its text.
    assert.deepEqual(client.told, [4, 6, 7, 8])
    assert.deepEqual(contents(client.page), ['post 4', 'fresh'])

    const current = await board.connect('alice', 8).ready()
    assert.deepEqual(
      current.frames.map(({ type }) => type),
      ['hello', 'presence']
    )
  })

  it('lets those begin anew who have missed too much, or come with a number that nobody gave them', async (t) => {
    const board = await startBoard(t)
    for (let number = 1; number <= 3; number++) await board.post(`post ${number}`)
    const begins = async (after: number) => {
      const client = await board.connect('alice', after).ready()
      const { seq } = await client.frame('hello')
      const reset = client.frames.find((frame) => frame.type === 'reset')
      if (reset === undefined) assert.equal(client.told[0], after + 1)
      else assert.deepEqual([reset.seq, client.told], [seq, []])
      return reset !== undefined
    }
    assert.equal(await begins(1), false)
    assert.equal(await begins(4), true)
    assert.equal(await begins(999_999_999_999_999), true)
    // Many characters, and then many changes.
    for (let number = 0; number < 31; number++) await board.post('x'.repeat(4000))
    assert.equal(await begins(3), true)
    assert.equal(await begins(10), false)
    await sql`with recursive n (i) as (select 1 union all select i + 1 from n where i < 1001)
      insert into message (time, username, content) select 1, 'many', 'x' from n`.execute(board.db)
    assert.equal(await begins(33), true)
    assert.equal(await begins(35), false)
    await flood(board.db)
    assert.equal(await begins(40), true)
  })

  it('misses and doubles nothing, however often the connection breaks', async (t) => {
    const board = await startBoard(t)
    let seed = 3
    const random = (below: number) => (seed = (seed * 48_271) % 2_147_483_647) % below
    const there: number[] = []
    let writing = true
    const write = async () => {
      for (let number = 1; number <= 150; number++) {
        there.push(await board.post(`post ${number}`))
        if (random(4) === 0) await board.remove(there.splice(random(there.length), 1)[0]!)
        if (random(2) === 0) await new Promise(setImmediate)
      }
      writing = false
    }
    const read = async () => {
      let after = 0
      const page: number[] = []
      const told: number[] = []
      for (let visit = 0; writing || visit === 0; visit++) {
        const client = await board.connect('alice', after).ready()
        if (writing) await Promise.race([once(client.socket, 'told'), new Promise((resolve) => setTimeout(resolve, 30))])
        // Whatever is still on its way is lost.
        client.socket.terminate()
        const { frames } = client
        assert.equal(
          frames.some(({ type }) => type === 'reset'),
          false
        )
        for (const frame of frames) {
          if (frame.type === 'post') page.push(frame.post.idx)
          if (frame.type === 'deleted' && page.includes(frame.idx)) page.splice(page.indexOf(frame.idx), 1)
        }
        told.push(...client.told)
        after = told.at(-1) ?? 0
      }
      const last = await board.connect('alice', after).ready()
      for (const frame of last.frames) {
        if (frame.type === 'post') page.push(frame.post.idx)
        if (frame.type === 'deleted' && page.includes(frame.idx)) page.splice(page.indexOf(frame.idx), 1)
      }
      told.push(...last.told)
      assert.deepEqual(
        told,
        told.toSorted((a, b) => a - b)
      )
      assert.equal(new Set(told).size, told.length)
      return page
    }
    const [, ...pages] = await Promise.all([write(), read(), read(), read()])
    for (const page of pages) assert.deepEqual(page, there)
  })

  it('tells changed rights, and asks for them anew with each post', async (t) => {
    const board = await startBoard(t, { interval: 20 })
    const client = await board.connect('alice').ready()
    board.visitors.set('alice', { ...moderator, accountId: 'alice', username: 'alice' })
    assert.deepEqual(await client.frame('rights'), { type: 'rights', username: 'alice', mayModerate: true })
    await board.post('hello')
    assert.equal((await client.frame('post')).post.deletable, true)
    board.visitors.set('alice', { accountId: 'alice', username: 'alice', mayModerate: false })
    await board.post('hello again')
    assert.equal((await client.frame('post', ({ seq }) => seq === 2)).post.deletable, false)
    assert.deepEqual(
      client.frames.filter(({ type }) => type === 'rights').map((frame) => 'mayModerate' in frame && frame.mayModerate),
      [true, false]
    )
  })

  it('tells nothing more to who may not read any more', async (t) => {
    const board = await startBoard(t, { interval: 20 })
    const alice = await board.connect('alice').ready()
    const { reader } = board.listen('alice')
    const bob = await board.connect('bob').ready()
    board.visitors.set('alice', null)
    await board.post('secret')
    await bob.frame('post')
    await bob.people(1)
    assert.deepEqual(alice.told, [])
    assert.deepEqual(reader.frames, [])
  })

  it('counts people, not windows, and says so when the number changes', async (t) => {
    const board = await startBoard(t, { interval: 20 })
    const first = await board.connect('alice').ready()
    const second = board.connect('alice')
    await second.ready()
    const bob = board.connect('bob')
    await bob.ready()
    board.listen('carol')
    await first.people(3)
    second.socket.close()
    bob.socket.close()
    await first.people(2)
    const numbers = first.frames.flatMap((frame) => (frame.type === 'presence' ? [frame.people] : []))
    assert.ok(
      numbers.every((number, index) => number !== numbers[index - 1]),
      String(numbers)
    )
  })

  it('says at most once per interval how many people there are', async (t) => {
    const board = await startBoard(t, { interval: 250 })
    const first = await board.connect('alice').ready()
    const start = performance.now()
    for (let number = 0; number < 20; number++) await board.connect(`account-${number}`).ready()
    await first.people(21)
    const told = first.frames.filter(({ type }) => type === 'presence').length
    assert.ok(told <= 2 + Math.ceil((performance.now() - start) / 250), String(told))
  })
})

describe('LiveBoard', () => {
  it('tells who comes back after a restart what he has missed, and lets those begin anew whose changes a restored backup does not have', async (t) => {
    const path = join(await temporaryDirectory(t), 'board.sqlite3')
    /** What somebody gets who knows this change. */
    const comesBack = async (board: Awaited<ReturnType<typeof serve>>, after: number, mark: string) => {
      const client = await board.connect('alice', after, mark).ready()
      const { history } = client.frames.find((frame) => frame.type === 'reset') ?? (await client.frame('hello'))
      return { history, begins: client.frames.some(({ type }) => type === 'reset'), page: contents(client.page) }
    }

    let board = await serve(t, path)
    const { history } = await board.connect('alice').frame('reset')
    await board.post('kept')
    await board.stop()
    copyFileSync(path, `${path}.backup`)

    board = await serve(t, path)
    for (const text of ['lost', 'lost, too']) await board.post(text)
    const before = await comesBack(board, 1, history)
    assert.deepEqual({ ...before, history: '' }, { history: '', begins: false, page: ['lost', 'lost, too'] })
    await board.stop()
    copyFileSync(`${path}.backup`, path)

    board = await serve(t, path)
    for (const text of ['second', 'third', 'fourth']) await board.post(text)
    const anew = { begins: true, page: ['kept', 'second', 'third', 'fourth'] }
    assert.deepEqual(await comesBack(board, 3, before.history!), { history: await findHistoryMark(board.db), ...anew })
    // The backup has this one.
    assert.deepEqual((await comesBack(board, 1, history)).page, ['second', 'third', 'fourth'])
    assert.deepEqual((await comesBack(board, 2, history)).page, anew.page)
    assert.deepEqual((await comesBack(board, 1, 'a mark that nobody gave out')).page, anew.page)
  })

  it('starts after the posts of an earlier run', async (t) => {
    const path = join(await temporaryDirectory(t), 'board.sqlite3')
    const first = await serve(t, path)
    await first.post('before')
    await first.stop()
    const again = await serve(t, path)
    const { reader } = again.listen()
    await reader.count(1)
    await again.post('after')
    assert.deepEqual(contents(await reader.count(2)), ['before', 'after'])
  })

  it('tells everybody what another process on the same file does, and counts its people', async (t) => {
    const path = join(await temporaryDirectory(t), 'board.sqlite3')
    const [here, there] = [await serve(t, path, { interval: 20 }), await serve(t, path, { interval: 20 })]
    const reader = await here.connect('alice').ready()
    const listener = here.listen('alice')
    const other = await there.connect('bob').ready()
    await reader.people(2)
    await other.people(2)
    await there.post('from there')
    await reader.frame('post')
    await there.remove(1)
    await reader.frame('deleted')
    assert.equal((await listener.reader.count(1))[0]!.content, 'from there')
    assert.deepEqual(reader.told, [1, 2])
    await there.stop()
    await reader.people(1)
  })

  it('resumes in another process, which has heard of less', async (t) => {
    const path = join(await temporaryDirectory(t), 'board.sqlite3')
    const [here, there] = [await serve(t, path, { interval: 60_000 }), await serve(t, path, { interval: 60_000 })]
    const idle = await there.connect('bob').ready()
    const client = await here.connect('alice').ready()
    for (let number = 1; number <= 3; number++) await here.post(`post ${number}`)
    await client.frame('post', ({ seq }) => seq === 2)
    const moved = await there.connect('alice', 2).ready()
    assert.deepEqual(moved.told, [3])
    await idle.frame('post', ({ seq }) => seq === 3)
    assert.deepEqual(idle.told, [1, 2, 3])
  })

  it('lets everybody begin anew when another process has written more than is remembered', async (t) => {
    const board = await startBoard(t, { interval: 60_000 })
    const client = await board.connect('alice').ready()
    const { reader } = board.listen('bob')
    await board.post('before')
    await client.frame('post')
    await reader.count(1)
    await flood(board.db)
    await board.post('after')
    const reset = await client.frame('reset', ({ seq }) => seq > 0)
    assert.deepEqual([reset.posts.length, reset.posts.at(-1)!.content, reset.older], [30, 'after', true])
    assert.equal((await reader.until(({ content }) => content === 'after')).length, 31)
    await board.post('and on')
    await client.frame('post', ({ post }) => post.content === 'and on')
    assert.equal(client.frames.filter(({ type }) => type === 'reset').length, 2)
  })

  it('forgets the people of a process that died', async (t) => {
    let now = 1_000_000_000
    const path = join(await temporaryDirectory(t), 'board.sqlite3')
    const board = await serve(t, path, { interval: 20, now: () => now })
    await board.db.insertInto('process').values({ id: 'dead', seen_at: 1_000_000 }).execute()
    await board.db.insertInto('reader').values({ process_id: 'dead', account_id: 'zoe' }).execute()
    const client = await board.connect('alice').ready()
    await client.people(2)
    now += 31_000
    await client.people(1)
    const { rows } = await sql`select id from process where id = 'dead'`.execute(board.db)
    assert.deepEqual(rows, [])
  })

  it('closes a new socket with 1011 when the posts cannot be read, and goes on when they can', async (t) => {
    const board = await startBoard(t)
    await board.post('hello')
    const waiting = await board.connect('bob').ready()
    await board.db.schema.alterTable('message').renameTo('elsewhere').execute()
    assert.equal((await board.listen().reader.closed).code, 1011)
    assert.equal((await board.connect().closed).code, 1011)
    await board.db.schema.alterTable('elsewhere').renameTo('message').execute()
    assert.equal((await board.listen().reader.count(1))[0]!.content, 'hello')
    await board.post('again')
    await waiting.frame('post', ({ post }) => post.content === 'again')
  })

  it('takes nobody any more when it is closed', async (t) => {
    const board = await startBoard(t)
    await board.connect('alice').ready()
    await board.live.close()
    assert.deepEqual(await board.listen('bob').reader.closed, { code: 1001, reason: 'server stops' })
    assert.deepEqual((await sql`select id from process`.execute(board.db)).rows, [])
  })

  it('tells of all that goes with an account', async (t) => {
    const board = await startBoard(t)
    const client = await board.connect('alice').ready()
    for (let number = 0; number < 250; number++) await board.post('x', 'bob')
    await board.post('stays', 'carol')
    await removeMessagesOf(board.db, 'bob', 1)
    board.live.announce()
    await client.frame('deleted', ({ idx }) => idx === 250)
    assert.deepEqual(contents(client.page), ['stays'])
  })
})
