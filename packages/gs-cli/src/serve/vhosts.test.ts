import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { once } from 'node:events'
import { existsSync, readFileSync, renameSync, statSync, symlinkSync } from 'node:fs'
import { connect, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, it, type TestContext } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { makeAuthority, makeCertificate } from '../testing/certificates.ts'
import { Client } from '../testing/client.ts'
import { temporaryDirectory } from '../testing/run-gs.ts'
import { freePort, spawnServe, startServe, writeFiles } from '../testing/served.ts'

/** A directory with a configuration of these vhosts, which are `www/<name>` where they do not say otherwise. */
async function makeConfig(t: TestContext, vhosts: (place: { directory: string; port: string }) => object[], global: object = {}) {
  const directory = temporaryDirectory(t)
  const port = await freePort()
  const config = join(directory, 'site.json')
  writeFiles(directory, { 'www/one.test/index.html': 'this is one', 'www/two.test/index.html': 'this is two' })
  writeFiles(directory, { 'site.json': JSON.stringify({ global, vhosts: vhosts({ directory, port: String(port) }) }) })
  return { directory, port, config }
}

const files = (directory: string, name: string) => [{ mountpoint: '/', origin: `file://${directory}/www/${name}` }]

/** Sends bytes as they are, and gives all that comes back. */
async function raw(port: number, bytes: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.write(bytes)
  return text(socket)
}

describe('vhosts on one port', () => {
  it('are told apart by the Host header; the first one takes what is for nobody', async (t) => {
    const { config, port } = await makeConfig(t, ({ directory, port }) =>
      ['one.test', 'two.test'].map((name) => ({ name, port, interface: '127.0.0.1', mounts: files(directory, name) }))
    )
    await startServe(t, config)
    for (const [host, body] of [
      ['one.test', 'this is one'],
      ['two.test', 'this is two'],
      ['TWO.test', 'this is two'],
      ['www.two.test', 'this is two'],
      ['other.test', 'this is one']
    ] as const) {
      const answer = await new Client(t, { port, host }).get('/')
      assert.equal(answer.body, body, host)
    }
    assert.match(await raw(port, 'GET / HTTP/1.1\r\nHost: one.test\r\nHost: two.test\r\nConnection: close\r\n\r\n'), /^HTTP\/1\.1 400 /)
    assert.match(await raw(port, 'GET / HTTP/1.0\r\n\r\n'), /^HTTP\/1\.1 200 [\s\S]*this is one$/)
    assert.match(await raw(port, 'GET\r\n\r\n'), /^HTTP\/1\.1 400 Bad Request\r\n/)
  })
})

describe('a vhost without sessions', () => {
  it('serves files, another server and redirects as its mounts say', async (t) => {
    const behind = createServer((request, response) => {
      response.end(`${request.method} ${request.url} for ${String(request.headers['x-forwarded-host'])}`)
    }).listen(0, '127.0.0.1')
    await once(behind, 'listening')
    t.after(() => behind.close())
    const { config, port, directory } = await makeConfig(
      t,
      ({ directory, port }) => [
        {
          name: 'one.test',
          port,
          interface: '127.0.0.1',
          headers: [{ 'x-own': 'of the operator' }],
          'error-document-404': '/missing.html',
          'access-log': `${directory}/access.log`,
          mounts: [
            {
              mountpoint: '/',
              origin: `file://${directory}/www/one.test`,
              'cache-max-age': '60',
              'cache-reuse': '1',
              'extra-mimetypes': { '.weird': 'text/x-weird', '*': 'text/x-other' }
            },
            { mountpoint: '/docs', origin: `file://${directory}/docs`, default: 'start.html' },
            {
              mountpoint: '/secret',
              origin: `file://${directory}/www/one.test/members`,
              default: 'start.html',
              'basic-auth': `${directory}/passwords`
            },
            { mountpoint: '/behind', origin: `http://127.0.0.1:${(behind.address() as AddressInfo).port}/base` },
            { mountpoint: '/moved', origin: '>https://new.test/there' }
          ]
        }
      ],
      { 'server-string': 'ours' }
    )
    writeFiles(directory, {
      'www/one.test/missing.html': 'not here',
      'www/one.test/a.weird': 'a',
      'www/one.test/b.unheardof': 'b',
      'www/one.test/.hidden': 'hidden',
      'docs/start.html': 'the start',
      'www/one.test/members/start.html': 'the members',
      'www/one.test/club/name': 'a directory around',
      passwords: '# the users\nalice:open sesame\nbob:a:b\n',
      'outside.txt': 'outside'
    })
    symlinkSync(join(directory, 'outside.txt'), join(directory, 'www/one.test/link.txt'))
    symlinkSync('../members/start.html', join(directory, 'www/one.test/club/index.html'))
    const served = await startServe(t, config)
    const client = new Client(t, { port, host: 'one.test' })
    const basic = (pair: string) => ({ authorization: `Basic ${Buffer.from(pair).toString('base64')}` })

    const home = await client.get('/')
    assert.equal(home.body, 'this is one')
    assert.equal(home.headers['cache-control'], 'private, max-age=60')
    assert.equal(home.headers['x-own'], 'of the operator')
    assert.equal(home.headers['server'], 'ours')
    assert.equal(home.headers['x-content-type-options'], 'nosniff')
    assert.equal(home.headers['set-cookie'], undefined, 'nobody asks who the visitor is')
    assert.equal((await client.get('/a.weird')).headers['content-type'], 'text/x-weird')
    assert.equal((await client.get('/b.unheardof')).headers['content-type'], 'text/x-other')
    assert.equal((await client.get('/docs/')).body, 'the start')
    assert.equal((await client.get('/docs')).location, '/docs/')

    for (const path of [
      '/nothing',
      '/.hidden',
      '/link.txt',
      '/..%2fsite.json',
      '/docs/nothing',
      '/members/start.html',
      '/members%2fstart.html',
      '/members',
      '/club/',
      '/club/index.html'
    ]) {
      const missing = await client.get(path)
      assert.deepEqual([missing.status, missing.location], [302, '/missing.html'], path)
    }
    assert.equal((await client.get('/missing.html')).body, 'not here')
    assert.equal((await client.post('/docs/nothing', {})).status, 404)

    assert.equal((await client.get('/behind/x?y=1')).body, 'GET /base/x?y=1 for one.test:' + port)
    assert.equal((await client.post('/behind/x', { a: 'b' })).body, 'POST /base/x for one.test:' + port)
    assert.match(await raw(port, 'GET /behind/../x HTTP/1.1\r\nHost: one.test\r\nConnection: close\r\n\r\n'), /^HTTP\/1\.1 (404|302) /)
    behind.close()
    behind.closeAllConnections()
    assert.equal((await client.get('/behind/x')).status, 502)

    assert.equal((await client.get('/moved/page?x=1')).location, 'https://new.test/there/page?x=1')

    const asked = await client.get('/secret/')
    assert.equal(asked.status, 401)
    assert.match(asked.headers['www-authenticate']!, /^Basic realm="lwsws"/)
    assert.equal((await client.get('/secret/', basic('alice:open sesame'))).body, 'the members')
    assert.equal((await client.get('/secret/', basic('bob:a:b'))).body, 'the members')
    for (const wrong of ['alice:', 'alice:wrong', 'bob:a', '# the users:', ':', 'carol:open sesame'])
      assert.equal((await client.get('/secret/', basic(wrong))).status, 401, wrong)
    writeFiles(directory, { passwords: 'carol:open sesame\n' })
    assert.equal((await client.get('/secret/', basic('carol:open sesame'))).status, 200, 'changes of the file count at once')

    renameSync(join(directory, 'access.log'), join(directory, 'access.log.1'))
    await served.reload()
    await client.get('/after')
    served.child.kill('SIGTERM')
    assert.deepEqual(await served.exited, [0, null])
    assert.match(readFileSync(join(directory, 'access.log'), 'utf8'), /^[^\n]*"GET \/after HTTP\/1\.1" 302 0 [^\n]*\n$/)
    assert.match(readFileSync(join(directory, 'access.log.1'), 'utf8'), /^127\.0\.0\.1 - - \[.*\] "GET \/ HTTP\/1\.1" 200 11 "-" "-"\n/)
  })
})

describe('TLS', () => {
  it('shows each vhost its own certificate, takes certificates of visitors where they are required, and leads HTTP to https', async (t) => {
    const authority = await makeAuthority('Servers of the test')
    const visitors = await makeAuthority('Visitors of the test')
    const strangers = await makeAuthority('Strangers of the test')
    const { config, port, directory } = await makeConfig(t, ({ directory, port }) =>
      ['one.test', 'two.test'].map((name) => ({
        name,
        port,
        interface: '127.0.0.1',
        'host-ssl-key': `${directory}/${name}.key`,
        'host-ssl-cert': `${directory}/${name}.pem`,
        'redirect-http': '1',
        ...(name === 'one.test' && { sts: '1' }),
        ...(name === 'two.test' && { 'client-cert-required': '1', 'host-ssl-ca': `${directory}/visitors.pem` }),
        mounts: files(directory, name)
      }))
    )
    const renew = async (name: string) => {
      const { key, cert } = await makeCertificate(authority, name)
      writeFiles(directory, { [`${name}.key`]: key, [`${name}.pem`]: cert })
    }
    await renew('one.test')
    await renew('two.test')
    writeFiles(directory, { 'visitors.pem': visitors.cert })
    const served = await startServe(t, config)
    const ca = authority.cert

    const home = await new Client(t, { port, host: 'one.test', tls: { ca } }).get('/')
    assert.equal(home.body, 'this is one')
    assert.equal(home.headers['strict-transport-security'], 'max-age=15768000; includeSubDomains')

    assert.equal((await new Client(t, { port, host: 'two.test', tls: { ca } }).get('/')).status, 403, 'without a certificate')
    const visitor = await makeCertificate(visitors, 'alice')
    const known = new Client(t, { port, host: 'two.test', tls: { ca, ...visitor } })
    const members = await known.get('/')
    assert.equal(members.body, 'this is two')
    assert.equal(members.headers['strict-transport-security'], undefined)
    const stranger = await makeCertificate(strangers, 'alice')
    assert.equal((await new Client(t, { port, host: 'two.test', tls: { ca, ...stranger } }).get('/')).status, 403, 'of another authority')
    const smuggled = new Client(t, { port, host: 'two.test', tls: { ca, ...visitor, servername: 'one.test' } })
    assert.equal((await smuggled.get('/')).status, 421, 'under the name of another vhost')

    assert.match(
      await raw(port, `GET /a?b=c HTTP/1.1\r\nHost: one.test:${port}\r\nConnection: close\r\n\r\n`),
      new RegExp(`^HTTP/1\\.1 301 [^]*location: https://one\\.test:${port}/a\\?b=c\r\n`)
    )
    assert.match(await raw(port, 'GET //evil.test/ HTTP/1.1\r\nHost: one.test\r\nConnection: close\r\n\r\n'), /^HTTP\/1\.1 400 /)

    // A renewed certificate counts after SIGHUP, for names in the handshake and without one.
    await renew('one.test')
    const shown = async (servername: string) => {
      const socket = connectTls({ host: '127.0.0.1', port, servername, ca, checkServerIdentity: () => undefined })
      await once(socket, 'secureConnect')
      const { raw } = socket.getPeerX509Certificate()!
      socket.destroy()
      return raw.toString('base64')
    }
    const renewed = readFileSync(join(directory, 'one.test.pem'), 'utf8').replace(/-----.*-----|\s/g, '')
    assert.notEqual(await shown('one.test'), renewed)
    assert.match((await served.reload()).msg, /^serving/)
    assert.equal(await shown('one.test'), renewed)
    assert.equal(await shown(''), renewed)
    writeFiles(directory, { 'one.test.pem': 'no certificate' })
    assert.match((await served.reload()).msg, /as before/)
    assert.equal(await shown('one.test'), renewed)
  })
})

describe('a start that must fail', () => {
  it('says in one sentence that a port is taken, and touches nothing', async (t) => {
    const { config, port, directory } = await makeConfig(t, ({ directory, port }) => [
      {
        name: 'one.test',
        port,
        interface: '127.0.0.1',
        mounts: files(directory, 'one.test'),
        'ws-protocols': [{ 'protocol-generic-sessions': { 'session-db': `${directory}/lws.sqlite3`, 'email-from': 'a@one.test' } }]
      }
    ])
    const other = createServer().listen(port, '127.0.0.1')
    await once(other, 'listening')
    t.after(() => other.close())
    const served = spawnServe(t, config)
    assert.deepEqual(await served.exited, [1, null])
    assert.equal(served.stderr(), `gs: 127.0.0.1, port ${port} is already in use; stop the program that uses it, or change "port".\n`)
    assert.equal(existsSync(join(directory, 'lws.sqlite3')), false)
    assert.deepEqual(
      served.log.filter(({ level }) => level >= 50),
      []
    )
  })
})

describe('a unix socket', () => {
  it('is listened at, also when a killed server has left one behind', async (t) => {
    const { config, directory } = await makeConfig(t, ({ directory, port }) => [
      { name: 'one.test', port, 'unix-socket': `${directory}/site.sock`, mounts: files(directory, 'one.test') }
    ])
    const ask = async () => {
      const socket = connect(join(directory, 'site.sock'))
      socket.write('GET / HTTP/1.1\r\nHost: one.test\r\nConnection: close\r\n\r\n')
      return text(socket)
    }
    const first = await startServe(t, config)
    assert.match(await ask(), /this is one$/)
    // The proxy in front is another user; the directory says who may come in.
    assert.equal(statSync(join(directory, 'site.sock')).mode & 0o222, 0o222)
    first.child.kill('SIGKILL')
    await first.exited
    await startServe(t, config)
    assert.match(await ask(), /this is one$/)
  })
})
