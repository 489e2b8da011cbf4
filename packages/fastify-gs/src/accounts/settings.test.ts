import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { seedAccount } from '../testing/accounts.ts'
import { Clock } from '../testing/build.ts'
import { engines } from '../testing/databases.ts'
import { deleteAccount } from './accounts.ts'
import { createSettings } from './settings.ts'

for (const engine of engines) {
  describe(`settings on ${engine.name}`, () => {
    const open = async (t: TestContext) => {
      const database = await engine.open(t)
      const clock = new Clock()
      await seedAccount(database.db, 'ann')
      await seedAccount(database.db, 'bob')
      return { database, clock, settings: createSettings(database, () => clock.now) }
    }

    it('are kept by account and key, replaced, listed in the order of the keys, and deleted', async (t) => {
      const { settings } = await open(t)
      assert.equal(await settings.get('ann', 'theme'), null)
      await settings.set('ann', 'theme', 'dark')
      await settings.set('ann', 'Z:order.of-keys_1', '')
      await settings.set('ann', '__proto__', 'a key like others')
      await settings.set('bob', 'theme', 'light')
      await settings.set('ann', 'theme', 'darker')
      assert.deepEqual([await settings.get('ann', 'theme'), await settings.get('bob', 'theme')], ['darker', 'light'])
      assert.equal(JSON.stringify(await settings.all('ann')), '{"Z:order.of-keys_1":"","__proto__":"a key like others","theme":"darker"}')
      assert.equal(await settings.delete('ann', 'theme'), true)
      assert.equal(await settings.delete('ann', 'theme'), false)
      assert.deepEqual([await settings.get('ann', 'theme'), await settings.get('bob', 'theme')], [null, 'light'])
    })

    it('are texts, of which those that are numbers can be read as such', async (t) => {
      const { settings } = await open(t)
      for (const [value, number] of [
        [42, 42],
        ['-1.5e3', -1500],
        ['0', 0]
      ] as const) {
        await settings.set('ann', 'n', value)
        assert.equal(await settings.getNumber('ann', 'n'), number)
        assert.equal(await settings.get('ann', 'n'), String(value))
      }
      assert.equal(await settings.getNumber('ann', 'none'), null)
      for (const value of ['', ' ', 'many', '1e999']) {
        await settings.set('ann', 'n', value)
        await assert.rejects(settings.getNumber('ann', 'n'), { code: 'GS_SETTING_INVALID', message: 'The setting n is no number.' })
      }
    })

    it('belong to a named account: there are none of nobody, and none of an account that is unknown', async (t) => {
      const { database, settings } = await open(t)
      for (const nobody of ['', 'nobody', 'a\0b', undefined, null, 0] as string[]) {
        const calls = [
          () => settings.get(nobody, 'key'),
          () => settings.getNumber(nobody, 'key'),
          () => settings.set(nobody, 'key', 'value'),
          () => settings.delete(nobody, 'key'),
          () => settings.all(nobody)
        ]
        for (const call of calls) await assert.rejects(call, { code: 'GS_ACCOUNT_UNKNOWN' })
      }
      assert.deepEqual(await database.db.selectFrom('gs_settings').selectAll().execute(), [])
    })

    it('have keys and values of a bounded form, and refuse others with a sentence', async (t) => {
      const { settings } = await open(t)
      await settings.set('ann', 'k'.repeat(64), '😀'.repeat(512))
      for (const key of ['', 'k'.repeat(65), 'a b', 'ä', 'a\nb', 'a/b', undefined, 7] as string[])
        await assert.rejects(settings.set('ann', key, 'x'), { code: 'GS_SETTING_INVALID', message: /^The key of a setting must be .+\.$/ })
      for (const value of ['x'.repeat(1025), 'a\0b', 'a\ud800', NaN, Infinity, true, null, {}] as string[])
        await assert.rejects(settings.set('ann', 'k', value), { code: 'GS_SETTING_INVALID', message: /^The value of a setting must .+\.$/ })
    })

    it('are at most 100 of an account, also when they are set at the same moment', async (t) => {
      const { database, settings } = await open(t)
      for (let n = 0; n < 95; n++)
        await database.db
          .insertInto('gs_settings')
          .values({ account_id: 'ann', key: `k${n}`, value: '', updated_at: 0 })
          .execute()
      const results = await Promise.allSettled(Array.from({ length: 20 }, (_, n) => settings.set('ann', `more${n}`, 'x')))
      assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 5)
      assert.equal(Object.keys(await settings.all('ann')).length, 100)
      await assert.rejects(settings.set('ann', 'last', 'x'), { code: 'GS_SETTING_INVALID', message: /at most 100 settings/ })
      // What is there already can be changed, and others have room.
      await settings.set('ann', 'k1', 'changed')
      await settings.set('bob', 'k1', 'first')
      await settings.delete('ann', 'k2')
      await settings.set('ann', 'last', 'x')
    })

    it('go with the account', async (t) => {
      const { database, settings } = await open(t)
      await settings.set('ann', 'theme', 'dark')
      await settings.set('bob', 'theme', 'light')
      await database.transaction((trx) => deleteAccount(trx, 'ann', 'hash of ann'))
      assert.deepEqual(await database.db.selectFrom('gs_settings').select('account_id').execute(), [{ account_id: 'bob' }])
      await assert.rejects(settings.set('ann', 'theme', 'dark'), { code: 'GS_ACCOUNT_UNKNOWN' })
    })
  })
}
