import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { resolveOptions } from './options.ts'
import { TlsSessionCache } from './session-cache.ts'

test('has its defaults', () => {
  assert.deepEqual(resolveOptions({}), {
    namespace: 'default',
    enabled: true,
    max: 10,
    ttl: 300,
    perPeer: 4,
    singleUse: true,
    now: Date.now
  })
})

test('an option that is undefined has its default', () => assert.equal(resolveOptions({ max: undefined as never }).max, 10))

for (const [name, values] of Object.entries({
  max: [0, -1, 1.5, Number.NaN, Infinity, '10', null, 100_001],
  ttl: [0, 86_401, '300', Infinity],
  perPeer: [0, 17],
  enabled: [0, 'false', null],
  singleUse: [1],
  namespace: ['', 1, 'x'.repeat(129)],
  now: [0, {}],
  maxx: [1]
}))
  for (const value of values)
    test(`${name}: ${inspect(value).slice(0, 9)} is refused in a sentence that names it`, () => {
      assert.throws(() => new TlsSessionCache({ [name]: value }), {
        name: 'TlsCacheOptionError',
        code: 'GS_TLS_OPTION',
        message: new RegExp(`option ${name} .*\\.$`)
      })
    })

for (const value of [null, 1, 'a'])
  test(`${value} instead of options is refused`, () => assert.throws(() => new TlsSessionCache(value as never), { code: 'GS_TLS_OPTION' }))

for (const ttl of [1, 86_400]) test(`ttl: ${ttl} is taken`, () => assert.equal(resolveOptions({ ttl }).ttl, ttl))
