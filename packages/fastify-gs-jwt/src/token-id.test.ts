import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTokenId, issuedAt } from './token-id.ts'

const at = Date.UTC(2026, 10, 21, 12, 0, 0, 789)
const iat = Math.floor(at / 1000)

test('an id says when it was made, to the millisecond', () => {
  assert.equal(issuedAt({ jti: createTokenId(at), iat }), at)
})

test('no two ids are the same', () => {
  const ids = new Set(Array.from({ length: 10_000 }, () => createTokenId(at)))
  assert.equal(ids.size, 10_000)
  for (const id of ids) assert.match(id, /^[\w-]{24}$/)
})

test('an id of others says no more than the second in which the token says it was issued', () => {
  const ids = [
    undefined,
    '',
    'x',
    '3f0c8a3e-5f0e-4a3d-9a57-0c1f7f7a9c11',
    'A'.repeat(24),
    '_'.repeat(24),
    createTokenId(at + 1000),
    createTokenId(at - 1000)
  ]
  for (const jti of ids) assert.equal(issuedAt({ ...(jti !== undefined && { jti }), iat }), iat * 1000)
})
