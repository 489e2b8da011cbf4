import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { addressGroup, Counts, HourlyLimit, TokenBucket } from './limits.ts'
import { isOwnSocket } from './own-socket.ts'
import { parseFrame } from './parse-frame.ts'

describe('a token bucket', () => {
  it('gives so many at once, and so many a second, and never more than the burst', () => {
    const bucket = new TokenBucket(3, 2, 0)
    const take = (count: number, at: number) => Array.from({ length: count }, () => bucket.take(at)).filter(Boolean).length
    assert.equal(take(5, 0), 3)
    assert.equal(take(5, 1000), 2)
    assert.equal(take(5, 1400), 0)
    assert.equal(take(5, 1500), 1)
    assert.equal(take(5, 100_000), 3)
  })
})

describe('an hourly limit', () => {
  it('is for each key, begins again after an hour, and takes back', () => {
    const limit = new HourlyLimit(2)
    assert.deepEqual([limit.take('a', 0), limit.take('a', 1), limit.take('a', 2), limit.take('b', 2)], [true, true, false, true])
    limit.giveBack('a')
    limit.giveBack('nobody')
    assert.deepEqual([limit.take('a', 3), limit.take('a', 3_599_999), limit.take('a', 3_600_000)], [true, false, true])
  })
})

describe('counts', () => {
  it('never go below 0', () => {
    const counts = new Counts()
    counts.add('a')
    counts.remove('a')
    counts.remove('a')
    counts.add('a')
    assert.equal(counts.of('a'), 1)
  })
})

describe('the group of an address', () => {
  const groups: readonly [a: string, b: string, same: boolean][] = [
    ['192.0.2.1', '192.0.2.1', true],
    ['192.0.2.1', '192.0.2.2', false],
    ['::ffff:192.0.2.1', '192.0.2.1', true],
    ['2001:db8::1', '2001:db8:0:0:ffff::2', true],
    ['2001:db8::1', '2001:db8:0:1::1', false],
    ['nonsense', '', true]
  ]
  for (const [a, b, same] of groups) {
    it(`is ${same ? 'the same' : 'another one'}: ${a}, ${b}`, () => assert.equal(addressGroup(a) === addressGroup(b), same))
  }
})

describe('a frame', () => {
  const frames: readonly [text: string, isFrame: boolean][] = [
    ['["a"]', true],
    [' \n["a"]', true],
    ['[[]]', true],
    ['[]', false],
    ['{"0":"a"}', false],
    ['["a"', false],
    [`["a",${'['.repeat(63)}${']'.repeat(63)}]`, true],
    [`["a",${'['.repeat(64)}${']'.repeat(64)}]`, false],
    [`["a",${'{"a":'.repeat(64)}1${'}'.repeat(64)}]`, false],
    [`["${'['.repeat(1000)}\\"${'['.repeat(1000)}"]`, true],
    [JSON.stringify(Array.from({ length: 64 }, () => 'a')), true],
    [JSON.stringify(Array.from({ length: 65 }, () => 'a')), false],
    ['["a",{"__proto__":{"b":1}}]', false],
    ['["a",[{"b":{"\\u005f_proto__":1}}]]', false],
    ['["a",{"constructor":{"prototype":{"b":1}}}]', false],
    ['["a",{"constructor":"Porsche"}]', true],
    ['["a","__proto__","\\u005f"]', true],
    ['["a",{"b":"\\ud800"}]', true]
  ]
  for (const [text, isFrame] of frames) {
    it(`${isFrame ? 'is' : 'is not'} ${text.slice(0, 50)} (${text.length})`, () => assert.equal(parseFrame(text) !== null, isFrame))
  }
})

describe('the page that opens a websocket', () => {
  const pages: readonly [origin: string | undefined, protocol: 'http' | 'https', isOwn: boolean][] = [
    [undefined, 'https', true],
    ['https://example.com', 'https', true],
    ['HTTPS://Example.com', 'https', true],
    ['https://example.com', 'http', true],
    ['http://example.com', 'http', true],
    ['http://example.com', 'https', false],
    ['https://example.com:444', 'https', false],
    ['https://www.example.com', 'https', false],
    ['https://example.com.evil.test', 'https', false],
    ['null', 'https', false],
    ['', 'https', false],
    ['https://app.test', 'https', true]
  ]
  for (const [origin, protocol, isOwn] of pages) {
    it(`is ${isOwn ? '' : 'not '}an own one: ${origin} (${protocol})`, () =>
      assert.equal(
        isOwnSocket({ headers: origin === undefined ? {} : { origin }, host: 'example.com', protocol }, ['https://app.test']),
        isOwn
      ))
  }
})
