import assert from 'node:assert/strict'
import { inspect } from 'node:util'
import { test } from 'node:test'
import type { KeyRing } from './index.ts'
import { loadKeys } from './index.ts'
import { Browser, Clock, keyFor, startSite } from './testing/site.ts'

test('the cookie of another name, and one given twice, are nobody', async (t) => {
  const app = await startSite(t)
  const { token } = await app.jwtCookie.sign({ sub: 'ann' })
  const who = async (cookie: string) => (await app.inject({ url: '/who', headers: { cookie } })).json<{ sub: string | null }>().sub
  assert.equal(await who(`a=b; __Host-session=${token}; c=d`), 'ann')
  assert.equal(await who(`a=b;__Host-session=${token}`), 'ann')
  for (const cookie of [
    `session=${token}`,
    `__Secure-session=${token}`,
    `__host-session=${token}`,
    `x__Host-session=${token}`,
    `__Host-session="${token}"`,
    `__Host-session=${token}; __Host-session=${token}`,
    `__Host-session=; __Host-session=${token}`,
    `\u00a0__Host-session=${token}`,
    `__Host-session =${token}`
  ])
    assert.equal(await who(cookie), null, cookie.slice(0, 20))
})

test('an unprefixed twin does not shadow the cookie', async (t) => {
  const app = await startSite(t)
  const [ann, eve] = await Promise.all(['ann', 'eve'].map((sub) => app.jwtCookie.sign({ sub })))
  const cookie = `session=${eve!.token}; __Host-session=${ann!.token}; __Secure-session=${eve!.token}`
  assert.equal((await app.inject({ url: '/who', headers: { cookie } })).json().sub, 'ann')
})

test('Authorization counts only where it was allowed, and never against the cookie', async (t) => {
  const closed = await startSite(t)
  const open = await startSite(t, { bearer: true })
  const [ann, bob] = await Promise.all(['ann', 'bob'].map((sub) => open.jwtCookie.sign({ sub })))
  const who = async (app: typeof open, headers: Record<string, string>) =>
    (await app.inject({ url: '/who', headers })).json<{ sub: string }>().sub
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
  const cookie = { cookie: `__Host-session=${ann!.token}` }
  assert.equal(await who(closed, bearer(ann!.token)), null)
  assert.equal(await who(closed, { ...bearer(bob!.token), ...cookie }), 'ann')
  assert.equal(await who(open, bearer(ann!.token)), 'ann')
  assert.equal(await who(open, { authorization: `bearer  ${ann!.token} ` }), 'ann')
  assert.equal(await who(open, { ...bearer(ann!.token), ...cookie }), 'ann')
  assert.equal(await who(open, { ...bearer(bob!.token), ...cookie }), null)
  assert.equal(await who(open, { authorization: `Basic ${ann!.token}` }), null)
  assert.equal(await who(open, { authorization: `Bearer ${ann!.token} x` }), null)
})

test('a token that was verified is not verified again, and a request without token asks nobody', async (t) => {
  const ring = await loadKeys({ jwk: await keyFor('ES256') }, { alg: 'ES256' })
  let asked = 0
  const keys: KeyRing = {
    ...ring,
    find(kid, now) {
      asked++
      return ring.find(kid, now)
    }
  }
  const app = await startSite(t, { keys })
  const ann = new Browser(app)
  await ann.get('/who')
  assert.equal(asked, 0)
  await ann.login('ann')
  await Promise.all([1, 2, 3].map(() => ann.get('/who')))
  await ann.get('/who')
  assert.equal(asked, 1)

  asked = 0
  const uncached = await startSite(t, { keys, cache: 0 })
  const bob = new Browser(uncached)
  await bob.login('bob')
  await bob.get('/who')
  await bob.get('/who')
  assert.equal(asked, 2)
})

test('request.jwt can be logged and answered: the token does not show', async (t) => {
  const shown: string[] = []
  const app = await startSite(t)
  app.addHook('onRequest', async ({ jwt }) => void shown.push(inspect(jwt, { depth: 9, showHidden: true })))
  app.get('/json', ({ jwt }) => jwt)
  const { token, csrf } = await app.jwtCookie.sign({ sub: 'ann' })
  shown.push((await app.inject({ url: '/json', headers: { cookie: `__Host-session=${token}` } })).body)
  assert.equal(shown.length, 2)
  for (const text of shown) {
    assert.ok(text.includes(csrf))
    assert.ok(!text.includes(token.split('.')[2]!))
  }
})

test('nobody becomes somebody else by what a handler assigns', async (t) => {
  const app = await startSite(t)
  app.post('/me', { onRequest: app.requireJwt() }, ({ body, jwt }) => {
    assert.throws(() => Object.assign(jwt!, body), TypeError)
    return { sub: jwt!.sub }
  })
  const ann = new Browser(app)
  await ann.login('ann')
  for (const body of [{ claims: { sub: 'root' } }, { expiresAt: 1e15 }, { sub: 'root' }])
    assert.deepEqual((await ann.post('/me', body)).json(), { sub: 'ann' })
})

test('the log says why a token is not accepted, and neither token nor claims', async (t) => {
  const lines: string[] = []
  const clock = new Clock()
  const app = await startSite(t, { now: clock.now }, undefined, { write: (line: string) => void lines.push(line) })
  const { token } = await app.jwtCookie.sign({ sub: 'ann-the-subject', expiresIn: 60 })
  const foreign = await startSite(t, { now: clock.now, iss: 'https://evil.example' })
  const cookies = [(await foreign.jwtCookie.sign({ sub: 'ann-the-subject' })).token, 'x.y.z', `${token}x`]
  for (const value of cookies) await app.inject({ url: '/who', headers: { cookie: `__Host-session=${value}` } })
  const reasons = lines.map((line) => (JSON.parse(line) as { jwt?: string }).jwt).filter((reason) => reason !== undefined)
  assert.deepEqual(reasons, ['iss', 'malformed', 'malformed'])
  const log = lines.join('')
  for (const secret of [token.split('.')[2]!, 'ann-the-subject']) assert.ok(!log.includes(secret))
})

test('with a session of fastify-gs of somebody else in the same browser there is no token', async (t) => {
  let account: { id: string; username: string; email: string | null } | null = null
  const app = await startSite(t, {}, (early) => {
    early.decorateRequest('gs', null as never)
    early.addHook('onRequest', async (request) => void ((request as unknown as { gs: object }).gs = { account }))
  })
  const ann = new Browser(app)
  await ann.login('a1')
  const who = async () => (await ann.get('/who')).json<{ sub: string | null }>().sub
  assert.equal(await who(), 'a1')
  account = { id: 'b2', username: 'bob', email: 'bob@example.com' }
  assert.equal(await who(), null)
  account = { id: 'a1', username: 'ann', email: null }
  assert.equal(await who(), 'a1')
})
