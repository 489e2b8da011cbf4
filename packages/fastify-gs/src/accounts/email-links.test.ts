import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { setTimeout } from 'node:timers/promises'
import { createKeyRing, digest } from '../crypto/tokens.ts'
import { openSqlite } from '../database/sqlite.ts'
import { seedAccount } from '../testing/accounts.ts'
import { engines, temporaryDirectory } from '../testing/databases.ts'
import { lockAccount } from './accounts.ts'
import { issueLink, pruneLinks, redeemLink, tokenOfLink, voidLinks, voidUndoLinks, type LinkPurpose } from './email-links.ts'

const now = Date.UTC(2026, 0, 1)
const lifetime = 1_800_000
const keys = createKeyRing(['first-key-for-tests-0123456789-abcd'])
const newer = ['newer-key-for-tests-9876543210-dcba']

for (const engine of engines) {
  describe(`links of accounts on ${engine.name}`, () => {
    const open = async (t: TestContext) => {
      const database = await engine.open(t)
      const { db } = database
      await seedAccount(db, 'alice')
      /** Issues a link; gives its id and the token that the mail would carry. */
      const issue = async (purpose: LinkPurpose = 'verify-email', accountId = 'alice', at = now) => {
        const { id } = await database.transaction((trx) =>
          issueLink(trx, keys, { purpose, accountId, email: `${accountId}@mail.test`, now: at, lifetime })
        )
        const token = await tokenOfLink(db, keys, id, at)
        assert.ok(token !== null)
        return { id, token }
      }
      const redeem = (token: string, purpose: LinkPurpose = 'verify-email', at = now) =>
        database.transaction((trx) => redeemLink(trx, purpose, token, at))
      /** What a redemption comes to, in one word. */
      const outcome = async (...given: Parameters<typeof redeem>) => {
        const redemption = await redeem(...given)
        return redemption.ok ? 'redeemed' : redemption.reason
      }
      return { database, db, issue, redeem, outcome }
    }

    it('are redeemed once, for the account and the address they were mailed to', async (t) => {
      const { issue, redeem } = await open(t)
      const { token } = await issue()
      assert.deepEqual(await redeem(token), { ok: true, accountId: 'alice', email: 'alice@mail.test', issuedAt: now })
      assert.deepEqual(await redeem(token), { ok: false, reason: 'used' })
    })

    it('let one of 50 simultaneous redemptions win, in transactions and without', async (t) => {
      const { db, issue, outcome } = await open(t)
      for (const inTransaction of [true, false]) {
        const { token } = await issue()
        const outcomes = await Promise.all(
          Array.from({ length: 50 }, async () =>
            inTransaction ? outcome(token) : (await redeemLink(db, 'verify-email', token, now)).ok ? 'redeemed' : 'used'
          )
        )
        assert.deepEqual(outcomes.toSorted(), ['redeemed', ...Array.from({ length: 49 }, () => 'used')])
      }
    })

    it('are redeemed and made void at the same moment without a deadlock', async (t) => {
      const { database, issue } = await open(t)
      const { token } = await issue('change-email')
      const started: string[] = []
      const locked = Promise.withResolvers<void>()
      const voiding = database.transaction(async (trx) => {
        started.push('void')
        await lockAccount(trx, 'alice')
        locked.resolve()
        await setTimeout(100)
        await voidLinks(trx, 'alice', now)
      })
      await locked.promise
      const redemption = await database.transaction(async (trx) => {
        started.push('redeem')
        const redemption = await redeemLink(trx, 'change-email', token, now)
        await lockAccount(trx, 'alice')
        return redemption
      })
      await voiding
      assert.deepEqual(redemption, { ok: false, reason: 'used' })
      // Neither was broken off and done again.
      assert.deepEqual(started, ['void', 'redeem'])
    })

    it('stay open when the transaction that redeemed them fails', async (t) => {
      const { database, issue, outcome } = await open(t)
      const { token } = await issue()
      const failing = database.transaction(async (trx) => {
        assert.equal((await redeemLink(trx, 'verify-email', token, now)).ok, true)
        throw new Error('no')
      })
      await assert.rejects(failing, /^Error: no$/)
      assert.equal(await outcome(token), 'redeemed')
    })

    it('live to the millisecond; a late click is told so until the link is forgotten', async (t) => {
      const { db, issue, outcome } = await open(t)
      const end = now + lifetime
      const { token } = await issue()
      assert.equal(await outcome(token, 'verify-email', end), 'expired')
      assert.equal(await outcome(token, 'verify-email', end + 86_400_000), 'expired')
      await pruneLinks(db, end)
      assert.equal(await outcome(token, 'verify-email', end), 'expired')
      assert.equal(await outcome(token, 'verify-email', end - 1), 'redeemed')
      assert.equal(await outcome(token, 'verify-email', end), 'used')
      await pruneLinks(db, end + 1)
      assert.equal(await outcome(token, 'verify-email', end - 1), 'invalid')
    })

    it('are void when a newer one of the same purpose is issued for the account; others stay', async (t) => {
      const { db, issue, outcome } = await open(t)
      await seedAccount(db, 'bob')
      const [first, forgot, bobs] = [await issue(), await issue('forgot-password'), await issue('verify-email', 'bob')]
      const second = await issue()
      assert.equal(await outcome(first.token), 'used')
      assert.equal(await tokenOfLink(db, keys, first.id, now), null)
      assert.equal(await outcome(second.token), 'redeemed')
      assert.equal(await outcome(forgot.token, 'forgot-password'), 'redeemed')
      assert.equal(await outcome(bobs.token), 'redeemed')
    })

    it('leave one open when many are issued at the same moment', async (t) => {
      const { database, db } = await open(t)
      const link = { purpose: 'forgot-password', accountId: 'alice', email: 'alice@mail.test', now, lifetime } as const
      await Promise.all(Array.from({ length: 10 }, () => database.transaction((trx) => issueLink(trx, keys, link))))
      const links = await db.selectFrom('gs_links').select(['id', 'used_at']).execute()
      assert.equal(links.length, 10)
      assert.equal(links.filter((link) => link.used_at === null).length, 1)
    })

    it('are void on request: of some purposes, or all of the account', async (t) => {
      const { db, issue, outcome } = await open(t)
      await seedAccount(db, 'bob')
      const [verify, forgot, bobs] = [await issue(), await issue('forgot-password'), await issue('verify-email', 'bob')]
      const change = await issue('change-email')
      await voidLinks(db, 'alice', now, 'forgot-password', 'change-email')
      assert.equal(await outcome(forgot.token, 'forgot-password'), 'used')
      assert.equal(await outcome(change.token, 'change-email'), 'used')
      assert.ok((await tokenOfLink(db, keys, verify.id, now)) !== null)
      await voidLinks(db, 'alice', now)
      assert.equal(await outcome(verify.token), 'used')
      assert.equal(await outcome(bobs.token), 'redeemed')
    })

    it('that undo a change of the address outlive newer ones and every call to make links void; only those from one on go', async (t) => {
      const { db, issue, outcome } = await open(t)
      await seedAccount(db, 'bob')
      // Clocks may be set back: the order stays.
      const first = await issue('undo-email')
      const second = await issue('undo-email', 'alice', now - 5000)
      const third = await issue('undo-email', 'alice', now - 9000)
      const bobs = await issue('undo-email', 'bob')
      await voidLinks(db, 'alice', now)
      const redemption = await redeemLink(db, 'undo-email', second.token, now - 9000)
      assert.ok(redemption.ok)
      await voidUndoLinks(db, 'alice', now, redemption.issuedAt)
      assert.equal(await outcome(third.token, 'undo-email', now - 9000), 'used')
      assert.equal(await outcome(first.token, 'undo-email'), 'redeemed')
      assert.equal(await outcome(bobs.token, 'undo-email'), 'redeemed')
    })

    it('mean nothing for the other purpose, and are not used up by the attempt', async (t) => {
      const { issue, outcome } = await open(t)
      for (const [purpose, other] of [
        ['verify-email', 'forgot-password'],
        ['forgot-password', 'verify-email'],
        ['change-email', 'verify-email'],
        ['verify-email', 'change-email'],
        ['undo-email', 'forgot-password'],
        ['change-email', 'undo-email']
      ] as const) {
        const { token } = await issue(purpose)
        assert.equal(await outcome(token, other), 'invalid')
        assert.equal(await outcome(token, purpose), 'redeemed')
      }
    })

    it('cannot be guessed from a damaged token', async (t) => {
      const { issue, outcome } = await open(t)
      const { id, token } = await issue()
      const malformed = [
        '',
        'null',
        '0',
        id,
        token.slice(0, -1),
        token.slice(1),
        `${token}A`,
        `${token}=`,
        `${token}\n`,
        ` ${token}`,
        `${token}>`,
        `${token}.`,
        `${token.slice(0, 47)}%41`,
        `${token.slice(0, 47)}\0`,
        `${token.slice(0, 47)}\ud800`,
        `${token.slice(0, 47)}é`,
        digest(token),
        token.repeat(20_000)
      ]
      const others = [
        token.toUpperCase(),
        token.toLowerCase(),
        ...Array.from(token, (character, at) => token.slice(0, at) + (character === 'A' ? 'B' : 'A') + token.slice(at + 1))
      ]
      for (const wrong of [...malformed, ...others]) assert.equal(await outcome(wrong), 'invalid', JSON.stringify(wrong.slice(0, 60)))
      // What cannot be a token is not even looked up.
      for (const wrong of malformed) assert.equal((await redeemLink(undefined as never, 'verify-email', wrong, now)).ok, false)
      assert.equal(await outcome(token), 'redeemed')
    })

    it('have no token for a mail any more once they are used, expired or gone', async (t) => {
      const { db, issue, redeem } = await open(t)
      const { id, token } = await issue()
      assert.match(token, /^[\w-]{48}$/)
      assert.equal(await tokenOfLink(db, keys, id, now + lifetime - 1), token)
      assert.equal(await tokenOfLink(db, keys, id, now + lifetime), null)
      await redeem(token)
      assert.equal(await tokenOfLink(db, keys, id, now), null)
      assert.equal(await tokenOfLink(db, keys, 'no-such-link', now), null)
    })

    it('carry the same token in a second mail after the key was replaced, and work when the old key is retired', async (t) => {
      const { db, issue, outcome } = await open(t)
      const { id, token } = await issue()
      assert.equal(await tokenOfLink(db, createKeyRing([...newer, 'first-key-for-tests-0123456789-abcd']), id, now), token)
      assert.equal(await tokenOfLink(db, createKeyRing(newer), id, now), null)
      assert.equal(await outcome(token), 'redeemed')
    })

    it('leave no token in any row', async (t) => {
      const { db, issue, outcome } = await open(t)
      const { id, token } = await issue()
      await outcome(token)
      const rows = JSON.stringify(await db.selectFrom('gs_links').selectAll().execute())
      assert.ok(rows.includes(id) && rows.includes(digest(token)))
      assert.ok(!rows.includes(token.slice(id.length)))
    })
  })
}

describe('links of accounts in a SQLite file', () => {
  it('leave no part of a token in the bytes of the files, neither open nor used nor void', async (t) => {
    const directory = temporaryDirectory(t)
    const database = await openSqlite(join(directory, 'gs.sqlite3'))
    t.after(() => database.close())
    await seedAccount(database.db, 'alice')
    const links: { id: string; token: string }[] = []
    for (let n = 0; n < 20; n++) {
      const { id } = await database.transaction((trx) =>
        issueLink(trx, keys, { purpose: 'verify-email', accountId: 'alice', email: 'a', now, lifetime })
      )
      links.push({ id, token: (await tokenOfLink(database.db, keys, id, now))! })
      if (n % 3 === 0) assert.equal((await redeemLink(database.db, 'verify-email', links.at(-1)!.token, now)).ok, true)
    }
    const files = readdirSync(directory).toSorted()
    assert.deepEqual(files.slice(0, 1).concat(files.slice(-1)), ['gs.sqlite3', 'gs.sqlite3-wal'])
    const bytes = Buffer.concat(files.map((file) => readFileSync(join(directory, file))))
    for (const { id, token } of links) {
      // The search finds what is there.
      assert.ok(bytes.includes(id) && bytes.includes(digest(token)))
      const secret = token.slice(id.length)
      for (const shape of [secret, Buffer.from(secret, 'base64url'), secret.slice(0, 16), secret.slice(16)])
        assert.ok(!bytes.includes(shape))
    }
  })

  it('let one of many redemptions win over several connections', async (t) => {
    const path = join(temporaryDirectory(t), 'gs.sqlite3')
    const databases = [await openSqlite(path), await openSqlite(path), await openSqlite(path)]
    t.after(() => Promise.all(databases.map((database) => database.close())))
    await seedAccount(databases[0]!.db, 'alice')
    const { id } = await databases[0]!.transaction((trx) =>
      issueLink(trx, keys, { purpose: 'forgot-password', accountId: 'alice', email: 'a', now, lifetime })
    )
    const token = (await tokenOfLink(databases[1]!.db, keys, id, now))!
    const redemptions = await Promise.all(
      Array.from({ length: 30 }, (_, n) =>
        databases[n % databases.length]!.transaction((trx) => redeemLink(trx, 'forgot-password', token, now))
      )
    )
    assert.equal(redemptions.filter((redemption) => redemption.ok).length, 1)
  })
})
