/*
 * Faults that Node++ 3.2.0 had in its sessions and accounts, one by one: what each test does went wrong there. They run against the whole
 * plugin; how each part works otherwise is tested beside its source.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { Agent, request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import Sqlite from 'better-sqlite3'
import type { FastifyInstance } from 'fastify'
import { openAdministration } from './admin/administration.ts'
import { gsMount } from './index.ts'
import { build, password, quickHasher, type Browser, type Built } from './testing/build.ts'
import { temporaryDirectory } from './testing/databases.ts'
import { rawRequest } from './testing/raw-request.ts'

const credentials = (username: string) => ({ username, password })
const canary = 'only for members'

const sessionOf = async (browser: Browser) => (await browser.get('/lwsgs/session')).json()
const nameOf = async (browser: Browser): Promise<string | null> => (await sessionOf(browser)).username

/** A browser that has nothing but this cookie. */
function holding(built: Built, name: string, value: string): Browser {
  const browser = built.browser()
  browser.cookies.set(name, value)
  return browser
}

async function administer(t: TestContext, built: Built) {
  const administration = await openAdministration({
    database: { sqlite: built.databasePath },
    now: () => built.clock.now,
    hasher: quickHasher
  })
  t.after(() => administration.close())
  const idOf = async (name: string) => (await administration.accounts.find(name))!.id
  return { administration, idOf }
}

const listening = async (app: FastifyInstance): Promise<number> => {
  await app.listen({ port: 0, host: '127.0.0.1' })
  return (app.server.address() as AddressInfo).port
}

const dashboard = (app: FastifyInstance) => {
  app.get('/dashboard', { config: { gs: { level: 'logged-in' } } }, () => canary)
  app.get('/dashboard/*', { config: { gs: { level: 'logged-in' } } }, () => canary)
  app.get('/open', () => 'open')
}

describe('authorization', () => {
  it('F1: no spelling of an address leads past the level of its route', async (t) => {
    for (const routerOptions of [{}, { ignoreDuplicateSlashes: true, ignoreTrailingSlash: true, caseSensitive: false }]) {
      const { app } = await build(t, {}, dashboard, { routerOptions })
      const port = await listening(app)
      for (const target of [
        '/dashboard',
        '/dashboard/x',
        '//dashboard',
        '/dashboard/?a=1',
        '/dashboard/',
        '/DASHBOARD',
        '/%64ashboard',
        '/./dashboard'
      ]) {
        const answer = await rawRequest(port, 'GET', target)
        assert.ok([401, 404].includes(answer.status), `${target}: ${answer.status}`)
        assert.doesNotMatch(answer.text, new RegExp(canary))
      }
    }
  })

  it('F1: in a closed application an address that no rule names is closed, whatever stands behind the named ones', async (t) => {
    const { app } = await build(t, { defaultLevel: 'logged-in' }, (app) => {
      app.get('/public', { config: { gs: { level: 'none' } } }, () => 'open')
      app.get('/public/*', () => canary)
      app.get('/other', () => canary)
    })
    assert.equal((await app.inject('/public')).body, 'open')
    for (const url of ['/public/x', '/other', '/other?x=/public', '/missing']) assert.equal((await app.inject(url)).statusCode, 401, url)
  })

  it('F2: who somebody is depends on the cookie of each request, not on the connection', async (t) => {
    const built = await build(t, {}, (app) => {
      app.get('/me', ({ gs }) => gs.account?.username ?? 'nobody')
    })
    const [alice, bob] = [await built.member('alice'), await built.member('bob')]
    const port = await listening(built.app)
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    t.after(() => agent.destroy())
    const ports = new Set<number | undefined>()
    const ask = (cookie?: string) =>
      new Promise<string>((resolve, reject) => {
        const request = httpRequest(
          { port, host: '127.0.0.1', path: '/me', agent, headers: cookie === undefined ? {} : { cookie: `gs=${cookie}` } },
          (answer) => {
            ports.add(answer.socket.localPort)
            let body = ''
            answer.on('data', (part: Buffer) => (body += part.toString()))
            answer.on('end', () => resolve(body))
          }
        )
        request.on('error', reject).end()
      })
    assert.deepEqual(
      [await ask(alice.token), await ask(), await ask(bob.token), await ask('x'.repeat(27))],
      ['alice', 'nobody', 'bob', 'nobody']
    )
    assert.equal(ports.size, 1, 'all on one connection')
  })

  it('F3: what is not known is refused: a policy that is none, and a store that does not answer', async (t) => {
    await assert.rejects(
      build(t, {}, (app) => {
        app.get('/x', { config: { gs: undefined as never } }, () => canary)
      }),
      { code: 'GS_OPTION' }
    )
    const built = await build(t, {}, dashboard)
    const alice = await built.member('alice')
    assert.equal((await alice.get('/dashboard')).body, canary)
    const vandal = new Sqlite(built.databasePath)
    vandal.exec('drop table gs_groups')
    vandal.close()
    const answer = await alice.get('/dashboard')
    assert.equal(answer.statusCode, 503)
    assert.doesNotMatch(answer.body, new RegExp(canary))
  })

  it('F4: nobody is nobody: not a stranger, not an admin, not a row with a level above all', async (t) => {
    const built = await build(t, {}, (app) => {
      app.get('/never', { config: { gs: { level: 'nobody' } } }, () => canary)
      app.get('/wild*', { config: { gs: { level: 'none' } } }, () => 'broad')
      app.get('/wildx', { config: { gs: { level: 'staff' } } }, () => canary)
    })
    const alice = await built.member('alice')
    const database = new Sqlite(built.databasePath)
    database.prepare('update gs_accounts set level = 127').run()
    database.close()
    for (const browser of [built.browser(), alice]) {
      assert.equal((await browser.visit('/never')).statusCode, 404)
      assert.equal((await browser.get('/never')).statusCode, 404)
    }
    const stranger = await built.browser().get('/wildx')
    assert.equal(stranger.statusCode, 401, 'the exact route counts, not the broad one that sorts before it')
  })

  it('F4: the login page of a closed application cannot send visitors to itself', async (t) => {
    await assert.rejects(
      build(t, { defaultLevel: 'logged-in', loginPage: '/login' }, (app) => {
        app.get('/login', () => 'login')
      }),
      /login/
    )
    const { app } = await build(t, { defaultLevel: 'nobody', loginPage: '/login' }, (app) => {
      app.get('/login', { config: { gs: { level: 'none' } } }, () => 'login')
    })
    assert.equal((await app.inject('/login')).body, 'login')
  })
})

describe('cookies and ids', () => {
  it('F5: a cookie counts by its exact name and value, wherever it stands', async (t) => {
    const built = await build(t, {}, dashboard)
    const token = (await built.member('alice')).token!
    const name = async (cookie: string) => (await built.app.inject({ url: '/lwsgs/session', headers: { cookie } })).json().username
    assert.equal(await name(`details=${token}`), null)
    assert.equal(await name(`xgs=${token}`), null)
    assert.equal(await name(`gs=${token}zzz`), null)
    assert.equal(await name(`gs=${token.slice(0, 20)}`), null)
    assert.equal(await name(`long=${'x'.repeat(3000)}; gs=${token}`), 'alice')
  })

  it('F6: the cookie holds for the whole site, for this host alone, and only over https where there is https', async (t) => {
    const { browser, member } = await build(t, { baseUrl: 'https://site.test' })
    await member('alice')
    const answer = await browser().post('/lwsgs/login', credentials('alice'))
    const cookie = [answer.headers['set-cookie']].flat().find((line) => line!.startsWith('__Host-gs='))!
    for (const attribute of [/; Path=\//, /; HttpOnly/, /; Secure/, /; SameSite=Lax/]) assert.match(cookie, attribute)
    assert.doesNotMatch(cookie, /Domain/)
  })

  it('F7: no token comes from a generator that can be guessed', async (t) => {
    t.mock.method(Math, 'random', () => 0.5)
    const built = await build(t, { loginCodes: true })
    const secrets: string[] = []
    for (const username of ['alice', 'bob']) {
      const member = await built.member(username)
      secrets.push(member.token!, (await sessionOf(member)).csrfToken)
      const anonymous = built.browser()
      await anonymous.get('/lwsgs/session')
      secrets.push(anonymous.token!, (await sessionOf(anonymous)).csrfToken)
      await anonymous.post('/lwsgs/forgot-password', { username })
      secrets.push(await built.inbox.token(`${username}@mail.test`, /new password/))
    }
    assert.equal(new Set(secrets).size, secrets.length)
    assert.ok(secrets.every((secret) => secret.length >= 27))
  })

  it('F8: without "keep me logged in" nothing makes the login outlive the browser, or a day', async (t) => {
    const built = await build(t, { session: { renewal: 600, idle: 90_000 } })
    await built.member('alice')
    const browser = built.browser()
    const answers = [await browser.post('/lwsgs/login', credentials('alice'))]
    for (let visits = 0; visits < 20; visits++) {
      built.clock.advance(3600)
      answers.push(await browser.visit('/lwsgs/session'))
    }
    const sent = answers.flatMap(({ headers }) => headers['set-cookie'] ?? []).filter((line) => line.startsWith('gs='))
    assert.ok(sent.length > 10, 'the token was renewed')
    for (const line of sent) assert.doesNotMatch(line, /Max-Age|Expires/i)
    assert.equal(await nameOf(browser), 'alice')
    built.clock.advance(4 * 3600)
    assert.equal(await nameOf(browser), null)
  })

  it('F9: requests with the same old token during its renewal all count, and leave one session', async (t) => {
    const built = await build(t, { session: { renewal: 60 } })
    const alice = await built.member('alice')
    const old = alice.token!
    built.clock.advance(61)
    const answers = await Promise.all(
      Array.from({ length: 10 }, async () => {
        const tab = holding(built, 'gs', old)
        const answer = await tab.visit('/lwsgs/session')
        return { username: answer.json().username, session: answer.json().session, token: tab.token! }
      })
    )
    assert.ok(answers.every(({ username }) => username === 'alice'))
    assert.equal(new Set(answers.map(({ session }) => session)).size, 1)
    const renewed = new Set(answers.map(({ token }) => token).filter((token) => token !== old))
    assert.equal(renewed.size, 1, 'one of them got the new token')
    const after = holding(built, 'gs', [...renewed][0]!)
    assert.equal(await nameOf(after), 'alice')
    assert.equal(await nameOf(holding(built, 'gs', old)), 'alice', 'a request that was on its way')
    assert.equal((await after.get('/lwsgs/sessions')).json().sessions.length, 1)
    built.clock.advance(120)
    assert.equal(await nameOf(holding(built, 'gs', old)), null)
  })

  it('F10: the cookie of one kind of session is none of the other; each change of state makes a new id and ends the old one', async (t) => {
    const built = await build(t, { session: { cookieName: { anonymous: 'as', loggedIn: 'ls' } } })
    const browser = await built.member('alice')
    const first = browser.cookies.get('ls')!
    assert.equal(await nameOf(holding(built, 'ls', first)), 'alice')
    assert.equal(await nameOf(holding(built, 'as', first)), null)

    await browser.post('/lwsgs/login', credentials('alice'))
    const second = browser.cookies.get('ls')!
    assert.equal(await nameOf(holding(built, 'ls', first)), null, 'the session before a second login is over')
    const before = (await sessionOf(browser)).session
    await browser.post('/lwsgs/logout')
    assert.notEqual((await sessionOf(browser)).session, before)
    assert.equal(await nameOf(holding(built, 'ls', second)), null)
    assert.equal(await nameOf(holding(built, 'ls', browser.cookies.get('as')!)), null)
    await built.app.close()
    for (const end of ['', '-wal']) {
      const bytes = readFileSync(built.databasePath + (end === '-wal' ? '' : end), 'latin1')
      for (const token of [first, second]) assert.ok(!bytes.includes(token), 'the database holds no token')
    }
  })

  it('F11: a cookie is sent whatever the status, and visitors without one take no room', async (t) => {
    const built = await build(t, { session: { total: 5, data: { maxAnonymous: 5 } } }, (app) => {
      app.get('/teapot', (_request, reply) => reply.code(418).send('no'))
      app.post('/store', async ({ gs }) => gs.data.patch({ n: 1 }))
    })
    await built.member('alice')
    for (const url of ['/teapot', '/missing']) {
      const visitor = built.browser()
      await visitor.visit(url)
      assert.equal(visitor.cookies.size, 1, url)
      const { session } = await sessionOf(visitor)
      assert.equal((await sessionOf(visitor)).session, session)
    }
    for (let visits = 0; visits < 100; visits++) await built.browser().visit('/missing')
    const codes = []
    for (let visits = 0; visits < 7; visits++) codes.push((await built.browser().post('/store')).statusCode)
    assert.deepEqual(codes, [200, 200, 200, 200, 200, 503, 503])
    assert.equal((await built.browser().post('/lwsgs/login', credentials('alice'))).statusCode, 200, 'logins have room of their own')
  })
})

describe('accounts', () => {
  it('F12: what an account is counts at each use of a cookie', async (t) => {
    const built = await build(t, {}, (app) => {
      app.get('/members', { config: { gs: { level: 'user' } } }, () => canary)
    })
    const { administration, idOf } = await administer(t, built)
    for (const [username, change, expected] of [
      ['locked', async (id: string) => administration.accounts.lock(id), 401],
      ['deleted', async (id: string) => administration.accounts.delete(id), 401],
      ['restricted', async (id: string) => administration.accounts.requirePasswordChange(id), 403]
    ] as const) {
      const browser = await built.member(username)
      assert.equal((await browser.get('/members')).body, canary)
      await change(await idOf(username))
      const answer = await browser.get('/members')
      assert.equal(answer.statusCode, expected, username)
      assert.doesNotMatch(answer.body, new RegExp(canary))
    }
  })

  it('F13: a login that the application refuses is refused: no cookie, no row', async (t) => {
    let open = true
    const built = await build(t, {}, (app) => {
      app.gs.addHook('beforeLogin', () => open)
    })
    const alice = await built.member('alice')
    open = false
    const answer = await built.browser().post('/lwsgs/login', { ...credentials('alice'), remember: true })
    assert.deepEqual([answer.statusCode, answer.cookies], [403, []])
    assert.equal((await alice.get('/lwsgs/sessions')).json().sessions.length, 1)
  })

  it('F14: who must change the password can do nothing else', async (t) => {
    const built = await build(t, { defaultLevel: 'user' }, (app) => {
      app.get('/members', () => canary)
      app.get('/masked', { config: { gs: 'user' } }, () => canary)
    })
    const { administration, idOf } = await administer(t, built)
    await built.member('alice')
    await administration.accounts.requirePasswordChange(await idOf('alice'))
    const browser = built.browser()
    const login = await browser.post('/lwsgs/login', credentials('alice'))
    assert.deepEqual([login.json().mustChangePassword, login.json().mask, login.json().level], [true, 1, 2])
    for (const url of ['/members', '/masked', '/lwsgs/sessions']) {
      const answer = await browser.get(url)
      assert.deepEqual([answer.statusCode, answer.json().code], [403, 'GS_PASSWORD_CHANGE_REQUIRED'], url)
    }
    const same = await browser.post('/lwsgs/change-password', { currentPassword: password, password })
    assert.deepEqual([same.statusCode, same.json().code], [400, 'GS_PASSWORD_WEAK'], 'the same password again is none')
    await browser.post('/lwsgs/change-password', { currentPassword: password, password: 'another horse, another staple' })
    assert.equal((await browser.get('/members')).body, canary)
  })

  it('F15: visitors without a session share nothing, and no CSRF token fits them', async (t) => {
    const built = await build(t, {}, (app) => {
      app.post('/form', { config: { gs: { level: 'none', csrf: true } } }, () => 'done')
      app.post('/store', async ({ gs }) => gs.data.patch({ secret: 'mine' }))
      app.get('/read', async ({ gs }) => gs.data.read())
    })
    for (const payload of [{}, { csrft: '' }, { csrfToken: '' }])
      assert.deepEqual((await built.browser().post('/form', payload)).json().code, 'GS_CSRF')
    await built.browser().post('/store')
    assert.deepEqual((await built.browser().get('/read')).json(), {})
    await built.member('alice')
    await assert.rejects(async () => built.app.gs.settings.set('', 'theme', 'dark'), { code: 'GS_ACCOUNT_UNKNOWN' })
    assert.equal((await built.browser().get('/lwsgs/session')).json().email, null)
  })

  it('F16: an account form changes the own account, whoever it names', async (t) => {
    const built = await build(t, {
      admin: { username: 'boss', passwordHash: await quickHasher.hash(Buffer.from('the password of the boss')) }
    })
    const mallory = await built.member('mallory')
    for (const fields of [{ username: 'boss' }, { level: 100 }, { group_id: 1 }]) {
      const answer = await mallory.post('/lwsgs/change-password', {
        currentPassword: 'the password of the boss',
        password: 'another horse, another staple',
        ...fields
      })
      assert.equal(answer.statusCode, 400)
    }
    const answer = await mallory.post('/lwsgs/change-email', { email: 'boss@mail.test', currentPassword: 'the password of the boss' })
    assert.equal(answer.json().code, 'GS_CURRENT_PASSWORD')
    assert.deepEqual([(await sessionOf(mallory)).admin, (await sessionOf(mallory)).level], [false, 10])
  })

  it('F17: the link that confirms an address unlocks nobody', async (t) => {
    const built = await build(t)
    const { administration, idOf } = await administer(t, built)
    const browser = built.browser()
    await browser.post('/lwsgs/register', { ...credentials('alice'), email: 'alice@mail.test' })
    const token = await built.inbox.token('alice@mail.test', /Confirm/)
    await administration.accounts.lock(await idOf('alice'))
    assert.equal((await browser.post('/lwsgs/verify-email', { token })).json().code, 'GS_ACCOUNT_LOCKED')
    assert.equal((await browser.post('/lwsgs/login', credentials('alice'))).json().code, 'GS_ACCOUNT_LOCKED')
  })

  it('F18: links in mails lead to the configured site, whatever Host says', async (t) => {
    const built = await build(t, { baseUrl: 'https://site.test' })
    await built.member('alice')
    const seen = built.inbox.mails.length
    await built.app.inject({
      method: 'POST',
      url: '/lwsgs/forgot-password',
      payload: { username: 'alice' },
      headers: { host: 'evil.test', 'x-forwarded-host': 'evil.test', forwarded: 'host=evil.test' }
    })
    const mail = await built.inbox.find('alice@mail.test', /new password/, seen)
    assert.match(mail.text, /https:\/\/site\.test\/lwsgs\//)
    assert.doesNotMatch(mail.text + mail.html, /evil/)
  })

  it('F19: a code by mail works once, exactly, for the newest request, and tells nobody who has an account', async (t) => {
    const built = await build(t, { loginCodes: true })
    await built.member('alice')
    const ask = async () => {
      const seen = built.inbox.mails.length
      await built.browser().post('/lwsgs/login-code', { username: 'alice' })
      return /^\d{8}$/m.exec((await built.inbox.find('alice@mail.test', /code/i, seen)).text)![0]
    }
    const redeem = async (code: string, username = 'alice') =>
      (await built.browser().post('/lwsgs/login-code/redeem', { username, code })).statusCode
    const old = await ask()
    const code = await ask()
    assert.deepEqual([await redeem(old), await redeem(`${code}7`), await redeem(code), await redeem(code)], [401, 401, 200, 401])
    const [known, unknown] = [
      await built.browser().post('/lwsgs/login-code', { username: 'alice' }),
      await built.browser().post('/lwsgs/login-code', { username: 'nobody' })
    ]
    assert.deepEqual([unknown.statusCode, unknown.body], [known.statusCode, known.body])
    const late = await ask()
    built.clock.advance(901)
    assert.equal(await redeem(late), 401)
    for (let asked = 0; asked < 20; asked++) await built.browser().post('/lwsgs/login-code', { username: 'alice' })
    const codes = built.inbox.mails.filter(({ subject }) => /code/i.test(subject)).length
    assert.ok(codes <= 6, `asking again and again sends ${codes} mails`)
  })

  it('F20: known and unknown accounts answer alike, and failing on purpose does not keep the owner out', async (t) => {
    const built = await build(t)
    await built.member('alice')
    const owner = built.browser()
    await owner.post('/lwsgs/login', credentials('alice'))
    await owner.post('/lwsgs/logout')
    const answers = new Map<string, unknown[]>()
    for (const username of ['alice', 'nobody-here']) {
      const seen: unknown[] = []
      for (let attempt = 0; attempt < 30; attempt++) {
        const answer = await built.browser().post('/lwsgs/login', { username, password: 'a wrong password, again' })
        seen.push([answer.statusCode, answer.json().code, answer.headers['retry-after']])
      }
      answers.set(username, seen)
    }
    assert.deepEqual(answers.get('alice'), answers.get('nobody-here'))
    assert.equal((await owner.post('/lwsgs/login', credentials('alice'))).statusCode, 200, 'the browser of the owner')
    const [known, unknown] = await Promise.all(
      ['alice@mail.test', 'new@mail.test'].map((email, index) =>
        built.browser().post('/lwsgs/register', { username: `carol${index}`, email, password })
      )
    )
    assert.deepEqual([known!.statusCode, known!.body], [unknown!.statusCode, unknown!.body])
  })

  it('F21: only the newest link of a lost password works, the address counts in any case, a new password ends other sessions', async (t) => {
    const built = await build(t)
    const alice = await built.member('alice')
    const ask = async () => {
      const seen = built.inbox.mails.length
      await built.browser().post('/lwsgs/forgot-password', { email: 'ALICE@Mail.Test' })
      return built.inbox.token('alice@mail.test', /new password/, seen)
    }
    const [old, token] = [await ask(), await ask()]
    const browser = built.browser()
    assert.equal((await browser.post('/lwsgs/forgot-password/redeem', { token: old })).json().code, 'GS_LINK_USED')
    assert.equal((await browser.post('/lwsgs/forgot-password/redeem', { token })).statusCode, 200)
    assert.equal(await nameOf(alice), null)
    const other = built.browser()
    await other.post('/lwsgs/login', credentials('alice'))
    await browser.post('/lwsgs/change-password', { password: 'another horse, another staple' })
    assert.equal(await nameOf(other), null)
    const before = built.inbox.mails.length
    for (let asked = 0; asked < 30; asked++) await built.browser().post('/lwsgs/forgot-password', { username: 'alice' })
    assert.ok(built.inbox.mails.length - before <= 5)
  })

  it('F22: hashes are salted and slow, and the whole password counts', async (t) => {
    const long = 'x y'.repeat(100)
    const built = await build(t)
    for (const username of ['alice', 'bob']) {
      await built.browser().post('/lwsgs/register', { username, email: `${username}@mail.test`, password: long })
    }
    assert.equal((await built.browser().post('/lwsgs/login', { username: 'alice', password: `${long.slice(0, -1)}z` })).statusCode, 401)
    assert.equal((await built.browser().post('/lwsgs/login', { username: 'alice', password: long })).statusCode, 200)
    const database = new Sqlite(built.databasePath, { readonly: true })
    const hashes = database.prepare<[], string>('select password_hash from gs_accounts').pluck().all()
    database.close()
    assert.equal(new Set(hashes).size, 2)
    assert.ok(hashes.every((hash) => hash.startsWith('$argon2id$')))
  })

  it('F23: a user name cannot be an address, and one name belongs to one account', async (t) => {
    const built = await build(t)
    await built.member('alice')
    const register = (username: string) => built.browser().post('/lwsgs/register', { username, email: 'new@mail.test', password })
    assert.equal((await register('alice@mail.test')).json().code, 'GS_USERNAME_INVALID')
    assert.equal((await register('ALICE')).json().code, 'GS_USERNAME_TAKEN')
    const answers = await Promise.all(Array.from({ length: 8 }, () => register('dave')))
    assert.equal(answers.filter(({ statusCode }) => statusCode === 202).length, 1)
  })

  it('F24: a deleted account leaves neither name nor address nor anything it has stored', async (t) => {
    const built = await build(t, {}, (app) => {
      app.post('/store', async ({ gs }) => gs.data.patch({ note: 'secret-of-zoe' }))
    })
    const zoe = await built.member('zoe-the-first', 'zoe-the-first@mail.test')
    await zoe.post('/store')
    const { account } = { account: await administer(t, built).then(({ idOf }) => idOf('zoe-the-first')) }
    await built.app.gs.settings.set(account, 'theme', 'secret-of-zoe')
    await zoe.post('/lwsgs/delete-account', { currentPassword: password })
    await built.inbox.find('zoe-the-first@mail.test', /deleted/)
    // The farewell is remembered until it is certain that it has been sent, and for a week after that.
    built.clock.advance(9 * 86_400)
    await built.app.close()
    const again = await build(t, { database: { sqlite: built.databasePath }, now: () => built.clock.now })
    const { administration } = await administer(t, { ...again, databasePath: built.databasePath })
    assert.equal(await administration.accounts.find('zoe-the-first'), null)
    await again.app.close()
    const database = new Sqlite(built.databasePath)
    const tables = database.prepare<[], string>("select name from sqlite_master where type = 'table'").pluck().all()
    for (const table of tables) {
      for (const row of database.prepare<[], object>(`select * from "${table}"`).all())
        assert.doesNotMatch(JSON.stringify(row), /zoe/, table)
    }
    database.close()
  })

  it('F25: nothing that visitors send is kept as a file, and a mounted file has the type of the site', async (t) => {
    const built = await build(t)
    const boundary = 'xxx'
    const payload = `--${boundary}\r\ncontent-disposition: form-data; name="file"; filename="x.html"\r\ncontent-type: image/png\r\n\r\n<script>1</script>\r\n--${boundary}--\r\n`
    for (const url of ['/lwsgs/lwsgs-login', '/lwsgs/register', '/lwsgs/login']) {
      const answer = await built.app.inject({
        method: 'POST',
        url,
        payload,
        headers: { 'content-type': `multipart/form-data; boundary=${boundary}` }
      })
      assert.ok(answer.statusCode >= 400 && answer.statusCode < 500, `${url}: ${answer.statusCode}`)
    }
    const directory = temporaryDirectory(t)
    const { app } = await build(t, {}, async (app) => {
      await app.register(gsMount, { prefix: '/files', root: directory })
    })
    assert.equal((await app.inject({ method: 'PUT', url: '/files/x.html', payload: '<script>' })).statusCode, 404)
  })

  it('F26: an account that an operator adds is complete or refused, and no password is ever mailed', async (t) => {
    const built = await build(t)
    const { administration } = await administer(t, built)
    await assert.rejects(administration.accounts.add({ username: 'carl', email: '', password: null }), { code: 'GS_EMAIL_INVALID' })
    assert.equal(await administration.accounts.find('carl'), null)
    await assert.rejects(administration.accounts.add({ username: 'carl', email: 'carl@mail.test', password: 'short' }), {
      code: 'GS_PASSWORD_WEAK'
    })
    await administration.accounts.add({ username: 'carl', email: 'carl@mail.test', password })
    await built.member('dora')
    await built.browser().post('/lwsgs/forgot-password', { username: 'carl' })
    await built.inbox.find('carl@mail.test', /new password/)
    for (const mail of built.inbox.mails) {
      assert.ok(!`${mail.text}${mail.html}${mail.subject}`.includes(password))
      assert.doesNotMatch(mail.text.replaceAll('http://', ''), /\/\//, 'no address with a double slash')
    }
  })

  it('F27: sign-ups, mails and logins of one address are limited unless that is switched off', async (t) => {
    const { app } = await build(t, { rateLimits: { register: { max: 3, seconds: 60 }, mail: { max: 3, seconds: 60 } } })
    for (const [url, payload] of [
      ['/lwsgs/register', { username: '?', email: 'x@mail.test', password }],
      ['/lwsgs/forgot-password', { username: 'x' }]
    ] as const) {
      const codes = []
      for (let asked = 0; asked < 4; asked++) codes.push((await app.inject({ method: 'POST', url, payload })).statusCode)
      assert.equal(codes[3], 429, url)
      assert.ok(!codes.slice(0, 3).includes(429))
    }
  })
})

describe('hooks, services and the rest', () => {
  it('F28: the end of a session by time is told of that session, whoever is served at the moment', async (t) => {
    const built = await build(t, { session: { idle: 600 } })
    const ended: unknown[] = []
    built.app.gs.addHook('onDowngrade', ({ formerSessionId, cause }) => void ended.push([formerSessionId, cause]))
    const idle = await built.member('idle')
    const { session } = await sessionOf(idle)
    built.clock.advance(700)
    const busy = await built.member('busy')
    assert.equal(await nameOf(busy), 'busy')
    await built.app.close()
    const again = await build(
      t,
      { database: { sqlite: built.databasePath }, now: () => built.clock.now, session: { idle: 600 } },
      (app) => {
        app.gs.addHook('onDowngrade', ({ formerSessionId, cause }) => void ended.push([formerSessionId, cause]))
      }
    )
    assert.equal(await nameOf(holding(again, 'gs', busy.token!)), 'busy')
    await again.app.close()
    assert.deepEqual(ended, [[session, 'idle']])
  })

  it('F29: parallel changes of one session all count, also when it ends meanwhile, and its CSRF token is never empty', async (t) => {
    const built = await build(t, {}, (app) => {
      app.post('/count', async ({ gs }) => gs.data.patch((data) => ({ n: ((data as { n?: number }).n ?? 0) + 1 })))
    })
    const alice = await built.member('alice')
    await Promise.all(Array.from({ length: 20 }, () => alice.post('/count')))
    const opened = (await built.app.gs.openSession(alice.token!))!
    assert.deepEqual(await opened.data.read(), { n: 20 })
    assert.equal(opened.csrfToken, (await sessionOf(alice)).csrfToken)
    assert.ok(opened.csrfToken.length >= 27)
    await alice.post('/lwsgs/logout')
    await assert.rejects(opened.data.patch({ n: 0 }), { code: 'GS_SESSION_UNKNOWN' })
    assert.equal(await opened.isAlive(), false)
    assert.equal(await built.app.gs.openSession(holding(built, 'gs', '').token ?? ''), null)
  })

  it('F30: guessing is slowed down without being asked for, by the real address, and not for ever', async (t) => {
    const built = await build(t, {}, undefined, { trustProxy: '127.0.0.1' })
    await built.member('alice')
    const attempt = async (ip: string, typed: string) =>
      (await built.browser().post('/lwsgs/login', { username: 'alice', password: typed }, { 'x-forwarded-for': ip })).statusCode
    const codes = []
    for (let tries = 0; tries < 7; tries++) codes.push(await attempt('192.0.2.1', 'a wrong password, again'))
    assert.deepEqual(codes.slice(0, 5), Array(5).fill(401))
    assert.equal(codes[6], 429)
    assert.equal(await attempt('192.0.2.2', password), 200, 'somebody else behind the same proxy')
    built.clock.advance(2 * 86_400)
    assert.equal(await attempt('192.0.2.1', password), 200)
  })

  it('F31: the language that an account has chosen counts before that of the browser, and nobody inherits it', async (t) => {
    const built = await build(t, { languages: ['de', 'fr'] }, (app) => {
      app.get('/language', ({ gs }) => gs.client.language)
    })
    const alice = await built.member('alice')
    await alice.post('/lwsgs/language', { language: 'fr' })
    const ask = async (browser: Browser, accept?: string) =>
      (await browser.get('/language', accept === undefined ? {} : { 'accept-language': accept })).body
    assert.equal(await ask(alice, 'de'), 'fr')
    assert.equal(await ask(alice, 'de'), 'fr')
    assert.equal(await ask(built.browser(), 'de'), 'de')
    assert.equal(await ask(built.browser()), 'en')
    assert.equal(await ask(built.browser(), 'de-AT'), 'de', 'the region may be missing')
  })

  it('F32: the CSRF token is another one after login, and no GET logs out', async (t) => {
    const built = await build(t)
    await built.member('alice')
    const browser = built.browser()
    const before = (await sessionOf(browser)).csrfToken
    await browser.post('/lwsgs/login', credentials('alice'))
    assert.notEqual((await sessionOf(browser)).csrfToken, before)
    for (const url of ['/lwsgs/logout', '/lwsgs/lwsgs-logout']) await browser.visit(url)
    assert.equal(await nameOf(browser), 'alice')
    const foreign = await browser.post('/lwsgs/logout', {}, { 'sec-fetch-site': 'cross-site' })
    assert.equal(foreign.json().code, 'GS_CROSS_SITE')
  })

  it('F33: a login is counted once, and coming back with the cookie is none', async (t) => {
    const built = await build(t)
    const { administration } = await administer(t, built)
    const alice = await built.member('alice')
    built.clock.advance(60)
    await alice.post('/lwsgs/login', credentials('alice'))
    const at = built.clock.now
    for (let visits = 0; visits < 5; visits++) {
      built.clock.advance(60)
      await alice.visit('/lwsgs/session')
    }
    const record = (await administration.accounts.find('alice'))!
    assert.deepEqual([record.visits, record.lastLoginAt], [2, at])
  })
})
