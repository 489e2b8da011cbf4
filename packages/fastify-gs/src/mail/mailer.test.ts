import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import type { TLSSocket } from 'node:tls'
import fc from 'fast-check'
import { checkEmail } from '../accounts/identifiers.ts'
import type { Mail, Mailer } from '../options.ts'
import { trustCertificate } from '../testing/certificate.ts'
import { closedPort, politeAnswers, smtpError, startLineServer, startSmtpSink } from '../testing/smtp-sink.ts'
import { createSmtpMailer, type SmtpSettings } from './mailer.ts'

const mail: Mail = {
  to: 'Alice.O+x@mail.test',
  subject: 'Confirm your address for Tést',
  text: 'Hello <b>,\n\nhttps://site.test/confirm?token=abc',
  html: '<p>Hello &lt;b&gt;,</p><p><a href="https://site.test/confirm?token=abc">Confirm</a></p>',
  messageId: 'id-1@site.test'
}

const mailer = (t: TestContext, url: string, settings: Partial<SmtpSettings> = {}): Mailer => {
  const made = createSmtpMailer({
    url: new URL(url),
    from: { name: 'Tést, site', address: 'noreply@site.test' },
    allowInsecure: false,
    ...settings
  })
  t.after(() => made.close())
  return made
}

/** An address of this machine that the mailer cannot know to be one: it has to treat it like any other host. */
const elsewhere = '0.0.0.0'

describe('createSmtpMailer', () => {
  it('sends one mail with the fixed sender, both parts and the headers of an automatic mail', async (t) => {
    const sink = await startSmtpSink(t)
    await mailer(t, `smtp://127.0.0.1:${sink.port}`).send(mail)
    const { from, to, raw, parsed } = await sink.next()
    assert.equal(from, 'noreply@site.test')
    assert.deepEqual(to, [mail.to])
    assert.deepEqual(parsed.from, { name: 'Tést, site', address: 'noreply@site.test' })
    assert.deepEqual(parsed.to, [{ name: '', address: mail.to }])
    assert.equal(parsed.subject, mail.subject)
    assert.equal(parsed.text?.trimEnd(), mail.text)
    assert.equal(parsed.html?.trimEnd(), mail.html)
    assert.equal(parsed.messageId, '<id-1@site.test>')
    assert.ok(Math.abs(Date.now() - Date.parse(parsed.date!)) < 60_000)
    assert.deepEqual([...new Set(parsed.headers.map(({ key }) => key))].sort(), [
      'auto-submitted',
      'content-type',
      'date',
      'from',
      'message-id',
      'mime-version',
      'subject',
      'to'
    ])
    assert.equal(parsed.headers.find(({ key }) => key === 'auto-submitted')?.value, 'auto-generated')
    assert.match(raw, /^Content-Type: multipart\/alternative;/m)
    for (const line of raw.split('\r\n')) assert.ok(line.length <= 998)
  })

  it('names the language of the mail beside the other headers', async (t) => {
    const sink = await startSmtpSink(t)
    await mailer(t, `smtp://127.0.0.1:${sink.port}`).send({ ...mail, language: 'pt-BR' })
    const { parsed } = await sink.next()
    const header = (name: string) => parsed.headers.find(({ key }) => key === name)?.value
    assert.deepEqual([header('content-language'), header('auto-submitted')], ['pt-BR', 'auto-generated'])
  })

  it('names one recipient, byte for byte the given address, in envelope and header', async (t) => {
    const server = await startLineServer(t, { greet: (socket) => void socket.write('220 hello\r\n'), answer: politeAnswers() })
    const made = mailer(t, `smtp://127.0.0.1:${server.port}`)
    const sends = async (to: string) => {
      const before = server.lines.length
      await made.send({ ...mail, to })
      const lines = server.lines.slice(before)
      assert.deepEqual(
        lines.filter((line) => /^(MAIL|RCPT)/i.test(line)).map((line) => line.replace(/> .*/, '>')),
        ['MAIL FROM:<noreply@site.test>', `RCPT TO:<${to}>`]
      )
      const headers = lines.slice(lines.indexOf('DATA') + 1, lines.indexOf('', lines.indexOf('DATA')))
      const unfolded = headers
        .join('\n')
        .replace(/\n(?=[ \t])/g, '')
        .split('\n')
      assert.deepEqual(
        unfolded.filter((line) => /^(to|cc|bcc):/i.test(line)),
        [`To: ${to}`]
      )
    }
    for (const to of [
      "!#$%&'*+/=?^_`{|}~-@mail.test",
      'UPPER.case@mail.test',
      `${'l'.repeat(64)}@${'d'.repeat(60)}.${'d'.repeat(60)}.test`,
      checkEmail('user@bücher.example').value
    ])
      await sends(to)

    const atom = fc.string({ unit: fc.constantFrom(..."abyz09AZ!#$%&'*+/=?^_`{|}~-"), minLength: 1, maxLength: 20 })
    const local = fc.array(atom, { minLength: 1, maxLength: 3 }).map((atoms) => atoms.join('.'))
    await fc.assert(
      fc.asyncProperty(local, fc.domain(), async (name, domain) => sends(checkEmail(`${name}@${domain}`).value)),
      { numRuns: 60 }
    )
  })

  it('sends nothing to what could be read as two addresses, or as another one', async (t) => {
    const server = await startLineServer(t, { greet: (socket) => void socket.write('220 hello\r\n'), answer: politeAnswers() })
    const made = mailer(t, `smtp://127.0.0.1:${server.port}`)
    for (const to of [
      'v@x.test,a@evil.test',
      'v@x.test;a@evil.test',
      'v@x.test a@evil.test',
      '"a@evil.test x"@x.test',
      'v@x.test<a@evil.test>',
      'v@x.test(a@evil.test)',
      'g:v@x.test,a@evil.test;',
      'v@x.test\0@evil.test',
      'v@x.test\r\nBcc: a@evil.test',
      'v@x.test>\r\nRCPT TO:<a@evil.test',
      'v@bücher.test',
      '@x.test',
      'v',
      ''
    ])
      await assert.rejects(made.send({ ...mail, to }), { permanent: true }, to)
    assert.deepEqual(server.lines, [])
  })

  it('makes nobody a recipient by what stands in subject or sender name', async (t) => {
    const sink = await startSmtpSink(t)
    const made = mailer(t, `smtp://127.0.0.1:${sink.port}`, { from: { name: 'a@evil.test, b', address: 'noreply@site.test' } })
    await made.send({ ...mail, subject: 'x\r\nBcc: v@evil.test\r\n\r\nbody' })
    const { to, from, parsed } = await sink.next()
    assert.deepEqual([to, from], [[mail.to], 'noreply@site.test'])
    assert.deepEqual(parsed.from, { name: 'a@evil.test, b', address: 'noreply@site.test' })
    assert.equal(parsed.bcc, undefined)
    assert.equal(parsed.text?.trimEnd(), mail.text)
  })

  it('never reads a file or an address that a text names', async (t) => {
    const sink = await startSmtpSink(t)
    const hostile = { path: '/etc/passwd' } as unknown as string
    await assert.rejects(mailer(t, `smtp://127.0.0.1:${sink.port}`).send({ ...mail, text: hostile }), { permanent: false })
    assert.equal(sink.mails.length, 0)
  })

  it('sends many mails over few connections', async (t) => {
    let connections = 0
    const sink = await startSmtpSink(t, {
      onConnect(_session, done) {
        connections++
        done()
      }
    })
    const made = mailer(t, `smtp://127.0.0.1:${sink.port}`)
    await Promise.all(Array.from({ length: 20 }, (_, index) => made.send({ ...mail, messageId: `${index}@site.test` })))
    assert.equal(sink.mails.length, 20)
    assert.deepEqual(
      new Set(sink.mails.map(({ parsed }) => parsed.messageId)),
      new Set(Array.from({ length: 20 }, (_, index) => `<${index}@site.test>`))
    )
    assert.ok(connections <= 2, `${connections} connections`)
  })

  it('logs in with user and password of the address, decoded', async (t) => {
    const sink = await startSmtpSink(t, {
      authOptional: false,
      allowInsecureAuth: true,
      onAuth: ({ username, password }, _session, done) =>
        username === 'us@er' && password === 'p/a:ss' ? done(null, { user: username }) : done(smtpError(535))
    })
    await mailer(t, `smtp://us%40er:p%2Fa%3Ass@127.0.0.1:${sink.port}`).send(mail)
    assert.equal((await sink.next()).user, 'us@er')
  })
})

describe('what a refusal means', () => {
  const table: readonly [
    name: string,
    permanent: boolean,
    options: (code: number) => Parameters<typeof startSmtpSink>[1],
    codes: number[]
  ][] = [
    ['of the recipient, for good', true, (code) => ({ onRcptTo: (_address, _session, done) => done(smtpError(code)) }), [550, 551, 553]],
    ['of the recipient, for now', false, (code) => ({ onRcptTo: (_address, _session, done) => done(smtpError(code)) }), [421, 450, 452]],
    ['of the mail, for good', true, (code) => ({ accept: () => Promise.reject(smtpError(code)) }), [550, 552, 554]],
    ['of the mail, for now', false, (code) => ({ accept: () => Promise.reject(smtpError(code)) }), [421, 451]],
    ['of the connection', false, (code) => ({ onConnect: (_session, done) => done(smtpError(code)) }), [421, 554]],
    ['of the login', false, (code) => ({ allowInsecureAuth: true, onAuth: (_auth, _session, done) => done(smtpError(code)) }), [454, 535]]
  ]
  for (const [name, permanent, options, codes] of table) {
    for (const code of codes) {
      it(`${code} ${name}: ${permanent ? 'is not to be tried again' : 'may be tried again'}`, async (t) => {
        const sink = await startSmtpSink(t, options(code))
        const user = name === 'of the login' ? 'user:pass@' : ''
        await assert.rejects(mailer(t, `smtp://${user}127.0.0.1:${sink.port}`).send(mail), { permanent })
        assert.equal(sink.mails.length, 0)
      })
    }
  }

  it('a closed port and a name that does not exist: may be tried again', async (t) => {
    await assert.rejects(mailer(t, `smtp://127.0.0.1:${await closedPort()}`).send(mail), { permanent: false })
    await assert.rejects(mailer(t, 'smtp://no-such-host.invalid:25').send(mail), { permanent: false })
  })
})

describe('a server that misbehaves', () => {
  const permanent = false

  it('and accepts without greeting is left after ten seconds', { timeout: 5_000 }, async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const server = await startLineServer(t, {})
    const refused = assert.rejects(mailer(t, `smtp://127.0.0.1:${server.port}`).send(mail), { permanent, code: 'ETIMEDOUT' })
    await server.nextConnection()
    t.mock.timers.tick(10_000)
    await refused
  })

  it('and says one byte now and then is left after a minute altogether', { timeout: 5_000 }, async (t) => {
    const minute = new AbortController()
    t.mock.method(AbortSignal, 'timeout', (delay: number) => {
      assert.equal(delay, 60_000)
      return minute.signal
    })
    const mailEnded = Promise.withResolvers<void>()
    const server = await startLineServer(t, {
      greet: (socket) => void socket.write('220 hello\r\n'),
      answer: politeAnswers((socket) => {
        socket.write('25')
        mailEnded.resolve()
        return undefined
      })
    })
    const refused = assert.rejects(mailer(t, `smtp://127.0.0.1:${server.port}`).send(mail), { permanent, code: 'EABORT' })
    await mailEnded.promise
    minute.abort()
    await refused
  })

  it('and accepts without greeting is left at once when the mailer is closed', { timeout: 5_000 }, async (t) => {
    const server = await startLineServer(t, {})
    const made = mailer(t, `smtp://${elsewhere}:${server.port}`)
    const refused = assert.rejects(made.send(mail), { permanent, code: 'EABORT' })
    const connection = await server.nextConnection()
    const left = once(connection, 'close')
    await made.close()
    await Promise.all([refused, left])
  })

  const greetings: readonly [string, (socket: Socket) => void][] = [
    ['resets each connection', (socket) => void socket.resetAndDestroy()],
    ['speaks another language', (socket) => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')],
    ['never ends its greeting', (socket) => void socket.write('220-a\r\n'.repeat(200_000))],
    ['never ends its first line', (socket) => void socket.write('2'.repeat(2_000_000))]
  ]
  for (const [name, greet] of greetings) {
    it(`and ${name}: the mail may be tried again`, async (t) => {
      const server = await startLineServer(t, { greet })
      await assert.rejects(mailer(t, `smtp://127.0.0.1:${server.port}`).send(mail), { permanent })
    })
  }

  it('and resets the connection after the final dot: the mail may be tried again, with the same Message-ID', async (t) => {
    const server = await startLineServer(t, {
      greet: (socket) => void socket.write('220 hello\r\n'),
      answer: politeAnswers((socket, count) => (count === 0 ? void socket.resetAndDestroy() : '250 taken'))
    })
    const made = mailer(t, `smtp://127.0.0.1:${server.port}`)
    await assert.rejects(made.send(mail), { permanent })
    await made.send(mail)
    assert.deepEqual(
      server.lines.filter((line) => /^message-id:/i.test(line)),
      Array(2).fill('Message-ID: <id-1@site.test>')
    )
  })
})

describe('encryption', () => {
  const secret = 'smtp-password'
  const server = {
    disabledCommands: [],
    onAuth: (auth, _session, done) => done(null, { user: auth.username ?? '' })
  } satisfies Parameters<typeof startSmtpSink>[1]

  it('is not asked for on this machine', async (t) => {
    const sink = await startSmtpSink(t, server)
    for (const host of ['127.0.0.1', 'localhost']) {
      await mailer(t, `smtp://${host}:${sink.port}`).send(mail)
      assert.equal((await sink.next()).secure, false)
    }
  })

  it('carries login and mail to another host, by STARTTLS or from the start', async (t) => {
    trustCertificate(t)
    const starttls = await startSmtpSink(t, server)
    const tls = await startSmtpSink(t, { ...server, secure: true })
    for (const [protocol, sink] of [
      ['smtp', starttls],
      ['smtps', tls]
    ] as const) {
      await mailer(t, `${protocol}://u:${secret}@${elsewhere}:${sink.port}`).send(mail)
      const { secure, user, to } = await sink.next()
      assert.deepEqual([secure, user, to], [true, 'u', [mail.to]])
    }
  })

  for (const protocol of ['smtp', 'smtps'])
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const)
      it(`is resumed on each new connection after the first (${protocol}, ${version})`, async (t) => {
        trustCertificate(t)
        const sink = await startSmtpSink(t, { ...server, secure: protocol === 'smtps', minVersion: version, maxVersion: version })
        const made = mailer(t, `${protocol}://u:${secret}@${elsewhere}:${sink.port}`)
        const resumed: (boolean | null)[] = []
        for (let count = 0; count < 4; count++) {
          await made.send({ ...mail, messageId: `id-${count}@site.test` })
          resumed.push((await sink.next()).resumed)
          await sink.cut()
        }
        assert.deepEqual(resumed, [false, true, true, true])
      })

  it('is not resumed again after a server that took the session and closed the connection', async (t) => {
    trustCertificate(t)
    const connections: { readonly socket: TLSSocket; readonly resumed: boolean }[] = []
    const sink = await startSmtpSink(t, {
      ...server,
      secure: true,
      onSecure(given, _session, done) {
        const socket = given as TLSSocket
        const resumed = socket.isSessionReused()
        connections.push({ socket, resumed })
        if (resumed) socket.end('421 not you\r\n')
        else done()
      }
    })
    const made = mailer(t, `smtps://u:${secret}@${elsewhere}:${sink.port}`)
    await made.send(mail)
    await once(connections[0]!.socket.end(), 'close')
    await assert.rejects(made.send(mail), { permanent: false })
    await made.send(mail)
    assert.deepEqual(
      connections.map(({ resumed }) => resumed),
      [false, true, false]
    )
  })

  it('is not resumed by another mailer', async (t) => {
    trustCertificate(t)
    const sink = await startSmtpSink(t, { ...server, secure: true })
    for (let count = 0; count < 2; count++) {
      await mailer(t, `smtps://u:${secret}@${elsewhere}:${sink.port}`).send(mail)
      assert.equal((await sink.next()).resumed, false)
    }
  })

  it('is required on another host: when STARTTLS was taken away nothing is sent, no login and no mail', async (t) => {
    const stripped = await startLineServer(t, {
      greet: (socket) => void socket.write('220 hello\r\n'),
      answer: (line) => (line.startsWith('EHLO') ? '250-hello\r\n250 AUTH PLAIN LOGIN' : line === 'STARTTLS' ? '502 unknown' : '250 yes')
    })
    await assert.rejects(mailer(t, `smtp://user:${secret}@${elsewhere}:${stripped.port}`).send(mail), { permanent: false })
    assert.deepEqual(
      stripped.lines.map((line) => line.split(' ')[0]),
      ['EHLO', 'STARTTLS']
    )
  })

  it('needs a certificate that somebody vouches for, and for the right host', async (t) => {
    const starttls = await startSmtpSink(t, server)
    const tls = await startSmtpSink(t, { ...server, secure: true })
    const refused = async (url: string) => assert.rejects(mailer(t, url).send(mail), { permanent: false }, url)
    await refused(`smtp://u:${secret}@${elsewhere}:${starttls.port}`)
    await refused(`smtps://u:${secret}@${elsewhere}:${tls.port}`)
    trustCertificate(t)
    await refused(`smtps://u:${secret}@127.0.0.1:${tls.port}`)
    assert.deepEqual([starttls.mails, tls.mails], [[], []])
  })

  it('is left out on another host when the operator says so', async (t) => {
    const sink = await startSmtpSink(t)
    await mailer(t, `smtp://${elsewhere}:${sink.port}`, { allowInsecure: true }).send(mail)
    assert.equal((await sink.next()).secure, false)
  })
})
