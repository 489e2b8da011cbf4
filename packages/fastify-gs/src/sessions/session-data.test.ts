import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { sql } from 'kysely'
import { digest } from '../crypto/tokens.ts'
import type { GsDatabase } from '../database/database.ts'
import type { GsSessionDataOptions } from '../options.ts'
import { seedAccount } from '../testing/accounts.ts'
import { Clock } from '../testing/build.ts'
import { engines } from '../testing/databases.ts'
import { anyData, count } from '../testing/session-data.ts'
import { createSessionData, type DataOwner, type NewOwner } from './session-data.ts'
import { createSession, endSession, endSessionsOf, pruneSessions } from './sessions.ts'

const minute = 60_000
const limits = { idle: 60 * minute, absolute: 1440 * minute, remembered: 43_200 * minute }
const ticketLimits = { idle: 20 * minute, absolute: 1440 * minute }
const defaults = { maxBytes: 16_384, onLogin: 'keep', onLogout: 'drop', maxAnonymous: 100, maxAnonymousPerAddress: 10 } as const

async function prepare(t: TestContext, engine: (typeof engines)[number], options: GsSessionDataOptions = {}) {
  const database = await engine.open(t)
  const clock = new Clock()
  const failures: unknown[] = []
  const store = createSessionData({
    database,
    options: { ...defaults, ...options },
    limits,
    ticketLimits,
    activity: { latest: (_id, recorded) => recorded },
    failed: (error) => failures.push(error),
    now: () => clock.now
  })
  await seedAccount(database.db, 'alice')
  await seedAccount(database.db, 'bob')
  const logIn = (accountId = 'alice') =>
    database.transaction((trx) =>
      createSession(trx, { accountId, remember: false, forgotAt: null, ip: '192.0.2.1', userAgent: '', now: clock.now }, limits)
    )
  const anonymous = (id: string, ip: string | null = '192.0.2.1'): DataOwner => {
    const end = clock.now + ticketLimits.absolute
    return { id, anonymous: { usableUntil: end, expiresAt: end, ip } }
  }
  const open = (owner: DataOwner | string, news?: NewOwner) =>
    anyData({ data: store.open(typeof owner === 'string' ? { id: owner, anonymous: null } : owner, news) })
  const allRows = () => database.db.selectFrom('gs_session_data').selectAll().orderBy('id').execute()
  /** Without those that stand for a ticket whose data has gone on with a login. */
  const rows = async (): Promise<readonly object[]> =>
    (await allRows()).filter(({ id, session_id }) => session_id === null || session_id === id)
  return { database, clock, store, failures, logIn, anonymous, open, rows, allRows }
}

const refusal = (error: { code?: string }) => error.code

/** Another one when anything has been written. */
async function written({ db, engine }: GsDatabase): Promise<unknown> {
  const query = engine === 'sqlite' ? sql`select total_changes()` : sql`select id, xmin::text from gs_session_data`
  return (await query.execute(db)).rows
}

for (const engine of engines) {
  describe(`session data on ${engine.name}`, () => {
    it('is empty at first and costs no row; a patch changes its keys and leaves the others', async (t) => {
      const { logIn, open, rows } = await prepare(t, engine)
      const data = open((await logIn()).id)
      assert.deepEqual(await data.read(), {})
      assert.deepEqual(await data.readVersion(), { data: {}, version: 0 })
      assert.deepEqual(await rows(), [])
      assert.deepEqual(await data.patch({ theme: 'dark', cart: [1] }), { theme: 'dark', cart: [1] })
      assert.deepEqual(await data.patch({ cart: [1, 2] }), { theme: 'dark', cart: [1, 2] })
      assert.deepEqual(await data.patch({ theme: undefined }), { cart: [1, 2] })
      assert.deepEqual(await data.read(), { cart: [1, 2] })
      assert.ok(Object.isFrozen((await data.read())['cart']))
    })

    it('keeps any text, also NUL, halves of characters and quotes', async (t) => {
      const { logIn, open } = await prepare(t, engine)
      const data = open((await logIn()).id)
      const text = '\0 \ud800 \u{1f600} "\'\\ </script>'
      await data.patch({ [text]: text })
      assert.deepEqual(await data.read(), { [text]: text })
    })

    it('has no row any more when nothing is in it', async (t) => {
      const { logIn, open, rows } = await prepare(t, engine)
      const data = open((await logIn()).id)
      await data.patch({ a: 1 })
      await data.patch({ a: undefined })
      assert.deepEqual(await rows(), [])
      await data.patch({ a: 1 })
      await data.clear()
      assert.deepEqual(await rows(), [])
      await data.clear()
    })

    it('is not written when nothing changes', async (t) => {
      const { database, logIn, open, rows } = await prepare(t, engine)
      const data = open((await logIn()).id)
      await data.patch({ a: { x: 1, y: [2] }, b: 1 })
      const before = [await rows(), await written(database)]
      await data.patch({ a: { y: [2], x: 1 } })
      await data.patch({})
      await data.patch({ missing: undefined })
      await data.patch(({ b }) => ({ b }))
      const { version } = await data.readVersion()
      assert.equal(await data.replace({ b: 1, a: { x: 1, y: [2] } }, version), true)
      assert.deepEqual([await rows(), await written(database)], before)
      await data.patch({ b: 2 })
      assert.notDeepEqual(await written(database), before[1])
    })

    it('loses nothing of 100 patches at once', async (t) => {
      const { logIn, open } = await prepare(t, engine)
      const { id } = await logIn()
      await Promise.all(Array.from({ length: 50 }, (_, index) => [open(id).patch(count), open(id).patch({ [`k${index}`]: index })]).flat())
      const content = await open(id).read()
      assert.equal(content['n'], 50)
      assert.equal(Object.keys(content).length, 51)
    })

    it('compares and swaps: of several with the same version one succeeds', async (t) => {
      const { logIn, open } = await prepare(t, engine)
      const data = open((await logIn()).id)
      const first = await Promise.all(Array.from({ length: 8 }, (_, index) => data.replace({ index }, 0)))
      assert.equal(first.filter(Boolean).length, 1)
      const { version } = await data.readVersion()
      const second = await Promise.all(Array.from({ length: 8 }, (_, index) => data.replace({ other: index }, version)))
      assert.equal(second.filter(Boolean).length, 1)
      assert.deepEqual(Object.keys(await data.read()), ['other'])
      assert.equal(await data.replace({ late: 1 }, version), false)
    })

    it('does not take a row that was removed and made again for the former one', async (t) => {
      const { logIn, open } = await prepare(t, engine)
      const data = open((await logIn()).id)
      await data.patch({ a: 1 })
      const { version } = await data.readVersion()
      await data.clear()
      await data.patch({ a: 2 })
      assert.equal(await data.replace({ a: 3 }, version), false)
      assert.equal(await data.replace({ a: 3 }, 0), false)
    })

    it('refuses more than its size and says both numbers, and what JSON would change; nothing is stored then', async (t) => {
      const { logIn, open, rows } = await prepare(t, engine, { maxBytes: 64 })
      const data = open((await logIn()).id)
      // {"a":""} has 8 bytes, and ä has two.
      await data.patch({ a: 'ä'.repeat(28) })
      const before = await rows()
      await assert.rejects(data.patch({ a: `${'ä'.repeat(28)}x` }), { code: 'GS_DATA_TOO_LARGE', statusCode: 413, message: /65 bytes.*64/ })
      await assert.rejects(data.replace({ a: 'x'.repeat(99) }, 0), { code: 'GS_DATA_TOO_LARGE' })
      await assert.rejects(data.patch({ at: new Date(0) }), TypeError)
      await assert.rejects(
        data.patch(() => ({ a: Number.NaN })),
        TypeError
      )
      await assert.rejects(data.patch(new Map() as never), TypeError)
      await assert.rejects(
        data.patch(() => null as never),
        TypeError
      )
      await assert.rejects(data.patch(JSON.parse('{"__proto__":{"admin":true}}') as never), TypeError)
      assert.deepEqual(await rows(), before)
      assert.equal(({} as { admin?: boolean }).admin, undefined)
    })

    const ends: [name: string, end: (on: Awaited<ReturnType<typeof prepare>>, id: string) => unknown][] = [
      ['ended', ({ database }, id) => database.transaction((trx) => endSession(trx, id, 'revoked'))],
      ['idle for too long', ({ clock }) => clock.advance(3600)],
      [
        'of a locked account',
        ({ database, clock }) => database.db.updateTable('gs_accounts').set({ locked_at: clock.now }).where('id', '=', 'alice').execute()
      ]
    ]
    for (const [name, end] of ends) {
      it(`of a session that is ${name} is not there, and cannot be changed`, async (t) => {
        const prepared = await prepare(t, engine)
        const { id } = await prepared.logIn()
        const data = prepared.open(id)
        await data.patch({ a: 1 })
        const { version } = await data.readVersion()
        assert.equal(await prepared.store.isAlive(id), true)
        await end(prepared, id)
        const before = await prepared.rows()
        assert.equal(await prepared.store.isAlive(id), false)
        assert.deepEqual(await data.read(), {})
        const gone = { code: 'GS_SESSION_UNKNOWN' }
        await assert.rejects(data.patch({ a: 2 }), gone)
        await assert.rejects(data.patch({}), gone)
        await assert.rejects(data.replace({ a: 2 }, version), gone)
        await assert.rejects(data.replace({ a: 2 }, 0), gone)
        await assert.rejects(data.clear(), gone)
        assert.deepEqual(await prepared.rows(), before)
      })
    }

    it('is never revived by patches that run while the session ends', async (t) => {
      const { database, logIn, open, rows } = await prepare(t, engine)
      for (let round = 0; round < 10; round++) {
        const { id } = await logIn()
        const outcomes = await Promise.allSettled([
          ...Array.from({ length: 6 }, () => open(id).patch(count)),
          database.transaction((trx) => endSession(trx, id, 'logout')),
          ...Array.from({ length: 6 }, () => open(id).patch(count))
        ])
        const codes = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [(outcome.reason as { code: string }).code] : []))
        assert.deepEqual(new Set(codes), new Set(codes.length === 0 ? [] : ['GS_SESSION_UNKNOWN']))
        assert.deepEqual(await rows(), [])
      }
    })

    it('goes with the account', async (t) => {
      const { database, logIn, open, rows } = await prepare(t, engine, { onLogout: 'keep' })
      await open((await logIn()).id).patch({ a: 1 })
      await database.db.deleteFrom('gs_accounts').where('id', '=', 'alice').execute()
      assert.deepEqual(await rows(), [])
    })
  })

  describe(`data of anonymous sessions on ${engine.name}`, () => {
    it('ends with the ticket, and is removed then', async (t) => {
      const { database, store, clock, anonymous, open, rows } = await prepare(t, engine)
      const [first, second] = [anonymous('t1'), anonymous('t2')]
      await open(first).patch({ a: 1 })
      clock.advance(60)
      await open(anonymous('t3')).patch({ a: 3 })
      await open(second).patch({ a: 2 })
      clock.advance(86_400 - 60)
      assert.deepEqual(await open(first).read(), {})
      await assert.rejects(open(first).patch({ a: 1 }), { code: 'GS_SESSION_UNKNOWN' })
      assert.equal(await database.transaction((trx) => store.prune(trx, 1)), 1)
      assert.equal(await database.transaction((trx) => store.prune(trx, 1)), 1)
      assert.equal(await database.transaction((trx) => store.prune(trx, 1)), 0)
      assert.deepEqual(
        (await rows()).map((row) => (row as { id: string }).id),
        ['t3']
      )
    })

    it('is limited per address, which the database does not hold; IPv6 by the /64', async (t) => {
      const { anonymous, open, rows } = await prepare(t, engine, { maxAnonymousPerAddress: 2 })
      const full = { code: 'GS_SESSIONS_FULL', statusCode: 503 }
      for (const [ip, again] of [
        ['192.0.2.1', '::ffff:192.0.2.1'],
        ['2001:db8::1', '2001:db8::ffff:2']
      ] as const) {
        await open(anonymous(`${ip} 1`, ip)).patch({ a: 1 })
        await open(anonymous(`${ip} 2`, ip)).patch({ a: 1 })
        await assert.rejects(open(anonymous(`${ip} 3`, again)).patch({ a: 1 }), full)
        await open(anonymous(`${ip} 1`, ip)).patch({ a: 2 })
      }
      await open(anonymous('another', '192.0.2.2')).patch({ a: 1 })
      await open(anonymous('from a worker', null)).patch({ a: 1 })
      assert.doesNotMatch(JSON.stringify((await rows()).map((row) => (row as { address_key: string }).address_key)), /192|2001/)
    })

    it('finds room for no more than the limit when many come at once', async (t) => {
      const { anonymous, open, rows } = await prepare(t, engine, { maxAnonymousPerAddress: 5 })
      const outcomes = await Promise.allSettled(Array.from({ length: 20 }, (_, index) => open(anonymous(`t${index}`)).patch({ a: 1 })))
      assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 5)
      assert.equal((await rows()).length, 5)
    })

    it('is limited in all, and never for those who are logged in (F11)', async (t) => {
      const { clock, logIn, anonymous, open } = await prepare(t, engine, { maxAnonymous: 3 })
      for (const number of [1, 2, 3]) await open(anonymous(`t${number}`, `192.0.2.${number}`)).patch({ a: 1 })
      await assert.rejects(open(anonymous('t4', '192.0.2.4')).patch({ a: 1 }), { code: 'GS_SESSIONS_FULL' })
      await open((await logIn()).id).patch({ a: 1 })
      await open(anonymous('t1', '192.0.2.1')).clear()
      clock.advance(5)
      await open(anonymous('t4', '192.0.2.4')).patch({ a: 1 })
      await assert.rejects(open(anonymous('t5', '192.0.2.5')).patch({ a: 1 }), { code: 'GS_SESSIONS_FULL' })
    })

    it('is stored only for a browser that will come back for it', async (t) => {
      const { anonymous, open, rows } = await prepare(t, engine)
      let told = false
      const news = (tell: () => Promise<void>): NewOwner => ({ untold: () => !told, tell, formerTokenHash: null })
      const lost = open(
        anonymous('t'),
        news(() => Promise.reject(new Error('too late')))
      )
      assert.deepEqual(await lost.read(), {})
      assert.deepEqual(await lost.patch({}), {})
      await assert.rejects(lost.patch({ a: 1 }), /too late/)
      assert.deepEqual(await rows(), [])
      const found = open(
        anonymous('t'),
        news(async () => {
          told = true
        })
      )
      await found.patch({ a: 1 })
      assert.deepEqual(await found.read(), { a: 1 })
    })
  })

  describe(`what is carried over on ${engine.name}`, () => {
    const carries: [name: string, options: GsSessionDataOptions, left: object | null][] = [
      ['by default', {}, { n: 1 }],
      ['with keep', { onLogin: 'keep' }, { n: 1 }],
      ['with drop', { onLogin: 'drop' }, null],
      ['with a function', { onLogin: (data) => ({ ...data, seen: true }) }, { n: 1, seen: true }],
      ['with a function that leaves nothing', { onLogin: () => ({}) }, null]
    ]
    for (const [name, options, left] of carries) {
      it(`at a login ${name}: ${JSON.stringify(left)}`, async (t) => {
        const { database, store, anonymous, logIn, open, rows } = await prepare(t, engine, options)
        await open(anonymous('ticket')).patch({ n: 1 })
        const { id } = await logIn()
        await database.transaction((trx) => store.carryOnLogin(trx, { from: { ticketId: 'ticket', formerTokenHash: null }, to: id }))
        assert.deepEqual(await open(id).read(), left ?? {})
        assert.deepEqual(await open(anonymous('ticket')).read(), {})
        assert.equal((await rows()).length, left === null ? 0 : 1)
      })
    }

    const others: [name: string, options: GsSessionDataOptions, accountId: string, left: object][] = [
      ['the same account: all, whatever the rules', { onLogin: 'drop', onLogout: 'drop' }, 'alice', { n: 1 }],
      ['another account: nothing by default', {}, 'bob', {}],
      ['another account: what both rules leave', { onLogout: () => ({ theme: 'dark' }), onLogin: 'keep' }, 'bob', { theme: 'dark' }],
      ['another account: nothing if one of them drops', { onLogout: 'keep', onLogin: 'drop' }, 'bob', {}]
    ]
    for (const [name, options, accountId, left] of others) {
      it(`at a login in a logged-in browser to ${name}`, async (t) => {
        const { database, store, logIn, open, rows } = await prepare(t, engine, options)
        const former = await logIn('alice')
        await open(former.id).patch({ n: 1 })
        const { id } = await logIn(accountId)
        await database.transaction(async (trx) => {
          await store.carryOnLogin(trx, { from: { sessionId: former.id, sameAccount: accountId === 'alice' }, to: id })
          await endSession(trx, former.id, 'login')
        })
        assert.deepEqual(await open(id).read(), left)
        assert.equal((await rows()).length, Object.keys(left).length)
      })
    }

    const logouts: [name: string, rule: GsSessionDataOptions['onLogout'], left: object][] = [
      ['by default', undefined, {}],
      ['with keep', 'keep', { n: 1 }],
      ['with a function', () => ({ theme: 'dark' }), { theme: 'dark' }]
    ]
    for (const [name, rule, left] of logouts) {
      it(`at a logout ${name}: ${JSON.stringify(left)}`, async (t) => {
        const { database, store, anonymous, logIn, open, rows } = await prepare(t, engine, rule === undefined ? {} : { onLogout: rule })
        const { id } = await logIn()
        await open(id).patch({ n: 1 })
        await database.transaction(async (trx) => {
          await store.carryOnLogout(trx, { from: id, to: anonymous('ticket') })
          await endSession(trx, id, 'logout')
        })
        assert.deepEqual(await open(anonymous('ticket')).read(), left)
        assert.equal((await rows()).length, Object.keys(left).length)
      })
    }

    it('a rule that gives a promise drops the data, and its rejection does not end the process', async (t) => {
      const rule = () => Promise.reject(new Error('a fault')) as never
      const { database, store, failures, anonymous, logIn, open, rows } = await prepare(t, engine, { onLogin: rule })
      await open(anonymous('ticket')).patch({ n: 1 })
      const { id } = await logIn()
      await database.transaction((trx) => store.carryOnLogin(trx, { from: { ticketId: 'ticket', formerTokenHash: null }, to: id }))
      assert.deepEqual([await rows(), failures.map(String).includes('Error: a fault')], [[], true])
    })

    it('a rule that fails, or leaves what cannot be stored, drops the data and keeps nobody from logging in or out', async (t) => {
      const rules = [
        () => {
          throw new Error('a fault')
        },
        () => ({ at: new Date(0) }),
        () => undefined as never,
        () => ({ big: 'x'.repeat(20_000) }) as never
      ]
      for (const rule of rules) {
        const { database, store, failures, anonymous, logIn, open, rows } = await prepare(t, engine, { onLogin: rule, onLogout: rule })
        await open(anonymous('ticket')).patch({ n: 1 })
        const { id } = await logIn()
        await database.transaction((trx) => store.carryOnLogin(trx, { from: { ticketId: 'ticket', formerTokenHash: null }, to: id }))
        await open(id).patch({ n: 2 })
        await database.transaction((trx) => store.carryOnLogout(trx, { from: id, to: anonymous('next') }))
        assert.equal(failures.length, 2)
        assert.deepEqual(await rows(), [])
      }
    })

    it('what a logout leaves goes no further than the limit for the address', async (t) => {
      const { database, store, anonymous, logIn, open } = await prepare(t, engine, { onLogout: 'keep', maxAnonymousPerAddress: 1 })
      await open(anonymous('other')).patch({ n: 1 })
      const { id } = await logIn()
      await open(id).patch({ n: 1 })
      await database.transaction((trx) => store.carryOnLogout(trx, { from: id, to: anonymous('ticket') }))
      assert.deepEqual(await open(anonymous('ticket')).read(), {})
    })

    it('logins with the same ticket at once, as by a second click, all get the data, but only those of one account', async (t) => {
      const { database, clock, store, anonymous, logIn, open } = await prepare(t, engine, {
        onLogin: ({ n }: { n?: number }) => ({ n: n! + 1 })
      })
      await open(anonymous('ticket')).patch({ n: 1 })
      const carry = ({ id }: { id: string }) =>
        database.transaction((trx) => store.carryOnLogin(trx, { from: { ticketId: 'ticket', formerTokenHash: null }, to: id }))
      const clicks = await Promise.all(Array.from({ length: 6 }, () => logIn()))
      await Promise.all(clicks.map(carry))
      for (const { id } of clicks) assert.deepEqual(await open(id).read(), { n: 2 })
      await open(clicks[0]!.id).patch({ n: 9 })
      assert.deepEqual(await open(clicks[1]!.id).read(), { n: 2 }, 'each has its own from then on')
      const stranger = await logIn('bob')
      await carry(stranger)
      assert.deepEqual(await open(stranger.id).read(), {})
      clock.advance(61)
      const late = await logIn()
      await carry(late)
      assert.deepEqual(await open(late.id).read(), {})
    })

    it('nothing can be stored any more with a ticket whose data has gone on with a login, where nobody would find it', async (t) => {
      const { database, store, anonymous, logIn, open, allRows } = await prepare(t, engine)
      const late = open(anonymous('ticket'))
      await late.patch({ n: 1 })
      const { id } = await logIn()
      const login = database.transaction((trx) => store.carryOnLogin(trx, { from: { ticketId: 'ticket', formerTokenHash: null }, to: id }))
      const changes = await Promise.all([late.patch(count).then(() => 1, refusal), login])
      assert.deepEqual(await open(id).read(), { n: changes[0] === 1 ? 2 : 1 }, 'it is there, or was refused')
      assert.equal(await late.patch({ n: 3 }).catch(refusal), 'GS_SESSION_UNKNOWN')
      assert.equal(await late.replace({ n: 3 }, 0).catch(refusal), 'GS_SESSION_UNKNOWN')
      assert.deepEqual(await late.read(), {})
      await store.dropAnonymous('ticket')
      assert.equal(await late.patch({ n: 3 }).catch(refusal), 'GS_SESSION_UNKNOWN')
      await database.transaction((trx) => endSession(trx, id, 'logout'))
      assert.deepEqual(await allRows(), [], 'nothing is left of it')
    })

    /** A browser that comes back with the token of a session that is over. */
    const returning = (token: string) => {
      let told = false
      const tell = async () => {
        told = true
      }
      return { untold: () => !told, tell, formerTokenHash: digest(token) }
    }
    const sweep = ({ database, store, clock }: Awaited<ReturnType<typeof prepare>>) =>
      database.transaction((trx) => pruneSessions(trx, limits, clock.now, 100, (ids) => store.keepOfExpired(trx, ids)))

    for (const swept of [false, true]) {
      it(`after the idle time, when the session is ${swept ? 'removed already' : 'still in the table'}: what onLogout leaves, once`, async (t) => {
        const prepared = await prepare(t, engine, { onLogout: ({ ...data }) => ({ ...data, kept: true }) })
        const { clock, anonymous, logIn, open, rows } = prepared
        const { id, token } = await logIn()
        await open(id).patch({ n: 1 })
        clock.advance(3600)
        if (swept) assert.deepEqual(await sweep(prepared), [{ sessionId: id, accountId: 'alice', cause: 'idle' }])
        const news = returning(token)
        const data = open(anonymous('ticket'), news)
        assert.deepEqual(await data.read(), { n: 1, kept: true })
        assert.equal(news.untold(), false)
        assert.deepEqual(await data.patch({ n: 2 }), { n: 2, kept: true })
        assert.deepEqual(await open(anonymous('ticket')).read(), { n: 2, kept: true })
        assert.deepEqual(await open(anonymous('other'), returning(token)).read(), {})
        await sweep(prepared)
        assert.equal((await rows()).length, 1)
      })
    }

    it('after the idle time by a patch, and by a login', async (t) => {
      const prepared = await prepare(t, engine, { onLogout: 'keep' })
      const { database, store, clock, anonymous, logIn, open } = prepared
      const [first, second] = [await logIn(), await logIn()]
      await open(first.id).patch({ n: 1 })
      await open(second.id).patch({ n: 2 })
      clock.advance(3600)
      await sweep(prepared)
      assert.deepEqual(await open(anonymous('ticket'), returning(first.token)).patch(count), { n: 2 })
      const { id } = await logIn('alice')
      await database.transaction((trx) =>
        store.carryOnLogin(trx, { from: { ticketId: 'none', formerTokenHash: digest(second.token) }, to: id })
      )
      assert.deepEqual(await open(id).read(), { n: 2 })
    })

    it('can be read by a browser that cannot be given a session any more, and stays where it is', async (t) => {
      const prepared = await prepare(t, engine, { onLogout: 'keep' })
      const { clock, anonymous, logIn, open } = prepared
      const { id, token } = await logIn()
      await open(id).patch({ n: 1 })
      clock.advance(3600)
      await sweep(prepared)
      const tooLate = { ...returning(token), tell: () => Promise.reject(new Error('too late')) }
      assert.deepEqual(await open(anonymous('ticket'), tooLate).read(), { n: 1 })
      await assert.rejects(open(anonymous('ticket'), tooLate).patch({ n: 2 }), /too late/)
      assert.deepEqual(await open(anonymous('ticket'), returning(token)).read(), { n: 1 })
    })

    it('after the idle time not for longer than an anonymous session idles, and nothing by default', async (t) => {
      const prepared = await prepare(t, engine, { onLogout: 'keep' })
      const { clock, anonymous, logIn, open } = prepared
      const { id, token } = await logIn()
      await open(id).patch({ n: 1 })
      clock.advance(3600)
      await sweep(prepared)
      clock.advance(1200)
      assert.deepEqual(await open(anonymous('ticket'), returning(token)).read(), {})

      const plain = await prepare(t, engine)
      const other = await plain.logIn()
      await plain.open(other.id).patch({ n: 1 })
      plain.clock.advance(3600)
      assert.deepEqual(await plain.open(plain.anonymous('ticket'), returning(other.token)).read(), {})
      await sweep(plain)
      assert.deepEqual(await plain.rows(), [])
    })

    const revocations: [name: string, end: (on: Awaited<ReturnType<typeof prepare>>, id: string) => unknown][] = [
      ['revoked', ({ database }, id) => database.transaction((trx) => endSession(trx, id, 'revoked'))],
      ['ended by a new password', ({ database }) => database.transaction((trx) => endSessionsOf(trx, 'alice', 'password-changed'))],
      ['gone with its account', ({ database }) => database.db.deleteFrom('gs_accounts').where('id', '=', 'alice').execute()],
      ['locked', ({ database }) => database.db.updateTable('gs_accounts').set({ locked_at: 1 }).where('id', '=', 'alice').execute()],
      ['alive, and its token in the wrong place', () => undefined]
    ]
    for (const [name, end] of revocations) {
      it(`of a session that is ${name}: nothing, whatever the rule`, async (t) => {
        const prepared = await prepare(t, engine, { onLogout: 'keep' })
        const { anonymous, logIn, open } = prepared
        const { id, token } = await logIn()
        await open(id).patch({ n: 1 })
        await end(prepared, id)
        assert.deepEqual(await open(anonymous('ticket'), returning(token)).read(), {})
        const next = await prepared.logIn('bob')
        await prepared.database.transaction((trx) =>
          prepared.store.carryOnLogin(trx, { from: { ticketId: 'none', formerTokenHash: digest(token) }, to: next.id })
        )
        assert.deepEqual(await open(next.id).read(), {})
      })
    }
  })
}
