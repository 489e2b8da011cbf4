import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { hashPassword } from '../hash-password.ts'
import { build, password } from '../testing/build.ts'
import { formsOf, saysAt, submit } from '../testing/forms.ts'

const newPassword = 'another four word phrase'

describe('the pages behind the forms', () => {
  it('are answered at once, to GET and HEAD, run no script, are never stored, and change nothing', async (t) => {
    const { browser, member } = await build(t)
    const alice = await member('alice')
    for (const path of [
      'lwsgs-login',
      'lwsgs-register',
      'lwsgs-logout',
      'lwsgs-change',
      'lwsgs-forgot',
      'lwsgs-confirm',
      'lwsgs-forgot?token=x',
      'lwsgs-confirm?token=x'
    ]) {
      for (const visitor of [browser(), alice]) {
        const page = await visitor.visit(`/lwsgs/${path}`)
        assert.equal(page.statusCode, 200, path)
        assert.equal(page.headers['cache-control'], 'no-store')
        assert.match(String(page.headers['content-security-policy']), /form-action 'self'/)
        assert.doesNotMatch(page.body, /<script|javascript:|\son\w+=|undefined|\[object/)
        assert.ok(/<form|<a href/.test(page.body), path)
        assert.equal((await visitor.send({ method: 'HEAD', url: `/lwsgs/${path}` })).statusCode, 200)
      }
    }
    assert.equal((await alice.get('/lwsgs/session')).json().username, 'alice')
  })

  it('carry a whole account from sign-up to its end, without scripts and without a page of the site', async (t) => {
    const { browser, inbox } = await build(t)
    const own = browser()
    const bob = { username: 'bob', email: 'bob@mail.test', password, password2: password }
    const signedUp = await submit(own, '/lwsgs/lwsgs-register', 'Sign up', bob)
    assert.equal(signedUp.statusCode, 303, signedUp.body)
    assert.match((await saysAt(own, signedUp.headers.location))!, /sent you a mail/)

    const confirm = /http:\/\/localhost:7681(\S+)/.exec((await inbox.find('bob@mail.test', /Confirm/)).text)![1]!
    assert.equal((await submit(own, confirm, 'Confirm my address')).statusCode, 303)
    assert.equal((await own.get('/lwsgs/session')).json().mask, 5)

    const left = await submit(own, '/lwsgs/lwsgs-login', 'Log out')
    assert.match((await saysAt(own, left.headers.location))!, /logged out/)
    const entered = await submit(own, '/lwsgs/lwsgs-login', 'Log in', { username: 'bob', password })
    assert.match((await saysAt(own, entered.headers.location))!, /logged in/)
    assert.equal((await submit(own, '/lwsgs/lwsgs-logout', 'Log out')).statusCode, 303)

    const asked = await submit(own, '/lwsgs/lwsgs-forgot', 'Send me a link', { username: 'bob@mail.test' })
    assert.match((await saysAt(own, asked.headers.location))!, /mail with a link/)
    const link = /http:\/\/localhost:7681(\S+)/.exec((await inbox.find('bob@mail.test', /Set a new/)).text)![1]!
    const redeemed = await submit(own, link, 'Go on')
    assert.match((await saysAt(own, redeemed.headers.location))!, /set a new one now/)
    const inWindow = formsOf((await own.visit(redeemed.headers.location!)).body)
    assert.ok(inWindow.every(({ fields }) => !('curpw' in fields)))
    const changed = await submit(own, redeemed.headers.location!, 'Change', { password: newPassword, password2: newPassword })
    assert.match((await saysAt(own, changed.headers.location))!, /password is changed/)

    const again = await submit(own, '/lwsgs/lwsgs-change', 'Change', { curpw: newPassword, password, password2: password })
    assert.equal(again.statusCode, 303)
    const deleted = await submit(own, '/lwsgs/lwsgs-change', 'Delete my account', { curpw: password, confirm: 'BOB' })
    assert.match((await saysAt(own, deleted.headers.location))!, /deleted/)
    assert.equal((await submit(own, '/lwsgs/lwsgs-login', 'Log in', { username: 'bob', password })).statusCode, 401)
  })

  it('send the confirmation mail again', async (t) => {
    const { browser, inbox } = await build(t)
    await browser().post('/lwsgs/register', { username: 'bob', email: 'bob@mail.test', password })
    await inbox.find('bob@mail.test', /Confirm/)
    const own = browser()
    const sent = await submit(own, '/lwsgs/lwsgs-confirm', 'Send me a link', { email: 'bob@mail.test' })
    assert.match((await saysAt(own, sent.headers.location))!, /mail with a link/)
    await inbox.find('bob@mail.test', /Confirm/, 1)
  })

  it('serve as login page: the visitor goes on to where he wanted, and nowhere else', async (t) => {
    const { browser, member } = await build(
      t,
      { loginPage: '/lwsgs/lwsgs-login' },
      (app) => void app.get('/members', { config: { gs: 'user' } }, () => 'in')
    )
    await member('alice')
    const own = browser()
    const { location } = (await own.visit('/members?a=1')).headers
    assert.equal((await submit(own, location!, 'Log in', { username: 'alice', password })).headers.location, '/members?a=1')
    for (const next of ['//evil.test', 'https://evil.test', '/\\evil.test', '"><script>']) {
      const other = browser()
      const { headers } = await submit(other, `/lwsgs/lwsgs-login?next=${encodeURIComponent(next)}`, 'Log in', {
        username: 'alice',
        password
      })
      assert.equal(headers.location, '/lwsgs/lwsgs-login?gs=loggedin')
      assert.doesNotMatch((await other.visit(`/lwsgs/lwsgs-login?next=${encodeURIComponent(next)}`)).body, /evil|<script/)
    }
  })

  it('also work below urlroot, and for names that need escaping', async (t) => {
    const { browser, member } = await build(t, { lwsgs: { urlroot: '/lwsgs' } })
    const own = await member("o'hara", 'ohara@mail.test')
    assert.match((await own.visit('/lwsgs/lwsgs-change')).body, /Settings of o&#39;hara/)
    const changed = await submit(own, '/lwsgs/lwsgs-change', 'Change', { curpw: password, password: newPassword, password2: newPassword })
    assert.equal(changed.headers.location, '/lwsgs/lwsgs-change?gs=changed')
    const asked = await submit(browser(), '/lwsgs/lwsgs-forgot', 'Send me a link', { username: "o'hara" })
    assert.equal(asked.headers.location, '/lwsgs/lwsgs-login?gs=sent')
  })

  it('tell the configured admin where his account lives', async (t) => {
    const { browser } = await build(t, { admin: { username: 'boss', passwordHash: await hashPassword('the password of the boss') } })
    const boss = browser()
    await boss.post('/lwsgs/login', { username: 'boss', password: 'the password of the boss' })
    const { body } = await boss.visit('/lwsgs/lwsgs-change')
    assert.match(body, /defined in the configuration/)
    assert.deepEqual(
      formsOf(body).map(({ button }) => button),
      ['Log out']
    )
  })

  it('show of a notice in the address only the sentences they know', async (t) => {
    const { browser } = await build(t)
    for (const notice of ['<script>', 'constructor', '__proto__', '', 'x&gs=y'])
      assert.equal(await saysAt(browser(), `/lwsgs/lwsgs-login?gs=${notice}`), undefined)
  })
})
