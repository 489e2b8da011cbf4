import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import Sqlite from 'better-sqlite3'
import type { FastifyInstance } from 'fastify'
import { digest } from '../crypto/tokens.ts'
import type { GsDatabase } from '../database/database.ts'
import { openPostgres } from '../database/postgres.ts'
import { openSqlite } from '../database/sqlite.ts'
import { sessionRegistryOf } from '../live/session-registry.ts'
import type { GsOptions } from '../options.ts'
import { seedAccount } from '../testing/accounts.ts'
import { Browser, build, password } from '../testing/build.ts'
import { CookieJar } from '../testing/cookie-jar.ts'
import { emptyPostgres, engines, temporaryDirectory } from '../testing/databases.ts'
import { openEvents } from '../testing/event-client.ts'
import { createSessionCookies } from './session-cookies.ts'
import { createFindSession, createSession, endSession, renewToken, type FoundSession } from './sessions.ts'
import { confirmToken, createTokenRenewal, isRenewalDue, pruneFormerTokens, replaceToken } from './token-renewal.ts'

const now = Date.UTC(2026, 0, 1)
const minute = 60_000
const hour = 60 * minute
const limits = { idle: hour, absolute: 24 * hour, remembered: 720 * hour }

describe('a new token', () => {
  const cases: [name: string, due: boolean, age: number, change?: Partial<FoundSession>, interval?: number][] = [
    ['is not due before the interval is over', false, hour - 1],
    ['is due when it is over', true, hour],
    ['is due though the newest one is used for the first time', true, hour, { tokenUnused: true }],
    ['is never due when the interval is 0', false, 9000 * hour, {}, 0],
    ['is never due for a lost one either when the interval is 0', false, 9000 * hour, { former: true, tokenUnused: true }, 0],
    ['is not due for a former token whose successor may be on its way', false, minute - 1, { former: true, tokenUnused: true }],
    ['is due for a former token whose successor must have been lost', true, minute, { former: true, tokenUnused: true }],
    ['is not due for a former token whose successor is in use', false, 9000 * hour, { former: true }],
    ['is not due when the clock was turned back', false, -hour]
  ]
  for (const [name, due, age, change, interval = hour] of cases) {
    it(name, () => {
      const found = { id: 's', tokenHash: 'h', former: false, tokenAt: now, tokenUnused: false, ...change }
      assert.equal(isRenewalDue(found, interval, now + age), due)
    })
  }
})

for (const engine of engines) {
  describe(`tokens that are renewed on ${engine.name}`, () => {
    const open = async (t: TestContext) => {
      const database = await engine.open(t)
      const clock = { now }
      const search = createFindSession(database, () => clock.now)
      const find = async (token: string | null) => search(token!)
      await seedAccount(database.db, 'alice')
      const session = { accountId: 'alice', remember: false, forgotAt: null, ip: '', userAgent: '', now }
      const start = () => database.transaction((trx) => createSession(trx, session, limits))
      const replace = async (token: string) => {
        const found = (await find(token))!
        return database.transaction((trx) => replaceToken(trx, found, clock.now))
      }
      const confirm = async (token: string) => {
        const found = (await find(token))!
        await database.transaction((trx) => confirmToken(trx, found, clock.now))
      }
      const former = async () => (await database.db.selectFrom('gs_replaced_tokens').selectAll().execute()).map((row) => row.token_hash)
      return { database, db: database.db, clock, find, start, replace, confirm, former }
    }

    it('go on beside the new one until that has been used, and a minute longer', async (t) => {
      const { clock, find, start, replace, confirm } = await open(t)
      const { id, token } = await start()
      const first = (await find(token))!
      clock.now += hour
      const renewed = (await replace(token))!
      assert.deepEqual(await find(renewed), { ...first, tokenHash: digest(renewed), tokenAt: clock.now, tokenUnused: true })
      assert.deepEqual(await find(token), { ...first, former: true, tokenAt: clock.now, tokenUnused: true })

      clock.now += 20 * hour
      assert.equal((await find(token))?.id, id)
      await confirm(renewed)
      assert.equal((await find(renewed))?.tokenUnused, false)
      clock.now += minute - 1
      assert.deepEqual([(await find(token))?.former, (await find(token))?.tokenUnused], [true, false])
      clock.now += 1
      assert.deepEqual([await find(token), (await find(renewed))?.id], [null, id])
    })

    it('are replaced once by many at the same moment', async (t) => {
      const { database, find, start, former } = await open(t)
      const { token } = await start()
      const found = (await find(token))!
      const renewed = await Promise.all(
        Array.from({ length: 20 }, () => database.transaction((trx) => replaceToken(trx, found, now + hour)))
      )
      const [winner, ...others] = renewed.filter((each) => each !== null)
      assert.equal(others.length, 0)
      assert.deepEqual([(await find(winner!))?.former, (await find(token))?.former], [false, true])
      assert.deepEqual(await former(), [digest(token)])
    })

    it('that were lost on their way are dead when there is another one, the former one is not', async (t) => {
      const { database, clock, find, start, replace, confirm, former } = await open(t)
      const { token } = await start()
      clock.now += hour
      const lost = (await replace(token))!
      clock.now += hour
      const found = (await find(token))!
      const again = await Promise.all(Array.from({ length: 10 }, () => database.transaction((trx) => replaceToken(trx, found, clock.now))))
      const [renewed, ...others] = again.filter((each) => each !== null)
      assert.equal(others.length, 0)
      assert.deepEqual([await find(lost), (await find(token))?.former, (await find(renewed!))?.former], [null, true, false])
      assert.deepEqual(await former(), [digest(token)])
      await confirm(renewed!)
      clock.now += minute
      assert.equal(await find(token), null)
    })

    it('that are renewed at their first use end the one before them as well', async (t) => {
      const { clock, find, start, replace } = await open(t)
      const { token } = await start()
      const second = (await replace(token))!
      clock.now += hour
      const third = (await replace(second))!
      assert.deepEqual([(await find(token))?.former, (await find(second))?.former, (await find(third))?.former], [true, true, false])
      clock.now += minute
      assert.deepEqual([await find(token), (await find(second))?.former, (await find(third))?.former], [null, true, false])
    })

    it('are confirmed by the newest one only, also when both happen at once', async (t) => {
      const { database, clock, find, start, replace } = await open(t)
      for (let round = 0; round < 10; round++) {
        const { token } = await start()
        const second = (await replace(token))!
        const found = (await find(second))!
        const [third] = await Promise.all([
          database.transaction((trx) => replaceToken(trx, found, clock.now)),
          database.transaction((trx) => confirmToken(trx, found, clock.now))
        ])
        assert.deepEqual([(await find(third))?.tokenUnused, (await find(second))?.former], [true, true])
      }
    })

    it('are all dead at once, the former too, when the session gets one because it may do more', async (t) => {
      const { database, clock, find, start, replace, former } = await open(t)
      const { id, token } = await start()
      const second = (await replace(token))!
      clock.now += hour
      const third = (await replace(second))!
      const stale = (await find(third))!
      const renewed = await database.transaction((trx) => renewToken(trx, id, { forgotAt: null, now: clock.now }))
      for (const old of [token, second, third]) assert.equal(await find(old), null)
      const { tokenAt, tokenUnused } = (await find(renewed))!
      assert.deepEqual([tokenAt, tokenUnused], [clock.now, false])
      assert.deepEqual(await former(), [])
      // A renewal that had begun before.
      assert.equal(await database.transaction((trx) => replaceToken(trx, stale, clock.now)), null)
      assert.deepEqual(await former(), [])
    })

    it('of sessions that have ended are neither found nor renewed, also when both happen at once', async (t) => {
      const { database, find, start, replace, former } = await open(t)
      for (let round = 0; round < 10; round++) {
        const { id, token } = await start()
        const second = (await replace(token))!
        const found = (await find(second))!
        const [third] = await Promise.all([
          database.transaction((trx) => replaceToken(trx, found, now)),
          database.transaction((trx) => endSession(trx, id, 'logout'))
        ])
        for (const each of [token, second, third]) assert.equal(each === null || (await find(each)) === null, true)
        assert.equal(await database.transaction((trx) => replaceToken(trx, found, now)), null)
      }
      assert.deepEqual(await former(), [])
    })

    it('of locked accounts are not found', async (t) => {
      const { db, find, start, replace } = await open(t)
      const { token } = await start()
      const renewed = await replace(token)
      await db.updateTable('gs_accounts').set({ locked_at: now }).execute()
      assert.deepEqual([await find(token), await find(renewed)], [null, null])
    })

    it('are removed when they have ended', async (t) => {
      const { db, clock, start, replace, confirm, former } = await open(t)
      const [used, waiting] = [await start(), await start()]
      await confirm((await replace(used.token))!)
      await replace(waiting.token)
      await pruneFormerTokens(db, clock.now + minute - 1)
      assert.deepEqual((await former()).toSorted(), [digest(used.token), digest(waiting.token)].toSorted())
      await pruneFormerTokens(db, clock.now + minute)
      assert.deepEqual(await former(), [digest(waiting.token)])
    })
  })
}

/** A site whose tokens are renewed every ten minutes, and its tables. */
async function site(
  t: TestContext,
  { database, session, ...options }: Partial<GsOptions> = {},
  routes?: (app: FastifyInstance) => void | Promise<void>
) {
  const settings = { session: { renewal: 600, ...session }, ...(database !== undefined && { database }), ...options }
  const built = await build(t, settings, async (app) => {
    app.get('/page', () => 'ok')
    await routes?.(app)
  })
  const tables =
    database !== undefined && 'postgres' in database
      ? await openPostgres(database.postgres, () => undefined)
      : await openSqlite(database?.sqlite ?? built.databasePath)
  t.after(() => tables.close())
  return Object.assign(built, { tables, jar: () => new CookieJar(() => built.clock.now) })
}

/** Waits until it is written down that all tokens have been used. */
async function untilUsed({ db }: GsDatabase): Promise<void> {
  while ((await db.selectFrom('gs_sessions').select('id').where('token_unused', '=', 1).executeTakeFirst()) !== undefined) await turn()
}

async function logIn(browser: CookieJar, app: FastifyInstance, fields: object = {}): Promise<void> {
  const response = await browser.post(app, '/lwsgs/login', { username: 'alice', password, ...fields })
  assert.equal(response.statusCode, 200, response.body)
}

const who = async (app: FastifyInstance, token: string | undefined) =>
  (await app.inject({ url: '/lwsgs/sessions', headers: { cookie: `gs=${token}` } })).statusCode === 200

const stores: { name: string; make: (t: TestContext) => GsOptions['database'] | Promise<GsOptions['database']> }[] = [
  { name: 'SQLite', make: (t) => ({ sqlite: join(temporaryDirectory(t), 'gs.sqlite3') }) },
  { name: 'PostgreSQL', make: async () => ({ postgres: await emptyPostgres() }) }
]

for (const store of stores) {
  describe(`a browser that stays logged in on ${store.name}`, () => {
    const start = async (t: TestContext, options: Partial<GsOptions> = {}) => {
      const database = await store.make(t)
      const built = await site(t, { database, ...options })
      await built.member('alice')
      const browser = built.jar()
      await logIn(browser, built.app)
      return { ...built, browser, database, first: browser.get('gs')! }
    }

    it('gets a new token with a page when the old one has become old; the old one goes on until the new one is used', async (t) => {
      const { app, clock, browser, first, tables } = await start(t)
      clock.advance(599)
      assert.equal((await browser.visit(app, '/page')).headers['set-cookie'], undefined)
      clock.advance(1)
      await browser.visit(app, '/page')
      const second = browser.get('gs')!
      assert.notEqual(second, first)
      clock.advance(300)
      assert.deepEqual([await who(app, first), await who(app, second)], [true, true])
      await untilUsed(tables)
      clock.advance(59)
      assert.equal(await who(app, first), true)
      clock.advance(1)
      assert.deepEqual([await who(app, first), await who(app, second)], [false, true])
    })

    it('is logged out by no lost answer', async (t) => {
      const { app, clock, browser, first, tables } = await start(t)
      clock.advance(600)
      const lost = (await browser.visit(app, '/page', 'the answer is lost')).cookies[0]!.value
      clock.advance(59)
      assert.equal((await browser.visit(app, '/page')).headers['set-cookie'], undefined)
      clock.advance(1)
      await browser.visit(app, '/page')
      assert.ok(![first, lost].includes(browser.get('gs')!))
      assert.deepEqual([await who(app, lost), await who(app, browser.get('gs'))], [false, true])
      await untilUsed(tables)
      clock.advance(60)
      assert.deepEqual([await who(app, first), await who(app, browser.get('gs'))], [false, true])
    })

    it('is logged out by no two hundred requests at once, of which one brings the new token', async (t) => {
      const { app, clock, browser, first, jar } = await start(t)
      clock.advance(600)
      const pages = await Promise.all(Array.from({ length: 200 }, () => browser.visit(app, '/page', 'the answer is lost')))
      assert.deepEqual(new Set(pages.map((page) => page.statusCode)), new Set([200]))
      const given = pages.filter((page) => page.headers['set-cookie'] !== undefined)
      assert.equal(given.length, 1)
      for (const page of pages) browser.take(page)
      assert.notEqual(browser.get('gs'), first)
      const { sessions } = (await browser.send(app, { url: '/lwsgs/sessions' })).json<{ sessions: object[] }>()
      // That of the sign-up, and this one.
      assert.equal(sessions.length, 2)
      // Nothing of it counts as a guess.
      await logIn(jar(), app)
    })

    it('is the same to two processes, of which one renews', async (t) => {
      const { app, clock, browser, first, database, tables } = await start(t)
      const { app: other } = await site(t, { database, now: () => clock.now })
      clock.advance(600)
      const pages = await Promise.all([app, other, app, other].map((its) => browser.visit(its, '/page', 'the answer is lost')))
      for (const page of pages) browser.take(page)
      assert.equal(pages.filter((page) => page.headers['set-cookie'] !== undefined).length, 1)
      for (const its of [app, other]) assert.deepEqual([await who(its, first), await who(its, browser.get('gs'))], [true, true])
      await untilUsed(tables)
      clock.advance(60)
      for (const its of [app, other]) assert.deepEqual([await who(its, first), await who(its, browser.get('gs'))], [false, true])
    })

    it('loses all tokens, the former too, by a new password and by a logout', async (t) => {
      const { app, clock, browser, first } = await start(t)
      clock.advance(600)
      await browser.visit(app, '/page')
      const second = browser.get('gs')!
      const changed = await browser.post(app, '/lwsgs/change-password', { currentPassword: password, password: `${password}!` })
      assert.equal(changed.statusCode, 200, changed.body)
      const third = browser.get('gs')!
      assert.deepEqual([await who(app, first), await who(app, second), await who(app, third)], [false, false, true])

      clock.advance(600)
      await browser.visit(app, '/page')
      const fourth = browser.get('gs')!
      assert.notEqual(fourth, third)
      await browser.post(app, '/lwsgs/logout')
      assert.deepEqual([await who(app, third), await who(app, fourth)], [false, false])
    })
  })
}

describe('the token of a logged-in browser', () => {
  const start = async (t: TestContext, options: Partial<GsOptions> = {}, routes?: (app: FastifyInstance) => void) => {
    const built = await site(t, options, routes)
    await built.member('alice')
    const browser = built.jar()
    await logIn(browser, built.app)
    return { ...built, browser, first: browser.get('gs')! }
  }

  const page = { 'sec-fetch-dest': 'document', accept: 'text/html' }
  const cases: [name: string, renewed: boolean, url: string, headers: Record<string, string>][] = [
    ['is renewed with a page', true, '/page', page],
    ['is renewed with a page of an old browser', true, '/page', { accept: 'text/html,*/*' }],
    ['is renewed with a page that is not there', true, '/nowhere', page],
    ['is renewed with a page that fails', true, '/broken', page],
    ['is renewed when a script asks who is logged in', true, '/lwsgs/session', { accept: 'application/json', 'sec-fetch-dest': 'empty' }],
    ['is not renewed with the call of a script', false, '/page', { accept: 'application/json', 'sec-fetch-dest': 'empty' }],
    ['is not renewed with a picture', false, '/page', { accept: 'text/html,*/*', 'sec-fetch-dest': 'image' }],
    ['is not renewed with a program', false, '/page', {}],
    ['is not renewed by what pages ask by themselves', false, '/lwsgs/sessions', page]
  ]
  for (const [name, renewed, url, headers] of cases) {
    it(name, async (t) => {
      const { app, clock, browser, first } = await start(t, {}, (its) => {
        its.get('/broken', () => {
          throw new Error('no')
        })
      })
      clock.advance(600)
      await browser.send(app, { url, headers })
      assert.equal(browser.get('gs') !== first, renewed)
    })
  }

  it('stays what it is when it is never to be renewed', async (t) => {
    const { app, clock, browser, first } = await start(t, { session: { renewal: 0 } })
    clock.advance(3599)
    assert.equal((await browser.visit(app, '/page')).headers['set-cookie'], undefined)
    assert.equal(browser.get('gs'), first)
  })

  it('is renewed after a day if nothing else is said', async (t) => {
    const { app, clock, member, jar } = await build(t).then((built) =>
      Object.assign(built, { jar: () => new CookieJar(() => built.clock.now) })
    )
    await member('alice')
    const browser = jar()
    await logIn(browser, app, { remember: true })
    const first = browser.get('gs')
    clock.advance(86_399)
    await browser.visit(app, '/lwsgs/session')
    assert.equal(browser.get('gs'), first)
    clock.advance(1)
    await browser.visit(app, '/lwsgs/session')
    assert.notEqual(browser.get('gs'), first)
  })

  const day = 86_400
  const ages: [name: string, remember: boolean, after: number, maxAge: number | undefined][] = [
    ['lasts 30 days when the visitor wants to be kept logged in', true, 0, 30 * day],
    ['keeps its end when it is renewed', true, day, 29 * day],
    ['keeps its end when it is renewed on the last day', true, 30 * day - 90, 90],
    ['ends with the browser otherwise', false, 0, undefined],
    ['ends with the browser when it is renewed, too', false, 3599, undefined]
  ]
  for (const [name, remember, after, maxAge] of ages) {
    it(name, async (t) => {
      const { app, clock, member, jar } = await site(t)
      await member('alice')
      const browser = jar()
      let response = await browser.post(app, '/lwsgs/login', { username: 'alice', password, remember })
      if (after > 0) {
        clock.advance(after)
        response = await browser.visit(app, '/page')
      }
      const given = response.cookies.filter(({ name }) => name === 'gs')
      assert.deepEqual(
        given.map((cookie) => cookie.maxAge),
        [maxAge]
      )
      assert.equal(await who(app, browser.get('gs')), true)
      browser.close()
      assert.equal(browser.get('gs') !== undefined, remember)
    })
  }

  it('ends at the time of the login, however often it is renewed', async (t) => {
    const { app, clock, jar, member } = await site(t, { session: { remembered: 3600 } })
    await member('alice')
    const browser = jar()
    await logIn(browser, app, { remember: true })
    const seen = new Set<string>()
    for (let renewals = 0; renewals < 5; renewals++) {
      clock.advance(600)
      await browser.visit(app, '/page')
      seen.add(browser.get('gs')!)
    }
    assert.equal(seen.size, 5)
    clock.advance(599)
    assert.equal(await who(app, browser.get('gs')), true)
    const last = browser.get('gs')
    clock.advance(1)
    assert.deepEqual([browser.get('gs'), await who(app, last)], [undefined, false])
  })

  it('does not come with an answer that others may store', async (t) => {
    const { app, clock, browser } = await start(t, {}, (its) => {
      for (const [name, value] of [
        ['open', 'public, max-age=600'],
        ['none', 'no-store'],
        ['own', 'private, max-age=60']
      ] as const) {
        its.get(`/${name}`, (_request, reply) => reply.header('cache-control', value).type('text/html').send('ok'))
      }
    })
    const stored: unknown[] = []
    for (const url of ['/open', '/none', '/own']) {
      clock.advance(600)
      for (let visits = 0; visits < 2; visits++) stored.push((await browser.visit(app, url)).headers['cache-control'])
    }
    assert.deepEqual(stored, [
      'private, no-cache',
      'public, max-age=600',
      'no-store',
      'no-store',
      'private, max-age=60',
      'private, max-age=60'
    ])
  })

  it('does not come with an answer that took longer than the session', async (t) => {
    const asked = Promise.withResolvers<void>()
    const goOn = Promise.withResolvers<void>()
    const { app, clock, browser } = await start(t, {}, (its) => {
      its.get('/slow', async () => {
        asked.resolve()
        await goOn.promise
        return 'ok'
      })
    })
    clock.advance(600)
    const slow = browser.visit(app, '/slow', 'the answer is lost')
    await asked.promise
    await browser.post(app, '/lwsgs/logout')
    goOn.resolve()
    assert.deepEqual([(await slow).statusCode, (await slow).headers['set-cookie']], [200, undefined])
  })

  it('is the one of the login or of the new password when that is asked for by a page', async (t) => {
    const { app, clock, browser, first } = await start(t)
    clock.advance(600)
    const form = { 'content-type': 'application/x-www-form-urlencoded', ...page }
    const fields = new URLSearchParams({ currentPassword: password, password: `${password}!` }).toString()
    const changed = await browser.send(app, { method: 'POST', url: '/lwsgs/change-password', headers: form, payload: fields })
    assert.deepEqual([changed.statusCode, changed.cookies.filter(({ name }) => name === 'gs').length], [303, 1])
    assert.deepEqual([await who(app, first), await who(app, browser.get('gs'))], [false, true])
  })

  it('is renewed later when the database is busy, and the page comes all the same', async (t) => {
    const { app, clock, browser, first, databasePath } = await start(t)
    clock.advance(600)
    const other = new Sqlite(databasePath)
    t.after(() => other.close())
    other.exec('begin immediate')
    const busy = await browser.visit(app, '/page')
    assert.deepEqual([busy.statusCode, busy.headers['set-cookie']], [200, undefined])
    other.exec('rollback')
    await browser.visit(app, '/page')
    assert.notEqual(browser.get('gs'), first)

    other.exec('begin immediate')
    assert.equal(await who(app, browser.get('gs')), true)
    other.exec('rollback')
  })

  it('is renewed with its own cookie only where there are two', async (t) => {
    const { app, clock, member, jar } = await site(t, { session: { cookieName: { anonymous: 'as', loggedIn: 'ls' } } })
    await member('alice')
    const browser = jar()
    await logIn(browser, app, { remember: true })
    clock.advance(600)
    const renewed = await browser.visit(app, '/page')
    assert.deepEqual(renewed.headers['set-cookie'], `ls=${browser.get('ls')}; Max-Age=${30 * day - 600}; Path=/; HttpOnly; SameSite=Lax`)
    assert.deepEqual(browser.held('as', 'ls'), [`ls=${browser.get('ls')}`])
  })

  it('stays the same for an open page until the browser has the new one', async (t) => {
    const { app, clock, browser, first, tables } = await start(t)
    const registry = sessionRegistryOf(app.gs)
    const device = (token: string) => {
      const own = new Browser(app)
      own.cookies.set('gs', token)
      return own
    }
    const stream = await openEvents(t, app, device(first))
    await stream.expect('session')
    let over = false
    void stream.over.then(() => (over = true))
    clock.advance(600)

    await browser.visit(app, '/page', 'the answer is lost')
    for (let checks = 0; checks < 3; checks++) await registry.check()
    const late = await openEvents(t, app, device(first))
    await late.expect('session')
    for (let checks = 0; checks < 3; checks++) await registry.check()
    assert.equal(over, false)

    clock.advance(60)
    await browser.visit(app, '/page')
    const second = await openEvents(t, app, device(browser.get('gs')!))
    await second.expect('session')
    await untilUsed(tables)
    await registry.check()
    await Promise.all([stream.over, late.over])
    assert.doesNotMatch(stream.text, /event: ended/)
    const { id } = await tables.db.selectFrom('gs_accounts').select('id').executeTakeFirstOrThrow()
    assert.equal(registry.countOfAccount(id, 'page'), 1)
  })
})

describe('the first use of a new token', () => {
  it('is written down once for requests at once, and at the next one if that fails', async () => {
    let works = false
    let tries = 0
    const warnings: unknown[] = []
    const renewal = createTokenRenewal({
      database: {
        async transaction() {
          tries++
          await turn()
          if (!works) throw new Error('out of reach')
        }
      } as unknown as GsDatabase,
      cookies: createSessionCookies({ anonymous: 'gs', loggedIn: 'gs' }, false),
      interval: hour,
      log: { warn: (facts: unknown) => void warnings.push(facts) },
      now: () => now
    })
    const found = { id: 's', tokenHash: 'h', former: false, tokenAt: now, tokenUnused: true } as FoundSession
    for (let uses = 0; uses < 5; uses++) renewal.confirm(found)
    await renewal.settled()
    assert.deepEqual([tries, warnings.length], [1, 1])
    works = true
    renewal.confirm(found)
    await renewal.settled()
    assert.deepEqual([tries, warnings.length], [2, 1])
  })
})
