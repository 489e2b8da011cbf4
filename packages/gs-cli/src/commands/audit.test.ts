import assert from 'node:assert/strict'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { AuditRecord } from 'fastify-gs/admin'
import { gs, gsJson, temporaryDirectory } from '../testing/run-gs.ts'

interface Audit {
  entries: AuditRecord[]
  next: string | null
}

test('every change by a command is written down with the user of the system', async (t) => {
  const place = ['--database', join(temporaryDirectory(t), 'gs.sqlite3')]
  await gs(['migrate', ...place])
  assert.deepEqual(await gs(['audit', ...place]), { code: 0, stdout: '', stderr: 'Nothing was done.\n' })
  const { id } = await gsJson<{ id: string }>(['user', 'add', 'ann', '--email', 'ann@mail.test', '--no-password', ...place])
  await gs(['user', 'list', ...place])
  await gs(['user', 'grant', 'ann', '--level', 'staff', '--add', '4', ...place])

  const { stdout } = await gs(['audit', '--limit', '1', ...place])
  const [titles, row, ...more] = stdout.trimEnd().split('\n')
  assert.match(titles!, /^WHEN +WHO +FROM +WHAT +ACCOUNT +DETAILS$/)
  assert.match(row!, /^\d{4}-\d\d-\d\d \d\d:\d\d +gs \(.+\) +grant +ann +level 10 -> 30, sectors none -> 4$/)
  assert.deepEqual(more, [])
  const { entries, next } = await gsJson<Audit>(['audit', '--account', 'ann@mail.test', ...place])
  assert.equal(next, null)
  assert.deepEqual(
    entries.map(({ actor, action, accountId, ip }) => [actor, action, accountId, ip]),
    ['grant', 'add'].map((action) => [`gs (${userInfo().username})`, action, id, null])
  )
})

test('what was done to a deleted account is found by its id, and has no name any more', async (t) => {
  const place = ['--database', join(temporaryDirectory(t), 'gs.sqlite3')]
  await gs(['migrate', ...place])
  const { id } = await gsJson<{ id: string }>(['user', 'add', 'ann', '--email', 'ann@mail.test', '--no-password', ...place])
  await gs(['user', 'delete', 'ann', '--yes', ...place])
  const { entries } = await gsJson<Audit>(['audit', `--account=${id}`, ...place])
  assert.deepEqual(
    entries.map(({ action, username }) => [action, username]),
    [
      ['delete', null],
      ['add', null]
    ]
  )
  const unknown = await gs(['audit', '--account', 'ann', ...place])
  assert.deepEqual(unknown, { code: 1, stdout: '', stderr: 'gs: There is no account "ann"; gs user list shows all.\n' })
})

test('goes on where a list ended', async (t) => {
  const place = ['--database', join(temporaryDirectory(t), 'gs.sqlite3')]
  await gs(['migrate', ...place])
  for (const name of ['ann', 'bob', 'carol']) await gs(['user', 'add', name, '--email', `${name}@mail.test`, '--no-password', ...place])
  const first = await gsJson<Audit>(['audit', '--limit', '2', ...place])
  const rest = await gsJson<Audit>(['audit', '--after', first.next!, ...place])
  assert.deepEqual(
    [...first.entries, ...rest.entries].map(({ username }) => username),
    ['carol', 'bob', 'ann']
  )
  assert.equal((await gsJson<Audit>(['audit', '--all', ...place])).entries.length, 3)
  const { code, stderr } = await gs(['audit', '--after', 'rubbish', ...place])
  assert.equal(code, 1)
  assert.match(stderr, /is no place in this list/)
})
