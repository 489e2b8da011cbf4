import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isSameName } from './user-name.ts'

test('isSameName compares letters, however they are composed, and nothing else', () => {
  assert.ok(isSameName('alice', 'alice'))
  assert.ok(isSameName(' Zoe\u0308 ', 'Zo\u00eb'))
  assert.ok(isSameName('Zo\u00eb', 'Zoe\u0308'))
  assert.ok(!isSameName('Zoe', 'Zo\u00eb'))
  assert.ok(!isSameName('Alice', 'alice'))
  assert.ok(!isSameName('', 'alice'))
})
