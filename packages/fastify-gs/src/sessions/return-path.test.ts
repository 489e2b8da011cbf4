import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { build, password } from '../testing/build.ts'
import { returnPath } from './return-path.ts'

const origin = 'https://site.test'

/** What leads elsewhere in some browser, or could never be a path of ours. */
const refused: unknown[] = [
  '',
  ' ',
  'x',
  ' /x',
  '\t/x',
  '\ufeff/x',
  '?x',
  '#x',
  '.',
  './x',
  '../x',
  '//evil.test',
  '///evil.test',
  '//evil.test/%2f..',
  '//site.test/x',
  '//site.test@evil.test',
  '/\\evil.test',
  '\\/evil.test',
  '\\\\evil.test',
  '\\evil.test',
  '/x\\..\\..\\evil.test',
  '/x?next=\\evil.test',
  '/\t/evil.test',
  '/\n/evil.test',
  '/\r\n/evil.test',
  '/\r\nSet-Cookie: a=b',
  '/x\0',
  '/x\x7f',
  '/x\u0085y',
  '/.//evil.test',
  '/..//evil.test',
  '/%2e//evil.test',
  '/%2E%2e//evil.test',
  '/x/..//evil.test',
  '/x/%2e%2e//evil.test',
  '/./..//evil.test/..//evil.test',
  'https:evil.test',
  'https:/evil.test',
  'https://evil.test',
  'https://site.test',
  'https://site.test/x',
  'https://site.test.evil.test',
  'http://site.test@evil.test',
  'https://evil.test/https://site.test/x',
  'javascript:alert(1)',
  'javascript://site.test/%0aalert(1)',
  ' javascript:alert(1)',
  'data:text/html,<script>alert(1)</script>',
  'vbscript:x',
  'file:///etc/passwd',
  'blob:https://site.test/x',
  'http://[::1',
  '%E0%A4%A',
  '%2Fx',
  `/${'a'.repeat(16_384)}`,
  undefined,
  null,
  0,
  1,
  true,
  {},
  ['/x'],
  ['/x', '/y'],
  { toString: () => '/x' }
]

const allowed: [wanted: string, path?: string][] = [
  ['/'],
  ['/x'],
  ['/x/y.html?a=1&b=2#c'],
  ['/x?next=//evil.test'],
  ['/x#//evil.test'],
  ['/x//evil.test'],
  ['/x:y@z'],
  ['/http://evil.test'],
  ['/@evil.test'],
  ['/;evil.test'],
  ['/%2F/evil.test'],
  ['/%5cevil.test'],
  ['/%09/evil.test'],
  ['/x%0d%0aSet-Cookie:a=b'],
  ['/%E0%A4%A'],
  [`/${'a'.repeat(2047)}`],
  ['/x/../y', '/y'],
  ['/../../x', '/x'],
  ['/x/./y/..', '/x/'],
  ['/é?b=c&d=é#é', '/%C3%A9?b=c&d=%C3%A9#%C3%A9'],
  ['/a b"<>', '/a%20b%22%3C%3E'],
  ['/x?"<>\'', '/x?%22%3C%3E%27'],
  ['/\u2028\u00a0\ufeff', '/%E2%80%A8%C2%A0%EF%BB%BF'],
  ['/\ud800', '/%EF%BF%BD']
]

describe('returnPath', () => {
  it('refuses what is not a path of the own origin', () => {
    for (const wanted of refused) assert.equal(returnPath(wanted, origin), null, JSON.stringify(wanted)?.slice(0, 80))
  })

  it('gives a path of the own origin as a header and an attribute can carry it', () => {
    for (const [wanted, path = wanted] of allowed) assert.equal(returnPath(wanted, origin), path)
  })

  it('keeps the values in a query', () => {
    const query = new URL(returnPath('/a?b=c&d=é&e=%26%25', origin)!, origin).searchParams
    assert.deepEqual(
      [...query],
      [
        ['b', 'c'],
        ['d', 'é'],
        ['e', '&%']
      ]
    )
  })

  it('never leads off the origin, and accepts what it gives, whatever it is given', () => {
    const tricky = fc.constantFrom(
      '/',
      '\\',
      '.',
      '..',
      '%2e',
      '%2f',
      '%5c',
      '@',
      ':',
      '?',
      '#',
      '\t',
      '\n',
      ' ',
      '\0',
      'evil.test',
      'https:',
      'x',
      'é',
      '\ud800'
    )
    const wanted = fc.oneof(
      fc.array(tricky, { maxLength: 12 }).map((parts) => `/${parts.join('')}`),
      fc.string({ unit: 'binary' }).map((rest) => `/${rest}`)
    )
    for (const base of [origin, 'http://localhost:7681', 'http://[::1]:8080'])
      fc.assert(
        fc.property(wanted, (text) => {
          const path = returnPath(text, base)
          if (path === null) return
          assert.match(path, /^\/(?!\/)[\x21-\x7e]*$/)
          assert.equal(new URL(path, base).origin, base)
          assert.equal(returnPath(path, base), path)
        }),
        { numRuns: 1000 }
      )
  })
})

describe('a form with a field next', () => {
  it('leads to a path of the own origin, or to the login page', async (t) => {
    const { app, member } = await build(t)
    await member('alice')
    const login = async (...next: string[]) => {
      const fields = new URLSearchParams({ username: 'alice', password })
      for (const each of next) fields.append('next', each)
      return app.inject({
        method: 'POST',
        url: '/lwsgs/login?next=//evil.test',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        payload: fields.toString()
      })
    }
    const wellFormed = refused.filter((wanted): wanted is string => typeof wanted === 'string' && wanted.length < 10_000)
    for (const next of [...wellFormed, `/${'a'.repeat(2100)}`]) {
      const response = await login(next)
      // What is wrong in itself may be refused instead, but is neither followed nor repeated.
      assert.ok(
        response.statusCode === 303 ? response.headers.location === '/lwsgs/?gs=loggedin' : response.statusCode === 400,
        JSON.stringify(next)
      )
    }
    const good = await login('/board?x=1#last')
    assert.deepEqual([good.statusCode, good.headers.location], [303, '/board?x=1#last'])
    const twice = await login('/a', '/b')
    assert.ok(twice.statusCode === 400 || twice.headers.location === '/lwsgs/?gs=loggedin')
  })
})
