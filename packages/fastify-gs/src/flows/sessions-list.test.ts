import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import Sqlite from 'better-sqlite3'
import type { ListedSession, SessionList } from '../api.ts'
import type { SessionEndEvent } from '../hooks.ts'
import type { GsOptions } from '../options.ts'
import { build, password, type Browser, type Built } from '../testing/build.ts'
import { emptyPostgres } from '../testing/databases.ts'

type Remote = { remoteAddress?: string; userAgent?: string; remember?: boolean }

async function logIn({ browser }: Built, username: string, { remoteAddress, userAgent = 'Test', remember = false }: Remote = {}) {
  const own = browser()
  const response = await own.send({
    method: 'POST',
    url: '/lwsgs/login',
    payload: { username, password, remember },
    headers: { 'user-agent': userAgent },
    ...(remoteAddress !== undefined && { remoteAddress })
  })
  assert.equal(response.statusCode, 200, response.body)
  return own
}

const list = async (browser: Browser) => {
  const response = await browser.get('/lwsgs/sessions')
  assert.equal(response.statusCode, 200, response.body)
  return response.json<SessionList>().sessions
}
const idOf = async (browser: Browser) => (await browser.get('/lwsgs/session')).json().session as string
const ids = (sessions: readonly ListedSession[]) => sessions.map(({ id }) => id)
const end = (browser: Browser, id: string, headers: Record<string, string> = {}) =>
  browser.send({ method: 'DELETE', url: `/lwsgs/sessions/${id}`, headers })
const endOthers = (browser: Browser, headers: Record<string, string> = {}) =>
  browser.send({ method: 'DELETE', url: '/lwsgs/sessions', headers })

describe('the list of sessions', () => {
  it('says of each session what its owner needs to know it by, and no token', async (t) => {
    const built = await build(t)
    const alice = await built.member('alice')
    const { clock } = built
    const began = clock.now
    clock.advance(60)
    const phone = await logIn(built, 'alice', { remoteAddress: '192.0.2.9', userAgent: 'Phone/1', remember: true })
    const response = await alice.get('/lwsgs/sessions')
    assert.deepEqual(response.json(), {
      sessions: [
        {
          id: await idOf(alice),
          current: true,
          createdAt: began,
          lastActiveAt: began,
          expiresAt: began + 86_400_000,
          remember: false,
          ip: '127.0.0.1',
          userAgent: 'lightMyRequest',
          pages: 0,
          sockets: 0
        },
        {
          id: await idOf(phone),
          current: false,
          createdAt: clock.now,
          lastActiveAt: clock.now,
          expiresAt: clock.now + 2_592_000_000,
          remember: true,
          ip: '192.0.2.9',
          userAgent: 'Phone/1',
          pages: 0,
          sockets: 0
        }
      ]
    })
    assert.equal(response.headers['cache-control'], 'no-store')
    for (const { token } of [alice, phone]) assert.ok(!response.body.includes(token!))
  })

  it('has the current session first, then the latest use first', async (t) => {
    const built = await build(t)
    await built.member('alice')
    const others = []
    for (let n = 0; n < 3; n++) {
      built.clock.advance(10)
      others.push(await logIn(built, 'alice'))
    }
    const [first, second, third] = (await Promise.all(others.map(idOf))) as [string, string, string]
    const current = await idOf(others[1]!)
    assert.deepEqual(ids(await list(others[1]!)).slice(0, 3), [current, third, first])
    built.clock.advance(600)
    await others[0]!.get('/lwsgs/session')
    assert.deepEqual(ids(await list(others[1]!)).slice(0, 3), [second, first, third])
  })

  it('knows the time and the place of the last use before they are written, and after', async (t) => {
    const built = await build(t)
    const alice = await built.member('alice')
    const phone = await logIn(built, 'alice', { remoteAddress: '192.0.2.9' })
    const place = async () => (await list(alice)).map(({ ip, lastActiveAt }) => [ip, built.clock.now - lastActiveAt])[1]
    built.clock.advance(30)
    await phone.send({ method: 'GET', url: '/lwsgs/session', remoteAddress: '198.51.100.7' })
    assert.deepEqual(await place(), ['192.0.2.9', 30_000])
    built.clock.advance(30)
    await phone.send({ method: 'GET', url: '/lwsgs/session', remoteAddress: '198.51.100.7' })
    assert.deepEqual(await place(), ['198.51.100.7', 0])
    // Writes down what waits.
    await built.app.close()
    const database = new Sqlite(built.databasePath, { readonly: true })
    t.after(() => database.close())
    const rows = database.prepare('select ip, last_active_at from gs_sessions order by ip').raw().all()
    assert.deepEqual(rows, [
      ['127.0.0.1', built.clock.now - 60_000],
      ['198.51.100.7', built.clock.now]
    ])
  })

  it('says of the current session from where it asks now', async (t) => {
    const built = await build(t)
    const alice = await built.member('alice')
    const response = await alice.send({ method: 'GET', url: '/lwsgs/sessions', remoteAddress: '198.51.100.7' })
    assert.equal(response.json().sessions[0].ip, '198.51.100.7')
  })

  it('leaves out what is over: idle, at the end of its life, and what is used counts', async (t) => {
    const built = await build(t, { session: { absolute: 7200 } })
    await built.member('alice')
    const [idle, used] = [await logIn(built, 'alice'), await logIn(built, 'alice')]
    const usedId = await idOf(used)
    built.clock.advance(3599)
    await used.get('/lwsgs/session')
    built.clock.advance(1)
    const fresh = await logIn(built, 'alice', { remember: true })
    assert.deepEqual(ids(await list(fresh)), [await idOf(fresh), usedId])
    assert.equal((await idle.get('/lwsgs/sessions')).statusCode, 401)
    built.clock.advance(3599)
    await used.get('/lwsgs/session')
    built.clock.advance(1)
    assert.deepEqual(ids(await list(fresh)), [await idOf(fresh)])
  })

  it('shows what a browser calls itself shortened, with codes for characters that could deceive', async (t) => {
    const built = await build(t)
    const alice = await built.member('alice')
    await logIn(built, 'alice', { userAgent: `\u001b[31mred\u0007 ‮<b>${'x'.repeat(10_000)}` })
    const { userAgent } = (await list(alice))[1]!
    assert.ok(userAgent.startsWith('\\u{1b}[31mred\\u{7} \\u{202e}<b>xxx'))
    assert.equal(userAgent.length, 512)
  })

  it('has at most 200 sessions, the current one among them', async (t) => {
    const built = await build(t)
    const alice = await built.member('alice')
    const id = await idOf(alice)
    const database = new Sqlite(built.databasePath)
    const copy = database.prepare(
      `insert into gs_sessions (id, token_hash, account_id, created_at, last_active_at, expires_at, remember, forgot_at, ip, user_agent)
      select 'copy-' || ?, 'hash-' || ?, account_id, created_at, last_active_at + ?, expires_at, 0, null, ip, user_agent
      from gs_sessions where id = ?`
    )
    for (let n = 1; n <= 300; n++) copy.run(String(n), String(n), n, id)
    database.close()
    const sessions = await list(alice)
    assert.equal(sessions.length, 200)
    assert.deepEqual(ids(sessions.slice(0, 2)), [id, 'copy-300'])
  })
})

const places: readonly { name: string; options: () => Promise<Partial<GsOptions>> }[] = [
  { name: 'SQLite', options: async () => ({}) },
  { name: 'PostgreSQL', options: async () => ({ database: { postgres: await emptyPostgres() } }) }
]

for (const { name, options } of places) {
  describe(`ending sessions on ${name}`, () => {
    const start = async (t: TestContext) => {
      const built = await build(t, await options())
      const ended: SessionEndEvent[] = []
      built.app.gs.onSessionEnd((event) => ended.push(event))
      return { ...built, built, causes: () => ended.splice(0).map(({ sessionId, cause }) => `${sessionId} ${cause}`) }
    }

    it('ends one of the own sessions at once, and says which are left', async (t) => {
      const { built, member, causes } = await start(t)
      const alice = await member('alice')
      const [phone, tablet] = [await logIn(built, 'alice'), await logIn(built, 'alice')]
      const id = await idOf(phone)
      const response = await end(alice, id)
      assert.deepEqual([response.statusCode, ids(response.json().sessions)], [200, [await idOf(alice), await idOf(tablet)]])
      assert.deepEqual(causes(), [`${id} revoked`])
      assert.equal((await phone.get('/lwsgs/session')).json().username, null)
      assert.equal((await end(alice, id)).statusCode, 404)
    })

    it('answers the same for sessions of others, ended ones and what is none', async (t) => {
      const { built, member, causes } = await start(t)
      const alice = await member('alice')
      const bob = await member('bob')
      const bobs = await idOf(bob)
      const gone = await idOf(await logIn(built, 'alice'))
      await end(alice, gone)
      causes()
      const bodies = new Set<string>()
      for (const id of [bobs, gone, 'x', bobs.toUpperCase(), '%00', "'--", encodeURIComponent('ü'), alice.token!]) {
        const response = await end(alice, id)
        assert.equal(response.statusCode, 404, id)
        bodies.add(response.body)
      }
      assert.deepEqual(
        [...bodies].map((body) => JSON.parse(body).code),
        ['GS_SESSION_UNKNOWN']
      )
      assert.deepEqual(causes(), [])
      assert.equal(await idOf(bob), bobs)
    })

    it('ends the current one as a logout does', async (t) => {
      const { member, causes } = await start(t)
      const alice = await member('alice')
      const [id, token] = [await idOf(alice), alice.token!]
      const response = await end(alice, id)
      assert.deepEqual([response.statusCode, response.json()], [200, { sessions: [] }])
      assert.notEqual(alice.token, token)
      assert.equal((await alice.get('/lwsgs/session')).json().username, null)
      assert.deepEqual(causes(), [`${id} logout`])
    })

    it('ends all others', async (t) => {
      const { built, member, causes } = await start(t)
      const alice = await member('alice')
      const bob = await member('bob')
      const others = [await logIn(built, 'alice'), await logIn(built, 'alice')]
      const otherIds = await Promise.all(others.map(idOf))
      const response = await endOthers(alice)
      assert.deepEqual([response.statusCode, ids(response.json().sessions)], [200, [await idOf(alice)]])
      assert.deepEqual(causes().toSorted(), otherIds.map((id) => `${id} revoked`).toSorted())
      for (const other of others) assert.equal((await other.get('/lwsgs/session')).json().username, null)
      assert.equal((await bob.get('/lwsgs/session')).json().username, 'bob')
      assert.deepEqual(ids((await endOthers(alice)).json().sessions), [await idOf(alice)])
    })

    it('ends some by forms: back to the page that the form names, or to the login page with a notice', async (t) => {
      const { built, member } = await start(t)
      const alice = await member('alice')
      const target = async (path: string, fields: Record<string, string>) => {
        const response = await alice.form(`/lwsgs/sessions/${path}`, fields)
        return [response.statusCode, response.headers.location]
      }
      const other = async () => ({ id: await idOf(await logIn(built, 'alice')) })
      assert.deepEqual(await target('end', await other()), [303, '/lwsgs/?gs=ended'])
      assert.deepEqual(await target('end', { ...(await other()), next: '/account' }), [303, '/account'])
      assert.deepEqual(await target('end', { ...(await other()), next: 'https://evil.test/' }), [303, '/lwsgs/?gs=ended'])
      const phone = await logIn(built, 'alice')
      assert.deepEqual(await target('end-others', {}), [303, '/lwsgs/?gs=endedothers'])
      assert.equal((await phone.get('/lwsgs/session')).json().username, null)
      assert.equal((await list(alice)).length, 1)
      assert.deepEqual(await target('end', { id: await idOf(alice) }), [303, '/lwsgs/?gs=loggedout'])
      assert.equal((await alice.get('/lwsgs/session')).json().username, null)
    })
  })
}

describe('ending sessions', () => {
  it('takes a DELETE without body, with and without a content type, and the same as POST in JSON', async (t) => {
    const built = await build(t)
    const alice = await built.member('alice')
    for (const headers of [
      {},
      { 'content-type': 'application/json' },
      { 'content-type': 'application/json; charset=utf-8', 'content-length': '0' }
    ]) {
      const id = await idOf(await logIn(built, 'alice'))
      assert.equal((await end(alice, id, headers)).statusCode, 200)
      assert.equal((await endOthers(alice, headers)).statusCode, 200)
    }
    const id = await idOf(await logIn(built, 'alice'))
    assert.equal((await alice.post('/lwsgs/sessions/end', { id })).json().sessions.length, 1)
    assert.equal((await alice.post('/lwsgs/sessions/end-others')).json().sessions.length, 1)
    assert.equal((await alice.post('/lwsgs/sessions/end', { id: ['a'] })).json().code, 'GS_BODY_INVALID')
    assert.equal((await alice.post('/lwsgs/sessions/end', { id: 'a\0' })).json().code, 'GS_SESSION_UNKNOWN')
  })

  it('needs a login for all of it', async (t) => {
    const { browser } = await build(t)
    const visitor = browser()
    const responses = [
      await visitor.get('/lwsgs/sessions'),
      await end(visitor, 'x'),
      await endOthers(visitor),
      await visitor.post('/lwsgs/sessions/end', { id: 'x' }),
      await visitor.post('/lwsgs/sessions/end-others')
    ]
    for (const response of responses) assert.deepEqual([response.statusCode, response.json().code], [401, 'GS_NOT_LOGGED_IN'])
  })

  it('is refused to pages of other sites', async (t) => {
    const built = await build(t)
    const alice = await built.member('alice')
    const phone = await logIn(built, 'alice')
    const id = await idOf(phone)
    for (const headers of [{ 'sec-fetch-site': 'cross-site' }, { 'sec-fetch-site': 'same-site' }, { origin: 'https://evil.test' }]) {
      assert.equal((await end(alice, id, headers)).json().code, 'GS_CROSS_SITE')
      assert.equal((await endOthers(alice, headers)).json().code, 'GS_CROSS_SITE')
      assert.equal((await alice.post('/lwsgs/sessions/end', { id }, headers)).json().code, 'GS_CROSS_SITE')
    }
    assert.equal(await idOf(phone), id)
  })

  it('is nothing that a session which has just been ended can do', async (t) => {
    const built = await build(t)
    const alice = await built.member('alice')
    const [one, two] = [await logIn(built, 'alice'), await logIn(built, 'alice')]
    const statuses = (await Promise.all([endOthers(one), endOthers(two)])).map(({ statusCode }) => statusCode)
    assert.deepEqual(new Set(statuses), new Set([200, 401]))
    assert.equal((await alice.get('/lwsgs/session')).json().username, null)
    const left = [one, two].map(async (browser) => (await browser.get('/lwsgs/session')).json().username)
    assert.deepEqual(new Set(await Promise.all(left)), new Set(['alice', null]))
  })
})
