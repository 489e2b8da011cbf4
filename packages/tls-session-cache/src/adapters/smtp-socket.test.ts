import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import os from 'node:os'
import { test, type TestContext } from 'node:test'
import { createTransport } from 'nodemailer'
import type SMTPPool from 'nodemailer/lib/smtp-pool/index.js'
import type SMTPTransport from 'nodemailer/lib/smtp-transport/index.js'
import { TlsSessionCache } from '../session-cache.ts'
import { makeAuthority, makeCertificate } from '../testing/certificates.ts'
import { mailServer, scriptedServer } from '../testing/mail-server.ts'
import type { SmtpError } from './smtp-error.ts'
import { smtpSocket } from './smtp-socket.ts'

const authority = await makeAuthority()
const localhost = await makeCertificate(authority, ['localhost', '127.0.0.1', '::1'])
const elsewhere = await makeCertificate(authority, ['elsewhere.test'])

const mail = { from: 'us@example.com', to: 'you@example.com', subject: 'hello', text: 'hello' }
const fast = { connectionTimeout: 5000, greetingTimeout: 5000 }

function transportOf(
  t: TestContext,
  cache: TlsSessionCache,
  options: SMTPTransport.Options & { readonly opportunisticTLS?: boolean | undefined }
) {
  const transport = createTransport({
    host: 'localhost',
    tls: { ca: authority.cert },
    ...fast,
    ...options,
    getSocket: smtpSocket(cache)
  } as SMTPTransport.Options)
  t.after(() => transport.close())
  return transport
}

/** The error with which a mail is refused. */
async function refusal(
  t: TestContext,
  options: SMTPTransport.Options & { readonly opportunisticTLS?: boolean | undefined }
): Promise<SmtpError> {
  const transport = transportOf(t, new TlsSessionCache(), options)
  return transport.sendMail(mail).then(
    () => assert.fail('the mail was sent'),
    (error: SmtpError) => error
  )
}

/** The error that nodemailer alone has in the same place. */
async function ownRefusal(options: SMTPTransport.Options): Promise<SmtpError> {
  const transport = createTransport({ host: 'localhost', tls: { ca: authority.cert }, ...fast, ...options })
  return transport.sendMail(mail).then(
    () => assert.fail('the mail was sent'),
    (error: SmtpError) => error
  )
}

const shape = ({ code, command, message, originalCode, permanent, responseCode, timeoutType }: SmtpError) => ({
  code,
  command,
  message,
  originalCode,
  permanent,
  responseCode,
  timeoutType
})

const ways = [
  { name: 'STARTTLS', secure: false },
  { name: 'TLS from the first byte', secure: true }
]

for (const { name, secure } of ways)
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
    test(`${name}, ${version}: the first mail comes with a full handshake, the others resume`, async (t) => {
      const server = await mailServer(t, { ...localhost, secure, minVersion: version, maxVersion: version })
      const transport = transportOf(t, new TlsSessionCache(), { port: server.port, secure, requireTLS: true })
      for (let count = 0; count < 3; count++) await transport.sendMail(mail)
      assert.deepEqual(
        server.mails.map(({ resumed }) => resumed),
        [false, true, true]
      )
    })
  }

for (const { name, secure } of ways) {
  test(`${name}: a connection of a pool resumes the session of another`, async (t) => {
    const server = await mailServer(t, { ...localhost, secure })
    const pooled: SMTPPool.Options = {
      pool: true,
      maxConnections: 1,
      maxMessages: 2,
      host: 'localhost',
      port: server.port,
      secure,
      requireTLS: true,
      tls: { ca: authority.cert },
      getSocket: smtpSocket(new TlsSessionCache())
    }
    const transport = createTransport(pooled)
    t.after(() => transport.close())
    for (let count = 0; count < 4; count++) await transport.sendMail(mail)
    assert.deepEqual(
      server.mails.map(({ resumed }) => resumed),
      [false, false, true, true]
    )
  })

  test(`${name}: logging in works on resumed connections, too`, async (t) => {
    const server = await mailServer(t, { ...localhost, secure, authOptional: false })
    const cache = new TlsSessionCache()
    const transport = transportOf(t, cache, { port: server.port, secure, requireTLS: true, auth: { user: 'mailer', pass: 'right' } })
    await transport.sendMail(mail)
    await transport.sendMail(mail)
    assert.deepEqual(
      server.mails.map(({ resumed, user }) => ({ resumed, user })),
      [
        { resumed: false, user: 'mailer' },
        { resumed: true, user: 'mailer' }
      ]
    )
    const wrong = transportOf(t, cache, { port: server.port, secure, requireTLS: true, auth: { user: 'mailer', pass: 'wrong' } })
    await assert.rejects(wrong.sendMail(mail), { code: 'EAUTH' })
  })

  test(`${name}: verify() resumes and leaves the next mail something to resume`, async (t) => {
    const server = await mailServer(t, { ...localhost, secure })
    const transport = transportOf(t, new TlsSessionCache(), { port: server.port, secure, requireTLS: true })
    await transport.verify()
    await transport.sendMail(mail)
    assert.equal(server.mails[0]!.resumed, true)
  })

  test(`${name}: a certificate for another name is refused as nodemailer refuses it`, async (t) => {
    const server = await mailServer(t, { ...elsewhere, secure })
    const options = { port: server.port, secure, requireTLS: true }
    const error = await refusal(t, options)
    assert.equal(error.originalCode, 'ERR_TLS_CERT_ALTNAME_INVALID')
    assert.deepEqual(shape(error), shape(await ownRefusal(options)))
    assert.deepEqual(server.mails, [])
  })

  test(`${name}: an authority that is not trusted is refused as nodemailer refuses it`, async (t) => {
    const server = await mailServer(t, { ...localhost, secure })
    const options = { port: server.port, secure, requireTLS: true, tls: {} }
    assert.deepEqual(shape(await refusal(t, options)), shape(await ownRefusal(options)))
  })

  test(`${name}: the name of the server can be another than that of the host`, async (t) => {
    const server = await mailServer(t, { ...elsewhere, secure })
    const tls = { ca: authority.cert, servername: 'elsewhere.test' }
    const transport = transportOf(t, new TlsSessionCache(), { port: server.port, secure, requireTLS: true, tls })
    await transport.sendMail(mail)
    await transport.sendMail(mail)
    assert.deepEqual(
      server.mails.map(({ resumed }) => resumed),
      [false, true]
    )
  })

  test(`${name}: what was not verified is not resumed by who verifies`, async (t) => {
    const server = await mailServer(t, { ...elsewhere, secure })
    const cache = new TlsSessionCache()
    const lax = transportOf(t, cache, {
      port: server.port,
      secure,
      requireTLS: true,
      tls: { ca: authority.cert, rejectUnauthorized: false }
    })
    await lax.sendMail(mail)
    assert.equal(cache.stats.peers, 0)
    const strict = transportOf(t, cache, { port: server.port, secure, requireTLS: true })
    await assert.rejects(strict.sendMail(mail), { code: 'ESOCKET', originalCode: 'ERR_TLS_CERT_ALTNAME_INVALID' })
  })

  const hasIpv6 = Object.values(os.networkInterfaces()).some((addresses) => addresses?.some(({ address }) => address === '::1'))
  if (hasIpv6)
    test(`${name}: an address of IPv6 can be the host`, async (t) => {
      const server = await mailServer(t, { ...localhost, secure }, '::1')
      const transport = transportOf(t, new TlsSessionCache(), { host: '::1', port: server.port, secure, requireTLS: true })
      await transport.sendMail(mail)
      await transport.sendMail(mail)
      assert.deepEqual(
        server.mails.map(({ resumed }) => resumed),
        [false, true]
      )
    })
}

test('the name and the address of this machine are those of the transport', async (t) => {
  const server = await mailServer(t, { ...localhost })
  const transport = transportOf(t, new TlsSessionCache(), {
    port: server.port,
    requireTLS: true,
    name: 'client.example',
    localAddress: '127.0.0.1'
  })
  await transport.sendMail(mail)
  assert.equal(server.mails[0]!.hello, 'client.example')
})

for (const [name, options, commands] of [
  ['that offers no STARTTLS', {}, ['STARTTLS']],
  ['where STARTTLS is to be ignored', { ignoreTLS: true }, []]
] as const)
  test(`a server ${name} gets its mail as without us`, async (t) => {
    const server = await mailServer(t, { ...localhost, disabledCommands: [...commands] })
    const transport = transportOf(t, new TlsSessionCache(), { port: server.port, ...options })
    await transport.sendMail(mail)
    assert.equal(server.mails[0]!.resumed, null)
    assert.match(server.mails[0]!.body, /Subject: hello/)
  })

test('a server that refuses STARTTLS is spoken to in plain text where that is wished, and no password is sent', async (t) => {
  const server = await scriptedServer(t, (socket) => socket.write('220 hello\r\n'), {
    EHLO: '250-hello\r\n250-AUTH PLAIN\r\n250 STARTTLS\r\n',
    STARTTLS: '454 not now\r\n',
    MAIL: '250 yes\r\n',
    RCPT: '250 yes\r\n',
    DATA: '354 go on\r\n',
    '.': '250 taken\r\n'
  })
  const transport = transportOf(t, new TlsSessionCache(), {
    port: server.port,
    opportunisticTLS: true,
    auth: { user: 'mailer', pass: 'right' }
  })
  await transport.sendMail(mail)
  assert.ok(!server.lines.some((line) => line.startsWith('AUTH')))
})

const hello = (socket: Socket) => void socket.write('220 hello\r\n')
const required = { requireTLS: true, auth: { user: 'mailer', pass: 'right' } }

interface Misbehaviour {
  readonly name: string
  readonly greet: (socket: Socket) => void
  readonly answers?: Readonly<Record<string, string | ((socket: Socket) => void)>>
  readonly options?: SMTPTransport.Options
  readonly code: string
  /** Whether nodemailer's own error is the same. */
  readonly same: boolean
}

const misbehaviours: Misbehaviour[] = [
  {
    name: 'does not offer STARTTLS, and refuses it',
    greet: hello,
    answers: { EHLO: '250-hello\r\n250 AUTH PLAIN\r\n', STARTTLS: '502 no\r\n' },
    code: 'ETLS',
    same: true
  },
  {
    name: 'offers STARTTLS and refuses it',
    greet: hello,
    answers: { EHLO: '250-hello\r\n250 STARTTLS\r\n', STARTTLS: '454 not now\r\n' },
    options: { requireTLS: false },
    code: 'ETLS',
    same: true
  },
  {
    name: 'knows no EHLO',
    greet: hello,
    answers: { EHLO: '500 what?\r\n' },
    code: 'ECONNECTION',
    same: true
  },
  { name: 'is about to stop', greet: hello, answers: { EHLO: '421 not now\r\n' }, code: 'ECONNECTION', same: true },
  { name: 'greets with 421', greet: (socket) => void socket.write('421 too many of you\r\n'), code: 'EPROTOCOL', same: true },
  { name: 'greets with 554', greet: (socket) => void socket.write('554-no\r\n554 mail\r\n'), code: 'EPROTOCOL', same: true },
  { name: 'speaks something else', greet: (socket) => void socket.write('HTTP/1.1 400 Bad Request\r\n'), code: 'EPROTOCOL', same: true },
  { name: 'never greets', greet: () => undefined, options: { greetingTimeout: 50 }, code: 'ETIMEDOUT', same: true },
  {
    name: 'never answers EHLO',
    greet: hello,
    options: { socketTimeout: 50 },
    code: 'ETIMEDOUT',
    same: true
  },
  {
    name: 'answers as slowly as it can',
    greet: hello,
    answers: {
      EHLO: (socket) => {
        const timer = setInterval(() => socket.write('2'), 5)
        socket.on('close', () => clearInterval(timer))
      }
    },
    options: { connectionTimeout: 100 },
    code: 'ETIMEDOUT',
    same: false
  },
  {
    name: 'goes silent in the handshake',
    greet: hello,
    answers: { EHLO: '250 STARTTLS\r\n', STARTTLS: '220 go\r\n' },
    options: { greetingTimeout: 100 },
    code: 'ETIMEDOUT',
    same: true
  },
  {
    name: 'never answers a handshake',
    greet: () => undefined,
    options: { secure: true, connectionTimeout: 100 },
    code: 'ETIMEDOUT',
    same: true
  },
  {
    name: 'speaks SMTP where TLS is expected',
    greet: hello,
    options: { secure: true },
    code: 'ESOCKET',
    same: true
  },
  {
    name: 'closes in the handshake',
    greet: hello,
    answers: { EHLO: '250 STARTTLS\r\n', STARTTLS: (socket) => void socket.end('220 go\r\n') },
    code: 'ESOCKET',
    same: true
  },
  {
    name: 'closes without a word',
    greet: (socket) => void socket.end(),
    code: 'ECONNECTION',
    same: true
  },
  {
    name: 'says why it closes, without ending the line',
    greet: (socket) => void socket.end('554 no mail'),
    code: 'ECONNECTION',
    same: true
  },
  {
    name: 'says after EHLO why it closes, without ending the line',
    greet: hello,
    answers: { EHLO: (socket) => void socket.end('421-not\r\n421 now') },
    code: 'ECONNECTION',
    same: true
  },
  {
    name: 'knows no LHLO',
    greet: hello,
    answers: { LHLO: '500 what?\r\n' },
    options: { lmtp: true },
    code: 'EPROTOCOL',
    same: true
  },
  {
    name: 'closes instead of answering EHLO',
    greet: hello,
    answers: { EHLO: (socket) => void socket.end() },
    code: 'ECONNECTION',
    same: true
  },
  {
    name: 'sends bytes in clear behind its reply to STARTTLS',
    greet: hello,
    answers: { EHLO: '250-hello\r\n250 STARTTLS\r\n', STARTTLS: '220 go\r\n250-hello\r\n250 AUTH PLAIN\r\n' },
    code: 'EPROTOCOL',
    same: false
  },
  {
    name: 'sends the beginning of a line in clear behind its reply to STARTTLS',
    greet: hello,
    answers: { EHLO: '250-hello\r\n250 STARTTLS\r\n', STARTTLS: '220 go\r\n250-injected' },
    code: 'EPROTOCOL',
    same: false
  },
  {
    name: 'goes on in clear instead of the handshake',
    greet: hello,
    answers: {
      EHLO: '250-hello\r\n250 STARTTLS\r\n',
      STARTTLS: (socket) => {
        socket.write('220 go\r\n')
        socket.once('data', () => socket.write('250-hello\r\n250 AUTH PLAIN\r\n'))
      }
    },
    code: 'ESOCKET',
    same: true
  },
  {
    name: 'sends its replies before the commands',
    greet: (socket) => void socket.write('220 hello\r\n250 STARTTLS\r\n220 go\r\n'),
    code: 'EPROTOCOL',
    same: false
  },
  {
    name: 'greets without end',
    greet: (socket) => {
      const more = () => {
        while (!socket.destroyed && socket.write('220-and another thing\r\n'));
      }
      socket.on('drain', more)
      more()
    },
    code: 'EPROTOCOL',
    same: true
  },
  {
    name: 'never ends its line',
    greet: (socket) => {
      const more = () => {
        while (!socket.destroyed && socket.write('2'.repeat(1000)));
      }
      socket.on('drain', more)
      more()
    },
    code: 'EPROTOCOL',
    same: true
  }
]

for (const { answers, code, greet, name, options, same } of misbehaviours)
  test(`a server that ${name} gets no mail and no password, and the connection is closed`, async (t) => {
    const server = await scriptedServer(t, greet, answers)
    const all = { ...required, port: server.port, ...options }
    const error = await refusal(t, all)
    assert.equal(error.code, code)
    await server.idle()
    const expected = ['EHLO', 'LHLO', 'STARTTLS', 'QUIT']
    assert.deepEqual(
      server.lines.map((line) => line.split(' ')[0]!).filter((command) => /^[A-Z]{4}/.test(command) && !expected.includes(command)),
      []
    )
    if (same) assert.deepEqual(shape(error), shape(await ownRefusal(all)))
  })

test('a reply that comes byte by byte, after an empty line, is one reply', async (t) => {
  const slow = await scriptedServer(
    t,
    (socket) => {
      socket.setNoDelay(true)
      const bytes = [...'\r\n220-good\r\n220 day\r\n']
      const next = () => {
        const byte = bytes.shift()
        if (byte !== undefined) socket.write(byte, () => setImmediate(next))
      }
      next()
    },
    { EHLO: '250 hello\r\n', MAIL: '250 yes\r\n', RCPT: '250 yes\r\n', DATA: '354 go on\r\n', '.': '250 taken\r\n' }
  )
  await transportOf(t, new TlsSessionCache(), { port: slow.port }).sendMail(mail)
  assert.ok(slow.lines.includes('Subject: hello'))
})

for (const { name, secure } of ways) {
  test(`${name}: a port on which nobody listens is named as nodemailer names it`, async (t) => {
    const server = await scriptedServer(t, hello)
    await server.stop()
    const options = { host: '127.0.0.1', port: server.port, secure, requireTLS: true }
    const error = await refusal(t, options)
    assert.deepEqual(shape(error), shape(await ownRefusal(options)))
    assert.equal(error.originalCode, 'ECONNREFUSED')
  })

  test(`${name}: a host that does not exist is EDNS`, async (t) => {
    const error = await refusal(t, { host: 'no-such-host.invalid', port: 25, secure, requireTLS: true })
    assert.equal(error.code, 'EDNS')
    assert.equal(error.command, 'CONN')
  })
}

test('a pool sends the next mail after a connection that failed', async (t) => {
  let count = 0
  const server = await scriptedServer(t, (socket) => void socket.write(count++ === 0 ? '421 not now\r\n' : '220 hello\r\n'), {
    EHLO: '250 hello\r\n',
    MAIL: '250 yes\r\n',
    RCPT: '250 yes\r\n',
    DATA: '354 go on\r\n',
    '.': '250 taken\r\n'
  })
  const pooled: SMTPPool.Options = { pool: true, host: 'localhost', port: server.port, getSocket: smtpSocket(new TlsSessionCache()) }
  const transport = createTransport(pooled)
  t.after(() => transport.close())
  await assert.rejects(transport.sendMail(mail), { code: 'EPROTOCOL', responseCode: 421 })
  await transport.sendMail(mail)
  assert.ok(server.lines.includes('Subject: hello'))
})

test('a send that is given up destroys the connection that comes too late', async (t) => {
  const server = await scriptedServer(t, () => undefined)
  const transport = transportOf(t, new TlsSessionCache(), { port: server.port, requireTLS: true, greetingTimeout: 100 })
  const given = new AbortController()
  const sent = transport.sendMail({ ...mail, signal: given.signal })
  given.abort()
  await assert.rejects(sent, { code: 'EABORT' })
  await server.idle()
})

const stages: readonly {
  readonly name: string
  readonly greet: (socket: Socket, abort: () => void) => void
  readonly answers?: (abort: () => void) => Readonly<Record<string, string | ((socket: Socket) => void)>>
  readonly secure?: boolean
}[] = [
  { name: 'the greeting', greet: (_socket, abort) => abort() },
  { name: 'the reply to EHLO', greet: hello, answers: (abort) => ({ EHLO: abort }) },
  {
    name: 'the handshake after STARTTLS',
    greet: hello,
    answers: (abort) => ({
      EHLO: '250 STARTTLS\r\n',
      STARTTLS: (socket) => {
        socket.write('220 go\r\n')
        socket.once('data', abort)
      }
    })
  },
  { name: 'the first handshake', secure: true, greet: (socket, abort) => void socket.once('data', abort) }
]

for (const { answers, greet, name, secure = false } of stages)
  test(`a signal ends a connection that waits for ${name}, and lets none be made after it`, async (t) => {
    const ending = new AbortController()
    const abort = () => ending.abort()
    const server = await scriptedServer(t, (socket) => greet(socket, abort), answers?.(abort))
    const getSocket = smtpSocket(new TlsSessionCache(), { signal: ending.signal })
    const transport = createTransport({ host: 'localhost', port: server.port, secure, requireTLS: true, getSocket, ...fast })
    await assert.rejects(transport.sendMail(mail), { code: 'EABORT', command: 'CONN' })
    await server.idle()
    const before = server.lines.length
    await assert.rejects(transport.sendMail(mail), { code: 'EABORT' })
    assert.equal(server.lines.length, before)
  })

test('a signal has no effect on a connection that is there', async (t) => {
  const server = await mailServer(t, { ...localhost })
  const ending = new AbortController()
  const pooled: SMTPPool.Options = {
    pool: true,
    maxConnections: 1,
    host: 'localhost',
    port: server.port,
    requireTLS: true,
    tls: { ca: authority.cert },
    getSocket: smtpSocket(new TlsSessionCache(), { signal: ending.signal })
  }
  const transport = createTransport(pooled)
  t.after(() => transport.close())
  await transport.sendMail(mail)
  ending.abort()
  await transport.sendMail(mail)
  assert.equal(server.mails.length, 2)
})
