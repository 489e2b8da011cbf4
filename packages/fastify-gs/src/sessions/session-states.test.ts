import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import Fastify from 'fastify'
import { createKeyRing } from '../crypto/tokens.ts'
import { fastifyGs } from '../plugin.ts'
import { Browser, build, Clock, Inbox, password, quickHasher, type Built } from '../testing/build.ts'
import { places } from '../testing/databases.ts'
import { createFindSessions } from './session-states.ts'

const sessionOf = async (browser: Browser) => (await browser.get('/lwsgs/session')).json<{ session: string }>().session

async function withAdmin(t: TestContext) {
  const built = await build(t, {
    admin: { username: 'Chief', passwordHash: await quickHasher.hash(Buffer.from(password)) },
    sectors: ['press', 'editor'],
    session: { idle: 600, absolute: 3600 }
  })
  const chief = built.browser()
  await chief.post('/lwsgs/login', { username: 'Chief', password })
  return { ...built, chief }
}

const idOf = async ({ app }: Built, browser: Browser) => {
  const id = await sessionOf(browser)
  return (await app.gs.findSessions([id])).get(id)!.accountId
}

describe('app.gs.findSessions', () => {
  it('says whose sessions are, what they may, and until when', async (t) => {
    const built = await withAdmin(t)
    const { app, chief, clock, member } = built
    const [alice, bob] = [await member('alice'), await member('bob')]
    await chief.post(`/lwsgs/admin/accounts/${await idOf(built, bob)}/grant`, { sectors: ['editor'], level: 30 })
    const ids = [await sessionOf(alice), await sessionOf(bob), 'unknown']
    const states = await app.gs.findSessions(ids)
    assert.deepEqual([...states.keys()].toSorted(), ids.slice(0, 2).toSorted())
    const { accountId, ...rest } = states.get(ids[1]!)!
    assert.equal(accountId, await idOf(built, bob))
    assert.deepEqual(rest, {
      username: 'bob',
      mask: 1 + 4 + 32,
      level: 30,
      sectors: ['editor'],
      mustChangePassword: false,
      expiresAt: clock.now + 600_000,
      changesAt: null
    })
    assert.equal(states.get(ids[0]!)!.username, 'alice')
    assert.equal((await app.gs.findSessions([])).size, 0)
  })

  it('says of a new password that is due', async (t) => {
    const built = await withAdmin(t)
    const alice = await built.member('alice')
    await built.chief.post(`/lwsgs/admin/accounts/${await idOf(built, alice)}/require-password-change`)
    const id = await sessionOf(alice)
    const { mask, level, mustChangePassword } = (await built.app.gs.findSessions([id])).get(id)!
    assert.deepEqual({ mask, level, mustChangePassword }, { mask: 1, level: 2, mustChangePassword: true })
  })

  it('says when the bit of a lost-password link will be gone', async (t) => {
    const { app, browser, clock, inbox, member } = await withAdmin(t)
    await member('alice')
    const seen = inbox.mails.length
    const alice = browser()
    await alice.post('/lwsgs/forgot-password', { username: 'alice' })
    await alice.post('/lwsgs/forgot-password/redeem', { token: await inbox.token('alice@mail.test', /Set a new/, seen) })
    const id = await sessionOf(alice)
    const began = clock.now
    clock.advance(299)
    const { mask, changesAt } = (await app.gs.findSessions([id])).get(id)!
    assert.deepEqual([mask & 8, changesAt], [8, began + 300_000])
    clock.advance(1)
    const later = (await app.gs.findSessions([id])).get(id)!
    assert.deepEqual([later.mask & 8, later.changesAt], [0, null])
  })

  const gone: readonly [
    name: string,
    end: (built: Awaited<ReturnType<typeof withAdmin>>, alice: Browser, id: string) => Promise<unknown>
  ][] = [
    ['that have ended', (_built, alice) => alice.post('/lwsgs/logout')],
    ['of accounts that are locked', ({ chief }, _alice, id) => chief.post(`/lwsgs/admin/accounts/${id}/lock`)],
    ['of accounts that are deleted', ({ chief }, _alice, id) => chief.post(`/lwsgs/admin/accounts/${id}/delete`)],
    [
      'whose life is over',
      async ({ clock }, alice) => {
        for (let minutes = 0; minutes < 60; minutes += 9) {
          await alice.get('/lwsgs/session')
          clock.advance(540)
        }
      }
    ]
  ]
  for (const [name, end] of gone)
    it(`does not find sessions ${name}`, async (t) => {
      const built = await withAdmin(t)
      const alice = await built.member('alice')
      const id = await sessionOf(alice)
      await end(built, alice, await idOf(built, alice))
      assert.equal((await built.app.gs.findSessions([id])).size, 0)
    })

  it('finds a session whose idle time is over a little longer, because another process may have used it', async (t) => {
    const { app, clock, member } = await withAdmin(t)
    const id = await sessionOf(await member('alice'))
    const began = clock.now
    // 60 s, after which a use is written down, and 15 s for doing it.
    clock.advance(600 + 74)
    assert.equal((await app.gs.findSessions([id])).get(id)!.expiresAt, began + 600_000)
    clock.advance(1)
    assert.equal((await app.gs.findSessions([id])).size, 0)
  })

  it('refuses with GS_BUSY when the database cannot answer, and with its error when something is wrong', async () => {
    let unavailable = true
    const find = createFindSessions({
      find: { sessions: () => Promise.reject(new Error('no answer')) },
      database: { isUnavailable: () => unavailable },
      activity: { latest: (_id, recorded) => recorded },
      limits: { idle: 1, absolute: 1, remembered: 1 },
      keys: createKeyRing(['only-for-tests-0123456789-abcdefghij']),
      sectors: [],
      grace: 0,
      now: Date.now
    })
    await assert.rejects(find(['id']), { code: 'GS_BUSY', statusCode: 503 })
    unavailable = false
    await assert.rejects(find(['id']), /no answer/)
  })

  for (const { name, place } of places)
    it(`finds one of many, however many are asked for: ${name}`, async (t) => {
      const [clock, inbox] = [new Clock(), new Inbox()]
      const app = Fastify()
      t.after(() => app.close())
      await app.register(fastifyGs, {
        baseUrl: 'http://localhost:7681',
        keys: ['only-for-tests-0123456789-abcdefghij'],
        database: await place(t),
        mail: { mailer: inbox, from: 'Test <noreply@site.test>' },
        password: { hasher: quickHasher },
        admin: { username: 'Chief', passwordHash: await quickHasher.hash(Buffer.from(password)) },
        rateLimits: false,
        now: () => clock.now
      })
      const browser = new Browser(app)
      await browser.post('/lwsgs/login', { username: 'Chief', password })
      const id = await sessionOf(browser)
      const many = [...Array.from({ length: 1200 }, (_, number) => `unknown${number}`), id]
      const states = await app.gs.findSessions(many)
      assert.deepEqual([...states.keys()], [id])
      assert.equal(states.get(id)!.username, 'Chief')
    })
})
