import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { build } from '../testing/build.ts'

describe('time zone', () => {
  const setup = (t: Parameters<typeof build>[0], options: Parameters<typeof build>[1] = {}) =>
    build(t, options, (app) => void app.get('/zone', ({ gs }) => String(gs.client.timeZone)))

  it('is kept in a cookie that scripts can read, and told to the application from then on', async (t) => {
    const { browser } = await setup(t)
    const visitor = browser()
    assert.equal((await visitor.get('/zone')).body, 'null')
    const answer = await visitor.post('/lwsgs/time-zone', { timeZone: 'america/new_york' })
    assert.deepEqual([answer.statusCode, answer.json()], [200, { ok: true }])
    const [cookie] = answer.cookies
    assert.deepEqual(
      [cookie?.name, cookie?.value, cookie?.path, cookie?.sameSite, cookie?.httpOnly, cookie?.secure, cookie?.maxAge],
      ['gs-tz', 'America/New_York', '/', 'Lax', undefined, undefined, 31_536_000]
    )
    assert.equal((await visitor.get('/zone')).body, 'America/New_York')
  })

  it('is sent back over https only where the site is', async (t) => {
    const { browser } = await setup(t, { baseUrl: 'https://site.test', session: { cookieName: 'own' } })
    const [cookie] = (await browser().post('/lwsgs/time-zone', { timeZone: 'UTC' })).cookies
    assert.deepEqual([cookie?.name, cookie?.secure], ['own-tz', true])
  })

  it('is refused when there is none of this name', async (t) => {
    const { browser } = await setup(t)
    for (const timeZone of ['Mars/Olympus', '+01:00', '../etc/passwd', 'Europe/Berlin; a=b', ' ']) {
      const answer = await browser().post('/lwsgs/time-zone', { timeZone })
      assert.deepEqual([answer.statusCode, answer.json<{ field: string }>().field, answer.cookies], [400, 'timeZone', []], timeZone)
    }
  })

  it('is no use of the session', async (t) => {
    const { member, clock } = await setup(t)
    const alice = await member('alice')
    clock.advance(3000)
    await alice.post('/lwsgs/time-zone', { timeZone: 'UTC' })
    clock.advance(700)
    assert.equal((await alice.get('/lwsgs/session')).json<{ username: string | null }>().username, null)
  })

  it('can be sent by a form', async (t) => {
    const { browser } = await setup(t)
    const answer = await browser().form('/lwsgs/time-zone', { timeZone: 'Asia/Tokyo', next: '/zone' })
    assert.deepEqual([answer.statusCode, answer.headers.location], [303, '/zone'])
  })
})
