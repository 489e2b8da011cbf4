import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { describeDay, describeExactly, describeTime } from './post-time.ts'

const now = new Date(2026, 2, 30, 14, 5, 30)
const at = (...[day, hour, minute, second = 0]: [number, number, number, number?]) => new Date(2026, 2, day, hour, minute, second)
// Versions of the locale data write a narrow space before the half of the day.
const plain = (text: string) => text.replaceAll(/\s/g, ' ')

describe('describeTime', () => {
  for (const [time, text] of [
    [at(30, 14, 5, 30), 'now'],
    [at(30, 14, 5, 0), 'now'],
    [at(30, 14, 9), 'now'],
    [at(30, 14, 4, 30), '1 min ago'],
    [at(30, 13, 6), '59 min ago'],
    [at(30, 13, 5), '13:05'],
    [at(29, 23, 59), '23:59']
  ] as const) {
    test(`says ${text}`, () => assert.equal(plain(describeTime(time, now.getTime(), 'en-GB')), text))
  }
})

describe('describeDay', () => {
  for (const [time, text] of [
    [at(31, 9, 0), 'Today'],
    [at(30, 0, 0), 'Today'],
    [at(29, 23, 59), 'Yesterday'],
    // Summer time began in between, in many places.
    [at(28, 0, 0), 'Saturday 28 March 2026'],
    [at(1, 12, 0), 'Sunday 1 March 2026']
  ] as const) {
    test(`says ${text}`, () => assert.equal(describeDay(time, now.getTime(), 'en-GB').replace(',', ''), text))
  }
})

test('describeExactly says it to the second', () => {
  assert.match(describeExactly(at(30, 14, 5, 9), 'en-GB'), /30 March 2026.*14:05:09/)
})
