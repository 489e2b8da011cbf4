import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, it } from 'node:test'
import Sqlite from 'better-sqlite3'
import { sql } from 'kysely'
import { GsStartError } from '../errors.ts'
import { emptyPostgres, engines, temporaryDirectory } from '../testing/databases.ts'
import { schemaVersion } from './migrations.ts'
import { openPostgres } from './postgres.ts'
import { openSqlite } from './sqlite.ts'

const account = (id: string) => ({
  id,
  username: id,
  username_key: id,
  email: null,
  email_key: null,
  verified_email_key: null,
  password_hash: '',
  created_at: Date.UTC(2026, 0, 1)
})

for (const engine of engines) {
  describe(`${engine.name} database`, () => {
    it('is at the newest schema, and gives back what was stored with the same types', async (t) => {
      const { db } = await engine.open(t)
      assert.deepEqual(await db.selectFrom('gs_schema').select('version').execute(), [{ version: schemaVersion }])
      await db.insertInto('gs_accounts').values(account('a')).execute()
      const row = await db.selectFrom('gs_accounts').selectAll().executeTakeFirstOrThrow()
      assert.deepEqual(row, {
        ...account('a'),
        level: 10,
        sectors: 0,
        configured: 0,
        locked_at: null,
        group_id: null,
        must_change_password: 0,
        language: null,
        visits: 0,
        last_login_at: null
      })
    })

    it('undoes a transaction that fails, wholly', async (t) => {
      const { db, transaction } = await engine.open(t)
      const failing = transaction(async (trx) => {
        await trx.insertInto('gs_accounts').values(account('a')).execute()
        throw new Error('no')
      })
      await assert.rejects(failing, /^Error: no$/)
      assert.deepEqual(await db.selectFrom('gs_accounts').select('id').execute(), [])
    })

    it('refuses a transaction inside of another one at once, which would wait for itself, and not what is left behind by it', async (t) => {
      const { current, transaction } = await engine.open(t)
      const insert = (id: string) => transaction((trx) => trx.insertInto('gs_accounts').values(account(id)).execute())
      const over = Promise.withResolvers<void>()
      let late: Promise<unknown> | undefined
      await transaction(async (trx) => {
        assert.equal(current(), trx)
        await assert.rejects(insert('inner'), /inside of a transaction/)
        late = over.promise.then(() => insert('late'))
      })
      over.resolve()
      await late
      assert.equal(current(), null)
      await Promise.all(['a', 'b', 'c'].map(insert))
    })

    it('looks up one row by a prepared statement, as an array', async (t) => {
      const { db, prepareLookup } = await engine.open(t)
      await db.insertInto('gs_accounts').values(account('a')).execute()
      const query = db.selectFrom('gs_accounts').select(['id', 'level']).where('id', '=', '').compile()
      const lookup = prepareLookup(query.sql)
      assert.deepEqual(await lookup('a'), ['a', 10])
      assert.equal(await lookup('b'), undefined)
    })

    it('removes what belongs to an account with it', async (t) => {
      const { db } = await engine.open(t)
      await db.insertInto('gs_accounts').values(account('a')).execute()
      await db
        .insertInto('gs_links')
        .values({
          id: 'l',
          token_hash: 'h',
          purpose: 'verify-email',
          account_id: 'a',
          email: 'e',
          created_at: 1,
          expires_at: 2,
          used_at: null
        })
        .execute()
      await db.deleteFrom('gs_accounts').execute()
      assert.deepEqual(await db.selectFrom('gs_links').select('id').execute(), [])
    })
  })
}

describe('openSqlite', () => {
  const refused = (path: string, sentence: RegExp) =>
    assert.rejects(
      openSqlite(path),
      (error) => error instanceof GsStartError && sentence.test(error.message) && !error.message.includes('\n')
    )

  it('refuses a file that is not SQLite, and leaves it as it is', async (t) => {
    const path = join(temporaryDirectory(t), 'gs.sqlite3')
    const text = 'this is my diary\n'.repeat(100)
    writeFileSync(path, text)
    await refused(path, /is not an intact SQLite database; move it away or restore a backup/)
    assert.equal(readFileSync(path, 'utf8'), text)
  })

  it('refuses a damaged file', async (t) => {
    const path = join(temporaryDirectory(t), 'gs.sqlite3')
    const database = await openSqlite(path)
    for (let i = 0; i < 200; i++)
      await database.db
        .insertInto('gs_accounts')
        .values(account(`account-${i}`))
        .execute()
    await database.close()
    const bytes = readFileSync(path)
    bytes.fill(0xff, 4096 * 3, 4096 * 9)
    writeFileSync(path, bytes)
    await refused(path, /damaged|not an intact/)
  })

  it('refuses a directory that does not exist or cannot be written, and a database of a newer version', async (t) => {
    const directory = temporaryDirectory(t)
    await refused(join(directory, 'missing', 'gs.sqlite3'), /directory .*missing does not exist; create it/)
    const path = join(directory, 'gs.sqlite3')
    const database = await openSqlite(path)
    await sql`update gs_schema set version = ${schemaVersion + 1}`.execute(database.db)
    await database.close()
    await refused(path, /written by a newer version of fastify-gs \(schema \d+, this version knows \d+\)/)
  })

  it('refuses a directory without write permission', async (t) => {
    const directory = join(temporaryDirectory(t), 'closed')
    mkdirSync(directory)
    chmodSync(dirname(directory), 0o755)
    chmodSync(directory, 0o555)
    // Root may write everywhere, so another user asks.
    const asNobody = process.getuid?.() === 0 ? 'process.setgid(65534); process.setuid(65534);' : ''
    const module = new URL('./sqlite.ts', import.meta.url).href
    const code = `const { openSqlite } = await import(${JSON.stringify(module)}); ${asNobody}
      await openSqlite(${JSON.stringify(join(directory, 'gs.sqlite3'))}).catch((error) => console.log(error.name, error.message))`
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8' })
    assert.match(stdout, /^GsStartError .*closed is not writable for this process; change its owner or mode/)
  })

  it('writes through to the disk at each commit', async (t) => {
    const path = join(temporaryDirectory(t), 'gs.sqlite3')
    const { db, close } = await openSqlite(path)
    t.after(close)
    assert.deepEqual((await sql<object>`pragma synchronous`.execute(db)).rows, [{ synchronous: 2 }])
    assert.deepEqual((await sql<object>`pragma journal_mode`.execute(db)).rows, [{ journal_mode: 'wal' }])
  })

  it('waits for another process that writes, without blocking this one, and gives up with GS_BUSY', async (t) => {
    const path = join(temporaryDirectory(t), 'gs.sqlite3')
    const database = await openSqlite(path)
    t.after(database.close)
    const other = new Sqlite(path)
    t.after(() => other.close())
    other.exec('begin immediate')
    let turns = 0
    const ticking = setInterval(() => turns++, 5)
    const waiting = database.transaction((trx) => trx.insertInto('gs_accounts').values(account('a')).execute())
    await new Promise<void>((resolve) => {
      const wait = setInterval(() => {
        if (turns < 20) return
        clearInterval(wait)
        resolve()
      }, 5)
    })
    other.exec('commit')
    await waiting
    clearInterval(ticking)
    assert.equal((await database.db.selectFrom('gs_accounts').select('id').execute()).length, 1)

    other.exec('begin immediate')
    await assert.rejects(
      database.transaction((trx) => trx.deleteFrom('gs_accounts').execute()),
      { code: 'GS_BUSY', statusCode: 503, retryAfter: 2 }
    )
    other.exec('rollback')
  })

  it('is migrated once when several processes start together', async (t) => {
    const path = join(temporaryDirectory(t), 'gs.sqlite3')
    const module = new URL('./sqlite.ts', import.meta.url).href
    const code = `const { openSqlite } = await import(${JSON.stringify(module)}); await (await openSqlite(${JSON.stringify(path)})).close()`
    const children = Array.from({ length: 4 }, () =>
      spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'ignore', 'inherit'] })
    )
    assert.deepEqual(await Promise.all(children.map(async (child) => ((await once(child, 'exit')) as [number])[0])), [0, 0, 0, 0])
    const { db, close } = await openSqlite(path)
    t.after(close)
    assert.deepEqual(await db.selectFrom('gs_schema').select('version').execute(), [{ version: schemaVersion }])
  })
})

describe('a database that fails', () => {
  it('survives that PostgreSQL cuts the connection in the middle of a transaction: nothing is half done, the next one works', async (t) => {
    const url = await emptyPostgres()
    const broken: Error[] = []
    const database = await openPostgres(url, (error) => broken.push(error))
    t.after(database.close)
    const killer = await openPostgres(url, () => undefined)
    t.after(killer.close)
    const cut = database.transaction(async (trx) => {
      await trx.insertInto('gs_accounts').values(account('a')).execute()
      const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(trx)
      await sql`select pg_terminate_backend(${rows[0]!.pid})`.execute(killer.db)
      while (broken.length === 0) await new Promise(setImmediate)
    })
    await assert.rejects(cut, { code: 'GS_BUSY', statusCode: 503 })
    await database.transaction((trx) => trx.insertInto('gs_accounts').values(account('b')).execute())
    assert.deepEqual(await database.db.selectFrom('gs_accounts').select('id').execute(), [{ id: 'b' }])
  })

  it('answers GS_BUSY when PostgreSQL is out of reach', async (t) => {
    const database = await openPostgres(await emptyPostgres(), () => undefined)
    t.after(database.close)
    assert.equal(database.isUnavailable(Object.assign(new Error('x'), { code: 'ECONNREFUSED' })), true)
    assert.equal(database.isUnavailable(new Error('Connection terminated unexpectedly')), true)
    assert.equal(database.isUnavailable(new Error('duplicate key')), false)
  })

  it('answers GS_BUSY when the disk is full, says so to nobody but the log, and goes on when there is room', async (t) => {
    const { db, transaction, close } = await openSqlite(join(temporaryDirectory(t), 'gs.sqlite3'))
    t.after(close)
    const { rows } = await sql<{ page_count: number }>`pragma page_count`.execute(db)
    await sql.raw(`pragma max_page_count = ${rows[0]!.page_count}`).execute(db)
    const insert = (id: string) =>
      transaction((trx) =>
        trx
          .insertInto('gs_accounts')
          .values({ ...account(id), password_hash: 'x'.repeat(50_000) })
          .execute()
      )
    await assert.rejects(
      insert('a'),
      (error: Error & { code?: string }) => error.code === 'GS_BUSY' && /full/.test((error.cause as Error).message)
    )
    await sql.raw('pragma max_page_count = 100000').execute(db)
    await insert('b')
    assert.deepEqual(await db.selectFrom('gs_accounts').select('id').execute(), [{ id: 'b' }])
  })
})

describe('openPostgres', () => {
  it('is migrated once when several start together, and refuses a newer schema', async () => {
    const url = await emptyPostgres()
    const opened = await Promise.all(Array.from({ length: 4 }, () => openPostgres(url, () => undefined)))
    const { db } = opened[0]!
    assert.deepEqual(await db.selectFrom('gs_schema').select('version').execute(), [{ version: schemaVersion }])
    await sql`update gs_schema set version = ${schemaVersion + 1}`.execute(db)
    for (const database of opened) await database.close()
    await assert.rejects(
      openPostgres(url, () => undefined),
      (error) => error instanceof GsStartError && /newer version/.test(error.message)
    )
  })

  it('says which server cannot be used, without user and password', async () => {
    await assert.rejects(
      openPostgres('postgres://user:secret@127.0.0.1:1/none', () => undefined),
      (error) =>
        error instanceof GsStartError &&
        /postgres:\/\/127\.0\.0\.1:1\/none cannot be used.*check the address/.test(error.message) &&
        !error.message.includes('secret')
    )
  })
})
