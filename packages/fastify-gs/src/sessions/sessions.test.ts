import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { digest } from '../crypto/tokens.ts'
import type { GsDatabase } from '../database/database.ts'
import { openSqlite } from '../database/sqlite.ts'
import type { SessionEndEvent } from '../hooks.ts'
import { seedAccount, untilBlocked } from '../testing/accounts.ts'
import { engines, temporaryDirectory } from '../testing/databases.ts'
import {
  createFindSession,
  createSession,
  endSession,
  endSessionsOf,
  expiryCause,
  pruneSessions,
  recordActivity,
  renewToken,
  type NewSession
} from './sessions.ts'

const now = Date.UTC(2026, 0, 1)
const minute = 60_000
const day = 86_400_000
const limits = { idle: 60 * minute, absolute: day, remembered: 30 * day }

const openSession = (database: GsDatabase, change: Partial<NewSession> = {}, its = limits) =>
  database.transaction((trx) =>
    createSession(trx, { accountId: 'alice', remember: false, forgotAt: null, ip: '127.0.0.1', userAgent: 'Test', now, ...change }, its)
  )

describe('expiryCause', () => {
  const year = 365 * day
  const long = { idle: year, absolute: 10 * year, remembered: 20 * year }
  const cases: [name: string, at: number, cause: 'idle' | 'absolute' | null, session?: object, its?: typeof limits][] = [
    ['lets a session live to the last ms of its idle time', limits.idle - 1, null],
    ['ends it by idle time', limits.idle, 'idle'],
    ['counts the idle time from the last use', limits.idle + minute - 1, null, { lastActiveAt: now + minute }],
    ['ends it by idle time after the last use', limits.idle + minute, 'idle', { lastActiveAt: now + minute }],
    ['lets a session in use live to the last ms of its absolute life', day - 1, null, { lastActiveAt: now + day - 1 }],
    ['ends it by absolute life, whatever the use', day, 'absolute', { lastActiveAt: now + day - 1 }],
    ['names absolute life when both limits are crossed', 2 * day, 'absolute'],
    ['keeps a remembered session for all its time without a use', 30 * day - 1, null, { remember: true, expiresAt: now + 30 * day }],
    ['ends a remembered session', 30 * day, 'absolute', { remember: true, expiresAt: now + 30 * day }],
    ['counts beyond 2^31 ms: idle', year - 1, null, { expiresAt: now + 10 * year }, long],
    ['counts beyond 2^31 ms: no longer idle', year, 'idle', { expiresAt: now + 10 * year }, long],
    ['counts beyond 2^31 ms: remembered', 10 * year - 1, null, { remember: true, expiresAt: now + 10 * year }, long],
    ['is not confused by a use in the future', -day, null]
  ]
  for (const [name, at, cause, session, its] of cases)
    it(name, () => {
      const normal = { lastActiveAt: now, expiresAt: now + day, remember: false }
      assert.equal(expiryCause({ ...normal, ...session }, its ?? limits, now + at), cause)
    })
})

for (const engine of engines) {
  describe(`sessions on ${engine.name}`, () => {
    const open = async (t: TestContext) => {
      const database = await engine.open(t)
      const find = createFindSession(database)
      await seedAccount(database.db, 'alice', { verified_email_key: 'alice@mail.test' })
      /** Ids of the sessions that are still in the table. */
      const ids = async () => (await database.db.selectFrom('gs_sessions').select('id').execute()).map((row) => row.id).toSorted()
      return { database, db: database.db, find, ids }
    }

    it('are found by their token with what a request needs to know of the account, and nothing else', async (t) => {
      const { database, db, find } = await open(t)
      await db.updateTable('gs_accounts').set({ level: 40, sectors: 0xffff_fff0 }).execute()
      const { id, token, expiresAt } = await openSession(database, { forgotAt: now })
      assert.match(token, /^[\w-]{27}$/)
      assert.equal(expiresAt, now + day)
      assert.deepEqual(await find(token), {
        id,
        tokenHash: digest(token),
        former: false,
        createdAt: now,
        lastActiveAt: now,
        expiresAt,
        remember: false,
        forgotAt: now,
        account: {
          id: 'alice',
          username: 'alice',
          email: 'alice@mail.test',
          verified: true,
          admin: false,
          configured: false,
          language: null,
          mustChangePassword: false
        },
        level: 40,
        sectors: 0xffff_fff0,
        tokenAt: now,
        tokenUnused: false,
        referer: null
      })
    })

    it('tell an unverified account and the configured admin apart', async (t) => {
      const { database, db, find } = await open(t)
      await seedAccount(db, 'uma')
      await seedAccount(db, 'chief', { email: null, email_key: null, configured: 1 })
      const facts = async (accountId: string) => {
        const { account } = (await find((await openSession(database, { accountId })).token))!
        return [account.email, account.verified, account.admin, account.configured]
      }
      assert.deepEqual(await facts('uma'), ['uma@mail.test', false, false, false])
      assert.deepEqual(await facts('chief'), [null, true, true, true])
    })

    it('are not found by anything but the token', async (t) => {
      const { database, find } = await open(t)
      const { id, token } = await openSession(database)
      const others = ['', id, digest(token), token.slice(1), `${token} `, token.toUpperCase(), 'A'.repeat(27), "' or 1=1 --", '\ud800']
      for (const other of others) assert.equal(await find(other), null, JSON.stringify(other))
      for (let at = 0; at < token.length; at++)
        assert.equal(await find(token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1)), null)
    })

    it('begin with the commit and leave nothing when it fails', async (t) => {
      const { database, find, ids } = await open(t)
      const session: NewSession = { accountId: 'alice', remember: false, forgotAt: null, ip: '', userAgent: '', now }
      const token = await database.transaction(async (trx) => {
        const made = await createSession(trx, session, limits)
        assert.equal(await find(made.token), null)
        return made.token
      })
      assert.ok((await find(token)) !== null)
      const failing = database.transaction(async (trx) => {
        await createSession(trx, session, limits)
        throw new Error('no')
      })
      await assert.rejects(failing, /^Error: no$/)
      assert.equal((await ids()).length, 1)
    })

    it('that are remembered live longer, also beyond 2^31 ms', async (t) => {
      const { database, find } = await open(t)
      const { token, expiresAt } = await openSession(database, { remember: true })
      assert.equal(expiresAt, now + 30 * day)
      const found = (await find(token))!
      assert.equal(found.remember, true)
      assert.equal(expiryCause(found, limits, now + 30 * day - 1), null)
    })

    it('keep the user agent short', async (t) => {
      const { database, db } = await open(t)
      await openSession(database, { userAgent: 'x'.repeat(20_000) })
      const row = await db.selectFrom('gs_sessions').select('user_agent').executeTakeFirstOrThrow()
      assert.equal(row.user_agent, 'x'.repeat(512))
    })

    it('change their token at renewal: the old one is dead at once, id and times stay', async (t) => {
      const { database, db, find } = await open(t)
      const { id, token } = await openSession(database, { forgotAt: now })
      const before = await find(token)
      const renewed = (await renewToken(db, id, { forgotAt: null, now: now + minute }))!
      assert.notEqual(renewed, token)
      assert.equal(await find(token), null)
      assert.deepEqual(await find(renewed), { ...before, tokenHash: digest(renewed), forgotAt: null, tokenAt: now + minute })
    })

    it('have one token after any number of simultaneous renewals', async (t) => {
      const { database, find, ids } = await open(t)
      const { id, token } = await openSession(database)
      const tokens = await Promise.all(
        Array.from({ length: 20 }, () => database.transaction((trx) => renewToken(trx, id, { forgotAt: null, now })))
      )
      assert.equal(new Set(tokens).size, 20)
      const found = await Promise.all([token, ...tokens].map(async (each) => find(each!)))
      assert.deepEqual(
        found.flatMap((each) => each?.id ?? []),
        [id]
      )
      assert.deepEqual(await ids(), [id])
    })

    it('that have ended are not renewed, also when both happen at once', async (t) => {
      const { database, db, find, ids } = await open(t)
      const ended = await openSession(database)
      await endSession(db, ended.id, 'logout')
      assert.equal(await renewToken(db, ended.id, { forgotAt: null, now }), null)
      for (let round = 0; round < 10; round++) {
        const { id, token } = await openSession(database)
        const [renewed] = await Promise.all([
          database.transaction((trx) => renewToken(trx, id, { forgotAt: null, now })),
          database.transaction((trx) => endSession(trx, id, 'logout'))
        ])
        for (const each of [token, renewed]) assert.equal(each === null || (await find(each)) === null, true)
      }
      assert.deepEqual(await ids(), [])
    })

    it('end once, however often that is asked at the same moment', async (t) => {
      const { database, find } = await open(t)
      const { id, token } = await openSession(database)
      const events = await Promise.all(Array.from({ length: 20 }, () => database.transaction((trx) => endSession(trx, id, 'logout'))))
      assert.deepEqual(events.flat(), [{ sessionId: id, accountId: 'alice', cause: 'logout' }])
      assert.equal(await find(token), null)
    })

    it('of one account end together, but for one, and not those of others', async (t) => {
      const { database, db, find, ids } = await open(t)
      await seedAccount(db, 'bob')
      const bobs = await openSession(database, { accountId: 'bob' })
      const own = [await openSession(database), await openSession(database, { remember: true }), await openSession(database)]
      const event = (sessionId: string, cause: SessionEndEvent['cause']) => ({ sessionId, accountId: 'alice', cause })
      const byId = (events: SessionEndEvent[]) => events.toSorted((a, b) => (a.sessionId < b.sessionId ? -1 : 1))

      const others = await endSessionsOf(db, 'alice', 'password-changed', own[1]!.id)
      assert.deepEqual(byId(others), byId([own[0]!, own[2]!].map(({ id }) => event(id, 'password-changed'))))
      assert.deepEqual(await ids(), [own[1]!.id, bobs.id].toSorted())
      assert.deepEqual(await endSessionsOf(db, 'alice', 'account-deleted', bobs.id), [event(own[1]!.id, 'account-deleted')])
      assert.deepEqual(await endSessionsOf(db, 'alice', 'account-deleted'), [])
      for (const { token } of own) assert.equal(await find(token), null)
      assert.ok((await find(bobs.token)) !== null)
    })

    it('note when and from where they were used; no time turns back, nothing else changes, nothing comes back', async (t) => {
      const { database, db, find, ids } = await open(t)
      const [used, other, ended] = [await openSession(database), await openSession(database), await openSession(database)]
      await endSession(db, ended.id, 'logout')
      const before = await find(used.token)
      const record = (at: number) =>
        database.transaction((trx) =>
          recordActivity(
            trx,
            new Map([
              [used.id, { at, ip: `192.0.2.${at - now}` }],
              [ended.id, { at, ip: '' }],
              ['never-was', { at, ip: '' }]
            ])
          )
        )
      for (const [at, recorded] of [
        [now + 2 * minute, now + 2 * minute],
        [now + minute, now + 2 * minute],
        [now + 3 * minute, now + 3 * minute]
      ] as const) {
        await record(at)
        assert.deepEqual(await find(used.token), { ...before, lastActiveAt: recorded })
        const { ip } = await db.selectFrom('gs_sessions').select('ip').where('id', '=', used.id).executeTakeFirstOrThrow()
        assert.equal(ip, `192.0.2.${recorded - now}`)
      }
      assert.equal((await find(other.token))!.lastActiveAt, now)
      assert.deepEqual(await ids(), [used.id, other.id].toSorted())
      assert.equal(await find(ended.token), null)
    })

    it('that crossed a limit are removed in batches, each with its cause; the others live on', async (t) => {
      const { database, db, ids } = await open(t)
      const at = now + 40 * day
      const started = (ago: number, remember: boolean, used: number) =>
        openSession(database, { now: at - ago, remember }).then(async ({ id }) => {
          await recordActivity(db, new Map([[id, { at: at - used, ip: '127.0.0.1' }]]))
          return id
        })
      const absolute = [
        await started(day, false, 1),
        await started(40 * day, false, 40 * day),
        await started(30 * day, true, 1),
        await started(30 * day, true, 30 * day)
      ]
      const idle = [await started(day - 1, false, limits.idle), await started(2 * limits.idle, false, limits.idle + 1)]
      const living = [
        await started(0, false, 0),
        await started(day - 1, false, limits.idle - 1),
        await started(30 * day - 1, true, 30 * day - 1),
        await started(29 * day, true, 5 * day)
      ]
      const batches: SessionEndEvent[][] = []
      do batches.push(await database.transaction((trx) => pruneSessions(trx, limits, at, 2)))
      while (batches.at(-1)!.length > 0)
      assert.deepEqual(
        batches.map((batch) => batch.length),
        [2, 2, 2, 0]
      )
      const event = (cause: 'absolute' | 'idle') => (sessionId: string) => ({ sessionId, accountId: 'alice', cause })
      const byId = (events: SessionEndEvent[]) => events.toSorted((a, b) => (a.sessionId < b.sessionId ? -1 : 1))
      assert.deepEqual(byId(batches.flat()), byId([...absolute.map(event('absolute')), ...idle.map(event('idle'))]))
      assert.deepEqual(await ids(), living.toSorted())
    })

    it('are pruned by limits beyond 2^31 ms, and not at once', async (t) => {
      const { database, db } = await open(t)
      const long = { idle: 60 * day, absolute: 400 * day, remembered: 4000 * day }
      const normal = await openSession(database, {}, long)
      const remembered = await openSession(database, { remember: true }, long)
      const pruned = async (at: number) => (await pruneSessions(db, long, now + at, 10)).map(({ sessionId, cause }) => [sessionId, cause])
      assert.deepEqual(await pruned(60 * day - 1), [])
      assert.deepEqual(await pruned(60 * day), [[normal.id, 'idle']])
      assert.deepEqual(await pruned(4000 * day - 1), [])
      assert.deepEqual(await pruned(4000 * day), [[remembered.id, 'absolute']])
    })

    it('that are used at that moment are not pruned', async (t) => {
      const { database, db, ids } = await open(t)
      const { id } = await openSession(database)
      let pruned: Promise<SessionEndEvent[]> | undefined
      await database.transaction(async (trx) => {
        await recordActivity(trx, new Map([[id, { at: now + limits.idle, ip: '127.0.0.1' }]]))
        pruned = pruneSessions(db, limits, now + limits.idle, 10)
        await untilBlocked(database)
      })
      assert.deepEqual(await pruned, [])
      assert.deepEqual(await ids(), [id])
    })

    it('end when their account is deleted', async (t) => {
      const { database, db, find } = await open(t)
      const { token } = await openSession(database)
      await db.deleteFrom('gs_accounts').execute()
      assert.equal(await find(token), null)
    })
  })
}

describe('sessions in a SQLite file', () => {
  it('leave no part of a token in the bytes of the files', async (t) => {
    const directory = temporaryDirectory(t)
    const database = await openSqlite(join(directory, 'gs.sqlite3'))
    t.after(() => database.close())
    await seedAccount(database.db, 'alice')
    const tokens: string[] = []
    for (let n = 0; n < 20; n++) {
      const { id, token } = await openSession(database)
      tokens.push(token)
      if (n % 2 === 0) tokens.push((await renewToken(database.db, id, { forgotAt: null, now }))!)
      if (n % 3 === 0) await endSession(database.db, id, 'logout')
    }
    const bytes = Buffer.concat(readdirSync(directory).map((file) => readFileSync(join(directory, file))))
    for (const token of tokens) {
      assert.ok(bytes.includes(digest(token)))
      for (const shape of [token, Buffer.from(token, 'base64url'), token.slice(0, 13), token.slice(13)]) assert.ok(!bytes.includes(shape))
    }
  })
})
