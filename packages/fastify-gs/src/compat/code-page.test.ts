import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { build, password, type Inbox } from '../testing/build.ts'
import { formsOf, formWith, saysAt, submit } from '../testing/forms.ts'
import { gsForms } from './gs-forms.ts'

const codeFor = async (inbox: Inbox, to: string, after = 0) =>
  /^\d{8}$/m.exec((await inbox.find(to, /Your code for Test site/, after)).text)![0]
const alertOf = (body: string) => /role="alert"[^>]*>(?:<a [^>]*>)?([^<]+)/.exec(body)?.[1]

describe('the page to log in with a code, without scripts', () => {
  it('is not there, and not linked to, unless codes are switched on', async (t) => {
    const { browser } = await build(t)
    assert.equal((await browser().visit('/lwsgs/lwsgs-code')).statusCode, 404)
    assert.equal((await browser().form('/lwsgs/lwsgs-code', { username: 'alice', send: '1' })).statusCode, 404)
    assert.doesNotMatch((await browser().visit('/lwsgs/lwsgs-login')).body, /lwsgs-code/)
  })

  it('is linked to from the login page and carries on where the visitor wanted to go', async (t) => {
    const { browser, inbox, member } = await build(t, { loginCodes: true })
    await member('alice')
    const own = browser()
    const login = await own.visit('/lwsgs/lwsgs-login?next=%2Fmembers')
    const link = /href="([^"]*lwsgs-code[^"]*)"/.exec(login.body)![1]!
    assert.equal(link, '/lwsgs/lwsgs-code?next=%2Fmembers')
    const asked = await submit(own, link, 'Send me a code', { username: 'alice' })
    assert.equal(asked.statusCode, 200)
    assert.match(asked.body, /<strong>alice<\/strong>[\s\S]*for\s+15\s+minutes/)
    const { action, fields, html } = formWith(asked.body, 'Log in')
    assert.match(html, /name="code"[^>]*autocomplete="one-time-code" inputmode="numeric"/)
    const entered = await own.form(action, { ...fields, code: await codeFor(inbox, 'alice@mail.test') })
    assert.deepEqual([entered.statusCode, entered.headers.location], [303, '/members'])
    assert.equal((await own.get('/lwsgs/session')).json().mask, 5)
  })

  it('keeps the visitor logged in if he wants, and says that he is logged in if he wanted to go nowhere', async (t) => {
    const { browser, inbox, member } = await build(t, { loginCodes: true })
    await member('alice')
    const own = browser()
    const asked = await submit(own, '/lwsgs/lwsgs-code', 'Send me a code', { username: 'alice@mail.test' })
    const { action, fields } = formWith(asked.body, 'Log in')
    const code = await codeFor(inbox, 'alice@mail.test')
    const entered = await own.form(action, { ...fields, code: `${code.slice(0, 4)} ${code.slice(4)}`, remember: 'on' })
    assert.match(String(entered.headers['set-cookie']), /Max-Age=2592000/)
    assert.equal(await saysAt(own, entered.headers.location), 'You are logged in.')
  })

  it('says the same of a name that nobody has, as text and not as markup', async (t) => {
    const { browser, member } = await build(t, { loginCodes: true })
    await member('alice')
    const page = async (username: string) => (await submit(browser(), '/lwsgs/lwsgs-code', 'Send me a code', { username })).body
    const [known, unknown] = [await page('alice'), await page('nobody')]
    assert.equal(unknown.replaceAll('nobody', 'alice'), known)
    assert.doesNotMatch(await page('<b>x"y'), /<b>|x"y/)
  })

  it('is shown again with the reason when the code is refused, with name and target, and mails a new one', async (t) => {
    const { browser, inbox, member } = await build(t, { loginCodes: true })
    await member('alice')
    const own = browser()
    const asked = await submit(own, '/lwsgs/lwsgs-code?next=%2Fmembers', 'Send me a code', { username: 'alice' })
    const first = formWith(asked.body, 'Log in')
    const refused = await own.form(first.action, { ...first.fields, code: '0' })
    assert.equal(refused.statusCode, 401)
    assert.equal(alertOf(refused.body), 'This code is wrong, or it has expired. Please ask for a new one.')
    const empty = await own.form(first.action, { ...first.fields, code: '' })
    assert.deepEqual([empty.statusCode, alertOf(empty.body)], [400, 'Please fill in this field.'])

    const seen = inbox.mails.length
    const again = formWith(refused.body, 'Send a new code')
    const second = formWith((await own.form(again.action, again.fields)).body, 'Log in')
    const entered = await own.form(second.action, { ...second.fields, code: await codeFor(inbox, 'alice@mail.test', seen) })
    assert.deepEqual([entered.statusCode, entered.headers.location], [303, '/members'])
  })

  it('takes a code for a name that is typed beside it, and keeps the name when it is refused', async (t) => {
    const { browser, inbox, member } = await build(t, { loginCodes: true })
    await member('alice')
    await submit(browser(), '/lwsgs/lwsgs-code', 'Send me a code', { username: 'alice' })
    const own = browser()
    const link = /href="([^"]*have=1)"/.exec((await own.visit('/lwsgs/lwsgs-code')).body)![1]!
    const refused = await submit(own, link, 'Log in', { username: 'alice', code: '1' })
    assert.equal(refused.statusCode, 401)
    assert.equal(formWith(refused.body, 'Log in').fields['username'], 'alice')
    const entered = await submit(own, link, 'Log in', { username: 'alice', code: await codeFor(inbox, 'alice@mail.test') })
    assert.equal(entered.statusCode, 303)
  })

  it('shows the form for the name again when it is empty, or asked for too often', async (t) => {
    const { browser, member } = await build(t, { loginCodes: true, rateLimits: { mail: { max: 1, seconds: 60 } } })
    await member('alice')
    const own = browser()
    assert.equal((await submit(own, '/lwsgs/lwsgs-code', 'Send me a code', { username: '' })).statusCode, 400)
    const often = await submit(own, '/lwsgs/lwsgs-code', 'Send me a code', { username: 'alice' })
    assert.equal(often.statusCode, 429)
    assert.match(alertOf(often.body)!, /^Too many attempts\. Please wait and try again\. The next attempt counts in (?:60|5\d) seconds\.$/)
    assert.equal(formWith(often.body, 'Send me a code').fields['username'], 'alice')
  })

  it('is like the other pages: no script, never stored, nothing is done by looking at it', async (t) => {
    const { browser, inbox, member } = await build(t, { loginCodes: true })
    await member('alice')
    const seen = inbox.mails.length
    for (const path of ['lwsgs-code', 'lwsgs-code?have=1', 'lwsgs-code?username=alice&send=1&code=1']) {
      const page = await browser().visit(`/lwsgs/${path}`)
      assert.equal(page.statusCode, 200)
      assert.equal(page.headers['cache-control'], 'no-store')
      assert.doesNotMatch(page.body, /<script|undefined|\[object/)
    }
    assert.equal(inbox.mails.length, seen)
  })

  it('works under another prefix, and goes where a form of the site says', async (t) => {
    const { browser, inbox, member } = await build(t, { loginCodes: true }, async (app) => {
      await app.register(gsForms, { prefix: '/club' })
    })
    await member('alice')
    const own = browser()
    const asked = await submit(own, '/club/lwsgs-code', 'Send me a code', { username: 'alice' })
    const { action, fields } = formWith(asked.body, 'Log in')
    assert.equal(action, '/club/lwsgs-code')
    const wrong = await own.form('/club/lwsgs-code', { username: 'alice', code: '1', bad: 'again.html' })
    assert.deepEqual([wrong.statusCode, wrong.headers.location], [303, '/club/again.html'])
    const entered = await own.form(action, { ...fields, code: await codeFor(inbox, 'alice@mail.test'), good: 'in.html' })
    assert.deepEqual([entered.statusCode, entered.headers.location], [303, '/club/in.html'])
  })
})

describe('the page to sign up where codes are on', () => {
  it('takes an account without password', async (t) => {
    const { browser, inbox } = await build(t, { loginCodes: true })
    const own = browser()
    const page = await own.visit('/lwsgs/lwsgs-register')
    assert.match(page.body, /Leave it empty to log in with codes/)
    assert.doesNotMatch(formWith(page.body, 'Sign up').html, /name="password"[^>]* required|required[^>]*name="password"/)
    const bob = { username: 'bob', email: 'bob@mail.test' }
    assert.equal((await submit(own, '/lwsgs/lwsgs-register', 'Sign up', bob)).statusCode, 303)
    const asked = await submit(own, '/lwsgs/lwsgs-code', 'Send me a code', { username: 'bob' })
    const { action, fields } = formWith(asked.body, 'Log in')
    assert.equal((await own.form(action, { ...fields, code: await codeFor(inbox, 'bob@mail.test') })).statusCode, 303)
    assert.equal((await own.get('/lwsgs/session')).json().mask, 5)
  })

  it('refuses two passwords that differ, also when one is empty', async (t) => {
    const { browser } = await build(t, { loginCodes: true })
    const fields = { username: 'bob', email: 'bob@mail.test' }
    for (const passwords of [
      { password, password2: 'another one, a long one' },
      { password: '', password2: password }
    ]) {
      const refused = await submit(browser(), '/lwsgs/lwsgs-register', 'Sign up', { ...fields, ...passwords })
      assert.equal(refused.statusCode, 400)
    }
  })

  it('asks for a password elsewhere', async (t) => {
    const { browser } = await build(t)
    const page = await browser().visit('/lwsgs/lwsgs-register')
    assert.match(formWith(page.body, 'Sign up').html, / name="password" required/)
    const refused = await submit(browser(), '/lwsgs/lwsgs-register', 'Sign up', { username: 'bob', email: 'bob@mail.test' })
    assert.equal(refused.statusCode, 400)
    assert.equal(formsOf(refused.body).length > 0, true)
  })
})
