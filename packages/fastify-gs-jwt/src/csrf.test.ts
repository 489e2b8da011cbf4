import assert from 'node:assert/strict'
import { test } from 'node:test'
import { csrfUrl, isSameCsrf } from './csrf.ts'

const claim = '0123456789abcdef'

test('only the very same text is the claim', () => {
  assert.ok(isSameCsrf(claim, claim))
  for (const given of ['', '0', claim.toUpperCase(), `${claim} `, 'ä'.repeat(8), undefined, null, 1, [claim], {}, `${claim}\0`])
    assert.ok(!isSameCsrf(given, claim), JSON.stringify(given))
})

test('a link keeps what it has, and takes the claim along', () => {
  for (const [path, url] of [
    ['/', '/?csrf=0123456789abcdef'],
    ['/a/1/delete?really=yes&x=%26', '/a/1/delete?really=yes&x=%26&csrf=0123456789abcdef'],
    ['/a#b', '/a?csrf=0123456789abcdef#b'],
    ['/a?csrf=old', '/a?csrf=0123456789abcdef'],
    ['/ä', '/%C3%A4?csrf=0123456789abcdef']
  ] as const)
    assert.equal(csrfUrl(claim, path), url)
})

test('the claim goes to no other site', () => {
  for (const path of [
    'https://evil.example/',
    '//evil.example/',
    '/\\evil.example/',
    '\\\\evil.example',
    'javascript:alert(1)',
    'a',
    '',
    '/\t/evil.example'
  ])
    assert.throws(() => csrfUrl(claim, path), TypeError, path)
})
