import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import Fastify from 'fastify'
import fastifyGs from 'fastify-gs'
import { build, password, type Browser } from 'fastify-gs/testing/build'
import { WebSocket } from 'ws'
import { fastifyGsWs, memoryStore, type GsWsOptions } from './index.ts'
import { subprotocol } from './protocol.ts'
import { RawClient } from './testing/site.ts'

const link = 'a'.repeat(22)

/** A site with accounts. */
async function start(t: TestContext, options: GsWsOptions = {}) {
  const heard: unknown[] = []
  const site = await build(t, { sockets: { allowNoOrigin: true } }, async (app) => {
    await app.register(fastifyGsWs, { store: memoryStore(), ...options })
    app.gsWs.on('note', (_conn, what) => heard.push(what))
    app.gsWs.answer('echo', (_conn, what) => what)
  })
  await site.app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = site.app.server.address() as AddressInfo
  return {
    ...site,
    heard,
    async connect(browser: Browser | null, dialect: 'first' | 'second' = 'first', headers: Record<string, string> = {}) {
      const cookie = [...(browser?.cookies ?? [])].map(([name, value]) => `${name}=${value}`).join('; ')
      const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`, dialect === 'second' ? [subprotocol] : [], {
        headers: { cookie, ...headers }
      })
      t.after(() => socket.terminate())
      const client = new RawClient(socket)
      await once(socket, 'open')
      return client
    }
  }
}

const unknown = ['session-error', 'unknown session-id for resume']

describe('with fastify-gs', () => {
  it('a session of somebody who is logged in is resumed by the same login only', async (t) => {
    const site = await start(t)
    const [alice, bob] = [await site.member('alice'), await site.member('bob')]
    const client = await site.connect(alice)
    const [, id, secret] = await client.ask('session-create')
    for (const other of [bob, null]) assert.deepEqual(await (await site.connect(other)).ask('session-resume', id, secret), unknown)
    assert.deepEqual(await (await site.connect(alice)).ask('session-resume', id, secret), ['session-ok', id])
  })

  it('a session of a visitor goes on, and belongs to nobody when he logs in', async (t) => {
    const site = await start(t)
    await site.member('alice')
    const visitor = site.browser()
    const client = await site.connect(visitor)
    const [, id, secret] = await client.ask('session-create')
    await visitor.post('/lwsgs/login', { username: 'alice', password })
    assert.deepEqual(await (await site.connect(null)).ask('session-resume', id, secret), ['session-ok', id])
    assert.deepEqual(
      (await site.app.gsWs.sessions.list()).sessions.map(({ owner }) => owner),
      [null]
    )
  })

  for (const dialect of ['first', 'second'] as const) {
    it(`a logout ends its sessions and closes their connections before it is answered (${dialect} dialect)`, async (t) => {
      const site = await start(t)
      const alice = await site.member('alice')
      const client = await site.connect(alice, dialect)
      if (dialect === 'first') await client.ask('session-create')
      else await client.ask('create', { link })
      const free = await site.connect(null)
      await free.ask('session-create')
      await alice.post('/lwsgs/logout')
      assert.equal((await site.app.gsWs.sessions.list()).sessions.length, 1)
      if (dialect === 'first') client.send('note', 'late')
      else client.send('message', 1, 'note', 'late')
      assert.equal(await client.closed, '4401 logout')
      assert.deepEqual(site.heard, [])
      assert.equal(site.app.gsWs.connections.size, 1)
      await free.settled()
    })
  }

  it('a session that has no connection at the moment ends, too', async (t) => {
    const site = await start(t)
    const alice = await site.member('alice')
    const client = await site.connect(alice)
    await client.ask('session-create')
    await client.close()
    await alice.post('/lwsgs/logout')
    assert.equal((await site.app.gsWs.sessions.list()).sessions.length, 0)
  })

  it('the limits are those of this plugin', async (t) => {
    const site = await start(t, { maxFrame: 2000, framesPerSecond: 500, burst: 500 })
    const client = await site.connect(await site.member('alice'))
    await client.ask('session-create')
    for (let n = 0; n < 300; n++) client.send('note', n)
    await client.settled()
    assert.equal(site.heard.length, 300)
    client.send('note', 'x'.repeat(3000))
    assert.match(await client.closed, /^1009/)
  })

  it('an application that registers it too late does not start', async (t) => {
    const other = await build(t)
    const app = Fastify()
    t.after(() => app.close())
    await app.register(fastifyGsWs, { store: memoryStore() })
    await app.register(fastifyGs, {
      baseUrl: 'http://localhost:7681',
      keys: ['only-for-tests-0123456789-abcdefghij'],
      database: { sqlite: `${other.databasePath}-late` },
      mail: { mailer: other.inbox, from: 'Test <noreply@site.test>' }
    })
    await assert.rejects(async () => app.ready(), { name: 'WsOptionError', message: /register fastify-gs before fastify-gs-ws/ })
  })

  it('other owners can be chosen', async (t) => {
    const site = await start(t, { owner: ({ gs }) => (gs.account === null ? null : `account:${gs.account.id}`) })
    const alice = await site.member('alice')
    const client = await site.connect(alice)
    const [, id, secret] = await client.ask('session-create')
    const again = site.browser()
    await again.post('/lwsgs/login', { username: 'alice', password })
    assert.deepEqual(await (await site.connect(again)).ask('session-resume', id, secret), ['session-ok', id])
  })
})
