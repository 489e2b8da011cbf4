import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { build, password } from '../testing/build.ts'

const alice = { username: 'Alice', email: 'alice@mail.test', password }

describe('register', () => {
  it('answers 202, mails a link, and lets the visitor log in unverified', async (t) => {
    const { browser, inbox } = await build(t)
    const response = await browser().post('/lwsgs/register', alice)
    assert.equal(response.statusCode, 202)
    assert.deepEqual(response.json(), { ok: true })
    const mail = await inbox.find('alice@mail.test', /Confirm your address for Test site/)
    assert.match(mail.text, /http:\/\/localhost:7681\/lwsgs\/lwsgs-confirm\?token=[\w-]{48}\n/)
    const session = await browser().post('/lwsgs/login', { username: 'alice', password })
    assert.deepEqual([session.json().mask, session.json().level, session.json().verified], [1, 2, false])
  })

  it('refuses a taken name in any spelling, beside the field', async (t) => {
    const { browser } = await build(t)
    await browser().post('/lwsgs/register', alice)
    for (const username of ['Alice', 'ALICE', 'ａｌｉｃｅ', 'admin']) {
      const response = await browser().post('/lwsgs/register', { ...alice, username, email: 'x@mail.test' })
      assert.equal(response.statusCode, 409)
      assert.deepEqual(response.json(), {
        statusCode: 409,
        code: 'GS_USERNAME_TAKEN',
        error: 'Conflict',
        message: 'This user name is taken. Please choose another one.',
        field: 'username'
      })
    }
  })

  it('says why a password cannot be used', async (t) => {
    const { browser } = await build(t)
    for (const weak of ['short', 'aaaaaaaaaaaaaaaa', '123456789987654321', 'alice@mail.test', 'alice@mail.test2026!']) {
      const response = await browser().post('/lwsgs/register', { ...alice, password: weak })
      assert.equal(response.statusCode, 400, weak)
      assert.equal(response.json().code, 'GS_PASSWORD_WEAK')
      assert.equal(response.json().field, 'password')
    }
  })

  it('gives one of many parallel registrations the name, and no 500', async (t) => {
    const { browser, app } = await build(t)
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        browser().post('/lwsgs/register', { ...alice, username: i % 2 ? 'alice' : 'ALICE', email: `a${i}@mail.test` })
      )
    )
    assert.deepEqual(
      answers.map((answer) => answer.statusCode).toSorted((a, b) => a - b),
      [202, ...Array.from({ length: 19 }, () => 409)]
    )
    assert.ok(app)
  })

  it('answers alike for a known address: same status, body, headers; the owner is told, and the other account can never be verified', async (t) => {
    const { browser, inbox, member } = await build(t)
    await member('Alice', 'alice@mail.test')
    const seen = inbox.mails.length
    const fresh = await browser().post('/lwsgs/register', { username: 'bob', email: 'bob@mail.test', password })
    const known = await browser().post('/lwsgs/register', { username: 'eve', email: 'ALICE@mail.test', password })
    assert.equal(known.statusCode, fresh.statusCode)
    assert.equal(known.body, fresh.body)
    const shape = (headers: object) => Object.keys(headers).filter((name) => name !== 'date')
    assert.deepEqual(shape(known.headers), shape(fresh.headers))

    const notice = await inbox.find('alice@mail.test', /already have an account/, seen)
    assert.doesNotMatch(notice.text, /token=|eve/)
    for (const name of ['bob', 'eve']) {
      const session = await browser().post('/lwsgs/login', { username: name, password })
      assert.deepEqual([session.statusCode, session.json().mask], [200, 1])
      assert.deepEqual((await browser().get(`/lwsgs/check?username=${name}`)).json(), { available: false })
    }
    const resent = await browser().post('/lwsgs/verify-email/resend', { email: 'alice@mail.test' })
    assert.equal(resent.statusCode, 202)
    await inbox.find('bob@mail.test', /Confirm/)
    assert.equal(
      inbox.mails.some((mail) => mail.to.toLowerCase() === 'alice@mail.test' && /Confirm/.test(mail.subject) && mail.text.includes('eve')),
      false
    )
  })

  it('leaves an address to the one who proves it, not to the one who was first', async (t) => {
    const { browser, inbox, member } = await build(t)
    await browser().post('/lwsgs/register', { username: 'mallory', email: 'victim@mail.test', password })
    const mallorysLink = await inbox.token('victim@mail.test', /Confirm/)
    const victim = await member('victim', 'victim@mail.test')
    assert.equal((await victim.get('/lwsgs/session')).json().verified, true)
    const late = await browser().post('/lwsgs/verify-email', { token: mallorysLink })
    assert.deepEqual([late.statusCode, late.json().code], [409, 'GS_EMAIL_TAKEN'])
  })

  it('takes no field that the client has no business with', async (t) => {
    const { browser } = await build(t)
    for (const extra of [{ verified: true }, { admin: 1 }, { mask: 7 }, { id: 'x' }, { isAdmin: true }]) {
      const response = await browser().post('/lwsgs/register', { ...alice, ...extra })
      assert.deepEqual([response.statusCode, response.json().code, response.json().field], [400, 'GS_BODY_INVALID', Object.keys(extra)[0]])
    }
    assert.equal((await browser().post('/lwsgs/register', alice)).statusCode, 202)
  })

  it('forgets accounts that are not verified in time, and frees the name', async (t) => {
    const first = await build(t)
    await first.browser().post('/lwsgs/register', alice)
    await first.inbox.find('alice@mail.test', /Confirm/)
    const clock = { now: first.clock.now + 86_401_000 }
    // Housekeeping runs at start.
    const second = await build(t, { database: { sqlite: first.databasePath }, now: () => clock.now })
    const free = async () => (await second.browser().get('/lwsgs/check?username=alice')).json().available
    while (!(await free())) await new Promise(setImmediate)
    assert.equal(await free(), true)
  })
})
