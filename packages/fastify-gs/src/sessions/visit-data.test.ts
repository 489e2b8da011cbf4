import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import Sqlite from 'better-sqlite3'
import type { FastifyInstance } from 'fastify'
import type { GsSessionOptions } from '../options.ts'
import { Browser, build, password } from '../testing/build.ts'
import { anyData, count } from '../testing/session-data.ts'

async function site(t: TestContext, session: GsSessionOptions = {}, more?: (app: FastifyInstance) => void) {
  const built = await build(t, { session }, (app) => {
    app.get('/read', ({ gs }) => gs.data.read())
    app.post('/patch', ({ gs, body }) => anyData(gs).patch(body as Record<string, unknown>))
    app.post('/count', ({ gs }) => anyData(gs).patch(count))
    more?.(app)
  })
  const database = new Sqlite(built.databasePath, { readonly: true })
  t.after(() => database.close())
  const rows = () => database.prepare<[], { id: string; data: string }>('select id, data from gs_session_data').all()
  return { ...built, rows }
}

const logIn = (browser: Browser, username: string) => browser.post('/lwsgs/login', { username, password })
const read = async (browser: Browser) => (await browser.get('/read')).json<object>()

describe('request.gs.data', () => {
  it('gives a fresh visitor a ticket when something is stored for him, also by a call, and then keeps it', async (t) => {
    const { browser, rows } = await site(t)
    const visitor = browser()
    assert.deepEqual(await read(visitor), {})
    await visitor.post('/patch', {})
    assert.equal(visitor.token, undefined)
    assert.deepEqual((await visitor.post('/patch', { cart: ['book'] })).json(), { cart: ['book'] })
    const ticket = visitor.token
    assert.match(ticket!, /^[\w-]{27}\./)
    await visitor.post('/patch', { theme: 'dark' })
    assert.equal(visitor.token, ticket)
    assert.deepEqual(await read(visitor), { cart: ['book'], theme: 'dark' })
    assert.deepEqual(await read(browser()), {})
    assert.equal(rows().length, 1)
  })

  it('writes one cookie, however often it is stored in one request, also when the request is refused later (F11)', async (t) => {
    const { browser, app } = await site(t, {}, (app) => {
      app.post('/refused', async ({ gs }, reply) => {
        await anyData(gs).patch({ a: 1 })
        await anyData(gs).patch({ b: 2 })
        assert.deepEqual(await anyData(gs).read(), { a: 1, b: 2 })
        return reply.code(409).send({})
      })
    })
    const response = await app.inject({ method: 'POST', url: '/refused' })
    assert.equal(response.cookies.length, 1)
    const visitor = browser()
    await visitor.post('/refused')
    assert.deepEqual(await read(visitor), { a: 1, b: 2 })
  })

  it('stores nothing that nobody can find again: after the answer has begun, and over a websocket upgrade', async (t) => {
    const refusals: string[] = []
    const attempt = (gs: Parameters<typeof anyData>[0]) =>
      anyData(gs)
        .patch({ a: 1 })
        .catch((error: Error) => void refusals.push(error.message))
    const { app, rows, browser, member } = await site(t, {}, (app) => {
      app.get('/late', async ({ gs }, reply) => {
        await reply.send('done')
        await attempt(gs)
        return reply
      })
      app.get('/upgrade', async ({ gs }) => (await attempt(gs), {}))
    })
    await app.inject('/late')
    await app.inject({ url: '/upgrade', headers: { connection: 'upgrade', upgrade: 'websocket' } })
    assert.deepEqual(rows(), [])
    assert.deepEqual(
      refusals.map((message) => /The answer has begun|A websocket cannot/.exec(message)?.[0]),
      ['The answer has begun', 'A websocket cannot']
    )
    // Whoever has a session can be found again by both.
    const visitor = browser()
    await visitor.post('/patch', { b: 1 })
    for (const own of [visitor, await member('alice')]) {
      await own.get('/late')
      await own.get('/upgrade', { connection: 'upgrade', upgrade: 'websocket' })
    }
    assert.equal(refusals.length, 2)
    assert.deepEqual(
      rows().map(({ data }) => data),
      ['{"b":1,"a":1}', '{"a":1}']
    )
  })

  it('is refused when the hook for new sessions refuses them', async (t) => {
    const { app, rows } = await site(t, {}, (app) => app.gs.addHook('onSessionStart', () => 'closed today'))
    const response = await app.inject({ method: 'POST', url: '/patch', payload: { a: 1 } })
    assert.equal(response.statusCode, 403)
    assert.equal(response.json<{ code: string }>().code, 'GS_SESSION_REFUSED')
    assert.deepEqual(rows(), [])
  })

  it('loses nothing of parallel requests of one browser (F29)', async (t) => {
    const { member } = await site(t)
    const alice = await member('alice')
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) => [alice.post('/count'), alice.post('/patch', { [`k${index}`]: index })]).flat()
    )
    assert.deepEqual(
      answers.map(({ statusCode }) => statusCode),
      Array(40).fill(200)
    )
    const content = (await read(alice)) as { n: number }
    assert.equal(content.n, 20)
    assert.equal(Object.keys(content).length, 21)
  })

  it('answers too much with 413 and says how much is allowed', async (t) => {
    const { member } = await site(t, { data: { maxBytes: 100 } })
    const refused = await (await member('alice')).post('/patch', { a: 'x'.repeat(100) })
    assert.equal(refused.statusCode, 413)
    assert.match(refused.body, /GS_DATA_TOO_LARGE.*108 bytes.*100/)
  })

  it('costs nothing when it is not used', async (t) => {
    const { member, rows } = await site(t)
    await (await member('alice')).get('/lwsgs/session')
    assert.deepEqual(rows(), [])
  })

  it('is there for a visitor who comes back after the idle time, if the rule for logouts keeps it', async (t) => {
    const { clock, member, rows } = await site(t, { data: { onLogout: 'keep' } })
    const alice = await member('alice')
    await alice.post('/patch', { cart: ['book'] })
    clock.advance(3600)
    await alice.visit('/lwsgs/session')
    assert.deepEqual(await read(alice), { cart: ['book'] })
    assert.match(alice.token!, /\./)
    assert.deepEqual((await alice.post('/count')).json(), { cart: ['book'], n: 1 })
    assert.equal(rows().length, 1)
  })

  it('is there with two cookies too, after the idle time', async (t) => {
    const { clock, member } = await site(t, { cookieName: { anonymous: 'as', loggedIn: 'ls' }, data: { onLogout: 'keep' } })
    const alice = await member('alice')
    await alice.post('/patch', { cart: ['book'] })
    clock.advance(3600)
    await alice.visit('/lwsgs/session')
    assert.deepEqual(await read(alice), { cart: ['book'] })
    assert.deepEqual(await read(alice), { cart: ['book'] })
  })

  for (const rule of ['keep', 'drop'] as const) {
    it(`is ${rule === 'keep' ? 'kept by housekeeping for as long as an anonymous session idles' : 'removed by housekeeping'} after the idle time, with ${rule}`, async (t) => {
      const options = { session: { data: { onLogout: rule } } }
      const { app, clock, member, browser, databasePath, rows } = await site(t, options.session)
      await (await member('alice')).post('/patch', { cart: ['book'] })
      await browser().post('/patch', { a: 1 })
      const keepHouse = async (seconds: number) => {
        clock.advance(seconds)
        // It is done once when a server is ready, and the end of the server waits for it.
        const again = await build(t, { database: { sqlite: databasePath }, now: () => clock.now, ...options })
        await again.app.close()
        return rows()
          .map(({ data }) => data)
          .toSorted()
      }
      await app.close()
      const kept = rule === 'keep' ? ['{"cart":["book"]}'] : []
      assert.deepEqual(await keepHouse(3700), ['{"a":1}', ...kept])
      assert.deepEqual(await keepHouse(1199), ['{"a":1}', ...kept])
      assert.deepEqual(await keepHouse(1), ['{"a":1}'])
      assert.deepEqual(await keepHouse(86_400), [])
    })
  }

  it('is gone after the idle time otherwise', async (t) => {
    const { clock, member } = await site(t)
    const alice = await member('alice')
    await alice.post('/patch', { cart: ['book'] })
    clock.advance(3600)
    assert.deepEqual(await read(alice), {})
  })
})

describe('what becomes of data at logins and logouts', () => {
  it('goes with the visitor who logs in, and stays behind when he logs out', async (t) => {
    const { browser, member, rows } = await site(t)
    await (await member('alice')).post('/lwsgs/logout')
    const own = browser()
    await own.post('/patch', { cart: ['book'] })
    const ticket = own.token!
    await logIn(own, 'alice')
    assert.deepEqual(await read(own), { cart: ['book'] })
    const before = new Browser(own.app)
    before.cookies.set('gs', ticket)
    assert.deepEqual(await read(before), {})
    await own.post('/lwsgs/logout')
    assert.deepEqual(await read(own), {})
    assert.deepEqual(rows(), [])
  })

  it('is nothing of the account before, when another one logs in with the same browser (FX-04)', async (t) => {
    const { member, rows } = await site(t)
    await member('bob')
    const own = await member('alice')
    await own.post('/patch', { cart: ['book'] })
    await logIn(own, 'alice')
    assert.deepEqual(await read(own), { cart: ['book'] })
    await logIn(own, 'bob')
    assert.deepEqual(await read(own), {})
    assert.deepEqual(rows(), [])
  })

  it('goes on after a logout when the rule says so', async (t) => {
    const { member } = await site(t, { data: { onLogout: 'keep' } })
    const own = await member('alice')
    await own.post('/patch', { cart: ['book'] })
    await own.post('/lwsgs/logout')
    assert.deepEqual(await read(own), { cart: ['book'] })
  })
})
