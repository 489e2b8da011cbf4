import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { build } from '../testing/build.ts'

describe('session-info', () => {
  it('tells a visitor nothing but its anonymous session, which stays the same', async (t) => {
    const { browser, clock } = await build(t)
    const visitor = browser()
    const response = await visitor.get('/lwsgs/session')
    const info = response.json()
    assert.deepEqual(info, {
      username: null,
      email: null,
      verified: false,
      admin: false,
      mustChangePassword: false,
      mask: 0,
      level: 1,
      sectors: [],
      ip: '127.0.0.1',
      session: info.session,
      expiresAt: clock.now + 1_200_000,
      csrfToken: info.csrfToken
    })
    assert.match(info.session, /^[\w-]{16}$/)
    assert.match(info.csrfToken, /^[\w-]{43}$/)
    assert.equal(response.headers['cache-control'], 'no-store')
    assert.equal(response.headers['content-type'], 'application/json; charset=utf-8')
    const again = await visitor.get('/lwsgs/session')
    assert.equal(again.json().session, info.session)
    assert.equal(again.headers['set-cookie'], undefined)
    clock.advance(1300)
    assert.notEqual((await visitor.get('/lwsgs/session')).json().session, info.session)
  })

  it('tells a member who he is, and never the token or the hash', async (t) => {
    const { member } = await build(t, { sectors: ['editor'] })
    const alice = await member('Alice')
    const response = await alice.get('/lwsgs/session')
    const { session, csrfToken, expiresAt, ...rest } = response.json()
    assert.deepEqual(rest, {
      username: 'Alice',
      email: 'Alice@mail.test',
      verified: true,
      admin: false,
      mustChangePassword: false,
      mask: 5,
      level: 10,
      sectors: [],
      ip: '127.0.0.1'
    })
    assert.ok(session && csrfToken && expiresAt)
    assert.equal(response.body.includes(alice.token!), false)
    assert.doesNotMatch(response.body, /argon2/)
  })

  it('is not at other addresses that a cache could keep', async (t) => {
    const { member } = await build(t)
    const alice = await member('alice')
    for (const url of ['/lwsgs/session/x.css', '/lwsgs/session;a.js', '/lwsgs/session%2fa.png', '/lwsgs/session/..%2fa.css'])
      assert.equal((await alice.get(url)).statusCode, 404, url)
  })
})
