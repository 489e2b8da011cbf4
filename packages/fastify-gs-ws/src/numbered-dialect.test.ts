import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { sqliteStore, WsUnavailableError, type GsWsOptions, type WsConnection } from './index.ts'
import { memoryStore } from './store/memory-store.ts'
import { Queue, startSite, type RawClient, type Site } from './testing/site.ts'

const link = 'a'.repeat(22)

interface Granted {
  readonly id: string
  readonly secret?: string
  readonly created: boolean
  readonly received: number
  readonly lost: boolean
  readonly expiresAt: number
}

interface Counted {
  count?: number
}

async function granted(client: RawClient): Promise<Granted> {
  const [word, about] = await client.next()
  assert.equal(word, 'session')
  return about as Granted
}

async function create(site: Site, about: object = { link }) {
  const client = await site.connect('second')
  client.send('create', about)
  const { id, secret } = await granted(client)
  return { client, id, secret: secret! }
}

async function resume(site: Site, id: string, secret: string, received: number, more: object = {}) {
  const client = await site.connect('second')
  client.send('resume', { id, secret, link, received, ...more })
  return { client, about: await granted(client) }
}

/** The next frame that is none of these. */
async function nextOf(client: RawClient, passed: readonly unknown[] = ['ack', 'saved']): Promise<unknown[]> {
  for (;;) {
    const frame = await client.next()
    if (!passed.includes(frame[0])) return frame
  }
}

/** A site that notes what comes; `hold` stops until it is let go. */
async function start(t: TestContext, options: GsWsOptions = {}) {
  const conns = new Queue<WsConnection>()
  const heard = new Queue<unknown>()
  const released = new Queue<void>()
  const site = await startSite(t, { ...options, onSession: (conn) => conns.push(conn) })
  site.app.gsWs.on('note', (_conn, what) => heard.push(what))
  site.app.gsWs.on('hold', async (_conn, what) => {
    heard.push(what)
    await released.next()
  })
  site.app.gsWs.answer('hold', async (_conn, what) => {
    heard.push(what)
    await released.next()
    return what
  })
  site.app.gsWs.answer('echo', (_conn, what) => what)
  return { ...site, conns, heard, released }
}

describe('a broken connection of the second dialect', () => {
  it('loses nothing that the server sends meanwhile, and tells nobody', async (t) => {
    const site = await start(t)
    const { client, id, secret } = await create(site)
    const conn = await site.conns.next()
    let closes = 0
    conn.onLocal('close', () => closes++)
    conn.send('first', 1)
    assert.deepEqual(await client.next(), ['message', 1, 'first', 1])
    client.socket.terminate()
    await client.closed
    conn.send('second', 2)
    const { client: again, about } = await resume(site, id, secret, 1)
    assert.deepEqual([about.created, about.received, about.lost], [false, 0, false])
    assert.deepEqual(await again.next(), ['message', 2, 'second', 2])
    conn.send('third', 3)
    assert.deepEqual(await again.next(), ['message', 3, 'third', 3])
    assert.equal(closes, 0)
    assert.equal(site.conns.all.length, 1)
    assert.equal(site.app.gsWs.connections.size, 1)
  })

  it('has its messages handled once, in order, whatever is sent again', async (t) => {
    const site = await start(t)
    const { client, id, secret } = await create(site)
    client.send('message', 1, 'note', 'one')
    client.send('message', 2, 'note', 'two')
    assert.deepEqual([await site.heard.next(), await site.heard.next()], ['one', 'two'])
    client.socket.terminate()
    const { client: again, about } = await resume(site, id, secret, 0)
    assert.equal(about.received, 2)
    for (const [n, what] of ['one', 'two', 'three'].entries()) again.send('message', n + 1, 'note', what)
    assert.equal(await site.heard.next(), 'three')
    assert.deepEqual(await again.next(), ['ack', 3])
    assert.deepEqual(site.heard.all, ['one', 'two', 'three'])
  })

  it('does not begin again with a message that is being handled', async (t) => {
    const site = await start(t)
    const { client, id, secret } = await create(site)
    client.send('message', 1, 'hold', 'slow')
    await site.heard.next()
    client.socket.terminate()
    const { client: again, about } = await resume(site, id, secret, 0)
    assert.equal(about.received, 0)
    again.send('message', 1, 'hold', 'slow')
    again.send('message', 2, 'note', 'after')
    again.send('ping')
    assert.deepEqual(await again.next(), ['pong'])
    assert.deepEqual(site.heard.all, ['slow'])
    site.released.push()
    assert.equal(await site.heard.next(), 'after')
    assert.deepEqual(await again.next(), ['ack', 2])
  })

  it('gets the answer to a question that was asked before', async (t) => {
    const site = await start(t)
    const { client, id, secret } = await create(site)
    client.send('ask', 1, 'hold', 'slow')
    await site.heard.next()
    client.socket.terminate()
    const { client: again } = await resume(site, id, secret, 0)
    again.send('ask', 1, 'hold', 'slow')
    site.released.push()
    assert.deepEqual(await again.next(), ['answer', 1, 1, null, 'slow'])
    assert.deepEqual(await again.next(), ['ack', 1])
    assert.deepEqual(site.heard.all, ['slow'])
  })

  it('is replaced by the next one of the same link, which may come first', async (t) => {
    const site = await start(t)
    const { client, id, secret } = await create(site)
    const { client: again } = await resume(site, id, secret, 0)
    assert.equal(await client.closed, '4409 replaced')
    again.send('ask', 1, 'echo', 'here')
    assert.deepEqual(await again.next(), ['answer', 1, 1, null, 'here'])
    assert.equal(site.app.gsWs.connections.size, 1)
  })

  it('is forgotten after linkTimeout: what was not acknowledged is lost, which is told', async (t) => {
    const site = await start(t, { linkTimeout: 60 })
    const { client, id, secret } = await create(site)
    const conn = await site.conns.next()
    const over = new Promise<void>((resolve) => conn.onLocal('close', resolve))
    const detached = new Promise<void>((resolve) => client.socket.once('close', () => resolve()))
    t.mock.timers.enable({ apis: ['setTimeout'] })
    client.socket.terminate()
    await detached
    // The server hears of it by its own connection.
    while (isAttached(site)) await new Promise(setImmediate)
    conn.send('unheard')
    t.mock.timers.tick(60_000)
    await over
    t.mock.timers.reset()
    assert.equal(site.app.gsWs.connections.size, 0)
    const { about } = await resume(site, id, secret, 0)
    assert.equal(about.lost, true)
    assert.equal(site.conns.all.length, 2)
  })

  it('has nothing handled twice, though it was forgotten and the answers are lost', async (t) => {
    const site = await start(t, { linkTimeout: 60 })
    const { client, id, secret } = await create(site)
    const conn = await site.conns.next()
    const over = new Promise<void>((resolve) => conn.onLocal('close', resolve))
    client.send('message', 1, 'note', 'a')
    client.send('message', 2, 'note', 'b')
    await site.heard.next()
    await site.heard.next()
    t.mock.timers.enable({ apis: ['setTimeout'] })
    client.socket.terminate()
    while (isAttached(site)) await new Promise(setImmediate)
    t.mock.timers.tick(60_000)
    await over
    t.mock.timers.reset()
    const { client: again, about } = await resume(site, id, secret, 0, { again: 2 })
    assert.equal(about.received, 2)
    for (const [n, what] of ['a', 'b', 'c'].entries()) again.send('message', n + 1, 'note', what)
    assert.equal(await site.heard.next(), 'c')
    assert.deepEqual(site.heard.all, ['a', 'b', 'c'])
  })

  it('is told what has been handled before the server stops', async (t) => {
    const site = await start(t)
    const { client } = await create(site)
    client.send('message', 1, 'note', 'a')
    await site.heard.next()
    await new Promise(setImmediate)
    const closing = site.app.close()
    assert.deepEqual(await client.next(), ['ack', 1])
    assert.equal(await client.closed, '1001 closing')
    await closing
  })

  it('is forgotten at once when the client says goodbye', async (t) => {
    const site = await start(t)
    const { client } = await create(site)
    const conn = await site.conns.next()
    const over = new Promise<void>((resolve) => conn.onLocal('close', resolve))
    await client.close(1000)
    await over
    assert.equal(site.app.gsWs.connections.size, 0)
  })

  it('keeps the newest messages when too many wait, and tells that some are lost', async (t) => {
    const site = await start(t, { maxUnacknowledged: 32 })
    const { client, id, secret } = await create(site)
    const conn = await site.conns.next()
    client.socket.terminate()
    await client.closed
    while (isAttached(site)) await new Promise(setImmediate)
    for (let n = 1; n <= 40; n++) conn.send('tick', n)
    const { client: again, about } = await resume(site, id, secret, 0)
    assert.equal(about.lost, true)
    assert.deepEqual(await again.next(), ['message', 1, 'tick', 9])
    for (let n = 2; n < 32; n++) await again.next()
    assert.deepEqual(await again.next(), ['message', 32, 'tick', 40])
  })

  it('asks again what its messages may do, with what the new connection may', async (t) => {
    const site = await start(t, { allow: (conn) => conn.request.headers['x-may'] === 'yes' })
    const client = await site.connect('second', { 'x-may': 'yes' })
    client.send('create', { link })
    const { id, secret } = await granted(client)
    client.send('message', 1, 'note', 'allowed')
    await site.heard.next()
    client.socket.terminate()
    const { client: again } = await resume(site, id, secret!, 0)
    again.send('message', 2, 'note', 'not allowed')
    again.send('ask', 3, 'echo', 'neither')
    assert.deepEqual(await nextOf(again), ['answer', 1, 3, { code: 'forbidden', message: 'forbidden' }])
    assert.deepEqual(site.heard.all, ['allowed'])
  })
})

/** Whether the only link has a connection, as the log of pings does not tell: a message would be written to it. */
function isAttached({ app }: Site): boolean {
  const server = (app as unknown as { websocketServer: { clients: Set<unknown> } }).websocketServer
  return server.clients.size > 0
}

describe('messages of the second dialect', () => {
  it('are handled one after another; questions do not keep others waiting', async (t) => {
    const site = await start(t)
    const { client } = await create(site)
    client.send('ask', 1, 'hold', 'question')
    client.send('message', 2, 'hold', 'first')
    client.send('message', 3, 'note', 'second')
    client.send('ask', 4, 'echo', 'late')
    assert.deepEqual([await site.heard.next(), await site.heard.next()], ['question', 'first'])
    client.send('ping')
    assert.deepEqual(await client.next(), ['pong'])
    assert.equal(site.heard.all.length, 2)
    site.released.push()
    assert.deepEqual(await nextOf(client), ['answer', 1, 1, null, 'question'])
    site.released.push()
    assert.equal(await site.heard.next(), 'second')
    assert.deepEqual(await nextOf(client), ['answer', 2, 4, null, 'late'])
  })

  it('are acknowledged together: 16, or what came within 250 ms', async (t) => {
    const site = await start(t)
    const { client } = await create(site)
    for (let n = 1; n <= 18; n++) client.send('message', n, 'note', n)
    assert.deepEqual(await client.next(), ['ack', 16])
    assert.deepEqual(await client.next(), ['ack', 18])
  })

  it('that are cancelled are not answered', async (t) => {
    const site = await start(t)
    const { client } = await create(site)
    client.send('ask', 1, 'hold', 'slow')
    await site.heard.next()
    client.send('cancel', 1)
    client.send('ask', 2, 'echo', 'next')
    assert.deepEqual(await client.next(), ['answer', 1, 2, null, 'next'])
    // Though the handler of the first one never ends.
    assert.deepEqual(await client.next(), ['ack', 2])
  })

  it('whose handler fails do no harm', async (t) => {
    const site = await start(t)
    site.app.gsWs.on('throw', () => {
      throw new Error('thrown')
    })
    site.app.gsWs.on('reject', () => Promise.reject(new Error('rejected')))
    site.app.gsWs.answer('throw', () => {
      throw new Error('secret')
    })
    site.app.gsWs.answer('refuse', () => Promise.reject(Object.assign(new Error('not you'), { expose: true, code: 'NOT_YOU' })))
    site.app.gsWs.answer('cycle', () => {
      const cycle: unknown[] = []
      cycle.push(cycle)
      return cycle
    })
    const { client } = await create(site)
    client.send('message', 1, 'throw')
    client.send('message', 2, 'reject')
    const internal = { code: 'internal-error', message: 'internal-error' }
    client.send('ask', 3, 'throw')
    assert.deepEqual(await nextOf(client), ['answer', 1, 3, internal])
    client.send('ask', 4, 'refuse')
    assert.deepEqual(await nextOf(client), ['answer', 2, 4, { code: 'NOT_YOU', message: 'not you' }])
    client.send('ask', 5, 'cycle')
    assert.deepEqual(await nextOf(client), ['answer', 3, 5, internal])
    client.send('ask', 6, 'nobody')
    assert.deepEqual(await nextOf(client), ['answer', 4, 6, { code: 'no-handler', message: 'no handler' }])
    const failures = site.log.all.filter(({ level }) => level === 50).map((line) => (line['err'] as { message: string }).message)
    assert.deepEqual(failures.slice(0, 3), ['thrown', 'rejected', 'secret'])
    assert.match(failures[3]!, /circular/)
  })

  it('stop coming from a client while too many are at work', async (t) => {
    const site = await start(t, { maxUnacknowledged: 32, framesPerSecond: 1000 })
    const { client } = await create(site)
    for (let n = 1; n <= 100; n++) client.send('message', n, 'hold', n)
    for (let n = 1; n <= 100; n++) {
      assert.equal(await site.heard.next(), n)
      site.released.push()
    }
    const acks = []
    while (acks.at(-1) !== 100) acks.push((await client.next())[1])
    assert.ok(acks.length >= 6)
  })
})

describe('after a crash', () => {
  /** Two processes in turn, on one file. */
  async function places(t: TestContext) {
    const directory = mkdtempSync(join(tmpdir(), 'gs-ws-'))
    t.after(() => rmSync(directory, { recursive: true }))
    return () => sqliteStore({ path: join(directory, 'ws.sqlite3') })
  }
  function count(site: Site, seen: unknown[], saves: boolean) {
    site.app.gsWs.on('add', async (conn, n) => {
      seen.push([n, conn.replayed])
      const data = conn.session.data as Counted
      data.count = (data.count ?? 0) + Number(n)
      if (saves) await conn.save()
      conn.send('count', data.count)
    })
  }

  it('what was saved is not handled again, and what was not is', async (t) => {
    const open = await places(t)
    const seen: unknown[] = []
    const first = await startSite(t, { store: await open() })
    count(first, seen, true)
    const { client, id, secret } = await create(first)
    client.send('message', 1, 'add', 1)
    client.send('message', 2, 'add', 10)
    assert.deepEqual(
      [await nextOf(client), await nextOf(client)],
      [
        ['message', 1, 'count', 1],
        ['message', 2, 'count', 11]
      ]
    )
    // The other process takes over, as if this one had gone without a word.
    const second = await startSite(t, { store: await open() })
    count(second, seen, true)
    const { client: again, about } = await resume(second, id, secret, 2, { again: 3 })
    assert.deepEqual([about.received, about.lost], [2, true])
    again.send('message', 1, 'add', 1)
    again.send('message', 2, 'add', 10)
    again.send('message', 3, 'add', 100)
    again.send('message', 4, 'add', 1000)
    assert.deepEqual(await nextOf(again), ['message', 3, 'count', 111])
    assert.deepEqual(await nextOf(again), ['message', 4, 'count', 1111])
    assert.deepEqual(seen, [
      [1, false],
      [10, false],
      [100, true],
      [1000, false]
    ])
  })

  it('goes on behind what was acknowledged, though nobody knows that any more', async (t) => {
    const open = await places(t)
    const seen: unknown[] = []
    const first = await startSite(t, { store: await open() })
    count(first, seen, false)
    const { client, id, secret } = await create(first)
    client.send('message', 1, 'add', 1)
    await nextOf(client)
    assert.deepEqual(await client.next(), ['ack', 1])
    const second = await startSite(t, { store: await open() })
    count(second, seen, false)
    const { client: again, about } = await resume(second, id, secret, 1)
    assert.equal(about.received, 0)
    again.send('message', 2, 'add', 5)
    assert.deepEqual(await nextOf(again), ['message', 2, 'count', 5])
    again.send('message', 4, 'add', 5)
    assert.equal(await again.closed, '4400 gap')
  })

  it('an open question whose number was passed by a save is answered with a refusal', async (t) => {
    const open = await places(t)
    const first = await start(t, { store: await open() })
    count(first, [], true)
    const { client, id, secret } = await create(first)
    client.send('ask', 1, 'hold', 'slow')
    client.send('message', 2, 'add', 1)
    assert.deepEqual(await nextOf(client), ['message', 1, 'count', 1])
    const second = await start(t, { store: await open() })
    const { client: again, about } = await resume(second, id, secret, 1)
    assert.equal(about.received, 2)
    again.send('ask', 1, 'hold', 'slow')
    const [word, , asked, error] = await nextOf(again)
    assert.deepEqual([word, asked, (error as { code: string }).code], ['answer', 1, 'interrupted'])
    assert.deepEqual(second.heard.all, [])
  })
})

describe('the second dialect', () => {
  const faults: readonly [name: string, ...frames: unknown[]][] = [
    ['no array', { message: 1 }],
    ['an empty array', []],
    ['a word of the first dialect', ['session-create']],
    ['another word', ['hello']],
    ['an array as a word', [['create', {}]]],
    ['a message before a session is asked for', ['message', 1, 'note']],
    ['a resume without link', ['resume', { id: 'x', secret: 'y', received: 0 }]],
    ['a resume with a link of another form', ['resume', { id: 'x', secret: 'y', link: '__proto__', received: 0 }]],
    ['a resume with no number', ['resume', { id: 'x', secret: 'y', link, received: -1 }]],
    ['arguments that are no object', ['create', [link]]],
    ['arguments too many', ['create', {}, 1]],
    ['another create', ['create', { link }], ['create', { link }]],
    ['a number that is none', ['create', { link }], ['message', 0, 'note']],
    ['a fraction', ['create', { link }], ['message', 1.5, 'note']],
    ['a gap', ['create', { link }], ['message', 2, 'note']],
    ['an acknowledgement of what was never sent', ['create', { link }], ['ack', 1]],
    ['a name with $', ['create', { link }], ['message', 1, '$save']],
    ['a name with a full-width $', ['create', { link }], ['message', 1, '\uFF04save']],
    ['a name of a frame', ['create', { link }], ['message', 1, 'session-ok']],
    ['a question without a name', ['create', { link }], ['ask', 1]],
    ['too many elements', ['create', { link }], ['message', 1, 'note', ...Array.from({ length: 62 }, () => 0)]]
  ]
  for (const [name, ...frames] of faults) {
    it(`closes with 4400: ${name}`, async (t) => {
      const site = await start(t)
      const client = await site.connect('second')
      for (const frame of frames) client.raw(JSON.stringify(frame))
      assert.match(await client.closed, /^4400 /)
      assert.deepEqual(site.heard.all, [])
    })
  }

  it('tells neither id nor secret apart', async (t) => {
    const site = await start(t)
    const { id, secret } = await create(site)
    const client = await site.connect('second')
    const about = { link: 'b'.repeat(22), received: 0 }
    const other = (secret[0] === 'A' ? 'B' : 'A') + secret.slice(1)
    for (const wrong of [
      { id, secret: other },
      { id: 'nobody', secret },
      { id: 1, secret },
      { id, secret: null },
      { id: [id], secret },
      {}
    ])
      assert.deepEqual(await client.ask('resume', { ...about, ...wrong }), ['error', 'unknown'])
    assert.equal((await client.ask('resume', { ...about, id, secret }))[0], 'session')
  })

  it('says busy when the store is away, and goes on when it is there again', async (t) => {
    const store = memoryStore()
    let isAway = true
    const site = await start(t, {
      store: { ...store, create: (session) => (isAway ? Promise.reject(new WsUnavailableError('away')) : store.create(session)) }
    })
    const client = await site.connect('second')
    assert.deepEqual(await client.ask('create', {}), ['error', 'busy'])
    isAway = false
    assert.equal((await client.ask('create', {}))[0], 'session')
  })

  it('ends the session for all of its connections', async (t) => {
    const site = await start(t)
    const { client, id, secret } = await create(site)
    const other = await site.connect('second')
    other.send('resume', { id, secret, link: 'b'.repeat(22), received: 0 })
    await granted(other)
    client.send('end')
    assert.deepEqual(await Promise.all([client.closed, other.closed]), ['4401 ended', '4401 ended'])
    assert.equal(site.app.gsWs.connections.size, 0)
    const late = await site.connect('second')
    assert.deepEqual(await late.ask('resume', { id, secret, link, received: 0 }), ['error', 'unknown'])
  })

  it('tells all connections of a session that its data were saved', async (t) => {
    const site = await start(t)
    site.app.gsWs.on('set', async (conn, value) => {
      Object.assign(conn.session.data, { value })
      await conn.save()
    })
    const { client, id, secret } = await create(site)
    const other = await site.connect('second')
    other.send('resume', { id, secret, link: 'b'.repeat(22), received: 0 })
    await granted(other)
    client.send('message', 1, 'set', 5)
    const [word, version] = await nextOf(other, ['ack'])
    assert.equal(word, 'saved')
    assert.deepEqual(await nextOf(client, ['ack']), ['saved', version])
  })

  it('gives a session no more connections than perSession, but forgets those that are gone for it', async (t) => {
    const site = await start(t, { perSession: 2 })
    const { client, id, secret } = await create(site)
    const names = ['b', 'c', 'd'].map((letter) => letter.repeat(22))
    const second = await site.connect('second')
    second.send('resume', { id, secret, link: names[0], received: 0 })
    await granted(second)
    const third = await site.connect('second')
    assert.deepEqual(await third.ask('resume', { id, secret, link: names[1], received: 0 }), ['error', 'limit'])
    client.socket.terminate()
    await client.closed
    while ((site.app as unknown as { websocketServer: { clients: Set<unknown> } }).websocketServer.clients.size > 2)
      await new Promise(setImmediate)
    assert.equal((await third.ask('resume', { id, secret, link: names[2], received: 0 }))[0], 'session')
    assert.equal(site.app.gsWs.connections.size, 2)
  })

  it('is not offered to others, and may be the only one', async (t) => {
    const site = await start(t, { webgram: false })
    await assert.rejects(site.connect('first'), /400/)
    const { client } = await create(site)
    assert.equal(client.socket.protocol, 'gs-sessions.1')
  })
})
