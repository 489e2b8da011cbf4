import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { hashPassword } from 'fastify-gs'
import type { AccountRecord } from 'fastify-gs/admin'
import { emptyPostgres } from 'fastify-gs/testing'
import { gs, gsJson, gsOnTerminal, temporaryDirectory } from '../testing/run-gs.ts'
import { password, startSite } from '../testing/site.ts'

interface Accounts {
  accounts: AccountRecord[]
  next: string | null
}

/** A SQLite database with the newest schema and these people in it. */
async function databaseOf(t: TestContext, ...names: string[]): Promise<string[]> {
  const place = ['--database', join(temporaryDirectory(t), 'gs.sqlite3')]
  await gsJson(['migrate', ...place])
  for (const name of names) await gsJson(['user', 'add', name, '--email', `${name}@mail.test`, '--no-password', ...place])
  return place
}

const places: Record<string, (t: TestContext) => string | Promise<string>> = {
  SQLite: (t) => join(temporaryDirectory(t), 'gs.sqlite3'),
  PostgreSQL: () => emptyPostgres()
}

for (const [engine, makePlace] of Object.entries(places)) {
  test(`the life of an account, beside a running server (${engine})`, async (t) => {
    const where = await makePlace(t)
    const place = ['--database', where]
    const site = await startSite(t, engine === 'SQLite' ? { sqlite: where } : { postgres: where }, { sectors: ['editor'] })
    const run = (...args: string[]) => gs([...args, ...place], { input: `${password}\n` })
    const done = (line: string) => ({ code: 0, stdout: `${line}\n`, stderr: '' })

    assert.deepEqual(await run('user', 'add', 'Ann', '--email', 'ann@mail.test'), done('Ann was added.'))
    const { cookie } = await site.login('ann', password)
    assert.equal(await site.whoIs(cookie), 'Ann')

    assert.deepEqual(
      await run('user', 'grant', 'ann', '--level', 'staff', '--add', '4', '31'),
      done('Ann has the level staff and the sectors 4, 31.')
    )
    const info = await site.app.inject({ url: '/lwsgs/session', headers: { cookie } })
    assert.deepEqual(info.json<{ sectors: string[]; level: number }>().sectors, ['editor'])
    assert.equal(info.json<{ level: number }>().level, 30)
    assert.deepEqual(await run('user', 'grant', 'ann', '--remove', '4', '31'), done('Ann has the level staff and no sectors.'))

    assert.deepEqual(await run('user', 'lock', 'ann@mail.test'), done('Ann is locked; its sessions have ended.'))
    assert.equal(await site.whoIs(cookie), null)
    assert.equal((await site.login('ann', password)).status, 403)
    assert.deepEqual(await run('user', 'unlock', 'ann'), done('Ann is open; wrong passwords are forgotten.'))
    const again = await site.login('ann', password)
    assert.equal(again.status, 200)

    const renewed = await gs(['user', 'password', 'ann', ...place], { input: 'another long password 9\n' })
    assert.deepEqual(renewed, done('Ann has a new password; its sessions have ended.'))
    assert.equal(await site.whoIs(again.cookie), null)
    assert.equal((await site.login('ann', password)).status, 401)
    assert.equal((await site.login('ann', 'another long password 9')).status, 200)

    const { cookie: now } = await site.login('ann', 'another long password 9')
    assert.deepEqual(await run('user', 'require-password-change', 'ann'), done('Ann has to choose a new password.'))
    const restricted = await site.app.inject({ url: '/lwsgs/sessions', headers: { cookie: now } })
    assert.equal(restricted.json<{ code: string }>().code, 'GS_PASSWORD_CHANGE_REQUIRED')
    const shown = await gs(['user', 'show', 'ann', ...place])
    assert.match(shown.stdout, /^State +must change password$/m)
    assert.match(shown.stdout, /^Logins +[45], the last \d{4}-\d\d-\d\d \d\d:\d\d$/m)
    assert.match(shown.stdout, /^Wrong passwords +none$/m)
    assert.deepEqual(await run('user', 'waive-password-change', 'ann'), done('Ann need not choose a new password.'))
    assert.equal((await gsJson<AccountRecord>(['user', 'show', 'ann', ...place])).mustChangePassword, false)
    await run('user', 'require-password-change', 'ann')
    const due = await gsJson<Accounts>(['user', 'list', '--state', 'must-change-password', ...place])
    assert.deepEqual(
      due.accounts.map(({ username }) => username),
      ['Ann']
    )
    await gs(['user', 'password', 'ann', ...place], { input: 'yet another password 9\n' })
    assert.equal((await gsJson<AccountRecord>(['user', 'show', 'ann', ...place])).status, 'active')
    await gs(['user', 'password', 'ann', '--must-change', ...place], { input: 'another long password 9\n' })
    assert.equal((await gsJson<AccountRecord>(['user', 'show', 'ann', ...place])).status, 'must-change-password')

    assert.deepEqual(await run('user', 'delete', 'ann', '--yes'), done('Ann was deleted.'))
    assert.equal((await site.login('ann', 'another long password 9')).status, 401)
    assert.deepEqual(await run('user', 'show', 'ann'), {
      code: 1,
      stdout: '',
      stderr: 'gs: There is no account "ann"; gs user list shows all.\n'
    })
  })
}

test('an account that must still prove its address is verified by hand', async (t) => {
  const place = await databaseOf(t)
  const added = await gsJson<AccountRecord>(['user', 'add', 'bob', '--email', 'bob@mail.test', '--unverified', ...place], {
    input: password
  })
  assert.equal(added.verified, false)
  const unverified = await gsJson<Accounts>(['user', 'list', '--state', 'unverified', ...place])
  assert.deepEqual(
    unverified.accounts.map(({ username }) => username),
    ['bob']
  )
  const { stdout } = await gs(['user', 'verify', 'bob', ...place])
  assert.equal(stdout, 'bob is verified.\n')
  assert.equal((await gsJson<AccountRecord>(['user', 'show', added.id, ...place])).verified, true)
})

test('lists accounts as a table whose columns stand below one another, also with wide characters', async (t) => {
  const place = await databaseOf(t, 'carol')
  await gsJson(['user', 'add', '名前ですよ', '--email', 'wide@mail.test', '--no-password', ...place])
  const { code, stdout, stderr } = await gs(['user', 'list', ...place])
  assert.deepEqual([code, stderr], [0, ''])
  const lines = stdout.trimEnd().split('\n')
  assert.match(lines[0]!, /^USER {8}E-MAIL {11}STATE {5}LEVEL {2}LOGINS {2}LAST LOGIN {2}CREATED {11}ID$/)
  assert.match(lines[1]!, /^carol {7}carol@mail\.test {2}verified {2}user {3}0 {19}\d{4}-\d\d-\d\d \d\d:\d\d {2}[\w-]{16}$/)
  // Five characters take ten columns.
  assert.match(lines[2]!, /^名前ですよ {2}wide@mail\.test {3}verified/)
})

test('shows an account', async (t) => {
  const place = await databaseOf(t, 'dora')
  const { stdout } = await gs(['user', 'show', 'dora@mail.test', ...place])
  for (const line of [
    /^User name +dora$/m,
    /^E-mail +dora@mail\.test$/m,
    /^State +verified$/m,
    /^Password +none$/m,
    /^Language +not chosen$/m,
    /^Logins +none$/m
  ])
    assert.match(stdout, line)
})

test('a long list comes in parts that continue one another, or at once', async (t) => {
  const names = ['a1', 'b2', 'c3', 'd4', 'e5']
  const place = await databaseOf(t, ...names)
  const seen: string[] = []
  let after: string[] = []
  for (;;) {
    const part = await gsJson<Accounts>(['user', 'list', '--limit', '2', ...after, ...place])
    assert.ok(part.accounts.length <= 2)
    seen.push(...part.accounts.map(({ username }) => username))
    if (part.next === null) break
    after = ['--after', part.next]
  }
  assert.deepEqual(seen, names)
  const all = await gsJson<Accounts>(['user', 'list', '--all', ...place])
  assert.deepEqual(
    all.accounts.map(({ username }) => username),
    names
  )
  const cut = await gs(['user', 'list', '--limit', '2', ...place])
  assert.match(cut.stderr, /^There are more: --after \S+, or --all\.\n$/)
  const found = await gsJson<Accounts>(['user', 'list', '--search', 'c3@', ...place])
  assert.equal(found.accounts.length, 1)
})

test('says that a list is empty without disturbing a program that reads it', async (t) => {
  const place = await databaseOf(t)
  assert.deepEqual(await gs(['user', 'list', ...place]), { code: 0, stdout: '', stderr: 'No accounts.\n' })
  assert.deepEqual(await gsJson(['user', 'list', ...place]), { accounts: [], next: null })
})

test('the admin of the configuration is shown, and changed only there', async (t) => {
  const sqlite = join(temporaryDirectory(t), 'gs.sqlite3')
  await startSite(t, { sqlite }, { admin: { username: 'boss', passwordHash: await hashPassword(password), email: 'boss@mail.test' } })
  const place = ['--database', sqlite]
  assert.match((await gs(['user', 'list', ...place])).stdout, /^boss +boss@mail\.test +configured admin /m)
  assert.match((await gs(['user', 'show', 'boss', ...place])).stdout, /^Password +in the configuration$/m)
  for (const command of [['lock'], ['delete', '--yes'], ['password'], ['grant', '--level', 'user']]) {
    const { code, stdout, stderr } = await gs(['user', ...command, 'boss', ...place], { input: password })
    assert.deepEqual([code, stdout], [1, ''])
    assert.match(stderr, /^gs: This account is defined in the configuration of the server; change it there\.\n$/)
  }
})

test('deletes only with a word of consent', async (t) => {
  const place = await databaseOf(t, 'erik')
  const silent = await gs(['user', 'delete', 'erik', ...place])
  assert.deepEqual(silent, { code: 2, stdout: '', stderr: 'gs: This cannot be undone, and there is no terminal to ask: say --yes.\n' })
  const refused = await gsOnTerminal(['user', 'delete', 'erik', ...place], [[/Delete the account erik \(erik@mail\.test\)\?/, 'n\r']])
  assert.equal(refused.code, 1)
  assert.match(refused.seen, /Nothing was changed/)
  await gsJson(['user', 'show', 'erik', ...place])
  const agreed = await gsOnTerminal(['user', 'delete', 'erik', ...place], [[/Delete the account erik/, 'y\r']])
  assert.equal(agreed.code, 0)
  assert.equal((await gs(['user', 'show', 'erik', ...place])).code, 1)
})

test('refuses what cannot be done in one sentence, and changes nothing', async (t) => {
  const place = await databaseOf(t, 'fred')
  const cases: Record<string, [args: string[], input: string, code: number, message: RegExp]> = {
    'a taken name': [['user', 'add', 'FRED', '--email', 'x@mail.test'], password, 1, /user name is taken/],
    'a reserved name': [['user', 'add', 'admin', '--email', 'x@mail.test'], password, 1, /user name is taken/],
    'a wrong address': [['user', 'add', 'gina', '--email', 'nowhere'], password, 1, /not an e-mail address/],
    'a short password': [['user', 'add', 'gina', '--email', 'x@mail.test'], 'short', 1, /at least 15 characters/],
    'a password shorter than asked for': [['user', 'password', 'fred', '--min-length', '40'], password, 1, /at least 40 characters/],
    'no password': [['user', 'password', 'fred'], '', 1, /There is no password/],
    'nothing to grant': [['user', 'grant', 'fred'], '', 2, /Say what to change/],
    'an unknown level': [['user', 'grant', 'fred', '--level', 'emperor'], '', 2, /There is no level "emperor"; there are none, anonymous/],
    'an unknown sector': [['user', 'grant', 'fred', '--add', 'editor'], '', 2, /There is no sector "editor"; there are the bits 4 to 31/],
    "a bit that is not the site's own": [['user', 'grant', 'fred', '--add', '1'], '', 2, /There is no sector "1"/],
    'a state that there is not': [['user', 'list', '--state', 'happy'], '', 2, /Allowed choices are verified, unverified, locked/],
    'a limit that is none': [['user', 'list', '--limit', '0'], '', 2, /must be a whole number from 1 to/],
    'two ways to cut a list': [['user', 'list', '--limit', '3', '--all'], '', 2, /cannot be used with option/]
  }
  const before = await gsJson(['user', 'list', ...place])
  for (const [name, [args, input, code, message]] of Object.entries(cases)) {
    await t.test(name, async () => {
      const result = await gs([...args, ...place], { input })
      assert.deepEqual([result.code, result.stdout], [code, ''])
      assert.match(result.stderr, message)
      assert.match(result.stderr, /^gs: [^\n]+\n$/)
    })
  }
  assert.deepEqual(await gsJson(['user', 'list', ...place]), before)
})
