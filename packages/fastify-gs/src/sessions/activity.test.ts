import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createActivity } from './activity.ts'

const minute = 60_000

describe('activity', () => {
  it('notes a use when the last recorded one is as old as the interval, and the latest of several', () => {
    const activity = createActivity(minute)
    activity.note('a', 0, minute - 1)
    assert.deepEqual(activity.take(), new Map())
    activity.note('a', 0, minute)
    activity.note('b', 0, minute)
    activity.note('a', 0, minute + 5)
    assert.deepEqual(
      activity.take(),
      new Map([
        ['a', minute + 5],
        ['b', minute]
      ])
    )
  })

  it('gives each use away once', () => {
    const activity = createActivity(minute)
    activity.note('a', 0, minute)
    assert.equal(activity.take().size, 1)
    assert.equal(activity.take().size, 0)
  })

  it('knows the latest use while it waits, while it is being written, and once it is recorded', () => {
    const activity = createActivity(minute)
    assert.equal(activity.latest('a', 7), 7)
    activity.note('a', 7, minute + 7)
    assert.equal(activity.latest('a', 7), minute + 7)
    assert.equal(activity.latest('b', 7), 7)
    activity.take()
    assert.equal(activity.latest('a', 7), minute + 7)
    activity.take()
    assert.equal(activity.latest('a', 2 * minute), 2 * minute)
  })

  it('does not turn back with the clock', () => {
    const activity = createActivity(minute)
    activity.note('a', 0, 10 * minute)
    activity.note('a', 0, 5 * minute)
    assert.equal(activity.latest('a', 0), 10 * minute)
    assert.deepEqual(activity.take(), new Map([['a', 10 * minute]]))
  })

  it('holds no more than the sessions in use since the last two writes', () => {
    const activity = createActivity(minute)
    for (let n = 0; n < 1000; n++) activity.note(`s${n}`, 0, minute)
    const taken = activity.take()
    activity.note('a', 0, 2 * minute)
    assert.equal(taken.size, 1000)
    activity.take()
    assert.equal(activity.latest('s1', 0), 0)
    assert.equal(activity.latest('a', 0), 2 * minute)
  })
})
