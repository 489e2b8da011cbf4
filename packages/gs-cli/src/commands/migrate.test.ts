import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import Sqlite from 'better-sqlite3'
import { emptyPostgres, publishedSchemas } from 'fastify-gs/testing'
import { gs, gsJson, temporaryDirectory } from '../testing/run-gs.ts'

interface Migrated {
  from: number
  to: number
}

test('makes a database, and says what it did', async (t) => {
  const places = { SQLite: join(temporaryDirectory(t), 'gs.sqlite3'), PostgreSQL: await emptyPostgres() }
  for (const [engine, place] of Object.entries(places)) {
    await t.test(engine, async () => {
      const { from, to } = await gsJson<Migrated>(['migrate', '--database', place])
      assert.equal(from, 0)
      assert.ok(to >= 2)
      assert.equal((await gs(['migrate', '--database', place])).stdout, `The database has the newest schema, ${to}.\n`)
    })
  }
})

test('brings an older database to the newest schema', async (t) => {
  const place = join(temporaryDirectory(t), 'gs.sqlite3')
  const db = new Sqlite(place)
  for (const statement of publishedSchemas[0]!) db.exec(statement)
  db.exec('create table gs_schema (version integer not null); insert into gs_schema values (1)')
  db.close()
  const { stdout } = await gs(['migrate', '--database', place])
  assert.equal(stdout, `The database was brought from schema 1 to ${publishedSchemas.length + 1}.\n`)
  assert.equal((await gs(['user', 'list', '--database', place])).code, 0)
})

test('refuses what it cannot open in one sentence that names the place, and not its password', async (t) => {
  const directory = temporaryDirectory(t)
  const text = join(directory, 'notes.txt')
  writeFileSync(text, 'This is no database at all, only some text that is long enough.\n'.repeat(20))
  const cases: Record<string, [place: string, message: RegExp]> = {
    'a file that is none': [text, /notes\.txt is not an intact SQLite database; .+/],
    'a directory that is missing': [join(directory, 'none', 'gs.sqlite3'), /The directory .+none does not exist; create it/],
    'a server that is not there': [
      'postgres://user:secret@127.0.0.1:1/db',
      /postgres:\/\/127\.0\.0\.1:1\/db cannot be used: .+ECONNREFUSED.+/
    ]
  }
  for (const [name, [place, message]] of Object.entries(cases)) {
    await t.test(name, async () => {
      const { code, stdout, stderr } = await gs(['migrate', '--database', place])
      assert.deepEqual([code, stdout], [1, ''])
      assert.match(stderr, message)
      assert.match(stderr, /^gs: [^\n]+\.\n$/)
      assert.doesNotMatch(stderr, /secret/)
    })
  }
})

test('finds the database by the options, else by the environment', async (t) => {
  const directory = temporaryDirectory(t)
  const [named, gsDatabase, databaseUrl] = ['named', 'gs-database', 'database-url'].map((name) => join(directory, name)) as [
    string,
    string,
    string
  ]
  const env = { GS_DATABASE: gsDatabase, DATABASE_URL: databaseUrl }
  const made = () => [named, gsDatabase, databaseUrl].map((path) => existsSync(path))
  await gsJson(['migrate', '-d', named], { env })
  assert.deepEqual(made(), [true, false, false])
  await gsJson(['migrate'], { env })
  assert.deepEqual(made(), [true, true, false])
  await gsJson(['migrate'], { env: { GS_DATABASE: '', DATABASE_URL: databaseUrl } })
  assert.deepEqual(made(), [true, true, true])

  const unsaid = await gs(['migrate'])
  assert.equal(unsaid.code, 2)
  assert.match(unsaid.stderr, /^gs: Say where the database is: --database .+\n$/)
})

test('only migrate and the import make a database: elsewhere a path that leads nowhere is a mistake', async (t) => {
  const place = join(temporaryDirectory(t), 'gs.sqlite3')
  for (const args of [
    ['user', 'list'],
    ['user', 'show', 'ann'],
    ['sessions', 'list'],
    ['mail', 'retry', '--all']
  ]) {
    const { code, stderr } = await gs([...args, '--database', place])
    assert.equal(code, 1)
    assert.match(stderr, /^gs: There is no database .+gs\.sqlite3; check the path, or make it with gs migrate\.\n$/)
    assert.ok(!existsSync(place))
  }
})
