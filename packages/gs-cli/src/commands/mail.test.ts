import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { MailRecord } from 'fastify-gs/admin'
import { gs, gsJson, gsOnTerminal, temporaryDirectory } from '../testing/run-gs.ts'
import { password, startSite } from '../testing/site.ts'

interface Mails {
  mails: MailRecord[]
  next: string | null
}

/** A database whose server has tried to send these people their first mail, and has ended. */
async function databaseOf(t: TestContext, mailServer: 'refuses' | 'is away', ...names: string[]) {
  const sqlite = join(temporaryDirectory(t), 'gs.sqlite3')
  const site = await startSite(t, { sqlite }, { mailServer })
  for (const username of names) {
    await site.app.inject({ method: 'POST', url: '/lwsgs/register', payload: { username, email: `${username}@mail.test`, password } })
    await site.nextMail()
  }
  await site.close()
  return { sqlite, place: ['--database', sqlite] }
}

test('a mail that was given up is listed with the reason, and sent after retry', async (t) => {
  const { sqlite, place } = await databaseOf(t, 'refuses', 'ann')
  const { stdout } = await gs(['mail', 'list', '--state', 'dead', ...place])
  const [titles, row] = stdout.split('\n')
  assert.match(titles!, /^ID +STATE +KIND +TO +WRITTEN +TRIES +NEXT TRY +LAST ERROR$/)
  assert.match(row!, /^[\w-]{16} +dead +verify-email +ann@mail\.test +\d{4}-.+ 1 +The mail server refuses\.$/)

  const [mail] = (await gsJson<Mails>(['mail', 'list', ...place])).mails
  assert.equal((await gs(['mail', 'retry', ...place, '--', mail!.id])).stdout, '1 mail will be sent.\n')
  const site = await startSite(t, { sqlite })
  assert.equal((await site.nextMail()).to, 'ann@mail.test')
  await site.close()
  assert.equal((await gsJson<Mails>(['mail', 'list', '--state', 'sent', ...place])).mails.length, 1)
  const again = await gs(['mail', 'retry', ...place, '--', mail!.id])
  assert.deepEqual(again, { code: 1, stdout: '', stderr: `gs: There is no mail ${mail!.id} that waits or was given up.\n` })
})

test('retries all at once', async (t) => {
  const { place } = await databaseOf(t, 'refuses', 'ann', 'bob')
  assert.deepEqual(await gsJson(['mail', 'retry', '--all', ...place]), { retried: 2 })
  assert.equal((await gsJson<Mails>(['mail', 'list', '--state', 'waiting', ...place])).mails.length, 2)
  for (const args of [[], ['some-id', '--all']]) {
    const { code, stderr } = await gs(['mail', 'retry', ...args, ...place])
    assert.deepEqual([code, stderr], [2, 'gs: Say which mail: its id, or --all.\n'])
  }
})

test('drops a mail only with a word of consent', async (t) => {
  const { place } = await databaseOf(t, 'is away', 'ann')
  const [mail] = (await gsJson<Mails>(['mail', 'list', '--state', 'waiting', ...place])).mails
  const drop = ['mail', 'drop', ...place, '--', mail!.id]
  assert.deepEqual(await gs(drop), {
    code: 2,
    stdout: '',
    stderr: 'gs: This cannot be undone, and there is no terminal to ask: say --yes.\n'
  })
  const refused = await gsOnTerminal(drop, [[/Drop the mail/, '\r']])
  assert.equal(refused.code, 1)
  assert.equal((await gsJson<Mails>(['mail', 'list', ...place])).mails.length, 1)

  assert.equal((await gs(['mail', 'drop', '--yes', ...place, '--', mail!.id])).stdout, `The mail ${mail!.id} was dropped.\n`)
  assert.deepEqual(await gs(['mail', 'list', ...place]), { code: 0, stdout: '', stderr: 'No mails.\n' })
  assert.equal((await gs(['mail', 'drop', '--yes', ...place, '--', mail!.id])).code, 1)
})
