import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { WebSocket } from 'ws'
import { ProtocolServer } from '../testing/protocol-server.ts'
import { memoryStorage } from './storage.ts'
import { Client, hook, type WebgramClientOptions } from './webgram.ts'

const options: WebgramClientOptions = { WebSocket, retry: { min: 1, max: 5 } }

describe('the interface of webgram', () => {
  it('works over numbered messages: buffered messages come first, then what is sent when there is a session', async (t) => {
    const server = await ProtocolServer.start(t)
    const client = hook(new Client(server.url, options))
    t.after(() => client.close())
    const heard: unknown[] = []
    client.on('news', (...args) => heard.push(args)).on('$session-active', (...args) => args.length === 0 && client.send('second'))
    client.send('first', 1)
    await client.waitForSession()
    assert.deepEqual(await client.ask('echo', { a: 1 }), { a: 1 })
    server.send('news', 1, 2)
    await client.ask('echo')
    assert.deepEqual(server.handled, [['first', 1], ['second'], ['echo', { a: 1 }], ['echo']])
    assert.deepEqual(heard, [[1, 2]])
    const closed = new Promise<void>((resolve) => client.on('$closed', resolve))
    server.cut()
    await closed
    await client.ask('echo')
  })

  it('finds the session that webgram-sessions has stored, and others that it is given', async (t) => {
    const server = await ProtocolServer.start(t)
    const storage = memoryStorage()
    const first = new Client(server.url, { ...options, storage })
    await first.waitForSession()
    const { id, secret } = first.sessionData!
    first.close()
    const old = { address: server.url, id, secret, whenAdded: '2018-01-01T00:00:00.000Z' }
    for (const more of [{ storage }, { sessionData: old }]) {
      storage.setItem(server.url, JSON.stringify(old))
      const client = new Client(server.url, { ...options, ...more })
      await client.waitForSession()
      assert.equal(client.sessionData!.id, id)
      client.close()
    }
    assert.equal(server.sessions.size, 1)
  })

  it('takes no other client', () => {
    assert.throws(() => hook({ on() {}, send() {} } as unknown as Client), TypeError)
    assert.throws(() => new Client(undefined as unknown as string), TypeError)
  })
})
