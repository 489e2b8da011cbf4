import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { build, password } from '../testing/build.ts'

const next = 'a brand new password'

describe('change-password', () => {
  it('ends the other sessions, renews the token of this one, voids a waiting forgot link, and tells the owner', async (t) => {
    const { app, browser, inbox, member } = await build(t)
    const alice = await member('alice')
    const other = browser()
    await other.post('/lwsgs/login', { username: 'alice', password })
    await browser().post('/lwsgs/forgot-password', { username: 'alice' })
    const link = await inbox.token('alice@mail.test', /Set a new/)
    const causes: string[] = []
    app.gs.onSessionEnd(({ cause }) => causes.push(cause))
    const token = alice.token

    const changed = await alice.post('/lwsgs/change-password', { currentPassword: password, password: next })
    assert.deepEqual([changed.statusCode, changed.json().username, changed.json().mask], [200, 'alice', 5])
    assert.notEqual(alice.token, token)
    assert.deepEqual(causes, ['password-changed'])
    assert.equal((await alice.get('/lwsgs/session')).json().username, 'alice')
    assert.equal((await other.get('/lwsgs/session')).json().username, null)
    assert.equal((await browser().post('/lwsgs/forgot-password/redeem', { token: link })).json().code, 'GS_LINK_USED')
    assert.match((await inbox.find('alice@mail.test', /was changed/)).text, /Forgot password/)
  })

  it('refuses a wrong or missing current password, a weak new one, and visitors, and changes nothing', async (t) => {
    const { browser, member } = await build(t)
    const alice = await member('alice')
    const attempt = async (body: object) => {
      const response = await alice.post('/lwsgs/change-password', body)
      return [response.statusCode, response.json().code, response.json().field]
    }
    assert.deepEqual(await attempt({ currentPassword: 'not my password', password: next }), [403, 'GS_CURRENT_PASSWORD', 'currentPassword'])
    assert.deepEqual(await attempt({ password: next }), [400, 'GS_CURRENT_PASSWORD_REQUIRED', 'currentPassword'])
    assert.deepEqual(await attempt({ currentPassword: password, password: 'short' }), [400, 'GS_PASSWORD_WEAK', 'password'])
    assert.deepEqual(await attempt({ currentPassword: password, password: next, username: 'bob' }), [400, 'GS_BODY_INVALID', 'username'])
    assert.equal(
      (await browser().post('/lwsgs/change-password', { currentPassword: password, password: next })).json().code,
      'GS_NOT_LOGGED_IN'
    )
    assert.equal((await browser().post('/lwsgs/login', { username: 'alice', password })).statusCode, 200)
  })

  it('counts wrong current passwords like failed logins: ten of a known browser, then like those of strangers', async (t) => {
    const { member } = await build(t)
    const alice = await member('alice')
    for (let i = 0; i < 15; i++) await alice.post('/lwsgs/change-password', { currentPassword: 'not my password', password: next })
    assert.equal((await alice.post('/lwsgs/login', { username: 'alice', password })).json().code, 'GS_TOO_MANY_ATTEMPTS')
  })

  it('lets one of two simultaneous changes win', async (t) => {
    const { browser, member } = await build(t)
    const one = await member('alice')
    const two = browser()
    await two.post('/lwsgs/login', { username: 'alice', password })
    const answers = await Promise.all([
      one.post('/lwsgs/change-password', { currentPassword: password, password: 'the first new password' }),
      two.post('/lwsgs/change-password', { currentPassword: password, password: 'the second new password' })
    ])
    assert.equal(answers.filter((answer) => answer.statusCode === 200).length, 1)
    const loser = answers.find((answer) => answer.statusCode !== 200)!
    assert.ok(['GS_CONFLICT', 'GS_NOT_LOGGED_IN', 'GS_CURRENT_PASSWORD'].includes(loser.json().code), loser.body)
    const winner = answers[0].statusCode === 200 ? 'the first new password' : 'the second new password'
    assert.equal((await browser().post('/lwsgs/login', { username: 'alice', password: winner })).statusCode, 200)
  })
})
