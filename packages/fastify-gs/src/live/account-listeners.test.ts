import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { AccountEvent } from '../hooks.ts'
import { enqueueEvent, enqueueEvents } from '../mail/account-events.ts'
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

describe('a listener', { timeout: 30_000 }, () => {
  it('that never ends holds up neither mails nor the end of the server', async (t) => {
    const heard = new Queue<AccountEvent>()
    const { app, browser, inbox } = await build(t)
    app.gs.onAccountEvent((event) => {
      heard.push(event)
      return new Promise(() => undefined)
    })
    for (const name of ['alice', 'bob']) {
      await browser().post('/lwsgs/register', { username: name, email: `${name}@mail.test`, password })
      await inbox.find(`${name}@mail.test`, /Confirm/)
      if (name === 'alice') await heard.next()
    }
    await app.close()
  })

  it('that goes while events are told leaves the others to the next one', async (t) => {
    const heard = new Queue<AccountEvent>()
    const { app, browser, inbox } = await build(t)
    for (const name of ['alice', 'bob', 'carol']) {
      await browser().post('/lwsgs/register', { username: name, email: `${name}@mail.test`, password })
      await inbox.find(`${name}@mail.test`, /Confirm/)
    }
    const names: string[] = []
    const stop = app.gs.onAccountEvent((event) => {
      stop()
      heard.push(event)
    })
    names.push((await heard.next()).username)
    app.gs.onAccountEvent((event) => heard.push(event))
    names.push((await heard.next()).username, (await heard.next()).username)
    assert.deepEqual(names.toSorted(), ['alice', 'bob', 'carol'])
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

    it('are told again when a listener has not ended after half a minute', async (t) => {
      t.mock.timers.enable({ apis: ['setTimeout'] })
      const told = new Queue<string>()
      let hangs = true
      const outbox = new TestOutbox(await engine.open(t), {
        tellEvent: () => (event) => {
          told.push(event.id)
          return hangs ? new Promise(() => undefined) : Promise.resolve()
        }
      })
      const { database, clock } = outbox
      await database.transaction((trx) => enqueueEvent(trx, 'accountCreated', account, clock.now))
      outbox.outbox.start()
      const id = await told.next()
      t.mock.timers.tick(30_000)
      while ((await outbox.row(id)).last_error === null) await nextTurn()
      assert.match((await outbox.row(id)).last_error!, /not done after 30000 ms/)
      hangs = false
      // The outbox may still be about to set a timer, and nobody would move that one on.
      t.mock.timers.reset()
      clock.advance(2)
      outbox.outbox.wake()
      assert.equal(await told.next(), id)
      while ((await outbox.row(id)).state === 'event') await nextTurn()
      await outbox.outbox.stop()
    })

    it('of one account are told in their order, whatever fails; those of others do not wait', async (t) => {
      const told: string[] = []
      let failures = 2
      const outbox = new TestOutbox(await engine.open(t), {
        tellEvent: () => async (event) => {
          if (event.type === 'accountVerified' && event.username === 'alice' && failures-- > 0) throw new Error('not now')
          told.push(`${event.username} ${event.type}`)
        }
      })
      const { database, clock } = outbox
      const add = (type: AccountEvent['type'], id: string, username: string) =>
        database.transaction((trx) => enqueueEvent(trx, type, { id, username, email: null }, clock.now))
      for (const [id, username] of [
        ['a1', 'alice'],
        ['b1', 'bob']
      ] as const) {
        await add('accountVerified', id, username)
        await add('accountDeleted', id, username)
        await add('accountEmailChanged', id, username)
        await add('accountCreated', id, username)
      }
      await outbox.work()
      assert.ok(told.includes('bob accountDeleted') && !told.includes('alice accountDeleted'), told.join())
      for (let i = 0; i < 3; i++) {
        clock.advance(3600)
        await outbox.work()
      }
      for (const username of ['alice', 'bob']) {
        const own = told.filter((text) => text.startsWith(username))
        const types = ['accountCreated', 'accountVerified', 'accountEmailChanged', 'accountDeleted']
        assert.deepEqual(
          own,
          types.map((type) => `${username} ${type}`)
        )
      }
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

it('thousands of events, as after an import, leave the server its turns', async (t) => {
  let told = 0
  const outbox = new TestOutbox(await engines[0]!.open(t), { tellEvent: () => async () => void told++ })
  const { database, clock } = outbox
  const accounts = Array.from({ length: 200 }, (_, i) => ({ id: `a${i}`, username: `name${i}`, email: null }))
  await database.transaction((trx) => enqueueEvents(trx, 'accountCreated', accounts, clock.now))
  let atFirstTurn: number | undefined
  const whileTelling = () => {
    if (told === 0) setImmediate(whileTelling)
    else atFirstTurn = told
  }
  setImmediate(whileTelling)
  await outbox.work()
  assert.equal(told, 200)
  assert.ok(atFirstTurn !== undefined && atFirstTurn < 100, `the first turn came after ${atFirstTurn} events`)
})
