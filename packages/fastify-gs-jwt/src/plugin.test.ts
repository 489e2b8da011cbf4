import assert from 'node:assert/strict'
import { test } from 'node:test'
import Fastify from 'fastify'
import { exportJWK, generateKeyPair } from 'jose'
import fastifyGsJwt from './index.ts'

test('a token that was set comes back as request.jwt', async (t) => {
  const { privateKey } = await generateKeyPair('ES512', { extractable: true })
  const app = Fastify()
  t.after(() => app.close())
  const jwk = await exportJWK(privateKey)
  await app.register(fastifyGsJwt, {
    keys: { jwk },
    alg: 'ES512',
    iss: 'https://example.com',
    aud: 'https://example.com',
    cookieName: 'session',
    renewFor: 3600
  })
  app.post('/login', async (_request, reply) => {
    const { expiresAt } = await app.jwtCookie.set(reply, { sub: 'ann', ext: { authorization: 1 } })
    return { expiresAt }
  })
  app.get('/who', { onRequest: app.requireJwt() }, ({ jwt }) => ({ sub: jwt?.sub, ext: jwt?.ext }))
  app.post('/act', { onRequest: app.requireJwt({ csrf: true }) }, ({ jwt }) => jwt?.sub)
  app.post('/logout', async (request, reply) => {
    await app.jwtCookie.end(request, reply)
    return {}
  })
  const login = await app.inject({ method: 'POST', url: '/login' })
  const [cookie] = String(login.headers['set-cookie']).split(';')
  assert.match(String(login.headers['set-cookie']), /^__Host-session=[\w.-]+; Max-Age=1200; Path=\/; HttpOnly; Secure; SameSite=Lax$/)
  const headers = { cookie: cookie! }
  assert.deepEqual((await app.inject({ url: '/who', headers })).json(), { sub: 'ann', ext: { authorization: 1 } })
  assert.equal((await app.inject({ url: '/who' })).statusCode, 401)
  const { csrf } = (await app.inject({ url: '/jwt/session', headers })).json()
  assert.equal((await app.inject({ method: 'POST', url: '/act', headers, payload: {} })).json().code, 'GS_JWT_CSRF')
  assert.equal((await app.inject({ method: 'POST', url: '/act', headers, payload: { csrf } })).statusCode, 200)
  const renewed = await app.inject({ method: 'POST', url: '/jwt/renew', headers: { ...headers, 'x-jwt-csrf': csrf } })
  const [second] = String(renewed.headers['set-cookie']).split(';')
  assert.notEqual(second, cookie)
  assert.equal((await app.inject({ url: '/who', headers: { cookie: second! } })).statusCode, 200)
  await app.inject({ method: 'POST', url: '/logout', headers })
  assert.equal((await app.inject({ url: '/who', headers })).statusCode, 401)
  assert.equal((await app.inject({ url: '/who', headers: { cookie: second! } })).statusCode, 401)
})
