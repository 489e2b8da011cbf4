import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { pruneUnverifiedAccounts } from '../accounts/accounts.ts'
import { synchronizeConfiguredAdmin } from '../accounts/configured-admin.ts'
import { issueLink } from '../accounts/email-links.ts'
import { createThrottle } from '../accounts/throttle.ts'
import { encodePassword } from '../crypto/passwords.ts'
import { GsOptionError } from '../errors.ts'
import { createFindSession } from '../sessions/sessions.ts'
import { seedAccount } from '../testing/accounts.ts'
import { administer } from '../testing/administration.ts'
import { password, quickHasher } from '../testing/build.ts'
import { engines } from '../testing/databases.ts'
import { linkKeys } from '../testing/outbox.ts'

const wrongArgument = (sentence: RegExp) => (error: unknown) => error instanceof GsOptionError && sentence.test(error.message)

const chief = {
  username: { value: 'Chief', key: 'chief' },
  passwordHash: '$argon2id$of-the-configuration',
  email: { value: 'chief@mail.test', key: 'chief@mail.test' }
}

for (const engine of engines) {
  describe(`accounts in the administration on ${engine.name}`, () => {
    it('are added verified, with a password that logs in, and the application hears of it', async (t) => {
      const { administration, clock, database, events } = await administer(t, engine)
      const record = await administration.accounts.add({ username: 'Ann', email: 'Ann@Mail.test', password })
      assert.deepEqual(record, {
        id: record.id,
        username: 'Ann',
        email: 'Ann@mail.test',
        verified: true,
        status: 'active',
        mustChangePassword: false,
        visits: 0,
        lastLoginAt: null,
        language: null,
        configured: false,
        level: 10,
        group: null,
        effectiveLevel: 10,
        sectors: 0,
        createdAt: clock.now,
        lockedAt: null,
        passwordScheme: 'argon2id'
      })
      const row = await database.db.selectFrom('gs_accounts').select('password_hash').executeTakeFirstOrThrow()
      assert.equal(await quickHasher.verify(encodePassword(password), row.password_hash), true)
      assert.deepEqual(await events(), ['accountCreated Ann', 'accountVerified Ann'])
    })

    it('are added unverified or without password when that is asked for', async (t) => {
      const { administration, events } = await administer(t, engine)
      const record = await administration.accounts.add({ username: 'ann', email: 'a@mail.test', password: null, verified: false })
      assert.equal(record.verified, false)
      assert.equal(record.passwordScheme, null)
      assert.deepEqual(await events(), ['accountCreated ann'])
    })

    it('are refused like registrations, and then leave nothing behind', async (t) => {
      const { administration, events } = await administer(t, engine)
      await administration.accounts.add({ username: 'ann', email: 'a@mail.test', password: null })
      const before = await events()
      const good = { username: 'bob', email: 'b@mail.test', password }
      const cases: [change: object, code: string][] = [
        [{ username: 'ANN' }, 'GS_USERNAME_TAKEN'],
        [{ username: 'root' }, 'GS_USERNAME_TAKEN'],
        [{ username: 'a b' }, 'GS_USERNAME_INVALID'],
        [{ email: 'nowhere' }, 'GS_EMAIL_INVALID'],
        [{ email: 'A@mail.test' }, 'GS_EMAIL_TAKEN'],
        [{ password: 'short' }, 'GS_PASSWORD_WEAK'],
        [{ password: 'b@mail.test', minLength: 8 }, 'GS_PASSWORD_WEAK'],
        [{ password: '\ud800'.repeat(20) }, 'GS_PASSWORD_INVALID']
      ]
      for (const [change, code] of cases) await assert.rejects(administration.accounts.add({ ...good, ...change }), { code })
      await assert.rejects(administration.accounts.add({ ...good, minLength: 7 }), wrongArgument(/8 to 64/))
      assert.equal((await administration.accounts.list()).accounts.length, 1)
      assert.deepEqual(await events(), before)
    })

    it('are found by user name, address or id', async (t) => {
      const { administration, database } = await administer(t, engine)
      const { db } = database
      await seedAccount(db, 'ann', { id: 'id-of-ann-00000', verified_email_key: 'ann@mail.test' })
      await seedAccount(db, 'mallory', { email: 'ann@mail.test', email_key: 'ann@mail.test' })
      await seedAccount(db, 'bob')
      const found = async (name: string) => (await administration.accounts.find(name))?.username ?? null
      assert.equal(await found('ANN'), 'ann')
      assert.equal(await found('id-of-ann-00000'), 'ann')
      assert.equal(await found('ann@MAIL.test'), 'ann')
      assert.equal(await found('bob@mail.test'), 'bob')
      for (const nobody of ['', 'x', 'x@mail.test', '@', 'a b', "'; drop table gs_accounts;--", '\0', 'ID-OF-ANN-00000', '\ud800'])
        assert.equal(await found(nobody), null, nobody)
    })

    it('are not guessed when a name means several', async (t) => {
      const { administration, database } = await administer(t, engine)
      const { db } = database
      await seedAccount(db, 'victim', { id: 'abcdefghijklmnop' })
      await seedAccount(db, 'abcdefghijklmnop', { id: 'mallory' })
      await seedAccount(db, 'one', { email_key: 'shared@mail.test' })
      await seedAccount(db, 'two', { email_key: 'shared@mail.test' })
      await assert.rejects(administration.accounts.find('abcdefghijklmnop'), wrongArgument(/has taken it as the user name/))
      await assert.rejects(administration.accounts.find('shared@mail.test'), wrongArgument(/Several accounts claim/))
      assert.equal((await administration.accounts.find('victim@mail.test'))?.id, 'abcdefghijklmnop')
    })

    it('are all looked at for the few that fit, however many there are', async (t) => {
      const { administration, database } = await administer(t, engine)
      const names = Array.from({ length: 20_500 }, (_, index) => `user-${String(index).padStart(5, '0')}`)
      await database.transaction(async (trx) => {
        for (let at = 0; at < names.length; at += 500) {
          const rows = names.slice(at, at + 500).map((name) => ({
            id: name,
            username: name,
            username_key: name,
            email: null,
            email_key: null,
            verified_email_key: null,
            password_hash: '',
            created_at: 0
          }))
          await trx.insertInto('gs_accounts').values(rows).execute()
        }
      })
      const rare = ['user-00500', 'user-10500', 'user-20400']
      for (const id of rare) await administration.accounts.lock(id)
      const list = async (query: object) => {
        const { accounts, next } = await administration.accounts.list(query)
        return [accounts.map(({ id }) => id), next]
      }
      assert.deepEqual(await list({ state: 'locked' }), [rare, null])
      assert.deepEqual(await list({ state: 'locked', limit: 2 }), [rare.slice(0, 2), rare[1]])
      assert.deepEqual(await list({ state: 'locked', limit: 2, after: rare[1] }), [rare.slice(2), null])
      assert.deepEqual(await list({ search: '0499' }), [
        [
          'user-00499',
          'user-04990',
          'user-04991',
          'user-04992',
          'user-04993',
          'user-04994',
          'user-04995',
          'user-04996',
          'user-04997',
          'user-04998',
          'user-04999',
          'user-10499',
          'user-20499'
        ],
        null
      ])
      assert.deepEqual(await list({ search: 'nobody' }), [[], null])
    })

    it('are listed in pages, by part of the name or address, and by state', async (t) => {
      const { administration, clock, database } = await administer(t, engine)
      const { db } = database
      for (const name of ['ann', 'b_b', 'bxb', 'carol', 'dora']) await seedAccount(db, name)
      await db.updateTable('gs_accounts').set({ verified_email_key: 'ann@mail.test' }).where('id', '=', 'ann').execute()
      await db.updateTable('gs_accounts').set({ email_key: 'info@xn--mnchen-3ya.test' }).where('id', '=', 'dora').execute()
      await synchronizeConfiguredAdmin(database, chief, clock.now)
      await administration.accounts.lock('carol')
      const names = async (query: Parameters<typeof administration.accounts.list>[0]) =>
        (await administration.accounts.list(query)).accounts.map(({ username }) => username)
      assert.deepEqual(await names({}), ['ann', 'b_b', 'bxb', 'carol', 'Chief', 'dora'])
      assert.deepEqual(await names({ search: 'B_B' }), ['b_b'])
      assert.deepEqual(await names({ search: 'OR' }), ['dora'])
      assert.deepEqual(await names({ search: 'AROL@mail' }), ['carol'])
      assert.deepEqual(await names({ search: 'Info@München.test' }), ['dora'])
      for (const nothing of ['%', '\\', "'", '\0', '\ud800']) assert.deepEqual(await names({ search: nothing }), [], nothing)
      assert.deepEqual(await names({ state: 'verified' }), ['ann', 'Chief'])
      assert.deepEqual(await names({ state: 'unverified' }), ['b_b', 'bxb', 'carol', 'dora'])
      assert.deepEqual(await names({ state: 'locked' }), ['carol'])
      assert.deepEqual(await names({ state: 'unverified', search: 'b' }), ['b_b', 'bxb'])

      const pages: string[][] = []
      for (let after: string | null | undefined; after !== null;) {
        const page = await administration.accounts.list({ limit: 4, ...(after !== undefined && { after }) })
        pages.push(page.accounts.map(({ username }) => username))
        after = page.next
      }
      assert.deepEqual(pages, [
        ['ann', 'b_b', 'bxb', 'carol'],
        ['Chief', 'dora']
      ])
      assert.equal((await administration.accounts.list({ limit: 6 })).next, null)
      for (const limit of [0, 1001, 1.5, Number.NaN])
        await assert.rejects(administration.accounts.list({ limit }), wrongArgument(/1 to 1000/))
    })

    it('are verified by the operator, once, and never against the owner of an address', async (t) => {
      const { administration, database, events } = await administer(t, engine)
      await seedAccount(database.db, 'ann', { verified_email_key: 'shared@mail.test', email_key: 'shared@mail.test' })
      await seedAccount(database.db, 'bob', { email_key: 'shared@mail.test' })
      await seedAccount(database.db, 'carol')
      assert.equal((await administration.accounts.verify('carol')).verified, true)
      assert.equal((await administration.accounts.verify('carol')).verified, true)
      assert.deepEqual(await events(), ['accountVerified carol'])
      await assert.rejects(administration.accounts.verify('bob'), { code: 'GS_EMAIL_TAKEN' })
    })

    it('are locked: their sessions end at once, and those of others do not', async (t) => {
      const { administration, clock, database, ended, logIn } = await administer(t, engine)
      await seedAccount(database.db, 'ann')
      await seedAccount(database.db, 'bob')
      const session = await logIn('ann')
      const other = await logIn('bob')
      const locked = await administration.accounts.lock('ann')
      assert.equal(locked.lockedAt, clock.now)
      assert.deepEqual(ended, [`${session.id} account-locked`])
      const find = createFindSession(database)
      assert.equal(await find(session.token), null)
      assert.equal((await find(other.token))?.id, other.id)

      clock.advance(60)
      assert.equal((await administration.accounts.lock('ann')).lockedAt, locked.lockedAt)
      assert.equal((await administration.accounts.unlock('ann')).lockedAt, null)
    })

    it('show how often strangers have failed, and an operator who unlocks them forgets that, with an entry in the audit', async (t) => {
      const { administration, clock, database } = await administer(t, engine)
      await seedAccount(database.db, 'ann')
      const throttle = createThrottle(database, () => clock.now, { ladder: [], lockAfter: 3 })
      const attempt = (right: boolean) => throttle.attempt('ann', { ip: '192.0.2.1', known: null }, async () => right)
      assert.equal(await administration.accounts.failures('ann'), null)
      for (let tries = 0; tries < 3; tries++) await attempt(false)
      assert.deepEqual(await administration.accounts.failures('ann'), { count: 3, lastAt: clock.now })
      await assert.rejects(attempt(true), { code: 'GS_PASSWORD_DISABLED' })
      await administration.accounts.unlock('ann')
      assert.equal(await administration.accounts.failures('ann'), null)
      assert.equal(await attempt(true), true)
      await administration.accounts.unlock('ann')
      const { entries } = await administration.audit.list()
      assert.deepEqual(
        entries.map(({ action, details }) => [action, details]),
        [['unlock', { failures: [3, 0] }]]
      )
      await assert.rejects(administration.accounts.failures('nobody'), { code: 'GS_ACCOUNT_UNKNOWN' })
    })

    it('that must choose a new password need not any more when that is taken back', async (t) => {
      const { administration, database } = await administer(t, engine)
      await seedAccount(database.db, 'ann')
      assert.equal((await administration.accounts.requirePasswordChange('ann')).mustChangePassword, true)
      assert.equal((await administration.accounts.requirePasswordChange('ann', false)).mustChangePassword, false)
      const { entries } = await administration.audit.list()
      assert.deepEqual(
        new Set(entries.map(({ details }) => JSON.stringify(details['mustChangePassword']))),
        new Set(['[false,true]', '[true,false]'])
      )
    })

    it('have no session while they are locked, even if one is made at the same moment', async (t) => {
      const { administration, database, logIn } = await administer(t, engine)
      await seedAccount(database.db, 'ann')
      await administration.accounts.lock('ann')
      const { token } = await logIn('ann')
      assert.equal(await createFindSession(database)(token), null)
    })

    it('stay until the operator has judged them, even if they are never verified', async (t) => {
      const { administration, clock, database } = await administer(t, engine)
      await seedAccount(database.db, 'ann')
      await seedAccount(database.db, 'bob')
      await administration.accounts.lock('ann')
      const prune = () => database.transaction((trx) => pruneUnverifiedAccounts(trx, clock.now + 1, 10))
      await prune()
      assert.notEqual(await administration.accounts.find('ann'), null)
      assert.equal(await administration.accounts.find('bob'), null)
      await administration.accounts.unlock('ann')
      await prune()
      assert.equal(await administration.accounts.find('ann'), null)
    })

    it('have no open link to get in or to change the address of before the lock when they are unlocked', async (t) => {
      const { administration, clock, database } = await administer(t, engine)
      await seedAccount(database.db, 'ann')
      for (const purpose of ['forgot-password', 'login-code', 'verify-email', 'change-email', 'undo-email'] as const)
        await database.transaction((trx) =>
          issueLink(trx, linkKeys, { purpose, accountId: 'ann', email: 'ann@mail.test', now: clock.now, lifetime: 60_000 })
        )
      await administration.accounts.lock('ann')
      await administration.accounts.unlock('ann')
      const open = await database.db.selectFrom('gs_links').select('purpose').where('used_at', 'is', null).orderBy('purpose').execute()
      assert.deepEqual(open, [{ purpose: 'undo-email' }, { purpose: 'verify-email' }])
    })

    it('keep their links when they are unlocked without having been locked', async (t) => {
      const { administration, clock, database } = await administer(t, engine)
      await seedAccount(database.db, 'ann')
      for (const purpose of ['forgot-password', 'change-email'] as const)
        await database.transaction((trx) =>
          issueLink(trx, linkKeys, { purpose, accountId: 'ann', email: 'ann@mail.test', now: clock.now, lifetime: 60_000 })
        )
      await administration.accounts.unlock('ann')
      const open = await database.db.selectFrom('gs_links').select('purpose').where('used_at', 'is', null).orderBy('purpose').execute()
      assert.deepEqual(open, [{ purpose: 'change-email' }, { purpose: 'forgot-password' }])
    })

    it('are deleted with their sessions, and the application hears of it', async (t) => {
      const { administration, database, ended, events, logIn } = await administer(t, engine)
      await seedAccount(database.db, 'ann')
      await seedAccount(database.db, 'bob')
      const { id } = await logIn('ann')
      await administration.accounts.delete('ann')
      assert.deepEqual(ended, [`${id} account-deleted`])
      assert.deepEqual(await events(), ['accountDeleted ann operator'])
      assert.equal(await administration.accounts.find('ann'), null)
      assert.equal((await administration.accounts.find('bob'))?.id, 'bob')
    })

    it('get and lose sectors, bit 31 included, and a level, and sessions see it without ending', async (t) => {
      const { administration, database, ended, logIn } = await administer(t, engine)
      await seedAccount(database.db, 'ann')
      const { token } = await logIn('ann')
      assert.equal((await administration.accounts.grant('ann', { sectors: 0x8000_0010 })).sectors, 0x8000_0010)
      assert.equal((await administration.accounts.grant('ann', { sectors: 0x20, revokeSectors: 0x10 })).sectors, 0x8000_0020)
      const granted = await administration.accounts.grant('ann', { level: 30 })
      assert.equal(granted.level, 30)
      assert.equal(granted.sectors, 0x8000_0020)
      const session = await createFindSession(database)(token)
      assert.deepEqual([session?.level, session?.sectors], [30, 0x8000_0020])
      assert.deepEqual(ended, [])
      for (const grant of [{ sectors: 1 }, { sectors: -16 }, { sectors: 2 ** 32 }, { revokeSectors: 15 }, { sectors: 16.5 }])
        await assert.rejects(administration.accounts.grant('ann', grant), wrongArgument(/bits 4 to 31/), JSON.stringify(grant))
      for (const level of [1, 101, 125, 10.5])
        await assert.rejects(administration.accounts.grant('ann', { level }), wrongArgument(/2 to 100/))
    })

    it('keep both of two simultaneous grants', async (t) => {
      const { administration, database } = await administer(t, engine)
      await seedAccount(database.db, 'ann')
      await Promise.all([16, 32, 64, 128].map((sectors) => administration.accounts.grant('ann', { sectors })))
      assert.equal((await administration.accounts.find('ann'))?.sectors, 240)
    })

    it('get a new password: sessions end, open links are void, and too many failures are forgiven', async (t) => {
      const { administration, clock, database, ended, logIn } = await administer(t, engine)
      await seedAccount(database.db, 'ann')
      const { id } = await logIn('ann')
      const origin = { ip: '192.0.2.7', known: null }
      const throttle = createThrottle(database, () => clock.now, { ladder: [{ failures: 5, wait: 60_000 }], lockAfter: 100 })
      for (let round = 0; round < 5; round++) await throttle.attempt('ann', origin, () => Promise.resolve(false))
      await assert.rejects(
        throttle.attempt('ann', origin, () => Promise.resolve(true)),
        { code: 'GS_TOO_MANY_ATTEMPTS' }
      )
      await database.transaction((trx) =>
        issueLink(trx, linkKeys, { purpose: 'forgot-password', accountId: 'ann', email: 'ann@mail.test', now: clock.now, lifetime: 60_000 })
      )
      await administration.accounts.setPassword('ann', password)
      assert.deepEqual(ended, [`${id} password-changed`])
      const row = await database.db.selectFrom('gs_accounts').select('password_hash').executeTakeFirstOrThrow()
      assert.equal(await quickHasher.verify(encodePassword(password), row.password_hash), true)
      assert.equal(await throttle.attempt('ann', origin, () => Promise.resolve(true)), true)
      assert.deepEqual(await database.db.selectFrom('gs_links').select('id').where('used_at', 'is', null).execute(), [])
      await assert.rejects(administration.accounts.setPassword('ann', 'ann@mail.test'), { code: 'GS_PASSWORD_WEAK' })
      await assert.rejects(administration.accounts.setPassword('ann', 'twelve chars'), { code: 'GS_PASSWORD_WEAK' })
      await administration.accounts.setPassword('ann', 'twelve chars', { minLength: 12 })
    })

    it('are refused with a reason when there is none, or when it is the admin of the configuration', async (t) => {
      const { administration, clock, database, logIn } = await administer(t, engine)
      await synchronizeConfiguredAdmin(database, chief, clock.now)
      const { id } = (await administration.accounts.find('chief'))!
      await logIn(id)
      const before = await database.db.selectFrom('gs_accounts').selectAll().execute()
      const { verify, lock, unlock, delete: remove, grant, setPassword } = administration.accounts
      const changes: [name: string, change: (id: string) => Promise<unknown>][] = [
        ['verify', verify],
        ['lock', lock],
        ['unlock', unlock],
        ['delete', remove],
        ['grant', (id) => grant(id, { level: 10 })],
        ['setPassword', (id) => setPassword(id, password)]
      ]
      for (const [name, change] of changes) {
        await assert.rejects(change(id), { code: 'GS_CONFIGURED_ADMIN' }, name)
        await assert.rejects(change('nobody'), { code: 'GS_ACCOUNT_UNKNOWN' }, name)
      }
      assert.deepEqual(await database.db.selectFrom('gs_accounts').selectAll().execute(), before)
      assert.equal((await administration.sessions.list()).sessions.length, 1)
      await assert.rejects(administration.accounts.add({ username: 'chief', email: 'c@mail.test', password: null }), {
        code: 'GS_USERNAME_TAKEN'
      })
    })
  })
}
