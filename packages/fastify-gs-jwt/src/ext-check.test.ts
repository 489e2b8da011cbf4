import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createExtCheck } from './ext-check.ts'

test('a schema is compiled once, however often the options are given', () => {
  let reads = 0
  const schema = {
    type: 'object',
    get properties() {
      reads += 1
      return { role: { const: 'editor' } }
    }
  }
  assert.equal(createExtCheck({ schema })({ role: 'editor' }), null)
  const first = reads
  assert.ok(first > 0)
  assert.equal(createExtCheck({ schema })({ role: 'reader' }), 'ext.role must be equal to constant.')
  assert.equal(reads, first)
})

test('two schemas do not get into the way of each other', () => {
  const checks = ['editor', 'reader'].map((role) =>
    createExtCheck({ schema: { $id: 'role', type: 'object', properties: { role: { const: role } } } })
  )
  assert.deepEqual(
    checks.map((check) => check({ role: 'reader' })),
    ['ext.role must be equal to constant.', null]
  )
})

test('an ext that is left out is judged like an empty one', () => {
  assert.equal(createExtCheck()(undefined), null)
  assert.equal(createExtCheck({ schema: { type: 'object' } })(undefined), null)
  assert.equal(createExtCheck({ maxBytes: 2 })(undefined), null)
  const check = createExtCheck({ schema: { type: 'object', properties: { role: {} }, required: ['role'] } })
  assert.equal(check(undefined), "ext must have required property 'role'.")
})

test('its bytes are counted, not its characters', () => {
  const check = createExtCheck({ maxBytes: 11 })
  assert.equal(check({ a: '\u20AC' }), null)
  assert.equal(check({ a: '\u20ACx' }), 'ext has 12 bytes of JSON, and 11 is the limit (the option ext.maxBytes).')
})
