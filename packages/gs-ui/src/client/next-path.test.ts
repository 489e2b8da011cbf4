import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { nextAddress } from './next-path.ts'

const page = 'https://site.test/lwsgs/'
const pageWith = (next: string) => `${page}?next=${encodeURIComponent(next)}`

describe('nextAddress', () => {
  for (const [next, target] of [
    ['/', 'https://site.test/'],
    ['/lwsgs/needauth/', 'https://site.test/lwsgs/needauth/'],
    ['/a/b?c=d&e=%2F#f', 'https://site.test/a/b?c=d&e=%2F#f'],
    ['/a/../b', 'https://site.test/b'],
    ['/search?q=https://elsewhere.test', 'https://site.test/search?q=https://elsewhere.test'],
    ['/ü ', 'https://site.test/%C3%BC']
  ] as const) {
    test(`goes to ${JSON.stringify(next)}`, () => assert.equal(nextAddress(pageWith(next)), target))
  }

  for (const next of [
    '',
    'relative',
    '?query',
    '//evil.test',
    '///evil.test',
    '/\\evil.test',
    '\\\\evil.test',
    '/\t/evil.test',
    '/\n/evil.test',
    '\t//evil.test',
    ' /x',
    '/.//evil.test',
    '/a/..//evil.test',
    'https:evil.test',
    'https:/evil.test',
    'https://evil.test',
    'https://site.test@evil.test',
    'https://site.test.evil.test',
    'http://site.test/',
    'javascript:alert(1)',
    'JaVaScript:alert(1)',
    'java\tscript:alert(1)',
    'data:text/html,x',
    'blob:https://site.test/x',
    'http://[::1',
    '/x\r\nSet-Cookie: a=b',
    '/\u0000',
    `/${'x'.repeat(3000)}`
  ]) {
    test(`refuses ${JSON.stringify(next).slice(0, 40)}`, () => assert.equal(nextAddress(pageWith(next)), null))
  }

  test('refuses two of them', () => assert.equal(nextAddress(`${page}?next=/a&next=/b`), null))
  test('has nothing to say without it', () => assert.equal(nextAddress(page), null))
  test('refuses pages that have no origin', () => assert.equal(nextAddress('file:///tmp/page.html?next=/x'), null))
  test('survives damaged percent signs', () => assert.equal(nextAddress(`${page}?next=/%E0%A4%A`), 'https://site.test/%EF%BF%BD%A'))
})
