import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createAdministration } from './create-administration.ts'
import { enqueueEvent } from '../mail/account-events.ts'
import { engines } from '../testing/databases.ts'
import { TestOutbox } from '../testing/outbox.ts'

const permanent = () => Promise.reject(Object.assign(new Error('no such mailbox'), { permanent: true }))
const temporary = () => Promise.reject(new Error('try later'))

for (const engine of engines) {
  describe(`mail in the administration on ${engine.name}`, () => {
    const prepare = async (t: Parameters<typeof engine.open>[0]) => {
      const outbox = new TestOutbox(await engine.open(t))
      const { audit, mail } = createAdministration(outbox.database, { now: () => outbox.clock.now })
      return { outbox, audit, mail, clock: outbox.clock }
    }

    it('is listed newest first with its state, never with what it says', async (t) => {
      const { outbox, mail, clock } = await prepare(t)
      outbox.mailer.deliver = permanent
      const dead = await outbox.enqueue()
      await outbox.work()
      clock.advance(1)
      outbox.mailer.deliver = temporary
      const waiting = await outbox.enqueue()
      await outbox.work()
      clock.advance(1)
      outbox.mailer.deliver = () => undefined
      const sent = await outbox.enqueue()
      await outbox.database.db
        .updateTable('gs_outbox')
        .set({ next_attempt_at: clock.now + 60_000 })
        .where('id', '=', waiting)
        .execute()
      await outbox.work()

      const { mails, next } = await mail.list()
      assert.deepEqual(
        mails.map(({ id, state, attempts, lastError, nextAttemptAt }) => ({ id, state, attempts, lastError, nextAttemptAt })),
        [
          { id: sent, state: 'sent', attempts: 1, lastError: null, nextAttemptAt: null },
          { id: waiting, state: 'waiting', attempts: 1, lastError: 'try later', nextAttemptAt: clock.now + 60_000 },
          { id: dead, state: 'dead', attempts: 1, lastError: 'no such mailbox', nextAttemptAt: null }
        ]
      )
      assert.equal(next, null)
      assert.deepEqual(Object.keys(mails[0]!).toSorted(), [
        'attempts',
        'createdAt',
        'id',
        'kind',
        'lastError',
        'nextAttemptAt',
        'recipient',
        'state'
      ])
      assert.equal(mails[0]!.kind, 'password-changed')
      assert.equal(mails[0]!.recipient, 'Alice@mail.test')
      for (const [state, id] of [
        ['sent', sent],
        ['waiting', waiting],
        ['dead', dead]
      ] as const)
        assert.deepEqual(
          (await mail.list({ state })).mails.map((entry) => entry.id),
          [id]
        )
    })

    it('is listed in pages', async (t) => {
      const { outbox, mail } = await prepare(t)
      for (let n = 0; n < 5; n++) await outbox.enqueue()
      const listed: string[] = []
      for (let after: string | null | undefined; after !== null;) {
        const page = await mail.list({ limit: 2, ...(after !== undefined && { after }) })
        listed.push(...page.mails.map(({ id }) => id))
        after = page.next
      }
      assert.equal(new Set(listed).size, 5)
    })

    it('that is dead is sent after all when it is retried, even a week later', async (t) => {
      const { outbox, mail, clock } = await prepare(t)
      outbox.mailer.deliver = permanent
      const id = await outbox.enqueue()
      await outbox.work()
      clock.advance(6 * 86_400)
      // A server that says "later" to strangers must not kill it again.
      outbox.mailer.deliver = temporary
      assert.equal(await mail.retry(id), 1)
      await outbox.work()
      assert.equal((await outbox.row(id)).state, 'waiting')
      outbox.mailer.deliver = () => undefined
      clock.advance(60)
      await outbox.work()
      assert.equal((await outbox.row(id)).state, 'sent')
      assert.equal(outbox.mailer.taken.all.length, 1)
      assert.equal(await mail.retry(id), 0)
    })

    it('that waits for its next attempt is tried at once, all together or one alone', async (t) => {
      const { outbox, mail, clock } = await prepare(t)
      outbox.mailer.deliver = temporary
      const [one, two] = [await outbox.enqueue(), await outbox.enqueue()]
      await outbox.work()
      await outbox.database.db
        .updateTable('gs_outbox')
        .set({ next_attempt_at: clock.now + 600_000 })
        .execute()
      assert.equal(await mail.retry(one), 1)
      assert.equal((await outbox.row(one)).next_attempt_at, clock.now)
      assert.equal((await outbox.row(two)).next_attempt_at, clock.now + 600_000)
      assert.equal(await mail.retry('all'), 2)
      assert.equal((await outbox.row(two)).next_attempt_at, clock.now)
      assert.equal(await mail.retry('nothing'), 0)
    })

    it('that is due anyway stays as it is, and the audit says nothing', async (t) => {
      const { outbox, audit, mail, clock } = await prepare(t)
      const id = await outbox.enqueue()
      assert.equal(await mail.retry(id), 1)
      assert.equal(await mail.retry('all'), 1)
      assert.deepEqual((await audit.list()).entries, [])
      const later = { next_attempt_at: clock.now + 600_000 }
      await outbox.database.db
        .updateTable('gs_outbox')
        .set(later)
        .where('id', '=', await outbox.enqueue())
        .execute()
      assert.equal(await mail.retry('all'), 2)
      assert.deepEqual(
        (await audit.list()).entries.map(({ action, details }) => [action, details]),
        [['retry-mail', { mails: 1 }]]
      )
    })

    it('that is being sent right now is not sent twice', async (t) => {
      const { outbox, mail, clock } = await prepare(t)
      const id = await outbox.enqueue()
      const otherServer = new TestOutbox(outbox.database, {}, clock)
      outbox.mailer.deliver = async () => {
        await mail.retry('all')
        await mail.retry(id)
        await otherServer.work()
      }
      await outbox.work()
      assert.equal((await outbox.row(id)).attempts, 1)
      assert.equal(outbox.mailer.taken.all.length, 1)
      assert.deepEqual(otherServer.mailer.taken.all, [])
    })

    it('is dropped unless it is sent: of that the limit per address lives', async (t) => {
      const { outbox, mail } = await prepare(t)
      const sent = await outbox.enqueue()
      await outbox.work()
      const waiting = await outbox.enqueue()
      assert.equal(await mail.drop(sent), false)
      assert.equal(await mail.drop(waiting), true)
      assert.equal(await mail.drop(waiting), false)
      assert.deepEqual(
        (await mail.list()).mails.map(({ id }) => id),
        [sent]
      )
    })

    it('is not what waits for the application', async (t) => {
      const { outbox, mail, clock } = await prepare(t)
      const { db } = outbox.database
      await outbox.database.transaction((trx) =>
        enqueueEvent(trx, 'accountDeleted', { id: 'a', username: 'ann', email: null }, clock.now, 'operator')
      )
      const { id } = await db.selectFrom('gs_outbox').select('id').executeTakeFirstOrThrow()
      assert.deepEqual((await mail.list()).mails, [])
      assert.equal(await mail.retry('all'), 0)
      assert.equal(await mail.drop(id), false)
    })
  })
}
