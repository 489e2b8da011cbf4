import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, test, type TestContext } from 'node:test'
import {
  gsPaths,
  type ChangeEmailBody,
  type ChangePasswordBody,
  type CheckResult,
  type DeleteAccountBody,
  type ForgotPasswordBody,
  type GsErrorCode,
  type ListedSession as ServerListedSession,
  type LoginBody,
  type LanguageBody,
  type LoginCodeBody,
  type LogoutBody,
  type RedeemLoginCodeBody,
  type RegisterBody,
  type ResendBody,
  type SessionInfo as ServerSessionInfo,
  type TokenBody
} from 'fastify-gs/api'
import type { GsResult } from './api-errors.ts'
import type { ErrorCode } from '../texts/translation.ts'
import { createGsClient, type GsClient } from './gs-client.ts'
import type { ListedSession } from './listed-session.ts'
import type { GsClientOptions } from './session-client.ts'
import type { SessionInfo } from './session-info.ts'

const visitor: SessionInfo = {
  username: null,
  email: null,
  verified: false,
  admin: false,
  mustChangePassword: false,
  mask: 0,
  level: 1,
  sectors: [],
  ip: '127.0.0.1',
  session: 'session-0',
  expiresAt: 1_795_000_000_000,
  csrfToken: 'visitor'
}
const alice: SessionInfo = {
  username: 'alice',
  email: 'alice@example.com',
  verified: true,
  admin: false,
  mustChangePassword: false,
  mask: 5,
  level: 10,
  sectors: ['news'],
  ip: '127.0.0.1',
  session: 'session-1',
  expiresAt: 1_795_000_000_000,
  csrfToken: 'alice'
}

interface Call {
  readonly method: string
  readonly path: string
  readonly body: unknown
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

/** Answers a call; what it returns is sent as JSON with status 200. */
type Answer = (call: Call) => unknown

function reply({ response }: Call, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8', ...headers })
  response.end(typeof body === 'string' ? body : JSON.stringify(body))
}

const refusal = (statusCode: number, code: string, message: string, field?: string) => ({
  statusCode,
  code,
  error: 'Error',
  message,
  ...(field !== undefined && { field })
})

/** A server on loopback that answers by path (below the prefix, without query), and a client of it. */
async function setUp(t: TestContext, answers: Record<string, Answer>, options: GsClientOptions = {}) {
  const calls: Call[] = []
  const server = createServer((request, response) => {
    void (async () => {
      let text = ''
      for await (const chunk of request.setEncoding('utf8')) text += chunk
      const { pathname, search } = new URL(request.url!, 'http://localhost')
      const call = { method: request.method!, path: pathname + search, body: text === '' ? null : JSON.parse(text), request, response }
      calls.push(call)
      const path = pathname.replace(/^\/lwsgs/, '')
      // Asked without being a sign of life, for the same thing.
      const answer = answers[path] ?? (path === gsPaths.events ? answers[gsPaths.session] : undefined)
      assert.ok(answer, `unexpected ${pathname}`)
      const value = await answer(call)
      if (value !== undefined) reply(call, 200, value)
    })()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const makeClient = (more: GsClientOptions = {}) =>
    createGsClient({ fetch: (path, init) => fetch(origin + path, init), ...options, ...more })
  return { calls, origin, client: makeClient(), makeClient }
}

/** Resolves when the state of the client is as wanted. */
function reaches(client: GsClient, wanted: () => boolean): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const stop = client.subscribe(() => check())
  const check = () => wanted() && resolve()
  check()
  return promise.finally(stop)
}

const isAlice = (client: GsClient) => () => client.getSnapshot().session?.username === 'alice'
const isVisitor = (client: GsClient) => () => client.getSnapshot().status === 'ready' && client.getSnapshot().session?.username === null
const code = (result: GsResult<unknown>) => (result.ok ? 'ok' : result.error.code)

/** Type tests: the answers that this package describes are the ones that the server describes. */
type Equals<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false
type Writable<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer E)[] ? E[] : T[K] }
const sameSession: Equals<Writable<SessionInfo>, ServerSessionInfo> = true
type ValueOf<R> = R extends { readonly ok: true; readonly value: infer V } ? V : never
type CheckAnswer = ValueOf<Awaited<ReturnType<GsClient['checkUsername']>>>
const sameCheck: Equals<CheckAnswer, CheckResult> = true

const sameListed: Equals<Writable<ListedSession>, ServerListedSession> = true
/** What the application says with these is its own. */
type OwnWords = 'GS_SESSION_REFUSED' | 'GS_LOGIN_REFUSED'
const sameCodes: Equals<ErrorCode, Exclude<GsErrorCode, OwnWords> | 'GS_NETWORK' | 'GS_BAD_REPLY'> = true

const listed: ListedSession = {
  id: 'session-1',
  current: true,
  createdAt: 1_794_000_000_000,
  lastActiveAt: 1_794_000_600_000,
  expiresAt: 1_795_000_000_000,
  remember: false,
  ip: '127.0.0.1',
  userAgent: 'node',
  pages: 1,
  sockets: 0
}

describe('the contract', () => {
  test('has the types of the server', () => {
    assert.ok(sameSession && sameCheck && sameListed && sameCodes)
  })

  test('each method calls its path with the fields the server knows', async (t) => {
    const ok = () => ({ ok: true })
    const nobody = () => visitor
    const { client, calls } = await setUp(t, {
      [gsPaths.session]: () => alice,
      [gsPaths.login]: () => alice,
      [gsPaths.loginCode]: ok,
      [gsPaths.redeemLoginCode]: () => alice,
      [gsPaths.language]: ok,
      [gsPaths.logout]: nobody,
      [gsPaths.register]: ok,
      [gsPaths.verifyEmail]: () => alice,
      [gsPaths.resendVerification]: ok,
      [gsPaths.forgotPassword]: ok,
      [gsPaths.redeemForgotPassword]: () => alice,
      [gsPaths.changePassword]: () => alice,
      [gsPaths.changeEmail]: ok,
      [gsPaths.redeemChangeEmail]: () => alice,
      [gsPaths.undoChangeEmail]: () => alice,
      [gsPaths.sessions]: () => ({ sessions: [listed] }),
      [gsPaths.sessionById.replace(':id', 'a%2Fb')]: () => ({ sessions: [listed] }),
      [gsPaths.deleteAccount]: nobody,
      [gsPaths.check]: () => ({ available: true })
    })
    const last = () => ({ method: calls.at(-1)!.method, path: calls.at(-1)!.path, body: calls.at(-1)!.body })
    const post = <Body>(path: string, body: Body) => ({ method: 'POST', path: `/lwsgs${path}`, body })

    assert.ok((await client.login({ username: 'alice', password: 'secret' })).ok)
    assert.deepEqual(last(), post<LoginBody>(gsPaths.login, { username: 'alice', password: 'secret', remember: false }))
    assert.ok((await client.login({ username: 'alice', password: 'secret', remember: true })).ok)
    assert.deepEqual(last(), post<LoginBody>(gsPaths.login, { username: 'alice', password: 'secret', remember: true }))
    assert.ok((await client.requestLoginCode({ username: ' alice ' })).ok)
    assert.deepEqual(last(), post<LoginCodeBody>(gsPaths.loginCode, { username: 'alice' }))
    assert.ok((await client.redeemLoginCode({ username: 'alice', code: ' 1234 56-78\n' })).ok)
    assert.deepEqual(last(), post<RedeemLoginCodeBody>(gsPaths.redeemLoginCode, { username: 'alice', code: '12345678', remember: false }))
    assert.ok((await client.setLanguage('pt-BR')).ok)
    assert.deepEqual(last(), post<LanguageBody>(gsPaths.language, { language: 'pt-BR' }))
    assert.ok((await client.register({ username: 'alice', email: 'a@example.com', password: 'secret' })).ok)
    assert.deepEqual(last(), post<RegisterBody>(gsPaths.register, { username: 'alice', email: 'a@example.com', password: 'secret' }))
    assert.ok((await client.verifyEmail({ token: 'abc' })).ok)
    assert.deepEqual(last(), post<TokenBody>(gsPaths.verifyEmail, { token: 'abc' }))
    assert.ok((await client.resendVerification({ email: 'a@example.com' })).ok)
    assert.deepEqual(last(), post<ResendBody>(gsPaths.resendVerification, { email: 'a@example.com' }))
    assert.ok((await client.forgotPassword({ email: 'a@example.com' })).ok)
    assert.deepEqual(last(), post<ForgotPasswordBody>(gsPaths.forgotPassword, { email: 'a@example.com' }))
    assert.ok((await client.redeem({ token: 'abc' })).ok)
    assert.deepEqual(last(), post<TokenBody>(gsPaths.redeemForgotPassword, { token: 'abc' }))
    assert.ok((await client.changePassword({ password: 'new' })).ok)
    assert.deepEqual(last(), post<ChangePasswordBody>(gsPaths.changePassword, { password: 'new' }))
    assert.ok((await client.changeEmail({ email: 'b@example.com', currentPassword: 'secret' })).ok)
    assert.deepEqual(last(), post<ChangeEmailBody>(gsPaths.changeEmail, { email: 'b@example.com', currentPassword: 'secret' }))
    assert.ok((await client.redeemEmailChange({ token: 'abc' })).ok)
    assert.deepEqual(last(), post<TokenBody>(gsPaths.redeemChangeEmail, { token: 'abc' }))
    assert.ok((await client.undoEmailChange({ token: 'abc' })).ok)
    assert.deepEqual(last(), post<TokenBody>(gsPaths.undoChangeEmail, { token: 'abc' }))
    assert.deepEqual(await client.sessions(), { ok: true, value: [listed] })
    assert.deepEqual(last(), { method: 'GET', path: `/lwsgs${gsPaths.sessions}`, body: null })
    assert.deepEqual(await client.endSession('a/b'), { ok: true, value: [listed] })
    assert.deepEqual(last(), { method: 'DELETE', path: '/lwsgs/sessions/a%2Fb', body: null })
    assert.deepEqual(await client.endOtherSessions(), { ok: true, value: [listed] })
    assert.deepEqual(last(), { method: 'DELETE', path: `/lwsgs${gsPaths.sessions}`, body: null })
    assert.ok((await client.checkUsername('a&b=c d+é')).ok)
    assert.equal(last().method, 'GET')
    assert.equal(new URL(last().path, 'http://localhost').searchParams.get('username'), 'a&b=c d+é')
    assert.ok((await client.deleteAccount({ currentPassword: 'secret' })).ok)
    assert.deepEqual(last(), post<DeleteAccountBody>(gsPaths.deleteAccount, { currentPassword: 'secret' }))
    assert.equal(calls.at(-1)!.request.headers['content-type'], 'application/json')
    assert.ok((await client.logout()).ok)
    assert.deepEqual(last(), post<LogoutBody>(gsPaths.logout, {}))
  })

  test('the prefix is a path of the own site', () => {
    assert.equal(createGsClient({ prefix: '/accounts/' }).prefix, '/accounts')
    assert.equal(createGsClient({ prefix: '' }).prefix, '')
    for (const prefix of ['https://elsewhere.test', '//elsewhere.test', '/\\elsewhere.test', 'accounts', '/a?b']) {
      assert.throws(() => createGsClient({ prefix }), /"prefix" must be a path/)
    }
  })
})

describe('the state', () => {
  test('is loaded once, for the first listener', async (t) => {
    const { client, calls } = await setUp(t, { '/session': () => alice })
    assert.deepEqual(client.getSnapshot(), { status: 'loading', session: null, error: null })
    const stop = client.subscribe(() => {})
    client.subscribe(() => {})()
    await reaches(client, isAlice(client))
    stop()
    assert.equal(calls.length, 1)
    assert.deepEqual(client.getSnapshot().session, alice)
    assert.equal(client.getSnapshot(), client.getSnapshot())
  })

  test('is not asked for when the page came with it', async (t) => {
    const { client, calls } = await setUp(t, {}, { session: alice })
    client.subscribe(() => {})()
    assert.deepEqual(client.getSnapshot(), { status: 'ready', session: alice, error: null })
    assert.equal(calls.length, 0)
  })

  test('is what login answers', async (t) => {
    const { client } = await setUp(t, { '/login': () => alice })
    const result = await client.login({ username: 'alice', password: 'secret' })
    assert.deepEqual(result, { ok: true, value: alice })
    assert.deepEqual(client.getSnapshot(), { status: 'ready', session: alice, error: null })
  })

  test('is what logout and deletion answer: nobody', async (t) => {
    const { client, calls } = await setUp(t, { '/logout': () => visitor, '/delete-account': () => visitor }, { session: alice })
    assert.ok((await client.logout()).ok)
    assert.ok(isVisitor(client)())
    assert.ok((await client.deleteAccount({ currentPassword: 'secret' })).ok)
    assert.deepEqual(
      calls.map(({ path, body }) => [path, body]),
      [
        ['/lwsgs/logout', {}],
        ['/lwsgs/delete-account', { currentPassword: 'secret' }]
      ]
    )
  })

  test('is still the user when logging out fails, because the cookie is still there', async (t) => {
    const { client } = await setUp(t, { '/login': () => alice, '/session': () => alice, '/logout': (call) => reply(call, 500, 'no') })
    await client.login({ username: 'alice', password: 'secret' })
    assert.equal(code(await client.logout()), 'GS_BAD_REPLY')
    assert.ok(isAlice(client)())
  })

  test('stays what it was when a refresh fails', async (t) => {
    const { client } = await setUp(t, { '/session': ({ response }) => void response.destroy() }, { session: alice })
    assert.equal(code(await client.refresh()), 'GS_NETWORK')
    assert.deepEqual(client.getSnapshot(), { status: 'ready', session: alice, error: null })
  })

  test('is failed when nothing is known, until the server answers', async (t) => {
    let down = true
    const { client } = await setUp(t, { '/session': (call) => (down ? reply(call, 502, '<h1>') : visitor) })
    await client.refresh()
    const { status, error } = client.getSnapshot()
    assert.equal(status, 'failed')
    assert.equal(error?.code, 'GS_BAD_REPLY')
    down = false
    await client.refresh()
    assert.ok(isVisitor(client)())
  })

  test('is not undone by a question that was asked before a login and answered after it', async (t) => {
    const asked = Promise.withResolvers<void>()
    const held = Promise.withResolvers<void>()
    const { client } = await setUp(t, {
      '/session': async () => {
        asked.resolve()
        await held.promise
        return visitor
      },
      '/login': () => alice
    })
    const slow = client.refresh()
    await asked.promise
    await client.login({ username: 'alice', password: 'secret' })
    held.resolve()
    await slow
    assert.ok(isAlice(client)())
  })

  test('is the answer to the newest question, in whichever order they come', async (t) => {
    const held = Promise.withResolvers<void>()
    const asked = Promise.withResolvers<void>()
    let questions = 0
    const { client } = await setUp(t, {
      '/session': async () => {
        if (questions++ > 0) return alice
        asked.resolve()
        await held.promise
        return visitor
      }
    })
    const first = client.refresh()
    await asked.promise
    await client.refresh()
    held.resolve()
    await first
    assert.ok(isAlice(client)())
  })

  test('is asked for again when a call says that the session has ended', async (t) => {
    const { client } = await setUp(
      t,
      {
        '/session': () => visitor,
        '/change-password': (call) => reply(call, 401, refusal(401, 'GS_NOT_LOGGED_IN', 'Please log in first.'))
      },
      { session: alice }
    )
    const changed = reaches(client, isVisitor(client))
    assert.equal(code(await client.changePassword({ password: 'new', currentPassword: 'old' })), 'GS_NOT_LOGGED_IN')
    await changed
  })

  test('is asked for again when a call says that a new password has to be chosen first', async (t) => {
    const { client } = await setUp(
      t,
      {
        '/session': () => ({ ...alice, mustChangePassword: true, mask: 1, level: 2 }),
        '/change-email': (call) => reply(call, 403, refusal(403, 'GS_PASSWORD_CHANGE_REQUIRED', 'Please choose a new password first.'))
      },
      { session: alice }
    )
    const changed = reaches(client, () => client.getSnapshot().session?.mustChangePassword === true)
    await client.changeEmail({ email: 'b@example.com', currentPassword: 'secret' })
    await changed
  })

  test('is asked for again when the answer to a login got lost', async (t) => {
    const { client } = await setUp(
      t,
      { '/session': () => alice, '/login': ({ response }) => void response.destroy() },
      { session: visitor }
    )
    const changed = reaches(client, isAlice(client))
    assert.equal(code(await client.login({ username: 'alice', password: 'secret' })), 'GS_NETWORK')
    await changed
  })

  test('follows a login and a logout in another tab', async (t) => {
    let now: SessionInfo = visitor
    const { makeClient, client } = await setUp(t, {
      '/session': () => now,
      '/login': () => (now = alice),
      '/logout': () => (now = visitor)
    })
    const otherTab = makeClient()
    const stop = otherTab.subscribe(() => {})
    await reaches(otherTab, isVisitor(otherTab))
    const sawLogin = reaches(otherTab, isAlice(otherTab))
    await client.login({ username: 'alice', password: 'secret' })
    await sawLogin
    const sawLogout = reaches(otherTab, isVisitor(otherTab))
    await client.logout()
    await sawLogout
    stop()
  })
})

describe('the end of a session', () => {
  const ended = (client: GsClient) => {
    const state = client.getSnapshot()
    return state.status === 'ready' && state.ended !== undefined
  }

  test('is a surprise when a question finds nobody where somebody was, until somebody logs in', async (t) => {
    const { client } = await setUp(t, { '/session': () => visitor, '/login': () => alice }, { session: alice })
    assert.ok(!ended(client))
    await client.refresh()
    assert.ok(ended(client))
    await client.refresh()
    assert.ok(ended(client))
    await client.login({ username: 'alice', password: 'secret' })
    assert.ok(!ended(client))
  })

  test('is none for a visitor who was never logged in', async (t) => {
    const { client } = await setUp(t, { '/session': () => visitor })
    await client.refresh()
    await client.refresh()
    assert.ok(!ended(client))
  })

  test('is none after a logout or a deletion in this tab, also when the answer got lost', async (t) => {
    const lost: Answer = ({ response }) => void response.destroy()
    const answers = { '/session': () => visitor, '/logout': () => visitor, '/delete-account': lost }
    const { client, makeClient } = await setUp(t, answers, { session: alice })
    await client.logout()
    await client.refresh()
    assert.ok(isVisitor(client)() && !ended(client))

    const other = makeClient()
    const left = reaches(other, isVisitor(other))
    assert.equal(code(await other.deleteAccount({ currentPassword: 'secret' })), 'GS_NETWORK')
    await left
    assert.ok(!ended(other))
  })

  test('is a surprise after a deletion that the server refused', async (t) => {
    const { client } = await setUp(
      t,
      {
        '/session': () => visitor,
        '/delete-account': (call) =>
          reply(call, 403, refusal(403, 'GS_CURRENT_PASSWORD', 'The current password is wrong.', 'currentPassword'))
      },
      { session: alice }
    )
    await client.deleteAccount({ currentPassword: 'wrong' })
    await client.refresh()
    assert.ok(ended(client))
  })
})

describe('a user name', () => {
  test('is sent without the white space around it', async (t) => {
    const { client, calls } = await setUp(t, {
      '/login': () => alice,
      '/register': () => ({ ok: true }),
      '/check': () => ({ available: true })
    })
    await client.login({ username: ' alice\t', password: ' secret ' })
    assert.deepEqual(calls.at(-1)!.body, { username: 'alice', password: ' secret ', remember: false })
    await client.register({ username: ' alice ', email: 'a@example.com', password: ' secret ' })
    assert.deepEqual(calls.at(-1)!.body, { username: 'alice', email: 'a@example.com', password: ' secret ' })
    await client.checkUsername(' alice ')
    assert.equal(new URL(calls.at(-1)!.path, 'http://localhost').searchParams.get('username'), 'alice')
  })
})

describe('the list of sessions', () => {
  for (const [name, body] of Object.entries<unknown>({
    'no list': {},
    'a list of words': { sessions: ['session-1'] },
    'an entry without a time': { sessions: [{ ...listed, lastActiveAt: null }] },
    'an entry of a time beyond all dates': { sessions: [{ ...listed, createdAt: 8.65e15 }] },
    'an entry whose id is an object': { sessions: [listed, { ...listed, id: {} }] }
  })) {
    test(`is not believed with ${name}`, async (t) => {
      const { client } = await setUp(t, { '/sessions': () => body })
      assert.equal(code(await client.sessions()), 'GS_BAD_REPLY')
    })
  }

  test('may be as long as the server makes it', async (t) => {
    const sessions = Array.from({ length: 200 }, (_, n) => ({ ...listed, id: `session-${n}`, userAgent: 'x'.repeat(512) }))
    const { client } = await setUp(t, { '/sessions': () => ({ sessions }) })
    assert.deepEqual(await client.sessions(), { ok: true, value: sessions })
  })
})

describe('a refusal', () => {
  test('is a value with code, sentence, field and waiting time', async (t) => {
    const { client } = await setUp(t, {
      '/register': (call) => reply(call, 409, refusal(409, 'GS_USERNAME_TAKEN', 'This user name is taken.', 'username')),
      '/login': (call) => reply(call, 429, refusal(429, 'GS_TOO_MANY_ATTEMPTS', 'Too many attempts.'), { 'retry-after': '42' })
    })
    assert.deepEqual(await client.register({ username: 'a', email: 'b', password: 'c' }), {
      ok: false,
      error: { code: 'GS_USERNAME_TAKEN', message: 'This user name is taken.', field: 'username', status: 409 }
    })
    assert.deepEqual(await client.login({ username: 'a', password: 'c' }), {
      ok: false,
      error: { code: 'GS_TOO_MANY_ATTEMPTS', message: 'Too many attempts.', status: 429, retryAfter: 42 }
    })
  })
})

describe('a hostile or broken answer becomes a clean failure', () => {
  const badSessions: Record<string, unknown> = {
    null: null,
    'a list': [],
    'a word': 'alice',
    'an object instead of a name': { ...alice, username: { toString: 1 } },
    'a mask that is text': { ...alice, mask: '5' },
    'sectors that are text': { ...alice, sectors: 'news' },
    'a missing field': { ...alice, csrfToken: undefined }
  }
  for (const [name, body] of Object.entries(badSessions)) {
    test(`a session with ${name}`, async (t) => {
      const { client } = await setUp(t, { '/session': (call) => reply(call, 200, JSON.stringify(body)) })
      assert.equal(code(await client.refresh()), 'GS_BAD_REPLY')
      assert.equal(client.getSnapshot().status, 'failed')
    })
  }

  const badReplies: Record<string, Answer> = {
    'HTML with status 200': (call) => reply(call, 200, '<h1>Welcome</h1>', { 'content-type': 'text/html' }),
    'HTML with status 502': (call) => reply(call, 502, '<h1>Bad gateway</h1>', { 'content-type': 'text/html' }),
    'JSON that breaks off': (call) => reply(call, 200, '{"username":'),
    'nothing at all': (call) => reply(call, 200, ''),
    'a bare 204': ({ response }) => void response.writeHead(204).end(),
    'a 500 with somebody else’s sentence': (call) => reply(call, 500, { message: 'SELECT * FROM account failed' }),
    'an error whose sentence is an object': (call) => reply(call, 400, { code: 'GS_BODY_INVALID', message: { toString: 1 } })
  }
  for (const [name, answer] of Object.entries(badReplies)) {
    test(name, async (t) => {
      const { client } = await setUp(t, { '/login': answer, '/session': () => visitor })
      const result = await client.login({ username: 'alice', password: 'secret' })
      assert.equal(code(result), 'GS_BAD_REPLY')
      assert.doesNotMatch(JSON.stringify(result), /SELECT|<h1>/)
    })
  }

  test('a page that says yes to everything, as networks with a login of their own have it', async (t) => {
    const page: Answer = (call) => reply(call, 200, '<h1>Welcome</h1>', { 'content-type': 'text/html' })
    const { client } = await setUp(t, { '/register': page, '/forgot-password': page, '/verify-email/resend': page, '/change-email': page })
    const email = 'a@example.com'
    for (const result of [
      await client.register({ username: 'alice', email, password: 'secret' }),
      await client.forgotPassword({ email }),
      await client.resendVerification({ email }),
      await client.changeEmail({ email, currentPassword: 'secret' })
    ]) {
      assert.equal(code(result), 'GS_BAD_REPLY')
    }
  })

  test('ten megabytes, of which little is read', async (t) => {
    const closed = Promise.withResolvers<number>()
    const { client } = await setUp(t, {
      '/session': ({ response }) => {
        response.writeHead(200, { 'content-type': 'application/json' })
        let sent = 0
        const more = () => {
          while (sent < 10 * 1024 * 1024) {
            sent += 65_536
            if (!response.write('1'.repeat(65_536))) return
          }
          response.end()
        }
        response.on('drain', more)
        response.on('close', () => closed.resolve(sent))
        more()
      }
    })
    assert.equal(code(await client.refresh()), 'GS_BAD_REPLY')
    assert.ok((await closed.promise) < 10 * 1024 * 1024)
  })

  test('an answer that breaks off', async (t) => {
    const { client } = await setUp(t, {
      '/session': ({ response }) => {
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' })
        response.write('{', () => response.destroy())
      }
    })
    assert.equal(code(await client.refresh()), 'GS_NETWORK')
  })

  test('no answer within the time', async (t) => {
    const { client } = await setUp(t, { '/session': () => undefined }, { timeout: 50 })
    const result = await client.refresh()
    assert.equal(code(result), 'GS_NETWORK')
    assert.match(result.ok ? '' : result.error.message, /in time/)
  })

  test('a redirect, which never gets the password', async (t) => {
    const { client, calls } = await setUp(t, {
      '/login': ({ response }) => void response.writeHead(307, { location: '/lwsgs/elsewhere' }).end(),
      '/session': () => visitor
    })
    assert.equal(code(await client.login({ username: 'alice', password: 'secret' })), 'GS_BAD_REPLY')
    assert.ok(!calls.some(({ path }) => path.includes('elsewhere')))
  })

  test('sentences and fields of unreasonable size are cut or dropped', async (t) => {
    const { client } = await setUp(t, {
      '/register': (call) => reply(call, 400, refusal(400, 'GS_BODY_INVALID', 'x'.repeat(5000), '"] input'))
    })
    const result = await client.register({ username: 'a', email: 'b', password: 'c' })
    assert.ok(!result.ok)
    assert.equal(result.error.message.length, 500)
    assert.equal(result.error.field, undefined)
  })
})
