import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { digest } from '../crypto/tokens.ts'
import { GsStartError } from '../errors.ts'
import { createSession } from '../sessions/sessions.ts'
import { seedAccount } from '../testing/accounts.ts'
import { engines } from '../testing/databases.ts'
import { findAccountByName, findAccountByUsername, insertAccount, pruneUnverifiedAccounts } from './accounts.ts'
import { synchronizeConfiguredAdmin, type ConfiguredAdmin } from './configured-admin.ts'
import { checkEmail } from './identifiers.ts'
import { createThrottle } from './throttle.ts'

const now = Date.UTC(2026, 0, 1)
const admin: ConfiguredAdmin = {
  username: { value: 'Chief', key: 'chief' },
  passwordHash: '$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$dGFn',
  email: checkEmail('Chief@mail.test')
}

for (const engine of engines) {
  describe(`the configured admin on ${engine.name}`, () => {
    const open = async (t: TestContext) => {
      const database = await engine.open(t)
      const { db } = database
      const synchronize = (configured: ConfiguredAdmin | null, at = now) => synchronizeConfiguredAdmin(database, configured, at)
      /** Logs the admin in; says whether he still is. */
      const login = async () => {
        const { id } = (await findAccountByUsername(db, 'chief'))!
        const session = await createSession(
          db,
          { accountId: id, remember: true, forgotAt: null, ip: '127.0.0.1', userAgent: '', now },
          { idle: 1000, absolute: 1000, remembered: 1000 }
        )
        return async () => (await db.selectFrom('gs_sessions').select('id').where('id', '=', session.id).execute()).length === 1
      }
      const rows = () => db.selectFrom('gs_accounts').selectAll().orderBy('id').execute()
      return { database, db, synchronize, login, rows }
    }

    it('has a row without his password, and is found by name and address', async (t) => {
      const { db, synchronize, rows } = await open(t)
      await synchronize(admin)
      const [row, ...others] = await rows()
      assert.deepEqual(others, [])
      assert.deepEqual(row, {
        id: row!.id,
        username: 'Chief',
        username_key: 'chief',
        email: 'Chief@mail.test',
        email_key: 'chief@mail.test',
        verified_email_key: null,
        password_hash: `configured:${digest(admin.passwordHash)}`,
        level: 50,
        sectors: 0,
        configured: 1,
        created_at: now,
        locked_at: null,
        group_id: null,
        must_change_password: 0,
        language: null,
        visits: 0,
        last_login_at: null
      })
      for (const typed of ['CHIEF', 'chief@MAIL.test']) {
        const { id, verified, admin: isAdmin } = (await findAccountByName(db, typed))!
        assert.deepEqual([id, verified, isAdmin], [row.id, true, true])
      }
    })

    it('stays logged in over a start with the same password, while name spelling and address follow the configuration', async (t) => {
      const { database, synchronize, login, rows } = await open(t)
      await synchronize(admin)
      const [before] = await rows()
      const loggedIn = await login()
      const changes = async () => (await database.db.selectFrom('gs_changes').select('type').where('type', '=', 'account').execute()).length
      await synchronize(admin, now + 1)
      assert.deepEqual(await rows(), [before])
      assert.equal(await changes(), 0)
      await synchronize({ ...admin, username: { value: 'CHIEF', key: 'chief' }, email: null }, now + 2)
      assert.equal(await changes(), 1)
      assert.deepEqual(await rows(), [{ ...before, username: 'CHIEF', email: null, email_key: null }])
      assert.equal(await loggedIn(), true)
    })

    const changes: [name: string, change: ConfiguredAdmin | null, left: string[]][] = [
      ['his password is a new one', { ...admin, passwordHash: `${admin.passwordHash}x` }, ['chief']],
      ['the admin has another name', { ...admin, username: { value: 'Boss', key: 'boss' } }, ['boss']],
      ['there is no admin any more', null, []]
    ]
    for (const [name, change, left] of changes) {
      it(`loses his sessions when ${name}`, async (t) => {
        const { synchronize, login, rows } = await open(t)
        await synchronize(admin)
        const [before] = await rows()
        const loggedIn = await login()
        await synchronize(change)
        assert.equal(await loggedIn(), false)
        const after = await rows()
        assert.deepEqual(
          after.map((row) => row.username_key),
          left
        )
        assert.ok(after.every((row) => row.id !== before!.id))
      })
    }

    it('begins anew with a new hash, however often strangers have guessed; nothing of that stays', async (t) => {
      const { database, db, synchronize, rows } = await open(t)
      const throttle = createThrottle(database, () => now, { ladder: [{ failures: 1, wait: 86_400_000 }], lockAfter: 2 })
      const guess = async (right: boolean) => throttle.attempt((await rows())[0]!.id, { ip: '192.0.2.1', known: null }, async () => right)
      await synchronize(admin)
      assert.equal(await guess(false), false)
      await assert.rejects(guess(true), { code: 'GS_TOO_MANY_ATTEMPTS' })
      await synchronize({ ...admin, passwordHash: 'the same password with another salt' })
      assert.equal(await guess(true), true)
      const kept = await db.selectFrom('gs_throttle').select('key').execute()
      assert.ok(kept.every(({ key }) => key.startsWith('x')))
    })

    it('cannot have the name of a visitor; nothing changes then', async (t) => {
      const { db, synchronize, login, rows } = await open(t)
      await synchronize(admin)
      const loggedIn = await login()
      await seedAccount(db, 'visitor', { username: 'Boss', username_key: 'boss' })
      const before = await rows()
      await assert.rejects(
        synchronize({ ...admin, username: { value: 'BOSS', key: 'boss' } }),
        (error) => error instanceof GsStartError && /^The option admin\.username names "BOSS".*choose another name/.test(error.message)
      )
      assert.deepEqual(await rows(), before)
      assert.equal(await loggedIn(), true)
    })

    it('keeps visitors as they are', async (t) => {
      const { db, synchronize, rows } = await open(t)
      await seedAccount(db, 'alice', { password_hash: `configured:${digest(admin.passwordHash)}` })
      const before = await rows()
      await synchronize(admin)
      await synchronize({ ...admin, passwordHash: 'another' })
      await synchronize(null)
      assert.deepEqual(await rows(), before)
    })

    it('has one row when several processes start together', async (t) => {
      const { synchronize, rows } = await open(t)
      await Promise.all(Array.from({ length: 8 }, () => synchronize(admin)))
      assert.equal((await rows()).length, 1)
      const renewed = { ...admin, passwordHash: 'another' }
      await Promise.all(Array.from({ length: 8 }, () => synchronize(renewed)))
      assert.deepEqual(
        (await rows()).map((row) => row.password_hash),
        [`configured:${digest('another')}`]
      )
    })

    it('keeps his name from visitors, and never goes for want of a verified address', async (t) => {
      const { db, synchronize, rows } = await open(t)
      await synchronize(admin)
      const taken = {
        id: 'v',
        username: { value: 'chief', key: 'chief' },
        email: checkEmail('v@mail.test'),
        passwordHash: '',
        createdAt: now
      }
      assert.equal(await insertAccount(db, taken), false)
      assert.deepEqual(await pruneUnverifiedAccounts(db, now + 1e12, 10), [])
      assert.equal((await rows()).length, 1)
    })
  })
}
