import assert from 'node:assert/strict'
import { test } from 'node:test'
import { core } from '../texts/core.ts'
import { nextNotice, sentenceOf as sentence, type Notice } from './notices.ts'

const sentenceOf = (notice: Notice | null, loggedIn: boolean) => sentence(notice, loggedIn, (key) => core[key])

test('a notice that is said again differs from the one before, so that it is announced again', () => {
  const first = nextNotice(null, 'resent')
  const second = nextNotice(first, 'resent')
  assert.match(sentenceOf(first, true)!, /on its way\.$/)
  assert.match(sentenceOf(second, true)!, /on its way\. \(2\)$/)
  assert.match(sentenceOf(nextNotice(second, 'resent'), true)!, /\(3\)$/)
  assert.equal(sentenceOf(nextNotice(second, 'changed'), true), 'Your password is changed.')
  assert.equal(nextNotice(second, null), null)
})

test('what asks for a login is not said to somebody who is logged in', () => {
  for (const key of ['next', 'over', 'over.idle'] as const) {
    assert.match(sentenceOf(nextNotice(null, key), false)!, /log in/)
    assert.equal(sentenceOf(nextNotice(null, key), true), null)
  }
})

test('the confirmation of another account is said to whoever stays logged in', () => {
  assert.match(sentenceOf(nextNotice(null, 'other'), true)!, /other account is confirmed/)
})

test('what is found twice is said once', () => {
  assert.equal(sentenceOf(nextNotice(nextNotice(null, 'next'), 'next'), false), 'Please log in to see that page.')
})

test('what needs no words has none', () => {
  assert.equal(sentenceOf(nextNotice(null, 'loggedin'), true), null)
  assert.equal(sentenceOf(null, true), null)
})
