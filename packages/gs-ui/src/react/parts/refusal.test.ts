import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { findEmpty, refusalOf, withoutError } from './refusal.ts'

const failure = { code: 'GS_TOO_MANY_ATTEMPTS', message: 'Too many attempts.', field: 'password', status: 429, retryAfter: 42 }

describe('refusalOf', () => {
  test('stands at the field, and still says when to try again', () => {
    assert.deepEqual(
      refusalOf(failure, (name) => name === 'password'),
      {
        errors: { password: 'Too many attempts.' },
        general: null,
        retryAfter: 42
      }
    )
  })
  test('stands at the form when the form has no such field, or the refusal names none', () => {
    const general = { errors: {}, general: 'Too many attempts.', retryAfter: 42 }
    assert.deepEqual(
      refusalOf(failure, () => false),
      general
    )
    assert.deepEqual(
      refusalOf({ code: 'GS_BUSY', message: 'Busy.' }, () => true),
      { errors: {}, general: 'Busy.', retryAfter: null }
    )
  })
})

test('withoutError forgets what was said about a field that is changed, but not the waiting time', () => {
  const refusal = refusalOf(failure, () => true)
  assert.deepEqual(withoutError(refusal, 'password'), { errors: {}, general: null, retryAfter: 42 })
  assert.equal(withoutError(refusal, 'username'), refusal)
})

test('findEmpty takes white space for nothing, except in a password', () => {
  const required = { username: 'Name?', password: 'Password?' }
  assert.deepEqual(
    findEmpty(required, () => ''),
    required
  )
  assert.deepEqual(
    findEmpty(required, () => ' \t '),
    { username: 'Name?' }
  )
  assert.deepEqual(
    findEmpty(required, () => 'a'),
    {}
  )
})
