import assert from 'node:assert/strict'
import { METHODS } from 'node:http'
import { describe, it } from 'node:test'
import { isSameOrigin, isUnsafe } from './same-origin.ts'

const origin = 'https://site.test:8443'

describe('isSameOrigin', () => {
  const cases: [headers: Record<string, string>, same: boolean][] = [
    [{}, true],
    [{ origin }, true],
    [{ origin: 'HTTPS://Site.test:8443' }, true],
    [{ origin: 'http://site.test:8443' }, false],
    [{ origin: 'https://site.test' }, false],
    [{ origin: 'https://sub.site.test:8443' }, false],
    [{ origin: 'https://site.test:8443.evil.test' }, false],
    [{ origin: 'https://evil.test' }, false],
    [{ origin: `${origin}/` }, false],
    [{ origin: `${origin}, https://evil.test` }, false],
    [{ origin: 'null' }, false],
    [{ origin: '' }, false],
    [{ 'sec-fetch-site': 'same-origin' }, true],
    [{ 'sec-fetch-site': 'none' }, true],
    [{ 'sec-fetch-site': 'same-site' }, false],
    [{ 'sec-fetch-site': 'cross-site' }, false],
    [{ 'sec-fetch-site': '' }, false],
    [{ 'sec-fetch-site': 'SAME-ORIGIN' }, false],
    [{ 'sec-fetch-site': 'same-origin, cross-site' }, false],
    [{ 'sec-fetch-site': 'something-new' }, false],
    [{ 'sec-fetch-site': 'cross-site', origin }, false],
    [{ 'sec-fetch-site': 'same-site', origin }, false],
    [{ 'sec-fetch-site': 'same-origin', origin: 'http://127.0.0.1:8443' }, true]
  ]
  for (const [headers, same] of cases)
    it(`is ${same} for ${JSON.stringify(headers)}`, () => assert.equal(isSameOrigin(headers, origin), same))

  it('does not depend on what a page can set', () => {
    const others = {
      host: 'site.test:8443',
      referer: `${origin}/`,
      'x-forwarded-host': 'site.test:8443',
      'x-requested-with': 'XMLHttpRequest'
    }
    assert.equal(isSameOrigin({ ...others, origin: 'https://evil.test' }, origin), false)
    assert.equal(isSameOrigin({ ...others, 'sec-fetch-site': 'cross-site' }, origin), false)
  })
})

describe('isUnsafe', () => {
  it('holds for every method but those that only read', () => {
    assert.deepEqual(METHODS.filter((method) => !isUnsafe(method)).toSorted(), ['GET', 'HEAD', 'OPTIONS'])
    assert.equal(isUnsafe('get'), true)
  })
})
