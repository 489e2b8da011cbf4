import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { inspect } from 'node:util'
import { WsConflictError, WsDataError, WsEndedError, WsUnavailableError } from './errors.ts'
import type { LiveSession } from './live-sessions-types.ts'
import {
  anonymous,
  createClock,
  createShared,
  dataOf,
  join,
  sharedStore,
  startProcess,
  t0,
  type TestData
} from './testing/live-processes.ts'

/** Lists and objects in the data of a session. */
interface Data extends TestData {
  x?: number
  y?: number
  name?: string
  gone?: number
  other?: number
  again?: boolean
}
type Store = ReturnType<typeof sharedStore>

const storedOf = async (store: Store, { session }: LiveSession) => JSON.parse((await store.find(session.id, 0))!.data) as Data
const dataIs = (live: LiveSession, expected: Data) => assert.deepEqual({ ...live.session.data }, expected)
const change = (live: LiveSession, by: (data: Data) => void) => by(dataOf(live))

/** Lets a test do something while the store has been asked to save. */
function holdSaves(store: Store) {
  const { save } = store
  const { promise: asked, resolve: ask } = Promise.withResolvers<void>()
  const { promise: gate, resolve: release } = Promise.withResolvers<void>()
  store.save = async (...args) => {
    ask()
    await gate
    return save(...args)
  }
  return { asked, release }
}

function countSaves(store: Store) {
  const { save } = store
  const counted = { saves: 0 }
  store.save = (...args) => {
    counted.saves++
    return save(...args)
  }
  return counted
}

describe('save()', () => {
  // What each process changes, from the same beginning, and what both have when both have saved; null: the second one is refused.
  const merges: readonly [what: string, from: Data, first: (data: Data) => void, second: (data: Data) => void, Data | null][] = [
    ['nothing', { a: 1 }, () => {}, () => {}, { a: 1 }],
    ['only there', { a: 1 }, (data) => void (data.a = 2), () => {}, { a: 2 }],
    ['only here', { a: 1 }, () => {}, (data) => void (data.a = 2), { a: 2 }],
    ['other members', { a: 1, b: 1 }, (data) => void (data.a = 2), (data) => void (data.b = 2), { a: 2, b: 2 }],
    ['the same to the same', { a: 1 }, (data) => void (data.a = 2), (data) => void (data.a = 2), { a: 2 }],
    ['the same to others', { a: 1 }, (data) => void (data.a = 2), (data) => void (data.a = 3), null],
    ['new members', {}, (data) => void (data.a = 1), (data) => void (data.b = 1), { a: 1, b: 1 }],
    ['the same new member to others', {}, (data) => void (data.a = 1), (data) => void (data.a = 2), null],
    ['one takes away', { a: 1, b: 1 }, (data) => void delete data.a, (data) => void (data.b = 2), { b: 2 }],
    ['both take away', { a: 1, b: 1 }, (data) => void delete data.a, (data) => void delete data.a, { b: 1 }],
    ['there changed, here taken away', { a: 1 }, (data) => void (data.a = 2), (data) => void delete data.a, null],
    ['there taken away, here changed', { a: 1 }, (data) => void delete data.a, (data) => void (data.a = 2), null],
    ['undefined counts as taken away', { a: 1 }, (data) => void delete data.a, (data) => void (data.a = undefined), {}],
    [
      'inside of members',
      { a: { x: 1 }, b: [1] },
      ({ a }) => void ((a as Data).x = 2),
      ({ b }) => void (b as unknown[]).push(2),
      { a: { x: 2 }, b: [1, 2] }
    ],
    ['inside of the same', { a: { x: 1, y: 1 } }, ({ a }) => void ((a as Data).x = 2), ({ a }) => void ((a as Data).y = 2), null],
    [
      'names of prototypes',
      {},
      (data) => void Object.assign(data, { constructor: 1 }),
      (data) => void Object.assign(data, { toString: 'a' }),
      { constructor: 1, toString: 'a' }
    ]
  ]
  for (const [what, from, first, second, expected] of merges)
    it(`merges by member: ${what}`, async (t) => {
      const store = sharedStore()
      const [one, other] = [startProcess(t, store), startProcess(t, store)]
      const { here, there } = await createShared(other, one, from)
      const { data } = here.session
      change(there, first)
      await there.save()
      change(here, second)
      if (expected === null) {
        const before = structuredClone({ ...here.session.data })
        await assert.rejects(here.save(), (error: Error) => error instanceof WsConflictError && error.message.includes('"a"'))
        dataIs(here, before)
        assert.deepEqual(await storedOf(store, here), { ...there.session.data })
        return
      }
      await here.save()
      await Promise.all([one.refresh(), other.refresh()])
      for (const live of [here, there]) assert.deepEqual(JSON.parse(JSON.stringify(live.session.data)), expected)
      assert.deepEqual(await storedOf(store, here), expected)
      assert.equal(here.session.data, data)
      assert.equal(here.version, there.version)
    })

  it('writes nothing without a change', async (t) => {
    const store = sharedStore()
    const { here } = await createShared(startProcess(t, store), startProcess(t, store), { a: { b: 1 } })
    const counted = countSaves(store)
    await here.save()
    change(here, (data) => void (data.a = { b: 1 }))
    await here.save()
    assert.equal(counted.saves, 0)
  })

  it('asks the store one after the other, and once for what was changed together', async (t) => {
    const store = sharedStore()
    const { here } = await createShared(startProcess(t, store), startProcess(t, store))
    const { save } = store
    let now = 0
    let most = 0
    const counted = countSaves(store)
    const counting = store.save
    store.save = async (...args) => {
      most = Math.max(most, ++now)
      await new Promise((resolve) => setImmediate(resolve))
      return counting(...args).finally(() => now--)
    }
    const saves = Array.from({ length: 50 }, (_, index) => {
      change(here, (data) => void (data.count = index))
      return here.save()
    })
    await Promise.all(saves)
    store.save = save
    assert.equal(most, 1)
    assert.equal(counted.saves, 1)
    assert.deepEqual(await storedOf(store, here), { count: 49 })
  })

  it('saves later what was changed while it ran', async (t) => {
    const store = sharedStore()
    const { here } = await createShared(startProcess(t, store), startProcess(t, store), { a: 1, b: 1 })
    const { asked, release } = holdSaves(store)
    change(here, (data) => void (data.a = 2))
    const first = here.save()
    await asked
    change(here, (data) => Object.assign(data, { a: 3, b: 2 }))
    const second = here.save()
    release()
    await first
    dataIs(here, { a: 3, b: 2 })
    assert.deepEqual(await storedOf(store, here), { a: 2, b: 1 })
    await second
    assert.deepEqual(await storedOf(store, here), { a: 3, b: 2 })
  })

  it('refuses more than maxData, and saves again when it is less', async (t) => {
    const store = sharedStore()
    const { here } = await createShared(startProcess(t, store, { maxData: 20 }), startProcess(t, store))
    change(here, (data) => void (data.text = 'x'.repeat(10)))
    await assert.rejects(here.save(), WsDataError)
    assert.deepEqual(await storedOf(store, here), {})
    change(here, (data) => void (data.text = 'x'.repeat(9)))
    await here.save()
    assert.deepEqual(await storedOf(store, here), { text: 'xxxxxxxxx' })
  })

  it('refuses what JSON cannot hold, and saves nothing of it', async (t) => {
    const store = sharedStore()
    const { here } = await createShared(startProcess(t, store), startProcess(t, store), { a: 1 })
    change(here, (data) => Object.assign(data, { a: 2, big: 1n }))
    await assert.rejects(here.save(), (error: Error) => error instanceof WsDataError && error.message.includes('data.big'))
    await assert.rejects(
      here.update(() => {}),
      WsDataError
    )
    assert.deepEqual(await storedOf(store, here), { a: 1 })
    change(here, (data) => void delete data.big)
    await here.save()
    assert.deepEqual(await storedOf(store, here), { a: 2 })
  })

  it('goes on when the store was away', async (t) => {
    const store = sharedStore()
    const { here } = await createShared(startProcess(t, store), startProcess(t, store))
    const { save } = store
    store.save = async () => Promise.reject(new WsUnavailableError('away'))
    change(here, (data) => void (data.a = 1))
    await assert.rejects(here.save(new Map([['link', 3]])), WsUnavailableError)
    store.save = save
    // The effects of that message are in the data here.
    assert.equal(here.handled('link'), 3)
    await here.save()
    assert.deepEqual(await storedOf(store, here), { a: 1 })
    assert.deepEqual(JSON.parse((await store.find(here.session.id, 0))!.links), { link: [3, t0] })
  })

  it('does not save twice what the store has saved without being able to say so', async (t) => {
    const store = sharedStore()
    const { here } = await createShared(startProcess(t, store), startProcess(t, store))
    const { save } = store
    store.save = async (...args) => {
      await save(...args)
      throw new WsUnavailableError('no answer')
    }
    change(here, (data) => void (data.a = 1))
    await assert.rejects(here.save(new Map([['link', 1]])), WsUnavailableError)
    store.save = save
    await here.save(new Map([['link', 1]]))
    assert.deepEqual(await storedOf(store, here), { a: 1 })
    assert.equal((await store.find(here.session.id, 0))!.version, 2)
  })

  it('says that the session is over', async (t) => {
    const store = sharedStore()
    const [one, other] = [startProcess(t, store), startProcess(t, store)]
    const { here, there } = await createShared(one, other)
    const { heard } = join(there)
    await one.end(here.session.id)
    change(here, (data) => void (data.a = 1))
    await assert.rejects(here.save(), WsEndedError)
    change(there, (data) => void (data.a = 1))
    await assert.rejects(there.save(), WsEndedError)
    await assert.rejects(
      there.update(() => {}),
      WsEndedError
    )
    assert.deepEqual(heard, ['ended'])
    assert.throws(() => join(there), WsEndedError)
  })

  it('tells all connections, in all processes, once (W16)', async (t) => {
    const store = sharedStore()
    const [one, other] = [startProcess(t, store), startProcess(t, store)]
    const { here, there } = await createShared(one, other)
    const listeners = [join(here), join(here), join(there)]
    change(here, (data) => void (data.a = 1))
    await here.save()
    await here.save()
    await Promise.all([one.refresh(), other.refresh()])
    await other.refresh()
    for (const { heard } of listeners) assert.deepEqual(heard, [2])
    await there.update((data) => void ((data as Data).a = 2))
    await one.refresh()
    for (const { heard } of listeners) assert.deepEqual(heard, [2, 3])
    dataIs(here, { a: 2 })
  })

  it('tells the others when a listener throws', async (t) => {
    const store = sharedStore()
    const process = startProcess(t, store)
    const { live } = await process.create(anonymous)
    live.attach({} as never, {
      saved() {
        throw new Error('mine')
      },
      ended() {
        throw new Error('mine')
      }
    })
    const { heard } = join(live)
    change(live, (data) => void (data.a = 1))
    await live.save()
    await process.end(live.session.id)
    assert.deepEqual(heard, [2, 'ended'])
    assert.deepEqual(
      process.logged.map(({ level }) => level),
      ['error', 'error']
    )
  })

  it('gives up, and says so, when others are always quicker', async (t) => {
    const store = sharedStore()
    const { here } = await createShared(startProcess(t, store), startProcess(t, store))
    let tries = 0
    store.save = async () => {
      tries++
      return null
    }
    change(here, (data) => void (data.a = 1))
    await assert.rejects(here.save(), WsUnavailableError)
    assert.equal(tries, 100)
  })
})

describe('update()', () => {
  it('works on the newest data, again when another process was quicker', async (t) => {
    const store = sharedStore()
    const { here, there } = await createShared(startProcess(t, store), startProcess(t, store), { count: 1 })
    const seen: unknown[] = []
    await there.update((data) => void ((data as Data).count = 10))
    const result = await here.update((data) => {
      seen.push((data as Data).count)
      return ((data as Data).count = (data as Data).count! + 1)
    })
    assert.deepEqual(seen, [1, 10])
    assert.equal(result, 11)
    assert.deepEqual(await storedOf(store, here), { count: 11 })
    dataIs(here, { count: 11 })
  })

  it('keeps what was changed here, and resolves a conflict in favour of the newest', async (t) => {
    const store = sharedStore()
    const { here, there } = await createShared(startProcess(t, store), startProcess(t, store), { count: 1 })
    change(there, (data) => void (data.count = 5))
    await there.save()
    change(here, (data) => Object.assign(data, { count: 2, name: 'ann' }))
    await assert.rejects(here.save(), WsConflictError)
    await here.update((data) => void ((data as Data).count = (data as Data).count! + 1))
    dataIs(here, { count: 6, name: 'ann' })
    assert.deepEqual(await storedOf(store, here), { count: 6, name: 'ann' })
    await here.save()
  })

  it('resolves a conflict also without a change', async (t) => {
    const store = sharedStore()
    const { here, there } = await createShared(startProcess(t, store), startProcess(t, store), { count: 1, gone: 1 })
    change(there, (data) => {
      data.count = 5
      delete data.gone
    })
    await there.save()
    change(here, (data) => Object.assign(data, { count: 2, gone: 2 }))
    await assert.rejects(here.save(), WsConflictError)
    await here.update(() => {})
    dataIs(here, { count: 5 })
    await here.save()
    assert.deepEqual(await storedOf(store, here), { count: 5 })
  })

  it('gives a copy, and changes nothing when the function throws', async (t) => {
    const store = sharedStore()
    const { here } = await createShared(startProcess(t, store), startProcess(t, store), { list: [1] })
    const { list } = dataOf(here)
    await assert.rejects(
      here.update((data) => {
        assert.notEqual((data as Data).list, list)
        ;(data as Data).list!.push(2)
        throw new Error('no')
      }),
      /^Error: no$/
    )
    dataIs(here, { list: [1] })
    assert.deepEqual(await storedOf(store, here), { list: [1] })
  })

  it('leaves members alone that it does not change, and their objects', async (t) => {
    const store = sharedStore()
    const { here } = await createShared(startProcess(t, store), startProcess(t, store), { list: [1], count: 1 })
    const { list } = dataOf(here)
    await here.update((data) => void ((data as Data).count = 2))
    assert.equal(dataOf(here).list, list)
  })

  it('does not lose what is changed in memory while it saves: that is a conflict of a later save()', async (t) => {
    const store = sharedStore()
    const { here } = await createShared(startProcess(t, store), startProcess(t, store), { count: 1, other: 1 })
    const { asked, release } = holdSaves(store)
    const updated = here.update((data) => void ((data as Data).count = 10))
    await asked
    change(here, (data) => Object.assign(data, { count: 2, other: 2 }))
    release()
    await updated
    dataIs(here, { count: 2, other: 2 })
    assert.deepEqual(await storedOf(store, here), { count: 10, other: 1 })
    await assert.rejects(here.save(), WsConflictError)
    await here.update(() => {})
    dataIs(here, { count: 10, other: 2 })
    assert.deepEqual(await storedOf(store, here), { count: 10, other: 2 })
  })

  it('refuses a function that gives a promise', async (t) => {
    const store = sharedStore()
    const { here } = await createShared(startProcess(t, store), startProcess(t, store))
    await assert.rejects(
      here.update(async (data) => void ((data as Data).a = 1)),
      TypeError
    )
    assert.deepEqual(await storedOf(store, here), {})
  })
})

describe('numbers of links', () => {
  const link = (n: number, name = 'link') => new Map([[name, n]])

  it('are saved with the data, and alone', async (t) => {
    const store = sharedStore()
    const [one, other] = [startProcess(t, store), startProcess(t, store)]
    const { here, there } = await createShared(one, other)
    const { heard } = join(here)
    change(here, (data) => void (data.a = 1))
    await here.save(link(1))
    await here.save(link(2))
    const counted = countSaves(store)
    await here.save(link(2))
    await here.save(link(1))
    assert.equal(counted.saves, 0)
    await other.refresh()
    assert.equal(there.handled('link'), 2)
    assert.equal(there.handled('toString'), 0)
    // Nothing has changed for those who look at the data.
    assert.deepEqual(heard, [2])
    assert.deepEqual(JSON.parse((await store.find(here.session.id, 0))!.links), { link: [2, t0] })
  })

  it('of several links and processes are merged', async (t) => {
    const store = sharedStore()
    const { here, there } = await createShared(startProcess(t, store), startProcess(t, store))
    await here.save(link(4, 'one'))
    await there.save(link(7, 'other'))
    await here.save(link(5, 'one'))
    assert.deepEqual(JSON.parse((await store.find(here.session.id, 0))!.links), { one: [5, t0], other: [7, t0] })
    assert.equal(here.handled('other'), 7)
  })

  it('go with whoever saves the effects', async (t) => {
    const store = sharedStore()
    const { here } = await createShared(startProcess(t, store), startProcess(t, store))
    const { asked, release } = holdSaves(store)
    change(here, (data) => void (data.a = 1))
    const running = here.save(link(1, 'one'))
    await asked
    change(here, (data) => Object.assign(data, { b: 1, c: 1 }))
    const waiting = [here.save(link(1, 'two')), here.save(link(1, 'three'))]
    release()
    await Promise.all([running, ...waiting])
    const { data, links, version } = (await store.find(here.session.id, 0))!
    assert.deepEqual(JSON.parse(data), { a: 1, b: 1, c: 1 })
    assert.deepEqual(JSON.parse(links), { one: [1, t0], two: [1, t0], three: [1, t0] })
    assert.equal(version, 3)
  })

  it('of a forgotten link are written, or go with the effects that may be in data that are not saved', async (t) => {
    const store = sharedStore()
    const { here } = await createShared(startProcess(t, store), startProcess(t, store))
    const links = async () => JSON.parse((await store.find(here.session.id, 0))!.links) as unknown
    await here.forget('one', 3)
    assert.deepEqual(await links(), { one: [3, t0] })
    change(here, (data) => void (data.a = 1))
    await here.forget('two', 5)
    assert.deepEqual(await links(), { one: [3, t0] })
    // Whoever comes again here.
    assert.equal(here.handled('two'), 5)
    await here.save()
    assert.deepEqual(await links(), { one: [3, t0], two: [5, t0] })
    change(here, (data) => void (data.a = 2))
    await here.forget('three', 7)
    await here.giveUp('three', 0)
    assert.equal(here.handled('three'), 7)
  })

  it('of an update are not saved before its turn', async (t) => {
    const store = sharedStore()
    const { here } = await createShared(startProcess(t, store), startProcess(t, store))
    const seen: string[] = []
    const { save } = store
    store.save = (id, version, given) => {
      seen.push(`${given.data} ${given.links}`)
      return save(id, version, given)
    }
    change(here, (data) => void (data.a = 1))
    await Promise.all([here.save(link(1, 'one')), here.update((data) => void ((data as Data).b = 1), link(1, 'two'))])
    assert.deepEqual(seen, [`{"a":1} {"one":[1,${t0}]}`, `{"a":1,"b":1} {"one":[1,${t0}],"two":[1,${t0}]}`])
  })

  it('keep a message from having its effect twice, in two processes', async (t) => {
    const store = sharedStore()
    const { here, there } = await createShared(startProcess(t, store), startProcess(t, store), { count: 0 })
    const add = (data: unknown) => void ((data as Data).count = (data as Data).count! + 1)
    await here.update(add, link(1), 'link')
    await here.update(add, link(1), 'link')
    let called = 0
    await assert.rejects(
      there.update(() => void called++, link(1), 'link'),
      WsConflictError
    )
    // Once, on what was known then, and never again.
    assert.equal(called, 1)
    await assert.rejects(
      there.update(() => void called++, link(1), 'link'),
      WsConflictError
    )
    assert.equal(called, 1)
    assert.deepEqual(await storedOf(store, here), { count: 2 })
    await there.update(add, link(2), 'link')
    await there.update(add, link(2), 'link')
    await assert.rejects(here.update(add, link(2), 'link'), WsConflictError)
    change(here, (data) => void (data.again = true))
    await assert.rejects(here.save(link(2), 'link'), WsConflictError)
    assert.deepEqual(await storedOf(store, here), { count: 4 })
    // That it was handled may be said again by all others.
    await here.save(link(2))
    await here.update(add, new Map([...link(2), ...link(1, 'other')]), 'other')
    // What the refused message had changed is not saved with something else.
    assert.deepEqual(await storedOf(store, here), { count: 5 })
    assert.deepEqual(dataOf(here), { count: 5 })
  })

  it('of a link that was given up take no effects any more, in any process', async (t) => {
    const store = sharedStore()
    const { here, there } = await createShared(startProcess(t, store), startProcess(t, store), { count: 0 })
    const add = (data: unknown) => void ((data as Data).count = (data as Data).count! + 1)
    await here.update(add, link(1), 'link')
    // The other process does not know of the first message yet.
    await there.giveUp('link', 0)
    assert.deepEqual([there.isGivenUp('link'), there.handled('link'), here.isGivenUp('link')], [true, 1, false])
    // In the midst of the next one when it is given up.
    add(dataOf(here))
    await assert.rejects(here.save(link(2), 'link'), { name: 'WsConflictError', message: /again on another link/ })
    assert.deepEqual(dataOf(here), { count: 1 })
    await assert.rejects(here.update(add, link(3), 'link'), WsConflictError)
    // Others go on, and do not raise its number.
    await here.update(add, new Map([...link(3), ...link(1, 'other')]), 'other')
    assert.deepEqual(await storedOf(store, here), { count: 2 })
    await here.giveUp('link', 9)
    assert.equal(here.handled('link'), 1)
    const { version } = here
    await here.giveUp('link', 1)
    assert.equal(here.version, version)
  })

  it('are forgotten after a week, and beyond 64 links', async (t) => {
    const store = sharedStore()
    const clock = createClock()
    const { live } = await startProcess(t, store, { now: clock.now }).create(anonymous)
    await live.save(link(1, 'old'))
    clock.at += 7 * 24 * 3_600_000 - 1
    await live.save(link(1, 'newer'))
    assert.equal(live.handled('old'), 1)
    clock.at++
    await live.save(link(2, 'newer'))
    assert.equal(live.handled('old'), 0)
    for (let index = 0; index < 70; index++) {
      clock.at++
      await live.save(link(1, `link ${index}`))
    }
    assert.equal(live.handled('newer'), 0)
    assert.equal(live.handled('link 5'), 0)
    for (let index = 6; index < 70; index++) assert.equal(live.handled(`link ${index}`), 1)
  })

  it('are no reason to refuse data that are too large already', async (t) => {
    const store = sharedStore()
    const { there } = await createShared(startProcess(t, store), startProcess(t, store, { maxData: 10 }), { text: 'x'.repeat(20) })
    await there.save(link(1))
    assert.equal(there.handled('link'), 1)
  })
})

describe('changes by others', () => {
  it('come into the same object, and leave alone what was changed here', async (t) => {
    const store = sharedStore()
    const [one, other] = [startProcess(t, store), startProcess(t, store)]
    const { here, there } = await createShared(one, other, { a: [1], b: [1], c: [1] })
    const { data } = here.session
    const { c } = dataOf(here)
    change(here, (own) => (own.b as number[]).push(2))
    change(there, (own) => {
      ;(own.a as number[]).push(3)
      ;(own.b as number[]).push(3)
    })
    await there.save()
    await one.refresh()
    assert.equal(here.session.data, data)
    dataIs(here, { a: [1, 3], b: [1, 2], c: [1] })
    assert.equal(dataOf(here).c, c)
    await assert.rejects(
      here.save(),
      (error: Error) => error instanceof WsConflictError && !error.message.includes('"a"') && error.message.includes('"b"')
    )
    // Taken back: there is no conflict any more.
    change(here, (own) => void (own.b = [1]))
    await here.save()
    dataIs(here, { a: [1, 3], b: [1, 3], c: [1] })
  })

  it('are seen though those of another session are broken in the store, which is said', async (t) => {
    const store = sharedStore()
    const [one, other] = [startProcess(t, store), startProcess(t, store)]
    const sessions = []
    for (let count = 0; count < 20; count++) sessions.push(await createShared(one, other))
    const [broken, ...rest] = sessions
    await store.save(broken!.here.session.id, broken!.here.version, { data: '[]', links: '{}', now: t0 })
    for (const { here } of rest) {
      change(here, (data) => void (data.a = 1))
      await here.save()
    }
    await other.refresh()
    for (const { there } of rest) dataIs(there, { a: 1 })
    assert.deepEqual(
      other.logged.map(({ level }) => level),
      ['error']
    )
  })

  it('are seen by the timer', async (t) => {
    const store = sharedStore()
    const { here, there } = await createShared(startProcess(t, store), startProcess(t, store, { refresh: 0.005 }))
    const { promise, resolve } = Promise.withResolvers<number>()
    there.attach({} as never, { saved: resolve, ended: () => {} })
    change(here, (data) => void (data.a = 1))
    await here.save()
    // Timers of this package do not keep a process going.
    const alive = setInterval(() => {}, 1000)
    t.after(() => clearInterval(alive))
    assert.equal(await promise, 2)
    dataIs(there, { a: 1 })
  })
})

describe('what the application sees', () => {
  it('has no secret anywhere (W11), and cannot be moved to another session', async (t) => {
    const store = sharedStore()
    const process = startProcess(t, store)
    const { live, secret } = await process.create({ ...anonymous, fromClient: { app: 'x' } })
    const { secretHash } = (await store.find(live.session.id, 0))!
    const resumed = await process.resume({ ...anonymous, id: live.session.id, secret })
    assert.ok(typeof resumed === 'object' && resumed.secret !== null)
    for (const thing of [live, live.session, live.session.data, process]) {
      const shown = inspect(thing, { depth: Infinity, showHidden: true, getters: true })
      for (const hidden of [secret, secretHash, resumed.secret]) assert.ok(!shown.includes(hidden))
      assert.doesNotMatch(shown, /secret(?!s)/i)
    }
    assert.throws(() => Object.assign(live.session, { data: {} }), TypeError)
    assert.throws(() => Object.assign(live.session, { id: 'other' }), TypeError)
    assert.deepEqual(live.session.fromClient, { app: 'x' })
  })
})
