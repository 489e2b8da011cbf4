import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { it, type TestContext } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import type { SessionInfo } from '../api.ts'
import type { GsDatabase } from '../database/database.ts'
import { openSqlite } from '../database/sqlite.ts'
import { adminSite, chief, type Engine } from '../testing/admin-site.ts'
import { build, password } from '../testing/build.ts'

/** Which tables hold which of the texts, in any column. */
async function findings({ db }: GsDatabase, needles: Readonly<Record<string, string>>): Promise<string[]> {
  const found = new Set<string>()
  for (const { name } of await db.introspection.getTables()) {
    const rows = await db
      .selectFrom(name as 'gs_accounts')
      .selectAll()
      .execute()
    const text = JSON.stringify(rows).toLowerCase()
    for (const [what, needle] of Object.entries(needles)) if (text.includes(needle.toLowerCase())) found.add(`${name}: ${what}`)
  }
  return [...found].sort()
}

/** Nothing waits to be sent any more. */
async function untilSent({ db }: GsDatabase): Promise<void> {
  const waiting = db.selectFrom('gs_outbox').select('id').where('state', '=', 'waiting')
  while ((await waiting.execute()).length > 0) await turn()
}

/** Somebody of whom there is something in every table. */
async function livedIn(t: TestContext, engine: Engine) {
  const site = await adminSite(t, engine)
  const { administration, browser, database, inbox, member } = site
  const zaphod = await member('Zaphod', 'beeblebrox@mail.test')
  const id = await site.idOf('Zaphod')
  const agent = 'HeartOfGold/1.0'
  await zaphod.post('/lwsgs/login', { username: 'Zaphod', password, remember: true }, { 'user-agent': agent })
  await zaphod.get('/lwsgs/session', { 'user-agent': agent })
  const { session } = (await zaphod.get('/lwsgs/session')).json<SessionInfo>()
  await site.app.gs.settings.set(id, 'drink', 'gargle blaster')
  await database.db
    .insertInto('gs_session_data')
    .values({
      id: session,
      session_id: session,
      token_hash: null,
      data: '{"ship":"gold heart"}',
      version: 1,
      address_key: null,
      expires_at: null
    })
    .execute()
  await browser().post('/lwsgs/forgot-password', { username: 'Zaphod' })
  await inbox.find('beeblebrox@mail.test', /Set a new/)
  await zaphod.post('/lwsgs/change-email', { email: 'trillian@mail.test', currentPassword: password })
  await inbox.find('trillian@mail.test', /Confirm your new/)
  const boss = await site.logIn(chief)
  await boss.post(`/lwsgs/admin/accounts/${id}/grant`, { level: 30, sectors: ['press'] })
  await administration.accounts.requirePasswordChange(id)
  for (let round = 0; round < 3; round++) await browser().post('/lwsgs/login', { username: 'Zaphod', password: 'not the password' })
  const needles = {
    id,
    'hashed id': hash('sha256', id),
    name: 'zaphod',
    address: 'beeblebrox',
    'new address': 'trillian',
    browser: agent,
    session,
    setting: 'gargle blaster',
    data: 'gold heart'
  }
  return { ...site, boss, needles, id, zaphod }
}

for (const engine of ['SQLite', 'PostgreSQL'] as Engine[]) {
  for (const who of ['its owner', 'an admin'] as const) {
    it(`an account that ${who} deletes leaves nothing but what is documented, on ${engine}`, async (t) => {
      const { boss, clock, database, databasePath, id, inbox, needles, zaphod } = await livedIn(t, engine)
      const before = await findings(database, needles)
      for (const there of [
        'gs_accounts: name',
        'gs_sessions: browser',
        'gs_settings: setting',
        'gs_session_data: data',
        'gs_links: address'
      ])
        assert.ok(before.includes(there), `${there} in ${before.join(', ')}`)
      assert.ok(before.includes('gs_throttle: hashed id'), before.join(', '))

      const deleted =
        who === 'its owner'
          ? await zaphod.post('/lwsgs/delete-account', { currentPassword: password })
          : await boss.post(`/lwsgs/admin/accounts/${id}/delete`)
      assert.equal(deleted.statusCode, 200, deleted.body)
      if (who === 'its owner') await inbox.find('beeblebrox@mail.test', /was deleted/)

      // At once: the audit knows the id, the outbox what it has to tell and, for the limits of mail, to which addresses it wrote; the log of
      // changes says to other processes, and to browsers that come back, which sessions have ended.
      const tables = new Set((await findings(database, needles)).map((found) => found.split(':')[0]))
      assert.deepEqual([...tables], ['gs_audit', 'gs_changes', 'gs_outbox'])
      assert.deepEqual(
        (await findings(database, needles)).filter((found) => !found.startsWith('gs_outbox')),
        ['gs_audit: id', 'gs_changes: id', 'gs_changes: session']
      )

      if (engine === 'PostgreSQL') return
      // A week later: the audit alone, with an id that is nobody's. A server that starts cleans up first.
      await untilSent(database)
      clock.advance(8 * 86_400)
      // They have the time of the machine.
      await database.db
        .updateTable('gs_changes')
        .set({ at: Date.now() - 8 * 86_400_000 })
        .execute()
      const later = await build(t, { database: { sqlite: databasePath }, now: () => clock.now })
      await later.app.close()
      assert.deepEqual(await findings(database, needles), ['gs_audit: id'])
    })
  }
}

it('an account whose address nobody proves in time goes with the failures that were counted for it', async (t) => {
  const { app, browser, clock, databasePath } = await build(t)
  await browser().post('/lwsgs/register', { username: 'zaphod', email: 'beeblebrox@mail.test', password })
  const database = await openSqlite(databasePath)
  t.after(() => database.close())
  const { id } = await database.db.selectFrom('gs_accounts').select('id').executeTakeFirstOrThrow()
  await browser().post('/lwsgs/login', { username: 'zaphod', password: 'not the password' })
  const needles = { 'hashed id': hash('sha256', id) }
  assert.deepEqual(await findings(database, needles), ['gs_throttle: hashed id'])

  await app.close()
  clock.advance(8 * 86_400)
  const later = await build(t, { database: { sqlite: databasePath }, now: () => clock.now })
  await later.app.close()
  assert.deepEqual(await database.db.selectFrom('gs_accounts').selectAll().execute(), [])
  assert.deepEqual(await findings(database, needles), [])
})
