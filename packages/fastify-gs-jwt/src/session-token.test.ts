import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { describe, it, type TestContext } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import Sqlite from 'better-sqlite3'
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify'
import { Browser, password } from 'fastify-gs/testing/build'
import { databaseDenylist, loadKeys, memoryDenylist, type Denylist, type GsJwtOptions } from './index.ts'
import { createIssueClock } from './issue-clock.ts'
import { createSessionDenials } from './session-denials.ts'
import { createSessionTokens } from './session-token.ts'
import { createSigner } from './sign.ts'
import { issuedAt } from './token-id.ts'
import {
  at,
  logIn,
  member,
  mint,
  newSetting,
  origin,
  places,
  startGs,
  startJwt,
  startMinter,
  startVerifier,
  statusOf,
  Told
} from './testing/gs-site.ts'
import { keyFor } from './testing/site.ts'

const [[, openSqlite]] = places as [(typeof places)[number]]

/** A site of one process, with alice. */
async function site(t: TestContext, jwt: Partial<GsJwtOptions> = {}, gs: Parameters<typeof startMinter>[3] = {}) {
  const setting = newSetting(await openSqlite(t))
  const app = await startMinter(t, setting, jwt, gs)
  return { ...setting, setting, app, alice: await member(setting, app, 'alice') }
}

const codeOf = (answer: Awaited<ReturnType<Browser['post']>>) => answer.json<{ code: string }>().code

async function chiefOf(app: FastifyInstance) {
  const chief = await logIn(app, 'Chief')
  const { accounts } = (await chief.get('/lwsgs/admin/accounts?search=alice')).json<{ accounts: { id: string }[] }>()
  return (path: string, body: object = {}) => chief.post(`/lwsgs/admin/accounts/${accounts[0]!.id}/${path}`, body)
}

const sqlOf = (place: object) => new Sqlite((place as { sqlite: string }).sqlite)

describe('a token that was made from a session', () => {
  it('says who is logged in, by what session, and what that may', async (t) => {
    const { app, alice, clock } = await site(t)
    await (
      await chiefOf(app)
    )('grant', { sectors: ['editor'], level: 30 })
    const info = (await alice.get('/lwsgs/session')).json<{ session: string; mask: number }>()
    const { claims, token } = await mint(alice, { ext: { theme: 'dark' } })
    assert.equal(claims.sid, info.session)
    assert.deepEqual(claims.ext, { theme: 'dark', username: 'alice', mask: info.mask, level: 30, sectors: ['editor'] })
    assert.equal(info.mask, 1 + 4 + 32)
    assert.equal(claims.aud, origin)
    assert.equal(claims.exp, clock.now / 1000 + 1200)
    assert.equal(Object(claims).auth_time, clock.now / 1000)
    const seen = await app.inject({ url: '/members', headers: { authorization: `Bearer ${token}` } })
    assert.deepEqual(seen.json(), { sub: claims.sub, ext: claims.ext })
  })

  it('takes no user name, mask, level and sectors from the application', async (t) => {
    const { alice } = await site(t)
    const forged = { username: 'root', mask: 255, level: 125, sectors: ['press', 'editor'], more: 1 }
    const { claims } = await mint(alice, { ext: forged })
    assert.deepEqual(claims.ext, { username: 'alice', mask: 5, level: 10, sectors: [], more: 1 })
  })

  const lives: readonly [name: string, seconds: number, options: object, gs: object][] = [
    ['as long as the option expiresIn says', 1200, {}, {}],
    ['as long as it was told', 60, { expiresIn: 60 }, {}],
    ['not longer than the session without use', 900, { expiresIn: 7200 }, { idle: 900 }],
    ['not longer than the session at all', 1800, { expiresIn: 7200 }, { idle: 1800, absolute: 1800 }]
  ]
  for (const [name, seconds, options, session] of lives)
    it(`lives ${name}`, async (t) => {
      const { alice, clock } = await site(t, {}, { session })
      const { claims } = await mint(alice, options)
      assert.equal(claims.exp, clock.now / 1000 + seconds)
    })

  it('lives longer when the session was used meanwhile, and not longer than what is left of it', async (t) => {
    const { alice, clock } = await site(t, {}, { session: { idle: 900, absolute: 1500 } })
    clock.advance(800)
    assert.equal((await mint(alice, { expiresIn: 7200 })).claims.exp, clock.now / 1000 + 700)
    clock.advance(699)
    assert.equal((await mint(alice, { expiresIn: 7200 })).claims.exp, clock.now / 1000 + 1)
    clock.advance(0.5)
    assert.equal(codeOf(await alice.post('/token')), 'GS_JWT_REQUIRED')
  })

  it('lives not longer than the right to a new password that a mailed link has given', async (t) => {
    const { app, clock, inbox, alice } = await site(t)
    const seen = inbox.mails.length
    await alice.post('/lwsgs/forgot-password', { username: 'alice' })
    const token = await inbox.token('alice@mail.test', /Set a new/, seen)
    const browser = new Browser(app)
    await browser.post('/lwsgs/forgot-password/redeem', { token })
    clock.advance(100)
    const { claims } = await mint(browser)
    assert.equal(Object(claims.ext).mask & 8, 8)
    assert.equal(claims.exp, clock.now / 1000 + 200)
    clock.advance(200)
    const later = await mint(browser)
    assert.equal(Object(later.claims.ext).mask & 8, 0)
    assert.equal(later.claims.exp, clock.now / 1000 + 1200)
  })

  it('is for another service when it was told so, and then not for this one', async (t) => {
    const { app, alice, setting } = await site(t)
    const { token, claims } = await mint(alice, { aud: 'https://shop.test' })
    assert.equal(claims.aud, 'https://shop.test')
    assert.equal(await statusOf(app, token), 401)
    assert.equal(await statusOf(await startVerifier(t, setting, { aud: 'https://shop.test' }), token), 200)
    for (const aud of ['', 'a\nb', 7]) assert.equal(codeOf(await alice.post('/token', { aud })), 'GS_JWT_SIGN')
    const refused = await alice.post('/cookie', { aud: 'https://shop.test' })
    assert.match(refused.json<{ message: string }>().message, /leave out the option cookie, or aud/)
  })

  it('must fit the schema of the application', async (t) => {
    const schema = {
      type: 'object',
      properties: { username: {}, mask: {}, level: {}, sectors: {}, theme: { type: 'string' } },
      additionalProperties: false
    }
    const { alice } = await site(t, { ext: { schema } })
    await mint(alice, { ext: { theme: 'dark' } })
    for (const ext of [{ theme: 1 }, { other: 1 }, [], 'text']) assert.equal(codeOf(await alice.post('/token', { ext })), 'GS_JWT_SIGN')
  })

  it('is refused to who is not logged in, and to who has to choose a new password first', async (t) => {
    const { app, alice } = await site(t)
    const nobody = await new Browser(app).post('/token')
    assert.deepEqual([nobody.statusCode, codeOf(nobody)], [401, 'GS_JWT_REQUIRED'])
    await (
      await chiefOf(app)
    )('require-password-change')
    const due = await alice.post('/token')
    assert.deepEqual([due.statusCode, codeOf(due)], [403, 'GS_JWT_PASSWORD_CHANGE'])
  })

  const orders: readonly [name: string, prepare: (setting: ReturnType<typeof newSetting>, app: FastifyInstance) => Promise<void>][] = [
    ['without fastify-gs', (setting, app) => startJwt(setting, app)],
    [
      'when fastify-gs comes later',
      async (setting, app) => {
        await startJwt(setting, app)
        await startGs(setting, app)
      }
    ]
  ]
  for (const [name, prepare] of orders)
    it(`is not made ${name}: a sentence says what to do`, async (t) => {
      const app = Fastify()
      t.after(() => app.close())
      await prepare(newSetting(await openSqlite(t)), app)
      app.post('/token', (request) => app.jwtCookie.fromSession(request))
      const answer = await app.inject({ method: 'POST', url: '/token' })
      assert.equal(answer.statusCode, 500)
      assert.match(answer.json<{ message: string }>().message, /register fastify-gs, and do it before fastify-gs-jwt/)
    })

  it('says so at the start when app.gs is something else', async (t) => {
    const app = Fastify()
    t.after(() => app.close())
    app.decorate('gs', {} as never)
    await assert.rejects(startJwt(newSetting(await openSqlite(t)), app), /fastify-gs of the same version/)
  })
})

describe('a token of a session in the cookie', () => {
  const who = async (browser: Browser) => (await browser.get('/who')).json<{ jwt: string | null; gs: string | null }>()

  async function withCookies(t: TestContext, jwt: Partial<GsJwtOptions> = {}) {
    const setting = newSetting(await openSqlite(t))
    const app = Fastify()
    t.after(() => app.close())
    await startGs(setting, app)
    await startJwt(setting, app, jwt)
    app.post('/cookie', (request, reply) => app.jwtCookie.fromSession(request, { cookie: reply, ext: { theme: 'dark' } }))
    app.get('/who', ({ jwt, gs }) => ({ jwt: jwt?.sub ?? null, gs: gs.account?.id ?? null, ext: jwt?.ext }))
    app.post('/after', async (request, reply) => {
      await app.jwtCookie.fromSession(request, { cookie: reply })
      return { sub: request.jwt?.sub }
    })
    await app.ready()
    return { setting, app, alice: await member(setting, app, 'alice') }
  }

  it('is request.jwt of this request and of those that follow, until the logout', async (t) => {
    const { alice } = await withCookies(t)
    const { sub } = (await alice.post('/after')).json<{ sub: string }>()
    assert.deepEqual({ ...(await who(alice)), ext: null }, { jwt: sub, gs: sub, ext: null })
    await alice.post('/lwsgs/logout')
    assert.deepEqual(await who(alice), { jwt: null, gs: null })
  })

  it('is not believed beside the session of somebody else; beside none, and another one of the same account, it is', async (t) => {
    const { app, setting, alice } = await withCookies(t)
    await alice.post('/cookie')
    const { jwt: id } = await who(alice)
    const bob = await member(setting, app, 'bob')
    bob.cookies.set('token', alice.cookies.get('token')!)
    const both = await who(bob)
    assert.equal(both.jwt, null)
    assert.notEqual(both.gs, id)

    const nobody = new Browser(app)
    await nobody.visit('/')
    nobody.cookies.set('token', alice.cookies.get('token')!)
    assert.deepEqual({ ...(await who(nobody)), ext: null }, { jwt: id, gs: null, ext: null })

    const second = await logIn(app, 'alice')
    second.cookies.set('token', alice.cookies.get('token')!)
    assert.equal((await who(second)).jwt, id)
  })

  const csrfOf = async (browser: Browser) => (await browser.get('/jwt/session')).json<{ csrf: string }>().csrf
  const renew = async (browser: Browser) => browser.post('/jwt/renew', {}, { 'x-jwt-csrf': await csrfOf(browser) })

  it('is renewed from the session: with what that may now, and no longer than that', async (t) => {
    const { app, setting, alice } = await withCookies(t, { renewFor: 7200 })
    await alice.post('/cookie')
    setting.clock.advance(600)
    const before = alice.cookies.get('token')
    assert.equal((await renew(alice)).statusCode, 200)
    assert.notEqual(alice.cookies.get('token'), before)
    const { exp, ext } = payloadOf(alice.cookies.get('token')!)
    assert.deepEqual(ext, { theme: 'dark', username: 'alice', mask: 5, level: 10, sectors: [] })
    assert.equal(exp, setting.clock.now / 1000 + 1200)
    setting.clock.advance(1100)
    await (
      await chiefOf(app)
    )('grant', { sectors: ['press'] })
    assert.equal(codeOf(await renew(alice)), 'GS_JWT_REQUIRED')
    await alice.post('/cookie')
    setting.clock.advance(1100)
    assert.equal((await renew(alice)).statusCode, 200)
    assert.equal(Object(payloadOf(alice.cookies.get('token')!).ext).mask, 1 + 4 + 16)
    setting.clock.advance(1100)
    assert.equal((await renew(alice)).statusCode, 200)
    setting.clock.advance(1100)
    assert.equal((await renew(alice)).statusCode, 200)
    setting.clock.advance(1100)
    assert.equal((await renew(alice)).statusCode, 200)
    // 7200 s after the login of the session, 6100 of which are over.
    assert.equal(payloadOf(alice.cookies.get('token')!).exp, setting.clock.now / 1000 + 1100)
  })

  it('is not renewed without its session, by another one, or where nobody has sessions', async (t) => {
    const { app, setting, alice } = await withCookies(t, { renewFor: 7200 })
    await alice.post('/cookie')
    const token = alice.cookies.get('token')!
    const [nobody, second] = [new Browser(app), await logIn(app, 'alice')]
    const elsewhere = Fastify()
    t.after(() => elsewhere.close())
    await startJwt(setting, elsewhere, { renewFor: 7200 })
    for (const browser of [nobody, second, new Browser(elsewhere)]) {
      browser.cookies.set('token', token)
      assert.equal(codeOf(await renew(browser)), 'GS_JWT_RENEWAL')
    }
  })
})

const payloadOf = (token: string) =>
  JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()) as { exp: number; ext: object; sid: string }

/** A denylist of a process of its own, in which denials wait for the test. */
function slowList(list: Denylist = memoryDenylist()) {
  const gate = { open: Promise.resolve(), waits: 0 }
  const reached = Promise.withResolvers<void>()
  const told = new Told(list, async () => {
    gate.waits++
    reached.resolve()
    await gate.open
  })
  return { gate, reached: reached.promise, ...told, list: told.list, told }
}

describe('the end of a session', () => {
  const causes: readonly [name: string, act: (app: FastifyInstance, alice: Browser) => Promise<() => Promise<{ statusCode: number }>>][] = [
    ['a logout', async (_app, alice) => () => alice.post('/lwsgs/logout')],
    ['a form that logs out', async (_app, alice) => () => alice.form('/lwsgs/lwsgs-logout', {})],
    ['another login', async (_app, alice) => () => alice.post('/lwsgs/login', { username: 'alice', password })],
    [
      'a new password',
      async (app) => {
        const other = await logIn(app, 'alice')
        return () => other.post('/lwsgs/change-password', { currentPassword: password, password: `${password}!` })
      }
    ],
    [
      'a lock',
      async (app) => {
        const admin = await chiefOf(app)
        return () => admin('lock')
      }
    ],
    [
      'a change of rights',
      async (app) => {
        const admin = await chiefOf(app)
        return () => admin('grant', { level: 20 })
      }
    ]
  ]
  for (const [name, act] of causes)
    it(`is answered only when its tokens are denied: ${name}`, async (t) => {
      const { gate, reached, list } = slowList()
      const { app, alice } = await site(t, { denylist: list })
      const { token } = await mint(alice)
      const cause = await act(app, alice)
      const { promise, resolve } = Promise.withResolvers<void>()
      gate.open = promise
      let answered = false
      const answer = cause().finally(() => (answered = true))
      await reached
      // This process refuses at once.
      assert.equal(await statusOf(app, token), 401)
      assert.equal(answered, false)
      resolve()
      assert.ok((await answer).statusCode < 400)
      assert.equal(await statusOf(app, token), 401)
    })
})

describe('a denylist that cannot be written to when a session ends', () => {
  it('is written to as soon as it can; meanwhile this process refuses, and nobody waits', { timeout: 60_000 }, async (t) => {
    let broken = true
    const told = new Told(memoryDenylist(), () => {
      if (broken) throw new TypeError('no disk')
    })
    const { app, alice, setting } = await site(t, { denylist: told.list })
    const verifier = await startVerifier(t, setting, { denylist: told.list })
    const [one, two] = [alice, await logIn(app, 'alice')]
    const tokens = [await mint(one), await mint(two)]
    for (const browser of [one, two]) assert.equal((await browser.post('/lwsgs/logout')).statusCode, 200)
    for (const { token } of tokens) {
      assert.equal(await statusOf(app, token), 401)
      assert.equal(await statusOf(verifier, token), 200)
    }
    broken = false
    for (const { claims } of tokens) await told.sid(claims.sid)
    for (const { token } of tokens) assert.equal(await statusOf(verifier, token), 401)
  })

  it('is written to when the server stops', async (t) => {
    let broken = true
    const told = new Told(memoryDenylist(), () => {
      if (broken) throw new Error('no disk')
    })
    const { app, alice, setting } = await site(t, { denylist: told.list })
    const verifier = await startVerifier(t, setting, { denylist: told.list })
    const { token } = await mint(alice)
    await alice.post('/lwsgs/logout')
    broken = false
    await app.close()
    assert.equal(await statusOf(verifier, token), 401)
  })
})

for (const [engine, open] of places)
  describe(`after a crash, on ${engine},`, { timeout: 60_000 }, () => {
    it('a process that starts denies the tokens of a session that had ended, though the denial was not written', async (t) => {
      const place = await open(t)
      const setting = newSetting(place)
      const first = await startMinter(t, setting, {})
      await member(setting, first, 'alice')
      await member(setting, first, 'bob')

      const keys = { jwk: await keyFor('ES256') }
      const child = fork(new URL('./testing/dying-site-process.ts', import.meta.url), [JSON.stringify({ place, keys })], {
        stdio: ['ignore', 'ignore', 'inherit', 'ipc']
      })
      const exited = once(child, 'exit')
      t.after(async () => {
        child.kill('SIGKILL')
        await exited
      })
      const [address] = (await once(child, 'message')) as [string]
      const post = (path: string, cookie: string, body: object = {}) =>
        fetch(address + path, { method: 'POST', headers: { cookie, 'content-type': 'application/json' }, body: JSON.stringify(body) })
      const visit = async (username: string) => {
        const answer = await post('/lwsgs/login', '', { username, password })
        const [cookie] = answer.headers.getSetCookie()[0]!.split(';')
        return { cookie: cookie!, token: ((await (await post('/token', cookie!)).json()) as { token: string }).token }
      }
      const [alice, bob] = [await visit('alice'), await visit('bob')]
      const denying = once(child, 'message')
      const logout = post('/lwsgs/logout', alice.cookie)
      const unanswered = assert.rejects(logout)
      assert.deepEqual((await denying)[0], 'denying')
      child.kill('SIGKILL')
      await unanswered

      const verifier = await startVerifier(t, setting, { denylist: await databaseDenylist(place) })
      assert.equal(await statusOf(verifier, alice.token), 200)
      const told = new Told(await databaseDenylist(place))
      const second = await startMinter(t, setting, { denylist: told.list })
      for (const app of [verifier, second]) {
        assert.equal(await statusOf(app, alice.token), 401)
        assert.equal(await statusOf(app, bob.token), 200)
      }
      assert.equal(told.denials.length, 1)
    })

    it('a process that starts denies what was made before a change of rights, and nothing that was made later', async (t) => {
      const place = await open(t)
      const setting = newSetting(place)
      const denylist = () => databaseDenylist(place)
      // It forgets, like one that was killed: what it hears of, it cannot write.
      const list = await denylist()
      const broken = new Told(list, () => {
        throw new Error('no disk')
      })
      const first = await startMinter(t, setting, { denylist: broken.list })
      const alice = await member(setting, first, 'alice')
      const admin = await chiefOf(first)
      const old = await mint(alice)
      const second = await startMinter(t, setting, { denylist: await denylist() })
      const granted = await admin('grant', { sectors: ['press'] })
      assert.equal(granted.statusCode, 200, granted.body)
      setting.clock.advance(1)
      const young = await mint(at(second, alice))
      const verifier = await startVerifier(t, setting, { denylist: await denylist() })
      assert.deepEqual([await statusOf(verifier, old.token), await statusOf(verifier, young.token)], [200, 200])
      const told = new Told(await denylist())
      await startMinter(t, setting, { denylist: told.list })
      assert.deepEqual([await statusOf(verifier, old.token), await statusOf(verifier, young.token)], [401, 200])
      assert.equal(told.denials.length, 1)
      // The one after that has nothing to do.
      const third = new Told(await denylist())
      await startMinter(t, setting, { denylist: third.list })
      assert.equal(third.denials.length, 0)
    })
  })

describe('a process that starts', () => {
  it('denies the tokens of sessions that a shorter idle time has ended', async (t) => {
    const setting = newSetting(await openSqlite(t))
    const denylist = () => databaseDenylist(setting.database)
    const app = await startMinter(t, setting, { denylist: await denylist() })
    const { token } = await mint(await member(setting, app, 'alice'), { expiresIn: 3600 })
    await app.close()
    setting.clock.advance(1000)
    const verifier = await startVerifier(t, setting, { denylist: await denylist() })
    assert.equal(await statusOf(verifier, token), 200)
    await startMinter(t, setting, { denylist: await denylist() }, { session: { idle: 600 } })
    assert.equal(await statusOf(verifier, token), 401)
  })

  it('denies those of an account that somebody has locked in the database; unlocked, the session gets new ones', async (t) => {
    const setting = newSetting(await openSqlite(t))
    const denylist = () => databaseDenylist(setting.database)
    const first = await startMinter(t, setting, { denylist: await denylist() })
    const alice = await member(setting, first, 'alice')
    const { token } = await mint(alice)
    await first.close()
    const sql = sqlOf(setting.database)
    t.after(() => sql.close())
    sql.exec("update gs_accounts set locked_at = 1 where username = 'alice'")
    const second = await startMinter(t, setting, { denylist: await denylist() })
    assert.equal(await statusOf(second, token), 401)
    sql.exec('update gs_accounts set locked_at = null')
    const again = await mint(at(second, alice))
    assert.deepEqual([await statusOf(second, token), await statusOf(second, again.token)], [401, 200])
  })

  it('leaves the tokens of another site alone that uses the same denylist', async (t) => {
    const list = memoryDenylist()
    const shared: Denylist = { ...list, ofThisProcess: false }
    const one = newSetting(await openSqlite(t))
    const app = await startMinter(t, one, { denylist: shared, iss: 'https://one.test' })
    const { token } = await mint(await member(one, app, 'alice'))
    await startMinter(t, newSetting(await openSqlite(t)), { denylist: shared, iss: 'https://two.test' })
    assert.equal(await statusOf(app, token), 200)
  })

  it('starts, and says so, when the denylist cannot be read', async (t) => {
    const setting = newSetting(await openSqlite(t))
    const lines: string[] = []
    const app = Fastify({ logger: { stream: { write: (line: string) => void lines.push(line) } } })
    t.after(() => app.close())
    await startGs(setting, app)
    const list = memoryDenylist()
    const unreadable: Denylist = {
      ...list,
      rememberedSessions() {
        throw new Error('no disk')
      }
    }
    await startJwt(setting, app, { denylist: unreadable })
    await app.ready()
    assert.ok(lines.some((line) => line.includes('which sessions with tokens are over cannot be found out')))
  })
})

describe('a token that is being made', () => {
  /** A denylist that lets the test act while a token is being made. */
  function interrupted(act: () => Promise<unknown>) {
    const list = memoryDenylist()
    let times = 0
    return {
      ...list,
      async rememberSession(sid: string, until: number) {
        if (times++ === 0) await act()
        await list.rememberSession!(sid, until)
      }
    } satisfies Denylist
  }

  it('is not handed out when the session ends meanwhile', async (t) => {
    let act = async () => undefined as unknown
    const { alice } = await site(t, { denylist: interrupted(() => act()) })
    const other = new Browser(alice.app)
    for (const [name, value] of alice.cookies) other.cookies.set(name, value)
    act = () => other.post('/lwsgs/logout')
    assert.equal(codeOf(await alice.post('/token')), 'GS_JWT_REQUIRED')
  })

  it('says what the session may now when that has changed meanwhile', async (t) => {
    let act = async () => undefined as unknown
    const { app, alice } = await site(t, { denylist: interrupted(() => act()) })
    const admin = await chiefOf(app)
    act = () => admin('grant', { sectors: ['press'] })
    const { token, claims } = await mint(alice)
    assert.equal(Object(claims.ext).mask, 1 + 4 + 16)
    assert.equal(await statusOf(app, token), 200)
  })

  it('is not handed out to who has to choose a new password meanwhile', async (t) => {
    let act = async () => undefined as unknown
    const { app, alice } = await site(t, { denylist: interrupted(() => act()) })
    const admin = await chiefOf(app)
    act = () => admin('require-password-change')
    assert.equal(codeOf(await alice.post('/token')), 'GS_JWT_PASSWORD_CHANGE')
  })

  it('is good when all tokens of its session, or its account, were denied before', async (t) => {
    const { app, alice } = await site(t)
    const { token, claims } = await mint(alice)
    for (const what of [{ sid: claims.sid }, { sub: claims.sub }]) {
      await app.jwtCookie.deny(what)
      assert.equal(await statusOf(app, token), 401)
      assert.equal(await statusOf(app, (await mint(alice)).token), 200)
    }
  })
})

describe('a denylist of one process', () => {
  it('holds only sessions that had tokens', async (t) => {
    const told = new Told(memoryDenylist())
    const { app, alice } = await site(t, { denylist: { ...told.list, ofThisProcess: true } })
    const other = await logIn(app, 'alice')
    await other.post('/lwsgs/logout')
    assert.equal(told.denials.length, 0)
    const { claims } = await mint(alice)
    await alice.post('/lwsgs/logout')
    await told.sid(claims.sid)
    assert.deepEqual(
      told.denials.map((denial) => Object(denial).sid),
      [claims.sid]
    )
  })
})

/** What fastify-gs would say, and what it was asked. */
class FakeGs {
  readonly states = new Map<string, object>()
  readonly watching = new Map<string, { readonly onEnd: () => void; readonly onChange: (visit: object) => void }>()
  watches = 0
  looks = 0
  ended: (event: { readonly sessionId: string; readonly cause: string }) => void = () => undefined
  #sessions = 0

  /** A request of a session. */
  request(id = `s${this.#sessions++}`) {
    this.states.set(id, { accountId: 'a', username: 'alice', mask: 5, level: 10, sectors: [], mustChangePassword: false, changesAt: null })
    return {
      gs: { session: { id, createdAt: 0 }, account: { id: 'a' }, mask: 5, level: 10, expiresAt: Infinity }
    } as unknown as FastifyRequest
  }
  async findSessions(ids: readonly string[]) {
    this.looks++
    return new Map(ids.flatMap((id) => (this.states.has(id) ? [[id, this.states.get(id)!]] : []))) as never
  }
  holdAnswers() {}
  onSessionEnd(listener: FakeGs['ended']) {
    this.ended = listener
    return () => undefined
  }
  watch({ gs }: FastifyRequest, watch: { readonly onEnd: () => void; readonly onChange: (visit: object) => void }) {
    const { id } = (gs as { session: { id: string } }).session
    this.watches++
    this.watching.set(id, watch)
    return () => void this.watching.delete(id)
  }
}

describe('sessions with tokens', () => {
  async function build(t: TestContext, given: Partial<Denylist> = {}, options: { clockTolerance?: number; interval?: number } = {}) {
    const clock = { now: 1_767_225_600_000 }
    const now = () => clock.now
    const store = { ...memoryDenylist(), ...given }
    const told = new Told(store)
    const log = Fastify().log
    const keys = await loadKeys({ jwk: await keyFor('ES256') }, { alg: 'ES256' })
    const rules = { iss: origin, aud: origin, typ: 'session+jwt', expiresIn: 1200, maxAge: 86_400, maxBytes: 4096, checkExt: () => null }
    const issue = createIssueClock(now)
    const { clockTolerance = 0, interval = 15_000 } = options
    const own = { clock: issue, log, options: { ...rules, now, clockTolerance }, sign: createSigner({ ...rules, keys, now }, issue) }
    const denials = createSessionDenials(told.list, own)
    const gs = new FakeGs()
    const tokens = createSessionTokens(gs as never, { ...own, denylist: denials.denylist } as never, store, denials, { interval })
    t.after(() => tokens.close())
    return { clock, told, gs, tokens, store }
  }

  it('are watched once each, until their last token has expired', async (t) => {
    const { clock, gs, tokens } = await build(t)
    const [one, two] = [gs.request(), gs.request()]
    for (let number = 0; number < 5; number++) await tokens.mint(one, {})
    await tokens.mint(two, { expiresIn: 60 })
    assert.deepEqual([gs.watches, gs.watching.size], [2, 2])
    clock.now += 60_000
    await tokens.start()
    assert.deepEqual([...gs.watching.keys()], ['s0'])
    await tokens.mint(one, {})
    assert.equal(gs.watches, 2)
    tokens.close()
    assert.equal(gs.watching.size, 0)
  })

  it('are looked at again and again', async (t) => {
    const { gs, told, tokens } = await build(t, {}, { interval: 2 })
    const request = gs.request()
    await tokens.mint(request, {})
    await tokens.start()
    assert.equal(told.denials.length, 0)
    gs.states.clear()
    await told.sid('s0')
    const { looks } = gs
    while (gs.looks < looks + 3) await turn()
    assert.equal(told.denials.length, 1)
  })

  it('are looked at, too, when the denylist remembers nothing', async (t) => {
    const given = { rememberSession: undefined, rememberedSessions: undefined } as unknown as Partial<Denylist>
    const { gs, told, tokens } = await build(t, given)
    await tokens.mint(gs.request(), {})
    gs.states.clear()
    await tokens.start()
    assert.equal(told.denials.length, 1)
  })

  it('are remembered in few entries, however many tokens they get', async (t) => {
    const entries: string[] = []
    const { clock, gs, tokens } = await build(t, { rememberSession: (sid) => void entries.push(sid), rememberedSessions: () => entries })
    const request = gs.request()
    for (let number = 0; number < 100; number++) {
      clock.now += 200
      await tokens.mint(request, {})
    }
    assert.ok(entries.length <= 4, entries.join('\n'))
    gs.states.clear()
    await tokens.start()
    assert.equal(gs.watches, 1)
  })

  it('are denied to the last token that was made, when it has not been heard of yet that the session is over', async (t) => {
    const { gs, tokens, store, clock } = await build(t)
    const request = gs.request()
    for (let number = 0; number < 20; number++) await tokens.mint(request, {})
    const { claims } = await tokens.mint(request, {})
    gs.states.clear()
    await tokens.start()
    assert.ok((await store.deniedBefore({ sid: 's0' }, clock.now)) >= issuedAt(claims))
  })

  it('are denied ahead of our clock by as much as clocks may differ', async (t) => {
    const { gs, tokens, store, clock } = await build(t, {}, { clockTolerance: 30 })
    await tokens.mint(gs.request(), {})
    gs.watching.get('s0')!.onEnd()
    await turn()
    assert.equal(await store.deniedBefore({ sid: 's0' }, clock.now), clock.now + 30_000)
  })

  it('have other rights only for tokens that are made later, in the same millisecond, too', async (t) => {
    const { gs, tokens, store, clock } = await build(t)
    const request = gs.request()
    const old = await tokens.mint(request, {})
    const changed = {
      accountId: 'a',
      username: 'alice',
      mask: 21,
      level: 10,
      sectors: ['press'],
      mustChangePassword: false,
      changesAt: null
    }
    gs.states.set('s0', changed)
    const young = await tokens.mint(request, {})
    await turn()
    const before = await store.deniedBefore({ sid: 's0' }, clock.now)
    assert.ok(issuedAt(old.claims) <= before && before < issuedAt(young.claims))
    // Heard of later, it is no news.
    gs.watching.get('s0')!.onChange({ account: { mustChangePassword: false }, mask: 21, level: 10 })
    await turn()
    assert.equal(await store.deniedBefore({ sid: 's0' }, clock.now), before)
  })

  it('keep what was made after other rights: a look does not deny it with what was remembered ahead', async (t) => {
    const { clock, gs, tokens, store } = await build(t)
    const request = gs.request()
    // Two tokens in a short time are remembered ahead of the clock. Of the minute that a token may be ahead, much is left.
    for (let change = 0; change < 20; change++) {
      const mask = change % 2 === 0 ? 21 : 5
      gs.states.set('s0', { ...gs.states.get('s0'), mask })
      if (change > 0) gs.watching.get('s0')!.onChange({ account: { mustChangePassword: false }, mask, level: 10 })
      for (const expiresIn of [60, 600]) {
        clock.now += 10
        await tokens.mint(request, { expiresIn })
      }
    }
    const { claims } = await tokens.mint(request, {})
    await tokens.start()
    const before = await store.deniedBefore({ sid: 's0' }, clock.now)
    assert.ok(before < issuedAt(claims), `denied ${before - issuedAt(claims)} ms further`)
    assert.ok(issuedAt(claims) <= clock.now + 12_000)
  })

  it('are denied until the last token has expired, also one that is dated ahead, for a verifier whose clock is late', async (t) => {
    for (const end of ['here', 'elsewhere', 'found'] as const) {
      const { clock, gs, tokens, store } = await build(t, { ofThisProcess: false })
      const request = gs.request()
      for (const mask of [5, 21]) {
        gs.states.set('s0', { ...gs.states.get('s0'), mask })
        for (let number = 0; number < 2; number++) {
          clock.now += 10
          await tokens.mint(request, {})
        }
      }
      const { claims, expiresAt } = await tokens.mint(request, { expiresIn: 86_400 })
      assert.ok(expiresAt > clock.now + 86_405_000)
      gs.states.clear()
      if (end === 'here') gs.ended({ sessionId: 's0', cause: 'logout' })
      else if (end === 'elsewhere') gs.watching.get('s0')!.onEnd()
      else await tokens.start()
      await turn()
      assert.ok((await store.deniedBefore({ sid: 's0' }, expiresAt + 59_999)) >= issuedAt(claims), end)
    }
  })

  it('get no token while what they may changes all the time', async (t) => {
    const { gs, tokens } = await build(t, {
      rememberSession(entry) {
        const mask = Number(entry.split(':')[1]) ^ 16
        gs.states.set('s0', { ...gs.states.get('s0'), mask })
      }
    })
    await assert.rejects(tokens.mint(gs.request(), {}), { code: 'GS_JWT_UNAVAILABLE' })
  })

  it('are over for good, even for a token that is made at the same moment, when their end is told in this process', async (t) => {
    const { gs, tokens, store, clock } = await build(t, { ofThisProcess: false })
    const request = gs.request()
    gs.ended({ sessionId: 's0', cause: 'logout' })
    await turn()
    assert.ok((await store.deniedBefore({ sid: 's0' }, clock.now)) >= clock.now + 86_400_000)
    await assert.rejects(tokens.mint(request, {}), { code: 'GS_JWT_REQUIRED' })
  })
})
