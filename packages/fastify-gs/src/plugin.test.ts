import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import Sqlite from 'better-sqlite3'
import Fastify from 'fastify'
import { fastifyGs, gsMount, GsOptionError, GsStartError, hashPassword } from './index.ts'
import { build, Inbox, password } from './testing/build.ts'
import { emptyPostgres, temporaryDirectory } from './testing/databases.ts'

describe('register()', () => {
  it('refuses a wrong option and an unusable database with one sentence', async (t) => {
    const directory = temporaryDirectory(t)
    const file = join(directory, 'gs.sqlite3')
    writeFileSync(file, 'not a database, but a text that is long enough to be looked at\n'.repeat(20))
    const valid = {
      baseUrl: 'http://localhost',
      keys: ['only-for-tests-0123456789-abcdefghij'],
      database: { sqlite: file },
      mail: { mailer: new Inbox(), from: 'a@b.test' }
    }
    await assert.rejects(async () => Fastify().register(fastifyGs, { ...valid, baseUrl: 'localhost' }), GsOptionError)
    await assert.rejects(async () => Fastify().register(fastifyGs, valid), GsStartError)
    await assert.rejects(
      async () =>
        Fastify().register(fastifyGs, {
          ...valid,
          database: { sqlite: ':memory:' },
          admin: { username: 'a b', passwordHash: await hashPassword(password) }
        }),
      /admin\.username/
    )
  })

  it('refuses a mount that would serve the database', async (t) => {
    const directory = temporaryDirectory(t)
    await assert.rejects(
      build(t, { database: { sqlite: join(directory, 'gs.sqlite3') } }, async (app) => {
        await app.register(gsMount, { prefix: '/files', root: directory })
      }),
      (error) => error instanceof GsOptionError && /contains the database .*gs\.sqlite3/.test(error.message)
    )
  })

  it('refuses an admin whose name a visitor has', async (t) => {
    const { databasePath, member } = await build(t)
    await member('chief')
    const admin = { username: 'Chief', passwordHash: await hashPassword(password) }
    await assert.rejects(
      build(t, { database: { sqlite: databasePath }, admin }),
      (error) => error instanceof GsStartError && /admin\.username names "Chief"/.test(error.message)
    )
  })

  it('keeps sessions over a restart, ends those of an admin whose password was changed in the configuration', async (t) => {
    const admin = { username: 'boss', passwordHash: await hashPassword(password) }
    const first = await build(t, { admin })
    const alice = await first.member('alice')
    const boss = first.browser()
    await boss.post('/lwsgs/login', { username: 'boss', password })
    await first.app.close()

    const session = async (built: typeof first, token: string) => {
      const browser = built.browser()
      browser.cookies.set('gs', token)
      return (await browser.get('/lwsgs/session')).json().username
    }
    const same = await build(t, { admin, database: { sqlite: first.databasePath } })
    assert.deepEqual([await session(same, alice.token!), await session(same, boss.token!)], ['alice', 'boss'])
    await same.app.close()
    const changed = await build(t, {
      admin: { ...admin, passwordHash: await hashPassword(`${password}!`) },
      database: { sqlite: first.databasePath }
    })
    assert.deepEqual([await session(changed, alice.token!), await session(changed, boss.token!)], ['alice', null])
    await changed.app.close()
    const none = await build(t, { database: { sqlite: first.databasePath } })
    assert.equal(await session(none, boss.token!), null)
    assert.equal((await none.browser().post('/lwsgs/login', { username: 'boss', password })).statusCode, 401)
  })

  it('runs beside another instance with its own cookie, database and keys: nothing of one counts for the other', async (t) => {
    const one = await build(t)
    const two = await build(t, { keys: ['another-key-for-tests-9876543210-zyxwv'] })
    const alice = await one.member('alice')
    const anonymous = one.browser()
    const { session } = (await anonymous.get('/lwsgs/session')).json()
    for (const token of [alice.token!, anonymous.token!]) {
      const stranger = two.browser()
      stranger.cookies.set('gs', token)
      const info = (await stranger.get('/lwsgs/session')).json()
      assert.equal(info.username, null)
      assert.notEqual(info.session, session)
    }
  })

  it('shows its routes with their schemas to other plugins', async (t) => {
    const routes: string[] = []
    const app = Fastify()
    t.after(() => app.close())
    app.addHook('onRoute', (route) => void (route.schema?.body !== undefined && routes.push(`${String(route.method)} ${route.url}`)))
    await app.register(fastifyGs, {
      baseUrl: 'http://localhost',
      keys: ['only-for-tests-0123456789-abcdefghij'],
      database: { sqlite: ':memory:' },
      mail: { mailer: new Inbox(), from: 'a@b.test' }
    })
    await app.ready()
    assert.ok(routes.includes('POST /lwsgs/login') && routes.includes('POST /lwsgs/delete-account'))
    assert.match(app.printRoutes({ commonPrefix: false }), /lwsgs\/register \(POST\)/)
  })
})

describe('a request', () => {
  const changes = (path: string) => {
    const database = new Sqlite(path, { readonly: true })
    const version = database.pragma('data_version', { simple: true }) as number
    return { since: () => (database.pragma('data_version', { simple: true }) as number) - version, close: () => database.close() }
  }

  it('without a cookie writes nothing to the database and gets one cookie', async (t) => {
    const { app, browser, databasePath } = await build(
      t,
      {},
      (app) => void app.get('/', (_request, reply) => reply.type('text/html').send('hello'))
    )
    const watch = changes(databasePath)
    t.after(watch.close)
    for (let i = 0; i < 50; i++) {
      const response = await browser().visit('/')
      assert.match(String(response.headers['set-cookie']), /^gs=[\w-]{27}\.[^;]+; Path=\/; HttpOnly; SameSite=Lax$/)
    }
    assert.equal(watch.since(), 0)
    const program = await app.inject('/')
    assert.equal(program.headers['set-cookie'], undefined)
  })

  it('of a member asks the database once and writes nothing', async (t) => {
    const statements: string[] = []
    const { member, databasePath } = await build(t, {}, (app) => void app.get('/me', (request) => request.gs.account?.username))
    const alice = await member('alice')
    const watch = changes(databasePath)
    t.after(watch.close)
    const prototype = Object.getPrototypeOf(new Sqlite(':memory:').prepare('select 1')) as Record<
      'get' | 'all' | 'run' | 'iterate',
      (this: { source: string }, ...args: unknown[]) => unknown
    >
    const originals = { ...prototype }
    for (const method of ['get', 'all', 'run', 'iterate'] as const) {
      const original = prototype[method]
      prototype[method] = function (...args) {
        statements.push(this.source)
        return original.apply(this, args)
      }
      originals[method] = original
    }
    try {
      assert.equal((await alice.get('/me')).body, 'alice')
    } finally {
      Object.assign(prototype, originals)
    }
    assert.equal(statements.length, 1, statements.join('\n'))
    assert.match(statements[0]!, /^select .* from "gs_sessions" as "s" where "s"."token_hash" = \?$/)
    assert.equal(watch.since(), 0)
  })

  it('fails closed when the store fails: nobody becomes anonymous by an outage, and nothing internal is told', async (t) => {
    const { browser, databasePath, member } = await build(t, {}, (app) => {
      app.get('/open', () => 'open')
      app.get('/members', { config: { gs: 5 } }, () => 'secret')
    })
    const alice = await member('alice')
    const database = new Sqlite(databasePath)
    database.exec('alter table gs_sessions rename to gs_sessions_away')
    for (const url of ['/open', '/members', '/lwsgs/session']) {
      const response = await alice.get(url)
      assert.deepEqual([response.statusCode, response.json().code], [503, 'GS_BUSY'], url)
      assert.doesNotMatch(response.body, /secret|gs_sessions|SQL/i)
    }
    assert.equal((await browser().get('/open')).body, 'open')
    assert.equal((await browser().get('/members')).statusCode, 401)
    const failed = await browser().post('/lwsgs/login', { username: 'alice', password })
    assert.deepEqual([failed.statusCode, failed.json().code], [500, 'GS_INTERNAL'])
    assert.doesNotMatch(failed.body, /gs_sessions|SQL|Sqlite/i)
    database.exec('alter table gs_sessions_away rename to gs_sessions')
    database.close()
    assert.equal((await alice.get('/members')).body, 'secret')
  })

  it('ends sessions by idle time and by absolute life, whatever the activity, also far beyond 24.8 days', async (t) => {
    const { browser, clock, member } = await build(t, { session: { idle: 3600, absolute: 86_400 } })
    const alice = await member('alice')
    const alive = async (who = alice) => (await who.get('/lwsgs/session')).json().username !== null
    clock.advance(3599)
    assert.equal(await alive(), true)
    clock.advance(3599)
    assert.equal(await alive(), true)
    clock.advance(3600)
    assert.equal(await alive(), false)

    const busy = browser()
    await busy.post('/lwsgs/login', { username: 'alice', password })
    for (let hour = 0; hour < 47; hour++) {
      clock.advance(1800)
      assert.equal(await alive(busy), true, `half hour ${hour}`)
    }
    clock.advance(1800)
    assert.equal(await alive(busy), false)

    const kept = browser()
    await kept.post('/lwsgs/login', { username: 'alice', password, remember: true })
    clock.advance(29 * 86_400)
    assert.equal(await alive(kept), true)
    clock.advance(86_400)
    assert.equal(await alive(kept), false)
  })

  it('keeps all tokens out of the database files', async (t) => {
    const { browser, databasePath, inbox, member } = await build(t)
    const alice = await member('alice')
    await browser().post('/lwsgs/forgot-password', { username: 'alice' })
    const tokens = [alice.token!, await inbox.token('alice@mail.test', /Confirm/), await inbox.token('alice@mail.test', /Set a new/)]
    const bytes = ['', '-wal'].map((suffix) => readFileSync(databasePath + suffix, 'latin1')).join('')
    assert.ok(bytes.includes('alice@mail.test'))
    for (const token of tokens) assert.equal(bytes.includes(token), false)
    assert.equal(bytes.includes(password), false)
  })

  it('gives a policy to routes by config, also in child plugins, and refuses a route that escaped it', async (t) => {
    const app = Fastify()
    t.after(() => app.close())
    app.get('/early', { config: { gs: 5 } }, () => 'secret')
    await app.register(fastifyGs, {
      baseUrl: 'http://localhost',
      keys: ['only-for-tests-0123456789-abcdefghij'],
      database: { sqlite: ':memory:' },
      mail: { mailer: new Inbox(), from: 'a@b.test' }
    })
    await app.register(async (child) => void child.get('/deep', { config: { gs: 'user+verified' } }, () => 'secret'), { prefix: '/child' })
    assert.throws(() => app.get('/unset', { config: { gs: undefined as never } }, () => 'secret'), /policy of GET \/unset/)
    assert.throws(() => app.get('/typo', { config: { gs: 'usr' } }, () => 'secret'), /policy of GET \/typo names "usr"/)
    assert.equal((await app.inject('/child/deep')).statusCode, 401)
    const early = await app.inject('/early')
    assert.equal(early.statusCode, 500)
    assert.doesNotMatch(early.body, /secret"?$/)
  })
})

describe('the story on PostgreSQL', () => {
  it('runs from registration to deletion', async (t) => {
    const { browser, inbox, member } = await build(t, { database: { postgres: await emptyPostgres() } })
    const alice = await member('alice')
    await alice.post('/lwsgs/logout')
    assert.equal((await alice.post('/lwsgs/login', { username: 'alice', password })).json().mask, 5)
    const answers = await Promise.all(Array.from({ length: 10 }, () => browser().post('/lwsgs/login', { username: 'alice', password })))
    assert.deepEqual(new Set(answers.map((answer) => answer.statusCode)), new Set([200]))
    await browser().post('/lwsgs/forgot-password', { username: 'alice' })
    const token = await inbox.token('alice@mail.test', /Set a new/)
    const redeemed = await Promise.all(Array.from({ length: 20 }, () => alice.post('/lwsgs/forgot-password/redeem', { token })))
    assert.equal(redeemed.filter((answer) => answer.statusCode === 200).length, 1)
    alice.cookies.clear()
    await alice.post('/lwsgs/login', { username: 'alice', password })
    assert.equal((await alice.post('/lwsgs/delete-account', { currentPassword: password })).json().username, null)
    const names = await Promise.all(
      Array.from({ length: 20 }, (_, i) => browser().post('/lwsgs/register', { username: 'alice', email: `a${i}@mail.test`, password }))
    )
    assert.deepEqual(
      names.map((answer) => answer.statusCode).toSorted((a, b) => a - b),
      [202, ...Array.from({ length: 19 }, () => 409)]
    )
  })
})

describe('housekeeping', () => {
  it('keeps an active visitor in with an idle time shorter than the interval of writing', async (t) => {
    const { clock, member } = await build(t, { session: { idle: 30 } })
    const alice = await member('alice')
    for (let i = 0; i < 10; i++) {
      clock.advance(20)
      assert.equal((await alice.get('/lwsgs/session')).json().username, 'alice', `after ${(i + 1) * 20} s`)
    }
    clock.advance(30)
    assert.equal((await alice.get('/lwsgs/session')).json().username, null)
  })

  it('cannot lock the configured admin out, who has no mailbox to recover by', async (t) => {
    const admin = { username: 'boss', passwordHash: await hashPassword(password) }
    const { app, clock, browser } = await build(t, { admin, attempts: { ladder: [], lockAfter: 100 } })
    for (let i = 0; i < 110; i++) {
      clock.advance(3600)
      const payload = { username: 'boss', password: 'wrong password here' }
      assert.equal((await app.inject({ method: 'POST', url: '/lwsgs/login', payload, remoteAddress: `192.0.2.${i}` })).statusCode, 401)
    }
    assert.equal((await browser().post('/lwsgs/login', { username: 'boss', password })).json().username, 'boss')
  })
})
