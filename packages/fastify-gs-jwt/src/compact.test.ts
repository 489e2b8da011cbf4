import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { maxDepth, parseObject, readCompact } from './compact.ts'

const parse = (text: string | Uint8Array) => parseObject(Buffer.from(text as string))

describe('an object that all readers understand in the same way', () => {
  const texts = [
    '{}',
    ' {\r\n "a" : 1 }\t',
    '{"b":1,"a":{"b":2},"c":[{"b":3},{"b":4}]}',
    '{"2":1,"1":2}',
    '{"a":1.50,"b":-0,"c":1e2}',
    '{"a":"\\u0061","\\u0062":"\\/"}',
    '{"a":"\\ud83d\\ude00","b":"\u{1F600}"}',
    '{"a":9007199254740991,"b":-9007199254740991,"c":9007199254740994, "d":1e300,"e":0.1000000000000000055}',
    '{"constructor":1,"toString":2,"hasOwnProperty":3}',
    '{"a":"__proto__","__proto":1}',
    '{"a":"\\"b\\":1,\\"b\\":2"}'
  ]
  for (const text of texts) test(text, () => assert.deepEqual(parse(text), JSON.parse(text)))
})

describe('no object, or one that readers may understand differently', () => {
  const texts = [
    '',
    '1',
    'null',
    '[]',
    '{',
    '{}{}',
    '{"a":1,}',
    '{"a":1/**/}',
    "{'a':1}",
    '\uFEFF{}',
    '{"a":1,"a":1}',
    '{"a":1,"\\u0061":2}',
    '{"a":{"b":1,"b":2}}',
    '{"a":[[{"b":1,"b":2}]]}',
    '{"":1,"":2}',
    '{"__proto__":1}',
    '{"\\u005f_proto__":1}',
    '{"a":{"__proto__":null}}',
    '{"a":1e400}',
    '{"a":[-1e999]}',
    '{"a":9007199254740993}',
    '{"a":[-12345678901234567890]}',
    '{"a":"\\ud800"}',
    '{"\\udfff":1}',
    '{"a":NaN}'
  ]
  for (const text of texts) test(JSON.stringify(text), () => assert.equal(parse(text), null))

  test('bytes that are not UTF-8', () => {
    for (const bytes of [[0xff], [0xc0, 0xae], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82]]) {
      assert.equal(parse(Buffer.concat([Buffer.from('{"a":"'), Buffer.from(bytes), Buffer.from('"}')])), null)
    }
  })

  test('more levels than allowed', () => {
    for (const [open, close] of [
      ['{"a":', '}'],
      ['[', ']']
    ] as const) {
      const nested = (levels: number) => `{"a":${open.repeat(levels)}1${close.repeat(levels)}}`
      assert.notEqual(parse(nested(maxDepth - 1)), null)
      assert.equal(parse(nested(maxDepth)), null)
      assert.equal(parse(nested(1_000_000)), null)
    }
  })
})

test('whatever JSON can write is read as it was, except for what is refused by name', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue({ maxDepth: 8 })), (value) => {
      const text = JSON.stringify(value)
      const read = parse(text)
      if (text.includes('"__proto__":')) assert.equal(read, null)
      else assert.deepEqual(read, JSON.parse(text))
    })
  )
})

test('any bytes are an object or none, and nothing is thrown', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      const read = parseObject(bytes)
      assert.ok(read === null || typeof read === 'object')
    })
  )
})

test('each segment has one spelling: that in which its bytes are written', () => {
  const header = Buffer.from('{"alg":"ES256"}').toString('base64url')
  const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  const segment = fc.oneof(
    fc.string({ unit: fc.constantFrom(...letters), maxLength: 9 }),
    fc.string({ unit: fc.constantFrom(...letters, '=', '+', '/', ' ', '\n'), maxLength: 9 }),
    fc.uint8Array({ minLength: 1, maxLength: 9 }).map((bytes) => Buffer.from(bytes).toString('base64url'))
  )
  let right = 0
  fc.assert(
    fc.property(segment, (text) => {
      const canonical = text !== '' && Buffer.from(text, 'base64url').toString('base64url') === text
      if (canonical) right += 1
      assert.deepEqual(readCompact(`${header}.${text}.AA`, 4096), canonical ? { alg: 'ES256' } : 'malformed')
      assert.deepEqual(readCompact(`${header}.AA.${text}`, 4096), canonical ? { alg: 'ES256' } : 'malformed')
    }),
    { numRuns: 3000 }
  )
  assert.ok(right > 500)
})

test('of a header only alg, kid and typ are taken over', () => {
  const header = Buffer.from('{"kid":"k","alg":"ES256","typ":"JWT","x":1,"hasOwnProperty":2}').toString('base64url')
  assert.deepEqual(readCompact(`${header}.AA.AA`, 4096), { alg: 'ES256', kid: 'k', typ: 'JWT' })
})

test('a text is too large from one character beyond the limit on, whatever it is', () => {
  assert.equal(readCompact('.'.repeat(65), 64), 'too-large')
  assert.equal(readCompact('.'.repeat(64), 64), 'malformed')
})
