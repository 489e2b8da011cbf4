import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { runChild } from './run-child.ts'
import { root } from './setup/root.mjs'

const run = (...args: string[]) => runChild([join(root, 'scripts', 'run.mjs'), ...args])

test('names the tasks when it is asked for one that does not exist', async () => {
  for (const args of [[], ['nonsense'], ['../run']]) {
    const { code, output } = await run(...args)
    assert.equal(code, 1)
    assert.match(output, /bench \| build \| format \| gs \| plus-one \| start \| test/)
  }
})

test('a test run that chooses no step ends with a line that says it failed', async () => {
  const { code, output } = await run('test', 'nonsense')
  assert.equal(code, 1)
  assert.match(output, /There is no step "nonsense": npm test -- format \| lint/)
  assert.equal(output.trimEnd().split('\n').at(-1), '0 passed, 1 failed')
})

test('the command line gets its arguments and gives its exit code', async () => {
  const help = await run('gs', 'hash-password', '--help')
  assert.equal(help.code, 0)
  assert.match(help.output, /^Usage: gs hash-password /m)
  assert.equal((await run('gs', 'nonsense')).code, 2)
})

test('a benchmark that does not exist is refused', async () => {
  const { code, output } = await run('bench', 'nonsense')
  assert.equal(code, 1)
  assert.match(output, /There is no benchmark "nonsense"/)
})
