import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { WebSocket, WebSocketServer } from 'ws'
import { TlsSessionCache } from '../session-cache.ts'
import { makeAuthority, makeCertificate } from '../testing/certificates.ts'
import { httpsServer } from '../testing/https-server.ts'
import { webSocketClass, wsOptions } from './ws.ts'

const authority = await makeAuthority()
const localhost = await makeCertificate(authority, ['localhost', '127.0.0.1'])
const ca = authority.cert

/** A websocket server that says hello and names the subprotocol. */
function greeter(t: TestContext, server: http.Server): void {
  const sockets = new WebSocketServer({ server })
  sockets.on('connection', (socket) => socket.send(`hello ${socket.protocol}`))
  t.after(() => sockets.close())
}

/** What the server says; the connection is over then. */
async function visit(socket: WebSocket): Promise<string> {
  const [message] = (await once(socket, 'message')) as [Buffer]
  socket.close()
  await once(socket, 'close')
  return message.toString()
}

for (const version of ['TLSv1.2', 'TLSv1.3'] as const)
  test(`${version}: the second websocket resumes, by its options or by its class`, async (t) => {
    const server = await httpsServer(t, { ...localhost, minVersion: version, maxVersion: version })
    greeter(t, server.server)
    const cache = new TlsSessionCache()
    const url = `wss://localhost:${server.port}/`
    await visit(new WebSocket(url, wsOptions(cache, { ca })))
    await visit(new WebSocket(url, wsOptions(cache, { ca })))
    const Resuming = webSocketClass(WebSocket, cache, { ca })
    await visit(new Resuming(url))
    assert.deepEqual(server.reused, [false, true, true])
  })

test('a class takes subprotocols as that of a browser does, and is one of ws', async (t) => {
  const server = await httpsServer(t, localhost)
  greeter(t, server.server)
  const Resuming = webSocketClass(WebSocket, new TlsSessionCache(), { ca })
  const socket = new Resuming(new URL(`wss://localhost:${server.port}/path?query`), ['one', 'two'])
  assert.ok(socket instanceof WebSocket)
  assert.equal((Resuming as unknown as typeof WebSocket).OPEN, 1)
  assert.equal(await visit(socket), 'hello one')
})

test('an address is a host, too, and no name is sent for it', async (t) => {
  const server = await httpsServer(t, localhost)
  greeter(t, server.server)
  const names: unknown[] = []
  server.server.on('secureConnection', (socket) => names.push(socket.servername))
  const cache = new TlsSessionCache()
  for (let count = 0; count < 2; count++) await visit(new WebSocket(`wss://127.0.0.1:${server.port}/`, wsOptions(cache, { ca })))
  assert.deepEqual(server.reused, [false, true])
  assert.deepEqual(names, [false, false])
})

test('a local socket stays plain', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'gs-tls-'))
  t.after(() => rm(folder, { recursive: true }))
  const server = http.createServer()
  greeter(t, server)
  server.listen(join(folder, 'socket'))
  await once(server, 'listening')
  t.after(() => server.close())
  const cache = new TlsSessionCache()
  assert.equal(await visit(new WebSocket(`ws+unix://${join(folder, 'socket')}:/`, wsOptions(cache, { ca }))), 'hello ')
  assert.equal(cache.stats.misses, 0)
})

test('a server that nobody knows is refused', async (t) => {
  const server = await httpsServer(t, localhost)
  greeter(t, server.server)
  const socket = new WebSocket(`wss://localhost:${server.port}/`, wsOptions(new TlsSessionCache()))
  await assert.rejects(once(socket, 'message'), { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' })
})

test('ws: stays plain, and a redirect from there to wss: is encrypted', async (t) => {
  const secure = await httpsServer(t, localhost)
  greeter(t, secure.server)
  const plain = http.createServer()
  greeter(t, plain)
  const redirecting = http.createServer((_request, response) => {
    response.writeHead(302, { location: `wss://localhost:${secure.port}/` }).end()
  })
  for (const server of [plain, redirecting]) {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.after(() => server.close())
  }
  const urls = [plain, redirecting].map((server) => `ws://localhost:${(server.address() as AddressInfo).port}/`)
  const options = { ...wsOptions(new TlsSessionCache(), { ca }), followRedirects: true }
  await visit(new WebSocket(urls[0]!, options))
  assert.deepEqual(secure.reused, [])
  await visit(new WebSocket(urls[1]!, options))
  await visit(new WebSocket(urls[1]!, options))
  assert.deepEqual(secure.reused, [false, true])
})
