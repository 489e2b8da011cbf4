import assert from 'node:assert/strict'
import { test } from 'node:test'
import { core } from '../texts/core.ts'
import { endings } from '../texts/endings.ts'
import { endNoticeOf, isFarewell, isNotice, nextNotice, sentenceOf as sentence, type Notice } from './notices.ts'

const texts = { ...core, ...endings }
const sentenceOf = (notice: Notice | null, loggedIn: boolean) => sentence(notice, loggedIn, (key) => texts[key])

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
  for (const word of ['loggedin', 'toString', 'constructor', '__proto__', '']) assert.equal(isNotice(word), false, word)
  assert.equal(sentenceOf(null, true), null)
})

test('that somebody is logged out is not said to who is logged in again', () => {
  for (const key of ['loggedout', 'deleted'] as const) {
    assert.ok(sentenceOf(nextNotice(null, key), false))
    assert.equal(sentenceOf(nextNotice(null, key), true), null)
  }
})

test('the end of a session is said in words that fit its cause, as far as there are some', () => {
  for (const cause of ['idle', 'revoked', 'verified', 'password-changed', 'account-locked', 'account-deleted', 'limit'])
    assert.equal(endNoticeOf(cause, texts), `over.${cause}`)
  assert.equal(endNoticeOf('logout', texts), 'loggedout')
  for (const cause of ['unknown', 'absolute', 'toString', '']) assert.equal(endNoticeOf(cause, texts), 'over', cause)
})

test('the end of a session is said as well as the texts allow that have been loaded', () => {
  assert.equal(endNoticeOf('idle', core), 'over')
  assert.equal(endNoticeOf('logout', core), 'loggedout')
})

test('an address cannot have said what only the end of a session says', () => {
  for (const word of ['over.idle', 'over.limit', 'mailed']) assert.equal(isNotice(word), false, word)
})

test('a logout and a deletion are farewells, wherever they happened', () => {
  for (const cause of ['logout', 'account-deleted']) assert.ok(isFarewell(cause))
  for (const cause of ['idle', 'revoked', 'login', 'unknown']) assert.ok(!isFarewell(cause))
})
