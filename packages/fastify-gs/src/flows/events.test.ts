import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, constants, type Http2ServerRequest, type IncomingHttpHeaders } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { describe, it, type TestContext } from 'node:test'
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify'
import { openAdministration } from '../admin/administration.ts'
import type { SessionEndCause } from '../hooks.ts'
import { sessionRegistryOf, type SessionRegistry } from '../live/session-registry.ts'
import { fastifyGs } from '../plugin.ts'
import { Browser, build, Inbox, password, quickHasher, type Built } from '../testing/build.ts'
import { places } from '../testing/databases.ts'
import { ask, openEvents } from '../testing/event-client.ts'
import { Queue } from '../testing/queue.ts'

const registryOf = ({ app }: Built): SessionRegistry => sessionRegistryOf(app.gs)

/** Another device of the same person. */
async function logIn(built: Built, username: string, fields: object = {}): Promise<Browser> {
  const browser = built.browser()
  const response = await browser.post('/lwsgs/login', { username, password, ...fields })
  assert.equal(response.statusCode, 200, response.body)
  return browser
}

const idOf = async (browser: Browser) => (await browser.get('/lwsgs/session')).json().session as string
/** Registers fastify-gs, and logs its admin in. */
async function bossOf(app: FastifyInstance): Promise<Browser> {
  await app.register(fastifyGs, {
    baseUrl: 'http://localhost',
    keys: ['only-for-tests-0123456789-abcdefghij'],
    database: { sqlite: ':memory:' },
    mail: { mailer: new Inbox(), from: 'a@b.test' },
    password: { hasher: quickHasher },
    admin: { username: 'boss', passwordHash: await quickHasher.hash(Buffer.from(password)) }
  })
  const boss = new Browser(app)
  await boss.post('/lwsgs/login', { username: 'boss', password })
  return boss
}

describe('the event stream', () => {
  it('begins with what GET /session says, and has the headers that proxies and browsers need', async (t) => {
    const built = await build(t)
    const alice = await built.member('alice')
    const info = (await alice.get('/lwsgs/session')).json()
    const stream = await openEvents(t, built.app, alice)
    assert.deepEqual(await stream.next(), { event: 'session', data: info })
    assert.match(stream.text, /^retry: 2000\n\n/)
    const { headers } = stream.response
    assert.equal(headers['content-type'], 'text/event-stream')
    assert.equal(headers['cache-control'], 'no-store, no-transform')
    assert.equal(headers['x-accel-buffering'], 'no')
    assert.equal(headers['x-content-type-options'], 'nosniff')
    assert.equal(headers['cross-origin-resource-policy'], 'same-origin')
    assert.equal(headers['set-cookie'], undefined)
    assert.doesNotMatch(stream.text, new RegExp(alice.token!))
  })

  it('answers 204 to a visitor who is not logged in, and gives no cookie', async (t) => {
    const { app, browser } = await build(t)
    for (const headers of [{}, { accept: 'text/html', 'sec-fetch-dest': 'document' }, { cookie: 'gs=AAAAAAAAAAAAAAAAAAAAAAAAAAA' }]) {
      const response = await browser().get('/lwsgs/events', headers)
      assert.deepEqual([response.statusCode, response.body, response.headers['set-cookie']], [204, '', undefined])
    }
    assert.equal(sessionRegistryOf(app.gs).countOfSession('x', 'page'), 0)
  })

  it('gives programs that ask for JSON what the session is now', async (t) => {
    const { browser, member } = await build(t)
    const json = { accept: 'application/json' }
    const alice = await member('alice')
    const snapshot = await alice.get('/lwsgs/events', json)
    assert.deepEqual([snapshot.statusCode, snapshot.json()], [200, (await alice.get('/lwsgs/session')).json()])
    const visitor = await browser().get('/lwsgs/events', json)
    assert.deepEqual([visitor.statusCode, visitor.json().username, visitor.headers['set-cookie']], [200, null, undefined])
  })

  it('answers HEAD without a stream', async (t) => {
    const built = await build(t)
    const alice = await built.member('alice')
    const response = await ask(t, built.app, alice, { method: 'HEAD' })
    assert.deepEqual([response.statusCode, response.headers['content-type'], await text(response)], [200, 'text/event-stream', ''])
    assert.equal(registryOf(built).countOfSession(await idOf(alice), 'page'), 0)
  })

  it('refuses pages of other sites and origins', async (t) => {
    const { member } = await build(t)
    const alice = await member('alice')
    for (const headers of [{ 'sec-fetch-site': 'same-site' }, { 'sec-fetch-site': 'cross-site' }, { origin: 'https://evil.test' }]) {
      const response = await alice.get('/lwsgs/events', { accept: 'text/event-stream', ...headers })
      assert.equal(response.json().code, 'GS_CROSS_SITE')
    }
  })

  it('is no use of the session: streams, snapshots and lists do not keep it from ending', async (t) => {
    const built = await build(t)
    const alice = await built.member('alice')
    const { expiresAt } = (await alice.get('/lwsgs/session')).json()
    built.clock.advance(1800)
    const stream = await openEvents(t, built.app, alice)
    assert.equal((await stream.next()).data['expiresAt'], expiresAt)
    assert.equal((await alice.get('/lwsgs/events', { accept: 'application/json' })).json().expiresAt, expiresAt)
    assert.equal((await alice.get('/lwsgs/sessions')).json().sessions[0].lastActiveAt, expiresAt - 3_600_000)
    built.clock.advance(1799)
    await registryOf(built).check()
    built.clock.advance(1)
    await registryOf(built).check()
    assert.deepEqual(await stream.expect('ended'), { cause: 'idle' })
    await stream.over
    assert.equal((await alice.get('/lwsgs/session')).json().username, null)
  })

  it('tells the new end of the session when another page uses it', async (t) => {
    const built = await build(t)
    const alice = await built.member('alice')
    const stream = await openEvents(t, built.app, alice)
    const before = (await stream.next()).data['expiresAt'] as number
    built.clock.advance(600)
    await alice.get('/lwsgs/session')
    await registryOf(built).check()
    assert.equal((await stream.expect('session'))['expiresAt'], before + 600_000)
  })

  it('tells the end of a remembered session and of the absolute life at their moments', async (t) => {
    const built = await build(t, { session: { absolute: 7200, remembered: 7 * 86_400 } })
    await built.member('alice')
    const normal = await logIn(built, 'alice')
    const remembered = await logIn(built, 'alice', { remember: true })
    const streams = [await openEvents(t, built.app, normal), await openEvents(t, built.app, remembered)] as const
    for (let n = 0; n < 3; n++) {
      built.clock.advance(2399)
      await normal.get('/lwsgs/session')
    }
    built.clock.advance(3)
    await registryOf(built).check()
    assert.deepEqual(await streams[0].expect('ended'), { cause: 'absolute' })
    built.clock.advance(7 * 86_400 - 7200)
    await registryOf(built).check()
    assert.deepEqual(await streams[1].expect('ended'), { cause: 'absolute' })
  })

  it('tells when the window after a lost-password link is over', async (t) => {
    const built = await build(t)
    await built.member('alice')
    const browser = built.browser()
    await browser.post('/lwsgs/forgot-password', { username: 'alice' })
    const token = await built.inbox.token('alice@mail.test', /password/i, 1)
    assert.equal((await browser.post('/lwsgs/forgot-password/redeem', { token })).json().mask, 13)
    const stream = await openEvents(t, built.app, browser)
    assert.equal((await stream.next()).data['mask'], 13)
    built.clock.advance(300)
    await registryOf(built).check()
    assert.deepEqual(await stream.expect('mask'), { mask: 5, sectors: [] })
    const after = await stream.next()
    assert.deepEqual([after.event, after.data['mask']], ['session', 5])
  })

  it('ends with the cause before the request that ended the session is answered', async (t) => {
    const built = await build(t)
    await built.member('alice')
    let word = password
    const change = async (browser: Browser) => {
      const response = await browser.post('/lwsgs/change-password', { currentPassword: word, password: `${word}!` })
      word += '!'
      return response
    }
    const cases: [cause: SessionEndCause, end: (own: Browser, other: Browser) => Promise<{ statusCode: number }>][] = [
      ['logout', (own) => own.post('/lwsgs/logout')],
      ['login', (own) => own.post('/lwsgs/login', { username: 'alice', password })],
      ['revoked', async (own, other) => other.send({ method: 'DELETE', url: `/lwsgs/sessions/${await idOf(own)}` })],
      ['revoked', (_own, other) => other.send({ method: 'DELETE', url: '/lwsgs/sessions' })],
      ['password-changed', (_own, other) => change(other)],
      ['account-deleted', (_own, other) => other.post('/lwsgs/delete-account', { currentPassword: word })]
    ]
    for (const [cause, end] of cases) {
      const [own, other] = [await logIn(built, 'alice', { password: word }), await logIn(built, 'alice', { password: word })]
      const stream = await openEvents(t, built.app, own)
      const id = await idOf(own)
      const response = await end(own, other)
      assert.equal(response.statusCode, 200)
      assert.equal(registryOf(built).countOfSession(id, 'page'), 0, cause)
      assert.deepEqual(await stream.expect('ended'), { cause })
      await stream.over
      assert.ok(stream.text.endsWith(`event: ended\nid: ended\ndata: {"cause":"${cause}"}\n\n`))
    }
  })

  it('ends without a word when the token is renewed: who holds the old one gets no more', async (t) => {
    const built = await build(t)
    const alice = await built.member('alice')
    const thief = built.browser()
    thief.cookies.set('gs', alice.token!)
    const streams = [await openEvents(t, built.app, alice), await openEvents(t, built.app, thief)]
    await alice.post('/lwsgs/change-password', { currentPassword: password, password: `${password}!` })
    const again = await openEvents(t, built.app, alice)
    await registryOf(built).check()
    for (const stream of streams) {
      await stream.over
      assert.doesNotMatch(stream.text, /event: ended/)
      assert.match(stream.text, /\nretry: 50\n\n$/)
    }
    assert.equal((await ask(t, built.app, thief)).statusCode, 204)
    await registryOf(built).check()
    assert.equal(registryOf(built).countOfSession(await idOf(alice), 'page'), 1)
    again.leave()
  })

  it('tells all pages of the account when a session begins or ends, or a page opens or closes', async (t) => {
    const built = await build(t)
    const alice = await built.member('alice')
    const bob = await built.member('bob')
    const stream = await openEvents(t, built.app, alice)
    const bobs = await openEvents(t, built.app, bob)
    await registryOf(built).check()
    await stream.expect('sessions')
    await bobs.expect('sessions')

    const told = async () => {
      await registryOf(built).check()
      assert.deepEqual(await stream.next(), { event: 'sessions', data: {} })
    }
    const phone = await logIn(built, 'alice')
    const session = await idOf(phone)
    assert.deepEqual(await stream.next(), { event: 'login', data: { session } })
    await told()
    const page = await openEvents(t, built.app, phone)
    await told()
    assert.equal(
      (await alice.get('/lwsgs/sessions'))
        .json()
        .sessions.map((session: { pages: number; sockets: number }) => `${session.pages} ${session.sockets}`)
        .join(),
      '1 0,1 0'
    )
    page.leave()
    while (registryOf(built).countOfSession(await idOf(phone), 'page') > 0) await new Promise(setImmediate)
    await told()
    await phone.post('/lwsgs/logout')
    assert.deepEqual(await stream.next(), { event: 'logout', data: { session, cause: 'logout' } })
    await told()
    assert.equal(bobs.text.match(/event: sessions/g)?.length, 1)
  })

  it('gives no more than 4 pages of a session and 64 of an account a stream', async (t) => {
    const built = await build(t)
    await built.member('alice')
    const browsers = await Promise.all(Array.from({ length: 17 }, () => logIn(built, 'alice')))
    for (const browser of browsers.slice(0, 16)) {
      for (let n = 0; n < 4; n++) await openEvents(t, built.app, browser)
      assert.equal((await ask(t, built.app, browser)).statusCode, 204)
    }
    assert.equal((await ask(t, built.app, browsers[16]!)).statusCode, 204)
    const bob = await built.member('bob')
    await openEvents(t, built.app, bob)
  })

  it('leaves nothing behind when the page is closed, and makes place for another one', async (t) => {
    const built = await build(t)
    const alice = await built.member('alice')
    const id = await idOf(alice)
    for (let n = 0; n < 40; n++) {
      const stream = await openEvents(t, built.app, alice)
      stream.leave()
      while (registryOf(built).countOfSession(id, 'page') > 0) await new Promise(setImmediate)
    }
  })

  it('ends at once when the server stops', async (t) => {
    const built = await build(t)
    const alice = await built.member('alice')
    const stream = await openEvents(t, built.app, alice)
    await stream.next()
    await built.app.close()
    await stream.over
    assert.doesNotMatch(stream.text, /event: ended/)
  })

  it('takes no new ones after closeStreams: the connection breaks, so that the browser comes again', async (t) => {
    const built = await build(t)
    const alice = await built.member('alice')
    const stream = await openEvents(t, built.app, alice)
    built.app.gs.closeStreams()
    await stream.over
    await assert.rejects(ask(t, built.app, alice), /socket hang up|ECONNRESET/)
    assert.equal((await alice.get('/lwsgs/session')).json().username, 'alice')
  })

  it('works over HTTP/2', async (t) => {
    const app = Fastify({ http2: true }) as unknown as FastifyInstance
    t.after(() => app.close())
    const boss = await bossOf(app)
    await app.listen({ port: 0, host: '127.0.0.1' })
    const session = connect(`http://127.0.0.1:${(app.server.address() as AddressInfo).port}`)
    t.after(() => session.close())
    const request = session
      .request({ ':path': '/lwsgs/events', accept: 'text/event-stream', cookie: `gs=${boss.token}` })
      .setEncoding('utf8')
    const [headers] = (await once(request, 'response')) as [IncomingHttpHeaders]
    assert.deepEqual([headers[':status'], headers['content-type']], [200, 'text/event-stream'])
    let received = ''
    request.on('data', (chunk: string) => (received += chunk))
    await boss.post('/lwsgs/logout')
    await once(request, 'end')
    assert.match(received, /^retry: 2000\n\nevent: session\nid: .*\ndata: .*"username":"boss".*\n\n/)
    assert.ok(received.endsWith('\n\nevent: ended\nid: ended\ndata: {"cause":"logout"}\n\n'), received)
  })

  it('gives 16 pages of a session a stream over HTTP/2, where they share a connection', async (t) => {
    const app = Fastify({ http2: true }) as unknown as FastifyInstance
    t.after(() => app.close())
    const boss = await bossOf(app)
    await app.listen({ port: 0, host: '127.0.0.1' })
    const session = connect(`http://127.0.0.1:${(app.server.address() as AddressInfo).port}`)
    t.after(() => session.close())
    const statuses: unknown[] = []
    for (let n = 0; n < 17; n++) {
      const request = session.request({ ':path': '/lwsgs/events', accept: 'text/event-stream', cookie: `gs=${boss.token}` }).resume()
      const [headers] = (await once(request, 'response')) as [IncomingHttpHeaders]
      statuses.push(headers[':status'])
    }
    assert.deepEqual(statuses, [...Array.from({ length: 16 }, () => 200), 204])
  })

  it('keeps no stream for who has gone before it began, over HTTP/2 either', async (t) => {
    const app = Fastify({ http2: true }) as unknown as FastifyInstance
    t.after(() => app.close())
    const [came, handled] = [new Queue<true>(), new Queue<true>()]
    const isStream = ({ url, method }: FastifyRequest) => method === 'GET' && url === '/lwsgs/events'
    app.addHook('onRequest', async (request) => {
      if (!isStream(request)) return
      const { stream } = request.raw as unknown as Http2ServerRequest
      came.push(true)
      await once(stream, 'close')
    })
    app.addHook('preHandler', (request, _reply, done) => {
      done()
      if (isStream(request)) handled.push(true)
    })
    const boss = await bossOf(app)
    const id = await idOf(boss)
    await app.listen({ port: 0, host: '127.0.0.1' })
    const session = connect(`http://127.0.0.1:${(app.server.address() as AddressInfo).port}`)
    t.after(() => session.close())
    const request = session.request({ ':path': '/lwsgs/events', accept: 'text/event-stream', cookie: `gs=${boss.token}` })
    request.on('error', () => undefined)
    await came.next()
    request.close(constants.NGHTTP2_CANCEL)
    await handled.next()
    assert.equal(sessionRegistryOf(app.gs).countOfSession(id, 'page'), 0)
  })

  it('arrives unchanged when hooks of the application rewrite answers, and has the headers that they add', async (t) => {
    const app = Fastify()
    t.after(() => app.close())
    app.addHook('onSend', async (_request, reply, payload) => {
      reply.header('content-encoding', 'gzip')
      return payload
    })
    app.addHook('onRequest', async (_request, reply) => void reply.header('x-app', 'yes'))
    const boss = await bossOf(app)
    const stream = await openEvents(t, app, boss)
    assert.equal((await stream.next()).data['username'], 'boss')
    assert.equal(stream.response.headers['x-app'], 'yes')
    assert.equal(stream.response.headers['content-encoding'], undefined)
  })
})

for (const { name, place } of places) {
  describe(`what another process does, on ${name},`, () => {
    const two = async (t: TestContext) => {
      const database = await place(t)
      const sectors = ['editor']
      const here = await build(t, { database, sectors })
      const there = await build(t, { database, sectors, now: () => here.clock.now })
      const administration = await openAdministration({ database, hasher: quickHasher, now: () => here.clock.now })
      t.after(() => administration.close())
      /** The next comparison with the database, and what it tells. */
      const open = async (browser: Browser) => {
        const stream = await openEvents(t, here.app, browser)
        await stream.expect('session')
        return {
          stream,
          next: async (event: string) => {
            await registryOf(here).check()
            return stream.expect(event)
          }
        }
      }
      const elsewhere = async (username: string, word = password) => {
        const browser = there.browser()
        const response = await browser.post('/lwsgs/login', { username, password: word })
        assert.equal(response.statusCode, 200, response.body)
        return browser
      }
      return { here, there, administration, open, elsewhere }
    }

    it('is told at the next comparison: an end, with its cause', async (t) => {
      const { here, there, administration, open, elsewhere } = await two(t)
      await here.member('alice')
      const { id: accountId } = (await administration.accounts.find('alice'))!
      const sameThere = (browser: Browser) => {
        const same = there.browser()
        same.cookies.set('gs', browser.token!)
        return same
      }
      let word = password
      const cases: [what: string, cause: SessionEndCause, end: (own: Browser, other: Browser) => Promise<unknown>][] = [
        ['logout', 'logout', (own) => sameThere(own).post('/lwsgs/logout')],
        ['one session', 'revoked', async (own, other) => other.send({ method: 'DELETE', url: `/lwsgs/sessions/${await idOf(own)}` })],
        ['the others', 'revoked', (_own, other) => other.send({ method: 'DELETE', url: '/lwsgs/sessions' })],
        ['gs sessions end', 'revoked', async (own) => administration.sessions.end(await idOf(own))],
        [
          'another password',
          'password-changed',
          async (_own, other) => {
            await other.post('/lwsgs/change-password', { currentPassword: word, password: `${word}!` })
            word += '!'
          }
        ],
        ['gs user lock', 'account-locked', () => administration.accounts.lock(accountId)],
        ['deletion', 'account-deleted', (_own, other) => other.post('/lwsgs/delete-account', { currentPassword: word })]
      ]
      for (const [what, cause, end] of cases) {
        const own = await logIn(here, 'alice', { password: word })
        const { stream, next } = await open(own)
        await end(own, await elsewhere('alice', word))
        assert.deepEqual(await next('ended'), { cause }, what)
        await stream.over
        if (what === 'gs user lock') await administration.accounts.unlock(accountId)
      }
    })

    it('is told at the next comparison: verification, sectors, level, address, a login', async (t) => {
      const { here, administration, open, elsewhere } = await two(t)
      const alice = here.browser()
      await alice.post('/lwsgs/register', { username: 'alice', email: 'alice@mail.test', password })
      await alice.post('/lwsgs/login', { username: 'alice', password })
      const { id } = (await administration.accounts.find('alice'))!
      const { stream, next } = await open(alice)
      await administration.accounts.verify(id)
      await registryOf(here).check()
      const verified = (await stream.until('session')).filter(({ event }) => event !== 'sessions')
      assert.deepEqual(verified.slice(0, -1), [
        { event: 'verified', data: { verified: true } },
        { event: 'mask', data: { mask: 5, sectors: [] } },
        { event: 'level', data: { level: 10 } }
      ])
      const { verified: isVerified, mask, level } = verified.at(-1)!.data
      assert.deepEqual([isVerified, mask, level], [true, 5, 10])
      await administration.accounts.grant(id, { sectors: 16, level: 30 })
      assert.deepEqual(await next('mask'), { mask: 21, sectors: ['editor'] })
      assert.deepEqual(await next('level'), { level: 30 })
      const granted = await next('session')
      assert.deepEqual([granted['mask'], granted['level'], granted['sectors']], [21, 30, ['editor']])
      assert.deepEqual(granted, (await alice.get('/lwsgs/session')).json())
      await administration.accounts.grant(id, { revokeSectors: 16 })
      assert.equal((await next('session'))['mask'], 5)
      const other = await elsewhere('alice')
      assert.deepEqual(await next('login'), { session: await idOf(other) })
      assert.deepEqual(await next('sessions'), {})
    })

    it('keeps a session alive here when it is used there', async (t) => {
      const { here, there, open } = await two(t)
      const alice = await here.member('alice')
      const { stream, next } = await open(alice)
      const same = there.browser()
      same.cookies.set('gs', alice.token!)
      here.clock.advance(3000)
      await same.get('/lwsgs/session')
      // Writes down what waits.
      await there.app.close()
      here.clock.advance(3000)
      assert.equal((await next('session'))['expiresAt'], here.clock.now + 600_000)
      assert.doesNotMatch(stream.text, /event: ended/)
    })
  })
}
