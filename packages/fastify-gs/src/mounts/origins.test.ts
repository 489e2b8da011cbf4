import assert from 'node:assert/strict'
import { writeFileSync, mkdirSync } from 'node:fs'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, it, type TestContext } from 'node:test'
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
        'x-forwarded-for': '6.6.6.6'
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

  it('answers 502 without a word of the inside when nobody is there', async (t) => {
    const { browser } = await build(t, {}, (app) => void app.register(gsMount, { prefix: '/api', proxy: 'http://127.0.0.1:9' }))
    const { statusCode, body } = await browser().get('/api/x')
    assert.equal(statusCode, 502)
    assert.ok(!body.includes('127.0.0.1') && !body.includes('ECONN'), body)
  })
})
