import assert from 'node:assert/strict'
import { test } from 'node:test'
import { memoryDenylist } from './index.ts'
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
