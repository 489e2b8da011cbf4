import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import { WebSocket } from 'ws'
import { ProtocolServer } from '../testing/protocol-server.ts'
import { createClient, memoryStorage, type ClientOptions, type GsWsClient, type LocalEvents } from './index.ts'

const quick = { min: 1, max: 5 }

/** A client that is closed after the test; nothing that it tells as an error is overlooked. */
function open(t: TestContext, url: string, options: ClientOptions = {}) {
  const client = createClient(url, { retry: quick, WebSocket, ...options })
  t.after(() => client.close())
  const errors: (Error & { code?: string })[] = []
  client.onLocal('error', (error) => errors.push(error))
  return Object.assign(client, { errors })
}

const next = <E extends keyof LocalEvents>(client: GsWsClient, event: E): Promise<LocalEvents[E]> =>
  new Promise((resolve) => {
    const stop = client.onLocal(event, (...args) => {
      stop()
      resolve(args)
    })
  })

const stateOf = (client: GsWsClient, state: string): Promise<void> =>
  new Promise((resolve) => {
    const look = () => {
      if (client.state !== state) return
      stop()
      resolve()
    }
    const stop = client.subscribe(look)
    look()
  })

describe('a client', () => {
  it('holds messages until there is a session, and sends them once and in order', async (t) => {
    const server = await ProtocolServer.start(t)
    const client = open(t, server.url)
    for (let n = 0; n < 20; n++) client.send('count', n)
    await client.flush()
    client.send('count', 20)
    await client.flush()
    assert.deepEqual(
      server.handled,
      Array.from({ length: 21 }, (_, n) => ['count', n])
    )
    assert.deepEqual(server.frames[0]![0], 'create')
    assert.match(server.frames[0]![1].link as string, /^[\w-]{22}$/)
    assert.deepEqual(client.errors, [])
  })

  it('works with the global WebSocket as well', async (t) => {
    const server = await ProtocolServer.start(t)
    const client = open(t, server.url.replace('ws:', 'http:'), { WebSocket: globalThis.WebSocket })
    assert.equal(await client.ask('echo', ['hello']), 'hello')
  })

  it('sends what was sent during a break, and hears what was said', async (t) => {
    const server = await ProtocolServer.start(t)
    const client = open(t, server.url)
    const heard: unknown[] = []
    client.on('news', (...args) => heard.push(...args))
    const { id } = await client.waitForSession()
    server.cut()
    client.send('one')
    server.send('news', 1)
    await stateOf(client, 'waiting')
    client.send('two')
    server.send('news', 2)
    await client.flush()
    server.send('news', 3)
    await client.ask('echo', [1])
    assert.deepEqual(server.handled, [['one'], ['two'], ['echo', 1]])
    assert.deepEqual(heard, [1, 2, 3])
    assert.equal(client.session!.id, id)
    assert.deepEqual(client.session, { id, expiresAt: 1e15, created: false, replaced: false })
  })

  it('tells its states', async (t) => {
    const server = await ProtocolServer.start(t)
    const client = open(t, server.url)
    const states: string[] = []
    client.subscribe(() => states.push(client.state))
    assert.equal(client.state, 'connecting')
    await client.waitForSession()
    server.cut()
    await stateOf(client, 'waiting')
    await client.waitForSession()
    client.close()
    assert.deepEqual(states, ['session', 'waiting', 'connecting', 'session', 'closed'])
    assert.throws(() => client.send('late'), { code: 'closed' })
    await assert.rejects(client.waitForSession(), { code: 'closed' })
    await server.until(() => server.sockets.size === 0 && server.links.size === 0)
  })

  it('drops what it has had already, and acknowledges in batches', async (t) => {
    const server = await ProtocolServer.start(t)
    const client = open(t, server.url)
    const heard: unknown[] = []
    client.on('news', (n) => heard.push(n))
    await client.waitForSession()
    server.raw('["message",1,"news",1]', '["message",1,"news",1]', '["message",2,"news",2]', '["message",1,"news",1]')
    for (let n = 3; n <= 14; n++) server.raw(`["message",${n},"news",${n}]`)
    await server.until(() => server.words('ack').length > 0)
    assert.deepEqual(server.words('ack'), [['ack', 14]])
    assert.equal(heard.length, 14)
    // After 250 ms also a single one.
    server.raw('["message",15,"news",15]')
    await server.until(() => server.words('ack').length > 1)
    assert.deepEqual(server.words('ack')[1], ['ack', 15])
  })

  it('connects anew when a number is missing', async (t) => {
    const server = await ProtocolServer.start(t)
    const client = open(t, server.url)
    const heard: unknown[] = []
    client.on('news', (n) => heard.push(n))
    await client.waitForSession()
    server.raw('["message",2,"news",2]')
    const [{ code, reason }] = await next(client, 'close')
    assert.deepEqual([code, reason], [1006, 'gap'])
    await client.waitForSession()
    assert.deepEqual(heard, [])
    assert.equal(server.words('resume').length, 1)
  })

  it('goes on with another link when the server has forgotten this one, and tells', async (t) => {
    const server = await ProtocolServer.start(t)
    const client = open(t, server.url)
    const heard: unknown[] = []
    client.on('news', (n) => heard.push(n))
    client.send('one')
    await client.flush()
    server.send('news', 1)
    await client.ask('echo')
    const lost = next(client, 'lost')
    server.crash()
    await stateOf(client, 'waiting')
    client.send('two')
    await client.flush()
    assert.deepEqual(await lost, [{ incoming: true, outgoing: [] }])
    server.send('news', 2)
    await client.ask('echo')
    assert.deepEqual(heard, [1, 2])
    assert.deepEqual(server.handled, [['one'], ['echo'], ['two'], ['echo']])
    const links = server.words('resume').map(([, { link }]) => link as string)
    assert.equal(new Set(links).size, 2)
    assert.equal(server.sessions.size, 1)
  })

  it('sends again what a server that has forgotten did not save', async (t) => {
    const server = await ProtocolServer.start(t)
    const client = open(t, server.url)
    await client.ask('echo', [0])
    server.acknowledges = false
    client.send('one')
    client.send('two')
    await server.until(() => server.handled.length === 3)
    server.crash()
    server.acknowledges = true
    // A server that had saved `one`, number 2.
    server.script = (frame, socket) => {
      if (frame[0] !== 'resume') return false
      server.script = null
      const [session] = server.sessions.values()
      const granted = { id: session!.id, created: false, received: 2, lost: true, expiresAt: 1e15 }
      return socket.send(JSON.stringify(['session', granted]))
    }
    await client.flush()
    assert.deepEqual(server.handled, [['echo', 0], ['one'], ['two'], ['two']])
  })

  it('rejects questions whose answer the server has forgotten', async (t) => {
    const server = await ProtocolServer.start(t)
    const client = open(t, server.url)
    server.answer = () => undefined
    const asked = client.ask('never')
    void asked.catch(() => {})
    await client.flush()
    server.send('x')
    server.crash()
    await assert.rejects(asked, { code: 'lost' })
  })

  it('asks: answers, refusals, time-outs, signals', async (t) => {
    const server = await ProtocolServer.start(t)
    const client = open(t, server.url)
    server.answer = (question, value) => {
      if (question === 'refuse') return Object.assign(new Error('You may not'), { code: 'forbidden' })
      return question === 'never' ? undefined : value
    }
    assert.deepEqual(await client.ask('echo', [{ a: 1 }]), { a: 1 })
    assert.equal(await client.ask('echo', [null]), null)
    await assert.rejects(client.ask('refuse'), { name: 'Error', code: 'forbidden', message: 'You may not' })
    await assert.rejects(client.ask('never', [], { timeout: 5 }), { code: 'timeout' })
    const controller = new AbortController()
    const aborted = client.ask('never', [], { signal: controller.signal })
    controller.abort(new Error('Enough'))
    await assert.rejects(aborted, { message: 'Enough' })
    await assert.rejects(client.ask('echo', [], { signal: controller.signal }), { message: 'Enough' })
    await client.ask('echo', [1])
    assert.deepEqual(
      server.words('cancel').map(([, n]) => n as number),
      server.words('ask').flatMap(([, n, question]) => (question === 'never' ? [n as number] : []))
    )
    // An answer that comes all the same, and one to nothing.
    server.raw('["answer",5,4,null,"late"]', '["answer",6,77,null,1]')
    for (const link of server.links.values()) link.next += 2
    assert.equal(await client.ask('echo', [2]), 2)
    assert.deepEqual(client.errors, [])
  })

  it('takes a question back that was never sent', async (t) => {
    const server = await ProtocolServer.start(t)
    const client = open(t, server.url)
    await client.waitForSession()
    server.cut()
    await stateOf(client, 'waiting')
    server.script = () => true
    await assert.rejects(client.ask('never', [], { timeout: 1 }), { code: 'timeout' })
    client.send('one')
    server.script = null
    server.cut()
    await client.flush()
    assert.deepEqual(server.handled, [['one']])
  })

  it('rejects what waits when it is closed', async (t) => {
    const server = await ProtocolServer.start(t)
    const client = open(t, server.url)
    server.answer = () => undefined
    const asked = client.ask('never')
    await client.flush()
    client.close()
    await assert.rejects(asked, { code: 'closed' })
    client.close()
  })

  it('refuses what is no name, no JSON, too large, or too much; and tells when there is room', async (t) => {
    const server = await ProtocolServer.start(t)
    const client = open(t, server.url, { maxBuffered: 2, maxBufferedBytes: 150_000, pingInterval: 30_000 })
    for (const name of ['', '$x', '＄x', 'session-ok', 'x'.repeat(129), 5 as unknown as string, ['$x'] as unknown as string]) {
      assert.throws(() => client.send(name), TypeError)
      assert.throws(() => client.on(name, () => {}), TypeError)
      await assert.rejects(client.ask(name), TypeError)
    }
    const cycle: unknown[] = []
    cycle.push(cycle)
    assert.throws(() => client.send('x', cycle), TypeError)
    assert.throws(() => client.send('x', 1n), TypeError)
    assert.throws(() => client.send('x', 'ö'.repeat(33_000)), RangeError)
    assert.throws(() => client.send('x', ...Array.from({ length: 61 })), RangeError)
    assert.equal(client.writable, true)
    client.send('one')
    client.send('two')
    assert.equal(client.writable, false)
    const drain = next(client, 'drain')
    assert.throws(() => client.send('three'), RangeError)
    await drain
    assert.equal(client.writable, true)
    client.send('three')
    await client.flush()
    assert.deepEqual(server.handled, [['one'], ['two'], ['three']])
  })

  it('takes the arguments as they are when it is called', async (t) => {
    const server = await ProtocolServer.start(t)
    const client = open(t, server.url)
    const value = { n: 1 }
    client.send('x', value)
    value.n = 2
    await client.flush()
    assert.deepEqual(server.handled, [['x', { n: 1 }]])
  })

  it('is no quicker than the server allows', async (t) => {
    const server = await ProtocolServer.start(t)
    const client = open(t, server.url, { framesPerSecond: 20 })
    const at: number[] = []
    server.script = (frame) => {
      if (frame[0] === 'message') at.push(performance.now())
      return false
    }
    for (let n = 0; n < 30; n++) client.send('x', n)
    await client.flush()
    assert.equal(at.length, 30)
    assert.ok(at[29]! - at[0]! > 300, `${at[29]! - at[0]!} ms`)
    assert.deepEqual(
      server.handled.map(([, n]) => n),
      Array.from({ length: 30 }, (_, n) => n)
    )
  })

  it('is not cut off because many questions time out at once', async (t) => {
    const server = await ProtocolServer.start(t)
    const client = open(t, server.url, { framesPerSecond: 20 })
    server.answer = (question) => (question === 'never' ? undefined : null)
    const controller = new AbortController()
    const asked = Array.from({ length: 40 }, async () => client.ask('never', [], { signal: controller.signal }))
    await client.ask('echo')
    controller.abort(new Error('Enough'))
    await Promise.allSettled(asked)
    await client.ask('echo')
    const count = server.words('cancel').length
    assert.ok(count <= 20, `${count} frames`)
    assert.equal(server.connections, 1)
  })

  it('goes on when a handler fails, and tells', async (t) => {
    const server = await ProtocolServer.start(t)
    const client = open(t, server.url)
    const heard: string[] = []
    client.on('news', () => {
      throw new Error('first')
    })
    client.on('news', () => Promise.reject(new Error('second')))
    const stop = client.on('news', () => heard.push('third'))
    await client.waitForSession()
    server.send('news')
    await client.ask('echo')
    stop()
    server.send('news')
    await client.ask('echo')
    assert.deepEqual(heard, ['third'])
    assert.deepEqual(client.errors.map(({ message }) => message).sort(), ['first', 'first', 'second', 'second'])
    assert.equal(server.connections, 1)
  })

  it('writes what goes wrong to the console when nobody listens', async (t) => {
    const server = await ProtocolServer.start(t)
    const client = createClient(server.url, { retry: quick, WebSocket })
    t.after(() => client.close())
    const written = t.mock.method(console, 'error', () => {})
    client.on('news', () => {
      throw new Error('mine')
    })
    client.onLocal('saved', () => {
      throw new Error('also mine')
    })
    await client.waitForSession()
    server.send('news')
    server.raw('["saved",2]')
    await client.ask('echo')
    assert.deepEqual(
      written.mock.calls.map(({ arguments: [error] }) => (error as Error).message),
      ['mine', 'also mine']
    )
  })

  it('can be closed by each of its listeners', async (t) => {
    const server = await ProtocolServer.start(t)
    for (const event of ['open', 'state', 'session', 'close'] as const) {
      const client = open(t, server.url)
      client.onLocal(event, () => client.close())
      if (event === 'close') void client.waitForSession().then(() => server.cut())
      await stateOf(client, 'closed')
      await server.until(() => server.sockets.size === 0)
      assert.equal(client.state, 'closed')
      assert.deepEqual(client.errors, [])
    }
  })

  it('acknowledges a flood not more often than every 50 ms', async (t) => {
    const server = await ProtocolServer.start(t)
    const client = open(t, server.url)
    await client.waitForSession()
    for (let n = 1; n <= 800; n++) server.raw(`["message",${n},"news"]`)
    await server.until(() => server.frames.some(([word, n]) => word === 'ack' && n === 800))
    assert.ok(server.words('ack').length < 25, `${server.words('ack').length}`)
  })

  it('ends the session everywhere, and forgets it', async (t) => {
    const server = await ProtocolServer.start(t)
    const storage = memoryStorage()
    const client = open(t, server.url, { storage, key: 'k' })
    const other = open(t, server.url, { storage, key: 'k', renew: false })
    await client.waitForSession()
    await other.waitForSession()
    const ended = next(other, 'ended')
    await client.end()
    assert.equal(client.state, 'ended')
    assert.equal(client.session, null)
    assert.deepEqual(await ended, ['ended'])
    await stateOf(other, 'ended')
    assert.equal(await storage.getItem('k'), null)
    assert.equal(server.sessions.size, 0)
  })

  it('ends the session also when the connection breaks meanwhile', async (t) => {
    const server = await ProtocolServer.start(t)
    const client = open(t, server.url)
    await client.waitForSession()
    server.script = ([word], socket) => {
      if (word !== 'end') return false
      server.script = null
      return socket.terminate()
    }
    await client.end()
    assert.equal(server.sessions.size, 0)
    assert.equal(client.state, 'ended')
  })

  it('keeps sessions with different keys apart, and begins with the one it is given', async (t) => {
    const server = await ProtocolServer.start(t)
    const storage = memoryStorage()
    const ids: unknown[] = []
    for (const key of ['a', 'b', 'a', 'b']) {
      const client = open(t, server.url, { storage, key })
      ids.push((await client.waitForSession()).id)
      client.close()
    }
    assert.deepEqual(ids, [ids[0], ids[1], ids[0], ids[1]])
    assert.notEqual(ids[0], ids[1])
    const session = JSON.parse((await storage.getItem('a'))!) as { id: string; secret: string }
    assert.deepEqual(Object.keys(session), ['id', 'secret'])
    const given = open(t, server.url, { session, key: 'c', storage })
    assert.equal((await given.waitForSession()).id, ids[0])
    const skipped = open(t, server.url, { storage, key: 'a', skipResume: true })
    const made = await skipped.waitForSession()
    assert.ok(!ids.includes(made.id))
    assert.deepEqual([made.created, made.replaced], [true, false])
    server.cut()
    await stateOf(skipped, 'waiting')
    assert.equal((await skipped.waitForSession()).id, made.id)
  })

  it('shares one session with other tabs: a secret that another one has got is taken from the storage', async (t) => {
    const server = await ProtocolServer.start(t)
    const storage = memoryStorage()
    const tabs = [open(t, server.url, { storage, key: 'k' })]
    await tabs[0]!.waitForSession()
    tabs.push(open(t, server.url, { storage, key: 'k' }), open(t, server.url, { storage, key: 'k' }))
    for (const tab of tabs) await tab.waitForSession()
    assert.equal(server.sessions.size, 1)
    const [session] = server.sessions.values()
    // Only what is stored is good any more.
    const stored = JSON.parse((await storage.getItem('k'))!) as { secret: string }
    session!.secrets.clear()
    session!.secrets.add(stored.secret)
    for (const tab of tabs) tab.send('hello')
    server.cut()
    for (const tab of tabs) await stateOf(tab, 'waiting')
    for (const tab of tabs) await tab.flush()
    assert.equal(server.sessions.size, 1)
    assert.equal(server.handled.length, 3)
    assert.equal(new Set(server.links.keys()).size, 3)
  })

  it('makes one session when tabs begin at the same time', async (t) => {
    const server = await ProtocolServer.start(t)
    const storage = memoryStorage()
    const tabs = Array.from({ length: 5 }, () => open(t, server.url, { storage, key: 'k' }))
    for (const [n, tab] of tabs.entries()) tab.send('hello', n)
    for (const tab of tabs) await tab.flush()
    assert.equal(server.sessions.size, 1)
    assert.equal(new Set(tabs.map(({ session }) => session!.id)).size, 1)
    assert.deepEqual(
      server.handled.map(([, n]) => n as number).toSorted((a, b) => a - b),
      [0, 1, 2, 3, 4]
    )
  })
})

describe('the session of a client that the server does not know any more', () => {
  /** A client with one message that was handled, one in doubt, one that was never sent; then the session is gone. */
  async function lose(t: TestContext, options: ClientOptions = {}) {
    const server = await ProtocolServer.start(t)
    const client = open(t, server.url, options)
    client.send('handled')
    await client.flush()
    const first = client.session!
    server.acknowledges = false
    client.send('in doubt', 1)
    await server.until(() => server.handled.length === 2)
    server.acknowledges = true
    server.sessions.clear()
    const lost: unknown[] = []
    client.onLocal('lost', (value) => lost.push(value))
    server.crash()
    await stateOf(client, 'waiting')
    client.send('new', 2)
    const session = await client.waitForSession()
    await client.flush()
    return { server, client, first, session, lost }
  }

  it('is replaced: what was never sent is sent, what is in doubt is told', async (t) => {
    const { server, client, first, session, lost } = await lose(t)
    assert.notEqual(session.id, first.id)
    assert.deepEqual([session.created, session.replaced], [true, true])
    assert.deepEqual(lost, [{ incoming: false, outgoing: [['in doubt', 1]] }])
    assert.deepEqual(server.handled, [['handled'], ['in doubt', 1], ['new', 2]])
    assert.deepEqual(client.errors, [])
  })

  it('is replaced: what is in doubt is told, also when the server has forgotten the link before', async (t) => {
    const server = await ProtocolServer.start(t)
    const client = open(t, server.url)
    const lost: unknown[] = []
    client.onLocal('lost', (value) => lost.push(value))
    await client.ask('echo')
    await server.until(() => client.session !== null && server.words('ack').length === 1)
    server.acknowledges = false
    client.send('in doubt')
    await server.until(() => server.handled.length === 2)
    server.acknowledges = true
    server.script = ([word]) => {
      // The link is unknown; when the client comes with another one, so is the session.
      if (word === 'resume' && server.words('resume').length === 2) server.sessions.clear()
      return false
    }
    server.crash()
    await stateOf(client, 'waiting')
    client.send('new')
    await client.flush()
    assert.deepEqual(lost, [
      { incoming: true, outgoing: [] },
      { incoming: false, outgoing: [['in doubt']] }
    ])
    assert.deepEqual(server.handled, [['echo'], ['in doubt'], ['new']])
    assert.equal(server.words('resume')[1]![1].again, 1)
    assert.deepEqual(client.errors, [])
  })

  it('is replaced, and nothing is sent, when the application wants that', async (t) => {
    const { server, lost } = await lose(t, { onNewSession: 'drop' })
    assert.deepEqual(lost, [
      {
        incoming: false,
        outgoing: [
          ['in doubt', 1],
          ['new', 2]
        ]
      }
    ])
    assert.deepEqual(server.handled, [['handled'], ['in doubt', 1]])
  })

  for (const renew of [true, false]) {
    it(`ends with the reason: ${renew ? 'a new one follows' : 'and that is all'}`, async (t) => {
      const server = await ProtocolServer.start(t)
      const storage = memoryStorage()
      const client = open(t, server.url, { renew, storage, key: 'k' })
      const first = await client.waitForSession()
      const ended = next(client, 'ended')
      server.close(4401, 'logout')
      assert.deepEqual(await ended, ['logout'])
      if (renew) {
        const session = await client.waitForSession()
        assert.notEqual(session.id, first.id)
        assert.deepEqual([session.created, session.replaced], [true, true])
        assert.equal(server.words('resume').length, 0)
      } else {
        await stateOf(client, 'ended')
        assert.equal(server.connections, 1)
        assert.throws(() => client.send('x'), { code: 'closed' })
      }
    })
  }
})

describe('close codes', () => {
  const cases: readonly [code: number, least: number, most: number][] = [
    [1001, 250, 4000],
    [1006, 250, 500],
    [1013, 250, 30_000],
    [1008, 30_000, 60_000],
    [1009, 30_000, 60_000],
    [4400, 250, 500],
    [4409, 250, 500]
  ]
  for (const [code, least, most] of cases) {
    it(`${code}: comes again after ${least} to ${most} ms`, async (t) => {
      const server = await ProtocolServer.start(t)
      const client = open(t, server.url, { retry: {} })
      await client.waitForSession()
      const delays: number[] = []
      t.mock.method(globalThis, 'setTimeout', (_act: () => void, ms: number) => void delays.push(ms))
      // What `close` waits for is in this turn.
      const closed = next(client, 'close')
      if (code === 1006) server.cut()
      else server.close(code, 'why')
      const [{ code: told }] = await closed
      assert.equal(told, code)
      const delay = delays.find((ms) => ms >= 250 && ms !== 30_000)!
      assert.ok(delay >= least && delay <= most, `${delay} of ${delays.join(' ')}`)
      assert.equal(client.errors.length, [1008, 1009, 4400].includes(code) ? 1 : 0)
    })
  }

  it('4400: what was sent is told, what was not is sent on another link', async (t) => {
    const server = await ProtocolServer.start(t)
    const client = open(t, server.url)
    await client.waitForSession()
    server.script = ([word], socket) => {
      if (word !== 'message') return false
      server.script = null
      return socket.close(4400, 'what')
    }
    const lost = next(client, 'lost')
    client.send('bad')
    assert.deepEqual(await lost, [{ incoming: true, outgoing: [['bad']] }])
    client.send('good')
    await client.flush()
    assert.deepEqual(server.handled, [['good']])
    assert.equal(server.sessions.size, 1)
    assert.notEqual(server.words('resume')[0]![1].link, server.words('create')[0]![1].link)
  })
})

describe('a connection without life', () => {
  it('is given up when nothing is heard, though it was asked', async (t) => {
    const server = await ProtocolServer.start(t)
    const client = open(t, server.url, { pingInterval: 20 })
    await client.waitForSession()
    await server.until(() => server.words('ping').length >= 3)
    assert.equal(server.connections, 1)
    server.script = () => true
    const [{ code, reason }] = await next(client, 'close')
    assert.deepEqual([code, reason], [1006, 'silent'])
    server.script = null
    await client.waitForSession()
    assert.deepEqual(client.errors, [])
  })

  it('says why there is no connection, as far as it is told', async (t) => {
    const server = createServer().on('upgrade', (_request, socket: Socket) => socket.end('HTTP/1.1 403 Forbidden\r\n\r\n'))
    t.after(() => server.close())
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/ws`
    assert.deepEqual(await next(open(t, url), 'close'), [{ code: 1006, reason: 'Unexpected server response: 403' }])
    assert.deepEqual(await next(open(t, url, { WebSocket: globalThis.WebSocket }), 'close'), [{ code: 1006, reason: '' }])
  })

  it('is told to the application when the server speaks another protocol', async (t) => {
    const server = await ProtocolServer.start(t, { protocol: false })
    const client = open(t, server.url, { WebSocket: globalThis.WebSocket })
    await next(client, 'close')
    assert.equal(client.state, 'waiting')
    assert.equal(server.frames.length, 0)
  })
})
