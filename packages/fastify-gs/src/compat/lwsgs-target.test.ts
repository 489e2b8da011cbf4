import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { formTarget } from './lwsgs-target.ts'

const origin = 'https://site.test'
const base = '/lwsgs/lwsgs-login'

describe('formTarget', () => {
  const resolved: [wanted: string, path: string][] = [
    ['index.html', '/lwsgs/index.html'],
    ['./index.html', '/lwsgs/index.html'],
    ['needadmin/admin-login.html', '/lwsgs/needadmin/admin-login.html'],
    ['../other/x.html', '/other/x.html'],
    ['../../../../x', '/x'],
    ['/x/y.html?a=1&b=2#c', '/x/y.html?a=1&b=2#c'],
    ['?a=1', '/lwsgs/lwsgs-login?a=1'],
    ['#top', '/lwsgs/lwsgs-login#top'],
    [' index.html ', '/lwsgs/index.html'],
    ['über.html', '/lwsgs/%C3%BCber.html'],
    ['a b.html', '/lwsgs/a%20b.html'],
    ['x%0d%0aSet-Cookie:a=b', '/lwsgs/x%0d%0aSet-Cookie:a=b'],
    ['https://site.test/x', '/x'],
    ['HTTPS://SITE.TEST/x', '/x'],
    ['https://user:password@site.test/x', '/x'],
    ['https:evil.test', '/lwsgs/evil.test'],
    ['x//y', '/lwsgs/x//y']
  ]
  for (const [wanted, path] of resolved)
    it(`resolves ${JSON.stringify(wanted)} as a browser does`, () => {
      assert.equal(formTarget(wanted, base, origin, null), path)
      assert.equal(new URL(wanted, origin + base).href.replace('user:password@', ''), origin + path)
    })

  const refused = [
    'https://evil.test/x',
    'http://site.test/x',
    'https://site.test:444/x',
    'https://site.test.evil.test/x',
    'https://site.test@evil.test/x',
    'https://site.test//evil.test',
    '//evil.test/x',
    ' //evil.test/x',
    '///evil.test',
    '/\\evil.test',
    '\\\\evil.test',
    '\\evil.test',
    'x\\y',
    '/\t/evil.test',
    '\t//evil.test',
    'ht\ntps://evil.test',
    'index.html\r\nSet-Cookie: a=b',
    'index.html\0',
    'index.html\x7f',
    'index.html\u0085',
    '..//evil.test',
    'x/../..//evil.test',
    'javascript:alert(1)',
    'JaVaScRiPt:alert(1)',
    ' javascript:alert(1)',
    'data:text/html,x',
    'blob:https://site.test/x',
    'file:///etc/passwd',
    'http://[::1',
    'x'.repeat(2049)
  ]
  for (const wanted of refused)
    it(`refuses ${JSON.stringify(wanted.slice(0, 60))}, with and without urlroot`, () => {
      assert.equal(formTarget(wanted, base, origin, null), null)
      const rooted = formTarget(wanted, base, origin, '/app')
      assert.ok(rooted === null || rooted.startsWith('/app/') || /^\/(?!\/)/.test(rooted), String(rooted))
    })

  it('puts urlroot before what is relative, with one slash between, and leaves whole addresses alone', () => {
    for (const [urlroot, wanted, path] of [
      ['/app', 'index.html', '/app/index.html'],
      ['/app', '/index.html', '/app/index.html'],
      ['', 'index.html', '/index.html'],
      ['/app', '?a=1', '/app/?a=1'],
      ['/app', '../../x', '/x'],
      ['/app', 'https://site.test/x', '/x']
    ] as const)
      assert.equal(formTarget(wanted, base, origin, urlroot), path, `${urlroot} ${wanted}`)
  })

  it('gives for any text a path of this site in plain ASCII, or nothing', () => {
    const pieces = fc.constantFrom(
      '/',
      '\\',
      '//',
      '.',
      '..',
      ':',
      '@',
      '\t',
      '\r\n',
      ' ',
      '%0d%0a',
      '%2f',
      '?',
      '#',
      'https:',
      'javascript:',
      'evil.test',
      'site.test',
      'ü',
      '\u2028',
      '\0',
      'x'
    )
    fc.assert(
      fc.property(
        fc.oneof(
          fc.array(pieces, { maxLength: 8 }).map((parts) => parts.join('')),
          fc.string({ unit: 'binary' })
        ),
        fc.constantFrom(null, '', '/app'),
        (wanted, urlroot) => {
          const path = formTarget(wanted, base, origin, urlroot)
          if (path === null) return
          assert.match(path, /^\/(?!\/)[\x21-\x7e]*$/)
          assert.equal(new URL(path, origin + base).origin, origin)
        }
      ),
      { numRuns: 5000 }
    )
  })
})
