import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import type { GsDatabase } from '../database/database.ts'
import { createSession } from '../sessions/sessions.ts'
import { seedAccount } from '../testing/accounts.ts'
import { Clock } from '../testing/build.ts'
import { engines } from '../testing/databases.ts'
import { Queue } from '../testing/queue.ts'
import { createConnectionCounts, pruneNodes, readConnections, type OpenConnections } from './connection-counts.ts'

const limits = { idle: 3_600_000, absolute: 86_400_000, remembered: 86_400_000 }

/** Processes on one database, with connections of the test's own. */
async function processes(t: TestContext, engine: (typeof engines)[number]) {
  const database = await engine.open(t)
  const clock = new Clock()
  const timer = { now: 0 }
  for (const account of ['ann', 'bob']) await seedAccount(database.db, account)
  const session = (accountId: string) =>
    database.transaction(async (trx) => {
      const made = await createSession(trx, { accountId, remember: false, forgotAt: null, ip: '', userAgent: '', now: clock.now }, limits)
      return made.id
    })

  const start = (change: { elapsed?: () => number; transaction?: GsDatabase['transaction'] } = {}) => {
    const here = new Map<string, OpenConnections>()
    const logged: string[] = []
    const committed = new Queue<number>()
    let listener: (id: string) => void = () => undefined
    const log = (facts: unknown, text?: string) => void logged.push(text ?? String(facts))
    const counts = createConnectionCounts({
      database: {
        db: database.db,
        async transaction(work) {
          const result = await (change.transaction ?? database.transaction)(work)
          committed.push(committed.all.length)
          return result
        }
      },
      registry: {
        countOfSession: (id, kind) => here.get(id)?.[kind === 'page' ? 'pages' : 'sockets'] ?? 0,
        onCounts(told) {
          listener = told
          return () => (listener = () => undefined)
        }
      },
      log: { error: log, warn: log } as never,
      now: () => clock.now,
      elapsed: change.elapsed ?? (() => timer.now)
    })
    t.after(() => counts.close())
    const open = (id: string, pages: number, sockets = 0) => {
      here.set(id, { pages, sockets })
      listener(id)
    }
    /** As much later as it takes until it is written. */
    const write = () => {
      timer.now += 1000
      return counts.tick()
    }
    return { counts, logged, committed, open, write }
  }
  const pass = (seconds: number) => {
    clock.advance(seconds)
    timer.now += seconds * 1000
  }
  const rows = async () =>
    (await database.db.selectFrom('gs_connections').select(['session_id', 'pages', 'sockets']).orderBy('session_id').execute()).map((row) =>
      Object.values(row).join(' ')
    )
  const nodes = async () => (await database.db.selectFrom('gs_nodes').selectAll().execute()).length
  const told = async () => {
    const changes = await database.db
      .selectFrom('gs_changes')
      .select('account_id')
      .where('type', '=', 'connections')
      .orderBy('id')
      .execute()
    await database.db.deleteFrom('gs_changes').execute()
    return changes.map((change) => change.account_id)
  }
  return { database, clock, timer, session, start, pass, rows, nodes, told }
}

const of = async ({ counts }: { counts: { of: (ids: string[]) => Promise<ReadonlyMap<string, OpenConnections>> } }, id: string) => {
  const { pages, sockets } = (await counts.of([id])).get(id) ?? { pages: 0, sockets: 0 }
  return [pages, sockets]
}

for (const engine of engines) {
  describe(`connections of all processes on ${engine.name}`, () => {
    it('are those of this one as they are, and those of others as they were written', async (t) => {
      const { database, clock, session, start } = await processes(t, engine)
      const [id, other] = [await session('ann'), await session('bob')]
      const [one, two, three] = [start(), start(), start()]
      one.open(id, 2, 1)
      assert.deepEqual([await of(one, id), await of(two, id)], [[2, 1], [0, 0]]) // prettier-ignore
      await one.write()
      two.open(id, 1)
      three.open(id, 0, 4)
      assert.deepEqual([await of(one, id), await of(two, id)], [[2, 1], [3, 1]]) // prettier-ignore
      for (const each of [two, three]) await each.write()
      for (const each of [one, two, three]) assert.deepEqual([await of(each, id), await of(each, other)], [[3, 5], [0, 0]]) // prettier-ignore
      assert.deepEqual(await readConnections(database.db, [id, other], clock.now), new Map([[id, { pages: 3, sockets: 5 }]]))
      assert.deepEqual(await readConnections(database.db, [], clock.now), new Map())
    })

    it('are written together, a second after they have changed, and not when nothing is different after all', async (t) => {
      const { timer, session, start, rows, nodes } = await processes(t, engine)
      const ids = [await session('ann'), await session('ann'), await session('bob')].toSorted()
      const { counts, committed, open } = start()
      const tick = async (at: number) => {
        timer.now = at
        await counts.tick()
        return committed.all.length
      }
      open(ids[0]!, 1)
      open(ids[1]!, 0, 2)
      assert.equal(await tick(999), 0)
      open(ids[2]!, 1)
      assert.equal(await tick(1000), 1)
      assert.deepEqual(await rows(), [`${ids[0]} 1 0`, `${ids[1]} 0 2`])
      assert.equal(await tick(1999), 1)
      assert.equal(await tick(2000), 2)
      assert.deepEqual(await rows(), [`${ids[0]} 1 0`, `${ids[1]} 0 2`, `${ids[2]} 1 0`])

      open(ids[0]!, 0)
      timer.now = 2500
      open(ids[0]!, 1)
      open(ids[2]!, 1)
      assert.equal(await tick(5000), 2)
      for (const id of ids.slice(1)) open(id, 0)
      assert.equal(await tick(6000), 3)
      assert.deepEqual(await rows(), [`${ids[0]} 1 0`])
      open(ids[0]!, 0)
      assert.equal(await tick(7000), 4)
      assert.deepEqual([await rows(), await nodes()], [[], 0])
      assert.equal(await tick(100_000), 4)
    })

    it('are no more than a sign of life every ten seconds while nothing changes', async (t) => {
      const { session, start, pass } = await processes(t, engine)
      const id = await session('ann')
      const [one, two] = [start(), start()]
      one.open(id, 1)
      await one.write()
      for (let n = 0; n < 8; n++) {
        pass(9.9)
        await one.counts.tick()
        assert.equal(one.committed.all.length, n + 1)
        pass(0.1)
        await one.counts.tick()
        assert.equal(one.committed.all.length, n + 2)
        assert.deepEqual(await of(two, id), [1, 0])
      }
    })

    it('do not count those of a process that has said nothing for 30 s, which is then removed, and whom it concerns told', async (t) => {
      const { database, clock, session, start, pass, rows, nodes, told } = await processes(t, engine)
      const [ann, desk, bob] = [await session('ann'), await session('ann'), await session('bob')]
      const [dead, living] = [start(), start()]
      dead.open(ann, 2)
      dead.open(bob, 1)
      await dead.write()
      living.open(desk, 1)
      await living.write()
      await told()
      pass(29.9)
      assert.deepEqual(await of(living, ann), [2, 0])
      pass(0.1)
      assert.deepEqual(await of(living, ann), [0, 0])
      assert.deepEqual(await readConnections(database.db, [ann], clock.now), new Map())
      assert.equal(await nodes(), 2)
      await living.counts.tick()
      assert.deepEqual([await nodes(), await rows(), await told()], [1, [`${desk} 1 0`], ['ann']])
      pass(30)
      await database.transaction((trx) => pruneNodes(trx, clock.now))
      assert.deepEqual([await nodes(), await rows(), await told()], [0, [], []])
    })

    it('come back whole when a process was taken for a dead one', async (t) => {
      const { database, clock, session, start, pass, rows, nodes } = await processes(t, engine)
      const ids = [await session('ann'), await session('ann'), await session('bob')].toSorted()
      const asleep = start()
      asleep.open(ids[0]!, 1)
      asleep.open(ids[1]!, 2)
      await asleep.write()
      pass(40)
      await database.transaction((trx) => pruneNodes(trx, clock.now))
      assert.deepEqual([await nodes(), await rows()], [0, []])
      asleep.open(ids[1]!, 0)
      asleep.open(ids[2]!, 0, 3)
      await asleep.write()
      assert.deepEqual(await rows(), [`${ids[0]} 1 0`, `${ids[2]} 0 3`])
    })

    it('are told to the accounts that are connected elsewhere too, and to no others', async (t) => {
      const { session, start, told } = await processes(t, engine)
      const [ann, desk, bob] = [await session('ann'), await session('ann'), await session('bob')]
      const [one, two] = [start(), start()]
      await told()
      one.open(ann, 1)
      one.open(desk, 1)
      one.open(bob, 1)
      await one.write()
      assert.deepEqual(await told(), [])
      two.open(desk, 1)
      await two.write()
      assert.deepEqual(await told(), ['ann'])
      one.open(ann, 2)
      one.open(bob, 2)
      await one.write()
      assert.deepEqual(await told(), ['ann'])
      await two.counts.close()
      assert.deepEqual(await told(), ['ann'])
      await one.counts.close()
      assert.deepEqual(await told(), [])
    })

    it('are taken back by a process that stops, which writes nothing more', async (t) => {
      const { session, start, rows, nodes } = await processes(t, engine)
      const [ann, bob] = [await session('ann'), await session('bob')]
      const [one, two] = [start(), start()]
      for (const each of [one, two]) {
        each.open(ann, 1)
        await each.write()
      }
      await one.counts.close()
      await one.counts.close()
      one.open(bob, 1)
      await one.write()
      assert.deepEqual([await rows(), await nodes(), one.committed.all.length], [[`${ann} 1 0`], 1, 2])
    })

    it('are written for thousands of sessions, also of such as have ended meanwhile', async (t) => {
      const { start, rows } = await processes(t, engine)
      const { open, write } = start()
      const ids = Array.from({ length: 1201 }, (_, n) => `s${String(n).padStart(4, '0')}`)
      for (const id of ids) open(id, 1)
      await write()
      assert.equal((await rows()).length, ids.length)
      for (const id of ids.slice(1)) open(id, 0)
      await write()
      assert.deepEqual(await rows(), ['s0000 1 0'])
    })
  })
}

describe('the numbers of connections', () => {
  const [sqlite] = engines

  it('are written by a timer, and what changes meanwhile a second later', async (t) => {
    const { session, start, rows } = await processes(t, sqlite!)
    const id = await session('ann')
    const { committed, open } = start({ elapsed: () => performance.now() })
    const began = performance.now()
    open(id, 1)
    await committed.next()
    open(id, 2)
    await committed.next()
    assert.ok(performance.now() - began >= 1990)
    assert.deepEqual(await rows(), [`${id} 2 0`])
  })

  it('are written when the database answers again, with one message in the log', async (t) => {
    const { database, session, start, pass, rows } = await processes(t, sqlite!)
    const id = await session('ann')
    let down = true
    const { counts, logged, open } = start({
      transaction: (work) => (down ? Promise.reject(new Error('out of reach')) : database.transaction(work))
    })
    open(id, 1)
    for (let n = 0; n < 3; n++) {
      pass(10)
      await counts.tick()
    }
    assert.deepEqual(logged, ['it cannot be written how many pages and websockets are open; it is tried again'])
    down = false
    pass(10)
    await counts.tick()
    assert.deepEqual(logged.slice(1), ['it can be written again how many pages and websockets are open'])
    assert.deepEqual(await rows(), [`${id} 1 0`])
    down = true
    await counts.close()
    assert.equal(logged.length, 3)
  })
})
