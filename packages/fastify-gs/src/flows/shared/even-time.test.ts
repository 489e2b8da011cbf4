import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { evenTime } from './even-time.ts'

describe('evenTime', () => {
  it('does not end before its time, however quick the work is, and passes its result or failure on', async () => {
    const start = performance.now()
    assert.equal(await evenTime(async () => 'done'), 'done')
    assert.ok(performance.now() - start >= 60)
    await assert.rejects(
      evenTime(() => Promise.reject(new Error('no'))),
      /^Error: no$/
    )
  })
})
