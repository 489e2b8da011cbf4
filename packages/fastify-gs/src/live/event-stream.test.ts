import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, get, request as httpRequest, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import { openEventStream, type EventStream } from './event-stream.ts'

/** Its port; it is cut after the test. */
async function listening(t: TestContext, listener: RequestListener): Promise<number> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

async function read(port: number): Promise<IncomingMessage> {
  const request = get({ host: '127.0.0.1', port, agent: false })
  request.on('error', () => undefined)
  const [reader] = (await once(request, 'response')) as [IncomingMessage]
  return reader.on('error', () => undefined)
}

/** A stream and its reader, with the number of times that `onClose` was called. */
async function connected(t: TestContext) {
  let closed = 0
  const over = Promise.withResolvers<void>()
  const opened = Promise.withResolvers<{ stream: EventStream; response: ServerResponse }>()
  const port = await listening(t, (_request, response) => {
    const stream = openEventStream(response, { 'content-type': 'text/event-stream' }, () => {
      closed++
      over.resolve()
    })
    opened.resolve({ stream, response })
  })
  const reader = await read(port)
  return { ...(await opened.promise), reader, over: over.promise, closed: () => closed }
}

describe('an event stream', () => {
  it('keeps line breaks inside of an event', async (t) => {
    const { stream, reader } = await connected(t)
    stream.send('session', { username: 'a\n\nevent: ended\ndata: {}\r' }, '7')
    stream.end()
    let text = ''
    for await (const chunk of reader.setEncoding('utf8')) text += chunk
    assert.equal(text, 'retry: 2000\n\nevent: session\nid: 7\ndata: {"username":"a\\n\\nevent: ended\\ndata: {}\\r"}\n\n')
  })

  it('is dropped when its reader takes nothing, with no more than 64 KiB waiting', async (t) => {
    const { stream, response, reader, over, closed } = await connected(t)
    reader.pause()
    let most = 0
    while (!response.destroyed) {
      most = Math.max(most, response.writableLength)
      stream.send('session', { text: 'x'.repeat(8192) }, '7')
      await new Promise(setImmediate)
    }
    assert.ok(most <= 65_536)
    await over
    stream.send('session', {}, '8')
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

  /** Whether the proxy has cut the stream before 40 comments came. */
  const behindProxy = async (t: TestContext, heartbeat: number, idleTimeout: number) => {
    const over = Promise.withResolvers<void>()
    const port = await listening(t, (_request, response) => {
      openEventStream(response, { 'content-type': 'text/event-stream' }, over.resolve, heartbeat)
    })
    const proxy = await listening(t, (_request, outgoing) => {
      const forwarded = httpRequest({ host: '127.0.0.1', port, agent: false }, (answer) => {
        outgoing.writeHead(answer.statusCode!, answer.headers)
        answer.pipe(outgoing)
      })
      forwarded.setTimeout(idleTimeout, () => {
        forwarded.destroy()
        outgoing.destroy()
      })
      outgoing.on('close', () => forwarded.destroy())
      forwarded.on('error', () => undefined)
      forwarded.end()
    })
    const reader = await read(proxy)
    let text = ''
    let cut = true
    reader.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
      if (text.split('\n:\n').length <= 40) return
      cut = false
      reader.destroy()
    })
    await new Promise((resolve) => reader.once('close', resolve))
    await over.promise
    return cut
  }

  it('outlives the idle time of a proxy that is longer than the interval of its comments, and is over when the proxy cuts it', async (t) => {
    assert.equal(await behindProxy(t, 20, 400), false)
    assert.equal(await behindProxy(t, 60_000, 50), true)
  })
})
