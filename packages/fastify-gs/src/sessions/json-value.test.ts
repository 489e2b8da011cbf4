import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { decodeObject, encodeObject } from './json-value.ts'

const cycle: Record<string, unknown> = { inner: [] }
;(cycle['inner'] as unknown[]).push(cycle)
const nested = (levels: number) => JSON.parse(`${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`) as object

describe('what the data of a session can hold', () => {
  const refused: [name: string, value: unknown, message: RegExp][] = [
    ['undefined', { cart: [{ price: undefined }] }, /cart\[0\]\.price is undefined/],
    ['a hole of an array', { list: [1, , 3] }, /list\[1\] is undefined/], // oxlint-disable-line no-sparse-arrays
    ['NaN', { price: Number.NaN }, /price is NaN/],
    ['infinity', { price: Number.POSITIVE_INFINITY }, /price is Infinity/],
    ['a date', { at: new Date(0) }, /at is an instance of Date/],
    ['a map', { index: new Map() }, /index is an instance of Map/],
    [
      'a class',
      {
        it: new (class Cart {
          readonly total = 1
        })()
      },
      /it is an instance of Cart/
    ],
    ['bytes', { it: new Uint8Array(2) }, /it is an instance of Uint8Array/],
    ['a function', { sum: () => 1 }, /sum is a function/],
    ['a method toJSON', { toJSON: () => 1 }, /toJSON is a function/],
    ['a bigint', { id: 1n }, /id is a bigint/],
    ['a symbol', { id: Symbol('x') }, /id is a symbol/],
    ['a symbol as key', { a: { [Symbol('x')]: 1 } }, /a is an object with a symbol as key/],
    ['a cycle', cycle, /inner\[0\] is a part of itself/],
    ['a key __proto__', JSON.parse('{"a":{"__proto__":{"admin":true}}}'), /a\.__proto__ is a key with a meaning of its own/],
    ['what is deeper than 100 levels', nested(101), /is more than 100 levels deep/],
    ['an array', [], /must be an object/],
    ['null', null, /must be an object/],
    ['a text', 'text', /must be an object/],
    ['a date at the top', new Date(0), /must be an object/]
  ]
  for (const [name, value, message] of refused)
    it(`refuses ${name}`, () => assert.throws(() => encodeObject(value), { name: 'TypeError', message }))

  it('takes the same object at two places, and one without prototype', () => {
    const shared = { a: 1 }
    assert.equal(encodeObject({ one: shared, two: [shared] }), '{"one":{"a":1},"two":[{"a":1}]}')
    assert.equal(encodeObject(Object.assign(Object.create(null) as object, { a: nested(99) })).slice(0, 6), '{"a":{')
  })

  it('gives back all that JSON can hold, frozen in all its depth', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        fc.pre(!JSON.stringify(value).includes('__proto__'))
        // JSON knows no -0.
        assert.deepEqual(decodeObject(encodeObject(value)), JSON.parse(JSON.stringify(value)))
      })
    )
    const read = decodeObject(encodeObject({ cart: [{ price: 1 }] })) as { cart: { price: number }[] }
    assert.throws(() => (read.cart[0]!.price = 2), TypeError)
    assert.throws(() => read.cart.push({ price: 3 }), TypeError)
  })
})
