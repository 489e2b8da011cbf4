import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import type { GsOptions } from '../options.ts'
import { build, password, type Browser } from '../testing/build.ts'
import { emptyPostgres } from '../testing/databases.ts'

/*
 * What becomes of the application's data when somebody logs in and out, through the flows.
 */

type Stored = Record<string, unknown>

const engines: readonly [name: string, database: () => Promise<Partial<GsOptions>>][] = [
  ['SQLite', async () => ({})],
  ['PostgreSQL', async () => ({ database: { postgres: await emptyPostgres() } })]
]

async function start(t: TestContext, options: Partial<GsOptions> = {}) {
  const built = await build(t, options, (app) => {
    app.get('/data', async ({ gs }) => gs.data.read())
    app.post('/data', async (request) => request.gs.data.patch(request.body as object))
  })
  const logIn = async (browser: Browser, username: string) =>
    assert.equal((await browser.post('/lwsgs/login', { username, password })).statusCode, 200)
  const read = async (browser: Browser): Promise<Stored> => (await browser.get('/data')).json()
  return { ...built, logIn, read }
}

for (const [engine, database] of engines) {
  describe(`the data of a session on ${engine}`, () => {
    it('stays at login and goes at logout, unless the rules say otherwise', async (t) => {
      const { browser, logIn, member, read } = await start(t, await database())
      await member('alice')
      const visitor = browser()
      await visitor.post('/data', { cart: [1] })
      await logIn(visitor, 'alice')
      assert.deepEqual(await read(visitor), { cart: [1] })
      await visitor.post('/data', { theme: 'dark' })
      await logIn(visitor, 'alice')
      assert.deepEqual(await read(visitor), { cart: [1], theme: 'dark' }, 'the same account again')
      await visitor.post('/lwsgs/logout')
      assert.deepEqual(await read(visitor), {})
      await logIn(visitor, 'alice')
      assert.deepEqual(await read(visitor), {}, 'it was the data of the session, not of the account')
    })

    it('goes over as far as a rule of the application says', async (t) => {
      const { browser, logIn, member, read } = await start(t, {
        ...(await database()),
        session: {
          data: {
            onLogin: (data: Stored) => ({ cart: data['cart'] }),
            onLogout: (data: Stored) => ({ theme: data['theme'] })
          }
        }
      })
      await member('alice')
      const visitor = browser()
      await visitor.post('/data', { cart: [1], seen: true })
      await logIn(visitor, 'alice')
      assert.deepEqual(await read(visitor), { cart: [1] })
      await visitor.post('/data', { theme: 'dark' })
      await visitor.post('/lwsgs/logout')
      assert.deepEqual(await read(visitor), { theme: 'dark' })
    })

    it('of one account is never that of another one in the same browser', async (t) => {
      const { browser, logIn, member, read } = await start(t, await database())
      await member('alice')
      await member('bob')
      const visitor = browser()
      await logIn(visitor, 'alice')
      await visitor.post('/data', { secret: 'of alice' })
      await logIn(visitor, 'bob')
      assert.deepEqual(await read(visitor), {})
    })

    it('is found again after an idle time when it is to be kept, and by nobody else', async (t) => {
      const { browser, clock, logIn, member, read } = await start(t, {
        ...(await database()),
        session: { idle: 600, data: { onLogout: 'keep' } }
      })
      await member('alice')
      const visitor = browser()
      await logIn(visitor, 'alice')
      await visitor.post('/data', { cart: [1] })
      clock.advance(601)
      assert.equal((await visitor.get('/lwsgs/session')).json().username, null)
      assert.deepEqual(await read(visitor), { cart: [1] })
      assert.deepEqual(await read(browser()), {})
      await visitor.post('/data', { more: 1 })
      assert.deepEqual(await read(visitor), { cart: [1], more: 1 })
    })

    it('goes when the password is forgotten or the session revoked, whatever the rule', async (t) => {
      const { browser, logIn, member, read } = await start(t, { ...(await database()), session: { data: { onLogout: 'keep' } } })
      const alice = await member('alice')
      const visitor = browser()
      await logIn(visitor, 'alice')
      await visitor.post('/data', { cart: [1] })
      await alice.send({ method: 'DELETE', url: '/lwsgs/sessions' })
      assert.deepEqual(await read(visitor), {})
    })
  })
}
