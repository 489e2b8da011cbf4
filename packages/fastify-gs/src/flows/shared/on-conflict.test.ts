import assert from 'node:assert/strict'
import { it } from 'node:test'
import Sqlite from 'better-sqlite3'
import type { PasswordHasher } from '../../options.ts'
import { build, password, quickHasher } from '../../testing/build.ts'

/** Another login renews the hash at the moment at which the current password is checked; as often as said. */
function renewing(times: () => number): { hasher: PasswordHasher; database: { path: string } } {
  const database = { path: '' }
  let done = 0
  const hasher: PasswordHasher = {
    ...quickHasher,
    async verify(given, stored) {
      const right = await quickHasher.verify(given, stored)
      if (right && done < times()) {
        done++
        const db = new Sqlite(database.path)
        db.prepare('update gs_accounts set password_hash = ? where password_hash = ?').run(await quickHasher.hash(given), stored)
        db.close()
      }
      return right
    }
  }
  return { hasher, database }
}

const calls = [
  ['/lwsgs/change-password', { currentPassword: password, password: 'another horse battery staple' }, 200],
  ['/lwsgs/change-email', { currentPassword: password, email: 'new@mail.test' }, 202],
  ['/lwsgs/delete-account', { currentPassword: password }, 200]
] as const

for (const [url, body, status] of calls) {
  it(`${url} goes through although a login renews the hash meanwhile`, async (t) => {
    const { hasher, database } = renewing(() => 1)
    const built = await build(t, { password: { hasher } })
    database.path = built.databasePath
    assert.equal((await (await built.member('alice')).post(url, body)).statusCode, status)
  })

  it(`${url} is refused when the hash never stays`, async (t) => {
    const { hasher, database } = renewing(() => 9)
    const built = await build(t, { password: { hasher } })
    database.path = built.databasePath
    const response = await (await built.member('alice')).post(url, body)
    assert.deepEqual([response.statusCode, response.json().code], [409, 'GS_CONFLICT'])
  })
}
