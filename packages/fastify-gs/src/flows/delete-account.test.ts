import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { describe, it } from 'node:test'
import Sqlite from 'better-sqlite3'
import { build, password, type Browser } from '../testing/build.ts'

describe('delete-account', () => {
  it('removes the account, all its sessions and links, and says farewell', async (t) => {
    const { app, browser, databasePath, inbox, member } = await build(t)
    const alice = await member('alice')
    const other = browser()
    await other.post('/lwsgs/login', { username: 'alice', password })
    await browser().post('/lwsgs/forgot-password', { username: 'alice' })
    const link = await inbox.token('alice@mail.test', /Set a new/)
    const causes: string[] = []
    app.gs.onSessionEnd(({ cause }) => causes.push(cause))

    const gone = await alice.post('/lwsgs/delete-account', { currentPassword: password })
    assert.deepEqual([gone.statusCode, gone.json().username], [200, null])
    assert.deepEqual(causes, ['account-deleted', 'account-deleted'])
    assert.equal((await alice.get('/lwsgs/session')).json().username, null)
    assert.equal((await other.get('/lwsgs/session')).json().username, null)
    assert.equal((await browser().post('/lwsgs/forgot-password/redeem', { token: link })).json().code, 'GS_LINK_INVALID')
    assert.equal((await browser().post('/lwsgs/login', { username: 'alice', password })).json().code, 'GS_CREDENTIALS')
    await inbox.find('alice@mail.test', /was deleted/)
    const database = new Sqlite(databasePath, { readonly: true })
    for (const table of ['gs_accounts', 'gs_sessions', 'gs_links'])
      assert.equal(database.prepare(`select count(*) from ${table}`).pluck().get(), 0, table)
    database.close()
    assert.deepEqual((await browser().get('/lwsgs/check?username=alice')).json(), { available: true })
  })

  it('needs the own current password in the same request', async (t) => {
    const { browser, member } = await build(t)
    const alice = await member('alice')
    assert.equal((await alice.post('/lwsgs/delete-account', {})).json().code, 'GS_BODY_INVALID')
    assert.equal((await alice.post('/lwsgs/delete-account', { currentPassword: 'not my password' })).json().code, 'GS_CURRENT_PASSWORD')
    assert.equal((await browser().post('/lwsgs/delete-account', { currentPassword: password })).json().code, 'GS_NOT_LOGGED_IN')
    assert.equal((await alice.get('/lwsgs/delete-account')).statusCode, 404)
    assert.equal((await alice.get('/lwsgs/session')).json().username, 'alice')
  })

  const slowBodies: [who: string, type: string, body: string][] = [
    ['who has come by a lost-password link', 'application/x-www-form-urlencoded', 'delete=1'],
    ['who knows the password', 'application/x-www-form-urlencoded', `delete=1&curpw=${encodeURIComponent(password)}`],
    ['who knows the password, in JSON', 'application/json', JSON.stringify({ currentPassword: password })]
  ]
  for (const [who, type, body] of slowBodies) {
    it(`is refused when the session has ended before all of the request was there: ${who}`, async (t) => {
      const { browser, inbox, member } = await build(t)
      const alice = await member('alice')
      const redeem = async (thief: Browser) => {
        const seen = inbox.mails.length
        await thief.post('/lwsgs/forgot-password', { username: 'alice' })
        await thief.post('/lwsgs/forgot-password/redeem', { token: await inbox.token('alice@mail.test', /Set a new/, seen) })
        return thief
      }
      const thief = await redeem(browser())
      const url = type === 'application/json' ? '/lwsgs/delete-account' : '/lwsgs/lwsgs-change'
      const slowly = async function* () {
        yield body.slice(0, 1)
        await redeem(alice)
        yield body.slice(1)
      }
      const payload = Readable.from(slowly(), { objectMode: false })
      const { statusCode } = await thief.send({ method: 'POST', url, payload, headers: { 'content-type': type } })
      assert.equal(statusCode, 401)
      assert.equal((await alice.get('/lwsgs/session')).json().username, 'alice')
    })
  }

  it('ends deleted when it races with logins and changes, without orphans', async (t) => {
    const { browser, databasePath, member } = await build(t)
    for (let round = 0; round < 5; round++) {
      const alice = await member('alice')
      const others = [0, 1, 2].map(() => browser().post('/lwsgs/login', { username: 'alice', password }))
      const answers = await Promise.all([alice.post('/lwsgs/delete-account', { currentPassword: password }), ...others])
      assert.ok(answers.every((answer) => answer.statusCode < 500))
      assert.equal(answers[0].statusCode, 200)
    }
    const database = new Sqlite(databasePath, { readonly: true })
    assert.equal(database.prepare('select count(*) from gs_sessions').pluck().get(), 0)
    database.close()
  })
})
