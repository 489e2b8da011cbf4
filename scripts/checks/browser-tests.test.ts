import assert from 'node:assert/strict'
import { test } from 'node:test'
import { countReport } from './browser-tests.ts'

const report = (stats: object, errors: object[] = []) =>
  JSON.stringify({ stats: { expected: 0, unexpected: 0, flaky: 0, skipped: 0, ...stats }, errors })

test('counts passed and failed tests, and mentions unstable and skipped ones', () => {
  assert.deepEqual(countReport(report({ expected: 3, flaky: 1, skipped: 2 }), 0, ''), {
    passed: 4,
    failed: 0,
    note: '1 passed only when repeated, 2 skipped'
  })
  assert.deepEqual(countReport(report({ expected: 3, unexpected: 2 }), 1, 'why'), { passed: 3, failed: 2, note: '', output: 'why' })
})

test('a server that does not start is a failure, though no test ran', () => {
  const { passed, failed, output = '' } = countReport(report({}, [{ message: 'port taken' }]), 1, '')
  assert.deepEqual([passed, failed], [0, 1])
  assert.match(output, /port taken/)
})

test('an end without a report, or a bad end after a good report, is a failure', () => {
  assert.equal(countReport('', 1, 'crashed').failed, 1)
  assert.equal(countReport(report({ expected: 3 }), 1, 'teardown failed').failed, 1)
  assert.equal(countReport(report({}), 0, '').failed, 1)
})
