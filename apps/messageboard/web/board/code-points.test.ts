import assert from 'node:assert/strict'
import { test } from 'node:test'
import { countCodePoints } from './code-points.ts'

test('countCodePoints counts an emoji once, and damaged text as its parts', () => {
  assert.equal(countCodePoints(''), 0)
  assert.equal(countCodePoints('añb'), 3)
  assert.equal(countCodePoints('😀😀'), 2)
  assert.equal(countCodePoints('\ude00\ud83d'), 2)
})
