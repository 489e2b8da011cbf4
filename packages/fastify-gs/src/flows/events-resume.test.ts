import assert from 'node:assert/strict'
import { createServer, request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import { openAdministration } from '../admin/administration.ts'
import { recordChanges } from '../database/changes.ts'
import { openPostgres } from '../database/postgres.ts'
import { openSqlite } from '../database/sqlite.ts'
import type { SessionEndCause } from '../hooks.ts'
import { readEventId } from '../live/event-id.ts'
import { sessionRegistryOf } from '../live/session-registry.ts'
import type { GsOptions } from '../options.ts'
import { Browser, build, password, quickHasher, type Built } from '../testing/build.ts'
import { places } from '../testing/databases.ts'
import { ask, EventClient, openEvents, type ReceivedEvent } from '../testing/event-client.ts'

const idOf = async (browser: Browser) => (await browser.get('/lwsgs/session')).json().session as string

async function logIn({ app }: Pick<Built, 'app'>, username: string, fields: object = {}): Promise<Browser> {
  const browser = new Browser(app)
  const response = await browser.post('/lwsgs/login', { username, password, ...fields })
  assert.equal(response.statusCode, 200, response.body)
  return browser
}

/** The same cookies, with another process. */
function at({ app }: Pick<Built, 'app'>, browser: Browser): Browser {
  const same = new Browser(app)
  for (const [name, value] of browser.cookies) same.cookies.set(name, value)
  return same
}

const resume = (t: TestContext, built: Built, browser: Browser, lastId: string) =>
  openEvents(t, built.app, at(built, browser), { 'last-event-id': lastId })

const namesOf = (events: readonly ReceivedEvent[]) => events.map(({ event }) => event)

/** Opens a stream and leaves it: what it has heard last. */
async function visitAndLeave(t: TestContext, built: Built, browser: Browser): Promise<string> {
  const stream = await openEvents(t, built.app, browser)
  await stream.expect('session')
  stream.leave()
  return stream.lastId
}

async function statusOf(t: TestContext, built: Built, browser: Browser, headers: Record<string, string>) {
  const response = await ask(t, built.app, at(built, browser), { headers })
  response.resume()
  return response.statusCode
}

for (const { name, place } of places) {
  describe(`a page that comes back, on ${name},`, { timeout: 120_000 }, () => {
    const two = async (t: TestContext, options: Partial<GsOptions> = {}) => {
      const database = await place(t)
      const given = { database, sectors: ['editor'], ...options }
      const here = await build(t, given)
      const there = await build(t, { ...given, now: () => here.clock.now })
      const administration = await openAdministration({ database, hasher: quickHasher, now: () => here.clock.now })
      t.after(() => administration.close())
      const accountId = async (username: string) => (await administration.accounts.find(username))!.id
      return { database, given, here, there, administration, accountId }
    }

    it('is told by any process what is different, once and in order, from wherever it was cut off', async (t) => {
      const { here, there, administration, accountId } = await two(t)
      const alice = here.browser()
      await alice.post('/lwsgs/register', { username: 'alice', email: 'alice@mail.test', password })
      await alice.post('/lwsgs/login', { username: 'alice', password })
      const lastId = await visitAndLeave(t, here, alice)
      await administration.accounts.verify(await accountId('alice'))
      await administration.accounts.grant(await accountId('alice'), { sectors: 16, level: 30 })
      const phone = await logIn(there, 'alice')
      const session = await idOf(phone)
      await phone.post('/lwsgs/logout')

      const stream = await resume(t, there, alice, lastId)
      const events: ReceivedEvent[] = []
      const ids: string[] = []
      while (events.at(-1)?.event !== 'session') {
        events.push(await stream.next())
        ids.push(stream.lastId)
      }
      assert.deepEqual(events, [
        { event: 'verified', data: { verified: true } },
        { event: 'mask', data: { mask: 21, sectors: ['editor'] } },
        { event: 'level', data: { level: 30 } },
        { event: 'login', data: { session } },
        { event: 'logout', data: { session, cause: 'logout' } },
        { event: 'session', data: (await alice.get('/lwsgs/session')).json() }
      ])
      stream.leave()
      for (const [index, id] of ids.entries()) {
        const again = await resume(t, index % 2 === 0 ? here : there, alice, id)
        const rest = index === events.length - 1 ? ['session'] : namesOf(events.slice(index + 1))
        assert.deepEqual(namesOf(await again.until('session')), rest)
        again.leave()
      }
    })

    it('hears what comes then, with the same protection against hearing it twice', async (t) => {
      const { here, there } = await two(t)
      const alice = await here.member('alice')
      let stream = await openEvents(t, here.app, alice)
      const told: unknown[] = []
      const expected: unknown[] = []
      let lastId = ''
      const take = async () => {
        const { event, data } = await stream.next()
        lastId = stream.lastId
        if (event === 'login' || event === 'logout') told.push([event, data['session']])
      }
      await take()
      for (let n = 0; n < 12; n++) {
        const phone = await logIn(n % 3 === 0 ? here : there, 'alice')
        const session = await idOf(phone)
        // Cut off at any moment: what it has not taken yet, it has not heard.
        stream.leave()
        const opening = resume(t, n % 2 === 0 ? there : here, alice, lastId)
        await phone.post('/lwsgs/logout')
        expected.push(['login', session], ['logout', session])
        stream = await opening
        for (let events = n % 4; events > 0 && told.length < expected.length; events--) await take()
      }
      while (told.length < expected.length) await take()
      assert.deepEqual(told, expected)
      const again = await resume(t, here, alice, lastId)
      assert.deepEqual(namesOf(await again.until('session')), ['session'])
    })

    it('is told of a new address', async (t) => {
      const { here, there } = await two(t)
      const alice = await here.member('alice')
      const lastId = await visitAndLeave(t, here, alice)
      assert.equal((await alice.post('/lwsgs/change-email', { email: 'new@mail.test', currentPassword: password })).statusCode, 202)
      const token = await here.inbox.token('new@mail.test', /./)
      assert.equal((await alice.post('/lwsgs/change-email/redeem', { token })).statusCode, 200)
      const stream = await resume(t, there, alice, lastId)
      const events = await stream.until('session')
      assert.deepEqual(events[0], { event: 'email', data: { email: 'new@mail.test' } })
      assert.deepEqual(namesOf(events), ['email', 'session'])
    })

    const ends: [
      cause: SessionEndCause,
      end: (site: Awaited<ReturnType<typeof two>>, own: Browser, other: Browser) => Promise<unknown> | void
    ][] = [
      ['logout', ({ there }, own) => at(there, own).post('/lwsgs/logout')],
      ['login', ({ there }, own) => at(there, own).post('/lwsgs/login', { username: 'alice', password })],
      ['revoked', (_site, _own, other) => other.send({ method: 'DELETE', url: '/lwsgs/sessions' })],
      [
        'password-changed',
        (_site, _own, other) => other.post('/lwsgs/change-password', { currentPassword: password, password: `${password}!` })
      ],
      ['account-deleted', (_site, _own, other) => other.post('/lwsgs/delete-account', { currentPassword: password })],
      ['account-locked', async ({ administration, accountId }) => administration.accounts.lock(await accountId('alice'))],
      ['idle', ({ here }) => here.clock.advance(3600)],
      [
        'absolute',
        async ({ here }, own) => {
          for (let used = 0; used < 24; used++) {
            here.clock.advance(3000)
            await at(here, own).get('/lwsgs/session')
          }
          here.clock.advance(14_400)
        }
      ]
    ]
    for (const [cause, end] of ends)
      it(`is told that its session has ended meanwhile: ${cause}; once`, async (t) => {
        const site = await two(t, { session: { absolute: 86_400, idle: cause === 'absolute' ? 80_000 : 3600 } })
        const { given, here } = site
        await here.member('alice')
        const own = await logIn(here, 'alice')
        const other = await logIn(site.there, 'alice')
        const lastId = await visitAndLeave(t, here, own)
        await end(site, own, other)
        // After a restart.
        await here.app.close()
        const later = await build(t, { ...given, now: () => here.clock.now })

        const stream = await resume(t, later, own, lastId)
        assert.deepEqual([stream.response.statusCode, await stream.next()], [200, { event: 'ended', data: { cause } }])
        await stream.over
        assert.equal(stream.response.headers['content-type'], 'text/event-stream')
        assert.equal(await statusOf(t, later, own, { 'last-event-id': stream.lastId }), 204)
        assert.equal(await statusOf(t, later, own, {}), 204)
        const snapshot = await at(later, own).get('/lwsgs/events', { accept: 'application/json' })
        assert.deepEqual([snapshot.json().username, snapshot.headers['x-gs-ended']], [null, cause])
      })

    it('is told that the list is another one in place of what was too much', async (t) => {
      const { database, here } = await two(t)
      const alice = await here.member('alice')
      const lastId = await visitAndLeave(t, here, alice)
      const other = 'sqlite' in database ? await openSqlite(database.sqlite) : await openPostgres(database.postgres, () => undefined)
      t.after(() => other.close())
      const { id: accountId } = await other.db.selectFrom('gs_accounts').select('id').executeTakeFirstOrThrow()
      const logins = Array.from({ length: 70 }, (_, n) => ({ type: 'login', accountId, sessionId: `s${n}` }) as const)
      await other.transaction((trx) => recordChanges(trx, logins))
      const stream = await resume(t, here, alice, lastId)
      const events = await stream.until('session')
      assert.deepEqual(namesOf(events), ['sessions', ...Array.from({ length: 50 }, () => 'login'), 'session'])
      assert.deepEqual(
        events.slice(1, -1).map(({ data }) => data['session']),
        Array.from({ length: 50 }, (_, n) => `s${n + 20}`)
      )
    })

    it('is told of another device, whatever process that is at, without anybody asking', async (t) => {
      const { here, there } = await two(t)
      const alice = await here.member('alice')
      const bob = await here.member('bob')
      const streams = [
        await openEvents(t, here.app, alice),
        await openEvents(t, here.app, alice),
        await openEvents(t, there.app, at(there, alice))
      ]
      const bobs = await openEvents(t, here.app, bob)
      for (const stream of [...streams, bobs]) await stream.expect('session')
      const phone = await logIn(there, 'alice')
      const session = await idOf(phone)
      const before = performance.now()
      const own = await openEvents(t, there.app, phone)
      for (const stream of streams) assert.deepEqual(await stream.expect('login'), { session })
      // Much sooner than all sessions are compared; on an idle machine it takes 250 ms.
      assert.ok(performance.now() - before < 5000)
      const revoked = await alice.send({ method: 'DELETE', url: `/lwsgs/sessions/${session}` })
      assert.equal(revoked.statusCode, 200)
      for (const stream of streams) assert.deepEqual(await stream.expect('logout'), { session, cause: 'revoked' })
      assert.deepEqual(await own.expect('ended'), { cause: 'revoked' })
      await sessionRegistryOf(here.app.gs).check()
      assert.doesNotMatch(own.text, /event: log/)
      assert.doesNotMatch(bobs.text, /event: log/)
    })

    it('whose session ends while it connects is told so', async (t) => {
      const { given, there } = await two(t)
      const reached = Promise.withResolvers<void>()
      const ended = Promise.withResolvers<void>()
      const slow = await build(t, given, (app) => {
        app.addHook('preHandler', async (request) => {
          if (request.url !== '/lwsgs/events') return
          reached.resolve()
          await ended.promise
        })
      })
      const alice = await there.member('alice')
      const opening = openEvents(t, slow.app, at(slow, alice))
      await reached.promise
      await alice.post('/lwsgs/logout')
      ended.resolve()
      assert.deepEqual(await (await opening).expect('ended'), { cause: 'logout' })
    })
  })
}

describe('a last event id', () => {
  it('of somebody else, or that nobody has made, leads to what the session is now', async (t) => {
    const built = await build(t)
    const alice = await built.member('alice')
    const bob = await built.member('bob')
    const own = await visitAndLeave(t, built, alice)
    const ids = [
      await visitAndLeave(t, built, bob),
      'ended',
      '0',
      '1',
      'null',
      'x'.repeat(8000),
      `${own}x`,
      '1.zzzzzzzzzzz.1.5.a.abcdefgh.abcdefgh'
    ]
    for (const id of ids) {
      const stream = await resume(t, built, alice, id)
      assert.deepEqual(namesOf(await stream.until('session')), ['session'], id)
      stream.leave()
      await stream.over
      while (sessionRegistryOf(built.app.gs).countOfSession(await idOf(alice), 'page') > 0) await new Promise(setImmediate)
    }
  })

  it('from the future, as after the database was restored from a backup, hides nothing that comes', async (t) => {
    const built = await build(t)
    const alice = await built.member('alice')
    const id = await visitAndLeave(t, built, alice)
    const { upTo } = readEventId(id)!
    const future = id.replace(`1.${upTo.toString(36)}.`, '1.zzzzzz-1-1.')
    assert.ok(readEventId(future))
    const stream = await resume(t, built, alice, future)
    assert.deepEqual(namesOf(await stream.until('session')), ['session'])
    await logIn(built, 'alice')
    await stream.expect('login')
  })

  it('may stand in the query, where the one of the header counts more', async (t) => {
    const built = await build(t)
    const alice = await built.member('alice')
    const first = await visitAndLeave(t, built, alice)
    const phone = await logIn(built, 'alice')
    const url = `/lwsgs/events?lastEventId=${first}&t=1`
    const stream = new EventClient(await ask(t, built.app, alice, { url }))
    assert.deepEqual(namesOf(await stream.until('session')), ['login', 'session'])
    const again = new EventClient(await ask(t, built.app, alice, { url, headers: { 'last-event-id': stream.lastId } }))
    assert.deepEqual(namesOf(await again.until('session')), ['session'])
    await phone.post('/lwsgs/logout')
    const twice = await ask(t, built.app, alice, { url: `${url}&lastEventId=${first}` })
    assert.equal(twice.statusCode, 400)
  })

  it('of a visitor whose token never opened anything is answered with 204', async (t) => {
    const built = await build(t)
    const alice = await built.member('alice')
    const id = await visitAndLeave(t, built, alice)
    const stranger = built.browser()
    assert.equal(await statusOf(t, built, stranger, { 'last-event-id': id }), 204)
    stranger.cookies.set('gs', 'A'.repeat(27))
    assert.equal(await statusOf(t, built, stranger, { 'last-event-id': id }), 204)
    const snapshot = await stranger.get('/lwsgs/events', { accept: 'application/json' })
    assert.equal(snapshot.headers['x-gs-ended'], undefined)
  })
})

/** A proxy that keeps answers until it has 4 KiB, unless the server forbids it. */
async function bufferingProxy(t: TestContext, built: Built): Promise<number> {
  await built.app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = built.app.server.address() as AddressInfo
  const proxy = createServer((incoming, outgoing) => {
    const forwarded = httpRequest({ host: '127.0.0.1', port, path: incoming.url, headers: incoming.headers, agent: false }, (answer) => {
      const buffers = answer.headers['x-accel-buffering'] !== 'no'
      let held = Buffer.alloc(0)
      answer.on('data', (chunk: Buffer) => {
        held = Buffer.concat([held, chunk])
        if (buffers && held.length < 4096) return
        if (!outgoing.headersSent) outgoing.writeHead(answer.statusCode!, answer.headers)
        outgoing.write(held)
        held = Buffer.alloc(0)
      })
      answer.on('end', () => {
        if (!outgoing.headersSent) outgoing.writeHead(answer.statusCode!, answer.headers)
        outgoing.end(held)
      })
    })
    outgoing.on('close', () => forwarded.destroy())
    forwarded.on('error', () => outgoing.destroy())
    forwarded.end()
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => proxy.once('listening', resolve))
  t.after(() => {
    proxy.closeAllConnections()
    proxy.close()
  })
  return (proxy.address() as AddressInfo).port
}

describe('a proxy that buffers', () => {
  it('is told not to do it with the stream: events come as they happen', async (t) => {
    const built = await build(t)
    const alice = await built.member('alice')
    const port = await bufferingProxy(t, built)
    const sent = httpRequest({
      host: '127.0.0.1',
      port,
      agent: false,
      path: '/lwsgs/events',
      headers: { accept: 'text/event-stream', cookie: `gs=${alice.token}` }
    })
    t.after(() => sent.destroy())
    sent.end()
    const response = await new Promise<EventClient>((resolve) => sent.once('response', (answer) => resolve(new EventClient(answer))))
    assert.equal((await response.expect('session'))['username'], 'alice')
    const phone = await logIn(built, 'alice')
    assert.deepEqual(await response.expect('login'), { session: await idOf(phone) })
  })
})
