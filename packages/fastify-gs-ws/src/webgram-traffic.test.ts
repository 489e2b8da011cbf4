/* What the published clients of webgram-sessions send and must hear, frame by frame; and whole stories of such clients. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import fastify from 'fastify'
import { WebSocket } from 'ws'
import { fastifyGsWs, memoryStore, sqliteStore, type GsWsOptions, type WsConnection } from './index.ts'
import { WebgramClient } from './testing/webgram-client.ts'

interface Notes {
  notes?: string[]
  count?: number
}

const dataOf = (conn: WsConnection) => conn.session.data as Notes

/** A server with the application that all scripts talk to; can be stopped and started again on the same address and file. */
async function startServer(t: TestContext, options: Pick<GsWsOptions, 'ids'>) {
  const directory = mkdtempSync(join(tmpdir(), 'gs-ws-traffic-'))
  let stop = async () => {}
  let port = 0
  const start = async () => {
    const store = await sqliteStore({ path: join(directory, 'ws.sqlite3') })
    const app = fastify({ forceCloseConnections: true })
    const release: (() => void)[] = []
    await app.register(fastifyGsWs, { path: '/ws', store, ...options, onSession: (conn) => conn.send('welcome', conn.resumed) })
    app.gsWs.on('note', async (conn, text) => {
      const data = dataOf(conn)
      data.notes = [...(data.notes ?? []), String(text)]
      conn.send('noted', data.notes)
      await conn.save()
    })
    app.gsWs.on('add', async (conn) => {
      const count = await conn.update((data: Notes) => (data.count = (data.count ?? 0) + 1))
      for (const each of conn.session.connections) each.send('count', count)
    })
    app.gsWs.on('release', () => release.splice(0).forEach((done) => done()))
    app.gsWs.answer('double', (_conn, number) => Number(number) * 2)
    app.gsWs.answer('later', (_conn, value) => Promise.resolve(value))
    app.gsWs.answer('nothing', () => undefined)
    app.gsWs.answer('slow', () => new Promise<void>((resolve) => release.push(resolve)))
    app.gsWs.answer('refuse', () => {
      throw new Error('client: not today')
    })
    app.gsWs.answer('break', () => Promise.reject(new Error('the password of the database')))
    app.gsWs.answer('who', (conn) => conn.session.fromClient)
    app.gsWs.answer('me', (conn) => conn.session.id)
    await app.listen({ host: '127.0.0.1', port })
    port = (app.server.address() as AddressInfo).port
    stop = () => app.close()
  }
  await start()
  t.after(async () => {
    await stop()
    rmSync(directory, { recursive: true })
  })
  return {
    address: () => `ws://127.0.0.1:${port}/ws`,
    async restart() {
      await stop()
      await start()
    }
  }
}

/** Stands for a value: the first frame that is heard with it gives it, later ones must have the same. */
interface Unknown {
  readonly the: string
}
const the = (name: string): Unknown => ({ the: name })
const [id, secret, id2, secret2] = [the('id'), the('secret'), the('id2'), the('secret2')]

type Frame = readonly unknown[]
type Line =
  | readonly [who: string, does: 'opens' | 'closes']
  | readonly [who: string, says: 'says' | 'says in binary', ...frames: Frame[]]
  | readonly [who: string, says: 'says literally', ...texts: string[]]
  | readonly [who: string, hears: 'hears', ...frames: Frame[]]
  | readonly ['server', 'restarts']

/** Frames of a connection in order, also those that come before somebody waits. */
class Wire {
  readonly socket: WebSocket
  readonly #heard: string[] = []
  readonly #more = new Set<() => void>()

  constructor(address: string) {
    this.socket = new WebSocket(address)
    const wake = () => this.#more.forEach((resolve) => resolve())
    this.socket.on('message', (text: Buffer) => {
      this.#heard.push(text.toString())
      wake()
    })
    this.socket.on('close', wake)
  }

  async next(): Promise<unknown> {
    while (this.#heard.length === 0) {
      if (this.socket.readyState === WebSocket.CLOSED) throw new Error('The connection was closed.')
      await new Promise<void>((resolve) => this.#more.add(resolve))
    }
    return JSON.parse(this.#heard.shift()!)
  }
}

const isUnknown = (value: unknown): value is Unknown => typeof value === 'object' && value !== null && Object.hasOwn(value, 'the')

async function play(t: TestContext, script: readonly Line[], options: Pick<GsWsOptions, 'ids'>): Promise<Map<string, unknown>> {
  const server = await startServer(t, options)
  const known = new Map<string, unknown>()
  const wires = new Map<string, Wire>()
  const put = (value: unknown) => (isUnknown(value) ? known.get(value.the) : value)
  const hear = async (who: string, expected: Frame) => {
    const frame = (await wires.get(who)!.next()) as unknown[]
    for (const [index, value] of expected.entries()) if (isUnknown(value) && !known.has(value.the)) known.set(value.the, frame[index])
    assert.deepEqual(frame, expected.map(put), `what ${who} hears`)
  }
  for (const [who, does, ...what] of script) {
    const socket = wires.get(who)?.socket
    if (does === 'restarts') {
      await server.restart()
    } else if (does === 'opens') {
      const wire = new Wire(server.address())
      wires.set(who, wire)
      await once(wire.socket, 'open')
    } else if (does === 'closes') {
      wires.delete(who)
      socket!.close()
      await once(socket!, 'close')
    } else if (does === 'hears') {
      for (const expected of what) await hear(who, expected as Frame)
    } else {
      for (const frame of what) {
        const text = typeof frame === 'string' ? frame : JSON.stringify(frame.map(put))
        socket!.send(does === 'says in binary' ? Buffer.from(text) : text)
      }
    }
  }
  // Nothing else has come: the answer to a ping is the next frame.
  for (const [who, { socket }] of wires) {
    socket.send(JSON.stringify(['webgram-ping', 'the end']))
    await hear(who, ['webgram-pong', 'the end'])
    socket.close()
  }
  return known
}

const create: Line = ['a', 'says', ['session-create']]
const created: Line = ['a', 'hears', ['session-ok', id, secret], ['welcome', false]]
const begin: readonly Line[] = [['a', 'opens'], create, created]

const scripts: Record<string, readonly Line[]> = {
  'a new session is told before anything of the application': begin,
  'a session is resumed, by the id as it was sent and without a secret': [
    ...begin,
    ['a', 'says', ['note', 'one']],
    ['a', 'hears', ['noted', ['one']]],
    ['a', 'closes'],
    ['b', 'opens'],
    ['b', 'says', ['session-resume', id, secret]],
    ['b', 'hears', ['session-ok', id], ['welcome', true]],
    ['b', 'says', ['note', 'two']],
    ['b', 'hears', ['noted', ['one', 'two']]]
  ],
  'a session is resumed after a restart, again and again with the first secret': [
    ...begin,
    ['a', 'says', ['note', 'one']],
    ['a', 'hears', ['noted', ['one']]],
    ['a', 'closes'],
    ['server', 'restarts'],
    ['b', 'opens'],
    ['b', 'says', ['session-resume', id, secret]],
    ['b', 'hears', ['session-ok', id], ['welcome', true]],
    ['b', 'closes'],
    ['server', 'restarts'],
    ['c', 'opens'],
    ['c', 'says', ['session-resume', id, secret], ['note', 'two']],
    ['c', 'hears', ['session-ok', id], ['welcome', true], ['noted', ['one', 'two']]]
  ],
  '0.1.0: an unknown id is answered, and its client goes': [
    ['a', 'opens'],
    ['a', 'says', ['session-resume', 'nobody', 'c2VjcmV0']],
    ['a', 'hears', ['session-error', 'unknown session-id for resume']],
    ['a', 'closes']
  ],
  'later: after an unknown id the client creates, and sends what it has kept': [
    ['a', 'opens'],
    ['a', 'says', ['session-resume', 4711, 'c2VjcmV0']],
    ['a', 'hears', ['session-error', 'unknown session-id for resume']],
    create,
    created,
    ['a', 'says', ['note', 'kept 1'], ['note', 'kept 2']],
    ['a', 'hears', ['noted', ['kept 1']], ['noted', ['kept 1', 'kept 2']]]
  ],
  'later: after a wrong secret the client creates; the session of the other one is untouched': [
    ...begin,
    ['b', 'opens'],
    ['b', 'says', ['session-resume', id, 'd3Jvbmc=']],
    ['b', 'hears', ['session-error', 'incorrect-secret']],
    ['b', 'says', ['session-create']],
    ['b', 'hears', ['session-ok', id2, secret2], ['welcome', false]],
    ['b', 'says', ['ask', 1, 'me']],
    ['b', 'hears', [1, null, id2]],
    ['a', 'says', ['ask', 1, 'me']],
    ['a', 'hears', [1, null, id]]
  ],
  'the words of the old bookkeeping are no ids': [
    ['a', 'opens'],
    ['a', 'says', ['session-resume', 'nextSessionID', 'c2VjcmV0'], ['session-resume', '__proto__', 'c2VjcmV0']],
    ['a', 'hears', ['session-error', 'unknown session-id for resume'], ['session-error', 'unknown session-id for resume']]
  ],
  'a resume whose arguments are none is an internal error, and another try is possible': [
    ['a', 'opens'],
    ...[[], [null, null], [1], ['', 'c2VjcmV0'], [['x'], 'c2VjcmV0'], [{}, {}], [true, 'c2VjcmV0']].flatMap((credentials): Line[] => [
      ['a', 'says', ['session-resume', ...credentials]],
      ['a', 'hears', ['session-error', 'internal-error']]
    ]),
    create,
    created
  ],
  'messages and questions before the session wait for it, in order': [
    ['a', 'opens'],
    ['a', 'says', ['note', 'early'], ['note', 'still early'], ['ask', 1, 'double', 21]],
    create,
    created,
    ['a', 'hears', ['noted', ['early']], ['noted', ['early', 'still early']], [1, null, 42]]
  ],
  'what waits for a session outlives an error': [
    ['a', 'opens'],
    ['a', 'says', ['note', 'early'], ['session-resume', 'nobody', 'c2VjcmV0']],
    ['a', 'hears', ['session-error', 'unknown session-id for resume']],
    create,
    created,
    ['a', 'hears', ['noted', ['early']]]
  ],
  'questions are answered by their code': [
    ...begin,
    ['a', 'says', ['ask', 1, 'double', 4]],
    ['a', 'hears', [1, null, 8]],
    ['a', 'says', ['ask', 2, 'later', { x: [null, 'ü'] }]],
    ['a', 'hears', [2, null, { x: [null, 'ü'] }]],
    ['a', 'says', ['ask', 3, 'nothing']],
    ['a', 'hears', [3, null, null]],
    ['a', 'says', ['ask', 4, 'unheard-of']],
    ['a', 'hears', [4, 'no handler']],
    ['a', 'says', ['ask', 5, 'constructor'], ['ask', 6, 'toString'], ['ask', 7, '__proto__']],
    ['a', 'hears', [5, 'no handler'], [6, 'no handler'], [7, 'no handler']]
  ],
  'a refusal reaches the client, a fault of the server does not': [
    ...begin,
    ['a', 'says', ['ask', 1, 'refuse']],
    ['a', 'hears', [1, { message: 'client: not today' }]],
    ['a', 'says', ['ask', 2, 'break']],
    ['a', 'hears', [2, { message: 'internal-error' }]]
  ],
  'a code that could be the name of another frame is not answered': [
    ...begin,
    ['a', 'says', ['ask', 'session-ok', 'double', 1], ['ask', 0, 'double', 1], ['ask', -1, 'double', 1], ['ask', 1.5, 'double', 1]],
    ['a', 'says', ['ask', null, 'double', 1], ['ask', ['count'], 'double', 1], ['ask']]
  ],
  'an answer that is cancelled is not sent': [
    ...begin,
    ['a', 'says', ['ask', 1, 'slow'], ['ask', 2, 'slow'], ['cancel', 1], ['release']],
    ['a', 'hears', [2, null, null]],
    ['a', 'says', ['cancel', 1], ['cancel', 99], ['cancel', 'x'], ['cancel']]
  ],
  'a ping is answered with its arguments, also before a session': [
    ['a', 'opens'],
    ['a', 'says', ['webgram-ping']],
    ['a', 'hears', ['webgram-pong']],
    ['a', 'says', ['webgram-ping', 1, { two: [3] }]],
    ['a', 'hears', ['webgram-pong', 1, { two: [3] }]],
    create,
    created,
    ['a', 'says', ['webgram-ping', null]],
    ['a', 'hears', ['webgram-pong', null]]
  ],
  'two connections share one session': [
    ...begin,
    ['b', 'opens'],
    ['b', 'says', ['session-resume', id, secret]],
    ['b', 'hears', ['session-ok', id], ['welcome', true]],
    ['a', 'says', ['add']],
    ['a', 'hears', ['count', 1]],
    ['b', 'hears', ['count', 1]],
    ['b', 'says', ['add']],
    ['a', 'hears', ['count', 2]],
    ['b', 'hears', ['count', 2]],
    ['a', 'closes'],
    ['b', 'says', ['add']],
    ['b', 'hears', ['count', 3]]
  ],
  'two connections that resume at once after a restart share one session': [
    ...begin,
    ['a', 'closes'],
    ['server', 'restarts'],
    ['b', 'opens'],
    ['c', 'opens'],
    ['b', 'says', ['session-resume', id, secret]],
    ['c', 'says', ['session-resume', id, secret]],
    ['b', 'hears', ['session-ok', id], ['welcome', true]],
    ['c', 'hears', ['session-ok', id], ['welcome', true]],
    ['b', 'says', ['add']],
    ['b', 'hears', ['count', 1]],
    ['c', 'hears', ['count', 1]],
    ['c', 'says', ['add']],
    ['b', 'hears', ['count', 2]],
    ['c', 'hears', ['count', 2]]
  ],
  'what the client says of itself stays with the session': [
    ['a', 'opens'],
    ['a', 'says', ['session-create', { app: 'old', list: [1, null, 'ü'] }]],
    created,
    ['a', 'says', ['ask', 1, 'who']],
    ['a', 'hears', [1, null, { app: 'old', list: [1, null, 'ü'] }]],
    ['a', 'closes'],
    ['b', 'opens'],
    ['b', 'says', ['session-resume', id, secret], ['ask', 1, 'who']],
    ['b', 'hears', ['session-ok', id], ['welcome', true], [1, null, { app: 'old', list: [1, null, 'ü'] }]]
  ],
  'a client that says far too much of itself gets no session': [
    ['a', 'opens'],
    ['a', 'says', ['session-create', 'x'.repeat(4097)]],
    ['a', 'hears', ['session-error', 'internal-error']]
  ],
  'a second create moves the connection to another session': [
    ...begin,
    ['a', 'says', ['add']],
    ['a', 'hears', ['count', 1]],
    create,
    ['a', 'hears', ['session-ok', id2, secret2], ['welcome', false]],
    ['a', 'says', ['add']],
    ['a', 'hears', ['count', 1]],
    ['b', 'opens'],
    ['b', 'says', ['session-resume', id, secret], ['add']],
    ['b', 'hears', ['session-ok', id], ['welcome', true], ['count', 2]]
  ],
  'a question that is open when the connection moves is not answered': [
    ...begin,
    ['a', 'says', ['ask', 1, 'slow'], ['session-create']],
    ['a', 'hears', ['session-ok', id2, secret2], ['welcome', false]],
    ['a', 'says', ['release'], ['ask', 2, 'double', 4]],
    ['a', 'hears', [2, null, 8]]
  ],
  'a resume on a connection with a session moves it back': [
    ...begin,
    create,
    ['a', 'hears', ['session-ok', id2, secret2], ['welcome', false]],
    ['a', 'says', ['session-resume', id, secret]],
    ['a', 'hears', ['session-ok', id], ['welcome', true]],
    ['a', 'says', ['ask', 1, 'me']],
    ['a', 'hears', [1, null, id]]
  ],
  'a resume that fails leaves the connection in its session': [
    ...begin,
    ['a', 'says', ['session-resume', 'nobody', 'c2VjcmV0'], ['ask', 1, 'me']],
    ['a', 'hears', ['session-error', 'unknown session-id for resume'], [1, null, id]]
  ],
  'frames may be binary': [
    ['a', 'opens'],
    ['a', 'says in binary', ['session-create']],
    created,
    ['a', 'says in binary', ['note', 'ü']],
    ['a', 'hears', ['noted', ['ü']]]
  ],
  'what is no message is passed over, before a session and in it': [
    ['a', 'opens'],
    ['a', 'says literally', '5', 'null', '{}', '[]', '[null]', '"x"', '[5]', '{"0":"x","length":1}', 'no JSON', ''],
    ['a', 'says', [['$session-active']], ['$session-active'], [['$closed']], ['$save'], ['session-ok', 1, 'x'], ['session-error', 'x']],
    create,
    created,
    ['a', 'says literally', '5', 'null', '{}', '[]', '[null]', '"x"', '[5]', '{"0":"x","length":1}', 'no JSON', ''],
    ['a', 'says', [['$session-active']], ['$session-active'], [['$closed']], ['$save'], ['session-ok', 1, 'x'], ['unheard-of', 1]],
    ['a', 'says', ['note', 'alive']],
    ['a', 'hears', ['noted', ['alive']]]
  ]
}

for (const ids of ['random', 'sequence'] as const) {
  for (const [name, script] of Object.entries(scripts)) {
    test(`${name} (${ids} ids)`, async (t) => {
      const known = await play(t, script, { ids })
      if (!known.has('id')) return
      assert.match(known.get('secret') as string, /^[A-Za-z\d+/]{86}==$/)
      if (ids === 'sequence') assert.equal(known.get('id'), 1)
      else assert.match(known.get('id') as string, /^[\w-]{22}$/)
    })
  }
}

test('ids that are numbers go on after a restart, and a text with the same digits is no id', async (t) => {
  const known = await play(
    t,
    [
      ...begin,
      ['a', 'closes'],
      ['server', 'restarts'],
      ['b', 'opens'],
      ['b', 'says', ['session-create']],
      ['b', 'hears', ['session-ok', 2, secret2], ['welcome', false]],
      ['b', 'says', ['session-resume', '1', secret]],
      ['b', 'hears', ['session-error', 'unknown session-id for resume']],
      ['b', 'says', ['session-resume', 1, secret]],
      ['b', 'hears', ['session-ok', 1], ['welcome', true]]
    ],
    { ids: 'sequence' }
  )
  assert.equal(known.get('id'), 1)
})

for (const [where, rewriteUrl, path] of [
  ['at the root', undefined, '/'],
  [
    'at any path, beside a page at the root',
    (request: IncomingMessage) => (request.headers.upgrade === undefined ? request.url! : '/ws'),
    '/ws'
  ]
] as const) {
  test(`is there for clients that connect ${where}`, async (t) => {
    const app = fastify({ forceCloseConnections: true, ...(rewriteUrl && { rewriteUrl }) })
    t.after(() => app.close())
    await app.register(fastifyGsWs, { path, store: memoryStore() })
    app.gsWs.answer('me', (conn) => conn.session.id)
    if (path !== '/') app.get('/', () => 'the page')
    const address = await app.listen({ host: '127.0.0.1', port: 0 })
    const client = new WebgramClient(address.replace('http', 'ws'), new Map(), 'later')
    assert.match((await client.ask('me')) as string, /^[\w-]{22}$/)
    await client.close()
    assert.equal((await fetch(address)).status, path === '/' ? 404 : 200)
  })
}

for (const version of ['0.1.0', 'later'] as const) {
  test(`a client of ${version} counts on over reloads and restarts`, async (t) => {
    const server = await startServer(t, { ids: 'sequence' })
    const storage = new Map()
    for (const expected of [1, 2, 3]) {
      const client = new WebgramClient(server.address(), storage, version)
      client.send('add')
      assert.deepEqual(await once(client, 'count'), [expected])
      assert.equal(await client.ask('double', expected), expected * 2)
      assert.equal(await client.ask('me'), 1)
      await client.close()
      if (expected === 2) await server.restart()
    }
    assert.equal(storage.size, 1)
  })
}

test('a client of 0.1.0 gives up when its session is unknown, a later one begins anew and sends what it kept once', async (t) => {
  const server = await startServer(t, { ids: 'sequence' })
  const stored = { id: 77, secret: 'c2VjcmV0' }
  const old = new WebgramClient(server.address(), new Map([[server.address(), stored]]), '0.1.0')
  assert.deepEqual(await once(old, '$failed'), ['login failed: unknown session-id for resume'])
  await old.close()

  const storage = new Map([[server.address(), stored]])
  const later = new WebgramClient(server.address(), storage, 'later')
  later.send('add')
  const asked = later.ask('me')
  assert.deepEqual(await once(later, 'count'), [1])
  assert.equal(await asked, 1)
  assert.equal(storage.get(server.address())!.id, 1)
  later.send('add')
  assert.deepEqual(await once(later, 'count'), [2])
  await later.close()
})
