import assert from 'node:assert/strict'
import { once } from 'node:events'
import { describe, it, type TestContext } from 'node:test'
import websocket from '@fastify/websocket'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { WebSocketServer, type WebSocket } from 'ws'
import { fastifyGsJwt, JwtUnavailableError, loadKeys, memoryDenylist, signJwt, type Denylist, type GsJwtOptions } from '../index.ts'
import { Clock, issuer, keyFor, startSite } from '../testing/site.ts'
import { askForUpgrade, openSocket, portOf, Queue, textFrame } from '../testing/socket-client.ts'

interface Opened {
  readonly socket: WebSocket
  readonly request: FastifyRequest
}

interface Site {
  readonly app: FastifyInstance
  readonly clock: Clock
  /** What the handler was given. */
  readonly opened: Queue<Opened>
  /** What its listener has heard. */
  readonly heard: string[]
  /** Moves clock and timers on, seconds. */
  readonly pass: (seconds: number) => void
  readonly token: (sub?: string, expiresIn?: number) => Promise<string>
}

/** A site with an echo on /live. The timers stand still, too. */
async function start(t: TestContext, given: Partial<GsJwtOptions> = {}): Promise<Site> {
  const clock = new Clock()
  const opened = new Queue<Opened>()
  const heard: string[] = []
  const app = await startSite(t, { now: clock.now, ...given }, (app) => app.register(websocket))
  app.get('/live', { websocket: true, onRequest: [app.requireJwt(), app.requireJwt()] }, (socket, request) => {
    opened.push({ socket, request })
    socket.on('message', (data: Buffer) => {
      heard.push(data.toString())
      socket.send(`${request.jwt?.sub}: ${data.toString()}`)
    })
  })
  app.get('/csrf', { websocket: true, onRequest: app.requireJwt({ csrf: true }) }, () => undefined)
  app.get('/page', { onRequest: app.requireJwt() }, () => 'no websocket')
  const teapot = async (_request: FastifyRequest, reply: FastifyReply) => reply.code(418).send('teapot')
  app.get('/teapot', { websocket: true, onRequest: [app.requireJwt(), teapot] }, () => undefined)
  await portOf(app)
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] })
  return {
    app,
    clock,
    opened,
    heard,
    pass(seconds) {
      clock.forward(seconds)
      t.mock.timers.tick(seconds * 1000)
    },
    token: async (sub = 'ann', expiresIn = 600) => (await app.jwtCookie.sign({ sub, expiresIn })).token
  }
}

describe('a websocket behind requireJwt()', () => {
  it('is closed when its token expires, and not before', async (t) => {
    const site = await start(t)
    const client = await openSocket(t, site.app, await site.token())
    site.pass(599)
    assert.equal(await client.ask('still here?'), 'ann: still here?')
    site.pass(1)
    assert.equal(await client.closed, '4401 expired')
  })

  it('takes no message at the moment of expiry, although the timer is late', async (t) => {
    const site = await start(t)
    const client = await openSocket(t, site.app, await site.token())
    site.clock.forward(599.999)
    assert.equal(await client.ask('in time'), 'ann: in time')
    site.clock.forward(0.001)
    client.send('late')
    assert.equal(await client.closed, '4401 expired')
    assert.deepEqual(site.heard, ['in time'])
  })

  it('sends nothing at the moment of expiry, although the timer is late', async (t) => {
    const site = await start(t)
    const client = await openSocket(t, site.app, await site.token())
    const { socket } = await site.opened.next()
    socket.send('in time')
    site.clock.forward(600)
    const refused = new Promise<Error | undefined>((resolve) => socket.send('late', resolve))
    assert.equal(await client.closed, '4401 expired')
    assert.match(String((await refused)?.message), /not open/)
    assert.deepEqual(client.messages.all, ['in time'])
  })

  it('hears nothing more of its client after the close frame, neither messages nor pings', async (t) => {
    const site = await start(t)
    const raw = await askForUpgrade(t, site.app, { cookie: `__Host-session=${await site.token()}` })
    await raw.until('\r\n\r\n')
    const { socket } = await site.opened.next()
    let pings = 0
    socket.on('ping', () => pings++)
    site.pass(600)
    await raw.until('expired')
    // The last one is the answer to the close frame, with which the connection ends.
    raw.socket.write(Buffer.concat([textFrame('late'), Buffer.from([0x89, 0x80, 1, 2, 3, 4]), Buffer.from([0x88, 0x80, 1, 2, 3, 4])]))
    await raw.ended
    assert.deepEqual(site.heard, [])
    assert.equal(pings, 0)
  })

  it('is cut two seconds after the close frame when its client does not answer', async (t) => {
    const site = await start(t)
    const raw = await askForUpgrade(t, site.app, { cookie: `__Host-session=${await site.token()}` })
    await raw.until('\r\n\r\n')
    const { socket } = await site.opened.next()
    site.pass(600)
    await raw.until('expired')
    site.pass(1.9)
    assert.equal(socket.readyState, socket.CLOSING)
    const gone = once(socket, 'close')
    site.pass(0.1)
    await Promise.all([gone, raw.ended])
  })

  it('is cut although it was paused and its client sends without end', async (t) => {
    const site = await start(t)
    const client = await openSocket(t, site.app, await site.token())
    const { socket } = await site.opened.next()
    socket.pause()
    for (let count = 0; count < 1000; count++) client.send('x'.repeat(1000))
    site.pass(600)
    assert.equal(await client.closed, '4401 expired')
    assert.deepEqual(site.heard, [])
  })

  it('is closed before deny() is done', async (t) => {
    for (const kind of ['sub', 'jti'] as const) {
      const site = await start(t)
      const [ann, bob] = await Promise.all([
        openSocket(t, site.app, await site.token('ann')),
        openSocket(t, site.app, await site.token('bob'))
      ])
      const all = [await site.opened.next(), await site.opened.next()]
      const { request, socket } = all.find(({ request }) => request.jwt!.sub === 'ann')!
      await site.app.jwtCookie.deny(kind === 'sub' ? { sub: 'ann' } : { jti: request.jwt!.jti })
      assert.equal(socket.readyState, socket.CLOSING, kind)
      assert.equal(await ann.closed, '4401 denied')
      assert.equal(await bob.ask('and me?'), 'bob: and me?')
      assert.equal(await request.jwt!.stillValid(), false)
      t.mock.timers.reset()
    }
  })

  it('is closed by a logout, with all others of the same login', async (t) => {
    const site = await start(t, { renewFor: 3600 })
    const token = await site.token()
    const clients = await Promise.all([openSocket(t, site.app, token), openSocket(t, site.app, token)])
    await site.app.inject({ method: 'POST', url: '/logout', headers: { cookie: `__Host-session=${token}` } })
    assert.deepEqual(await Promise.all(clients.map(({ closed }) => closed)), ['4401 denied', '4401 denied'])
  })

  it('survives the denial of what was issued before', async (t) => {
    const site = await start(t)
    const former = await openSocket(t, site.app, await site.token())
    await site.app.jwtCookie.deny({ sub: 'ann' })
    const client = await openSocket(t, site.app, await site.token())
    assert.equal(await former.closed, '4401 denied')
    site.pass(30)
    assert.equal(await client.ask('here'), 'ann: here')
  })

  it('is closed within liveInterval of a denial that somebody else wrote', async (t) => {
    const denylist = memoryDenylist()
    const site = await start(t, { denylist, liveInterval: 3 })
    const client = await openSocket(t, site.app, await site.token())
    site.pass(10)
    await denylist.deny({ sub: 'ann', before: site.clock.at, until: site.clock.at + 600_000 })
    assert.equal(await client.ask('not yet'), 'ann: not yet')
    site.pass(3)
    assert.equal(await client.closed, '4401 denied')
  })

  it('is closed when a denial came between the check of the request and the upgrade', async (t) => {
    const denylist = memoryDenylist()
    const clock = new Clock()
    const app = await startSite(t, { now: clock.now, denylist }, (app) => app.register(websocket))
    const deny = async () => denylist.deny({ sub: 'ann', before: clock.at, until: clock.at + 600_000 })
    const opened = new Queue<WebSocket>()
    app.get('/live', { websocket: true, onRequest: [deny, app.requireJwt()] }, (socket) => opened.push(socket))
    const { token } = await app.jwtCookie.sign({ sub: 'ann' })
    const client = await openSocket(t, app, token)
    assert.equal(await client.closed, '4401 denied')
    assert.equal(opened.all.length, 1)
  })

  it('is closed when the key of its token retires', async (t) => {
    const retireAt = new Clock().at + 60_000
    const site = await start(t, { keys: [{ jwk: await keyFor('ES256') }, { jwk: await keyFor('ES384'), retireAt }] })
    const keys = await loadKeys({ jwk: await keyFor('ES384') }, { alg: 'ES384' })
    const { token } = await signJwt({ sub: 'ann', expiresIn: 600 }, { keys, iss: issuer, aud: issuer, now: site.clock.now })
    const client = await openSocket(t, site.app, token)
    site.pass(59)
    assert.equal(await client.ask('here'), 'ann: here')
    site.pass(6)
    assert.equal(await client.closed, '4401 denied')
  })

  it('is closed with 1013 when nobody can say for half a minute whether it is denied', async (t) => {
    let reachable = true
    const denylist: Denylist = {
      deny: () => undefined,
      async deniedBefore() {
        if (reachable) return 0
        throw new JwtUnavailableError('The store is not there.')
      }
    }
    const site = await start(t, { denylist })
    const client = await openSocket(t, site.app, await site.token())
    const seconds = async (count: number) => {
      for (let second = 0; second < count; second++) {
        site.pass(1)
        // The store answers.
        await new Promise((resolve) => setImmediate(resolve))
      }
    }
    await seconds(60)
    reachable = false
    await seconds(24)
    reachable = true
    await seconds(6)
    reachable = false
    await seconds(24)
    assert.equal(await client.ask('here'), 'ann: here')
    await seconds(12)
    assert.equal(await client.closed, '1013 unavailable')
  })

  describe('after a pause of the process', () => {
    /** A site whose denylist, which others write to as well, may take its time. */
    const startPaused = async (t: TestContext, answer?: (before: number) => Promise<number>) => {
      const list = memoryDenylist()
      const asked: unknown[] = []
      let isPaused = false
      const denylist: Denylist = {
        ...list,
        deniedBefore(token, now) {
          const before = list.deniedBefore(token, now) as number
          if (!isPaused || answer === undefined) return before
          asked.push(token)
          return answer(before)
        }
      }
      const site = await start(t, { denylist })
      const client = await openSocket(t, site.app, await site.token())
      assert.equal(await client.ask('before'), 'ann: before')
      const elapsed = performance.now.bind(performance)
      const pause = () => {
        isPaused = true
        t.mock.method(performance, 'now', () => elapsed() + 20_000)
      }
      const denyElsewhere = async () => list.deny({ sub: 'ann', before: site.clock.at, until: site.clock.at + 600_000 })
      return { site, client, asked, pause, denyElsewhere }
    }

    it('takes no message of a token that was denied meanwhile, and is told nothing', async (t) => {
      const { site, client, pause, denyElsewhere } = await startPaused(t)
      await denyElsewhere()
      pause()
      client.send('late')
      assert.equal(await client.closed, '4401 denied')
      assert.deepEqual(site.heard, ['before'])
      const { socket } = await site.opened.next()
      assert.notEqual(socket.readyState, socket.OPEN)
    })

    it('is closed with the next turn, whichever part that is', async (t) => {
      const { client, pause, denyElsewhere } = await startPaused(t)
      await denyElsewhere()
      pause()
      t.mock.timers.tick(200)
      assert.equal(await client.closed, '4401 denied')
    })

    it('holds messages back until the denylist has answered', async (t) => {
      for (const isDenied of [false, true]) {
        const gate = Promise.withResolvers<void>()
        const { site, client, asked, pause, denyElsewhere } = await startPaused(t, async (before) => gate.promise.then(() => before))
        const { socket } = await site.opened.next()
        if (isDenied) await denyElsewhere()
        pause()
        // The question is on its way when the messages come.
        t.mock.timers.tick(200)
        for (const text of ['one', 'two', 'three']) client.send(text)
        while (!socket.isPaused) await new Promise((resolve) => setImmediate(resolve))
        assert.deepEqual([site.heard, asked.length], [['before'], 1])
        gate.resolve()
        if (isDenied) {
          assert.equal(await client.closed, '4401 denied')
          assert.deepEqual(site.heard, ['before'])
        } else {
          for (const text of ['one', 'two', 'three']) assert.equal(await client.next(), `ann: ${text}`)
          assert.equal(await client.ask('four'), 'ann: four')
        }
        t.mock.reset()
      }
    })

    it('is closed with 1013 when the denylist does not answer', async (t) => {
      const { site, client, pause } = await startPaused(t, () => Promise.reject(new JwtUnavailableError('The store is not there.')))
      pause()
      client.send('late')
      assert.equal(await client.closed, '1013 unavailable')
      assert.deepEqual(site.heard, ['before'])
    })
  })

  it('opens again with a renewed token, and that lives longer', async (t) => {
    const site = await start(t, { renewFor: 3600, expiresIn: 600 })
    const token = await site.token()
    const client = await openSocket(t, site.app, token)
    site.pass(510)
    const cookie = `__Host-session=${token}`
    const { csrf } = (await site.app.inject({ url: '/jwt/session', headers: { cookie } })).json()
    const renewed = await site.app.inject({ method: 'POST', url: '/jwt/renew', headers: { cookie, 'x-jwt-csrf': csrf } })
    const again = await openSocket(t, site.app, renewed.cookies[0]!.value)
    site.pass(90)
    assert.equal(await client.closed, '4401 expired')
    assert.equal(await again.ask('here'), 'ann: here')
    site.pass(510)
    assert.equal(await again.closed, '4401 expired')
  })

  it('ends with app.close(), which does not wait for a client that does not answer', async (t) => {
    const site = await start(t)
    const client = await openSocket(t, site.app, await site.token())
    const raw = await askForUpgrade(t, site.app, { cookie: `__Host-session=${await site.token()}` })
    await raw.until('\r\n\r\n')
    const closing = site.app.close()
    assert.equal(await client.closed, '1001 closing')
    await raw.until('closing')
    site.pass(2)
    await Promise.all([closing, raw.ended])
  })
})

it('what is over is forgotten: nobody asks the denylist about it any more', async (t) => {
  let asked = 0
  const denylist: Denylist = {
    deny: () => undefined,
    deniedBefore() {
      asked++
      return 0
    }
  }
  const site = await start(t, { denylist })
  const cookie = `__Host-session=${await site.token()}`
  const ended = async (url: string) => (await askForUpgrade(t, site.app, { cookie, origin: issuer }, url)).ended
  assert.match(String(await ended('/csrf')), /^HTTP\/1\.1 403 /)
  assert.match(String(await ended('/teapot')), /^HTTP\/1\.1 418 /)
  // What is no websocket is opened and closed again by @fastify/websocket.
  await (
    await openSocket(t, site.app, await site.token(), '/page')
  ).closed
  const raw = await askForUpgrade(t, site.app, { cookie })
  const first = await site.opened.next()
  raw.socket.destroy()
  await once(first.socket, 'close')
  const client = await openSocket(t, site.app, await site.token())
  const second = await site.opened.next()
  asked = 0
  site.pass(5)
  assert.equal(asked, 1)
  client.socket.close()
  await once(second.socket, 'close')
  asked = 0
  site.pass(5)
  assert.equal(asked, 0)
})

describe('requireJwt() guards', () => {
  const plugins = [
    ['@fastify/websocket first', [websocket, fastifyGsJwt]],
    ['fastify-gs-jwt first', [fastifyGsJwt, websocket]]
  ] as const
  type AddRoute = (app: FastifyInstance, echo: (socket: WebSocket) => void) => unknown
  const routes: readonly [string, AddRoute][] = [
    ['a handler of a websocket', (app, echo) => app.get('/live', { websocket: true, onRequest: app.requireJwt() }, echo)],
    [
      'a wsHandler',
      (app, echo) =>
        app.route({ method: 'GET', url: '/live', onRequest: [app.requireJwt()], handler: () => 'no websocket', wsHandler: echo })
    ],
    [
      'a child scope by its hook',
      (app, echo) =>
        app.register(async (child) => {
          child.addHook('onRequest', app.requireJwt())
          child.get('/live', { websocket: true }, echo)
        })
    ],
    [
      'a route of a child scope',
      (app, echo) =>
        app.register(async (child) => child.get('/live', { websocket: true, onRequest: [app.requireJwt(), app.requireJwt()] }, echo))
    ]
  ]
  for (const [order, [first, second]] of plugins) {
    for (const [what, addRoute] of routes) {
      it(`${what}, ${order}`, async (t) => {
        const clock = new Clock()
        const app = Fastify()
        t.after(() => app.close())
        const options = {
          keys: { jwk: await keyFor('ES256') },
          alg: 'ES256',
          iss: issuer,
          aud: issuer,
          cookieName: 'session',
          now: clock.now
        }
        for (const plugin of [first, second]) await app.register(plugin as typeof fastifyGsJwt, options as GsJwtOptions)
        const heard: string[] = []
        await addRoute(app, (socket) => {
          socket.on('message', (data: Buffer) => {
            heard.push(data.toString())
            socket.send('heard')
          })
        })
        const { token } = await app.jwtCookie.sign({ sub: 'ann', expiresIn: 60 })
        const client = await openSocket(t, app, token)
        assert.equal(await client.ask('one'), 'heard')
        clock.forward(60)
        client.send('two')
        assert.equal(await client.closed, '4401 expired')
        const other = await openSocket(t, app, (await app.jwtCookie.sign({ sub: 'ann', expiresIn: 60 })).token)
        const closing = app.close()
        assert.equal(await other.closed, '1001 closing')
        await closing
        assert.deepEqual(heard, ['one'])
      })
    }
  }
})

describe('guardSocket()', () => {
  it('guards a socket that was opened by other means', async (t) => {
    const clock = new Clock()
    const app = await startSite(t, { now: clock.now })
    const server = new WebSocketServer({ noServer: true })
    const heard: string[] = []
    const refused = new Queue<string>()
    app.get('/own', (request, reply) => {
      reply.hijack()
      server.handleUpgrade(request.raw, request.raw.socket, Buffer.alloc(0), (socket) => {
        socket.on('message', (data: Buffer) => {
          heard.push(data.toString())
          socket.send('heard')
        })
        try {
          app.jwtCookie.guardSocket(socket, request)
          app.jwtCookie.guardSocket(socket, request)
        } catch (error) {
          refused.push((error as { code: string }).code)
          socket.close()
        }
      })
    })
    const { token } = await app.jwtCookie.sign({ sub: 'ann', expiresIn: 60 })
    const client = await openSocket(t, app, token, '/own')
    assert.equal(await client.ask('one'), 'heard')
    clock.forward(60)
    client.send('two')
    assert.equal(await client.closed, '4401 expired')
    assert.deepEqual(heard, ['one'])
    await openSocket(t, app, 'none', '/own')
    assert.equal(await refused.next(), 'GS_JWT_REQUIRED')
  })

  it('forgets a socket that is closed', async (t) => {
    let asked = 0
    const denylist: Denylist = {
      deny: () => undefined,
      deniedBefore() {
        asked++
        return 0
      }
    }
    const clock = new Clock()
    const app = await startSite(t, { now: clock.now, denylist }, (app) => app.register(websocket))
    const opened = new Queue<WebSocket>()
    app.get('/own', { websocket: true }, (socket, request) => {
      app.jwtCookie.guardSocket(socket, request)
      opened.push(socket)
    })
    await portOf(app)
    t.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] })
    const client = await openSocket(t, app, (await app.jwtCookie.sign({ sub: 'ann', expiresIn: 60 })).token, '/own')
    const socket = await opened.next()
    asked = 0
    t.mock.timers.tick(5000)
    assert.equal(asked, 1)
    client.socket.close()
    await once(socket, 'close')
    t.mock.timers.tick(5000)
    assert.equal(asked, 1)
  })

  it('refuses what is no websocket', async (t) => {
    const app = await startSite(t)
    app.get('/own', (request) => app.jwtCookie.guardSocket({} as never, request))
    assert.match((await app.inject('/own')).json().message, /guardSocket\(\) takes a websocket/)
  })
})

describe('an upgrade', () => {
  interface Refusal {
    readonly what: string
    readonly headers: (token: string) => Record<string, string>
    readonly options?: Partial<GsJwtOptions>
    readonly url?: (csrf: string) => string
    readonly answer: string
  }
  const cookie = (token: string) => ({ cookie: `__Host-session=${token}` })
  const cases: readonly Refusal[] = [
    { what: 'without token', headers: () => ({}), answer: '401 GS_JWT_REQUIRED' },
    { what: 'with a token that is not ours', headers: () => cookie('a.b.c'), answer: '401 GS_JWT_REQUIRED' },
    { what: 'with its token in the query', headers: () => ({}), url: () => '/live?token=x', answer: '401 GS_JWT_REQUIRED' },
    { what: 'by a program, which sends no Origin', headers: cookie, answer: '101' },
    { what: 'by a page of this server', headers: (token) => ({ ...cookie(token), origin: issuer }), answer: '101' },
    {
      what: 'by a page of this server, over http',
      headers: (token) => ({ ...cookie(token), origin: 'http://example.com' }),
      answer: '403 GS_JWT_CROSS_SITE'
    },
    {
      what: 'over http, where that is allowed',
      headers: (token) => ({ cookie: `session=${token}`, origin: 'http://example.com' }),
      options: { secure: false },
      answer: '101'
    },
    {
      what: 'by a page of another site',
      headers: (token) => ({ ...cookie(token), origin: 'https://evil.test' }),
      answer: '403 GS_JWT_CROSS_SITE'
    },
    {
      what: 'by a subdomain',
      headers: (token) => ({ ...cookie(token), origin: 'https://www.example.com' }),
      answer: '403 GS_JWT_CROSS_SITE'
    },
    {
      what: 'by another port',
      headers: (token) => ({ ...cookie(token), origin: 'https://example.com:8443' }),
      answer: '403 GS_JWT_CROSS_SITE'
    },
    { what: 'by a page without origin', headers: (token) => ({ ...cookie(token), origin: 'null' }), answer: '403 GS_JWT_CROSS_SITE' },
    { what: 'with an empty Origin', headers: (token) => ({ ...cookie(token), origin: '' }), answer: '403 GS_JWT_CROSS_SITE' },
    {
      what: 'by a page of another site, with a token in Authorization',
      headers: (token) => ({ authorization: `Bearer ${token}`, origin: 'https://evil.test' }),
      options: { bearer: true },
      answer: '403 GS_JWT_CROSS_SITE'
    },
    {
      what: 'by a page of an origin that the options name',
      headers: (token) => ({ ...cookie(token), origin: 'https://app.test' }),
      options: { origins: ['https://app.test'] },
      answer: '101'
    },
    { what: 'without csrf, where that is asked for', headers: cookie, url: () => '/csrf', answer: '403 GS_JWT_CSRF' },
    { what: 'with another csrf', headers: cookie, url: () => `/csrf?csrf=${'0'.repeat(16)}`, answer: '403 GS_JWT_CSRF' },
    { what: 'with its csrf', headers: cookie, url: (csrf) => `/csrf?csrf=${csrf}`, answer: '101' }
  ]
  for (const { what, headers, options = {}, url = () => '/live', answer } of cases) {
    it(`${what} is answered with ${answer}`, async (t) => {
      const app = await startSite(t, options)
      await app.register(websocket)
      const opened = new Queue<unknown>()
      app.get('/live', { websocket: true, onRequest: app.requireJwt() }, (_socket, { query }) => opened.push(query))
      app.get('/csrf', { websocket: true, onRequest: app.requireJwt({ csrf: true }) }, (_socket, { query }) => opened.push(query))
      const { csrf, token } = await app.jwtCookie.sign({ sub: 'ann' })
      const raw = await askForUpgrade(t, app, headers(token), url(csrf))
      if (answer === '101') {
        assert.match(await raw.until('\r\n\r\n'), /^HTTP\/1\.1 101 /)
        assert.deepEqual({ ...((await opened.next()) as object) }, {})
        raw.socket.destroy()
        return
      }
      // The connection ends with the answer.
      const [head = '', body = ''] = (await raw.ended).toString().split('\r\n\r\n')
      assert.equal(`${head.split(' ', 2)[1]} ${(JSON.parse(body) as { code: string }).code}`, answer)
      assert.equal(opened.all.length, 0)
    })
  }

  it('that is refused by a hook from before @fastify/websocket ends its connection, too', async (t) => {
    const app = await startSite(t)
    app.addHook('onRequest', app.requireJwt())
    await app.register(websocket)
    app.get('/live', { websocket: true }, () => undefined)
    const raw = await askForUpgrade(t, app)
    assert.match((await raw.ended).toString(), /^HTTP\/1\.1 401 /)
  })

  it('that is refused outside of the scope of @fastify/websocket ends its connection, too', async (t) => {
    const app = await startSite(t)
    await app.register(async (child) => {
      await child.register(websocket)
      child.get('/live', { websocket: true }, () => undefined)
    })
    app.get('/other', { onRequest: app.requireJwt() }, () => 'other')
    const raw = await askForUpgrade(t, app, {}, '/other')
    assert.match((await raw.ended).toString(), /^HTTP\/1\.1 401 /)
  })

  it('takes the host from a proxy that Fastify trusts, and from no other', async (t) => {
    for (const trustProxy of [true, false]) {
      const app = Fastify({ trustProxy })
      t.after(() => app.close())
      await app.register(websocket)
      await app.register(fastifyGsJwt, {
        keys: { jwk: await keyFor('ES256') },
        alg: 'ES256',
        iss: issuer,
        aud: issuer,
        cookieName: 'session'
      })
      app.get('/live', { websocket: true, onRequest: app.requireJwt() }, () => undefined)
      const { token } = await app.jwtCookie.sign({ sub: 'ann' })
      const headers = { ...cookie(token), host: 'backend:3000', 'x-forwarded-host': 'example.com', origin: issuer }
      const raw = await askForUpgrade(t, app, headers)
      assert.match(await raw.until('\r\n\r\n'), trustProxy ? /^HTTP\/1\.1 101 / : /^HTTP\/1\.1 403 /)
      raw.socket.destroy()
    }
  })

  it('of a route without requireJwt() is not guarded', async (t) => {
    const clock = new Clock()
    const app = await startSite(t, { now: clock.now }, (app) => app.register(websocket))
    app.get('/live', { websocket: true }, (socket) => {
      socket.on('message', () => socket.send('heard'))
    })
    const { token } = await app.jwtCookie.sign({ sub: 'ann', expiresIn: 60 })
    const client = await openSocket(t, app, token)
    clock.forward(60)
    assert.equal(await client.ask('open for all'), 'heard')
  })
})
