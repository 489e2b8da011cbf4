import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { describe, it, type TestContext } from 'node:test'
import { gunzipSync } from 'node:zlib'
import Sqlite from 'better-sqlite3'
import { Client } from '../testing/client.ts'
import { temporaryDirectory } from '../testing/run-gs.ts'
import { adminPassword, confounder, makeSampleSite, type SampleSite } from '../testing/sample-site.ts'
import { freePort, linkIn, startServe, writeFiles } from '../testing/served.ts'

const password = 'four old words here'

const visitor = (t: TestContext, site: SampleSite) => new Client(t, { port: site.port, host: 'localhost' })

describe('the configuration and the pages of lwsgs, unchanged', () => {
  it('sign up, confirm by mail, log in, reach the protected part and log out, with forms only', async (t) => {
    const site = await makeSampleSite(t)
    await startServe(t, site.config)
    const alice = visitor(t, site)

    assert.equal((await alice.get('/lwsgs/needauth/')).status, 303)
    const registered = await alice.submit('/lwsgs/', '/lwsgs-login', {
      username: 'Alice',
      email: 'alice@mail.test',
      password,
      register: 'Register'
    })
    assert.deepEqual([registered.status, registered.path], [303, '/lwsgs/post-register-ok.html'])
    assert.match((await alice.get(registered.path)).body, /look at your mail/)

    // She can log in before she has confirmed, and is not verified then.
    const failed = await alice.submit('/lwsgs/', '/lwsgs-login', { username: 'Alice', password: 'not her password' })
    assert.equal(failed.path, '/lwsgs/failed-login.html')
    const early = await alice.submit('/lwsgs/', '/lwsgs-login', { username: 'Alice', password })
    assert.equal(early.path, '/lwsgs/index.html')
    assert.equal((await alice.get('/lwsgs/needauth/')).status, 403)
    assert.match((await alice.get('/lwsgs/whoami.js')).body, /who = "Alice", rights = "1", mail = "alice@mail\.test"/)

    const mail = await site.mail.next()
    assert.equal(mail.to?.[0]?.address, 'alice@mail.test')
    const confirmed = await alice.submit(linkIn(mail), '/lwsgs-confirm')
    assert.deepEqual([confirmed.status, confirmed.path], [303, '/lwsgs/post-verify-ok.html'])
    assert.match((await alice.get(confirmed.path)).body, /welcome/)

    assert.match((await alice.get('/lwsgs/needauth/index.html')).body, /for members/)
    assert.match((await alice.get('/lwsgs/needauth/whoami.js')).body, /who = "Alice"/)
    assert.equal((await alice.get('/lwsgs/needadmin/')).status, 403)
    const out = await alice.submit('/lwsgs/needauth/', '/lwsgs-logout')
    assert.deepEqual([out.status, out.path], [303, '/lwsgs/needauth/index.html'])
    assert.equal(await alice.whoIs(), null)
    assert.equal((await alice.get('/lwsgs/needauth/index.html')).location, '/lwsgs/?next=%2Flwsgs%2Fneedauth%2Findex.html')

    const again = await alice.submit('/lwsgs/', '/lwsgs-login', { username: 'Alice', password })
    assert.equal(again.path, '/lwsgs/index.html')
    assert.match((await alice.get('/lwsgs/whoami.js')).body, /rights = "5"/)

    const token = new URL(linkIn(mail), alice.origin).searchParams.get('token')!
    const used = await visitor(t, site).post('/lwsgs/lwsgs-confirm', { token })
    assert.deepEqual([used.status, used.location], [303, '/lwsgs/post-verify-fail.html'])
  })

  it('bring back who has forgotten the password, and let the admin in', async (t) => {
    const site = await makeSampleSite(t)
    await startServe(t, site.config)
    const alice = visitor(t, site)
    await alice.submit('/lwsgs/', '/lwsgs-login', { username: 'Alice', email: 'alice@mail.test', password, register: 'Register' })
    await alice.submit(linkIn(await site.mail.next()), '/lwsgs-confirm')

    const later = visitor(t, site)
    const asked = await later.submit('/lwsgs/', '/lwsgs-login', { username: 'Alice', forgot: 'Forgot' })
    assert.equal(asked.path, '/lwsgs/sent-forgot-ok.html')
    const back = await later.submit(linkIn(await site.mail.next()), '/lwsgs-forgot')
    assert.equal(back.path, '/lwsgs/post-forgot-ok.html')
    assert.match((await later.get('/lwsgs/whoami.js')).body, /rights = "13"/)
    const changed = await later.post('/lwsgs/lwsgs-change', {
      username: 'Alice',
      password: 'a new one of hers',
      good: 'index.html',
      bad: 'failed-login.html'
    })
    assert.equal(changed.location, '/lwsgs/index.html')

    const admin = visitor(t, site)
    const entered = await admin.submit('/lwsgs/', '/lwsgs-login', { username: 'admin', password: adminPassword })
    assert.equal(entered.path, '/lwsgs/needadmin/admin-login.html')
    assert.match((await admin.get(entered.path)).body, /for the admin/)
  })

  it('keep what they write for the owner of the process only', async (t) => {
    const site = await makeSampleSite(t)
    await startServe(t, site.config)
    for (const file of [site.sessionDb, `${site.sessionDb}-wal`, `${site.sessionDb}.keys`])
      assert.equal(statSync(file).mode & 0o077, 0, file)
  })

  it('do not show files of the protected part through the public one, however the path is written', async (t) => {
    const site = await makeSampleSite(t)
    await startServe(t, site.config)
    const stranger = visitor(t, site)
    for (const path of [
      '/lwsgs/needauth/index.html',
      '/lwsgs/needauth%2findex.html',
      '/lwsgs%2fneedauth/index.html',
      '/lwsgs//needauth/index.html',
      '/lwsgs/./needauth/index.html',
      '/lwsgs/x/%2e%2e/needauth/index.html',
      '/lwsgs/needauth/lwsgs.js/../index.html',
      '/lwsgs/needauth\\index.html'
    ]) {
      const answer = await stranger.send('GET', path)
      assert.doesNotMatch(answer.body, /for members/, path)
      assert.notEqual(answer.status, 200, path)
    }
  })
})

describe('the users of lwsgs, in the very database of lwsgs', () => {
  const hash = (algorithm: string, word: string, salt: string) =>
    createHash(algorithm).update(`${word}-${confounder}-${salt}`).digest('hex')

  function fill(path: string, rows: readonly [string, string, 'sha1' | 'sha256', number][]): void {
    const db = new Sqlite(path)
    db.exec(
      'create table sessions (name char(65), username varchar(32), expire integer); create table users (username varchar(32), creation_time integer, ip varchar(46), email varchar(100), pwhash varchar(65), pwsalt varchar(65), pwchange_time integer, token varchar(65), verified integer, token_time integer, last_forgot_validated integer, primary key (username))'
    )
    const insert = db.prepare("insert into users values (?, 1400000000, '127.0.0.1', ?, ?, ?, 0, '', ?, 0, 0)")
    for (const [name, word, algorithm, verified] of rows) {
      const salt = randomBytes(algorithm === 'sha1' ? 20 : 32).toString('hex')
      insert.run(name, `${name.toLowerCase().replace(/\W/g, '')}@mail.test`, hash(algorithm, word, salt), salt, verified)
    }
    db.close()
  }

  /** The new hash is made after the answer. */
  async function rehashed(client: Client, db: Sqlite.Database, count: number): Promise<void> {
    const hashes = db.prepare<[], number>("select count(*) from gs_accounts where password_hash like '$argon2id$%'").pluck()
    while (hashes.get() !== count) await client.get('/lwsgs/')
  }

  it('log in with their old passwords, and their old hashes are replaced', async (t) => {
    const site = await makeSampleSite(t)
    fill(site.sessionDb, [
      ['Anna', 'old word 1', 'sha1', 100],
      ['Bert', 'old', 'sha256', 100],
      ['new one', 'old word 3', 'sha1', 1],
      ['admin', 'x', 'sha1', 100]
    ])
    const served = await startServe(t, site.config)
    const report = await served.logged(/users of lwsgs taken over/)
    assert.deepEqual([report['imported'], report['refused']], [2, 2])

    for (const [username, word] of [
      ['Anna', 'old word 1'],
      ['Bert', 'old']
    ] as const) {
      const client = visitor(t, site)
      assert.equal((await client.submit('/lwsgs/', '/lwsgs-login', { username, password: 'wrong one' })).path, '/lwsgs/failed-login.html')
      assert.equal((await client.submit('/lwsgs/', '/lwsgs-login', { username, password: word })).path, '/lwsgs/index.html')
      assert.match((await client.get('/lwsgs/whoami.js')).body, new RegExp(`who = "${username}", rights = "5"`))
    }
    const db = new Sqlite(site.sessionDb, { readonly: true })
    t.after(() => db.close())
    await rehashed(visitor(t, site), db, 2)
    assert.equal(db.prepare('select count(*) from users').pluck().get(), 4, 'their own table stays as it is')
  })

  it('are taken over once: who deletes his account is gone for good', async (t) => {
    const site = await makeSampleSite(t)
    fill(site.sessionDb, [['Anna', 'old word 1', 'sha1', 100]])
    const first = await startServe(t, site.config)
    const anna = visitor(t, site)
    await anna.submit('/lwsgs/', '/lwsgs-login', { username: 'Anna', password: 'old word 1' })
    const db = new Sqlite(site.sessionDb, { readonly: true })
    t.after(() => db.close())
    await rehashed(anna, db, 1)
    const deleted = await anna.post('/lwsgs/lwsgs-change', {
      username: 'Anna',
      curpw: 'old word 1',
      delete: 'Delete',
      good: 'index.html',
      bad: 'failed-login.html'
    })
    assert.equal(deleted.location, '/lwsgs/index.html')
    first.child.kill('SIGKILL')
    await first.exited
    const second = await startServe(t, site.config)
    assert.ok(!second.log.some(({ msg }) => /taken over/.test(msg)))
    assert.equal(
      (await anna.submit('/lwsgs/', '/lwsgs-login', { username: 'Anna', password: 'old word 1' })).path,
      '/lwsgs/failed-login.html'
    )
  })
})

describe('a login mount without pages of its own', () => {
  async function start(t: TestContext, change: (site: SampleSite) => void) {
    const site = await makeSampleSite(t)
    change(site)
    await startServe(t, site.config)
    return visitor(t, site)
  }
  const remove = (site: SampleSite, ...names: string[]) => {
    for (const name of names) rmSync(join(site.directory, 'generic-sessions', name))
  }

  it('shows a start page with the widget and a way without scripts', async (t) => {
    const client = await start(t, (site) => remove(site, 'generic-sessions-login-example.html', 'index.html'))
    const page = await client.get('/lwsgs/')
    assert.equal(page.status, 200)
    assert.match(page.headers['content-security-policy'] as string, /script-src 'self'/)
    assert.match(page.body, /<div id="lwsgs">/)
    for (const [, address] of page.body.matchAll(/(?:href|src)="(\/[^"]+)"/g)) {
      const answer = await client.get(address!)
      assert.equal(answer.status, 200, address)
      assert.notEqual(answer.body, '', address)
    }
    const registered = await client.submit('/lwsgs/lwsgs-login', '/lwsgs-login', { username: 'Alice', password: 'wrong password' })
    assert.equal(registered.status, 401)
  })

  it('gives scripts the values of the session, and those of other sites only the script', async (t) => {
    const client = await start(t, () => {})
    const login = await client.submit('/lwsgs/', '/lwsgs-login', { username: 'admin', password: adminPassword })
    assert.equal(login.status, 303)
    for (const path of ['/lwsgs/lwsgs.js', '/lwsgs/needauth/lwsgs.js']) {
      const own = await client.send('GET', path, { 'sec-fetch-site': 'same-origin' })
      assert.equal(own.headers['content-type'], 'text/javascript; charset=utf-8')
      assert.equal(own.headers['cache-control'], 'private, no-store')
      assert.match(own.body, /user:(["`])admin\1,auth:\1[7]\1,email:\1\1,prefix:\1\\u002flwsgs\1/)
    }
    const foreign = await client.send('GET', '/lwsgs/lwsgs.js', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' })
    assert.match(foreign.body, /user:["`]\$lwsgs_user["`]/)
  })

  it('serves the parts that the script loads: for good by their version, compressed, with nothing of a session', async (t) => {
    const client = await start(t, () => {})
    await client.submit('/lwsgs/', '/lwsgs-login', { username: 'admin', password: adminPassword })
    const [, version] = /"([0-9a-f]{12})"/.exec((await client.get('/lwsgs/lwsgs.js')).body)!
    for (const part of ['guest', 'account', 'admin', 'strength', 'de']) {
      for (const mount of ['/lwsgs/', '/lwsgs/needauth/']) {
        const path = `${mount}lwsgs-${part}.js`
        const answer = await client.get(`${path}?v=${version}`)
        assert.equal(answer.status, 200, path)
        assert.equal(answer.headers['content-type'], 'text/javascript; charset=utf-8')
        assert.match(answer.body, /^(?:import|var|const|export|function)\b[\s\S]*\bexport\s*\{/)
        assert.doesNotMatch(answer.body, /\$lwsgs_/)
        // What only members may load is kept by nobody.
        const kept = mount === '/lwsgs/' ? 'public, max-age=31536000, immutable' : 'private, no-store'
        assert.equal(answer.headers['cache-control'], kept, path)
      }
    }
    const path = '/lwsgs/lwsgs-guest.js'
    const plain = await client.get(path)
    assert.equal(plain.headers['cache-control'], 'no-cache')
    assert.equal((await client.get(`${path}?v=000000000000`)).headers['cache-control'], 'no-cache')
    assert.equal((await client.get(path, { 'if-none-match': String(plain.headers.etag) })).status, 304)
    const response = await client.open('GET', path, { 'accept-encoding': 'br, gzip' })
    assert.deepEqual([response.headers['content-encoding'], response.headers.vary], ['gzip', 'accept-encoding'])
    assert.notEqual(response.headers.etag, plain.headers.etag)
    assert.equal(gunzipSync(await buffer(response)).toString(), plain.body)
    assert.equal((await client.get(path, { 'accept-encoding': 'gzip;q=0, br' })).body, plain.body)
    for (const none of ['lwsgs-none.js', 'lwsgs-.js', 'lwsgs-guest.js.map', 'index.js', 'lwsgs-..%2findex.js'])
      assert.equal((await client.get(`/lwsgs/${none}`)).status, 404, none)
    assert.equal((await client.send('POST', path)).status, 404)
  })

  it('prefers what lies in the directory', async (t) => {
    const client = await start(t, (site) => writeFiles(site.directory, { 'generic-sessions/lwsgs.js': 'var own = "$lwsgs_auth"\n' }))
    assert.equal((await client.get('/lwsgs/lwsgs.js')).body, 'var own = "0"\n')
  })
})

describe('the example of the README', () => {
  it('is a complete site', async (t) => {
    const readme = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8')
    const example = /```json\n([\s\S]*?)```/.exec(readme)![1]!
    const directory = temporaryDirectory(t)
    const port = await freePort()
    writeFiles(directory, {
      'site.json': example.replaceAll('/srv/site', directory).replace('"7681"', `"${port}"`),
      'public/index.html': 'for everybody',
      'members/index.html': 'for members',
      'sessions/.keep': ''
    })
    await startServe(t, join(directory, 'site.json'))
    const client = new Client(t, { port, host: 'localhost' })
    assert.equal((await client.get('/')).body, 'for everybody')
    const refused = await client.get('/members/')
    assert.deepEqual([refused.status, refused.location], [303, '/lwsgs/?next=%2Fmembers%2F'])
    const login = (await client.get(refused.location!)).body
    assert.match(login, /<div id="lwsgs">/)
    // Without scripts as well people get to where they wanted to go.
    assert.match(login, /<a href="\/lwsgs\/lwsgs-login\?next=%2Fmembers%2F">/)
    assert.equal((await client.get('/lwsgs')).location, '/lwsgs/')
    assert.equal((await client.get('/lwsgs/nothing')).status, 404)
  })
})

describe('a mount with HTTP Basic beside the logins', () => {
  it('asks for a password, and nothing around it shows its files', async (t) => {
    const site = await makeSampleSite(t)
    const html = join(site.directory, 'generic-sessions')
    writeFiles(site.directory, { 'generic-sessions/club/index.html': 'for the club', passwords: 'alice:open sesame\n' })
    symlinkSync('club/index.html', join(html, 'link.html'))
    const path = join(site.config, 'conf.d/site')
    const mount = { mountpoint: '/club', origin: `file://${html}/club`, 'basic-auth': `${site.directory}/passwords` }
    writeFileSync(path, readFileSync(path, 'utf8').replace('"mounts": [', `"mounts": [ ${JSON.stringify(mount)},`))
    await startServe(t, site.config)
    const client = visitor(t, site)
    assert.equal((await client.get('/club/')).status, 401)
    assert.equal((await client.get('/club/', { authorization: `Basic ${btoa('alice:open sesame')}` })).body, 'for the club')
    for (const around of ['/lwsgs/club/', '/lwsgs/club/index.html', '/lwsgs/club%2findex.html', '/lwsgs/link.html', '/club%2findex.html']) {
      const answer = await client.get(around)
      assert.deepEqual([answer.status, answer.body.includes('for the club')], [404, false], around)
    }
  })
  it('covers the forms and calls of the logins, but not a mount below that is open', async (t) => {
    const directory = temporaryDirectory(t)
    const port = await freePort()
    const mounts = [
      { mountpoint: '/', origin: `file://${directory}/public`, 'basic-auth': `${directory}/passwords` },
      { mountpoint: '/lwsgs/open', origin: `file://${directory}/open` },
      { mountpoint: '/forms', origin: 'callback://board', 'basic-auth': `${directory}/passwords` }
    ]
    const links = `http://localhost:${port}/lwsgs`
    const sessions = { 'session-db': `${directory}/site.sqlite3`, 'email-from': 'noreply@mail.test', 'email-confirm-url-base': links }
    const vhost = { name: 'localhost', port: String(port), mounts, 'ws-protocols': [{ 'protocol-generic-sessions': sessions }] }
    writeFiles(directory, {
      'site.json': JSON.stringify({ vhosts: [vhost] }),
      passwords: 'alice:open sesame\n',
      'public/index.html': 'inside',
      'open/index.html': 'for everybody'
    })
    await startServe(t, join(directory, 'site.json'))
    const client = new Client(t, { port, host: 'localhost' })
    const authorization = `Basic ${btoa('alice:open sesame')}`
    for (const path of [
      '/',
      '/lwsgs/',
      '/lwsgs/lwsgs.js',
      '/lwsgs/lwsgs-login',
      '/lwsgs/lwsgs-check?username=x',
      '/lwsgs/session',
      '/forms/lwsgs-login'
    ]) {
      const refused = await client.get(path)
      assert.deepEqual([refused.status, refused.headers['www-authenticate'] !== undefined], [401, true], path)
      assert.equal((await client.get(path, { authorization })).status, 200, path)
    }
    const form = { 'content-type': 'application/x-www-form-urlencoded', origin: client.origin }
    assert.equal((await client.send('POST', '/lwsgs/lwsgs-login', form, 'username=x&password=y')).status, 401)
    assert.equal((await client.get('/lwsgs/open/')).body, 'for everybody')
  })
})
