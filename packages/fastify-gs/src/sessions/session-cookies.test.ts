import assert from 'node:assert/strict'
import type { OutgoingHttpHeaders } from 'node:http'
import { describe, it, type TestContext } from 'node:test'
import Fastify, { type FastifyInstance } from 'fastify'
import { gsMount } from '../mounts/mount.ts'
import type { GsOptions } from '../options.ts'
import { build, password } from '../testing/build.ts'
import { CookieJar } from '../testing/cookie-jar.ts'
import { createSessionCookies } from './session-cookies.ts'

const token = 'T0ken_0123456789-abcdefghij'
const ticket = 'T0ken_0123456789-abcdefghij.k0000000.k0000000.0123456789abcdefghijkl'
const two = { anonymous: 'as', loggedIn: 'ls' }

describe('two session cookies', () => {
  const cookies = createSessionCookies(two, false)
  const long = `other=${'x'.repeat(6000)}`
  const cases: [name: string, header: string | undefined, token: string | null, ticket: string | null][] = [
    ['give the token and the ticket, each from its own', `as=${ticket}; ls=${token}`, token, ticket],
    ['give them in any order', `ls=${token}; as=${ticket}`, token, ticket],
    ['give a token without a ticket', `ls=${token}`, token, null],
    ['give a ticket without a token', `as=${ticket}`, null, ticket],
    ['give nothing without a header', undefined, null, null],
    ['find the name only where a cookie begins', `details=${token}; pass=${ticket}`, null, null],
    ['find no name within a value', `a=ls=${token}; b=as=${ticket}`, null, null],
    ['do not cut a longer value down to a token', `ls=${token}zzz`, null, null],
    ['take no shorter one', `ls=${token.slice(1)}`, null, null],
    ['find them behind thousands of other characters', `${long}; ls=${token}; ${long}; as=${ticket}`, token, ticket],
    ['take no ticket for a token', `ls=${ticket}`, null, null],
    ['are ambiguous each by itself', `ls=${token}; ls=${token}; as=${ticket}`, null, ticket]
  ]
  for (const [name, header, ofLoggedIn, ofAnonymous] of cases) {
    it(name, () => {
      const presented = cookies.read(header)
      assert.deepEqual([presented.token, presented.ticket], [ofLoggedIn, ofAnonymous])
    })
  }

  it('are one when both have the same name, which is a token or a ticket', () => {
    const one = createSessionCookies({ anonymous: 'gs', loggedIn: 'gs' }, true)
    assert.deepEqual([one.names, one.separate], [['__Host-gs'], false])
    assert.deepEqual(one.read(`__Host-gs=${token}`), { token, ticket: null, hasOwn: false })
    assert.deepEqual(one.read(`__Host-gs=${ticket}`), { token: null, ticket, hasOwn: false })
  })
})

async function site(t: TestContext, options: Partial<GsOptions> = {}, routes?: (app: FastifyInstance) => void | Promise<void>) {
  const built = await build(t, { session: { cookieName: two }, ...options }, async (app) => {
    app.get('/page', () => 'ok')
    await routes?.(app)
  })
  const { app, clock } = built
  await built.member('alice')
  const jar = () => new CookieJar(() => clock.now)
  const logIn = (browser: CookieJar) => browser.post(app, '/lwsgs/login', { username: 'alice', password })
  const who = async (cookie: string) => (await app.inject({ url: '/lwsgs/session', headers: { cookie } })).json().username as string | null
  const names = (browser: CookieJar) => browser.held('as', 'ls').map((pair) => pair.split('=', 1)[0])
  return { ...built, jar, logIn, who, names }
}

describe('a site with one cookie for visitors and one for those who are logged in', () => {
  for (const overHttps of [false, true]) {
    const [as, ls] = overHttps ? ['__Host-as', '__Host-ls'] : ['as', 'ls']
    const attributes = overHttps ? 'Path=/; HttpOnly; Secure; SameSite=Lax' : 'Path=/; HttpOnly; SameSite=Lax'

    it(`gives a browser one of both at a time over ${overHttps ? 'https' : 'http'}`, async (t) => {
      const { app, jar, logIn } = await site(t, { baseUrl: overHttps ? 'https://site.test' : 'http://localhost:7681' })
      const browser = jar()
      const sent = ({ headers }: { headers: OutgoingHttpHeaders }) =>
        [headers['set-cookie'] ?? []].flat().filter((cookie) => cookie.startsWith(`${as}=`) || cookie.startsWith(`${ls}=`))

      const page = await browser.visit(app, '/page')
      assert.deepEqual(sent(page), [`${as}=${browser.get(as)}; ${attributes}`])
      assert.match(browser.get(as)!, /\./)

      const login = await logIn(browser)
      assert.deepEqual(browser.held(as, ls), [`${ls}=${browser.get(ls)}`])
      assert.match(browser.get(ls)!, /^[\w-]{27}$/)
      assert.deepEqual(sent(login), [`${ls}=${browser.get(ls)}; ${attributes}`, `${as}=; Max-Age=0; ${attributes}`])
      assert.deepEqual(sent(await browser.visit(app, '/page')), [])

      const logout = await browser.post(app, '/lwsgs/logout')
      assert.deepEqual(browser.held(as, ls), [`${as}=${browser.get(as)}`])
      assert.deepEqual(sent(logout), [`${as}=${browser.get(as)}; ${attributes}`, `${ls}=; Max-Age=0; ${attributes}`])
    })
  }

  it('takes a value only from its own cookie, and the token first', async (t) => {
    const { app, jar, logIn, who } = await site(t)
    const visitor = jar()
    await visitor.visit(app, '/page')
    const anonymous = visitor.get('as')!
    const member = jar()
    await logIn(member)
    const valid = member.get('ls')!

    const cases: [cookie: string, username: string | null][] = [
      [`ls=${valid}`, 'alice'],
      [`as=${anonymous}; ls=${valid}`, 'alice'],
      [`as=${valid}`, null],
      [`as=${valid}; ls=${anonymous}`, null],
      [`gs=${valid}`, null],
      [`as=${anonymous}; ls=${'A'.repeat(27)}`, null]
    ]
    for (const [cookie, username] of cases) assert.equal(await who(cookie), username, cookie)

    const idOf = async (cookie: string) => (await app.inject({ url: '/lwsgs/session', headers: { cookie } })).json().session as string
    assert.equal(await idOf(`as=${anonymous}`), await idOf(`as=${anonymous}; ls=${'A'.repeat(27)}`))
    assert.notEqual(await idOf(`ls=${anonymous}`), await idOf(`as=${anonymous}`))
  })

  it('lets a visitor log in again without leaving his former session behind', async (t) => {
    const { app, jar, logIn, who } = await site(t)
    const browser = jar()
    await logIn(browser)
    const former = browser.get('ls')!
    await logIn(browser)
    assert.deepEqual([await who(`ls=${former}`), await who(`ls=${browser.get('ls')}`)], [null, 'alice'])
    await browser.post(app, '/lwsgs/logout')
    await browser.visit(app, '/page')
    assert.equal(await who(browser.held('as', 'ls').join('; ')), null)
  })

  it('takes a dead token away with the next page, and not with anything else', async (t) => {
    const { app, jar, logIn, clock, names } = await site(t)
    const browser = jar()
    await logIn(browser)
    clock.advance(3600)
    await browser.send(app, { url: '/page', headers: { accept: 'application/json', 'sec-fetch-dest': 'empty' } })
    assert.deepEqual(names(browser), ['ls'])
    await browser.visit(app, '/page')
    assert.deepEqual(names(browser), ['as'])

    // Beside a ticket that is good for long.
    browser.set('ls', 'A'.repeat(27))
    const page = await browser.visit(app, '/page')
    assert.deepEqual([page.headers['set-cookie'], names(browser)], ['ls=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax', ['as']])
  })

  it('does not let an answer that comes late take the cookie of a login away', async (t) => {
    const { app, jar, logIn, who, names } = await site(t)
    const browser = jar()
    await logIn(browser)
    const before = browser.held('as', 'ls').join('; ')
    await logIn(browser)
    const page = { accept: 'text/html', 'sec-fetch-dest': 'document' }
    for (const url of ['/page', '/lwsgs/session']) browser.take(await app.inject({ url, headers: { ...page, cookie: before } }))
    assert.deepEqual(names(browser), ['ls'])
    assert.equal(await who(browser.held('as', 'ls').join('; ')), 'alice')
  })

  it('hides both from the server behind a mount, which can set neither', async (t) => {
    const seen: (string | undefined)[] = []
    const upstream = Fastify()
    t.after(() => upstream.close())
    upstream.get('/*', (request, reply) => {
      seen.push(request.headers.cookie)
      return reply.headers({ 'set-cookie': ['as=planted', 'ls=planted; Path=/', 'last=1'] }).send('ok')
    })
    const address = await upstream.listen({ port: 0, host: '127.0.0.1' })
    const { app } = await site(t, {}, (its) => void its.register(gsMount, { prefix: '/api', proxy: address }))
    const response = await app.inject({ url: '/api/x', headers: { cookie: `as=${ticket}; theme=dark; ls=${token}; class=1` } })
    assert.equal(response.statusCode, 200)
    assert.deepEqual(
      seen.map((cookie) => cookie?.split(/; ?/)),
      [['theme=dark', 'class=1']]
    )
    assert.deepEqual([response.headers['set-cookie']].flat(), ['last=1'])
  })
})

describe('the session cookie of an answer that went wrong', () => {
  const statuses = [400, 401, 403, 404, 405, 409, 429, 500, 503]

  it('is sent with a page, whatever its status', async (t) => {
    const { app, jar } = await site(t, {}, (its) => {
      for (const status of statuses) {
        its.get(`/returned/${status}`, (_request, reply) => reply.code(status).send('no'))
        its.get(`/thrown/${status}`, () => {
          throw Object.assign(new Error('no'), { statusCode: status })
        })
      }
    })
    for (const status of statuses) {
      for (const url of [`/returned/${status}`, `/thrown/${status}`]) {
        const visitor = jar()
        assert.equal((await visitor.visit(app, url)).statusCode, status)
        assert.notEqual(visitor.get('as'), undefined, url)
      }
    }
    const lost = jar()
    assert.equal((await lost.visit(app, '/nowhere')).statusCode, 404)
    assert.notEqual(lost.get('as'), undefined)
  })

  it('is that of the login or the logout which was done before', async (t) => {
    const { app, jar, logIn, who, names } = await site(t, {}, (its) => {
      its.addHook('preSerialization', async (request, _reply, payload) => {
        if (/login|logout/.test(request.url) && !(payload as { code?: string }).code) throw new Error('an application that fails')
        return payload
      })
    })
    const browser = jar()
    await browser.visit(app, '/page')
    assert.equal((await logIn(browser)).statusCode, 500)
    assert.deepEqual(names(browser), ['ls'])
    assert.equal(await who(browser.held('as', 'ls').join('; ')), 'alice')

    const before = browser.held('as', 'ls').join('; ')
    assert.equal((await browser.post(app, '/lwsgs/logout')).statusCode, 500)
    assert.deepEqual(names(browser), ['as'])
    assert.equal(await who(before), null)
  })
})

describe('an answer that brings a visitor his cookie', () => {
  it('is kept by nobody for others, whatever the route says', async (t) => {
    const open = 'public, max-age=600'
    const { app, jar } = await site(t, {}, (its) => {
      its.get('/news', (_request, reply) => reply.header('cache-control', open).type('text/html').send('news'))
      its.get('/unchanged', (_request, reply) => reply.header('cache-control', open).code(304).send())
      its.get('/hidden', { config: { gs: { level: 'nobody' } } }, () => 'hidden')
      its.get('/own', (_request, reply) => reply.header('cache-control', 'private, max-age=60').type('text/html').send('own'))
      its.get('/stores', async ({ gs }, reply) => {
        await gs.data.patch({ seen: true })
        return reply.header('cache-control', open).send('stored')
      })
    })
    const storedOf = async (url: string, browser: CookieJar) => (await browser.visit(app, url)).headers['cache-control']
    for (const url of ['/news', '/unchanged', '/stores']) assert.equal(await storedOf(url, jar()), 'private, no-cache', url)
    assert.equal(await storedOf('/own', jar()), 'private, max-age=60')

    for (const url of ['/hidden', '/missing']) assert.equal(await storedOf(url, jar()), 'no-store', url)

    const known = jar()
    await known.visit(app, '/news')
    assert.equal(await storedOf('/news', known), open, 'without a cookie it is for everybody')
    assert.equal((await app.inject({ url: '/stores' })).headers['cache-control'], 'private, no-cache', 'not only for pages')
    assert.equal((await app.inject({ url: '/news' })).headers['cache-control'], open, 'a program gets no cookie')
  })
})
