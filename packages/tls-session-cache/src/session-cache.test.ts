import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TlsSessionCache } from './session-cache.ts'
import { makeAuthority, makeCertificate } from './testing/certificates.ts'
import { tlsServer, visit } from './testing/tls-server.ts'

const authority = await makeAuthority()
const localhost = await makeCertificate(authority, ['localhost'])

for (const version of ['TLSv1.2', 'TLSv1.3'] as const)
  test(`${version}: the second connection is resumed`, async (t) => {
    const server = await tlsServer(t, { ...localhost, minVersion: version, maxVersion: version })
    const cache = new TlsSessionCache()
    const options = { host: '127.0.0.1', servername: 'localhost', port: server.port, ca: authority.cert }
    assert.equal(await visit(cache.connect(options)), false)
    assert.equal(await visit(cache.connect(options)), true)
    assert.deepEqual(server.reused, [false, true])
    assert.equal(cache.stats.resumed, 1)
  })
