import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import fc from 'fast-check'
import { WebSocket } from 'ws'
import { CuttingProxy, type Cut } from '../testing/cutting-proxy.ts'
import { ProtocolServer } from '../testing/protocol-server.ts'
import { createClient, type GsWsClient } from './index.ts'

const retry = { min: 1, max: 3 }

/** Messages, questions and what the server says by itself, over connections that break at these places. */
async function converse(t: TestContext, cuts: (index: number) => Cut | null) {
  const server = await ProtocolServer.start(t)
  const proxy = await CuttingProxy.start(t, server.port, cuts)
  server.react = (reply, event, n) => {
    if (event === 'go') reply('news', n)
  }
  const client = createClient(`ws://127.0.0.1:${proxy.port}/ws`, { retry, WebSocket })
  const heard: unknown[] = []
  const lost: unknown[] = []
  client.on('news', (n) => heard.push(n))
  client.onLocal('lost', (value) => lost.push(value))
  client.send('go', 1)
  client.send('go', 2)
  const answers = [await client.ask('echo', ['a'])]
  client.send('go', 3)
  answers.push(...(await Promise.all([client.ask('echo', ['b']), client.ask('echo', ['c'])])))
  await client.flush()
  const connections = proxy.count
  const { passed } = proxy
  client.close()
  assert.deepEqual(server.handled, [
    ['go', 1],
    ['go', 2],
    ['echo', 'a'],
    ['go', 3],
    ['echo', 'b'],
    ['echo', 'c']
  ])
  assert.deepEqual(heard, [1, 2, 3])
  assert.deepEqual(answers, ['a', 'b', 'c'])
  assert.deepEqual(lost, [])
  // The answer to a first frame may have been lost: then nobody has the secret of that session.
  assert.ok(server.sessions.size <= connections)
  server.server.close()
  for (const socket of proxy.sockets) socket.destroy()
  return { connections, passed: { ...passed } }
}

async function atEachByte(t: TestContext, total: number, run: (after: number) => Promise<unknown>): Promise<void> {
  let next = 1
  const worker = async () => {
    while (next <= total) {
      const after = next++
      await run(after).catch((error: unknown) => {
        throw new Error(`byte ${after} of ${total}`, { cause: error })
      })
    }
  }
  await Promise.all(Array.from({ length: 8 }, worker))
}

describe('a connection that breaks after any byte', () => {
  for (const from of ['client', 'server'] as const) {
    it(`of the ${from}: everything arrives once and in order`, async (t) => {
      const whole = await converse(t, () => null)
      assert.equal(whole.connections, 1)
      await atEachByte(t, whole.passed[from], (after) => converse(t, (index) => (index === 0 ? { from, after } : null)))
    })

    it(`of the ${from}, again while it resumes`, async (t) => {
      // The first one breaks amid the answers.
      const { passed } = await converse(t, () => null)
      const first: Cut = { from: 'server', after: passed.server - 40 }
      const second = await converse(t, (index) => (index === 0 ? first : null))
      assert.equal(second.connections, 2)
      await atEachByte(t, second.passed[from], (after) => converse(t, (index) => [first, { from, after }][index] ?? null))
    })
  }
})

const action = fc.oneof(
  { weight: 6, arbitrary: fc.record({ does: fc.constant('send' as const), times: fc.integer({ min: 1, max: 5 }) }) },
  { weight: 4, arbitrary: fc.record({ does: fc.constant('hear' as const), times: fc.integer({ min: 1, max: 20 }) }) },
  { weight: 3, arbitrary: fc.record({ does: fc.constant('ask' as const), times: fc.constant(1) }) },
  { weight: 3, arbitrary: fc.record({ does: fc.constant('cut' as const), times: fc.constant(1) }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('crash' as const), times: fc.constant(1) }) },
  { weight: 3, arbitrary: fc.record({ does: fc.constant('wait' as const), times: fc.integer({ min: 1, max: 3 }) }) }
)
const cut = fc.option(
  fc.record({ from: fc.constantFrom('client' as const, 'server' as const), after: fc.integer({ min: 1, max: 1500 }) }),
  {
    freq: 6
  }
)

describe('any conversation over any connections', () => {
  it('counts the same on both sides', { timeout: 100_000 }, async (t) => {
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 30 }), fc.array(cut, { maxLength: 8 }), async (actions, cuts) => {
        const server = await ProtocolServer.start(t)
        const proxy = await CuttingProxy.start(t, server.port, (index) => cuts[index] ?? null)
        const client = createClient(`ws://127.0.0.1:${proxy.port}/ws`, { retry, WebSocket, framesPerSecond: 10_000 })
        try {
          await play(server, client, actions)
        } finally {
          client.close()
          server.server.close()
          server.cut()
        }
      }),
      { numRuns: 250 }
    )
  })
})

async function play(server: ProtocolServer, client: GsWsClient, actions: readonly { does: string; times: number }[]): Promise<void> {
  const sent: unknown[] = []
  const said: number[] = []
  const heard: number[] = []
  const asked: Promise<unknown>[] = []
  let lost = 0
  let crashes = 0
  client.on('news', (n: number) => heard.push(n))
  client.onLocal('lost', () => lost++)
  const post = (event: string) => sent.push([event, sent.length])
  for (const { does, times } of actions) {
    for (let n = 0; n < times; n++) {
      if (does === 'send') client.send('x', post('x') - 1)
      else if (does === 'ask') asked.push(client.ask('q', [post('q') - 1]).catch((error: { code?: string }) => error.code))
      else if (does === 'wait') await new Promise((resolve) => setTimeout(resolve, 1))
      else if (does === 'cut') server.cut()
      else if (does === 'crash') {
        crashes++
        server.crash(true)
      } else if (client.session && server.links.size === 1) {
        said.push(said.length)
        server.send('news', said.length - 1)
      }
    }
  }
  await client.flush()
  const answers = await Promise.all(asked)
  assert.deepEqual(server.handled, sent)
  assert.deepEqual(
    heard,
    [...new Set(heard)].sort((a, b) => a - b),
    'once, and in order'
  )
  if (crashes === 0) {
    assert.equal(lost, 0)
    assert.deepEqual(
      answers,
      sent.flatMap((message) => ((message as unknown[])[0] === 'q' ? [(message as unknown[])[1]] : []))
    )
    await server.until(() => heard.length === said.length || [...server.links.values()].every(({ kept }) => kept.length === 0))
    assert.deepEqual(heard, said)
  } else if (heard.length < said.length && lost === 0) {
    // Perhaps still on the way.
    await client.ask('echo')
    assert.ok(heard.length === said.length || lost > 0, 'what is gone is told')
  }
}
