import assert from 'node:assert/strict'
import { Writable } from 'node:stream'
import { describe, it, type TestContext } from 'node:test'
import Fastify from 'fastify'
import { openAdministration } from '../admin/administration.ts'
import { openSqlite } from '../database/sqlite.ts'
import { hashPassword } from '../hash-password.ts'
import { fastifyGs } from '../plugin.ts'
import { build, password, quickHasher, type Built } from '../testing/build.ts'
import { temporaryDirectory } from '../testing/databases.ts'
import type { GsOptions, Pepper } from '../options.ts'

const older: Pepper = { id: '2025', secret: 'the secret of the year 2025, 32 bytes' }
const newer: Pepper = { id: '2026', secret: 'the secret of the year 2026, 32 bytes' }

async function rowsOf(t: TestContext, { databasePath }: Pick<Built, 'databasePath'>) {
  const database = await openSqlite(databasePath)
  t.after(() => database.close())
  const hashOf = async (username: string) => {
    const row = await database.db
      .selectFrom('gs_accounts')
      .select('password_hash')
      .where('username', '=', username)
      .executeTakeFirstOrThrow()
    return row.password_hash
  }
  return { database, hashOf }
}

describe('stored passwords', () => {
  it('are hashed slowly, each with a salt of its own', async (t) => {
    const built = await build(t, { password: {} })
    const { hashOf } = await rowsOf(t, built)
    await built.member('alice')
    await built.member('bob')
    const [alice, bob] = [await hashOf('alice'), await hashOf('bob')]
    assert.match(alice, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
    assert.notEqual(alice.split('$')[4], bob.split('$')[4])
    assert.notEqual(alice.split('$')[5], bob.split('$')[5])
  })

  it('count as a whole: behind byte 72 and byte 127, with case and blanks', async (t) => {
    const { browser, clock, inbox } = await build(t)
    const long = `${'a long password that nobody types '.repeat(8)}!`
    assert.ok(Buffer.byteLength(long) > 255)
    await browser().post('/lwsgs/register', { username: 'alice', email: 'alice@mail.test', password: long })
    await browser().post('/lwsgs/verify-email', { token: await inbox.token('alice@mail.test', /Confirm/) })
    const logIn = async (typed: string) => (await browser().post('/lwsgs/login', { username: 'alice', password: typed })).statusCode
    assert.equal(await logIn(long), 200)
    for (const typed of [
      long.slice(0, 127),
      long.slice(0, 72),
      long.slice(0, -1),
      `${long.slice(0, -1)}?`,
      `${long} `,
      long.toUpperCase()
    ]) {
      clock.advance(7200)
      assert.equal(await logIn(typed), 401, typed)
    }
  })

  it('have nothing to do with the name: another name needs no password', async (t) => {
    const built = await build(t)
    const { database } = await rowsOf(t, built)
    await built.member('alice')
    await database.db
      .updateTable('gs_accounts')
      .set({ username: 'Alicia', username_key: 'alicia' })
      .where('username', '=', 'alice')
      .execute()
    assert.equal((await built.browser().post('/lwsgs/login', { username: 'alicia', password })).statusCode, 200)
  })

  it('that many others have are refused in any case, at sign-up and at a change', async (t) => {
    const { browser, member } = await build(t, { password: { hasher: quickHasher, minLength: 8 } })
    const register = (password: string) => browser().post('/lwsgs/register', { username: 'alice', email: 'alice@mail.test', password })
    for (const common of ['password', 'Password', 'BASEBALL', 'ｂａｓｅｂａｌｌ']) {
      const refused = await register(common)
      assert.deepEqual([refused.statusCode, refused.json().code], [400, 'GS_PASSWORD_WEAK'], common)
    }
    const bob = await member('bob')
    const changed = await bob.post('/lwsgs/change-password', { currentPassword: password, password: 'Password' })
    assert.equal(changed.json().code, 'GS_PASSWORD_WEAK')
  })

  it('are compared with the list that the options choose', async (t) => {
    const attempt = async (blocklist: Required<NonNullable<GsOptions['password']>>['blocklist'], password: string) => {
      const { browser } = await build(t, { password: { hasher: quickHasher, minLength: 8, blocklist } })
      return (await browser().post('/lwsgs/register', { username: 'alice', email: 'alice@mail.test', password })).statusCode
    }
    assert.deepEqual(
      [
        await attempt(false, 'password'),
        await attempt(1, 'baseball'),
        await attempt(20, 'baseball'),
        await attempt(['Sesame street'], 'sesame STREET')
      ],
      [202, 202, 400, 400]
    )
  })
})

describe('peppers', () => {
  /** The same site again and again, with another ring. */
  const site = async (t: TestContext) => {
    const databasePath = `${temporaryDirectory(t)}/gs.sqlite3`
    const { hashOf, database } = await rowsOf(t, { databasePath })
    const log: { level: number; msg: string; pepper?: string }[] = []
    const stream = new Writable({
      write(chunk: Buffer, _encoding, done) {
        log.push(JSON.parse(chunk.toString()))
        done()
      }
    })
    /** What a login answers; waits until the server has done all that it does afterwards. */
    const logIn = async (peppers: readonly Pepper[] | undefined, typed = password, times = 1) => {
      const app = Fastify({ logger: { level: 'warn', stream } })
      const mailer = { send: async () => undefined, close: () => undefined }
      await app.register(fastifyGs, {
        baseUrl: 'http://localhost:7681',
        keys: ['only-for-tests-0123456789-abcdefghij'],
        database: { sqlite: databasePath },
        mail: { mailer, from: 'Test <noreply@site.test>' },
        password: peppers === undefined ? {} : { peppers },
        rateLimits: false
      })
      const before = await hashOf('ann')
      let status = 0
      for (let round = 0; round < times; round++)
        status = (await app.inject({ method: 'POST', url: '/lwsgs/login', payload: { username: 'ann', password: typed } })).statusCode
      const expected = peppers === undefined ? 'p=1$' : `keyid=${Buffer.from(peppers[0]!.id).toString('base64url')}$`
      // The hash is renewed behind the answer.
      while (status === 200 && !(await hashOf('ann')).includes(expected)) await new Promise(setImmediate)
      await app.close()
      return { status, before, after: await hashOf('ann') }
    }
    const add = async (peppers?: readonly Pepper[]) => {
      const administration = await openAdministration({ database: { sqlite: databasePath }, ...(peppers !== undefined && { peppers }) })
      await administration.accounts.add({ username: 'ann', email: 'ann@mail.test', password })
      const record = await administration.accounts.find('ann')
      await administration.close()
      return record!
    }
    return { add, database, hashOf, logIn, log }
  }

  it('go into new hashes and, at the next login, into those that were there; to replace one is to put a new one first', async (t) => {
    const { add, logIn, log } = await site(t)
    assert.equal((await add()).passwordScheme, 'argon2id')
    const first = await logIn([older])
    assert.deepEqual([first.status, first.before.includes('keyid='), first.after.includes('keyid=MjAyNQ$')], [200, false, true])
    const wrong = await logIn([newer, older], 'not the password of ann')
    assert.deepEqual([wrong.status, wrong.after], [401, first.after])
    const second = await logIn([newer, older])
    assert.deepEqual([second.status, second.after.includes('keyid=MjAyNg$')], [200, true])
    // The old one can go now.
    assert.equal((await logIn([newer])).status, 200)
    assert.deepEqual(log, [])
  })

  it('that are gone let nobody in who depends on them, and the log says so once', async (t) => {
    const { add, logIn, log } = await site(t)
    assert.equal((await add([older])).passwordScheme, 'argon2id+2025')
    const { status, before, after } = await logIn([newer], password, 3)
    assert.deepEqual([status, after], [401, before])
    assert.deepEqual(
      log.map(({ pepper, level }) => [pepper, level]),
      [['2025', 40]]
    )
    assert.match(log[0]!.msg, /password\.peppers/)
    assert.equal((await logIn([newer, older])).status, 200)
  })

  it('of the configured admin must be there when the server starts', async (t) => {
    const passwordHash = await hashPassword(password, { peppers: [older] })
    const admin = { username: 'Chief', passwordHash }
    await assert.rejects(build(t, { admin, password: { peppers: [newer] } }), {
      code: 'GS_OPTION',
      message: /admin\.passwordHash was made with the pepper "2025", which the option password\.peppers does not have; .+\.$/
    })
    const { browser } = await build(t, { admin, password: { peppers: [newer, older] } })
    assert.equal((await browser().post('/lwsgs/login', { username: 'Chief', password })).statusCode, 200)
  })
})
