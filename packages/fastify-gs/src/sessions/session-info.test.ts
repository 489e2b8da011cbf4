import assert from 'node:assert/strict'
import { it } from 'node:test'
import type { FastifyPluginAsync } from 'fastify'
import { build } from '../testing/build.ts'

it('app.gs.sessionInfo has three outcomes: no usable cookie, a session of nobody, all of the account', async (t) => {
  const { browser, member, clock } = await build(t, { sectors: ['press'] }, (app) => {
    app.get('/info', (request) => ({ info: app.gs.sessionInfo(request) }))
  })
  const info = async (visitor: ReturnType<typeof browser>) => (await visitor.get('/info')).json().info

  const nobody = browser()
  assert.equal(await info(nobody), null)
  nobody.cookies.set('gs', 'A'.repeat(27))
  assert.equal(await info(nobody), null)
  nobody.cookies.set('gs', 'rubbish')
  assert.equal(await info(nobody), null)

  await nobody.get('/lwsgs/session')
  const anonymous = await info(nobody)
  assert.deepEqual([anonymous.username, anonymous.email, anonymous.mask, anonymous.ip], [null, null, 0, '127.0.0.1'])
  assert.match(anonymous.session, /^[\w-]{16}$/)

  const alice = await member('alice')
  const full = await info(alice)
  assert.deepEqual([full.username, full.email, full.mask, full.ip, full.verified], ['alice', 'alice@mail.test', 5, '127.0.0.1', true])
  assert.deepEqual(full, (await alice.get('/lwsgs/session')).json())

  clock.advance(2 * 86_400)
  assert.equal(await info(alice), null)
  assert.equal(await info(nobody), null)
})

it('an application plugin handles a form of its own under the same prefix, for whom it likes, with a database of its own', async (t) => {
  const posts: string[] = []
  const board: FastifyPluginAsync = async (app) => {
    app.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) => {
      done(null, Object.fromEntries(new URLSearchParams(body as string)))
    })
    app.post<{ Body: { msg: string } }>('/lwsgs/msg', { config: { gs: 'user+verified' } }, async (request) => {
      const { username, ip } = app.gs.sessionInfo(request)!
      posts.push(`${username} (${ip}): ${request.body.msg}`)
      return '0'
    })
    app.gs.onAccountEvent(({ type, username }) => {
      if (type === 'accountDeleted') posts.splice(0, posts.length, ...posts.filter((post) => !post.startsWith(`${username} `)))
    })
  }
  const { browser, member } = await build(t, {}, async (app) => {
    await app.register(board)
  })
  const alice = await member('alice')
  assert.equal((await alice.form('/lwsgs/msg', { send: 'Send', msg: 'grüße' })).body, '0')
  assert.equal((await browser().form('/lwsgs/msg', { msg: 'x' })).statusCode, 401)
  assert.deepEqual(posts, ['alice (127.0.0.1): grüße'])
  assert.equal((await alice.form('/lwsgs/logout', {})).statusCode, 303)
})
