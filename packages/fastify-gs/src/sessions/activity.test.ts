import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createActivity } from './activity.ts'

const minute = 60_000
const home = '192.0.2.1'
const use = (at: number, ip = home) => ({ at, ip })

describe('activity', () => {
  it('notes a use when the last recorded one is as old as the interval, and the latest of several', () => {
    const activity = createActivity(minute)
    activity.note('a', 0, use(minute - 1))
    assert.deepEqual(activity.take(), new Map())
    activity.note('a', 0, use(minute))
    activity.note('b', 0, use(minute))
    activity.note('a', 0, use(minute + 5, '198.51.100.2'))
    assert.deepEqual(
      activity.take(),
      new Map([
        ['a', use(minute + 5, '198.51.100.2')],
        ['b', use(minute)]
      ])
    )
  })

  it('gives each use away once', () => {
    const activity = createActivity(minute)
    activity.note('a', 0, use(minute))
    assert.equal(activity.take().size, 1)
    assert.equal(activity.take().size, 0)
  })

  it('knows the latest use while it waits, while it is being written, and once it is recorded', () => {
    const activity = createActivity(minute)
    const away = '198.51.100.2'
    const known = (recorded: number) => {
      const { at, ip } = activity.latestUse('a', use(recorded))
      assert.equal(activity.latest('a', recorded), at)
      return [at, ip]
    }
    assert.deepEqual(known(7), [7, home])
    activity.note('a', 7, use(minute + 7, away))
    assert.deepEqual(known(7), [minute + 7, away])
    assert.equal(activity.latest('b', 7), 7)
    activity.take()
    assert.deepEqual(known(7), [minute + 7, away])
    // Another process has written a later one.
    assert.deepEqual(known(2 * minute), [2 * minute, home])
    activity.take()
    assert.deepEqual(known(minute + 7), [minute + 7, home])
  })

  it('does not turn back with the clock', () => {
    const activity = createActivity(minute)
    activity.note('a', 0, use(10 * minute))
    activity.note('a', 0, use(5 * minute, '198.51.100.2'))
    assert.equal(activity.latest('a', 0), 10 * minute)
    assert.deepEqual(activity.take(), new Map([['a', use(10 * minute, '198.51.100.2')]]))
  })

  it('holds no more than the sessions in use since the last two writes', () => {
    const activity = createActivity(minute)
    for (let n = 0; n < 1000; n++) activity.note(`s${n}`, 0, use(minute))
    const taken = activity.take()
    activity.note('a', 0, use(2 * minute))
    assert.equal(taken.size, 1000)
    activity.take()
    assert.equal(activity.latest('s1', 0), 0)
    assert.equal(activity.latest('a', 0), 2 * minute)
  })
})
