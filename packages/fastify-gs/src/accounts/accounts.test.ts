import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { GsDatabase } from '../database/database.ts'
import { seedAccount, untilBlocked } from '../testing/accounts.ts'
import { engines } from '../testing/databases.ts'
import {
  deleteAccount,
  findAccountById,
  findAccountByName,
  findAccountByUsername,
  findAccountByVerifiedEmail,
  findUnverifiedAccountsByEmail,
  insertAccount,
  markVerified,
  pruneUnverifiedAccounts,
  publicAccount,
  replacePasswordHash,
  setVerifiedEmail
} from './accounts.ts'
import { checkEmail, checkUsername } from './identifiers.ts'

const now = Date.UTC(2026, 0, 1)
const newAccount = (id: string, username: string, email = `${id}@mail.test`) => ({
  id,
  username: checkUsername(username),
  email: checkEmail(email),
  passwordHash: `hash of ${id}`,
  createdAt: now
})
const verify = (database: GsDatabase, id: string) => database.transaction((trx) => markVerified(trx, id))
/** Accounts that claim the same address, created one ms after another. */
const claimants = async (database: GsDatabase, ids: readonly string[]) => {
  for (const [at, id] of ids.entries())
    await seedAccount(database.db, id, { email: 'One@mail.test', email_key: 'one@mail.test', created_at: now + at })
}
const numbered = (count: number) => Array.from({ length: count }, (_, n) => `user${String(n).padStart(2, '0')}`)
const idOf = (account: { id: string } | null) => account?.id ?? null

for (const engine of engines) {
  describe(`accounts on ${engine.name}`, () => {
    it('are kept as typed, unverified and without any right', async (t) => {
      const { db } = await engine.open(t)
      assert.equal(await insertAccount(db, newAccount('a', 'Alice.O’Neil'.replace('’', "'"), 'Alice@Mail.Test')), true)
      assert.deepEqual(await findAccountById(db, 'a'), {
        id: 'a',
        username: "Alice.O'Neil",
        email: 'Alice@mail.test',
        verified: false,
        admin: false,
        configured: false,
        language: null,
        mustChangePassword: false,
        locked: false,
        passwordHash: 'hash of a',
        level: 10,
        sectors: 0
      })
      assert.equal(await findAccountById(db, 'b'), null)
    })

    it('give a name to one of 30 parallel registrations, however it is spelled', async (t) => {
      const { db, transaction } = await engine.open(t)
      const spellings = ['alice', 'Alice', 'ALICE', 'ａｌｉｃｅ', 'aLiCe']
      const made = await Promise.all(
        numbered(30).map((id, n) => transaction((trx) => insertAccount(trx, newAccount(id, spellings[n % spellings.length]!))))
      )
      assert.equal(made.filter(Boolean).length, 1)
      const rows = await db.selectFrom('gs_accounts').select('id').execute()
      assert.deepEqual(rows, [{ id: numbered(30)[made.indexOf(true)]! }])
    })

    it('are found by any spelling of name and address, and by nothing that only resembles them', async (t) => {
      const database = await engine.open(t)
      await insertAccount(database.db, newAccount('a', 'Éva', 'Eva@Mail.Test'))
      await insertAccount(database.db, newAccount('b', 'bob'))
      for (const verified of [false, true]) {
        if (verified) await verify(database, 'a')
        for (const typed of ['Éva', 'éva', 'ÉVA', 'e\u0301va', 'Eva@Mail.Test', 'eva@mail.test', 'EVA@MAIL.TEST'])
          assert.equal(idOf(await findAccountByName(database.db, typed)), 'a', typed)
      }
      for (const typed of [
        '',
        'eva',
        'éva ',
        'éva\0',
        '\ud800',
        '%',
        '_va',
        "' or 1=1 --",
        '@',
        'eva@',
        '@mail.test',
        'eva@mail.test\n',
        'eva＠mail.test'
      ])
        assert.equal(await findAccountByName(database.db, typed), null, JSON.stringify(typed))
    })

    it('give an address to one of 20 that prove it at the same moment', async (t) => {
      const database = await engine.open(t)
      await claimants(database, numbered(20))
      const proved = await Promise.all(numbered(20).map((id) => verify(database, id)))
      assert.equal(proved.filter(Boolean).length, 1)
      const winner = numbered(20)[proved.indexOf(true)]!
      assert.equal(idOf(await findAccountByVerifiedEmail(database.db, 'one@mail.test')), winner)
      assert.equal((await findAccountById(database.db, winner))!.verified, true)
      assert.equal(await verify(database, winner), true)
      for (const id of numbered(20)) if (id !== winner) assert.equal((await findAccountById(database.db, id))!.verified, false)
    })

    it('cannot be verified once they are gone', async (t) => {
      assert.equal(await verify(await engine.open(t), 'nobody'), false)
    })

    it('answer to an address as its prover, else its latest claimant', async (t) => {
      const database = await engine.open(t)
      const { db } = database
      await claimants(database, numbered(5))
      assert.deepEqual((await findUnverifiedAccountsByEmail(db, 'one@mail.test')).map(idOf), ['user04', 'user03', 'user02'])
      assert.equal(idOf(await findAccountByName(db, 'one@mail.test')), 'user04')
      assert.equal(await findAccountByVerifiedEmail(db, 'one@mail.test'), null)
      await verify(database, 'user03')
      assert.deepEqual((await findUnverifiedAccountsByEmail(db, 'one@mail.test')).map(idOf), ['user04', 'user02', 'user01'])
      assert.equal(idOf(await findAccountByName(db, 'ONE@mail.test')), 'user03')
    })

    it('cannot take the address of the configured admin at login, unless they have proved it', async (t) => {
      const database = await engine.open(t)
      const { db } = database
      await seedAccount(db, 'chief', { email: 'One@mail.test', email_key: 'one@mail.test', configured: 1, created_at: now - 1 })
      await claimants(database, numbered(3))
      assert.equal(idOf(await findAccountByName(db, 'one@mail.test')), 'chief')
      assert.deepEqual((await findUnverifiedAccountsByEmail(db, 'one@mail.test')).map(idOf), ['user02', 'user01', 'user00'])
      await verify(database, 'user01')
      assert.equal(idOf(await findAccountByName(db, 'one@mail.test')), 'user01')
    })

    it('are verified admins when they live in the configuration, and only then', async (t) => {
      const { db } = await engine.open(t)
      await seedAccount(db, 'chief', { email: null, email_key: null, configured: 1, level: 50 })
      await seedAccount(db, 'boss', { level: 100, sectors: 0xffff_fff0 })
      const facts = async (id: string) => {
        const { verified, admin, configured, level, sectors } = (await findAccountByUsername(db, id))!
        return { verified, admin, configured, level, sectors }
      }
      assert.deepEqual(await facts('chief'), { verified: true, admin: true, configured: true, level: 50, sectors: 0 })
      assert.deepEqual(await facts('boss'), { verified: false, admin: false, configured: false, level: 100, sectors: 0xffff_fff0 })
    })

    it('get one of 20 simultaneous new passwords; the others learn that it was changed', async (t) => {
      const { db, transaction } = await engine.open(t)
      await seedAccount(db, 'alice')
      const changed = await Promise.all(
        numbered(20).map((to) => transaction((trx) => replacePasswordHash(trx, 'alice', to, 'hash of alice')))
      )
      assert.equal(changed.filter(Boolean).length, 1)
      assert.equal((await findAccountById(db, 'alice'))!.passwordHash, numbered(20)[changed.indexOf(true)])
    })

    it('get a password without the old one too, unless they are gone or live in the configuration', async (t) => {
      const { db } = await engine.open(t)
      await seedAccount(db, 'alice')
      await seedAccount(db, 'bob')
      await seedAccount(db, 'chief', { configured: 1 })
      assert.equal(await replacePasswordHash(db, 'alice', ''), true)
      assert.equal(await replacePasswordHash(db, 'nobody', ''), false)
      assert.equal(await replacePasswordHash(db, 'chief', ''), false)
      assert.equal(await replacePasswordHash(db, 'chief', '', 'hash of chief'), false)
      const rows = await db.selectFrom('gs_accounts').select('password_hash').orderBy('id').execute()
      assert.deepEqual(
        rows.map((row) => row.password_hash),
        ['', 'hash of bob', 'hash of chief']
      )
    })

    it('are deleted only with the password they have, once, and never out of the configuration', async (t) => {
      const { db, transaction } = await engine.open(t)
      for (const id of ['alice', 'bob']) await seedAccount(db, id)
      await seedAccount(db, 'chief', { configured: 1 })
      assert.equal(await deleteAccount(db, 'alice', 'hash of bob'), false)
      assert.equal(await deleteAccount(db, 'chief', 'hash of chief'), false)
      const deleted = await Promise.all(numbered(10).map(() => transaction((trx) => deleteAccount(trx, 'alice', 'hash of alice'))))
      assert.equal(deleted.filter(Boolean).length, 1)
      assert.deepEqual(await db.selectFrom('gs_accounts').select('id').orderBy('id').execute(), [{ id: 'bob' }, { id: 'chief' }])
      assert.equal(await insertAccount(db, newAccount('new', 'alice')), true)
    })

    it('go when they are not verified in time, in batches; others stay', async (t) => {
      const database = await engine.open(t)
      const { db } = database
      // More than a batch of accounts that stay, and first in the table.
      for (const id of ['alice', 'bob', 'carol', 'dave']) {
        await seedAccount(db, id, { created_at: now - 1 })
        await verify(database, id)
      }
      await seedAccount(db, 'chief', { configured: 1, created_at: now - 1 })
      await claimants(database, numbered(5))
      assert.deepEqual(await pruneUnverifiedAccounts(db, now, 10), [])
      const first = await pruneUnverifiedAccounts(db, now + 4, 3)
      assert.equal(first.length, 3)
      const second = await pruneUnverifiedAccounts(db, now + 4, 3)
      assert.deepEqual([...first, ...second].map(({ id }) => id).toSorted(), numbered(4))
      assert.deepEqual(await pruneUnverifiedAccounts(db, now + 4, 3), [])
      const left = await db.selectFrom('gs_accounts').select('id').orderBy('id').execute()
      assert.deepEqual(left.map(idOf), ['alice', 'bob', 'carol', 'chief', 'dave', 'user04'])
    })

    it('do not go while a link that was mailed later can still be redeemed', async (t) => {
      const { db } = await engine.open(t)
      await seedAccount(db, 'alice', { created_at: now })
      const link = { purpose: 'verify-email', account_id: 'alice', email: 'a', expires_at: 0, used_at: null } as const
      await db
        .insertInto('gs_links')
        .values({ ...link, id: 'first', token_hash: '1', created_at: now, used_at: now + 1000 })
        .execute()
      await db
        .insertInto('gs_links')
        .values({ ...link, id: 'resent', token_hash: '2', created_at: now + 1000 })
        .execute()
      assert.deepEqual(await pruneUnverifiedAccounts(db, now + 1000, 10), [])
      assert.deepEqual(await pruneUnverifiedAccounts(db, now + 1001, 10), [{ id: 'alice', username: 'alice', email: 'alice@mail.test' }])
    })

    it('are not kept for ever by links: only those that were mailed within a week of the sign-up count', async (t) => {
      const { db } = await engine.open(t)
      const week = 7 * 86_400_000
      const row = { account_id: 'alice', email: 'a', expires_at: 0, used_at: null } as const
      await seedAccount(db, 'alice', { created_at: now })
      const mail = (id: string, purpose: 'verify-email' | 'change-email', at: number) =>
        db
          .insertInto('gs_links')
          .values({ ...row, purpose, id, token_hash: id, created_at: at })
          .execute()
      await mail('in time', 'change-email', now + week - 1)
      assert.deepEqual(await pruneUnverifiedAccounts(db, now + week - 1, 10), [])
      for (const [id, purpose] of [
        ['late', 'verify-email'],
        ['late too', 'change-email']
      ] as const)
        await mail(id, purpose, now + week)
      assert.equal((await pruneUnverifiedAccounts(db, now + week, 10)).length, 1)
    })

    it('get an address that was proved, unless another one has proved it before', async (t) => {
      const database = await engine.open(t)
      const { db } = database
      await claimants(database, ['alice', 'bob'])
      await seedAccount(db, 'chief', { configured: 1 })
      const give = (id: string, email: string) => database.transaction((trx) => setVerifiedEmail(trx, id, checkEmail(email)))
      assert.equal(await give('alice', 'New@mail.test'), true)
      assert.deepEqual(await findAccountByName(db, 'new@mail.test'), {
        ...(await findAccountById(db, 'alice')),
        email: 'New@mail.test',
        verified: true
      })
      assert.equal(await give('bob', 'nEW@mail.test'), false)
      assert.equal((await findAccountById(db, 'bob'))!.verified, false)
      assert.equal(await give('alice', 'NEW@mail.test'), true)
      assert.equal(await give('nobody', 'x@mail.test'), false)
      assert.equal(await give('chief', 'x@mail.test'), false)
      const given = await Promise.all(['alice', 'bob'].map((id) => give(id, 'one@mail.test')))
      assert.equal(given.filter(Boolean).length, 1)
    })

    it('do not go when they are verified at that moment', async (t) => {
      const database = await engine.open(t)
      await seedAccount(database.db, 'alice', { created_at: now })
      let pruned: ReturnType<typeof pruneUnverifiedAccounts> | undefined
      await database.transaction(async (trx) => {
        await markVerified(trx, 'alice')
        pruned = pruneUnverifiedAccounts(database.db, now + 1, 10)
        await untilBlocked(database)
      })
      assert.deepEqual(await pruned, [])
      assert.equal((await findAccountById(database.db, 'alice'))?.verified, true)
    })
  })
}

describe('publicAccount', () => {
  it('has exactly what the application may see', async () => {
    const account = {
      id: 'a',
      username: 'Alice',
      email: null,
      verified: true,
      admin: false,
      configured: false,
      language: null,
      mustChangePassword: false
    }
    const stored = { ...account, passwordHash: 'secret', level: 10, sectors: 0, anything: 'else' }
    assert.deepEqual(publicAccount(stored), account)
  })
})
