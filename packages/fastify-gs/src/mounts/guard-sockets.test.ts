import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, it, type TestContext } from 'node:test'
import websocket from '@fastify/websocket'
import Fastify, { type FastifyInstance, type FastifyRequest } from 'fastify'
import type { WebSocket } from 'ws'
import { sessionRegistryOf } from '../live/session-registry.ts'
import type { GsOptions } from '../options.ts'
import { fastifyGs } from '../plugin.ts'
import { Browser, build, Inbox, password, quickHasher, type Built } from '../testing/build.ts'
import { Queue } from '../testing/queue.ts'
import { rawRequest } from '../testing/raw-request.ts'
import { anyData } from '../testing/session-data.ts'
import { askForSocket, openSocket, ownOrigin, portOf } from '../testing/socket-client.ts'

/** Answers with the name of who is logged in, and what he has said. */
const parrot = (socket: WebSocket, request: FastifyRequest) => {
  socket.on('message', (data: Buffer) => socket.send(`${request.gs.account?.username ?? 'nobody'} ${data.toString()}`))
}

function routes(app: FastifyInstance): void {
  app.get('/open', { websocket: true }, parrot)
  app.get('/free', { websocket: true, config: { gs: { level: 'none' } } }, parrot)
  app.get('/live', { websocket: true, config: { gs: 'user+verified' } }, parrot)
  app.get('/staff', { websocket: true, config: { gs: { level: 'staff' } } }, parrot)
  app.get('/nobody', { websocket: true, config: { gs: { level: 'nobody' } } }, parrot)
  app.get('/required', { websocket: true, onRequest: app.gs.requirePolicy('user') }, parrot)
  app.route({ method: 'GET', url: '/both', config: { gs: 1 }, handler: () => 'a page', wsHandler: parrot })
  app.get('/page', () => 'a page')
  app.get('/members', { config: { gs: 1 } }, () => 'a page')
}

/** Where the plugins stand. */
const orders: Record<string, (app: FastifyInstance, gs: () => Promise<void>) => Promise<void>> = {
  'fastify-gs before @fastify/websocket': async (app, gs) => {
    await gs()
    await app.register(websocket)
    routes(app)
  },
  '@fastify/websocket before fastify-gs': async (app, gs) => {
    await app.register(websocket)
    await gs()
    routes(app)
  },
  '@fastify/websocket in a scope of its own': async (app, gs) => {
    await gs()
    await app.register(async (scope) => {
      await scope.register(websocket)
      routes(scope)
    })
    app.get('/outside', () => 'a page')
  }
}

interface Site {
  readonly app: FastifyInstance
  readonly visitors: Readonly<Record<'stranger' | 'fresh' | 'alice' | 'thief', Browser | null>>
}

/** A site with somebody who is not verified, a member, and a browser with a token that is none. */
async function start(t: TestContext, order: keyof typeof orders, options: Partial<GsOptions> = {}): Promise<Site> {
  const app = Fastify()
  t.after(() => app.close())
  const inbox = new Inbox()
  await orders[order]!(app, async () => {
    await app.register(fastifyGs, {
      baseUrl: ownOrigin,
      keys: ['only-for-tests-0123456789-abcdefghij'],
      database: { sqlite: ':memory:' },
      mail: { mailer: inbox, from: 'a@b.test' },
      password: { hasher: quickHasher },
      rateLimits: false,
      ...options
    })
  })
  await app.ready()
  const alice = new Browser(app)
  await alice.post('/lwsgs/register', { username: 'alice', email: 'alice@mail.test', password })
  await alice.post('/lwsgs/verify-email', { token: await inbox.token('alice@mail.test', /Confirm/) })
  const fresh = new Browser(app)
  await fresh.post('/lwsgs/register', { username: 'fresh', email: 'fresh@mail.test', password })
  await fresh.post('/lwsgs/login', { username: 'fresh', password })
  const thief = new Browser(app)
  thief.cookies.set('gs', 'A'.repeat(27))
  return { app, visitors: { stranger: null, fresh, alice, thief } }
}

describe('an upgrade', () => {
  const missing = '404'
  /** What each path answers to a stranger, somebody who is not verified, and a member. */
  const table: readonly [path: string, stranger: string, fresh: string, alice: string][] = [
    ['/open', '101', '101', '101'],
    ['/free', '101', '101', '101'],
    ['/live', '401 GS_NOT_LOGGED_IN', '403 GS_FORBIDDEN', '101'],
    ['/staff', '401 GS_NOT_LOGGED_IN', missing, missing],
    ['/nobody', missing, missing, missing],
    ['/required', '401 GS_NOT_LOGGED_IN', '101', '101'],
    ['/both', '401 GS_NOT_LOGGED_IN', '101', '101'],
    ['/page', missing, missing, missing],
    ['/members', '401 GS_NOT_LOGGED_IN', missing, missing],
    ['/lwsgs/session', missing, missing, missing],
    ['/lwsgs/', missing, missing, missing],
    ['/', missing, missing, missing],
    ['/none', missing, missing, missing],
    ['/LIVE', missing, missing, missing],
    ['//live', missing, missing, missing],
    ['/live/', missing, missing, missing],
    ['/l%69ve', '401 GS_NOT_LOGGED_IN', '403 GS_FORBIDDEN', '101']
  ]
  for (const order of Object.keys(orders)) {
    it(`is refused before it happens, as the policy says: ${order}`, async (t) => {
      const { app, visitors } = await start(t, order)
      for (const [url, stranger, fresh, alice] of table) {
        const found = await Promise.all(
          (['stranger', 'thief', 'fresh', 'alice'] as const).map((who) => askForSocket(t, app, visitors[who], { url }))
        )
        assert.deepEqual(found, [stranger, stranger, fresh, alice], url)
      }
    })

    it(`leaves requests that want no upgrade alone: ${order}`, async (t) => {
      const { app, visitors } = await start(t, order)
      const statuses = await Promise.all(['/both', '/page', '/members', '/live'].map((url) => visitors.alice!.get(url)))
      assert.deepEqual(
        statuses.map(({ statusCode }) => statusCode),
        [200, 200, 200, 404]
      )
      assert.equal((await app.inject('/both')).statusCode, 401)
    })

    it(`knows at once who is there, and closes with 1001 when the application does: ${order}`, async (t) => {
      const { app, visitors } = await start(t, order)
      const sockets = [await openSocket(t, app, visitors.alice, { url: '/live' }), await openSocket(t, app, null, { url: '/open' })]
      assert.equal(await sockets[0]!.ask('hello'), 'alice hello')
      assert.equal(await sockets[1]!.ask('hello'), 'nobody hello')
      await app.close()
      for (const socket of sockets) assert.equal(await socket.closed, '1001 closing')
    })
  }

  it('outside of the scope of @fastify/websocket is answered as a missing address too, and the connection ends', async (t) => {
    const { app, visitors } = await start(t, '@fastify/websocket in a scope of its own')
    const port = await portOf(app)
    const cookie = `gs=${visitors.alice!.token}`
    for (const url of ['/outside', '/none']) {
      const answer = await rawRequest(port, 'GET', url, { ...upgrade, cookie, origin: ownOrigin })
      assert.equal(answer.status, 404)
    }
  })

  it('to a hidden route cannot be told from one to a missing address', async (t) => {
    const { app, visitors } = await start(t, '@fastify/websocket before fastify-gs')
    const port = await portOf(app)
    const [hidden, absent] = await Promise.all(
      ['/staff', '/stuff'].map((url) =>
        rawRequest(port, 'GET', url, { ...upgrade, cookie: `gs=${visitors.alice!.token}`, origin: ownOrigin })
      )
    )
    const told = (text: string) => text.replaceAll('/staff', '/stuff').replace(/date: .*/i, '')
    assert.equal(told(hidden!.text), told(absent!.text))
  })

  it('asks the default level, also where nothing is', async (t) => {
    const { app, visitors } = await start(t, '@fastify/websocket before fastify-gs', { defaultLevel: 'user' })
    for (const [url, stranger, alice] of [
      ['/open', '401 GS_NOT_LOGGED_IN', '101'],
      ['/free', '101', '101'],
      ['/page', '401 GS_NOT_LOGGED_IN', '404'],
      ['/none', '401 GS_NOT_LOGGED_IN', '404']
    ] as const)
      for (const [who, expected] of [
        ['stranger', stranger],
        ['alice', alice]
      ] as const)
        assert.equal(await askForSocket(t, app, visitors[who], { url }), expected, `${who} ${url}`)
    const alice = await openSocket(t, app, visitors.alice, { url: '/open' })
    await visitors.alice!.post('/lwsgs/logout')
    assert.equal(await alice.closed, '4401 logout')
  })
})

const upgrade = {
  connection: 'Upgrade',
  upgrade: 'websocket',
  'sec-websocket-version': '13',
  'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ=='
}

/** The status that a request for a websocket gets, whatever its headers are. */
async function statusOf(app: FastifyInstance, url: string, headers: Record<string, string>): Promise<number> {
  const socket = connect(await portOf(app), '127.0.0.1')
  const lines = Object.entries({ host: 'localhost:7681', ...upgrade, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.write(`GET ${url} HTTP/1.1\r\n${lines.join('')}\r\n`)
  const [data] = (await once(socket, 'data')) as [Buffer]
  socket.destroy()
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(data.toString())![1])
}

describe('the origin of a websocket', () => {
  const origins: readonly [headers: Record<string, string>, status: number][] = [
    [{ origin: ownOrigin }, 101],
    [{ origin: 'HTTP://LOCALHOST:7681' }, 101],
    [{ origin: ownOrigin, 'sec-fetch-site': 'same-origin' }, 101],
    // The page was loaded under another name of the server.
    [{ host: '127.0.0.1:7681', origin: 'http://127.0.0.1:7681' }, 101],
    [{}, 403],
    [{ 'sec-fetch-site': 'same-origin' }, 403],
    [{ origin: '' }, 403],
    [{ origin: 'null' }, 403],
    [{ origin: 'https://evil.test' }, 403],
    [{ origin: 'https://evil.test', 'sec-fetch-site': 'same-origin' }, 403],
    [{ origin: ownOrigin, 'sec-fetch-site': 'cross-site' }, 403],
    [{ origin: 'http://sub.localhost:7681' }, 403],
    [{ origin: 'http://localhost:7681.evil.test' }, 403],
    [{ origin: 'http://localhost' }, 403],
    [{ origin: 'http://localhost:7682' }, 403],
    [{ origin: 'https://localhost:7681' }, 403],
    [{ origin: 'ws://localhost:7681' }, 403],
    [{ origin: 'http://localhost:7681/' }, 403],
    [{ origin: `${ownOrigin} https://evil.test` }, 403]
  ]
  it('must be ours, whatever the route and whoever asks', async (t) => {
    const { app, visitors } = await start(t, '@fastify/websocket before fastify-gs')
    const cookie = `gs=${visitors.alice!.token}`
    for (const [headers, status] of origins) {
      for (const url of ['/open', '/free', '/live', '/required', '/both'])
        assert.equal(await statusOf(app, url, { cookie, ...headers }), status, `${url} ${JSON.stringify(headers)}`)
      assert.equal(await statusOf(app, '/open', headers), status, `a stranger, ${JSON.stringify(headers)}`)
    }
  })

  it('may be another one that is named, and none at all if that is allowed', async (t) => {
    const { app, visitors } = await start(t, '@fastify/websocket before fastify-gs', {
      sockets: { origins: ['https://app.site.test'], allowNoOrigin: true }
    })
    const cookie = `gs=${visitors.alice!.token}`
    for (const [headers, status] of [
      [{}, 101],
      [{ 'sec-fetch-site': 'cross-site' }, 403],
      [{ origin: 'https://app.site.test' }, 101],
      [{ origin: 'https://app.site.test', 'sec-fetch-site': 'same-site' }, 101],
      [{ origin: 'https://evil.test' }, 403],
      [{ origin: 'null' }, 403]
    ] as const)
      for (const url of ['/open', '/live'])
        assert.equal(await statusOf(app, url, { cookie, ...headers }), status, `${url} ${JSON.stringify(headers)}`)
  })
})

describe('broken handshakes', () => {
  it('are refused, and leave no place occupied', async (t) => {
    const { app, visitors } = await start(t, '@fastify/websocket before fastify-gs', { sockets: { perSession: 1, perAddress: 1 } })
    const cookie = `gs=${visitors.alice!.token}`
    for (const headers of [
      { 'sec-websocket-key': 'short' },
      { 'sec-websocket-version': '12' },
      { 'sec-websocket-protocol': ',,' },
      { 'sec-websocket-version': '13, 13' }
    ] as Record<string, string>[]) {
      assert.equal(await statusOf(app, '/live', { cookie, origin: ownOrigin, ...headers }), 400, JSON.stringify(headers))
      assert.equal(await statusOf(app, '/open', { origin: ownOrigin, ...headers }), 400, JSON.stringify(headers))
    }
    await openSocket(t, app, visitors.alice)
    await openSocket(t, app, null, { url: '/open' })
  })
})

/** A site with routes of the test's own. */
const site = (t: TestContext, options: Partial<GsOptions>, add: (app: FastifyInstance) => void): Promise<Built> =>
  build(t, options, async (app) => {
    await app.register(websocket)
    add(app)
  })

const registryOf = ({ app }: Built) => sessionRegistryOf(app.gs)
const full = '429 GS_TOO_MANY_SOCKETS'
const sorted = async (asked: Promise<string>[]) => (await Promise.all(asked)).sort()

describe('an upgrade that Fastify refuses before all hooks', () => {
  const prepare = async (t: TestContext) => {
    const { app } = await start(t, 'fastify-gs before @fastify/websocket')
    const connection = connect(await portOf(app), '127.0.0.1')
    t.after(() => connection.destroy())
    const handshake = ['host: localhost', 'connection: upgrade', 'upgrade: websocket', 'sec-websocket-version: 13']
    connection.write(`GET /%zz HTTP/1.1\r\n${handshake.join('\r\n')}\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n`)
    const [answer] = (await once(connection, 'data')) as [Buffer]
    assert.match(answer.toString(), /^HTTP\/1\.1 400 /)
    return { app, connection }
  }

  it('does not keep the application from closing', async (t) => {
    const { app, connection } = await prepare(t)
    await Promise.all([once(connection, 'close'), app.close()])
  })

  it('loses its connection after ten seconds', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const { connection } = await prepare(t)
    const closed = once(connection, 'close')
    t.mock.timers.tick(10_000)
    await closed
  })

  it('is no reason to break off those that are open for longer', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    for (const order of Object.keys(orders)) {
      const { app, visitors } = await start(t, order)
      const sockets = [await openSocket(t, app, null, { url: '/open' }), await openSocket(t, app, visitors.alice)]
      t.mock.timers.tick(10_000)
      for (const [index, name] of ['nobody', 'alice'].entries()) assert.equal(await sockets[index]!.ask('hello'), `${name} hello`, order)
    }
  })
})

describe('how many websockets there can be', () => {
  it('is limited for a session and for all sessions of an account, also when they come at once', async (t) => {
    const built = await site(t, { sockets: { perSession: 3, perAccount: 5 } }, routes)
    const alice = await built.member('alice')
    const other = built.browser()
    await other.post('/lwsgs/login', { username: 'alice', password })
    const open = (browser: Browser) =>
      openSocket(t, built.app, browser).then(
        () => '101',
        (error: Error) => error.message
      )
    const refused = 'Unexpected server response: 429'
    assert.deepEqual(await sorted(Array.from({ length: 5 }, () => open(alice))), ['101', '101', '101', refused, refused])
    assert.deepEqual(await sorted(Array.from({ length: 5 }, () => open(other))), ['101', '101', refused, refused, refused])
    assert.equal(await askForSocket(t, built.app, alice), full)
    assert.equal(await askForSocket(t, built.app, await built.member('bob')), '101')
  })

  it('is limited for the strangers of an address, and not for others', async (t) => {
    const built = await site(t, { sockets: { perAddress: 2 } }, routes)
    for (let n = 0; n < 2; n++) await openSocket(t, built.app, null, { url: '/open' })
    assert.equal(await askForSocket(t, built.app, null, { url: '/open' }), full)
    assert.equal(await askForSocket(t, built.app, await built.member('alice'), { url: '/open' }), '101')
  })

  it('is counted by the /64 of IPv6', async (t) => {
    const built = await build(
      t,
      { sockets: { perAddress: 1 } },
      async (app) => {
        await app.register(websocket)
        routes(app)
      },
      { trustProxy: '127.0.0.1' }
    )
    const from = (address: string) => ({ url: '/open', client: { headers: { 'x-forwarded-for': address } } })
    await openSocket(t, built.app, null, from('2001:db8:1:2::1'))
    assert.equal(await askForSocket(t, built.app, null, from('2001:db8:1:2:ffff::2')), full)
    assert.equal(await askForSocket(t, built.app, null, from('2001:db8:1:3::1')), '101')
  })

  it('counts those that are open only: not what a later hook refuses, nor what has closed', async (t) => {
    const gone = new Queue<null>()
    const built = await site(t, { sockets: { perSession: 1, perAddress: 1 } }, (app) => {
      routes(app)
      const refuse = async () => {
        throw Object.assign(new Error('Not today.'), { statusCode: 418 })
      }
      app.get('/refused', { websocket: true, preHandler: refuse }, parrot)
      app.get('/watched', { websocket: true }, (socket) => void socket.on('close', () => gone.push(null)))
    })
    const alice = await built.member('alice')
    for (const browser of [alice, null]) {
      for (let n = 0; n < 3; n++) assert.equal(await askForSocket(t, built.app, browser, { url: '/refused' }), '418')
      for (let n = 0; n < 3; n++) {
        const { socket } = await openSocket(t, built.app, browser, { url: '/watched' })
        socket.terminate()
        await gone.next()
      }
    }
    const { session } = (await alice.get('/lwsgs/session')).json<{ session: string }>()
    assert.equal(registryOf(built).countOfSession(session, 'socket'), 0)
    await openSocket(t, built.app, alice, { url: '/open' })
    assert.equal(registryOf(built).countOfSession(session, 'socket'), 1)
  })

  it('does not count who has gone while hooks were at work', async (t) => {
    const came = new Queue<null>()
    const built = await site(t, { sockets: { perSession: 1 } }, (app) => {
      app.addHook('onRequest', async (request, reply) => {
        if (request.url !== '/live') return
        const closed = once(reply.raw, 'close')
        came.push(null)
        await closed
        came.push(null)
      })
      routes(app)
    })
    const alice = await built.member('alice')
    const headers = `Host: localhost:7681\r\nOrigin: ${ownOrigin}\r\nCookie: gs=${alice.token}\r\n`
    const upgrade = `Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${'A'.repeat(22)}==\r\n`
    const client = connect(await portOf(built.app), '127.0.0.1')
    t.after(() => client.destroy())
    client.write(`GET /live HTTP/1.1\r\n${headers}${upgrade}\r\n`)
    await came.next()
    client.resetAndDestroy()
    await came.next()
    const { session } = (await alice.get('/lwsgs/session')).json<{ session: string }>()
    assert.equal(registryOf(built).countOfSession(session, 'socket'), 0)
    await openSocket(t, built.app, alice, { url: '/open' })
  })
})

describe('the request of an open websocket', () => {
  it('says what its visitor may now, and gives the data of his session', async (t) => {
    const answers = new Queue<object>()
    const built = await site(t, { sectors: ['press'] }, (app) => {
      app.get('/live', { websocket: true }, (socket, request) => {
        socket.on('message', async () => {
          const { gs } = request
          const data = gs.account === null ? null : await anyData(gs).read()
          answers.push({ username: gs.account?.username ?? null, mask: gs.mask, data, language: gs.client.language })
        })
        socket.on('close', () => answers.push({ username: request.gs.account?.username ?? null, mask: request.gs.mask }))
      })
      app.post('/data', async ({ gs, body }) => anyData(gs).patch(body as Record<string, unknown>))
    })
    const alice = await built.member('alice')
    const socket = await openSocket(t, built.app, alice, { client: { headers: { 'accept-language': 'en-GB' } } })
    socket.send('?')
    assert.deepEqual(await answers.next(), { username: 'alice', mask: 5, data: {}, language: 'en' })
    await alice.post('/data', { theme: 'dark' })
    const { openAdministration } = await import('../admin/administration.ts')
    const operator = await openAdministration({ database: { sqlite: built.databasePath }, now: () => built.clock.now })
    t.after(() => operator.close())
    await operator.accounts.grant((await operator.accounts.find('alice'))!.id, { sectors: 16 })
    await registryOf(built).check()
    socket.send('?')
    assert.deepEqual(await answers.next(), { username: 'alice', mask: 21, data: { theme: 'dark' }, language: 'en' })
    await alice.post('/lwsgs/logout')
    assert.equal(await socket.closed, '4401 logout')
    assert.deepEqual(await answers.next(), { username: null, mask: 0 })
  })

  it('does not open for a session that ends while a hook still thinks', async (t) => {
    const waiting = new Queue<() => void>()
    const received: string[] = []
    const built = await site(t, {}, (app) => {
      const think = () => new Promise<void>((resolve) => waiting.push(resolve))
      app.get('/live', { websocket: true, config: { gs: 1 }, preHandler: think }, (socket, request) => {
        received.push(`opened for ${request.gs.account?.username ?? 'nobody'}`)
        socket.on('message', (data: Buffer) => received.push(data.toString()))
        socket.send('a secret')
      })
    })
    const alice = await built.member('alice')
    const opening = openSocket(t, built.app, alice)
    const proceed = await waiting.next()
    await alice.post('/lwsgs/logout')
    proceed()
    const socket = await opening
    assert.equal(await socket.closed, '4401 logout')
    assert.deepEqual(socket.messages.all, [])
    assert.deepEqual(received, ['opened for nobody'])
  })
})

describe('what is wrong with a route', () => {
  const wrong: readonly [what: string, add: (app: FastifyInstance) => unknown, message: RegExp][] = [
    ['a limit', (app) => app.get('/live', { websocket: true, config: { gsSocket: { maxMessage: 0 } } }, parrot), /GET \/live.*maxMessage/],
    [
      'an unknown limit',
      (app) => app.get('/live', { websocket: true, config: { gsSocket: { maxMesage: 5 } as object } }, parrot),
      /GET \/live.*maxMesage/
    ],
    ['limits of a page', (app) => app.get('/page', { config: { gsSocket: { burst: 5 } } }, () => 'a page'), /GET \/page.*no websocket/],
    ['a policy', (app) => app.get('/live', { websocket: true, config: { gs: 'usr' } }, parrot), /GET \/live.*"usr"/]
  ]
  for (const [what, add, message] of wrong) {
    it(`is said when it is added: ${what}`, async (t) => {
      await assert.rejects(
        site(t, {}, (app) => void add(app)),
        { code: 'GS_OPTION', message }
      )
    })
  }

  it('is said when it is added: a websocket without @fastify/websocket', async (t) => {
    const add = (app: FastifyInstance) => void app.get('/live', { websocket: true }, parrot)
    await assert.rejects(build(t, {}, add), { code: 'GS_OPTION', message: /GET \/live.*@fastify\/websocket/ })
  })
})

describe('a route that was added before fastify-gs', () => {
  const early: Record<string, (app: FastifyInstance) => unknown> = {
    'at the root': (app) => app.get('/early', { websocket: true }, parrot),
    'in a scope': (app) => app.register(async (scope) => scope.get('/early', { websocket: true }, parrot)),
    'with wsHandler': (app) => app.route({ method: 'GET', url: '/early', handler: () => 'a page', wsHandler: parrot })
  }
  for (const [where, add] of Object.entries(early)) {
    it(`opens no websocket: ${where}`, async (t) => {
      const app = Fastify()
      t.after(() => app.close())
      await app.register(websocket)
      void add(app)
      void app.register(fastifyGs, {
        baseUrl: ownOrigin,
        keys: ['only-for-tests-0123456789-abcdefghij'],
        database: { sqlite: ':memory:' },
        mail: { mailer: new Inbox(), from: 'a@b.test' }
      })
      await app.ready()
      assert.equal(await statusOf(app, '/early', { origin: ownOrigin }), 500)
      await assert.rejects(app.injectWS('/early', { headers: { origin: ownOrigin } }), /500/)
      assert.equal((await app.inject('/early')).statusCode, where === 'with wsHandler' ? 200 : 404)
      assert.equal(await statusOf(app, '/missing', { origin: ownOrigin }), 404)
    })
  }
})

describe('an application under test', () => {
  it('can open websockets without a port', async (t) => {
    const built = await site(t, {}, routes)
    const alice = await built.member('alice')
    const headers = { cookie: `gs=${alice.token}`, origin: ownOrigin }
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const socket = await built.app.injectWS('/live', { headers })
    // For as long as they like.
    t.mock.timers.tick(60_000)
    t.mock.timers.reset()
    const message = once(socket, 'message')
    socket.send('hello')
    assert.equal(String(((await message) as [Buffer])[0]), 'alice hello')
    await assert.rejects(built.app.injectWS('/live', { headers: { origin: ownOrigin } }), /401/)
    const closed = once(socket, 'close')
    await alice.post('/lwsgs/logout')
    assert.equal(((await closed) as [number])[0], 4401)
  })
})
