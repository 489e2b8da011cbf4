import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { build, password } from '../testing/build.ts'

describe('forgot-password', () => {
  it('answers alike whether or not there is an account, and mails only to the stored address', async (t) => {
    const { browser, inbox, member } = await build(t)
    await member('alice', 'Alice.A@mail.test')
    const seen = inbox.mails.length
    const answers = []
    for (const body of [{ username: 'nobody-here' }, { email: 'unknown@mail.test' }, { username: '<x>' }, { email: 'ALICE.a@MAIL.test' }]) {
      const { statusCode, body: text } = await browser().post('/lwsgs/forgot-password', body)
      answers.push(`${statusCode} ${text}`)
    }
    assert.deepEqual(new Set(answers), new Set(['202 {"ok":true}']))
    await inbox.find('Alice.A@mail.test', /Set a new password/, seen)
    assert.deepEqual(
      inbox.mails.slice(seen).map((mail) => mail.to),
      ['Alice.A@mail.test']
    )
  })

  it('needs a name', async (t) => {
    const { browser } = await build(t)
    const response = await browser().post('/lwsgs/forgot-password', {})
    assert.deepEqual([response.statusCode, response.json().code, response.json().field], [400, 'GS_BODY_INVALID', 'username'])
  })

  it('logs in with bit 3 for 300 s in this session only, ends all others, and lets a new password be set without the old one', async (t) => {
    const { app, browser, clock, inbox, member } = await build(t)
    const other = await member('alice')
    const causes: string[] = []
    app.gs.onSessionEnd(({ cause }) => causes.push(cause))
    const own = browser()
    await own.post('/lwsgs/forgot-password', { username: 'alice' })
    const redeemed = await own.post('/lwsgs/forgot-password/redeem', { token: await inbox.token('alice@mail.test', /Set a new/) })
    assert.equal(redeemed.json().mask, 13)
    assert.deepEqual(causes, ['password-forgotten'])
    assert.equal((await other.get('/lwsgs/session')).json().username, null)

    const second = browser()
    assert.equal((await second.post('/lwsgs/login', { username: 'alice', password })).json().mask, 5)
    const denied = await second.post('/lwsgs/change-password', { password: 'a brand new password' })
    assert.deepEqual([denied.statusCode, denied.json().code, denied.json().field], [400, 'GS_CURRENT_PASSWORD_REQUIRED', 'currentPassword'])

    clock.now += 299_999
    const changed = await own.post('/lwsgs/change-password', { password: 'a brand new password' })
    assert.deepEqual([changed.statusCode, changed.json().mask], [200, 5])
    assert.equal((await browser().post('/lwsgs/login', { username: 'alice', password })).statusCode, 401)
    assert.equal((await browser().post('/lwsgs/login', { username: 'alice', password: 'a brand new password' })).statusCode, 200)
  })

  it('asks for the current password again after the 300 s', async (t) => {
    const { browser, clock, inbox, member } = await build(t)
    await member('alice')
    const own = browser()
    await own.post('/lwsgs/forgot-password', { username: 'alice' })
    await own.post('/lwsgs/forgot-password/redeem', { token: await inbox.token('alice@mail.test', /Set a new/) })
    clock.now += 300_000
    assert.equal(
      (await own.post('/lwsgs/change-password', { password: 'a brand new password' })).json().code,
      'GS_CURRENT_PASSWORD_REQUIRED'
    )
  })

  it('takes an unverified account away from whoever chose its password', async (t) => {
    const { browser, inbox } = await build(t)
    const attacker = browser()
    await attacker.post('/lwsgs/register', { username: 'handle', email: 'victim@mail.test', password })
    await attacker.post('/lwsgs/login', { username: 'handle', password })
    const victim = browser()
    await victim.post('/lwsgs/forgot-password', { email: 'victim@mail.test' })
    const redeemed = await victim.post('/lwsgs/forgot-password/redeem', { token: await inbox.token('victim@mail.test', /Set a new/) })
    assert.deepEqual([redeemed.json().verified, redeemed.json().mask], [true, 13])
    assert.equal((await attacker.get('/lwsgs/session')).json().username, null)
    assert.equal((await browser().post('/lwsgs/login', { username: 'handle', password })).statusCode, 401)
  })

  it('works once, for half an hour, and only the newest link', async (t) => {
    const { browser, clock, inbox, member } = await build(t)
    await member('alice')
    const ask = async () => {
      const seen = inbox.mails.length
      await browser().post('/lwsgs/forgot-password', { username: 'alice' })
      return inbox.token('alice@mail.test', /Set a new/, seen)
    }
    const redeem = async (token: string) => (await browser().post('/lwsgs/forgot-password/redeem', { token })).json()
    const first = await ask()
    const second = await ask()
    assert.equal((await redeem(first)).code, 'GS_LINK_USED')
    assert.equal((await redeem(second)).username, 'alice')
    assert.equal((await redeem(second)).code, 'GS_LINK_USED')
    const third = await ask()
    clock.advance(1800)
    assert.equal((await redeem(third)).code, 'GS_LINK_EXPIRED')
  })

  it('opens an account whose password was switched off by guessing', async (t) => {
    const { browser, clock, inbox, member } = await build(t, { attempts: { ladder: [], lockAfter: 100 } })
    await member('alice')
    const login = async (typed: string) => (await browser().post('/lwsgs/login', { username: 'alice', password: typed })).json()
    for (let i = 0; i < 100; i++) {
      assert.equal((await login('wrong password here')).code, 'GS_CREDENTIALS')
      clock.advance(3600)
    }
    assert.equal((await login(password)).code, 'GS_PASSWORD_DISABLED')
    await browser().post('/lwsgs/forgot-password', { username: 'alice' })
    const own = browser()
    await own.post('/lwsgs/forgot-password/redeem', { token: await inbox.token('alice@mail.test', /Set a new/) })
    await own.post('/lwsgs/change-password', { password: 'a brand new password' })
    assert.equal((await login('a brand new password')).username, 'alice')
  })
})
