import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { assert as assertProperty, array, asyncProperty, constantFrom, nat, oneof, record } from 'fast-check'
import { emptyPostgres, temporaryDirectory } from 'fastify-gs/testing'
import { memoryStore, postgresStore, sqliteStore, WsUnavailableError, type SessionStore, type StoredSession } from '../index.ts'
import { minute, session, t0 } from '../testing/sessions.ts'

const stores: readonly { readonly name: string; readonly make: (t: TestContext) => SessionStore | Promise<SessionStore> }[] = [
  { name: 'memoryStore()', make: () => memoryStore() },
  { name: 'sqliteStore()', make: (t) => sqliteStore({ path: join(temporaryDirectory(t), 'sessions.sqlite3') }) },
  { name: 'postgresStore()', make: async () => postgresStore({ url: await emptyPostgres() }) }
]

const hour = 60 * minute
const saved = (data: string, now = t0) => ({ data, links: '{}', now })
const visited = (at: number, more: Partial<StoredSession> = {}) => ({
  secretHash: 'hash of a',
  formerHash: null,
  formerUntil: null,
  previousVisit: t0,
  latestVisit: at,
  idleUntil: at + hour,
  ...more
})
const sorted = (ids: readonly (string | number)[]) => ids.toSorted((a, b) => (`${typeof a} ${a}` < `${typeof b} ${b}` ? -1 : 1))

for (const { name, make } of stores) {
  const open = async (t: TestContext) => {
    const store = await make(t)
    t.after(() => store.close())
    return store
  }

  describe(name, () => {
    it('gives a session back as it was made', async (t) => {
      const store = await open(t)
      const all = [
        session('plain'),
        session(7, {
          formerHash: 'former',
          formerUntil: t0 + 1,
          owner: 'account:ann ü 🙂',
          data: JSON.stringify({ text: 'ä\u0000\u2028🙂\uD800', deep: [[{ __proto__: 1 }]] }),
          fromClient: '{"browser":"\\u0000 x"}',
          previousVisit: t0 - 1,
          latestVisit: t0 + 2,
          version: 41,
          links: '{"abc":[12,5]}',
          idleUntil: t0 + 2 * hour,
          absoluteUntil: t0 + hour
        }),
        session('large', { data: JSON.stringify('x'.repeat(1_000_000)), version: 2 ** 52, absoluteUntil: 8.64e15 })
      ]
      for (const one of all) await store.create(one)
      for (const one of all) assert.deepEqual({ ...(await store.find(one.id, t0)) }, one)
      assert.equal(await store.find('none', t0), null)
    })

    it('keeps ids with their type, and texts of any kind apart', async (t) => {
      const store = await open(t)
      const ids = [
        1,
        '1',
        0,
        -5,
        10,
        Number.MAX_SAFE_INTEGER,
        'n:1',
        's:1',
        'a',
        'A',
        'a ',
        'ä',
        'a\u0308',
        '__proto__',
        'constructor',
        'nextSessionID',
        "'; drop table gs_ws_sessions; --",
        '%',
        '"',
        '\\',
        '\\u0041',
        'line\nbreak',
        '\u0001',
        '\u2028',
        '🙂',
        'x'.repeat(256),
        'ü'.repeat(255)
      ]
      for (const id of ids) {
        assert.equal(await store.find(id, t0), null, `${id}`)
        await store.create(session(id, { data: JSON.stringify([typeof id, id]) }))
      }
      for (const id of ids) {
        const found = await store.find(id, t0)
        assert.equal(found?.id, id)
        assert.equal(found.data, JSON.stringify([typeof id, id]))
      }
      const { sessions } = await store.list({ now: t0, limit: 100 })
      assert.deepEqual(sorted(sessions.map(({ id }) => id)), sorted(ids))
      await store.extend(new Map(ids.map((id) => [id, t0 + 2 * hour])))
      for (const id of ids) assert.equal((await store.find(id, t0))?.idleUntil, t0 + 2 * hour, `${id}`)
      for (const id of ids) assert.deepEqual(await store.end({ id }), [id])
      assert.deepEqual((await store.list({ now: t0, limit: 100 })).sessions, [])
    })

    it('has nothing under what cannot be an id, and makes nothing under it', async (t) => {
      const store = await open(t)
      for (const id of ['�', 'x', '[object Object]', '1.5', 'null']) await store.create(session(id))
      for (const id of [
        '',
        'x\0',
        '\uD800',
        '\uDC00',
        'x'.repeat(257),
        1.5,
        Number.NaN,
        Infinity,
        2 ** 53,
        null,
        undefined,
        true,
        {},
        ['x']
      ] as string[]) {
        assert.equal(await store.find(id, t0), null)
        assert.equal(await store.save(id, 1, saved('1')), null)
        assert.equal(await store.visit(id, 'hash of x', visited(t0)), false)
        assert.deepEqual(await store.end({ id }), [])
        await store.extend(new Map([[id, t0 + 2 * hour]]))
        assert.deepEqual(await store.changes(new Map([[id, 1]])), [])
        await assert.rejects(store.create(session(id)), TypeError)
      }
      for (const owner of ['', 'x\0', '\uD800', 'x'.repeat(257), 7 as never]) {
        await assert.rejects(store.create(session('owned', { owner })), TypeError)
        assert.deepEqual(await store.end({ owner }), [])
      }
      assert.equal((await store.list({ now: t0, limit: 100 })).sessions.length, 5)
    })

    it('refuses a second session with the same id, and keeps the first one', async (t) => {
      const store = await open(t)
      await store.create(session('a', { data: '1' }))
      await assert.rejects(store.create(session('a', { data: '2' })), /There is a session with this id already/)
      await assert.rejects(store.create(session('a', { firstVisit: t0 + 48 * hour })), /There is a session with this id already/)
      assert.equal((await store.find('a', t0))?.data, '1')
      const outcomes = await Promise.allSettled(Array.from({ length: 20 }, (_, index) => store.create(session('b', { data: `${index}` }))))
      assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1)
      const winner = outcomes.findIndex(({ status }) => status === 'fulfilled')
      assert.equal((await store.find('b', t0))?.data, `${winner}`)
    })

    for (const [which, times] of [
      ['idle', { idleUntil: t0 + 10, absoluteUntil: t0 + 20 }],
      ['absolute', { idleUntil: t0 + 20, absoluteUntil: t0 + 10 }]
    ] as const) {
      it(`has a session until its ${which} end, to the millisecond`, async (t) => {
        const store = await open(t)
        await store.create(session('a', times))
        assert.notEqual(await store.find('a', t0 + 9), null)
        assert.equal(await store.find('a', t0 + 10), null)
        assert.equal(await store.save('a', 1, saved('"late"', t0 + 10)), null)
        assert.equal(await store.visit('a', 'hash of a', visited(t0 + 10)), false)
        assert.deepEqual((await store.list({ now: t0 + 10, limit: 10 })).sessions, [])
        assert.deepEqual(await store.prune(t0 + 9, 10), [])
        assert.equal(await store.save('a', 1, saved('"in time"', t0 + 9)), 2)
        assert.equal((await store.list({ now: t0 + 9, limit: 10 })).sessions.length, 1)
        assert.deepEqual(await store.prune(t0 + 10, 10), ['a'])
        assert.equal(await store.find('a', t0), null)
      })
    }

    it('saves data and links for the version that is there, and nothing for another one', async (t) => {
      const store = await open(t)
      await store.create(session('a', { fromClient: '1' }))
      assert.equal(await store.save('a', 1, { data: '{"n":1}', links: '{"l":[3,4]}', now: t0 + 5 }), 2)
      const kept = { ...(await store.find('a', t0)) }
      assert.deepEqual(kept, session('a', { fromClient: '1', data: '{"n":1}', links: '{"l":[3,4]}', version: 2 }))
      for (const version of [1, 3, 0, -1]) assert.equal(await store.save('a', version, saved('"wrong"')), null)
      assert.equal(await store.save('none', 1, saved('1')), null)
      assert.deepEqual({ ...(await store.find('a', t0)) }, kept)
    })

    it('lets exactly one of several saves at once win (W15)', async (t) => {
      const store = await open(t)
      await store.create(session('a', { data: '0' }))
      for (let version = 1; version <= 10; version++) {
        const outcomes = await Promise.all(
          Array.from({ length: 20 }, (_, index) => store.save('a', version, saved(`[${version},${index}]`)))
        )
        assert.equal(outcomes.filter((outcome) => outcome !== null).length, 1)
        const winner = outcomes.findIndex((outcome) => outcome === version + 1)
        assert.equal((await store.find('a', t0))?.data, `[${version},${winner}]`)
      }
    })

    it('notes a visit for the secret that counts, and lets one of several rotations win', async (t) => {
      const store = await open(t)
      await store.create(session('a', { data: '"kept"', links: '{"l":[1,2]}', version: 5 }))
      const rotation = visited(t0 + 5, { secretHash: 'new', formerHash: 'hash of a', formerUntil: t0 + 9 })
      assert.equal(await store.visit('a', 'wrong', rotation), false)
      assert.equal(await store.visit('none', 'hash of a', rotation), false)
      assert.equal(await store.visit('a', 'hash of a', rotation), true)
      const kept = session('a', { data: '"kept"', links: '{"l":[1,2]}', version: 5, ...rotation })
      assert.deepEqual({ ...(await store.find('a', t0)) }, kept)
      assert.equal(await store.visit('a', 'hash of a', rotation), false)
      const outcomes = await Promise.all(
        Array.from({ length: 20 }, (_, index) => store.visit('a', 'new', visited(t0 + 6, { secretHash: `${index}`, formerHash: 'new' })))
      )
      assert.equal(outcomes.filter((won) => won).length, 1)
      assert.equal((await store.find('a', t0))?.secretHash, `${outcomes.indexOf(true)}`)
      assert.equal((await store.find('a', t0))?.formerUntil, null)
    })

    it('puts ends off, never back, of as many sessions as there are', async (t) => {
      const store = await open(t)
      await store.extend(new Map())
      const ids = Array.from({ length: 1500 }, (_, index) => (index % 2 === 0 ? index : `text ${index}`))
      await Promise.all(ids.map((id) => store.create(session(id))))
      await store.extend(new Map([...ids.slice(1).map((id) => [id, t0 + 2 * hour] as const), ['none', t0 + hour]]))
      assert.equal((await store.find(0, t0))?.idleUntil, t0 + hour)
      for (const id of [ids[1]!, ids[999]!, ids[1000]!, ids[1499]!]) assert.equal((await store.find(id, t0))?.idleUntil, t0 + 2 * hour)
      await store.extend(new Map(ids.map((id) => [id, t0 + 90 * minute])))
      assert.equal((await store.find(0, t0))?.idleUntil, t0 + 90 * minute)
      assert.equal((await store.find(2, t0))?.idleUntil, t0 + 2 * hour)
      await store.extend(new Map([[2, t0 + 48 * hour]]))
      assert.notEqual(await store.find(2, t0 + 24 * hour - 1), null)
      assert.equal(await store.find(2, t0 + 24 * hour), null)
      // Whoever was connected all the time while the store was away.
      assert.equal(await store.find(0, t0 + 90 * minute), null)
      await store.extend(new Map([[0, t0 + 3 * hour]]))
      assert.notEqual(await store.find(0, t0 + 90 * minute), null)
      assert.equal(await store.find('none', t0), null)
    })

    it('ends one session, those of an owner, or all, and says which were there', async (t) => {
      const store = await open(t)
      for (const [id, owner] of [
        ['a', 'ann'],
        [1, 'ann'],
        ['b', 'bob'],
        ['c', null],
        ['d', null]
      ] as const)
        await store.create(session(id, { owner }))
      assert.deepEqual(await store.end({ id: '1' }), [])
      assert.deepEqual(await store.end({ id: 'd' }), ['d'])
      assert.deepEqual(await store.end({ id: 'd' }), [])
      assert.deepEqual(await store.end({ owner: 'Ann' }), [])
      assert.deepEqual(sorted(await store.end({ owner: 'ann' })), sorted(['a', 1]))
      assert.deepEqual(await store.end({ owner: 'ann' }), [])
      for (const gone of ['a', 1, 'd']) {
        assert.equal(await store.find(gone, t0), null)
        assert.equal(await store.save(gone, 1, saved('1')), null)
        assert.equal(await store.visit(gone, `hash of ${gone}`, visited(t0)), false)
      }
      await store.extend(new Map([['a', t0 + 2 * hour]]))
      assert.equal(await store.find('a', t0), null)
      assert.deepEqual(sorted(await store.end('all')), ['b', 'c'])
      assert.deepEqual(await store.end('all'), [])
      await Promise.all(Array.from({ length: 2100 }, (_, index) => store.create(session(index, { owner: index < 1050 ? 'ann' : null }))))
      assert.equal(new Set(await store.end({ owner: 'ann' })).size, 1050)
      assert.equal(new Set(await store.end('all')).size, 1050)
    })

    it('lists pages, latest visit first, with the bytes of the data', async (t) => {
      const store = await open(t)
      const times = [5, 3, 3, 3, 9, 1, 3, 7, 3, 2]
      const ids = times.map((_, index) => (index % 3 === 0 ? index : `${index}`))
      for (const [index, time] of times.entries())
        await store.create(
          session(ids[index]!, { latestVisit: t0 + time, owner: index === 4 ? 'ann' : null, data: JSON.stringify('ä'.repeat(index)) })
        )
      await store.create(session('over', { latestVisit: t0 + 4, idleUntil: t0 + 10 }))
      for (const limit of [1, 2, 3, 5, 9, 10, 11]) {
        const seen: (string | number)[] = []
        let after: string | null = null
        let pages = 0
        do {
          const page: Awaited<ReturnType<SessionStore['list']>> = await store.list({
            now: t0 + 10,
            limit,
            ...(after !== null && { after })
          })
          assert.ok(page.sessions.length <= limit && page.sessions.length > 0)
          for (const one of page.sessions) {
            const index = ids.indexOf(one.id)
            assert.deepEqual(one, {
              id: ids[index],
              owner: index === 4 ? 'ann' : null,
              firstVisit: t0,
              latestVisit: t0 + times[index]!,
              size: 2 + 2 * index
            })
            seen.push(one.id)
          }
          after = page.next
          pages++
        } while (after !== null)
        assert.equal(pages, Math.ceil(10 / limit))
        assert.equal(new Set(seen).size, 10)
        assert.deepEqual(
          seen.map((id) => times[ids.indexOf(id)]),
          times.toSorted((a, b) => b - a)
        )
      }
    })

    it('goes on with a list where it was, though sessions come and go meanwhile', async (t) => {
      const store = await open(t)
      for (let index = 0; index < 6; index++) await store.create(session(index, { latestVisit: t0 + index }))
      const first = await store.list({ now: t0, limit: 2 })
      assert.deepEqual(
        first.sessions.map(({ id }) => id),
        [5, 4]
      )
      await store.end({ id: 4 })
      await store.end({ id: 3 })
      await store.create(session('new', { latestVisit: t0 + 100 }))
      const second = await store.list({ now: t0, limit: 10, after: first.next! })
      assert.deepEqual(
        second.sessions.map(({ id }) => id),
        [2, 1, 0]
      )
      assert.equal(second.next, null)
    })

    it('refuses limits and cursors that are none', async (t) => {
      const store = await open(t)
      for (const limit of [0, -1, 1.5, Number.NaN, 10_001, '5' as never]) {
        await assert.rejects(store.list({ now: t0, limit }), TypeError)
        await assert.rejects(store.prune(t0, limit), TypeError)
      }
      const cursor = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
      for (const after of [
        '',
        'x',
        '%%%',
        cursor(null),
        cursor([]),
        cursor([1]),
        cursor(['1', 'a']),
        cursor([1, 'a\0']),
        cursor([1.5, 'a'])
      ])
        await assert.rejects(store.list({ now: t0, limit: 1, after }), TypeError, after)
    })

    it('removes what is over, at most as many as one says', async (t) => {
      const store = await open(t)
      await Promise.all(Array.from({ length: 2500 }, (_, index) => store.create(session(index, { idleUntil: t0 + 1 + (index % 2) }))))
      await store.create(session('stays'))
      const removed: (string | number)[] = []
      const counts: number[] = []
      for (const now of [t0, t0 + 1, t0 + 1, t0 + 2, t0 + 2, t0 + 2]) {
        const some = await store.prune(now, now === t0 + 1 ? 1100 : 700)
        counts.push(some.length)
        removed.push(...some)
      }
      assert.deepEqual(counts, [0, 1100, 150, 700, 550, 0])
      assert.equal(new Set(removed).size, 2500)
      assert.ok(removed.slice(0, 1250).every((id) => (id as number) % 2 === 0))
      assert.notEqual(await store.find('stays', t0), null)
    })

    it('gives each number once, in order, from 1 or from above what was said', async (t) => {
      const store = await open(t)
      assert.equal(await store.nextNumber(), 1)
      const numbers = await Promise.all(Array.from({ length: 40 }, () => store.nextNumber()))
      assert.deepEqual(
        numbers.toSorted((a, b) => a - b),
        Array.from({ length: 40 }, (_, index) => index + 2)
      )
      await store.raiseNumber(10)
      assert.equal(await store.nextNumber(), 42)
      await store.raiseNumber(3000)
      assert.equal(await store.nextNumber(), 3001)
      await Promise.all([...Array.from({ length: 10 }, (_, index) => store.raiseNumber(4000 + index)), store.raiseNumber(0)])
      assert.equal(await store.nextNumber(), 4010)
      for (const wrong of [-1, 1.5, Number.NaN, 2 ** 53, '5' as never]) await assert.rejects(store.raiseNumber(wrong), TypeError)
      await store.raiseNumber(Number.MAX_SAFE_INTEGER - 1)
      assert.equal(await store.nextNumber(), Number.MAX_SAFE_INTEGER)
      await assert.rejects(store.nextNumber(), /The sequence of session ids is at its end/)
    })

    it('begins with the number above what was said before the first one', async (t) => {
      const store = await open(t)
      await store.raiseNumber(17)
      assert.equal(await store.nextNumber(), 18)
    })

    it('agrees with a naive model over ten thousand calls', async (t) => {
      const store = await open(t)
      const which = constantFrom<string | number>(1, '1', 2, 'a')
      const time = nat(6)
      const owner = constantFrom(null, 'ann', 'bob')
      const operations = array(
        oneof(
          { weight: 3, arbitrary: record({ call: constantFrom('create' as const), id: which, owner, idle: time, absolute: time }) },
          { weight: 5, arbitrary: record({ call: constantFrom('save' as const), id: which, version: nat(3), data: nat(9) }) },
          { weight: 3, arbitrary: record({ call: constantFrom('visit' as const), id: which, from: nat(2), to: nat(2), idle: time }) },
          { weight: 2, arbitrary: record({ call: constantFrom('extend' as const), id: which, other: which, idle: time }) },
          { weight: 1, arbitrary: record({ call: constantFrom('end' as const), id: which }) },
          { weight: 1, arbitrary: record({ call: constantFrom('endOwner' as const), owner: constantFrom('ann', 'bob') }) },
          { weight: 1, arbitrary: record({ call: constantFrom('prune' as const), limit: constantFrom(1, 2, 10) }) },
          { weight: 4, arbitrary: record({ call: constantFrom('find' as const), id: which }) },
          { weight: 1, arbitrary: record({ call: constantFrom('list' as const), limit: constantFrom(1, 2, 10) }) },
          { weight: 2, arbitrary: record({ call: constantFrom('wait' as const), for: nat(2) }) }
        ),
        { minLength: 100, maxLength: 100 }
      )
      let runs = 0
      await assertProperty(
        asyncProperty(operations, async (calls) => {
          runs++
          await store.end('all')
          let model: StoredSession[] = []
          let now = t0
          const end = (one: StoredSession) => Math.min(one.idleUntil, one.absoluteUntil)
          const alive = (id: string | number) => model.find((one) => one.id === id && end(one) > now)
          const change = (one: StoredSession, to: Partial<StoredSession>) => {
            model = model.map((each) => (each === one ? { ...each, ...to } : each))
          }
          for (const call of calls) {
            switch (call.call) {
              case 'create': {
                const made = session(call.id, {
                  owner: call.owner,
                  secretHash: '0',
                  firstVisit: now,
                  latestVisit: now,
                  idleUntil: now + call.idle,
                  absoluteUntil: now + 2 * call.absolute
                })
                if (model.some(({ id }) => id === call.id)) await assert.rejects(store.create(made))
                else {
                  await store.create(made)
                  model.push(made)
                }
                break
              }
              case 'save': {
                const one = alive(call.id)
                const data = `${call.data}`
                const won = one?.version === call.version ? call.version + 1 : null
                assert.equal(await store.save(call.id, call.version, { data, links: data, now }), won)
                if (won !== null) change(one!, { data, links: data, version: won })
                break
              }
              case 'visit': {
                const one = alive(call.id)
                const won = one?.secretHash === `${call.from}`
                const to = {
                  secretHash: `${call.to}`,
                  formerHash: `${call.from}`,
                  formerUntil: null,
                  previousVisit: one?.latestVisit ?? null,
                  latestVisit: now,
                  idleUntil: now + call.idle
                }
                assert.equal(await store.visit(call.id, `${call.from}`, to), won)
                if (won) change(one, to)
                break
              }
              case 'extend': {
                const idleUntil = now + call.idle
                await store.extend(new Map([call.id, call.other].map((id) => [id, idleUntil])))
                for (const one of model)
                  if ((one.id === call.id || one.id === call.other) && one.idleUntil < idleUntil) change(one, { idleUntil })
                break
              }
              case 'end':
              case 'endOwner': {
                const gone = model.filter((one) => ('id' in call ? one.id === call.id : one.owner === call.owner))
                const ended = await store.end('id' in call ? { id: call.id } : { owner: call.owner })
                assert.deepEqual(sorted(ended), sorted(gone.map(({ id }) => id)))
                model = model.filter((one) => !gone.includes(one))
                break
              }
              case 'prune': {
                const over = model.filter((one) => end(one) <= now)
                const removed = await store.prune(now, call.limit)
                assert.equal(removed.length, Math.min(call.limit, over.length))
                assert.ok(removed.every((id) => over.some((one) => one.id === id)))
                model = model.filter(({ id }) => !removed.includes(id))
                break
              }
              case 'find': {
                const found = await store.find(call.id, now)
                assert.deepEqual(found && { ...found }, alive(call.id) ?? null)
                break
              }
              case 'list': {
                const living = model.filter((one) => end(one) > now)
                const page = await store.list({ now, limit: call.limit })
                assert.deepEqual(
                  page.sessions.map(({ latestVisit }) => latestVisit),
                  living
                    .map(({ latestVisit }) => latestVisit)
                    .toSorted((a, b) => b - a)
                    .slice(0, call.limit)
                )
                assert.equal(page.next === null, living.length <= call.limit)
                break
              }
              case 'wait':
                now += call.for
            }
          }
        }),
        { numRuns: 100, endOnFailure: true }
      )
      assert.ok(runs >= 100)
    })

    it('is out of reach when it has been closed, which may be done twice', async (t) => {
      const store = await make(t)
      await store.create(session('a'))
      await store.close()
      await store.close()
      for (const call of [
        () => store.create(session('b')),
        () => store.find('a', t0),
        () => store.save('a', 1, saved('1')),
        () => store.visit('a', 'hash of a', visited(t0)),
        () => store.extend(new Map([['a', t0]])),
        () => store.end({ id: 'a' }),
        () => store.end({ owner: 'ann' }),
        () => store.end('all'),
        () => store.list({ now: t0, limit: 1 }),
        () => store.prune(t0, 1),
        () => store.nextNumber(),
        () => store.raiseNumber(5),
        () => store.changes(new Map([['a', 1]]))
      ])
        await assert.rejects(call, WsUnavailableError)
    })
  })
}
