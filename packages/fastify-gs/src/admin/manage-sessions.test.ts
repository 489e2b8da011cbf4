import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { GsOptionError } from '../errors.ts'
import { createFindSession } from '../sessions/sessions.ts'
import { seedAccount } from '../testing/accounts.ts'
import { administer } from '../testing/administration.ts'
import { engines } from '../testing/databases.ts'

for (const engine of engines) {
  describe(`sessions in the administration on ${engine.name}`, () => {
    it('are listed newest first with whom they belong to, never with the token', async (t) => {
      const { administration, clock, database, logIn } = await administer(t, engine)
      await seedAccount(database.db, 'ann', { id: 'a1' })
      await seedAccount(database.db, 'bob', { id: 'b1' })
      const first = await logIn('a1', { userAgent: '<script>alert(1)</script>' })
      const began = clock.now
      clock.advance(60)
      const second = await logIn('b1')
      const { sessions, next } = await administration.sessions.list()
      assert.deepEqual(
        sessions.map(({ id }) => id),
        [second.id, first.id]
      )
      assert.deepEqual(sessions[1], {
        id: first.id,
        accountId: 'a1',
        username: 'ann',
        createdAt: began,
        lastActiveAt: began,
        expiresAt: began + 86_400_000,
        ip: '192.0.2.7',
        userAgent: '<script>alert(1)</script>',
        remember: false,
        pages: 0,
        sockets: 0
      })
      assert.equal(next, null)
      assert.equal(JSON.stringify(sessions).includes(first.token), false)
      const own = await administration.sessions.list({ account: 'a1' })
      assert.deepEqual(
        own.sessions.map(({ id }) => id),
        [first.id]
      )
      clock.advance(86_400 - 60)
      assert.deepEqual(
        (await administration.sessions.list()).sessions.map(({ id }) => id),
        [second.id]
      )
    })

    it('are listed in pages without gap or repetition, also those of one moment', async (t) => {
      const { administration, clock, database, logIn } = await administer(t, engine)
      await seedAccount(database.db, 'ann')
      const made: string[] = []
      for (let n = 0; n < 7; n++) {
        made.push((await logIn('ann')).id)
        if (n % 3 === 2) clock.advance(1)
      }
      const listed: string[] = []
      for (let after: string | null | undefined; after !== null;) {
        const page = await administration.sessions.list({ limit: 2, ...(after !== undefined && { after }) })
        listed.push(...page.sessions.map(({ id }) => id))
        after = page.next
      }
      assert.equal(listed.length, 7)
      assert.deepEqual(new Set(listed), new Set(made))
      for (const after of ['', 'x', '1', "1.'--", '1.a.b'])
        await assert.rejects(administration.sessions.list({ after }), (error) => error instanceof GsOptionError, after)
    })

    it('end one by one, or all of an account', async (t) => {
      const { administration, database, ended, logIn } = await administer(t, engine)
      await seedAccount(database.db, 'ann')
      await seedAccount(database.db, 'bob')
      const [one, two, three, other] = [await logIn('ann'), await logIn('ann'), await logIn('ann'), await logIn('bob')]
      assert.equal(await administration.sessions.end(one.id), true)
      assert.equal(await administration.sessions.end(one.id), false)
      assert.equal(await administration.sessions.end('nothing'), false)
      assert.equal(await administration.sessions.endAllOf('ann'), 2)
      assert.equal(await administration.sessions.endAllOf('ann'), 0)
      assert.deepEqual(new Set(ended), new Set([one, two, three].map(({ id }) => `${id} revoked`)))
      const find = createFindSession(database)
      assert.equal(await find(one.token), null)
      assert.equal((await find(other.token))?.id, other.id)
    })
  })
}
