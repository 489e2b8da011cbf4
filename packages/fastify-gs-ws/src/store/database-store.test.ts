import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { promisify } from 'node:util'
import Sqlite from 'better-sqlite3'
import Fastify from 'fastify'
import fastifyGs from 'fastify-gs'
import { emptyPostgres, temporaryDirectory } from 'fastify-gs/testing'
import type { CompiledQuery } from 'kysely'
import pg from 'pg'
import { postgresStore, sqliteStore, WsOptionError, WsStartError, WsUnavailableError, type SessionStore } from '../index.ts'
import { startPostgresProxy } from '../testing/postgres-proxy.ts'
import { minute, session, t0 } from '../testing/sessions.ts'
import { startStore, type StorePlace } from '../testing/store-processes.ts'
import { openPostgresStore } from './postgres-store.ts'
import { createSessionQueries, schemaVersion } from './session-queries.ts'

const module = new URL('../index.ts', import.meta.url).href
const saved = (data: string) => ({ data, links: '{"l":[1,2]}', now: t0 })
const rotated = {
  secretHash: 'new',
  formerHash: 'hash of a',
  formerUntil: null,
  previousVisit: t0,
  latestVisit: t0 + 1,
  idleUntil: t0 + minute
}

interface Place {
  readonly place: StorePlace
  readonly open: () => Promise<SessionStore>
  /** Asks the database past the store. */
  readonly query: (sql: string, parameters?: readonly unknown[]) => Promise<readonly Record<string, unknown>[]>
}

const sqliteFile = (t: TestContext) => join(temporaryDirectory(t), 'sessions.sqlite3')

const places: readonly { readonly name: string; readonly make: (t: TestContext) => Promise<Place> }[] = [
  {
    name: 'sqliteStore()',
    async make(t) {
      const path = sqliteFile(t)
      return {
        place: { path },
        open: () => sqliteStore({ path }),
        async query(text, parameters = []) {
          const database = new Sqlite(path)
          try {
            const statement = database.prepare<unknown[], Record<string, unknown>>(text)
            return statement.reader ? statement.all(...parameters) : (statement.run(...parameters), [])
          } finally {
            database.close()
          }
        }
      }
    }
  },
  {
    name: 'postgresStore()',
    async make() {
      const url = await emptyPostgres()
      return {
        place: { url },
        open: () => postgresStore({ url }),
        async query(text, parameters = []) {
          const client = new pg.Client({ connectionString: url })
          await client.connect()
          try {
            return (await client.query<Record<string, unknown>>(text, [...parameters])).rows
          } finally {
            await client.end()
          }
        }
      }
    }
  }
]

for (const { name, make } of places) {
  const start = async (t: TestContext) => {
    const made = await make(t)
    const store = await made.open()
    t.after(() => store.close())
    return { ...made, store }
  }

  describe(`${name}, shared`, () => {
    it('is one store for all processes: what one has done, the others see at once', async (t) => {
      const { store: here, place } = await start(t)
      const { store: there } = await startStore(t, place)
      for (let round = 0; round < 20; round++) {
        const [mine, theirs] = [`mine ${round}`, round]
        await here.create(session(mine))
        assert.equal(await there.save(mine, 1, saved('1')), 2)
        assert.equal((await here.find(mine, t0))?.data, '1')
        await there.create(session(theirs, { owner: 'ann' }))
        assert.equal((await here.find(theirs, t0))?.id, theirs)
        assert.equal(await here.visit(theirs, `hash of ${theirs}`, rotated), true)
        assert.equal(await there.visit(theirs, `hash of ${theirs}`, rotated), false)
        assert.deepEqual(await here.end({ id: mine }), [mine])
        assert.equal(await there.find(mine, t0), null)
      }
      assert.equal((await there.end({ owner: 'ann' })).length, 20)
      assert.deepEqual((await here.list({ now: t0, limit: 10 })).sessions, [])
    })

    it('loses no change of two processes that count in one session', async (t) => {
      const { store: here, place } = await start(t)
      const { store: there } = await startStore(t, place)
      await here.create(session('a', { data: '0' }))
      const count = async (store: SessionStore) => {
        for (let done = 0; done < 50;) {
          const { version, data } = (await store.find('a', t0))!
          if ((await store.save('a', version, saved(String(Number(data) + 1)))) !== null) done++
        }
      }
      await Promise.all([count(here), count(there), count(there)])
      const { version, data } = (await here.find('a', t0))!
      assert.deepEqual([version, data], [151, '150'])
    })

    it('gives each number to one process only, and none again after a crash (W14)', async (t) => {
      const { store: here, place } = await start(t)
      const [first, second] = [await startStore(t, place), await startStore(t, place)]
      const numbers = await Promise.all(
        [here, first.store, second.store, here].flatMap((store) => Array.from({ length: 40 }, () => store.nextNumber()))
      )
      assert.deepEqual(
        numbers.toSorted((a, b) => a - b),
        Array.from({ length: 160 }, (_, index) => index + 1)
      )
      await first.store.raiseNumber(1000)
      assert.equal(await first.store.nextNumber(), 1001)
      await first.kill()
      assert.equal(await second.store.nextNumber(), 1002)
      await second.kill()
      assert.equal(await here.nextNumber(), 1003)
    })

    it('says what others have changed or ended of the sessions that one watches', async (t) => {
      const { store: here, place } = await start(t)
      const { store: there } = await startStore(t, place)
      const ids = [1, '1', 'a', 'b', '"', '🙂', '__proto__']
      for (const id of ids) await here.create(session(id))
      const watched = new Map<string | number, number>(ids.map((id) => [id, 1]))
      assert.deepEqual(await here.changes(watched), [])
      assert.deepEqual(await here.changes(new Map()), [])
      await there.save('1', 1, saved('1'))
      await there.save('1', 2, saved('2'))
      await there.save('"', 1, saved('3'))
      await there.end({ id: '__proto__' })
      // A visit changes no data.
      await there.visit('a', 'hash of a', rotated)
      assert.deepEqual(
        new Map((await here.changes(watched)).map(({ id, version }) => [id, version])),
        new Map<unknown, unknown>([
          ['1', 3],
          ['"', 2],
          ['__proto__', null]
        ])
      )
      watched.set('1', 3).set('"', 2).delete('__proto__')
      assert.deepEqual(await here.changes(watched), [])
      await there.end('all')
      assert.equal((await here.changes(watched)).filter(({ version }) => version === null).length, 6)
    })

    it('watches thousands of sessions', async (t) => {
      const { store } = await start(t)
      const ids = Array.from({ length: 2500 }, (_, index) => index)
      await Promise.all(ids.slice(1).map((id) => store.create(session(id))))
      await store.save(2499, 1, saved('1'))
      const changes = await store.changes(new Map(ids.map((id) => [id, 1])))
      assert.deepEqual(
        changes.toSorted((a, b) => Number(a.id) - Number(b.id)),
        [
          { id: 0, version: null },
          { id: 2499, version: 2 }
        ]
      )
    })

    it('loses nothing that was done when the process is killed, and finds it after a restart', async (t) => {
      const { place, open } = await make(t)
      for (let round = 0; round < 3; round++) {
        const mortal = await startStore(t, place)
        await mortal.store.create(session('a', { data: '0' }))
        await mortal.store.create(session('gone'))
        assert.equal(await mortal.store.save('a', 1, saved(`${round}`)), 2)
        assert.equal(await mortal.store.visit('a', 'hash of a', rotated), true)
        await mortal.store.extend(new Map([['a', t0 + 2 * minute]]))
        await mortal.store.end({ id: 'gone' })
        assert.equal(await mortal.store.nextNumber(), round + 1)
        await mortal.kill()
        const store = await open()
        assert.deepEqual(
          await store.find('a', t0),
          session('a', { data: `${round}`, links: '{"l":[1,2]}', version: 2, ...rotated, idleUntil: t0 + 2 * minute })
        )
        assert.equal(await store.find('gone', t0), null)
        await store.end('all')
        await store.close()
      }
    })

    it('is left whole by a process that is killed amid its work', async (t) => {
      const { place, open } = await make(t)
      const mortal = await startStore(t, place)
      const done: number[] = []
      await new Promise<void>((resolve) => {
        const make = async (id: number) => {
          await mortal.store.create(session(id))
          done.push(id)
          if (done.length !== 100) return
          await mortal.kill()
          resolve()
        }
        // Those after the hundredth may hear nothing any more.
        for (let id = 0; id < 500; id++) void make(id)
      })
      const store = await open()
      t.after(() => store.close())
      for (const id of done) assert.deepEqual(await store.find(id, t0), session(id))
      for (const { id } of (await store.list({ now: t0, limit: 1000 })).sessions) assert.deepEqual(await store.find(id, t0), session(id))
    })

    it('is made once when several processes start together', async (t) => {
      const { place, query } = await make(t)
      const factory = 'path' in place ? 'sqliteStore' : 'postgresStore'
      const code = `const { ${factory} } = await import(${JSON.stringify(module)}); await (await ${factory}(${JSON.stringify(place)})).close()`
      await Promise.all(Array.from({ length: 4 }, () => promisify(execFile)(process.execPath, ['--input-type=module', '-e', code])))
      assert.deepEqual(await query('select version from gs_ws_schema'), [{ version: schemaVersion }])
    })

    it('refuses tables of a newer version', async (t) => {
      const { open, query } = await make(t)
      await (await open()).close()
      await query(`update gs_ws_schema set version = ${schemaVersion + 1}`)
      await assert.rejects(
        open(),
        (error) =>
          error instanceof WsStartError &&
          /written by a newer version of fastify-gs-ws \(schema 2, this version knows 1\); install/.test(error.message)
      )
    })

    it('refuses a database that has lost one of the tables, and one in which they are somebody else’s', async (t) => {
      for (const table of ['gs_ws_sessions', 'gs_ws_numbers']) {
        const { open, query } = await make(t)
        await (await open()).close()
        const hasNot = (error: unknown) =>
          error instanceof WsStartError &&
          /has not the tables of fastify-gs-ws \(.*\); choose another .* or restore this one/.test(error.message)
        await query(`drop table ${table}`)
        await assert.rejects(open(), (error) => hasNot(error) && (error as Error).message.includes(table))
        await query(`create table ${table} (other text)`)
        await assert.rejects(open(), hasNot)
        await query('drop table gs_ws_schema')
        await assert.rejects(open(), hasNot)
        // Nothing of ours was left in it.
        await assert.rejects(query('select version from gs_ws_schema'), /gs_ws_schema/)
      }
    })

    it('answers every question by an index, however many sessions there are', async (t) => {
      const { query, place } = await start(t)
      const sqlite = 'path' in place
      const columns = `'s:' || i, 'hash', null, null, 'owner ' || (i / 10), '{}', null, ${t0}, null, ${t0} + i, 1, '{}', ${t0} + 100000 + i, ${t0} + 200000`
      const names =
        'key, secret_hash, former_hash, former_until, owner, data, from_client, first_visit, previous_visit, latest_visit, version, links, idle_until, absolute_until'
      await query(
        sqlite
          ? `with recursive n(i) as (select 1 union all select i + 1 from n where i < 30000) insert into gs_ws_sessions (${names}) select ${columns} from n`
          : `insert into gs_ws_sessions (${names}) select ${columns} from generate_series(1, 30000) i`
      )
      if (!sqlite) await query('analyze gs_ws_sessions')
      const queries = createSessionQueries(sqlite ? 'sqlite' : 'postgres')
      const all: Record<string, CompiledQuery> = {
        create: queries.create('s:new', session('new')),
        find: queries.find('s:5', t0),
        save: queries.save('s:5', 1, '{}', '{}', t0),
        visit: queries.visit('s:5', 'hash', rotated),
        extend: queries.extend('{"s:5":5,"s:6":6}'),
        endOne: queries.endOne('s:5'),
        endOfOwner: queries.endOfOwner('owner 5', 1000),
        prune: queries.prune(t0, 100),
        list: queries.list(t0, 20, null),
        'next page': queries.list(t0, 20, { latestVisit: t0 + 9000, key: 's:9000' }),
        changes: queries.changes('{"s:5":1,"s:6":1}')
      }
      const anySlow = sqlite ? /SCAN (gs_ws_sessions|s)\b(?! USING)|TEMP B-TREE/ : /Seq Scan on gs_ws_sessions|Sort/
      // PostgreSQL may sort the few of one owner itself.
      const slow: Record<string, RegExp> = sqlite ? {} : { endOfOwner: /Seq Scan on gs_ws_sessions/ }
      for (const [called, { sql, parameters }] of Object.entries(all)) {
        const rows = await query(`${sqlite ? 'explain query plan' : 'explain'} ${sql}`, parameters)
        const plan = rows.map((row) => String(row['detail'] ?? row['QUERY PLAN'])).join('\n')
        assert.doesNotMatch(plan, slow[called] ?? anySlow, `${called}:\n${plan}`)
      }
    })

    it('is out of reach while the tables are gone, never silent, and works again when they are back', async (t) => {
      const { store, query } = await start(t)
      await store.create(session('a'))
      await query('alter table gs_ws_sessions rename to elsewhere')
      for (const call of [
        () => store.create(session('b')),
        () => store.find('a', t0),
        () => store.save('a', 1, saved('1')),
        () => store.visit('a', 'hash of a', rotated),
        () => store.extend(new Map([['a', t0]])),
        () => store.end('all'),
        () => store.list({ now: t0, limit: 1 }),
        () => store.prune(t0, 1),
        () => store.changes(new Map([['a', 1]]))
      ])
        await assert.rejects(call, WsUnavailableError)
      await query('alter table elsewhere rename to gs_ws_sessions')
      assert.deepEqual(await store.find('a', t0), session('a'))
      assert.equal(await store.save('a', 1, saved('1')), 2)
    })

    it('may be in the database of fastify-gs, before it or after it', async (t) => {
      const { open, place } = await make(t)
      const first = await open()
      await first.create(session('a'))
      await first.close()
      const app = Fastify()
      t.after(() => app.close())
      await app.register(fastifyGs, {
        database: 'path' in place ? { sqlite: place.path } : { postgres: place.url },
        keys: ['only-for-tests-0123456789-abcdefghij'],
        baseUrl: 'http://localhost:7681',
        mail: { mailer: { send: async () => undefined, close: () => undefined }, from: 'Test <noreply@site.test>' }
      })
      await app.ready()
      const second = await open()
      t.after(() => second.close())
      assert.deepEqual(await second.find('a', t0), session('a'))
      const [answer] = await Promise.all([
        app.inject({ url: '/lwsgs/session' }),
        ...Array.from({ length: 20 }, (_, index) => second.create(session(index)))
      ])
      assert.equal(answer.statusCode, 200)
    })
  })
}

const refused = (opening: Promise<SessionStore>, sentence: RegExp) =>
  assert.rejects(opening, (error) => error instanceof WsStartError && sentence.test(error.message) && !error.message.includes('\n'))

describe('sqliteStore() on a file', () => {
  it('writes through to the disk', (t) => {
    const code = `import Sqlite from 'better-sqlite3'
      const made = []
      const { prototype } = Sqlite
      const { pragma } = prototype
      prototype.pragma = function (text, ...more) { made.push(text); return pragma.call(this, text, ...more) }
      const { sqliteStore } = await import(${JSON.stringify(module)})
      await (await sqliteStore({ path: ${JSON.stringify(sqliteFile(t))} })).close()
      console.log(JSON.stringify(made))`
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8', cwd: import.meta.dirname })
    assert.deepEqual(JSON.parse(stdout), ['journal_mode = WAL', 'synchronous = FULL', 'secure_delete = ON'])
  })

  it('holds nothing of a session that has ended, once it is closed', async (t) => {
    const path = sqliteFile(t)
    const store = await sqliteStore({ path })
    const texts = ['diary of ann', 'browser of ann', 'account of ann', 'hash of ann']
    const anns = session('id of ann', {
      secretHash: texts[3]!,
      owner: texts[2]!,
      fromClient: JSON.stringify(texts[1]),
      data: JSON.stringify(texts[0])
    })
    await store.create(anns)
    await store.create(session('id of bob', { data: '"diary of bob"' }))
    const inFiles = () => [path, `${path}-wal`].map((file) => (existsSync(file) ? readFileSync(file, 'latin1') : '')).join('')
    for (const text of [...texts, 'id of ann']) assert.ok(inFiles().includes(text), text)
    await store.end({ id: 'id of ann' })
    await store.close()
    for (const text of [...texts, 'id of ann']) assert.ok(!inFiles().includes(text), text)
    assert.ok(inFiles().includes('diary of bob'))
  })

  it('waits for another program that writes, without blocking this one, and gives up in the end', async (t) => {
    const path = sqliteFile(t)
    const store = await sqliteStore({ path })
    t.after(() => store.close())
    await store.create(session('a'))
    const other = new Sqlite(path)
    t.after(() => other.close())
    other.exec('begin immediate')
    let turns = 0
    let waiting: Promise<number | null>
    await new Promise<void>((resolve) => {
      const ticking = setInterval(() => {
        if (++turns < 20) return
        clearInterval(ticking)
        resolve()
      }, 5)
      waiting = store.save('a', 1, saved('1'))
    })
    other.exec('commit')
    assert.equal(await waiting!, 2)

    other.exec('begin exclusive')
    assert.equal((await store.find('a', t0))?.data, '1')
    for (const call of [store.save('a', 2, saved('2')), store.create(session('b')), store.nextNumber()])
      await assert.rejects(
        call,
        (error) => error instanceof WsUnavailableError && error.message.endsWith(', because another program does not let go of them.')
      )
    other.exec('rollback')
    assert.equal((await store.find('a', t0))?.data, '1')
    assert.equal(await store.find('b', t0), null)
    assert.equal(await store.save('a', 2, saved('2')), 3)
  })

  it('does before it closes what it was asked for, and nothing afterwards', async (t) => {
    const path = sqliteFile(t)
    const store = await sqliteStore({ path })
    const asked = [store.create(session('a')), store.create(session('b')), store.nextNumber()]
    await store.close()
    await Promise.all(asked)
    await assert.rejects(store.create(session('c')), WsUnavailableError)
    const again = await sqliteStore({ path })
    t.after(() => again.close())
    assert.equal((await again.list({ now: t0, limit: 10 })).sessions.length, 2)
    assert.equal(await again.nextNumber(), 2)
  })

  it('does what is right among many at once when one of them is wrong', async (t) => {
    const store = await sqliteStore({ path: sqliteFile(t) })
    t.after(() => store.close())
    const outcomes = await Promise.allSettled([
      store.create(session('a')),
      store.create(session('b', { data: null as never })),
      store.create(session('c')),
      store.nextNumber()
    ])
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled', 'fulfilled']
    )
    assert.notEqual(await store.find('c', t0), null)
    assert.equal(await store.nextNumber(), 2)
  })

  it('refuses a file that another program keeps locked', async (t) => {
    const path = sqliteFile(t)
    const other = new Sqlite(path)
    t.after(() => other.close())
    other.exec('begin exclusive')
    await refused(sqliteStore({ path }), /is in use by another program, which does not let go of it; stop that program/)
  })

  it('refuses a file that is not SQLite, and leaves it as it is', async (t) => {
    const path = sqliteFile(t)
    const text = 'this is my diary\n'.repeat(100)
    writeFileSync(path, text)
    await refused(sqliteStore({ path }), /sessions\.sqlite3 is not an intact SQLite database; choose another file for the sessions/)
    assert.equal(readFileSync(path, 'utf8'), text)
  })

  it('makes a file that only its user may read, and leaves the mode of one that is there', async (t) => {
    const path = sqliteFile(t)
    const modes = () => ['', '-wal', '-shm'].map((end) => statSync(path + end).mode & 0o777)
    const umask = process.umask(0o022)
    t.after(() => process.umask(umask))
    const store = await sqliteStore({ path })
    await store.nextNumber()
    assert.deepEqual(modes(), [0o600, 0o600, 0o600])
    await store.close()
    chmodSync(path, 0o640)
    const again = await sqliteStore({ path })
    t.after(() => again.close())
    await again.nextNumber()
    assert.deepEqual(modes(), [0o640, 0o640, 0o640])
  })

  it('refuses a directory that does not exist, and one that it cannot write', async (t) => {
    const directory = temporaryDirectory(t)
    await refused(sqliteStore({ path: join(directory, 'missing', 'x.sqlite3') }), /^The directory .*missing does not exist; create it/)
    const closed = join(directory, 'closed')
    mkdirSync(closed)
    chmodSync(directory, 0o755)
    chmodSync(closed, 0o555)
    // Root may write everywhere, so another user asks.
    const asNobody = process.getuid?.() === 0 ? 'process.setgid(65534); process.setuid(65534);' : ''
    // Who may not read our sources either: what is loaded by a first store is there for the second one.
    const code = `const { sqliteStore } = await import(${JSON.stringify(module)})
      await (await sqliteStore({ path: ${JSON.stringify(join(directory, 'first.sqlite3'))} })).close(); ${asNobody}
      await sqliteStore({ path: ${JSON.stringify(join(closed, 'x.sqlite3'))} }).catch((error) => console.log(error.name, error.message))`
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8', cwd: import.meta.dirname })
    assert.match(stdout, /^WsStartError .*closed is not writable for this process; change its owner or mode/)
  })
})

async function connect(t: TestContext, url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  t.after(() => client.end())
  return client
}

/** Waits until so many wait for locks, and says who. */
async function untilWaiting(watching: pg.Client, count = 1): Promise<readonly number[]> {
  const text = "select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
  for (;;) {
    const { rows } = await watching.query<{ pid: number }>(text)
    if (rows.length >= count) return rows.map(({ pid }) => pid)
  }
}

describe('postgresStore() on a server', () => {
  const behindProxy = async (t: TestContext) => {
    const url = await emptyPostgres()
    const proxy = await startPostgresProxy(t, url)
    const store = await postgresStore({ url: proxy.url })
    t.after(() => store.close())
    return { url, proxy, store }
  }

  it('says which server cannot be used, without user and password', async () => {
    await assert.rejects(
      postgresStore({ url: 'postgres://user:secret@127.0.0.1:1/none' }),
      (error) =>
        error instanceof WsStartError &&
        /^postgres:\/\/127\.0\.0\.1:1\/none cannot be used for the sessions: .*ECONNREFUSED.*; check the address/.test(error.message) &&
        !error.message.includes('secret')
    )
  })

  it('is out of reach while the connection is cut, and works again afterwards', async (t) => {
    const { proxy, store } = await behindProxy(t)
    await store.create(session('a'))
    proxy.cut()
    await assert.rejects(store.find('a', t0), WsUnavailableError)
    await assert.rejects(store.save('a', 1, saved('1')), WsUnavailableError)
    proxy.mend()
    assert.deepEqual(await store.find('a', t0), session('a'))
    assert.equal(await store.save('a', 1, saved('1')), 2)
  })

  it('knows what it has done itself when the answer was lost', async (t) => {
    const { proxy, store } = await behindProxy(t)
    proxy.loseAnswer()
    await store.create(session('a'))
    assert.deepEqual(await store.find('a', t0), session('a'))
    proxy.loseAnswer()
    assert.equal(await store.save('a', 1, saved('1')), 2)
    proxy.loseAnswer()
    assert.equal(await store.visit('a', 'hash of a', rotated), true)
    proxy.loseAnswer()
    assert.equal(await store.visit('a', 'new', { ...rotated, latestVisit: t0 + 2 }), true)
    assert.deepEqual(
      await store.find('a', t0),
      session('a', { data: '1', links: '{"l":[1,2]}', version: 2, ...rotated, latestVisit: t0 + 2 })
    )
    proxy.loseAnswer()
    assert.equal(await store.nextNumber(), 2)
  })

  it('does not take for its own what others have done when its answer was lost', async (t) => {
    const { proxy, store } = await behindProxy(t)
    await store.create(session('a'))
    assert.equal(await store.save('a', 1, saved('"theirs"')), 2)
    assert.equal(await store.visit('a', 'hash of a', { ...rotated, secretHash: 'theirs' }), true)
    proxy.loseAnswer()
    await assert.rejects(store.create(session('a')), /There is a session with this id already/)
    proxy.loseAnswer()
    assert.equal(await store.save('a', 1, saved('"mine"')), null)
    proxy.loseAnswer()
    assert.equal(await store.visit('a', 'hash of a', rotated), false)
    assert.equal((await store.find('a', t0))?.data, '"theirs"')
  })

  it('never says that nothing was ended when it does not know', async (t) => {
    const { proxy, store } = await behindProxy(t)
    for (const which of [{ id: 'a' }, { owner: 'ann' }, 'all'] as const) {
      await store.create(session('a', { owner: 'ann' }))
      proxy.loseAnswer()
      await assert.rejects(store.end(which), WsUnavailableError)
      assert.deepEqual(await store.end(which), [])
    }
    await store.create(session('a'))
    proxy.loseAnswer()
    await assert.rejects(store.prune(t0 + 48 * 60 * minute, 10), WsUnavailableError)
    assert.deepEqual(await store.prune(t0 + 48 * 60 * minute, 10), [])
  })

  it('saves though connections break meanwhile', async (t) => {
    const { url, store } = await behindProxy(t)
    await store.create(session('a'))
    const [locking, watching] = [await connect(t, url), await connect(t, url)]
    await locking.query('begin')
    await locking.query('lock table gs_ws_sessions')
    const saving = store.save('a', 1, saved('1'))
    await watching.query('select pg_terminate_backend($1)', [...(await untilWaiting(watching))])
    await locking.query('commit')
    assert.equal(await saving, 2)
  })

  it('ends all sessions of an owner though another process holds some of them', async (t) => {
    const { url, store } = await behindProxy(t)
    await Promise.all(Array.from({ length: 1200 }, (_, index) => store.create(session(index, { owner: 'ann' }))))
    const [locking, watching] = [await connect(t, url), await connect(t, url)]
    await locking.query('begin')
    await locking.query(
      "delete from gs_ws_sessions where key in (select key from gs_ws_sessions where owner = 'ann' order by key limit 1000)"
    )
    const ending = store.end({ owner: 'ann' })
    await untilWaiting(watching)
    await locking.query('commit')
    assert.equal((await ending).length, 200)
    assert.deepEqual((await store.list({ now: t0, limit: 10 })).sessions, [])
  })

  for (const which of [{ id: 'a' }, { owner: 'ann' }, 'all'] as const)
    it(`ends ${JSON.stringify(which)} though another process saves it at the same moment`, async (t) => {
      const { url, store } = await behindProxy(t)
      for (const id of ['a', 'b']) await store.create(session(id, { owner: 'ann' }))
      const [locking, watching] = [await connect(t, url), await connect(t, url)]
      await locking.query('begin')
      await locking.query("update gs_ws_sessions set data = '1', version = version + 1 where key = 's:a'")
      const ending = store.end(which)
      await untilWaiting(watching)
      await locking.query('commit')
      assert.deepEqual(new Set(await ending), new Set(which === 'all' || 'owner' in which ? ['a', 'b'] : ['a']))
      assert.equal(await store.find('a', t0), null)
    })

  it('does not remove a session to which somebody comes at the same moment, nor waits for it', async (t) => {
    const { url, store } = await behindProxy(t)
    for (const id of ['a', 'b']) await store.create(session(id, { idleUntil: t0 + 10 }))
    const locking = await connect(t, url)
    await locking.query('begin')
    await locking.query("update gs_ws_sessions set idle_until = idle_until + 100 where key = 's:a'")
    assert.deepEqual(await store.prune(t0 + 10, 10), ['b'])
    await locking.query('commit')
    assert.deepEqual(await store.prune(t0 + 10, 10), [])
    assert.notEqual(await store.find('a', t0 + 10), null)
  })

  it('waits for a server that does not answer only so long, closes meanwhile, and comes back', async (t) => {
    const proxy = await startPostgresProxy(t, await emptyPostgres())
    const store = await openPostgresStore(proxy.url, 200)
    await store.create(session('a'))
    proxy.silence()
    for (const answer of await Promise.allSettled(Array.from({ length: 15 }, () => store.find('a', t0))))
      assert.ok(answer.status === 'rejected' && answer.reason instanceof WsUnavailableError)
    await assert.rejects(store.save('a', 1, saved('1')), WsUnavailableError)
    proxy.mend()
    assert.deepEqual(await store.find('a', t0), session('a'))
    proxy.silence()
    const last = assert.rejects(store.find('a', t0), WsUnavailableError)
    await store.close()
    await last
  })
})

describe('the options of stores', () => {
  it('are refused when they name no database', async () => {
    for (const path of [undefined, '', 7, ':memory:', 'file::memory:'])
      await assert.rejects(sqliteStore({ path } as never), WsOptionError, `${path}`)
    for (const url of [undefined, '', 7, 'localhost', 'http://localhost'])
      await assert.rejects(postgresStore({ url } as never), WsOptionError, `${url}`)
    await assert.rejects(async () => sqliteStore(undefined as never), WsOptionError)
    await assert.rejects(async () => postgresStore(undefined as never), WsOptionError)
  })

  for (const [factory, missing, place] of [
    ['sqliteStore', 'better-sqlite3', { path: '/tmp/never-made.sqlite3' }],
    ['postgresStore', 'pg', { url: 'postgres://127.0.0.1:1/none' }]
  ] as const) {
    it(`of ${factory}() say that ${missing} is to be installed where it is missing`, () => {
      const code = `import { registerHooks } from 'node:module'
        registerHooks({ resolve(name, context, next) { if (name === ${JSON.stringify(missing)}) throw new Error('no such package'); return next(name, context) } })
        const { ${factory} } = await import(${JSON.stringify(module)})
        await ${factory}(${JSON.stringify(place)}).catch((error) => console.log(error.name, error.message))`
      const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8' })
      assert.equal(stdout, `WsStartError ${factory}() needs the package "${missing}"; install it with \`npm install ${missing}\`.\n`)
    })
  }
})
