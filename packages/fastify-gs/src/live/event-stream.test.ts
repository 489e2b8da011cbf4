import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, get, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import { openEventStream, type EventStream } from './event-stream.ts'

/** A stream and its reader, with the number of times that `onClose` was called. */
async function connected(t: TestContext) {
  let closed = 0
  const over = Promise.withResolvers<void>()
  const opened = Promise.withResolvers<{ stream: EventStream; response: ServerResponse }>()
  const server = createServer((_request, response) => {
    const stream = openEventStream(response, { 'content-type': 'text/event-stream' }, () => {
      closed++
      over.resolve()
    })
    opened.resolve({ stream, response })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const request = get({ host: '127.0.0.1', port: (server.address() as AddressInfo).port, agent: false })
  request.on('error', () => undefined)
  const [reader] = (await once(request, 'response')) as [IncomingMessage]
  reader.on('error', () => undefined)
  return { ...(await opened.promise), reader, over: over.promise, closed: () => closed }
}

describe('an event stream', () => {
  it('keeps line breaks inside of an event', async (t) => {
    const { stream, reader } = await connected(t)
    stream.send('session', { username: 'a\n\nevent: ended\ndata: {}\r' })
    stream.end()
    let text = ''
    for await (const chunk of reader.setEncoding('utf8')) text += chunk
    assert.equal(text, 'retry: 2000\n\nevent: session\ndata: {"username":"a\\n\\nevent: ended\\ndata: {}\\r"}\n\n')
  })

  it('is dropped when its reader takes nothing, with no more than 64 KiB waiting', async (t) => {
    const { stream, response, reader, over, closed } = await connected(t)
    reader.pause()
    let most = 0
    while (!response.destroyed) {
      most = Math.max(most, response.writableLength)
      stream.send('session', { text: 'x'.repeat(8192) })
      await new Promise(setImmediate)
    }
    assert.ok(most <= 65_536)
    await over
    stream.send('session', {})
    stream.end()
    assert.equal(closed(), 1)
  })

  it('is over once, whoever ends it', async (t) => {
    const byReader = await connected(t)
    byReader.reader.destroy()
    await byReader.over
    const byServer = await connected(t)
    byServer.stream.end()
    byServer.stream.end()
    byServer.reader.resume()
    await byServer.over
    assert.deepEqual([byReader.closed(), byServer.closed()], [1, 1])
  })

  it('sends a comment every 20 s', async (t) => {
    t.mock.timers.enable({ apis: ['setInterval'] })
    const { reader } = await connected(t)
    reader.setEncoding('utf8')
    const [first] = (await once(reader, 'data')) as [string]
    assert.equal(first, 'retry: 2000\n\n')
    t.mock.timers.tick(19_999)
    t.mock.timers.tick(1)
    const [second] = (await once(reader, 'data')) as [string]
    assert.equal(second, ':\n\n')
  })
})
