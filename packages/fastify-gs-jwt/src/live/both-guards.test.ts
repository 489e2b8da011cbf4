import assert from 'node:assert/strict'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import websocket from '@fastify/websocket'
import Fastify, { type FastifyInstance } from 'fastify'
import { fastifyGs } from 'fastify-gs'
import { temporaryDirectory } from 'fastify-gs/testing'
import { Browser, Clock, Inbox, password, quickHasher } from 'fastify-gs/testing/build'
import { WebSocket } from 'ws'
import { databaseDenylist, fastifyGsJwt } from '../index.ts'
import { startDenylist } from '../testing/denylist-processes.ts'
import { keyFor, startSite, Clock as OwnClock } from '../testing/site.ts'
import { openSocket, portOf, SocketClient } from '../testing/socket-client.ts'

const origin = 'http://localhost:7681'

const registrations = {
  async 'fastify-gs'(app: FastifyInstance, clock: Clock, t: TestContext) {
    await app.register(fastifyGs, {
      baseUrl: origin,
      keys: ['only-for-tests-0123456789-abcdefghij'],
      database: { sqlite: join(temporaryDirectory(t), 'gs.sqlite3') },
      mail: { mailer: new Inbox(), from: 'Test <noreply@site.test>' },
      password: { hasher: quickHasher },
      admin: { username: 'Chief', passwordHash: await quickHasher.hash(Buffer.from(password)) },
      rateLimits: false,
      now: () => clock.now
    })
  },
  async 'fastify-gs-jwt'(app: FastifyInstance, clock: Clock) {
    const jwk = await keyFor('ES256')
    await app.register(fastifyGsJwt, {
      keys: { jwk },
      alg: 'ES256',
      iss: origin,
      aud: origin,
      cookieName: 'token',
      secure: false,
      now: () => clock.now
    })
  },
  async '@fastify/websocket'(app: FastifyInstance) {
    await app.register(websocket)
  }
}

type Name = keyof typeof registrations

const orders: readonly (readonly Name[])[] = [
  ['fastify-gs', 'fastify-gs-jwt', '@fastify/websocket'],
  ['fastify-gs', '@fastify/websocket', 'fastify-gs-jwt'],
  ['fastify-gs-jwt', 'fastify-gs', '@fastify/websocket'],
  ['fastify-gs-jwt', '@fastify/websocket', 'fastify-gs'],
  ['@fastify/websocket', 'fastify-gs', 'fastify-gs-jwt'],
  ['@fastify/websocket', 'fastify-gs-jwt', 'fastify-gs']
]

/** A site with an echo behind both, and a browser that is logged in. */
async function start(t: TestContext, order: readonly Name[]) {
  const clock = new Clock()
  const app = Fastify()
  t.after(() => app.close())
  for (const name of order) await registrations[name](app, clock, t)
  const heard: string[] = []
  app.get('/live', { websocket: true, onRequest: app.requireJwt(), config: { gs: { level: 'anonymous' } } }, (socket) => {
    socket.on('message', (data: Buffer) => {
      heard.push(data.toString())
      socket.send(`${data.toString()}!`)
    })
  })
  await portOf(app)
  const chief = new Browser(app)
  await chief.get('/lwsgs/session')
  await chief.post('/lwsgs/login', { username: 'Chief', password })
  const { username } = (await chief.get('/lwsgs/session')).json<{ username: string }>()
  assert.equal(username, 'Chief')
  const open = async (expiresIn = 60) => {
    const { token } = await app.jwtCookie.sign({ sub: 'Chief', expiresIn })
    const socket = new WebSocket(`ws://127.0.0.1:${await portOf(app)}/live`, {
      headers: { host: new URL(origin).host, origin, cookie: `gs=${chief.token}; token=${token}` }
    })
    t.after(() => socket.terminate())
    const client = new SocketClient(socket)
    assert.equal(await new Promise((resolve, reject) => socket.once('open', () => resolve('open')).once('error', reject)), 'open')
    return client
  }
  return { app, clock, chief, heard, open }
}

describe('a websocket that fastify-gs guards as well', () => {
  for (const order of orders) {
    it(`ends with whichever ends first: ${order.join(', ')}`, async (t) => {
      const { app, clock, chief, heard, open } = await start(t, order)
      const first = await open()
      assert.equal(await first.ask('one'), 'one!')
      clock.now += 60_000
      first.send('late')
      assert.equal(await first.closed, '4401 expired')

      const second = await open()
      await app.jwtCookie.deny({ sub: 'Chief' })
      assert.equal(await second.closed, '4401 denied')

      const third = await open()
      assert.equal(await third.ask('two'), 'two!')
      await chief.post('/lwsgs/logout')
      assert.equal(await third.closed, '4401 logout')
      assert.deepEqual(heard, ['one', 'two'])
    })
  }

  for (const order of orders) {
    it(`hears nothing after the end of its token, though fastify-gs has held it back: ${order.join(', ')}`, async (t) => {
      const { clock, heard, open } = await start(t, order)
      const client = await open()
      assert.equal(await client.ask('one'), 'one!')
      const elapsed = performance.now.bind(performance)
      // As after a pause of the process: fastify-gs asks its database first.
      t.mock.method(performance, 'now', () => {
        clock.now += 60_000
        return elapsed() + 20_000
      })
      client.send('held')
      assert.equal(await client.closed, '4401 expired')
      assert.deepEqual(heard, ['one'])
    })
  }

  it('says 1001 when the server stops', async (t) => {
    const { app, open } = await start(t, orders[0]!)
    const client = await open()
    const closing = app.close()
    assert.match(await client.closed, /^1001 closing/)
    await closing
  })
})

it('a websocket is closed within liveInterval of a denial by another process', async (t) => {
  const place = { sqlite: join(temporaryDirectory(t), 'denials.sqlite3') }
  const other = await startDenylist(t, place)
  const clock = new OwnClock()
  const app = await startSite(t, { now: clock.now, denylist: await databaseDenylist(place) }, (app) => app.register(websocket))
  app.get('/live', { websocket: true, onRequest: app.requireJwt() }, (socket) => {
    socket.on('message', () => socket.send('heard'))
  })
  await portOf(app)
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] })
  const client = await openSocket(t, app, (await app.jwtCookie.sign({ sub: 'ann', expiresIn: 600 })).token)
  const another = await openSocket(t, app, (await app.jwtCookie.sign({ sub: 'bob', expiresIn: 600 })).token)
  t.mock.timers.tick(5000)
  assert.equal(await client.ask('here?'), 'heard')
  await other.deny({ sub: 'ann', before: clock.at, until: clock.at + 600_000 })
  t.mock.timers.tick(5000)
  assert.equal(await client.closed, '4401 denied')
  assert.equal(await another.ask('here?'), 'heard')
})
