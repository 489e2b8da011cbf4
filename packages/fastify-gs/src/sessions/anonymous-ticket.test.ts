import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createKeyRing, createToken } from '../crypto/tokens.ts'
import { newTicket, readTicket, signTicket, ticketAges } from './anonymous-ticket.ts'

const now = Date.UTC(2026, 0, 1)
const minute = 60_000
const day = 86_400_000
const limits = { idle: 20 * minute, absolute: day }
const oldKey = 'old-key-for-tests-0123456789-abcdefg'
const newKey = 'new-key-for-tests-9876543210-gfedcba'
const keys = createKeyRing([oldKey])

describe('an anonymous ticket', () => {
  it('is read back as it was signed', () => {
    const ticket = newTicket(now)
    assert.match(ticket.random, /^[\w-]{27}$/)
    assert.match(ticket.id, /^[\w-]{16}$/)
    assert.deepEqual([ticket.startedAt, ticket.issuedAt], [now, now])
    assert.deepEqual(readTicket(keys, signTicket(keys, ticket), limits, now), ticket)
    const later = { ...ticket, issuedAt: now + minute }
    assert.deepEqual(readTicket(keys, signTicket(keys, later), limits, now + minute), later)
  })

  it('is another one for each visitor, also in its public id, which tells nothing of the ticket', () => {
    const tickets = Array.from({ length: 1000 }, () => newTicket(now))
    assert.equal(new Set(tickets.map((ticket) => ticket.random)).size, 1000)
    assert.equal(new Set(tickets.map((ticket) => ticket.id)).size, 1000)
    for (const ticket of tickets) assert.ok(!signTicket(keys, ticket).includes(ticket.id))
  })

  it('has a text that a cookie takes as it is, and that no session token can be', () => {
    for (const at of [Date.UTC(2001, 0, 1), now, Date.UTC(2200, 0, 1)]) {
      const text = signTicket(keys, newTicket(at))
      assert.match(text, /^[\w.-]{60,80}$/)
      assert.equal(encodeURIComponent(text), text)
      assert.equal(readTicket(keys, text, limits, at)?.startedAt, at)
    }
  })

  it('ends by idle time since the last signature and by absolute life since the visitor came, to the millisecond', () => {
    const ticket = newTicket(now)
    const at = (time: number, issuedAt = now) => readTicket(keys, signTicket(keys, { ...ticket, issuedAt }), limits, time) !== null
    assert.equal(at(now + limits.idle - 1), true)
    assert.equal(at(now + limits.idle), false)
    assert.equal(at(now + limits.idle + minute - 1, now + minute), true)
    assert.equal(at(now + limits.idle + minute, now + minute), false)
    assert.equal(at(now + day - 1, now + day - 1), true)
    assert.equal(at(now + day, now + day - 1), false)
  })

  it('lives as long as the limits say, also beyond 2^31 ms', () => {
    const long = { idle: 60 * day, absolute: 400 * day }
    const text = signTicket(keys, newTicket(now))
    assert.ok(readTicket(keys, text, long, now + 60 * day - 1) !== null)
    assert.equal(readTicket(keys, text, long, now + 60 * day), null)
  })

  it('is read after the key was replaced until the old key is retired, and then signed with the new one', () => {
    const rotated = createKeyRing([newKey, oldKey])
    const text = signTicket(keys, newTicket(now))
    const ticket = readTicket(rotated, text, limits, now)
    assert.ok(ticket !== null)
    assert.equal(readTicket(createKeyRing([newKey]), text, limits, now), null)
    assert.deepEqual(readTicket(createKeyRing([newKey]), signTicket(rotated, ticket), limits, now), ticket)
  })

  it('is refused when any character is another one, or two tickets are mixed', () => {
    const [text, other] = [signTicket(keys, newTicket(now)), signTicket(keys, newTicket(now))]
    for (let at = 0; at < text.length; at++) {
      for (const character of ['A', 'b', '0', '.', '-'].filter((character) => character !== text[at]))
        assert.equal(readTicket(keys, text.slice(0, at) + character + text.slice(at + 1), limits, now), null, `${at} ${character}`)
    }
    const [a, b] = [text.split('.'), other.split('.')]
    assert.equal(readTicket(keys, [b[0], ...a.slice(1)].join('.'), limits, now), null)
    assert.equal(readTicket(keys, [...a.slice(0, 3), b[3]].join('.'), limits, now), null)
  })

  it('cannot be made by a visitor', () => {
    const { random } = newTicket(now)
    const time = now.toString(36)
    const signed = (purpose: string, body: string, length = 22) => `${body}.${keys.sign(purpose, body, length)}`
    const text = signTicket(keys, newTicket(now))
    const forged = [
      '',
      '.',
      '...',
      random,
      createToken(),
      `${random}.${time}.${time}`,
      `${random}.${time}.${time}.`,
      `${random}.${time}.${time}.${'A'.repeat(22)}`,
      signed('csrf', `${random}.${time}.${time}`),
      signed('verify-email', `${random}.${time}.${time}`),
      signed('ticket', `${random}.${time}.${time}`, 43),
      signed('ticket', `${random}.${time}.${time}`, 21),
      signed('ticket', `${random.slice(1)}.${time}.${time}`),
      signed('ticket', `${random}.${time}`),
      signed('ticket', `${random}.-${time}.${time}`),
      signed('ticket', `${random}.${time}.zzzzzzzzzz`),
      signed('ticket', `${random}.${time.toUpperCase()}.${time}`),
      ` ${text}`,
      `${text}\n`,
      `${text}=`,
      `"${text}"`,
      text.replaceAll('.', '%2e'),
      text.toUpperCase(),
      text.repeat(1000)
    ]
    for (const each of forged) assert.equal(readTicket(keys, each, limits, now), null, JSON.stringify(each.slice(0, 120)))
  })

  it('is to be signed anew when more than half of its idle time is over', () => {
    const ticket = newTicket(now)
    assert.equal(ticketAges(ticket, limits, now), false)
    assert.equal(ticketAges(ticket, limits, now + limits.idle / 2), false)
    assert.equal(ticketAges(ticket, limits, now + limits.idle / 2 + 1), true)
    assert.equal(ticketAges({ ...ticket, issuedAt: now + minute }, limits, now + limits.idle / 2 + 1), false)
  })

  it('remembers from where the visitor came, signed like the rest', () => {
    const ticket = newTicket(now, 'https://other.test/?q=a.b')
    const text = signTicket(keys, ticket)
    assert.match(text, /^[\w.-]{60,400}$/)
    assert.deepEqual(readTicket(keys, text, limits, now), ticket)
    const later = { ...ticket, issuedAt: now + minute }
    assert.deepEqual(readTicket(keys, signTicket(keys, later), limits, now + minute), later)
    const parts = text.split('.')
    const without = signTicket(keys, { ...ticket, referer: null }).split('.')
    const other = Buffer.from('https://evil.test/').toString('base64url')
    for (const forged of [
      [...parts.slice(0, 3), parts[4]],
      [...parts.slice(0, 3), other, parts[4]],
      [...without.slice(0, 3), other, without[3]],
      [...parts.slice(0, 3), '', parts[4]],
      [...parts.slice(0, 4), parts[3], parts[4]]
    ])
      assert.equal(readTicket(keys, forged.join('.'), limits, now), null, forged.join('.'))
    assert.equal(readTicket(keys, without.join('.'), limits, now)?.referer, null, 'one of before there was this part')
    const longest = newTicket(now, `https://other.test/${'p'.repeat(181)}`)
    assert.deepEqual(readTicket(keys, signTicket(keys, longest), limits, now), longest)
  })
})
