import assert from 'node:assert/strict'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import tls, { type TLSSocket } from 'node:tls'
import Fastify from 'fastify'
import { createClient } from 'fastify-gs-ws/client'
import { Client } from 'fastify-gs-ws/webgram'
import { generate } from 'selfsigned'
import { fastifyGsWs, memoryStore } from '../index.ts'

const { cert, private: key } = await generate([{ name: 'commonName', value: 'localhost' }], {
  keyType: 'ec',
  curve: 'P-256',
  algorithm: 'sha256',
  extensions: [
    { name: 'basicConstraints', cA: true },
    { name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] }
  ]
})

/** A server of `wss:` that this process trusts. */
async function startSecure(t: TestContext, options: tls.TlsOptions = {}) {
  const before = tls.getCACertificates('default')
  tls.setDefaultCACertificates([cert])
  t.after(() => tls.setDefaultCACertificates(before))
  const app = Fastify({ https: { cert, key, ...options } })
  const sockets: TLSSocket[] = []
  const reused: boolean[] = []
  app.server.on('secureConnection', (socket: TLSSocket) => {
    sockets.push(socket)
    reused.push(socket.isSessionReused())
  })
  await app.register(fastifyGsWs, { store: memoryStore() })
  app.gsWs.answer('twice', (_conn, n) => Number(n) * 2)
  await app.listen({ port: 0, host: '127.0.0.1' })
  t.after(() => app.close())
  return { url: `wss://localhost:${(app.server.address() as AddressInfo).port}/ws`, reused, cut: () => sockets.at(-1)!.destroy() }
}

for (const version of ['TLSv1.2', 'TLSv1.3'] as const)
  test(`in Node a client comes back with a resumed connection (${version})`, async (t) => {
    const server = await startSecure(t, { minVersion: version, maxVersion: version })
    const client = createClient(server.url, { retry: { min: 1, max: 20 } })
    t.after(() => client.close())
    for (let count = 0; count < 4; count++) {
      assert.equal(await client.ask('twice', [count]), 2 * count)
      const back = new Promise<void>((resolve) => {
        const stop = client.onLocal('session', () => {
          stop()
          resolve()
        })
      })
      server.cut()
      await back
    }
    assert.deepEqual(server.reused, [false, true, true, true, true])
  })

test('the client with the interface of webgram does so, too', async (t) => {
  const server = await startSecure(t)
  const client = new Client(server.url, { retry: { min: 1, max: 20 } })
  t.after(() => client.close())
  assert.equal(await client.ask('twice', 1), 2)
  const back = new Promise<void>((resolve) => client.on('$session-active', resolve))
  server.cut()
  await back
  assert.deepEqual(server.reused, [false, true])
})

test('another client of the process resumes, too; a server that is not trusted is told as the reason', async (t) => {
  const server = await startSecure(t)
  for (let count = 0; count < 2; count++) {
    const client = createClient(server.url)
    assert.equal(await client.ask('twice', [1]), 2)
    client.close()
  }
  assert.deepEqual(server.reused, [false, true])
  tls.setDefaultCACertificates([])
  const client = createClient(server.url)
  t.after(() => client.close())
  const reason = await new Promise<string>((resolve) => client.onLocal('close', (closed) => resolve(closed.reason)))
  assert.match(reason, /certificate/)
})

test('a class of the application goes before', async (t) => {
  const server = await startSecure(t)
  const made = await new Promise<string>((resolve) => {
    class Own extends EventTarget {
      readonly protocol = ''
      constructor(url: string) {
        super()
        resolve(url)
      }
      send() {}
      close() {}
    }
    const client = createClient(server.url, { WebSocket: Own })
    t.after(() => client.close())
  })
  assert.equal(made, server.url)
})
