import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import type { InjectOptions } from 'fastify'
import { hashPassword } from '../hash-password.ts'
import type { GsOptions } from '../options.ts'
import { build, password, quickHasher, type Browser } from '../testing/build.ts'

const wrongPassword = 'wrong password here'
const ladder = [
  [10, 60],
  [25, 3600],
  [100, 86_400]
] as const

/** A site that counts how often a password was really checked. */
async function site(t: TestContext, options: Partial<GsOptions> = {}, server = {}) {
  const checks = { count: 0 }
  const hasher = { ...quickHasher, verify: (typed: Buffer, stored: string) => (checks.count++, quickHasher.verify(typed, stored)) }
  const built = await build(t, { password: { hasher, concurrency: 2, maxWaiting: 1000 }, ...options }, undefined, server)
  let next = 0
  /** A login of somebody whom nobody knows, from an address that was not used yet. */
  const strange = (username: string, typed = wrongPassword, more: Partial<InjectOptions> = {}) =>
    built.browser().send({
      method: 'POST',
      url: '/lwsgs/login',
      payload: { username, password: typed },
      remoteAddress: `10.1.${next >> 8}.${next++ & 255}`,
      ...more
    })
  /** Strangers guess as often, and as soon, as they may. */
  const burn = async (failures: number, username: string) => {
    for (let n = 0; n < failures;) {
      const { statusCode, headers } = await strange(username)
      if (statusCode === 401) n++
      else built.clock.advance(Number(headers['retry-after']))
    }
  }
  const logIn = async (browser: Browser, typed = password, username = 'alice') =>
    (await browser.post('/lwsgs/login', { username, password: typed })).statusCode
  return { ...built, checks, strange, burn, logIn }
}

describe('guessing passwords', () => {
  it('lets 500 simultaneous guesses check ten passwords', async (t) => {
    const { member, strange, checks } = await site(t)
    await member('alice')
    checks.count = 0
    const answers = await Promise.all(Array.from({ length: 500 }, () => strange('alice')))
    assert.equal(checks.count, 10)
    const counted = Object.groupBy(answers, ({ statusCode }) => statusCode)
    assert.deepEqual([counted[401]?.length, counted[429]?.length], [10, 490])
    assert.ok(counted[429]!.every(({ headers }) => Number(headers['retry-after']) > 0))
  })

  it('answers names that nobody has like known ones, all the way up', async (t) => {
    const { member, strange, clock } = await site(t, { attempts: { ladder, lockAfter: 30 } })
    await member('alice')
    const answers = async (username: string) => {
      const all = []
      for (let n = 0; n < 50; n++) {
        const { statusCode, headers, body } = await strange(username)
        all.push([statusCode, headers['retry-after'], body])
        clock.advance(n < 35 ? 61 : 3600)
      }
      return all
    }
    const known = await answers('alice')
    assert.deepEqual(await answers('nobody-here'), known)
    assert.match(String(known.at(-1)), /GS_PASSWORD_DISABLED/)
  })

  it('counts the login, its form and every question for the current password in one', async (t) => {
    const { member, browser, strange } = await site(t)
    const alice = await member('alice')
    // Logged in, but without the cookie by which the browser is known.
    alice.cookies.delete('gs-known')
    let at = 0
    const remoteAddress = () => `10.9.0.${at++}`
    const currentPassword = wrongPassword
    const calls: (() => Promise<{ statusCode: number }>)[] = [
      () => strange('alice'),
      () => strange('ALICE@mail.test'),
      () =>
        browser().send({
          method: 'POST',
          url: '/lwsgs/lwsgs-login',
          payload: new URLSearchParams({ username: 'alice', password: wrongPassword }).toString(),
          headers: { 'content-type': 'application/x-www-form-urlencoded' },
          remoteAddress: remoteAddress()
        }),
      ...[
        ['change-password', { currentPassword, password: 'another long password' }],
        ['delete-account', { currentPassword }],
        ['change-email', { currentPassword, email: 'new@mail.test' }]
      ].map(([path, payload]) => () => {
        alice.cookies.delete('gs-known')
        return alice.send({ method: 'POST', url: `/lwsgs/${path as string}`, payload: payload as object, remoteAddress: remoteAddress() })
      })
    ]
    for (let n = 0; n < 10; n++) assert.notEqual((await calls[n % calls.length]!()).statusCode, 429, `attempt ${n + 1}`)
    for (const call of calls.filter((_, n) => n !== 2)) assert.equal((await call()).statusCode, 429)
    assert.equal((await strange('alice', password)).headers['retry-after'], '60')
  })

  it('believes no header about the address, unless the proxy is trusted', async (t) => {
    for (const trusted of [false, true]) {
      const { member, strange } = await site(t, {}, { trustProxy: trusted })
      await member('alice')
      let refused = 0
      for (let n = 0; n < 8; n++) {
        const from = `203.0.113.${n}`
        const headers = { 'x-forwarded-for': from, forwarded: `for=${from}`, 'x-real-ip': from, 'cf-connecting-ip': from }
        if ((await strange('alice', wrongPassword, { headers, remoteAddress: '10.2.0.1' })).statusCode === 429) refused++
      }
      assert.equal(refused, trusted ? 0 : 3)
    }
  })

  it('slows one address down that tries one password with many names, and nobody else', async (t) => {
    const { member, browser, strange, checks, logIn } = await site(t)
    const alice = await member('alice')
    checks.count = 0
    const remoteAddress = '192.0.2.66'
    for (let n = 0; n < 150; n++) await strange(`name-${n}`, wrongPassword, { remoteAddress })
    assert.equal(checks.count, 100)
    const refused = await strange('alice', password, { remoteAddress })
    assert.deepEqual([refused.statusCode, refused.headers['retry-after']], [429, '36'])
    assert.equal(await logIn(browser()), 200)
    const behind = { method: 'POST', url: '/lwsgs/login', payload: { username: 'alice', password }, remoteAddress } as const
    assert.equal((await alice.send(behind)).statusCode, 200)
  })

  it('slows the configured admin down like others, and never switches his password off', async (t) => {
    const admin = { username: 'boss', passwordHash: await hashPassword('the password of the boss') }
    const { burn, strange, clock } = await site(t, { admin, attempts: { ladder: [[3, 60]], lockAfter: 5 } })
    await burn(8, 'boss')
    assert.equal((await strange('boss', 'the password of the boss')).headers['retry-after'], '60')
    clock.advance(60)
    assert.equal((await strange('boss', 'the password of the boss')).statusCode, 200)
  })
})

describe('a browser that has logged in before', () => {
  it('gets a cookie that tells nothing, which stays when it logs out', async (t) => {
    const { member, browser, strange } = await site(t)
    const alice = await member('alice')
    const login = await alice.post('/lwsgs/login', { username: 'alice', password })
    const cookie = login.cookies.find(({ name }) => name === 'gs-known')!
    assert.deepEqual([cookie.httpOnly, cookie.sameSite, cookie.path, cookie.maxAge], [true, 'Lax', '/', 400 * 86_400])
    assert.doesNotMatch(cookie.value, /alice|mail/i)
    await alice.post('/lwsgs/logout')
    assert.equal(alice.cookies.get('gs-known'), cookie.value)
    assert.equal(
      (await strange('alice')).cookies.find(({ name }) => name === 'gs-known'),
      undefined
    )
    assert.equal(
      (await browser().get('/lwsgs/session')).cookies.find(({ name }) => name === 'gs-known'),
      undefined
    )
    // It opens nothing.
    const thief = browser()
    thief.cookies.set('gs-known', cookie.value)
    assert.equal((await thief.get('/lwsgs/session')).json().username, null)
  })

  it('has the prefix __Host- on https, and its name from the session cookie', async (t) => {
    const { member } = await site(t, { baseUrl: 'https://site.test', session: { cookieName: 'own' } })
    const alice = await member('alice')
    const [, cookie] = [(await alice.post('/lwsgs/login', { username: 'alice', password })).headers['set-cookie']].flat()
    assert.match(String(cookie), /^__Host-own-known=[^;]+; Max-Age=34560000; Path=\/; HttpOnly; Secure; SameSite=Lax$/)
  })

  it('lets its owner in while strangers burn the account without end, and forgot-password helps on every other device', async (t) => {
    const { member, burn, strange, browser, inbox, logIn } = await site(t)
    const alice = await member('alice')
    for (const failures of [10, 16, 26]) {
      await burn(failures, 'alice')
      assert.equal((await strange('alice', password)).statusCode, 429)
      await alice.post('/lwsgs/logout')
      assert.equal(await logIn(alice, wrongPassword), 401)
      assert.equal(await logIn(alice), 200)
    }
    await burn(30, 'alice')
    const device = browser()
    assert.equal(await logIn(device), 429)
    const seen = inbox.mails.length
    await device.post('/lwsgs/forgot-password', { username: 'alice' })
    const token = await inbox.token('alice@mail.test', /Set a new/, seen)
    assert.equal((await device.post('/lwsgs/forgot-password/redeem', { token })).statusCode, 200)
    await burn(10, 'alice')
    assert.equal(await logIn(device), 200)
  })

  it('has ten guesses when somebody has copied its cookie, and none more by the logins of its owner', async (t) => {
    const { member, burn, browser, checks, logIn } = await site(t)
    const alice = await member('alice')
    const stolen = alice.cookies.get('gs-known')!
    await burn(26, 'alice')
    checks.count = 0
    const guess = async (times: number) => {
      for (let n = 0; n < times; n++) {
        const thief = browser()
        thief.cookies.set('gs-known', stolen)
        await thief.post('/lwsgs/login', { username: 'alice', password: wrongPassword })
      }
    }
    await guess(6)
    assert.equal(await logIn(alice), 200)
    assert.notEqual(alice.cookies.get('gs-known'), stolen)
    await burn(26, 'alice')
    checks.count = 0
    await guess(30)
    assert.equal(checks.count, 4)
  })

  it('is known for its own account only, by a cookie that only the server can make and for 400 days', async (t) => {
    const { member, burn, browser, clock, logIn } = await site(t)
    const alice = await member('alice')
    const bob = await member('bob')
    const own = alice.cookies.get('gs-known')!
    await burn(26, 'alice')
    const forged = [
      ['that of another account', bob.cookies.get('gs-known')!],
      ['a changed id', `${own[0] === 'A' ? 'B' : 'A'}${own.slice(1)}`],
      ['a later time', `${own.slice(0, 16)}0zzzzzz${own.slice(23)}`],
      ['a cut signature', own.slice(0, -1)],
      ['six entries', Array.from({ length: 6 }, () => own).join('.')],
      ['nothing', '']
    ] as const
    for (const [name, value] of forged) {
      const stranger = browser()
      stranger.cookies.set('gs-known', value)
      assert.equal(await logIn(stranger), 429, name)
    }
    clock.advance(399 * 86_400)
    await burn(1, 'alice')
    const old = browser()
    old.cookies.set('gs-known', own)
    assert.equal(await logIn(old, wrongPassword), 401)
    clock.advance(86_400)
    await burn(1, 'alice')
    assert.equal(await logIn(old), 429)
  })

  it('is known for the five accounts that it has used last', async (t) => {
    const { member, burn, browser, logIn } = await site(t)
    const names = ['ann', 'ben', 'cem', 'dan', 'eve', 'fay']
    for (const name of names) await member(name)
    const shared = browser()
    for (const name of [...names, 'ben']) assert.equal(await logIn(shared, password, name), 200)
    assert.equal(shared.cookies.get('gs-known')!.split('.').length, 5)
    for (const name of names) {
      await burn(10, name)
      const copy = browser()
      copy.cookies.set('gs-known', shared.cookies.get('gs-known')!)
      assert.equal(await logIn(copy, password, name), name === 'ann' ? 429 : 200, name)
    }
  })

  it('stays known when the key that signed its cookie is replaced', async (t) => {
    const old = 'old-key-0123456789-0123456789-abcdef'
    const keys = [[old], ['new-key-0123456789-0123456789-abcdef', old]] as const
    const first = await site(t, { keys: keys[0] })
    const cookie = (await first.member('alice')).cookies.get('gs-known')!
    await first.app.close()
    const second = await site(t, { keys: keys[1], database: { sqlite: first.databasePath } })
    await second.burn(10, 'alice')
    const alice = second.browser()
    alice.cookies.set('gs-known', cookie)
    assert.equal(await second.logIn(alice), 200)
  })
})

describe('a password that is off', () => {
  const subject = /password of your account .* is off/

  it('is told to the owner once, with a link that switches it on again', async (t) => {
    const { member, burn, strange, browser, inbox, clock, logIn } = await site(t, { attempts: { ladder: [[10, 1]], lockAfter: 30 } })
    const alice = await member('alice')
    await burn(30, 'alice')
    for (let n = 0; n < 5; n++) assert.equal((await strange('alice', password)).json().code, 'GS_PASSWORD_DISABLED')
    const token = await inbox.token('alice@mail.test', subject)
    assert.equal((await alice.get('/lwsgs/session')).json().username, 'alice')
    assert.equal(await logIn(alice), 200)
    assert.equal((await strange('alice', password)).json().code, 'GS_PASSWORD_DISABLED')
    clock.advance(86_400 - 1)
    const device = browser()
    assert.equal((await device.post('/lwsgs/forgot-password/redeem', { token })).statusCode, 200)
    assert.equal((await strange('alice', password)).statusCode, 200)
    assert.equal(inbox.mails.filter((mail) => subject.test(mail.subject)).length, 1)
    // The next time again.
    await burn(30, 'alice')
    await inbox.find('alice@mail.test', subject, inbox.mails.findIndex((mail) => subject.test(mail.subject)) + 1)
  })

  it('is not told to an address that nobody has proved, nor about names that nobody has', async (t) => {
    const { browser, burn, strange, inbox, member } = await site(t, { attempts: { lockAfter: 12 } })
    await browser().post('/lwsgs/register', { username: 'ann', email: 'ann@mail.test', password })
    await inbox.find('ann@mail.test', /Confirm/)
    for (const name of ['ann', 'nobody-here']) {
      await burn(12, name)
      assert.equal((await strange(name, password)).json().code, 'GS_PASSWORD_DISABLED')
    }
    // Mails go out in their order: this one comes after all that were queued before it.
    await member('last')
    assert.deepEqual(
      inbox.mails.filter((mail) => subject.test(mail.subject)),
      []
    )
  })
})
