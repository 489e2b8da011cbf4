import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { memoryDenylist, type Denylist } from './index.ts'
import { Browser, Clock, startSite } from './testing/site.ts'

test('processes whose clocks differ deny what the other one has issued, and not what comes later', async (t) => {
  const [clock, late] = [new Clock(), new Clock()]
  late.forward(-5)
  const denylist = memoryDenylist()
  const first = await startSite(t, { now: clock.now, denylist, clockTolerance: 10 })
  const second = await startSite(t, { now: late.now, denylist, clockTolerance: 10 })
  const [ann, elsewhere] = [new Browser(first), new Browser(second)]
  elsewhere.cookies = ann.cookies
  const status = async () => [(await ann.get('/members')).statusCode, (await elsewhere.get('/members')).statusCode]

  for (const [login, denying] of [
    [ann, second],
    [elsewhere, first],
    [ann, first],
    [elsewhere, second],
    [ann, second],
    [elsewhere, second]
  ] as const) {
    await login.login('ann')
    assert.deepEqual(await status(), [200, 200])
    await denying.jwtCookie.deny({ sub: 'ann' })
    assert.deepEqual(await status(), [401, 401])
  }
})

test('a token that was issued ahead of the clock can be denied alone, too', async (t) => {
  const clock = new Clock()
  const denylist = memoryDenylist()
  await denylist.deny({ sub: 'ann', before: clock.at + 30_000, until: clock.at + 90_000_000 })
  const app = await startSite(t, { now: clock.now, denylist })
  const ann = new Browser(app)
  await ann.login('ann')
  assert.equal((await ann.get('/members')).statusCode, 200)
  await ann.post('/logout', {})
  await ann.login('ann')
  const { jwt } = (await app.jwtCookie.verify(ann.cookies.get('__Host-session')!)) as { jwt: { claims: { jti: string } } }
  await app.jwtCookie.deny({ jti: jwt.claims.jti })
  assert.equal((await ann.get('/members')).statusCode, 401)
})

test('however many are denied in an instant, nobody waits for it', async (t) => {
  const clock = new Clock()
  const denylist = memoryDenylist()
  const sites = await Promise.all([1, 2].map(() => startSite(t, { now: clock.now, denylist, clockTolerance: 30 })))
  for (let turn = 0; turn < 200; turn++) {
    const [app, other] = turn % 2 === 0 ? sites : sites.toReversed()
    const sub = `user-${turn % 3}`
    const { token } = await other!.jwtCookie.sign({ sub })
    await app!.jwtCookie.deny({ sub })
    assert.deepEqual(await app!.jwtCookie.verify(token), { ok: false, reason: 'denied' })
    const { claims } = await app!.jwtCookie.sign({ sub })
    assert.ok(claims.iat * 1000 <= clock.at + 40_000, `${turn}: ${claims.iat * 1000 - clock.at} ms ahead`)
  }
})

test('who is denied for long gets no token that would be denied at once', async (t) => {
  const clock = new Clock()
  const denylist = memoryDenylist()
  await denylist.deny({ sub: 'ann', before: clock.at + 3_600_000, until: clock.at + 90_000_000 })
  const app = await startSite(t, { now: clock.now, denylist })
  await assert.rejects(app.jwtCookie.sign({ sub: 'ann' }), { code: 'GS_JWT_SIGN', fault: 'denied' })
  clock.forward(3601)
  const ann = new Browser(app)
  await ann.login('ann')
  assert.equal((await ann.get('/members')).statusCode, 200)
})

for (const [what, act] of [
  ['a logout', '/logout'],
  ['a denial of the subject', '/lock']
] as const) {
  test(`what is renewed while ${what} is being written is denied by it`, async (t) => {
    const list = memoryDenylist()
    const reached = Promise.withResolvers<void>()
    const go = Promise.withResolvers<void>()
    // A database that is some way off: what is written is there a while later.
    const denylist: Denylist = {
      async deny(denial, now) {
        reached.resolve()
        await go.promise
        await list.deny(denial, now)
      },
      deniedBefore: async (token, now) => list.deniedBefore(token, now)
    }
    const app = await startSite(t, { denylist, renewFor: 3600 })
    app.post('/lock', () => app.jwtCookie.deny({ sub: 'ann' }))
    const [ann, thief] = [new Browser(app), new Browser(app)]
    await ann.login('ann')
    thief.cookies = new Map(ann.cookies)
    const csrf = await thief.csrf()
    const ending = ann.post(act)
    await reached.promise
    await wait(5)
    assert.equal((await thief.post('/jwt/renew', {}, { 'x-jwt-csrf': csrf })).statusCode, 200)
    assert.notEqual(thief.cookies.get('__Host-session'), ann.cookies.get('__Host-session'))
    go.resolve()
    assert.equal((await ending).statusCode, 200)
    assert.equal((await thief.get('/members')).statusCode, 401)
    await ann.login('ann')
    assert.equal((await ann.get('/members')).statusCode, 200)
  })
}

test('what names nobody is no denial', async (t) => {
  const app = await startSite(t)
  for (const what of [null, undefined, {}, { sub: '' }, { sub: 1 }, { sid: null }, { sub: 'ann', jti: 'x' }, { user: 'ann' }, 'ann'])
    await assert.rejects(app.jwtCookie.deny(what as never), {
      name: 'TypeError',
      message: 'A denial names one thing: a jti, a sub or a sid.'
    })
})
