import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { openAdministration } from '../admin/administration.ts'
import type { ApiError, SessionInfo } from '../api.ts'
import { adminSite, chief, type Engine } from '../testing/admin-site.ts'
import { build, password, type Browser } from '../testing/build.ts'
import type { GsOptions } from '../options.ts'

const next = 'a brand new password'
const due = [403, 'GS_PASSWORD_CHANGE_REQUIRED']

type Response = Awaited<ReturnType<Browser['post']>>
const refusal = (response: Response) => [response.statusCode, response.json<ApiError>().code]
const info = async (browser: Browser) => (await browser.get('/lwsgs/session')).json<SessionInfo>()

async function withAdministration(t: TestContext, options: Partial<GsOptions> = {}) {
  const built = await build(t, { sectors: ['press'], ...options })
  const administration = await openAdministration({ database: { sqlite: built.databasePath }, now: () => built.clock.now })
  t.after(() => administration.close())
  const idOf = async (name: string) => (await administration.accounts.find(name))!.id
  const restrict = async (name: string) => administration.accounts.requirePasswordChange(await idOf(name))
  return { ...built, administration, idOf, restrict }
}

describe('an account that must change its password', () => {
  it('is nothing but logged in, at the next request of every device, whatever rights it has', async (t) => {
    const { administration, browser, idOf, member, restrict } = await withAdministration(t)
    const alice = await member('alice')
    await administration.accounts.grant(await idOf('alice'), { level: 50, sectors: 16 })
    const phone = browser()
    await phone.post('/lwsgs/login', { username: 'alice', password, remember: true })
    const before = await info(phone)
    assert.deepEqual([before.mask, before.level, before.mustChangePassword, before.sectors], [21, 50, false, ['press']])

    await restrict('alice')
    for (const device of [alice, phone]) {
      const { mask, level, mustChangePassword, sectors, username } = await info(device)
      assert.deepEqual([mask, level, mustChangePassword, sectors, username], [1, 2, true, [], 'alice'])
    }
    const later = browser()
    assert.equal((await later.post('/lwsgs/login', { username: 'alice', password })).json<SessionInfo>().mustChangePassword, true)
    assert.equal((await info(later)).mask, 1)
  })

  it('has only a new password, logout, session, events and deletion open to it', async (t) => {
    const { administration, browser, idOf, member, restrict } = await withAdministration(t)
    const alice = await member('alice')
    await administration.accounts.grant(await idOf('alice'), { level: 100 })
    const { session } = await info(alice)
    await restrict('alice')
    const refused: [method: 'GET' | 'POST' | 'DELETE', path: string, body?: object][] = [
      ['GET', '/sessions'],
      ['DELETE', '/sessions'],
      ['DELETE', `/sessions/${session}`],
      ['POST', '/sessions/end', { id: session }],
      ['POST', '/sessions/end-others'],
      ['POST', '/change-email', { email: 'new@mail.test', currentPassword: password }],
      ['POST', '/language', { language: 'de' }],
      ['GET', '/admin/accounts'],
      ['GET', '/admin/audit'],
      ['POST', `/admin/accounts/${await idOf('alice')}/lock`],
      ['GET', '/lwsgs-admin']
    ]
    for (const [method, path, payload] of refused) {
      const response = await alice.send({ method, url: `/lwsgs${path}`, ...(payload !== undefined && { payload }) })
      assert.deepEqual(refusal(response), due, `${method} ${path}`)
    }
    const other = browser()
    await other.post('/lwsgs/login', { username: 'alice', password })
    assert.equal((await other.post('/lwsgs/logout')).statusCode, 200)
    assert.equal((await info(other)).username, null)
    assert.equal((await alice.post('/lwsgs/delete-account', { currentPassword: password })).statusCode, 200)
    assert.equal(await administration.accounts.find('alice'), null)
  })

  it('is open again with another password than the one it had, on all devices that log in with it', async (t) => {
    const { administration, browser, idOf, member, restrict } = await withAdministration(t)
    const alice = await member('alice')
    const other = browser()
    await other.post('/lwsgs/login', { username: 'alice', password })
    await restrict('alice')
    const change = (body: object) => alice.post('/lwsgs/change-password', body)
    const same = (await change({ currentPassword: password, password })).json<ApiError>()
    assert.deepEqual([same.statusCode, same.code, same.field], [400, 'GS_PASSWORD_WEAK', 'password'])
    assert.match(same.message, /^This is the password that you have\./)
    assert.deepEqual(refusal(await change({ currentPassword: next, password: next })), [403, 'GS_CURRENT_PASSWORD'])
    assert.equal((await info(alice)).mustChangePassword, true)

    const changed = (await change({ currentPassword: password, password: next })).json<SessionInfo>()
    assert.deepEqual([changed.mask, changed.mustChangePassword], [5, false])
    assert.equal((await info(alice)).mask, 5)
    assert.equal((await info(other)).username, null)
    assert.equal((await alice.get('/lwsgs/sessions')).statusCode, 200)
    assert.equal((await other.post('/lwsgs/login', { username: 'alice', password })).statusCode, 401)
    assert.equal((await other.post('/lwsgs/login', { username: 'alice', password: next })).json<SessionInfo>().mask, 5)
    assert.equal((await administration.accounts.find(await idOf('alice')))?.status, 'active')
  })

  it('can get there by a lost-password link too, which does not make a new password unnecessary', async (t) => {
    const { browser, inbox, member, restrict } = await withAdministration(t)
    await member('alice')
    await restrict('alice')
    const visitor = browser()
    await visitor.post('/lwsgs/forgot-password', { username: 'alice' })
    await visitor.post('/lwsgs/forgot-password/redeem', { token: await inbox.token('alice@mail.test', /Set a new/) })
    const redeemed = await info(visitor)
    assert.deepEqual([redeemed.mask, redeemed.level, redeemed.mustChangePassword], [9, 2, true])
    assert.deepEqual(refusal(await visitor.get('/lwsgs/sessions')), due)
    assert.deepEqual(refusal(await visitor.post('/lwsgs/change-password', { password })), [400, 'GS_PASSWORD_WEAK'])
    const changed = (await visitor.post('/lwsgs/change-password', { password: next })).json<SessionInfo>()
    assert.deepEqual([changed.mask, changed.mustChangePassword], [5, false])
  })

  it('does not get another address by a link that was mailed before', async (t) => {
    const { browser, inbox, member, restrict } = await withAdministration(t)
    const alice = await member('alice')
    await alice.post('/lwsgs/change-email', { email: 'new@mail.test', currentPassword: password })
    const token = await inbox.token('new@mail.test', /Confirm/)
    await restrict('alice')
    for (const visitor of [alice, browser()]) assert.deepEqual(refusal(await visitor.post('/lwsgs/change-email/redeem', { token })), due)
    assert.equal((await info(alice)).email, 'alice@mail.test')
  })

  it('does not miss that it must when that is decided while a new password is on its way', async (t) => {
    const built = await withAdministration(t)
    const alice = await built.member('alice')
    // The same password again, which nobody had forbidden when the request came.
    const [changed] = await Promise.all([
      alice.post('/lwsgs/change-password', { currentPassword: password, password }),
      built.restrict('alice')
    ])
    const { mustChangePassword } = await info(alice)
    // Either it came first, and the duty stands; or it came second, and was refused.
    assert.equal(mustChangePassword, true)
    assert.ok(changed.statusCode === 200 || changed.json<ApiError>().code === 'GS_PASSWORD_WEAK', changed.body)
  })

  it('sees on the page without scripts why, and nothing that it cannot do', async (t) => {
    const { member, restrict } = await withAdministration(t)
    const alice = await member('alice')
    await restrict('alice')
    const page = await alice.visit('/lwsgs/lwsgs-change')
    assert.equal(page.statusCode, 200)
    assert.match(page.body, /Please choose a new password before you go on/)
    assert.match(page.body, /name="password2"/)
    assert.match(page.body, /name="delete"/)
    assert.doesNotMatch(page.body, /change-email|end-session|Where you are logged in/)
    const changed = await alice.form('/lwsgs/lwsgs-change', { change: '1', curpw: password, password: next, password2: next })
    assert.equal(changed.statusCode, 303)
    assert.equal((await info(alice)).mask, 5)
  })
})

describe('statuses of accounts', () => {
  for (const engine of ['SQLite', 'PostgreSQL'] as Engine[]) {
    it(`count at each use of a session that is there already, whoever sets them, on ${engine}`, async (t) => {
      const site = await adminSite(t, engine)
      const { administration, database } = site
      const before = [5, 10, 'ann']
      const table: [status: string, set: (id: string) => Promise<unknown>, after: unknown[]][] = [
        ['active', async () => undefined, before],
        ['locked', (id) => administration.accounts.lock(id), [0, 1, null]],
        // The row alone: not that somebody ends the sessions, but that no session of such an account is one.
        [
          'locked without the end of its sessions',
          (id) => database.db.updateTable('gs_accounts').set({ locked_at: 1 }).where('id', '=', id).execute(),
          [0, 1, null]
        ],
        [
          'inactive',
          (id) => database.db.updateTable('gs_accounts').set({ verified_email_key: null }).where('id', '=', id).execute(),
          [1, 2, 'ann']
        ],
        ['must-change-password', (id) => administration.accounts.requirePasswordChange(id), [1, 2, 'ann']],
        ['deleted', (id) => administration.accounts.delete(id), [0, 1, null]]
      ]
      for (const [status, set, after] of table) {
        const id = await site.add('ann')
        const ann = await site.logIn('ann')
        const facts = async () => {
          const { mask, level, username } = await info(ann)
          return [mask, level, username]
        }
        assert.deepEqual(await facts(), before, status)
        await set(id)
        assert.deepEqual(await facts(), after, status)
        if (status !== 'deleted') await administration.accounts.delete(id)
      }
    })
  }

  it('are told to admins and operators, with logins, and can be searched for', async (t) => {
    const site = await adminSite(t, 'SQLite')
    const { accounts } = site.administration
    const boss = await site.logIn(chief)
    const inactive = await site.add('inactive', { verified: false })
    const locked = await site.add('locked')
    await accounts.lock(locked)
    const active = await site.add('active')
    const due = await site.add('due')
    const answered = await boss.post(`/lwsgs/admin/accounts/${due}/require-password-change`)
    assert.deepEqual(
      [answered.statusCode, answered.json().account.status, answered.json().account.mustChangePassword],
      [200, 'must-change-password', true]
    )
    for (const [id, status] of [
      [inactive, 'inactive'],
      [locked, 'locked'],
      [active, 'active'],
      [due, 'must-change-password']
    ] as const) {
      assert.equal((await site.account(id)).status, status)
      assert.equal((await accounts.find(id))?.status, status)
    }
    // Of several the one that shuts it most.
    await accounts.requirePasswordChange(inactive)
    assert.deepEqual([(await accounts.find(inactive))?.status, (await accounts.find(inactive))?.mustChangePassword], ['inactive', true])

    const found = await boss.get('/lwsgs/admin/accounts?state=must-change-password')
    assert.deepEqual(
      found.json<{ accounts: { username: string }[] }>().accounts.map(({ username }) => username),
      ['due', 'inactive']
    )
    assert.deepEqual(
      (await accounts.list({ state: 'must-change-password' })).accounts.map(({ username }) => username),
      ['due', 'inactive']
    )
    const [entry] = await site.audit()
    assert.deepEqual(
      [entry?.action, entry?.accountId, entry?.actor, entry?.details],
      ['require-password-change', due, chief, { mustChangePassword: [false, true] }]
    )
    // A second time there is nothing to do, and nothing to write down.
    await boss.post(`/lwsgs/admin/accounts/${due}/require-password-change`)
    assert.equal((await site.audit()).length, 1)
    assert.deepEqual(refusal(await boss.post(`/lwsgs/admin/accounts/${await site.idOf(chief)}/require-password-change`)), [
      403,
      'GS_CONFIGURED_ADMIN'
    ])
  })

  it('can be set by a button of the page without scripts', async (t) => {
    const site = await adminSite(t, 'SQLite')
    const boss = await site.logIn(chief)
    const ann = await site.add('ann')
    const page = () => boss.visit(`/lwsgs/lwsgs-admin/accounts/${ann}`)
    const form = /<form[^>]*action="([^"]*require-password-change)"/.exec((await page()).body)
    assert.ok(form, 'there is a form for it')
    assert.equal((await boss.form(form[1]!, { next: '/lwsgs/' })).statusCode, 303)
    const after = (await page()).body
    assert.match(after, /New password due/)
    assert.doesNotMatch(after, /require-password-change"/)
    assert.equal((await site.account(ann)).mustChangePassword, true)
    assert.match((await boss.visit('/lwsgs/lwsgs-admin?state=must-change-password')).body, />ann</)
  })

  it('can begin with a password that somebody else has chosen, and is to be changed first', async (t) => {
    const site = await adminSite(t, 'SQLite')
    const { accounts } = site.administration
    const { id } = await accounts.add({ username: 'ann', email: 'ann@mail.test', password, mustChangePassword: true })
    const ann = await site.logIn('ann')
    assert.equal((await info(ann)).mustChangePassword, true)
    await ann.post('/lwsgs/change-password', { currentPassword: password, password: next })
    assert.equal((await info(ann)).mask, 5)

    await accounts.setPassword(id, password, { mustChange: true })
    assert.equal((await info(ann)).username, null)
    assert.equal((await info(await site.logIn('ann'))).mustChangePassword, true)
    await accounts.setPassword(id, password)
    assert.equal((await info(await site.logIn('ann'))).mustChangePassword, false)
  })

  it('count logins and say when the last one was; the use of a session is no login', async (t) => {
    const { administration, browser, clock, idOf, inbox, member } = await withAdministration(t)
    const facts = async () => {
      const { visits, lastLoginAt } = (await administration.accounts.find('alice'))!
      return [visits, lastLoginAt]
    }
    const alice = await member('alice')
    const verified = clock.now
    assert.deepEqual(await facts(), [1, verified])
    clock.advance(60)
    // A page in a browser that keeps its cookie, on whatever kind of device, again and again.
    for (const agent of ['Mozilla/5.0 (X11; Linux x86_64)', 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Mobile'])
      for (let round = 0; round < 3; round++) await alice.get('/lwsgs/session', { 'user-agent': agent })
    assert.deepEqual(await facts(), [1, verified])
    await browser().post('/lwsgs/login', { username: 'alice', password: 'not the password' })
    await alice.post('/lwsgs/change-password', { currentPassword: password, password: next })
    assert.deepEqual(await facts(), [1, verified])
    const phone = browser()
    await phone.post('/lwsgs/login', { username: 'alice', password: next }, { 'user-agent': 'Mobile' })
    assert.deepEqual(await facts(), [2, clock.now])
    clock.advance(60)
    await phone.post('/lwsgs/forgot-password', { username: 'alice' })
    await phone.post('/lwsgs/forgot-password/redeem', { token: await inbox.token('alice@mail.test', /Set a new/) })
    assert.deepEqual(await facts(), [3, clock.now])
    assert.equal((await administration.accounts.find(await idOf('alice')))?.language, null)
  })
})
