import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLocalJWKSet, jwtVerify, type JSONWebKeySet } from 'jose'
import { Browser, Clock, issuer, startSite } from './testing/site.ts'

test('pages learn who is logged in, the claim csrf, and when it is over', async (t) => {
  const clock = new Clock()
  const app = await startSite(t, { now: clock.now })
  const ann = new Browser(app)
  const nobody = await ann.get('/jwt/session')
  assert.deepEqual(nobody.json(), { sub: null, csrf: null, expiresAt: null, expiresIn: null, lifetime: null, renewUntil: null })
  await ann.login('ann')
  clock.forward(200)
  const answer = await ann.get('/jwt/session')
  const { csrf, ...rest } = answer.json()
  assert.match(csrf, /^[0-9a-f]{16}$/)
  assert.deepEqual(rest, { sub: 'ann', expiresAt: clock.at + 1_000_000, expiresIn: 1_000_000, lifetime: 1_200_000, renewUntil: null })
  assert.equal(answer.headers['cache-control'], 'no-store')
  assert.equal(answer.headers.vary, 'Cookie')
  clock.forward(1000)
  assert.equal((await ann.get('/jwt/session')).json().sub, null)
})

test('pages of other sites learn nothing', async (t) => {
  const app = await startSite(t)
  const ann = new Browser(app)
  await ann.login('ann')
  for (const site of ['cross-site', 'same-site']) {
    const answer = await ann.get('/jwt/session', { 'sec-fetch-site': site })
    assert.equal(answer.json().code, 'GS_JWT_CROSS_SITE')
  }
  for (const site of ['same-origin', 'none']) assert.equal((await ann.get('/jwt/session', { 'sec-fetch-site': site })).json().sub, 'ann')
})

test('renewing needs the claim, and tells until when it can be done', async (t) => {
  const clock = new Clock()
  const app = await startSite(t, { now: clock.now, renewFor: 7200 })
  const ann = new Browser(app)
  await ann.login('ann')
  const login = clock.at
  assert.equal((await ann.post('/jwt/renew')).json().code, 'GS_JWT_CSRF')
  assert.equal((await new Browser(app).post('/jwt/renew')).json().code, 'GS_JWT_REQUIRED')
  clock.forward(60)
  const before = await ann.csrf()
  const renewed = await ann.post('/jwt/renew', {}, { 'x-jwt-csrf': before })
  const { csrf, ...rest } = renewed.json()
  assert.notEqual(csrf, before)
  const whole = 1_200_000
  assert.deepEqual(rest, { sub: 'ann', expiresAt: clock.at + whole, expiresIn: whole, lifetime: whole, renewUntil: login + 7_200_000 })
  assert.equal(renewed.headers['cache-control'], 'no-store')
  assert.equal(await ann.csrf(), csrf)
})

test('the public keys are there for others, and nothing secret', async (t) => {
  const app = await startSite(t)
  const answer = await app.inject('/.well-known/jwks.json')
  assert.match(String(answer.headers['content-type']), /^application\/jwk-set\+json/)
  assert.equal(answer.headers['cache-control'], 'public, max-age=300')
  assert.equal(answer.headers['access-control-allow-origin'], '*')
  const set = answer.json<JSONWebKeySet>()
  assert.deepEqual(Object.keys(set.keys[0]!).sort(), ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'])
  const { token } = await app.jwtCookie.sign({ sub: 'ann' })
  const { payload } = await jwtVerify(token, createLocalJWKSet(set), { issuer, audience: issuer, typ: 'session+jwt' })
  assert.equal(payload.sub, 'ann')
  const again = await app.inject({ url: '/.well-known/jwks.json', headers: { 'if-none-match': String(answer.headers.etag) } })
  assert.deepEqual([again.statusCode, again.body], [304, ''])
})

test('there are no keys to publish when verifier and signer have the same secret', async (t) => {
  const { randomBytes } = await import('node:crypto')
  const app = await startSite(t, { alg: 'HS256', keys: { jwk: { kty: 'oct', k: randomBytes(32).toString('base64url'), alg: 'HS256' } } })
  assert.equal((await app.inject('/.well-known/jwks.json')).statusCode, 404)
})

test('the routes can be elsewhere, or nowhere', async (t) => {
  const elsewhere = await startSite(t, { prefix: '/auth/token', jwks: '/keys.json' })
  assert.equal((await elsewhere.inject('/auth/token/session')).statusCode, 200)
  assert.equal((await elsewhere.inject('/keys.json')).statusCode, 200)
  assert.equal((await elsewhere.inject('/jwt/session')).statusCode, 404)
  const nowhere = await startSite(t, { sessionRoutes: false, jwks: false, renewFor: 60 })
  for (const url of ['/jwt/session', '/jwt/renew', '/.well-known/jwks.json']) {
    assert.equal((await nowhere.inject({ method: url.endsWith('renew') ? 'POST' : 'GET', url })).statusCode, 404, url)
  }
})
