import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseJwtSession } from './jwt-session.ts'

const said = {
  sub: 'ann',
  csrf: '0123456789abcdef',
  expiresAt: 1_795_000_000_000,
  expiresIn: 60_000,
  lifetime: 1_200_000,
  renewUntil: null
}

test('what the server says of a login is taken', () => {
  const { expiresIn, ...session } = said
  assert.deepEqual(parseJwtSession(said), { session, expiresIn })
  assert.deepEqual(parseJwtSession({ ...said, renewUntil: 1_795_000_100_000, more: 1 })?.session?.renewUntil, 1_795_000_100_000)
  assert.deepEqual(parseJwtSession({ sub: null, csrf: null, expiresAt: null, expiresIn: null, lifetime: null, renewUntil: null }), {
    session: null,
    expiresIn: 0
  })
})

test('what makes no sense is nothing', () => {
  const wrong: readonly unknown[] = [
    undefined,
    null,
    'ann',
    {},
    { ...said, sub: 1 },
    { ...said, sub: undefined },
    { ...said, csrf: '"><script>' },
    { ...said, csrf: null },
    { ...said, expiresIn: '60000' },
    { ...said, expiresIn: -1 },
    { ...said, expiresIn: null },
    { ...said, expiresAt: Number.NaN },
    { ...said, lifetime: Number.POSITIVE_INFINITY },
    { ...said, renewUntil: 'tomorrow' }
  ]
  for (const given of wrong) assert.equal(parseJwtSession(given), null, JSON.stringify(given))
})
