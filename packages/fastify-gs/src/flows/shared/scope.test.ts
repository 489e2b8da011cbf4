import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { build, password } from '../../testing/build.ts'

const calls = [
  'login',
  'logout',
  'register',
  'verify-email',
  'verify-email/resend',
  'forgot-password',
  'forgot-password/redeem',
  'change-password',
  'change-email',
  'change-email/redeem',
  'change-email/undo',
  'delete-account'
]

describe('bodies of the flows', () => {
  const json = 'application/json'
  const form = 'application/x-www-form-urlencoded'
  const deep = '{"a":'.repeat(3000) + '1' + '}'.repeat(3000)
  const faults: [name: string, contentType: string | undefined, body: string | Buffer, status: number, code: string][] = [
    ['no JSON', json, '{"username":', 400, 'GS_BODY_INVALID'],
    ['JSON that is no object', json, '[]', 400, 'GS_BODY_INVALID'],
    ['a JSON text', json, '"alice"', 400, 'GS_BODY_INVALID'],
    ['null', json, 'null', 400, 'GS_BODY_INVALID'],
    ['wrong types', json, '{"username":["alice"],"password":5}', 400, 'GS_BODY_INVALID'],
    ['a number for a text', json, '{"username":5,"password":"x"}', 400, 'GS_BODY_INVALID'],
    ['true for a text', json, '{"username":true,"password":"x"}', 400, 'GS_BODY_INVALID'],
    ['an unknown field', json, '{"username":"a","password":"b","role":"admin"}', 400, 'GS_BODY_INVALID'],
    ['__proto__', json, '{"__proto__":{"admin":1}}', 400, 'GS_BODY_INVALID'],
    ['constructor.prototype', json, '{"constructor":{"prototype":{"admin":1}}}', 400, 'GS_BODY_INVALID'],
    ['deep nesting', json, deep, 413, 'GS_BODY_TOO_LARGE'],
    ['a body over 16 KiB', json, JSON.stringify({ username: 'a', password: 'x'.repeat(17_000) }), 413, 'GS_BODY_TOO_LARGE'],
    ['a form over 16 KiB', form, `username=${'x'.repeat(17_000)}`, 413, 'GS_BODY_TOO_LARGE'],
    ['a lone surrogate', json, '{"username":"a\\ud800","password":"x"}', 400, 'GS_BODY_INVALID'],
    ['bytes that are not UTF-8', json, Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), 400, 'GS_BODY_INVALID'],
    ['a form that is not UTF-8', form, 'username=%FF&password=x', 400, 'GS_BODY_INVALID'],
    ['a form with a field twice', form, 'username=a&username=b&password=x', 400, 'GS_BODY_INVALID'],
    ['a form with __proto__', form, '__proto__=x&username=a&password=b', 400, 'GS_BODY_INVALID'],
    ['text', 'text/plain', '{"username":"a","password":"b"}', 415, 'GS_CONTENT_TYPE'],
    ['a multipart form', 'multipart/form-data; boundary=x', '--x--', 415, 'GS_CONTENT_TYPE'],
    ['XML', 'application/xml', '<a/>', 415, 'GS_CONTENT_TYPE'],
    ['no content type', undefined, '{"username":"a","password":"b"}', 415, 'GS_CONTENT_TYPE'],
    ['a content type with rubbish', 'application/json a', '{}', 415, 'GS_CONTENT_TYPE']
  ]
  for (const [name, contentType, body, status, code] of faults) {
    it(`refuses ${name} with ${status} ${code}, whichever flow, and nothing changes`, async (t) => {
      const { browser, member } = await build(t)
      const alice = await member('alice')
      for (const call of calls) {
        const response = await alice.send({
          method: 'POST',
          url: `/lwsgs/${call}`,
          payload: body,
          headers: { accept: 'application/json', ...(contentType !== undefined && { 'content-type': contentType }) }
        })
        // JSON `null` is no body at all; log out takes it.
        if (call === 'logout' && name === 'null') continue
        assert.equal(response.statusCode, status, `${call}: ${response.body}`)
        if (contentType === form) assert.match(response.body, /role="alert"/)
        else assert.equal(response.json().code, code, call)
      }
      if (name !== 'null') assert.equal((await alice.get('/lwsgs/session')).json().username, 'alice')
      assert.equal((await browser().post('/lwsgs/login', { username: 'alice', password })).statusCode, 200)
    })
  }

  it('never repeats what was sent', async (t) => {
    const { browser } = await build(t)
    const secret = 'my-secret-password-in-the-wrong-place'
    for (const body of [
      { username: secret.repeat(20), password: 'x' },
      { username: 'a', password: { secret } },
      { username: 'a', password: 'b', [`${secret} !`]: 1 }
    ]) {
      const response = await browser().post('/lwsgs/login', body)
      assert.equal(response.statusCode, 400)
      assert.equal(response.body.includes(secret), false)
    }
  })

  it('takes forms and answers with pages that need no script', async (t) => {
    const { browser, member } = await build(t)
    await member('alice')
    const visitor = browser()
    const wrong = await visitor.form('/lwsgs/login', { username: 'alice', password: 'wrong password here' })
    assert.deepEqual([wrong.statusCode, wrong.headers['content-type']], [401, 'text/html; charset=utf-8'])
    assert.match(wrong.body, /<p role="alert">The user name or the password is wrong\.<\/p>/)
    assert.match(String(wrong.headers['content-security-policy']), /default-src 'none'.*frame-ancestors 'none'/)
    const right = await visitor.form('/lwsgs/login', { username: 'alice', password, remember: 'on', next: '/lwsgs/needauth/?a=b' })
    assert.deepEqual([right.statusCode, right.headers.location], [303, '/lwsgs/needauth/?a=b'])
    assert.match(String(right.headers['set-cookie']), /Max-Age=2592000/)
    const out = await visitor.form('/lwsgs/logout', { next: 'https://evil.test/' })
    assert.deepEqual([out.statusCode, out.headers.location], [303, '/lwsgs/?gs=loggedout'])
  })
})

describe('requests from other sites', () => {
  const own = 'http://localhost:7681'
  const cases: [headers: Record<string, string>, allowed: boolean][] = [
    [{}, true],
    [{ origin: own }, true],
    [{ origin: 'HTTP://LOCALHOST:7681' }, true],
    [{ 'sec-fetch-site': 'same-origin', origin: own }, true],
    [{ 'sec-fetch-site': 'none' }, true],
    [{ origin: 'https://evil.test' }, false],
    [{ origin: 'null' }, false],
    [{ origin: 'https://localhost:7681' }, false],
    [{ origin: 'http://localhost:7682' }, false],
    [{ origin: 'http://localhost:7681.evil.test' }, false],
    [{ 'sec-fetch-site': 'cross-site', origin: own }, false],
    [{ 'sec-fetch-site': 'same-site' }, false],
    [{ 'sec-fetch-site': '' }, false]
  ]
  for (const [headers, allowed] of cases) {
    it(`${allowed ? 'takes' : 'refuses'} a post with ${JSON.stringify(headers)}`, async (t) => {
      const { inbox, member } = await build(t)
      const alice = await member('alice')
      const seen = inbox.mails.length
      for (const call of calls.filter((call) => !allowed || call === 'logout')) {
        const response = await alice.post(`/lwsgs/${call}`, {}, headers)
        if (allowed) assert.equal(response.statusCode, 200)
        else assert.deepEqual([response.statusCode, response.json().code], [403, 'GS_CROSS_SITE'], call)
        if (!allowed) assert.equal(response.headers['set-cookie'], undefined)
      }
      assert.equal((await alice.get('/lwsgs/session')).json().username, allowed ? null : 'alice')
      assert.equal(inbox.mails.length, seen)
    })
  }

  it('gives no other site leave to read', async (t) => {
    const { member } = await build(t)
    const alice = await member('alice')
    const response = await alice.get('/lwsgs/session', { origin: 'https://evil.test' })
    assert.equal(response.headers['access-control-allow-origin'], undefined)
    assert.equal(response.headers['cross-origin-resource-policy'], 'same-origin')
    assert.equal(response.headers['x-content-type-options'], 'nosniff')
  })
})

describe('limits per address', () => {
  it('count all spellings and ways of one client, IPv6 by /64, and name the time', async (t) => {
    const { app } = await build(t, { rateLimits: { login: { max: 4, seconds: 60 } } })
    const from = (remoteAddress: string, headers = {}) =>
      app.inject({ method: 'POST', url: '/lwsgs/login', payload: { username: 'a-name', password: 'x' }, remoteAddress, headers })
    const statuses = []
    for (const address of ['2001:db8::1', '2001:0DB8::2', '2001:db8:0:0:ffff::3', '2001:db8::4', '2001:db8::5'])
      statuses.push((await from(address, { 'x-forwarded-for': address })).statusCode)
    assert.deepEqual(statuses, [401, 401, 401, 401, 429])
    assert.equal((await from('2001:db8:0:1::1')).statusCode, 401)
    const refused = await from('2001:db8::6')
    assert.equal(refused.json().code, 'GS_TOO_MANY_ATTEMPTS')
    assert.ok(Number(refused.headers['retry-after']) >= 1)
  })
})
