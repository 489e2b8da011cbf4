import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { WsDataError } from './errors.ts'
import { composeMembers, memberOf, membersOf, parseMembers } from './session-members.ts'

const none = new Map<string, string>()
const cycle: { self?: unknown } = {}
cycle.self = cycle
const deep: unknown[] = []
for (let level = 0, inner = deep; level < 200_000; level++) inner.push((inner = []))

describe('membersOf()', () => {
  it('gives texts by name, and leaves out what is undefined', () => {
    const data = {
      count: 1,
      list: [1, { a: null }],
      gone: undefined,
      nested: { gone: undefined, b: 'c' },
      bare: Object.assign(Object.create(null), { d: true })
    }
    assert.deepEqual(Object.fromEntries(membersOf(data, none)), {
      count: '1',
      list: '[1,{"a":null}]',
      nested: '{"b":"c"}',
      bare: '{"d":true}'
    })
  })

  for (const [what, value, named] of [
    ['a bigint', 1n, /session\.data\.it is of type bigint/],
    ['a nested bigint', { a: 1n }, /session\.data\.it has a cycle, a bigint/],
    ['a cycle', cycle, /session\.data\.it has a cycle/],
    ['what is too deep', deep, /session\.data\.it has a cycle, a bigint, or is too deep/],
    ['a function', () => 1, /session\.data\.it is of type function/],
    ['a nested function', { a: [{ b() {} }] }, /session\.data\.it\.a\[0\]\.b is of type function/],
    ['a symbol', Symbol('s'), /session\.data\.it is of type symbol/],
    ['NaN', [1, Number.NaN], /session\.data\.it\[1\] is NaN/],
    ['Infinity', Infinity, /session\.data\.it is Infinity/],
    ['undefined in a list', [undefined], /session\.data\.it\[0\] is of type undefined/],
    ['a Date', new Date(0), /session\.data\.it is a Date/],
    ['a Map', { a: new Map() }, /session\.data\.it\.a is a Map/],
    ['a Buffer', Buffer.from('a'), /session\.data\.it is a Buffer/],
    ['a nested __proto__', JSON.parse('{"__proto__":1}'), /session\.data\.it has a member with the name __proto__/]
  ] as const)
    it(`refuses ${what}, by its name`, () => {
      assert.throws(
        () => membersOf({ fine: 1, it: value }, none),
        (error: Error) => error instanceof WsDataError && named.test(error.message)
      )
    })

  it('refuses a member __proto__, and another prototype', () => {
    assert.throws(() => membersOf(JSON.parse('{"__proto__":{}}') as Record<string, unknown>, none), WsDataError)
    const data: Record<string, unknown> = {}
    Reflect.set(data, '__proto__', { admin: true })
    assert.throws(() => membersOf(data, none), WsDataError)
  })
})

describe('memberOf()', () => {
  it('tells what cannot be saved from any text', () => {
    for (const value of [1n, cycle, () => 1]) assert.equal(memberOf({ value }, 'value'), '')
    assert.equal(memberOf({ value: 'a' }, 'value'), '"a"')
    assert.equal(memberOf({ value: undefined }, 'value'), undefined)
    assert.equal(memberOf({}, 'toString'), undefined)
  })
})

describe('parseMembers()', () => {
  it('reads what composeMembers() writes', () => {
    const members = new Map([
      ['a"b', '1'],
      ['', '{"x":[2]}'],
      ['constructor', 'null']
    ])
    assert.deepEqual(parseMembers(composeMembers(members, 100)), members)
  })

  it('does not read __proto__', () => assert.deepEqual([...parseMembers('{"__proto__":{"a":1},"b":2}').keys()], ['b']))

  for (const text of ['[]', 'null', '5', '"a"']) it(`refuses ${text}`, () => assert.throws(() => parseMembers(text), /no object/))
})

describe('composeMembers()', () => {
  it('counts bytes of UTF-8', () => {
    const members = new Map([['a', '"é"']])
    assert.equal(composeMembers(members, 10), '{"a":"é"}')
    assert.throws(
      () => composeMembers(members, 9),
      (error: Error) => error instanceof WsDataError && /10 bytes .* options\.maxData allows 9/.test(error.message)
    )
  })
})
