import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, it, type TestContext } from 'node:test'
import { Client } from '../testing/client.ts'
import { adminPassword, makeSampleSite, type SampleSite } from '../testing/sample-site.ts'
import { freePort, startServe, writeFiles, type Served } from '../testing/served.ts'

async function logIn(client: Client, username: string, password: string): Promise<number> {
  const body = JSON.stringify({ username, password })
  const headers = { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)), origin: client.origin }
  return (await client.send('POST', '/lwsgs/login', headers, body)).status
}

/** A sample site that runs, and its admin who is logged in. */
async function start(
  t: TestContext
): Promise<{ site: SampleSite; served: Served; admin: Client; edit: (change: (text: string) => string) => void }> {
  const site = await makeSampleSite(t)
  const served = await startServe(t, site.config)
  const admin = new Client(t, { port: site.port, host: 'localhost' })
  assert.equal(await logIn(admin, 'admin', adminPassword), 200)
  const path = join(site.config, 'conf.d/site')
  return { site, served, admin, edit: (change) => writeFileSync(path, change(readFileSync(path, 'utf8'))) }
}

const withMount = (mount: object) => (text: string) => text.replace('"mounts": [', `"mounts": [ ${JSON.stringify(mount)},`)

describe('SIGHUP', () => {
  it('brings a new mount, and who is logged in stays so', async (t) => {
    const { site, served, admin, edit } = await start(t)
    writeFiles(site.directory, { 'club/index.html': 'the club' })
    assert.equal((await admin.get('/club/')).status, 404)
    edit(withMount({ mountpoint: '/club', origin: `file://${site.directory}/club`, 'auth-mask': '7' }))
    const { changed, msg, pid } = await served.reload()
    assert.deepEqual([msg, changed], ['serving', ['localhost']])
    assert.equal(pid, served.child.pid)
    assert.equal((await admin.get('/club/')).body, 'the club')
    assert.equal(await admin.whoIs(), 'admin')
    assert.equal((await new Client(t, { port: site.port, host: 'localhost' }).get('/club/')).status, 303)
  })

  it('changes nothing when nothing has changed', async (t) => {
    const { served, admin } = await start(t)
    assert.deepEqual((await served.reload())['changed'], [])
    assert.equal(await admin.whoIs(), 'admin')
  })

  it('takes up new keys, and the old ones go on verifying', async (t) => {
    const { site, served, admin } = await start(t)
    const visitor = new Client(t, { port: site.port, host: 'localhost' })
    await visitor.get('/lwsgs/')
    const ticket = await visitor.sessionId()
    const path = `${site.sessionDb}.keys`
    const old = readFileSync(path, 'utf8')
    writeFileSync(path, `${randomBytes(32).toString('base64url')}\n${old}`)
    assert.deepEqual((await served.reload())['changed'], ['localhost'])
    assert.equal(await admin.whoIs(), 'admin')
    assert.equal(await visitor.sessionId(), ticket)
    writeFileSync(path, `${randomBytes(32).toString('base64url')}\n`)
    await served.reload()
    assert.equal(await admin.whoIs(), 'admin')
    assert.notEqual(await visitor.sessionId(), ticket, 'nothing verifies the ticket any more')
  })

  const mistakes: [string, (text: string) => string, RegExp][] = [
    ['is broken', (text) => text.replace('"mounts"', '"mountz"'), /mountz/],
    ['cannot be read to its end', (text) => text.slice(0, 300), /conf\.d\/site:\d+: /],
    ['names a directory that is not there', withMount({ mountpoint: '/x', origin: 'file:///nowhere/at/all' }), /nowhere/]
  ]
  for (const [name, change, reason] of mistakes) {
    it(`keeps everything as it was when the configuration ${name}`, async (t) => {
      const { served, admin, edit } = await start(t)
      const before = served.log.length
      edit(change)
      assert.match((await served.reload()).msg, /as before/)
      assert.ok(
        served.log.slice(before).some(({ level, msg }) => level === 50 && reason.test(msg)),
        JSON.stringify(served.log.slice(before))
      )
      assert.equal(await admin.whoIs(), 'admin')
      assert.equal((await admin.get('/lwsgs/needadmin/')).status, 200)
    })
  }

  it('lets a download end on which somebody has begun, and stops afterwards', async (t) => {
    const { site, served, edit } = await start(t)
    // More than fits into the buffers on the way.
    const size = 64 * 1024 * 1024
    writeFiles(site.directory, { 'generic-sessions/large.bin': 'x'.repeat(size) })
    const client = new Client(t, { port: site.port, host: 'localhost' })
    const download = await client.open('GET', '/lwsgs/large.bin')
    edit(withMount({ mountpoint: '/other', origin: `file://${site.directory}/generic-sessions/needadmin`, 'auth-mask': '7' }))
    assert.deepEqual((await served.reload())['changed'], ['localhost'])
    served.child.kill('SIGTERM')
    await served.logged(/stopping/)
    assert.equal((await text(download)).length, size)
    assert.deepEqual(await served.exited, [0, null])
  })

  it('ends the event streams of the site as it was: their pages come again to the new one', async (t) => {
    const { served, admin, edit } = await start(t)
    const stream = await admin.open('GET', '/lwsgs/events', { accept: 'text/event-stream' })
    assert.equal(stream.headers['content-type'], 'text/event-stream')
    edit((text) => text.replace('"vhosts": [ {', '"vhosts": [ { "error-document-404": "/404.html",'))
    assert.deepEqual((await served.reload())['changed'], ['localhost'])
    assert.match(await text(stream), /^retry: 2000\n\nevent: session\n/)
    assert.equal((await admin.open('GET', '/lwsgs/events', { accept: 'text/event-stream' })).statusCode, 200)
  })

  it('opens new ports and closes those that are gone', async (t) => {
    const { site, served, edit } = await start(t)
    const port = await freePort()
    edit((text) => text.replace(`"port": "${site.port}"`, `"port": "${port}"`).replaceAll(`localhost:${site.port}`, `localhost:${port}`))
    assert.deepEqual((await served.reload())['changed'], ['localhost'])
    const client = new Client(t, { port, host: 'localhost' })
    assert.equal(await logIn(client, 'admin', adminPassword), 200)
    const [error] = await new Promise<[Error | undefined]>((resolve) => {
      const socket = connect(site.port, '127.0.0.1', () => resolve([undefined]))
      socket.once('error', (error) => resolve([error]))
      t.after(() => socket.destroy())
    })
    assert.match(String(error), /ECONNREFUSED/)
  })
})

describe('kill -9', () => {
  it('loses nobody who is logged in', async (t) => {
    const { site, served, admin } = await start(t)
    served.child.kill('SIGKILL')
    await served.exited
    await startServe(t, site.config)
    assert.equal(await admin.whoIs(), 'admin')
  })
})

describe('SIGTERM and SIGINT', () => {
  it('end event streams at once', async (t) => {
    const { served, admin } = await start(t)
    const stream = await admin.open('GET', '/lwsgs/events', { accept: 'text/event-stream' })
    const began = Date.now()
    served.child.kill('SIGTERM')
    assert.doesNotMatch(await text(stream), /event: ended/)
    assert.deepEqual(await served.exited, [0, null])
    assert.ok(Date.now() - began < 5000)
  })

  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    it(`${signal}: lets the running requests be answered and exits with 0`, async (t) => {
      const { site, served } = await start(t)
      const body = JSON.stringify({ username: 'admin', password: adminPassword })
      const socket = connect(site.port, '127.0.0.1')
      const received = text(socket)
      socket.write(
        `POST /lwsgs/login HTTP/1.1\r\nHost: localhost:${site.port}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, 10)}`
      )
      // Another request shows that the server has read this one.
      await new Client(t, { port: site.port, host: 'localhost' }).get('/lwsgs/')
      served.child.kill(signal)
      await served.logged(/stopping/)
      socket.write(body.slice(10))
      assert.match(await received, /^HTTP\/1\.1 200 OK\r\n/)
      assert.deepEqual(await served.exited, [0, null])
    })
  }
})
