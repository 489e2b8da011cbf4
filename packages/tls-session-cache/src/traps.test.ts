import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { setTimeout as until } from 'node:timers/promises'
import tls, { type ConnectionOptions, type TLSSocket, type TlsOptions } from 'node:tls'
import { promisify } from 'node:util'
import { TlsSessionCache } from './session-cache.ts'
import { makeAuthority, makeCertificate } from './testing/certificates.ts'
import { outcomeOf } from './testing/handshake.ts'
import { tlsServer } from './testing/tls-server.ts'

const authority = await makeAuthority()
const otherAuthority = await makeAuthority('another authority')
const localhost = await makeCertificate(authority, ['localhost'])
const otherName = await makeCertificate(authority, ['other.test'])
const ofOther = await makeCertificate(otherAuthority, ['localhost'])
const clients = [await makeCertificate(authority, ['client one']), await makeCertificate(authority, ['client two'])] as const

const pinned = () => Object.assign(new Error('another pin'), { code: 'PIN' })
const bare = (options: ConnectionOptions, session?: Buffer) => outcomeOf(tls.connect({ ...options, ...(session && { session }) }))

interface Trap {
  readonly name: string
  readonly server: TlsOptions
  /** How the session is made. */
  readonly lax: ConnectionOptions
  readonly strict: ConnectionOptions
  /** With what a strict connection without session is refused; null: it is not. */
  readonly fresh: string | null
  /** What Node makes of a strict connection with the session. */
  readonly bare: 'resumed' | 'refused'
}

const ca = authority.cert
const traps: readonly Trap[] = [
  {
    name: 'without verification, of a server with another name',
    server: otherName,
    lax: { ca, rejectUnauthorized: false },
    strict: { ca },
    fresh: 'ERR_TLS_CERT_ALTNAME_INVALID',
    bare: 'resumed'
  },
  {
    name: 'with a lax checkServerIdentity',
    server: otherName,
    lax: { ca, checkServerIdentity: () => undefined },
    strict: { ca },
    fresh: 'ERR_TLS_CERT_ALTNAME_INVALID',
    bare: 'resumed'
  },
  {
    name: 'with another authority',
    server: ofOther,
    lax: { ca: otherAuthority.cert },
    strict: { ca },
    fresh: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    bare: 'resumed'
  },
  { name: 'without a pin', server: localhost, lax: { ca }, strict: { ca, checkServerIdentity: pinned }, fresh: 'PIN', bare: 'resumed' },
  {
    name: 'without verification, of a server of an unknown authority',
    server: ofOther,
    lax: { ca, rejectUnauthorized: false },
    strict: { ca },
    fresh: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    bare: 'refused'
  },
  {
    name: 'without verification and with the wrong authority, where the right one would do',
    server: ofOther,
    lax: { ca, rejectUnauthorized: false },
    strict: { ca: otherAuthority.cert },
    fresh: null,
    bare: 'refused'
  }
]

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  const only = { minVersion: version, maxVersion: version } as const

  for (const trap of traps)
    test(`${version}: a session made ${trap.name} is not used where that is not allowed`, async (t) => {
      const server = await tlsServer(t, { ...trap.server, ...only })
      const to = { host: '127.0.0.1', servername: 'localhost', port: server.port }
      const [session] = (await bare({ ...to, ...trap.lax })).sessions
      const node = await bare({ ...to, ...trap.strict }, session)
      assert.equal(node.refused === null, trap.bare === 'resumed', `Node: ${node.refused}`)
      if (trap.bare === 'resumed') assert.ok(node.resumed && node.authorized)
      assert.equal((await bare({ ...to, ...trap.strict })).refused, trap.fresh)

      const cache = new TlsSessionCache()
      assert.equal((await outcomeOf(cache.connect({ ...to, ...trap.lax }))).refused, null)
      const ours = await outcomeOf(cache.connect({ ...to, ...trap.strict }))
      assert.deepEqual([ours.refused, ours.resumed, ours.authorized], [trap.fresh, false, trap.fresh === null])
    })

  test(`${version}: who connects as another client, or as none, is not taken for the one before`, async (t) => {
    const seen: (string | undefined)[] = []
    const server = await tlsServer(t, { ...localhost, ...only, ca, requestCert: true, rejectUnauthorized: false })
    server.server.on('secureConnection', (socket: TLSSocket) => seen.push(socket.getPeerCertificate().subject?.CN as string | undefined))
    const to = { host: '127.0.0.1', servername: 'localhost', port: server.port, ca }
    const [session] = (await bare({ ...to, ...clients[0] })).sessions
    await bare({ ...to, ...clients[1] }, session)
    await bare(to, session)
    assert.deepEqual(seen.splice(0), ['client one', 'client one', 'client one'], 'Node')

    const cache = new TlsSessionCache()
    for (const client of [clients[0], clients[1], {}, clients[0], clients[1], {}]) await outcomeOf(cache.connect({ ...to, ...client }))
    assert.deepEqual(seen, ['client one', 'client two', undefined, 'client one', 'client two', undefined])
    assert.deepEqual(server.reused.slice(3), [false, false, false, true, true, true])
  })

  test(`${version}: a session does not outlive the certificate of its server`, async (t) => {
    const expiry = new Date(Math.ceil(Date.now() / 1000) * 1000 + 1000)
    const server = await tlsServer(t, { ...(await makeCertificate(authority, ['localhost'], { notAfter: expiry })), ...only })
    const to = { host: '127.0.0.1', servername: 'localhost', port: server.port, ca }
    const cache = new TlsSessionCache()
    const [session] = (await bare(to)).sessions
    assert.equal((await outcomeOf(cache.connect(to))).refused, null)
    // The clock of OpenSSL cannot be set: this waits for the moment that it is about.
    await until(expiry.getTime() + 1000 - Date.now())
    const node = await bare(to, session)
    assert.deepEqual([node.resumed, node.authorized], [true, true], 'Node')
    assert.equal((await outcomeOf(cache.connect(to))).refused, 'CERT_HAS_EXPIRED')
    assert.deepEqual([cache.stats.hits, cache.stats.peers], [0, 0])
  })

  test(`${version}: servers with the same ticket keys on two ports are two servers`, async (t) => {
    const ticketKeys = randomBytes(48)
    const settings = { ...localhost, ...only, ticketKeys, sessionIdContext: 'both' }
    const servers = [await tlsServer(t, settings), await tlsServer(t, settings)] as const
    const to = { host: '127.0.0.1', servername: 'localhost', ca }
    const [session] = (await bare({ ...to, port: servers[0].port })).sessions
    assert.equal((await bare({ ...to, port: servers[1].port }, session)).resumed, true, 'Node')
    const cache = new TlsSessionCache()
    for (const { port } of [...servers, ...servers]) await outcomeOf(cache.connect({ ...to, port }))
    assert.deepEqual(servers[1].reused, [true, false, true])
  })

  test(`${version}: NODE_TLS_REJECT_UNAUTHORIZED=0 switches the cache off`, async (t) => {
    const server = await tlsServer(t, { ...otherName, ...only })
    const script = `
      const { TlsSessionCache } = await import(${JSON.stringify(new URL('session-cache.ts', import.meta.url).href)})
      const { outcomeOf } = await import(${JSON.stringify(new URL('testing/handshake.ts', import.meta.url).href)})
      const cache = new TlsSessionCache()
      const options = { host: '127.0.0.1', servername: 'localhost', port: ${server.port}, ca: ${JSON.stringify(ca)} }
      const first = await outcomeOf(cache.connect(options))
      delete process.env.NODE_TLS_REJECT_UNAUTHORIZED
      const second = await outcomeOf(cache.connect(options))
      console.log(JSON.stringify([first.refused, second.refused, cache.stats.bypassed, cache.stats.stored]))`
    const env = { ...process.env, NODE_TLS_REJECT_UNAUTHORIZED: '0', NODE_NO_WARNINGS: '1' }
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { env })
    assert.deepEqual(JSON.parse(stdout), [null, 'ERR_TLS_CERT_ALTNAME_INVALID', 1, 0])
  })
}
