import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, it, type TestContext } from 'node:test'
import websocket from '@fastify/websocket'
import Fastify, { type FastifyInstance } from 'fastify'
import type { WebSocket } from 'ws'
import { sessionRegistryOf } from '../live/session-registry.ts'
import type { GsOptions } from '../options.ts'
import { fastifyGs } from '../plugin.ts'
import { Browser, Clock, Inbox, password, quickHasher } from '../testing/build.ts'
import { emptyPostgres, temporaryDirectory } from '../testing/databases.ts'
import { openSocket, ownOrigin, type SocketClient } from '../testing/socket-client.ts'

/** A process of the site. */
interface Node {
  readonly app: FastifyInstance
  /** Whose sockets of this process were open when an answer of it went out, by its mark. */
  readonly openAt: Map<string, readonly string[]>
  readonly received: string[]
}

interface Scene {
  /** Of the account whose sockets it is about. */
  readonly name: string
  /** A header that marks the request which is the cause. */
  readonly marked: Readonly<Record<string, string>>
  /** Where the sockets are. */
  readonly node: Node
  /** Where the cause is. */
  readonly acting: Node
  readonly clock: Clock
  readonly inbox: Inbox
  /** Somebody at the process where the cause is. */
  readonly browser: () => Browser
  /** The same browser there. */
  readonly asActing: (browser: Browser) => Browser
  readonly member: (username: string) => Promise<Browser>
  readonly logIn: (username: string, fields?: object) => Promise<Browser>
  readonly idOf: (username: string) => Promise<string>
  /** Calls of an admin. */
  readonly admin: (path: string, body?: object) => Promise<Answer>
}

/** A test, or a group of them. */
type Cleaned = Pick<TestContext, 'after'>
type Answer = Awaited<ReturnType<Browser['post']>>

async function startNode(
  t: Cleaned,
  options: Pick<GsOptions, 'database'> & Partial<GsOptions>,
  clock: Clock,
  inbox: Inbox,
  order: 'fastify-gs first' | 'fastify-gs last'
): Promise<Node> {
  const app = Fastify()
  t.after(() => app.close())
  const sockets = new Map<WebSocket, string>()
  const node: Node = { app, openAt: new Map(), received: [] }
  if (order === 'fastify-gs last') await app.register(websocket)
  await app.register(fastifyGs, {
    baseUrl: ownOrigin,
    keys: ['only-for-tests-0123456789-abcdefghij'],
    mail: { mailer: inbox, from: 'Test <noreply@site.test>' },
    password: { hasher: quickHasher },
    admin: { username: 'Chief', passwordHash: await quickHasher.hash(Buffer.from(password)) },
    sectors: ['press', 'editor'],
    rateLimits: false,
    now: () => clock.now,
    ...options
  })
  if (order === 'fastify-gs first') await app.register(websocket)
  app.addHook('onSend', async (request) => {
    const open = [...sockets].filter(([socket]) => socket.readyState === socket.OPEN)
    node.openAt.set(
      String(request.headers['x-cause']),
      open.map(([, name]) => name)
    )
  })
  const listen = (socket: WebSocket, name: () => string) => {
    sockets.set(socket, name())
    socket.on('close', () => sockets.delete(socket))
    socket.on('message', (data: Buffer) => {
      node.received.push(data.toString())
      socket.send(`${name()} ${data.toString()}`)
    })
  }
  for (const [path, gs] of Object.entries({
    user: 'user',
    member: 'user+verified',
    press: 'user+press',
    staff: { level: 'staff' as const },
    fresh: 'forgot'
  }))
    app.get(`/${path}`, { websocket: true, config: { gs } }, (socket, request) =>
      listen(socket, () => request.gs.account?.username ?? 'nobody')
    )
  app.get('/public', { websocket: true }, (socket, request) => listen(socket, () => request.gs.account?.username ?? 'nobody'))
  app.route({
    method: 'GET',
    url: '/both',
    onRequest: app.gs.requirePolicy('user+verified'),
    handler: () => 'a page',
    wsHandler: (socket, request) => listen(socket, () => request.gs.account?.username ?? 'nobody')
  })
  await app.ready()
  return node
}

const databases: readonly [name: string, open: (t: TestContext) => Promise<GsOptions['database']>][] = [
  ['SQLite', async (t) => ({ sqlite: join(temporaryDirectory(t), 'gs.sqlite3') })],
  ['PostgreSQL', async () => ({ postgres: await emptyPostgres() })]
]

const places = ['this process', 'another process'] as const

async function setScene(t: Cleaned, database: GsOptions['database'], place: (typeof places)[number], options: Partial<GsOptions> = {}) {
  const [clock, inbox] = [new Clock(), new Inbox()]
  const node = await startNode(t, { database, ...options }, clock, inbox, 'fastify-gs first')
  const acting = place === 'this process' ? node : await startNode(t, { database, ...options }, clock, inbox, 'fastify-gs last')
  let chief: Browser | undefined
  const scene: Scene = {
    name: 'alice',
    marked: { 'x-cause': 'alice' },
    node,
    acting,
    clock,
    inbox,
    browser: () => new Browser(acting.app),
    asActing(browser) {
      const same = new Browser(acting.app)
      for (const [name, value] of browser.cookies) same.cookies.set(name, value)
      return same
    },
    async member(username) {
      const browser = new Browser(node.app)
      const seen = inbox.mails.length
      await browser.post('/lwsgs/register', { username, email: `${username}@mail.test`, password })
      const token = await inbox.token(`${username}@mail.test`, /Confirm/, seen)
      const verified = await browser.post('/lwsgs/verify-email', { token })
      assert.equal(verified.statusCode, 200, verified.body)
      return browser
    },
    async logIn(username, fields = {}) {
      const browser = new Browser(node.app)
      const answer = await browser.post('/lwsgs/login', { username, password, ...fields })
      assert.equal(answer.statusCode, 200, answer.body)
      return browser
    },
    async idOf(username) {
      const { accounts } = (await (await boss()).get(`/lwsgs/admin/accounts?search=${username}`)).json()
      return (accounts as { id: string; username: string }[]).find((account) => account.username === username)!.id
    },
    // Of the own one: the scene is copied for each case.
    async admin(path, body = {}) {
      return (await boss()).post(`/lwsgs/admin${path}`, body, this.marked)
    }
  }
  const boss = async () => {
    if (chief !== undefined) return chief
    chief = new Browser(acting.app)
    const answer = await chief.post('/lwsgs/login', { username: 'Chief', password })
    assert.equal(answer.statusCode, 200, answer.body)
    return chief
  }
  return scene
}

/** What must be there before, and what is done; of the sockets of alice, who is logged in. */
interface Case {
  readonly name: string
  readonly closed: string
  readonly path?: string
  /** Default: alice signs up and is verified. */
  readonly before?: (scene: Scene) => Promise<Browser>
  readonly cause: (scene: Scene, alice: Browser) => Promise<Answer>
}

/** Asks for a link and gives the token in the mail. */
async function mailed({ name, inbox, browser }: Scene, path: string, body: object, subject: RegExp): Promise<string> {
  const seen = inbox.mails.length
  await browser().post(`/lwsgs${path}`, body)
  return inbox.token(`${name}@mail.test`, subject, seen)
}

const granted = async (scene: Scene, body: object): Promise<Browser> => {
  const alice = await scene.member(scene.name)
  const answer = await scene.admin(`/accounts/${await scene.idOf(scene.name)}/grant`, body)
  assert.equal(answer.statusCode, 200, answer.body)
  return alice
}

const sessionOf = async (browser: Browser) => (await browser.get('/lwsgs/session')).json<{ session: string }>().session

const cases: readonly Case[] = [
  { name: 'a logout', closed: '4401 logout', cause: (scene, alice) => scene.asActing(alice).post('/lwsgs/logout', {}, scene.marked) },
  {
    name: 'a logout, on a route without policy',
    path: '/public',
    closed: '4401 logout',
    cause: (scene, alice) => scene.asActing(alice).post('/lwsgs/logout', {}, scene.marked)
  },
  {
    name: 'a logout, on a route with wsHandler and requirePolicy',
    path: '/both',
    closed: '4401 logout',
    cause: (scene, alice) => scene.asActing(alice).post('/lwsgs/logout', {}, scene.marked)
  },
  {
    name: 'another login in the same browser',
    closed: '4401 login',
    cause: (scene, alice) => scene.asActing(alice).post('/lwsgs/login', { username: scene.name, password }, scene.marked)
  },
  {
    name: 'the verification of the address',
    path: '/user',
    closed: '4401 verified',
    async before(scene) {
      await new Browser(scene.node.app).post('/lwsgs/register', { username: scene.name, email: `${scene.name}@mail.test`, password })
      return scene.logIn(scene.name)
    },
    async cause(scene) {
      const token = await scene.inbox.token(`${scene.name}@mail.test`, /Confirm/)
      return scene.browser().post('/lwsgs/verify-email', { token }, scene.marked)
    }
  },
  {
    name: 'a new password from another device',
    closed: '4401 password-changed',
    async cause(scene) {
      const other = scene.asActing(await scene.logIn(scene.name))
      return other.post('/lwsgs/change-password', { currentPassword: password, password: `${password}!` }, scene.marked)
    }
  },
  {
    name: 'a lost-password link',
    closed: '4401 password-forgotten',
    async cause(scene) {
      const token = await mailed(scene, '/forgot-password', { username: scene.name }, /Set a new/)
      return scene.browser().post('/lwsgs/forgot-password/redeem', { token }, scene.marked)
    }
  },
  {
    name: 'a former mailbox that takes the account back',
    closed: '4401 email-restored',
    async cause(scene) {
      const thief = scene.asActing(await scene.logIn(scene.name))
      let seen = scene.inbox.mails.length
      await thief.post('/lwsgs/change-email', { email: `thief.${scene.name}@mail.test`, currentPassword: password })
      const confirm = await scene.inbox.token(`thief.${scene.name}@mail.test`, /Confirm your new/, seen)
      seen = scene.inbox.mails.length
      await thief.post('/lwsgs/change-email/redeem', { token: confirm })
      const token = await scene.inbox.token(`${scene.name}@mail.test`, /was changed/, seen)
      return scene.browser().post('/lwsgs/change-email/undo', { token }, scene.marked)
    }
  },
  {
    name: 'the end of the account',
    closed: '4401 account-deleted',
    cause: (scene, alice) => scene.asActing(alice).post('/lwsgs/delete-account', { currentPassword: password }, scene.marked)
  },
  {
    name: 'the end of the account by an admin',
    closed: '4401 account-deleted',
    cause: async (scene) => scene.admin(`/accounts/${await scene.idOf(scene.name)}/delete`)
  },
  {
    name: 'a lock',
    closed: '4401 account-locked',
    cause: async (scene) => scene.admin(`/accounts/${await scene.idOf(scene.name)}/lock`)
  },
  {
    name: 'the end of the session from another device',
    closed: '4401 revoked',
    async cause(scene, alice) {
      const other = scene.asActing(await scene.logIn(scene.name))
      return other.send({ method: 'DELETE', url: `/lwsgs/sessions/${await sessionOf(alice)}`, headers: scene.marked })
    }
  },
  {
    name: 'the end of all other sessions',
    closed: '4401 revoked',
    async cause(scene) {
      const other = scene.asActing(await scene.logIn(scene.name))
      return other.send({ method: 'DELETE', url: '/lwsgs/sessions', headers: scene.marked })
    }
  },
  {
    name: 'the end of the session by an admin',
    closed: '4401 revoked',
    cause: async (scene, alice) => scene.admin(`/sessions/${await sessionOf(alice)}/end`)
  },
  {
    name: 'the end of all sessions by an admin',
    closed: '4401 revoked',
    cause: async (scene) => scene.admin(`/accounts/${await scene.idOf(scene.name)}/end-sessions`)
  },
  {
    name: 'a login that is one too many',
    closed: '4401 limit',
    async cause(scene) {
      await scene.logIn(scene.name)
      await scene.logIn(scene.name)
      return scene.browser().post('/lwsgs/login', { username: scene.name, password }, scene.marked)
    }
  },
  {
    name: 'a sector that is withdrawn',
    path: '/press',
    closed: '4403 mask',
    before: (scene) => granted(scene, { sectors: ['press'] }),
    cause: async (scene) => scene.admin(`/accounts/${await scene.idOf(scene.name)}/grant`, { withdraw: ['press'] })
  },
  {
    name: 'a lower level',
    path: '/staff',
    closed: '4403 level',
    before: (scene) => granted(scene, { level: 30 }),
    cause: async (scene) => scene.admin(`/accounts/${await scene.idOf(scene.name)}/grant`, { level: 29 })
  },
  {
    name: 'a group that is left',
    path: '/staff',
    closed: '4403 level',
    async before(scene) {
      await scene.admin('/groups', { name: `crew.${scene.name}`, level: 30 })
      return granted(scene, { group: `crew.${scene.name}` })
    },
    cause: async (scene) => scene.admin(`/accounts/${await scene.idOf(scene.name)}/grant`, { group: null })
  },
  {
    name: 'a group that is gone',
    path: '/staff',
    closed: '4403 level',
    async before(scene) {
      await scene.admin('/groups', { name: `crew.${scene.name}`, level: 30 })
      return granted(scene, { group: `crew.${scene.name}` })
    },
    async cause(scene) {
      const boss = scene.browser()
      await boss.post('/lwsgs/login', { username: 'Chief', password })
      const { groups } = (await boss.get('/lwsgs/admin/groups')).json<{ groups: { id: string; name: string }[] }>()
      const { id } = groups.find(({ name }) => name.endsWith(scene.name))!
      return boss.post(`/lwsgs/admin/groups/${id}/delete`, {}, scene.marked)
    }
  },
  {
    name: 'a new password that is due',
    closed: '4403 password-change',
    cause: async (scene) => scene.admin(`/accounts/${await scene.idOf(scene.name)}/require-password-change`)
  },
  {
    name: 'a password that an admin has made void',
    closed: '4401 password-changed',
    cause: async (scene) => scene.admin(`/accounts/${await scene.idOf(scene.name)}/reset-password`)
  }
]

for (const [engine, open] of databases) {
  describe(`an open websocket on ${engine}`, () => {
    for (const place of places) {
      describe(`when the cause is in ${place}`, () => {
        let scene: Scene
        let bob: SocketClient
        const cleanups: (() => unknown)[] = []
        const group = { after: (cleanup: () => unknown) => void cleanups.unshift(cleanup) } as Cleaned & TestContext
        before(async () => {
          scene = await setScene(group, await open(group), place, { session: { perAccount: 3 } })
          bob = await openSocket(group, scene.node.app, await scene.member('bob'), { url: '/member' })
        })
        after(async () => {
          for (const cleanup of cleanups) await cleanup()
        })

        for (const [number, { name, closed, path = '/member', before, cause }] of cases.entries()) {
          it(`is closed with ${closed} by ${name}`, { timeout: 60_000 }, async (t) => {
            const username = `alice${number}`
            const own = { ...scene, name: username, marked: { 'x-cause': username } }
            const alice = await (before?.(own) ?? own.member(username))
            const sockets = [
              await openSocket(t, own.node.app, alice, { url: path }),
              await openSocket(t, own.node.app, alice, { url: path })
            ]
            for (const socket of sockets) assert.equal(await socket.ask(`hello ${username}`), `${username} hello ${username}`)

            const answer = await cause(own, alice)
            const answeredAt = performance.now()
            assert.equal(answer.statusCode, 200, answer.body)
            if (place === 'this process') {
              for (const { socket } of sockets) if (socket.readyState === socket.OPEN) socket.send(`too late ${username}`)
              // Those of alice are closing before the answer begins.
              assert.deepEqual(own.node.openAt.get(username), ['bob'])
            }
            for (const socket of sockets) assert.equal(await socket.closed, closed)
            if (place === 'another process') assert.ok(performance.now() - answeredAt < 1000, 'within a second')
            assert.equal(await bob.ask('still here'), 'bob still here')
            const heard = own.node.received.filter((message) => message.endsWith(` ${username}`))
            assert.deepEqual(heard, [`hello ${username}`, `hello ${username}`])
          })
        }
      })
    }

    const times: readonly [name: string, closed: string, path: string, setup: (scene: Scene) => Promise<Browser>, seconds: number][] = [
      ['the idle time', '4401 idle', '/member', (scene) => scene.member('alice'), 3600],
      ['the end of its life', '4401 absolute', '/member', (scene) => scene.member('alice'), 86_400],
      ['the end of a life of 60 days', '4401 absolute', '/member', (scene) => remembered(scene), 60 * 86_400],
      ['the time after a lost-password link', '4403 mask', '/fresh', (scene) => redeemed(scene), 300]
    ]
    const remembered = async (scene: Scene) => {
      await scene.member('alice')
      return scene.logIn('alice', { remember: true })
    }
    const redeemed = async (scene: Scene) => {
      await scene.member('alice')
      const token = await mailed(scene, '/forgot-password', { username: 'alice' }, /Set a new/)
      const browser = new Browser(scene.node.app)
      await browser.post('/lwsgs/forgot-password/redeem', { token })
      return browser
    }
    for (const [name, closed, path, setup, seconds] of times) {
      const long = { session: { idle: closed.endsWith('absolute') ? 86_400 : 3600, remembered: 60 * 86_400 } }
      it(`is closed with ${closed} by ${name}, and what comes at that moment is not handled`, { timeout: 30_000 }, async (t) => {
        const scene = await setScene(t, await open(t), 'this process', long)
        const alice = await setup(scene)
        const socket = await openSocket(t, scene.node.app, alice, { url: path })
        scene.clock.advance(seconds - 1)
        assert.equal(await socket.ask('in time'), 'alice in time')
        scene.clock.advance(1)
        socket.send('too late')
        assert.equal(await socket.closed, closed)
        assert.deepEqual(scene.node.received, ['in time'])
      })

      it(`is closed with ${closed} by ${name}, also when nobody says a word`, { timeout: 30_000 }, async (t) => {
        const scene = await setScene(t, await open(t), 'this process', long)
        const socket = await openSocket(t, scene.node.app, await setup(scene), { url: path })
        scene.clock.advance(seconds)
        assert.equal(await socket.closed, closed)
      })
    }

    it('goes on when its session was used in another process, and hands over what has come meanwhile in its order', async (t) => {
      const scene = await setScene(t, await open(t), 'another process')
      const alice = await scene.member('alice')
      const socket = await openSocket(t, scene.node.app, alice, { url: '/member' })
      scene.clock.advance(3000)
      await scene.asActing(alice).get('/lwsgs/session')
      // Written down when that process stops.
      await scene.acting.app.close()
      scene.clock.advance(1000)
      for (const word of ['one', 'two', 'three']) socket.send(word)
      for (const word of ['one', 'two', 'three']) assert.equal(await socket.next(), `alice ${word}`)
    })

    it('is closed with 1013 when the browser has got a new token: who holds the old one hears nothing more', async (t) => {
      const scene = await setScene(t, await open(t), 'this process')
      const alice = await scene.member('alice')
      const thief = new Browser(scene.node.app)
      thief.cookies.set('gs', alice.token!)
      const sockets = [
        await openSocket(t, scene.node.app, alice, { url: '/member' }),
        await openSocket(t, scene.node.app, thief, { url: '/member' })
      ]
      await alice.post('/lwsgs/change-password', { currentPassword: password, password: `${password}!` })
      await alice.get('/lwsgs/session')
      await sessionRegistryOf(scene.node.app.gs).check()
      for (const socket of sockets) assert.equal(await socket.closed, '1013 renewed')
      await openSocket(t, scene.node.app, alice, { url: '/member' })
      await assert.rejects(openSocket(t, scene.node.app, thief, { url: '/member' }), /401/)
    })
  })
}
