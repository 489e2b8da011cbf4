import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { build, password, quickHasher, type Browser, type Built } from '../testing/build.ts'
import type { GsOptions } from '../options.ts'
import { emptyPostgres } from '../testing/databases.ts'

const engines: readonly [name: string, database: () => Promise<Partial<GsOptions>>][] = [
  ['SQLite', async () => ({})],
  ['PostgreSQL', async () => ({ database: { postgres: await emptyPostgres() } })]
]

const credentials = { username: 'alice', password }

const living = async (browsers: readonly Browser[]) =>
  Promise.all(browsers.map(async (browser) => (await browser.get('/lwsgs/session')).json().username === 'alice'))

async function logInTimes({ browser, clock }: Built, count: number): Promise<Browser[]> {
  const browsers: Browser[] = []
  for (let index = 0; index < count; index++) {
    const visitor = browser()
    clock.advance(1)
    assert.equal((await visitor.post('/lwsgs/login', credentials)).statusCode, 200)
    browsers.push(visitor)
  }
  return browsers
}

describe('sessions per account', () => {
  it('end the one that was used least recently, with the cause "limit"', async (t) => {
    const built = await build(t, { session: { perAccount: 3 } })
    const causes: string[] = []
    built.app.gs.onSessionEnd(({ cause }) => causes.push(cause))
    const first = await built.member('alice')
    const browsers = [first, ...(await logInTimes(built, 2))]
    // Used, so it is not the oldest any more: long enough ago for the use to count.
    built.clock.advance(120)
    await first.get('/lwsgs/sessions')
    await first.get('/lwsgs/session')
    const [fourth] = await logInTimes(built, 1)
    assert.deepEqual(await living([...browsers, fourth!]), [true, false, true, true])
    assert.deepEqual(causes, ['limit'])
  })

  for (const [engine, database] of engines)
    it(`are never more than the limit when logins come at once, on ${engine}`, async (t) => {
      const built = await build(t, { ...(await database()), session: { perAccount: 5 } })
      await built.member('alice')
      const browsers = Array.from({ length: 12 }, () => built.browser())
      await Promise.all(browsers.map((browser) => browser.post('/lwsgs/login', credentials)))
      assert.equal((await living(browsers)).filter(Boolean).length, 5)
      const last = built.browser()
      await last.post('/lwsgs/login', credentials)
      assert.equal((await last.get('/lwsgs/sessions')).json().sessions.length, 5)
    })

  it('refuse the login when that is chosen; those that are over do not count, and logging out makes room', async (t) => {
    const built = await build(t, { session: { perAccount: 2, whenFull: 'refuse', idle: 600 } })
    const first = await built.member('alice')
    const [second] = await logInTimes(built, 1)
    const third = built.browser()
    const refused = await third.post('/lwsgs/login', credentials)
    assert.deepEqual([refused.statusCode, refused.json().code], [403, 'GS_SESSION_LIMIT'])
    assert.deepEqual(await living([first, second!]), [true, true])

    await second!.post('/lwsgs/logout')
    assert.equal((await third.post('/lwsgs/login', credentials)).statusCode, 200)
    built.clock.advance(601)
    assert.equal((await built.browser().post('/lwsgs/login', credentials)).statusCode, 200, 'both are idle')
  })

  it('do not stand in the way of a new login in the same browser', async (t) => {
    const built = await build(t, { session: { perAccount: 1, whenFull: 'refuse' } })
    const only = await built.member('alice')
    assert.equal((await only.post('/lwsgs/login', credentials)).statusCode, 200)
    assert.deepEqual(await living([only]), [true])
  })
})

describe('sessions of all accounts', () => {
  it('are bounded: further logins get 503, somebody who logs out makes room, and the configured admin always gets in', async (t) => {
    const built = await build(t, {
      session: { total: 2 },
      admin: { username: 'boss', passwordHash: await quickHasher.hash(Buffer.from(password)) }
    })
    const alice = await built.member('alice')
    const [second] = await logInTimes(built, 1)
    const third = built.browser()
    const refused = await third.post('/lwsgs/login', credentials)
    assert.deepEqual([refused.statusCode, refused.json().code, refused.headers['retry-after']], [503, 'GS_SESSIONS_FULL', '5'])
    assert.deepEqual(await living([alice, second!]), [true, true], 'those who are there stay')
    const boss = built.browser()
    assert.equal((await boss.post('/lwsgs/login', { username: 'boss', password })).json().username, 'boss')
    await boss.post('/lwsgs/logout')

    await second!.post('/lwsgs/logout')
    built.clock.advance(6)
    assert.equal((await third.post('/lwsgs/login', credentials)).statusCode, 200)
  })

  it('do not stand in the way of a login that takes the place of another session', async (t) => {
    const built = await build(t, { session: { total: 2, perAccount: 2 } })
    const alice = await built.member('alice')
    await logInTimes(built, 1)
    assert.equal((await alice.post('/lwsgs/login', credentials)).statusCode, 200, 'in the same browser')
    assert.equal((await built.browser().post('/lwsgs/login', credentials)).statusCode, 200, 'the oldest one of the account ends for it')
    const others = await alice.get('/lwsgs/sessions')
    assert.equal(others.json().sessions.length, 2)
  })

  it('are not filled by visitors without a session (a table of 100 slots is, by 100 requests)', async (t) => {
    const built = await build(t, { session: { total: 2 } })
    await built.member('alice')
    for (let visits = 0; visits < 100; visits++) await built.browser().visit('/lwsgs/session')
    assert.equal((await built.browser().post('/lwsgs/login', credentials)).statusCode, 200)
  })
})
