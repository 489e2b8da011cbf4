import assert from 'node:assert/strict'
import { once } from 'node:events'
import http2, { type SecureClientSessionOptions } from 'node:http2'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { test, type TestContext } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { TlsSessionCache } from '../session-cache.ts'
import { makeAuthority, makeCertificate } from '../testing/certificates.ts'
import { tlsServer } from '../testing/tls-server.ts'
import { http2Options } from './http2.ts'

const authority = await makeAuthority()
const localhost = await makeCertificate(authority, ['localhost', '127.0.0.1'])
const ca = authority.cert

async function start(t: TestContext, server: http2.Http2Server | http2.Http2SecureServer): Promise<number> {
  server.on('stream', (stream: http2.ServerHttp2Stream) => stream.respond() ?? stream.end('hello'))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  return (server.address() as AddressInfo).port
}

async function get(url: string, options: SecureClientSessionOptions): Promise<string> {
  const session = http2.connect(url, options)
  const stream = session.request({ ':path': '/' })
  const [body] = await Promise.all([text(stream), once(session, 'connect')])
  session.close()
  await once(session, 'close')
  return body
}

for (const version of ['TLSv1.2', 'TLSv1.3'] as const)
  for (const host of ['localhost', '127.0.0.1'])
    test(`${version}, ${host}: the second session resumes, and speaks h2`, async (t) => {
      const seen: unknown[] = []
      const server = http2.createSecureServer({ ...localhost, minVersion: version, maxVersion: version })
      server.on('secureConnection', (socket: TLSSocket) => seen.push([socket.isSessionReused(), socket.alpnProtocol]))
      const port = await start(t, server)
      const cache = new TlsSessionCache()
      for (let count = 0; count < 2; count++) assert.equal(await get(`https://${host}:${port}`, http2Options(cache, { ca })), 'hello')
      assert.deepEqual(seen, [
        [false, 'h2'],
        [true, 'h2']
      ])
    })

test('what else http2.connect is told holds', async (t) => {
  const port = await start(t, http2.createSecureServer(localhost))
  const session = http2.connect(`https://localhost:${port}`, {
    ...http2Options(new TlsSessionCache(), { ca }),
    settings: { enablePush: false }
  })
  t.after(() => session.destroy())
  await once(session, 'localSettings')
  assert.equal(session.localSettings.enablePush, false)
})

test('a server that nobody knows is refused', async (t) => {
  const port = await start(t, http2.createSecureServer(localhost))
  const session = http2.connect(`https://localhost:${port}`, http2Options(new TlsSessionCache()))
  await assert.rejects(once(session, 'connect'), { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' })
})

test('http: stays plain', async (t) => {
  const port = await start(t, http2.createServer())
  assert.equal(await get(`http://localhost:${port}`, http2Options(new TlsSessionCache())), 'hello')
})

test('an address of IPv6 is connected to without its brackets', async () => {
  const session = http2.connect('https://[::1]:1', http2Options(new TlsSessionCache(), { ca }))
  await assert.rejects(once(session, 'connect'), { address: '::1', port: 1 })
})

test('HTTP/1.1 is offered where that is wished', async (t) => {
  const { port } = await tlsServer(t, { ...localhost, ALPNProtocols: ['http/1.1'] })
  const cache = new TlsSessionCache()
  const connect = (allowHTTP1: boolean) => {
    const { createConnection, ...options } = http2Options(cache, { ca, allowHTTP1 })
    return createConnection!(new URL(`https://localhost:${port}`), options) as TLSSocket
  }
  const socket = connect(true)
  await once(socket, 'secureConnect')
  assert.equal(socket.alpnProtocol, 'http/1.1')
  socket.destroy()
  await assert.rejects(once(connect(false), 'secureConnect'), { code: 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL' })
})
