import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { build, password, type Browser, type Built } from '../testing/build.ts'
import { formWith, formsOf, submit } from '../testing/forms.ts'
import { gsForms } from './gs-forms.ts'

interface Refused {
  readonly page: string
  readonly button: string
  readonly typed: Record<string, string>
  readonly status: number
  /** Null: it is about the form as a whole. */
  readonly field: string | null
  readonly says: RegExp
}

const weak = 'short-one'
const wrong = 'not the right password'
const long = 'x'.repeat(400)

const login = { page: 'lwsgs-login', button: 'Log in' }
const register = { page: 'lwsgs-register', button: 'Sign up' }
const newcomer = { username: 'carol', email: 'carol@mail.test', password, password2: password }
const change = { page: 'lwsgs-change', button: 'Change' }
const changeEmail = { page: 'lwsgs-change', button: 'Send me a link' }
const remove = { page: 'lwsgs-change', button: 'Delete my account' }

const strangers: readonly Refused[] = [
  { ...login, typed: { username: 'alice', password: wrong }, status: 401, field: 'password', says: /wrong/ },
  { ...login, typed: { username: '', password }, status: 400, field: 'username', says: /fill in/ },
  { ...login, typed: { username: 'alice', password: '' }, status: 400, field: 'password', says: /fill in/ },
  { ...login, typed: { username: long, password }, status: 400, field: 'username', says: /too long/ },
  { ...register, typed: { ...newcomer, username: 'Alice' }, status: 409, field: 'username', says: /taken/ },
  { ...register, typed: { ...newcomer, username: 'a b' }, status: 400, field: 'username', says: /letters, digits/ },
  { ...register, typed: { ...newcomer, email: 'carol' }, status: 400, field: 'email', says: /like name@example\.com/ },
  { ...register, typed: { ...newcomer, email: '' }, status: 400, field: 'email', says: /fill in/ },
  { ...register, typed: { ...newcomer, password: weak, password2: weak }, status: 400, field: 'password', says: /15 characters/ },
  { ...register, typed: { ...newcomer, password2: wrong }, status: 400, field: 'password2', says: /not the same/ },
  { page: 'lwsgs-forgot', button: 'Send me a link', typed: { username: '' }, status: 400, field: 'username', says: /fill in/ },
  { page: 'lwsgs-confirm', button: 'Send me a link', typed: { email: '' }, status: 400, field: 'email', says: /fill in/ },
  { page: 'lwsgs-confirm', button: 'Send me a link', typed: { email: long }, status: 400, field: 'email', says: /too long/ }
]

const changed = { password: 'another four word phrase', password2: 'another four word phrase' }
const members: readonly Refused[] = [
  { ...change, typed: { ...changed, curpw: wrong }, status: 403, field: 'curpw', says: /current password is wrong/ },
  { ...change, typed: { ...changed, curpw: '' }, status: 400, field: 'curpw', says: /enter your current password/ },
  { ...change, typed: { curpw: password, password: weak, password2: weak }, status: 400, field: 'password', says: /15 characters/ },
  { ...change, typed: { ...changed, curpw: password, password2: wrong }, status: 400, field: 'password2', says: /not the same/ },
  { ...changeEmail, typed: { email: 'nowhere', currentPassword: password }, status: 400, field: 'email', says: /like name@example/ },
  { ...changeEmail, typed: { email: 'ALICE@mail.test', currentPassword: password }, status: 400, field: 'email', says: /already/ },
  { ...changeEmail, typed: { email: 'a2@mail.test', currentPassword: wrong }, status: 403, field: 'currentPassword', says: /wrong/ },
  { ...remove, typed: { confirm: '', curpw: password }, status: 400, field: 'confirm', says: /type your user name/ },
  { ...remove, typed: { confirm: 'bob', curpw: password }, status: 400, field: 'confirm', says: /type your user name/ },
  { ...remove, typed: { confirm: 'alice', curpw: wrong }, status: 403, field: 'curpw', says: /wrong/ }
]

const attributesOf = (tag: string) => new Map([...tag.matchAll(/ ([\w-]+)(?:="([^"]*)")?/g)].map(([, name, value]) => [name!, value ?? '']))

/** Checks a page that shows a refused form again. */
function checkAgain(response: Awaited<ReturnType<Browser['form']>>, { button, typed, status, field, says }: Refused): void {
  const { body, headers, statusCode } = response
  assert.equal(statusCode, status, body)
  assert.match(String(headers['content-security-policy']), /^default-src 'none'; style-src 'self'; form-action 'self'/)
  assert.equal(headers['cache-control'], 'no-store')
  assert.equal(headers['set-cookie'], undefined)
  assert.match(body, /<title>Error: /)
  assert.match(/role="alert"[^>]*>(?:<a[^>]*>)?([^<]+)/.exec(body)![1]!, says)
  assert.equal(body.match(/role="alert"/g)!.length, 1)
  assert.equal(body.match(/ autofocus/g)!.length, 1)

  const { html } = formWith(body, button)
  assert.match(html, /role="alert"/)
  const inputs = [...html.matchAll(/<input [^>]*>/g)].map(([tag]) => attributesOf(tag))
  const invalid = inputs.filter((input) => input.get('aria-invalid') === 'true')
  assert.deepEqual(
    invalid.map((input) => input.get('name')),
    field === null ? [] : [field]
  )
  if (field !== null) {
    assert.ok(invalid[0]!.has('autofocus'))
    const [error] = invalid[0]!.get('aria-describedby')!.split(' ')
    assert.match(new RegExp(`<p class="error" id="${error}">([^<]+)</p>`).exec(html)![1]!, says)
    assert.ok(html.includes(`<a href="#${invalid[0]!.get('id')}">`))
  }
  for (const input of inputs) {
    const value = typed[input.get('name')!]
    if (input.get('type') === 'password') assert.equal(input.get('value'), undefined)
    else if (value !== undefined) assert.equal(input.get('value') ?? '', value)
  }
  for (const secret of [password, wrong, weak, changed.password]) assert.ok(!body.includes(secret), 'a password in the page')
}

const describeCase = ({ page, button, typed, field }: Refused) =>
  `${page}, ${button}, ${field ?? 'the form'} ${JSON.stringify((typed[field ?? ''] ?? '').slice(0, 20))}`

describe('a refused form without scripts', () => {
  for (const one of strangers) {
    it(`comes again with the reason and what was typed: ${describeCase(one)}`, async (t) => {
      const { browser, member } = await build(t)
      await member('alice')
      checkAgain(await submit(browser(), `/lwsgs/${one.page}`, one.button, one.typed), one)
    })
  }

  for (const one of members) {
    it(`comes again with the reason and what was typed: ${describeCase(one)}`, async (t) => {
      const { member } = await build(t)
      const alice = await member('alice')
      checkAgain(await submit(alice, `/lwsgs/${one.page}`, one.button, one.typed), one)
      assert.equal((await alice.get('/lwsgs/session')).json().username, 'alice')
    })
  }

  it('can be sent again from the page that shows it, with what was missing', async (t) => {
    const { browser, inbox } = await build(t)
    const own = browser()
    const refused = await submit(own, '/lwsgs/lwsgs-register?next=%2Fmembers', 'Sign up', { ...newcomer, password2: wrong })
    const again = formWith(refused.body, 'Sign up')
    const sent = await own.form(again.action, { ...again.fields, password, password2: password })
    assert.deepEqual([sent.statusCode, sent.headers.location], [303, '/lwsgs/lwsgs-login?gs=registered&next=%2Fmembers'])
    await inbox.find('carol@mail.test', /Confirm/)
  })

  it('keeps where the visitor wanted to go, through log in and sign up', async (t) => {
    const { browser, member } = await build(t)
    await member('alice')
    const own = browser()
    const start = await own.visit('/lwsgs/lwsgs-login?next=%2Fmembers%3Fa%3D1')
    const toRegister = /href="(\/lwsgs\/lwsgs-register[^"]*)"/.exec(start.body)![1]!
    const register = await own.visit(toRegister)
    const toLogin = /href="(\/lwsgs\/lwsgs-login[^"]*)"/.exec(register.body)![1]!
    const refused = await submit(own, toLogin, 'Log in', { username: 'alice', password: wrong })
    const again = formWith(refused.body, 'Log in')
    assert.equal((await own.form(again.action, { ...again.fields, password })).headers.location, '/members?a=1')
  })

  it('keeps the tick of "keep me logged in", which makes a lasting session', async (t) => {
    const { browser, member } = await build(t)
    await member('alice')
    const own = browser()
    const refused = await submit(own, '/lwsgs/lwsgs-login', 'Log in', { username: 'alice', password: wrong, remember: 'on' })
    const again = formWith(refused.body, 'Log in')
    assert.equal(again.fields['remember'], 'on')
    const entered = await own.form(again.action, { ...again.fields, password })
    const maxAge = ({ cookies }: typeof entered) => cookies.find(({ name }) => name === 'gs')!.maxAge
    assert.equal(maxAge(entered), 2_592_000)
    const other = browser()
    assert.equal(maxAge(await submit(other, '/lwsgs/lwsgs-login', 'Log in', { username: 'alice', password })), undefined)
  })

  it('asks to log in when the session is over, and leads back to the page', async (t) => {
    const { browser, member } = await build(t)
    const alice = await member('alice')
    const page = await alice.visit('/lwsgs/lwsgs-change')
    for (const button of ['Change', 'Send me a link', 'Delete my account']) {
      const { action, fields } = formWith(page.body, button)
      const late = browser()
      const typed = { email: 'a2@mail.test', currentPassword: password, curpw: password, ...changed, confirm: 'alice' }
      const known = Object.fromEntries(Object.entries(typed).filter(([name]) => name in fields))
      const refused = await late.form(action, { ...fields, ...known })
      assert.equal(refused.statusCode, 401, refused.body)
      assert.match(refused.body, /role="alert"[^>]*>Please log in first\./)
      const login = formWith(refused.body, 'Log in')
      const entered = await late.form(login.action, { ...login.fields, username: 'alice', password })
      assert.equal(entered.headers.location, '/lwsgs/lwsgs-change')
    }
  })

  it('says that there were too many attempts, with what was typed', async (t) => {
    const { browser, member } = await build(t, { rateLimits: { login: { max: 1, seconds: 60 }, mail: { max: 1, seconds: 60 } } })
    const alice = await member('alice')
    const stranger = browser()
    for (const [own, url, button, typed] of [
      [stranger, '/lwsgs/lwsgs-login', 'Log in', { username: 'alice', password: wrong }],
      [stranger, '/lwsgs/lwsgs-confirm', 'Send me a link', { email: 'bob@mail.test' }],
      [alice, '/lwsgs/lwsgs-change', 'Send me a link', { email: 'a2@mail.test', currentPassword: wrong }]
    ] as const) {
      let last = await submit(own, url, button, typed)
      for (let count = 0; count < 3 && last.statusCode !== 429; count += 1) last = await submit(own, url, button, typed)
      assert.ok(Number(last.headers['retry-after']) >= 1)
      checkAgain(last, { page: url, button, typed, status: 429, field: null, says: /Too many attempts/ })
    }
  })

  it('says how long to wait after wrong passwords, as there is no countdown', async (t) => {
    const { browser, member } = await build(t, { attempts: { ladder: [[1, 86_400]] } })
    await member('alice')
    const typed = { username: 'alice', password: wrong }
    await submit(browser(), '/lwsgs/lwsgs-login', 'Log in', typed)
    const refused = await submit(browser(), '/lwsgs/lwsgs-login', 'Log in', { username: 'alice', password })
    const says = /^Too many attempts\. .+ The next attempt counts in 24 hours\.$/
    checkAgain(refused, { ...login, typed, status: 429, field: 'password', says })
    const alone = await browser().form('/lwsgs/login', typed)
    assert.match(alone.body, /The next attempt counts in 24 hours\./)
  })

  it('is shown under the prefix where it was sent', async (t) => {
    const { browser } = await build(t, {}, async (app) => {
      await app.register(gsForms, { prefix: '/club' })
    })
    const refused = await submit(browser(), '/club/lwsgs-login', 'Log in', { username: 'alice', password: wrong })
    assert.equal(refused.statusCode, 401)
    assert.equal(formWith(refused.body, 'Log in').action, '/club/lwsgs-login')
  })

  it('of somebody else, or unknown here, gets a page with the reason alone', async (t) => {
    const { browser } = await build(t)
    for (const [index, form] of [{}, { form: 'nothing-of-ours' }, { form: '__proto__' }, { form: 'constructor' }].entries()) {
      const fields = { username: `nobody${index}`, password: wrong, ...form }
      for (const url of ['/lwsgs/lwsgs-login', '/lwsgs/login']) {
        const refused = await browser().form(url, fields)
        assert.equal(refused.statusCode, 401)
        assert.match(refused.body, /<p role="alert">The user name or the password is wrong\.<\/p>/)
        assert.equal(formsOf(refused.body).length, 0)
      }
    }
    const json = await browser().post('/lwsgs/login', { username: 'alice', password: wrong, form: 'login' })
    assert.deepEqual([json.statusCode, json.json().code], [400, 'GS_BODY_INVALID'])
  })

  it('goes to the page that a form of the site names with "bad"', async (t) => {
    const { browser } = await build(t)
    const own = browser()
    const refused = await own.form('/lwsgs/lwsgs-login', { form: 'login', username: 'alice', password: wrong, bad: 'failed.html' })
    assert.deepEqual([refused.statusCode, refused.headers.location], [303, '/lwsgs/failed.html'])
  })
})

describe('what is typed into the forms', () => {
  const hostile = `"><svg onload=1>'</script><script>alert(1)</script>`

  const typeEverywhere = async (own: Browser, url: string): Promise<number> => {
    let count = 0
    for (const { action, fields, html } of formsOf((await own.visit(url)).body)) {
      const texts = [...html.matchAll(/<input [^>]*>/g)].map(([tag]) => attributesOf(tag)).filter((input) => input.get('type') !== 'hidden')
      if (texts.length === 0) continue
      const typed = Object.fromEntries(texts.map((input) => [input.get('name')!, `${hostile}${count}`]))
      const refused = await own.form(action, {
        ...fields,
        ...typed,
        next: hostile,
        email: hostile,
        username: fields['username'] ?? hostile
      })
      // "Forgot password" says nothing about names that nobody has.
      if (refused.statusCode === 303) continue
      assert.ok(refused.statusCode >= 400, refused.body)
      assert.doesNotMatch(refused.body, /<svg|<script|<\/script|onload=1>'/)
      count += 1
    }
    return count
  }

  it('is shown as text, whatever it is', async (t) => {
    const { browser, member }: Built = await build(t)
    assert.equal(await typeEverywhere(browser(), '/lwsgs/lwsgs-login'), 1)
    assert.equal(await typeEverywhere(browser(), '/lwsgs/lwsgs-register'), 1)
    assert.equal(await typeEverywhere(await member('alice'), '/lwsgs/lwsgs-change'), 3)
  })
})
