import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { checkEmail, checkUsername, emailKey, usernameKey } from './identifiers.ts'

const invalid = { code: 'GS_USERNAME_INVALID', statusCode: 400, field: 'username' }

describe('checkUsername', () => {
  it('keeps the name as typed and compares it without case, width and composition', () => {
    assert.deepEqual(checkUsername('Alice'), { value: 'Alice', key: 'alice' })
    for (const [one, other] of [
      ['ALICE', 'alice'],
      ['ａｌｉｃｅ', 'alice'],
      ['ali\u0301ce', 'al\u00edce'],
      ['ﬁona', 'fiona'],
      ['\u212Aelly', 'kelly']
    ])
      assert.equal(checkUsername(one!).key, checkUsername(other!).key)
  })

  it('accepts names of many alphabets, with marks and punctuation inside', () => {
    for (const name of ["o'hara", 'jean-luc', 'bob_2', 'Éva', 'Ελένη', 'иван', '山田太郎', 'やまだ', '김철수', 'महेश', 'x.y', '42'])
      assert.ok(checkUsername(name).key)
  })

  it('refuses what can hide or imitate: mixed alphabets, invisible, bidi and control characters, ill-formed text', () => {
    for (const name of [
      '\u0430lice',
      'al\u200bice',
      '\u202eecila',
      'admin\u0000x',
      'a\ud800b',
      'alice ',
      ' alice',
      'a b',
      'a@b',
      '<b>x</b>',
      '__proto__',
      '-x',
      'x\r\ny',
      'a\u0300\u0301\u0302\u0303b'
    ])
      assert.throws(() => checkUsername(name), invalid, JSON.stringify(name))
  })

  it('refuses names that mail programs would turn into links', () => {
    for (const name of ['www.evil.test', 'evil.com', 'my-bank.ONLINE']) assert.throws(() => checkUsername(name), invalid, name)
    assert.ok(checkUsername('jean.luc'))
  })

  it('bounds the length after normalising', () => {
    assert.throws(() => checkUsername('a'), invalid)
    assert.ok(checkUsername('a'.repeat(32)))
    assert.throws(() => checkUsername('a'.repeat(33)), invalid)
    assert.throws(() => checkUsername('\ufdfa'.repeat(64)), invalid)
  })

  it('refuses reserved names and their look-alikes as taken', () => {
    for (const name of ['admin', 'ADMIN', 'ａｄｍｉｎ', 'adm1n', 'a.d.m.i.n', 'r00t', 'Root', 'support'])
      assert.throws(() => checkUsername(name), { code: 'GS_USERNAME_TAKEN', statusCode: 409, field: 'username' }, name)
    assert.throws(() => checkUsername('B0ss', ['boss']), { code: 'GS_USERNAME_TAKEN' })
    assert.throws(() => checkUsername('с\u043e\u043e', ['coo']), { code: 'GS_USERNAME_TAKEN' })
  })

  it('gives a key that is its own key', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 20 }), (text) => {
        const key = usernameKey(text)
        if (key !== null) assert.equal(usernameKey(key), key)
      }),
      { numRuns: 3000 }
    )
  })
})

describe('checkEmail', () => {
  it('keeps the local part as typed and makes the domain ASCII', () => {
    assert.deepEqual(checkEmail('Bob@Example.TEST'), { value: 'Bob@example.test', key: 'bob@example.test' })
    assert.equal(emailKey('bob@exämple.test'), emailKey('bob@xn--exmple-cua.test'))
    assert.equal(emailKey('bob@example。test'), 'bob@example.test')
    assert.notEqual(emailKey('b.o.b+x@mail.test'), emailKey('bob@mail.test'))
  })

  it('refuses everything that a mail library could read as another or a second address', () => {
    for (const address of [
      'v@x.test,a@evil.test',
      'v@x.test;a@evil.test',
      'v@x.test a@evil.test',
      '"a@evil.test x"@x.test',
      'v@x.test<a@evil.test>',
      'v@x.test(a@evil.test)',
      'g:v@x.test,a@evil.test;',
      'v@x.test\0@evil.test',
      'v\r\nBcc: a@evil.test',
      'v@x.test\r\nBcc: a@evil.test',
      '=?utf-8?q?x?=@x.test',
      '=?utf-8?B?eA==?=@x.test',
      'a＠x.test',
      'a@[127.0.0.1]',
      'a@127.0.0.1',
      'a@localhost',
      'a@b',
      '@x.test',
      'a@',
      'a',
      '',
      '.a@x.test',
      'a..b@x.test',
      'a.@x.test',
      'a@-x.test',
      'a@x.test.',
      'a@x%2etest.test',
      'ü@x.test',
      'a\ud800@x.test',
      `${'a'.repeat(65)}@x.test`,
      `a@${'b'.repeat(64)}.test`,
      `a@${'b.'.repeat(130)}test`,
      '\u200ba@x.test',
      'a@x/y.test'
    ])
      assert.throws(() => checkEmail(address), { code: 'GS_EMAIL_INVALID', statusCode: 400, field: 'email' }, JSON.stringify(address))
  })
})
