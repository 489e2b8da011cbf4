import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { WebSocket } from 'ws'
import { createClient } from './client/index.ts'
import { Queue, startSite } from './testing/site.ts'

describe('our client and our server', () => {
  it('lose nothing, twice nothing and keep the order while connections break', async (t) => {
    const told = new Queue<unknown>()
    const site = await startSite(t, { framesPerSecond: 10_000 })
    let count = 0
    site.app.gsWs.on('add', async (conn, n) => {
      const data = conn.session.data as { sum?: number }
      data.sum = (data.sum ?? 0) + Number(n)
      await conn.save()
      conn.send('sum', data.sum)
      // In the midst of it, so that something is always under way.
      if (++count % 10 === 0) for (const socket of clients()) socket.terminate()
    })
    site.app.gsWs.answer('sum', (conn) => (conn.session.data as { sum?: number }).sum)
    const clients = () => (site.app as unknown as { websocketServer: { clients: Set<WebSocket> } }).websocketServer.clients
    const client = createClient(`ws://127.0.0.1:${site.port}/ws`, { WebSocket })
    t.after(() => client.close())
    client.on('sum', (sum: unknown) => told.push(sum))
    for (let n = 1; n <= 40; n++) client.send('add', n)
    for (let n = 1; n <= 40; n++) assert.equal(await told.next(), (n * (n + 1)) / 2)
    assert.equal(await client.ask('sum'), 820)
    assert.equal(count, 40)
    assert.equal(site.app.gsWs.connections.size, 1)
  })
})
