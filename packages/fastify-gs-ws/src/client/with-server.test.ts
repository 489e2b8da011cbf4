import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import fc from 'fast-check'
import { temporaryDirectory } from 'fastify-gs/testing'
import { WebSocket } from 'ws'
import { sqliteStore, type GsWsOptions } from '../index.ts'
import { CuttingProxy, type Cut } from '../testing/cutting-proxy.ts'
import { startSite } from '../testing/site.ts'
import { createClient, memoryStorage, type ClientOptions } from './index.ts'

interface Counted {
  count?: number
}

/** A site that counts. */
async function start(t: TestContext, options: GsWsOptions = {}) {
  const site = await startSite(t, { perAddress: 10_000, createsPerAddress: 10_000, ...options })
  const heard: unknown[] = []
  site.app.gsWs.on('note', (conn, n) => {
    heard.push(n)
    conn.send('noted', n)
  })
  site.app.gsWs.on('count', async (conn) => {
    const data = conn.session.data as Counted
    data.count = (data.count ?? 0) + 1
    await conn.save()
  })
  site.app.gsWs.answer('count', (conn) => (conn.session.data as Counted).count ?? 0)
  site.app.gsWs.answer('refuse', () => {
    throw Object.assign(new Error('You may not'), { expose: true, code: 'forbidden' })
  })
  site.app.gsWs.answer('fail', () => {
    throw new Error('secret')
  })
  return { ...site, heard }
}

function open(t: TestContext, port: number, options: ClientOptions = {}) {
  const client = createClient(`ws://127.0.0.1:${port}/ws`, { retry: { min: 1, max: 20 }, WebSocket, ...options })
  t.after(() => client.close())
  return client
}

describe('the client and the server', () => {
  it('talk: messages, questions, refusals, the end', async (t) => {
    const { port, heard } = await start(t)
    const client = open(t, port, { fromClient: { is: 'new' } })
    const noted: unknown[] = []
    client.on('noted', (n) => noted.push(n))
    let saved = 0
    client.onLocal('saved', () => saved++)
    for (let n = 0; n < 5; n++) client.send('note', n)
    client.send('count')
    await client.flush()
    assert.equal(await client.ask('count'), 1)
    assert.deepEqual(heard, [0, 1, 2, 3, 4])
    assert.deepEqual(noted, [0, 1, 2, 3, 4])
    assert.ok(saved > 0)
    await assert.rejects(client.ask('refuse'), { message: 'You may not' })
    await assert.rejects(client.ask('fail'), { code: 'internal-error' })
    await assert.rejects(client.ask('nothing'), { code: 'no-handler' })
    await client.end()
    assert.equal(client.state, 'ended')
  })

  it('keep a session over reloads, and share it between tabs', async (t) => {
    const { port } = await start(t)
    const storage = memoryStorage()
    for (let n = 0; n < 4; n++) {
      const client = open(t, port, { storage })
      client.send('count')
      assert.equal(await client.flush().then(() => client.ask('count')), n + 1)
      client.close()
    }
    const tabs = Array.from({ length: 5 }, () => open(t, port, { storage }))
    for (const tab of tabs) tab.send('count')
    await Promise.all(tabs.map((tab) => tab.flush()))
    for (const tab of tabs) assert.equal(await tab.ask('count'), 9)
  })

  it('deliver a full buffer, though the server allows 100 frames a second', { timeout: 60_000 }, async (t) => {
    const { port, heard } = await start(t)
    const client = open(t, port, { framesPerSecond: 95 })
    const states: string[] = []
    for (let n = 0; n < 400; n++) client.send('note', n)
    await client.waitForSession()
    client.subscribe(() => states.push(client.state))
    await client.flush()
    assert.deepEqual(
      heard,
      Array.from({ length: 400 }, (_, n) => n)
    )
    assert.deepEqual(states, [])
  })

  it('count each change once, whatever breaks: connections, and the server', { timeout: 100_000 }, async (t) => {
    const cut = fc.record({ from: fc.constantFrom('client' as const, 'server' as const), after: fc.integer({ min: 300, max: 2500 }) })
    const steps = fc.array(fc.constantFrom('count', 'count', 'count', 'wait', 'cut', 'restart'), { maxLength: 25 })
    const limits = { framesPerSecond: 1000, burst: 1000 }
    await fc.assert(
      fc.asyncProperty(fc.array(cut, { maxLength: 6 }), steps, async (cuts, steps) => {
        const path = join(temporaryDirectory(t), 'ws.sqlite3')
        let site = await start(t, { ...limits, store: await sqliteStore({ path }) })
        const proxy = await CuttingProxy.start(t, site.port, (index): Cut | null => cuts[index] ?? null)
        const client = open(t, proxy.port, { framesPerSecond: 1000 })
        const ids = new Set<unknown>()
        client.onLocal('session', ({ id }) => ids.add(id))
        let count = 0
        let restarts = 0
        try {
          for (const step of steps) {
            if (step === 'cut') proxy.cut()
            else if (step === 'wait') await new Promise((resolve) => setTimeout(resolve, 3))
            else if (step === 'restart' && restarts++ < 2) {
              await site.app.close()
              site = await start(t, { ...limits, store: await sqliteStore({ path }) })
              proxy.target = site.port
            } else {
              client.send('count')
              count++
            }
          }
          await client.flush()
          assert.equal(await client.ask('count'), count)
          assert.equal(ids.size, 1)
        } finally {
          client.close()
          await site.app.close()
        }
      }),
      { numRuns: 30, interruptAfterTimeLimit: 40_000, endOnFailure: true }
    )
  })
})
