import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { inspect } from 'node:util'
import { createKeyRing } from '../crypto/tokens.ts'
import { build, password } from '../testing/build.ts'
import { newTicket, readTicket, signTicket } from './anonymous-ticket.ts'
import type { FoundSession } from './sessions.ts'
import { accountVisit, anonymousVisit, visitState, type Visit } from './visit.ts'

const now = Date.UTC(2026, 0, 1)
const minute = 60_000
const day = 86_400_000
const limits = { idle: 60 * minute, absolute: day, remembered: 30 * day }
const ticketLimits = { idle: 20 * minute, absolute: day }
const key = 'key-for-tests-0123456789-abcdefghijkl'
const keys = createKeyRing([key])

const account = {
  id: 'a',
  username: 'Alice',
  email: 'alice@mail.test',
  verified: true,
  admin: false,
  configured: false,
  language: null,
  mustChangePassword: false
}
const found: FoundSession = {
  id: 's',
  tokenHash: 'h',
  former: false,
  createdAt: now,
  lastActiveAt: now,
  expiresAt: now + day,
  remember: false,
  forgotAt: null,
  account,
  level: 10,
  sectors: 0,
  tokenAt: 0,
  tokenUnused: false,
  referer: null
}
const visitOf = (change: Partial<FoundSession> = {}, at = now, activeAt = at) =>
  accountVisit(keys, { ...found, ...change }, limits, { ip: '192.0.2.1', headers: {} }, at, activeAt)

describe('the visit of an account', () => {
  const unverified = { ...account, verified: false }
  const admin = { ...account, admin: true, configured: true, language: null, mustChangePassword: false }
  const cases: [name: string, change: Partial<FoundSession>, mask: number, level: number][] = [
    ['verified', {}, 5, 10],
    ['unverified', { account: unverified }, 1, 2],
    ['unverified with a level for later', { account: unverified, level: 100 }, 1, 2],
    ['verified staff', { level: 30 }, 5, 30],
    ['configured admin', { account: admin }, 7, 50],
    ['configured admin with more', { account: admin, level: 100 }, 7, 100],
    ['after a lost-password link', { forgotAt: now }, 13, 10],
    ['in the last ms after a lost-password link', { forgotAt: now - 299_999 }, 13, 10],
    ['later after a lost-password link', { forgotAt: now - 300_000 }, 5, 10],
    ['a new password is due', { account: { ...account, mustChangePassword: true }, level: 100, sectors: 0xffff_fff0 }, 1, 2],
    ['a new password is due, after a lost-password link', { account: { ...account, mustChangePassword: true }, forgotAt: now }, 9, 2],
    ['with all sectors', { sectors: 0xffff_fff0 }, 0xffff_fff5, 10],
    ['with a row that claims more than sectors', { account: unverified, sectors: 0x8000_000f }, 0x8000_0001, 2]
  ]
  for (const [name, change, mask, level] of cases)
    it(`has mask ${mask} and level ${level} when ${name}`, () => {
      const visit = visitOf(change)
      assert.deepEqual([visit.mask, visit.level], [mask, level])
    })

  it('says who, from where, and in which session', () => {
    const visit = visitOf({ remember: true })
    assert.deepEqual(visit.account, account)
    assert.deepEqual(visit.session, { id: 's', createdAt: now, anonymous: false, remember: true })
    assert.equal(visit.ip, '192.0.2.1')
  })

  it('ends by what comes first, idle time or absolute life', () => {
    assert.equal(visitOf().expiresAt, now + limits.idle)
    assert.equal(visitOf({}, now + day - 1).expiresAt, now + day)
    assert.equal(visitOf({ remember: true, expiresAt: now + 30 * day }).expiresAt, now + 30 * day)
  })

  it('ends as it would without the request, when that is no use of the session', () => {
    assert.equal(visitOf({}, now + minute, now).expiresAt, now + limits.idle)
    assert.equal(visitOf({ remember: true, expiresAt: now + 90 * day }, now + minute, now).expiresAt, now + limits.remembered)
  })

  it('has a CSRF token that is bound to the session, not to the session token', () => {
    const { csrfToken } = visitOf()
    assert.match(csrfToken, /^[\w-]{43}$/)
    assert.equal(visitOf({}, now + minute).csrfToken, csrfToken)
    assert.notEqual(visitOf({ id: 't' }).csrfToken, csrfToken)
    assert.ok(keys.verify('csrf', 's', csrfToken))
  })

  it('shows nothing of what only fastify-gs uses', () => {
    const stored = { ...account, passwordHash: '$argon2id$secret', level: 10, sectors: 0 }
    const visit = visitOf({ account: stored, forgotAt: now - day })
    for (const shown of [
      JSON.stringify(visit),
      inspect(visit, { showHidden: true, depth: Infinity, getters: true }),
      inspect(visit.account, { showHidden: true })
    ])
      assert.doesNotMatch(shown, /argon2id|passwordHash|forgotAt|key-for-tests/)
    assert.deepEqual(Object.keys(visit.account), [
      'id',
      'username',
      'email',
      'verified',
      'admin',
      'configured',
      'language',
      'mustChangePassword'
    ])
    const { found: row, ...state } = visitState(visit)
    assert.deepEqual(state, {
      ticket: null,
      fresh: false,
      unsent: false,
      forgotAt: now - day,
      end: now + day,
      formerTokenHash: null,
      formerCause: null
    })
    assert.equal(row?.tokenHash, 'h')
  })
})

describe('the visit of nobody', () => {
  const ticket = newTicket(now)
  const visitAt = (at: number, fresh = false, own = ticket) =>
    anonymousVisit(keys, own, fresh, ticketLimits, { ip: '192.0.2.1', headers: {} }, at)

  it('has mask 0, level 1 and the public id of its session', () => {
    const visit = visitAt(now)
    assert.deepEqual([visit.mask, visit.level, visit.account, visit.ip], [0, 1, null, '192.0.2.1'])
    assert.deepEqual(visit.session, { id: ticket.id, createdAt: now, anonymous: true, remember: false })
    assert.ok(!JSON.stringify(visit).includes(ticket.random))
  })

  it('sends a ticket when it is new, and again when half of its idle time is over', () => {
    assert.equal(visitState(visitAt(now, true)).unsent, true)
    assert.equal(visitState(visitAt(now)).unsent, false)
    const half = now + ticketLimits.idle / 2
    assert.equal(visitState(visitAt(half)).unsent, false)
    const aged = visitState(visitAt(half + 1))
    assert.equal(aged.unsent, true)
    assert.deepEqual(readTicket(keys, signTicket(keys, aged.ticket!), ticketLimits, half + ticketLimits.idle), {
      ...ticket,
      issuedAt: half + 1
    })
  })

  it('keeps its id, its begin and its CSRF token when the ticket is sent again', () => {
    const [first, later] = [visitAt(now), visitAt(now + ticketLimits.idle - 1)]
    assert.deepEqual(later.session, first.session)
    assert.equal(later.csrfToken, first.csrfToken)
    assert.notEqual(visitAt(now, true, newTicket(now)).csrfToken, first.csrfToken)
  })

  it('ends by what comes first, idle time or absolute life', () => {
    assert.equal(visitAt(now + 1).expiresAt, now + ticketLimits.idle)
    assert.equal(visitAt(now + 15 * minute).expiresAt, now + 15 * minute + ticketLimits.idle)
    assert.equal(visitAt(now + day - 1, false, { ...ticket, issuedAt: now + day - minute }).expiresAt, now + day)
    assert.equal(visitState(visitAt(now + 15 * minute)).end, now + day)
  })
})

describe('request.gs', () => {
  it('cannot be half right and never has the password hash, in any request from sign-up to deletion', async (t) => {
    const seen: { url: string; visit: Visit; shown: string }[] = []
    const { member, inbox } = await build(t, {}, (app) => {
      app.addHook('onResponse', async (request) => {
        const shown = inspect(request.gs, { showHidden: true, depth: Infinity, getters: true }) + JSON.stringify(request.gs)
        seen.push({ url: request.url, visit: request.gs, shown })
      })
      app.get('/me', (request) => request.gs)
    })
    const alice = await member('alice')
    await alice.post('/lwsgs/login', { username: 'alice', password })
    const me = await alice.get('/me')
    assert.equal(me.json().account.username, 'alice')
    assert.doesNotMatch(me.body, /argon2|hash/i)
    await alice.post('/lwsgs/change-password', { currentPassword: password, password: 'another four word phrase' })
    await alice.post('/lwsgs/forgot-password', { username: 'alice' })
    await alice.post('/lwsgs/forgot-password/redeem', { token: await inbox.token('alice@mail.test', /Set a new/) })
    await alice.post('/lwsgs/change-email', { email: 'new@mail.test', currentPassword: 'another four word phrase' })
    await alice.post('/lwsgs/change-email/redeem', { token: await inbox.token('new@mail.test', /Confirm/) })
    await alice.post('/lwsgs/change-email/undo', { token: await inbox.token('alice@mail.test', /address .* was changed/) })
    await alice.post('/lwsgs/change-password', { password: 'another four word phrase' })
    await alice.post('/lwsgs/delete-account', { currentPassword: 'another four word phrase' })

    assert.deepEqual(
      seen.map(({ url, visit }) => `${url} ${visit.mask}`),
      [
        '/lwsgs/register 0',
        '/lwsgs/verify-email 5',
        '/lwsgs/login 5',
        '/me 5',
        '/lwsgs/change-password 5',
        '/lwsgs/forgot-password 5',
        '/lwsgs/forgot-password/redeem 13',
        '/lwsgs/change-email 13',
        '/lwsgs/change-email/redeem 13',
        '/lwsgs/change-email/undo 13',
        '/lwsgs/change-password 5',
        '/lwsgs/delete-account 0'
      ]
    )
    for (const { url, visit, shown } of seen) {
      assert.doesNotMatch(shown, /argon2|passwordHash|only-for-tests/, url)
      const nobody = visit.account === null
      assert.deepEqual([visit.mask === 0, visit.level === 1, visit.session.anonymous], [nobody, nobody, nobody], url)
    }
  })
})
