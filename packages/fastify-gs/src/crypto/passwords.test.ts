import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { argon2id } from 'hash-wasm'
import { createArgon2Hasher, createPasswords, encodePassword, isPasswordHash, pepperIdOf } from './passwords.ts'
import type { PasswordHasher } from '../options.ts'

const quick = createArgon2Hasher({ memory: 64, passes: 1, parallelism: 1 })

describe('createArgon2Hasher', () => {
  it('stores a PHC string with a salt of its own, and verifies only the same password', async () => {
    const hasher = createArgon2Hasher()
    const password = encodePassword('correct horse battery staple')
    const [one, two] = await Promise.all([hasher.hash(password), hasher.hash(password)])
    assert.match(one, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
    assert.notEqual(one, two)
    assert.equal(isPasswordHash(one), true)
    assert.equal(await hasher.verify(password, one), true)
    assert.equal(await hasher.verify(encodePassword('correct horse battery staplE'), one), false)
  })

  it('verifies a hash made elsewhere (argon2 reference implementation)', async () => {
    const stored = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc'
    assert.equal(await quick.verify(encodePassword('password'), stored), true)
    assert.equal(await quick.verify(encodePassword('passwore'), stored), false)
  })

  it('takes every byte into account, also behind byte 72 and a NUL', async () => {
    const stored = await quick.hash(encodePassword(`${'x'.repeat(300)}\0a`))
    assert.equal(await quick.verify(encodePassword(`${'x'.repeat(300)}\0b`), stored), false)
    assert.equal(await quick.verify(encodePassword(`${'x'.repeat(300)}\0a`), stored), true)
  })

  it('refuses a stored hash that asks for too much, or is damaged, without running it', async () => {
    const salt = 'c29tZXNhbHRzb21lc2FsdA'
    for (const stored of [`$argon2id$v=19$m=4194304,t=2,p=1$${salt}$${salt}`, `$argon2id$v=19$m=64,t=999,p=1$${salt}$${salt}`, '!', 'x'])
      assert.equal(await quick.verify(Buffer.from('password'), stored), false)
  })

  it('does not call that a hash which it will never verify', () => {
    const hash = (parameters: string) => `$argon2id$v=19$${parameters}$c29tZXNhbHRzb21lc2FsdA$c29tZXNhbHRzb21lc2FsdA`
    for (const parameters of ['m=19456,t=2,p=1', 'm=262144,t=10,p=4', 'm=8,t=1,p=1,keyid=MjAyNg'])
      assert.equal(isPasswordHash(hash(parameters)), true, parameters)
    for (const parameters of [
      'm=262145,t=2,p=1',
      'm=19456,t=11,p=1',
      'm=102400,t=2,p=8',
      'm=19456,t=0,p=1',
      'm=19456,t=2,p=0',
      'm=15,t=1,p=2'
    ])
      assert.equal(isPasswordHash(hash(parameters)), false, parameters)
  })

  it('takes as long for a hash of an unknown kind as for its own', async () => {
    const hasher = createArgon2Hasher()
    const password = Buffer.from('password')
    const fastest = async (stored: string) => {
      let best = Infinity
      for (let round = 0; round < 5; round++) {
        const begin = performance.now()
        await hasher.verify(password, stored)
        best = Math.min(best, performance.now() - begin)
      }
      return best
    }
    const own = await fastest(await hasher.hash(password))
    for (const stored of ['$sha1$f3bbbd66a63d4bf1747940578ec3d0103530e21d', 'x'])
      assert.ok((await fastest(stored)) > own / 3, `${stored} was refused sooner`)
  })

  it('knows hashes that were made with other parameters', async () => {
    const stored = await quick.hash(Buffer.from('password'))
    assert.equal(quick.needsRehash(stored), false)
    assert.equal(createArgon2Hasher().needsRehash(stored), true)
  })
})

describe('peppers', () => {
  const cheap = { memory: 64, passes: 1, parallelism: 1 }
  const older = { id: '2025', secret: 'the secret of the year 2025, 32 bytes' }
  const newer = { id: '2026', secret: 'the secret of the year 2026, 32 bytes' }
  const password = encodePassword('correct horse battery staple')
  const unpadded = (text: string) => Buffer.from(text).toString('base64').replace(/=+$/, '')

  it('go into the hash and are named by it, as the PHC string format has it', async () => {
    const stored = await createArgon2Hasher({ ...cheap, peppers: [newer, older] }).hash(password)
    assert.match(stored, /^\$argon2id\$v=19\$m=64,t=1,p=1,keyid=MjAyNg\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
    assert.equal(isPasswordHash(stored), true)
    assert.equal(pepperIdOf(stored), '2026')
    assert.equal(stored.includes('secret'), false)
  })

  it('make the hash that another implementation makes of password, salt and secret', async () => {
    const hasher = createArgon2Hasher({ ...cheap, peppers: [newer] })
    for (const [parallelism, iterations, secret] of [
      [1, 1, newer.secret],
      [2, 3, newer.secret],
      [1, 2, undefined]
    ] as const) {
      const made = await argon2id({
        password,
        salt: 'sixteen bytes ok',
        parallelism,
        iterations,
        memorySize: 64,
        hashLength: 32,
        outputType: 'encoded',
        ...(secret !== undefined && { secret })
      })
      const stored = secret === undefined ? made : made.replace(/(p=\d)/, `$1,keyid=${unpadded('2026')}`)
      assert.equal(await hasher.verify(password, stored), true, stored)
      assert.equal(await hasher.verify(encodePassword('another password'), stored), false)
    }
    const ours = await hasher.hash(password)
    const [salt, tag] = ours.split('$').slice(4)
    const theirs = await argon2id({
      password,
      salt: Buffer.from(salt!, 'base64'),
      secret: newer.secret,
      parallelism: 1,
      iterations: 1,
      memorySize: 64,
      hashLength: 32,
      outputType: 'binary'
    })
    assert.equal(Buffer.from(tag!, 'base64').equals(theirs), true)
  })

  it('verify all, and the first is put in the place of the others', async () => {
    const without = createArgon2Hasher(cheap)
    const before = createArgon2Hasher({ ...cheap, peppers: [older] })
    const now = createArgon2Hasher({ ...cheap, peppers: [newer, older] })
    const table = [
      ['without', await without.hash(password), true],
      ['older', await before.hash(password), true],
      ['newer', await now.hash(password), false]
    ] as const
    for (const [name, stored, old] of table) {
      assert.equal(await now.verify(password, stored), true, name)
      assert.equal(await now.verify(encodePassword('another'), stored), false, name)
      assert.equal(now.needsRehash(stored), old, name)
    }
    // A ring that was switched off again.
    assert.equal(without.needsRehash(table[2][1]), true)
    assert.equal(await without.verify(password, table[2][1]), false)
  })

  it('that are the same in name and not in secret do not verify', async () => {
    const stored = await createArgon2Hasher({ ...cheap, peppers: [newer] }).hash(password)
    const mistaken = createArgon2Hasher({ ...cheap, peppers: [{ ...newer, secret: older.secret }] })
    assert.equal(await mistaken.verify(password, stored), false)
    // Without the name of the pepper the hash is that of another password.
    assert.equal(await mistaken.verify(password, stored.replace(',keyid=MjAyNg', '')), false)
  })

  it('that are not there are told once each, and refused with the same work', async () => {
    const told: string[] = []
    const hasher = createArgon2Hasher({ peppers: [newer], onUnknownPepper: (id) => void told.push(id) })
    const lost = await createArgon2Hasher({ peppers: [older] }).hash(password)
    const lostToo = await createArgon2Hasher({ ...cheap, peppers: [{ ...older, id: 'x' }] }).hash(password)
    const own = await hasher.hash(password)
    assert.equal(await hasher.verify(password, lost), false)
    const fastest = { own: Infinity, lost: Infinity, lostToo: Infinity }
    // In turn, so that a busy machine is the same for all.
    for (let round = 0; round < 5; round++) {
      for (const [name, stored] of Object.entries({ own, lost, lostToo }) as [keyof typeof fastest, string][]) {
        const begin = performance.now()
        await hasher.verify(password, stored)
        fastest[name] = Math.min(fastest[name], performance.now() - begin)
      }
    }
    assert.ok(Math.min(fastest.lost, fastest.lostToo) > fastest.own / 3, JSON.stringify(fastest))
    assert.deepEqual(told, ['2025', 'x'])
  })

  it('change nothing about what a stored hash may ask for', async () => {
    const hasher = createArgon2Hasher({ ...cheap, peppers: [newer] })
    const salt = 'c29tZXNhbHRzb21lc2FsdA'
    for (const parameters of [
      'm=4194304,t=2,p=1,keyid=MjAyNg',
      'm=64,t=999,p=1,keyid=MjAyNg',
      'keyid=MjAyNg,m=64,t=1,p=1',
      'm=64,t=1,p=1,keyid='
    ])
      assert.equal(await hasher.verify(password, `$argon2id$v=19$${parameters}$${salt}$${salt}`), false)
  })
})

describe('encodePassword', () => {
  it('treats both ways of typing é alike, and keeps spaces and case', () => {
    assert.deepEqual(encodePassword('caf\u00e9'), encodePassword('cafe\u0301'))
    assert.notDeepEqual(encodePassword(' a'), encodePassword('a'))
  })

  it('refuses a lone surrogate and more than 1024 bytes, naming the field', () => {
    assert.throws(() => encodePassword('a\ud800'), { code: 'GS_PASSWORD_INVALID', statusCode: 400, field: 'password' })
    assert.equal(encodePassword('é'.repeat(512)).length, 1024)
    assert.throws(() => encodePassword('é'.repeat(513), 'currentPassword'), { code: 'GS_PASSWORD_INVALID', field: 'currentPassword' })
  })
})

describe('createPasswords', () => {
  /** A hasher whose work ends when the test says so. */
  const gated = () => {
    let running = 0
    let peak = 0
    const waiting: (() => void)[] = []
    const work = async () => {
      running++
      peak = Math.max(peak, running)
      await new Promise<void>((resolve) => waiting.push(resolve))
      running--
    }
    const hasher: PasswordHasher = {
      hash: async () => (await work(), 'hash'),
      verify: async () => (await work(), true),
      needsRehash: () => false
    }
    return { hasher, release: () => waiting.shift()?.(), peak: () => peak }
  }

  it('runs no more than the allowed number at once and refuses when the queue is full', async () => {
    const gate = gated()
    const passwords = createPasswords({ hasher: gate.hasher, concurrency: 2, maxWaiting: 3 })
    const results = Array.from({ length: 5 }, () => passwords.verify(Buffer.from('x'), 'stored'))
    await new Promise(setImmediate)
    assert.deepEqual(passwords.load, { active: 2, waiting: 3 })
    await assert.rejects(passwords.verify(Buffer.from('x'), 'stored'), { code: 'GS_BUSY', statusCode: 503, retryAfter: 2 })
    while (passwords.load.active > 0) {
      gate.release()
      await new Promise(setImmediate)
    }
    assert.deepEqual(await Promise.all(results), [true, true, true, true, true])
    assert.equal(gate.peak(), 2)
  })

  it('does the work of a verification for an account that does not exist', async () => {
    let verified = 0
    const hasher: PasswordHasher = { ...quick, verify: (password, stored) => (verified++, quick.verify(password, stored)) }
    const passwords = createPasswords({ hasher })
    assert.equal(await passwords.verify(Buffer.from('x'), null), false)
    assert.equal(verified, 1)
  })

  it('verifies a hash of an older system by its kind, does the work of a current one besides, and wants it replaced', async () => {
    const worked: string[] = []
    const hasher: PasswordHasher = { ...quick, verify: (password, stored) => (worked.push(stored), quick.verify(password, stored)) }
    const legacy = [{ prefix: '$old$', verify: (password: Buffer, stored: string) => stored === `$old$${password.toString()}` }]
    const passwords = createPasswords({ hasher, legacy })
    assert.equal(await passwords.verify(Buffer.from('secret'), '$old$secret'), true)
    assert.equal(await passwords.verify(Buffer.from('secre'), '$old$secret'), false)
    assert.equal(worked.length, 2)
    assert.ok(worked.every(isPasswordHash))
    assert.equal(passwords.needsRehash('$old$secret'), true)
    const current = await passwords.hash(Buffer.from('secret'))
    assert.equal(passwords.needsRehash(current), false)
    assert.equal(await passwords.verify(Buffer.from('secret'), current), true)
    assert.equal(worked.at(-1), current)
  })

  it('verifies no hash of an older system that nobody has named', async () => {
    const passwords = createPasswords({ hasher: quick })
    assert.equal(await passwords.verify(Buffer.from('hunter2'), '$sha1$f3bbbd66a63d4bf1747940578ec3d0103530e21d'), false)
  })
})
