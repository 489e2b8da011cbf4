import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { AccountEvent } from '../hooks.ts'
import { enqueueEvent } from '../mail/account-events.ts'
import { build, password } from '../testing/build.ts'
import { engines } from '../testing/databases.ts'
import { TestOutbox } from '../testing/outbox.ts'
import { Queue } from '../testing/queue.ts'

describe('an application', () => {
  it('hears of accounts that are created, verified and deleted, once the change is written', async (t) => {
    const heard = new Queue<AccountEvent>()
    const { app, member, clock } = await build(t)
    app.gs.onAccountEvent((event) => heard.push(event))
    const alice = await member('Alice', 'Alice@mail.test')
    const created = await heard.next()
    const verified = await heard.next()
    const facts = { at: clock.now, accountId: created.accountId, username: 'Alice', email: 'Alice@mail.test', cause: null }
    assert.deepEqual(created, { id: created.id, type: 'accountCreated', ...facts })
    assert.deepEqual(verified, { id: verified.id, type: 'accountVerified', ...facts })
    clock.advance(60)
    assert.equal((await alice.post('/lwsgs/delete-account', { currentPassword: password })).statusCode, 200)
    const deleted = await heard.next()
    assert.deepEqual(deleted, { id: deleted.id, type: 'accountDeleted', ...facts, at: clock.now, cause: 'owner' })
    assert.equal(new Set([created.id, verified.id, deleted.id]).size, 3)
  })

  it('hears nothing of what was refused', async (t) => {
    const heard = new Queue<AccountEvent>()
    const { app, member, browser } = await build(t)
    app.gs.onAccountEvent((event) => heard.push(event))
    const alice = await member('alice')
    assert.equal((await browser().post('/lwsgs/register', { username: 'alice', email: 'b@mail.test', password })).statusCode, 409)
    assert.equal((await alice.post('/lwsgs/delete-account', { currentPassword: 'wrong' })).statusCode, 403)
    await member('bob')
    const names = []
    for (let i = 0; i < 4; i++) names.push(await heard.next().then(({ username, type }) => `${username} ${type}`))
    assert.deepEqual(names.toSorted(), ['alice accountCreated', 'alice accountVerified', 'bob accountCreated', 'bob accountVerified'])
  })

  it('hears of a recovery that proved the address', async (t) => {
    const heard = new Queue<AccountEvent>()
    const { app, browser, inbox } = await build(t)
    app.gs.onAccountEvent((event) => heard.push(event))
    const visitor = browser()
    await visitor.post('/lwsgs/register', { username: 'alice', email: 'a@mail.test', password })
    assert.equal((await heard.next()).type, 'accountCreated')
    await visitor.post('/lwsgs/forgot-password', { username: 'alice' })
    await visitor.post('/lwsgs/forgot-password/redeem', { token: await inbox.token('a@mail.test', /password/) })
    assert.equal((await heard.next()).type, 'accountVerified')
  })

  it('gets what waited for its first listener, and nothing after the last one has gone', async (t) => {
    const heard = new Queue<AccountEvent>()
    const { app, member } = await build(t)
    await member('alice')
    const stop = app.gs.onAccountEvent((event) => heard.push(event))
    assert.deepEqual([(await heard.next()).type, (await heard.next()).type].toSorted(), ['accountCreated', 'accountVerified'])
    stop()
    await member('bob')
    const again = new Queue<AccountEvent>()
    app.gs.onAccountEvent((event) => again.push(event))
    assert.equal((await again.next()).username, 'bob')
  })
})

for (const engine of engines) {
  describe(`account events on ${engine.name}`, () => {
    const account = { id: 'a1', username: 'alice', email: null }

    it('are told again until no listener fails, with the same id, also after a day', async (t) => {
      const told: AccountEvent[] = []
      let failures = 3
      const outbox = new TestOutbox(await engine.open(t), {
        tellEvent: () => async (event) => {
          told.push(event)
          if (failures-- > 0) throw Object.assign(new Error('not now'), { permanent: true })
        }
      })
      const { database, clock } = outbox
      await database.transaction((trx) => enqueueEvent(trx, 'accountDeleted', account, clock.now, 'operator'))
      for (let i = 0; i < 5; i++) {
        await outbox.work()
        clock.advance(86_400)
      }
      assert.equal(told.length, 4)
      assert.equal(new Set(told.map(({ id }) => id)).size, 1)
      assert.deepEqual(told[0], {
        id: told[0]!.id,
        type: 'accountDeleted',
        at: told[0]!.at,
        accountId: 'a1',
        username: 'alice',
        email: null,
        cause: 'operator'
      })
      assert.deepEqual(await database.db.selectFrom('gs_outbox').select(['state', 'parameters']).execute(), [
        { state: 'sent', parameters: '{}' }
      ])
    })

    it('are not written when the change is not', async (t) => {
      const database = await engine.open(t)
      await assert.rejects(
        database.transaction(async (trx) => {
          await enqueueEvent(trx, 'accountCreated', account, 0)
          throw new Error('undone')
        })
      )
      assert.deepEqual(await database.db.selectFrom('gs_outbox').select('id').execute(), [])
    })

    it('wait a week for an application that does not listen, and for ever for one that does', async (t) => {
      const database = await engine.open(t)
      let listening = true
      const outbox = new TestOutbox(database, { tellEvent: () => (listening ? () => Promise.reject(new Error('no')) : null) })
      await database.transaction((trx) => enqueueEvent(trx, 'accountCreated', account, outbox.clock.now))
      const left = async () => (await database.db.selectFrom('gs_outbox').select('id').execute()).length
      outbox.clock.advance(8 * 86_400)
      await outbox.outbox.prune(database.db, outbox.clock.now)
      assert.equal(await left(), 1)
      listening = false
      await outbox.outbox.prune(database.db, outbox.clock.now - 2 * 86_400_000)
      assert.equal(await left(), 1)
      await outbox.outbox.prune(database.db, outbox.clock.now)
      assert.equal(await left(), 0)
    })
  })
}

it('mails go before events that wait', async (t) => {
  const order: string[] = []
  const outbox = new TestOutbox(await engines[0]!.open(t), {
    tellEvent:
      () =>
      async ({ id }) =>
        void order.push(id)
  })
  outbox.mailer.deliver = () => void order.push('mail')
  const { database, clock } = outbox
  await database.transaction(async (trx) => {
    for (let i = 0; i < 40; i++)
      await enqueueEvent(trx, 'accountCreated', { id: `a${i}`, username: `name${i}`, email: null }, clock.now - 1000)
  })
  await outbox.enqueue()
  await outbox.work()
  assert.equal(order[0], 'mail')
  assert.equal(order.length, 41)
})
