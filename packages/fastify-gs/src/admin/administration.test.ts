import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { schemaVersion } from '../database/migrations.ts'
import { GsOptionError, GsStartError } from '../errors.ts'
import { build, password } from '../testing/build.ts'
import { emptyPostgres, temporaryDirectory } from '../testing/databases.ts'
import { openAdministration } from './administration.ts'

describe('openAdministration', () => {
  it('makes and migrates a database of either engine, and opens it again', async (t) => {
    for (const database of [{ sqlite: join(temporaryDirectory(t), 'gs.sqlite3') }, { postgres: await emptyPostgres() }]) {
      const first = await openAdministration({ database })
      assert.deepEqual(first.schema, { version: schemaVersion, migratedFrom: 0 })
      const { id } = await first.accounts.add({ username: 'ann', email: 'a@mail.test', password })
      await first.close()
      const second = await openAdministration({ database })
      assert.equal(second.schema.migratedFrom, schemaVersion)
      assert.equal((await second.accounts.find('ann'))?.id, id)
      await second.close()
    }
  })

  it('refuses what is no database, in a sentence', async (t) => {
    const path = join(temporaryDirectory(t), 'gs.sqlite3')
    writeFileSync(path, 'x'.repeat(4096))
    await assert.rejects(openAdministration({ database: { sqlite: path } }), (error) => error instanceof GsStartError)
    await assert.rejects(openAdministration({ database: {} as never }), (error) => error instanceof GsOptionError)
  })

  it('hashes with the peppers of the server, and compares with its list of common passwords', async (t) => {
    const database = { sqlite: join(temporaryDirectory(t), 'gs.sqlite3') }
    const peppers = [{ id: '2026', secret: 'the secret of the year 2026, 32 bytes' }]
    const { accounts, close } = await openAdministration({ database, peppers, blocklist: ['Sesame street 12'] })
    t.after(close)
    const { id, passwordScheme } = await accounts.add({ username: 'ann', email: 'a@mail.test', password })
    assert.equal(passwordScheme, 'argon2id+2026')
    await assert.rejects(accounts.setPassword(id, 'SESAME street 12'), { code: 'GS_PASSWORD_WEAK' })
    await accounts.setPassword(id, 'passwordpassword')
    assert.equal((await accounts.find('ann'))?.passwordScheme, 'argon2id+2026')
  })

  it('refuses peppers and lists that the server would not take, in a sentence', async (t) => {
    const database = { sqlite: join(temporaryDirectory(t), 'gs.sqlite3') }
    for (const [wrong, message] of [
      [{ peppers: [{ id: '2026', secret: 'short' }] }, /password\.peppers\[0\]\.secret/],
      [{ peppers: [{ id: 'more than eight', secret: 'x' }] }, /password\.peppers\[0\]\.id/],
      [{ blocklist: 50_000 }, /password\.blocklist/]
    ] as const)
      await assert.rejects(openAdministration({ database, ...wrong }), { code: 'GS_OPTION', message })
  })

  it('works beside the server: what it changes is so at the next request', async (t) => {
    const { browser, clock, databasePath, member } = await build(t, {}, (app) => {
      app.get('/press', { config: { gs: 16 } }, () => 'press')
    })
    const alice = await member('alice')
    const other = await openAdministration({ database: { sqlite: databasePath }, now: () => clock.now })
    t.after(() => other.close())
    const { id } = (await other.accounts.find('alice'))!
    assert.equal((await alice.get('/press')).statusCode, 403)
    await other.accounts.grant(id, { sectors: 16 })
    assert.equal((await alice.get('/press')).statusCode, 200)
    await other.accounts.grant(id, { revokeSectors: 16 })
    assert.equal((await alice.get('/press')).statusCode, 403)

    await other.accounts.lock(id)
    assert.equal((await alice.get('/lwsgs/session')).json().username, null)
    await other.accounts.unlock(id)
    assert.equal((await alice.post('/lwsgs/login', { username: 'alice', password })).statusCode, 200)

    await other.accounts.setPassword(id, 'another good passphrase')
    assert.equal((await alice.get('/lwsgs/session')).json().username, null)
    assert.equal((await alice.post('/lwsgs/login', { username: 'alice', password })).statusCode, 401)
    assert.equal((await alice.post('/lwsgs/login', { username: 'alice', password: 'another good passphrase' })).statusCode, 200)

    const session = (await alice.get('/lwsgs/session')).json().session as string
    assert.deepEqual(
      (await other.sessions.list({ account: id })).sessions.map((entry) => entry.id),
      [session]
    )
    assert.equal(await other.sessions.end(session), true)
    assert.equal((await alice.get('/lwsgs/session')).json().username, null)

    await other.accounts.add({ username: 'bob', email: 'b@mail.test', password })
    assert.equal((await browser().post('/lwsgs/login', { username: 'bob', password })).json().verified, true)
  })
})
