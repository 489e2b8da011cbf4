import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import Fastify, { type FastifyInstance } from 'fastify'
import { build, password, type Browser } from '../testing/build.ts'
import { gsForms, type GsFormsOptions } from './gs-forms.ts'

const site = (t: TestContext) =>
  build(t, {}, async (app) => {
    await app.register(gsForms, { prefix: '/lwsgs/needauth', policy: 5 })
    await app.register(gsForms, { prefix: '/' })
  })
const logout = (browser: Browser, prefix: string, fields: Record<string, string> = {}) => browser.form(`${prefix}/lwsgs-logout`, fields)

describe('gsForms', () => {
  it('has the forms under one more prefix: targets are relative to it, and it is the default', async (t) => {
    const { member } = await site(t)
    for (const [prefix, fields, location] of [
      ['/lwsgs/needauth', { good: 'index.html' }, '/lwsgs/needauth/index.html'],
      ['/lwsgs/needauth', {}, '/lwsgs/needauth/'],
      ['/lwsgs/needauth', { good: '//evil.test' }, '/lwsgs/needauth/'],
      ['', { good: 'index.html' }, '/index.html'],
      ['', {}, '/']
    ] as [string, Record<string, string>, string][]) {
      const alice = await member(`alice-${location.length}${Object.keys(fields).length}`)
      assert.equal((await logout(alice, prefix, fields)).headers.location, location)
      assert.equal((await alice.get('/lwsgs/session')).json().username, null)
    }
  })

  it('lets only those in whom the policy allows, whatever the method', async (t) => {
    const { browser, member } = await site(t)
    const alice = await member('alice')
    for (const path of [
      'lwsgs-login',
      'lwsgs-logout',
      'lwsgs-change',
      'lwsgs-forgot',
      'lwsgs-confirm',
      'lwsgs-check?username=alice',
      'lwsgs-check/username=alice'
    ]) {
      assert.equal((await browser().get(`/lwsgs/needauth/${path}`)).statusCode, 401, path)
      assert.equal((await browser().visit(`/lwsgs/needauth/${path}`)).statusCode, 303, path)
      assert.equal((await alice.get(`/lwsgs/needauth/${path}`)).statusCode, 200, path)
    }
    for (const path of ['lwsgs-login', 'lwsgs-change', 'lwsgs-forgot', 'lwsgs-confirm']) {
      const refused = await browser().form(`/lwsgs/needauth/${path}`, { username: 'alice', password })
      assert.deepEqual([refused.statusCode, refused.headers['set-cookie']], [401, undefined], path)
      assert.match(refused.body, /log in first/)
    }
  })

  it('lets everybody log out, also after the session has ended', async (t) => {
    const { browser, member } = await site(t)
    const gone = await logout(browser(), '/lwsgs/needauth', { good: 'index.html' })
    assert.deepEqual([gone.statusCode, gone.headers.location], [303, '/lwsgs/needauth/index.html'])
    const alice = await member('alice')
    assert.equal((await logout(alice, '/lwsgs/needauth')).statusCode, 303)
    assert.equal((await logout(alice, '/lwsgs/needauth')).statusCode, 303)
  })

  it('refuses other sites and other bodies there too', async (t) => {
    const { member } = await site(t)
    const alice = await member('alice')
    assert.equal((await alice.post('/lwsgs/needauth/lwsgs-logout', {})).statusCode, 415)
    assert.equal((await alice.post('/lwsgs/needauth/lwsgs-logout', {}, { origin: 'https://evil.test' })).statusCode, 403)
    assert.equal((await alice.get('/lwsgs/session')).json().username, 'alice')
  })

  it('mails links that lead to the prefix of fastify-gs, with targets relative to it', async (t) => {
    const { inbox, member } = await site(t)
    const alice = await member('alice')
    await alice.form('/lwsgs/needauth/lwsgs-login', { forgot: '1', username: 'alice', 'forgot-post-good': 'post-forgot-ok.html' })
    const { text } = await inbox.find('alice@mail.test', /Set a new/)
    assert.match(text, /http:\/\/localhost:7681\/lwsgs\/lwsgs-forgot\?token=[\w-]{48}&good=%2Flwsgs%2Fpost-forgot-ok\.html\n/)
  })

  it('of the root mails targets in the root: pages there have no others', async (t) => {
    const { inbox, member, browser } = await site(t)
    await member('alice')
    await browser().form('/lwsgs-login', { forgot: '1', username: 'alice', 'forgot-post-good': 'post-forgot-ok.html' })
    const { text } = await inbox.find('alice@mail.test', /Set a new/)
    assert.match(text, /http:\/\/localhost:7681\/lwsgs\/lwsgs-forgot\?token=[\w-]{48}&good=%2Fpost-forgot-ok\.html\n/)
  })

  const faults: [name: string, options: object, sentence: RegExp][] = [
    ['no prefix', {}, /option prefix of gsForms must be a path/],
    ['a prefix without slash', { prefix: 'x' }, /option prefix of gsForms must be a path/],
    ['a prefix that climbs', { prefix: '/x/../y' }, /option prefix of gsForms must be a path/],
    ['a prefix with a parameter', { prefix: '/:x' }, /option prefix of gsForms must be a path/],
    ['the prefix of fastify-gs', { prefix: '/lwsgs/' }, /forms already; leave gsForms out/],
    ['a misspelt policy', { prefix: '/x', polcy: 5 }, /option polcy of gsForms is not known/],
    ['a policy that is none', { prefix: '/x', policy: 'nonsense' }, /policy of the forms of \/x\/ names "nonsense"/],
    ['a policy that is undefined', { prefix: '/x', policy: undefined }, /policy of the forms of \/x\//]
  ]
  for (const [name, options, sentence] of faults)
    it(`refuses ${name} at registration`, async (t) => {
      const register = async (app: FastifyInstance) => {
        await app.register(gsForms, options as GsFormsOptions)
      }
      await assert.rejects(build(t, {}, register), { name: 'GsOptionError', message: sentence })
    })

  it('needs fastify-gs', async (t) => {
    const app = Fastify()
    t.after(() => app.close())
    await assert.rejects(async () => {
      await app.register(gsForms, { prefix: '/x' })
    }, /fastify-gs/)
  })
})
