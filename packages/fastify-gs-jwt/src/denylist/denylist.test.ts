import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import { assert as assertProperty, array, asyncProperty, constantFrom, nat, oneof, record } from 'fast-check'
import { emptyPostgres, temporaryDirectory } from 'fastify-gs/testing'
import { databaseDenylist, memoryDenylist, type DeniableToken, type Denial, type Denylist } from '../index.ts'

const t0 = Date.UTC(2026, 10, 21, 12)

const stores: readonly { readonly name: string; readonly open: (t: TestContext) => Promise<Denylist> }[] = [
  { name: 'memoryDenylist()', open: async () => memoryDenylist() },
  {
    name: 'databaseDenylist() on SQLite',
    async open(t) {
      const denylist = await databaseDenylist({ sqlite: join(temporaryDirectory(t), 'denied.sqlite3') })
      t.after(() => denylist.close!())
      return denylist
    }
  },
  {
    name: 'databaseDenylist() on PostgreSQL',
    async open(t) {
      const denylist = await databaseDenylist({ postgres: await emptyPostgres() })
      t.after(() => denylist.close!())
      return denylist
    }
  }
]

for (const store of stores) {
  describe(store.name, () => {
    it('denies what a denial names, and nothing else', async (t) => {
      const denylist = await store.open(t)
      const token = { jti: 'same', sub: 'same', sid: 'same' }
      assert.equal(await denylist.deniedBefore(token, t0), 0)
      for (const [index, kind] of (['jti', 'sub', 'sid'] as const).entries()) {
        const denial = { [kind]: `${kind} 1`, before: t0 + index, until: t0 + 1000 } as unknown as Denial
        await denylist.deny(denial, t0)
        assert.equal(await denylist.deniedBefore({ [kind]: `${kind} 1` }, t0), t0 + index)
        assert.equal(await denylist.deniedBefore({ ...token, [kind]: `${kind} 1` }, t0), t0 + index)
        for (const other of ['jti', 'sub', 'sid'].filter((one) => one !== kind))
          assert.equal(await denylist.deniedBefore({ [other]: `${kind} 1` }, t0), 0)
      }
      assert.equal(await denylist.deniedBefore(token, t0), 0)
      assert.equal(await denylist.deniedBefore({}, t0), 0)
      // Of several that name a token the latest counts.
      assert.equal(await denylist.deniedBefore({ jti: 'jti 1', sub: 'sub 1', sid: 'sid 1' }, t0), t0 + 2)
      assert.equal(await denylist.deniedBefore({ jti: 'jti 1', sub: 'sub 1' }, t0), t0 + 1)
    })

    it('forgets a denial from its end on, to the millisecond', async (t) => {
      const denylist = await store.open(t)
      await denylist.deny({ sub: 'ann', before: t0, until: t0 + 1000 }, t0)
      assert.equal(await denylist.deniedBefore({ sub: 'ann' }, t0 + 999), t0)
      assert.equal(await denylist.deniedBefore({ sub: 'ann' }, t0 + 1000), 0)
    })

    it('never weakens a denial', async (t) => {
      const denylist = await store.open(t)
      await denylist.deny({ sub: 'ann', before: t0, until: t0 + 1000 }, t0)
      await denylist.deny({ sub: 'ann', before: t0 - 500, until: t0 + 2000 }, t0)
      await denylist.deny({ sub: 'ann', before: t0 - 500, until: t0 + 10 }, t0)
      assert.equal(await denylist.deniedBefore({ sub: 'ann' }, t0 + 1999), t0)
      await denylist.deny({ sub: 'ann', before: t0 + 700, until: t0 + 900 }, t0)
      assert.equal(await denylist.deniedBefore({ sub: 'ann' }, t0 + 1999), t0 + 700)
    })

    it('takes names of any kind as they are', async (t) => {
      const denylist = await store.open(t)
      const names = [
        'a',
        'A',
        'ä',
        'a ',
        "'; drop table gs_jwt_denials; --",
        '__proto__',
        'toString',
        '%',
        'x'.repeat(64),
        'x'.repeat(65),
        '🙂'
      ]
      for (const [index, sub] of names.entries()) {
        assert.equal(await denylist.deniedBefore({ sub }, t0), 0)
        await denylist.deny({ sub, before: t0 + index, until: t0 + 1000 }, t0)
      }
      for (const [index, sub] of names.entries()) assert.equal(await denylist.deniedBefore({ sub }, t0), t0 + index)
    })

    it('refuses what is no denial', async (t) => {
      const denylist = await store.open(t)
      const times = { before: t0, until: t0 + 1 }
      for (const wrong of [
        times,
        { ...times, sub: '' },
        { ...times, sub: 7 },
        { ...times, jti: 'a', sub: 'b' },
        { sub: 'a', before: Number.NaN, until: t0 },
        { sub: 'a', before: t0, until: Infinity },
        { sub: 'a', before: -1, until: t0 },
        { sub: 'a', before: t0 }
      ])
        await assert.rejects(async () => denylist.deny(wrong as unknown as Denial, t0), TypeError, JSON.stringify(wrong))
    })

    it('agrees with a list that is read from end to end, over ten thousand calls', async (t) => {
      const denylist = await store.open(t)
      const name = nat(3)
      const kind = constantFrom('jti', 'sub', 'sid')
      const operations = array(
        oneof(
          { weight: 1, arbitrary: record({ kind, name, before: nat(40), until: nat(60) }) },
          { weight: 2, arbitrary: record({ jti: name, sub: name, sid: name, later: nat(3) }) }
        ),
        { minLength: 100, maxLength: 100 }
      )
      let runs = 0
      await assertProperty(
        asyncProperty(operations, async (calls) => {
          const run = `${runs++}:`
          const all: { readonly kind: string; readonly name: number; readonly before: number; readonly until: number }[] = []
          // Minutes apart, so that some are also forgotten.
          const time = (unit: number) => t0 + unit * 60_000
          let now = 10
          for (const call of calls) {
            if ('kind' in call) {
              const denial = { ...call, before: now + call.before - 30, until: now + call.until - 10 }
              all.push(denial)
              const named = {
                [denial.kind]: run + denial.name,
                before: time(denial.before),
                until: time(denial.until)
              } as unknown as Denial
              await denylist.deny(named, time(now))
            } else {
              now += call.later
              const token: DeniableToken = { jti: run + call.jti, sub: run + call.sub, sid: run + call.sid }
              const answer = await denylist.deniedBefore(token, time(now))
              let [least, most] = [0, 0]
              for (const kind of ['jti', 'sub', 'sid'] as const) {
                const ofName = all.filter((denial) => denial.kind === kind && denial.name === call[kind])
                const good = ofName.filter(({ until }) => until > now)
                for (const { before } of good) least = Math.max(least, time(before))
                // What is over still counts as long as the same name is denied, or until it is forgotten.
                if (good.length > 0) for (const { before } of ofName) most = Math.max(most, time(before))
              }
              assert.ok(answer >= least && answer <= most, `${answer} is not from ${least} to ${most}`)
            }
          }
        }),
        { numRuns: 100, endOnFailure: true }
      )
      assert.ok(runs >= 100)
    })

    it('keeps all of many denials that are made at once', async (t) => {
      const denylist = await store.open(t)
      const numbers = Array.from({ length: 200 }, (_, index) => index)
      await Promise.all(
        numbers.map(async (number) => {
          await denylist.deny({ jti: `token ${number}`, before: t0, until: t0 + 1000 }, t0)
          await denylist.deny({ sub: 'ann', before: t0 + number, until: t0 + 1000 }, t0)
        })
      )
      assert.equal(await denylist.deniedBefore({ sub: 'ann' }, t0), t0 + 199)
      for (const number of numbers) assert.equal(await denylist.deniedBefore({ jti: `token ${number}` }, t0), t0)
    })

    it('remembers which sessions have tokens, until the last of them expires', async (t) => {
      const denylist = await store.open(t)
      assert.deepEqual(await denylist.rememberedSessions!(t0), [])
      await denylist.rememberSession!('one', t0 + 1000)
      await denylist.rememberSession!('two', t0 + 5000)
      await denylist.rememberSession!('one', t0 + 3000)
      await denylist.rememberSession!('one', t0 + 2000)
      assert.deepEqual([...(await denylist.rememberedSessions!(t0))].toSorted(), ['one', 'two'])
      assert.deepEqual([...(await denylist.rememberedSessions!(t0 + 2999))].toSorted(), ['one', 'two'])
      assert.deepEqual(await denylist.rememberedSessions!(t0 + 3000), ['two'])
      assert.deepEqual(await denylist.rememberedSessions!(t0 + 86_400_000), [])
    })
  })
}
