import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { hashPassword } from '../hash-password.ts'
import { build, password, type Browser } from '../testing/build.ts'
import { formsOf, formWith, saysAt, submit } from '../testing/forms.ts'

const page = '/lwsgs/lwsgs-change'
const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'

/** Logs in from another device. */
const enter = async (own: Browser, username: string, userAgent: string) => {
  const response = await own.post('/lwsgs/login', { username, password }, { 'user-agent': userAgent })
  assert.equal(response.statusCode, 200, response.body)
  return own
}
const rowsOf = (body: string) =>
  [.../<ul class="rows">([\s\S]*?)<\/ul>/.exec(body)![1]!.matchAll(/<li>[\s\S]*?<\/li>/g)].map(([row]) => row)
const nameOf = async (own: Browser) => (await own.get('/lwsgs/session')).json().username as string | null

describe('the page of the own account', () => {
  it('asks who is not logged in to do so, and leads back', async (t) => {
    const { browser, member } = await build(t)
    await member('alice')
    const own = browser()
    const entered = await submit(own, page, 'Log in', { username: 'alice', password })
    assert.deepEqual([entered.statusCode, entered.headers.location], [303, page])
    assert.match((await own.visit(page)).body, /<h1>Settings of alice<\/h1>/)
  })

  it('says whose account it is, and whether the address is verified', async (t) => {
    const { browser, inbox, member } = await build(t)
    const alice = await member('alice')
    const { body } = await alice.visit(page)
    assert.match(body, /<strong>alice<\/strong>[\s\S]*alice@mail\.test[\s\S]*>Verified</)
    assert.ok(!formsOf(body).some(({ button }) => button === 'Send the mail again'))

    await browser().post('/lwsgs/register', { username: 'bob', email: 'bob@mail.test', password })
    await inbox.find('bob@mail.test', /Confirm/)
    const bob = await enter(browser(), 'bob', firefox)
    assert.match((await bob.visit(page)).body, />Not verified</)
    const seen = inbox.mails.length
    const sent = await submit(bob, page, 'Send the mail again')
    assert.match((await saysAt(bob, sent.headers.location))!, /on its way/)
    await inbox.find('bob@mail.test', /Confirm/, seen)
  })

  it('tells the rule for new passwords before one is typed, and asks password managers for the right things', async (t) => {
    const { member } = await build(t, { password: { minLength: 20 } })
    const alice = await member('alice')
    const { html } = formWith((await alice.visit(page)).body, 'Change')
    assert.match(html, /At least 20 characters/)
    assert.match(html, /name="curpw"[^>]* autocomplete="current-password"/)
    assert.equal(html.match(/ autocomplete="new-password"/g)!.length, 2)
    assert.match(html, /<input type="text" name="username" value="alice" autocomplete="username" readonly hidden \/>/)
    assert.doesNotMatch(html, /minlength|maxlength|pattern=/)
  })

  it('lists where the account is logged in, and ends one of them', async (t) => {
    const { browser, clock, member } = await build(t)
    const alice = await member('alice')
    const other = await enter(browser(), 'alice', firefox)
    clock.advance(300)
    const rows = rowsOf((await alice.visit(page)).body)
    assert.equal(rows.length, 2)
    assert.match(rows[0]!, /This browser[\s\S]*active <time[^>]*>just now/)
    assert.doesNotMatch(rows[0]!, /<form/)
    assert.match(
      rows[1]!,
      /<strong>Firefox on Linux<\/strong>[\s\S]*127\.0\.0\.1 · active <time datetime="2026-01-01T00:00:00.000Z">5 minutes ago/
    )
    assert.match(rows[1]!, /aria-label="End the session of Firefox on Linux, 127\.0\.0\.1"/)

    const form = formWith((await alice.visit(page)).body, 'End')
    const ended = await alice.form(form.action, form.fields)
    assert.equal(await saysAt(alice, ended.headers.location), 'That session is ended.')
    assert.deepEqual([await nameOf(other), await nameOf(alice)], [null, 'alice'])

    const again = await alice.form(form.action, form.fields)
    assert.equal(again.statusCode, 404)
    assert.match(again.body, /<h2 id="sessions">[\s\S]*role="alert"[^>]*>This session has ended already\./)
    assert.equal(rowsOf(again.body).length, 1)
  })

  it('ends all others at once', async (t) => {
    const { browser, member } = await build(t)
    const alice = await member('alice')
    assert.ok(!formsOf((await alice.visit(page)).body).some(({ button }) => button === 'End all others'))
    const others = [await enter(browser(), 'alice', firefox), await enter(browser(), 'alice', 'curl/8')]
    const ended = await submit(alice, page, 'End all others')
    assert.equal(await saysAt(alice, ended.headers.location), 'All other sessions are ended.')
    for (const other of others) assert.equal(await nameOf(other), null)
    assert.equal(await nameOf(alice), 'alice')
  })

  it('shows what a browser calls itself as text', async (t) => {
    const { browser, member } = await build(t)
    const alice = await member('alice')
    await enter(browser(), 'alice', '"><svg onload=1>\u0001')
    const { body } = await alice.visit(page)
    assert.ok(!body.includes('<svg') && !body.includes('\u0001'))
    assert.match(body, /&quot;&gt;&lt;svg onload=1&gt;/)
  })

  it('changes the address, once both boxes know', async (t) => {
    const { inbox, member } = await build(t)
    const alice = await member('alice')
    const asked = await submit(alice, page, 'Send me a link', { email: 'new@mail.test', currentPassword: password })
    assert.equal(asked.statusCode, 303, asked.body)
    assert.match((await saysAt(alice, asked.headers.location))!, /new address/)
    const token = await inbox.token('new@mail.test', /./)
    const link = (await alice.visit(`/lwsgs/lwsgs-email?token=${token}`)).body
    const [form] = formsOf(link)
    assert.equal((await alice.form(form!.action, form!.fields)).statusCode, 303)
    assert.match((await alice.visit(page)).body, /new@mail\.test/)
    const undo = await inbox.token(
      'alice@mail.test',
      /./,
      inbox.mails.findIndex(({ to }) => to === 'new@mail.test')
    )
    const [back] = formsOf((await alice.visit(`/lwsgs/lwsgs-undo-email?token=${undo}`)).body)
    assert.equal((await alice.form(back!.action, back!.fields)).statusCode, 303)
    assert.match((await alice.visit(page)).body, /alice@mail\.test/)
  })

  it('asks for no current password within the window of a lost-password link', async (t) => {
    const { browser, clock, inbox, member } = await build(t)
    await member('alice')
    const own = browser()
    await own.post('/lwsgs/forgot-password', { username: 'alice' })
    await own.post('/lwsgs/forgot-password/redeem', { token: await inbox.token('alice@mail.test', /Set a new/) })
    const inWindow = formsOf((await own.visit(page)).body)
    assert.ok(inWindow.some(({ button }) => button === 'Change'))
    assert.ok(inWindow.every(({ fields }) => !('curpw' in fields) && !('currentPassword' in fields)))
    clock.advance(300)
    assert.ok('curpw' in formWith((await own.visit(page)).body, 'Change').fields)
  })

  it('leads admins to their page, and nobody else', async (t) => {
    const boss = { username: 'boss', passwordHash: await hashPassword('the password of the boss') }
    for (const adminApi of [true, false]) {
      const { browser, member } = await build(t, { admin: boss, adminApi })
      const admin = browser()
      await admin.post('/lwsgs/login', { username: 'boss', password: 'the password of the boss' })
      assert.equal((await admin.visit(page)).body.includes('href="/lwsgs/lwsgs-admin"'), adminApi)
      assert.equal((await (await member('alice')).visit(page)).body.includes('lwsgs-admin'), false)
    }
  })
})
