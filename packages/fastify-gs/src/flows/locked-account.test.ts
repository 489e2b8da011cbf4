import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { openAdministration, type Administration } from '../admin/administration.ts'
import { build, password, type Browser } from '../testing/build.ts'

const locked = { statusCode: 403, code: 'GS_ACCOUNT_LOCKED' }

const facts = (response: Awaited<ReturnType<Browser['post']>>) => ({
  statusCode: response.statusCode,
  code: response.json<{ code?: string }>().code
})

async function withAdministration(t: TestContext) {
  const built = await build(t)
  const administration: Administration = await openAdministration({
    database: { sqlite: built.databasePath },
    now: () => built.clock.now
  })
  t.after(() => administration.close())
  const idOf = async (name: string) => (await administration.accounts.find(name))!.id
  return { ...built, ...administration.accounts, idOf }
}

describe('a locked account', () => {
  it('is told so with the right password only; with a wrong one it answers like any other', async (t) => {
    const { browser, idOf, lock, member, unlock } = await withAdministration(t)
    const alice = await member('alice')
    await lock(await idOf('alice'))
    assert.equal((await alice.get('/lwsgs/session')).json().mask, 0)
    const visitor = browser()
    for (const username of ['alice', 'alice@mail.test'])
      assert.deepEqual(facts(await visitor.post('/lwsgs/login', { username, password })), locked)
    const wrong = await visitor.post('/lwsgs/login', { username: 'alice', password: 'not the right one' })
    const unknown = await visitor.post('/lwsgs/login', { username: 'nobody', password: 'not the right one' })
    assert.deepEqual(wrong.json(), unknown.json())
    assert.equal(wrong.statusCode, 401)
    assert.equal((await visitor.get('/lwsgs/session')).json().mask, 0)
    await unlock(await idOf('alice'))
    assert.equal((await visitor.post('/lwsgs/login', { username: 'alice', password })).statusCode, 200)
  })

  it('gets no lost-password mail, and a link that was mailed before lets nobody in', async (t) => {
    const { browser, idOf, inbox, lock, member, unlock } = await withAdministration(t)
    await member('alice')
    await member('bob')
    const visitor = browser()
    await visitor.post('/lwsgs/forgot-password', { username: 'alice' })
    const token = await inbox.token('alice@mail.test', /Set a new/)
    await lock(await idOf('alice'))

    const seen = inbox.mails.length
    assert.equal((await visitor.post('/lwsgs/forgot-password', { username: 'alice' })).statusCode, 202)
    await visitor.post('/lwsgs/forgot-password', { username: 'bob' })
    await inbox.find('bob@mail.test', /Set a new/, seen)
    assert.deepEqual(
      inbox.mails.slice(seen).map(({ to }) => to),
      ['bob@mail.test']
    )

    assert.deepEqual(facts(await visitor.post('/lwsgs/forgot-password/redeem', { token })), locked)
    assert.equal((await visitor.get('/lwsgs/session')).json().mask, 0)
    await unlock(await idOf('alice'))
    assert.equal(facts(await visitor.post('/lwsgs/forgot-password/redeem', { token })).code, 'GS_LINK_USED')
  })

  it('cannot be verified until it is unlocked', async (t) => {
    const { browser, find, idOf, inbox, lock, unlock } = await withAdministration(t)
    const visitor = browser()
    await visitor.post('/lwsgs/register', { username: 'alice', email: 'a@mail.test', password })
    const token = await inbox.token('a@mail.test', /Confirm/)
    await lock(await idOf('alice'))
    const seen = inbox.mails.length
    assert.deepEqual(facts(await visitor.post('/lwsgs/verify-email', { token })), locked)
    await visitor.post('/lwsgs/verify-email/resend', { email: 'a@mail.test' })
    await visitor.post('/lwsgs/register', { username: 'bob', email: 'b@mail.test', password })
    await inbox.find('b@mail.test', /Confirm/)
    assert.equal(
      inbox.mails.slice(seen).some(({ to }) => to === 'a@mail.test'),
      false
    )
    assert.equal((await find('alice'))?.verified, false)

    await unlock(await idOf('alice'))
    assert.equal((await visitor.post('/lwsgs/verify-email', { token })).statusCode, 200)
  })
})
