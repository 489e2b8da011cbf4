import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { build, password } from '../testing/build.ts'

const register = { username: 'alice', email: 'alice@mail.test', password }

describe('verify-email', () => {
  it('changes nothing when the link is opened, however often and by whatever method; the button works', async (t) => {
    const { browser, inbox } = await build(t)
    await browser().post('/lwsgs/register', register)
    const token = await inbox.token('alice@mail.test', /Confirm/)
    const scanner = browser()
    for (const method of ['GET', 'HEAD', 'GET', 'OPTIONS'] as const) {
      const page = await scanner.send({ method, url: `/lwsgs/lwsgs-confirm?token=${token}`, headers: { accept: 'text/html' } })
      if (method !== 'OPTIONS') assert.equal(page.statusCode, 200)
    }
    assert.equal((await scanner.get('/lwsgs/session')).json().mask, 0)

    const visitor = browser()
    const page = await visitor.visit(`/lwsgs/lwsgs-confirm?token=${token}`)
    assert.equal(page.headers['referrer-policy'], 'strict-origin')
    assert.equal(page.headers['cache-control'], 'no-store')
    assert.doesNotMatch(page.body, /alice|<script/)
    const action = /action="([^"]+)"/.exec(page.body)![1]!
    const hidden = /name="token" value="([^"]+)"/.exec(page.body)![1]!
    const redeemed = await visitor.form(action, { token: hidden })
    assert.deepEqual([redeemed.statusCode, redeemed.headers.location], [303, '/lwsgs/?gs=verified'])
    assert.deepEqual(
      [(await visitor.get('/lwsgs/session')).json().username, (await visitor.get('/lwsgs/session')).json().mask],
      ['alice', 5]
    )
  })

  it('works once', async (t) => {
    const { browser, inbox } = await build(t)
    await browser().post('/lwsgs/register', register)
    const token = await inbox.token('alice@mail.test', /Confirm/)
    const answers = await Promise.all(Array.from({ length: 20 }, () => browser().post('/lwsgs/verify-email', { token })))
    assert.equal(answers.filter((answer) => answer.statusCode === 200).length, 1)
    assert.deepEqual(
      new Set(answers.filter((answer) => answer.statusCode !== 200).map((answer) => answer.json().code)),
      new Set(['GS_LINK_USED'])
    )
  })

  it('keeps to the life of the link, to the millisecond', async (t) => {
    const { browser, clock, inbox } = await build(t)
    await browser().post('/lwsgs/register', register)
    const token = await inbox.token('alice@mail.test', /Confirm/)
    clock.now += 86_400_000
    assert.equal((await browser().post('/lwsgs/verify-email', { token })).json().code, 'GS_LINK_EXPIRED')
    clock.now -= 1
    assert.equal((await browser().post('/lwsgs/verify-email', { token })).statusCode, 200)
  })

  it('refuses tokens that are damaged, of the other kind, or of no text', async (t) => {
    const { browser, inbox, member } = await build(t)
    await member('bob')
    await browser().post('/lwsgs/register', register)
    await browser().post('/lwsgs/forgot-password', { username: 'bob' })
    const verify = await inbox.token('alice@mail.test', /Confirm/)
    const forgot = await inbox.token('bob@mail.test', /Set a new/)
    for (const token of ['x', verify.toUpperCase(), verify.slice(0, -1), `${verify}=`, `${verify}.`, forgot, '%00', ' ', 'null'])
      assert.deepEqual([(await browser().post('/lwsgs/verify-email', { token })).json().code], ['GS_LINK_INVALID'], token)
    for (const token of ['', null, 0, true, [verify], { verify }, undefined, 'x'.repeat(300)])
      assert.equal((await browser().post('/lwsgs/verify-email', { token })).json().code, 'GS_BODY_INVALID')
    assert.equal((await browser().post('/lwsgs/forgot-password/redeem', { token: verify })).json().code, 'GS_LINK_INVALID')
  })

  it('leaves somebody who is logged in as another account who he is', async (t) => {
    const { browser, inbox, member } = await build(t)
    const alice = await member('alice')
    await browser().post('/lwsgs/register', { username: 'bob', email: 'bob@mail.test', password })
    const answer = await alice.post('/lwsgs/verify-email', { token: await inbox.token('bob@mail.test', /Confirm/) })
    assert.deepEqual([answer.statusCode, answer.json().username], [200, 'alice'])
    assert.equal((await browser().post('/lwsgs/login', { username: 'bob', password })).json().verified, true)
    await browser().post('/lwsgs/register', { username: 'carol', email: 'carol@mail.test', password })
    const page = await alice.form('/lwsgs/verify-email', { token: await inbox.token('carol@mail.test', /Confirm/) })
    assert.equal(page.headers.location, '/lwsgs/?gs=other')
  })

  it('gives the waiting session of the same account a new token with the higher mask', async (t) => {
    const { browser, inbox } = await build(t)
    const alice = browser()
    await alice.post('/lwsgs/register', register)
    const before = (await alice.post('/lwsgs/login', { username: 'alice', password })).json()
    const token = alice.token!
    const after = (await alice.post('/lwsgs/verify-email', { token: await inbox.token('alice@mail.test', /Confirm/) })).json()
    assert.deepEqual([before.mask, after.mask, after.session], [1, 5, before.session])
    assert.notEqual(alice.token, token)
    const replay = browser()
    replay.cookies.set('gs', token)
    assert.equal((await replay.get('/lwsgs/session')).json().mask, 0)
  })
})

describe('resend', () => {
  it('answers alike for unknown, verified and waiting addresses, and mails only the last; the newest link counts', async (t) => {
    const { browser, inbox, member } = await build(t)
    await member('bob')
    await browser().post('/lwsgs/register', register)
    const first = await inbox.token('alice@mail.test', /Confirm/)
    const seen = inbox.mails.length
    const answers = []
    for (const email of ['unknown@mail.test', 'bob@mail.test', 'not an address', 'alice@mail.test']) {
      const { statusCode, body } = await browser().post('/lwsgs/verify-email/resend', { email })
      answers.push(`${statusCode} ${body}`)
    }
    assert.deepEqual(new Set(answers), new Set(['202 {"ok":true}']))
    const second = await inbox.token('alice@mail.test', /Confirm/, seen)
    assert.deepEqual(
      inbox.mails.slice(seen).map((mail) => mail.to),
      ['alice@mail.test']
    )
    assert.equal((await browser().post('/lwsgs/verify-email', { token: first })).json().code, 'GS_LINK_USED')
    assert.equal((await browser().post('/lwsgs/verify-email', { token: second })).statusCode, 200)
  })

  it('sends an address no more than five mails of a kind in an hour, and leaves the last link valid', async (t) => {
    const { browser, clock, inbox } = await build(t)
    await browser().post('/lwsgs/register', register)
    for (let i = 0; i < 10; i++)
      assert.equal((await browser().post('/lwsgs/verify-email/resend', { email: 'alice@mail.test' })).statusCode, 202)
    while (inbox.mails.length < 5) await inbox.find('alice@mail.test', /Confirm/, inbox.mails.length)
    const token = /token=([\w-]+)/.exec(inbox.mails.at(-1)!.text)![1]
    clock.advance(3601)
    const seen = inbox.mails.length
    assert.equal(seen, 5)
    assert.ok(token)
    await browser().post('/lwsgs/verify-email/resend', { email: 'alice@mail.test' })
    const newest = await inbox.token('alice@mail.test', /Confirm/, seen)
    assert.equal((await browser().post('/lwsgs/verify-email', { token: newest })).statusCode, 200)
  })
})

describe('the proof of an address', () => {
  it('ends the sessions that were begun before it', async (t) => {
    const { app, browser, inbox } = await build(t)
    const mallory = browser()
    await mallory.post('/lwsgs/register', register)
    await mallory.post('/lwsgs/login', { username: 'alice', password })
    const causes: string[] = []
    app.gs.onSessionEnd(({ cause }) => causes.push(cause))
    const owner = browser()
    assert.equal((await owner.post('/lwsgs/verify-email', { token: await inbox.token('alice@mail.test', /Confirm/) })).json().mask, 5)
    assert.deepEqual(causes, ['verified'])
    assert.equal((await mallory.get('/lwsgs/session')).json().username, null)
    assert.equal((await owner.get('/lwsgs/session')).json().username, 'alice')
  })
})
