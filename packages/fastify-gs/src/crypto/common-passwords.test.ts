import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { describe, it } from 'node:test'
import { dictionary } from '@zxcvbn-ts/language-common'
import { resolveBlocklist } from '../options.ts'
import { commonPasswords } from './common-passwords.ts'

const list = dictionary['passwords-common']

describe('commonPasswords', () => {
  it('has as many to offer as the option may ask for, in the order of how common they are', () => {
    assert.equal(resolveBlocklist(49_000), 49_000)
    assert.throws(() => resolveBlocklist(49_001), { code: 'GS_OPTION', message: /password\.blocklist/ })
    assert.ok(list.length >= 49_000, `the list has only ${list.length}`)
    assert.deepEqual(list.slice(0, 5), ['123456', 'password', '12345678', 'qwerty', '123456789'])
  })

  it('is folded as the passwords are that it is compared with', () => {
    assert.deepEqual(
      list.filter((password) => password.normalize('NFKC').toLowerCase() !== password),
      []
    )
  })

  it('has the first of all, and the first of those that are long enough', () => {
    const found = commonPasswords(200, 12)
    assert.ok(list.slice(0, 200).every((password) => found.has(password)))
    const long = list.filter((password) => password.length >= 12)
    assert.ok(long.length > 200)
    assert.ok(long.slice(0, 200).every((password) => found.has(password)))
    assert.equal(found.has(long[200]!), false)
    assert.ok(found.size <= 400)
  })

  it('is read once, and leaves no whole list in memory', () => {
    assert.equal(commonPasswords(3000, 15), commonPasswords(3000, 15))
    const require = createRequire(import.meta.url)
    const kept = Object.keys(require.cache).filter((path) => path.includes('language-common') && path.endsWith('passwords.json.cjs'))
    // This test imports the list itself; what was read for the rules is gone.
    assert.ok(kept.length <= 1)
  })
})
