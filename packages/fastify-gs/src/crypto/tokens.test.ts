import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { createId, createKeyRing, createToken, digest } from './tokens.ts'

describe('createToken', () => {
  it('gives 20 bytes as 27 url-safe characters, each time others', () => {
    const tokens = new Set(Array.from({ length: 10_000 }, createToken))
    assert.equal(tokens.size, 10_000)
    for (const token of tokens) assert.match(token, /^[\w-]{27}$/)
  })
})

describe('createId', () => {
  it('gives 16 url-safe characters, each time others, of which no program takes the first for that of an option', () => {
    const ids = new Set(Array.from({ length: 10_000 }, createId))
    assert.equal(ids.size, 10_000)
    for (const id of ids) assert.match(id, /^[A-Za-f][\w-]{15}$/)
  })
})

describe('digest', () => {
  it('is SHA-256 in base64url', () => {
    assert.equal(digest('abc'), 'ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0')
  })
})

describe('createKeyRing', () => {
  const old = 'o'.repeat(32)
  const current = 'c'.repeat(32)

  it('accepts what an older key has signed and signs with the first', () => {
    const signature = createKeyRing([old]).sign('ticket', 'text')
    const rotated = createKeyRing([current, old])
    assert.equal(rotated.verify('ticket', 'text', signature), true)
    assert.notEqual(rotated.sign('ticket', 'text'), signature)
    assert.deepEqual(rotated.signAll('ticket', 'text')[1], signature)
  })

  it('refuses another purpose, another text, another key and a damaged signature', () => {
    const ring = createKeyRing([current])
    const signature = ring.sign('ticket', 'text', 22)
    assert.equal(ring.verify('ticket', 'text', signature, 22), true)
    assert.equal(ring.verify('csrf', 'text', signature, 22), false)
    assert.equal(ring.verify('ticket', 'texT', signature, 22), false)
    assert.equal(createKeyRing([old]).verify('ticket', 'text', signature, 22), false)
    assert.equal(ring.verify('ticket', 'text', `${signature.slice(0, -1)}é`, 22), false)
    for (const cut of ['', signature.slice(0, 1), signature.slice(0, 21)]) assert.equal(ring.verify('ticket', 'text', cut, 22), false)
  })
})
