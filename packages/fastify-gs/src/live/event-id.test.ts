import assert from 'node:assert/strict'
import { randomBytes, randomInt } from 'node:crypto'
import { describe, it } from 'node:test'
import { createKeyRing } from '../crypto/tokens.ts'
import { accountVisit } from '../sessions/visit.ts'
import { endedId, eventIdOf, isNews, readEventId, toldOf, withNews, type Told } from './event-id.ts'

const keys = createKeyRing(['only-for-tests-0123456789-abcdefghij'])
const state = { verified: true, mask: 5, level: 10, email: 'abcdefgh', session: 'ABCDEFG_' }
const told = (upTo: number, ...beyond: number[]): Told => ({ upTo, beyond, ...state })

const visitOf = (id: string, email: string | null) =>
  accountVisit(
    keys,
    {
      id,
      tokenHash: 'h',
      former: false,
      createdAt: 0,
      lastActiveAt: 0,
      expiresAt: 1e9,
      remember: false,
      forgotAt: null,
      account: {
        id: 'a',
        username: 'alice',
        email,
        verified: true,
        admin: false,
        configured: false,
        language: null,
        mustChangePassword: false
      },
      level: 10,
      sectors: 0x8000_0000,
      tokenAt: 0,
      tokenUnused: false,
      referer: null
    },
    { idle: 1e9, absolute: 1e9, remembered: 1e9 },
    { ip: '192.0.2.1', headers: {} },
    1
  )

describe('the id of an event', () => {
  it('says what was told, in at most 100 characters', () => {
    const largest = Number.MAX_SAFE_INTEGER
    const all = [
      told(0),
      told(7, 9),
      { ...told(7, 9, 10, 11, 12), verified: false, mask: 0xffff_ffff, level: 125 },
      told(0, largest - 3, largest - 2, largest - 1, largest),
      { ...toldOf(visitOf('0123456789abcdef', 'alice@mail.test')), upTo: 1, beyond: [] }
    ]
    for (const one of all) {
      const id = eventIdOf(one)
      assert.deepEqual(readEventId(id), one)
      assert.ok(id.length <= 100)
      assert.match(id, /^[\w.-]+$/)
    }
  })

  it('is one of the session and of its address, and shows neither', () => {
    const own = toldOf(visitOf('0123456789abcdef', 'alice@mail.test'))
    assert.deepEqual(own, { verified: true, mask: 0x8000_0005, level: 10, email: own.email, session: '01234567' })
    assert.notEqual(toldOf(visitOf('0123456789abcdef', 'alice@other.test')).email, own.email)
    assert.notEqual(toldOf(visitOf('0123456789abcdef', null)).email, own.email)
    assert.notEqual(toldOf(visitOf('another456789abc', 'alice@mail.test')).email, own.email)
  })

  it('is none when it was not made here', () => {
    const good = eventIdOf(told(7, 9))
    assert.ok(readEventId(good))
    const bad = [
      '',
      endedId,
      '7',
      ` ${good}`,
      `${good}\n`,
      good.replace('1.', '2.'),
      good.replace('7-2', '7-0'),
      good.replace('7-2', '7-2-1-1-1-1'),
      good.replace('7-2', 'zzzzzzzzzzz'),
      good.replace('7-2', '2gosa7pa2gv-1'),
      good.replace('7-2', '-7'),
      good.replace('.1.', '.2.'),
      good.toUpperCase(),
      good.repeat(2),
      'x'.repeat(100_000)
    ]
    for (const text of bad) assert.equal(readEventId(text), null, text.slice(0, 100))
  })

  it('can be anything: what is read is what it would be made of', () => {
    const good = eventIdOf(told(1234, 1240, 1300))
    let readable = 0
    for (let n = 0; n < 20_000; n++) {
      const bytes = Buffer.from(good)
      for (let change = randomInt(1, 4); change > 0; change--) bytes[randomInt(bytes.length)] = randomBytes(1)[0]!
      const read = readEventId(bytes.toString('latin1'))
      if (read === null) continue
      readable++
      assert.deepEqual(readEventId(eventIdOf(read)), read)
      assert.deepEqual(
        [...read.beyond].sort((a, b) => a - b),
        read.beyond
      )
      assert.ok(read.upTo >= 0 && Number.isSafeInteger(read.beyond.at(-1) ?? read.upTo))
    }
    assert.ok(readable > 0)
  })
})

describe('what was told', () => {
  it('are all entries once, also those that appear behind later ones', () => {
    let now = told(10)
    const heard = [12, 11, 12, 10, 15, 13, 11, 14, 20, 16, 15].filter((id) => {
      const news = isNews(now, id)
      if (news) now = withNews(now, id)
      return news
    })
    assert.deepEqual(heard, [12, 11, 15, 13, 14, 20, 16])
    assert.deepEqual([now.upTo, now.beyond], [13, [14, 15, 16, 20]])
  })
})
