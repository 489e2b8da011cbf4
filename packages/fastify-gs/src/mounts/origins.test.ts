import assert from 'node:assert/strict'
import { writeFileSync, mkdirSync, symlinkSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, it, type TestContext } from 'node:test'
import type { FastifyReply } from 'fastify'
import { gsMount } from '../index.ts'
import { build } from '../testing/build.ts'
import { temporaryDirectory } from '../testing/databases.ts'
import { rawRequest } from '../testing/raw-request.ts'

const files = (t: TestContext) => {
  const root = temporaryDirectory(t)
  mkdirSync(join(root, 'dir'))
  writeFileSync(join(root, 'index.html'), 'index')
  writeFileSync(join(root, 'start.html'), 'start')
  writeFileSync(join(root, 'a.txt'), 'file a')
  writeFileSync(join(root, 'b.data'), 'data')
  writeFileSync(join(root, 'c.wasm.x'), 'x')
  return root
}

describe('a mount with a handler', () => {
  it('asks it for everything, of those whom the policy allows', async (t) => {
    const { browser, member } = await build(t, {}, async (app) => {
      await app.register(gsMount, {
        prefix: '/app',
        policy: 5,
        handler: ({ method, url, gs }) => `${method} ${url} ${gs.account?.username}`
      })
    })
    const alice = await member('alice')
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const) {
      for (const url of ['/app', '/app/', '/app/x/y?z']) {
        const { statusCode, body, headers } = await alice.send({ method, url })
        assert.deepEqual([statusCode, body], [200, `${method} ${url} alice`])
        assert.equal(headers['cache-control'], 'private, no-store')
        assert.equal((await browser().send({ method, url })).statusCode, 401)
      }
    }
    assert.equal((await alice.send({ method: 'POST', url: '/app', headers: { origin: 'https://evil.test' } })).statusCode, 403)
    assert.equal((await alice.get('/application')).statusCode, 404)
  })

  it('and files asks it for what is not a file', async (t) => {
    const root = files(t)
    const { browser, member } = await build(t, {}, async (app) => {
      await app.register(gsMount, {
        prefix: '/site',
        root,
        handler: async ({ method, url, body }, reply) => reply.code(201).send({ method, url, body })
      })
      await app.register(gsMount, { prefix: '/site/inner', root: join(root, 'dir'), policy: 5, handler: () => 'inner handler' })
    })
    const visitor = browser()
    assert.equal((await visitor.get('/site/a.txt')).body, 'file a')
    assert.equal((await visitor.get('/site/')).body, 'index')
    assert.equal((await visitor.get('/site/dir')).statusCode, 201)
    for (const url of ['/site/msg', '/site/msg/', '/site/dir/', '/site/.env', '/site/a.txt/', '/site//a.txt', '/site/x%5cy'])
      assert.deepEqual((await visitor.get(url)).json(), { method: 'GET', url }, url)
    assert.deepEqual((await visitor.post('/site/a.txt', { a: 1 })).json(), { method: 'POST', url: '/site/a.txt', body: { a: 1 } })
    for (const method of ['GET', 'POST', 'DELETE'] as const)
      assert.equal((await visitor.send({ method, url: '/site/inner/x' })).statusCode, 401)
    const alice = await member('alice')
    assert.equal((await alice.get('/site/inner/x')).body, 'inner handler')
    assert.equal((await alice.get('/site/inner/')).body, 'inner handler')
  })

  it('ends without a body when it says so by the status', async (t) => {
    const handler = async (_request: unknown, reply: FastifyReply) => void reply.code(204)
    const { browser } = await build(t, {}, async (app) => {
      await app.register(gsMount, { prefix: '/site', root: files(t), handler })
    })
    for (const method of ['GET', 'HEAD', 'POST'] as const)
      assert.equal((await browser().send({ method, url: '/site/x' })).statusCode, 204, method)
  })

  it('may answer later, and its failure is the answer of the application', async (t) => {
    const { browser } = await build(t, {}, async (app) => {
      await app.register(gsMount, {
        prefix: '/site',
        root: files(t),
        handler: ({ url }, reply) => {
          if (url.endsWith('fail')) throw new Error('on purpose')
          setImmediate(() => reply.send('later'))
        }
      })
    })
    assert.equal((await browser().get('/site/x')).body, 'later')
    assert.equal((await browser().get('/site/fail')).statusCode, 500)
  })
})

describe('a mount of files', () => {
  it('at the root of the site leaves the other routes alone', async (t) => {
    const root = files(t)
    const { browser, app } = await build(t, {}, async (app) => {
      app.get('/healthz', () => 'healthy')
      await app.register(gsMount, { prefix: '/', root, default: 'start.html' })
      await app.register(gsMount, { prefix: '/closed', root: join(root, 'dir'), policy: 5 })
    })
    const visitor = browser()
    for (const [url, body] of [
      ['/', 'start'],
      ['/index.html', 'index'],
      ['/a.txt', 'file a'],
      ['/healthz', 'healthy']
    ] as const)
      assert.equal((await visitor.get(url)).body, body)
    assert.equal((await visitor.get('/lwsgs/session')).json().username, null)
    assert.equal((await visitor.get('/missing')).statusCode, 404)
    assert.equal((await visitor.get('/closed/')).statusCode, 401)
    // The directory belongs to the inner mount, whatever its address is.
    writeFileSync(join(root, 'dir/secret.txt'), 'CANARY')
    await app.listen({ port: 0, host: '127.0.0.1' })
    for (const target of ['/dir/secret.txt', '/dir', '/dir/', '//dir/secret.txt', '/./dir/secret.txt', '/%64ir/secret.txt']) {
      const { status, body } = await rawRequest((app.server.address() as AddressInfo).port, 'GET', target)
      assert.ok(status >= 400 && status < 500 && !body.includes('CANARY'), `${target} ${status}`)
    }
  })

  it('shows nothing of its own where the address of an inner mount begins', async (t) => {
    const root = files(t)
    writeFileSync(join(root, 'dir/x.txt'), 'CANARY')
    const { app } = await build(t, {}, async (app) => {
      await app.register(gsMount, { prefix: '/', root })
      await app.register(gsMount, { prefix: '/dir', policy: 5, handler: () => 'inside' })
    })
    await app.listen({ port: 0, host: '127.0.0.1' })
    for (const target of ['/dir/x.txt', '//dir/x.txt', '/./dir/x.txt', '/%64ir/x.txt', '/DIR/x.txt', '/a/../dir/x.txt', '/dir%2fx.txt']) {
      const { body } = await rawRequest((app.server.address() as AddressInfo).port, 'GET', target)
      assert.ok(!body.includes('CANARY'), target)
    }
  })

  it('shows nothing there by way of another open mount either', async (t) => {
    const root = files(t)
    mkdirSync(join(root, 'dir/closed'))
    for (const name of ['x.txt', 'x.js']) writeFileSync(join(root, 'dir/closed', name), 'CANARY')
    writeFileSync(join(root, 'dir/seen.js'), 'seen')
    symlinkSync(join(root, 'dir/closed'), join(root, 'link'))
    symlinkSync(join(root, 'dir'), join(root, 'seen'))
    const { app } = await build(t, {}, async (app) => {
      await app.register(gsMount, { prefix: '/', root, interpret: ['.js'] })
      await app.register(gsMount, { prefix: '/dir', root: join(root, 'dir') })
      await app.register(gsMount, { prefix: '/dir/closed', policy: 5, handler: () => 'inside' })
      await app.register(gsMount, { prefix: '/other', root })
    })
    await app.listen({ port: 0, host: '127.0.0.1' })
    const { port } = app.server.address() as AddressInfo
    for (const name of ['x.txt', 'x.js']) {
      for (const path of ['/dir/closed/', '/dir%2fclosed%2f', '/link/', '/other/dir/closed/', '/other/link/', '/seen/closed/']) {
        const { status, body } = await rawRequest(port, 'GET', path + name)
        assert.ok(status >= 400 && status < 500 && !body.includes('CANARY'), `${path}${name} ${status}`)
      }
    }
    assert.ok((await rawRequest(port, 'GET', '/seen/seen.js')).body.includes('seen'))
  })

  it('has the types and headers that were chosen', async (t) => {
    const { browser } = await build(t, {}, async (app) => {
      await app.register(gsMount, {
        prefix: '/site',
        root: files(t),
        mimeTypes: { '.TXT': 'text/x-own', '.wasm.x': 'application/wasm', '*': 'application/x-other' },
        headers: { 'X-Own': 'one', 'content-security-policy': "default-src 'none'" }
      })
      await app.register(gsMount, { prefix: '/bare', root: files(t), mimeTypes: { '.txt': '' } })
    })
    for (const [path, type] of [
      ['/site/a.txt', 'text/x-own'],
      ['/site/b.data', 'application/x-other'],
      ['/site/c.wasm.x', 'application/wasm'],
      ['/site/start.html', 'text/html; charset=utf-8'],
      ['/bare/a.txt', undefined]
    ] as const) {
      const { headers } = await browser().get(path)
      assert.equal(headers['content-type'], type, path)
      assert.equal(headers['x-own'], path.startsWith('/site') ? 'one' : undefined)
    }
    assert.equal((await browser().get('/site/missing')).headers['x-own'], 'one')
  })
})

describe('a mount with a redirect', () => {
  it('sends on to the same path below another address', async (t) => {
    const { app, browser, member } = await build(t, {}, async (app) => {
      await app.register(gsMount, { prefix: '/old', redirect: 'https://new.test/base/' })
      await app.register(gsMount, { prefix: '/deep/old', redirect: 'https://new.test' })
      await app.register(gsMount, { prefix: '/closed', redirect: 'https://new.test/secret', policy: 5 })
    })
    await app.listen({ port: 0, host: '127.0.0.1' })
    const { port } = app.server.address() as AddressInfo
    for (const [target, location] of [
      ['/old', 'https://new.test/base'],
      ['/old/', 'https://new.test/base/'],
      ['/old/a/b?c=d', 'https://new.test/base/a/b?c=d'],
      ['/old?c=d', 'https://new.test/base/?c=d'],
      ['/old//evil.test', 'https://new.test/base//evil.test'],
      ['/old/%0d%0ax:y', 'https://new.test/base/%0d%0ax:y'],
      ['/deep/old/@evil.test', 'https://new.test/@evil.test'],
      ['/%6fld/a%2fb', 'https://new.test/base/a%2fb'],
      ['/deep/%6Fl%64?c=d', 'https://new.test/?c=d'],
      ['/deep/old?@evil.test', 'https://new.test/?@evil.test']
    ] as const) {
      const answer = await rawRequest(port, 'GET', target)
      assert.deepEqual([answer.status, answer.headers.get('location')], [302, location], target)
    }
    assert.equal((await browser().post('/old/x')).statusCode, 307)
    assert.equal((await browser().get('/closed/x')).statusCode, 401)
    assert.equal((await (await member('alice')).get('/closed/x')).headers.location, 'https://new.test/secret/x')
  })
})

describe('a mount with a proxy', () => {
  interface Seen {
    readonly method: string
    readonly url: string
    readonly headers: IncomingMessage['headers']
    readonly body: string
  }

  async function upstream(t: TestContext) {
    const seen: Seen[] = []
    const server = createServer((request, response) => {
      const answer = async () => {
        seen.push({ method: request.method!, url: request.url!, headers: request.headers, body: await text(request) })
        response.writeHead(200, {
          'cache-control': 'public, max-age=60',
          'set-cookie': ['gs=planted; Path=/', 'own=1'],
          'x-up': 'yes',
          connection: 'keep-alive, x-hop',
          'x-hop': '1'
        })
        response.end('from upstream')
      }
      void answer()
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    t.after(() => server.close())
    return { seen, address: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
  }

  it('passes requests on, and says who is asking', async (t) => {
    const { seen, address } = await upstream(t)
    const { browser, member } = await build(t, {}, async (app) => {
      await app.register(gsMount, { prefix: '/api', proxy: `${address}/base`, policy: 5 })
      await app.register(gsMount, { prefix: '/open', proxy: address })
    })
    assert.equal((await browser().get('/api/x')).statusCode, 401)
    assert.equal(seen.length, 0)

    const alice = await member('josé', 'jose@mail.test')
    alice.cookies.set('theme', 'dark')
    const answer = await alice.send({
      method: 'POST',
      url: '/api/x/y?z=1',
      payload: 'a=b&c',
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        'x-gs-username': 'admin',
        'X-Gs-Mask': '7',
        'x-gs-other': 'x',
        'x-forwarded-for': '6.6.6.6',
        'x-real-ip': '6.6.6.6',
        forwarded: 'for=6.6.6.6'
      }
    })
    assert.deepEqual([answer.statusCode, answer.body, answer.headers['x-up']], [200, 'from upstream', 'yes'])
    assert.equal(answer.headers['cache-control'], 'private, no-store')
    assert.deepEqual([answer.headers['set-cookie']].flat(), ['own=1'])
    const [got] = seen
    assert.deepEqual([got!.method, got!.url, got!.body], ['POST', '/base/x/y?z=1', 'a=b&c'])
    assert.equal(got!.headers.cookie, 'theme=dark')
    assert.equal(decodeURIComponent(got!.headers['x-gs-username'] as string), 'josé')
    assert.equal(decodeURIComponent(got!.headers['x-gs-email'] as string), 'jose@mail.test')
    assert.equal(got!.headers['x-gs-mask'], '5')
    assert.equal(got!.headers['x-gs-other'], undefined)
    assert.equal(got!.headers['x-forwarded-for'], '127.0.0.1')
    assert.deepEqual([got!.headers['x-real-ip'], got!.headers['forwarded']], [undefined, undefined])

    await browser().get('/open/', { 'x-gs-username': 'admin', 'x-gs-account': '1' })
    assert.equal(seen[1]!.url, '/')
    assert.deepEqual(
      [seen[1]!.headers['x-gs-username'], seen[1]!.headers['x-gs-account'], seen[1]!.headers['x-gs-mask']],
      [undefined, undefined, '0']
    )
    assert.equal((await alice.send({ method: 'POST', url: '/api/x', headers: { 'sec-fetch-site': 'cross-site' } })).statusCode, 403)
  })

  it('never leaves the path that it was given', async (t) => {
    const { seen, address } = await upstream(t)
    const { app } = await build(t, {}, (app) => void app.register(gsMount, { prefix: '/api', proxy: `${address}/base` }))
    await app.listen({ port: 0, host: '127.0.0.1' })
    const { port } = app.server.address() as AddressInfo
    for (const up of ['..', '%2e%2e', '.%2e', '..%2f', '%2e%2e%2f', '..%5c', '..\\', '%252e%252e', '%252e%252e%252f', '..;', '.', '%00'])
      for (const target of [`/api/${up}/admin`, `/api/x/${up}/${up}/admin`, `/api${up}`]) {
        const { status } = await rawRequest(port, 'GET', target)
        assert.ok(status >= 400 && status < 500, `${target}: ${status}`)
      }
    assert.equal(seen.length, 0)
    const answer = await rawRequest(port, 'GET', '/api/a.b/c..d')
    assert.equal(answer.status, 200)
    // What the upstream says of its own connection is not for the visitor.
    for (const name of ['keep-alive', 'x-hop']) assert.equal(answer.headers.get(name), undefined, name)
    assert.equal(answer.headers.get('connection'), 'close')
    assert.equal(seen.at(-1)!.url, '/base/a.b/c..d')
  })

  it('leads into no inner mount, however the server behind may read a path', async (t) => {
    const { seen, address } = await upstream(t)
    const { app } = await build(t, {}, async (app) => {
      await app.register(gsMount, { prefix: '/api', proxy: address })
      await app.register(gsMount, { prefix: '/api/admin', proxy: `${address}/admin`, policy: 7 })
    })
    await app.listen({ port: 0, host: '127.0.0.1' })
    const { port } = app.server.address() as AddressInfo
    for (const path of [
      'admin/x',
      '/admin/x',
      'ADMIN/x',
      '%61dmin/x',
      '%2561dmin/x',
      'admin;a=b/x',
      'admin;',
      'admin./x',
      'admin%20/x',
      'admin%3bx',
      'admin%00'
    ]) {
      for (const method of ['GET', 'POST', 'OPTIONS']) {
        const { status } = await rawRequest(port, method, `/api/${path}`)
        assert.ok(status >= 400 && status < 500, `${method} ${path}: ${status}`)
      }
    }
    assert.deepEqual(seen, [])
    for (const path of ['administration', 'x/admin', 'a%20b']) assert.equal((await rawRequest(port, 'GET', `/api/${path}`)).status, 200)
  })

  it('takes the prefix itself for the root of the other server', async (t) => {
    const { seen, address } = await upstream(t)
    const { browser } = await build(t, {}, (app) => void app.register(gsMount, { prefix: '/api', proxy: address }))
    for (const url of ['/api', '/api?x=1', '/api/']) await browser().get(url)
    assert.deepEqual(
      seen.map(({ url }) => url),
      ['/', '/?x=1', '/']
    )
  })

  it('passes on no header that the server behind could take for ours', async (t) => {
    const { seen, address } = await upstream(t)
    const { browser } = await build(t, {}, (app) => void app.register(gsMount, { prefix: '/api', proxy: address }))
    await browser().get('/api/x', { x_gs_username: 'admin', 'X-Gs_Mask': '7', 'x_gs-level': '50', x_forwarded_for: '6.6.6.6', x_own: '1' })
    const names = Object.keys(seen[0]!.headers).filter((name) => name.startsWith('x'))
    assert.deepEqual(names.toSorted(), ['x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-gs-level', 'x-gs-mask', 'x_own'])
  })

  it('asks a server that is busy once', async (t) => {
    let asked = 0
    const server = createServer((_request, response) => void response.writeHead(++asked === 1 ? 503 : 200).end())
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    t.after(() => server.close())
    const proxy = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const { browser } = await build(t, {}, (app) => void app.register(gsMount, { prefix: '/api', proxy }))
    assert.equal((await browser().get('/api/x')).statusCode, 503)
    assert.equal(asked, 1)
  })

  it('answers 502 without a word of the inside when nobody is there', async (t) => {
    const { browser } = await build(t, {}, (app) => void app.register(gsMount, { prefix: '/api', proxy: 'http://127.0.0.1:9' }))
    const { statusCode, body } = await browser().get('/api/x')
    assert.equal(statusCode, 502)
    assert.ok(!body.includes('127.0.0.1') && !body.includes('ECONN'), body)
  })

  it('shows nothing of the same server that another mount keeps for some', async (t) => {
    const { seen, address } = await upstream(t)
    const { app, member } = await build(t, {}, async (app) => {
      await app.register(gsMount, { prefix: '/open', proxy: `${address}/site` })
      await app.register(gsMount, { prefix: '/boss', proxy: `${address}/site/admin`, policy: 5 })
      await app.register(gsMount, { prefix: '/part', proxy: `${address}/site/admin/public` })
      await app.register(gsMount, { prefix: '/help', proxy: `${address}/site/help` })
    })
    await app.listen({ port: 0, host: '127.0.0.1' })
    const { port } = app.server.address() as AddressInfo
    for (const path of [
      'admin',
      'admin/',
      'admin/x',
      'ADMIN/x',
      '%61dmin/x',
      '%2561dmin/x',
      'admin;a=b/x',
      'admin./x',
      '/admin/x',
      'admin?x'
    ])
      assert.equal((await rawRequest(port, 'GET', `/open/${path}`)).status, 404, path)
    assert.equal(seen.length, 0)
    for (const path of ['/open/administration', '/open/x/admin', '/part/x', '/open/help/x', '/help/x'])
      assert.equal((await rawRequest(port, 'GET', path)).status, 200, path)
    assert.equal((await (await member('alice')).get('/boss/x')).statusCode, 200)
    assert.equal(seen.at(-1)!.url, '/site/admin/x')
  })

  it('is refused at the start beside one to the same place with another policy', async (t) => {
    await assert.rejects(
      build(t, {}, async (app) => {
        await app.register(gsMount, { prefix: '/a', proxy: 'http://127.0.0.1:9/x/' })
        await app.register(gsMount, { prefix: '/b', proxy: 'http://127.0.0.1:9/x', policy: 5 })
      }),
      /the mounts \/a and \/b lead to the same place \(http:\/\/127\.0\.0\.1:9\/x\) and have different policies/
    )
  })

  it('turns redirects to the server behind into ones to itself', async (t) => {
    let location = ''
    const server = createServer((_request, response) => response.writeHead(302, { location }).end())
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    t.after(() => server.close())
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const { browser } = await build(t, {}, (app) => void app.register(gsMount, { prefix: '/api', proxy: `${address}/base` }))
    for (const [given, seen] of [
      [`${address}/base/x?y`, '/api/x?y'],
      [`${address}/base`, '/api/'],
      [`${address}/base?x`, '/api/?x'],
      ['/base/x', '/api/x'],
      [`${address}/based`, `${address}/based`],
      ['https://elsewhere.test/x', 'https://elsewhere.test/x']
    ] as const) {
      location = given
      assert.equal((await browser().get('/api/x')).headers.location, seen, given)
    }
  })
})
