import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTransport } from 'nodemailer'
import type SMTPTransport from 'nodemailer/lib/smtp-transport/index.js'
import { smtpSocket } from './adapters/smtp-socket.ts'
import { TlsSessionCache } from './session-cache.ts'
import { makeAuthority, makeCertificate } from './testing/certificates.ts'
import { startPostfix, withoutPostfix as skip, type Postfix, type PostfixHandshake } from './testing/postfix.ts'

const authority = await makeAuthority()
const localhost = await makeCertificate(authority, ['localhost'])
const rsaAuthority = await makeAuthority('another for tests', { kind: 'rsa' })
const rsaLocalhost = await makeCertificate(rsaAuthority, ['localhost'], { kind: 'rsa' })

const mail = { from: 'us@example.com', to: 'you@example.com', subject: 'hello', text: 'hello' }

interface Sending {
  readonly cache: TlsSessionCache
  readonly secure: boolean
  readonly count: number
  readonly version?: 'TLSv1.2' | 'TLSv1.3'
  readonly ca?: string
}

/** One mail after the other, each on a connection of its own. */
async function send({ ports }: Pick<Postfix, 'ports'>, { ca = authority.cert, cache, count, secure, version }: Sending): Promise<void> {
  const transport = createTransport({
    host: 'localhost',
    port: secure ? ports.implicit : ports.startTls,
    secure,
    requireTLS: true,
    tls: { ca, ...(version && { minVersion: version, maxVersion: version }) },
    getSocket: smtpSocket(cache)
  } as SMTPTransport.Options)
  for (let i = 0; i < count; i++) await transport.sendMail(mail)
  transport.close()
}

interface Case {
  readonly name: string
  readonly version: 'TLSv1.2' | 'TLSv1.3'
  readonly settings?: readonly string[]
  readonly singleUse?: boolean
  readonly resumed: readonly PostfixHandshake['resumed'][]
}

const cases: readonly Case[] = [
  {
    name: 'TLS 1.2 with session ids',
    version: 'TLSv1.2',
    settings: ['tls_ssl_options = NO_TICKET'],
    resumed: ['no', 'by id', 'by id', 'by id']
  },
  { name: 'TLS 1.2 with tickets', version: 'TLSv1.2', resumed: ['no', 'by ticket', 'by ticket', 'by ticket'] },
  // Postfix sends one ticket with a full handshake, and none with one that is resumed.
  { name: 'TLS 1.3, each ticket used once', version: 'TLSv1.3', resumed: ['no', 'by ticket', 'no', 'by ticket'] },
  {
    name: 'TLS 1.3, the last ticket used again',
    version: 'TLSv1.3',
    singleUse: false,
    resumed: ['no', 'by ticket', 'by ticket', 'by ticket']
  }
]

for (const { name, resumed, settings = [], singleUse = true, version } of cases)
  test(`Postfix says which mails came over resumed connections: ${name}, STARTTLS and TLS from the first byte`, { skip }, async (t) => {
    const postfix = await startPostfix(t, localhost, { settings })
    for (const secure of [false, true]) {
      const cache = new TlsSessionCache({ singleUse })
      await send(postfix, { cache, secure, version, count: resumed.length })
      assert.equal(cache.stats.resumed, resumed.filter((how) => how !== 'no').length)
    }
    const said = await postfix.handshakes(2 * resumed.length)
    assert.deepEqual(
      said,
      [...resumed, ...resumed].map((how) => ({ protocol: version, resumed: how }))
    )
  })

test('Postfix with RSA certificates, in the versions that both choose', { skip }, async (t) => {
  const postfix = await startPostfix(t, rsaLocalhost)
  const cache = new TlsSessionCache({ singleUse: false })
  for (const secure of [false, true]) await send(postfix, { cache, secure, ca: rsaAuthority.cert, count: 2 })
  const how = (await postfix.handshakes(4)).map((handshake) => handshake.resumed)
  assert.deepEqual(how, ['no', 'by ticket', 'no', 'by ticket'])
  assert.equal(cache.stats.peers, 2)
})

test('a Postfix that was restarted has forgotten; the next mail goes with a full handshake, and then they resume', { skip }, async (t) => {
  const first = await startPostfix(t, localhost)
  const sending = { cache: new TlsSessionCache({ singleUse: false }), secure: false }
  await send(first, { ...sending, count: 2 })
  await first.stop()
  const second = await startPostfix(t, localhost, { ports: first.ports })
  await send(second, { ...sending, count: 2 })
  const how = (await second.handshakes(2)).map((handshake) => handshake.resumed)
  assert.deepEqual(how, ['no', 'by ticket'])
  assert.deepEqual(sending.cache.stats, { ...sending.cache.stats, resumed: 2, refused: 1 })
})
