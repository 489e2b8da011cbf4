import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createIssueClock } from './issue-clock.ts'

test('a denial counts for all that was issued before it, and for nothing that is issued later', () => {
  const step = fc.record({ elapsed: fc.integer({ min: -2000, max: 2000 }).map((ms) => ms / 2), denies: fc.boolean() })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      let now = 1_000_000
      const clock = createIssueClock(() => now)
      let latestIssue = 0
      let latestDenial = 0
      for (const { elapsed, denies } of steps) {
        now += elapsed
        if (denies) {
          latestDenial = clock.denial()
          assert.ok(latestDenial >= latestIssue)
        } else {
          const at = clock.issue()
          assert.ok(at > latestDenial)
          assert.ok(Number.isSafeInteger(at))
          latestIssue = Math.max(latestIssue, at)
        }
      }
    })
  )
})

test('a clock that was set back far does not keep anybody from logging in', () => {
  let now = 10_000_000
  const clock = createIssueClock(() => now)
  clock.issue()
  const denied = clock.denial()
  now -= 60_000
  assert.equal(clock.issue(), denied + 1)
  now -= 3_000_000
  assert.equal(clock.issue(), now)
  // What was issued before is denied as ever, and whoever has been denied is not given what is denied already.
  assert.ok(clock.denial() > denied)
  assert.equal(clock.issue(denied + 5), denied + 6)
})

test('many tokens in one millisecond do not carry the clock away', () => {
  const clock = createIssueClock(() => 1_000_000)
  for (let count = 0; count < 100_000; count++) assert.equal(clock.issue(), 1_000_000)
})

test('what is issued is later than what it was told to be later than', () => {
  const clock = createIssueClock(() => 1_000_000)
  assert.equal(clock.issue(1_000_500), 1_000_501)
  assert.equal(clock.issue(), 1_000_000)
  assert.equal(clock.denial(), 1_000_501)
  assert.equal(clock.issue(), 1_000_502)
})
