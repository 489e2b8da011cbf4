import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { isGsError } from '../errors.ts'
import { Clock } from '../testing/build.ts'
import { engines } from '../testing/databases.ts'
import { addressGroup, createThrottle } from './throttle.ts'

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

for (const engine of engines) {
  describe(`throttle on ${engine.name}`, () => {
    const open = async (t: TestContext) => {
      const database = await engine.open(t)
      const clock = new Clock()
      const throttle = createThrottle(database, () => clock.now)
      /** What an attempt comes to: whether the password was right, or the refusal with its seconds; a refused one must not check. */
      const attempt = async (subject: string, ip: string, check = wrong): Promise<boolean | string> => {
        let checked = false
        try {
          return await throttle.attempt(subject, ip, () => {
            checked = true
            return check()
          })
        } catch (error) {
          assert.ok(isGsError(error) && error.field === 'password' && error.statusCode === 429 && !checked)
          return error.retryAfter === undefined ? error.code : `${error.code} ${error.retryAfter}`
        }
      }
      const failures = async (count: number, subject: string, ip = address(1)) => {
        for (let n = 0; n < count; n++) assert.equal(await attempt(subject, ip), false)
      }
      /** Uses up the hundred failures of an account, from as many addresses as that takes. */
      const disable = async (subject: string) => {
        for (let n = 0; n < 20; n++) await failures(5, subject, address(n))
      }
      return { database, clock, throttle, attempt, failures, disable }
    }
    const tooMany = (seconds: number) => `GS_TOO_MANY_ATTEMPTS ${seconds}`

    it('asks for a waiting time after five failures, from 30 s doubling to an hour, to the millisecond; of names nobody has too', async (t) => {
      const { clock, attempt, failures } = await open(t)
      const subjects = ['account-id', 'unknown:nobody']
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

    it('switches a password off after 100 failures from anywhere, for the right one and for names nobody has too', async (t) => {
      const { clock, throttle, database, attempt, disable, failures } = await open(t)
      for (const subject of ['account-id', 'unknown:nobody']) {
        await disable(subject)
        assert.equal(await attempt(subject, address(500), right), 'GS_PASSWORD_DISABLED')
      }
      clock.advance(10 * 365 * 86_400)
      await throttle.prune(database.db, clock.now)
      assert.equal(await attempt('account-id', address(500), right), 'GS_PASSWORD_DISABLED')
      await failures(1, 'other')
    })

    it('checks exactly 100 of 200 guesses from 200 addresses', async (t) => {
      const { attempt } = await open(t)
      const outcomes: unknown[] = []
      for (let n = 0; n < 200; n += 40)
        outcomes.push(...(await Promise.all(Array.from({ length: 40 }, (_, i) => attempt('alice', address(n + i))))))
      assert.equal(outcomes.filter((outcome) => outcome === false).length, 100)
      assert.equal(outcomes.filter((outcome) => outcome === 'GS_PASSWORD_DISABLED').length, 100)
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
      const { attempt, failures } = await open(t)
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
      const busy = () => throttle.attempt('alice', address(1), () => Promise.reject(new Error('busy')))
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
      const { database, clock, attempt, failures } = await open(t)
      await failures(3, 'alice')
      const other = createThrottle(database, () => clock.now)
      for (let n = 0; n < 2; n++) assert.equal(await other.attempt('alice', address(1), wrong), false)
      assert.equal(await attempt('alice', address(1), right), tooMany(30))
      await assert.rejects(other.attempt('alice', address(1), right), { code: 'GS_TOO_MANY_ATTEMPTS', retryAfter: 30 })
    })

    it('does not let a clock that was set back shorten the waiting', async (t) => {
      const { clock, attempt, failures } = await open(t)
      await failures(5, 'alice')
      clock.advance(-86_400)
      assert.match(String(await attempt('alice', address(1), right)), /^GS_TOO_MANY_ATTEMPTS/)
    })

    it('forgives an account everything when a new password came through the mailbox, others nothing', async (t) => {
      const { database, throttle, attempt, disable, failures } = await open(t)
      await disable('alice')
      await failures(5, 'bob')
      await database.transaction((trx) => throttle.forgive(trx, 'alice'))
      for (const n of [0, 19, 500]) assert.equal(await attempt('alice', address(n), right), true)
      assert.equal(await attempt('bob', address(1), right), tooMany(30))
    })

    it('forgives only with the transaction that sets the password', async (t) => {
      const { database, throttle, attempt, disable } = await open(t)
      await disable('alice')
      const failing = database.transaction(async (trx) => {
        await throttle.forgive(trx, 'alice')
        throw new Error('no')
      })
      await assert.rejects(failing, /^Error: no$/)
      assert.equal(await attempt('alice', address(500), right), 'GS_PASSWORD_DISABLED')
    })

    it('forgets failures after a day, except those that keep a password off', async (t) => {
      const { database, clock, throttle, attempt, failures, disable } = await open(t)
      const { db } = database
      const start = clock.now
      await failures(5, 'alice')
      await throttle.prune(db, start + 86_400_000)
      assert.equal((await db.selectFrom('gs_throttle').select('key').execute()).length, 2)
      await disable('bob')
      await throttle.prune(db, start + 86_400_001)
      assert.equal((await db.selectFrom('gs_throttle').select('key').execute()).length, 1)
      assert.equal(await attempt('alice', address(1), right), true)
      assert.equal(await attempt('bob', address(1), right), 'GS_PASSWORD_DISABLED')
    })

    it('leaves no names and no addresses in the table', async (t) => {
      const { database, failures } = await open(t)
      await failures(1, 'unknown:alice@mail.test', '192.0.2.77')
      const rows = await database.db.selectFrom('gs_throttle').selectAll().execute()
      assert.equal(rows.length, 2)
      assert.doesNotMatch(JSON.stringify(rows), /alice|mail|192|\.77/)
    })
  })
}
