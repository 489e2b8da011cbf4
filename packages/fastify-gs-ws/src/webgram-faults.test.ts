/*
 * Faults of the original server, each as a case: what was sent to it then does no harm here. Those of its store, W5, W10 to W12 and W14 to W16, are with
 * secrets, sessions and stores, those of the client in client/faults.test.ts, W26 in gs-cli: their tests have these names.
 */
import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import fc from 'fast-check'
import type { GsWsOptions, WsConnection } from './index.ts'
import { memoryStore } from './store/memory-store.ts'
import { Queue, startSite, type RawClient } from './testing/site.ts'

async function start(t: TestContext, options: GsWsOptions = {}) {
  const conns = new Queue<WsConnection>()
  const site = await startSite(t, { ...options, onSession: (conn) => conns.push(conn) })
  const heard: unknown[] = []
  site.app.gsWs.on('note', (_conn, ...args) => heard.push(args))
  site.app.gsWs.answer('incr', (_conn, n) => Number(n) + 1)
  return { ...site, conns, heard }
}

async function create(client: RawClient): Promise<[id: string, secret: string]> {
  const [word, id, secret] = await client.ask('session-create')
  assert.equal(word, 'session-ok')
  return [id as string, secret as string]
}

/** The connection lives, and so does the server. */
async function assertAlive(client: RawClient): Promise<void> {
  await client.settled()
  assert.deepEqual(await client.ask('ask', 77, 'incr', 1), [77, null, 2])
}

describe('W1: local events', () => {
  for (const word of [['$session-active'], ['$closed'], '$session-active', '$closed', '$save', '\uFF04save', '\uFE69save', [['note']]]) {
    it(`cannot be called as ${JSON.stringify(word)}`, async (t) => {
      const site = await start(t)
      const client = await site.connect()
      client.send(word)
      await create(client)
      client.send(word)
      let closes = 0
      site.conns.all[0]!.onLocal('close', () => closes++)
      await assertAlive(client)
      assert.deepEqual([site.conns.all.length, closes, site.heard.length], [1, 0, 0])
    })
  }
})

describe('W2: a frame that is no message', () => {
  const texts = [
    '5',
    'null',
    '{}',
    '[]',
    '[null]',
    '{"0":"x","length":1}',
    '"x"',
    '[5]',
    'no json',
    '',
    '[',
    '[[]]',
    '[{}]',
    '[""]',
    '[true]',
    '\u0000'
  ]
  for (const text of texts) {
    it(`is passed over: ${JSON.stringify(text)}`, async (t) => {
      const site = await start(t)
      const client = await site.connect()
      client.raw(text)
      await create(client)
      client.raw(text)
      await assertAlive(client)
    })
  }

  it('closes with 1008 when it comes again and again', async (t) => {
    const site = await start(t)
    const client = await site.connect()
    for (let n = 0; n < 100; n++) client.raw('null')
    assert.equal(await client.closed, '1008 faults')
  })
})

describe('W3: the key of the bookkeeping', () => {
  it('is no session, with and without a secret', async (t) => {
    const site = await start(t, { ids: 'sequence' })
    const client = await site.connect()
    await create(client)
    assert.deepEqual(await client.ask('session-resume', 'nextSessionID'), ['session-error', 'internal-error'])
    for (const id of ['nextSessionID', '__proto__', 'constructor'])
      assert.deepEqual(await client.ask('session-resume', id, 'undefined'), ['session-error', 'unknown session-id for resume'])
    await assertAlive(client)
  })
})

describe('W4: an id of another type', () => {
  it('is not the same session', async (t) => {
    const site = await start(t, { ids: 'sequence' })
    const client = await site.connect()
    const [id, secret] = await create(client)
    assert.equal(id, 1)
    const other = await site.connect()
    const unknown = ['session-error', 'unknown session-id for resume']
    assert.deepEqual(await other.ask('session-resume', '1', secret), unknown)
    for (const wrong of [[1], { id: 1 }, null, true, 1.5])
      assert.equal((await other.ask('session-resume', wrong, secret))[0], 'session-error')
    assert.deepEqual(await other.ask('session-resume', 1, secret), ['session-ok', 1])
    assert.equal(site.conns.all[0]!.session, site.conns.all[1]!.session)
  })
})

describe('W6: answers', () => {
  it('are given by handlers only, never by what objects have from birth', async (t) => {
    const site = await start(t)
    const client = await site.connect()
    await create(client)
    for (const [at, name] of ['constructor', '__proto__', 'toString', 'hasOwnProperty'].entries())
      assert.deepEqual(await client.ask('ask', at + 1, name), [at + 1, 'no handler'])
    await assertAlive(client)
  })

  it('that fail come once, say what they may, and leave the server alive', async (t) => {
    const site = await start(t)
    site.app.gsWs.answer('sync', () => {
      throw new Error('client: no')
    })
    site.app.gsWs.answer('async', () => Promise.reject(new Error('client: no')))
    site.app.gsWs.answer('secret', () => Promise.reject(new Error('the password is 1234')))
    site.app.gsWs.answer('nothing', () => Promise.reject())
    const client = await site.connect()
    await create(client)
    assert.deepEqual(await client.ask('ask', 1, 'sync'), [1, { message: 'client: no' }])
    assert.deepEqual(await client.ask('ask', 2, 'async'), [2, { message: 'client: no' }])
    assert.deepEqual(await client.ask('ask', 3, 'secret'), [3, { message: 'internal-error' }])
    assert.deepEqual(await client.ask('ask', 4, 'nothing'), [4, { message: 'internal-error' }])
    await assertAlive(client)
  })
})

describe('W7: the code of a question', () => {
  it('is a whole number above 0, or there is no answer', async (t) => {
    const site = await start(t)
    const client = await site.connect()
    await create(client)
    for (const code of ['session-ok', 0, -1, 1.5, null, [1], {}, '1', 1e300]) client.send('ask', code, 'incr', 1)
    await assertAlive(client)
  })
})

describe('W8: the process', () => {
  it('gets no handlers of ours', async (t) => {
    const events = ['uncaughtException', 'unhandledRejection', 'exit', 'SIGTERM', 'SIGINT'] as const
    const before = events.map((event) => process.listenerCount(event))
    const site = await start(t)
    await create(await site.connect())
    assert.deepEqual(
      events.map((event) => process.listenerCount(event)),
      before
    )
  })
})

describe('W9: a message', () => {
  it('is handled once: by the connection if it has a handler, else by the application', async (t) => {
    const site = await start(t)
    const client = await site.connect()
    await create(client)
    const own: unknown[] = []
    const conn = await site.conns.next()
    const stop = conn.on('note', (what) => own.push(what))
    client.send('note', 1)
    await assertAlive(client)
    stop()
    client.send('note', 2)
    await assertAlive(client)
    assert.deepEqual([own, site.heard], [[1], [[2]]])
    assert.throws(() => site.app.gsWs.on('note', () => undefined), /already/)
  })

  it('of a page of another site is not taken at all', async (t) => {
    const site = await start(t, { origins: ['https://app.example.com'] })
    const own = `127.0.0.1:${site.port}`
    for (const origin of [
      'https://evil.test',
      'null',
      `http://evil.${own}`,
      'http://127.0.0.1:1',
      'https://example.com',
      `http://${own}.evil.test`
    ])
      await assert.rejects(site.connect('first', { origin }), /403/, origin)
    for (const origin of [`http://${own}`, 'https://app.example.com', 'HTTPS://APP.EXAMPLE.COM'])
      await create(await site.connect('first', { origin }))
  })
})

describe('W13: without limit', () => {
  it('no more sessions are made than createsPerAddress', async (t) => {
    const store = memoryStore()
    const site = await start(t, { store, createsPerAddress: 10 })
    const client = await site.connect()
    const words = []
    for (let n = 0; n < 50; n++) words.push((await client.ask('session-create'))[0])
    assert.deepEqual(words, [...Array.from({ length: 10 }, () => 'session-ok'), ...Array.from({ length: 40 }, () => 'session-error')])
    assert.equal((await store.list({ now: Date.now(), limit: 100 })).sessions.length, 10)
    const second = await site.connect('second')
    assert.deepEqual(await second.ask('create', {}), ['error', 'limit'])
  })

  it('nothing large is kept of what a client says of itself', async (t) => {
    const site = await start(t)
    const client = await site.connect()
    assert.deepEqual(await client.ask('session-create', 'x'.repeat(5000)), ['session-error', 'internal-error'])
    await create(client)
  })
})

describe('W16: session-ok', () => {
  it('comes before all that onSession sends, in both dialects', async (t) => {
    const site = await startSite(t, {
      onSession: async (conn) => {
        conn.send('sync')
        await conn.save()
        conn.send('async')
      }
    })
    const client = await site.connect()
    await create(client)
    assert.deepEqual([await client.next(), await client.next()], [['sync'], ['async']])
    const second = await site.connect('second')
    const words = [await second.ask('create', {}), await second.next(), await second.next()].map(([word, , event]) => [word, event])
    assert.deepEqual(words, [
      ['session', undefined],
      ['message', 'sync'],
      ['message', 'async']
    ])
  })

  it('does not come to who is closed by onSession', async (t) => {
    const site = await startSite(t, { onSession: (conn) => conn.close(4000, 'not you') })
    for (const [dialect, word] of [
      ['first', 'session-create'],
      ['second', 'create']
    ] as const) {
      const client = await site.connect(dialect)
      client.send(word)
      assert.equal(await client.closed, '4000 not you')
      assert.deepEqual(client.frames.all, [])
    }
  })
})

describe('W17: a message before the session', () => {
  it('waits until there is one, and onSession is done', async (t) => {
    const told: unknown[] = []
    const gate = Promise.withResolvers<void>()
    const site = await startSite(t, {
      onSession: async () => {
        await gate.promise
        told.push('session')
      }
    })
    site.app.gsWs.on('note', (_conn, what) => told.push(what))
    const client = await site.connect()
    client.send('note', 1)
    client.send('session-create')
    client.send('note', 2)
    assert.equal((await client.next())[0], 'session-ok')
    client.send('note', 3)
    await client.settled()
    assert.deepEqual(told, [])
    gate.resolve()
    client.send('ask', 1, 'none')
    await client.next()
    assert.deepEqual(told, ['session', 1, 2, 3])
  })

  it('is not kept without end', async (t) => {
    const site = await start(t, { burst: 5000 })
    const many = await site.connect()
    for (let n = 0; n <= 1000; n++) many.send('note', n)
    assert.equal(await many.closed, '1008 too much without a session')
    const large = await site.connect()
    for (let n = 0; n < 20; n++) large.send('note', 'x'.repeat(60_000))
    assert.equal(await large.closed, '1008 too much without a session')
  })

  it('is handled although onSession fails', async (t) => {
    const site = await startSite(t, { onSession: () => Promise.reject(new Error('failed')) })
    site.app.gsWs.answer('incr', (_conn, n) => Number(n) + 1)
    const client = await site.connect()
    await create(client)
    await assertAlive(client)
    assert.ok(site.log.all.some(({ level, msg }) => level === 50 && msg === 'onSession failed'))
  })
})

describe('10,000 hostile frames', () => {
  const word = fc.oneof(
    fc.constantFrom(
      ...'session-create session-resume session-ok session-error ask cancel webgram-ping note incr $save create resume message answer ack end ping saved __proto__'.split(
        ' '
      )
    ),
    fc.anything()
  )
  const value = fc.oneof(
    fc.jsonValue(),
    fc.constantFrom(0, 1, 2, -1, 1e308, 2 ** 53, '__proto__', 'incr', null, {}, [], {
      link: 'a'.repeat(22),
      received: 0,
      id: 1,
      secret: 'x'
    })
  )
  const depth = fc.integer({ min: 1, max: 20_000 })
  const text = fc.oneof(
    { weight: 6, arbitrary: fc.tuple(word, fc.array(value, { maxLength: 5 })).map(([word, args]) => stringify([word, ...args])) },
    { weight: 1, arbitrary: fc.json() },
    { weight: 1, arbitrary: fc.string({ unit: 'binary' }) },
    { weight: 1, arbitrary: depth.map((depth) => '['.repeat(depth) + ']'.repeat(depth)) },
    { weight: 1, arbitrary: depth.map((depth) => `["note",${'{"a":'.repeat(depth / 4)}1${'}'.repeat(depth / 4)}]`) },
    {
      weight: 1,
      arbitrary: fc.constantFrom('["note",{"__proto__":{"polluted":1}}]', '["note",{"constructor":{"prototype":{"polluted":1}}}]')
    }
  )
  const data = fc.oneof(
    { weight: 9, arbitrary: text },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)) }
  )

  /** Frames that may come, with whatever in them, and now and then one that may not. */
  const numbered = fc.oneof(
    { weight: 10, arbitrary: fc.array(value, { maxLength: 5 }).map((args) => (n: number) => stringify(['message', n, 'note', ...args])) },
    {
      weight: 10,
      arbitrary: fc.tuple(fc.constantFrom('incr', 'nobody', 'toString'), value).map((args) => (n: number) => stringify(['ask', n, ...args]))
    },
    { weight: 3, arbitrary: fc.integer({ min: 1, max: 50 }).map((n) => () => stringify(['cancel', n])) },
    { weight: 2, arbitrary: fc.constant(() => '["ping"]') },
    { weight: 1, arbitrary: data.map((data) => () => data) }
  )

  async function assertWhole(site: Awaited<ReturnType<typeof start>>, before: number): Promise<void> {
    const last = await site.connect()
    await create(last)
    await assertAlive(last)
    await last.close()
    assert.ok(site.heard.length > 1000, `only ${site.heard.length} messages came through`)
    assert.ok(process.memoryUsage().heapUsed - before < 200 * 2 ** 20)
    assert.equal(({} as { polluted?: number }).polluted, undefined)
    const { websocketServer } = site.app as unknown as { websocketServer: { clients: Set<{ terminate(): void }> } }
    for (const socket of websocketServer.clients) socket.terminate()
    while (websocketServer.clients.size > 0) await new Promise(setImmediate)
    assert.ok(![...site.app.gsWs.connections].some(({ dialect }) => dialect === 'webgram'))
    assert.deepEqual(
      site.log.all.filter(({ level }) => Number(level) >= 50),
      []
    )
  }
  const wide = { framesPerSecond: 100_000, createsPerAddress: 1_000_000, perAddress: 100_000 }

  it('leave the server as it was: first dialect', async (t) => {
    const site = await start(t, wide)
    const before = process.memoryUsage().heapUsed
    let client = await site.connect()
    client.send('session-create')
    for (const [at, frame] of fc.sample(data, 5000).entries()) {
      if (client.socket.readyState !== client.socket.OPEN) {
        client = await site.connect()
        client.send('session-create')
      }
      client.send('note', at)
      client.raw(frame)
      // Else all is sent before the first answer comes.
      if (at % 10 === 0) await new Promise(setImmediate)
    }
    await assertWhole(site, before)
  })

  it('leave the server as it was: second dialect', async (t) => {
    const site = await start(t, wide)
    const before = process.memoryUsage().heapUsed
    let client = await site.connect('second')
    let n = 0
    client.send('create', { link: 'a'.repeat(22) })
    for (const [at, frame] of fc.sample(numbered, 5000).entries()) {
      if (client.socket.readyState !== client.socket.OPEN) {
        client = await site.connect('second')
        client.send('create', { link: 'a'.repeat(22) })
        n = 0
      }
      const made = frame(n + 1)
      if (typeof made === 'string' && /^\["(message|ask)",/.test(made)) n++
      client.raw(made)
      if (at % 10 === 0) await new Promise(setImmediate)
    }
    await assertWhole(site, before)
  })
})

/** What cannot be said in JSON is sent as something else. */
function stringify(value: unknown): string {
  try {
    return JSON.stringify(value) ?? 'undefined'
  } catch {
    return 'undefined'
  }
}
