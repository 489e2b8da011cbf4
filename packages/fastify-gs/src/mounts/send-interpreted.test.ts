import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { describe, it, type TestContext } from 'node:test'
import { GsOptionError, gsMount, type GsMountOptions, type GsOptions } from '../index.ts'
import { build } from '../testing/build.ts'
import { temporaryDirectory } from '../testing/databases.ts'

const script = `var user = "$lwsgs_user", auth = $lwsgs_auth, email = "$lwsgs_email", rest = "$lwsgs_"\n`
const filled = (user: string, auth: number, email: string) => `var user = "${user}", auth = ${auth}, email = "${email}", rest = "$lwsgs_"\n`

function plant(t: TestContext, files: Readonly<Record<string, string | Buffer>>): string {
  const root = temporaryDirectory(t)
  for (const [name, content] of Object.entries(files)) writeFileSync(join(root, name), content)
  return root
}

async function begin(t: TestContext, mount: Partial<GsMountOptions> = {}, options: Partial<GsOptions> = {}) {
  const root = plant(t, {
    'app.js': script,
    'APP2.JS': script,
    'plain.js.txt': script,
    'page.html': '<p title=$lwsgs_user>$lwsgs_user</p>',
    'index.html': '<title>$lwsgs_user</title>',
    'data.json': '{"user":"$lwsgs_user","auth":$lwsgs_auth}',
    'picture.bin': Buffer.from([0, 255, 36, 108])
  })
  const built = await build(t, options, async (app) => {
    await app.register(gsMount, { prefix: '/site', root, interpret: ['.js', '.html', '.json'], ...mount })
  })
  return { ...built, root }
}

describe('a rewritten file', () => {
  it('says who is asking, in each request', async (t) => {
    const { browser, member } = await begin(t)
    const nobody = browser()
    assert.equal((await nobody.get('/site/app.js')).body, filled('', 0, ''))
    const alice = await member("o'hara", "o'h@mail.test")
    assert.equal((await alice.get('/site/app.js')).body, filled('o\\u0027hara', 5, 'o\\u0027h@mail.test'))
    assert.equal((await alice.get('/site/APP2.JS')).body, filled('o\\u0027hara', 5, 'o\\u0027h@mail.test'))
    assert.equal((await alice.visit('/site/page.html')).body, '<p title=o&#39;hara>o&#39;hara</p>')
    assert.equal((await alice.visit('/site/')).body, '<title>o&#39;hara</title>')
    assert.deepEqual((await alice.get('/site/data.json')).json(), { user: "o'hara", auth: 5 })
    await alice.post('/lwsgs/logout')
    assert.equal((await alice.get('/site/app.js')).body, filled('', 0, ''))
  })

  it('is only one with a chosen suffix', async (t) => {
    const { member, root } = await begin(t)
    writeFileSync(join(root, 'readme.txt'), '$lwsgs_user')
    const alice = await member('alice')
    for (const [path, text] of [
      ['/site/plain.js.txt', script],
      ['/site/readme.txt', '$lwsgs_user']
    ] as const) {
      const { body, headers } = await alice.get(path)
      assert.equal(body, text)
      assert.ok(headers.etag)
    }
    assert.deepEqual((await alice.get('/site/picture.bin')).rawPayload, Buffer.from([0, 255, 36, 108]))
  })

  it('belongs to one visitor: nobody stores it, validates it or gets parts of it', async (t) => {
    for (const policy of [0, 5]) {
      const { member, root } = await begin(t, { policy, cacheControl: 'public, max-age=99', mimeTypes: { '.js': 'text/ecmascript' } })
      const alice = await member('alice')
      const conditions: readonly Record<string, string>[] = [
        {},
        { range: 'bytes=0-3' },
        { 'if-none-match': '*' },
        { 'if-modified-since': new Date(Date.now() + 86_400_000).toUTCString() },
        { 'if-match': '"x"' }
      ]
      for (const method of ['GET', 'HEAD'] as const) {
        for (const condition of conditions) {
          const { statusCode, headers, body } = await alice.send({ method, url: '/site/app.js', headers: condition })
          assert.equal(statusCode, 200, JSON.stringify(condition))
          assert.equal(headers['cache-control'], 'private, no-store')
          assert.equal(headers['cross-origin-resource-policy'], 'same-origin')
          assert.equal(headers['x-content-type-options'], 'nosniff')
          assert.equal(headers['content-type'], 'text/ecmascript')
          for (const name of ['etag', 'last-modified', 'accept-ranges', 'content-range', 'content-length'])
            assert.equal(headers[name], undefined, name)
          assert.equal(body, method === 'HEAD' ? '' : filled('alice', 5, 'alice@mail.test'))
        }
      }
      // A visitor who gets his first cookie with it does not change that.
      const page = await alice.visit('/site/page.html')
      assert.equal(page.headers['cache-control'], 'private, no-store')
      writeFileSync(join(root, 'later.js'), '$lwsgs_auth')
      assert.equal((await alice.get('/site/later.js')).body, '5')
    }
  })

  it('keeps its address for those whom the policy allows', async (t) => {
    const { browser, member } = await begin(t, { policy: 5 })
    assert.equal((await browser().get('/site/app.js')).statusCode, 401)
    assert.equal((await (await member('alice')).get('/site/app.js')).statusCode, 200)
    assert.equal((await (await member('bob')).get('/site/missing.js')).statusCode, 404)
  })

  it('cannot be included by pages of other sites', async (t) => {
    const { member } = await begin(t)
    const alice = await member('alice')
    const page = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }
    for (const [headers, allowed] of [
      [{}, true],
      [{ 'sec-fetch-site': 'same-origin', 'sec-fetch-dest': 'script', 'sec-fetch-mode': 'no-cors' }, true],
      [{ 'sec-fetch-site': 'none', ...page }, true],
      [{ 'sec-fetch-site': 'cross-site', ...page }, true],
      [{ 'sec-fetch-site': 'same-site', ...page }, true],
      [{ 'sec-fetch-site': 'cross-site', 'sec-fetch-dest': 'script', 'sec-fetch-mode': 'no-cors' }, false],
      [{ 'sec-fetch-site': 'same-site', 'sec-fetch-dest': 'script', 'sec-fetch-mode': 'no-cors' }, false],
      [{ 'sec-fetch-site': 'cross-site', 'sec-fetch-dest': 'iframe', 'sec-fetch-mode': 'navigate' }, false],
      [{ 'sec-fetch-site': 'cross-site', 'sec-fetch-dest': 'document', 'sec-fetch-mode': 'no-cors' }, false],
      [{ 'sec-fetch-site': 'cross-site' }, false],
      [{ 'sec-fetch-site': '' }, false],
      [{ origin: 'http://localhost:7681' }, true],
      [{ origin: 'https://evil.test' }, false],
      [{ origin: 'null' }, false],
      [{ referer: 'http://localhost:7681/lwsgs/' }, true],
      [{ referer: 'https://evil.test/' }, false],
      [{ referer: 'https://evil.test/', accept: 'text/html,*/*' }, true],
      [{ referer: 'not an address' }, false]
    ] as const) {
      for (const path of ['/site/app.js', '/site/page.html', '/site/data.json']) {
        const { statusCode, body, headers: answered } = await alice.get(path, { ...headers })
        assert.equal(statusCode, allowed ? 200 : 403, `${path} ${JSON.stringify(headers)}`)
        assert.equal(body.includes('alice'), allowed)
        assert.equal(answered['cache-control'], 'private, no-store')
      }
    }
  })

  it('has symbols of the application', async (t) => {
    const symbols: GsOptions['symbols'] = {
      $theme: () => 'dark "one"',
      $lwsgs_user_length: ({ username }) => username?.length ?? 0,
      $verified: ({ verified }) => verified,
      $nothing: () => null
    }
    const { member, root, browser } = await begin(t, {}, { symbols })
    writeFileSync(join(root, 'own.js'), '["$theme", $lwsgs_user_length, $verified, "$nothing", "$lwsgs_user", "$other"]')
    assert.deepEqual((await browser().get('/site/own.js')).json(), ['dark "one"', 0, false, '', '', '$other'])
    assert.deepEqual((await (await member('alice')).get('/site/own.js')).json(), ['dark "one"', 5, true, '', 'alice', '$other'])
  })

  it('is answered by 500 without a word of it when a symbol fails', async (t) => {
    const symbols: GsOptions['symbols'] = {
      $bad: () => {
        throw new Error('secret reason')
      }
    }
    const { browser } = await begin(t, {}, { symbols })
    const { statusCode, body } = await browser().get('/site/app.js')
    assert.equal(statusCode, 500)
    assert.ok(!body.includes('var user'))
  })

  it('says nothing of the inside when it cannot be made', async (t) => {
    for (const value of [
      () => {
        throw new Error('inside')
      },
      async () => 'inside',
      () => ({ toString: () => 'inside' })
    ]) {
      const { browser } = await begin(t, {}, { symbols: { $own: value as never } })
      const { statusCode, body } = await browser().get('/site/app.js')
      assert.deepEqual([statusCode, JSON.parse(body).code], [500, 'GS_INTERNAL'])
      assert.ok(!body.includes('inside') && !body.includes('object'), body)
    }
  })

  it('has no validators, whatever the hooks of the application set', async (t) => {
    const root = plant(t, { 'app.js': script })
    const { browser } = await build(t, {}, async (app) => {
      app.addHook(
        'onRequest',
        async (_request, reply) => void reply.headers({ etag: '"v1"', 'last-modified': 'x', 'accept-ranges': 'bytes' })
      )
      await app.register(gsMount, { prefix: '/site', root, interpret: ['.js'] })
    })
    const { headers } = await browser().get('/site/app.js')
    for (const name of ['etag', 'last-modified', 'accept-ranges']) assert.equal(headers[name], undefined, name)
  })

  it('refuses symbols that cannot work', async (t) => {
    const sentence = (symbols: unknown, expected: RegExp) =>
      assert.rejects(
        build(t, { symbols: symbols as NonNullable<GsOptions['symbols']> }),
        (error) => error instanceof GsOptionError && expected.test(error.message)
      )
    for (const name of ['x', '$', '$1', '$a-b', '$ä', '$lwsgs_user', `$${'a'.repeat(65)}`])
      await sentence({ [name]: () => '' }, /the option symbols has the name/)
    await sentence({ $x: 'dark' }, /the option symbols\.\$x must be a function/)
    for (const symbols of [[], 'x', null, 5]) await sentence(symbols, /the option symbols must be an object/)
  })

  it('comes in chunks, whatever its length is, and byte for byte', async (t) => {
    const filler = Buffer.alloc(200_000, '0123456789$ $lwsgs_use\n')
    const { app, root, member } = await begin(t)
    writeFileSync(join(root, 'long.js'), Buffer.concat([filler, Buffer.from('$lwsgs_user'), filler, Buffer.from('$lwsgs_aut')]))
    const alice = await member('alice')
    await app.listen({ port: 0, host: '127.0.0.1' })
    const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
    socket.write(`GET /site/long.js HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncookie: gs=${alice.token}\r\n\r\n`)
    const answer = Buffer.concat(await socket.toArray())
    const head = answer.subarray(0, answer.indexOf('\r\n\r\n')).toString().toLowerCase()
    assert.match(head, /transfer-encoding: chunked/)
    assert.doesNotMatch(head, /content-length/)

    const body: Buffer[] = []
    for (let at = head.length + 4; ;) {
      const line = answer.indexOf('\r\n', at)
      const length = Number.parseInt(answer.subarray(at, line).toString(), 16)
      if (length === 0) break
      body.push(answer.subarray(line + 2, line + 2 + length))
      at = line + 2 + length + 2
    }
    assert.ok(body.length > 1)
    assert.deepEqual(Buffer.concat(body), Buffer.concat([filler, Buffer.from('alice'), filler, Buffer.from('$lwsgs_aut')]))
  })

  it('is not read to its end when the visitor goes', async (t) => {
    let rest: Readable | undefined
    const root = plant(t, { 'huge.js': Buffer.alloc(30_000_000, 'x') })
    const { app } = await build(t, {}, async (app) => {
      app.addHook('onSend', async (_request, _reply, payload) => void (rest = payload as Readable))
      await app.register(gsMount, { prefix: '/site', root, interpret: ['.js'] })
    })
    await app.listen({ port: 0, host: '127.0.0.1' })
    const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
    socket.write('GET /site/huge.js HTTP/1.1\r\nhost: localhost\r\n\r\n')
    await once(socket, 'data')
    const closed = once(rest!, 'close')
    socket.destroy()
    await closed
    assert.equal(rest!.readableEnded, false)
  })
})
