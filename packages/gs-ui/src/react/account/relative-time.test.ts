import assert from 'node:assert/strict'
import { test } from 'node:test'
import { relativeTime } from './relative-time.ts'

const now = Date.UTC(2026, 10, 21, 12)
const minute = 60_000
const hour = 60 * minute
const day = 24 * hour

test('relativeTime says how long ago it was, in the greatest unit of which one has passed', () => {
  const cases: [passed: number, english: string][] = [
    [0, 'now'],
    [minute - 1, 'now'],
    [minute, '1 minute ago'],
    [hour - 1, '59 minutes ago'],
    [hour, '1 hour ago'],
    [day - 1, '23 hours ago'],
    [day, 'yesterday'],
    [12 * day, '12 days ago'],
    [70 * day, '2 months ago'],
    [800 * day, '2 years ago']
  ]
  for (const [passed, english] of cases) assert.equal(relativeTime(now - passed, now, 'en'), english)
})

test('relativeTime speaks the language of the page', () => {
  assert.equal(relativeTime(now - 5 * minute, now, 'de'), 'vor 5 Minuten')
  assert.equal(relativeTime(now - day, now, 'fr'), 'hier')
})

test('relativeTime takes any tag that a page may have', () => {
  assert.equal(relativeTime(now - 5 * minute, now, 'de_CH'), 'vor 5 Minuten')
  assert.match(relativeTime(now - 5 * minute, now, 'x-test'), /5/)
})

test('relativeTime knows no future, because clocks differ', () => {
  assert.equal(relativeTime(now + hour, now, 'en'), 'now')
})
