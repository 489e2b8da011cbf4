import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { recordAccountChange, recordChanges } from '../database/changes.ts'
import { engines } from '../testing/databases.ts'
import { createAccountNews, longestNews } from './account-news.ts'
import { createFindEnd } from './change-log.ts'

for (const engine of engines) {
  describe(`what an account missed, on ${engine.name},`, () => {
    it('are the logins and logouts of its sessions in their order, and where the log ends', async (t) => {
      const database = await engine.open(t)
      const { latest } = createAccountNews(database)
      const endOf = createFindEnd(database)
      assert.deepEqual(await latest('a'), { newest: 0, news: [] })
      await database.transaction(async (trx) => {
        await recordChanges(trx, [{ type: 'login', accountId: 'a', sessionId: 's1' }])
        await recordAccountChange(trx, 'a')
        await recordChanges(trx, [
          { type: 'end', accountId: 'a', sessionId: 's1', cause: 'revoked', tokenHash: 'h1' },
          { type: 'end', accountId: 'b', sessionId: 's2', cause: 'logout', tokenHash: 'h2' }
        ])
      })
      assert.deepEqual(await latest('a'), {
        newest: 4,
        news: [
          { id: 1, type: 'login', sessionId: 's1', cause: null },
          { id: 3, type: 'logout', sessionId: 's1', cause: 'revoked' }
        ]
      })
      assert.deepEqual(await latest('c'), { newest: 4, news: [] })
      assert.deepEqual([await endOf('h1'), await endOf('h2'), await endOf('h3')], ['revoked', 'logout', null])
    })

    it('are only the latest of many', async (t) => {
      const database = await engine.open(t)
      const logins = Array.from({ length: 100 }, (_, n) => ({ type: 'login', accountId: 'a', sessionId: `s${n}` }) as const)
      await database.transaction((trx) => recordChanges(trx, logins))
      const { newest, news } = await createAccountNews(database).latest('a')
      assert.equal(newest, 100)
      assert.deepEqual(
        news.map(({ id }) => id),
        Array.from({ length: longestNews }, (_, n) => 101 - longestNews + n)
      )
    })
  })
}
