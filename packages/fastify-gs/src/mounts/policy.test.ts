import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { inspect } from 'node:util'
import { AuthLevel } from '../accounts/auth-level.ts'
import { GsOptionError } from '../errors.ts'
import type { Visit } from '../sessions/visit.ts'
import { decide, parsePolicy, type Decision, type Policy } from './policy.ts'

const sectors = Array.from({ length: 28 }, (_, index) => `s${index + 4}`)
const levels = { ...AuthLevel, editor: 35 }
const parse = (policy: unknown, known: readonly string[] = sectors, defaultLevel = 0) =>
  parsePolicy(policy, { sectors: known, levels, defaultLevel }, 'GET /x')

describe('parsePolicy', () => {
  it('reads numbers, names, sectors and levels', () => {
    const table: readonly [Policy, mask: number, level: number][] = [
      [0, 0, 0],
      [5, 5, 0],
      [0xffff_ffff, 0xffff_ffff, 0],
      ['user', 1, 0],
      ['admin', 2, 0],
      ['verified', 4, 0],
      ['forgot', 8, 0],
      ['user+verified', 5, 0],
      ['verified+admin+user', 7, 0],
      ['user+user', 1, 0],
      ['s4', 16, 0],
      ['user+s31', 0x8000_0001, 0],
      [sectors.join('+'), 0xffff_fff0, 0],
      [{ mask: 7 }, 7, 0],
      [{ mask: 'user+s5' }, 33, 0],
      [{ level: 'none' }, 0, 0],
      [{ level: 'anonymous' }, 0, 1],
      [{ level: 'logged-in' }, 0, 2],
      [{ level: 'user' }, 0, 10],
      [{ level: 'customer' }, 0, 20],
      [{ level: 'staff' }, 0, 30],
      [{ level: 'moderator' }, 0, 40],
      [{ level: 'admin' }, 0, 50],
      [{ level: 'root' }, 0, 100],
      [{ level: 'nobody' }, 0, 125],
      [{ level: 0 }, 0, 0],
      [{ level: 33 }, 0, 33],
      [{ level: 125 }, 0, 125],
      [{ level: 'editor' as 'user' }, 0, 35],
      [{ mask: 5, level: 'staff' }, 5, 30]
    ]
    for (const [policy, mask, level] of table) {
      const starts = JSON.stringify(policy).includes('level') && mask === 0 && level < 2 ? (level === 1 ? 'session' : 'nothing') : 'page'
      assert.deepEqual(parse(policy), { mask, level, csrf: false, starts }, JSON.stringify(policy))
    }
  })

  it('reads csrf beside all of them; alone it leaves the default level in force', () => {
    assert.deepEqual(parse({ mask: 5, csrf: true }, sectors, 10), { mask: 5, level: 0, csrf: true, starts: 'page' })
    assert.deepEqual(parse({ level: 'none', csrf: true }, sectors, 10), { mask: 0, level: 0, csrf: true, starts: 'nothing' })
    assert.deepEqual(parse({ csrf: true }, sectors, 10), { mask: 0, level: 10, csrf: true, starts: 'page' })
    assert.deepEqual(parse({ csrf: true }, sectors, 1), { mask: 0, level: 1, csrf: true, starts: 'session' })
  })

  it('reads a sector that is called like something every object has', () => {
    for (const name of ['constructor', 'toString', 'valueOf', 'hasOwnProperty'])
      assert.deepEqual(parse(name, [name]), { mask: 16, level: 0, csrf: false, starts: 'page' })
  })

  it('refuses everything else, in a sentence that names the place: nothing fails open', () => {
    const wrongLevels = [
      'boss',
      'User',
      '',
      '50',
      -1,
      126,
      1.5,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      undefined,
      null,
      true,
      'constructor',
      [10],
      10n
    ]
    const masks: unknown[] = [
      [-1, 1.5, 2 ** 32, Number.NaN, Number.POSITIVE_INFINITY, 5n],
      ['', ' ', '5', '7', 'User', 'users', 'usr', ' user', 'user ', 'user+', '+user', 'user verified', 'user,verified', 'user|verified'],
      ['constructor', 'toString', '__proto__', 'user+constructor', 's32', 'unknown-sector'],
      [undefined, null, true, false, [], [5], ['user'], () => 5, Symbol('user')]
    ].flat()
    const refused = (policy: unknown) =>
      assert.throws(
        () => parse(policy),
        (error) => error instanceof GsOptionError && /^fastify-gs: the policy of GET \/x [^\n]*\.$/.test(error.message),
        inspect(policy)
      )
    for (const mask of masks) refused(mask)
    for (const mask of [...masks, {}, { mask: 5 }]) refused({ mask })
    for (const level of wrongLevels) refused({ level })
    for (const object of [
      {},
      { mask: 5, level: undefined },
      { mask: undefined, level: 2 },
      { csrf: false },
      { csrf: 'true' },
      { mask: 5, csrf: undefined },
      { mask: 5, other: 1 },
      { maks: 5 },
      { Mask: 5 },
      { roles: ['admin'] },
      new Map([['mask', 5]])
    ])
      refused(object)
  })
})

describe('decide', () => {
  const visit = (mask: number, level: number) => ({ mask, level, account: mask === 0 ? null : {} }) as Visit
  const anonymous = visit(0, 1)
  const unverified = visit(1, 2)
  const verified = visit(5, 10)
  const staff = visit(5, 30)
  const admin = visit(7, 50)

  it('lets pass who has all bits, sends the others to log in or forbids', () => {
    const visits = [anonymous, unverified, verified, visit(13, 10), admin, visit(15, 50)]
    for (let mask = 0; mask < 16; mask++) {
      for (const one of visits) {
        const has = [1, 2, 4, 8].every((bit) => (mask & bit) === 0 || (one.mask & bit) !== 0)
        const expected: Decision = has ? 'pass' : one === anonymous ? 'log-in' : 'forbidden'
        assert.equal(decide({ mask, level: 0 }, one), expected, `${mask} for ${one.mask}`)
      }
    }
  })

  it('knows bit 31 from the others', () => {
    for (const [have, expected] of [
      [0x8000_0001, 'pass'],
      [0xffff_ffff, 'pass'],
      [0x7fff_ffff, 'forbidden'],
      [1, 'forbidden']
    ] as const)
      assert.equal(decide({ mask: 0x8000_0000, level: 0 }, visit(have, 10)), expected)
  })

  it('compares levels, and hides what is for a role from those who are logged in and below it', () => {
    const table: readonly [level: number, expected: readonly Decision[]][] = [
      [0, ['pass', 'pass', 'pass', 'pass', 'pass']],
      [1, ['pass', 'pass', 'pass', 'pass', 'pass']],
      [2, ['log-in', 'pass', 'pass', 'pass', 'pass']],
      [9, ['log-in', 'forbidden', 'pass', 'pass', 'pass']],
      [10, ['log-in', 'hidden', 'pass', 'pass', 'pass']],
      [11, ['log-in', 'hidden', 'hidden', 'pass', 'pass']],
      [30, ['log-in', 'hidden', 'hidden', 'pass', 'pass']],
      [50, ['log-in', 'hidden', 'hidden', 'hidden', 'pass']],
      [100, ['log-in', 'hidden', 'hidden', 'hidden', 'hidden']],
      [124, ['log-in', 'hidden', 'hidden', 'hidden', 'hidden']],
      [125, ['hidden', 'hidden', 'hidden', 'hidden', 'hidden']]
    ]
    for (const [level, expected] of table) {
      const decisions = [anonymous, unverified, verified, staff, admin].map((one) => decide({ mask: 0, level }, one))
      assert.deepEqual(decisions, expected, `level ${level}`)
    }
  })

  it('lets nobody pass "nobody", whatever level somebody was given', () => {
    for (const level of [125, 126, 1000]) assert.equal(decide({ mask: 0, level: 125 }, visit(0xffff_ffff, level)), 'hidden')
  })

  it('lets who must change the password only where nothing is asked', () => {
    const visit = { mask: 1, level: 2, account: { mustChangePassword: true } } as Visit
    for (const [policy, expected] of [
      [{ mask: 0, level: 0 }, 'pass'],
      [{ mask: 0, level: 1 }, 'pass'],
      [{ mask: 0, level: 2 }, 'change-password'],
      [{ mask: 1, level: 0 }, 'change-password'],
      [{ mask: 0, level: 50 }, 'change-password'],
      [{ mask: 0, level: 125 }, 'hidden']
    ] as const)
      assert.equal(decide(policy, visit), expected, JSON.stringify(policy))
  })
})
