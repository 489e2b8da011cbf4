import assert from 'node:assert/strict'
import { X509Certificate, randomBytes } from 'node:crypto'
import { test } from 'node:test'
import tls from 'node:tls'
import fc from 'fast-check'
import { lifeOf } from './lifetime.ts'
import { formatOfNode } from './saved/session-format.ts'
import { TlsSessionCache } from './session-cache.ts'
import { longestSession, sessionFacts, unwrapSession } from './session-facts.ts'
import { makeAuthority, makeCertificate } from './testing/certificates.ts'
import { outcomeOf } from './testing/handshake.ts'
import { tlsServer } from './testing/tls-server.ts'

const authority = await makeAuthority()
const localhost = await makeCertificate(authority, ['localhost'])

/** DER: a tag with its contents. */
function der(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents)
  const length =
    content.length < 0x80
      ? [content.length]
      : content.length < 0x100
        ? [0x81, content.length]
        : [0x82, content.length >> 8, content.length & 255]
  return Buffer.concat([Buffer.from([tag, ...length]), content])
}

/** INTEGER, one byte more than needed where the first would be a sign. */
const number = (value: number) => {
  const hex = value.toString(16)
  const bytes = Buffer.from(hex.length % 2 ? `0${hex}` : hex, 'hex')
  return der(2, bytes[0]! >= 0x80 ? Buffer.concat([Buffer.alloc(1), bytes]) : bytes)
}
const octets = (length: number) => der(4, Buffer.alloc(length, 7))

interface Parts {
  readonly version?: number
  readonly id?: number
  readonly tagged?: Readonly<Record<number, Buffer>>
}

/** A session as OpenSSL writes it. */
const made = ({ id = 32, tagged = {}, version = 0x303 }: Parts = {}) =>
  der(
    0x30,
    number(1),
    number(version),
    octets(2),
    octets(id),
    octets(48),
    ...Object.entries(tagged).map(([tag, content]) => der(0xa0 + Number(tag), content))
  )

for (const version of ['TLSv1.2', 'TLSv1.3'] as const)
  test(`${version}: reads what Node gives`, async (t) => {
    const server = await tlsServer(t, { ...localhost, minVersion: version, maxVersion: version, sessionTimeout: 1234 })
    const { sessions } = await outcomeOf(tls.connect({ port: server.port, host: '127.0.0.1', servername: 'localhost', ca: authority.cert }))
    const facts = sessionFacts(sessions[0]!)!
    const { certificate, certificateUntil, hint, protocol, resumable, verifyResult } = facts
    assert.deepEqual({ hint, protocol, resumable, verifyResult }, { hint: 1234, protocol: version, resumable: true, verifyResult: 0 })
    const leaf = new X509Certificate(localhost.cert)
    assert.deepEqual(certificate, leaf.raw)
    assert.equal(certificateUntil, leaf.validToDate.getTime())
    assert.equal(unwrapSession(sessions[0]!)?.name, formatOfNode(process.versions.node) === 'named' ? 'localhost' : null)
    assert.deepEqual({ ...sessionFacts(unwrapSession(sessions[0]!)!.der) }, { ...facts })
  })

test('reads what other versions of OpenSSL write: tags that are new, and those that are left out', () => {
  assert.partialDeepStrictEqual(sessionFacts(made()), {
    protocol: 'TLSv1.2',
    resumable: true,
    timeout: null,
    hint: null,
    verifyResult: 0,
    certificate: null,
    certificateUntil: null
  })
  const tagged = {
    0: octets(1),
    1: number(1_700_000_000),
    2: number(7200),
    5: number(20),
    9: number(300),
    10: octets(200),
    20: octets(8),
    30: number(1)
  }
  assert.partialDeepStrictEqual(sessionFacts(made({ version: 0x304, tagged })), {
    protocol: 'TLSv1.3',
    resumable: true,
    timeout: 7200,
    hint: 300,
    verifyResult: 20
  })
})

for (const [name, parts, resumable] of [
  ['TLS 1.2 with neither id nor ticket', { id: 0 }, false],
  ['TLS 1.2 with a ticket', { id: 0, tagged: { 10: octets(9) } }, true],
  ['TLS 1.3 without a ticket', { version: 0x304 }, false],
  ['TLS 1.3 with an empty ticket', { version: 0x304, tagged: { 10: octets(0) } }, false]
] as const)
  test(`${name} is ${resumable ? '' : 'not '}resumable`, () => assert.equal(sessionFacts(made(parts))?.resumable, resumable))

for (const [name, bytes] of Object.entries<Buffer>({
  nothing: Buffer.alloc(0),
  'TLS 1.1': made({ version: 0x302 }),
  'a byte after the end': Buffer.concat([made(), Buffer.alloc(1)]),
  'a byte less': made().subarray(0, -1),
  'another form': der(0x31, number(1)),
  'a time that is no number': made({ tagged: { 1: octets(4) } }),
  'a hint that is empty': made({ tagged: { 9: Buffer.alloc(0) } }),
  'a hint that is too long': made({ tagged: { 9: der(2, Buffer.alloc(7, 1)) } }),
  'an indefinite length': Buffer.from([0x30, 0x80, 0, 0]),
  'a long tag': Buffer.concat([Buffer.from([0x30, 3, 0x1f, 0x81, 1])]),
  'more than 8 KiB': made({ tagged: { 10: octets(longestSession) } }),
  'only the beginning of what Node puts before it': Buffer.from('\0nodejs:tls:session:1\0', 'latin1'),
  'a name that is longer than it is': Buffer.from('\0nodejs:tls:session:1\0\xff\xffa', 'latin1')
}))
  test(`${name} is no session`, () => assert.equal(sessionFacts(bytes), null))

test('a certificate that cannot be read ends at no time', () => {
  const { certificate, certificateUntil } = sessionFacts(made({ tagged: { 3: octets(20) } }))!
  assert.deepEqual([certificate?.length, certificateUntil], [22, null])
})

/** Also what is only read when it is asked for. */
const readAll = (bytes: Buffer) => ({ ...sessionFacts(bytes) })

test('whatever it is given, it gives facts or null', () => {
  const good = made({ version: 0x304, tagged: { 1: number(1), 3: new X509Certificate(localhost.cert).raw, 9: number(9), 10: octets(200) } })
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
      readAll(Buffer.from(bytes))
      readAll(Buffer.concat([Buffer.from([0x30, 0x82, bytes.length >> 8, bytes.length & 255]), bytes]))
    })
  )
  for (let at = 0; at < good.length; at++) {
    assert.equal(sessionFacts(good.subarray(0, at)), null)
    for (const change of [0x01, 0x80, 0xff]) {
      const other = Buffer.from(good)
      other[at]! ^= change
      readAll(other)
    }
  }
})

for (const [name, facts, life] of [
  ['TLS 1.2, nothing said', { protocol: 'TLSv1.2', hint: null, timeout: 7200 }, 300],
  ['TLS 1.2, 0', { protocol: 'TLSv1.2', hint: 0, timeout: 7200 }, 300],
  ['TLS 1.2, less than ttl', { protocol: 'TLSv1.2', hint: 20, timeout: 7200 }, 20],
  ['TLS 1.2, more than ttl', { protocol: 'TLSv1.2', hint: 7200, timeout: 7200 }, 300],
  ['TLS 1.3, 0', { protocol: 'TLSv1.3', hint: 0, timeout: 7200 }, 0],
  ['TLS 1.3, 0, which OpenSSL does not write', { protocol: 'TLSv1.3', hint: null, timeout: 7200 }, 0],
  ['TLS 1.3, less than ttl', { protocol: 'TLSv1.3', hint: 20, timeout: 7200 }, 20],
  ['OpenSSL wants less', { protocol: 'TLSv1.3', hint: 100, timeout: 50 }, 50]
] as const)
  test(`${name}: kept for ${life} seconds`, () => assert.equal(lifeOf(facts, 300), life))

test('what is not good is not kept', async (t) => {
  const server = await tlsServer(t, localhost)
  const cache = new TlsSessionCache()
  const socket = cache.connect({ port: server.port, host: '127.0.0.1', servername: 'localhost', ca: authority.cert })
  socket.pause()
  await new Promise((resolve) => void socket.once('secureConnect', resolve))
  const raw = new X509Certificate(localhost.cert).raw
  const parts = { 3: raw, 9: number(100), 10: octets(99) }
  const before = cache.stats.stored
  for (const bad of [
    randomBytes(600),
    made({ version: 0x304, tagged: { ...parts, 5: number(20) } }),
    made({ version: 0x304, tagged: { 3: raw, 10: octets(99) } }),
    made({ version: 0x304, tagged: { 3: raw, 9: number(100) } }),
    made({ version: 0x304, tagged: { 9: number(100), 10: octets(99) } }),
    made({ version: 0x304, tagged: { ...parts, 10: octets(longestSession) } })
  ])
    socket.emit('session', bad)
  assert.equal(cache.stats.stored, before)
  socket.emit('session', made({ version: 0x304, tagged: parts }))
  assert.equal(cache.stats.stored, before + 1)
  socket.destroy()
})
