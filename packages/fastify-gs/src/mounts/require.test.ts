import assert from 'node:assert/strict'
import { request as httpRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, it } from 'node:test'
import websocket from '@fastify/websocket'
import Sqlite from 'better-sqlite3'
import Fastify from 'fastify'
import { fastifyGs, GsOptionError, hashPassword } from '../index.ts'
import { build, Inbox, password, type Browser, type Built } from '../testing/build.ts'
import { rawRequest } from '../testing/raw-request.ts'
import type { Policy } from './policy.ts'

const navigation = { accept: 'text/html', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }
const sectors = Array.from({ length: 28 }, (_, index) => `s${index + 4}`)

/** Writes what only an operator can write. */
const change = (built: Built, statement: string) => {
  const database = new Sqlite(built.databasePath)
  database.exec(statement)
  database.close()
}

/** A browser in each state that a visitor can be in. */
async function visitors(built: Built): Promise<Record<'anonymous' | 'unverified' | 'verified' | 'admin' | 'forgot', Browser>> {
  const { browser, inbox, member } = built
  const unverified = browser()
  await unverified.post('/lwsgs/register', { username: 'uma', email: 'uma@mail.test', password })
  await unverified.post('/lwsgs/login', { username: 'uma', password })
  const admin = browser()
  await admin.post('/lwsgs/login', { username: 'boss', password })
  await member('frank')
  const forgot = browser()
  await forgot.post('/lwsgs/forgot-password', { username: 'frank' })
  await forgot.post('/lwsgs/forgot-password/redeem', { token: await inbox.token('frank@mail.test', /Set a new/) })
  return { anonymous: browser(), unverified, verified: await member('alice'), admin, forgot }
}
const withAdmin = async () => ({ admin: { username: 'boss', passwordHash: await hashPassword(password) } })

describe('a route with a policy', () => {
  it('is for exactly those whose mask has all its bits', async (t) => {
    const names = ['user', 'admin', 'verified', 'forgot']
    const named = (mask: number) => names.filter((_, bit) => (mask >> bit) & 1).join('+')
    const built = await build(t, await withAdmin(), (app) => {
      for (let mask = 0; mask < 16; mask++) {
        const forms: Policy[] = [mask, { mask }, ...(mask === 0 ? [] : [named(mask), { mask: named(mask) }])]
        for (const [index, gs] of forms.entries()) app.get(`/${mask}/${index}`, { config: { gs } }, () => 'inside')
      }
    })
    const has = { anonymous: 0, unverified: 0b0001, verified: 0b0101, admin: 0b0111, forgot: 0b1101 }
    const browsers = await visitors(built)
    for (const [name, mask] of Object.entries(has) as [keyof typeof has, number][]) {
      const browser = browsers[name]
      assert.equal((await browser.get('/lwsgs/session')).json().mask, mask, name)
      for (let needed = 0; needed < 16; needed++) {
        const enough = [1, 2, 4, 8].every((bit) => (needed & bit) === 0 || (mask & bit) !== 0)
        for (let form = 0; form < (needed === 0 ? 2 : 4); form++) {
          const url = `/${needed}/${form}`
          const { statusCode, body } = await browser.get(url)
          assert.equal(statusCode, enough ? 200 : name === 'anonymous' ? 401 : 403, `${name} ${url}`)
          assert.equal(body === 'inside', enough)
          const page = await browser.visit(url)
          assert.equal(page.statusCode, enough ? 200 : name === 'anonymous' ? 303 : 403, `${name} visits ${url}`)
          assert.equal(page.body === 'inside', enough)
          const head = await browser.send({ method: 'HEAD', url })
          assert.deepEqual([head.statusCode, head.body], [statusCode, ''], `${name} HEAD ${url}`)
        }
      }
    }
  })

  it('with a sector is for those who were granted it, up to bit 31', async (t) => {
    const built = await build(t, { sectors }, (app) => {
      for (const sector of sectors) app.get(`/${sector}`, { config: { gs: `user+${sector}` } }, () => 'inside')
      app.get('/highest', { config: { gs: 0x8000_0000 } }, () => 'inside')
      app.get('/all', { config: { gs: 0xffff_fff5 } }, () => 'inside')
    })
    const alice = await built.member('alice')
    const open = async () => {
      const paths = [...sectors, 'highest', 'all']
      const codes = await Promise.all(paths.map(async (path) => (await alice.get(`/${path}`)).statusCode))
      assert.ok(codes.every((code) => code === 200 || code === 403))
      return paths.filter((_, index) => codes[index] === 200)
    }
    for (const [granted, expected] of [
      [0, []],
      [0x10, ['s4']],
      [0x8000_0000, ['s31', 'highest']],
      [0x7fff_fff0, sectors.slice(0, -1)],
      [0xffff_fff0, [...sectors, 'highest', 'all']],
      // The low bits are nothing that a grant can give.
      [0x0f, []]
    ] as const) {
      change(built, `update gs_accounts set sectors = ${granted}`)
      assert.deepEqual(await open(), expected, granted.toString(16))
    }
  })

  it('with a level is for those who have it, and hides from those who are below a role', async (t) => {
    const levels = {
      none: 0,
      anonymous: 1,
      'logged-in': 2,
      user: 10,
      customer: 20,
      staff: 30,
      moderator: 40,
      admin: 50,
      root: 100,
      nobody: 125
    } as const
    const built = await build(t, await withAdmin(), (app) => {
      for (const [name, level] of Object.entries(levels)) {
        app.get(`/${name}`, { config: { gs: { level: name as keyof typeof levels } } }, () => 'inside')
        app.get(`/number/${name}`, { config: { gs: { level } } }, () => 'inside')
      }
      app.get('/between', { config: { gs: { level: 5 } } }, () => 'inside')
    })
    const { anonymous, unverified, verified, admin } = await visitors(built)
    const staff = await built.member('sam')
    change(built, "update gs_accounts set level = 30 where username = 'sam'")
    const root = await built.member('rita')
    change(built, "update gs_accounts set level = 125 where username = 'rita'")
    for (const [browser, level, refusal] of [
      [anonymous, 1, 401],
      [unverified, 2, 404],
      [verified, 10, 404],
      [staff, 30, 404],
      [admin, 50, 404],
      [root, 124, 404]
    ] as const) {
      for (const [name, needed] of Object.entries(levels)) {
        for (const path of [`/${name}`, `/number/${name}`]) {
          const expected = name === 'nobody' ? 404 : needed <= level ? 200 : refusal
          const { statusCode, body } = await browser.get(path)
          assert.equal(statusCode, expected, `${level} ${path}`)
          assert.equal(body === 'inside', expected === 200)
        }
      }
    }
    assert.equal((await unverified.get('/between')).statusCode, 403)
    assert.equal((await verified.get('/between')).statusCode, 200)
    for (const browser of [anonymous, root]) {
      const page = await browser.visit('/nobody')
      assert.deepEqual([page.statusCode, page.headers.location], [404, undefined])
    }
  })

  it('asks again for each request', async (t) => {
    const built = await build(t, {}, (app) => void app.get('/x', { config: { gs: 5 } }, () => 'inside'))
    const alice = await built.member('alice')
    assert.equal((await alice.get('/x')).body, 'inside')
    change(built, 'update gs_accounts set verified_email_key = null')
    assert.equal((await alice.get('/x')).statusCode, 403)
    change(built, 'update gs_accounts set verified_email_key = email_key')
    assert.equal((await alice.get('/x')).body, 'inside')
    await alice.post('/lwsgs/logout')
    assert.equal((await alice.get('/x')).statusCode, 401)
  })

  it('asks for the forgot bit only for 300 seconds', async (t) => {
    const built = await build(t, await withAdmin(), (app) => void app.get('/x', { config: { gs: 'forgot' } }, () => 'inside'))
    const { forgot } = await visitors(built)
    built.clock.advance(299)
    assert.equal((await forgot.get('/x')).body, 'inside')
    built.clock.advance(1)
    assert.equal((await forgot.get('/x')).statusCode, 403)
  })

  it('is closed to everybody when the sessions cannot be looked up', async (t) => {
    const built = await build(t, {}, (app) => void app.get('/x', { config: { gs: 0 } }, () => 'inside'))
    const alice = await built.member('alice')
    change(built, 'alter table gs_sessions rename to gone')
    const { statusCode, body } = await alice.get('/x')
    assert.equal(statusCode, 503)
    assert.ok(!body.includes('inside'))
    change(built, 'alter table gone rename to gs_sessions')
    assert.equal((await alice.get('/x')).body, 'inside')
  })
})

describe('a refusal', () => {
  const routes = (app: Parameters<NonNullable<Parameters<typeof build>[2]>>[0]) => {
    app.all('/user/*', { config: { gs: 5 } }, () => 'inside')
    app.get('/admin', { config: { gs: 7 } }, () => 'inside')
    app.get('/staff', { config: { gs: { level: 'staff' } } }, () => 'inside')
  }

  it('sends a person to the login page, with the way back, and tells a program 401', async (t) => {
    const { browser } = await build(t, {}, routes)
    for (const [headers, redirected] of [
      [navigation, true],
      [{ accept: 'text/html,application/xhtml+xml;q=0.9,*/*;q=0.8' }, true],
      [{ accept: 'text/html', 'sec-fetch-mode': 'cors' }, false],
      [{ accept: 'text/html', 'sec-fetch-mode': 'no-cors' }, false],
      [{ accept: 'application/json' }, false],
      [{ accept: '*/*' }, false],
      [{}, false]
    ] as const) {
      for (const method of ['GET', 'HEAD'] as const) {
        const response = await browser().send({ method, url: '/user/a?b=c', headers: { ...headers } })
        const where = `${method} ${JSON.stringify(headers)}`
        assert.equal(response.headers['cache-control'], 'no-store', where)
        assert.equal(response.statusCode, redirected ? 303 : 401, where)
        assert.equal(response.headers.location, redirected ? '/lwsgs/?next=%2Fuser%2Fa%3Fb%3Dc' : undefined, where)
        if (!redirected && method === 'GET') assert.equal(response.json().code, 'GS_NOT_LOGGED_IN')
      }
      for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const)
        assert.equal((await browser().send({ method, url: '/user/a', headers: { ...headers } })).statusCode, 401, method)
    }
  })

  it('of somebody who is logged in is a page or JSON, never a redirect to the login page', async (t) => {
    const { member } = await build(t, {}, routes)
    const alice = await member('alice')
    for (const [url, status, code] of [['/admin', 403, 'GS_FORBIDDEN']] as const) {
      const json = await alice.get(url)
      assert.deepEqual([json.statusCode, json.json().code, json.headers['cache-control']], [status, code, 'no-store'])
      const page = await alice.visit(url)
      assert.deepEqual([page.statusCode, page.headers['cache-control'], page.headers.location], [status, 'no-store', undefined])
      assert.match(page.headers['content-type']!, /^text\/html/)
      assert.match(page.body, /<a href="\/lwsgs\/">/)
    }
  })

  it('leads to the login page that the application chose', async (t) => {
    const { browser } = await build(t, { loginPage: '/enter' }, routes)
    assert.equal((await browser().visit('/user/x')).headers.location, '/enter?next=%2Fuser%2Fx')
  })

  it('names only a path of this site as the way back', async (t) => {
    const { app } = await build(t, {}, (app) => {
      app.get('/*', { config: { gs: 5 } }, () => 'inside')
    })
    await app.listen({ port: 0, host: '127.0.0.1' })
    const { port } = app.server.address() as AddressInfo
    for (const [target, next] of [
      ['/a%0d%0ab?x=//evil.test', '/a%0d%0ab?x=//evil.test'],
      ['/a?next=http://evil.test/#&x="<b>', '/a?next=http://evil.test/#&x=%22%3Cb%3E'],
      ['/%E0%A4%A', null],
      ['//evil.test/a', null],
      ['/\\evil.test/a', null],
      ['/x/..//evil.test', null],
      ['http://evil.test/a', null],
      [`/${'a'.repeat(3000)}`, null]
    ] as const) {
      const { status, headers } = await rawRequest(port, 'GET', target, navigation)
      if (target === '/%E0%A4%A') assert.equal(status, 400)
      else
        assert.deepEqual(
          [status, headers.get('location')],
          [303, next === null ? '/lwsgs/' : `/lwsgs/?next=${encodeURIComponent(next)}`],
          target
        )
    }
  })

  it('of a method with effects from another site comes before the policy, and reading stays possible', async (t) => {
    const built = await build(t, {}, (app) => {
      for (const [path, gs] of [
        ['/open', 0],
        ['/closed', 5]
      ] as const)
        app.all(path, { config: { gs } }, () => 'inside')
    })
    const alice = await built.member('alice')
    const table: readonly [headers: Record<string, string>, own: boolean][] = [
      [{ 'sec-fetch-site': 'cross-site' }, false],
      [{ 'sec-fetch-site': 'same-site' }, false],
      [{ 'sec-fetch-site': 'cross-site', origin: 'http://localhost:7681' }, false],
      [{ origin: 'http://evil.test' }, false],
      [{ origin: 'null' }, false],
      [{ origin: 'http://localhost:7681.evil.test' }, false],
      [{ origin: 'https://localhost:7681' }, false],
      [{ 'sec-fetch-site': 'same-origin' }, true],
      [{ 'sec-fetch-site': 'none' }, true],
      [{ origin: 'http://localhost:7681' }, true],
      [{}, true]
    ]
    for (const [headers, own] of table) {
      for (const url of ['/open', '/closed']) {
        for (const method of ['POST', 'PUT', 'PATCH', 'DELETE'] as const) {
          const response = await alice.send({ method, url, headers })
          const where = `${method} ${url} ${JSON.stringify(headers)}`
          assert.equal(response.statusCode, own ? 200 : 403, where)
          if (own) assert.equal(response.body, 'inside')
          else assert.equal(response.json().code, 'GS_CROSS_SITE', where)
        }
        for (const method of ['GET', 'HEAD', 'OPTIONS'] as const)
          assert.equal((await alice.send({ method, url, headers })).statusCode, 200, method)
      }
      if (!own) assert.equal((await built.browser().post('/closed', {}, headers)).json().code, 'GS_CROSS_SITE')
    }
  })

  it('of a websocket that a page of another site opens comes before the policy', async (t) => {
    const built = await build(t, {}, async (app) => {
      await app.register(websocket)
      const wsHandler = (socket: { close(): void }) => socket.close()
      for (const [url, gs] of [
        ['/open', 0],
        ['/closed', 5]
      ] as const)
        app.route({ method: 'GET', url, config: { gs }, handler: () => 'inside', wsHandler })
    })
    const alice = await built.member('alice')
    await built.app.listen({ port: 0, host: '127.0.0.1' })
    const { port } = built.app.server.address() as AddressInfo
    const upgrade = (path: string, headers: Record<string, string>) =>
      new Promise<number>((resolve, reject) => {
        const key = { 'sec-websocket-version': '13', 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==' }
        const all = { connection: 'Upgrade', upgrade: 'WebSocket', ...key, cookie: `gs=${alice.token}`, ...headers }
        const request = httpRequest({ host: '127.0.0.1', port, path, headers: all, agent: false })
        request.on('upgrade', (_response, socket) => {
          socket.destroy()
          resolve(101)
        })
        request.on('response', (response) => {
          response.resume()
          resolve(response.statusCode!)
        })
        request.on('error', reject)
        request.end()
      })
    for (const [headers, status] of [
      [{ origin: 'https://evil.test' }, 403],
      [{ origin: 'null' }, 403],
      [{ origin: `http://localhost:${port}` }, 403],
      [{ origin: 'http://evil.test', 'sec-fetch-site': 'same-site' }, 403],
      [{ origin: `http://127.0.0.1:${port}`, 'sec-fetch-site': 'cross-site' }, 403],
      [{ origin: 'http://localhost:7681' }, 101],
      [{ origin: `http://127.0.0.1:${port}` }, 101],
      [{ 'sec-fetch-site': 'same-origin' }, 403],
      [{}, 403]
    ] as const) {
      for (const path of ['/open', '/closed']) assert.equal(await upgrade(path, headers), status, `${path} ${JSON.stringify(headers)}`)
    }
  })

  it('is logged without what stands behind the question mark', async (t) => {
    const lines: string[] = []
    const { browser } = await build(t, {}, routes, { logger: { stream: { write: (line: string) => void lines.push(line) } } })
    await browser().get('/user/x?token=very-secret')
    const refused = lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'refused')
    assert.equal(refused.length, 1)
    assert.equal(refused[0].url, '/user/x')
    assert.ok(!JSON.stringify(refused).includes('very-secret'))
  })
})

describe('wherever a route stands', () => {
  const closed = { config: { gs: 5 } } as const

  it('its policy holds: in child plugins, under prefixes, for several methods, for HEAD, with hooks of its own', async (t) => {
    let hooks = 0
    const count = (_request: unknown, _reply: unknown, done: () => void) => {
      hooks++
      done()
    }
    const built = await build(t, {}, async (app) => {
      app.get('/plain', closed, () => 'inside')
      app.route({ method: ['GET', 'POST', 'PUT'], url: '/several', ...closed, handler: () => 'inside' })
      app.all('/every', closed, () => 'inside')
      app.get('/hook', { ...closed, onRequest: count }, () => 'inside')
      app.get('/hooks', { ...closed, onRequest: [count, count], preHandler: count }, () => 'inside')
      app.get('/parameter/:x', closed, () => 'inside')
      app.get('/pattern/:x(^\\d+)', closed, () => 'inside')
      app.get('/wild/*', closed, () => 'inside')
      app.get('/no-head', { ...closed, exposeHeadRoute: false }, () => 'inside')
      await app.register(async (child) => {
        child.get('/child', closed, () => 'inside')
        await child.register(
          async (grandchild) => {
            grandchild.addHook('onRequest', count)
            grandchild.get('/', closed, () => 'inside')
            grandchild.get('/deep', closed, () => 'inside')
          },
          { prefix: '/under' }
        )
      })
      // Not awaited: loaded by ready().
      void app.register(async (child) => void child.get('/later', closed, () => 'inside'), { prefix: '/later' })
      // One object for several routes.
      for (const path of ['/shared/a', '/shared/b']) app.get(path, closed, () => 'inside')
      await app.register(async (scope) => {
        scope.addHook('onRequest', app.gs.requirePolicy(5))
        scope.get('/scope/without-config', () => 'inside')
      })
    })
    const alice = await built.member('alice')
    const paths =
      '/plain /several /every /hook /hooks /parameter/1 /pattern/1 /wild/a/b /no-head /child /under /under/ /under/deep /later/later /shared/a /shared/b /scope/without-config'
    for (const url of paths.split(' ')) {
      hooks = 0
      for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS'] as const) {
        const refused = await built.browser().send({ method, url })
        const passed = await alice.send({ method, url })
        assert.ok(!refused.body.includes('inside') && refused.statusCode !== 200, `${method} ${url}`)
        if (passed.statusCode === 200) assert.equal(refused.statusCode, 401, `${method} ${url}`)
      }
      if (!url.startsWith('/under'))
        assert.equal(hooks, url === '/hook' ? 2 : url === '/hooks' ? 6 : 0, `hooks of ${url} ran for those who passed`)
      assert.equal((await alice.get(url)).body, 'inside')
    }
    assert.equal((await alice.send({ method: 'PUT', url: '/several' })).body, 'inside')
    assert.equal((await alice.send({ method: 'HEAD', url: '/plain' })).statusCode, 200)
    assert.equal((await built.browser().send({ method: 'PUT', url: '/several' })).statusCode, 401)
  })

  it('a route without a policy is for everybody', async (t) => {
    const { browser } = await build(t, {}, (app) => {
      app.get('/x', { config: {} }, () => 'inside')
    })
    assert.equal((await browser().get('/x')).body, 'inside')
  })

  it('one that was added before the plugin is refused when it is asked for, whoever asks', async (t) => {
    const app = Fastify()
    t.after(() => app.close())
    app.get('/early', closed, () => 'inside')
    app.get('/open', () => 'open')
    void app.register(async (child) => void child.get('/child', closed, () => 'inside'))
    void app.register(fastifyGs, {
      baseUrl: 'http://localhost',
      keys: ['only-for-tests-0123456789-abcdefghij'],
      database: { sqlite: ':memory:' },
      mail: { mailer: new Inbox(), from: 'a@b.test' }
    })
    app.get('/not-awaited', closed, () => 'inside')
    await app.ready()
    for (const url of ['/early', '/child', '/not-awaited']) {
      const { statusCode, body } = await app.inject(url)
      assert.equal(statusCode, 500, url)
      assert.match(body, /was added before fastify-gs was registered; register fastify-gs first/)
    }
    assert.equal((await app.inject('/open')).body, 'open')
  })

  it('a policy that is none is refused at once, in a sentence that names the route', async (t) => {
    const bad: unknown[] = [
      'usr',
      '',
      '7',
      -1,
      2 ** 32,
      1.5,
      Number.NaN,
      null,
      true,
      {},
      { mask: 5, level: 'boss' },
      { maks: 5 },
      { level: 'boss' },
      [],
      'toString'
    ]
    for (const gs of bad) {
      await assert.rejects(
        build(t, {}, (app) => {
          app.get('/bad/:x', { config: { gs: gs as Policy } }, () => 'inside')
        }),
        (error) => error instanceof GsOptionError && error.message.includes('GET /bad/:x'),
        JSON.stringify(gs)
      )
    }
    const { app } = await build(t)
    for (const gs of [...bad, undefined]) assert.throws(() => app.gs.requirePolicy(gs as Policy), GsOptionError)
    assert.throws(() => app.gs.requirePolicy('usr', 'the cellar'), /the policy of the cellar names "usr"/)
  })
})
