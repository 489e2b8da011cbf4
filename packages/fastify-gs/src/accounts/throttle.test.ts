import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { describe, it, type TestContext } from 'node:test'
import { openSqlite } from '../database/sqlite.ts'
import { isGsError } from '../errors.ts'
import type { ResolvedOptions } from '../options.ts'
import { Clock } from '../testing/build.ts'
import { engines, temporaryDirectory } from '../testing/databases.ts'
import { addressGroup, createThrottle, unknownSubject } from './throttle.ts'

describe('addressGroup', () => {
  const same: [name: string, addresses: string[]][] = [
    [
      'an IPv4 address and its mapped spellings',
      ['1.2.3.4', '::ffff:1.2.3.4', '::FFFF:1.2.3.4', '::ffff:102:304', '0:0:0:0:0:ffff:102:304']
    ],
    ['the addresses of one /64', ['2001:db8:1:2::1', '2001:DB8:1:2:ffff:ffff:ffff:ffff', '2001:0db8:0001:0002::', '2001:db8:1:2::1%eth0']],
    ['what is no address', ['', 'unknown', '1.2.3.4.5', '2001:db8::g', '1.2.3.4:80']]
  ]
  for (const [name, addresses] of same) it(`is one for ${name}`, () => assert.equal(new Set(addresses.map(addressGroup)).size, 1))

  it('keeps other addresses apart', () => {
    const different = ['1.2.3.4', '1.2.3.5', '2001:db8:1:2::1', '2001:db8:1:3::1', '2001:db8:2:2::1', '::1', 'unknown', '64:ff9b::1']
    assert.equal(new Set(different.map(addressGroup)).size, different.length)
  })
})

/** The n-th IPv4 address. */
const address = (n: number) => `10.0.${n >> 8}.${n & 255}`
const wrong = async () => false
const right = async () => true
const documented = {
  ladder: [
    { failures: 10, wait: 60_000 },
    { failures: 25, wait: 3_600_000 },
    { failures: 100, wait: 86_400_000 }
  ],
  lockAfter: 1000
}
const withoutLadder = { ladder: [], lockAfter: 100 }

for (const engine of engines) {
  describe(`throttle on ${engine.name}`, () => {
    const open = async (t: TestContext, policy: Partial<ResolvedOptions['attempts']> = {}, maxRows?: number) => {
      const database = await engine.open(t)
      const clock = new Clock()
      const rules = { ...documented, ...policy }
      const throttle = createThrottle(database, () => clock.now, rules, maxRows)
      /** Accounts whose owners were told, one entry each time. */
      const told: string[] = []
      /** What an attempt comes to: whether the password was right, or the refusal with its seconds; a refused one must not check. */
      const attempt = async (
        subject: string,
        ip: string,
        check = wrong,
        { known = null, stays = false }: { known?: string | null; stays?: boolean } = {}
      ): Promise<boolean | string> => {
        let checked = false
        try {
          return await throttle.attempt(
            subject,
            { ip, known },
            () => {
              checked = true
              return check()
            },
            { stays, tellOwner: async () => void told.push(subject) }
          )
        } catch (error) {
          assert.ok(isGsError(error) && error.field === 'password' && error.statusCode === 429 && !checked)
          return error.retryAfter === undefined ? error.code : `${error.code} ${error.retryAfter}`
        }
      }
      const failures = async (count: number, subject: string, ip = address(1)) => {
        for (let n = 0; n < count; n++) assert.equal(await attempt(subject, ip), false)
      }
      /** Makes an account fail so often, each time from an address that was not used yet, and as soon as the ladder lets it. */
      let next = 1000
      const fail = async (count: number, subject: string) => {
        for (let n = 0; n < count;) {
          const outcome = await attempt(subject, address(next++))
          if (outcome === false) n++
          else clock.advance(Number(/^GS_TOO_MANY_ATTEMPTS (\d+)$/.exec(String(outcome))![1]))
        }
      }
      const rows = () => database.db.selectFrom('gs_throttle').selectAll().orderBy('key').execute()
      return { database, clock, rules, throttle, told, attempt, failures, fail, rows }
    }
    const tooMany = (seconds: number) => `GS_TOO_MANY_ATTEMPTS ${seconds}`

    it('asks for a waiting time after five failures, from 30 s doubling to an hour, to the millisecond; of names nobody has too', async (t) => {
      const { clock, attempt, failures } = await open(t, withoutLadder)
      const subjects = ['account-id', unknownSubject('nobody')]
      for (const subject of subjects) await failures(5, subject)
      for (const seconds of [30, 60, 120, 240, 480, 960, 1920, 3600, 3600, 3600]) {
        for (const subject of subjects) assert.equal(await attempt(subject, address(1), right), tooMany(seconds))
        clock.now += seconds * 1000 - 1
        for (const subject of subjects) assert.equal(await attempt(subject, address(1), right), tooMany(1))
        clock.now += 1
        for (const subject of subjects) assert.equal(await attempt(subject, address(1)), false)
      }
    })

    it('counts simultaneous guesses like successive ones: of 50 five are checked', async (t) => {
      const { attempt } = await open(t)
      const outcomes = await Promise.all(Array.from({ length: 50 }, () => attempt('alice', address(1))))
      assert.deepEqual(outcomes.filter((outcome) => outcome === false).length, 5)
      assert.deepEqual(outcomes.filter((outcome) => outcome === tooMany(30)).length, 45)
    })

    it('gives a right guess among simultaneous ones no better chance than its place in the queue', async (t) => {
      const { attempt } = await open(t)
      const checks = [wrong, wrong, wrong, wrong, wrong, right]
      const outcomes = await Promise.all(checks.map((check) => attempt('alice', address(1), check)))
      assert.equal(outcomes.at(-1), tooMany(30))
    })

    it('lets 50 attempts on an account wait, and refuses more at once; other accounts do not wait', async (t) => {
      const { attempt } = await open(t)
      const gate = Promise.withResolvers<boolean>()
      const waiting = Array.from({ length: 50 }, (_, n) => attempt('alice', address(n), () => gate.promise))
      assert.equal(await attempt('alice', address(50), right), tooMany(5))
      assert.equal(await attempt('bob', address(50), right), true)
      gate.resolve(true)
      assert.deepEqual(
        await Promise.all(waiting),
        Array.from({ length: 50 }, () => true)
      )
      assert.equal(await attempt('alice', address(50), right), true)
    })

    it('makes a guesser wait, but not the owner at another address', async (t) => {
      const { attempt, failures } = await open(t)
      await failures(5, 'alice', '2001:db8::1')
      assert.equal(await attempt('alice', '2001:db8::2', right), tooMany(30))
      assert.equal(await attempt('alice', '2001:DB8:0:0:ffff::', right), tooMany(30))
      assert.equal(await attempt('bob', '2001:db8::1', right), true)
      assert.equal(await attempt('alice', '2001:db8:0:1::1', right), true)
    })

    it('gives 300 addresses of one IPv6 customer five guesses together', async (t) => {
      const { attempt } = await open(t)
      let checked = 0
      for (let n = 0; n < 300; n++) if ((await attempt('alice', `2001:db8:5:5::${n.toString(16)}`)) === false) checked++
      assert.equal(checked, 5)
    })

    it('goes up the ladder as documented: 10 at once, then one a minute, from 25 one an hour, from 100 one a day, from 1000 none', async (t) => {
      const { clock, attempt, told } = await open(t)
      const rungs = { 10: 60, 24: 60, 25: 3600, 99: 3600, 100: 86_400, 999: 86_400 }
      let ip = 1000
      for (let done = 0; done < 1000; done++) {
        const seconds = done < 10 ? 0 : done < 25 ? 60 : done < 100 ? 3600 : 86_400
        if (done in rungs) {
          assert.equal(rungs[done as 10], seconds)
          assert.equal(await attempt('alice', address(1), right), tooMany(seconds))
          clock.now += seconds * 1000 - 1
          assert.equal(await attempt('alice', address(1), right), tooMany(1))
          clock.now += 1
        } else clock.advance(seconds)
        assert.equal(await attempt('alice', address(ip++)), false, `attempt ${done + 1}`)
      }
      assert.equal(await attempt('alice', address(1), right), 'GS_PASSWORD_DISABLED')
      assert.deepEqual(told, ['alice'])
    })

    it('neither counts a refused attempt on the ladder, nor prolongs the waiting by it', async (t) => {
      const { clock, attempt, fail } = await open(t)
      await fail(10, 'alice')
      for (let n = 0; n < 30; n++) {
        assert.equal(await attempt('alice', address(n)), tooMany(60 - n))
        clock.advance(1)
      }
      clock.advance(30)
      await fail(1, 'alice')
      assert.equal(await attempt('alice', address(1), right), tooMany(60))
    })

    it('begins at the foot of the ladder after a success', async (t) => {
      const { clock, attempt, fail } = await open(t)
      await fail(26, 'alice')
      clock.advance(3600)
      assert.equal(await attempt('alice', address(1), right), true)
      const before = clock.now
      await fail(10, 'alice')
      assert.equal(clock.now, before)
      assert.equal(await attempt('alice', address(1), right), tooMany(60))
    })

    it('switches a password off for ever, for the right one too; and as long as anybody may notice, for names that nobody has', async (t) => {
      const { clock, throttle, database, attempt, fail, failures, told } = await open(t, withoutLadder)
      for (const subject of ['account-id', unknownSubject('nobody')]) {
        await fail(100, subject)
        assert.equal(await attempt(subject, address(500), right), 'GS_PASSWORD_DISABLED')
      }
      assert.deepEqual(told, ['account-id', unknownSubject('nobody')])
      clock.advance(399 * 86_400)
      await throttle.prune(database.db, clock.now)
      for (const subject of ['account-id', unknownSubject('nobody')])
        assert.equal(await attempt(subject, address(500), right), 'GS_PASSWORD_DISABLED')
      clock.advance(2 * 86_400)
      await throttle.prune(database.db, clock.now)
      assert.equal(await attempt('account-id', address(500), right), 'GS_PASSWORD_DISABLED')
      assert.equal(await attempt(unknownSubject('nobody'), address(500)), false)
      await failures(1, 'other')
    })

    it('slows the configured admin down, and never switches his password off', async (t) => {
      const { clock, attempt, told } = await open(t, { lockAfter: 12 })
      let checked = 0
      for (let n = 0; n < 200; n++) {
        if ((await attempt('admin', address(n), wrong, { stays: true })) === false) checked++
        clock.advance(30)
      }
      assert.equal(checked, 26)
      clock.advance(3600)
      assert.equal(await attempt('admin', address(500), right, { stays: true }), true)
      assert.deepEqual(told, [])
    })

    it('checks exactly 100 of 200 guesses from 200 addresses', async (t) => {
      const { attempt } = await open(t, withoutLadder)
      const outcomes: unknown[] = []
      for (let n = 0; n < 200; n += 40)
        outcomes.push(...(await Promise.all(Array.from({ length: 40 }, (_, i) => attempt('alice', address(n + i))))))
      assert.equal(outcomes.filter((outcome) => outcome === false).length, 100)
      assert.equal(outcomes.filter((outcome) => outcome === 'GS_PASSWORD_DISABLED').length, 100)
    })

    it('tells the owner once; at the next attempt, if the process was killed before it did', async (t) => {
      const { database, clock, attempt, fail, told } = await open(t, withoutLadder)
      await fail(99, 'alice')
      const failing = { tellOwner: () => Promise.reject(new Error('killed')) }
      const throttle = createThrottle(database, () => clock.now, withoutLadder)
      await assert.rejects(throttle.attempt('alice', { ip: address(500), known: null }, wrong, failing), /^Error: killed$/)
      assert.equal(await attempt('alice', address(501)), 'GS_PASSWORD_DISABLED')
      assert.deepEqual(told, [])
      clock.advance(61)
      for (let n = 0; n < 3; n++) assert.equal(await attempt('alice', address(501)), 'GS_PASSWORD_DISABLED')
      assert.deepEqual(told, ['alice'])
    })

    describe('of a known browser', () => {
      const known = 'browser-of-alice'

      it('lets it try while strangers have burnt the ladder, their address, and the password altogether', async (t) => {
        const { clock, attempt, fail, failures } = await open(t, { ladder: documented.ladder, lockAfter: 30 })
        await failures(5, 'alice')
        assert.equal(await attempt('alice', address(1), right), tooMany(30))
        assert.equal(await attempt('alice', address(1), right, { known }), true)
        await fail(10, 'alice')
        assert.equal(await attempt('alice', address(2), right), tooMany(60))
        assert.equal(await attempt('alice', address(2), wrong, { known }), false)
        assert.equal(await attempt('alice', address(2), right, { known }), true)
        await fail(30, 'alice')
        clock.advance(86_400)
        assert.equal(await attempt('alice', address(2), right), 'GS_PASSWORD_DISABLED')
        assert.equal(await attempt('alice', address(2), right, { known }), true)
        assert.equal(await attempt('alice', address(2), right), 'GS_PASSWORD_DISABLED')
      })

      it('counts ten failures apart from those of strangers, and all others among them', async (t) => {
        const { attempt, fail, rows } = await open(t)
        for (let n = 0; n < 10; n++) assert.equal(await attempt('alice', address(1), wrong, { known }), false)
        assert.equal((await rows()).length, 1)
        const outcomes = []
        for (let n = 0; n < 10; n++) outcomes.push(await attempt('alice', address(1), wrong, { known }))
        assert.deepEqual(outcomes, [false, false, false, false, false, ...Array.from({ length: 5 }, () => tooMany(30))])
        await fail(5, 'alice')
        assert.equal(await attempt('alice', address(2), right, { known }), tooMany(60))
      })

      it('checks ten of 50 simultaneous guesses apart, in two processes together too', async (t) => {
        const { database, clock, rules, attempt } = await open(t)
        const other = createThrottle(database, () => clock.now, rules)
        let elsewhere = 0
        const check = async () => {
          elsewhere++
          return false
        }
        const guesses = Array.from({ length: 25 }, (_, n) => [
          attempt('alice', address(1), wrong, { known }),
          other.attempt('alice', { ip: address(2 + n), known }, check).catch((error: unknown) => assert.ok(isGsError(error)))
        ]).flat()
        const outcomes = await Promise.all(guesses)
        // Ten apart, then ten of strangers before the ladder asks for a minute.
        assert.equal(outcomes.filter((outcome) => outcome === false).length, 20)
        assert.ok(elsewhere > 0 && elsewhere < 20)
      })

      it('does not wait behind strangers who fill the queue of the account', async (t) => {
        const { attempt } = await open(t)
        const gate = Promise.withResolvers<boolean>()
        const waiting = Array.from({ length: 50 }, (_, n) => attempt('alice', address(n), () => gate.promise))
        assert.equal(await attempt('alice', address(50), right, { known }), true)
        gate.resolve(true)
        await Promise.all(waiting)
      })

      it('goes on counting after a success, which is followed by another id; not after a link from the mailbox', async (t) => {
        const { database, throttle, attempt, rows } = await open(t)
        for (let n = 0; n < 9; n++) await attempt('alice', address(1), wrong, { known })
        assert.equal(await attempt('alice', address(1), right, { known }), true)
        assert.deepEqual(
          (await rows()).map(({ failures }) => failures),
          [9]
        )
        await database.transaction((trx) => throttle.forgive(trx, 'alice'))
        assert.deepEqual(await rows(), [])
      })
    })

    describe('of one address on all accounts', () => {
      it('lets 100 failures pass at once and then one every 36 s; nobody else waits, nor a known browser behind it', async (t) => {
        const { clock, attempt } = await open(t)
        let checked = 0
        for (let n = 0; n < 1000; n++) if ((await attempt(`account-${n}`, address(1))) === false) checked++
        assert.equal(checked, 100)
        assert.equal(await attempt('bob', address(1), right), tooMany(36))
        assert.equal(await attempt('bob', address(2), right), true)
        assert.equal(await attempt('bob', address(1), right, { known: 'browser-of-bob' }), true)
        clock.now += 35_999
        assert.equal(await attempt('bob', address(1), right), tooMany(1))
        clock.now += 1
        assert.equal(await attempt('bob', address(1)), false)
        assert.equal(await attempt('carol', address(1)), tooMany(36))
        clock.advance(3600)
        for (let n = 0; n < 100; n++) assert.equal(await attempt(`later-${n}`, address(1)), false)
        assert.equal(await attempt('carol', address(1)), tooMany(36))
      })

      it('is not made to begin anew by successes on an account of the guesser', async (t) => {
        const { attempt } = await open(t)
        let checked = 0
        for (let round = 0; round < 50; round++) {
          for (let n = 0; n < 4; n++) if ((await attempt(`account-${round}-${n}`, address(1))) === false) checked++
          await attempt('mallory', address(1), right)
        }
        assert.equal(checked, 100)
      })

      it('counts simultaneous guesses like successive ones', async (t) => {
        const { attempt } = await open(t)
        const outcomes = await Promise.all(Array.from({ length: 150 }, (_, n) => attempt(`account-${n}`, address(1))))
        assert.equal(outcomes.filter((outcome) => outcome === false).length, 100)
      })

      it('counts no success, and no check that could not be made', async (t) => {
        const { attempt, throttle, rows } = await open(t)
        const busy = () => Promise.reject(new Error('busy'))
        for (let n = 0; n < 60; n++) {
          assert.equal(await attempt(`account-${n}`, address(1), right), true)
          await assert.rejects(throttle.attempt(`account-${n}`, { ip: address(1), known: null }, busy), /^Error: busy$/)
        }
        assert.deepEqual(await rows(), [])
      })
    })

    it('begins anew after a success, for that account only', async (t) => {
      const { attempt, failures } = await open(t)
      await failures(4, 'alice')
      await failures(4, 'bob')
      assert.equal(await attempt('alice', address(1), right), true)
      await failures(5, 'alice')
      assert.equal(await attempt('alice', address(1), right), tooMany(30))
      await failures(1, 'bob')
      assert.equal(await attempt('bob', address(1), right), tooMany(30))
    })

    it('counts the 100 anew after a success of the owner, but lets the guesser go on waiting', async (t) => {
      const { attempt, failures } = await open(t, withoutLadder)
      for (let n = 0; n < 19; n++) await failures(5, 'alice', address(n))
      await failures(4, 'alice', address(19))
      assert.equal(await attempt('alice', address(99), right), true)
      await failures(1, 'alice', address(98))
      assert.equal(await attempt('alice', address(0), right), tooMany(30))
      assert.equal(await attempt('alice', address(99), right), true)
    })

    it('does not count a check that could not be made, and goes on', async (t) => {
      const { throttle, attempt, failures } = await open(t)
      await failures(4, 'alice')
      const busy = () => throttle.attempt('alice', { ip: address(1), known: null }, () => Promise.reject(new Error('busy')))
      const results = await Promise.allSettled(Array.from({ length: 10 }, busy))
      for (const result of results) assert.match(String((result as PromiseRejectedResult).reason), /^Error: busy$/)
      await failures(1, 'alice')
      assert.equal(await attempt('alice', address(1), right), tooMany(30))
    })

    it('does not count a refused attempt', async (t) => {
      const { clock, attempt, failures } = await open(t)
      await failures(5, 'alice')
      for (let n = 0; n < 10; n++) assert.equal(await attempt('alice', address(1)), tooMany(30))
      clock.advance(30)
      assert.equal(await attempt('alice', address(1), right), true)
    })

    it('remembers over a restart, and counts what several processes have seen', async (t) => {
      const { database, clock, rules, attempt, failures } = await open(t)
      await failures(3, 'alice')
      const other = createThrottle(database, () => clock.now, rules)
      const from = { ip: address(1), known: null }
      for (let n = 0; n < 2; n++) assert.equal(await other.attempt('alice', from, wrong), false)
      assert.equal(await attempt('alice', address(1), right), tooMany(30))
      await assert.rejects(other.attempt('alice', from, right), { code: 'GS_TOO_MANY_ATTEMPTS', retryAfter: 30 })
    })

    it('does not let a clock that was set back shorten the waiting', async (t) => {
      const { clock, attempt, failures } = await open(t)
      await failures(5, 'alice')
      clock.advance(-86_400)
      assert.match(String(await attempt('alice', address(1), right)), /^GS_TOO_MANY_ATTEMPTS/)
    })

    it('lets nobody wait for a few failures that a server has counted whose clock is ahead', async (t) => {
      const { clock, attempt, fail, failures } = await open(t)
      await failures(4, 'alice')
      await fail(4, 'alice')
      clock.advance(-300)
      assert.equal(await attempt('alice', address(1), wrong), false)
      assert.equal(await attempt('alice', address(2000), right), true)
    })

    it('forgives an account everything when a new password came through the mailbox, others nothing', async (t) => {
      const { database, throttle, attempt, fail, failures, told } = await open(t, withoutLadder)
      await failures(5, 'alice', address(7))
      await fail(95, 'alice')
      await failures(5, 'bob')
      await database.transaction((trx) => throttle.forgive(trx, 'alice'))
      for (const n of [7, 1000, 500]) assert.equal(await attempt('alice', address(n), right), true)
      assert.equal(await attempt('bob', address(1), right), tooMany(30))
      await fail(100, 'alice')
      assert.deepEqual(told, ['alice', 'alice'])
    })

    it('forgives only with the transaction that sets the password', async (t) => {
      const { database, throttle, attempt, fail } = await open(t, withoutLadder)
      await fail(100, 'alice')
      const failing = database.transaction(async (trx) => {
        await throttle.forgive(trx, 'alice')
        throw new Error('no')
      })
      await assert.rejects(failing, /^Error: no$/)
      assert.equal(await attempt('alice', address(500), right), 'GS_PASSWORD_DISABLED')
    })

    it('forgets what has no effect any more: an address after its hour, its failures on one account after a day, others after 30', async (t) => {
      const { database, throttle, attempt, failures, rows, clock } = await open(t)
      const { db } = database
      const start = clock.now
      await failures(5, 'alice')
      await failures(1, unknownSubject('nobody'), address(2))
      await attempt('alice', address(1), wrong, { known: 'browser' })
      const left = async (at: number) => {
        await throttle.prune(db, at)
        return (await rows()).length
      }
      assert.equal(await left(start), 7)
      assert.equal(await left(start + 5 * 36_000), 5)
      assert.equal(await left(start + 86_400_000), 5)
      assert.equal(await left(start + 86_400_001), 3)
      assert.equal(await left(start + 30 * 86_400_000), 3)
      assert.equal(await left(start + 30 * 86_400_000 + 1), 0)
    })

    it('does not forget whoever waits a day between two guesses', async (t) => {
      const { database, throttle, clock, attempt, fail } = await open(t)
      await fail(100, 'alice')
      for (let n = 0; n < 40; n++) {
        clock.advance(86_400)
        await throttle.prune(database.db, clock.now)
        assert.equal(await attempt('alice', address(n)), false)
        assert.equal(await attempt('alice', address(500), right), tooMany(86_400))
      }
    })

    it('keeps the table small, and what counts most in it', async (t) => {
      const { database, throttle, clock, attempt, fail, rows } = await open(t, {}, 30)
      await fail(10, 'alice')
      for (let n = 0; n < 50; n++) {
        clock.now++
        await attempt(unknownSubject(`name-${n}`), address(n))
      }
      await throttle.prune(database.db, clock.now)
      assert.equal((await rows()).length, 30)
      assert.equal(await attempt('alice', address(600), right), tooMany(60))
    })

    it('leaves no names and no addresses in the table', async (t) => {
      const { database, failures } = await open(t)
      await failures(1, 'unknown:alice@mail.test', '192.0.2.77')
      const rows = await database.db.selectFrom('gs_throttle').selectAll().execute()
      assert.equal(rows.length, 3)
      assert.doesNotMatch(JSON.stringify(rows), /alice|mail|192|\.77/)
    })
  })
}

describe('throttle in several processes', () => {
  const start = (t: TestContext, path: string, ...rest: (string | number)[]) => {
    const script = join(import.meta.dirname, '../testing/throttle-process.ts')
    const child = spawn(process.execPath, [script, path, ...rest.map(String)], { stdio: ['ignore', 'pipe', 'inherit'] })
    t.after(() => child.kill('SIGKILL'))
    return { child, lines: createInterface({ input: child.stdout }) }
  }
  const database = async (t: TestContext) => {
    const path = join(temporaryDirectory(t), 'gs.sqlite3')
    await (await openSqlite(path)).close()
    return path
  }

  it('checks ten of 500 simultaneous guesses, in two processes together', async (t) => {
    const path = await database(t)
    const said = await Promise.all([1, 2].map((net) => Array.fromAsync(start(t, path, net, 'simultaneous', 250, 0).lines)))
    assert.equal(said.flat().filter((line) => line === 'checked').length, 10)
    for (const lines of said) assert.ok(lines.includes('GS_TOO_MANY_ATTEMPTS'))
  })

  it('checks ten guesses and no more, however often it is killed while it checks one', async (t) => {
    const path = await database(t)
    let checked = 0
    let refused = ''
    for (let round = 1; refused === '' && round < 9; round++) {
      const { child, lines } = start(t, path, round, 'successive', 12, 4)
      let checks = 0
      for await (const line of lines) {
        if (line !== 'checked') refused = line
        else if (++checks === 4) child.kill('SIGKILL')
      }
      checked += checks
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    }
    assert.deepEqual([checked, refused], [10, 'GS_TOO_MANY_ATTEMPTS'])
  })
})
