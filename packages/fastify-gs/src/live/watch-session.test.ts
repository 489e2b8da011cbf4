import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { describe, it, type TestContext } from 'node:test'
import type { FastifyRequest } from 'fastify'
import type { SessionEndCause } from '../hooks.ts'
import type { AccountVisit } from '../sessions/visit.ts'
import { Browser, build, password } from '../testing/build.ts'
import { openEvents } from '../testing/event-client.ts'
import { sessionRegistryOf } from './session-registry.ts'
import type { SessionWatch } from './watch-session.ts'

/** An application whose `/watch` watches the session of the request with what the test gives. */
async function watching(t: TestContext, given: Partial<SessionWatch> = {}, before: () => Promise<void> | void = () => undefined) {
  const told: string[] = []
  const stops: (() => void)[] = []
  const logged: unknown[] = []
  const watch: SessionWatch = {
    onEnd: (cause) => told.push(`end ${cause}`),
    onChange: ({ account, mask, level }: AccountVisit) => told.push(`change ${account.username} ${mask} ${level}`),
    onClose: () => told.push('close'),
    ...given
  }
  const stream = { write: (line: string) => void logged.push(JSON.parse(line)) }
  const built = await build(
    t,
    {},
    (app) => {
      app.get('/watch', async (request: FastifyRequest) => {
        await before()
        stops.push(app.gs.watch(request, watch))
        return 'watched'
      })
    },
    { logger: { level: 'error', stream } }
  )
  const registry = sessionRegistryOf(built.app.gs)
  const again = async (username: string) => {
    const browser = new Browser(built.app)
    assert.equal((await browser.post('/lwsgs/login', { username, password })).statusCode, 200)
    return browser
  }
  return { ...built, registry, told, stops, logged, again }
}

describe('app.gs.watch', () => {
  const ends: [cause: SessionEndCause, end: (own: Browser, other: Browser) => Promise<{ statusCode: number }>][] = [
    ['logout', (own) => own.post('/lwsgs/logout')],
    ['revoked', (_own, other) => other.send({ method: 'DELETE', url: '/lwsgs/sessions' })],
    ['password-changed', (_own, other) => other.post('/lwsgs/change-password', { currentPassword: password, password: `${password}!` })],
    ['account-deleted', (_own, other) => other.post('/lwsgs/delete-account', { currentPassword: password })]
  ]
  for (const [cause, end] of ends)
    it(`tells the end of the session before the request is answered that ended it: ${cause}; once`, async (t) => {
      const { member, again, told, registry, stops } = await watching(t)
      await member('alice')
      const [own, other] = [await again('alice'), await again('alice')]
      await own.get('/watch')
      assert.equal((await end(own, other)).statusCode, 200)
      assert.deepEqual(told, [`end ${cause}`])
      await registry.check()
      for (const stop of stops) stop()
      assert.deepEqual(told, [`end ${cause}`])
    })

  it('tells the end by time', async (t) => {
    const { member, told, registry, clock } = await watching(t)
    const alice = await member('alice')
    await alice.get('/watch')
    clock.advance(3600)
    await registry.check()
    assert.deepEqual(told, ['end idle'])
  })

  it('tells that the session has ended while the request was handled', async (t) => {
    const [reached, ended, heard] = [Promise.withResolvers<void>(), Promise.withResolvers<void>(), Promise.withResolvers<string>()]
    const { member, browser } = await watching(t, { onEnd: heard.resolve }, () => {
      reached.resolve()
      return ended.promise
    })
    const alice = await member('alice')
    const same = browser()
    same.cookies.set('gs', alice.token!)
    const request = same.get('/watch')
    await reached.promise
    await alice.post('/lwsgs/logout')
    ended.resolve()
    assert.equal((await request).statusCode, 200)
    assert.equal(await heard.promise, 'logout')
  })

  it('tells what the session is and may now', async (t) => {
    const { inbox, browser, told, registry, clock } = await watching(t)
    const alice = browser()
    await alice.post('/lwsgs/register', { username: 'alice', email: 'alice@mail.test', password })
    await browser().post('/lwsgs/forgot-password', { username: 'alice' })
    await alice.post('/lwsgs/forgot-password/redeem', { token: await inbox.token('alice@mail.test', /password/i) })
    await alice.get('/watch')
    await registry.check()
    clock.advance(300)
    await registry.check()
    assert.deepEqual(told, ['change alice 5 10'])
  })

  it('ends for who came with a token that the browser has got a new one for', async (t) => {
    const { member, told, registry } = await watching(t)
    const alice = await member('alice')
    await alice.get('/watch')
    await alice.post('/lwsgs/change-password', { currentPassword: password, password: `${password}!` })
    await registry.check()
    await alice.post('/lwsgs/logout')
    assert.deepEqual(told, ['end renewed'])
  })

  it('goes on for a job when the browser gets a new token', async (t) => {
    const { member, told, registry } = await watching(t, { job: true })
    const alice = await member('alice')
    await alice.get('/watch')
    await alice.post('/lwsgs/change-password', { currentPassword: password, password: `${password}!` })
    await registry.check()
    assert.deepEqual(told, [])
    await alice.post('/lwsgs/logout')
    assert.deepEqual(told, ['end logout'])
  })

  it('tells nothing of visitors who are not logged in, nor after it was stopped', async (t) => {
    const { app, browser, member, told, stops } = await watching(t)
    const visitor = browser()
    await visitor.visit('/watch')
    const alice = await member('alice')
    await alice.get('/watch')
    for (const stop of stops) {
      stop()
      stop()
    }
    await visitor.post('/lwsgs/login', { username: 'alice', password })
    await alice.post('/lwsgs/logout')
    await app.close()
    assert.deepEqual(told, [])
  })

  it('is told that the server stops, also who comes after that', async (t) => {
    const { app, member, told } = await watching(t)
    const alice = await member('alice')
    await alice.get('/watch')
    app.gs.closeStreams()
    assert.deepEqual(told, ['close'])
    await alice.get('/watch')
    assert.deepEqual(told, ['close', 'close'])
    await alice.post('/lwsgs/logout')
    assert.deepEqual(told, ['close', 'close'])
  })

  it('logs what its handlers throw and reject with, and goes on with others', async (t) => {
    let failures = 0
    const rejected = Promise.withResolvers<void>()
    const { member, again, logged, told } = await watching(t, {
      onEnd: (cause) => {
        told.push(`end ${cause}`)
        if (failures++ === 0) throw new Error('thrown')
        return Promise.reject(new Error('rejected')).finally(() => rejected.resolve()) as unknown as undefined
      }
    })
    await member('alice')
    const [own, other] = [await again('alice'), await again('alice')]
    await own.get('/watch')
    await own.get('/watch')
    assert.equal((await other.send({ method: 'DELETE', url: '/lwsgs/sessions' })).statusCode, 200)
    await rejected.promise
    await new Promise(setImmediate)
    assert.deepEqual(told, ['end revoked', 'end revoked'])
    assert.deepEqual(
      logged.map((line) => (line as { err: { message: string } }).err.message),
      ['thrown', 'rejected']
    )
  })

  it('calls in the context of the request that watches, whoever has caused it', async (t) => {
    const visitor = new AsyncLocalStorage<string>()
    const seen: unknown[] = []
    const note = () => void seen.push(visitor.getStore())
    const { member, again } = await watching(t, { onEnd: note, onChange: note })
    await member('alice')
    const [own, other] = [await again('alice'), await again('alice')]
    await visitor.run('own', () => own.get('/watch'))
    await visitor.run('other', () => other.post('/lwsgs/language', { language: 'en' }))
    await visitor.run('other', () => other.send({ method: 'DELETE', url: '/lwsgs/sessions' }))
    assert.deepEqual(seen, ['own', 'own'])
  })

  it('tells of another language, before the request is answered that has chosen it', async (t) => {
    const seen: unknown[] = []
    const { member, again } = await watching(t, { onChange: ({ account }) => void seen.push(account.language) })
    await member('alice')
    const [own, other] = [await again('alice'), await again('alice')]
    await own.get('/watch')
    await other.post('/lwsgs/language', { language: 'en' })
    assert.deepEqual(seen, ['en'])
  })

  it('is neither a page nor a socket: nobody is told of it, and nobody sees it', async (t) => {
    const { app, member, registry, stops } = await watching(t)
    const alice = await member('alice')
    const stream = await openEvents(t, app, alice)
    await registry.check()
    await stream.expect('sessions')
    await alice.get('/watch')
    const [session] = (await alice.get('/lwsgs/sessions')).json().sessions
    assert.deepEqual([session.pages, session.sockets], [1, 0])
    await registry.check()
    stops[0]!()
    await registry.check()
    await alice.post('/lwsgs/logout')
    await stream.expect('ended')
    assert.equal(stream.text.match(/event: sessions/g)?.length, 1)
  })
})
