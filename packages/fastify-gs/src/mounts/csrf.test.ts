import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { gsMount, GsOptionError } from '../index.ts'
import { build, password, type Browser } from '../testing/build.ts'

const keys = ['the-newer-key-0123456789-abcdefghij', 'the-older-key-0123456789-abcdefghij'] as const

const routes = async (app: FastifyInstance) => {
  const form = 'application/x-www-form-urlencoded'
  app.addContentTypeParser(form, { parseAs: 'string' }, (_request, body, done) =>
    done(null, Object.fromEntries(new URLSearchParams(body as string)))
  )
  // As @fastify/multipart leaves text fields.
  app.addContentTypeParser('multipart/form-data', { parseAs: 'string' }, (_request, body, done) =>
    done(null, { csrfToken: { type: 'field', fieldname: 'csrfToken', value: body } })
  )
  app.all('/x', { config: { gs: { csrf: true } } }, (request) => request.body ?? 'inside')
  app.post('/members', { config: { gs: { mask: 5, csrf: true } } }, () => 'inside')
  app.post('/strict', { config: { gs: { csrf: true } }, schema: { body: { type: 'object', maxProperties: 1 } } }, (request) => request.body)
  await app.register(gsMount, { prefix: '/mount', handler: () => 'inside', policy: { csrf: true } })
}
const tokenOf = async (browser: Browser) => (await browser.get('/lwsgs/session')).json<{ csrfToken: string }>().csrfToken

describe('a policy with csrf', () => {
  it('takes the token of the session from the header or from the body, and keeps it from the application', async (t) => {
    const { member } = await build(t, {}, routes)
    const alice = await member('alice')
    const token = await tokenOf(alice)
    const sent = (payload: unknown, type = 'application/json', headers = {}) =>
      alice.send({ method: 'POST', url: '/x', payload: payload as string, headers: { 'content-type': type, ...headers } })
    for (const [response, body] of [
      [await sent({ a: 1 }, 'application/json', { 'x-csrf-token': token }), { a: 1 }],
      [await sent({ a: 1, csrfToken: token }), { a: 1 }],
      [await sent({ a: 1, csrft: token }), { a: 1 }],
      [await sent({ a: 1, csrfToken: 'x' }, 'application/json', { 'x-csrf-token': token }), { a: 1 }],
      [await sent(new URLSearchParams({ csrfToken: token, a: '1' }).toString(), 'application/x-www-form-urlencoded'), { a: '1' }],
      [await sent(token, 'multipart/form-data; boundary=x'), {}]
    ] as const) {
      assert.equal(response.statusCode, 200, response.body)
      assert.deepEqual(response.json(), body)
    }
    assert.deepEqual((await alice.post('/strict', { a: 1, csrfToken: token })).json(), { a: 1 })
    assert.equal((await alice.post('/members', {}, { 'x-csrf-token': token })).body, 'inside')
    assert.equal((await alice.post('/mount/a', {}, { 'x-csrf-token': token })).body, 'inside')
    assert.equal((await alice.post('/mount/a', { csrfToken: token })).body, 'inside')
  })

  it('refuses every other token with the code GS_CSRF, and lets methods without effect pass', async (t) => {
    const { browser, member } = await build(t, {}, routes)
    const alice = await member('alice')
    const token = await tokenOf(alice)
    const bob = await tokenOf(await member('bob'))
    const visitor = browser()
    await visitor.visit('/')
    const wrong = ['', ' ', bob, await tokenOf(visitor), `${token}x`, token.slice(0, -1), token.toUpperCase(), 'undefined']
    const refused = async (response: Promise<{ statusCode: number; json: () => { code?: string } }>, where: string) => {
      const { statusCode, json } = await response
      assert.deepEqual([statusCode, json().code], [403, 'GS_CSRF'], where)
    }
    for (const url of ['/x', '/members', '/mount/a']) {
      await refused(alice.post(url), url)
      for (const one of wrong) {
        await refused(alice.post(url, {}, { 'x-csrf-token': one }), `${url} ${one}`)
        await refused(alice.post(url, { csrfToken: one }), `${url} ${one} in the body`)
      }
      for (const one of [null, 1, true, {}, [token], { value: 1 }])
        await refused(alice.post(url, { csrfToken: one }), `${url} ${JSON.stringify(one)}`)
    }
    for (const method of ['PUT', 'PATCH', 'DELETE'] as const) await refused(alice.send({ method, url: '/x' }), method)
    for (const method of ['GET', 'HEAD', 'OPTIONS'] as const)
      assert.equal((await alice.send({ method, url: '/x' })).statusCode, 200, method)
  })

  it('never lets a visitor pass who has no session, and does one who has an anonymous one (F15, F29)', async (t) => {
    const { app, browser } = await build(t, {}, routes)
    for (const [headers, payload] of [
      [{}, {}],
      [{ 'x-csrf-token': '' }, {}],
      [{}, { csrfToken: '' }],
      [{}, { csrft: '' }]
    ] as const)
      assert.equal((await app.inject({ method: 'POST', url: '/x', headers, payload })).json().code, 'GS_CSRF')
    const visitor = browser()
    await visitor.visit('/')
    assert.equal((await visitor.post('/x', { csrfToken: await tokenOf(visitor) })).statusCode, 200)
  })

  it('has another token after each login and logout (F32)', async (t) => {
    const built = await build(t, {}, routes)
    await built.member('alice')
    const browser = built.browser()
    await browser.visit('/')
    const tokens = [await tokenOf(browser)]
    for (let time = 0; time < 2; time++) {
      await browser.post('/lwsgs/login', { username: 'alice', password })
      tokens.push(await tokenOf(browser))
      await browser.post('/lwsgs/logout')
      tokens.push(await tokenOf(browser))
    }
    assert.equal(new Set(tokens).size, 5)
    const current = tokens.pop()!
    for (const former of tokens) assert.equal((await browser.post('/x', { csrfToken: former })).json().code, 'GS_CSRF')
    assert.equal((await browser.post('/x', { csrfToken: current })).statusCode, 200)
  })

  it('knows the tokens of an older key of the ring', async (t) => {
    const first = await build(t, { keys: [keys[1]] }, routes)
    const alice = await first.member('alice')
    const token = await tokenOf(alice)
    const second = await build(t, { keys, database: { sqlite: first.databasePath } }, routes)
    const answer = (csrfToken: string) =>
      second.app.inject({ method: 'POST', url: '/x', headers: { cookie: `gs=${alice.token}` }, payload: { csrfToken } })
    assert.equal((await answer(token)).statusCode, 200)
  })

  it('cannot be asked by a hook that runs before the body is read', async (t) => {
    const { app } = await build(t)
    assert.throws(
      () => app.gs.requirePolicy({ csrf: true }, 'the cellar'),
      (error) => error instanceof GsOptionError && /the policy of the cellar has csrf.*config/.test(error.message)
    )
  })
})
