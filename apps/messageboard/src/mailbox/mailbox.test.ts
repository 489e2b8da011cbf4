import assert from 'node:assert/strict'
import { request as httpRequest } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { buffer, text } from 'node:stream/consumers'
import { describe, it, type TestContext } from 'node:test'
import Fastify from 'fastify'
import { createTransport } from 'nodemailer'
import { answerError } from '../errors.ts'
import { startMailCatcher, type CaughtMail, type MailCatcher } from './catcher.ts'
import { mailboxRoutes } from './routes.ts'

async function startCatcher(t: TestContext) {
  const catcher = await startMailCatcher()
  const transport = createTransport({ url: catcher.url, pool: true })
  t.after(async () => {
    transport.close()
    await catcher.close()
  })
  const send = (mail: { subject?: string; text?: string; html?: string; to?: string | string[] } = {}) =>
    transport.sendMail({ from: 'Board <board@localhost>', to: 'alice@example.com', subject: 'Hello', text: 'Hello Alice', ...mail })
  return { catcher, send }
}

async function startMailbox(t: TestContext, catcher: MailCatcher) {
  const app = Fastify()
  app.setErrorHandler(answerError)
  await app.register(mailboxRoutes, { prefix: '/mailbox', catcher })
  await app.listen({ port: 0, host: '127.0.0.1' })
  t.after(() => app.close())
  const { port } = app.server.address() as AddressInfo

  /** Unlike `fetch` it may send any Host. */
  return async function get(path: string, headers: Record<string, string> = {}) {
    const response = await new Promise<import('node:http').IncomingMessage>((resolve, reject) => {
      httpRequest({ host: '127.0.0.1', port, path, headers, agent: false }, resolve).on('error', reject).end()
    })
    return { status: response.statusCode, headers: response.headers, body: await text(response) }
  }
}

describe('the mail catcher', () => {
  it('keeps what it is sent, newest first', async (t) => {
    const { catcher, send } = await startCatcher(t)
    await send({ subject: 'Grüße', text: 'Hallo Älice,\n\nhttps://board.example/x?token=1\n', html: '<p>Hallo</p>' })
    await send({ subject: 'Second', to: ['bob@example.com', 'carol@example.com'] })
    assert.deepEqual(
      catcher.mails.map(({ to, subject }) => ({ to, subject })),
      [
        { to: 'bob@example.com, carol@example.com', subject: 'Second' },
        { to: 'alice@example.com', subject: 'Grüße' }
      ]
    )
    const mail = catcher.mails[1]!
    assert.equal(mail.text.trimEnd(), 'Hallo Älice,\n\nhttps://board.example/x?token=1')
    assert.equal(mail.html.trimEnd(), '<p>Hallo</p>')
    assert.equal(mail.from, 'board@localhost')
    assert.equal(new Date(mail.date).toISOString(), mail.date)
    assert.match(mail.id, /^[\da-f-]{36}$/)
  })

  it('tells the envelope, not what the mail says of itself', async (t) => {
    const { catcher } = await startCatcher(t)
    const transport = createTransport(catcher.url)
    t.after(() => transport.close())
    await transport.sendMail({
      envelope: { from: 'board@localhost', to: 'real@example.com' },
      raw: 'From: board@localhost\r\nTo: pretended@example.com\r\nSubject: x\r\n\r\ntext\r\n'
    })
    assert.equal(catcher.mails[0]!.to, 'real@example.com')
  })

  it('keeps the last 200', async (t) => {
    const { catcher, send } = await startCatcher(t)
    for (let number = 1; number <= 203; number++) await send({ subject: String(number) })
    assert.equal(catcher.mails.length, 200)
    assert.equal(catcher.mails[0]!.subject, '203')
    assert.equal(catcher.mails.at(-1)!.subject, '4')
  })

  it('refuses a mail that is too large, and goes on', async (t) => {
    const { catcher, send } = await startCatcher(t)
    await assert.rejects(send({ text: 'x'.repeat(300 * 1024) }), { responseCode: 552 })
    await send()
    assert.equal(catcher.mails.length, 1)
  })

  it('listens on the loopback interface only', async (t) => {
    const { catcher } = await startCatcher(t)
    assert.match(catcher.url, /^smtp:\/\/127\.0\.0\.1:\d+$/)
  })

  it('survives a client that goes away in the middle of a mail', async (t) => {
    const { catcher, send } = await startCatcher(t)
    const socket = connect(Number(new URL(catcher.url).port), '127.0.0.1')
    for (const line of ['EHLO x', 'MAIL FROM:<a@localhost>', 'RCPT TO:<b@localhost>', 'DATA']) {
      await new Promise((resolve) => socket.once('data', resolve))
      socket.write(`${line}\r\n`)
    }
    await new Promise((resolve) => socket.once('data', resolve))
    socket.write('Subject: half a m')
    socket.resetAndDestroy()
    await send()
    assert.equal(catcher.mails.length, 1)
  })

  it('closes although a client holds its connection', async (t) => {
    const catcher = await startMailCatcher()
    const socket = connect(Number(new URL(catcher.url).port), '127.0.0.1')
    t.after(() => socket.destroy())
    await new Promise((resolve) => socket.once('data', resolve))
    const closed = buffer(socket)
    await catcher.close()
    assert.match((await closed).toString(), /^421 /m)
  })
})

describe('/mailbox/', () => {
  it('lists the mails as JSON with the documented fields, newest first', async (t) => {
    const { catcher, send } = await startCatcher(t)
    const get = await startMailbox(t, catcher)
    assert.equal((await get('/mailbox/messages.json')).body, '[]')
    await send({ subject: 'First', html: '<p>Hi</p>' })
    await send({ subject: 'Second' })
    const response = await get('/mailbox/messages.json')
    assert.match(response.headers['content-type']!, /^application\/json/)
    assert.equal(response.headers['cache-control'], 'no-store')
    const mails = JSON.parse(response.body) as CaughtMail[]
    assert.deepEqual(
      mails.map(({ subject }) => subject),
      ['Second', 'First']
    )
    assert.deepEqual(Object.keys(mails[0]!), ['id', 'to', 'subject', 'text', 'html', 'date'])
  })

  it('shows the list and each mail, with links that can be followed', async (t) => {
    const { catcher, send } = await startCatcher(t)
    const get = await startMailbox(t, catcher)
    assert.match((await get('/mailbox/')).body, /<p id="empty"\s*>\s*No mail yet/)
    await send({ subject: 'Please verify', text: 'Open (http://localhost:7681/lwsgs/lwsgs-confirm?token=a-b_c&x=1).\nBye' })
    const list = await get('/mailbox/')
    assert.match(list.headers['content-type']!, /^text\/html; charset=utf-8/)
    assert.match(list.body, /<p id="empty"\s+hidden>/)
    assert.match(list.body, /Please verify/)
    const [, path] = /<a href="(\/mailbox\/[\da-f-]{36})">/.exec(list.body)!
    const mail = await get(path!)
    assert.ok(
      mail.body.includes(
        'Open (<a href="http://localhost:7681/lwsgs/lwsgs-confirm?token=a-b_c&amp;x=1" rel="noreferrer">http://localhost:7681/lwsgs/lwsgs-confirm?token=a-b_c&amp;x=1</a>).\nBye'
      ),
      mail.body
    )
  })

  it('escapes everything that comes from a mail', async (t) => {
    const { catcher, send } = await startCatcher(t)
    const get = await startMailbox(t, catcher)
    const evil = `"><script>alert('x')</script>&<img src=x onerror=alert(1)>`
    await send({ subject: evil, text: `${evil} http://x.test/"onmouseover="alert(1) javascript:alert(1)`, html: evil })
    for (const path of ['/mailbox/', `/mailbox/${catcher.mails[0]!.id}`]) {
      const { body } = await get(path)
      const own = body.replace('<script src="/mailbox/assets/mailbox.js"></script>', '')
      assert.doesNotMatch(own, /<script|<img/)
      assert.doesNotMatch(own, /<[^>]*(onmouseover|href="javascript:)/)
      assert.match(own, /&lt;script&gt;alert\(&#39;x&#39;\)/)
    }
  })

  it('shows the HTML part as source, also when it is the only one', async (t) => {
    const { catcher, send } = await startCatcher(t)
    const get = await startMailbox(t, catcher)
    await send({ text: '', html: '<p>only <b>HTML</b></p>' })
    const { body } = await get(`/mailbox/${catcher.mails[0]!.id}`)
    assert.match(body, /<pre class="source">&lt;p&gt;only &lt;b&gt;HTML/)
  })

  it('has its style and its script from the same origin, and nothing inline', async (t) => {
    const { catcher, send } = await startCatcher(t)
    const get = await startMailbox(t, catcher)
    await send()
    for (const path of ['/mailbox/', `/mailbox/${catcher.mails[0]!.id}`]) {
      const { body } = await get(path)
      assert.doesNotMatch(body, /<style|\sstyle=|\son\w+=|<script>|<iframe/)
    }
    assert.match((await get('/mailbox/assets/mailbox.css')).headers['content-type']!, /^text\/css/)
    assert.match((await get('/mailbox/assets/mailbox.js')).headers['content-type']!, /javascript/)
    assert.notEqual((await get('/mailbox/assets/')).status, 200)
    for (const path of ['..%2fcatcher.ts', '%2e%2e/catcher.ts', '../catcher.ts']) {
      assert.doesNotMatch((await get(`/mailbox/assets/${path}`)).body, /smtp/, path)
    }
  })

  it('answers 404 for a mail that is not there', async (t) => {
    const { catcher } = await startCatcher(t)
    const get = await startMailbox(t, catcher)
    const { status, body } = await get('/mailbox/00000000-0000-0000-0000-000000000000')
    assert.equal(status, 404)
    assert.equal((JSON.parse(body) as { code: string }).code, 'BOARD_NOT_FOUND')
  })

  it('opens for this machine only: not behind a proxy, not under a strange name', async (t) => {
    const { catcher, send } = await startCatcher(t)
    const get = await startMailbox(t, catcher)
    await send({ subject: 'secret' })
    const id = catcher.mails[0]!.id
    const refused: Record<string, string>[] = [
      { 'x-forwarded-for': '203.0.113.7' },
      { forwarded: 'for=203.0.113.7' },
      { via: '1.1 proxy' },
      { host: 'evil.test:7681' },
      { host: 'board.example' },
      { host: '203.0.113.7' },
      { host: 'localhost.evil.test' },
      { host: '127.0.0.1.evil.test' }
    ]
    for (const headers of refused) {
      for (const path of ['/mailbox/', '/mailbox/messages.json', `/mailbox/${id}`, '/mailbox/assets/mailbox.js']) {
        const { status, body } = await get(path, headers)
        assert.equal(status, 403, `${path} ${JSON.stringify(headers)}`)
        assert.match(body, /BOARD_MAILBOX_LOCAL/)
        assert.doesNotMatch(body, /secret/)
      }
    }
    for (const host of ['localhost:7681', '127.0.0.1', '[::1]:7681', 'board.localhost']) {
      assert.equal((await get('/mailbox/', { host })).status, 200, host)
    }
  })

  it('does not open for another machine', async (t) => {
    const { catcher } = await startCatcher(t)
    const app = Fastify()
    app.setErrorHandler(answerError)
    await app.register(mailboxRoutes, { prefix: '/mailbox', catcher })
    t.after(() => app.close())
    for (const [remoteAddress, status] of [
      ['203.0.113.7', 403],
      ['::ffff:203.0.113.7', 403],
      ['2001:db8::1', 403],
      ['::ffff:127.0.0.1', 200],
      ['::1', 200]
    ] as const) {
      const response = await app.inject({ url: '/mailbox/messages.json', headers: { host: 'localhost:7681' }, remoteAddress })
      assert.equal(response.statusCode, status, remoteAddress)
    }
  })
})
