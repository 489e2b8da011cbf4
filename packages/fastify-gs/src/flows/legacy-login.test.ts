import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { createInterface } from 'node:readline'
import { setImmediate as turn } from 'node:timers/promises'
import { describe, it, type TestContext } from 'node:test'
import { openAdministration } from '../admin/administration.ts'
import { lwsgsHashes } from '../crypto/legacy-hashes.ts'
import type { GsOptions, PasswordHasher } from '../options.ts'
import { build, quickHasher } from '../testing/build.ts'

const confounder = 'a secret of the old site'
const salt = 'c0ffee'.repeat(6)
const old = (algorithm: 'sha1' | 'sha256', password: string) =>
  `$lwsgs-${algorithm}$${salt}$${createHash(algorithm).update(`${password}-${confounder}-${salt}`).digest('hex')}`

const unsalted = (algorithm: 'sha1' | 'sha256', password: string) => `$${algorithm}$${createHash(algorithm).update(password).digest('hex')}`

const legacy = lwsgsHashes({ confounder })

/** A site to which ann (2.x) and bob (3.x) came from lwsgs. */
async function imported(t: TestContext, options: Partial<GsOptions> = {}) {
  const built = await build(t, { password: { hasher: quickHasher, legacy }, ...options })
  const administration = await openAdministration({ database: { sqlite: built.databasePath }, now: () => built.clock.now })
  t.after(() => administration.close())
  const account = (name: string, passwordHash: string) => ({
    name,
    email: `${name}@old.test`,
    passwordHash,
    verified: true,
    createdAt: null
  })
  await administration.importAccounts('lwsgs', [account('ann', old('sha1', 'short')), account('bob', old('sha256', 'hunter2'))], {
    dryRun: false
  })
  const schemeOf = async (name: string) => (await administration.accounts.find(name))!.passwordScheme
  const untilRenewed = async (name: string) => {
    for (const deadline = Date.now() + 10_000; (await schemeOf(name)) !== 'argon2id'; await turn()) assert.ok(Date.now() < deadline, name)
  }
  return { ...built, administration, schemeOf, untilRenewed }
}

describe('somebody who comes from lwsgs', () => {
  it('logs in with the old password, however short, and is on argon2id afterwards', async (t) => {
    const { browser, schemeOf, untilRenewed } = await imported(t)
    for (const [username, password, scheme] of [
      ['ann', 'short', 'lwsgs-sha1'],
      ['bob', 'hunter2', 'lwsgs-sha256']
    ] as const) {
      const visitor = browser()
      assert.equal((await visitor.post('/lwsgs/login', { username, password: `${password}x` })).statusCode, 401)
      assert.equal(await schemeOf(username), scheme)
      const response = await visitor.post('/lwsgs/login', { username, password })
      assert.equal(response.statusCode, 200)
      assert.equal(response.json().username, username)
      await untilRenewed(username)
      assert.equal((await browser().post('/lwsgs/login', { username, password })).statusCode, 200)
      assert.equal((await browser().post('/lwsgs/login', { username, password: `${password}x` })).statusCode, 401)
    }
  })

  it('is renewed at the next login when it failed at the first', async (t) => {
    let fail = true
    const hasher: PasswordHasher = {
      ...quickHasher,
      hash: (password) =>
        fail && password.toString() === 'short' ? Promise.reject(new Error('out of memory')) : quickHasher.hash(password)
    }
    const { browser, schemeOf, untilRenewed } = await imported(t, { password: { hasher, legacy } })
    assert.equal((await browser().post('/lwsgs/login', { username: 'ann', password: 'short' })).statusCode, 200)
    assert.equal(await schemeOf('ann'), 'lwsgs-sha1')
    fail = false
    assert.equal((await browser().post('/lwsgs/login', { username: 'ann', password: 'short' })).statusCode, 200)
    await untilRenewed('ann')
  })

  it('may log in from several devices at once, while the hash is being replaced', async (t) => {
    const { browser, untilRenewed } = await imported(t)
    const answers = await Promise.all(
      Array.from({ length: 12 }, () => browser().post('/lwsgs/login', { username: 'ann', password: 'short' }))
    )
    assert.deepEqual(new Set(answers.map(({ statusCode }) => statusCode)), new Set([200]))
    await untilRenewed('ann')
  })

  it('cannot log in when the server does not know the kind of hash', async (t) => {
    const { browser, schemeOf } = await imported(t, { password: { hasher: quickHasher } })
    assert.equal((await browser().post('/lwsgs/login', { username: 'ann', password: 'short' })).statusCode, 401)
    assert.equal(await schemeOf('ann'), 'lwsgs-sha1')
  })

  it('gets a new password only by the rules of today', async (t) => {
    const { browser, untilRenewed } = await imported(t)
    const visitor = browser()
    await visitor.post('/lwsgs/login', { username: 'ann', password: 'short' })
    await untilRenewed('ann')
    const change = (password: string) => visitor.post('/lwsgs/change-password', { currentPassword: 'short', password })
    assert.equal((await change('shorter')).json().code, 'GS_PASSWORD_WEAK')
    assert.equal((await change('a passphrase of today')).statusCode, 200)
  })
})

describe('the configured admin with an old hash', () => {
  for (const algorithm of ['sha1', 'sha256'] as const) {
    it(`logs in by ${algorithm} with a short password, and the log warns once and names the cure`, async (t) => {
      const stream = new PassThrough()
      const lines: string[] = []
      createInterface({ input: stream }).on('line', (line) => lines.push(line))
      const hash = unsalted(algorithm, 'old')
      const { app, browser } = await build(
        t,
        { password: { hasher: quickHasher, legacy }, admin: { username: 'chief', passwordHash: hash } },
        undefined,
        { logger: { level: 'trace', stream } }
      )
      const visitor = browser()
      assert.equal((await visitor.post('/lwsgs/login', { username: 'chief', password: 'odl' })).statusCode, 401)
      for (let round = 0; round < 2; round++)
        assert.equal((await visitor.post('/lwsgs/login', { username: 'chief', password: 'old' })).json().mask, 7)
      await app.close()
      stream.end()
      await once(stream, 'close')
      const warnings = lines.filter((line) => line.includes('gs hash-password'))
      assert.equal(warnings.length, 1)
      assert.equal((JSON.parse(warnings[0]!) as { level: number }).level, 40)
      assert.equal(
        lines.some((line) => line.includes(hash.slice(8))),
        false
      )
    })
  }

  it('is refused at start when the kind of hash is not named', async (t) => {
    await assert.rejects(build(t, { password: {}, admin: { username: 'chief', passwordHash: unsalted('sha1', 'old') } }), {
      code: 'GS_OPTION',
      message: /admin\.passwordHash.*password\.legacy/
    })
  })
})
