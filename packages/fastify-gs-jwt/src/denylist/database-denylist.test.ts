import assert from 'node:assert/strict'
import { execFile, spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { promisify } from 'node:util'
import Sqlite from 'better-sqlite3'
import { emptyPostgres, temporaryDirectory } from 'fastify-gs/testing'
import pg from 'pg'
import fastifyGs from 'fastify-gs'
import Fastify from 'fastify'
import { databaseDenylist, JwtDenylistError, JwtOptionError, JwtUnavailableError, type DatabaseDenylistOptions } from '../index.ts'
import { startDenylist } from '../testing/denylist-processes.ts'
import { startPostgresProxy } from '../testing/postgres-proxy.ts'
import { createDenialQueries, schemaVersion } from './denial-queries.ts'
import { openPostgresStore } from './postgres-store.ts'

const t0 = Date.UTC(2026, 10, 21, 12)
const minute = 60_000
const module = new URL('../index.ts', import.meta.url).href

interface Place {
  readonly options: DatabaseDenylistOptions
  /** Asks the database past the denylist. */
  readonly query: (sql: string) => Promise<readonly Record<string, unknown>[]>
}

const sqliteFile = (t: TestContext) => join(temporaryDirectory(t), 'denied.sqlite3')

const places: readonly { readonly name: string; readonly make: (t: TestContext) => Promise<Place> }[] = [
  {
    name: 'SQLite',
    async make(t) {
      const sqlite = sqliteFile(t)
      return {
        options: { sqlite },
        async query(text) {
          const database = new Sqlite(sqlite)
          try {
            const statement = database.prepare<[], Record<string, unknown>>(text)
            return statement.reader ? statement.all() : (statement.run(), [])
          } finally {
            database.close()
          }
        }
      }
    }
  },
  {
    name: 'PostgreSQL',
    async make() {
      const postgres = await emptyPostgres()
      return {
        options: { postgres },
        async query(text) {
          const client = new pg.Client({ connectionString: postgres })
          await client.connect()
          try {
            return (await client.query<Record<string, unknown>>(text)).rows
          } finally {
            await client.end()
          }
        }
      }
    }
  }
]

async function open(t: TestContext, options: DatabaseDenylistOptions) {
  const denylist = await databaseDenylist(options)
  t.after(() => denylist.close!())
  return denylist
}

for (const place of places) {
  describe(`databaseDenylist on ${place.name}`, () => {
    it('is one list for all processes: what one of them has denied, the others refuse at once', async (t) => {
      const { options } = await place.make(t)
      const here = await open(t, options)
      const there = await startDenylist(t, options)
      for (let index = 0; index < 50; index++) {
        const [mine, theirs] = [`mine ${index}`, `theirs ${index}`]
        await here.deny({ jti: mine, before: t0, until: t0 + minute }, t0)
        assert.equal(await there.deniedBefore({ jti: mine }, t0), t0)
        await there.deny({ jti: theirs, before: t0, until: t0 + minute }, t0)
        assert.equal(await here.deniedBefore({ jti: theirs }, t0), t0)
      }
      await Promise.all([
        ...Array.from({ length: 50 }, (_, index) => here.deny({ sub: 'ann', before: t0 + index, until: t0 + minute }, t0)),
        there.deny({ sub: 'ann', before: t0 + 100, until: t0 + 10 }, t0)
      ])
      assert.equal(await here.deniedBefore({ sub: 'ann' }, t0 + minute - 1), t0 + 100)
      await there.rememberSession('s', t0 + minute)
      assert.deepEqual(await here.rememberedSessions!(t0), ['s'])
    })

    it('loses nothing that was denied when the process is killed, and finds it after a restart', async (t) => {
      const { options } = await place.make(t)
      for (let round = 0; round < 3; round++) {
        const mortal = await startDenylist(t, options)
        for (let earlier = 0; earlier < round; earlier++) assert.equal(await mortal.deniedBefore({ sub: `ann ${earlier}` }, t0), t0)
        await mortal.rememberSession(`session ${round}`, t0 + minute)
        await mortal.deny({ sub: `ann ${round}`, before: t0, until: t0 + minute }, t0)
        await mortal.kill()
      }
      const denylist = await open(t, options)
      for (let round = 0; round < 3; round++) assert.equal(await denylist.deniedBefore({ sub: `ann ${round}` }, t0), t0)
      assert.deepEqual([...(await denylist.rememberedSessions!(t0))].toSorted(), ['session 0', 'session 1', 'session 2'])
    })

    it('is made once when several processes start together', async (t) => {
      const { options, query } = await place.make(t)
      const code = `const { databaseDenylist } = await import(${JSON.stringify(module)}); await (await databaseDenylist(${JSON.stringify(options)})).close()`
      await Promise.all(Array.from({ length: 4 }, () => promisify(execFile)(process.execPath, ['--input-type=module', '-e', code])))
      assert.deepEqual(await query('select version from gs_jwt_schema'), [{ version: schemaVersion }])
    })

    it('refuses tables of a newer version', async (t) => {
      const { options, query } = await place.make(t)
      await (
        await databaseDenylist(options)
      ).close!()
      await query(`update gs_jwt_schema set version = ${schemaVersion + 1}`)
      await assert.rejects(
        databaseDenylist(options),
        (error) =>
          error instanceof JwtDenylistError &&
          /written by a newer version of fastify-gs-jwt \(schema 2, this version knows 1\)/.test(error.message)
      )
    })

    it('refuses a database that has lost one of the tables', async (t) => {
      for (const table of ['gs_jwt_denials', 'gs_jwt_sessions']) {
        const { options, query } = await place.make(t)
        await (
          await databaseDenylist(options)
        ).close!()
        await query(`drop table ${table}`)
        await assert.rejects(databaseDenylist(options), (error) => error instanceof JwtDenylistError && error.message.includes(table))
      }
    })

    it('holds nobody’s name', async (t) => {
      const { options, query } = await place.make(t)
      const denylist = await open(t, options)
      const names = ['ann@example.com', 'session-of-ann', 'token-of-ann']
      await denylist.deny({ sub: names[0]!, before: t0, until: t0 + minute }, t0)
      await denylist.deny({ sid: names[1]!, before: t0, until: t0 + minute }, t0)
      await denylist.deny({ jti: names[2]!, before: t0, until: t0 + minute }, t0)
      const rows = await query('select * from gs_jwt_denials')
      assert.equal(rows.length, 3)
      for (const row of rows) assert.match(String(row['key']), /^[\w-]{43}$/)
      const stored =
        'sqlite' in options
          ? ['', '-wal'].map((suffix) => readFileSync(`${options.sqlite}${suffix}`, 'latin1')).join('')
          : JSON.stringify(rows)
      assert.ok(stored.includes(String(rows[0]!['key'])))
      for (const name of names) assert.ok(!stored.includes(name), name)
    })

    it('forgets what is over a while later, a little with each denial', async (t) => {
      const { options, query } = await place.make(t)
      const denylist = await open(t, options)
      const count = async () => Number((await query('select count(*) as n from gs_jwt_denials'))[0]!['n'])
      await Promise.all(
        Array.from({ length: 250 }, async (_, index) => denylist.deny({ jti: `${index}`, before: t0, until: t0 + minute }, t0))
      )
      await denylist.deny({ sub: 'later', before: t0, until: t0 + 60 * minute }, t0)
      assert.equal(await count(), 251)
      const counts: number[] = []
      // For a process whose clock is ten minutes ahead, all of them are over.
      for (const now of [t0 + 11 * minute - 1, t0 + 11 * minute, t0 + 11 * minute, t0 + 11 * minute, t0 + 11 * minute]) {
        await denylist.deny({ sub: 'ann', before: now, until: t0 + 60 * minute }, now)
        counts.push(await count())
      }
      assert.deepEqual(counts, [252, 152, 52, 2, 2])
      assert.equal(await denylist.deniedBefore({ sub: 'later' }, t0 + 59 * minute), t0)
    })

    it('forgets sessions whose tokens have expired', async (t) => {
      const { options, query } = await place.make(t)
      const denylist = await open(t, options)
      for (const sid of ['a', 'b']) await denylist.rememberSession!(sid, t0 + minute)
      await denylist.rememberSession!('c', t0 + 60 * minute)
      assert.deepEqual(await denylist.rememberedSessions!(t0 + 12 * minute), ['c'])
      assert.deepEqual(await query('select sid from gs_jwt_sessions'), [{ sid: 'c' }])
    })

    it('forgets all of them, however many tokens were made between two looks', async (t) => {
      const { options, query } = await place.make(t)
      const denylist = await open(t, options)
      await Promise.all(Array.from({ length: 450 }, async (_, number) => denylist.rememberSession!(`s${number}`, t0 + minute)))
      await denylist.rememberSession!('c', t0 + 60 * minute)
      assert.deepEqual(await denylist.rememberedSessions!(t0 + 12 * minute), ['c'])
      assert.deepEqual(await query('select sid from gs_jwt_sessions'), [{ sid: 'c' }])
    })

    it('looks up by the index, however long the list is', async (t) => {
      const { options, query } = await place.make(t)
      await open(t, options)
      const sqlite = 'sqlite' in options
      await query(
        sqlite
          ? `with recursive n(i) as (select 1 union all select i + 1 from n where i < 100000) insert into gs_jwt_denials select 'key ' || i, ${t0}, ${t0} from n`
          : `insert into gs_jwt_denials select 'key ' || i, ${t0}, ${t0} from generate_series(1, 100000) i`
      )
      const { sql } = createDenialQueries(sqlite ? 'sqlite' : 'postgres').deniedBefore
      const values = ["'key 5'", "'key 6'", "'none'", '0']
      let index = 0
      const text = sqlite
        ? sql.replace(/\?/g, () => values[index++]!)
        : sql.replace(/\$(\d)/g, (_, number: string) => values[Number(number) - 1]!)
      const plan = JSON.stringify(await query(`${sqlite ? 'explain query plan' : 'explain'} ${text}`))
      assert.match(
        plan,
        sqlite ? /SEARCH gs_jwt_denials USING PRIMARY KEY \(key=\?\)/ : /Index (Only )?(Scan|Cond)[^"]*gs_jwt_denials_pkey/
      )
      assert.doesNotMatch(plan, /SCAN|Seq Scan/)
    })

    it('is out of reach while the tables are gone, never silent, and works again when they are back', async (t) => {
      const { options, query } = await place.make(t)
      const denylist = await open(t, options)
      await denylist.deny({ sub: 'ann', before: t0, until: t0 + minute }, t0)
      await query('alter table gs_jwt_denials rename to elsewhere')
      await assert.rejects(async () => denylist.deniedBefore({ sub: 'ann' }, t0), JwtUnavailableError)
      await assert.rejects(async () => denylist.deny({ sub: 'bob', before: t0, until: t0 + minute }, t0), JwtUnavailableError)
      await query('alter table elsewhere rename to gs_jwt_denials')
      assert.equal(await denylist.deniedBefore({ sub: 'ann' }, t0), t0)
      await denylist.deny({ sub: 'bob', before: t0, until: t0 + minute }, t0)
    })

    it('is out of reach when it has been closed, which may be done twice', async (t) => {
      const { options } = await place.make(t)
      const denylist = await databaseDenylist(options)
      await denylist.close!()
      await denylist.close!()
      await assert.rejects(async () => denylist.deniedBefore({ sub: 'ann' }, t0), JwtUnavailableError)
      await assert.rejects(async () => denylist.deny({ sub: 'bob', before: t0, until: t0 + minute }, t0), JwtUnavailableError)
      await assert.rejects(async () => denylist.rememberSession!('s', t0), JwtUnavailableError)
      await assert.rejects(async () => denylist.rememberedSessions!(t0), JwtUnavailableError)
    })

    it('may be in the database of fastify-gs, before it or after it', async (t) => {
      const { options } = await place.make(t)
      const first = await databaseDenylist(options)
      await first.deny({ sub: 'ann', before: t0, until: t0 + minute }, t0)
      await first.close!()
      const app = Fastify()
      t.after(() => app.close())
      await app.register(fastifyGs, {
        database: options,
        keys: ['only-for-tests-0123456789-abcdefghij'],
        baseUrl: 'http://localhost:7681',
        mail: { mailer: { send: async () => undefined, close: () => undefined }, from: 'Test <noreply@site.test>' }
      })
      await app.ready()
      const second = await open(t, options)
      assert.equal(await second.deniedBefore({ sub: 'ann' }, t0), t0)
      const [session] = await Promise.all([
        app.inject({ url: '/lwsgs/session' }),
        ...Array.from({ length: 20 }, (_, index) => second.deny({ jti: `${index}`, before: t0, until: t0 + minute }, t0))
      ])
      assert.equal(session.statusCode, 200)
    })
  })
}

const refused = (options: DatabaseDenylistOptions, sentence: RegExp) =>
  assert.rejects(
    databaseDenylist(options),
    (error) => error instanceof JwtDenylistError && sentence.test(error.message) && !error.message.includes('\n')
  )

describe('databaseDenylist on a SQLite file', () => {
  it('answers questions at once, and writes through to the disk at each denial', async (t) => {
    const denylist = await open(t, { sqlite: sqliteFile(t) })
    assert.equal(denylist.deniedBefore({ jti: 'a', sub: 'b' }, t0), 0)
    const code = `import { registerHooks } from 'node:module'
      import Sqlite from 'better-sqlite3'
      const made = []
      const { prototype } = Sqlite
      const { pragma } = prototype
      prototype.pragma = function (text, ...more) { made.push(text); return pragma.call(this, text, ...more) }
      const { databaseDenylist } = await import(${JSON.stringify(module)})
      await (await databaseDenylist({ sqlite: ${JSON.stringify(sqliteFile(t))} })).close()
      console.log(JSON.stringify(made))`
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', code], {
      encoding: 'utf8',
      cwd: import.meta.dirname
    })
    assert.deepEqual(JSON.parse(stdout), ['journal_mode = WAL', 'synchronous = FULL'])
  })

  it('waits for another program that writes, without blocking this one, and gives up in the end', async (t) => {
    const sqlite = sqliteFile(t)
    const denylist = await open(t, { sqlite })
    await denylist.deny({ sub: 'ann', before: t0, until: t0 + minute }, t0)
    const other = new Sqlite(sqlite)
    t.after(() => other.close())
    other.exec('begin immediate')
    let turns = 0
    let waiting: void | Promise<void>
    await new Promise<void>((resolve) => {
      const ticking = setInterval(() => {
        if (++turns < 20) return
        clearInterval(ticking)
        resolve()
      }, 5)
      waiting = denylist.deny({ sub: 'bob', before: t0, until: t0 + minute }, t0)
    })
    other.exec('commit')
    await waiting!
    assert.equal(denylist.deniedBefore({ sub: 'bob' }, t0), t0)

    other.exec('begin exclusive')
    assert.equal(denylist.deniedBefore({ sub: 'ann' }, t0), t0)
    await assert.rejects(
      async () => denylist.deny({ sub: 'cat', before: t0, until: t0 + minute }, t0),
      (error) => error instanceof JwtUnavailableError && error.message.endsWith(', because another program does not let go of them.')
    )
    other.exec('rollback')
    assert.equal(denylist.deniedBefore({ sub: 'cat' }, t0), 0)
    await denylist.deny({ sub: 'cat', before: t0, until: t0 + minute }, t0)
    assert.equal(denylist.deniedBefore({ sub: 'cat' }, t0), t0)
  })

  it('refuses a file that another program keeps locked', async (t) => {
    const sqlite = sqliteFile(t)
    const other = new Sqlite(sqlite)
    t.after(() => other.close())
    other.exec('begin exclusive')
    await refused({ sqlite }, /is in use by another program, which does not let go of it; stop that program/)
  })

  it('refuses a file that is not SQLite, and leaves it as it is', async (t) => {
    const sqlite = sqliteFile(t)
    const text = 'this is my diary\n'.repeat(100)
    writeFileSync(sqlite, text)
    await refused({ sqlite }, /denied\.sqlite3 is not an intact SQLite database; choose another file for the denials/)
    assert.equal(readFileSync(sqlite, 'utf8'), text)
  })

  it('refuses a directory that does not exist, and one that it cannot write', async (t) => {
    const directory = temporaryDirectory(t)
    await refused({ sqlite: join(directory, 'missing', 'x.sqlite3') }, /^The directory .*missing does not exist; create it/)
    const closed = join(directory, 'closed')
    mkdirSync(closed)
    chmodSync(directory, 0o755)
    chmodSync(closed, 0o555)
    // Root may write everywhere, so another user asks.
    const asNobody = process.getuid?.() === 0 ? 'process.setgid(65534); process.setuid(65534);' : ''
    // Who may not read our sources either: what is loaded by a first list is there for the second one.
    const code = `const { databaseDenylist } = await import(${JSON.stringify(module)})
      await (await databaseDenylist({ sqlite: ${JSON.stringify(join(directory, 'first.sqlite3'))} })).close(); ${asNobody}
      await databaseDenylist({ sqlite: ${JSON.stringify(join(closed, 'x.sqlite3'))} }).catch((error) => console.log(error.name, error.message))`
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8', cwd: import.meta.dirname })
    assert.match(stdout, /^JwtDenylistError .*closed is not writable for this process; change its owner or mode/)
  })
})

async function connect(t: TestContext, url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  t.after(() => client.end())
  return client
}

/** Waits until somebody waits for a lock, and says who. */
async function untilOneWaits(watching: pg.Client): Promise<number> {
  const text = "select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
  for (;;) {
    const { rows } = await watching.query<{ pid: number }>(text)
    if (rows[0] !== undefined) return rows[0].pid
  }
}

describe('databaseDenylist on a PostgreSQL server', () => {
  it('says which server cannot be used, without user and password', async () => {
    await assert.rejects(
      databaseDenylist({ postgres: 'postgres://user:secret@127.0.0.1:1/none' }),
      (error) =>
        error instanceof JwtDenylistError &&
        /^postgres:\/\/127\.0\.0\.1:1\/none cannot be used for the denials: .*ECONNREFUSED.*; check the address/.test(error.message) &&
        !error.message.includes('secret')
    )
  })

  it('is out of reach while the connection is cut, and works again afterwards', async (t) => {
    const proxy = await startPostgresProxy(t, await emptyPostgres())
    const denylist = await open(t, { postgres: proxy.url })
    await denylist.deny({ sub: 'ann', before: t0, until: t0 + minute }, t0)
    proxy.cut()
    await assert.rejects(async () => denylist.deniedBefore({ sub: 'ann' }, t0), JwtUnavailableError)
    await assert.rejects(async () => denylist.deny({ sub: 'bob', before: t0, until: t0 + minute }, t0), JwtUnavailableError)
    proxy.mend()
    assert.equal(await denylist.deniedBefore({ sub: 'ann' }, t0), t0)
    await denylist.deny({ sub: 'bob', before: t0, until: t0 + minute }, t0)
    assert.equal(await denylist.deniedBefore({ sub: 'bob' }, t0), t0)
  })

  it('says so when the connection breaks while the tables are made', async (t) => {
    const postgres = await emptyPostgres()
    const proxy = await startPostgresProxy(t, postgres)
    const [locking, watching] = [await connect(t, postgres), await connect(t, postgres)]
    await locking.query('select pg_advisory_lock(720210714)')
    const opening = refused(
      { postgres: proxy.url },
      /cannot be used for the denials: Connection terminated unexpectedly; check the address/
    )
    await untilOneWaits(watching)
    proxy.cut()
    await opening
  })

  it('denies though connections break meanwhile: a denial is tried again', async (t) => {
    const postgres = await emptyPostgres()
    const denylist = await open(t, { postgres })
    const [locking, watching] = [await connect(t, postgres), await connect(t, postgres)]
    await locking.query('begin')
    await locking.query('lock table gs_jwt_denials')
    const denying = denylist.deny({ sub: 'ann', before: t0, until: t0 + minute }, t0)
    await watching.query('select pg_terminate_backend($1)', [await untilOneWaits(watching)])
    await locking.query('commit')
    await denying
    assert.equal(await denylist.deniedBefore({ sub: 'ann' }, t0), t0)
  })

  it('waits for a server that does not answer only so long, closes meanwhile, and comes back', async (t) => {
    const proxy = await startPostgresProxy(t, await emptyPostgres())
    const store = await openPostgresStore(proxy.url, 200)
    await store.write(store.queries.deny('key', t0, t0 + minute))
    proxy.lose()
    const questions = Array.from({ length: 15 }, async () => store.deniedBefore(['key', '', '', t0]))
    for (const answer of await Promise.allSettled(questions))
      assert.ok(answer.status === 'rejected' && answer.reason instanceof JwtUnavailableError)
    await assert.rejects(store.write(store.queries.deny('key', t0, t0 + minute)), JwtUnavailableError)
    proxy.mend()
    assert.equal(await store.deniedBefore(['key', '', '', t0]), t0)
    proxy.lose()
    const last = assert.rejects(async () => store.deniedBefore(['key', '', '', t0]), JwtUnavailableError)
    await store.close()
    await last
  })
})

describe('databaseDenylist', () => {
  it('refuses options that name no database, or several', async () => {
    for (const options of [
      undefined,
      null,
      {},
      { sqlite: 'x', postgres: 'y' },
      { mysql: 'x' },
      { sqlite: '' },
      { sqlite: 7 },
      { sqlite: ':memory:' },
      { postgres: '' },
      { postgres: 'localhost' },
      { postgres: 'http://localhost' }
    ])
      await assert.rejects(databaseDenylist(options as never), JwtOptionError, JSON.stringify(options))
  })

  for (const [option, missing, value] of [
    ['sqlite', 'better-sqlite3', '/tmp/never-made.sqlite3'],
    ['postgres', 'pg', 'postgres://127.0.0.1:1/none']
  ] as const) {
    it(`says that ${missing} is to be installed where it is missing`, () => {
      const code = `import { registerHooks } from 'node:module'
        registerHooks({ resolve(name, context, next) { if (name === ${JSON.stringify(missing)}) throw new Error('no such package'); return next(name, context) } })
        const { databaseDenylist } = await import(${JSON.stringify(module)})
        await databaseDenylist({ ${option}: ${JSON.stringify(value)} }).catch((error) => console.log(error.name, error.message))`
      const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8' })
      assert.equal(
        stdout,
        `JwtDenylistError The option ${option} of databaseDenylist() needs the package "${missing}"; install it with \`npm install ${missing}\`.\n`
      )
    })
  }
})
