import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { blankComments, parseLwswsJson, type LwswsNode } from './lwsws-json.ts'

interface Piece {
  readonly kind: 'string' | 'comment' | 'other'
  readonly text: string
}

const piece: fc.Arbitrary<Piece> = fc.oneof(
  // The letters make # and what it could be confused with frequent.
  fc.string({ unit: fc.oneof(fc.constantFrom('#', '"', '\\', '\n', ' '), fc.string({ unit: 'grapheme', maxLength: 1 })) }).map((text) => ({
    kind: 'string' as const,
    text: JSON.stringify(text)
  })),
  fc
    .string({ unit: fc.oneof(fc.constantFrom('#', '"', '\\', '{'), fc.string({ unit: 'grapheme', maxLength: 1 })) })
    .map((text) => ({ kind: 'comment' as const, text: `#${text.replaceAll('\n', '')}` })),
  fc.constantFrom('{', '}', '[', ']', ':', ',', '12', 'true', ' ', '\t', '\r\n', '\n').map((text) => ({ kind: 'other' as const, text }))
)

function toValue(node: LwswsNode): unknown {
  switch (node.type) {
    case 'object':
      return Object.fromEntries(node.members.map(({ key, value }) => [key, toValue(value)]))
    case 'array':
      return node.items.map(toValue)
    case 'string':
      return node.value
    default:
      return JSON.parse(node.raw)
  }
}

describe('blankComments', () => {
  it('keeps every offset, every string and everything else, and blanks every comment', () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        // A comment takes all that follows in its line.
        const separated = pieces.flatMap((one) => (one.kind === 'comment' ? [one, { kind: 'other' as const, text: '\n' }] : [one]))
        const blanked = blankComments(separated.map(({ text }) => text).join(''))
        const expected = separated.map(({ kind, text }) => (kind === 'comment' ? ' '.repeat(text.length) : text)).join('')
        assert.equal(blanked, expected)
      }),
      { numRuns: 1000 }
    )
  })

  it('ends a text without closing quote with its line', () => {
    assert.equal(blankComments('"a # b\n# c\n"d"'), '"a # b\n   \n"d"')
  })
})

describe('parseLwswsJson', () => {
  it('gives the values of the JSON, whatever comments stand at the ends of its lines', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.array(fc.string().map((text) => text.replaceAll('\n', '"'))), (value, comments) => {
        const lines = JSON.stringify(value, null, 1).split('\n')
        const text = lines.map((line, index) => `${line} # ${comments[index % comments.length] ?? ''}`).join('\n')
        const parsed = parseLwswsJson('conf', text)
        assert.ok('root' in parsed)
        assert.deepEqual(toValue(parsed.root), JSON.parse(JSON.stringify(value)))
      })
    )
  })

  it('keeps every member of a repeated key, with its line', () => {
    const parsed = parseLwswsJson('conf', '\uFEFF{ # one\r\n "origin": "a",\r\n "origin":\r\n "b" }')
    assert.ok('root' in parsed && parsed.root.type === 'object')
    assert.deepEqual(
      parsed.root.members.map(({ key, line, value }) => [key, line, value.line, toValue(value)]),
      [
        ['origin', 2, 2, 'a'],
        ['origin', 3, 4, 'b']
      ]
    )
  })

  for (const [text, line, wrong] of [
    ['{\n "a": "b",\n}', 3, /remove a comma that has nothing after it/],
    ['{\n "a": ["b",] }', 2, /remove a comma that has nothing after it/],
    ['{\n "a": yes }', 2, /write texts in double quotes/],
    ['{ "a": 1\n "b": 2 }', 2, /a comma is missing/],
    ['{ "a" 1 }', 1, /a colon between key and value is missing/],
    ['{ "a": 1\n', 2, /a closing brace } is missing/],
    ['{ "a": [1\n', 2, /a closing bracket \] is missing/],
    ['{}\n{}', 2, /follows the end/],
    ['{\n // no\n }', 2, /begin comments with #/],
    ['{\n /* no\n', 2, /begin comments with #/],
    ['{ "a":\n "b\n }', 2, /no closing quote/],
    ['{ "a": "\\q" }', 1, /backslash/],
    ['{ "a": "\\u12" }', 1, /four hexadecimal digits/],
    ['{ "a": "\t" }', 1, /control character/],
    ['{ a: 1 }', 1, /double quotes/],
    ['', 1, /a value is missing here/],
    ['['.repeat(100_000), 1, /nested too deeply/]
  ] as const) {
    it(`says where ${JSON.stringify(text.slice(0, 20))} is wrong, and the cure`, () => {
      const parsed = parseLwswsJson('conf', text)
      assert.ok('wrong' in parsed)
      assert.match(parsed.wrong, wrong)
      assert.equal(parsed.line, line)
    })
  }
})
