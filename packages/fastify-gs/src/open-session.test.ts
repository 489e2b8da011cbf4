import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { openAdministration } from './admin/administration.ts'
import { openSessions, type SessionsOptions } from './open-session.ts'
import type { GsOptions } from './options.ts'
import { type Browser, build, password } from './testing/build.ts'
import { emptyPostgres, temporaryDirectory } from './testing/databases.ts'
import { anyData, count } from './testing/session-data.ts'
import { sessionKeys, startSite, startWorker } from './testing/session-processes.ts'

const places: readonly { name: string; make: (t: TestContext) => Promise<GsOptions['database']> }[] = [
  { name: 'one SQLite file', make: async (t) => ({ sqlite: join(temporaryDirectory(t), 'gs.sqlite3') }) },
  { name: 'one PostgreSQL database', make: async () => ({ postgres: await emptyPostgres() }) }
]

/** The site in this process; its clock is that of the other ones. */
const siteHere = (t: TestContext, database: GsOptions['database'], options: Partial<GsOptions> = {}) =>
  build(t, { database, keys: sessionKeys, now: Date.now, ...options }, (app) => {
    app.get('/data', ({ gs }) => gs.data.read())
    app.post('/data', ({ gs, body }) => anyData(gs).patch(body as Record<string, unknown>))
    app.post('/count', ({ gs }) => anyData(gs).patch(count))
  })

/** What another process says to the same browser. */
async function ask(site: string, browser: Browser, path: string, body?: object): Promise<unknown> {
  const response = await fetch(site + path, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { cookie: `gs=${browser.token}`, ...(body !== undefined && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body: JSON.stringify(body) })
  })
  assert.equal(response.status, 200)
  return response.json()
}

for (const { name, make } of places) {
  describe(`several processes on ${name}`, () => {
    it('lose nothing of 100 patches at once: 50 counts and 50 keys from two processes each', async (t) => {
      const database = await make(t)
      const { member } = await siteHere(t, database)
      const alice = await member('alice')
      const worker = await startWorker(t, database)
      await worker({ do: 'open', token: alice.token! })
      const numbers = Array.from({ length: 50 }, (_, index) => index)
      const [stormed, ...answers] = await Promise.all([
        worker({ do: 'storm', times: 50, prefix: 'theirs' }),
        ...numbers.flatMap((number) => [alice.post('/count'), alice.post('/data', { [`ours${number}`]: number })])
      ])
      assert.deepEqual(stormed, { value: null })
      assert.deepEqual(new Set(answers.map(({ statusCode }) => statusCode)), new Set([200]))
      const content = (await alice.get('/data')).json<Record<string, number>>()
      assert.equal(content['n'], 100)
      for (const number of numbers) assert.deepEqual([content[`ours${number}`], content[`theirs${number}`]], [number, number])
    })

    it('see at their next request what another one has changed, and ended by logout, revocation or a lock', async (t) => {
      const database = await make(t)
      const { member } = await siteHere(t, database)
      const there = await startSite(t, database)
      const administration = await openAdministration({ database })
      t.after(() => administration.close())
      const ends: ((browser: Browser, username: string) => Promise<unknown>)[] = [
        (browser) => browser.post('/lwsgs/logout'),
        async (_browser, username) => {
          const other = await member(`${username}-other`)
          await other.post('/lwsgs/login', { username, password })
          await other.send({ method: 'DELETE', url: '/lwsgs/sessions' })
        },
        async (_browser, username) => administration.accounts.lock((await administration.accounts.find(username))!.id)
      ]
      for (const [index, end] of ends.entries()) {
        const username = `alice${index}`
        const own = await member(username)
        const token = own.token!
        await own.post('/data', { cart: ['book'] })
        assert.deepEqual(await ask(there, own, '/who'), { username })
        assert.deepEqual(await ask(there, own, '/data', { theme: 'dark' }), { cart: ['book'], theme: 'dark' })
        assert.deepEqual((await own.get('/data')).json(), { cart: ['book'], theme: 'dark' })
        await end(own, username)
        own.cookies.set('gs', token)
        assert.deepEqual(await ask(there, own, '/who'), { username: null })
        assert.deepEqual(await ask(there, own, '/data'), {})
      }
    })

    it('can hold a session without a server: a worker sees data and end, and can neither revive nor overwrite it (F29)', async (t) => {
      const database = await make(t)
      const { app, member } = await siteHere(t, database)
      const ended: unknown[] = []
      app.gs.onSessionEnd(({ cause }) => void ended.push(cause))
      const alice = await member('alice')
      await alice.post('/data', { cart: ['book'] })
      const worker = await startWorker(t, database)
      const info = (await alice.get('/lwsgs/session')).json<Record<string, unknown>>()
      assert.deepEqual(await worker({ do: 'open', token: alice.token! }), {
        value: {
          id: info['session'],
          anonymous: false,
          username: 'alice',
          mask: info['mask'],
          level: info['level'],
          csrfToken: info['csrfToken']
        }
      })
      assert.ok((info['csrfToken'] as string).length >= 27)
      assert.deepEqual(await worker({ do: 'read' }), { value: { cart: ['book'] } })
      await alice.post('/data', { theme: 'dark' })
      assert.deepEqual(await worker({ do: 'patch', changes: { done: true } }), { value: { cart: ['book'], theme: 'dark', done: true } })
      assert.deepEqual((await alice.get('/data')).json(), { cart: ['book'], theme: 'dark', done: true })
      assert.deepEqual(await worker({ do: 'isAlive' }), { value: true })

      const token = alice.token!
      await alice.post('/lwsgs/logout')
      assert.deepEqual(ended, ['logout'])
      assert.deepEqual(await worker({ do: 'isAlive' }), { value: false })
      assert.deepEqual(await worker({ do: 'patch', changes: { done: false } }), { error: 'GS_SESSION_UNKNOWN' })
      assert.deepEqual(await worker({ do: 'replace', data: { done: false }, version: 0 }), { error: 'GS_SESSION_UNKNOWN' })
      assert.deepEqual(await worker({ do: 'read' }), { value: {} })
      assert.deepEqual(await worker({ do: 'open', token }), { value: null })
      alice.cookies.set('gs', token)
      assert.equal((await alice.get('/lwsgs/session')).json<{ username: unknown }>().username, null)
    })

    it('can end a session, and hold one of somebody who is not logged in', async (t) => {
      const database = await make(t)
      const { browser, member } = await siteHere(t, database)
      const worker = await startWorker(t, database)
      const alice = await member('alice')
      await worker({ do: 'open', token: alice.token! })
      assert.deepEqual(await worker({ do: 'end' }), { value: null })
      assert.equal((await alice.get('/lwsgs/session')).json<{ username: unknown }>().username, null)

      const visitor = browser()
      await visitor.post('/data', { cart: ['book'] })
      const opened = (await worker({ do: 'open', token: visitor.token! })) as { value: { anonymous: boolean; csrfToken: string } }
      const { csrfToken } = (await visitor.get('/lwsgs/session')).json<{ csrfToken: string }>()
      assert.deepEqual({ ...opened.value, id: '' }, { id: '', anonymous: true, username: null, mask: 0, level: 1, csrfToken })
      assert.ok(csrfToken.length >= 27)
      assert.deepEqual(await worker({ do: 'patch', changes: { done: true } }), { value: { cart: ['book'], done: true } })
      assert.deepEqual((await visitor.get('/data')).json(), { cart: ['book'], done: true })
      assert.deepEqual(await worker({ do: 'end' }), { value: null })
      assert.deepEqual((await visitor.get('/data')).json(), {})
    })
  })
}

describe('openSession', () => {
  it('keeps to the limits of the server, and is no use of the session', async (t) => {
    const { app, clock, member, browser } = await build(t, {}, (app) => {
      app.post('/data', ({ gs, body }) => anyData(gs).patch(body as Record<string, unknown>))
    })
    const alice = await member('alice')
    const visitor = browser()
    await visitor.post('/data', { a: 1 })
    const held = (await app.gs.openSession(alice.token!))!
    const ticket = (await app.gs.openSession(visitor.token!))!
    const end = held.expiresAt
    clock.advance(1199)
    assert.ok((await app.gs.openSession(visitor.token!)) !== null && (await ticket.isAlive()))
    clock.advance(1)
    assert.equal(await app.gs.openSession(visitor.token!), null)
    assert.equal(await ticket.isAlive(), false)
    await assert.rejects(anyData(ticket).patch({ a: 2 }), { code: 'GS_SESSION_UNKNOWN' })
    clock.advance(2399)
    const again = (await app.gs.openSession(alice.token!))!
    assert.equal(again.expiresAt, end)
    assert.equal(await again.isAlive(), true)
    clock.advance(1)
    assert.equal(await held.isAlive(), false)
    assert.equal(await app.gs.openSession(alice.token!), null)
  })

  it('opens nothing by what is no token or ticket of this server', async (t) => {
    const { app, member } = await build(t)
    const alice = await member('alice')
    for (const token of [
      '',
      'x',
      'A'.repeat(27),
      alice.token!.slice(1),
      `${alice.token} `,
      undefined as never,
      {} as never,
      'x'.repeat(100_000)
    ])
      assert.equal(await app.gs.openSession(token), null)
  })

  it('gets its token from a request: that of the session, the ticket, or null when the browser has none', async (t) => {
    const { app, member, browser } = await build(t, {}, (app) => {
      app.get('/token', (request) => ({ token: app.gs.tokenOf(request) }))
      app.get('/both', async (request) => {
        await anyData(request.gs).patch({ a: 1 })
        return { token: app.gs.tokenOf(request) }
      })
    })
    const alice = await member('alice')
    assert.deepEqual((await alice.get('/token')).json(), { token: alice.token })
    const visitor = browser()
    assert.deepEqual((await visitor.get('/token')).json(), { token: null })
    const both = (await visitor.get('/both')).json<{ token: string }>()
    assert.equal(both.token, visitor.token)
    assert.deepEqual(await anyData((await app.gs.openSession(both.token))!).read(), { a: 1 })
    const stale = browser()
    stale.cookies.set('gs', 'A'.repeat(27))
    assert.deepEqual((await stale.get('/token')).json(), { token: null })
  })

  it('tells the listeners of its process what it ends', async (t) => {
    const { app, member } = await build(t)
    const ended: unknown[] = []
    app.gs.onSessionEnd(({ cause }) => void ended.push(cause))
    const opened = (await app.gs.openSession((await member('alice')).token!))!
    await opened.end()
    await opened.end()
    assert.deepEqual(ended, ['revoked'])
    assert.equal(await opened.isAlive(), false)
  })
})

describe('openSessions', () => {
  const database = { sqlite: ':memory:' }
  const wrong: [options: unknown, message: RegExp][] = [
    [undefined, /needs an object/],
    [{ keys: sessionKeys }, /option database/],
    [{ database }, /option keys/],
    [{ database, keys: ['short'] }, /option keys\[0\]/],
    [{ database, keys: sessionKeys, baseUrl: 'x' }, /option baseUrl is not known to openSessions/],
    [{ database, keys: sessionKeys, session: { idel: 3 } }, /option session\.idel is not known/],
    [{ database, keys: sessionKeys, now: 3 }, /option now must be a function/]
  ]
  for (const [options, message] of wrong)
    it(`refuses ${JSON.stringify(options)}`, () =>
      assert.rejects(openSessions(options as SessionsOptions), { name: 'GsOptionError', message }))

  it('tells its listener what is ended here', async (t) => {
    const place = { sqlite: join(temporaryDirectory(t), 'gs.sqlite3') }
    const { member } = await siteHere(t, place)
    const ended: unknown[] = []
    const sessions = await openSessions({ database: place, keys: sessionKeys, onSessionEnd: ({ cause }) => void ended.push(cause) })
    t.after(() => sessions.close())
    await (await sessions.openSession((await member('alice')).token!))!.end()
    assert.deepEqual(ended, ['revoked'])
  })
})
