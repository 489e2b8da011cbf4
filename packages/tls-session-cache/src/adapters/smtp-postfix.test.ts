import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTransport } from 'nodemailer'
import { TlsSessionCache } from '../session-cache.ts'
import { makeAuthority, makeCertificate } from '../testing/certificates.ts'
import { startPostfix, withoutPostfix as skip } from '../testing/postfix.ts'
import { smtpSocket } from './smtp-socket.ts'

const authority = await makeAuthority()
const localhost = await makeCertificate(authority, ['localhost'])
const mail = { from: 'us@example.com', to: 'you@example.com', subject: 'hello', text: 'hello' }

// Postfix gives one ticket in a full handshake, and none when it resumes.
const cases = [
  { maxVersion: 'TLSv1.2', singleUse: true, resumed: 3 },
  { maxVersion: 'TLSv1.3', singleUse: true, resumed: 2 },
  { maxVersion: 'TLSv1.3', singleUse: false, resumed: 3 }
] as const

test('Postfix resumes with STARTTLS and without, as often as it has given tickets', { skip }, async (t) => {
  const server = await startPostfix(t, localhost)
  let [all, resumed] = [0, 0]
  for (const secure of [false, true])
    for (const { maxVersion, singleUse, ...expected } of cases) {
      const cache = new TlsSessionCache({ singleUse })
      const transport = createTransport({
        host: 'localhost',
        port: secure ? server.ports.implicit : server.ports.startTls,
        secure,
        requireTLS: true,
        tls: { ca: authority.cert, maxVersion },
        getSocket: smtpSocket(cache)
      })
      for (let count = 0; count < 4; count++) await transport.sendMail(mail)
      assert.equal(cache.stats.resumed, expected.resumed, `${maxVersion}, singleUse ${singleUse}`)
      all += 4
      resumed += expected.resumed
    }
  assert.deepEqual(await server.stop(), { encrypted: all, resumed })
})
