import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, test, type TestContext } from 'node:test'
import {
  gsPaths,
  type AdminAccount as ServerAccount,
  type AdminAccountList as ServerAccountList,
  type AdminGroup as ServerGroup,
  type AdminGrantBody,
  type AdminMail as ServerMail,
  type AdminMailList as ServerMailList,
  type AdminReset,
  type AdminSession as ServerSession,
  type AdminSessionList as ServerSessionList,
  type AuditEntry as ServerAuditEntry,
  type AuditList as ServerAuditList
} from 'fastify-gs/api'
import { createGsAdmin, type GsAdmin } from './admin-calls.ts'
import type {
  AdminAccount,
  AdminAccountList,
  AdminGroup,
  AdminMail,
  AdminMailList,
  AdminSession,
  AdminSessionList,
  AuditEntry,
  AuditList
} from './admin-types.ts'
import type { GsResult } from './api-errors.ts'
import { createSessionClient } from './session-client.ts'

const bob: AdminAccount = {
  id: 'b-1',
  username: 'bob',
  email: 'bob@example.com',
  verified: true,
  configured: false,
  changeable: true,
  status: 'active',
  mustChangePassword: false,
  visits: 3,
  lastLoginAt: null,
  level: 10,
  group: 'editors',
  effectiveLevel: 20,
  sectors: ['press'],
  createdAt: 1_795_000_000_000,
  lockedAt: null,
  sessions: 1
}
const group: AdminGroup = { id: 'g-1', name: 'editors', level: 20, members: 1, changeable: true }
const session: AdminSession = {
  id: 's-1',
  current: false,
  createdAt: 1_795_000_000_000,
  lastActiveAt: 1_795_000_000_000,
  expiresAt: 1_796_000_000_000,
  remember: false,
  ip: '127.0.0.1',
  userAgent: 'Test',
  pages: 1,
  sockets: 0,
  accountId: 'b-1',
  username: 'bob'
}
const mail: AdminMail = {
  id: 'm-1',
  kind: 'verify-email',
  recipient: 'bob@example.com',
  state: 'waiting',
  attempts: 2,
  createdAt: 1_795_000_000_000,
  nextAttemptAt: 1_795_000_100_000,
  lastError: 'connect ECONNREFUSED'
}
const entry: AuditEntry = {
  id: 'e-1',
  at: 1_795_000_000_000,
  actor: 'admin',
  ip: null,
  action: 'grant',
  accountId: 'b-1',
  username: 'bob',
  details: { level: [10, 30] }
}
const admin = {
  username: 'admin',
  email: null,
  verified: true,
  admin: true,
  mustChangePassword: false,
  mask: 7,
  level: 100,
  sectors: [],
  ip: '127.0.0.1',
  session: 'session-1',
  expiresAt: 1_795_000_000_000,
  csrfToken: 'admin'
}

const aboutSession = new Set(['/lwsgs/session', '/lwsgs/events'])

interface Call {
  readonly method: string
  readonly path: string
  readonly body: unknown
}

/** A server on loopback that gives one answer to all calls of an admin, and the calls. */
async function setUp(t: TestContext, answer: unknown, status = 200) {
  const calls: Call[] = []
  const server = createServer((request, response) => {
    void (async () => {
      let text = ''
      for await (const chunk of request.setEncoding('utf8')) text += chunk
      const path = request.url!
      calls.push({ method: request.method!, path, body: text === '' ? null : JSON.parse(text) })
      const isSession = aboutSession.has(path)
      response.writeHead(isSession ? 200 : status, { 'content-type': 'application/json; charset=utf-8' })
      response.end(JSON.stringify(isSession ? admin : answer))
    })()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const client = createSessionClient({ fetch: (path, init) => fetch(origin + path, init) })
  return { calls, client, gsAdmin: createGsAdmin(client) }
}

/** Type tests: the answers that this package describes are the ones that the server describes. */
type Equals<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false
type Writable<T> = T extends readonly (infer E)[] ? Writable<E>[] : T extends object ? { -readonly [K in keyof T]: Writable<T[K]> } : T
const same: readonly [
  Equals<Writable<AdminAccount>, ServerAccount>,
  Equals<Writable<AdminAccountList>, ServerAccountList>,
  Equals<Writable<AdminSession>, ServerSession>,
  Equals<Writable<AdminSessionList>, ServerSessionList>,
  Equals<Writable<AdminMail>, ServerMail>,
  Equals<Writable<AdminMailList>, ServerMailList>,
  Equals<Writable<AuditEntry>, ServerAuditEntry>,
  Equals<Writable<AuditList>, ServerAuditList>,
  Equals<Writable<AdminGroup>, ServerGroup>
] = [true, true, true, true, true, true, true, true, true]

const grant: AdminGrantBody = { sectors: ['moderator'], withdraw: ['press'], level: 30, group: null }
const reset: AdminReset = { mailed: true }
const accounts: AdminAccountList = { accounts: [bob], next: 'bob', sectors: ['moderator', 'press'], highestLevel: 100 }
const paths = gsPaths.admin

interface Case {
  readonly name: keyof GsAdmin
  readonly call: (gsAdmin: GsAdmin) => Promise<GsResult<unknown>>
  readonly method?: 'GET' | 'DELETE'
  readonly path: string
  readonly body?: object
  readonly answer: unknown
  readonly value: unknown
}

const account = { answer: { account: bob }, value: bob }
const done = { answer: { ok: true }, value: null }
const cases: readonly Case[] = [
  { name: 'accounts', call: (a) => a.accounts(), method: 'GET', path: `${paths.accounts}?limit=20`, answer: accounts, value: accounts },
  {
    name: 'accounts',
    call: (a) => a.accounts({ search: ' ä&b ', state: 'must-change-password', limit: 5, after: 'x/y' }),
    method: 'GET',
    path: `${paths.accounts}?limit=5&state=must-change-password&after=x%2Fy&search=%C3%A4%26b`,
    answer: accounts,
    value: accounts
  },
  { name: 'account', call: (a) => a.account('b-1'), method: 'GET', path: paths.accountById, ...account },
  { name: 'verify', call: (a) => a.verify('b-1'), path: paths.verify, ...account },
  { name: 'lock', call: (a) => a.lock('b-1'), path: paths.lock, ...account },
  { name: 'unlock', call: (a) => a.unlock('b-1'), path: paths.unlock, ...account },
  { name: 'requirePasswordChange', call: (a) => a.requirePasswordChange('b-1'), path: paths.requirePasswordChange, ...account },
  { name: 'groups', call: (a) => a.groups(), method: 'GET', path: paths.groups, answer: { groups: [group] }, value: [group] },
  { name: 'grant', call: (a) => a.grant('b-1', grant), path: paths.grant, body: grant, ...account },
  { name: 'endSessionsOf', call: (a) => a.endSessionsOf('b-1'), path: paths.endSessions, answer: { ended: 3 }, value: 3 },
  { name: 'resetPassword', call: (a) => a.resetPassword('b-1'), path: paths.resetPassword, answer: reset, value: reset },
  { name: 'deleteAccount', call: (a) => a.deleteAccount('b-1'), method: 'DELETE', path: paths.accountById, ...done },
  {
    name: 'sessions',
    call: (a) => a.sessions({ account: 'b-1' }),
    method: 'GET',
    path: `${paths.sessions}?limit=20&account=b-1`,
    answer: { sessions: [session], next: null },
    value: { sessions: [session], next: null }
  },
  {
    name: 'endSession',
    call: (a) => a.endSession('b-1'),
    method: 'DELETE',
    path: paths.sessionById,
    answer: { ended: 1 },
    value: null
  },
  {
    name: 'mail',
    call: (a) => a.mail({ state: 'dead' }),
    method: 'GET',
    path: `${paths.mail}?limit=20&state=dead`,
    answer: { mails: [mail], next: null },
    value: { mails: [mail], next: null }
  },
  { name: 'retryMail', call: (a) => a.retryMail('b-1'), path: paths.retryMail, ...done },
  { name: 'dropMail', call: (a) => a.dropMail('b-1'), method: 'DELETE', path: paths.mailById, ...done },
  {
    name: 'audit',
    call: (a) => a.audit({ account: 'b-1', after: '1.e' }),
    method: 'GET',
    path: `${paths.audit}?limit=20&account=b-1&after=1.e`,
    answer: { entries: [entry], next: null },
    value: { entries: [entry], next: null }
  }
]

describe('the calls of an admin', () => {
  test('have the types of the server', () => assert.ok(same.every(Boolean)))

  for (const { name, call, method, path, body = {}, answer, value } of cases) {
    const where = path.replace(':id', 'b-1')
    test(`${name} sends ${method ?? 'POST'} ${where}`, async (t) => {
      const { calls, gsAdmin } = await setUp(t, answer)
      assert.deepEqual(await call(gsAdmin), { ok: true, value })
      assert.deepEqual(calls, [{ method: method ?? 'POST', path: `/lwsgs${where}`, body: method === undefined ? body : null }])
    })
  }

  test('encode what stands in the address', async (t) => {
    const { calls, gsAdmin } = await setUp(t, { account: bob })
    await gsAdmin.lock('../x?y')
    assert.equal(calls[0]!.path, '/lwsgs/admin/accounts/..%2Fx%3Fy/lock')
  })

  const strange: readonly unknown[] = [
    null,
    'text',
    [],
    {},
    { accounts: {}, next: null, sectors: [], highestLevel: 1, account: [], entries: 1, mails: null, sessions: 'x', ended: '3', mailed: 1 },
    {
      accounts: [{ ...bob, username: { toString: 1 } }],
      account: { ...bob, lockedAt: 9e99 },
      sessions: [{ ...session, ip: null }],
      mails: [{ ...mail, lastError: 1 }],
      entries: [{ ...entry, details: [] }],
      next: null,
      sectors: [],
      highestLevel: 1
    }
  ]
  for (const { name, call } of cases.filter(({ value }) => value !== null)) {
    test(`${name} takes no answer that is not one of fastify-gs`, async (t) => {
      for (const answer of strange) {
        const { gsAdmin } = await setUp(t, answer)
        const result = await call(gsAdmin)
        assert.equal(result.ok ? 'ok' : result.error.code, 'GS_BAD_REPLY', JSON.stringify(answer))
      }
    })
  }

  for (const { name, call } of cases.filter((one) => one.value === null)) {
    test(`${name} has not happened when the answer is not one of fastify-gs`, async (t) => {
      for (const answer of [null, 'text']) {
        const { gsAdmin } = await setUp(t, answer)
        const result = await call(gsAdmin)
        assert.equal(result.ok ? 'ok' : result.error.code, 'GS_BAD_REPLY')
      }
    })
  }

  for (const [code, status] of [
    ['GS_NOT_FOUND', 404],
    ['GS_NOT_LOGGED_IN', 401],
    ['GS_FORBIDDEN', 403]
  ] as const) {
    test(`ask for the session when they are refused with ${code}: the visitor may be no admin any more`, async (t) => {
      const { calls, client, gsAdmin } = await setUp(t, { statusCode: status, code, error: 'Error', message: 'No.' }, status)
      const answered = new Promise<void>((resolve) => {
        t.after(client.subscribe(() => resolve()))
      })
      await answered
      const before = calls.length
      const result = await gsAdmin.accounts()
      assert.equal(!result.ok && result.error.code, code)
      await t.waitFor(() => assert.ok(calls.slice(before).some(({ path }) => aboutSession.has(path))))
    })
  }

  test('leave the session alone when they are refused for another reason', async (t) => {
    const { calls, gsAdmin } = await setUp(t, { statusCode: 403, code: 'GS_RANK', error: 'Error', message: 'No.' }, 403)
    const result = await gsAdmin.lock('b-1')
    assert.equal(!result.ok && result.error.code, 'GS_RANK')
    assert.equal(calls.length, 1)
  })
})
