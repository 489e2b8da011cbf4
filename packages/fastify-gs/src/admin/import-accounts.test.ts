import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { sql } from 'kysely'
import { pruneUnverifiedAccounts } from '../accounts/accounts.ts'
import { synchronizeConfiguredAdmin } from '../accounts/configured-admin.ts'
import { digest } from '../crypto/tokens.ts'
import { GsOptionError } from '../errors.ts'
import { seedAccount } from '../testing/accounts.ts'
import { administer } from '../testing/administration.ts'
import { engines } from '../testing/databases.ts'
import type { ImportedAccount } from './administration.ts'

const hash = `$lwsgs-sha1$${'5a'.repeat(20)}$${'0'.repeat(40)}`

const account = (name: string, change: Partial<ImportedAccount> = {}): ImportedAccount => ({
  name,
  email: `${name.toLowerCase()}@old.test`,
  passwordHash: hash,
  verified: true,
  createdAt: Date.UTC(2015, 4, 1),
  ...change
})

const inEarnest = { dryRun: false }

for (const engine of engines) {
  describe(`importAccounts on ${engine.name}`, () => {
    it('takes accounts over with their hashes, and the application hears of them', async (t) => {
      const { administration, clock, events } = await administer(t, engine)
      const batch = [account('Ann'), account('bob', { verified: false }), account('carol', { passwordHash: '', createdAt: null })]
      assert.deepEqual(await administration.importAccounts('old', batch, inEarnest), [
        { name: 'Ann', result: 'imported' },
        { name: 'bob', result: 'imported' },
        { name: 'carol', result: 'imported' }
      ])
      const { accounts } = await administration.accounts.list()
      assert.deepEqual(
        accounts.map(({ username, email, verified, createdAt, passwordScheme, level, sectors, lockedAt }) => ({
          username,
          email,
          verified,
          createdAt,
          passwordScheme,
          rights: [level, sectors, lockedAt]
        })),
        [
          {
            username: 'Ann',
            email: 'ann@old.test',
            verified: true,
            createdAt: Date.UTC(2015, 4, 1),
            passwordScheme: 'lwsgs-sha1',
            rights: [10, 0, null]
          },
          {
            username: 'bob',
            email: 'bob@old.test',
            verified: false,
            createdAt: clock.now,
            passwordScheme: 'lwsgs-sha1',
            rights: [10, 0, null]
          },
          { username: 'carol', email: 'carol@old.test', verified: true, createdAt: clock.now, passwordScheme: null, rights: [10, 0, null] }
        ]
      )
      assert.deepEqual(
        new Set(await events()),
        new Set(['accountCreated Ann', 'accountVerified Ann', 'accountCreated bob', 'accountCreated carol', 'accountVerified carol'])
      )
    })

    it('brings nobody twice, not even those who have deleted their account or changed their name here since', async (t) => {
      const { administration, clock, database } = await administer(t, engine)
      const batch = [account('Ann'), account('bob')]
      await administration.importAccounts('old', batch, inEarnest)
      await administration.accounts.delete((await administration.accounts.find('ann'))!.id)
      await database.db.updateTable('gs_accounts').set({ username_key: 'robert' }).where('username', '=', 'bob').execute()
      clock.advance(60)
      const again = await administration.importAccounts('old', [...batch, account('carol')], inEarnest)
      assert.deepEqual(
        again.map(({ result }) => result),
        ['known', 'known', 'imported']
      )
      assert.equal((await administration.accounts.list()).accounts.length, 2)
      // Another system may have an Ann of its own.
      assert.deepEqual(await administration.importAccounts('other', [account('Ann')], inEarnest), [{ name: 'Ann', result: 'imported' }])
    })

    it('keeps no name of somebody who has deleted his account', async (t) => {
      const { administration, database } = await administer(t, engine)
      await administration.importAccounts('old', [account('Ann')], inEarnest)
      await administration.accounts.delete((await administration.accounts.find('ann'))!.id)
      const rows = await database.db.selectFrom('gs_imports').selectAll().execute()
      assert.equal(rows.length, 1)
      assert.doesNotMatch(JSON.stringify(rows), /ann/i)
    })

    it('says why it refuses an account, and takes the others', async (t) => {
      const { administration, clock, database } = await administer(t, engine)
      const chief = { username: { value: 'Chief', key: 'chief' }, passwordHash: '$argon2id$x', email: null }
      await synchronizeConfiguredAdmin(database, chief, clock.now)
      await seedAccount(database.db, 'resident', { verified_email_key: 'resident@mail.test' })
      const cases: [account: ImportedAccount, reason: RegExp | null][] = [
        [account('Ann'), null],
        [account('ANN', { email: 'other@old.test' }), /^The user name counts as the same as "Ann", which another account has\.$/],
        [account('Resident'), /same as "resident"/],
        [account('twin', { email: 'Ann@OLD.test' }), /^The account "Ann" has proved the same e-mail address\.$/],
        [account('twin', { email: 'Ann@OLD.test', verified: false }), null],
        [account('squatter', { email: 'resident@mail.test' }), /^The account "resident" has proved the same e-mail address\.$/],
        [account('chief'), /looks like that of the configured admin, "Chief"\.$/],
        [account('ch1ef'), /looks like that of the configured admin/],
        [account('сhief', { email: 'c@old.test' }), /looks like that of the configured admin|several/],
        [account('root'), null],
        [account('support'), null],
        [account('nobody@old.test'), /^A user name begins with a letter or digit/],
        [account('x'), /2 to 32 characters/],
        [account('n'.repeat(33)), /2 to 32 characters/],
        [account('two words'), /only letters, digits/],
        [account('line\nbreak'), /only letters, digits/],
        [account('\0'), /only letters, digits/],
        [account(''), /only letters, digits/],
        [account('dave', { email: null }), /^It has no e-mail address, so it could never be verified\.$/],
        [account('dave', { email: '' }), /^This is not an e-mail address/],
        [account('dave', { email: 'dave' }), /^This is not an e-mail address/],
        [account('dave', { passwordHash: 'secret' }), /^The password hash is damaged/],
        [account('dave', { passwordHash: '$argon2id$v=19$damaged' }), /^The password hash is damaged/],
        [account('dave', { passwordHash: '$kind$with space' }), /^The password hash is damaged/],
        [account('dave'), null]
      ]
      const outcomes = await administration.importAccounts(
        'old',
        cases.map(([given]) => given),
        inEarnest
      )
      for (const [index, [given, reason]] of cases.entries()) {
        const outcome = outcomes[index]!
        assert.equal(outcome.name, given.name)
        assert.equal(outcome.result, reason === null ? 'imported' : 'refused', JSON.stringify(outcome))
        if (reason !== null) assert.match(outcome.reason!, reason)
      }
      // Those who were refused may come again, mended.
      const mended = await administration.importAccounts('old', [account('x'), account('xx'), account('squatter')], inEarnest)
      assert.deepEqual(
        mended.map(({ result }) => result),
        ['refused', 'imported', 'imported']
      )
    })

    it('knows the admin of a configuration with which no server has run yet, when he is named', async (t) => {
      const { administration } = await administer(t, engine)
      const [outcome] = await administration.importAccounts('old', [account('Boss')], { dryRun: false, admin: 'boss' })
      assert.match(outcome!.reason!, /configured admin, "boss"/)
    })

    it('says in a dry run what it would do, and does nothing', async (t) => {
      const { administration, database, events } = await administer(t, engine)
      await administration.importAccounts('old', [account('known')], inEarnest)
      const before = await database.db.selectFrom('gs_accounts').selectAll().execute()
      const batch = [account('known'), account('Ann'), account('ANN', { email: 'a2@old.test' }), account('bob')]
      const dry = await administration.importAccounts('old', batch, { dryRun: true })
      assert.deepEqual(
        dry.map(({ result }) => result),
        ['known', 'imported', 'refused', 'imported']
      )
      assert.deepEqual(await database.db.selectFrom('gs_accounts').selectAll().execute(), before)
      assert.equal((await events()).length, 2)
      assert.deepEqual(await administration.importAccounts('old', batch, inEarnest), dry)
    })

    it('gives those who are not verified their time from now on, and dates nobody into the future', async (t) => {
      const { administration, clock, database } = await administer(t, engine)
      const future = clock.now + 86_400_000
      await administration.importAccounts(
        'old',
        [account('ann', { verified: false }), account('bob', { createdAt: future }), account('carol', { createdAt: Number.NaN })],
        inEarnest
      )
      await database.transaction((trx) => pruneUnverifiedAccounts(trx, clock.now - 1, 10))
      const { accounts } = await administration.accounts.list()
      assert.deepEqual(
        accounts.map(({ username, createdAt }) => [username, createdAt]),
        [
          ['ann', clock.now],
          ['bob', clock.now],
          ['carol', clock.now]
        ]
      )
    })

    it('takes thousands at once, and none when one of them cannot be written', async (t) => {
      const { administration, database } = await administer(t, engine)
      const batch = Array.from({ length: 2_345 }, (_, n) => account(`user${n}`))
      const imported = await administration.importAccounts('old', batch, inEarnest)
      assert.ok(imported.every(({ result }) => result === 'imported'))
      assert.equal((await administration.importAccounts('old', batch, inEarnest)).filter(({ result }) => result === 'known').length, 2_345)
      // The last row of the call cannot be written.
      const forbidden = sql.lit(digest('zed'))
      await (
        engine.name === 'SQLite'
          ? sql`create trigger full before insert on gs_imports when new.name_hash = ${forbidden} begin select raise(abort, 'full'); end`
          : sql`alter table gs_imports add constraint full_disk check (name_hash <> ${forbidden})`
      ).execute(database.db)
      await assert.rejects(administration.importAccounts('old', [account('ann'), account('zed')], inEarnest), /full/)
      assert.equal(await administration.accounts.find('ann'), null)
      assert.deepEqual(await administration.importAccounts('old', [account('ann')], inEarnest), [{ name: 'ann', result: 'imported' }])
    })

    it('brings one of several simultaneous namesakes, whoever imports them', async (t) => {
      const { administration } = await administer(t, engine)
      const runs = await Promise.all(
        ['one', 'two', 'three', 'four'].map((source) => administration.importAccounts(source, [account('Ann')], inEarnest))
      )
      const results = runs.map(([outcome]) => outcome!.result)
      assert.deepEqual(results.toSorted(), ['imported', 'refused', 'refused', 'refused'])
    })

    it('refuses a source without a name', async (t) => {
      const { administration } = await administer(t, engine)
      for (const source of ['', 'a\nb', 'x'.repeat(201)])
        await assert.rejects(administration.importAccounts(source, [], inEarnest), (error) => error instanceof GsOptionError)
    })
  })
}
