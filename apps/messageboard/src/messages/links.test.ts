import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { findLinks } from './links.ts'

/** The links of a text, as typed. */
const linksIn = (text: string) => findLinks(text).flatMap((part) => (part.url === undefined ? [] : [part.text]))

describe('findLinks', () => {
  for (const [text, links] of [
    ['nothing here', []],
    ['https://example.com', ['https://example.com']],
    ['HTTPS://Example.COM/Path', ['HTTPS://Example.COM/Path']],
    ['see http://example.com/a?b=c&d#e and https://two.example:8443/x.', ['http://example.com/a?b=c&d#e', 'https://two.example:8443/x']],
    ['https://a.example\nhttps://b.example\thttps://c.example', ['https://a.example', 'https://b.example', 'https://c.example']],
    ['(https://example.com/a)', ['https://example.com/a']],
    ['(see https://example.com/a_(b))', ['https://example.com/a_(b)']],
    ['[https://example.com/a[1]]', ['https://example.com/a[1]']],
    ['„https://example.com/ä“', ['https://example.com/ä']],
    ["'https://example.com'", ['https://example.com']],
    ['"https://example.com/"', ['https://example.com/']],
    ['<https://example.com/>', ['https://example.com/']],
    ['https://example.com/?!…', ['https://example.com/']],
    ['读https://example.com/，好。', ['https://example.com/']],
    ['读 https://example.com/路。', ['https://example.com/路']],
    ['**https://example.com/a**', ['https://example.com/a']],
    ['http://localhost:7681/lwsgs/', ['http://localhost:7681/lwsgs/']],
    ['http://127.0.0.1/ and http://[::1]:80/', ['http://127.0.0.1/', 'http://[::1]:80/']],
    ['https://bücher.example/ and https://пример.example/', ['https://bücher.example/', 'https://пример.example/']],
    ['https://xn--bcher-kva.example/', ['https://xn--bcher-kva.example/']],
    ['https://example.com/👩‍👩‍👧', ['https://example.com/👩']]
  ] as [string, string[]][]) {
    it(`finds ${links.length} in ${JSON.stringify(text)}`, () => assert.deepEqual(linksIn(text), links))
  }

  it('says where a name in another alphabet leads', () => {
    assert.deepEqual(findLinks('at https://bücher.example/ä!'), [
      { text: 'at ' },
      { text: 'https://bücher.example/ä', url: 'https://xn--bcher-kva.example/%C3%A4' },
      { text: '!' }
    ])
  })

  for (const text of [
    'javascript:alert(1)',
    'javascript://example.com/%0aalert(1)',
    'JaVaScRiPt:https:',
    'data:text/html,<script>alert(1)</script>',
    'vbscript:x',
    'file:///etc/passwd',
    'ftp://example.com/',
    'xhttps://example.com/',
    '@https://example.com/',
    '//example.com/',
    'https:example.com',
    'https:///example.com',
    'https://',
    'https://.',
    'https://)',
    'https://?a',
    'https://bank.example@evil.test/',
    'https://bank.example:pass@evil.test/',
    'https://bank.example%40evil.test/',
    'https://%65vil.test/',
    'https://ｅｖｉｌ.test/',
    'https://evil。test/',
    'https://0x7f.1/',
    'https://2130706433/',
    'https://аpple.example/',
    'https://gοogle.example/',
    'https://a.example:99999999/',
    'https://[::1/',
    'https://\u202eexample.com/'
  ]) {
    it(`makes no link of ${JSON.stringify(text)}`, () => assert.deepEqual(findLinks(text), [{ text }]))
  }

  it('ends before what cannot be seen, turns the text round, or is no part of an address', () => {
    for (const character of [
      '\u202e',
      '\u2066',
      '\u200b',
      '\u200d',
      '\u00ad',
      '\ufeff',
      '\u2028',
      '\u00a0',
      '\\',
      '"',
      '<',
      '`',
      '\ue000'
    ]) {
      assert.deepEqual(linksIn(`https://example.com/a${character}b`), ['https://example.com/a'], JSON.stringify(character))
      assert.deepEqual(linksIn(`https://example.com${character}.evil.test/`), ['https://example.com'], JSON.stringify(character))
    }
  })

  it('leaves every text as it is, gives only plain addresses, and is quick', () => {
    const pieces = [
      'http://',
      'https://',
      'a',
      'evil.test',
      '@',
      ':',
      '/',
      '(',
      ')',
      '[',
      ']',
      '.',
      '\u202e',
      '\ud83d\ude00',
      'ä',
      'а',
      '%',
      '"',
      '\n',
      '\\',
      '<b>',
      'javascript:'
    ]
    const start = performance.now()
    for (let seed = 1, round = 0; round < 3000; round++) {
      let text = ''
      for (let length = 0; length < 30; length++) {
        seed = (seed * 48_271) % 2_147_483_647
        text += pieces[seed % pieces.length]
      }
      const parts = findLinks(text)
      assert.equal(parts.map((part) => part.text).join(''), text)
      for (const { text: shown, url } of parts) {
        if (url === undefined) continue
        assert.match(url, /^https?:\/\/[^\\"<>\s]+$/)
        assert.equal(new URL(url).username, '')
        assert.doesNotMatch(shown, /[\s<>"\\\u202e]/)
      }
    }
    for (const text of [
      'https://a' + ')'.repeat(4000),
      'https://'.repeat(500),
      'http://a '.repeat(444),
      '('.repeat(4000),
      'https://a.example/' + '.'.repeat(3900)
    ])
      findLinks(text)
    assert.ok(performance.now() - start < 5000)
  })

  it('gives an empty text no parts', () => assert.deepEqual(findLinks(''), []))
})
