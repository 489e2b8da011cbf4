import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { AdminAccount, AdminGroup } from '../api.ts'
import type { Browser } from '../testing/build.ts'
import { untilBlocked } from '../testing/accounts.ts'
import { administer } from '../testing/administration.ts'
import { adminSite, chief } from '../testing/admin-site.ts'
import { engines } from '../testing/databases.ts'

const code = (code: string) => (error: { code?: string }) => error.code === code

for (const engine of engines) {
  describe(`groups on ${engine.name}`, () => {
    it('have a name that is compared like user names, and a level from 2 to 100', async (t) => {
      const { administration } = await administer(t, engine)
      const { groups, audit } = administration
      const editors = await groups.add({ name: 'Editors', level: 35 })
      assert.deepEqual(editors, { id: editors.id, name: 'Editors', level: 35, members: 0 })
      await groups.add({ name: 'a', level: 2 })
      await groups.add({ name: 'x'.repeat(64), level: 100 })
      for (const name of ['editors', 'ＥＤＩＴＯＲＳ']) await assert.rejects(groups.add({ name, level: 10 }), code('GS_GROUP_TAKEN'), name)
      for (const name of ['', ' ', 'two words', '-', 'x'.repeat(65), 'a\0', '\ud800', 'a/b'])
        await assert.rejects(groups.add({ name, level: 10 }), code('GS_GROUP_INVALID'), name)
      for (const level of [1, 101, 2.5, Number.NaN]) await assert.rejects(groups.add({ name: 'b', level }), code('GS_GROUP_INVALID'))
      assert.deepEqual(
        (await groups.list()).map(({ name }) => name),
        ['a', 'Editors', 'x'.repeat(64)]
      )
      assert.equal((await groups.set(editors.id, { name: 'EDITORS' })).name, 'EDITORS')
      await assert.rejects(groups.set(editors.id, { name: 'A' }), code('GS_GROUP_TAKEN'))
      assert.equal((await groups.set(editors.id, { level: 40 })).level, 40)
      await groups.delete(editors.id)
      for (const change of [groups.set(editors.id, { level: 10 }), groups.delete(editors.id)])
        await assert.rejects(change, code('GS_GROUP_UNKNOWN'))
      const entries = (await audit.list()).entries.filter(({ details }) => /editors/i.test(String(details['group'])))
      assert.deepEqual(
        new Set(entries.map(({ action, details }) => `${action} ${JSON.stringify(details)}`)),
        new Set([
          'add-group {"group":"Editors","level":35}',
          'set-group {"group":"Editors","name":["Editors","EDITORS"]}',
          'set-group {"group":"EDITORS","level":[35,40]}',
          'delete-group {"group":"EDITORS","level":40}'
        ])
      )
    })

    it('lend their level, up and down, until the account leaves or the group is gone', async (t) => {
      const { administration } = await administer(t, engine)
      const { accounts, groups } = administration
      const { id } = await accounts.add({ username: 'ann', email: 'ann@mail.test', password: null })
      const rights = async () => {
        const { level, effectiveLevel, group } = (await accounts.find('ann'))!
        return [level, effectiveLevel, group]
      }
      const high = await groups.add({ name: 'High', level: 50 })
      const low = await groups.add({ name: 'Low', level: 2 })
      assert.deepEqual(await rights(), [10, 10, null])
      await accounts.setGroup(id, high.id)
      assert.deepEqual(await rights(), [10, 50, 'High'])
      await accounts.grant(id, { level: 20 })
      assert.deepEqual(await rights(), [20, 50, 'High'])
      await accounts.setGroup(id, low.id)
      assert.deepEqual(await rights(), [20, 2, 'Low'])
      assert.deepEqual(
        (await groups.list()).map(({ members }) => members),
        [0, 1]
      )
      await groups.delete(low.id)
      assert.deepEqual(await rights(), [20, 20, null])
      await accounts.grant(id, { group: high.id, level: 30 })
      assert.deepEqual(await rights(), [30, 50, 'High'])
      await accounts.setGroup(id, null)
      assert.deepEqual(await rights(), [30, 30, null])
      await assert.rejects(accounts.setGroup(id, low.id), code('GS_GROUP_UNKNOWN'))
      const { entries } = await administration.audit.list({ account: id })
      assert.ok(entries.some(({ details }) => JSON.stringify(details) === '{"group":["High",null]}'))
    })
  })
}

for (const engine of ['SQLite', 'PostgreSQL'] as const) {
  describe(`groups and the rank of an admin on ${engine}`, () => {
    const post = (browser: Browser, path: string, body: object = {}) => browser.post(`/lwsgs/admin${path}`, body)

    it('nobody lifts himself, others or a group to his own rank or above it', async (t) => {
      const site = await adminSite(t, engine)
      const root = await site.logIn(chief)
      const admin = await site.admin('adam', 50)
      const adam = await site.idOf('adam')
      const target = await site.add('target')
      const group = async (name: string, level: number) =>
        (await post(root, '/groups', { name, level })).json<{ group: AdminGroup }>().group
      const [peers, helpers] = [await group('Peers', 50), await group('Helpers', 30)]
      const refused = async (response: Promise<{ statusCode: number; json: () => { code?: string } }>, where: string) => {
        const { statusCode, json } = await response
        assert.deepEqual([statusCode, json().code], [403, 'GS_RANK'], where)
      }
      await refused(post(admin, '/groups', { name: 'Mine', level: 50 }), 'a new group of his own rank')
      await refused(post(admin, `/accounts/${target}/grant`, { group: 'Peers' }), 'somebody into a group of his own rank')
      await refused(post(admin, `/accounts/${adam}/grant`, { group: 'Helpers' }), 'himself into any')
      await refused(post(admin, `/groups/${helpers.id}`, { level: 50 }), 'a group to his own rank')
      await refused(post(admin, `/groups/${peers.id}`, { level: 10 }), 'a group of his rank down')
      await refused(post(admin, `/groups/${peers.id}`, { name: 'Other' }), 'the name of such a group')
      await refused(post(admin, `/groups/${peers.id}/delete`), 'the end of such a group')
      assert.equal((await post(admin, `/accounts/${target}/grant`, { group: 'helpers' })).json().account.effectiveLevel, 30)

      // Who was high by himself and is kept low by a group.
      const fallen = await site.add('fallen', { level: 60 })
      assert.equal((await post(root, `/accounts/${fallen}/grant`, { group: 'Helpers' })).json().account.effectiveLevel, 30)
      await refused(post(admin, `/accounts/${fallen}/grant`, { group: null }), 'back to the own level')
      await refused(post(admin, `/groups/${helpers.id}/delete`), 'back to the own level by the end of the group')
      assert.equal((await post(root, `/groups/${helpers.id}/delete`)).statusCode, 200)
      assert.equal((await site.account(fallen)).effectiveLevel, 60)

      // Whose rank a group has lifted cannot be touched by who stood above him before.
      await post(root, `/accounts/${target}/grant`, { group: 'Peers' })
      await refused(post(admin, `/accounts/${target}/lock`), 'somebody of the same rank')
      assert.equal((await site.account(target)).level, 10)
    })

    if (engine === 'PostgreSQL')
      it('nor back to an own level that is being raised at this moment', async (t) => {
        const site = await adminSite(t, engine)
        const root = await site.logIn(chief)
        const admin = await site.admin('adam', 50)
        const target = await site.add('target')
        await post(root, '/groups', { name: 'Helpers', level: 30 })
        await post(root, `/accounts/${target}/grant`, { group: 'Helpers' })
        const leaving = await site.database.transaction(async (trx) => {
          await trx.updateTable('gs_accounts').set({ level: 100 }).where('id', '=', target).execute()
          const answer = post(admin, `/accounts/${target}/grant`, { group: null })
          await untilBlocked(site.database)
          return { answer }
        })
        const { statusCode, json } = await leaving.answer
        assert.deepEqual([statusCode, json().code], [403, 'GS_RANK'])
        assert.equal((await site.account(target)).effectiveLevel, 30)
      })

    it('are lists, forms and answers of the calls for admins', async (t) => {
      const site = await adminSite(t, engine, { levels: { editor: 35 } })
      const root = await site.logIn(chief)
      const target = await site.add('target')
      const member = await site.logIn('target')
      const form = async (path: string, fields: Record<string, string>) => {
        const response = await root.form(`/lwsgs/admin${path}`, { next: '/lwsgs/lwsgs-admin/groups', ...fields })
        assert.deepEqual([response.statusCode, response.headers.location], [303, '/lwsgs/lwsgs-admin/groups'], response.body)
      }
      await form('/groups', { name: 'Editors', level: '35', form: 'admin-add-group' })
      const { groups } = (await root.get('/lwsgs/admin/groups')).json<{ groups: AdminGroup[] }>()
      assert.deepEqual(groups, [{ id: groups[0]!.id, name: 'Editors', level: 35, members: 0, changeable: true }])
      const { id } = groups[0]!
      const account = async () => (await root.get(`/lwsgs/admin/accounts/${target}`)).json<{ account: AdminAccount }>().account
      await form(`/accounts/${target}/grant`, { level: '', group: 'Editors', form: 'admin-grant' })
      assert.deepEqual([(await account()).group, (await account()).level, (await account()).effectiveLevel], ['Editors', 10, 35])
      assert.equal((await member.get('/lwsgs/session')).json().level, 35, 'the session has it at its next request')
      await form(`/accounts/${target}/grant`, { group: '', level: '20' })
      assert.equal((await account()).group, 'Editors')
      const pageOf = async (path: string) => (await root.visit(`/lwsgs/lwsgs-admin${path}`)).body
      assert.match(await pageOf(`/accounts/${target}`), /<option value="-">none/)
      assert.match(await pageOf(`/accounts/${target}`), /35 \(editor\), from the group; its own is 20 \(customer\)/)
      assert.match(await pageOf('/groups'), /Editors<\/strong>\s*<p class="hint">level 35 \(editor\) · 1 account</)
      await form(`/groups/${id}`, { name: '', level: '40', form: 'admin-set-group' })
      assert.equal((await account()).effectiveLevel, 40)
      await form(`/accounts/${target}/grant`, { group: '-' })
      assert.equal((await account()).group, null)
      assert.equal((await root.post(`/lwsgs/admin/accounts/${target}/grant`, { group: 'nobody' })).json().code, 'GS_GROUP_UNKNOWN')
      const refused = await root.form('/lwsgs/admin/groups', { name: 'two words', level: '10', form: 'admin-add-group' })
      assert.equal(refused.statusCode, 400)
      assert.match(refused.body, /The name of a group begins with/)
      assert.equal((await root.send({ method: 'DELETE', url: `/lwsgs/admin/groups/${id}` })).statusCode, 200)
      assert.deepEqual((await root.get('/lwsgs/admin/groups')).json(), { groups: [] })
      for (const browser of [member, site.browser()]) assert.ok([401, 404].includes((await browser.get('/lwsgs/admin/groups')).statusCode))
    })
  })
}
