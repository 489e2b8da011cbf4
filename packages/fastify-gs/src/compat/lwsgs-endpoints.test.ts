import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type AddressInfo } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import { hashPassword } from '../hash-password.ts'
import type { GsOptions } from '../options.ts'
import { build, password, type Browser, type Built } from '../testing/build.ts'
import { gsForms } from './gs-forms.ts'

type Pairs = [name: string, value: string][]
type Fields = Record<string, string> | Pairs

const pairsOf = (fields: Fields): Pairs => (Array.isArray(fields) ? fields : Object.entries(fields))

/** The body of a form as browsers send it, in both encodings. */
const encodings: readonly { name: string; encode: (fields: Fields) => { contentType: string; payload: string } }[] = [
  {
    name: 'urlencoded',
    encode: (fields) => ({
      contentType: 'application/x-www-form-urlencoded',
      payload: new URLSearchParams(pairsOf(fields)).toString()
    })
  },
  {
    name: 'multipart',
    encode: (fields) => ({
      contentType: 'multipart/form-data; boundary=----WebKitFormBoundaryx7',
      payload: `${pairsOf(fields)
        .map(([name, value]) => `------WebKitFormBoundaryx7\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`)
        .join('')}------WebKitFormBoundaryx7--\r\n`
    })
  }
]
const [urlencoded, multipart] = encodings as [(typeof encodings)[0], (typeof encodings)[0]]

const post = (browser: Browser, url: string, fields: Fields, { encode } = urlencoded) => {
  const { contentType, payload } = encode(fields)
  return browser.send({ method: 'POST', url, payload, headers: { 'content-type': contentType } })
}
const who = async (browser: Browser) => (await browser.get('/lwsgs/session')).json<{ username: string | null; mask: number }>()

const adminPassword = 'the password of the boss'
const adminHash = await hashPassword(adminPassword)
const site = async (t: TestContext, options: Partial<GsOptions> = {}) => {
  const built = await build(t, { admin: { username: 'boss', passwordHash: adminHash }, ...options })
  return { ...built, alice: await built.member('alice') }
}
type Site = Built & { alice: Browser }

/** The targets that the original's own pages send. */
const login = { good: 'index.html', bad: 'failed-login.html', admin: 'needadmin/admin-login.html' }
const register = { 'reg-good': 'post-register-ok.html', 'reg-bad': 'post-register-fail.html' }
const forgot = {
  'forgot-good': 'sent-forgot-ok.html',
  'forgot-bad': 'sent-forgot-fail.html',
  'forgot-post-good': 'post-forgot-ok.html',
  'forgot-post-bad': 'post-forgot-fail.html'
}
const newcomer = { username: 'bob', email: 'bob@mail.test', password }
const newPassword = 'another four word phrase'

interface Outcome {
  readonly name: string
  readonly url: string
  readonly fields: Fields
  readonly by?: 'visitor' | 'alice' | 'boss'
  /** Where the browser is sent, or the status of the page with the reason. */
  readonly leads: string | { readonly status: number; readonly reason: RegExp }
  /** Who is logged in afterwards; by default whoever was. */
  readonly after?: string | null
}

const outcomes: readonly Outcome[] = [
  { name: 'a login', url: 'lwsgs-login', fields: { username: 'alice', password, ...login }, leads: '/lwsgs/index.html', after: 'alice' },
  {
    name: 'a login with the address',
    url: 'lwsgs-login',
    fields: { username: 'alice@mail.test', password, ...login },
    leads: '/lwsgs/index.html',
    after: 'alice'
  },
  {
    name: 'a login of the admin',
    url: 'lwsgs-login',
    fields: { username: 'boss', password: adminPassword, ...login },
    leads: '/lwsgs/needadmin/admin-login.html',
    after: 'boss'
  },
  {
    name: 'a login of the admin without his target',
    url: 'lwsgs-login',
    fields: { username: 'boss', password: adminPassword, good: 'index.html' },
    leads: '/lwsgs/index.html',
    after: 'boss'
  },
  { name: 'a login without good', url: 'lwsgs-login', fields: { username: 'alice', password }, leads: '/lwsgs/', after: 'alice' },
  {
    name: 'a wrong password',
    url: 'lwsgs-login',
    fields: { username: 'alice', password: 'wrong password here', ...login },
    leads: '/lwsgs/failed-login.html'
  },
  {
    name: 'an unknown name',
    url: 'lwsgs-login',
    fields: { username: 'nobody-here', password, ...login },
    leads: '/lwsgs/failed-login.html'
  },
  {
    name: 'a wrong password without bad',
    url: 'lwsgs-login',
    fields: { username: 'alice', password: 'wrong password here' },
    leads: { status: 401, reason: /user name or the password is wrong/ }
  },
  { name: 'a login without name', url: 'lwsgs-login', fields: { password, ...login }, leads: '/lwsgs/failed-login.html' },
  {
    name: 'a login without password',
    url: 'lwsgs-login',
    fields: { username: 'alice', password: '', ...login },
    leads: '/lwsgs/failed-login.html'
  },
  { name: 'a login without anything', url: 'lwsgs-login', fields: {}, leads: { status: 400, reason: /username is missing/ } },
  {
    name: 'a login with a password of 5000 characters',
    url: 'lwsgs-login',
    fields: { username: 'alice', password: 'x'.repeat(5000), ...login },
    leads: '/lwsgs/failed-login.html'
  },
  {
    name: 'a failed login of somebody who is logged in (F7)',
    url: 'lwsgs-login',
    by: 'alice',
    fields: { username: 'alice', password: 'wrong password here', ...login },
    leads: '/lwsgs/failed-login.html',
    after: 'alice'
  },
  {
    name: 'the first of two names',
    url: 'lwsgs-login',
    fields: [['username', 'alice'], ['username', 'boss'], ['password', password], ['password', adminPassword], ...Object.entries(login)],
    leads: '/lwsgs/index.html',
    after: 'alice'
  },
  {
    name: 'fields that nobody knows',
    url: 'lwsgs-login',
    fields: [
      ...Array.from({ length: 100 }, (_, index) => [`x${index}`, '1'] as [string, string]),
      ['__proto__', 'x'],
      ['constructor', 'x'],
      ...Object.entries({ username: 'alice', password, ...login })
    ],
    leads: '/lwsgs/index.html',
    after: 'alice'
  },
  {
    name: 'empty buttons',
    url: 'lwsgs-login',
    fields: { forgot: '', register: '', username: 'alice', password, ...login },
    leads: '/lwsgs/index.html',
    after: 'alice'
  },

  {
    name: 'a registration',
    url: 'lwsgs-login',
    fields: { register: 'Register', ...newcomer, password2: password, ...login, ...register },
    leads: '/lwsgs/post-register-ok.html'
  },
  {
    name: 'a registration by somebody who is logged in',
    url: 'lwsgs-login',
    by: 'alice',
    fields: { register: '1', ...newcomer, ...register },
    leads: '/lwsgs/post-register-ok.html',
    after: 'alice'
  },
  { name: 'a registration without reg-good', url: 'lwsgs-login', fields: { register: '1', ...newcomer }, leads: '/lwsgs/' },
  {
    name: 'a registration with a taken name',
    url: 'lwsgs-login',
    fields: { register: '1', ...newcomer, username: 'ALICE', ...register },
    leads: '/lwsgs/post-register-fail.html'
  },
  {
    name: 'a registration with the name of the admin',
    url: 'lwsgs-login',
    fields: { register: '1', ...newcomer, username: 'boss', ...register },
    leads: '/lwsgs/post-register-fail.html'
  },
  {
    name: 'a registration with a known address',
    url: 'lwsgs-login',
    fields: { register: '1', ...newcomer, email: 'alice@mail.test', ...register },
    leads: '/lwsgs/post-register-ok.html'
  },
  {
    name: 'a registration without address',
    url: 'lwsgs-login',
    fields: { register: '1', username: 'bob', password, ...register },
    leads: '/lwsgs/post-register-fail.html'
  },
  {
    name: 'a registration without password',
    url: 'lwsgs-login',
    fields: { register: '1', username: 'bob', email: 'bob@mail.test', ...register },
    leads: '/lwsgs/post-register-fail.html'
  },
  {
    name: 'a registration without name',
    url: 'lwsgs-login',
    fields: { register: '1', email: 'bob@mail.test', password, ...register },
    leads: '/lwsgs/post-register-fail.html'
  },
  {
    name: 'a registration with two different passwords',
    url: 'lwsgs-login',
    fields: { register: '1', ...newcomer, password2: `${password}!` },
    leads: { status: 400, reason: /two passwords are not the same/ }
  },
  {
    name: 'a registration with a taken name without reg-bad',
    url: 'lwsgs-login',
    fields: { register: '1', ...newcomer, username: 'alice', bad: 'failed-login.html' },
    leads: { status: 409, reason: /name is taken/ }
  },
  {
    name: 'a registration with a short password without reg-bad',
    url: 'lwsgs-login',
    fields: { register: '1', ...newcomer, password: 'short' },
    leads: { status: 400, reason: /15 characters/ }
  },

  {
    name: 'a lost password by name',
    url: 'lwsgs-login',
    fields: { forgot: 'Forgot password', username: 'alice', ...login, ...forgot },
    leads: '/lwsgs/sent-forgot-ok.html'
  },
  {
    name: 'a lost password by address',
    url: 'lwsgs-login',
    fields: { forgot: '1', email: 'alice@mail.test', ...forgot },
    leads: '/lwsgs/sent-forgot-ok.html'
  },
  {
    name: 'a lost password of nobody',
    url: 'lwsgs-login',
    fields: { forgot: '1', username: 'nobody-here', ...forgot },
    leads: '/lwsgs/sent-forgot-ok.html'
  },
  { name: 'a lost password without name', url: 'lwsgs-login', fields: { forgot: '1', ...forgot }, leads: '/lwsgs/sent-forgot-fail.html' },
  { name: 'a lost password without targets', url: 'lwsgs-login', fields: { forgot: '1', username: 'alice' }, leads: '/lwsgs/' },
  {
    name: 'forgot and register at once: forgot wins',
    url: 'lwsgs-login',
    fields: { forgot: '1', register: '1', ...newcomer, ...register, ...forgot },
    leads: '/lwsgs/sent-forgot-ok.html'
  },

  { name: 'a logout', url: 'lwsgs-logout', by: 'alice', fields: { good: 'index.html' }, leads: '/lwsgs/index.html', after: null },
  { name: 'a logout without good', url: 'lwsgs-logout', by: 'alice', fields: {}, leads: '/lwsgs/', after: null },
  { name: 'a logout of nobody', url: 'lwsgs-logout', fields: { good: 'index.html' }, leads: '/lwsgs/index.html' },

  {
    name: 'a new password',
    url: 'lwsgs-change',
    by: 'alice',
    fields: { username: 'alice', curpw: password, password: newPassword, password2: newPassword, change: 'Change', ...login },
    leads: '/lwsgs/index.html'
  },
  {
    name: 'a new password in another spelling of the name',
    url: 'lwsgs-change',
    by: 'alice',
    fields: { username: 'ALICE', curpw: password, password: newPassword, ...login },
    leads: '/lwsgs/index.html'
  },
  {
    name: 'a new password without name',
    url: 'lwsgs-change',
    by: 'alice',
    fields: { curpw: password, password: newPassword, ...login },
    leads: '/lwsgs/index.html'
  },
  {
    name: 'a new password with the wrong current one',
    url: 'lwsgs-change',
    by: 'alice',
    fields: { username: 'alice', curpw: 'wrong password here', password: newPassword, ...login },
    leads: '/lwsgs/failed-login.html'
  },
  {
    name: 'a new password without the current one',
    url: 'lwsgs-change',
    by: 'alice',
    fields: { username: 'alice', password: newPassword },
    leads: { status: 400, reason: /enter your current password/ }
  },
  {
    name: 'a new password that is none',
    url: 'lwsgs-change',
    by: 'alice',
    fields: { username: 'alice', curpw: password, ...login },
    leads: '/lwsgs/failed-login.html'
  },
  {
    name: 'a new password that is weak',
    url: 'lwsgs-change',
    by: 'alice',
    fields: { username: 'alice', curpw: password, password: 'short' },
    leads: { status: 400, reason: /15 characters/ }
  },
  {
    name: 'two different new passwords',
    url: 'lwsgs-change',
    by: 'alice',
    fields: { username: 'alice', curpw: password, password: newPassword, password2: 'x' },
    leads: { status: 400, reason: /not the same/ }
  },
  {
    name: 'a new password without being logged in, though the current one is right',
    url: 'lwsgs-change',
    fields: { username: 'alice', curpw: password, password: newPassword, ...login },
    leads: '/lwsgs/failed-login.html'
  },
  {
    name: 'a new password without being logged in, without bad',
    url: 'lwsgs-change',
    fields: { username: 'alice', curpw: password, password: newPassword },
    leads: { status: 401, reason: /log in first/ }
  },
  {
    name: 'a new password of the configured admin',
    url: 'lwsgs-change',
    by: 'boss',
    fields: { username: 'boss', curpw: adminPassword, password: newPassword },
    leads: { status: 403, reason: /defined in the configuration/ }
  },
  {
    name: 'a new password for another account (S1)',
    url: 'lwsgs-change',
    by: 'alice',
    fields: { username: 'boss', curpw: password, password: newPassword, ...login },
    leads: '/lwsgs/failed-login.html'
  },
  {
    name: 'a new password for nobody',
    url: 'lwsgs-change',
    by: 'alice',
    fields: { username: "x' or 1=1", curpw: password, password: newPassword },
    leads: { status: 403, reason: /may not do this/ }
  },
  {
    name: 'a deletion',
    url: 'lwsgs-change',
    by: 'alice',
    fields: { username: 'alice', curpw: password, delete: 'Delete Account', ...login },
    leads: '/lwsgs/index.html',
    after: null
  },
  {
    name: 'a deletion with the wrong password',
    url: 'lwsgs-change',
    by: 'alice',
    fields: { username: 'alice', curpw: 'wrong password here', delete: '1', ...login },
    leads: '/lwsgs/failed-login.html'
  },
  {
    name: 'a deletion without password',
    url: 'lwsgs-change',
    by: 'alice',
    fields: { username: 'alice', delete: '1' },
    leads: { status: 400, reason: /enter your current password/ }
  },
  {
    name: 'a deletion of another account',
    url: 'lwsgs-change',
    by: 'alice',
    fields: { username: 'boss', curpw: password, delete: '1', ...login },
    leads: '/lwsgs/failed-login.html'
  },
  {
    name: 'a deletion without being logged in',
    url: 'lwsgs-change',
    fields: { username: 'alice', curpw: password, delete: '1', ...login },
    leads: '/lwsgs/failed-login.html'
  },

  {
    name: 'a lost-password link that is none',
    url: 'lwsgs-forgot',
    fields: { token: 'x', good: 'post-forgot-ok.html', bad: 'post-forgot-fail.html' },
    leads: '/lwsgs/post-forgot-fail.html'
  },
  {
    name: 'a lost-password link that is none, without bad',
    url: 'lwsgs-forgot',
    fields: { token: 'x' },
    leads: { status: 400, reason: /link is not valid/ }
  },
  { name: 'a lost-password link without token', url: 'lwsgs-forgot', fields: {}, leads: { status: 400, reason: /link is not valid/ } },
  {
    name: 'a confirmation link that is none',
    url: 'lwsgs-confirm',
    fields: { token: 'x' },
    leads: { status: 400, reason: /link is not valid/ }
  }
]

async function browserOf({ browser, alice }: Site, by: Outcome['by']): Promise<Browser> {
  if (by === 'alice') return alice
  const own = browser()
  if (by === 'boss') await own.post('/lwsgs/login', { username: 'boss', password: adminPassword })
  return own
}

describe('the forms of generic-sessions', () => {
  for (const encoding of encodings) {
    for (const { name, url, fields, by, leads, after } of outcomes) {
      it(`${encoding.name}: ${name} leads to ${typeof leads === 'string' ? leads : `a page with ${leads.status}`}`, async (t) => {
        const all = await site(t)
        const own = await browserOf(all, by)
        const before = (await who(own)).username
        const response = await post(own, `/lwsgs/${url}`, fields, encoding)
        if (typeof leads === 'string') {
          assert.equal(response.statusCode, 303, response.body)
          assert.equal(response.headers.location, leads)
        } else {
          assert.equal(response.statusCode, leads.status, response.body)
          assert.match(String(response.headers['content-type']), /^text\/html/)
          assert.match(response.body, /role="alert"/)
          assert.match(response.body, leads.reason)
          assert.equal(response.headers['set-cookie'], undefined)
        }
        assert.equal(response.headers['cache-control'], 'no-store')
        assert.equal((await who(own)).username, after === undefined ? before : after)
      })
    }
  }

  it('has every outcome of a login in a new session, and a password change ends the others', async (t) => {
    const { alice, browser } = await site(t)
    const ticket = browser()
    await ticket.get('/lwsgs/session')
    const before = ticket.token
    await post(ticket, '/lwsgs/lwsgs-login', { username: 'alice', password, ...login })
    assert.notEqual(ticket.token, before)
    await post(ticket, '/lwsgs/lwsgs-change', { username: 'alice', curpw: password, password: newPassword, ...login })
    assert.equal((await who(alice)).username, null)
    assert.equal((await who(ticket)).username, 'alice')
    assert.equal(
      (await post(browser(), '/lwsgs/lwsgs-login', { username: 'alice', password: newPassword, ...login })).headers.location,
      '/lwsgs/index.html'
    )
    assert.equal(
      (await post(browser(), '/lwsgs/lwsgs-login', { username: 'alice', password, ...login })).headers.location,
      '/lwsgs/failed-login.html'
    )
  })

  it('takes a login whose session has expired meanwhile (F5), and one without any cookie (F14)', async (t) => {
    const { alice, browser, clock } = await site(t)
    const waiting = browser()
    await waiting.get('/lwsgs/session')
    clock.advance(90_000)
    for (const own of [alice, waiting, browser()]) {
      assert.equal((await post(own, '/lwsgs/lwsgs-login', { username: 'alice', password, ...login })).headers.location, '/lwsgs/index.html')
      assert.equal((await who(own)).username, 'alice')
    }
    const fresh = browser()
    assert.equal(
      (await post(fresh, '/lwsgs/lwsgs-login', { register: '1', ...newcomer, ...register })).headers.location,
      '/lwsgs/post-register-ok.html'
    )
  })

  it('cannot be used to become the admin or somebody else within the lost-password window (S1)', async (t) => {
    const { browser, inbox, member } = await site(t)
    const bob = await member('bob')
    const own = browser()
    await post(own, '/lwsgs/lwsgs-login', { forgot: '1', username: 'alice', ...forgot })
    await post(own, '/lwsgs/lwsgs-forgot', { token: await inbox.token('alice@mail.test', /Set a new/) })
    assert.equal((await who(own)).mask, 13)
    for (const username of ['boss', 'bob', 'bob@mail.test', 'nobody-here']) {
      const response = await post(own, '/lwsgs/lwsgs-change', { username, password: newPassword, ...login })
      assert.equal(response.headers.location, '/lwsgs/failed-login.html')
    }
    assert.deepEqual([(await who(own)).username, (await who(own)).mask], ['alice', 13])
    assert.equal((await who(bob)).username, 'bob')
    assert.equal(
      (await post(browser(), '/lwsgs/lwsgs-login', { username: 'bob', password, ...login })).headers.location,
      '/lwsgs/index.html'
    )
  })

  it('refuses what is no form, too large, damaged or has a file, with a page, and nothing changes', async (t) => {
    const { alice } = await site(t)
    const form = 'application/x-www-form-urlencoded'
    const parts = 'multipart/form-data; boundary=x'
    const file = '--x\r\nContent-Disposition: form-data; name="good"; filename="a.txt"\r\n\r\nindex.html\r\n--x--\r\n'
    for (const [contentType, payload, status, reason] of [
      ['application/json', '{}', 415, /Send a form/],
      ['text/plain', 'good=x', 415, /Send a form/],
      [form, `good=${'x'.repeat(17_000)}`, 413, /16 KiB/],
      [parts, `--x\r\nContent-Disposition: form-data; name="good"\r\n\r\n${'x'.repeat(17_000)}\r\n--x--\r\n`, 413, /16 KiB/],
      [form, 'good=%FF', 400, /not UTF-8/],
      [form, Buffer.from('good=\xff', 'latin1'), 400, /not UTF-8/],
      [parts, Buffer.from('--x\r\nContent-Disposition: form-data; name="good"\r\n\r\n\xff\r\n--x--\r\n', 'latin1'), 400, /not UTF-8/],
      [parts, file, 400, /files are not taken/],
      [parts, file.slice(0, -12), 400, /files are not taken/],
      [parts, '--x\r\nContent-Disposition: form-data; name="good"\r\n\r\nindex', 400, /cannot be read/],
      ['multipart/form-data', file, 400, /cannot be read/]
    ] as const) {
      for (const url of ['lwsgs-login', 'lwsgs-logout', 'lwsgs-change', 'lwsgs-forgot', 'lwsgs-confirm']) {
        const response = await alice.send({ method: 'POST', url: `/lwsgs/${url}`, payload, headers: { 'content-type': contentType } })
        assert.equal(response.statusCode, status, `${url} ${contentType} ${response.body}`)
        assert.match(response.body, reason)
      }
    }
    assert.equal((await who(alice)).username, 'alice')
  })

  it('answers any damaged multipart body, and goes on', async (t) => {
    const { alice } = await site(t)
    const whole = multipart.encode({ username: 'x', bad: 'failed-login.html' })
    const edit = fc.record({
      at: fc.nat(whole.payload.length),
      remove: fc.nat(60),
      insert: fc.constantFrom('', '\r\n', '--', '"', ';', '\0', ':', 'é', '------WebKitFormBoundaryx7')
    })
    await fc.assert(
      fc.asyncProperty(fc.array(edit, { minLength: 1, maxLength: 4 }), async (edits) => {
        const payload = edits.reduce((text, { at, remove, insert }) => text.slice(0, at) + insert + text.slice(at + remove), whole.payload)
        const response = await alice.send({
          method: 'POST',
          url: '/lwsgs/lwsgs-login',
          payload,
          headers: { 'content-type': whole.contentType }
        })
        assert.ok([303, 400].includes(response.statusCode), `${response.statusCode} ${JSON.stringify(payload)}`)
      }),
      { numRuns: 500 }
    )
  })

  it('refuses forms of other sites', async (t) => {
    const { alice, browser } = await site(t)
    for (const headers of [{ origin: 'https://evil.test' }, { 'sec-fetch-site': 'cross-site' }, { origin: 'null' }] as Record<
      string,
      string
    >[]) {
      for (const url of ['lwsgs-login', 'lwsgs-logout', 'lwsgs-change', 'lwsgs-forgot', 'lwsgs-confirm']) {
        const { contentType, payload } = multipart.encode({ username: 'alice', password, good: 'index.html' })
        const own = url === 'lwsgs-login' ? browser() : alice
        const response = await own.send({
          method: 'POST',
          url: `/lwsgs/${url}`,
          payload,
          headers: { 'content-type': contentType, ...headers }
        })
        assert.deepEqual([response.statusCode, response.headers['set-cookie']], [403, undefined])
      }
    }
    assert.equal((await who(alice)).username, 'alice')
  })

  for (const encoding of encodings) {
    it(`${encoding.name}: takes a form whose bytes arrive one by one (F11)`, async (t) => {
      const { app } = await site(t)
      await app.listen({ port: 0, host: '127.0.0.1' })
      const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
      socket.setNoDelay(true)
      const { contentType, payload } = encoding.encode({ username: 'alice', password, ...login })
      const chunks: Buffer[] = []
      socket.on('data', (chunk: Buffer) => chunks.push(chunk))
      socket.write(
        `POST /lwsgs/lwsgs-login HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: ${contentType}\r\nContent-Length: ${payload.length}\r\n\r\n`
      )
      for (const byte of Buffer.from(payload)) {
        socket.write(Buffer.of(byte))
        await turn()
      }
      await once(socket, 'close')
      const text = Buffer.concat(chunks).toString()
      assert.match(text, /^HTTP\/1\.1 303 /)
      assert.match(text, /\r\nlocation: \/lwsgs\/index\.html\r\n/i)
    })
  }
})

describe('targets of forms', () => {
  /** One of each kind; all of them are in the test of `formTarget`. */
  const hostile = ['https://evil.test/x', '//evil.test', '/\\evil.test', 'index.html\r\nSet-Cookie: a=b', 'javascript:alert(1)']
  const uses: readonly { field: string; url: string; by: Outcome['by']; fields: Record<string, string> }[] = [
    { field: 'good', url: 'lwsgs-login', by: 'visitor', fields: { username: 'alice', password } },
    { field: 'bad', url: 'lwsgs-login', by: 'visitor', fields: { username: 'alice', password: 'wrong' } },
    { field: 'admin', url: 'lwsgs-login', by: 'visitor', fields: { username: 'boss', password: adminPassword } },
    { field: 'reg-good', url: 'lwsgs-login', by: 'visitor', fields: { register: '1', ...newcomer } },
    { field: 'reg-bad', url: 'lwsgs-login', by: 'visitor', fields: { register: '1' } },
    { field: 'forgot-good', url: 'lwsgs-login', by: 'visitor', fields: { forgot: '1', username: 'alice' } },
    { field: 'forgot-bad', url: 'lwsgs-login', by: 'visitor', fields: { forgot: '1' } },
    { field: 'good', url: 'lwsgs-logout', by: 'alice', fields: {} },
    { field: 'good', url: 'lwsgs-change', by: 'alice', fields: { curpw: password, password: newPassword } },
    { field: 'bad', url: 'lwsgs-change', by: 'alice', fields: { curpw: 'wrong' } }
  ]
  for (const { field, url, by, fields } of uses) {
    it(`${url}: a hostile ${field} gives way to the start of the mount, is logged, and brings no header along (S8, S9)`, async (t) => {
      for (const target of hostile) {
        const lines: string[] = []
        const built = await build(t, { admin: { username: 'boss', passwordHash: adminHash } }, undefined, {
          logger: { level: 'warn', stream: { write: (line: string) => void lines.push(line) } }
        })
        const all = { ...built, alice: await built.member('alice') }
        const own = await browserOf(all, by)
        const response = await post(own, `/lwsgs/${url}`, { ...fields, [field]: target })
        assert.deepEqual([response.statusCode, response.headers.location], [303, '/lwsgs/'], JSON.stringify(target))
        assert.equal(
          response.cookies.some(({ name }) => name === 'a'),
          false
        )
        const logged = lines
          .map((line) => JSON.parse(line) as { gs?: string; field?: string; path?: string })
          .find((line) => line.gs === 'target')
        assert.deepEqual([logged?.field, logged?.path], [field, `/lwsgs/${url}`])
      }
    })
  }

  it('appends nothing, keeps queries and fragments, and takes whole addresses of the own origin', async (t) => {
    const { browser } = await site(t)
    for (const [good, location] of [
      ['index.html', '/lwsgs/index.html'],
      ['index.html?a=1&b=2#c', '/lwsgs/index.html?a=1&b=2#c'],
      ['/elsewhere', '/elsewhere'],
      ['?x=1', '/lwsgs/lwsgs-logout?x=1'],
      ['http://localhost:7681/x', '/x'],
      ['über.html', '/lwsgs/%C3%BCber.html']
    ] as const)
      assert.equal((await post(browser(), '/lwsgs/lwsgs-logout?first=1', { good })).headers.location, location)
  })

  it('puts urlroot before them', async (t) => {
    const { browser } = await site(t, { lwsgs: { urlroot: '/outer/lwsgs/' } })
    assert.equal((await post(browser(), '/lwsgs/lwsgs-logout', { good: 'index.html' })).headers.location, '/outer/lwsgs/index.html')
    assert.equal((await post(browser(), '/lwsgs/lwsgs-logout', { good: '//evil.test' })).headers.location, '/lwsgs/')
    assert.equal((await post(browser(), '/lwsgs/lwsgs-logout', { good: 'https://evil.test' })).headers.location, '/lwsgs/')
  })
})

describe('what the forms tell about accounts', () => {
  it('is the same for a known and an unknown name, apart from the mail', async (t) => {
    const { browser, inbox } = await site(t)
    const answers = async (bodies: readonly Fields[]) => {
      const seen = new Set<string>()
      for (const fields of bodies) {
        const { statusCode, headers, body } = await post(browser(), '/lwsgs/lwsgs-login', fields)
        const { date: _date, ...rest } = headers
        seen.add(JSON.stringify([statusCode, rest, body]))
      }
      return seen
    }
    const before = inbox.mails.length
    const names = ['alice', 'alice@mail.test', 'nobody-here', 'unknown@mail.test', 'boss', '<x>']
    assert.equal((await answers(names.map((username) => ({ forgot: '1', username, ...forgot })))).size, 1)
    assert.equal(
      (
        await answers(
          ['alice@mail.test', 'bob@mail.test'].map((email, index) => ({
            register: '1',
            ...newcomer,
            username: `new${index}`,
            email,
            ...register
          }))
        )
      ).size,
      1
    )
    for (const bad of [{}, { bad: 'failed-login.html' }])
      assert.equal((await answers(names.map((username) => ({ username, password: 'wrong password here', ...bad })))).size, 1)
    await inbox.find('alice@mail.test', /Set a new/, before)
    await inbox.find('alice@mail.test', /already have an account/, before)
    assert.ok(inbox.mails.slice(before).every(({ to }) => to === 'alice@mail.test' || to === 'bob@mail.test'))
  })
})

describe('lwsgs-check', () => {
  it('answers one byte: 1 taken, 0 free, in both spellings; of addresses always 0', async (t) => {
    const { browser } = await site(t, { reservedNames: ['chef'] })
    for (const [question, answer] of [
      ['?username=alice', '1'],
      ['/username=alice', '1'],
      ['?username=ALICE', '1'],
      ['/username=A%4CICE', '1'],
      ['/username=boss', '1'],
      ['?username=admin', '1'],
      ['/username=chef', '1'],
      ['/anything=alice', '1'],
      ['?username=bob', '0'],
      ['/username=bob', '0'],
      ['?username=alice&username=bob', '1'],
      ['?email=alice@mail.test', '0'],
      ['/email=alice@mail.test', '0'],
      ['/email=alice', '0'],
      ['?email=nobody@mail.test', '0'],
      ['?username=alice@mail.test', '0'],
      ['/username=a', '0'],
      ['/username=', '0'],
      ['/username', '0'],
      ['?username', '0'],
      ['', '0'],
      ['/', '0'],
      ['/username=%3Cscript%3E', '0'],
      ['/username=a/b=c', '0'],
      [`?username=${'x'.repeat(5000)}`, '0']
    ] as const) {
      const response = await browser().get(`/lwsgs/lwsgs-check${question}`)
      assert.deepEqual([response.statusCode, response.body], [200, answer], question)
      assert.equal(response.headers['content-type'], 'text/plain; charset=utf-8')
      assert.equal(response.headers['content-length'], '1')
      assert.equal(response.headers['cache-control'], 'no-store')
    }
  })
})

describe('limits per address', () => {
  it('count each button by itself, together for all prefixes', async (t) => {
    const few = { max: 2, seconds: 60 }
    const { browser } = await build(
      t,
      { rateLimits: { login: { max: 3, seconds: 60 }, register: few, mail: few, link: few, check: few } },
      async (app) => {
        await app.register(gsForms, { prefix: '/other' })
      }
    )
    const alice = browser()
    const allowed = async (max: number, ask: (prefix: string) => Promise<{ statusCode: number; headers: Record<string, unknown> }>) => {
      for (let i = 0; i < max; i++) assert.notEqual((await ask(i % 2 === 0 ? '/lwsgs' : '/other')).statusCode, 429)
      for (const prefix of ['/lwsgs', '/other']) {
        const refused = await ask(prefix)
        assert.equal(refused.statusCode, 429)
        assert.ok(Number(refused.headers['retry-after']) > 0)
      }
    }
    await allowed(3, (prefix) => post(alice, `${prefix}/lwsgs-login`, { username: 'x', password: 'x' }))
    await allowed(2, (prefix) => post(alice, `${prefix}/lwsgs-login`, { register: '1', username: 'x' }))
    await allowed(2, (prefix) => post(alice, `${prefix}/lwsgs-login`, { forgot: '1', username: 'x' }))
    await allowed(2, (prefix) => post(alice, `${prefix}/lwsgs-forgot`, { token: 'x' }))
    await allowed(2, (prefix) => browser().get(`${prefix}/lwsgs-check?username=x`))
    const refused = await post(alice, '/lwsgs/lwsgs-login', { username: 'x', password: 'x', bad: 'failed-login.html' })
    assert.deepEqual([refused.statusCode, refused.headers.location], [303, '/lwsgs/failed-login.html'])
  })
})

describe('mail links', () => {
  /** Presses the button of a page as a browser does. */
  const press = (browser: Browser, page: { body: string }) => {
    const action = /action="([^"]+)"/.exec(page.body)![1]!
    const fields = [...page.body.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)].map(
      ([, name, value]): [string, string] => [name!, value!.replaceAll('&amp;', '&')]
    )
    return post(browser, action, fields)
  }
  const linkIn = (text: string) => new URL(/http:\S+token=\S+/.exec(text)![0])

  it('lead through sign-up, login, a lost password and the end of the account, by forms alone', async (t) => {
    const { browser, inbox } = await build(t, { lwsgs: { verifiedPage: 'post-verify-ok.html', verifyFailedPage: 'post-verify-fail.html' } })
    const own = browser()
    await post(own, '/lwsgs/lwsgs-login', { register: '1', ...newcomer, ...register })
    assert.equal((await who(own)).username, null)

    const confirm = linkIn((await inbox.find('bob@mail.test', /Confirm/)).text)
    const page = await own.visit(confirm.pathname + confirm.search)
    assert.equal((await who(own)).username, null)
    assert.equal((await press(own, page)).headers.location, '/lwsgs/post-verify-ok.html')
    assert.deepEqual([(await who(own)).username, (await who(own)).mask], ['bob', 5])
    assert.equal((await press(own, page)).headers.location, '/lwsgs/post-verify-fail.html')
    assert.equal((await who(own)).username, 'bob')

    await post(own, '/lwsgs/lwsgs-logout', { good: 'index.html' })
    await post(own, '/lwsgs/lwsgs-login', { forgot: '1', username: 'bob', ...forgot })
    const link = linkIn((await inbox.find('bob@mail.test', /Set a new/)).text)
    assert.equal(link.searchParams.get('good'), '/lwsgs/post-forgot-ok.html')
    assert.equal(link.searchParams.get('bad'), '/lwsgs/post-forgot-fail.html')
    const askPage = await own.visit(link.pathname + link.search)
    assert.equal((await who(own)).username, null)
    assert.equal((await press(own, askPage)).headers.location, '/lwsgs/post-forgot-ok.html')
    assert.equal((await who(own)).mask, 13)
    assert.equal((await press(browser(), askPage)).headers.location, '/lwsgs/post-forgot-fail.html')

    const changed = await post(own, '/lwsgs/lwsgs-change', { username: 'bob', password: newPassword, password2: newPassword, ...login })
    assert.equal(changed.headers.location, '/lwsgs/index.html')
    assert.equal((await who(own)).mask, 5)
    await post(own, '/lwsgs/lwsgs-logout', {})
    await post(own, '/lwsgs/lwsgs-login', { username: 'bob', password: newPassword, ...login })
    assert.equal((await who(own)).mask, 5)
    await post(own, '/lwsgs/lwsgs-change', { username: 'bob', curpw: newPassword, delete: '1', ...login })
    assert.equal((await who(own)).username, null)
    assert.equal(
      (await post(own, '/lwsgs/lwsgs-login', { username: 'bob', password: newPassword, ...login })).headers.location,
      '/lwsgs/failed-login.html'
    )
  })

  it('open the window of the session that redeemed, and of no other; there the account can be deleted too', async (t) => {
    const { browser, clock, inbox } = await site(t)
    const own = browser()
    await post(own, '/lwsgs/lwsgs-login', { forgot: '1', username: 'alice', ...forgot })
    await post(own, '/lwsgs/lwsgs-forgot', { token: await inbox.token('alice@mail.test', /Set a new/) })
    const other = browser()
    await post(other, '/lwsgs/lwsgs-login', { username: 'alice', password, ...login })
    for (const fields of [{ password: newPassword }, { delete: '1' }] as Fields[])
      assert.equal(
        (await post(other, '/lwsgs/lwsgs-change', { username: 'alice', ...fields, ...login })).headers.location,
        '/lwsgs/failed-login.html'
      )
    clock.now += 300_000
    assert.equal(
      (await post(own, '/lwsgs/lwsgs-change', { username: 'alice', delete: '1', ...login })).headers.location,
      '/lwsgs/failed-login.html'
    )
    clock.now -= 1
    assert.equal(
      (await post(own, '/lwsgs/lwsgs-change', { username: 'alice', delete: '1', ...login })).headers.location,
      '/lwsgs/index.html'
    )
    assert.equal((await who(other)).username, null)
  })

  it('never lead away, whatever the form or the address of the page says', async (t) => {
    const { browser, inbox } = await site(t)
    for (const target of ['https://evil.test', '//evil.test', 'x\r\ny', 'javascript:alert(1)', 'x'.repeat(600)]) {
      const seen = inbox.mails.length
      await post(browser(), '/lwsgs/lwsgs-login', { forgot: '1', username: 'alice', 'forgot-post-good': target, 'forgot-post-bad': target })
      const link = linkIn((await inbox.find('alice@mail.test', /Set a new/, seen)).text)
      assert.deepEqual([...link.searchParams.keys()], ['token'])
    }
    const token = await inbox.token('alice@mail.test', /Set a new/)
    const page = await browser().visit(`/lwsgs/lwsgs-forgot?token=${token}&good=//evil.test&bad=${encodeURIComponent('"><script>')}`)
    assert.doesNotMatch(page.body, /<script/)
    assert.equal((await press(browser(), page)).headers.location, '/lwsgs/?gs=forgot')
    const failed = await post(browser(), '/lwsgs/lwsgs-forgot', { token, bad: 'https://evil.test' })
    assert.deepEqual([failed.statusCode, failed.headers.location], [400, undefined])
  })

  it('lead to the login page with a notice when nothing is configured', async (t) => {
    const { browser, inbox } = await site(t)
    await post(browser(), '/lwsgs/lwsgs-login', { register: '1', ...newcomer })
    const token = await inbox.token('bob@mail.test', /Confirm/)
    assert.equal((await post(browser(), '/lwsgs/lwsgs-confirm', { token })).headers.location, '/lwsgs/?gs=verified')
    await post(browser(), '/lwsgs/lwsgs-login', { forgot: '1', username: 'bob' })
    const lost = await inbox.token('bob@mail.test', /Set a new/)
    assert.equal((await post(browser(), '/lwsgs/lwsgs-forgot', { token: lost })).headers.location, '/lwsgs/?gs=forgot')
  })
})
