import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import Sqlite from 'better-sqlite3'
import { createArgon2Hasher, createPasswords, encodePassword } from '../crypto/passwords.ts'
import { hashPassword } from '../hash-password.ts'
import { build, password, quickHasher } from '../testing/build.ts'

describe('login', () => {
  it('gives a new token, never adopts the old one, and ends the session that the browser had', async (t) => {
    const { browser, member } = await build(t)
    const alice = await member('alice')
    await member('bob')
    const before = alice.token!
    const idBefore = (await alice.get('/lwsgs/session')).json()
    const response = await alice.post('/lwsgs/login', { username: 'bob', password })
    assert.equal(response.json().username, 'bob')
    assert.notEqual(alice.token, before)
    assert.notEqual(response.json().session, idBefore.session)
    assert.notEqual(response.json().csrfToken, idBefore.csrfToken)
    const old = browser()
    old.cookies.set('gs', before)
    assert.equal((await old.get('/lwsgs/session')).json().username, null)
  })

  it('knows nothing of a token that a visitor brought along', async (t) => {
    const { browser, member } = await build(t)
    await member('alice')
    const planted = 'A'.repeat(27)
    const victim = browser()
    victim.cookies.set('gs', planted)
    await victim.post('/lwsgs/login', { username: 'alice', password })
    assert.notEqual(victim.token, planted)
    const attacker = browser()
    attacker.cookies.set('gs', planted)
    assert.equal((await attacker.get('/lwsgs/session')).json().mask, 0)
  })

  it('sets a cookie for this browser session, or for 30 days when asked to', async (t) => {
    const { browser, member } = await build(t)
    await member('alice')
    const cookie = async (body: object) =>
      [(await browser().post('/lwsgs/login', { username: 'alice', password, ...body })).headers['set-cookie']].flat()[0]
    assert.match(String(await cookie({})), /^gs=[\w-]{27}; Path=\/; HttpOnly; SameSite=Lax$/)
    assert.match(String(await cookie({ remember: true })), /^gs=[\w-]{27}; Max-Age=2592000; Path=\/; HttpOnly; SameSite=Lax$/)
  })

  it('uses the prefix __Host- and Secure on https', async (t) => {
    const { browser } = await build(t, { baseUrl: 'https://site.test' })
    const response = await browser().get('/lwsgs/session')
    assert.match(String(response.headers['set-cookie']), /^__Host-gs=[^;]+; Path=\/; HttpOnly; Secure; SameSite=Lax$/)
  })

  it('answers an unknown name, a wrong password and an ill-formed name alike', async (t) => {
    const { browser, member } = await build(t)
    await member('alice')
    const answers = []
    for (const username of ['alice', 'nobody-here', 'alice@mail.test', 'x@unknown.test', '<script>', 'a b']) {
      const response = await browser().post('/lwsgs/login', { username, password: 'wrong password here' })
      const { date: _date, ...headers } = response.headers
      answers.push(JSON.stringify([response.statusCode, headers, response.json()]))
    }
    assert.equal(new Set(answers).size, 1, answers.join('\n'))
    assert.match(answers[0]!, /GS_CREDENTIALS/)
  })

  it('verifies a password once for a known and once for an unknown name', async (t) => {
    let verified = 0
    const hasher = { ...quickHasher, verify: (typed: Buffer, stored: string) => (verified++, quickHasher.verify(typed, stored)) }
    const { browser, member } = await build(t, { password: { hasher } })
    await member('alice')
    for (const username of ['alice', 'nobody-here']) {
      verified = 0
      await browser().post('/lwsgs/login', { username, password: 'wrong password here' })
      assert.equal(verified, 1, username)
    }
  })

  it('slows down guesses on one account after five, also of names that do not exist, and tells when to come back', async (t) => {
    const { browser, clock, member } = await build(t)
    await member('alice')
    for (const username of ['alice', 'nobody-here']) {
      const guess = (typed = 'wrong password here') => browser().post('/lwsgs/login', { username, password: typed })
      for (let i = 0; i < 5; i++) assert.equal((await guess()).statusCode, 401)
      const refused = await guess()
      assert.deepEqual([refused.statusCode, refused.json().code, refused.headers['retry-after']], [429, 'GS_TOO_MANY_ATTEMPTS', '30'])
      assert.equal((await guess(password)).statusCode, 429)
      clock.advance(31)
      assert.equal((await guess(password)).statusCode, username === 'alice' ? 200 : 401)
    }
  })

  it('keeps 20 parallel logins of one account apart and alive', async (t) => {
    const { browser, member } = await build(t)
    await member('alice')
    const answers = await Promise.all(Array.from({ length: 20 }, () => browser().post('/lwsgs/login', { username: 'alice', password })))
    assert.deepEqual(new Set(answers.map((answer) => answer.statusCode)), new Set([200]))
    assert.equal(new Set(answers.map((answer) => answer.json().session)).size, 20)
  })

  it('renews the hash of an account when its parameters are old', async (t) => {
    const { browser, databasePath, member } = await build(t)
    await member('alice')
    const stored = () => {
      const database = new Sqlite(databasePath)
      const hash = database.prepare('select password_hash from gs_accounts').pluck().get() as string
      database.close()
      return hash
    }
    const database = new Sqlite(databasePath)
    const old = await createPasswords({ hasher: createArgon2Hasher({ memory: 32, passes: 1, parallelism: 1 }) }).hash(
      encodePassword(password)
    )
    database.prepare('update gs_accounts set password_hash = ?').run(old)
    database.close()
    assert.equal((await browser().post('/lwsgs/login', { username: 'alice', password })).statusCode, 200)
    while (stored() === old) await new Promise(setImmediate)
    assert.match(stored(), /m=64,t=1/)
    assert.equal((await browser().post('/lwsgs/login', { username: 'alice', password })).statusCode, 200)
  })

  it('lets the configured admin in with mask 7; nobody can register, recover or change him', async (t) => {
    const admin = { username: 'Boss', passwordHash: await hashPassword('the password of the boss') }
    const { browser, inbox } = await build(t, { admin })
    const boss = browser()
    const info = (await boss.post('/lwsgs/login', { username: 'boss', password: 'the password of the boss' })).json()
    assert.deepEqual([info.username, info.email, info.mask, info.admin, info.level], ['Boss', null, 7, true, 50])
    assert.equal(
      (await browser().post('/lwsgs/register', { username: 'BOSS', email: 'b@mail.test', password })).json().code,
      'GS_USERNAME_TAKEN'
    )
    await browser().post('/lwsgs/forgot-password', { username: 'boss' })
    assert.equal(inbox.mails.length, 0)
    const change = await boss.post('/lwsgs/change-password', {
      currentPassword: 'the password of the boss',
      password: 'another long password'
    })
    assert.equal(change.json().code, 'GS_CONFIGURED_ADMIN')
    assert.equal(
      (await boss.post('/lwsgs/delete-account', { currentPassword: 'the password of the boss' })).json().code,
      'GS_CONFIGURED_ADMIN'
    )
  })
})
