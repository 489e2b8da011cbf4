import assert from 'node:assert/strict'
import { createHmac, createPublicKey } from 'node:crypto'
import { test } from 'node:test'
import fastifyCookie from '@fastify/cookie'
import { decodeProtectedHeader, type JWK_EC_Private } from 'jose'
import { JwtSignError, JwtUnavailableError, loadKeys, memoryDenylist, signJwt, type Denylist } from './index.ts'
import { Browser, Clock, issuer, keyFor, startSite } from './testing/site.ts'

test('set gives a token to the browser, which comes back as request.jwt', async (t) => {
  const clock = new Clock()
  const app = await startSite(t, { now: clock.now })
  const ann = new Browser(app)
  const login = await ann.login('ann', { ext: { authorization: 1, role: 'admin' }, expiresIn: 600 })
  assert.match(
    String(login.headers['set-cookie']),
    /^__Host-session=[\w-]+\.[\w-]+\.[\w-]+; Max-Age=600; Path=\/; HttpOnly; Secure; SameSite=Lax$/
  )
  assert.equal(login.headers['cache-control'], 'no-store')
  assert.equal(login.json().expiresAt, clock.at + 600_000)
  assert.deepEqual((await ann.get('/who')).json(), { sub: 'ann', ext: { authorization: 1, role: 'admin' } })
})

test('cookies of the application stand beside ours, of which there is one, whoever comes first', async (t) => {
  for (const order of ['before', 'after', 'without'] as const) {
    const app = await startSite(t, {}, (site) => (order === 'before' ? site.register(fastifyCookie) : undefined))
    if (order === 'after') await app.register(fastifyCookie)
    app.get('/twice', async (_request, reply) => {
      if (order === 'without') reply.header('set-cookie', 'cart=7; Path=/')
      else reply.setCookie('cart', '7', { path: '/' })
      await app.jwtCookie.set(reply, { sub: 'bob' })
      await app.jwtCookie.set(reply, { sub: 'ann' })
      return 'done'
    })
    const ann = new Browser(app)
    const { cookies } = await ann.get('/twice')
    assert.deepEqual(cookies.map(({ name }) => name).sort(), ['__Host-session', 'cart'], order)
    assert.equal((await ann.get('/who')).json().sub, 'ann')
  }
})

test('the token has the claims of the document and no others', async (t) => {
  const clock = new Clock()
  const app = await startSite(t, { now: clock.now })
  const { claims, csrf, expiresAt, token } = await app.jwtCookie.sign({ sub: 'ann', ext: { authorization: 1 }, expiresIn: 600 })
  const iat = clock.at / 1000
  const { jti } = claims
  assert.deepEqual(claims, {
    iss: issuer,
    aud: issuer,
    iat,
    nbf: iat - 60,
    exp: iat + 600,
    sub: 'ann',
    jti,
    csrf,
    ext: { authorization: 1 }
  })
  assert.match(csrf, /^[0-9a-f]{16}$/)
  assert.equal(expiresAt, (iat + 600) * 1000)
  assert.deepEqual(JSON.parse(Buffer.from(token.split('.')[1]!, 'base64url').toString()), claims)
  const again = await app.jwtCookie.sign({ sub: 'ann' })
  assert.notEqual(again.csrf, csrf)
  assert.notEqual(again.claims.jti, jti)
})

test('in the handler that sets it, request.jwt is the new token already', async (t) => {
  const app = await startSite(t)
  app.post('/enter', async (request, reply) => {
    const { jwt: before } = request
    assert.equal(before, null)
    const { csrf } = await app.jwtCookie.set(reply, { sub: 'ann' })
    assert.equal(app.jwtCookie.csrfInput(request), `<input type="hidden" name="csrf" value="${csrf}">`)
    assert.equal(app.jwtCookie.csrfUrl(request, '/delete?id=1#top'), `/delete?id=1&csrf=${csrf}#top`)
    return { sub: request.jwt?.sub, good: await request.jwt?.stillValid() }
  })
  assert.deepEqual((await app.inject({ method: 'POST', url: '/enter' })).json(), { sub: 'ann', good: true })
})

test('for development over plain http the cookie has neither Secure nor the prefix', async (t) => {
  const app = await startSite(t, { secure: false, sameSite: 'strict' })
  const ann = new Browser(app)
  assert.match(
    String((await ann.login('ann')).headers['set-cookie']),
    /^session=[\w.-]+; Max-Age=1200; Path=\/; HttpOnly; SameSite=Strict$/
  )
  assert.equal((await ann.get('/who')).json().sub, 'ann')
})

test('what an application has chosen for its own cookies is not for this one', async (t) => {
  for (const parseOptions of [
    { domain: 'example.com' },
    { signed: true },
    { expires: new Date(0) },
    { encode: (value: string) => `~${value}` }
  ]) {
    const app = await startSite(t, {}, (site) => site.register(fastifyCookie, { secret: 'of the application', parseOptions }))
    const ann = new Browser(app)
    assert.match(
      String((await ann.login('ann')).headers['set-cookie']),
      /^__Host-session=ey[\w.-]+; Max-Age=1200; Path=\/; HttpOnly; Secure; SameSite=Lax$/
    )
    assert.equal((await ann.get('/who')).json().sub, 'ann')
    assert.match(
      String((await ann.post('/logout')).headers['set-cookie']),
      /^__Host-session=; Max-Age=0; Path=\/; HttpOnly; Secure; SameSite=Lax$/
    )
  }
})

test('a token that a browser would drop is refused when it is signed', async (t) => {
  const app = await startSite(t, { ext: { maxBytes: 8000 } })
  await assert.rejects(app.jwtCookie.sign({ sub: 'ann', ext: { text: 'x'.repeat(3500) } }), (error: JwtSignError) => {
    assert.equal(error.fault, 'too-large')
    assert.match(error.message, /^The token has \d+ bytes, and 4082 is the limit; put less into ext/)
    return true
  })
  const longest = await app.jwtCookie.sign({ sub: 'ann', ext: { text: 'x'.repeat(2650) } })
  assert.ok(longest.token.length + '__Host-session'.length <= 4096)
})

test('logging out denies the token, and takes the cookie away', async (t) => {
  const app = await startSite(t)
  const ann = new Browser(app)
  const thief = new Browser(app)
  await ann.login('ann')
  for (const [name, value] of ann.cookies) thief.cookies.set(name, value)
  assert.match(
    String((await ann.post('/logout')).headers['set-cookie']),
    /^__Host-session=; Max-Age=0; Path=\/; HttpOnly; Secure; SameSite=Lax$/
  )
  assert.equal(ann.cookies.size, 0)
  assert.equal((await thief.get('/members')).statusCode, 401)
  assert.equal((await thief.get('/who')).json().sub, null)
})

test('one token of somebody is denied, or all that were issued until now; a login in the same instant counts', async (t) => {
  const clock = new Clock()
  const app = await startSite(t, { now: clock.now })
  const [first, second, bob] = [new Browser(app), new Browser(app), new Browser(app)]
  await first.login('ann')
  await second.login('ann')
  await bob.login('bob')
  const verified = await app.jwtCookie.verify([...first.cookies.values()][0]!)
  assert.ok(verified.ok)
  await app.jwtCookie.deny({ jti: verified.jwt.claims.jti! })
  assert.equal((await first.get('/members')).statusCode, 401)
  assert.equal((await second.get('/members')).statusCode, 200)
  await app.jwtCookie.deny({ sub: 'ann' })
  assert.equal((await second.get('/members')).statusCode, 401)
  assert.equal((await bob.get('/members')).statusCode, 200)
  await second.login('ann')
  assert.equal((await second.get('/members')).statusCode, 200)
  assert.deepEqual(await app.jwtCookie.verify([...first.cookies.values()][0]!), { ok: false, reason: 'denied' })
})

test('a login counts though another process, whose clock is ahead, has denied everything before', async (t) => {
  const clock = new Clock()
  const denylist: Denylist = { deny: () => undefined, deniedBefore: async ({ sub }) => (sub === 'ann' ? clock.at + 5000 : 0) }
  const app = await startSite(t, { now: clock.now, denylist })
  const ann = new Browser(app)
  await ann.login('ann')
  assert.equal((await ann.get('/members')).statusCode, 200)
})

test('a login is renewed with the same content, until its time is over', async (t) => {
  const clock = new Clock()
  const app = await startSite(t, { now: clock.now, renewFor: 3600 })
  const ann = new Browser(app)
  await ann.login('ann', { ext: { role: 'editor' } })
  const former = ann.cookies.get('__Host-session')!
  const renew = async () => ann.post('/jwt/renew', {}, { 'x-jwt-csrf': await ann.csrf() })

  clock.forward(1100)
  const renewed = await renew()
  assert.equal(renewed.statusCode, 200)
  assert.equal(renewed.json().expiresAt, clock.at + 1_200_000)
  assert.notEqual(ann.cookies.get('__Host-session'), former)
  assert.deepEqual((await ann.get('/who')).json(), { sub: 'ann', ext: { role: 'editor' } })
  const parallel = new Browser(app)
  parallel.cookies.set('__Host-session', former)
  assert.equal((await parallel.get('/members')).statusCode, 200, 'the former one goes on to its end')

  clock.forward(1100)
  await renew()
  clock.forward(1100)
  const last = await renew()
  assert.equal(last.json().expiresIn, 300_000, 'it ends with the time of the login')
  clock.forward(299.5)
  const late = await renew()
  assert.equal(late.statusCode, 403)
  assert.equal(late.json().code, 'GS_JWT_RENEWAL')
  clock.forward(1)
  assert.equal((await ann.get('/members')).statusCode, 401)
})

test('logging out denies all that were renewed from the same login, and nothing of another one', async (t) => {
  const app = await startSite(t, { renewFor: 3600 })
  const [laptop, phone, thief] = [new Browser(app), new Browser(app), new Browser(app)]
  await laptop.login('ann')
  await phone.login('ann')
  thief.cookies.set('__Host-session', laptop.cookies.get('__Host-session')!)
  await thief.post('/jwt/renew', {}, { 'x-jwt-csrf': await thief.csrf() })
  await laptop.post('/logout')
  assert.equal((await thief.get('/members')).statusCode, 401)
  assert.equal((await phone.get('/members')).statusCode, 200)
})

test('what is denied while it is being renewed does not come back', async (t) => {
  let deniedUntil = 0
  const clock = new Clock()
  const denylist: Denylist = { deny: () => undefined, deniedBefore: () => deniedUntil }
  const app = await startSite(t, { now: clock.now, renewFor: 3600, denylist })
  app.post('/renew-late', async (request, reply) => {
    clock.forward(1)
    const renewing = app.jwtCookie.renew(request, reply)
    deniedUntil = clock.at - 500
    await renewing
  })
  const ann = new Browser(app)
  await ann.login('ann')
  const response = await ann.post('/renew-late')
  assert.equal(response.json().code, 'GS_JWT_REQUIRED')
  assert.equal(response.headers['set-cookie'], undefined)
})

test('without the option nothing is renewed', async (t) => {
  const app = await startSite(t)
  app.post('/renew', (request, reply) => app.jwtCookie.renew(request, reply))
  const ann = new Browser(app)
  assert.equal((await ann.post('/renew')).json().code, 'GS_JWT_REQUIRED')
  await ann.login('ann')
  assert.equal((await ann.post('/renew')).json().code, 'GS_JWT_RENEWAL')
  assert.equal((await ann.post('/jwt/renew')).statusCode, 404)
})

test('stillValid says when the time is over, or somebody has denied it', async (t) => {
  const clock = new Clock()
  const app = await startSite(t, { now: clock.now })
  app.post('/slow', { onRequest: app.requireJwt() }, async ({ jwt }) => {
    const answers = [await jwt!.stillValid()]
    await app.jwtCookie.deny({ sub: 'bob' })
    answers.push(await jwt!.stillValid())
    clock.forward(1200)
    answers.push(await jwt!.stillValid())
    return answers
  })
  const [ann, bob] = [new Browser(app), new Browser(app)]
  await ann.login('ann')
  await bob.login('bob')
  assert.deepEqual((await bob.post('/slow')).json(), [true, false, false])
  clock.forward(-1200)
  assert.deepEqual((await ann.post('/slow')).json(), [true, true, false])
})

test('a service with public keys verifies, and cannot sign', async (t) => {
  const jwk = await keyFor('ES256')
  const issuing = await startSite(t, { keys: { jwk } })
  const { keys } = (await issuing.inject('/.well-known/jwks.json')).json<{ keys: [object] }>()
  const service = await startSite(t, { keys: { jwk: keys[0] }, bearer: true })
  const { token } = await issuing.jwtCookie.sign({ sub: 'ann' })
  const response = await service.inject({ url: '/members', headers: { authorization: `Bearer ${token}` } })
  assert.equal(response.body, 'ann')
  await assert.rejects(service.jwtCookie.sign({ sub: 'ann' }), { code: 'GS_JWT_SIGN', fault: 'no-key' })
})

test('a ring made elsewhere is taken as it is', async (t) => {
  const keys = await loadKeys({ jwk: await keyFor('ES256') }, { alg: 'ES256' })
  const app = await startSite(t, { keys })
  const { token } = await signJwt({ sub: 'ann' }, { keys, iss: issuer, aud: issuer })
  assert.equal((await app.inject({ url: '/members', headers: { cookie: `__Host-session=${token}` } })).body, 'ann')
})

test('the algorithm of the key that signs is the one that was said', async (t) => {
  await assert.rejects(startSite(t, { alg: 'ES512' }), /JwtOptionError: fastify-gs-jwt: the option alg is ES512, but the key that signs/)
})

test('a rotation to another algorithm does not keep a server from starting, neither before its date nor after it', async (t) => {
  const clock = new Clock()
  const signsFrom = clock.at + 3_600_000
  const keys = [{ jwk: await keyFor('ES512'), signsFrom }, { jwk: await keyFor('ES256') }]
  const algOf = async () => {
    const app = await startSite(t, { keys, alg: 'ES512', now: clock.now })
    return decodeProtectedHeader((await app.jwtCookie.sign({ sub: 'ann' })).token).alg
  }
  assert.equal(await algOf(), 'ES256')
  // Nobody is told only at the next start after the date.
  await assert.rejects(startSite(t, { keys, now: clock.now }), /the option alg is ES256, but the key that signs, or will/)
  clock.at = signsFrom
  assert.equal(await algOf(), 'ES512')
})

test('denials that cannot be asked let nobody in, and log nobody out', async (t) => {
  let down = false
  const ask = () => {
    if (down) throw new JwtUnavailableError('the database is away')
    return 0
  }
  for (const deniedBefore of [ask, async () => ask()]) {
    down = false
    const app = await startSite(t, { denylist: { deny: () => undefined, deniedBefore } })
    const ann = new Browser(app)
    await ann.login('ann')
    down = true
    const refused = await ann.get('/members')
    assert.equal(refused.statusCode, 503)
    assert.equal(refused.json().code, 'GS_JWT_UNAVAILABLE')
    assert.equal(refused.headers['set-cookie'], undefined)
    assert.equal((await ann.get('/who')).json().sub, null)
    assert.equal((await ann.get('/jwt/session')).json().code, 'GS_JWT_UNAVAILABLE')
    down = false
    assert.equal((await ann.get('/members')).statusCode, 200)
  }
})

test('nobody is told that he is logged out, or logged in, while denials can be neither asked nor written', async (t) => {
  let [asking, writing] = [true, true]
  const place = 'The denials in postgres://10.0.0.3/secret are out of reach.'
  const list = memoryDenylist()
  const denylist: Denylist = {
    async deny(denial, now) {
      if (!writing) throw new JwtUnavailableError(place)
      await list.deny(denial, now)
    },
    async deniedBefore(token, now) {
      if (!asking) throw new JwtUnavailableError(place)
      return list.deniedBefore(token, now)
    }
  }
  const lines: string[] = []
  const app = await startSite(t, { denylist }, undefined, { write: (line) => void lines.push(line) })
  app.get('/long', async ({ jwt }) => {
    asking = false
    return { good: await jwt!.stillValid() }
  })
  const [ann, bob] = [new Browser(app), new Browser(app)]
  await ann.login('ann')
  const unavailable = {
    statusCode: 503,
    code: 'GS_JWT_UNAVAILABLE',
    error: 'Service Unavailable',
    message: 'Logins cannot be checked at the moment. Please try again.'
  }

  asking = false
  assert.deepEqual((await ann.post('/logout')).json(), unavailable)
  assert.deepEqual((await bob.login('bob')).json(), unavailable)
  asking = true
  writing = false
  assert.deepEqual((await ann.post('/logout')).json(), unavailable)
  assert.equal((await ann.get('/members')).statusCode, 200)
  assert.deepEqual((await ann.get('/long')).json(), unavailable)
  // Whoever looks for the reason finds it in the log.
  assert.ok(lines.some((line) => line.includes(place)))

  asking = true
  writing = true
  const former = new Map(ann.cookies)
  assert.equal((await ann.post('/logout')).statusCode, 200)
  assert.equal(ann.cookies.size, 0)
  ann.cookies = former
  assert.equal((await ann.get('/members')).statusCode, 401)
})

test('other faults of a denylist are faults of the server', async (t) => {
  const deniedBefore = () => {
    throw new Error('broken')
  }
  const app = await startSite(t, { denylist: { deny: () => undefined, deniedBefore } })
  const { token } = await signJwt(
    { sub: 'ann' },
    { keys: await loadKeys({ jwk: await keyFor('ES256') }, { alg: 'ES256' }), iss: issuer, aud: issuer }
  )
  assert.equal((await app.inject({ url: '/who', headers: { cookie: `__Host-session=${token}` } })).statusCode, 500)
})

test('a token made with the public key as a secret is refused', async (t) => {
  const app = await startSite(t)
  const { d: _private, ...open } = (await keyFor('ES256')) as JWK_EC_Private
  const spki = createPublicKey({ key: open, format: 'jwk' }).export({ format: 'pem', type: 'spki' })
  const good = (await app.jwtCookie.sign({ sub: 'ann' })).token
  const [head, body] = good.split('.')
  const { kid, typ } = JSON.parse(Buffer.from(head!, 'base64url').toString()) as Record<string, string>
  const forged = `${Buffer.from(JSON.stringify({ alg: 'HS256', kid, typ })).toString('base64url')}.${body}`
  const token = `${forged}.${createHmac('sha256', spki).update(forged).digest('base64url')}`
  assert.deepEqual(await app.jwtCookie.verify(token), { ok: false, reason: 'alg' })
  assert.equal((await app.inject({ url: '/members', headers: { cookie: `__Host-session=${token}` } })).statusCode, 401)
})
