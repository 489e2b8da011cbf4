import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import type { AccountRecord, GroupRecord } from 'fastify-gs/admin'
import { gs, gsJson, temporaryDirectory } from '../testing/run-gs.ts'

test('groups are added, changed and deleted, and lend their level to who is in them', async (t) => {
  const place = ['--database', join(temporaryDirectory(t), 'gs.sqlite3')]
  const run = (...args: string[]) => gs([...args, ...place])
  const said = async (...args: string[]) => (await run(...args)).stdout.trim()
  await gsJson(['migrate', ...place])
  await gsJson(['user', 'add', 'ann', '--email', 'ann@mail.test', '--no-password', ...place])
  assert.equal((await run('group', 'list')).stderr, 'No groups.\n')
  assert.equal(await said('group', 'add', 'Editors', '--level', '35'), 'The group Editors was added.')
  assert.equal(
    await said('user', 'grant', 'ann', '--group', 'editors'),
    'ann has the level 35 of the group Editors (its own is user) and no sectors.'
  )
  const ann = await gsJson<AccountRecord>(['user', 'show', 'ann', ...place])
  assert.deepEqual([ann.level, ann.effectiveLevel, ann.group], [10, 35, 'Editors'])
  assert.match(await said('user', 'show', 'ann'), /^Level +35 of the group Editors \(its own is user\)$/m)
  const { groups } = await gsJson<{ groups: GroupRecord[] }>(['group', 'list', ...place])
  assert.deepEqual(groups, [{ id: groups[0]!.id, name: 'Editors', level: 35, members: 1 }])
  assert.match(await said('group', 'list'), /^GROUP +LEVEL +ACCOUNTS +ID\nEditors +35 +1 +[\w-]{16}$/)
  assert.equal(
    await said('group', 'set', 'editors', '--name', 'Writers', '--level', 'moderator'),
    'The group Writers has the level moderator.'
  )
  assert.equal(await said('user', 'grant', 'ann', '--no-group'), 'ann has the level user and no sectors.')
  for (const [args, code, message] of [
    [['group', 'set', 'writers'], 2, /Say what to change/],
    [['group', 'set', 'nobody', '--level', '20'], 1, /There is no group "nobody"/],
    [['group', 'add', 'writers', '--level', '20'], 1, /There is a group of this name already/],
    [['group', 'add', 'x', '--level', 'emperor'], 2, /There is no level "emperor"/],
    [['group', 'add', 'x', '--level', '101'], 1, /The level of a group is a whole number from 2 to 100/],
    [['group', 'add', 'two words', '--level', '20'], 1, /The name of a group begins with/],
    [['user', 'grant', 'ann', '--group', 'nobody'], 1, /There is no group "nobody"/],
    [['group', 'delete', 'writers'], 2, /--yes/]
  ] as const) {
    const result = await run(...args)
    assert.equal(result.code, code, args.join(' '))
    assert.match(result.stderr, message)
  }
  assert.equal(await said('group', 'delete', 'writers', '--yes'), 'The group Writers was deleted.')
  assert.deepEqual(await gsJson(['group', 'list', ...place]), { groups: [] })
})
