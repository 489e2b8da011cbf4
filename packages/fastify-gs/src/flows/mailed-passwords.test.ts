import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { SessionInfo } from '../api.ts'
import { adminSite, chief } from '../testing/admin-site.ts'
import { password } from '../testing/build.ts'

const next = 'a brand new password'

describe('mails', () => {
  it('carry no password, whatever happens to an account', async (t) => {
    const site = await adminSite(t, 'SQLite')
    const { administration, browser, inbox, member } = site
    const alice = await member('alice')
    await alice.post('/lwsgs/change-password', { currentPassword: password, password: next })
    await inbox.find('alice@mail.test', /was changed/)
    await alice.post('/lwsgs/change-email', { email: 'alicia@mail.test', currentPassword: next })
    await inbox.find('alicia@mail.test', /Confirm your new address/)
    await browser().post('/lwsgs/forgot-password', { username: 'alice' })
    await inbox.find('alice@mail.test', /Set a new/)
    const bob = await administration.accounts.add({ username: 'bob', email: 'bob@mail.test', password })
    await administration.accounts.setPassword(bob.id, next)
    await (await site.logIn(chief)).post(`/lwsgs/admin/accounts/${bob.id}/reset-password`)
    await inbox.find('bob@mail.test', /Set a new/)
    await alice.post('/lwsgs/delete-account', { currentPassword: next })
    await inbox.find('alice@mail.test', /was deleted/)
    assert.ok(inbox.mails.length >= 6)
    for (const { subject, text, html } of inbox.mails)
      for (const secret of [password, next])
        assert.equal(
          [subject, text, html].some((part) => part.includes(secret)),
          false,
          subject
        )
  })
})

describe('an account that an admin adds', () => {
  it('needs no password: its owner sets one by a link to the mailbox, which is all that the mail holds', async (t) => {
    const site = await adminSite(t, 'SQLite')
    const { administration, browser, inbox } = site
    const { id, passwordScheme, status } = await administration.accounts.add({ username: 'ann', email: 'ann@mail.test', password: null })
    assert.deepEqual([passwordScheme, status], [null, 'active'])
    for (const guess of ['', password, 'ann', 'password'])
      assert.notEqual((await browser().post('/lwsgs/login', { username: 'ann', password: guess })).statusCode, 200)

    const mailed = await (await site.logIn(chief)).post(`/lwsgs/admin/accounts/${id}/reset-password`)
    assert.deepEqual(mailed.json(), { mailed: true })
    const ann = browser()
    const redeemed = await ann.post('/lwsgs/forgot-password/redeem', { token: await inbox.token('ann@mail.test', /Set a new/) })
    assert.equal(redeemed.statusCode, 200)
    assert.equal((await ann.post('/lwsgs/change-password', { password: next })).json<SessionInfo>().mask, 5)
    assert.equal((await browser().post('/lwsgs/login', { username: 'ann', password: next })).statusCode, 200)
  })

  it('has an address: without one it is refused, and there is no half an account', async (t) => {
    const { administration } = await adminSite(t, 'SQLite')
    for (const email of ['', 'no address'])
      await assert.rejects(administration.accounts.add({ username: 'ann', email, password: null }), { code: 'GS_EMAIL_INVALID' })
    assert.equal(await administration.accounts.find('ann'), null)
  })
})
