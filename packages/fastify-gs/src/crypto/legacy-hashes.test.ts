import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import { findLegacyHash, lwsgsHashes } from './legacy-hashes.ts'
import { encodePassword } from './passwords.ts'

// What `printf 'PASSWORD-CONFOUNDER-SALT' | openssl sha1` (sha256) prints.
const sha1Salt = 'b295d117135a9763da282e7dae73a5ca7d3e5b11'
const sha256Salt = '63479ad69a090b258277ec8fba6f99419a2ffb248981510657c944ccd1148e97'
const known: [kind: string, confounder: string | undefined, password: string, stored: string][] = [
  ['a user of 2.x', 'pépper', 'hunter2', `$lwsgs-sha1$${sha1Salt}$6150dc3f604c8b655f500695a433a56d90d2a8aa`],
  ['a user of 3.x', 'pépper', 'hunter2', `$lwsgs-sha256$${sha256Salt}$db03e53c53fa090205b133bc6769689c52f9bffd3eb8cfe87f58901436b8559d`],
  ['a user without confounder', undefined, 'hunter2', `$lwsgs-sha1$${sha1Salt}$04bf74b4d46bb7e9a1d2f72e9914d2a64291881f`],
  [
    'a user with a confounder of which lwsgs took 31 bytes',
    '0123456789012345678901234567890123456789',
    'hunter2',
    `$lwsgs-sha1$${sha1Salt}$0eb0070efe2c0821893c1e64f06fc6b93ab4d4d3`
  ],
  ['a user with a letter beyond ASCII', 'c', 'pässwort', `$lwsgs-sha1$${sha1Salt}$93e1513115bedec7fcb4243933c0974060eef63b`],
  ['the admin of 2.x', 'not used', 'hunter2', '$sha1$f3bbbd66a63d4bf1747940578ec3d0103530e21d'],
  ['the admin of 3.x', 'not used', 'hunter2', '$sha256$f52fbd32b2b3b86ff88ef6c490628285f482af15ddcb29541f94bcf526a3f6c7'],
  ['the admin, in capitals', undefined, 'hunter2', '$sha1$F3BBBD66A63D4BF1747940578EC3D0103530E21D']
]

const verify = async (confounder: string | undefined, password: string, stored: string) => {
  const kind = findLegacyHash(lwsgsHashes(confounder === undefined ? {} : { confounder }), stored)
  return kind === undefined ? undefined : kind.verify(encodePassword(password), stored)
}

describe('lwsgsHashes', () => {
  for (const [kind, confounder, password, stored] of known) {
    it(`verifies the password of ${kind}, and no other`, async () => {
      assert.equal(await verify(confounder, password, stored), true)
      assert.equal(await verify(confounder, `${password}x`, stored), false)
      assert.equal(await verify(confounder, '', stored), false)
      // One digit less, or another one at either end.
      assert.equal(await verify(confounder, password, stored.slice(0, -1)), false)
      const last = stored.at(-1) === '0' ? '1' : '0'
      assert.equal(await verify(confounder, password, stored.slice(0, -1) + last), false)
    })
  }

  it('verifies no password of a user with another confounder', async () => {
    assert.equal(await verify('other', 'hunter2', known[0]![3]), false)
    assert.equal(await verify(undefined, 'hunter2', known[0]![3]), false)
  })

  it('says false, and never throws, for damaged hashes of every kind', async () => {
    const kinds = lwsgsHashes({ confounder: 'c' })
    for (const { prefix, verify } of kinds)
      for (const rest of [
        '',
        '$',
        `${sha1Salt}$`,
        `${sha1Salt}$${'g'.repeat(40)}`,
        `$${'0'.repeat(40)}`,
        'x'.repeat(10_000),
        `${'0'.repeat(40)}\n`
      ])
        assert.equal(await verify(Buffer.from('hunter2'), prefix + rest), false, prefix + rest)
  })

  it('verifies what the formula of lwsgs gives for any password, confounder and salt', async () => {
    const hex = (length: number) =>
      fc.uint8Array({ minLength: length, maxLength: length }).map((bytes) => Buffer.from(bytes).toString('hex'))
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), fc.string({ maxLength: 31 }), hex(20), async (typed, confounder, salt) => {
        const password = encodePassword(typed)
        for (const algorithm of ['sha1', 'sha256']) {
          const digest = createHash(algorithm)
            .update(Buffer.concat([password, Buffer.from(`-${confounder}-${salt}`)]))
            .digest('hex')
          assert.equal(await verify(confounder, typed, `$lwsgs-${algorithm}$${salt}$${digest}`), true)
        }
      })
    )
  })
})

describe('findLegacyHash', () => {
  it('knows hashes by their prefix, and leaves all others to the current kind', () => {
    const kinds = lwsgsHashes()
    const found = (stored: string | null) => findLegacyHash(kinds, stored)?.prefix
    assert.equal(found('$sha1$00'), '$sha1$')
    assert.equal(found('$lwsgs-sha256$00$00'), '$lwsgs-sha256$')
    for (const stored of [null, '', 'sha1$00', '$sha11$00', '$argon2id$v=19$m=1,t=1,p=1$a$b', '$SHA1$00'])
      assert.equal(found(stored), undefined, String(stored))
  })
})
