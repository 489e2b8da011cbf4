import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import Sqlite from 'better-sqlite3'
import { GsStartError } from 'fastify-gs'
import type { WebSocket } from 'ws'
import { buildApp } from './app.ts'
import { StartError } from './start-error.ts'
import { FrameReader, Visitor, configureApp, freePort, startApp, upgradeStatus } from './testing.ts'

const refusal = async (response: Response) => ({ status: response.status, body: (await response.json()) as Record<string, unknown> })

describe('the message board', () => {
  it('leads to its page', async (t) => {
    const visitor = (await startApp(t)).visitor()
    const home = await visitor.fetch('/')
    assert.equal(home.status, 302)
    assert.equal(home.headers.get('location'), '/lwsgs/')
    const page = await visitor.fetch('/lwsgs/')
    assert.equal(page.status, 200)
    assert.match(page.headers.get('content-type')!, /^text\/html/)
    assert.match(await page.text(), /Message board/)
  })

  it('answers /healthz without sessions and databases', async (t) => {
    const { admin, config } = await startApp(t)
    const visitor = await admin()
    for (const name of ['gs.sqlite3', 'messageboard.sqlite3']) {
      const file = new Sqlite(join(config.dataDirectory, name))
      const tables = file
        .prepare("select name from sqlite_schema where type = 'table' and name not like 'sqlite_%'")
        .pluck()
        .all() as string[]
      file.pragma('foreign_keys = OFF')
      for (const table of tables) file.exec(`drop table ${table}`)
      file.close()
    }
    assert.equal((await visitor.fetch('/lwsgs/session')).status, 503)
    const health = await visitor.fetch('/healthz')
    assert.equal(health.status, 200)
    assert.deepEqual(await health.json(), { ok: true })
    assert.equal(health.headers.get('set-cookie'), null)
  })

  it('sends its security headers with every answer', async (t) => {
    const { config, visitor } = await startApp(t)
    const paths = ['/', '/healthz', '/lwsgs/', '/lwsgs/needauth/', '/lwsgs/msg', '/mailbox/', '/mailbox/messages.json', '/nothing', '/%zz']
    for (const path of paths) {
      const { headers } = await visitor().fetch(path)
      const policy = headers.get('content-security-policy')!
      assert.match(policy, /default-src 'none'/, path)
      assert.match(policy, /frame-ancestors 'none'/, path)
      assert.doesNotMatch(policy, /unsafe|\*/, path)
      assert.equal(headers.get('x-content-type-options'), 'nosniff', path)
      assert.equal(headers.get('cross-origin-opener-policy'), 'same-origin', path)
      assert.match(headers.get('referrer-policy')!, /^(same-origin|no-referrer)$/, path)
      assert.equal(headers.get('access-control-allow-origin'), null, path)
    }
    const policy = (await visitor().fetch('/lwsgs/')).headers.get('content-security-policy')!
    assert.ok(policy.includes(`connect-src 'self' ${config.baseUrl.replace('http', 'ws')};`))
  })

  it('asks browsers to keep to https when it has it', async (t) => {
    const app = await buildApp(await configureApp(t, { baseUrl: 'https://board.example' }))
    t.after(() => app.close())
    const { headers } = await app.inject('/healthz')
    assert.equal(headers['strict-transport-security'], 'max-age=31536000')
    assert.match(String(headers['content-security-policy']), /connect-src 'self' wss:\/\/board\.example;/)
  })

  it('shows the protected pages to those for whom they are', async (t) => {
    const { admin, app, visitor } = await startApp(t)
    /** As a browser opens a page; `fetch` would say that it is none. */
    const open = ({ cookie }: Visitor, url: string) =>
      app.inject({ url, headers: { cookie, accept: 'text/html', 'sec-fetch-mode': 'navigate' } })
    const stranger = visitor()
    for (const path of ['/lwsgs/needauth/', '/lwsgs/needadmin/']) {
      const answer = await open(stranger, path)
      assert.equal(answer.statusCode, 303)
      assert.equal(answer.headers.location, `/lwsgs/?next=${encodeURIComponent(path)}`)
      assert.equal((await stranger.fetch(path)).status, 401)
    }
    const unverified = visitor()
    await unverified.signUp('uma', false)
    assert.equal((await open(unverified, '/lwsgs/needauth/')).statusCode, 403)
    const member = visitor()
    await member.signUp('alice', true)
    assert.equal((await open(member, '/lwsgs/needauth/')).statusCode, 200)
    assert.equal((await open(member, '/lwsgs/needadmin/')).statusCode, 403)
    const boss = await admin()
    assert.equal((await open(boss, '/lwsgs/needauth/')).statusCode, 200)
    assert.equal((await open(boss, '/lwsgs/needadmin/')).statusCode, 200)
  })

  it('writes no token into its log', async (t) => {
    const lines: string[] = []
    const { visitor } = await startApp(t, { log: { write: (line) => void lines.push(line) } })
    const guest = visitor()
    for (const path of ['/lwsgs/lwsgs-confirm', '/lwsgs/lwsgs-forgot', '/nothing', '/mailbox/nothing', '/%zz', '/lwsgs/needauth/nothing']) {
      await guest.fetch(`${path}?token=SECRET`, { headers: { referer: 'http://127.0.0.1/?token=SECRET', accept: 'text/html' } })
    }
    await guest.post('/lwsgs/verify-email?x=SECRET', { token: 'SECRET' })
    await guest.post('/lwsgs/login', { username: 'admin', password: 'SECRET' })
    assert.ok(lines.some((line) => (JSON.parse(line) as { req?: { path: string } }).req?.path === '/lwsgs/needauth/nothing'))
    assert.doesNotMatch(lines.join(''), /SECRET/)
  })

  it('has a mailbox only while it catches its mail', async (t) => {
    const catching = await startApp(t)
    assert.equal((await catching.visitor().fetch('/mailbox/')).status, 200)
    const sending = await startApp(t, { smtpUrl: `smtp://127.0.0.1:${await freePort()}` })
    assert.deepEqual(await (await catching.visitor().fetch('/mailbox/available')).json(), { available: true })
    assert.deepEqual(await (await sending.visitor().fetch('/mailbox/available')).json(), { available: false })
    for (const path of ['/mailbox/', '/mailbox/messages.json', '/mailbox/assets/mailbox.js']) {
      assert.equal((await sending.visitor().fetch(path)).status, 404, path)
    }
  })

  it('believes a proxy about the address of a client only if it is told to', async (t) => {
    const ipOf = async (trustProxy: readonly string[]) => {
      const { app } = await startApp(t, { trustProxy })
      return (await app.inject({ url: '/lwsgs/session', headers: { 'x-forwarded-for': '192.0.2.7' } })).json<{ ip: string }>().ip
    }
    assert.equal(await ipOf([]), '127.0.0.1')
    assert.equal(await ipOf(['10.0.0.0/8']), '127.0.0.1')
    assert.equal(await ipOf(['127.0.0.1']), '192.0.2.7')
  })

  it('tells people of what is not there with a page, and programs with JSON', async (t) => {
    const { app } = await startApp(t)
    for (const url of ['/nothing', '/mailbox/999', '/lwsgs/nothing']) {
      const page = await app.inject({ url, headers: { accept: 'text/html', 'sec-fetch-mode': 'navigate' } })
      assert.deepEqual([page.statusCode, page.headers['content-type']], [404, 'text/html; charset=utf-8'], url)
      assert.match(page.body, /<h1>There is no/)
      const answer = await app.inject(url)
      assert.deepEqual([answer.statusCode, answer.json<{ code: string }>().code], [404, 'BOARD_NOT_FOUND'], url)
    }
  })

  it('runs while its mail server is down', async (t) => {
    const { visitor } = await startApp(t, { smtpUrl: `smtp://127.0.0.1:${await freePort()}` })
    const guest = visitor()
    const body = { username: 'alice', email: 'alice@example.com', password: 'correct horse battery staple' }
    assert.equal((await guest.post('/lwsgs/register', body)).status, 202)
    assert.equal((await guest.fetch('/lwsgs/')).status, 200)
  })
})

describe('buildApp', () => {
  it('says how to build the pages when they are missing', async (t) => {
    const config = await configureApp(t, { webDirectory: '/nonexistent/dist' })
    await assert.rejects(buildApp(config), (error: Error) => {
      assert.ok(error instanceof StartError)
      assert.match(error.message, /not built .*npm run build/)
      return true
    })
  })

  it('refuses databases that it cannot use', async (t) => {
    for (const [name, kind] of [
      ['gs.sqlite3', GsStartError],
      ['messageboard.sqlite3', StartError]
    ] as const) {
      const config = await configureApp(t)
      writeFileSync(join(config.dataDirectory, name), 'no database\n'.repeat(500))
      await assert.rejects(buildApp(config), (error: Error) => {
        assert.ok(error instanceof kind)
        assert.ok(error.message.includes(name))
        return true
      })
    }
  })
})

describe('POST /lwsgs/msg', () => {
  it('is for verified users', async (t) => {
    const { boardDatabase, visitor } = await startApp(t)
    assert.deepEqual((await refusal(await visitor().post('/lwsgs/msg', { msg: 'hello' }))).body['code'], 'GS_NOT_LOGGED_IN')
    const unverified = visitor()
    await unverified.signUp('uma', false)
    const answer = await refusal(await unverified.post('/lwsgs/msg', { msg: 'hello' }))
    assert.equal(answer.status, 403)
    assert.equal(answer.body['code'], 'GS_FORBIDDEN')
    assert.equal(boardDatabase().prepare('select count(*) from message').pluck().get(), 0)
  })

  it('stores the text exactly and tells its number', async (t) => {
    const { admin, boardDatabase } = await startApp(t)
    const visitor = await admin()
    const texts = ["'; drop table message; --", '<script>alert(1)</script>', ' a\n\tb ', '😀'.repeat(4000), '\u2028\u202e$lwsgs_user']
    for (const [index, msg] of texts.entries()) {
      const answer = await visitor.post('/lwsgs/msg', { msg })
      assert.equal(answer.status, 201)
      assert.deepEqual(await answer.json(), { ok: true, idx: String(index + 1) })
    }
    const rows = boardDatabase().prepare('select username, content, time from message order by idx').all() as {
      username: string
      content: string
      time: number
    }[]
    assert.deepEqual(
      rows.map(({ content }) => content),
      texts
    )
    assert.ok(rows.every(({ username, time }) => username === 'admin' && Math.abs(time - Date.now() / 1000) < 60))
  })

  it('takes the form of a page without script and leads back', async (t) => {
    const { admin, boardDatabase } = await startApp(t)
    const visitor = await admin()
    const answer = await visitor.fetch('/lwsgs/msg', {
      method: 'POST',
      body: new URLSearchParams({ msg: 'zwei\r\nZeilen & 😀 +', send: 'Send' })
    })
    assert.equal(answer.status, 303)
    assert.equal(answer.headers.get('location'), '/lwsgs/')
    assert.equal(boardDatabase().prepare('select content from message').pluck().get(), 'zwei\nZeilen & 😀 +')
  })

  it('takes the longest text however it is written', async (t) => {
    const { admin, boardDatabase } = await startApp(t)
    const visitor = await admin()
    const escaped = `{"msg":"${'\\ud83d\\ude00'.repeat(4000)}"}`
    const json = await visitor.fetch('/lwsgs/msg', { method: 'POST', headers: { 'content-type': 'application/json' }, body: escaped })
    assert.equal(json.status, 201)
    const form = await visitor.fetch('/lwsgs/msg', { method: 'POST', body: new URLSearchParams({ msg: '😀'.repeat(4000), send: '' }) })
    assert.equal(form.status, 303)
    assert.equal(boardDatabase().prepare('select count(*) from message where length(content) = 4000').pluck().get(), 2)
  })

  it('refuses what is no post, with a code of its own, and stores nothing', async (t) => {
    const { admin, boardDatabase } = await startApp(t)
    const visitor = await admin()
    const json = 'application/json'
    const form = 'application/x-www-form-urlencoded'
    const cases: [code: string, status: number, type: string | null, body: string | Buffer][] = [
      ['BOARD_MESSAGE_INVALID', 400, json, '{"msg":""}'],
      ['BOARD_MESSAGE_INVALID', 400, json, '{"msg":" \\n "}'],
      ['BOARD_MESSAGE_INVALID', 400, json, '{"msg":"a\\u0000b"}'],
      ['BOARD_MESSAGE_INVALID', 400, json, '{"msg":"a\\r\\nb"}'],
      ['BOARD_MESSAGE_INVALID', 400, json, '{"msg":"\\ud83d"}'],
      ['BOARD_MESSAGE_INVALID', 400, json, JSON.stringify({ msg: 'a'.repeat(4001) })],
      ['BOARD_MESSAGE_INVALID', 400, form, 'msg='],
      ['BOARD_MESSAGE_INVALID', 400, form, 'msg=%1b[31m'],
      ['BOARD_BODY_INVALID', 400, json, '{}'],
      ['BOARD_BODY_INVALID', 400, json, ''],
      ['BOARD_BODY_INVALID', 400, json, 'null'],
      ['BOARD_BODY_INVALID', 400, json, '[]'],
      ['BOARD_BODY_INVALID', 400, json, '"text"'],
      ['BOARD_BODY_INVALID', 400, json, '{"msg":"a"'],
      ['BOARD_BODY_INVALID', 400, json, '{"msg":["a"]}'],
      ['BOARD_BODY_INVALID', 400, json, '{"msg":5}'],
      ['BOARD_BODY_INVALID', 400, json, '{"msg":null}'],
      ['BOARD_BODY_INVALID', 400, json, '{"msg":"a","username":"root"}'],
      ['BOARD_BODY_INVALID', 400, json, '{"msg":"a","__proto__":{"admin":1}}'],
      ['BOARD_BODY_INVALID', 400, json, '{"msg":"a","constructor":{"prototype":{}}}'],
      ['BOARD_BODY_INVALID', 400, json, `{"msg":${'['.repeat(20_000)}`],
      ['BOARD_BODY_INVALID', 400, json, Buffer.from('{"msg":"\xff\xfe"}', 'latin1')],
      ['BOARD_BODY_INVALID', 400, form, 'msg=%ff'],
      ['BOARD_BODY_INVALID', 400, form, 'msg=%'],
      ['BOARD_BODY_INVALID', 400, form, Buffer.from('msg=\xff', 'latin1')],
      ['BOARD_BODY_INVALID', 400, form, 'msg=a&msg=b'],
      ['BOARD_BODY_INVALID', 400, form, 'msg=a&idx=1'],
      ['BOARD_BODY_INVALID', 400, form, 'send=1'],
      ['BOARD_BODY_INVALID', 400, form, 'msg[]=a'],
      ['BOARD_BODY_INVALID', 400, form, ''],
      ['BOARD_CONTENT_TYPE', 415, 'text/plain', '{"msg":"a"}'],
      ['BOARD_CONTENT_TYPE', 415, 'multipart/form-data; boundary=x', '--x--'],
      ['BOARD_CONTENT_TYPE', 415, 'application/xml', '<msg/>'],
      ['BOARD_BODY_TOO_LARGE', 413, json, JSON.stringify({ msg: 'a'.repeat(70_000) })],
      ['BOARD_BODY_TOO_LARGE', 413, form, `msg=${'a'.repeat(70_000)}`]
    ]
    for (const [code, status, type, body] of cases) {
      const response = await visitor.fetch('/lwsgs/msg', {
        method: 'POST',
        body,
        ...(type !== null && { headers: { 'content-type': type } })
      })
      const { body: answer } = await refusal(response)
      const label = `${type} ${body.toString('latin1').slice(0, 60)}`
      assert.equal(answer['code'], code, label)
      assert.equal(response.status, status, label)
      assert.equal(answer['statusCode'], status, label)
      assert.equal(typeof answer['message'], 'string', label)
      assert.equal(answer['field'], code === 'BOARD_MESSAGE_INVALID' ? 'msg' : undefined, label)
    }
    assert.equal(boardDatabase().prepare('select count(*) from message').pluck().get(), 0)
    assert.equal((await visitor.post('/lwsgs/msg', { msg: 'fine' })).status, 201)
  })

  it('refuses posts from other sites', async (t) => {
    const { admin, boardDatabase } = await startApp(t)
    const visitor = await admin()
    const strange: Record<string, string>[] = [
      { origin: 'https://evil.test' },
      { origin: 'null' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' }
    ]
    for (const headers of strange) {
      assert.equal((await refusal(await visitor.post('/lwsgs/msg', { msg: 'forged' }, headers))).body['code'], 'GS_CROSS_SITE')
    }
    assert.equal(boardDatabase().prepare('select count(*) from message').pluck().get(), 0)
  })

  it('bounds how fast one account posts', async (t) => {
    const { admin } = await startApp(t)
    const visitor = await admin()
    for (let number = 1; number <= 120; number++) assert.equal((await visitor.post('/lwsgs/msg', { msg: String(number) })).status, 201)
    const response = await visitor.post('/lwsgs/msg', { msg: 'one more' })
    assert.equal(response.status, 429)
    assert.ok(Number(response.headers.get('retry-after')) > 0)
    assert.equal((await refusal(response)).body['code'], 'BOARD_TOO_MANY_POSTS')
  })

  it('answers 503 while another process holds the database, and works afterwards', async (t) => {
    const { admin, boardDatabase } = await startApp(t)
    const visitor = await admin()
    const other = boardDatabase()
    other.exec('begin immediate')
    const response = await visitor.post('/lwsgs/msg', { msg: 'hello' })
    assert.equal(response.status, 503)
    assert.equal(response.headers.get('retry-after'), '1')
    assert.equal((await refusal(response)).body['code'], 'BOARD_UNAVAILABLE')
    other.exec('rollback')
    assert.equal((await visitor.post('/lwsgs/msg', { msg: 'hello' })).status, 201)
  })
})

describe('the websocket /lwsgs/board', () => {
  it('shows what was posted, and what is posted from now on', async (t) => {
    const { admin, visitor } = await startApp(t)
    const writer = await admin()
    for (let number = 1; number <= 12; number++) await writer.post('/lwsgs/msg', { msg: `post ${number}` })

    const alice = visitor()
    await alice.signUp('alice', true)
    const socket = alice.openBoard()
    const reader = new FrameReader(socket)
    await once(socket, 'open')
    assert.equal(socket.protocol, 'protocol-lws-messageboard')
    assert.deepEqual(
      (await reader.count(10)).map(({ content }) => content),
      Array.from({ length: 10 }, (_, index) => `post ${index + 3}`)
    )
    await alice.post('/lwsgs/msg', { msg: 'my own' })
    const frame = (await reader.count(11))[10]!
    assert.deepEqual(Object.keys(frame), ['idx', 'time', 'username', 'content'])
    assert.deepEqual({ ...frame, time: '' }, { idx: '13', time: '', username: 'alice', content: 'my own' })
    socket.terminate()
  })

  it('is for verified users, and refuses before it opens', async (t) => {
    const { admin, visitor } = await startApp(t)
    await (await admin()).post('/lwsgs/msg', { msg: 'secret' })
    assert.equal(await upgradeStatus(visitor().openBoard()), 401)
    const unverified = visitor()
    await unverified.signUp('uma', false)
    assert.equal(await upgradeStatus(unverified.openBoard()), 403)
  })

  it('refuses other sites, and clients that do not say where they come from', async (t) => {
    const { admin, config } = await startApp(t)
    const visitor = await admin()
    const { port } = new URL(config.baseUrl)
    for (const origin of [
      'https://evil.test',
      'null',
      `https://127.0.0.1:${port}`,
      'http://127.0.0.1:1',
      `http://x.127.0.0.1:${port}`,
      `${config.baseUrl}.evil.test`,
      null
    ]) {
      assert.equal(await upgradeStatus(visitor.openBoard({ origin })), 403, String(origin))
    }
    assert.equal(await upgradeStatus(visitor.openBoard()), 101)
  })

  it('opens for its own pages under another name of this machine too, and no further', async (t) => {
    const { admin, config } = await startApp(t)
    const visitor = await admin()
    const { port } = new URL(config.baseUrl)
    const host = `localhost:${port}`
    assert.equal(await upgradeStatus(visitor.openBoard({ origin: `http://${host}`, host })), 101)
    for (const origin of [`http://evil.test:${port}`, `http://192.0.2.1:${port}`, 'http://localhost', 'http://localhost:1']) {
      assert.equal(await upgradeStatus(visitor.openBoard({ origin, host })), 403, origin)
    }
    // Another name that leads here (DNS rebinding) is another site to browsers, which do not give it the cookies.
    const rebound = { origin: `http://evil.test:${port}`, host: `evil.test:${port}` }
    assert.equal(await upgradeStatus(new Visitor(config.baseUrl).openBoard(rebound)), 401)
    assert.equal(await upgradeStatus(visitor.openBoard({ origin: `https://localhost:${port}`, host: `localhost:${port}` })), 403)
  })

  it('wants its subprotocol', async (t) => {
    const visitor = await (await startApp(t)).admin()
    assert.equal(await upgradeStatus(visitor.openBoard({ subprotocols: [] })), 400)
    assert.equal(await upgradeStatus(visitor.openBoard({ subprotocols: ['chat'] })), 400)
    const socket = visitor.openBoard({ subprotocols: ['chat', 'protocol-lws-messageboard'] })
    await once(socket, 'open')
    assert.equal(socket.protocol, 'protocol-lws-messageboard')
    socket.terminate()
  })

  it('opens at no other address', async (t) => {
    const { admin, visitor } = await startApp(t)
    const boss = await admin()
    for (const path of [
      '/',
      '/lwsgs/',
      '/lwsgs/needauth/',
      '/lwsgs/board/',
      '/lwsgs/Board',
      '//lwsgs/board',
      '/lwsgs/session',
      '/lwsgs/msg',
      '/healthz',
      '/mailbox/',
      '/nothing',
      '/%zz'
    ]) {
      for (const client of [boss, visitor()]) {
        const status = await upgradeStatus(client.openBoard({ path }))
        assert.ok([400, 404].includes(status), `${path}: ${status}`)
      }
    }
    assert.equal(await upgradeStatus(boss.openBoard({ path: '/lwsgs/b%6fard' })), 426)
    assert.equal(await upgradeStatus(visitor().openBoard({ path: '/lwsgs/b%6fard' })), 401)
  })

  it('tells a client that comes without upgrade', async (t) => {
    const { admin, visitor } = await startApp(t)
    assert.equal((await visitor().fetch('/lwsgs/board')).status, 401)
    const boss = await admin()
    assert.deepEqual((await refusal(await boss.fetch('/lwsgs/board'))).body['code'], 'BOARD_UPGRADE_REQUIRED')
    assert.equal((await boss.fetch('/lwsgs/board', { method: 'HEAD' })).status, 426)
  })

  it('closes when the session ends, before the log out is answered', async (t) => {
    const { admin, visitor } = await startApp(t)
    const alice = visitor()
    await alice.signUp('alice', true)
    const socket = alice.openBoard()
    const reader = new FrameReader(socket)
    await once(socket, 'open')
    assert.equal((await alice.post('/lwsgs/logout', {})).status, 200)
    await (await admin()).post('/lwsgs/msg', { msg: 'not for alice' })
    assert.deepEqual(await reader.closed, { code: 4401, reason: 'logout' })
    assert.deepEqual(reader.frames, [])
  })

  it('closes the sockets of the other sessions when the password changes', async (t) => {
    const { visitor } = await startApp(t)
    const here = visitor()
    await here.signUp('alice', true)
    const there = visitor()
    await there.logIn('alice', 'correct horse battery staple')
    const socket = there.openBoard()
    const reader = new FrameReader(socket)
    await once(socket, 'open')
    const change = { currentPassword: 'correct horse battery staple', password: 'another horse battery staple' }
    assert.equal((await here.post('/lwsgs/change-password', change)).status, 200)
    assert.equal((await reader.closed).code, 4401)
  })

  it('closes when the account is deleted', async (t) => {
    const { visitor } = await startApp(t)
    const alice = visitor()
    await alice.signUp('alice', true)
    const socket = alice.openBoard()
    const reader = new FrameReader(socket)
    await once(socket, 'open')
    assert.equal((await alice.post('/lwsgs/delete-account', { currentPassword: 'correct horse battery staple' })).status, 200)
    assert.equal((await reader.closed).code, 4401)
  })

  it('closes with 1009 for a message that is too large, and with 1002 or 1007 for broken ones', async (t) => {
    const { admin } = await startApp(t)
    const visitor = await admin()
    const cases: [code: number, send: (socket: WebSocket, raw: Socket) => void][] = [
      [1009, (socket) => socket.send(Buffer.alloc(64 * 1024 + 1))],
      [1007, (socket) => socket.send(Buffer.from([0xff]), { binary: false })],
      // Reserved bits; not masked.
      [1002, (_socket, raw) => raw.write(Buffer.from([0xf1, 0x80, 0, 0, 0, 0]))],
      [1002, (_socket, raw) => raw.write(Buffer.from([0x81, 0x01, 0x61]))]
    ]
    for (const [code, send] of cases) {
      const socket = visitor.openBoard()
      const reader = new FrameReader(socket)
      const [[response]] = (await Promise.all([once(socket, 'upgrade'), once(socket, 'open')])) as [[IncomingMessage], []]
      send(socket, response.socket)
      assert.equal((await reader.closed).code, code)
    }
    assert.equal((await visitor.fetch('/healthz')).status, 200)
  })

  it('closes with 1001 when the server stops', async (t) => {
    const { admin, app } = await startApp(t)
    const socket = (await admin()).openBoard()
    const reader = new FrameReader(socket)
    await once(socket, 'open')
    await app.close()
    assert.equal((await reader.closed).code, 1001)
  })
})
