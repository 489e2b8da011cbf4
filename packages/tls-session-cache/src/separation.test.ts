import assert from 'node:assert/strict'
import { test } from 'node:test'
import tls, { type ConnectionOptions } from 'node:tls'
import { peerOf } from './peer.ts'
import { TlsSessionCache } from './session-cache.ts'
import { makeAuthority, makeCertificate } from './testing/certificates.ts'
import { outcomeOf } from './testing/handshake.ts'
import { tlsServer } from './testing/tls-server.ts'

const authority = await makeAuthority()
const certificate = await makeCertificate(authority, ['localhost', 'LOCALHOST', '127.0.0.1', 'a.test'])
const client = await makeCertificate(authority, ['a client'])
const ca = authority.cert
const context = tls.createSecureContext({ ca })

/** Settings that differ, each from `{ servername: 'localhost', ca }`. */
const differences: Readonly<Record<string, ConnectionOptions>> = {
  'another servername': { servername: 'a.test' },
  'a servername with other letters': { servername: 'LOCALHOST' },
  'another host': { host: 'localhost' },
  protocols: { ALPNProtocols: ['h2'] },
  'protocols in another order': { ALPNProtocols: ['http/1.1', 'h2'] },
  'a client certificate': client,
  'more authorities': { ca: [ca, client.cert] },
  versions: { maxVersion: 'TLSv1.2' },
  ciphers: { ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256:TLS_AES_128_GCM_SHA256' },
  'signature algorithms': { sigalgs: 'ecdsa_secp256r1_sha256:RSA-PSS+SHA256' },
  'a group': { ecdhCurve: 'P-256' },
  'a function for the name': { checkServerIdentity: (...name) => tls.checkServerIdentity(...name) },
  'a context': { secureContext: context },
  'another context with the same contents': { secureContext: tls.createSecureContext({ ca }) },
  'partial chains': { allowPartialTrustChain: true },
  'a partition': { sessionIdContext: 'tenant' },
  'a request for OCSP': { requestOCSP: true }
}

test('connections that differ in anything that decides do not share sessions, and each finds its own', async (t) => {
  const server = await tlsServer(t, { ...certificate, ALPNProtocols: ['h2', 'http/1.1'] })
  const cache = new TlsSessionCache({ max: 100 })
  const to = { host: '127.0.0.1', servername: 'localhost', port: server.port, ca }
  const all = [to, ...Object.values(differences).map((settings) => ({ ...to, ...settings }))]
  const names = ['nothing', ...Object.keys(differences)]
  for (const expected of [false, true])
    for (const [index, options] of all.entries()) {
      const { refused, resumed } = await outcomeOf(cache.connect(options))
      assert.deepEqual([refused, resumed], [null, expected], names[index])
    }
  assert.equal(cache.stats.peers, all.length)
})

test('two caches do not share sessions', async (t) => {
  const server = await tlsServer(t, certificate)
  const to = { host: '127.0.0.1', servername: 'localhost', port: server.port, ca }
  for (const namespace of ['one', 'other']) await outcomeOf(new TlsSessionCache({ namespace }).connect(to))
  assert.deepEqual(server.reused, [false, false])
})

test('another list of default authorities is another trust', async (t) => {
  const server = await tlsServer(t, certificate)
  const before = tls.getCACertificates('default')
  t.after(() => tls.setDefaultCACertificates(before))
  const cache = new TlsSessionCache()
  const to = { host: '127.0.0.1', servername: 'localhost', port: server.port }
  tls.setDefaultCACertificates([ca])
  assert.equal((await outcomeOf(cache.connect(to))).refused, null)
  assert.equal((await outcomeOf(cache.connect(to))).resumed, true)
  tls.setDefaultCACertificates([client.cert])
  assert.equal((await outcomeOf(cache.connect(to))).refused, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE')
  tls.setDefaultCACertificates([ca])
  assert.equal((await outcomeOf(cache.connect(to))).resumed, true)
})

const key = (options: ConnectionOptions) => peerOf({ host: 'a.test', port: 1, ...options })?.key

const same: Readonly<Record<string, readonly [ConnectionOptions, ConnectionOptions]>> = {
  'a host with other letters, where servername says who it is': [
    { host: 'A.test', servername: 'a.test' },
    { host: 'a.test', servername: 'a.test' }
  ],
  'protocols as a list and as bytes': [{ ALPNProtocols: ['h2', 'x'] }, { ALPNProtocols: Buffer.from('\x02h2\x01x') }],
  'protocols as a list of bytes': [{ ALPNProtocols: ['h2'] }, { ALPNProtocols: [Buffer.from('h2')] as never }],
  'authorities as bytes of two Buffers': [{ ca: Buffer.from(ca) }, { ca: Buffer.from(ca) }],
  'keys with a passphrase': [{ key: [{ pem: 'a', passphrase: 'b' }] }, { key: [{ passphrase: 'b', pem: 'a' }] }],
  'what Node does without being told': [{ checkServerIdentity: tls.checkServerIdentity }, {}],
  'an option that is undefined': [{ ca: undefined }, {}],
  'a port as text': [{ port: '1' as never }, { port: 1 }],
  'a port as another text': [{ port: '0x1bb' as never }, { port: 443 }]
}

for (const [name, [one, other]] of Object.entries(same)) test(`the same: ${name}`, () => assert.equal(key(one), key(other)))

const different: Readonly<Record<string, readonly [ConnectionOptions, ConnectionOptions]>> = {
  port: [{ port: 1 }, { port: 2 }],
  'ports as texts that begin alike': [{ port: '1e3' as never }, { port: '1e4' as never }],
  'ports beside an empty path, which is none': [
    { path: '', port: 1 },
    { path: '', port: 2 }
  ],
  'hosts beside an empty path': [
    { path: '', servername: 'a.test' },
    { path: '', servername: 'a.test', host: 'b.test' }
  ],
  'a revocation list': [{ crl: 'one' }, { crl: 'other' }],
  'a passphrase that moves': [{ key: [{ pem: 'a', passphrase: 'bc' }] }, { key: [{ pem: 'ab', passphrase: 'c' }] }],
  'authorities that are cut otherwise': [{ ca: ['ab', 'c'] }, { ca: ['a', 'bc'] }],
  'bytes of a protocol that are other letters': [{ ALPNProtocols: ['é'] }, { ALPNProtocols: [Buffer.from('é', 'latin1')] as never }],
  'no authority, and the default ones': [{ ca: [] }, {}],
  'a local socket, and a host with its name': [
    { path: '/a', host: 'a.test' },
    { host: '/a', port: 0, servername: 'a.test' }
  ],
  'the host of a local socket, by whose name it is verified': [
    { path: '/a', host: 'a.test' },
    { path: '/a', host: 'b.test' }
  ],
  'a servername that is sent, and one that is not': [{ servername: 'a.test' }, {}]
}

for (const [name, [one, other]] of Object.entries(different)) test(`not the same: ${name}`, () => assert.notEqual(key(one), key(other)))

test('a Buffer or a list whose contents were changed is another', () => {
  const bytes = Buffer.from('one')
  const list = ['one']
  const before = [key({ ca: bytes }), key({ ca: list })]
  bytes[0] = 0x4f
  list[0] = 'other'
  assert.notEqual(key({ ca: bytes }), before[0])
  assert.notEqual(key({ ca: list }), before[1])
})

test('what is inherited counts as little as it does for tls.connect', async (t) => {
  const server = await tlsServer(t, certificate)
  const cache = new TlsSessionCache()
  const to = { host: '127.0.0.1', servername: 'localhost', port: server.port }
  assert.equal((await outcomeOf(cache.connect({ ...to, ca }))).refused, null)
  const inherits = Object.assign(Object.create({ ca }) as ConnectionOptions, to)
  assert.equal((await outcomeOf(cache.connect(inherits))).refused, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE')
})

for (const [name, options] of Object.entries<ConnectionOptions>({
  'a server that is not verified': { rejectUnauthorized: false },
  'a key that was shared before': { pskCallback: () => null },
  'a socket that leads nobody knows where': { host: undefined, socket: {} as never },
  'a session of the caller': { session: Buffer.alloc(1) }
}))
  test(`the cache has nothing to do with ${name}`, () => {
    const cache = new TlsSessionCache()
    assert.equal(cache.prepare({ host: 'a.test', port: 1, ...options }).session, undefined)
    assert.deepEqual([cache.stats.bypassed, cache.stats.misses], [1, 0])
  })
