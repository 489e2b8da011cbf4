import assert from 'node:assert/strict'
import { test } from 'node:test'
import { build, password } from './testing/build.ts'

test('the whole story of an account, call by call', async (t) => {
  const { browser, inbox } = await build(t)
  const alice = browser()

  const first = await alice.get('/lwsgs/session')
  assert.equal(first.statusCode, 200)
  assert.equal(first.json().username, null)
  assert.equal(first.json().mask, 0)

  const registered = await alice.post('/lwsgs/register', { username: 'Alice', email: 'alice@mail.test', password })
  assert.equal(registered.statusCode, 202)
  assert.deepEqual(registered.json(), { ok: true })

  const early = await alice.post('/lwsgs/login', { username: 'alice', password })
  assert.equal(early.json().mask, 1)

  const verified = await alice.post('/lwsgs/verify-email', { token: await inbox.token('alice@mail.test', /Confirm/) })
  assert.equal(verified.statusCode, 200)
  assert.equal(verified.json().mask, 5)
  assert.equal(verified.json().username, 'Alice')

  const out = await alice.post('/lwsgs/logout')
  assert.equal(out.json().mask, 0)

  assert.equal((await alice.post('/lwsgs/login', { username: 'ALICE@mail.test', password: 'wrong' })).json().code, 'GS_CREDENTIALS')
  const again = await alice.post('/lwsgs/login', { username: 'ALICE@mail.test', password })
  assert.equal(again.json().mask, 5)
  await alice.post('/lwsgs/logout')

  assert.equal((await alice.post('/lwsgs/forgot-password', { username: 'alice' })).statusCode, 202)
  const redeemed = await alice.post('/lwsgs/forgot-password/redeem', { token: await inbox.token('alice@mail.test', /Set a new/) })
  assert.equal(redeemed.json().mask, 13)

  const changed = await alice.post('/lwsgs/change-password', { password: 'another four word phrase' })
  assert.equal(changed.statusCode, 200)
  assert.equal(changed.json().mask, 5)

  const gone = await alice.post('/lwsgs/delete-account', { currentPassword: 'another four word phrase' })
  assert.equal(gone.json().mask, 0)
  assert.equal((await alice.post('/lwsgs/login', { username: 'alice', password: 'another four word phrase' })).statusCode, 401)
})
