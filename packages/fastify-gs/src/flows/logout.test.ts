import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { build } from '../testing/build.ts'

describe('logout', () => {
  it('kills the token at once, gives the browser an anonymous session, and may be asked twice', async (t) => {
    const { browser, member } = await build(t)
    const alice = await member('alice')
    const token = alice.token!
    const first = await alice.post('/lwsgs/logout')
    assert.deepEqual([first.statusCode, first.json().username, first.json().mask], [200, null, 0])
    assert.notEqual(alice.token, token)
    assert.equal((await alice.post('/lwsgs/logout')).statusCode, 200)
    const replay = browser()
    replay.cookies.set('gs', token)
    assert.equal((await replay.get('/lwsgs/session')).json().username, null)
  })

  it('leaves the other sessions of the account alone', async (t) => {
    const { browser, member } = await build(t)
    const one = await member('alice')
    const two = browser()
    await two.post('/lwsgs/login', { username: 'alice', password: 'correct horse battery staple' })
    await one.post('/lwsgs/logout')
    assert.equal((await two.get('/lwsgs/session')).json().username, 'alice')
  })

  it('tells listeners in this process before the answer', async (t) => {
    const { app, member } = await build(t)
    const ended: object[] = []
    const stop = app.gs.onSessionEnd((event) => ended.push(event))
    const alice = await member('alice')
    const { session } = (await alice.get('/lwsgs/session')).json()
    await alice.post('/lwsgs/logout')
    assert.deepEqual(
      ended.map((event) => ({ ...event, accountId: '' })),
      [{ sessionId: session, accountId: '', cause: 'logout' }]
    )
    stop()
    const bob = await member('bob')
    await bob.post('/lwsgs/logout')
    assert.equal(ended.length, 1)
  })
})
