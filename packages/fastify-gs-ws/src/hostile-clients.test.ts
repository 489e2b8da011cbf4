/* What no client of a browser does: raw bytes, and functions of the application that fail meanwhile. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import type { GsWsOptions } from './index.ts'
import { startSite, type Site } from './testing/site.ts'

const upgrade = (path: string) =>
  `GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: ${'A'.repeat(22)}==\r\n\r\n`

function connectRaw(t: TestContext, { port }: Site): Socket {
  const socket = connectTcp(port, '127.0.0.1')
  t.after(() => socket.destroy())
  return socket.on('error', () => undefined)
}

/** A frame as a client sends it; the mask is 0. */
function frame(opcode: number, payload: string | Buffer, isLast = true): Buffer {
  const bytes = Buffer.from(payload)
  assert.ok(bytes.length < 126)
  return Buffer.concat([Buffer.from([(isLast ? 0x80 : 0) | opcode, 0x80 | bytes.length, 0, 0, 0, 0]), bytes])
}
const [text, more, ping] = [1, 0, 9]

async function upgraded(t: TestContext, site: Site) {
  const socket = connectRaw(t, site)
  let received = ''
  socket.on('data', (data) => (received += data.toString('latin1')))
  socket.write(upgrade('/ws'))
  while (!received.includes('\r\n\r\n')) await once(socket, 'data')
  received = ''
  return { socket, received: () => received }
}

const openConnections = ({ app }: Site) => new Promise<number>((resolve) => app.server.getConnections((_error, count) => resolve(count)))
async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = performance.now() + 10_000; !(await isSo()); await turn())
    assert.ok(performance.now() < end, `waited in vain for ${String(isSo)}`)
}

describe('an upgrade', () => {
  it('that is reset while hooks of the application are at work takes no place for ever', async (t) => {
    const waiting: (() => void)[] = []
    let held = true
    const site = await startSite(t, { perAddress: 1 }, (app) => {
      app.addHook('onRequest', () => (held ? new Promise<void>((resolve) => void waiting.push(resolve)) : Promise.resolve()))
    })
    for (let n = 1; n <= 3; n++) {
      const socket = connectRaw(t, site)
      socket.write(upgrade('/ws'))
      await until(() => waiting.length === n)
      socket.resetAndDestroy()
    }
    await until(async () => (await openConnections(site)) === 0)
    for (const go of waiting) go()
    held = false
    const client = await site.connect()
    await client.settled()
  })

  it('to an address that cannot be decoded leaves no connection behind', async (t) => {
    const site = await startSite(t)
    const socket = connectRaw(t, site)
    socket.write(upgrade('/%'))
    const [answer] = (await once(socket, 'data')) as [Buffer]
    assert.match(answer.toString(), /^HTTP\/1.1 400 /)
    socket.destroy()
    await until(async () => (await openConnections(site)) === 0)
  })
})

describe('a message in fragments', () => {
  it('is one, whatever comes between them', async (t) => {
    const site = await startSite(t)
    const { socket, received } = await upgraded(t, site)
    socket.write(frame(text, '["webgram', false))
    for (const part of ['-ping', '', '",', '"ä', '"]']) {
      socket.write(frame(ping, 'there?'))
      const bytes = Buffer.from(part)
      // Cut within a letter.
      for (const byte of bytes) socket.write(frame(more, Buffer.of(byte), false))
      if (bytes.length === 0) socket.write(frame(more, '', false))
    }
    socket.write(frame(more, ''))
    await until(() => received().includes(Buffer.from('["webgram-pong","ä"]').toString('latin1')))
    assert.ok(received().includes('there?'))
    socket.destroy()
  })

  for (const part of ['', ' '])
    it(`that never ends is closed with 1008, as ${part === '' ? 'empty' : 'small'} as they are`, async (t) => {
      const site = await startSite(t)
      const { socket, received } = await upgraded(t, site)
      const closed = once(socket, 'close')
      socket.write(frame(text, '[', false))
      for (let n = 0; n < 300; n++) socket.write(frame(more, part, false))
      await until(() => received().includes('\x88\x02\x03\xf0'))
      socket.end()
      await closed
    })

  it('counts all its bytes', async (t) => {
    const site = await startSite(t, { maxFrame: 1024 })
    const { socket, received } = await upgraded(t, site)
    socket.write(frame(text, '[', false))
    for (let n = 0; n < 11; n++) socket.write(frame(more, ' '.repeat(100), false))
    await until(() => received().includes('\x88\x02\x03\xf1'))
  })
})

describe('messages that are being handled', () => {
  for (const dialect of ['first', 'second'] as const)
    it(`are maxUnacknowledgedBytes at most, and all of them in the end (${dialect} dialect)`, async (t) => {
      const site = await startSite(t, { maxUnacknowledgedBytes: 100_000, burst: 1000 })
      let release = () => {}
      const gate = new Promise<void>((resolve) => (release = resolve))
      let handled = 0
      site.app.gsWs.on('note', async () => {
        await gate
        handled++
      })
      const client = await site.connect(dialect)
      await client.ask(dialect === 'first' ? 'session-create' : 'create')
      const total = 300
      for (let n = 1; n <= total; n++) client.send(...(dialect === 'first' ? [] : ['message', n]), 'note', 'x'.repeat(60_000))
      const { websocketServer } = site.app as unknown as { websocketServer: { clients: Set<{ isPaused: boolean }> } }
      const [socket] = websocketServer.clients
      await until(() => socket!.isPaused)
      // What is on its way fills the buffers of the system, and then waits there.
      const other = await site.connect()
      for (let count = 0; count < 20; count++) await other.settled()
      await other.close()
      assert.ok(client.socket.bufferedAmount > 0, 'the server has read everything')
      release()
      await until(() => handled === total)
      assert.equal(socket!.isPaused, false)
    })
})

describe('a promise where none may be', () => {
  const failing = () => Promise.reject(new Error('failed')) as never
  const site = async (t: TestContext, options: GsWsOptions) => {
    const rejected: unknown[] = []
    const note = (error: unknown) => rejected.push(error)
    process.on('unhandledRejection', note)
    t.after(() => process.off('unhandledRejection', note))
    return { ...(await startSite(t, options)), rejected }
  }
  const errorsOf = ({ log }: Site) =>
    log.all.filter(({ level }) => Number(level) >= 50).map(({ msg, err }) => `${String(msg)}: ${(err as Error).message}`)

  for (const allow of [failing, (() => Promise.resolve(true)) as never, (() => 1) as never])
    it(`is no yes of the option allow, and is told: ${String(allow)}`, async (t) => {
      const { rejected, ...started } = await site(t, { allow })
      let heard = 0
      started.app.gsWs.on('note', () => heard++)
      started.app.gsWs.answer('ask me', () => 1)
      const client = await started.connect()
      await client.ask('session-create')
      client.send('note')
      assert.deepEqual(await client.ask('ask', 1, 'ask me'), [1, { message: 'forbidden' }])
      await turn()
      assert.equal(heard, 0)
      const sentence =
        'the option allow failed; the message was dropped: fastify-gs-ws: the option allow must give true or false, and no promise.'
      assert.deepEqual([errorsOf(started), rejected], [[sentence, sentence], []])
    })

  it('is refused of the option owner', async (t) => {
    const { rejected, ...started } = await site(t, { owner: failing })
    await assert.rejects(started.connect(), /500/)
    await turn()
    assert.match(errorsOf(started).join(), /owner must give a text of 1 to 256 characters, or null, and no promise/)
    assert.deepEqual(rejected, [])
  })

  it('is refused of the function for update()', async (t) => {
    const { rejected, ...started } = await site(t, {})
    started.app.gsWs.answer('change', (conn) => conn.update(failing))
    const client = await started.connect()
    await client.ask('session-create')
    assert.deepEqual(await client.ask('ask', 1, 'change'), [1, { message: 'internal-error' }])
    await turn()
    assert.match(errorsOf(started).join(), /has given a promise/)
    assert.deepEqual(rejected, [])
  })
})

describe('a name that is none', () => {
  const names = [
    '$closed',
    '\uFF04closed',
    '\uFE69closed',
    'session-ok',
    'session-error',
    'ask',
    'cancel',
    'webgram-ping',
    '',
    'x'.repeat(129),
    null,
    ['note']
  ]
  it('is taken by nobody: neither for handlers nor for sending', async (t) => {
    const refused: unknown[] = []
    const site = await startSite(t, {
      onSession(conn) {
        for (const name of names as string[])
          for (const use of [
            () => conn.send(name),
            () => conn.on(name, () => undefined),
            () => site.app.gsWs.on(name, () => undefined),
            () => site.app.gsWs.answer(name, () => undefined)
          ]) {
            assert.throws(use, TypeError, name)
            refused.push(name)
          }
      }
    })
    const client = await site.connect()
    await client.ask('session-create')
    assert.equal(refused.length, 4 * names.length)
  })

  it('is a fault of the client, 100 of which close', async (t) => {
    const site = await startSite(t)
    const client = await site.connect()
    await client.ask('session-create')
    for (let n = 0; n < 100; n++) client.send(['$closed', 'session-ok', '\uFF04x', 'session-error'][n % 4])
    assert.equal(await client.closed, '1008 faults')
  })
})

describe('100 faults close the connection:', () => {
  const faults = {
    'resumes that are refused': ['["session-resume","nobody","x"]'],
    'members that poison objects': [
      '["note",{"__proto__":1}]',
      '["note",[{"\\u005f_proto__":{}}]]',
      '["note",{"constructor":{"prototype":{}}}]',
      '["note",{"\\u0063onstructor":{"prototype":{}}}]'
    ]
  }
  for (const [what, frames] of Object.entries(faults))
    it(what, async (t) => {
      const site = await startSite(t)
      let heard = 0
      site.app.gsWs.on('note', () => heard++)
      const client = await site.connect()
      await client.ask('session-create')
      for (let n = 0; n < 100; n++) client.raw(frames[n % frames.length]!)
      assert.equal(await client.closed, '1008 faults')
      assert.equal(heard, 0)
    })
})
