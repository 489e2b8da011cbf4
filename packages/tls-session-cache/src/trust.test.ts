import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import tls, { type ConnectionOptions } from 'node:tls'
import { isDeepStrictEqual, promisify } from 'node:util'
import fc from 'fast-check'
import { trustOf, type Trust } from './trust.ts'

type Value = string | Buffer | number | boolean | readonly Value[] | { readonly [name: string]: Value }

const hashOf = (ca: unknown, more: object = {}) => trustOf({ ca, ...more } as ConnectionOptions).hash

/** Short, so that two of them are often nearly the same. */
const text = fc.string({ maxLength: 3, unit: fc.constantFrom('a', 'b', ';', '1', ':') })
const { value } = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    text,
    text.map((given) => Buffer.from(given)),
    fc.integer({ min: 1, max: 12 }),
    fc.constant(true),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(text, tie('value'), { maxKeys: 2, noNullPrototype: true })
  )
}))

test('two values have the same fingerprint only when they are equal', () => {
  fc.assert(
    fc.property(value, value, (one, other) => {
      assert.equal(hashOf(one) === hashOf(other), isDeepStrictEqual(one, other))
    }),
    { numRuns: 3000 }
  )
})

test('a value has the same fingerprint as its copy, also for another process', () => {
  fc.assert(
    fc.property(value, (given) => {
      assert.deepEqual(trustOf({ ca: given as never }), { hash: hashOf(structuredClone(given)), stable: true })
    })
  )
})

test('the same value for another option is another fingerprint', () => {
  const names = ['ca', 'cert', 'key', 'crl', 'pfx', 'passphrase', 'ciphers', 'sigalgs', 'ecdhCurve', 'minVersion', 'secureProtocol']
  const hashes = names.map((name) => trustOf({ [name]: 'a' }).hash)
  assert.equal(new Set(hashes).size, names.length)
})

test('what changes the connections of a process by default is a part of it', (t) => {
  const before = { min: tls.DEFAULT_MIN_VERSION, max: tls.DEFAULT_MAX_VERSION, ciphers: tls.DEFAULT_CIPHERS, curve: tls.DEFAULT_ECDH_CURVE }
  t.after(() => {
    tls.DEFAULT_MIN_VERSION = before.min
    tls.DEFAULT_MAX_VERSION = before.max
    tls.DEFAULT_CIPHERS = before.ciphers
    tls.DEFAULT_ECDH_CURVE = before.curve
  })
  const hashes = [hashOf('a')]
  tls.DEFAULT_MIN_VERSION = 'TLSv1.3'
  hashes.push(hashOf('a'))
  tls.DEFAULT_MIN_VERSION = before.min
  tls.DEFAULT_MAX_VERSION = 'TLSv1.2'
  hashes.push(hashOf('a'))
  tls.DEFAULT_MAX_VERSION = before.max
  tls.DEFAULT_CIPHERS = 'TLS_AES_128_GCM_SHA256'
  hashes.push(hashOf('a'))
  tls.DEFAULT_CIPHERS = before.ciphers
  tls.DEFAULT_ECDH_CURVE = 'P-256'
  hashes.push(hashOf('a'))
  assert.equal(new Set(hashes).size, 5)
  tls.DEFAULT_ECDH_CURVE = before.curve
  assert.equal(hashOf('a'), hashes[0])
})

test('so is the function that looks at names, where somebody has put another one in its place', (t) => {
  const before = tls.checkServerIdentity
  t.after(() => void (tls.checkServerIdentity = before))
  const usual = trustOf({})
  tls.checkServerIdentity = (...name) => before(...name)
  assert.notEqual(trustOf({}).hash, usual.hash)
  assert.equal(trustOf({}).stable, false)
  assert.deepEqual(trustOf({ checkServerIdentity: before }), usual)
})

test('authorities that OpenSSL finds are nothing to another process, and not the same as a list without any', async () => {
  const script = `
    const tls = await import('node:tls')
    const { trustOf } = await import(${JSON.stringify(new URL('trust.ts', import.meta.url).href)})
    const all = [trustOf({}), trustOf({ ca: 'a' })]
    tls.setDefaultCACertificates([])
    console.log(JSON.stringify([...all, trustOf({})]))`
  const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env
  const run = async (...flags: string[]) => {
    const { stdout } = await promisify(execFile)(process.execPath, [...flags, '--input-type=module', '-e', script], { env })
    return JSON.parse(stdout) as Trust[]
  }
  const [found, own, none] = await run('--use-openssl-ca')
  assert.deepEqual([found!.stable, own!.stable], [false, true])
  assert.notEqual(found!.hash, none!.hash)
  assert.deepEqual(
    (await run()).map(({ stable }) => stable),
    [true, true, true]
  )
})

test('functions and objects stand for themselves, and are nothing to another process', () => {
  const checks = [() => undefined, () => undefined]
  const [one, other] = checks.map((checkServerIdentity) => trustOf({ checkServerIdentity }))
  assert.notEqual(one!.hash, other!.hash)
  assert.deepEqual(trustOf({ checkServerIdentity: checks[0]! }), one)
  assert.equal(one!.stable, false)
  const context = tls.createSecureContext()
  assert.deepEqual(trustOf({ secureContext: context }), trustOf({ secureContext: context }))
  assert.equal(trustOf({ secureContext: context }).stable, false)
})

test('an object of a class is another when what it holds has changed', () => {
  class Key {
    pem = 'one'
  }
  const key = new Key()
  const before = hashOf(key)
  key.pem = 'other'
  assert.notEqual(hashOf(key), before)
})

test('a list that contains itself has a fingerprint, too', () => {
  const round: unknown[] = []
  round.push(round)
  assert.equal(trustOf({ ca: round as never }).stable, false)
})
