import assert from 'node:assert/strict'
import { join as joinPath } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { array, assert as assertProperty, asyncProperty, constantFrom, nat, oneof, record, tuple } from 'fast-check'
import { emptyPostgres, temporaryDirectory } from 'fastify-gs/testing'
import { WsConflictError } from './errors.ts'
import type { LiveSession } from './live-sessions-types.ts'
import { postgresStore } from './store/postgres-store.ts'
import type { SessionStore } from './store/session-store.ts'
import { sqliteStore } from './store/sqlite-store.ts'
import { anonymous, createShared, dataOf, join, sharedStore, startProcess, type LiveProcess } from './testing/live-processes.ts'

const closing = (t: TestContext, ...stores: SessionStore[]) => {
  for (const store of stores) t.after(() => store.close())
  return stores
}

/** What two processes share, each with an access of its own. */
const shared: readonly { readonly name: string; readonly numRuns: number; readonly open: (t: TestContext) => Promise<SessionStore[]> }[] = [
  {
    name: 'memory',
    numRuns: 300,
    async open() {
      const store = sharedStore()
      const { find, save } = store
      // Others get their turns between.
      store.find = async (...args) => {
        await turn()
        return find(...args)
      }
      store.save = async (...args) => {
        await turn()
        const saved = await save(...args)
        await turn()
        return saved
      }
      return [store, store]
    }
  },
  {
    name: 'SQLite',
    numRuns: 30,
    async open(t) {
      const path = joinPath(temporaryDirectory(t), 'sessions.sqlite3')
      return closing(t, await sqliteStore({ path }), await sqliteStore({ path }))
    }
  },
  {
    name: 'PostgreSQL',
    numRuns: 15,
    async open(t) {
      const url = await emptyPostgres()
      return closing(t, await postgresStore({ url }), await postgresStore({ url }))
    }
  }
]

type Lists = Record<string, string[] | undefined>
const listsOf = (live: LiveSession) => dataOf(live) as Lists

interface Step {
  readonly kind: 'set' | 'save' | 'update' | 'refresh' | 'remove'
  readonly member: string
  readonly turns: number
}
const member = constantFrom('a', 'b', 'c')
const turns = nat(3)
const step = record({
  kind: oneof(
    { arbitrary: constantFrom('set' as const), weight: 4 },
    { arbitrary: constantFrom('save' as const), weight: 3 },
    { arbitrary: constantFrom('update' as const), weight: 3 },
    { arbitrary: constantFrom('refresh' as const, 'remove' as const), weight: 1 }
  ),
  member,
  turns
})

/** One process that appends marks to lists. Notes which of them are saved, and which it has taken away. */
async function run(name: string, process: LiveProcess, live: LiveSession, steps: readonly Step[]) {
  const saved = new Set<string>()
  const removed = new Set<string>()
  let unsaved: string[] = []
  let count = 0
  const isThere = (mark: string) => Object.values(listsOf(live)).some((list) => list?.includes(mark))
  const save = async () => {
    try {
      await live.save()
      for (const mark of unsaved) saved.add(mark)
    } catch (error) {
      if (!(error instanceof WsConflictError)) throw error
      await live.update(() => {})
      for (const mark of unsaved) if (isThere(mark)) saved.add(mark)
    }
    unsaved = []
  }
  for (const { kind, member, turns } of steps) {
    for (let index = 0; index < turns; index++) await turn()
    const lists = listsOf(live)
    const mark = `${name}${++count}`
    if (kind === 'set') {
      lists[member] = [...(lists[member] ?? []), mark]
      unsaved.push(mark)
    } else if (kind === 'remove') {
      for (const gone of lists[member] ?? []) removed.add(gone)
      delete lists[member]
    } else if (kind === 'save') await save()
    else if (kind === 'refresh') await process.refresh()
    else {
      await live.update((data) => {
        const newest = data as Lists
        newest[member] = [...(newest[member] ?? []), mark]
      })
      saved.add(mark)
      for (const other of unsaved) if (isThere(other)) saved.add(other)
      unsaved = []
    }
  }
  await save()
  return { saved, removed }
}

for (const { name, numRuns, open } of shared)
  describe(`two processes on ${name}`, () => {
    it('never lose what was saved, and end with the same', async (t) => {
      const stores = await open(t)
      const processes = stores.map((store) => startProcess(t, store)) as [LiveProcess, LiveProcess]
      await assertProperty(
        asyncProperty(tuple(array(step, { maxLength: 12 }), array(step, { maxLength: 12 })), async ([here, there]) => {
          const session = await createShared(...processes)
          const done = await Promise.all([run('h', processes[0], session.here, here), run('t', processes[1], session.there, there)])
          await Promise.all(processes.map((process) => process.refresh()))
          const stored = JSON.parse((await stores[0]!.find(session.here.session.id, session.here.session.firstVisit))!.data) as Lists
          assert.deepEqual({ ...session.here.session.data }, stored)
          assert.deepEqual({ ...session.there.session.data }, stored)
          const marks = Object.values(stored).flat()
          assert.equal(new Set(marks).size, marks.length)
          const removed = new Set(done.flatMap((one) => [...one.removed]))
          for (const mark of done.flatMap((one) => [...one.saved]))
            if (!removed.has(mark)) assert.ok(marks.includes(mark), `${mark} is lost of ${JSON.stringify(stored)}`)
          await processes[0].end(session.here.session.id)
          await processes[1].refresh()
          assert.equal(session.there.cause, 'ended')
        }),
        { numRuns }
      )
    })

    it('count together without losing one', async (t) => {
      const stores = await open(t)
      const processes = stores.map((store) => startProcess(t, store)) as [LiveProcess, LiveProcess]
      const { here, there } = await createShared(...processes, { count: 0 })
      const add = (live: LiveSession) =>
        live.update((data) => {
          const counted = data as { count: number }
          return ++counted.count
        })
      const results = await Promise.all(Array.from({ length: 40 }, (_, index) => add(index % 2 === 0 ? here : there)))
      assert.deepEqual(
        results.sort((one, other) => one - other),
        Array.from({ length: 40 }, (_, index) => index + 1)
      )
    })

    it('see the changes and the ends of each other', async (t) => {
      const stores = await open(t)
      const [one, other] = stores.map((store) => startProcess(t, store)) as [LiveProcess, LiveProcess]
      const { here, there, secret } = await createShared(one, other)
      const { heard } = join(there)
      dataOf(here).a = { text: 'é💡\0\ud800' }
      await here.save()
      await other.refresh()
      assert.deepEqual(dataOf(there), { a: { text: 'é💡\0\ud800' } })
      await one.end(here.session.id, 'logout')
      await other.refresh()
      assert.deepEqual(heard, [2, 'ended'])
      assert.equal(await other.resume({ ...anonymous, id: here.session.id, secret }), 'unknown')
    })

    it('give the same new secret to windows that come to both at once', async (t) => {
      const stores = await open(t)
      const processes = stores.map((store) => startProcess(t, store)) as [LiveProcess, LiveProcess]
      const { live, secret } = await processes[0].create(anonymous)
      const resumed = await Promise.all(
        Array.from({ length: 10 }, (_, index) => processes[index % 2]!.resume({ ...anonymous, id: live.session.id, secret }))
      )
      const told = new Set(resumed.map((one) => (typeof one === 'string' ? one : one.secret)))
      assert.equal(told.size, 1)
      const again = await processes[1].resume({ ...anonymous, id: live.session.id, secret: [...told][0] })
      assert.ok(typeof again === 'object' && again.secret === null)
    })
  })
