import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import websocket from '@fastify/websocket'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose'
import type { WebSocket } from 'ws'
import { JwtUnavailableError, loadKeys, memoryDenylist, signJwt, type Denylist, type GsJwtOptions } from '../index.ts'
import { createSigner } from '../sign.ts'
import { Clock, issuer, keyFor, startSite } from '../testing/site.ts'
import { openSocket, portOf, Queue, type SocketClient } from '../testing/socket-client.ts'

interface Site {
  readonly app: FastifyInstance
  readonly clock: Clock
  readonly client: SocketClient
  readonly socket: WebSocket
  readonly request: FastifyRequest
  /** What the watch of the handler was told. */
  readonly told: string[]
  readonly pass: (seconds: number) => void
  readonly sign: (content?: { sub?: string; expiresIn?: number; sid?: string }) => Promise<string>
}

/** A client of Ann whose token lives 600 s, of which 300 are over. A message that is a token prolongs the connection. */
async function start(t: TestContext, given: Partial<GsJwtOptions> = {}, sid?: string): Promise<Site> {
  const clock = new Clock()
  const told: string[] = []
  const opened = new Queue<{ socket: WebSocket; request: FastifyRequest }>()
  const app = await startSite(t, { now: clock.now, ...given }, (app) => app.register(websocket))
  app.get('/live', { websocket: true, onRequest: app.requireJwt() }, (socket, request) => {
    opened.push({ socket, request })
    app.jwtCookie.watch(
      request,
      (reason) => told.push(reason),
      () => told.push('renewal')
    )
    socket.on('message', async (data: Buffer) => {
      const result = await app.jwtCookie.prolong(socket, data.toString())
      socket.send(result.ok ? `until ${result.jwt.expiresAt}` : result.reason)
    })
  })
  const keys = await loadKeys({ jwk: await keyFor('ES256') }, { alg: 'ES256' })
  const sign: Site['sign'] = async ({ sub = 'ann', expiresIn = 600, sid } = {}) => {
    if (sid === undefined) return (await signJwt({ sub, expiresIn }, { keys, iss: issuer, aud: issuer, now: clock.now })).token
    const rules = { iss: issuer, aud: issuer, typ: 'session+jwt', expiresIn, maxAge: 86_400, maxBytes: 4000, checkExt: () => null }
    return (await createSigner({ ...rules, keys, now: clock.now })({ sub, sid })).token
  }
  await portOf(app)
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] })
  const pass = (seconds: number) => {
    clock.forward(seconds)
    t.mock.timers.tick(seconds * 1000)
  }
  const client = await openSocket(t, app, await sign(sid === undefined ? {} : { sid }))
  pass(300)
  return { app, clock, client, ...(await opened.next()), told, pass, sign }
}

describe('prolong()', () => {
  it('goes on with the new token, until that expires', async (t) => {
    const { app, clock, client, pass, request, sign, told } = await start(t)
    const token = await sign()
    assert.equal(await client.ask(token), `until ${clock.at + 600_000}`)
    assert.equal(request.jwt!.expiresAt, clock.at + 600_000)
    assert.equal(await request.jwt!.stillValid(), true)
    const result = await app.jwtCookie.verify(token)
    assert.ok(result.ok)
    assert.equal(request.jwt!.jti, result.jwt.claims.jti)
    pass(300)
    assert.deepEqual(told, [])
    assert.equal(client.socket.readyState, client.socket.OPEN)
    pass(210)
    assert.deepEqual(told, ['renewal'])
    pass(90)
    assert.equal(await client.closed, '4401 expired')
    assert.deepEqual(told, ['renewal', 'expired'])
  })

  it('listens to denials of the new token, and no more to those of the former one', async (t) => {
    const { app, client, request, sign } = await start(t)
    const former = request.jwt!.jti
    await client.ask(await sign())
    await app.jwtCookie.deny({ jti: former })
    assert.match(await client.ask('x'), /malformed/)
    await app.jwtCookie.deny({ jti: request.jwt!.jti })
    assert.equal(await client.closed, '4401 denied')
  })

  const refusals: readonly [why: string, reason: string, token: (site: Site) => Promise<string>][] = [
    ['is somebody else’s', 'sub', ({ sign }) => sign({ sub: 'bob' })],
    ['is of another login', 'sid', ({ sign }) => sign({ sid: 'other' })],
    ['expires at the same moment', 'not-later', ({ sign }) => sign({ expiresIn: 300 })],
    ['expires sooner', 'not-later', ({ sign }) => sign({ expiresIn: 60 })],
    ['is no token', 'malformed', async () => 'hello'],
    ['is too large', 'too-large', async () => 'x'.repeat(10_000)],
    [
      'is signed by a foreign key',
      'signature',
      async ({ clock }) => {
        const kid = await calculateJwkThumbprint(await keyFor('ES256'))
        const { privateKey } = await generateKeyPair('ES256', { extractable: true })
        const keys = await loadKeys({ jwk: { ...(await exportJWK(privateKey)), kid } }, { alg: 'ES256' })
        return (await signJwt({ sub: 'ann' }, { keys, iss: issuer, aud: issuer, now: clock.now })).token
      }
    ],
    [
      'is expired',
      'expired',
      async ({ pass, sign }) => {
        const token = await sign({ expiresIn: 60 })
        pass(60)
        return token
      }
    ],
    [
      'is denied',
      'denied',
      async ({ app, sign }) => {
        const token = await sign()
        const result = await app.jwtCookie.verify(token)
        assert.ok(result.ok)
        await app.jwtCookie.deny({ jti: result.jwt.claims.jti! })
        return token
      }
    ]
  ]
  for (const [why, reason, make] of refusals) {
    it(`changes nothing when the token ${why}: ${reason}`, async (t) => {
      const site = await start(t)
      const { jwt } = site.request
      assert.equal(await site.client.ask(await make(site)), reason)
      assert.equal(site.request.jwt, jwt)
      site.pass(Math.ceil((jwt!.expiresAt - site.clock.at) / 1000))
      assert.equal(await site.client.closed, '4401 expired')
    })
  }

  it('takes a token of the same login, and none without a login', async (t) => {
    const { client, clock, sign } = await start(t, {}, 'login-1')
    assert.equal(await client.ask(await sign()), 'sid')
    assert.equal(await client.ask(await sign({ sid: 'login-2' })), 'sid')
    assert.equal(await client.ask(await sign({ sid: 'login-1' })), `until ${clock.at + 600_000}`)
  })

  it('does not reopen what has expired while the token was being checked', async (t) => {
    let answer: (() => void) | undefined
    const denylist: Denylist = {
      deny: () => undefined,
      deniedBefore: () => (answer === undefined ? 0 : new Promise((resolve) => (answer = () => resolve(0))))
    }
    const { app, clock, client, request, sign, socket } = await start(t, { denylist })
    const { jwt } = request
    const token = await sign()
    answer = () => undefined
    const waits = answer
    const result = app.jwtCookie.prolong(socket, token)
    while (answer === waits) await new Promise((resolve) => setImmediate(resolve))
    clock.forward(300)
    answer()
    assert.deepEqual(await result, { ok: false, reason: 'closed' })
    assert.equal(request.jwt, jwt)
    assert.equal(await client.closed, '4401 expired')
  })

  it('refuses a token that is denied at the last moment, and ends the connection', async (t) => {
    const answers = [0, Infinity]
    const denylist: Denylist = { deny: () => undefined, deniedBefore: () => (asked ? answers.shift()! : 0) }
    let asked = false
    const { app, client, request, sign, socket } = await start(t, { denylist })
    const { jwt } = request
    const token = await sign()
    asked = true
    assert.deepEqual(await app.jwtCookie.prolong(socket, token), { ok: false, reason: 'denied' })
    assert.equal(request.jwt, jwt)
    assert.equal(await client.closed, '4401 denied')
  })

  it('rejects when the denials cannot be asked, and changes nothing', async (t) => {
    const list = memoryDenylist()
    let reachable = true
    const denylist: Denylist = {
      deny: list.deny,
      deniedBefore(token, now) {
        if (reachable) return list.deniedBefore(token, now)
        throw new JwtUnavailableError('It is not there.')
      }
    }
    const { app, request, sign, socket } = await start(t, { denylist })
    const { jwt } = request
    const token = await sign()
    reachable = false
    await assert.rejects(app.jwtCookie.prolong(socket, token), JwtUnavailableError)
    assert.equal(request.jwt, jwt)
  })

  it('of a socket that nobody guards is a fault', async (t) => {
    const { app, client, sign } = await start(t)
    await assert.rejects(app.jwtCookie.prolong(client.socket, await sign()), { code: 'GS_JWT_OPTION', message: /requireJwt/ })
  })
})
