import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { runUnitTests } from './unit-tests.ts'

const passing = "require('node:test').test('passes', () => console.log('said while passing'))"
const failing = "require('node:test').test('fails', () => require('node:assert').equal(1, 2, 'one is not two'))"
const skipped = "require('node:test').test('is skipped', { skip: true }, () => {})"
const crashing = "throw new Error('broken at the top')"
const dying = `${passing}; require('node:test').test('dies', () => process.kill(process.pid, 'SIGKILL'))`

test('counts what passes and keeps skipped tests out of it', async (t) => {
  const outcome = await run(t, { 'a.test.cjs': passing, 'b.test.cjs': `${passing}; ${skipped}` })
  assert.deepEqual(outcome, { passed: 2, failed: 0, note: '1 skipped' })
})

test('shows a failure in full, and nothing of what passed', async (t) => {
  const { passed, failed, output = '' } = await run(t, { 'a.test.cjs': passing, 'b.test.cjs': failing })
  assert.deepEqual([passed, failed], [1, 1])
  assert.match(output, /one is not two/)
  assert.match(output, /b\.test\.cjs:1/)
  assert.doesNotMatch(output, /✔ passes/)
})

test('counts a file that breaks before its first test', async (t) => {
  const { passed, failed, output = '' } = await run(t, { 'a.test.cjs': passing, 'b.test.cjs': crashing })
  assert.deepEqual([passed, failed], [1, 1])
  assert.match(output, /broken at the top/)
})

test('counts a file whose process dies', async (t) => {
  const { failed } = await run(t, { 'a.test.cjs': dying })
  assert.equal(failed, 1)
})

test('does not count a file without tests as a passed test', async (t) => {
  const { passed, failed, output = '' } = await run(t, { 'a.test.cjs': passing, 'b.test.cjs': '' })
  assert.deepEqual([passed, failed], [1, 1])
  assert.match(output, /b\.test\.cjs holds no test/)
})

test('a run that never comes to a count has failed', async (t) => {
  const { passed, failed } = await run(t, {}, ['missing.test.cjs'])
  assert.deepEqual([passed, failed], [0, 1])
})

function run(t: TestContext, files: Record<string, string>, names = Object.keys(files)) {
  const cwd = mkdtempSync(join(tmpdir(), 'unit-tests-'))
  t.after(() => rmSync(cwd, { recursive: true }))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(cwd, name), text)
  return runUnitTests(names, { cwd, report: join(cwd, 'report') })
}
