import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import type { IncomingMessage } from 'node:http'
import https, { type RequestOptions } from 'node:https'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import type { TLSSocket } from 'node:tls'
import { TlsSessionCache } from '../session-cache.ts'
import { makeAuthority, makeCertificate } from '../testing/certificates.ts'
import { httpsServer } from '../testing/https-server.ts'
import { httpsAgent } from './https-agent.ts'

const authority = await makeAuthority()
const other = await makeAuthority('another authority')
const localhost = await makeCertificate(authority, ['localhost', '127.0.0.1', 'second.test'])
const clients = [await makeCertificate(authority, ['client one']), await makeCertificate(authority, ['client two'])]

async function get(agent: https.Agent, port: number, options: RequestOptions = {}): Promise<string> {
  const request = https.get({ host: 'localhost', port, agent, ...options })
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  return text(response)
}

for (const version of ['TLSv1.2', 'TLSv1.3'] as const)
  test(`${version}: each request after the first resumes, also when another agent has the same cache`, async (t) => {
    const server = await httpsServer(t, { ...localhost, minVersion: version, maxVersion: version })
    const cache = new TlsSessionCache()
    const agent = httpsAgent(cache, { ca: authority.cert })
    for (let count = 0; count < 2; count++) await get(agent, server.port)
    await get(httpsAgent(cache, { ca: authority.cert }), server.port)
    assert.deepEqual(server.reused, [false, true, true])
  })

test('connections that stay open are used again, and a new one after them resumes', async (t) => {
  const server = await httpsServer(t, { ...localhost, keepAlive: true })
  const agent = httpsAgent(new TlsSessionCache(), { ca: authority.cert, keepAlive: true })
  t.after(() => agent.destroy())
  await get(agent, server.port)
  await get(agent, server.port)
  assert.deepEqual(server.reused, [false])
  agent.destroy()
  await get(agent, server.port)
  assert.deepEqual(server.reused, [false, true])
})

test('requests at the same time resume as far as there are tickets, and all of them are answered', async (t) => {
  const server = await httpsServer(t, localhost)
  const agent = httpsAgent(new TlsSessionCache(), { ca: authority.cert })
  await get(agent, server.port)
  assert.deepEqual(await Promise.all([1, 2, 3].map(() => get(agent, server.port))), ['hello', 'hello', 'hello'])
  assert.equal(server.reused.filter(Boolean).length, 2)
})

test('two ports of a host share nothing', async (t) => {
  const [one, two] = [await httpsServer(t, localhost), await httpsServer(t, localhost)]
  const cache = new TlsSessionCache()
  const agent = httpsAgent(cache, { ca: authority.cert })
  await get(agent, one.port)
  await get(agent, two.port)
  assert.deepEqual([...one.reused, ...two.reused], [false, false])
  assert.equal(cache.stats.peers, 2)
  assert.equal(cache.stats.hits, 0)
})

test('local sockets are servers of their own, whatever is asked of them', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'gs-tls-'))
  t.after(() => rm(folder, { recursive: true }))
  const keys = { ticketKeys: randomBytes(48), sessionIdContext: 'both' }
  const [one, two] = [await httpsServer(t, { ...localhost, ...keys }), await httpsServer(t, { ...localhost, ...keys })]
  const paths = [join(folder, 'one'), join(folder, 'two')] as const
  for (const [index, { server }] of [one, two].entries()) {
    await new Promise<void>((resolve) => void server.close(() => resolve()))
    server.listen(paths[index])
    await once(server, 'listening')
  }
  const agent = httpsAgent(new TlsSessionCache(), { ca: authority.cert })
  for (const [socketPath, path] of [
    [paths[0], '/'],
    [paths[0], '/other'],
    [paths[1], '/']
  ] as const)
    await get(agent, 443, { socketPath, path })
  assert.deepEqual([one.reused, two.reused], [[false, true], [false]])
})

test('a request that trusts or shows itself otherwise resumes nothing', async (t) => {
  const server = await httpsServer(t, { ...localhost, ca: authority.cert, requestCert: true, rejectUnauthorized: false }, (request) => {
    const subject = (request.socket as TLSSocket).getPeerCertificate().subject as { readonly CN?: string } | undefined
    return subject?.CN ?? 'nobody'
  })
  const agent = httpsAgent(new TlsSessionCache())
  const ca = authority.cert
  assert.equal(await get(agent, server.port, { ca }), 'nobody')
  assert.equal(await get(agent, server.port, { ca, ...clients[0] }), 'client one')
  assert.equal(await get(agent, server.port, { ca, ...clients[1] }), 'client two')
  await get(agent, server.port, { ca, servername: 'second.test' })
  await get(agent, server.port, { ca: [ca, other.cert] })
  await get(agent, server.port, { ca, minVersion: 'TLSv1.3' })
  await get(agent, server.port, { ca, rejectUnauthorized: false })
  assert.deepEqual(new Set(server.reused), new Set([false]))
  await get(agent, server.port, { ca, ...clients[0] })
  assert.equal(server.reused.at(-1), true)
})

test('the identity that a request checks is checked', async (t) => {
  const server = await httpsServer(t, localhost)
  const agent = httpsAgent(new TlsSessionCache(), { ca: authority.cert })
  await get(agent, server.port)
  const checkServerIdentity = () => new Error('not the pinned one')
  await assert.rejects(get(agent, server.port, { checkServerIdentity }), /not the pinned one/)
  await get(agent, server.port)
  assert.deepEqual(server.reused.at(-1), true)
})

test('a name that the certificate does not have is refused, also after a connection that did not look', async (t) => {
  const server = await httpsServer(t, localhost)
  const cache = new TlsSessionCache()
  const agent = httpsAgent(cache, { ca: authority.cert })
  const wrong = { servername: 'wrong.test' }
  await get(agent, server.port, { ...wrong, rejectUnauthorized: false })
  await assert.rejects(get(agent, server.port, wrong), { code: 'ERR_TLS_CERT_ALTNAME_INVALID' })
  await assert.rejects(get(httpsAgent(cache, { ca: other.cert }), server.port), { code: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' })
})

test('a connection that somebody else has made is encrypted and resumes', async (t) => {
  const server = await httpsServer(t, localhost)
  const cache = new TlsSessionCache()
  for (let count = 0; count < 2; count++) {
    const socket = net.connect(server.port, '127.0.0.1')
    await once(socket, 'connect')
    // As of a proxy: whom it reaches is what the request says.
    await get(httpsAgent(cache, { ca: authority.cert, socket }), 443)
  }
  assert.deepEqual(server.reused, [false, true])
})

test('an agent with a proxy from the environment works, without cache', async (t) => {
  const server = await httpsServer(t, localhost)
  const proxy = net.createServer((socket) => {
    socket.once('data', () => {
      const upstream = net.connect(server.port, '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n')
        socket.pipe(upstream).pipe(socket)
      })
      upstream.on('error', () => socket.destroy())
    })
    socket.on('error', () => undefined)
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  t.after(() => proxy.close())
  const cache = new TlsSessionCache()
  const address = proxy.address() as net.AddressInfo
  const agent = httpsAgent(cache, {
    ca: authority.cert,
    proxyEnv: { HTTPS_PROXY: `http://127.0.0.1:${address.port}` }
  })
  assert.equal(await get(agent, server.port), 'hello')
  assert.equal(await get(agent, server.port), 'hello')
  assert.deepEqual(server.reused, [false, false])
  assert.deepEqual([cache.stats.peers, cache.stats.misses], [0, 0])
})
