import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import type { BoardClient, Visitor } from '../testing.ts'
import { FrameReader, startApp } from '../testing.ts'
import type { History } from './protocol.ts'

const password = 'correct horse battery staple'

const contents = ({ posts }: History) => posts.map(({ content }) => content)

async function codeOf(response: Response): Promise<[status: number, code: unknown]> {
  return [response.status, ((await response.json()) as Record<string, unknown>)['code']]
}

const remove = (visitor: Visitor, idx: number | string, headers: Record<string, string> = {}) =>
  visitor.fetch(`/lwsgs/messages/${idx}`, { method: 'DELETE', headers })

const isRefused = (answer: Awaited<ReturnType<BoardClient['send']>>) => (answer.type === 'refused' ? answer.code : answer.type)

describe('GET /lwsgs/messages', () => {
  it('gives the history in pages, oldest first', async (t) => {
    const { admin } = await startApp(t)
    const visitor = await admin()
    assert.deepEqual(await visitor.history(), { posts: [], older: false })
    for (let number = 1; number <= 33; number++) await visitor.write(`post ${number}`)
    const newest = await visitor.history()
    assert.deepEqual([newest.posts.length, newest.posts[0]!.idx, newest.posts.at(-1)!.idx, newest.older], [30, 4, 33, true])
    assert.deepEqual(contents(await visitor.history('?before=4')), ['post 1', 'post 2', 'post 3'])
    assert.equal((await visitor.history('?before=4')).older, false)
    const page = await visitor.history('?before=31&limit=2')
    assert.deepEqual([contents(page), page.older], [['post 29', 'post 30'], true])
    assert.deepEqual(await visitor.history('?before=1'), { posts: [], older: false })
    const { time, ...post } = (await visitor.history('?limit=1')).posts[0]!
    assert.deepEqual(post, { idx: 33, username: 'admin', content: 'post 33', own: true, deletable: true })
    assert.ok(Math.abs(time - Date.now() / 1000) < 60)
  })

  it('is for verified users, kept nowhere, and refuses what is no page', async (t) => {
    const { admin, visitor } = await startApp(t)
    assert.deepEqual(await codeOf(await visitor().fetch('/lwsgs/messages')), [401, 'GS_NOT_LOGGED_IN'])
    const unverified = visitor()
    await unverified.signUp('uma', false)
    assert.deepEqual(await codeOf(await unverified.fetch('/lwsgs/messages')), [403, 'GS_FORBIDDEN'])
    const boss = await admin()
    assert.equal((await boss.fetch('/lwsgs/messages')).headers.get('cache-control'), 'no-store')
    for (const query of [
      'before=0',
      'before=-1',
      'before=x',
      'before=1e3',
      'before=',
      'before=1&before=2',
      'limit=0',
      'limit=101',
      'limit=1.5',
      'after=3',
      `before=${'9'.repeat(16)}`
    ]) {
      assert.deepEqual(await codeOf(await boss.fetch(`/lwsgs/messages?${query}`)), [400, 'BOARD_QUERY_INVALID'], query)
    }
  })
})

describe('deleting', () => {
  it('is for the author, for moderators and for admins, and tells readers', async (t) => {
    const { admin, member } = await startApp(t)
    const [boss, alice, bob] = [await admin(), await member('alice'), await member('bob')]
    for (const [visitor, text] of [
      [alice, 'one'],
      [alice, 'two'],
      [bob, 'three'],
      [bob, 'four']
    ] as const)
      await visitor.write(text)
    const reader = await boss.openClient().ready()

    assert.deepEqual(await codeOf(await remove(bob, 1)), [403, 'BOARD_NOT_YOURS'])
    assert.equal((await remove(alice, 1)).status, 200)
    assert.deepEqual(await codeOf(await remove(alice, 1)), [404, 'BOARD_UNKNOWN'])
    assert.deepEqual(await codeOf(await remove(bob, 999)), [404, 'BOARD_UNKNOWN'])
    await reader.frame('deleted', ({ idx }) => idx === 1)

    await boss.grant('bob', { sectors: ['moderator'] })
    assert.equal((await remove(bob, 2)).status, 200)
    await boss.grant('bob', { withdraw: ['moderator'], sectors: ['press'] })
    assert.deepEqual(await codeOf(await remove(alice, 3)), [403, 'BOARD_NOT_YOURS'])
    assert.equal((await remove(boss, 3)).status, 200)
    assert.deepEqual(contents(await alice.history()), ['four'])
    await reader.frame('deleted', ({ idx }) => idx === 3)
    assert.deepEqual(reader.told, [5, 6, 7])
  })

  it('is refused to strangers, other sites and for what is no post', async (t) => {
    const { admin, visitor } = await startApp(t)
    const boss = await admin()
    await boss.write('stays')
    assert.deepEqual(await codeOf(await remove(visitor(), 1)), [401, 'GS_NOT_LOGGED_IN'])
    assert.deepEqual(await codeOf(await remove(boss, 1, { origin: 'https://evil.test' })), [403, 'GS_CROSS_SITE'])
    assert.deepEqual(await codeOf(await remove(boss, 1, { 'sec-fetch-site': 'same-site' })), [403, 'GS_CROSS_SITE'])
    for (const idx of ['0', '-1', 'x', '1e1', '%31x', '9'.repeat(16)])
      assert.deepEqual(await codeOf(await remove(boss, idx)), [400, 'BOARD_QUERY_INVALID'], idx)
    assert.deepEqual(contents(await boss.history()), ['stays'])
  })

  it('by a form leads back to the page where it stood', async (t) => {
    const { admin } = await startApp(t)
    const visitor = await admin()
    for (const text of ['one', 'two', 'three']) await visitor.write(text)
    const send = (idx: number, fields: Record<string, string> = {}) =>
      visitor.fetch(`/lwsgs/messages/${idx}/delete`, { method: 'POST', body: new URLSearchParams(fields) })
    const first = await send(1)
    assert.deepEqual([first.status, first.headers.get('location')], [303, '/lwsgs/board.html'])
    assert.equal((await send(2, { before: '3' })).headers.get('location'), '/lwsgs/board.html?before=3')
    assert.deepEqual(await codeOf(await send(3, { before: '//evil.test' })), [400, 'BOARD_BODY_INVALID'])
    const json = await visitor.fetch('/lwsgs/messages/3/delete', { method: 'POST' })
    assert.deepEqual([json.status, await json.json()], [200, { ok: true }])
    assert.deepEqual(await visitor.history(), { posts: [], older: false })
  })
})

describe('the websocket with messageboard.2', () => {
  it('is chosen before the original when a client offers both', async (t) => {
    const { admin } = await startApp(t)
    const socket = (await admin()).openBoard({ subprotocols: ['protocol-lws-messageboard', 'messageboard.2'] })
    await once(socket, 'open')
    assert.equal(socket.protocol, 'messageboard.2')
    socket.terminate()
  })

  it('posts and deletes as the calls over HTTP do', async (t) => {
    const { admin, member } = await startApp(t)
    const boss = await admin()
    const alice = await member('alice')
    const client = await alice.openClient().ready()
    const listener = new FrameReader(boss.openBoard())
    const text = `a "quote" \u202e${'😀'.repeat(3980)}`
    assert.deepEqual(await client.send({ type: 'post', msg: text }), { type: 'done', id: 'own 1', idx: 1 })
    const { post } = await client.frame('post')
    assert.deepEqual([post.content, post.username, post.own, post.deletable], [text, 'alice', true, true])
    assert.equal((await listener.count(1))[0]!.content, text)
    await boss.write('by the boss')
    assert.equal(isRefused(await client.send({ type: 'delete', idx: 2 })), 'BOARD_NOT_YOURS')
    assert.equal(isRefused(await client.send({ type: 'delete', idx: 7 })), 'BOARD_UNKNOWN')
    assert.equal(isRefused(await client.send({ type: 'delete', idx: 1 })), 'done')
    await client.frame('deleted', ({ idx }) => idx === 1)
    assert.deepEqual(contents(await boss.history()), ['by the boss'])
  })

  it('keeps the order in which a client sends', async (t) => {
    const { admin } = await startApp(t)
    const client = await (await admin()).openClient().ready()
    await Promise.all(Array.from({ length: 50 }, (_, index) => client.send({ type: 'post', msg: `post ${index}` })))
    await client.frame('post', ({ seq }) => seq === 50)
    assert.deepEqual(
      client.page.map(({ content }) => content),
      Array.from({ length: 50 }, (_, index) => `post ${index}`)
    )
  })

  it('stores a post that is sent again once, over whatever way it comes', async (t) => {
    const { admin, member } = await startApp(t)
    const alice = await member('alice')
    const client = await alice.openClient().ready()
    const again = { type: 'post', id: 'the same', msg: 'once' } as const
    assert.deepEqual(await client.send(again), { type: 'done', id: 'the same', idx: 1 })
    const second = await alice.openClient().ready()
    assert.deepEqual(await second.send(again), { type: 'done', id: 'the same', idx: 1 })
    const response = await alice.post('/lwsgs/msg', { msg: 'once', id: 'the same' })
    assert.deepEqual([response.status, await response.json()], [201, { ok: true, idx: '1' }])
    const form = await alice.fetch('/lwsgs/msg', { method: 'POST', body: new URLSearchParams({ msg: 'once', id: 'the same' }) })
    assert.equal(form.status, 303)
    const other = await (await admin()).openClient().ready()
    const answer = await other.send(again)
    assert.notEqual('idx' in answer && answer.idx, 1)
    assert.deepEqual(contents(await alice.history()), ['once', 'once'])
    for (const id of ['', 'x'.repeat(65), 5])
      assert.deepEqual(await codeOf(await alice.post('/lwsgs/msg', { msg: 'x', id })), [400, 'BOARD_BODY_INVALID'])
  })

  it('refuses what cannot be posted, and goes on', async (t) => {
    const { admin, boardDatabase } = await startApp(t)
    const client = await (await admin()).openClient().ready()
    for (const msg of ['', ' \n', 'a\u0000b', 'a'.repeat(4001), '\ud83d'])
      assert.equal(isRefused(await client.send({ type: 'post', msg })), 'BOARD_MESSAGE_INVALID', msg.slice(0, 9))
    for (const frame of [
      { type: 'post', id: 'bad' },
      { type: 'post', id: 'bad', msg: 5 },
      { type: 'post', id: 'bad', msg: 'x', username: 'root' },
      { type: 'post', id: 'bad', msg: 'x', time: 1 },
      { type: 'delete', id: 'bad', idx: '1' },
      { type: 'delete', id: 'bad', idx: 1.5 },
      { type: 'delete', id: 'bad', idx: -1 },
      { type: 'hello', id: 'bad' }
    ]) {
      client.frames.length = 0
      client.socket.send(JSON.stringify(frame))
      const { code, id } = await client.frame('refused')
      assert.deepEqual([code, id], ['BOARD_FRAME_INVALID', 'bad'], JSON.stringify(frame))
    }
    assert.equal(boardDatabase().prepare('select count(*) from message').pluck().get(), 0)
    assert.equal((await client.send({ type: 'post', msg: 'fine' })).type, 'done')
  })

  it('counts posts together with those over HTTP', async (t) => {
    const { admin, member } = await startApp(t)
    const alice = await member('alice')
    const client = await alice.openClient().ready()
    for (let number = 0; number < 30; number++) assert.equal((await client.send({ type: 'post', msg: 'x' })).type, 'done')
    for (let number = 0; number < 90; number++) await alice.write('x')
    assert.equal(isRefused(await client.send({ type: 'post', msg: 'x' })), 'BOARD_TOO_MANY_POSTS')
    const response = await alice.post('/lwsgs/msg', { msg: 'x' })
    assert.ok(Number(response.headers.get('retry-after')) > 0)
    assert.deepEqual(await codeOf(response), [429, 'BOARD_TOO_MANY_POSTS'])
    // Of others, nobody has counted anything, and deletions are counted apart.
    assert.equal((await client.send({ type: 'delete', idx: 1 })).type, 'done')
    assert.equal(await (await admin()).write('x'), 121)
  })

  it('closes with 1008 for what is no frame, and the board lives on', async (t) => {
    const { admin, member } = await startApp(t)
    const alice = await member('alice')
    let seed = 11
    const random = (below: number) => (seed = (seed * 48_271) % 2_147_483_647) % below
    const noise = () => Buffer.from(Array.from({ length: 1 + random(60) }, () => random(256)))
    const frames: (string | Buffer)[] = [
      '',
      '{',
      'null',
      '5',
      '[]',
      '"text"',
      '{}',
      '{"type":"post","msg":"x"}',
      '{"type":"post","id":"","msg":"x"}',
      `{"type":"post","id":"${'x'.repeat(65)}","msg":"x"}`,
      '{"type":"post","id":"\\ud83d","msg":"x"}',
      '{"type":["post"],"id":"x","msg":"x"}',
      '['.repeat(30_000),
      '{"a":'.repeat(10_000),
      Buffer.from('{"type":"post","id":"x","msg":"x"}'),
      ...Array.from({ length: 20 }, noise)
    ]
    for (const frame of frames) {
      const client = alice.openClient()
      await client.ready()
      client.socket.send(frame)
      assert.deepEqual(await client.closed, { code: 1008, reason: 'no frame of messageboard.2' }, frame.toString().slice(0, 40))
    }
    // Broken by chance; most are, and none does harm.
    const whole = '{"type":"post","id":"x","msg":"hello"}'
    for (let round = 0; round < 60; round++) {
      const client = await alice.openClient().ready()
      const at = random(whole.length)
      const broken = [whole.slice(0, at), whole.slice(at), whole.slice(0, at) + String.fromCharCode(32 + random(90)) + whole.slice(at + 1)]
      client.socket.send(broken[random(3)]!)
      await Promise.race([client.closed, client.frame('refused'), client.frame('done')])
      client.socket.terminate()
    }
    // Names of Object.prototype are no types and no fields.
    const client = await alice.openClient().ready()
    client.socket.send('{"type":"__proto__","id":"x"}')
    client.socket.send('{"type":"post","id":"y","msg":"x","__proto__":{"mayModerate":true}}')
    await client.frame('refused', ({ id }) => id === 'y')
    assert.equal((await (await admin()).fetch('/healthz')).status, 200)
  })
})

describe('rights', () => {
  it('count as they are at each frame', async (t) => {
    const { admin, member } = await startApp(t)
    const [boss, bob] = [await admin(), await member('bob')]
    const [first, second] = [await boss.write('one'), await boss.write('two')]
    const client = await bob.openClient().ready()
    assert.equal((await client.frame('hello')).mayModerate, false)
    assert.equal(isRefused(await client.send({ type: 'delete', idx: first })), 'BOARD_NOT_YOURS')
    await boss.grant('bob', { sectors: ['moderator'] })
    assert.equal((await client.send({ type: 'delete', idx: first })).type, 'done')
    await client.frame('rights', ({ mayModerate }) => mayModerate)
    await boss.grant('bob', { withdraw: ['moderator'] })
    assert.equal(isRefused(await client.send({ type: 'delete', idx: second })), 'BOARD_NOT_YOURS')
    await client.frame('rights', ({ mayModerate }) => !mayModerate)
  })

  it('are over with the session: what was on its way is not stored', async (t) => {
    const { admin, boardDatabase, member } = await startApp(t)
    const boss = await admin()
    const alice = await member('alice')
    const client = await alice.openClient().ready()
    const sending = Array.from({ length: 10 }, (_, index) => JSON.stringify({ type: 'post', id: `late ${index}`, msg: 'late' }))
    assert.equal((await alice.post('/lwsgs/logout', {})).status, 200)
    const before = boardDatabase().prepare('select count(*) from message').pluck().get()
    for (const frame of sending) client.socket.send(frame)
    assert.deepEqual(await client.closed, { code: 4401, reason: 'logout' })
    await boss.write('after')
    assert.equal(before, 0)
    assert.equal(boardDatabase().prepare('select count(*) from message').pluck().get(), 1)
    assert.deepEqual(client.told, [])
  })
})

describe('a deleted account', () => {
  it('takes its posts along, and readers see them go', async (t) => {
    const { admin, boardDatabase, member } = await startApp(t)
    const boss = await admin()
    const alice = await member('alice')
    await alice.write('a secret of alice')
    await boss.write('by the boss')
    await alice.write('another secret of alice')
    const reader = await boss.openClient().ready()
    assert.equal((await alice.post('/lwsgs/delete-account', { currentPassword: password })).status, 200)
    await reader.frame('deleted', ({ idx }) => idx === 1)
    await reader.frame('deleted', ({ idx }) => idx === 3)
    assert.deepEqual(contents(await boss.history()), ['by the boss'])
    assert.equal(
      boardDatabase().prepare("select count(*) from message where content like '%secret%' or username = 'alice'").pluck().get(),
      0
    )
  })

  it('does so when nobody is connected, and also when the board was down when it would have heard of it', async (t) => {
    const first = await startApp(t)
    const alice = await first.member('alice')
    await alice.write('a secret of alice')
    // As if the board had stopped in between.
    const board = first.boardDatabase()
    board.exec('begin immediate')
    assert.equal((await alice.post('/lwsgs/delete-account', { currentPassword: password })).status, 200)
    await first.app.close()
    board.exec('rollback')
    assert.equal(board.prepare('select content from message').pluck().get(), 'a secret of alice')

    const second = await startApp(t, first.config)
    const boss = await second.admin()
    const reader = await boss.openClient().ready()
    while (reader.page.length > 0) await once(reader.socket, 'told')
    assert.deepEqual(await boss.history(), { posts: [], older: false })
  })

  it('leaves nothing to who registers the name again', async (t) => {
    const { admin, boardDatabase, member } = await startApp(t)
    const alice = await member('alice')
    await alice.write('by the first alice')
    // One from before the board kept accounts.
    boardDatabase().exec("insert into message (time, username, content) values (1, 'alice', 'an old post')")
    const reader = await (await admin()).openClient().ready()
    await alice.post('/lwsgs/delete-account', { currentPassword: password })
    await reader.frame('deleted')
    const again = await member('alice')
    const { posts } = await again.history()
    assert.deepEqual(
      posts.map(({ content, own, deletable }) => [content, own, deletable]),
      [['an old post', false, false]]
    )
    assert.deepEqual(await codeOf(await remove(again, posts[0]!.idx)), [403, 'BOARD_NOT_YOURS'])
  })
})

describe('two processes that serve one board', () => {
  it('tell their readers what happens in the other one within a second', async (t) => {
    const here = await startApp(t)
    const there = await startApp(t, { dataDirectory: here.config.dataDirectory })
    const alice = await here.member('alice')
    const boss = await there.admin()
    const [reader, original] = [await boss.openClient().ready(), new FrameReader(boss.openBoard())]
    const writer = await alice.openClient().ready()
    await Promise.all([reader.people(2), writer.people(2)])

    const begin = performance.now()
    assert.equal((await writer.send({ type: 'post', msg: 'from here' })).type, 'done')
    await reader.frame('post')
    assert.ok(performance.now() - begin < 1500)
    assert.equal((await original.count(1))[0]!.content, 'from here')
    assert.equal((await remove(boss, 1)).status, 200)
    await writer.frame('deleted')
    await alice.write('the last one')
    await reader.frame('post', ({ post }) => post.content === 'the last one')
    assert.deepEqual(reader.told, [1, 2, 3])

    // The account is ended there, and its socket is here.
    const { accounts } = (await (await boss.fetch('/lwsgs/admin/accounts')).json()) as { accounts: { id: string; username: string }[] }
    const { id } = accounts.find(({ username }) => username === 'alice')!
    assert.equal((await boss.post(`/lwsgs/admin/accounts/${id}/delete`, {})).status, 200)
    assert.equal((await writer.closed).code, 4401)
    await reader.frame('deleted', ({ idx }) => idx === 2)
    await reader.people(1)
    assert.deepEqual(await boss.history(), { posts: [], older: false })
  })
})

describe('addresses of authors', () => {
  it('are neither stored nor sent', async (t) => {
    const lines: string[] = []
    const { admin, config, member } = await startApp(t, { trustProxy: ['127.0.0.1'], log: { write: (line) => void lines.push(line) } })
    const alice = await member('alice')
    const client = await alice.openClient().ready()
    const from = { 'x-forwarded-for': '203.0.113.77', 'user-agent': 'Browser of alice' }
    assert.equal((await alice.post('/lwsgs/msg', { msg: 'hello', id: 'an id' }, from)).status, 201)
    assert.equal((await client.send({ type: 'post', msg: 'over the socket' })).type, 'done')
    assert.ok(
      lines.some((line) => line.includes('203.0.113.77')),
      'the address never came here'
    )

    const boss = await admin()
    const reader = await boss.openClient().ready()
    const original = new FrameReader(boss.openBoard())
    await original.count(2)
    const answers = [
      JSON.stringify(reader.frames),
      JSON.stringify(original.frames),
      JSON.stringify(await boss.history()),
      await (await boss.fetch('/lwsgs/board.html')).text()
    ]
    for (const answer of answers) assert.match(answer, /over the socket/)
    const bytes = readdirSync(config.dataDirectory)
      .filter((name) => name.startsWith('messageboard.sqlite3'))
      .map((name) => readFileSync(join(config.dataDirectory, name), 'latin1'))
    assert.match(bytes.join(''), /over the socket/)
    const traces = /example\.com|alice@|203\.0\.113|127\.0\.0\.1|Browser of/
    for (const text of [...answers, ...bytes]) assert.equal(traces.exec(text)?.[0], undefined)
    // Nor any id by which posts could be traced to an account.
    for (const answer of answers) assert.deepEqual([...new Set(answer.match(/"(?:account|client|session)\w*"/gi) ?? [])], [])
  })
})
