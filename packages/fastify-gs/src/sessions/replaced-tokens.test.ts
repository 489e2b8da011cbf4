import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { build, Clock, password } from '../testing/build.ts'
import { createReplacedTokens } from './replaced-tokens.ts'

describe('replaced tokens', () => {
  it('are known for half a minute', () => {
    const clock = new Clock()
    const tokens = createReplacedTokens(() => clock.now)
    tokens.note('a')
    clock.advance(29)
    tokens.note('b')
    assert.deepEqual([tokens.has('a'), tokens.has('b'), tokens.has('c')], [true, true, false])
    clock.advance(1)
    assert.deepEqual([tokens.has('a'), tokens.has('b')], [false, true])
  })

  it('are ten thousand at most, of which the oldest go', () => {
    const tokens = createReplacedTokens(() => 0)
    for (let i = 0; i <= 10_000; i++) tokens.note(String(i))
    assert.deepEqual([tokens.has('0'), tokens.has('1'), tokens.has('10000')], [false, true, true])
  })
})

describe('a question that was sent before a login is answered and arrives after it', () => {
  it('gets no cookie, which would take the place of the new one', async (t) => {
    const { browser, inbox, member } = await build(t)
    const alice = await member('alice')
    const before = alice.token!
    const ask = () => browser().get('/lwsgs/session', { cookie: `gs=${before}` })
    assert.equal((await ask()).headers['set-cookie'], undefined)

    await alice.post('/lwsgs/forgot-password', { username: 'alice' })
    await alice.post('/lwsgs/forgot-password/redeem', { token: await inbox.token('alice@mail.test', /password/) })
    const late = await ask()
    assert.deepEqual([late.json().username, late.headers['set-cookie']], [null, undefined])
    assert.equal((await alice.get('/lwsgs/session')).json().username, 'alice')
  })

  it('gets none after a logout either, and one again half a minute later', async (t) => {
    const { browser, clock, member } = await build(t)
    const alice = await member('alice')
    const before = alice.token!
    const ask = () => browser().get('/lwsgs/session', { cookie: `gs=${before}` })
    await alice.post('/lwsgs/logout')
    assert.equal((await ask()).headers['set-cookie'], undefined)
    clock.advance(31)
    assert.match(String((await ask()).headers['set-cookie']), /^gs=/)
  })

  it('gets one if the token was ended by somebody else, for this browser has got no other', async (t) => {
    const { browser, member } = await build(t)
    const alice = await member('alice')
    const lost = alice.token!
    const other = browser()
    await other.post('/lwsgs/login', { username: 'alice', password })
    await other.send({ method: 'DELETE', url: '/lwsgs/sessions' })
    assert.match(String((await browser().get('/lwsgs/session', { cookie: `gs=${lost}` })).headers['set-cookie']), /^gs=/)
  })
})
