import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { openSqlite } from '../database/sqlite.ts'
import { GsOptionError } from '../errors.ts'
import { seedAccount } from '../testing/accounts.ts'
import { administer } from '../testing/administration.ts'
import { build, password, quickHasher } from '../testing/build.ts'
import { engines, temporaryDirectory } from '../testing/databases.ts'
import { openAdministration } from './administration.ts'
import { pruneAudit } from './audit.ts'
import { createAdministration } from './create-administration.ts'

for (const engine of engines) {
  describe(`the audit of the administration on ${engine.name}`, () => {
    it('says what was done to whom, by whom, and what was before', async (t) => {
      const { clock, database, logIn } = await administer(t, engine)
      const actor = 'gs (Ann)'
      const administration = createAdministration(database, { hasher: quickHasher, now: () => clock.now, actor, sectors: ['press'] })
      const { accounts, sessions } = administration
      const { id } = await accounts.add({ username: 'bob', email: 'bob@mail.test', password, verified: false })
      const steps: [work: () => Promise<unknown>, action: string, details: object][] = [
        [() => accounts.verify(id), 'verify', { verified: [false, true] }],
        [() => accounts.lock(id), 'lock', { locked: [false, true], sessions: 0 }],
        [() => accounts.unlock(id), 'unlock', { locked: [true, false] }],
        [() => accounts.grant(id, { level: 30, sectors: 0x8000_0010 }), 'grant', { level: [10, 30], sectors: [[], ['press', '31']] }],
        [() => accounts.grant(id, { revokeSectors: 16 }), 'grant', { sectors: [['press', '31'], ['31']] }],
        [() => accounts.setPassword(id, 'another good passphrase'), 'set-password', { sessions: 0 }],
        [() => accounts.requirePasswordChange(id), 'require-password-change', { mustChangePassword: [false, true] }],
        [
          () => accounts.setPassword(id, 'another good passphrase', { mustChange: true }),
          'set-password',
          { sessions: 0, mustChange: true }
        ],
        [async () => sessions.end((await logIn(id)).id), 'end-session', {}],
        [async () => (await logIn(id), sessions.endAllOf(id)), 'end-sessions', { sessions: 1 }]
      ]
      for (const [work, action, details] of steps) {
        clock.advance(1)
        await work()
        const { entries } = await administration.audit.list({ limit: 1 })
        const [entry] = entries
        const { id: _, details: said, ...facts } = entry!
        assert.deepEqual(facts, { at: clock.now, actor, actorAccountId: null, ip: null, action, accountId: id, username: 'bob' })
        if (action === 'end-session') assert.match(String(said['session']), /^[\w-]{16}$/)
        else assert.deepEqual(said, details, action)
      }
      clock.advance(1)
      await accounts.delete(id)
      const { entries } = await administration.audit.list({ account: id })
      assert.equal(entries.length, steps.length + 2)
      assert.deepEqual([entries[0]!.action, entries[0]!.details], ['delete', { sessions: 0 }])
      assert.ok(entries.every(({ username }) => username === null))
      const rows = JSON.stringify(await database.db.selectFrom('gs_audit').selectAll().execute())
      assert.doesNotMatch(rows, /bob|mail\.test|argon2|passphrase/)
    })

    it('has nothing of what changed nothing, failed, or was only tried', async (t) => {
      const { administration, database } = await administer(t, engine)
      const { accounts, importAccounts, mail, sessions } = administration
      await seedAccount(database.db, 'ann', { verified_email_key: 'ann@mail.test' })
      await accounts.verify('ann')
      await accounts.unlock('ann')
      await accounts.grant('ann', { level: 10, revokeSectors: 16 })
      await assert.rejects(accounts.lock('nobody'), { code: 'GS_ACCOUNT_UNKNOWN' })
      await assert.rejects(accounts.add({ username: 'ann', email: 'x@mail.test', password: null }), { code: 'GS_USERNAME_TAKEN' })
      assert.equal(await sessions.end('nothing'), false)
      assert.equal(await sessions.endAllOf('ann'), 0)
      assert.equal(await mail.retry('all'), 0)
      assert.equal(await mail.drop('nothing'), false)
      const old = [{ name: 'carol', email: 'carol@mail.test', passwordHash: '', verified: true, createdAt: null }]
      await importAccounts('old', old, { dryRun: true })
      assert.deepEqual(await administration.audit.list(), { entries: [], next: null })
      await importAccounts('old', old, { dryRun: false })
      await importAccounts('old', old, { dryRun: false })
      const { entries } = await administration.audit.list()
      assert.deepEqual(
        entries.map(({ actor, action, accountId, details }) => [actor, action, accountId, details]),
        [['gs', 'import', null, { source: 'old', accounts: 1 }]]
      )
    })

    it('is read in pages without gap or repetition, also what was done at one moment', async (t) => {
      const { administration, clock } = await administer(t, engine)
      for (let n = 0; n < 7; n++) {
        await administration.accounts.add({ username: `user-${n}`, email: `u${n}@mail.test`, password: null })
        if (n % 3 === 2) clock.advance(1)
      }
      const seen: string[] = []
      const times: number[] = []
      for (let after: string | null | undefined; after !== null;) {
        const page = await administration.audit.list({ limit: 2, ...(after !== undefined && { after }) })
        for (const { id, at } of page.entries) {
          seen.push(id)
          times.push(at)
        }
        after = page.next
      }
      assert.equal(new Set(seen).size, 7)
      assert.deepEqual(
        times,
        times.toSorted((a, b) => b - a)
      )
      for (const query of [{ after: 'x' }, { limit: 0 }, { limit: 1001 }])
        await assert.rejects(administration.audit.list(query), (error) => error instanceof GsOptionError)
    })

    it('is forgotten after 400 days', async (t) => {
      const { administration, clock, database } = await administer(t, engine)
      await administration.accounts.add({ username: 'ann', email: 'ann@mail.test', password: null })
      clock.advance(400 * 86_400)
      await administration.accounts.add({ username: 'bob', email: 'bob@mail.test', password: null })
      await pruneAudit(database.db, clock.now)
      assert.equal((await administration.audit.list()).entries.length, 2)
      await pruneAudit(database.db, clock.now + 1)
      assert.deepEqual(
        (await administration.audit.list()).entries.map(({ username }) => username),
        ['bob']
      )
    })
  })
}

describe('a server', () => {
  it('forgets old entries of the audit by itself', async (t) => {
    const database = join(temporaryDirectory(t), 'gs.sqlite3')
    const opened = await openSqlite(database)
    t.after(() => opened.close())
    const entry = { actor: 'gs', actor_account_id: null, ip: null, action: 'lock', account_id: 'a', details: '{}' }
    const now = Date.UTC(2026, 0, 1)
    const rows = [
      { ...entry, id: 'old', at: now - 401 * 86_400_000 },
      { ...entry, id: 'young', at: now }
    ]
    await opened.db.insertInto('gs_audit').values(rows).execute()
    await build(t, { database: { sqlite: database } })
    const ids = async () => (await opened.db.selectFrom('gs_audit').select('id').execute()).map(({ id }) => id)
    while ((await ids()).includes('old')) await turn()
    assert.deepEqual(await ids(), ['young'])
  })
})

describe('the actor of the administration', () => {
  it('is a text that can be shown', async (t) => {
    const { databasePath } = await build(t)
    for (const actor of ['', 'x'.repeat(201), 'a\nb', '\ud800', 5 as never])
      await assert.rejects(openAdministration({ database: { sqlite: databasePath }, actor }), (error) => {
        return error instanceof GsOptionError && error.message.includes('actor')
      })
  })
})
