import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import Sqlite from 'better-sqlite3'
import { lwsgsHashes } from 'fastify-gs'
import type { AccountRecord } from 'fastify-gs/admin'
import { emptyPostgres } from 'fastify-gs/testing'
import { lwsgsConfounder as confounder, makeLwsgsDatabase } from '../testing/lwsgs-database.ts'
import { gs, gsJson, gsOnTerminal, temporaryDirectory } from '../testing/run-gs.ts'
import { startSite } from '../testing/site.ts'

interface Report {
  dryRun: boolean
  users: number
  sha1: number
  sha256: number
  imported: number
  known: number
  refused: { name: string; reason: string }[]
}

const places = { SQLite: (directory: string) => join(directory, 'gs.sqlite3'), PostgreSQL: () => emptyPostgres() }

for (const [version, engine] of [
  [2, 'SQLite'],
  [3, 'SQLite'],
  [3, 'PostgreSQL']
] as const) {
  test(`users of lwsgs ${version}.x log in with their old passwords, and are on argon2id then (${engine})`, async (t) => {
    const directory = temporaryDirectory(t)
    const lws = join(directory, 'lws.sqlite3')
    makeLwsgsDatabase(lws, version, [{ username: 'ann' }, { username: 'Bob', verified: 1 }, { username: 'shorty', password: 'abc' }])
    const original = readFileSync(lws)
    const where = await places[engine](directory)
    const place = ['--database', where]

    const report = await gsJson<Report>(['import-lwsgs', lws, '--confounder', confounder, ...place])
    assert.deepEqual(report, {
      dryRun: false,
      users: 3,
      sha1: version === 2 ? 3 : 0,
      sha256: version === 3 ? 3 : 0,
      imported: 3,
      known: 0,
      refused: []
    })
    assert.deepEqual(readFileSync(lws), original)
    const show = (name: string) => gsJson<AccountRecord>(['user', 'show', name, ...place])
    const { verified, passwordScheme, createdAt } = await show('ann')
    assert.deepEqual([verified, passwordScheme, createdAt], [true, version === 2 ? 'lwsgs-sha1' : 'lwsgs-sha256', 1_500_000_000_000])
    assert.equal((await show('bob')).verified, false)

    const database = engine === 'SQLite' ? { sqlite: where } : { postgres: where }
    const site = await startSite(t, database, { password: { legacy: lwsgsHashes({ confounder }), minLength: 8 } })
    assert.equal((await site.login('ann', 'not the password of ann')).status, 401)
    const { status, cookie } = await site.login('ann', 'old password of ann')
    assert.deepEqual([status, await site.whoIs(cookie)], [200, 'ann'])
    assert.equal((await show('ann')).passwordScheme, 'argon2id')
    assert.equal((await site.login('ann', 'old password of ann')).status, 200)
    assert.equal((await site.login('shorty', 'abc')).status, 200)

    const again = await gsJson<Report>(['import-lwsgs', lws, '--confounder', confounder, ...place])
    assert.deepEqual([again.imported, again.known], [0, 3])
    assert.equal((await show('ann')).passwordScheme, 'argon2id')
  })
}

test('says who was refused and why, with exit code 3', async (t) => {
  const directory = temporaryDirectory(t)
  const lws = join(directory, 'lws.sqlite3')
  makeLwsgsDatabase(lws, 3, [
    { username: 'ann' },
    { username: 'ANN', email: 'ann2@mail.test' },
    { username: 'bob', email: 'nowhere' },
    { username: 'carl', email: '' },
    { username: 'dora', pwhash: 'x'.repeat(64) },
    { username: 'erik', email: 'Ann@mail.test' },
    { username: '\u001B[2Jfred' },
    { username: 'gina' }
  ])
  const args = ['import-lwsgs', lws, '--confounder', confounder, '--database', join(directory, 'gs.sqlite3')]
  const { code, stdout, stderr } = await gs(args)
  assert.equal(code, 3)
  const [users, counts, titles, ...rows] = stdout.trimEnd().split('\n')
  assert.equal(users, '8 users in lws.sqlite3, 0 with SHA-1 (2.x), 8 with SHA-256 (3.x).')
  assert.equal(counts, '2 taken over, 0 known from an earlier run, 6 refused.')
  assert.match(titles!, /^REFUSED +REASON$/)
  const expected = [
    /^dora +The password hash is neither that of lwsgs 2\.x/,
    /^ANN +The user name counts as the same as "ann"/,
    /^bob +.*not an e-mail address/,
    /^carl +It has no e-mail address/,
    /^erik +The account "ann" has proved the same e-mail address/,
    /^\\u\{1b\}\[2Jfred +A user name begins with a letter/
  ]
  assert.equal(rows.length, expected.length)
  for (const [index, pattern] of expected.entries()) assert.match(rows[index]!, pattern)
  assert.match(stderr, /^The confounder is not kept in the database; .+lwsgsHashes\(\{ confounder \}\).+\n$/)
  assert.doesNotMatch(stdout + stderr, /a confounder of/)

  const { code: codeAgain, stdout: json } = await gs([...args, '--json'])
  const report = JSON.parse(json) as Report
  assert.deepEqual([codeAgain, report.imported, report.known, report.refused.length], [3, 0, 2, 6])
})

test('an account that was deleted does not come back', async (t) => {
  const directory = temporaryDirectory(t)
  const lws = join(directory, 'lws.sqlite3')
  makeLwsgsDatabase(lws, 3, [{ username: 'ann' }, { username: 'bob' }])
  const place = ['--database', join(directory, 'gs.sqlite3')]
  await gsJson(['import-lwsgs', lws, ...place])
  await gsJson(['user', 'delete', 'ann', '--yes', ...place])
  const { imported, known } = await gsJson<Report>(['import-lwsgs', lws, ...place])
  assert.deepEqual([imported, known], [0, 2])
  assert.equal((await gs(['user', 'show', 'ann', ...place])).code, 1)
})

test('a dry run tells the same and changes nothing, wherever the accounts are to go', async (t) => {
  const directory = temporaryDirectory(t)
  const lws = join(directory, 'lws.sqlite3')
  const users = Array.from({ length: 1001 }, (_, index) => ({ username: `user${index}` }))
  // The two that collide are in different batches.
  makeLwsgsDatabase(lws, 3, [...users, { username: 'USER0', email: 'other@mail.test' }])
  const used = join(directory, 'used.sqlite3')
  await gsJson(['migrate', '--database', used])
  await gsJson(['user', 'add', 'user1', '--email', 'first@mail.test', '--no-password', '--database', used])
  const none = join(directory, 'none.sqlite3')

  for (const [place, refused] of [
    [none, ['USER0']],
    [used, ['user1', 'USER0']],
    [lws, ['USER0']]
  ] as const) {
    const before = existsSync(place) ? readFileSync(place) : null
    const { code, stdout } = await gs(['import-lwsgs', lws, '--dry-run', '--json', '--database', place])
    const report = JSON.parse(stdout) as Report
    assert.deepEqual([code, report.dryRun, report.imported], [3, true, 1002 - refused.length])
    assert.deepEqual(
      report.refused.map(({ name }) => name),
      refused
    )
    assert.deepEqual(existsSync(place) ? readFileSync(place) : null, before)
  }
  assert.deepEqual(readdirSync(directory).sort(), ['lws.sqlite3', 'used.sqlite3'])
})

test('the accounts may go into the very file they come from', async (t) => {
  const lws = join(temporaryDirectory(t), 'lws.sqlite3')
  makeLwsgsDatabase(lws, 3, [{ username: 'ann' }])
  assert.equal((await gsJson<Report>(['import-lwsgs', lws, '--database', lws])).imported, 1)
  assert.equal((await gsJson<Report>(['import-lwsgs', lws, '--database', lws])).known, 1)
})

test('works in batches: what was done before a failure stays, and a second run goes on', async (t) => {
  const directory = temporaryDirectory(t)
  const lws = join(directory, 'lws.sqlite3')
  makeLwsgsDatabase(
    lws,
    3,
    Array.from({ length: 1200 }, (_, index) => ({ username: `user${index}` }))
  )
  const path = join(directory, 'gs.sqlite3')
  const args = ['import-lwsgs', lws, '--database', path]
  await gsJson(['migrate', '--database', path])
  const db = new Sqlite(path)
  t.after(() => db.close())
  db.exec("create trigger trouble before insert on gs_accounts when new.username = 'user700' begin select raise(abort, 'trouble'); end")
  const failed = await gs(args)
  assert.equal(failed.code, 1)
  assert.match(failed.stderr, /^500 users were looked at before this; a second run goes on from there\.\ngs: trouble .+\n$/)
  assert.equal(db.prepare('select count(*) from gs_accounts').pluck().get(), 500)

  db.exec('drop trigger trouble')
  const { code, seen } = await gsOnTerminal(args, [])
  assert.equal(code, 0)
  assert.match(seen, /\r500 of 1200 users.*\r1000 of 1200 users.*\r1200 of 1200 users/s)
  assert.match(seen, /700 taken over, 500 known from an earlier run, 0 refused\./)
})

test('tries a password before it takes anybody over', async (t) => {
  const directory = temporaryDirectory(t)
  const lws = join(directory, 'lws.sqlite3')
  makeLwsgsDatabase(lws, 2, [{ username: 'ann' }])
  const place = join(directory, 'gs.sqlite3')
  const right = join(directory, 'confounder')
  writeFileSync(right, `${confounder}\n`)
  const run = (args: string[], input: string) => gs(['import-lwsgs', lws, '--database', place, ...args], { input })
  const cases: [args: string[], password: string, message: RegExp][] = [
    [['--try', 'ann', '--confounder', 'another'], 'old password of ann', /This is not the password of ann, or it is another confounder/],
    [['--try', 'ann', '--confounder-file', right], 'not the password', /This is not the password of ann, or it is another confounder/],
    [['--try', 'zoe', '--confounder-file', right], 'any', /lwsgs has no user "zoe"/],
    [['--confounder-file', join(directory, 'none')], '', /none cannot be read; check the path and its mode/]
  ]
  for (const [args, password, message] of cases) {
    const { code, stderr } = await run(args, password)
    assert.equal(code, 1)
    assert.match(stderr, message)
    assert.ok(!existsSync(place))
  }
  assert.equal((await run(['--confounder', 'x', '--confounder-file', right], '')).code, 2)
  assert.equal((await run(['--try', 'ann', '--confounder-file', right], 'old password of ann')).code, 0)
})

test('refuses what is no database of lwsgs, in one sentence', async (t) => {
  const directory = temporaryDirectory(t)
  const text = join(directory, 'notes.txt')
  writeFileSync(text, 'Some text that is long enough to be looked at.\n'.repeat(40))
  const other = join(directory, 'other.sqlite3')
  new Sqlite(other).exec('create table users (id integer primary key, name text)').close()
  const ours = join(directory, 'ours.sqlite3')
  await gsJson(['migrate', '--database', ours])
  const cases: Record<string, [file: string, message: RegExp]> = {
    'no file': [join(directory, 'none'), /^gs: There is no file .+none\.\n$/],
    'a directory': [directory, /^gs: .+ is no file; give the path of lwsgs' database.+\n$/],
    'a text': [text, /^gs: .+notes\.txt is no intact SQLite database; .+\n$/],
    'a database with other users': [other, /^gs: .+ is no database of lwsgs: it has no table "users" with username, .+\n$/],
    'a database of fastify-gs': [ours, /^gs: .+ is no database of lwsgs: .+\n$/]
  }
  const place = join(directory, 'gs.sqlite3')
  for (const [name, [file, message]] of Object.entries(cases)) {
    await t.test(name, async () => {
      const { code, stdout, stderr } = await gs(['import-lwsgs', file, '--database', place])
      assert.deepEqual([code, stdout], [1, ''])
      assert.match(stderr, message)
      assert.ok(!existsSync(place))
    })
  }
})

test('takes database, admin and confounder from the configuration of gs serve', async (t) => {
  const directory = temporaryDirectory(t)
  const lws = join(directory, 'lws.sqlite3')
  makeLwsgsDatabase(lws, 3, [{ username: 'ann' }, { username: 'Bo5s', email: 'x@mail.test' }])
  const config = join(directory, 'lwsws')
  const site = (name: string, port: number, options: object) => ({
    name,
    port: String(port),
    mounts: [{ mountpoint: '/', origin: `file://${join(directory, 'pages')}`, default: 'index.html' }],
    'ws-protocols': [{ 'protocol-generic-sessions': { status: 'ok', 'admin-user': 'boss', ...options } }]
  })
  const settings = (name: string) => ({
    'admin-password-hash': '$argon2id$v=19$m=19456,t=2,p=1$ElUKxdtdmn3Or6MtgjiC0A$h1YhkrEIFKYALRE6hlPKdwBPevBhSpqwp2XXKp0Mpi4',
    'session-db': join(directory, `${name}.sqlite3`),
    'email-from': 'noreply@site.test',
    confounder,
    sectors: 'editor,press'
  })
  mkdirSync(config)
  mkdirSync(join(directory, 'pages'))
  writeFileSync(
    join(config, 'conf'),
    `# two sites\n${JSON.stringify({ global: {}, vhosts: [site('one.test', 7001, settings('one')), site('two.test', 7002, settings('two'))] })}`
  )
  const place = ['--config', config, '--vhost', 'one.test']

  const { code, stdout, stderr } = await gs(['import-lwsgs', lws, '--try', 'ann', '--json', ...place], { input: 'old password of ann' })
  assert.equal(code, 3, stderr)
  const report = JSON.parse(stdout) as Report
  assert.deepEqual([report.imported, report.refused.map(({ name }) => name)], [1, ['Bo5s']])
  assert.deepEqual(
    readdirSync(directory).filter((name) => /^(one|two)\.sqlite3$/.test(name)),
    ['one.sqlite3']
  )
  const granted = await gs(['user', 'grant', 'ann', '--add', 'press', ...place])
  assert.equal(granted.stdout, 'ann has the level user and the sectors press.\n')

  const undecided = await gs(['user', 'list', '--config', config])
  assert.deepEqual([undecided.code, undecided.stderr], [2, `gs: ${config} has sessions on one.test, two.test; say which with --vhost.\n`])
  const unknown = await gs(['user', 'list', '--config', config, '--vhost', 'three.test'])
  assert.deepEqual([unknown.code, unknown.stderr], [1, `gs: ${config} has no vhost three.test; it has one.test, two.test.\n`])
})

test('a row whose user name is no text becomes nobody', async (t) => {
  const directory = temporaryDirectory(t)
  const lws = join(directory, 'lws.sqlite3')
  makeLwsgsDatabase(lws, 3, [{ username: 'ann' }, { username: 'nameless' }, { username: 'blob' }])
  const db = new Sqlite(lws)
  db.exec("update users set username = null where username = 'nameless'; update users set username = x'626f62' where username = 'blob'")
  db.close()
  const place = ['--database', join(directory, 'gs.sqlite3')]
  const { code, stdout } = await gs(['import-lwsgs', lws, '--json', ...place])
  const { imported, refused } = JSON.parse(stdout) as Report
  assert.deepEqual([code, imported, refused.map(({ name }) => name)], [3, 1, ['(none)', 'bob']])
  for (const { reason } of refused) assert.match(reason, /^The user name is no text/)
})

test('a dry run that is broken off leaves no copy of the database behind', async (t) => {
  const directory = temporaryDirectory(t)
  const lws = join(directory, 'lws.sqlite3')
  makeLwsgsDatabase(lws, 3, [{ username: 'ann' }])
  const place = join(directory, 'gs.sqlite3')
  await gsJson(['migrate', '--database', place])
  // Stops itself as soon as the copy is there.
  const stopper = join(directory, 'stopper.mjs')
  writeFileSync(
    stopper,
    `import { existsSync, readdirSync } from 'node:fs'
    import { join } from 'node:path'
    const look = () => {
      const copied = readdirSync(process.env.TMPDIR).some((name) => existsSync(join(process.env.TMPDIR, name, 'copy.sqlite3')))
      if (copied) process.kill(process.pid, 'SIGINT')
      else setImmediate(look)
    }
    setImmediate(look)`
  )
  const temporary = join(directory, 'tmp')
  mkdirSync(temporary)
  const { code, stdout } = await gs(['import-lwsgs', lws, '--dry-run', '--database', place], {
    env: { TMPDIR: temporary },
    nodeArgs: ['--import', stopper]
  })
  assert.notEqual(code, 0)
  assert.equal(stdout.includes('would be'), false)
  assert.deepEqual(readdirSync(temporary), [])
})

test('a dry run into a place that cannot be is refused in one sentence', async (t) => {
  const directory = temporaryDirectory(t)
  const lws = join(directory, 'lws.sqlite3')
  makeLwsgsDatabase(lws, 3, [{ username: 'ann' }])
  const text = join(directory, 'notes.txt')
  writeFileSync(text, 'Some text that is long enough to be looked at.\n'.repeat(40))
  for (const [place, message] of [
    [text, /^gs: .+notes\.txt cannot be copied for the rehearsal \(file is not a database\); .+\n$/],
    [directory, /^gs: .+ cannot be copied for the rehearsal \(.+\); .+\n$/],
    [join(directory, 'none', 'gs.sqlite3'), /^gs: The directory .+none does not exist; .+\n$/]
  ] as const) {
    const { code, stdout, stderr } = await gs(['import-lwsgs', lws, '--dry-run', '--database', place])
    assert.deepEqual([code, stdout], [1, ''])
    assert.match(stderr, message)
  }
})

test('a member keeps the name, also when somebody who never confirmed has had it longer', async (t) => {
  const directory = temporaryDirectory(t)
  const lws = join(directory, 'lws.sqlite3')
  const between = Array.from({ length: 600 }, (_, index) => ({ username: `user${index}` }))
  makeLwsgsDatabase(lws, 3, [{ username: 'Ann', email: 'squatter@mail.test', verified: 1 }, ...between, { username: 'ann' }])
  const place = ['--database', join(directory, 'gs.sqlite3')]
  for (const more of [['--dry-run'], []]) {
    const { code, stdout } = await gs(['import-lwsgs', lws, '--json', ...more, ...place])
    const { imported, refused } = JSON.parse(stdout) as Report
    assert.deepEqual([code, imported, refused.map(({ name }) => name)], [3, 601, ['Ann']])
  }
  assert.equal((await gsJson<AccountRecord>(['user', 'show', 'ann', ...place])).email, 'ann@mail.test')
})

test('ends also with row numbers that are larger than numbers of JavaScript', async (t) => {
  const directory = temporaryDirectory(t)
  const lws = join(directory, 'lws.sqlite3')
  makeLwsgsDatabase(lws, 3, [{ username: 'ann' }, { username: 'bob' }])
  const db = new Sqlite(lws)
  db.exec(
    "update users set rowid = 9223372036854775807 where username = 'ann'; update users set rowid = 9007199254740993 where username = 'bob'"
  )
  db.close()
  const { users, imported } = await gsJson<Report>(['import-lwsgs', lws, '--database', join(directory, 'gs.sqlite3')])
  assert.deepEqual([users, imported], [2, 2])
})
