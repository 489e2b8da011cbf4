import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import Sqlite from 'better-sqlite3'
import type { SessionRecord } from 'fastify-gs/admin'
import { gs, gsJson, temporaryDirectory } from '../testing/run-gs.ts'
import { password, startSite } from '../testing/site.ts'

interface Sessions {
  sessions: SessionRecord[]
  next: string | null
}

async function siteOf(t: TestContext, ...names: string[]) {
  const sqlite = join(temporaryDirectory(t), 'gs.sqlite3')
  const place = ['--database', sqlite]
  const site = await startSite(t, { sqlite })
  for (const name of names) await gsJson(['user', 'add', name, '--email', `${name}@mail.test`, ...place], { input: password })
  return { sqlite, place, site }
}

test('lists who is logged in, newest first, and of one account', async (t) => {
  const { place, site } = await siteOf(t, 'ann', 'bob')
  await site.login('ann', password, 'Browser of Ann')
  await site.login('bob', password)
  const { sessions, next } = await gsJson<Sessions>(['sessions', 'list', ...place])
  assert.deepEqual([sessions.map(({ username }) => username), next], [['bob', 'ann'], null])
  const { stdout } = await gs(['sessions', 'list', '--account', 'ann@mail.test', ...place])
  const [titles, row, ...more] = stdout.trimEnd().split('\n')
  assert.match(titles!, /^ID +ACCOUNT +SINCE +LAST USE +ENDS +FROM +PAGES +SOCKETS +WITH$/)
  assert.match(row!, /^[\w-]{16} +ann +\d{4}-.+ 127\.0\.0\.1 +0 +0 +Browser of Ann$/)
  assert.deepEqual(more, [])
})

test('ends one session or all of an account, and the server knows at the next request', async (t) => {
  const { place, site } = await siteOf(t, 'ann')
  const cookies = [await site.login('ann', password), await site.login('ann', password), await site.login('ann', password)]
  const who = () => Promise.all(cookies.map(({ cookie }) => site.whoIs(cookie)))
  const { sessions } = await gsJson<Sessions>(['sessions', 'list', ...place])
  assert.equal(sessions.length, 3)

  assert.equal((await gs(['sessions', 'end', ...place, '--', sessions[0]!.id])).stdout, '1 session was ended.\n')
  assert.equal((await who()).filter((name) => name === null).length, 1)
  assert.equal((await gs(['sessions', 'end', '--account', 'ann', ...place])).stdout, '2 sessions were ended.\n')
  assert.deepEqual(await who(), [null, null, null])
})

test('what is not there is said, and the rest is done', async (t) => {
  const { place, site } = await siteOf(t, 'ann')
  await site.login('ann', password)
  const { sessions } = await gsJson<Sessions>(['sessions', 'list', ...place])
  const partly = await gs(['sessions', 'end', ...place, '--', 'none', sessions[0]!.id])
  assert.deepEqual(partly, { code: 3, stdout: '1 session was ended.\n', stderr: 'gs: There is no session none.\n' })
  assert.deepEqual(await gs(['sessions', 'end', 'none', ...place]), { code: 1, stdout: '', stderr: 'gs: There is no session none.\n' })
  assert.match((await gs(['sessions', 'end', '-abcdefghijklmno', ...place])).stderr, /if this is an id, put -- before it\.\n$/)
  const unsaid = await gs(['sessions', 'end', ...place])
  assert.deepEqual([unsaid.code, unsaid.stderr], [2, 'gs: Say which sessions: their ids, or --account <name>.\n'])
})

test('nothing that stands in the database can steer the terminal', async (t) => {
  const { sqlite, place, site } = await siteOf(t, 'ann')
  await site.login('ann', password)
  const db = new Sqlite(sqlite)
  t.after(() => db.close())
  db.prepare('update gs_sessions set user_agent = ?').run('\u001B]0;owned\u0007\r\nx\u009B2J\u202Etxt\u2028\uFEFF')

  const table = await gs(['sessions', 'list', ...place])
  assert.doesNotMatch(table.stdout, /[\p{Cf}\p{Zl}]|(?!\n)\p{Cc}/u)
  assert.equal(table.stdout.trimEnd().split('\n').length, 2)
  assert.match(table.stdout, /\\u\{1b\}\]0;owned\\u\{7\}/)

  const json = await gs(['sessions', 'list', '--json', ...place])
  assert.match(json.stdout, /^[\n\x20-\x7e]+$/)
  assert.equal((JSON.parse(json.stdout) as Sessions).sessions[0]!.userAgent, '\u001B]0;owned\u0007\r\nx\u009B2J\u202Etxt\u2028\uFEFF')
})
