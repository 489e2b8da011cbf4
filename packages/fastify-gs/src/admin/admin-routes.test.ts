import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { sql } from 'kysely'
import type { AdminAccount, AdminAccountList, AdminMailList, AdminSessionList, ApiError, AuditList, SessionInfo } from '../api.ts'
import { gsPaths } from '../api.ts'
import { untilBlocked } from '../testing/accounts.ts'
import { adminSite, chief, type AdminSite, type Engine } from '../testing/admin-site.ts'
import type { Mail } from '../options.ts'
import { Inbox, password, type Browser } from '../testing/build.ts'

const at = (path: string) => `/lwsgs/admin${path}`
const engines: readonly Engine[] = ['SQLite', 'PostgreSQL']

type Response = Awaited<ReturnType<Browser['get']>>
const refusal = (response: Response) => [response.statusCode, response.json<ApiError>().code]

/** What somebody is told when he asks for what is none of his business. */
const outcomes = { anonymous: 401, unverified: 404, user: 404, 'level 49': 404, 'level 50': 200, 'level 100': 200, configured: 200 }
type Role = keyof typeof outcomes

async function visitorOf(site: AdminSite, role: Role): Promise<Browser> {
  if (role === 'anonymous') return site.browser()
  if (role === 'configured') return site.logIn(chief)
  const level = { unverified: 100, user: 10, 'level 49': 49, 'level 50': 50, 'level 100': 100 }[role]
  await site.add('visitor', { level, verified: role !== 'unverified' })
  return site.logIn('visitor')
}

for (const engine of engines) {
  describe(`who may use the calls for admins on ${engine}`, () => {
    for (const role of Object.keys(outcomes) as Role[]) {
      it(`${role}: ${outcomes[role] === 200 ? 'passes' : `is answered ${outcomes[role]}`}, whatever the call and method`, async (t) => {
        const site = await adminSite(t, engine)
        const target = await site.add('target')
        const visitor = await visitorOf(site, role)
        const known = await site.logIn('target')
        const session = (await known.get('/lwsgs/session')).json<SessionInfo>().session
        const reads = ['/accounts', `/accounts/${target}`, '/sessions', '/mail', '/audit']
        const changes: [method: 'POST' | 'DELETE', path: string, unknown?: string][] = [
          ['POST', `/accounts/${target}/verify`],
          ['POST', `/accounts/${target}/lock`],
          ['POST', `/accounts/${target}/unlock`],
          ['POST', `/accounts/${target}/grant`],
          ['POST', `/accounts/${target}/end-sessions`],
          ['POST', `/accounts/${target}/reset-password`],
          ['POST', `/accounts/${target}/require-password-change`],
          ['POST', '/mail/none/retry', 'GS_MAIL_UNKNOWN'],
          ['POST', '/mail/none/drop', 'GS_MAIL_UNKNOWN'],
          ['DELETE', '/mail/none', 'GS_MAIL_UNKNOWN'],
          ['POST', `/sessions/${session}/end`, 'GS_SESSION_UNKNOWN'],
          ['DELETE', `/sessions/${session}`, 'GS_SESSION_UNKNOWN'],
          ['DELETE', `/accounts/${target}`],
          ['POST', `/accounts/${target}/delete`, 'GS_ACCOUNT_UNKNOWN']
        ]
        const expected = outcomes[role]
        for (const path of reads) {
          for (const method of ['GET', 'HEAD'] as const) {
            const response = await visitor.send({ method, url: at(path) })
            assert.equal(response.statusCode, expected, `${method} ${path}`)
            assert.equal(response.headers['cache-control'], 'no-store', `${method} ${path}`)
            if (expected !== 200 && method === 'GET')
              assert.equal(response.json<ApiError>().code, expected === 401 ? 'GS_NOT_LOGGED_IN' : 'GS_NOT_FOUND', path)
          }
        }
        for (const [method, path, unknown] of changes) {
          const response = await visitor.send({ method, url: at(path) })
          if (expected !== 200)
            assert.deepEqual(refusal(response), [expected, expected === 401 ? 'GS_NOT_LOGGED_IN' : 'GS_NOT_FOUND'], `${method} ${path}`)
          else if (unknown !== undefined) assert.deepEqual(refusal(response), [404, unknown], `${method} ${path}`)
          else assert.equal(response.statusCode, 200, `${method} ${path}: ${response.body}`)
        }
        // What exists with another method, or not at all, is there for nobody.
        for (const [method, path] of [
          ['POST', '/accounts'],
          ['DELETE', '/accounts'],
          ['GET', `/accounts/${target}/lock`],
          ['HEAD', `/accounts/${target}/delete`],
          ['DELETE', '/audit'],
          ['POST', '/audit'],
          ['DELETE', '/sessions'],
          ['GET', '/nothing']
        ] as const)
          assert.equal((await visitor.send({ method, url: at(path) })).statusCode, 404, `${method} ${path}`)
        if (expected === 200) return
        assert.deepEqual(await site.audit(), [])
        assert.equal((await known.get('/lwsgs/session')).json<SessionInfo>().username, 'target')
        assert.equal((await site.account(target)).lockedAt, null)
      })
    }

    it('ends with the level, at the next request', async (t) => {
      const site = await adminSite(t, engine)
      const admin = await site.admin('anna', 50)
      assert.equal((await admin.get(at('/accounts'))).statusCode, 200)
      await site.administration.accounts.grant(await site.idOf('anna'), { level: 49 })
      assert.deepEqual(refusal(await admin.get(at('/accounts'))), [404, 'GS_NOT_FOUND'])
    })
  })

  describe(`the rank of admins on ${engine}`, () => {
    it('lets everybody change lower accounts only, and the configured admin all others', async (t) => {
      const site = await adminSite(t, engine)
      const admins: [name: string, browser: Browser, mayChange: string[], highestLevel: number][] = [
        ['a50', await site.admin('a50', 50), ['u10', 'u49'], 49],
        ['a60', await site.admin('a60', 60), ['u10', 'u49', 'a50', 'b50'], 59],
        ['a100', await site.admin('a100', 100), ['u10', 'u49', 'a50', 'b50', 'a60'], 99],
        [chief, await site.logIn(chief), ['u10', 'u49', 'a50', 'b50', 'a60', 'a100', 'b100'], 100]
      ]
      for (const [name, level] of [
        ['u10', 10],
        ['u49', 49],
        ['b50', 50],
        ['b100', 100]
      ] as const)
        await site.admin(name, level)
      for (const [name, browser, mayChange, highestLevel] of admins) {
        const list = (await browser.get(at('/accounts'))).json<AdminAccountList>()
        assert.equal(list.highestLevel, highestLevel, name)
        assert.deepEqual(list.sectors, ['press', 'editor'])
        assert.deepEqual(
          list.accounts
            .filter(({ changeable }) => changeable)
            .map(({ username }) => username)
            .sort(),
          [...mayChange].sort(),
          name
        )
        for (const { id, username, configured, level } of list.accounts) {
          const code = configured ? 'GS_CONFIGURED_ADMIN' : mayChange.includes(username) ? undefined : 'GS_RANK'
          for (const action of ['verify', 'unlock', 'grant']) {
            const response = await browser.post(at(`/accounts/${id}/${action}`))
            if (code === undefined) assert.equal(response.statusCode, 200, `${name} ${action} ${username}`)
            else assert.deepEqual(refusal(response), [403, code], `${name} ${action} ${username}`)
          }
          if (code === undefined) continue
          for (const path of [
            `/accounts/${id}/lock`,
            `/accounts/${id}/delete`,
            `/accounts/${id}/reset-password`,
            `/accounts/${id}/end-sessions`
          ])
            assert.deepEqual(refusal(await browser.post(at(path))), [403, code], `${name} ${path} ${username}`)
          assert.deepEqual(refusal(await browser.post(at(`/accounts/${id}/grant`), { level: 10 })), [403, code])
          const { sessions } = (await browser.get(at(`/sessions?account=${id}`))).json<AdminSessionList>()
          assert.ok(sessions.length > 0, username)
          assert.deepEqual(refusal(await browser.send({ method: 'DELETE', url: at(`/sessions/${sessions[0]!.id}`) })), [403, code])
          assert.equal((await site.account(id)).level, level)
        }
      }
      assert.deepEqual(await site.audit(), [])
      const refused = site.logged().filter(({ outcome }) => outcome === 'refused')
      assert.ok(refused.length > 0 && refused.every(({ level, ip }) => level === 40 && ip === '127.0.0.1'))
    })

    it('bounds the level that is granted', async (t) => {
      const site = await adminSite(t, engine)
      const target = await site.add('target')
      const cases: [admin: Browser, level: number, status: number][] = [
        [await site.admin('a50', 50), 49, 200],
        [await site.logIn('a50'), 10, 200],
        [await site.logIn('a50'), 50, 403],
        [await site.logIn('a50'), 100, 403],
        [await site.admin('a100', 100), 99, 200],
        [await site.logIn('a50'), 10, 403],
        [await site.logIn('a100'), 100, 403],
        [await site.logIn(chief), 100, 200],
        [await site.logIn('a100'), 10, 403],
        [await site.logIn(chief), 2, 200]
      ]
      for (const [admin, level, status] of cases) {
        const response = await admin.post(at(`/accounts/${target}/grant`), { level })
        assert.equal(response.statusCode, status, `${level}: ${response.body}`)
        if (status === 403) assert.equal(response.json<ApiError>().code, 'GS_RANK')
        else assert.equal(response.json<{ account: AdminAccount }>().account.level, level)
      }
      for (const level of [-1, 0, 1, 101, 125, 10.5, '30', null, [30]])
        assert.deepEqual(refusal(await (await site.logIn(chief)).post(at(`/accounts/${target}/grant`), { level })), [
          400,
          'GS_BODY_INVALID'
        ])
    })

    const meanwhile: [what: string, code: string, change: (site: AdminSite) => Promise<string>][] = [
      ['the account has risen', 'GS_RANK', async () => "update gs_accounts set level = 50 where username_key = 'target'"],
      ['the admin has fallen', 'GS_RANK', async () => "update gs_accounts set level = 49 where username_key = 'anna'"],
      ['the admin was locked', 'GS_RANK', async () => "update gs_accounts set locked_at = 1 where username_key = 'anna'"],
      [
        "the admin's session was ended",
        'GS_NOT_LOGGED_IN',
        async (site) => `delete from gs_sessions where account_id = '${await site.idOf('anna')}'`
      ]
    ]
    for (const [what, code, change] of meanwhile) {
      it(`is what it is at the moment of the change: ${what} meanwhile`, async (t) => {
        const site = await adminSite(t, engine)
        const admin = await site.admin('anna', 50)
        const target = await site.add('target')
        const statement = await change(site)
        let response: Promise<Response> | undefined
        await site.database.transaction(async (trx) => {
          // Held first, so that the admin's change waits for this transaction.
          await sql`update gs_accounts set created_at = created_at where id = ${target}`.execute(trx)
          await sql.raw(statement).execute(trx)
          const begun = site.begun()
          response = admin.post(at(`/accounts/${target}/lock`))
          while (site.begun() === begun) await turn()
          await untilBlocked(site.database)
        })
        const { statusCode, body } = await response!
        assert.equal((JSON.parse(body) as ApiError).code, code, `${statusCode} ${body}`)
        assert.equal((await site.account(target)).lockedAt, null)
      })
    }
  })

  describe(`what admins do on ${engine}`, () => {
    it('is done, answered, told, logged and written down', async (t) => {
      const site = await adminSite(t, engine)
      const admin = await site.admin('anna', 50)
      const actorId = await site.idOf('anna')
      const target = await site.add('target', { verified: false, sectors: 16 })
      const ended: string[] = []
      site.app.gs.onSessionEnd(({ cause, accountId }) => void (accountId === target && ended.push(cause)))
      const steps: [action: string, path: string, body: object, answer: object, details: object | null][] = [
        ['verify', 'verify', {}, { verified: true }, { verified: [false, true] }],
        ['verify', 'verify', {}, { verified: true }, null],
        ['lock', 'lock', {}, { lockedAt: site.clock.now, sessions: 0 }, { locked: [false, true], sessions: 1 }],
        ['lock', 'lock', {}, { lockedAt: site.clock.now }, null],
        ['unlock', 'unlock', {}, { lockedAt: null }, { locked: [true, false] }],
        ['unlock', 'unlock', {}, { lockedAt: null }, null],
        ['grant', 'grant', { level: 30 }, { level: 30, sectors: ['press'] }, { level: [10, 30] }],
        [
          'grant',
          'grant',
          { level: 20, sectors: ['editor'], withdraw: ['press'] },
          { level: 20, sectors: ['editor'] },
          { level: [30, 20], sectors: [['press'], ['editor']] }
        ],
        ['grant', 'grant', { level: 20, sectors: ['editor'] }, { level: 20 }, null],
        ['grant', 'grant', {}, { level: 20 }, null]
      ]
      for (const [action, path, body, answer, details] of steps) {
        if (action === 'lock' && details !== null) await site.logIn('target')
        const before = (await site.audit()).length
        const loggedBefore = site.logged().length
        const response = await admin.post(at(`/accounts/${target}/${path}`), body)
        assert.equal(response.statusCode, 200, response.body)
        const { account } = response.json<{ account: AdminAccount }>()
        assert.deepEqual({ ...account, ...answer }, account, path)
        const entries = await site.audit()
        assert.equal(entries.length - before, details === null ? 0 : 1, `${path} ${JSON.stringify(body)}`)
        assert.equal(site.logged().length - loggedBefore, details === null ? 0 : 1)
        if (details === null) continue
        const entry = entries.find((entry) => JSON.stringify(entry.details) === JSON.stringify(details))!
        assert.deepEqual(
          { ...entry, id: '' },
          {
            id: '',
            at: site.clock.now,
            actor: 'anna',
            actorAccountId: actorId,
            ip: '127.0.0.1',
            action,
            accountId: target,
            username: 'target',
            details
          }
        )
        const { action: logged, actorId: by, accountId, ip, level } = site.logged().at(-1)!
        assert.deepEqual([logged, by, accountId, ip, level], [action, actorId, target, '127.0.0.1', 30])
      }
      assert.deepEqual(ended, ['account-locked'])
    })

    it('ends sessions, one or all of an account, and those who listen hear of it', async (t) => {
      const site = await adminSite(t, engine)
      const admin = await site.admin('anna', 50)
      const target = await site.add('target')
      const [one, two, three] = [await site.logIn('target'), await site.logIn('target'), await site.logIn('target')]
      const ended: string[] = []
      site.app.gs.onSessionEnd(({ sessionId, cause }) => void ended.push(`${sessionId} ${cause}`))
      const idOf = async (browser: Browser) => (await browser.get('/lwsgs/session')).json<SessionInfo>().session
      const ids = [await idOf(one), await idOf(two), await idOf(three)]
      const response = await admin.send({ method: 'DELETE', url: at(`/sessions/${ids[0]}`) })
      assert.deepEqual([response.statusCode, response.json()], [200, { ended: 1 }])
      assert.equal((await one.get('/lwsgs/session')).json<SessionInfo>().username, null)
      assert.equal((await two.get('/lwsgs/session')).json<SessionInfo>().username, 'target')
      assert.deepEqual((await admin.post(at(`/accounts/${target}/end-sessions`))).json(), { ended: 2 })
      assert.deepEqual((await admin.post(at(`/accounts/${target}/end-sessions`))).json(), { ended: 0 })
      assert.deepEqual(new Set(ended), new Set(ids.map((id) => `${id} revoked`)))
      const entries = (await site.audit()).map(({ action, accountId, details }) => [action, accountId, details])
      assert.equal(entries.length, 2)
      assert.deepEqual(
        new Map(entries.map(([action, ...others]) => [action, others])),
        new Map<unknown, unknown[]>([
          ['end-session', [target, { session: ids[0] }]],
          ['end-sessions', [target, { sessions: 2 }]]
        ])
      )
    })

    it('deletes an account, and no entry keeps its name', async (t) => {
      const site = await adminSite(t, engine)
      const admin = await site.admin('anna', 50)
      const target = await site.add('target')
      const visitor = await site.logIn('target')
      await admin.post(at(`/accounts/${target}/grant`), { level: 20 })
      const response = await admin.send({ method: 'DELETE', url: at(`/accounts/${target}`) })
      assert.deepEqual([response.statusCode, response.json()], [200, { ok: true }])
      assert.equal((await visitor.get('/lwsgs/session')).json<SessionInfo>().username, null)
      assert.deepEqual(refusal(await admin.get(at(`/accounts/${target}`))), [404, 'GS_ACCOUNT_UNKNOWN'])
      const { entries } = (await admin.get(at(`/audit?account=${target}`))).json<AuditList>()
      assert.deepEqual(new Set(entries.map(({ action }) => action)), new Set(['add', 'grant', 'delete']))
      assert.ok(entries.every(({ username, accountId }) => username === null && accountId === target))
      const rows = await site.database.db.selectFrom('gs_audit').selectAll().execute()
      assert.doesNotMatch(JSON.stringify(rows), /target|mail\.test/)
    })

    it('leaves no trace when it fails, and nothing happens that cannot be written down', async (t) => {
      const site = await adminSite(t, engine)
      const admin = await site.admin('anna', 50)
      await site.add('first')
      const second = await site.add('second', { verified: false })
      await sql`update gs_accounts set email_key = 'first@mail.test' where id = ${second}`.execute(site.database.db)
      assert.deepEqual(refusal(await admin.post(at(`/accounts/${second}/verify`))), [409, 'GS_EMAIL_TAKEN'])
      assert.deepEqual(refusal(await admin.post(at(`/accounts/${second}/grant`), { sectors: ['nobody'], level: 20 })), [
        400,
        'GS_SECTOR_UNKNOWN'
      ])
      assert.deepEqual(await site.audit(), [])

      await sql`alter table gs_audit rename to gs_elsewhere`.execute(site.database.db)
      const visitor = await site.logIn('second')
      for (const [method, path] of [
        ['POST', `/accounts/${second}/lock`],
        ['POST', `/accounts/${second}/end-sessions`],
        ['POST', `/accounts/${second}/reset-password`],
        ['DELETE', `/accounts/${second}`]
      ] as const)
        assert.equal((await admin.send({ method, url: at(path) })).statusCode, 500, path)
      assert.deepEqual(refusal(await admin.post(at(`/accounts/${second}/grant`), { level: 20 })), [500, 'GS_INTERNAL'])
      await sql`alter table gs_elsewhere rename to gs_audit`.execute(site.database.db)
      const { level, lockedAt, sessions } = await site.account(second)
      assert.deepEqual([level, lockedAt, sessions], [10, null, 1])
      assert.equal((await visitor.get('/lwsgs/session')).json<SessionInfo>().username, 'second')
      assert.deepEqual(
        site.logged().filter(({ action }) => action !== undefined),
        []
      )
    })

    it('refuses what does not exist', async (t) => {
      const site = await adminSite(t, engine)
      const admin = await site.logIn(chief)
      for (const id of ['none', '%00', '..%2f', 'a%20b', "';--", '%ED%A0%80', 'x'.repeat(80)]) {
        for (const path of ['', '/verify', '/lock', '/unlock', '/grant', '/end-sessions', '/reset-password', '/delete']) {
          const response = await admin.send({ method: path === '' ? 'GET' : 'POST', url: at(`/accounts/${id}${path}`) })
          assert.ok([404, 400].includes(response.statusCode), `${id}${path}: ${response.statusCode}`)
          if (id === 'none') assert.equal(response.json<ApiError>().code, 'GS_ACCOUNT_UNKNOWN')
        }
        for (const path of [`/sessions/${id}/end`, `/mail/${id}/retry`, `/mail/${id}/drop`])
          assert.ok([404, 400].includes((await admin.post(at(path))).statusCode), path)
      }
      assert.deepEqual(refusal(await admin.post(at('/mail/all/retry'))), [404, 'GS_MAIL_UNKNOWN'])
      const target = await site.add('target')
      const unknown: [body: object, field: string][] = [
        [{ sectors: ['press', 'pres'] }, 'sectors'],
        [{ withdraw: ['user'] }, 'withdraw'],
        [{ sectors: ['\u001b[2J'] }, 'sectors'],
        [{ sectors: ['__proto__'] }, 'sectors']
      ]
      for (const [body, field] of unknown) {
        const response = await admin.post(at(`/accounts/${target}/grant`), body)
        assert.deepEqual([...refusal(response), response.json<ApiError>().field], [400, 'GS_SECTOR_UNKNOWN', field])
        assert.doesNotMatch(response.json<ApiError>().message, /\p{Cc}/u)
      }
      for (const body of [{ role: 'admin' }, { mask: 7 }, { sectors: 'press' }, { verified: true }])
        assert.deepEqual(refusal(await admin.post(at(`/accounts/${target}/grant`), body)), [400, 'GS_BODY_INVALID'])
    })
  })

  describe(`a password that an admin resets on ${engine}`, () => {
    it('is void, the sessions end, and the owner of the mailbox sets another', async (t) => {
      const site = await adminSite(t, engine)
      const admin = await site.admin('anna', 50)
      const target = await site.add('target')
      const visitor = await site.logIn('target')
      const causes: string[] = []
      site.app.gs.onSessionEnd(({ cause }) => void causes.push(cause))
      const response = await admin.post(at(`/accounts/${target}/reset-password`))
      assert.deepEqual([response.statusCode, response.json()], [200, { mailed: true }])
      assert.deepEqual(causes, ['password-changed'])
      assert.equal((await visitor.get('/lwsgs/session')).json<SessionInfo>().username, null)
      assert.equal((await visitor.post('/lwsgs/login', { username: 'target', password })).statusCode, 401)

      const mail = await site.inbox.find('target@mail.test', /new password/)
      assert.match(mail.text, /have made the password of your account void/)
      assert.doesNotMatch(mail.text, /127\.0\.0\.1|your password stays as it is/)
      const [, token] = /\?token=([\w-]+)/.exec(mail.text)!
      const redeemed = await visitor.post('/lwsgs/forgot-password/redeem', { token })
      assert.equal(redeemed.json<SessionInfo>().username, 'target')
      assert.equal((await visitor.post('/lwsgs/change-password', { password: 'another good passphrase' })).statusCode, 200)
      const [entry] = await site.audit()
      assert.deepEqual([entry!.action, entry!.accountId, entry!.details], ['reset-password', target, { sessions: 1, mailed: true }])
    })

    it('may belong to an account that is not verified, not to one that is locked', async (t) => {
      const site = await adminSite(t, engine)
      const admin = await site.admin('anna', 50)
      const target = await site.add('target', { verified: false })
      await site.administration.accounts.lock(target)
      assert.deepEqual(refusal(await admin.post(at(`/accounts/${target}/reset-password`))), [403, 'GS_ACCOUNT_LOCKED'])
      await site.administration.accounts.unlock(target)
      assert.deepEqual((await admin.post(at(`/accounts/${target}/reset-password`))).json(), { mailed: true })
      const token = await site.inbox.token('target@mail.test', /new password/)
      const redeemed = await site.browser().post('/lwsgs/forgot-password/redeem', { token })
      assert.equal(redeemed.json<SessionInfo>().verified, true)
    })

    it('is void also when the address has had enough of these mails, and the last link still works', async (t) => {
      const site = await adminSite(t, engine)
      const admin = await site.admin('anna', 50)
      const target = await site.add('target')
      const mailed: boolean[] = []
      for (let n = 0; n < 6; n++)
        mailed.push((await admin.post(at(`/accounts/${target}/reset-password`))).json<{ mailed: boolean }>().mailed)
      assert.deepEqual(mailed, [true, true, true, true, true, false])
      const row = await site.database.db
        .selectFrom('gs_accounts')
        .select('password_hash')
        .where('id', '=', target)
        .executeTakeFirstOrThrow()
      assert.equal(row.password_hash, '')
      const open = await site.database.db.selectFrom('gs_links').select('id').where('used_at', 'is', null).execute()
      assert.equal(open.length, 1)
    })
  })

  describe(`lists for admins on ${engine}`, () => {
    it('of accounts come in pages, by part of a name, by state, with the number of their sessions', async (t) => {
      const site = await adminSite(t, engine)
      const admin = await site.logIn(chief)
      for (const name of ['ann', 'bob', 'carol', 'dora']) await site.add(name, { verified: name !== 'dora' })
      await site.logIn('bob')
      await site.logIn('bob')
      await site.administration.accounts.lock(await site.idOf('carol'))
      const list = async (query: string) => (await admin.get(at(`/accounts${query}`))).json<AdminAccountList>()
      const names = async (query: string) => (await list(query)).accounts.map(({ username }) => username)
      assert.deepEqual(await names(''), ['ann', 'bob', 'carol', 'Chief', 'dora'])
      assert.deepEqual(
        (await list('')).accounts.map(({ sessions }) => sessions),
        [0, 2, 0, 1, 0]
      )
      assert.deepEqual(await names('?search=OR'), ['dora'])
      assert.deepEqual(await names('?search=b%40mail'), ['bob'])
      assert.deepEqual(await names('?search=%25'), [])
      assert.deepEqual(await names('?search=%00'), [])
      assert.deepEqual(await names('?state=locked'), ['carol'])
      assert.deepEqual(await names('?state=unverified'), ['dora'])
      assert.deepEqual(await names('?state=verified'), ['ann', 'bob', 'carol', 'Chief'])
      const first = await list('?limit=3')
      assert.equal(first.accounts.length, 3)
      const second = await list(`?limit=3&after=${encodeURIComponent(first.next!)}`)
      assert.deepEqual([second.accounts.map(({ username }) => username), second.next], [['Chief', 'dora'], null])
      const { account } = (await admin.get(at(`/accounts/${await site.idOf('bob')}`))).json<{ account: AdminAccount }>()
      assert.deepEqual(account, first.accounts[1])
      assert.deepEqual(Object.keys(account).sort(), [
        'changeable',
        'configured',
        'createdAt',
        'effectiveLevel',
        'email',
        'group',
        'id',
        'lastLoginAt',
        'level',
        'lockedAt',
        'mustChangePassword',
        'sectors',
        'sessions',
        'status',
        'username',
        'verified',
        'visits'
      ])
    })

    it('of sessions may be asked for again and again, which is no use of the session', async (t) => {
      const site = await adminSite(t, engine, { session: { idle: 3600 } })
      const admin = await site.logIn(chief)
      const statuses: number[] = []
      for (let n = 0; n < 3; n++) {
        statuses.push((await admin.get(at('/sessions'))).statusCode)
        site.clock.advance(1800)
      }
      assert.deepEqual(statuses, [200, 200, 401])
    })

    it('of sessions say which is whose and which is this one, and show no control characters', async (t) => {
      const site = await adminSite(t, engine)
      const admin = await site.logIn(chief)
      const target = await site.add('target')
      const userAgent = `Evil\u001b[2J\u0007\u0085<script>${'x'.repeat(600)}`
      await site.browser().post('/lwsgs/login', { username: 'target', password }, { 'user-agent': userAgent })
      const { sessions, next } = (await admin.get(at('/sessions'))).json<AdminSessionList>()
      assert.equal(next, null)
      assert.deepEqual(
        new Map(sessions.map(({ username, current }) => [username, current])),
        new Map([
          ['target', false],
          [chief, true]
        ])
      )
      // Open in another process.
      const { db } = site.database
      await db.insertInto('gs_nodes').values({ id: 'other', seen_at: site.clock.now }).execute()
      const { id: sessionId } = sessions.find(({ username }) => username === 'target')!
      await db.insertInto('gs_connections').values({ node_id: 'other', session_id: sessionId, pages: 2, sockets: 3 }).execute()
      const own = (await admin.get(at(`/sessions?account=${target}`))).json<AdminSessionList>().sessions
      assert.equal(own.length, 1)
      const [session] = own
      assert.deepEqual(
        [session!.accountId, session!.ip, session!.pages, session!.sockets, session!.remember],
        [target, '127.0.0.1', 2, 3, false]
      )
      assert.match(session!.userAgent, /^Evil\\u\{1b\}\[2J\\u\{7\}\\u\{85\}<script>x+$/)
      assert.ok(session!.userAgent.length <= 512)
      assert.deepEqual((await admin.get(at('/sessions?account=nobody'))).json(), { sessions: [], next: null })
      const page = (await admin.get(at('/sessions?limit=1'))).json<AdminSessionList>()
      const rest = (await admin.get(at(`/sessions?limit=1&after=${page.next}`))).json<AdminSessionList>()
      assert.deepEqual(new Set([...page.sessions, ...rest.sessions].map(({ id }) => id)), new Set(sessions.map(({ id }) => id)))
    })

    it('of mail say what became of it, and dead mail is sent again or dropped', async (t) => {
      let refuses = true
      const taken: string[] = []
      const mailer = {
        async send({ to }: { to: string }) {
          if (refuses) throw Object.assign(new Error('No \u001b[2Jmail today.'), { permanent: true })
          taken.push(to)
        },
        close() {}
      }
      const site = await adminSite(t, engine, { mail: { mailer, from: 'Test <noreply@site.test>' } })
      const admin = await site.admin('anna', 50)
      for (const username of ['ann', 'bob'])
        await site.browser().post('/lwsgs/register', { username, email: `${username}@mail.test`, password })
      const mails = async (query = '') => (await admin.get(at(`/mail${query}`))).json<AdminMailList>().mails
      while ((await mails('?state=dead')).length < 2) await turn()
      const dead = await mails()
      assert.deepEqual(
        new Set(dead.map(({ recipient, state, kind }) => `${recipient} ${state} ${kind}`)),
        new Set(['ann@mail.test dead verify-email', 'bob@mail.test dead verify-email'])
      )
      assert.ok(dead.every(({ lastError }) => lastError === 'No \\u{1b}[2Jmail today.'))
      assert.doesNotMatch(JSON.stringify(dead), /token|parameters/)
      const [ann, bob] = ['ann', 'bob'].map((name) => dead.find(({ recipient }) => recipient.startsWith(name))!)

      refuses = false
      assert.deepEqual((await admin.post(at(`/mail/${ann!.id}/retry`))).json(), { ok: true })
      while ((await mails('?state=sent')).length < 1) await turn()
      assert.deepEqual(taken, ['ann@mail.test'])
      assert.deepEqual(refusal(await admin.post(at(`/mail/${ann!.id}/retry`))), [404, 'GS_MAIL_UNKNOWN'])
      assert.deepEqual((await admin.send({ method: 'DELETE', url: at(`/mail/${bob!.id}`) })).json(), { ok: true })
      assert.deepEqual(refusal(await admin.send({ method: 'DELETE', url: at(`/mail/${bob!.id}`) })), [404, 'GS_MAIL_UNKNOWN'])
      const entries = new Map((await site.audit()).map(({ action, username, details }) => [action, [username, details]]))
      assert.deepEqual(entries.get('retry-mail'), ['ann', { mail: ann!.id, kind: 'verify-email' }])
      assert.deepEqual(entries.get('drop-mail'), ['bob', { mail: bob!.id, kind: 'verify-email' }])
    })

    it('of mail keep the mails of higher accounts from being dropped', async (t) => {
      const mailer = { send: async () => Promise.reject(Object.assign(new Error('No.'), { permanent: true })), close() {} }
      const site = await adminSite(t, engine, { mail: { mailer, from: 'Test <noreply@site.test>' } })
      const admin = await site.admin('anna', 50)
      await site.admin('boss', 60)
      await site.browser().post('/lwsgs/forgot-password', { username: 'boss' })
      const mails = async () => (await admin.get(at('/mail?state=dead'))).json<AdminMailList>().mails
      while ((await mails()).length < 1) await turn()
      const [mail] = await mails()
      assert.deepEqual(refusal(await admin.post(at(`/mail/${mail!.id}/drop`))), [403, 'GS_RANK'])
      assert.equal((await mails()).length, 1)
    })

    it('of mail keep the warnings to higher accounts as well, which belong to no account any more', async (t) => {
      const inbox = new Inbox()
      const mailer = {
        send: (mail: Mail) =>
          / was changed/.test(mail.subject) ? Promise.reject(Object.assign(new Error('No.'), { permanent: true })) : inbox.send(mail),
        close() {}
      }
      const site = await adminSite(t, engine, { mail: { mailer, from: 'Test <noreply@site.test>' } })
      const admin = await site.admin('anna', 50)
      const boss = await site.admin('boss', 60)
      const another = 'another four word phrase'
      await boss.post('/lwsgs/change-password', { currentPassword: password, password: another })
      await boss.post('/lwsgs/change-email', { email: 'new@mail.test', currentPassword: another })
      await boss.post('/lwsgs/change-email/redeem', { token: await inbox.token('new@mail.test', /Confirm/) })
      const mails = async () => (await admin.get(at('/mail?state=dead'))).json<AdminMailList>().mails
      while ((await mails()).length < 2) await turn()
      assert.deepEqual((await mails()).map(({ kind }) => kind).sort(), ['email-changed', 'password-changed'])
      for (const { id, kind } of await mails()) {
        assert.deepEqual(refusal(await admin.post(at(`/mail/${id}/drop`))), [403, 'GS_RANK'], kind)
        assert.equal((await (await site.logIn(chief)).post(at(`/mail/${id}/drop`))).statusCode, 200, kind)
      }
      const entries = (await site.audit()).map(({ actor, action, username }) => [actor, action, username])
      assert.deepEqual(entries, [
        [chief, 'drop-mail', 'boss'],
        [chief, 'drop-mail', 'boss']
      ])
    })

    it('of the audit come newest first, in pages, and about one account', async (t) => {
      const site = await adminSite(t, engine)
      const admin = await site.logIn(chief)
      const [ann, bob] = [await site.add('ann'), await site.add('bob')]
      for (const [id, level] of [
        [ann, 20],
        [bob, 30],
        [ann, 40]
      ] as const) {
        site.clock.advance(1)
        await admin.post(at(`/accounts/${id}/grant`), { level })
      }
      const list = async (query: string) => (await admin.get(at(`/audit${query}`))).json<AuditList>()
      const first = await list('?limit=2')
      assert.deepEqual(
        first.entries.map(({ actor, username, details }) => [actor, username, details]),
        [
          [chief, 'ann', { level: [20, 40] }],
          [chief, 'bob', { level: [10, 30] }]
        ]
      )
      const { entries, next } = await list(`?limit=3&after=${first.next}`)
      assert.deepEqual(
        [entries[0]!.details, entries.slice(1).map(({ actor, ip, action }) => [actor, ip, action]), next],
        [
          { level: [10, 20] },
          [
            ['gs', null, 'add'],
            ['gs', null, 'add']
          ],
          null
        ]
      )
      assert.deepEqual(
        (await list(`?account=${bob}`)).entries.map(({ action }) => action),
        ['grant', 'add']
      )
    })

    it('refuse queries that are none', async (t) => {
      const site = await adminSite(t, engine)
      const admin = await site.logIn(chief)
      for (const path of ['/accounts', '/sessions', '/mail', '/audit'])
        for (const query of [
          'limit=0',
          'limit=101',
          'limit=',
          'limit=1e1',
          'limit=-1',
          'limit=5&limit=6',
          'page=2',
          'after=%00',
          `after=${'x'.repeat(600)}`
        ])
          assert.deepEqual(refusal(await admin.get(at(`${path}?${query}`))), [400, 'GS_QUERY_INVALID'], `${path}?${query}`)
      for (const path of ['/sessions', '/mail', '/audit'])
        assert.deepEqual(refusal(await admin.get(at(`${path}?after=rubbish`))), [400, 'GS_QUERY_INVALID'], path)
      for (const path of ['/accounts?state=dead', '/mail?state=locked', '/accounts?search=a&search=b'])
        assert.deepEqual(refusal(await admin.get(at(path))), [400, 'GS_QUERY_INVALID'], path)
    })
  })

  describe(`forms for admins on ${engine}`, () => {
    it('do the same as programs, and lead on', async (t) => {
      const site = await adminSite(t, engine)
      const admin = await site.admin('anna', 50)
      const target = await site.add('target', { sectors: 32 })
      const grant = at(`/accounts/${target}/grant`)
      const posted = await admin.form(grant, { level: '30', grant: 'press', withdraw: 'editor', next: '/lwsgs/admin-page?a=b' })
      assert.deepEqual([posted.statusCode, posted.headers.location], [303, '/lwsgs/admin-page?a=b'])
      const { level, sectors } = await site.account(target)
      assert.deepEqual([level, sectors], [30, ['press']])
      const empty = await admin.form(grant, { level: '', grant: '', withdraw: '', next: 'https://evil.test/' })
      assert.deepEqual([empty.statusCode, empty.headers.location], [303, '/lwsgs/?gs=adminchanged'])
      assert.equal((await site.account(target)).level, 30)
      const refusals: Record<string, string>[] = [{ level: '50' }, { level: 'x' }, { level: '1' }, { grant: 'nobody' }, { role: 'admin' }]
      for (const fields of refusals) {
        const refused = await admin.form(grant, fields)
        assert.ok([400, 403].includes(refused.statusCode), JSON.stringify(fields))
        assert.match(refused.body, /role="alert"/)
      }
      const session = await site.logIn('target')
      const { session: id } = (await session.get('/lwsgs/session')).json<SessionInfo>()
      for (const path of [`/sessions/${id}/end`, `/accounts/${target}/lock`, `/accounts/${target}/delete`])
        assert.equal((await admin.form(at(path), {})).statusCode, 303, path)
      assert.equal(await site.administration.accounts.find('target'), null)
    })

    it('from other sites are refused, as all calls that change something', async (t) => {
      const site = await adminSite(t, engine)
      const admin = await site.logIn(chief)
      const target = await site.add('target')
      for (const headers of [{ origin: 'https://evil.test' }, { 'sec-fetch-site': 'cross-site' }, { origin: 'null' }]) {
        for (const [method, path] of [
          ['POST', `/accounts/${target}/delete`],
          ['DELETE', `/accounts/${target}`],
          ['POST', `/accounts/${target}/grant`]
        ] as const)
          assert.deepEqual(refusal(await admin.send({ method, url: at(path), headers })), [403, 'GS_CROSS_SITE'])
      }
      assert.equal((await site.account(target)).username, 'target')
    })
  })
}

describe('the calls for admins', () => {
  it('do not exist when they are switched off', async (t) => {
    const site = await adminSite(t, 'SQLite', { adminApi: false })
    const admin = await site.logIn(chief)
    for (const path of [gsPaths.admin.accounts, gsPaths.admin.sessions, gsPaths.admin.mail, gsPaths.admin.audit])
      assert.equal((await admin.get(`/lwsgs${path}`)).statusCode, 404)
    assert.equal(site.app.printRoutes({ commonPrefix: false }).includes('admin/accounts'), false)
  })

  it('lead a person who is not logged in to the login page', async (t) => {
    const site = await adminSite(t, 'SQLite')
    const response = await site.browser().visit(at('/accounts'))
    assert.deepEqual([response.statusCode, response.headers.location], [303, '/lwsgs/?next=%2Flwsgs%2Fadmin%2Faccounts'])
  })
})
