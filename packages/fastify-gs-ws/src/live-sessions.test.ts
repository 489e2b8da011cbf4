import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { WsDataError, WsEndedError, WsUnavailableError } from './errors.ts'
import type { LiveSessions, Resumed } from './live-sessions-types.ts'
import { hashSecret } from './secrets.ts'
import { anonymous, createClock, createShared, dataOf, join, sharedStore, startProcess, t0 } from './testing/live-processes.ts'

const webgram = { ...anonymous, dialect: 'webgram' } as const

async function resume(
  sessions: LiveSessions,
  id: string | number,
  secret: string,
  dialect: 'webgram' | 'gs-sessions.1' = 'gs-sessions.1'
): Promise<Resumed> {
  const resumed = await sessions.resume({ ...anonymous, dialect, id, secret })
  if (typeof resumed === 'string') throw new Error(resumed)
  return resumed
}

const setUp = (t: TestContext, options: Parameters<typeof startProcess>[2] = {}) => {
  const clock = createClock()
  const store = sharedStore()
  const start = (more = options) => startProcess(t, store, { now: clock.now, ...more })
  return { clock, store, start, process: start() }
}

describe('a new session', () => {
  it('is in the store before anybody has it, without its secret', async (t) => {
    const { store, process } = setUp(t, { idle: 60, absolute: 600 })
    const { live, secret } = await process.create({ fromClient: { v: 1 }, owner: 'ann', dialect: 'webgram' })
    assert.deepEqual(await store.find(live.session.id, t0), {
      id: live.session.id,
      secretHash: hashSecret(secret),
      formerHash: null,
      formerUntil: null,
      owner: 'ann',
      data: '{}',
      fromClient: '{"v":1}',
      firstVisit: t0,
      previousVisit: null,
      latestVisit: t0,
      version: 1,
      links: '{}',
      idleUntil: t0 + 60_000,
      absoluteUntil: t0 + 600_000
    })
    const { data, connections, ...system } = live.session
    assert.deepEqual({ ...data }, {})
    assert.equal(connections.size, 0)
    assert.deepEqual(system, {
      id: live.session.id,
      firstVisit: t0,
      previousVisit: null,
      latestVisit: t0,
      fromClient: { v: 1 },
      owner: 'ann'
    })
    assert.equal(live.expiresAt, t0 + 60_000)
    assert.equal(process.get(live.session.id), live)
  })

  it('keeps at most 4 KiB of what the client says', async (t) => {
    const { process } = setUp(t)
    await process.create({ ...anonymous, fromClient: 'x'.repeat(4094) })
    await assert.rejects(process.create({ ...anonymous, fromClient: 'x'.repeat(4095) }), WsDataError)
    await assert.rejects(process.create({ ...anonymous, fromClient: 1n }), WsDataError)
    assert.equal((await process.create({ ...anonymous, fromClient: null })).live.session.fromClient, null)
    assert.equal((await process.create(anonymous)).live.session.fromClient, undefined)
  })

  it('gets another id when one is taken, five times at most', async (t) => {
    const given = [1, 1, 1, 1, 1, 2, 1, 1, 1, 1, 1, 3]
    const { process } = setUp(t, { ids: () => given.shift()! })
    assert.equal((await process.create(anonymous)).live.session.id, 1)
    assert.equal((await process.create(anonymous)).live.session.id, 2)
    await assert.rejects(process.create(anonymous))
    assert.deepEqual(given, [3])
  })

  it('is not tried again when the store is away', async (t) => {
    const { store, process } = setUp(t)
    let tries = 0
    store.create = async () => {
      tries++
      throw new WsUnavailableError('away')
    }
    await assert.rejects(process.create(anonymous), WsUnavailableError)
    assert.equal(tries, 1)
  })

  it('has a number of its own, in several processes at once', async (t) => {
    const { start } = setUp(t)
    const processes = [start({ ids: 'sequence' }), start({ ids: 'sequence' })]
    const created = await Promise.all(Array.from({ length: 40 }, (_, index) => processes[index % 2]!.create(webgram)))
    assert.deepEqual(
      created.map(({ live }) => live.session.id as number).sort((one, other) => one - other),
      Array.from({ length: 40 }, (_, index) => index + 1)
    )
  })
})

describe('resume()', () => {
  it('moves the times of the visits', async (t) => {
    const { clock, process, start } = setUp(t, { idle: 60, absolute: 100 })
    const { live, secret } = await process.create(webgram)
    const { id } = live.session
    clock.at = t0 + 50_000
    assert.equal((await resume(process, id, secret, 'webgram')).live, live)
    assert.deepEqual([live.session.firstVisit, live.session.previousVisit, live.session.latestVisit], [t0, t0, t0 + 50_000])
    // Not beyond the end in any case.
    assert.equal(live.expiresAt, t0 + 100_000)
    clock.at = t0 + 60_000
    const { session } = (await resume(start(), id, secret, 'webgram')).live
    assert.deepEqual([session.firstVisit, session.previousVisit, session.latestVisit], [t0, t0 + 50_000, t0 + 60_000])
  })

  it('gives one object to all who come at once (W5)', async (t) => {
    const { process, start } = setUp(t, { ids: 'sequence' })
    const { live, secret } = await process.create(webgram)
    const other = start()
    const resumed = await Promise.all(Array.from({ length: 10 }, () => resume(other, live.session.id, secret, 'webgram')))
    assert.equal(new Set(resumed.map((one) => one.live)).size, 1)
    assert.equal(new Set(resumed.map((one) => one.live.session.data)).size, 1)
    assert.equal(other.get(1), resumed[0]!.live)
  })

  it('brings what another process has saved meanwhile', async (t) => {
    const { process, start } = setUp(t)
    const { here, there, secret } = await createShared(process, start())
    dataOf(here).a = 1
    await here.save()
    const { heard } = join(there)
    await resume(process, here.session.id, secret, 'webgram')
    assert.deepEqual(heard, [])
    dataOf(there).b = 1
    await there.save()
    assert.deepEqual(dataOf(there), { a: 1, b: 1 })
    await resume(process, here.session.id, secret, 'webgram')
    assert.deepEqual(dataOf(here), { a: 1, b: 1 })
  })

  it('tells unknown ids and wrong secrets apart for those who must, and ids by their type', async (t) => {
    const { process } = setUp(t, { ids: 'sequence' })
    const { secret } = await process.create(webgram)
    const ask = (id: unknown, given: unknown) => process.resume({ ...webgram, id, secret: given })
    for (const given of ['', 'x', hashSecret(secret), secret.slice(1), `${secret}x`, undefined, null, 5, [secret], { secret }, true])
      assert.equal(await ask(1, given), 'wrong-secret')
    for (const id of [
      '1',
      2,
      1.5,
      -1,
      '',
      '\0',
      '\ud800',
      'x'.repeat(129),
      'nextSessionID',
      '__proto__',
      undefined,
      null,
      [1],
      [[1]],
      {},
      true,
      1n
    ])
      assert.equal(await ask(id, secret), 'unknown')
    assert.equal(typeof (await ask(1, secret)), 'object')
  })

  it('is for the owner only', async (t) => {
    const { process } = setUp(t)
    const { live, secret } = await process.create({ ...webgram, owner: 'ann' })
    const { id } = live.session
    for (const owner of ['bob', null, '', 'ann ']) {
      assert.equal(await process.resume({ ...webgram, owner, id, secret }), 'unknown')
      assert.equal(await process.resume({ ...webgram, owner, id, secret: 'wrong' }), 'unknown')
    }
    assert.equal(typeof (await process.resume({ ...webgram, owner: 'ann', id, secret })), 'object')
    const { live: free, secret: known } = await process.create(webgram)
    assert.equal(typeof (await process.resume({ ...webgram, owner: 'ann', id: free.session.id, secret: known })), 'object')
  })

  for (const [what, owner, later] of [
    ['made later', null, 1],
    ['of somebody else', 'ann', 0]
  ] as const) {
    it(`does not take another session, ${what}, with the same id for the one in memory`, async (t) => {
      const { clock, store, process, start } = setUp(t, { ids: () => 'one' })
      const { live } = await process.create({ ...webgram, owner })
      dataOf(live).a = 'private'
      const { heard } = join(live)
      await store.end({ id: 'one' })
      clock.at += later
      const { secret } = await start().create(webgram)
      const resumed = await resume(process, 'one', secret, 'webgram')
      assert.deepEqual(dataOf(resumed.live), {})
      assert.deepEqual(heard, ['ended'])
      assert.equal(process.get('one'), resumed.live)
      await assert.rejects(live.save(), WsEndedError)
      assert.equal(process.get('one'), resumed.live)
    })

    it(`ends the one in memory for one, ${what}, that is made here with its id`, async (t) => {
      const { clock, store, process } = setUp(t, { ids: () => 'one' })
      const { heard } = join((await process.create({ ...webgram, owner })).live)
      await store.end({ id: 'one' })
      clock.at += later
      const { live } = await process.create(webgram)
      assert.deepEqual(heard, ['ended'])
      assert.equal(process.get('one'), live)
    })
  }

  it('does not go back to what it has asked the store for before others have saved', async (t) => {
    const { clock, store, process } = setUp(t)
    const { live, secret } = await process.create(webgram)
    const { find } = store
    const { promise: gate, resolve: release } = Promise.withResolvers<void>()
    const { promise: asked, resolve: ask } = Promise.withResolvers<void>()
    store.find = async (...args) => {
      const found = await find(...args)
      ask()
      await gate
      return found
    }
    const resuming = resume(process, live.session.id, secret, 'webgram')
    await asked
    dataOf(live).a = 1
    await live.save()
    clock.at++
    release()
    await resuming
    assert.deepEqual(dataOf(live), { a: 1 })
    assert.equal(live.version, 2)
    dataOf(live).a = 2
    await live.save()
    assert.equal(live.version, 3)
  })

  it('does not move the times back for a process whose clock is late', async (t) => {
    const { process, start } = setUp(t)
    const late = start({ now: () => t0 - 1000 })
    const { here, there } = await createShared(process, late)
    dataOf(there).a = 1
    await there.save()
    await process.refresh()
    assert.deepEqual(dataOf(here), { a: 1 })
    assert.equal(here.session.latestVisit, t0)
  })

  it('fails when the store is away, and when the server stops', async (t) => {
    const { store, process } = setUp(t)
    const { live, secret } = await process.create(webgram)
    const { visit } = store
    store.visit = async () => Promise.reject(new WsUnavailableError('away'))
    await assert.rejects(resume(process, live.session.id, secret), WsUnavailableError)
    store.visit = async () => false
    await assert.rejects(resume(process, live.session.id, secret), WsUnavailableError)
    store.visit = visit
    await process.close()
    await assert.rejects(resume(process, live.session.id, secret), WsUnavailableError)
    await assert.rejects(process.create(webgram), WsUnavailableError)
  })
})

describe('secrets of the second dialect', () => {
  it('are rotated; the former one lives until the new one was used, and 60 s longer', async (t) => {
    const { clock, process } = setUp(t)
    const { live, secret: first } = await process.create(anonymous)
    const { id } = live.session
    const second = (await resume(process, id, first)).secret!
    assert.notEqual(second, first)
    clock.at += 24 * 3_600_000
    // The answer was lost, again and again.
    for (let lost = 0; lost < 3; lost++) assert.equal((await resume(process, id, first)).secret, second)
    assert.equal((await resume(process, id, second)).secret, null)
    clock.at += 59_999
    assert.equal((await resume(process, id, first)).secret, second)
    clock.at += 1
    assert.equal(await process.resume({ ...anonymous, id, secret: first }), 'wrong-secret')
    const third = (await resume(process, id, second)).secret!
    assert.ok(third !== second && third !== first)
    assert.equal((await resume(process, id, second)).secret, third)
  })

  it('are the same new one for all windows that come at once, in several processes', async (t) => {
    const { process, start } = setUp(t)
    const { live, secret } = await process.create(anonymous)
    const { id } = live.session
    const processes = [process, start(), start()]
    const all = (kept: string) => Promise.all(Array.from({ length: 9 }, (_, index) => resume(processes[index % 3]!, id, kept)))
    const told = new Set((await all(secret)).map((one) => one.secret))
    assert.equal(told.size, 1)
    const [next] = told
    assert.equal(typeof next, 'string')
    assert.deepEqual(new Set((await all(next!)).map((one) => one.secret)), new Set([null]))
    // The grace has begun with the use of the new one.
    assert.deepEqual(new Set((await all(secret)).map((one) => one.secret)), told)
  })

  it('are refused when they are older than the former one, which is told once a minute; the session goes on', async (t) => {
    const { clock, process } = setUp(t)
    const { live, secret: first } = await process.create(anonymous)
    const { id } = live.session
    const { heard } = join(live)
    const second = (await resume(process, id, first)).secret!
    await resume(process, id, second)
    clock.at += 60_000
    for (let tries = 0; tries < 3; tries++) assert.equal(await process.resume({ ...anonymous, id, secret: first }), 'wrong-secret')
    assert.equal(process.logged.length, 1)
    assert.deepEqual(process.logged[0]!.fields, { sessionId: id })
    assert.ok(!JSON.stringify(process.logged).includes(first))
    const third = (await resume(process, id, second)).secret!
    // Beyond that, it is a wrong one like any other.
    assert.equal(await process.resume({ ...anonymous, id, secret: first }), 'wrong-secret')
    assert.equal((await resume(process, id, third)).live, live)
    assert.deepEqual(heard, [])
  })

  it('stay as they are for old clients, also where both are', async (t) => {
    const { clock, process } = setUp(t)
    const { live, secret } = await process.create(webgram)
    const { id } = live.session
    for (let visits = 0; visits < 3; visits++) assert.equal((await resume(process, id, secret, 'webgram')).secret, null)
    const next = (await resume(process, id, secret)).secret!
    assert.equal((await resume(process, id, secret, 'webgram')).secret, null)
    assert.equal((await resume(process, id, next)).secret, null)
    clock.at += 60_000
    assert.equal(await process.resume({ ...webgram, id, secret }), 'wrong-secret')
    assert.equal((await resume(process, id, next, 'webgram')).secret, null)
  })

  it('are not moved on by a resume that the store could not finish', async (t) => {
    const { store, process } = setUp(t)
    const { live, secret } = await process.create(anonymous)
    const { visit } = store
    store.visit = async (...args) => {
      await visit(...args)
      throw new WsUnavailableError('no answer')
    }
    await assert.rejects(resume(process, live.session.id, secret), WsUnavailableError)
    store.visit = visit
    const told = (await resume(process, live.session.id, secret)).secret!
    assert.equal((await resume(process, live.session.id, told)).secret, null)
  })
})

describe('ends', () => {
  it('are told to all connections with the cause, once, and by other processes too', async (t) => {
    const { store, process, start } = setUp(t)
    const other = start()
    const { here, there, secret } = await createShared(process, other)
    const listeners = [join(here), join(here), join(there)]
    assert.equal(await process.end(here.session.id, 'logout'), true)
    assert.equal(await process.end(here.session.id), false)
    await other.refresh()
    await other.refresh()
    assert.deepEqual(
      listeners.map(({ heard }) => heard),
      [['logout'], ['logout'], ['ended']]
    )
    for (const { leave } of listeners) leave()
    assert.equal(process.get(here.session.id), null)
    const { extend } = store
    let extended = 0
    store.extend = (sessions) => {
      extended += sessions.size
      return extend(sessions)
    }
    await process.maintain()
    assert.equal(extended, 0)
    for (const one of [process, other]) assert.equal(await one.resume({ ...webgram, id: here.session.id, secret }), 'unknown')
    assert.equal(await process.end('\0'), false)
  })

  it('end those of an owner, or all', async (t) => {
    const { process } = setUp(t)
    const made = await Promise.all(['ann', 'ann', 'bob', null].map((owner) => process.create({ ...anonymous, owner })))
    const heard = made.map(({ live }) => join(live).heard)
    assert.equal(await process.endOwned('ann', 'password'), 2)
    assert.deepEqual(heard, [['password'], ['password'], [], []])
    assert.equal(await process.endAll(), 2)
    assert.deepEqual(heard, [['password'], ['password'], ['ended'], ['ended']])
    assert.equal(await process.endAll(), 0)
  })

  it('of an owner are told with the cause also when another process was quicker, or the store is away', async (t) => {
    const { store, process, start } = setUp(t)
    const { live, secret } = await start().create({ ...webgram, owner: 'ann' })
    const resumed = await process.resume({ ...webgram, owner: 'ann', id: live.session.id, secret })
    assert.ok(typeof resumed === 'object')
    const { heard } = join(resumed.live)
    await store.end({ owner: 'ann' })
    await process.endOwned('ann', 'logout')
    assert.deepEqual(heard, ['logout'])
    const bob = (await process.create({ ...anonymous, owner: 'bob' })).live
    store.end = () => Promise.reject(new WsUnavailableError('away'))
    await assert.rejects(process.endOwned('bob', 'logout'), WsUnavailableError)
    assert.equal(bob.cause, 'logout')
    assert.equal(process.get(bob.session.id), null)
  })

  for (const when of ['before', 'after'] as const)
    it(`reach a session that is resumed at the moment, ${when} the store has answered that`, async (t) => {
      const { store, process, start } = setUp(t)
      const { live, secret } = await start().create(webgram)
      const { visit } = store
      const { promise: asked, resolve: ask } = Promise.withResolvers<void>()
      const { promise: gate, resolve: release } = Promise.withResolvers<void>()
      store.visit = async (...args) => {
        if (when === 'before') {
          ask()
          await gate
          return visit(...args)
        }
        const done = await visit(...args)
        ask()
        await gate
        return done
      }
      const resuming = process.resume({ ...webgram, id: live.session.id, secret })
      await asked
      assert.equal(await process.end(live.session.id), true)
      release()
      assert.equal(await resuming, 'unknown')
      assert.equal(process.get(live.session.id), null)
    })

  it('of an owner leave nothing of a session that is being made', async (t) => {
    const { store, process } = setUp(t)
    const { create } = store
    const { promise: gate, resolve: release } = Promise.withResolvers<void>()
    const { promise: asked, resolve: ask } = Promise.withResolvers<void>()
    store.create = async (session) => {
      ask()
      await gate
      await create(session)
    }
    const making = process.create({ ...anonymous, owner: 'ann' })
    await asked
    assert.equal(await process.endOwned('ann', 'logout'), 0)
    release()
    await assert.rejects(making, WsEndedError)
    assert.deepEqual((await process.list()).sessions, [])
  })

  it('reach a session that is being made', async (t) => {
    const { store, process } = setUp(t)
    const { create } = store
    const { promise: gate, resolve: release } = Promise.withResolvers<void>()
    const { promise: asked, resolve: ask } = Promise.withResolvers<void>()
    store.create = async (session) => {
      await create(session)
      ask()
      await gate
    }
    const making = process.create(anonymous)
    await asked
    assert.equal(await process.endAll(), 1)
    release()
    await assert.rejects(making, WsEndedError)
  })
})

describe('expiry', () => {
  it('comes when nobody has been there for long, to the millisecond', async (t) => {
    const { clock, store, process } = setUp(t, { idle: 60 })
    const { live, secret } = await process.create(webgram)
    clock.at = t0 + 59_999
    await resume(process, live.session.id, secret, 'webgram')
    clock.at += 60_000
    assert.equal(await process.resume({ ...webgram, id: live.session.id, secret }), 'unknown')
    await process.maintain()
    assert.deepEqual(await store.end('all'), [])
  })

  it('is put off by an open connection, not more often than once a minute, and goes on from when it has gone', async (t) => {
    const { clock, store, process } = setUp(t, { idle: 600 })
    const { live, secret } = await process.create(webgram)
    const { extend } = store
    const extended: [string | number, number][] = []
    store.extend = async (sessions) => {
      extended.push(...sessions)
      await extend(sessions)
    }
    const { leave } = join(live)
    await process.maintain()
    assert.deepEqual(extended, [])
    for (let minutes = 1; minutes <= 20; minutes++) {
      clock.at = t0 + minutes * 60_000
      await Promise.all([process.maintain(), process.refresh()])
      await process.maintain()
    }
    assert.equal(extended.length, 20)
    assert.equal(live.expiresAt, clock.at + 600_000)
    clock.at += 10_000
    leave()
    clock.at += 10_000
    await process.refresh()
    assert.equal(process.get(live.session.id), null)
    await process.maintain()
    assert.equal(extended.length, 21)
    assert.equal((await store.find(live.session.id, clock.at))!.idleUntil, clock.at - 10_000 + 600_000)
    clock.at += 590_000
    assert.equal(await process.resume({ ...webgram, id: live.session.id, secret }), 'unknown')
  })

  it('comes in any case in the end, also to those with a connection', async (t) => {
    const { clock, process, start } = setUp(t, { idle: 60, absolute: 90 })
    const other = start()
    const { here, there } = await createShared(process, other)
    const listeners = [join(here), join(there)]
    clock.at += 50_000
    await Promise.all([process.maintain(), other.maintain()])
    clock.at = t0 + 89_999
    await Promise.all([process.refresh(), other.refresh()])
    assert.deepEqual(
      listeners.map(({ heard }) => heard),
      [[], []]
    )
    assert.equal(here.expiresAt, t0 + 90_000)
    clock.at += 1
    await Promise.all([process.refresh(), other.refresh()])
    assert.deepEqual(
      listeners.map(({ heard }) => heard),
      [['expired'], ['expired']]
    )
  })

  it('is put off again when the store could not be asked, which is said once', async (t) => {
    const { clock, store, process } = setUp(t, { idle: 600 })
    const { live } = await process.create(anonymous)
    join(live)
    const { extend } = store
    store.extend = async () => Promise.reject(new WsUnavailableError('away'))
    for (let minutes = 1; minutes <= 3; minutes++) {
      clock.at += 60_000
      await process.maintain()
    }
    assert.deepEqual(
      process.logged.map(({ level }) => level),
      ['error']
    )
    store.extend = extend
    await process.maintain()
    assert.equal((await store.find(live.session.id, t0))!.idleUntil, clock.at + 600_000)
  })

  it('is told as such when another process has removed the session', async (t) => {
    const { clock, process, start } = setUp(t, { idle: 60 })
    const other = start()
    const { here } = await createShared(process, other)
    const { heard } = join(here)
    clock.at += 60_000
    await other.maintain()
    await process.refresh()
    assert.deepEqual(heard, ['expired'])
  })

  it('does not come for those with a connection because the process has slept', async (t) => {
    const { clock, store, process } = setUp(t, { idle: 60 })
    const { live } = await process.create(webgram)
    const { heard } = join(live)
    clock.at += 3_600_000
    await process.maintain()
    await process.refresh()
    assert.deepEqual(heard, [])
    assert.notEqual(await store.find(live.session.id, clock.at), null)
  })

  it('removes many in batches', async (t) => {
    const { clock, store, process } = setUp(t, { idle: 60 })
    await Promise.all(Array.from({ length: 1200 }, () => process.create(anonymous)))
    clock.at += 60_000
    await process.maintain()
    assert.deepEqual(await store.end('all'), [])
    assert.equal((await process.list()).sessions.length, 0)
  })
})

describe('memory', () => {
  it('forgets a session some seconds after its last connection, and says what was never saved', async (t) => {
    const { clock, process } = setUp(t)
    const { live, secret } = await process.create(webgram)
    const { id } = live.session
    const leave = [join(live), join(live)].map((one) => one.leave)
    clock.at += 60_000
    leave[0]!()
    leave[0]!()
    await process.refresh()
    assert.equal(process.get(id), live)
    leave[1]!()
    clock.at += 4999
    await process.refresh()
    assert.equal(process.get(id), live)
    assert.equal(process.logged.length, 0)
    dataOf(live).count = 1
    clock.at += 1
    await process.refresh()
    assert.equal(process.get(id), null)
    assert.deepEqual(process.logged[0]!.fields, { sessionId: id, members: ['count'] })
    const again = (await resume(process, id, secret, 'webgram')).live
    assert.notEqual(again, live)
    assert.deepEqual(dataOf(again), {})
    // Who comes too late to the former object would not share with the others.
    assert.throws(() => join(live), WsEndedError)
  })

  it('keeps a session that is resumed just in time', async (t) => {
    const { clock, process } = setUp(t)
    const { live, secret } = await process.create(webgram)
    clock.at += 4999
    await resume(process, live.session.id, secret, 'webgram')
    clock.at += 4999
    await process.refresh()
    assert.equal(process.get(live.session.id), live)
  })

  it('keeps a session for who attaches late', async (t) => {
    const { clock, process } = setUp(t)
    const { live } = await process.create(webgram)
    clock.at += 5000
    await process.refresh()
    join(live)
    assert.equal(process.get(live.session.id), live)
  })

  it('does not forget a session while it is being saved', async (t) => {
    const { clock, store, process } = setUp(t)
    const { live } = await process.create(webgram)
    const { save } = store
    const { promise: gate, resolve: release } = Promise.withResolvers<void>()
    store.save = async (...args) => {
      await gate
      return save(...args)
    }
    dataOf(live).count = 1
    const saved = live.save()
    clock.at += 5000
    await process.refresh()
    assert.equal(process.get(live.session.id), live)
    release()
    await saved
    await process.refresh()
    assert.equal(process.get(live.session.id), null)
  })
})

describe('list()', () => {
  it('gives pages, with the connections of this process, and no secret', async (t) => {
    const { clock, process } = setUp(t, { ids: 'sequence' })
    for (const owner of ['ann', null, 'bob']) {
      const { live } = await process.create({ ...anonymous, owner })
      clock.at++
      if (owner === 'bob') join(live)
    }
    const { sessions, next } = await process.list({ limit: 2 })
    assert.deepEqual(sessions, [
      { id: 3, owner: 'bob', firstVisit: t0 + 2, latestVisit: t0 + 2, size: 2, connections: 1 },
      { id: 2, owner: null, firstVisit: t0 + 1, latestVisit: t0 + 1, size: 2, connections: 0 }
    ])
    const last = await process.list({ limit: 2, after: next! })
    assert.deepEqual(
      last.sessions.map(({ id }) => id),
      [1]
    )
    assert.equal(last.next, null)
  })
})

describe('close()', () => {
  it('waits for what is being saved, and for ends that are to be put off', async (t) => {
    const { clock, store, process } = setUp(t, { idle: 600 })
    const { live } = await process.create(anonymous)
    const { leave } = join(live)
    const { save } = store
    store.save = async (...args) => {
      await turn()
      return save(...args)
    }
    dataOf(live).a = 1
    const saved = live.save()
    clock.at += 90_000
    leave()
    await process.close()
    const { data, idleUntil } = (await store.find(live.session.id, clock.at))!
    assert.deepEqual({ data, idleUntil }, { data: '{"a":1}', idleUntil: clock.at + 600_000 })
    await saved
  })

  it('does not fail when the store is away, and says that once', async (t) => {
    const { store, process } = setUp(t)
    const { live } = await process.create(anonymous)
    join(live).leave()
    for (const name of ['extend', 'prune', 'changes'] as const) store[name] = async () => Promise.reject(new WsUnavailableError('away'))
    await process.close()
    assert.equal(process.logged.length, 2)
  })
})
