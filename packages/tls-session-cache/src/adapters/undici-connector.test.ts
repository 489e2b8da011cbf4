import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import http from 'node:http'
import http2 from 'node:http2'
import net, { type AddressInfo, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import v8 from 'node:v8'
import vm from 'node:vm'
import * as undici8 from 'undici'
import * as undici7 from 'undici-7'
import { TlsSessionCache } from '../session-cache.ts'
import { makeAuthority, makeCertificate } from '../testing/certificates.ts'
import { httpsServer } from '../testing/https-server.ts'
import { undiciConnector, type UndiciConnected } from './undici-connector.ts'

const authority = await makeAuthority()
const localhost = await makeCertificate(authority, ['localhost', '127.0.0.1', 'origin.test'])
const ca = authority.cert

v8.setFlagsFromString('--expose-gc')
const collect = vm.runInNewContext('gc') as () => void

async function listening(t: TestContext, server: net.Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  return (server.address() as AddressInfo).port
}

for (const [name, { Agent, Client, Pool, request }] of [
  ['undici 7', undici7 as unknown as typeof undici8],
  ['undici 8', undici8]
] as const) {
  for (const version of ['TLSv1.2', 'TLSv1.3'] as const)
    test(`${name}, ${version}: requests one after the other resume, also after a garbage collection`, async (t) => {
      const server = await httpsServer(t, { ...localhost, minVersion: version, maxVersion: version })
      const dispatcher = new Agent({ connect: undiciConnector(new TlsSessionCache(), { ca }) })
      t.after(() => dispatcher.close())
      for (let count = 0; count < 3; count++) {
        const { body } = await request(`https://localhost:${server.port}/`, { dispatcher })
        assert.equal(await body.text(), 'hello')
        collect()
      }
      assert.deepEqual(server.reused, [false, true, true])
    })

  test(`${name}: connections that stay open are used again`, async (t) => {
    const server = await httpsServer(t, { ...localhost, keepAlive: true })
    const dispatcher = new Agent({ connections: 1, connect: undiciConnector(new TlsSessionCache(), { ca }) })
    t.after(() => dispatcher.close())
    for (let count = 0; count < 2; count++) await (await request(`https://localhost:${server.port}/`, { dispatcher })).body.text()
    assert.deepEqual(server.reused, [false])
  })

  test(`${name}: pools and clients resume, and two ports share nothing`, async (t) => {
    const [one, two] = [await httpsServer(t, localhost), await httpsServer(t, localhost)]
    const connect = undiciConnector(new TlsSessionCache(), { ca })
    const pool = new Pool(`https://localhost:${one.port}`, { connect })
    const client = new Client(`https://localhost:${two.port}`, { connect })
    t.after(() => Promise.all([pool.close(), client.close()]))
    for (const dispatcher of [pool, pool, client, client]) await (await dispatcher.request({ path: '/', method: 'GET' })).body.text()
    assert.deepEqual(
      [one.reused, two.reused],
      [
        [false, true],
        [false, true]
      ]
    )
  })

  test(`${name}: a certificate of nobody's, and one for another name, are refused`, async (t) => {
    const server = await httpsServer(t, localhost)
    const cache = new TlsSessionCache()
    for (const [settings, code] of [
      [{}, 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
      [{ ca, servername: 'wrong.test' }, 'ERR_TLS_CERT_ALTNAME_INVALID']
    ] as const) {
      const dispatcher = new Agent({ connect: undiciConnector(cache, settings) })
      t.after(() => dispatcher.close())
      await assert.rejects(request(`https://localhost:${server.port}/`, { dispatcher }), { code })
    }
    assert.equal(cache.stats.peers, 0)
  })

  test(`${name}: HTTP/2 is spoken where it is wished, and resumes`, async (t) => {
    const reused: boolean[] = []
    const server = http2.createSecureServer({ ...localhost, allowHTTP1: true }, (request, response) => {
      response.end(request.httpVersion)
    })
    server.on('secureConnection', (socket) => reused.push(socket.isSessionReused()))
    const port = await listening(t, server)
    const cache = new TlsSessionCache()
    const versions: string[] = []
    for (const allowH2 of [true, true, false]) {
      const dispatcher = new Agent({ allowH2, connect: undiciConnector(cache, { ca }) })
      versions.push(await (await request(`https://localhost:${port}/`, { dispatcher })).body.text())
      await dispatcher.destroy()
    }
    assert.deepEqual(versions, ['2.0', '2.0', '1.1'])
    assert.deepEqual(reused, [false, true, false])
  })

  test(`${name}: requests to http: stay plain`, async (t) => {
    const port = await listening(
      t,
      http.createServer((_request, response) => response.end('plain'))
    )
    const dispatcher = new Agent({ connect: undiciConnector(new TlsSessionCache(), { ca }) })
    t.after(() => dispatcher.close())
    assert.equal(await (await request(`http://localhost:${port}/`, { dispatcher })).body.text(), 'plain')
  })

  test(`${name}: a server that does not answer the handshake is given up after the timeout`, async (t) => {
    const port = await listening(
      t,
      net.createServer((socket) => void socket.on('error', () => undefined).resume())
    )
    const dispatcher = new Agent({ connect: undiciConnector(new TlsSessionCache(), { ca, timeout: 50 }) })
    t.after(() => dispatcher.destroy())
    await assert.rejects(request(`https://localhost:${port}/`, { dispatcher }), {
      name: 'ConnectTimeoutError',
      code: 'UND_ERR_CONNECT_TIMEOUT'
    })
  })

  test(`${name}: a request that is aborted while its connection is made ends with that, and leaves nothing open`, async (t) => {
    const sockets: Socket[] = []
    const server = net.createServer((socket) => void sockets.push(socket.on('error', () => undefined).resume()))
    const port = await listening(t, server)
    const dispatcher = new Agent({ connect: undiciConnector(new TlsSessionCache(), { ca, timeout: 200 }) })
    const given = new AbortController()
    const asked = request(`https://localhost:${port}/`, { dispatcher, signal: given.signal })
    await once(server, 'connection')
    given.abort()
    await assert.rejects(asked)
    await dispatcher.destroy()
    if (!sockets[0]!.closed) await once(sockets[0]!, 'close')
  })
}

test('fetch of Node resumes with a dispatcher of undici 7', async (t) => {
  const server = await httpsServer(t, localhost)
  const dispatcher = new undici7.Agent({ connect: undiciConnector(new TlsSessionCache(), { ca }) })
  t.after(() => dispatcher.close())
  for (let count = 0; count < 3; count++)
    await (await fetch(`https://localhost:${server.port}/`, { dispatcher } as unknown as RequestInit)).text()
  assert.deepEqual(server.reused, [false, true, true])
})

for (const [name, { Agent, getGlobalDispatcher, setGlobalDispatcher }] of [
  ['undici 7', undici7 as unknown as typeof undici8],
  ['undici 8', undici8]
] as const)
  test(`fetch of Node resumes when ${name} has set the dispatcher of all`, async (t) => {
    const server = await httpsServer(t, localhost)
    const before = getGlobalDispatcher()
    const dispatcher = new Agent({ connect: undiciConnector(new TlsSessionCache(), { ca }) })
    t.after(() => {
      setGlobalDispatcher(before)
      return dispatcher.close()
    })
    setGlobalDispatcher(dispatcher)
    for (let count = 0; count < 2; count++) await (await fetch(`https://localhost:${server.port}/`)).text()
    assert.deepEqual(server.reused, [false, true])
  })

/** What a connector says, as often as it does. */
function answers(connect: ReturnType<typeof undiciConnector>, connection: Parameters<typeof connect>[0]) {
  const results: [Error | null, Socket | null][] = []
  const first = new Promise<Socket>((resolve, reject) => {
    const callback: UndiciConnected = (...result) => {
      results.push(result)
      if (result[0] === null) resolve(result[1])
      else reject(result[0])
    }
    connect(connection, callback)
  })
  return { first, results }
}

test('local sockets are servers of their own', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'gs-tls-'))
  t.after(() => rm(folder, { recursive: true }))
  const cache = new TlsSessionCache()
  for (const name of ['one', 'two']) {
    const server = await httpsServer(t, localhost)
    await new Promise<void>((resolve) => void server.server.close(() => resolve()))
    server.server.listen(join(folder, name))
    await once(server.server, 'listening')
    const dispatcher = new undici8.Agent({ connect: undiciConnector(cache, { ca, socketPath: join(folder, name) }) })
    t.after(() => dispatcher.close())
    for (let count = 0; count < 2; count++) await (await undici8.request('https://localhost/', { dispatcher })).body.text()
    assert.deepEqual(server.reused, [false, true])
  }
  assert.deepEqual([cache.stats.hits, cache.stats.refused], [2, 0])
})

test('a socket that a proxy has opened is encrypted, for the name of the origin', async (t) => {
  const server = await httpsServer(t, localhost)
  const connect = undiciConnector(new TlsSessionCache(), { ca })
  for (let count = 0; count < 2; count++) {
    const httpSocket = net.connect(server.port, '127.0.0.1')
    await once(httpSocket, 'connect')
    const { first } = answers(connect, { hostname: 'origin.test', host: 'origin.test:8443', protocol: 'https:', port: '8443', httpSocket })
    const socket = await first
    socket.write('GET / HTTP/1.1\r\nhost: origin.test\r\n\r\n')
    await once(socket.resume(), 'close')
  }
  assert.deepEqual(server.reused, [false, true])
})

for (const protocol of ['http:', 'https:'])
  test(`${protocol} a connector says once what became of a connection, whatever happens to it later`, async (t) => {
    const closing = net.createServer((socket) => void socket.on('error', () => undefined).destroy())
    const port = await listening(t, closing)
    const connect = undiciConnector(new TlsSessionCache(), { ca })
    const connected = answers(connect, { hostname: '127.0.0.1', protocol, port: String(port) })
    if (protocol === 'http:') {
      const socket = await connected.first
      socket.on('error', () => undefined)
      if (!socket.closed) await once(socket.resume(), 'close')
    } else await assert.rejects(connected.first, { code: 'ECONNRESET' })
    assert.equal(connected.results.length, 1)
    closing.close()
    await once(closing, 'close')
    const refused = answers(connect, { hostname: '127.0.0.1', protocol, port: String(port) })
    await assert.rejects(refused.first, { code: 'ECONNREFUSED' })
    const wrong = answers(undiciConnector(new TlsSessionCache(), { localAddress: 'nowhere' }), {
      hostname: '127.0.0.1',
      protocol,
      port: '1'
    })
    await assert.rejects(wrong.first, { code: 'ERR_INVALID_IP_ADDRESS' })
    assert.deepEqual([refused.results.length, wrong.results.length], [1, 1])
  })
