import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { createKeyRing, type KeyRing } from '../crypto/tokens.ts'
import { seedAccount } from '../testing/accounts.ts'
import { engines } from '../testing/databases.ts'
import { lockAccount } from './accounts.ts'
import { issueLink, redeemLink, tokenOfLink } from './email-links.ts'
import { codeOfLink, forgiveCodes, mayGetCode, redeemCode } from './login-codes.ts'

const now = Date.UTC(2026, 0, 1)
const lifetime = 900_000
const [older, newer] = ['older-key-for-tests-0123456789-abcd', 'newer-key-for-tests-9876543210-dcba']
const keys = createKeyRing([older])
const rules = { digits: 8, tries: 5 }

for (const engine of engines) {
  describe(`codes to log in on ${engine.name}`, () => {
    const open = async (t: TestContext) => {
      const database = await engine.open(t)
      const { db } = database
      await seedAccount(db, 'alice')
      await seedAccount(db, 'bob')
      const issue = async (accountId = 'alice', at = now, ring: KeyRing = keys) => {
        const link = { purpose: 'login-code', accountId, email: `${accountId}@mail.test`, now: at, lifetime } as const
        const { id } = await database.transaction((trx) => issueLink(trx, ring, link))
        const code = await codeOfLink(db, ring, id, rules, at)
        assert.ok(code !== null)
        return { id, code }
      }
      const redeem = (typed: string, accountId = 'alice', at = now, ring: KeyRing = keys) =>
        database.transaction(async (trx) => {
          await lockAccount(trx, accountId)
          return redeemCode(trx, ring, accountId, typed, rules, at)
        })
      return { database, db, issue, redeem }
    }

    it('have the digits that were asked for, and are all different', async (t) => {
      const { db, issue } = await open(t)
      const seen = new Set<string>()
      for (let n = 0; n < 30; n++) {
        const { id, code } = await issue()
        assert.match(code, /^\d{8}$/)
        seen.add(code)
        for (const digits of [6, 10])
          assert.match((await codeOfLink(db, keys, id, { ...rules, digits }, now))!, new RegExp(`^\\d{${digits}}$`))
      }
      assert.equal(seen.size, 30)
    })

    it('are redeemed once, by their account only', async (t) => {
      const { issue, redeem } = await open(t)
      const { code } = await issue()
      await issue('bob')
      assert.deepEqual([await redeem(code, 'bob'), await redeem(code, 'nobody'), await redeem(code)], [false, false, true])
      assert.equal(await redeem(code), false)
    })

    it('work until the last millisecond of their life', async (t) => {
      const { issue, redeem } = await open(t)
      const { code } = await issue()
      assert.equal(await redeem(code, 'alice', now + lifetime), false)
      assert.equal(await redeem(code, 'alice', now + lifetime - 1), true)
    })

    it('are void when a newer one is issued', async (t) => {
      const { issue, redeem } = await open(t)
      const first = await issue()
      const second = await issue()
      assert.deepEqual([await redeem(first.code), await redeem(second.code)], [false, true])
    })

    it('let one of 50 simultaneous redemptions win', async (t) => {
      const { issue, redeem } = await open(t)
      const { code } = await issue()
      const outcomes = await Promise.all(Array.from({ length: 50 }, () => redeem(code)))
      assert.equal(outcomes.filter(Boolean).length, 1)
    })

    it('count exactly five of 50 simultaneous wrong ones, and are void then', async (t) => {
      const { db, issue, redeem } = await open(t)
      const { id, code } = await issue()
      const wrong = code.startsWith('0') ? '11111111' : '00000000'
      const outcomes = await Promise.all(Array.from({ length: 50 }, () => redeem(wrong)))
      assert.equal(outcomes.some(Boolean), false)
      const row = await db.selectFrom('gs_links').select(['tries', 'used_at']).where('id', '=', id).executeTakeFirstOrThrow()
      assert.deepEqual(row, { tries: 5, used_at: now })
      assert.equal(await redeem(code), false)
      assert.equal(await codeOfLink(db, keys, id, rules, now), null)
    })

    it('have one value while keys are replaced, and none without the key that made them', async (t) => {
      const { db, issue, redeem } = await open(t)
      const { id, code } = await issue()
      const both = createKeyRing([newer, older])
      assert.equal(await codeOfLink(db, both, id, rules, now), code)
      const other = await issue('bob', now, createKeyRing([newer]))
      assert.equal(await codeOfLink(db, keys, other.id, rules, now), null)
      assert.equal(await redeem(other.code, 'bob'), false)
      assert.equal(await redeem(code, 'alice', now, both), true)
    })

    it('are in no table, and a copy of the database does not tell them', async (t) => {
      const { db, issue } = await open(t)
      const { id, code } = await issue()
      const row = await db.selectFrom('gs_links').selectAll().where('id', '=', id).executeTakeFirstOrThrow()
      assert.equal(JSON.stringify(row).includes(code), false)
      assert.equal(await codeOfLink(db, createKeyRing(['another-key-of-somebody-who-has-a-copy']), id, rules, now), null)
    })

    it('cannot be redeemed as a link of another purpose, nor a link as a code', async (t) => {
      const { database, db, issue, redeem } = await open(t)
      const { id, code } = await issue()
      const token = await tokenOfLink(db, keys, id, now)
      for (const text of [token!, code]) {
        const redemption = await database.transaction((trx) => redeemLink(trx, 'forgot-password', text, now))
        assert.deepEqual(redemption, { ok: false, reason: 'invalid' })
      }
      assert.equal(await redeem(token!), false)
    })

    it('are refused to an account with 100 wrong ones in a week, until its mailbox has been proved', async (t) => {
      const { database, db, issue } = await open(t)
      const wrong = (count: number, id: string) => db.updateTable('gs_links').set({ tries: count }).where('id', '=', id).execute()
      const may = (at = now) => mayGetCode(db, 'alice', rules, at)
      assert.equal(await may(), true)
      await wrong(95, (await issue()).id)
      assert.equal(await may(), true)
      await wrong(1, (await issue()).id)
      assert.deepEqual([await may(), await mayGetCode(db, 'bob', rules, now)], [false, true])
      assert.deepEqual([await may(now + 7 * 86_400_000 - 1), await may(now + 7 * 86_400_000)], [false, true])
      await database.transaction((trx) => forgiveCodes(trx, 'alice'))
      assert.equal(await may(), true)
    })
  })
}

describe('the digits of codes', () => {
  it('are spread evenly', async (t) => {
    const database = await engines[0]!.open(t)
    const { db } = database
    await seedAccount(db, 'alice')
    const { id } = await database.transaction((trx) =>
      issueLink(trx, keys, { purpose: 'login-code', accountId: 'alice', email: 'alice@mail.test', now, lifetime })
    )
    // As many signatures as wanted behind one row: what is asked is the way from a signature to digits.
    let n = 0
    const rolling: KeyRing = {
      ...keys,
      signAll: (purpose, text, length) => keys.signAll(purpose, purpose === 'login-code-digits' ? `${text}${n++}` : text, length)
    }
    const counts = Array.from({ length: 8 }, () => Array.from({ length: 10 }, () => 0))
    const codes = 2000
    for (let at = 0; at < codes; at++) {
      const code = (await codeOfLink(db, rolling, id, rules, now))!
      for (const [place, digit] of [...code].entries()) counts[place]![Number(digit)]!++
    }
    // Chi-squared with nine degrees of freedom is above 40 once in a hundred thousand samples; these signatures are always the same.
    for (const place of counts) {
      const expected = codes / 10
      const chi = place.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)
      assert.ok(chi < 40, String(place))
    }
  })
})
