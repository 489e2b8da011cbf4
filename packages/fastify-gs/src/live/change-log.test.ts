import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { sql } from 'kysely'
import { insertAccount, markVerified, setMustChangePassword, setVerifiedEmail } from '../accounts/accounts.ts'
import { deleteGroup, insertGroup, setGroupOf, updateGroup } from '../accounts/groups.ts'
import { checkEmail } from '../accounts/identifiers.ts'
import { pruneChanges, recordAccountChange, recordChanges } from '../database/changes.ts'
import type { GsDatabase } from '../database/database.ts'
import { openPostgres } from '../database/postgres.ts'
import { createSession, endSession, endSessionOf, endSessionsOf, pruneSessions, renewToken } from '../sessions/sessions.ts'
import { emptyPostgres, engines } from '../testing/databases.ts'
import { Queue } from '../testing/queue.ts'
import { createChangeLog, longestRead, type Change } from './change-log.ts'

const now = Date.UTC(2026, 10, 21)
const limits = { idle: 1000, absolute: 10_000, remembered: 100_000 }

const withoutId = (change: Change): object => {
  const { id, ...rest } = change
  assert.ok(id > 0)
  return rest
}

const addAccount = (database: GsDatabase, id: string) =>
  database.transaction((trx) =>
    insertAccount(trx, {
      id,
      username: { value: id, key: id },
      email: checkEmail(`${id}@mail.test`),
      passwordHash: '',
      createdAt: now
    })
  )

const addSession = (database: GsDatabase, accountId: string) =>
  database.transaction((trx) =>
    createSession(trx, { accountId, remember: false, forgotAt: null, ip: '192.0.2.1', userAgent: '', now }, limits)
  )

for (const engine of engines) {
  describe(`the log of changes on ${engine.name}`, () => {
    it('has what begins and ends, with the cause, and what accounts are or may', async (t) => {
      const database = await engine.open(t)
      const log = createChangeLog(database)
      assert.deepEqual([await log.position(), await log.after(0)], [0, []])
      for (const id of ['ann', 'bob']) await addAccount(database, id)
      const group = await database.transaction((trx) => insertGroup(trx, { value: 'staff', key: 'staff' }, 30, now))
      const position = await log.position()

      const one = await addSession(database, 'ann')
      const two = await addSession(database, 'ann')
      const three = await addSession(database, 'bob')
      const four = await addSession(database, 'bob')
      const five = await addSession(database, 'bob')
      await database.transaction(async (trx) => {
        await renewToken(trx, one.id, { forgotAt: now, now })
        await endSession(trx, one.id, 'logout')
        await endSession(trx, 'unknown', 'logout')
        await endSessionOf(trx, 'bob', two.id, 'revoked')
        await endSessionOf(trx, 'ann', two.id, 'revoked')
        await endSessionsOf(trx, 'bob', 'password-changed', four.id)
        await pruneSessions(trx, limits, now + 5000, 10)
        await markVerified(trx, 'ann')
        await setVerifiedEmail(trx, 'ann', checkEmail('new@mail.test'))
        await setMustChangePassword(trx, 'bob', true)
        await setGroupOf(trx, 'bob', group!.id)
        await updateGroup(trx, group!.id, { level: 40 })
        await deleteGroup(trx, group!.id)
      })
      const changes = (await log.after(position)).map(withoutId)
      const byPasswordChange = changes.splice(8, 2)
      assert.deepEqual(
        new Set(byPasswordChange.map((change) => JSON.stringify(change))),
        new Set([three, five].map(({ id }) => JSON.stringify({ type: 'end', accountId: 'bob', sessionId: id, cause: 'password-changed' })))
      )
      assert.deepEqual(changes, [
        ...[one, two].map(({ id }) => ({ type: 'login', accountId: 'ann', sessionId: id })),
        ...[three, four, five].map(({ id }) => ({ type: 'login', accountId: 'bob', sessionId: id })),
        { type: 'account', accountId: 'ann', sessionId: one.id },
        { type: 'end', accountId: 'ann', sessionId: one.id, cause: 'logout' },
        { type: 'end', accountId: 'ann', sessionId: two.id, cause: 'revoked' },
        { type: 'end', accountId: 'bob', sessionId: four.id, cause: 'idle' },
        { type: 'account', accountId: 'ann', sessionId: null },
        { type: 'account', accountId: 'ann', sessionId: null },
        { type: 'account', accountId: 'bob', sessionId: null },
        { type: 'account', accountId: 'bob', sessionId: null },
        { type: 'account', accountId: null, sessionId: null },
        { type: 'account', accountId: null, sessionId: null }
      ])
    })

    it('gives at most a thousand entries at once, in order, and forgets those of more than an hour ago, ends after a day', async (t) => {
      const database = await engine.open(t)
      const log = createChangeLog(database)
      await database.transaction(async (trx) => {
        for (let n = 0; n < 3; n++) {
          await recordChanges(
            trx,
            Array.from({ length: 400 }, () => ({ type: 'account', accountId: 'a' }) as const)
          )
        }
      })
      const first = await log.after(0)
      assert.deepEqual([first.length, (await log.after(first.at(-1)!.id)).length], [longestRead, 200])
      assert.ok(first.every(({ id }, index) => index === 0 || id > first[index - 1]!.id))
      await database.db
        .updateTable('gs_changes')
        .set({ at: Date.now() - 3_600_001 })
        .where('id', '<=', first.at(-1)!.id)
        .execute()
      const position = await log.position()
      await pruneChanges(database.db)
      assert.equal((await log.after(0)).length, 200)
      await database.transaction((trx) =>
        recordChanges(trx, [{ type: 'end', accountId: 'a', sessionId: 's', cause: 'logout', tokenHash: 'hash' }])
      )
      for (const [age, left] of [
        [86_000_000, 1],
        [86_400_001, 0]
      ] as const) {
        await database.db
          .updateTable('gs_changes')
          .set({ at: Date.now() - age })
          .execute()
        await pruneChanges(database.db)
        assert.equal((await log.after(0)).length, left)
      }
      // Ids are never used again: somebody may have come back with one.
      await database.transaction((trx) => recordAccountChange(trx, 'a'))
      assert.ok((await log.position()) > position)
    })

    it('tells of a commit before the transaction resolves, and of nothing that was rolled back or records no change', async (t) => {
      const database = await engine.open(t)
      const log = createChangeLog(database)
      const told: number[] = []
      database.onCommittedChanges(async () => {
        told.push((await log.after(0)).length)
      })
      await addAccount(database, 'ann')
      assert.deepEqual(told, [])
      await addSession(database, 'ann')
      assert.deepEqual(told, [1])
      await assert.rejects(
        database.transaction(async (trx) => {
          await recordAccountChange(trx, 'ann')
          throw new Error('no')
        }),
        /no/
      )
      await database.transaction((trx) => sql`select 1`.execute(trx))
      assert.deepEqual(told, [1])
      assert.equal((await log.after(0)).length, 1)
    })
  })
}

describe('the connection to PostgreSQL that listens', () => {
  it('tells of what other processes commit, and is made again when it breaks', async (t) => {
    const url = await emptyPostgres()
    const [database, other] = await Promise.all([openPostgres(url, () => undefined), openPostgres(url, () => undefined)])
    t.after(() => Promise.all([database.close(), other.close()]))
    const told = new Queue<'news'>()
    const stop = database.listen(() => told.push('news'))
    await told.next()
    const change = () => other.transaction((trx) => recordAccountChange(trx, 'a'))
    await change()
    await told.next()
    const { rows } = await sql<{ pid: number }>`select pg_terminate_backend(pid) from pg_stat_activity
      where query = 'listen gs_changes' and datname = current_database()`.execute(other.db)
    assert.equal(rows.length, 1)
    // Connected again, it tells at once: something may have happened meanwhile.
    await told.next()
    await change()
    await told.next()
    await stop()
    const before = told.all.length
    await change()
    assert.equal(told.all.length, before)
  })

  it('can be stopped while the server is out of reach', async (t) => {
    const database = await openPostgres(await emptyPostgres(), () => undefined)
    const stop = database.listen(() => undefined)
    await stop()
    await stop()
    t.after(() => database.close())
  })
})
