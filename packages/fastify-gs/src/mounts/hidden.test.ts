import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it, type TestContext } from 'node:test'
import Sqlite from 'better-sqlite3'
import type { FastifyHttpOptions, FastifyInstance, FastifyReply, RawServerDefault } from 'fastify'
import { gsForms, gsMount, type GsOptions } from '../index.ts'
import { build, type Browser } from '../testing/build.ts'

const page = { accept: 'text/html', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }
const program = { accept: 'application/json' }

/** All of an answer that could tell one address from another, with the address itself taken out. */
async function answer(browser: Browser, method: 'GET' | 'HEAD' | 'POST' | 'DELETE', url: string, headers: Record<string, string>) {
  const response = await browser.send({ method, url, headers })
  const { date, ...others } = response.headers
  assert.ok(date !== undefined || response.headers.connection !== undefined)
  // The address stands in the text, so its length does in a header.
  const text = response.body.replaceAll(url, '<address>')
  return {
    status: response.statusCode,
    text,
    headers: { ...others, 'content-length': 0, ...('set-cookie' in others && { 'set-cookie': 'some' }) }
  }
}

/** Files of the open site and of the hidden mount. */
function files(t: TestContext) {
  const root = mkdtempSync(join(tmpdir(), 'gs-hidden-'))
  t.after(() => rmSync(root, { recursive: true, force: true }))
  for (const name of ['site', 'staff']) {
    mkdirSync(join(root, name))
    writeFileSync(join(root, name, 'index.html'), name)
  }
  return { site: join(root, 'site'), staff: join(root, 'staff') }
}

const places = async (app: FastifyInstance, staff: string) => {
  const late = (_request: unknown, reply: { header: (name: string, value: string) => void }, done: () => void) => {
    reply.header('x-late', 'a hook that was added after fastify-gs')
    done()
  }
  app.addHook('onRequest', late)
  app.all('/route-xx', { config: { gs: { level: 'staff' } } }, () => 'inside')
  app.all('/nobody-x', { config: { gs: { level: 'nobody' } } }, () => 'inside')
  app.all(
    '/sector-x',
    { config: { gs: { mask: 5, level: 'staff' } }, onRequest: () => assert.fail('a hook of the route ran') },
    () => 'inside'
  )
  app.all('/by-hook-', { onRequest: app.gs.requirePolicy({ level: 'staff' }) }, () => 'inside')
  await app.register(
    async (scope) => {
      scope.all('/child', { config: { gs: { level: 'staff' } } }, () => 'inside')
    },
    { prefix: '/in' }
  )
  await app.register(gsMount, {
    prefix: '/handler-',
    handler: () => 'inside',
    policy: { level: 'staff' },
    headers: { 'x-mount': 'secret' }
  })
  await app.register(gsForms, { prefix: '/forms-xx', policy: { level: 'staff' } })
  await app.register(gsMount, { prefix: '/staff-x', root: staff, policy: { level: 'staff' }, headers: { 'x-mount': 'secret' } })
}
const hiddenFromMembers = [
  '/route-xx',
  '/nobody-x',
  '/sector-x',
  '/by-hook-',
  '/in/child',
  '/handler-',
  '/handler-/a',
  '/forms-xx/lwsgs-login',
  '/forms-xx/lwsgs-logout',
  '/staff-x',
  '/staff-x/index.html'
]

const applications: Record<string, (app: FastifyInstance) => unknown> = {
  'the answer of Fastify itself': () => undefined,
  'a page of the application': (app) =>
    app.setNotFoundHandler(
      { preHandler: async (_request: unknown, reply: FastifyReply) => void reply.header('x-before', 'yes') },
      (request, reply) => reply.code(404).type('text/html').header('cache-control', 'no-cache').send(`<h1>No ${request.url}</h1>`)
    ),
  'an application that answers all addresses': (app) => app.setNotFoundHandler((_request, reply) => reply.send('the one page')),
  'a not-found handler that throws': (app) =>
    app.setNotFoundHandler(() => {
      throw Object.assign(new Error('there is no such thing'), { statusCode: 404, code: 'APP_404' })
    }),
  'headers for all answers': (app) =>
    void app.addHook('onRequest', async (_request, reply) => void reply.header('cache-control', 'public, max-age=60').header('x-all', '1'))
}

describe('what is hidden looks like what does not exist', () => {
  for (const [name, prepare] of Object.entries(applications)) {
    it(`with ${name}`, async (t) => {
      const { staff } = files(t)
      const built = await build(t, {}, async (app) => {
        await prepare(app)
        await places(app, staff)
      })
      const alice = await built.member('alice')
      for (const headers of [page, program, { ...program, origin: 'http://evil.test', 'sec-fetch-site': 'cross-site' }]) {
        for (const method of ['GET', 'HEAD', 'POST', 'DELETE'] as const) {
          const missing = await answer(alice, method, '/missing-', headers)
          for (const url of hiddenFromMembers)
            assert.deepEqual(await answer(alice, method, url, headers), missing, `${method} ${url} ${JSON.stringify(headers)}`)
          const stranger = await answer(built.browser(), method, '/missing-', headers)
          assert.deepEqual(await answer(built.browser(), method, '/nobody-x', headers), stranger, `${method} /nobody-x for strangers`)
        }
      }
      assert.equal(
        (await answer(alice, 'GET', '/missing-', program)).headers['cache-control'] !== undefined,
        name !== 'an application that answers all addresses'
      )
    })
  }

  it('also inside a mount of files around it', async (t) => {
    const { site, staff } = files(t)
    const built = await build(t, {}, async (app) => {
      await app.register(gsMount, { prefix: '/', root: site, headers: { 'x-site': 'yes' } })
      await places(app, staff)
    })
    const alice = await built.member('alice')
    for (const headers of [page, program]) {
      for (const method of ['GET', 'HEAD', 'POST'] as const) {
        const missing = await answer(alice, method, '/missing-/a', headers)
        for (const url of ['/handler-/b', '/staff-x/index.html', '/staff-x/c'])
          assert.deepEqual(await answer(alice, method, url, headers), missing, `${method} ${url}`)
      }
    }
  })

  it('from who must choose a new password first, and whom that would not help', async (t) => {
    for (const defaultLevel of ['none', 'user', 'nobody'] as const) {
      const built = await build(t, { defaultLevel }, (app) => {
        app.get('/members-', { config: { gs: { level: 'user' } } }, () => 'inside')
        app.get('/staff-xx', { config: { gs: { mask: 5, level: 'staff' } } }, () => 'inside')
      })
      const alice = await built.member('alice')
      const database = new Sqlite(built.databasePath)
      database.exec('update gs_accounts set must_change_password = 1')
      database.close()
      assert.equal((await alice.get('/members-')).json().code, 'GS_PASSWORD_CHANGE_REQUIRED')
      for (const method of ['GET', 'HEAD'] as const)
        assert.deepEqual(await answer(alice, method, '/staff-xx', program), await answer(alice, method, '/missing-', program), defaultLevel)
    }
  })

  it('in an application that shows only what has a policy', async (t) => {
    const given: Partial<GsOptions> = { defaultLevel: 'nobody' }
    const built = await build(t, given, (app) => {
      app.get('/plain-xx', () => 'inside')
      app.get('/members-', { config: { gs: { level: 'user' } } }, () => 'inside')
    })
    const alice = await built.member('alice')
    assert.equal((await alice.get('/members-')).body, 'inside')
    for (const headers of [page, program]) {
      // A stranger each time: an answer may bring him a cookie.
      for (const visitor of [() => alice, built.browser])
        assert.deepEqual(await answer(visitor(), 'GET', '/plain-xx', headers), await answer(visitor(), 'GET', '/missing-', headers))
    }
  })

  it('and nobody who is not logged in learns which addresses a closed application has', async (t) => {
    const built = await build(t, { defaultLevel: 'logged-in' }, (app) => {
      app.addHook('onRequest', async (_request, reply) => void reply.header('x-late', 'yes'))
      app.all('/plain-xx', () => 'inside')
      app.all('/members-', { config: { gs: { level: 'user' } } }, () => 'inside')
    })
    for (const headers of [page, program, { ...program, origin: 'http://evil.test' }]) {
      for (const method of ['GET', 'HEAD', 'POST', 'DELETE'] as const) {
        const [missing, plain, members] = await Promise.all(
          ['/missing-', '/plain-xx', '/members-'].map((url) => answer(built.browser(), method, url, headers))
        )
        const location = (url: string) => (missing!.status === 303 ? { location: `/lwsgs/?next=${encodeURIComponent(url)}` } : {})
        assert.ok([303, 401, 403].includes(missing!.status))
        assert.deepEqual({ ...plain!, headers: { ...plain!.headers, ...location('/missing-') } }, missing)
        assert.deepEqual({ ...members!, headers: { ...members!.headers, ...location('/missing-') } }, missing)
      }
    }
  })
})

describe('the route that was found decides, not the text of the address', () => {
  it('for every spelling that leads to it (F1)', async (t) => {
    const { app } = await build(
      t,
      {},
      (app) => {
        app.get('/dashboard', { config: { gs: 5 } }, () => 'inside')
        app.get('/dashboard/*', { config: { gs: 5 } }, () => 'inside')
      },
      {
        routerOptions: { ignoreTrailingSlash: true, ignoreDuplicateSlashes: true, caseSensitive: false, useSemicolonDelimiter: true }
      } as FastifyHttpOptions<RawServerDefault>
    )
    for (const url of [
      '/dashboard',
      '/dashboard/',
      '/dashboard/x',
      '//dashboard',
      '/dashboard/?a=1',
      '/dashboard?a=1',
      '/DASHBOARD',
      '/%64ashboard',
      '/dashboard;x=1',
      '//dashboard//x',
      '/dashboard/..%2fx'
    ])
      assert.equal((await app.inject(url)).statusCode, 401, url)
  })
})

describe('the login page', () => {
  it('is refused at the start when it is only for who is logged in (F4)', async (t) => {
    for (const [given, config] of [
      [{ loginPage: '/enter' }, { gs: 5 }],
      [{ loginPage: '/enter' }, { gs: { level: 'nobody' } }],
      [{ loginPage: '/enter', defaultLevel: 'user' }, {}]
    ] as const)
      await assert.rejects(
        build(t, given, (app) => void app.get('/enter', { config }, () => 'log in')),
        /the login page \/enter is only for who is logged in[^\n]*give it the policy/
      )
    const { app } = await build(t, { loginPage: '/enter', defaultLevel: 'nobody' }, (app) => {
      app.get('/enter', { config: { gs: { level: 'none' } } }, () => 'log in')
    })
    assert.equal((await app.inject('/enter')).body, 'log in')
  })

  it('gets the address that the browser asked for, and never leads to itself, where addresses are rewritten', async (t) => {
    const { browser } = await build(t, { loginPage: '/enter' }, (app) => void app.get('/app/*', { config: { gs: 5 } }, () => 'inside'), {
      rewriteUrl: ({ url }) => `/app${url!}`
    })
    assert.equal((await browser().visit('/secret?a=1')).headers.location, '/enter?next=%2Fsecret%3Fa%3D1')
    assert.deepEqual([(await browser().visit('/enter')).statusCode, (await browser().visit('/enter?next=%2F')).statusCode], [500, 500])
  })

  it('never leads to itself, and the log names the cure', async (t) => {
    const lines: string[] = []
    const { browser } = await build(
      t,
      { loginPage: '/enter/here', defaultLevel: 'user' },
      (app) => void app.get('/enter/*', { config: { gs: 5 } }, () => 'log in'),
      { logger: { stream: { write: (line: string) => void lines.push(line) } } }
    )
    assert.equal((await browser().visit('/elsewhere')).headers.location, '/enter/here?next=%2Felsewhere')
    const { statusCode, headers } = await browser().visit('/enter/here?next=%2Felsewhere')
    assert.deepEqual([statusCode, headers.location], [500, undefined])
    assert.ok(lines.some((line) => line.includes('"level":50') && line.includes('set the option loginPage')))
  })
})
