import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import { once } from 'node:events'
import { get, type IncomingMessage } from 'node:http'
import { describe, it, type TestContext } from 'node:test'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { type GsJwtOptions, memoryDenylist } from '../index.ts'
import { Clock, startSite } from '../testing/site.ts'
import { portOf } from '../testing/socket-client.ts'

interface Site {
  readonly app: FastifyInstance
  readonly clock: Clock
  readonly lines: { readonly level: number; readonly msg: string }[]
  readonly pass: (seconds: number) => void
  /** Runs in a request with a token of Ann, 600 s. */
  readonly during: (action: (request: FastifyRequest) => unknown) => Promise<{ status: number; body: string }>
}

async function start(
  t: TestContext,
  given: Partial<GsJwtOptions> = {},
  routes: (app: FastifyInstance) => void = () => undefined
): Promise<Site> {
  const clock = new Clock()
  const lines: Site['lines'] = []
  const app = await startSite(t, { now: clock.now, ...given }, undefined, {
    write: (line) => void lines.push(JSON.parse(line))
  })
  let run: (request: FastifyRequest) => unknown = () => undefined
  app.get('/run', (request) => {
    run(request)
    return 'done'
  })
  routes(app)
  await app.ready()
  t.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] })
  return {
    app,
    clock,
    lines,
    pass(seconds) {
      clock.forward(seconds)
      t.mock.timers.tick(seconds * 1000)
    },
    async during(action) {
      run = action
      const { token } = await app.jwtCookie.sign({ sub: 'ann', expiresIn: 600 })
      const { body, statusCode } = await app.inject({ url: '/run', headers: { cookie: `__Host-session=${token}` } })
      return { status: statusCode, body }
    }
  }
}

describe('watch()', () => {
  it('tells of the renewal that is due, and of the end', async (t) => {
    const { app, during, pass } = await start(t)
    const told: string[] = []
    await during((request) =>
      app.jwtCookie.watch(
        request,
        (reason) => told.push(reason),
        () => told.push('renewal')
      )
    )
    pass(509)
    assert.deepEqual(told, [])
    pass(1)
    assert.deepEqual(told, ['renewal'])
    pass(90)
    assert.deepEqual(told, ['renewal', 'expired'])
  })

  it('tells of a denial before deny() is done, and of one by others within liveInterval', async (t) => {
    const denylist = memoryDenylist()
    const { app, clock, during, pass } = await start(t, { denylist })
    const told: string[] = []
    await during((request) => app.jwtCookie.watch(request, (reason) => told.push(reason)))
    await app.jwtCookie.deny({ sub: 'ann' })
    assert.deepEqual(told, ['denied'])
    await during((request) => app.jwtCookie.watch(request, (reason) => told.push(reason)))
    await denylist.deny({ sub: 'ann', before: clock.at + 1000, until: clock.at + 600_000 })
    pass(5)
    assert.deepEqual(told, ['denied', 'denied'])
  })

  it('tells all who watch the same request, and nobody who has stopped', async (t) => {
    const { app, during, pass } = await start(t)
    const told: string[] = []
    await during((request) => {
      const stop = app.jwtCookie.watch(request, () => told.push('first'))
      app.jwtCookie.watch(request, () => told.push('second'))
      stop()
      stop()
    })
    pass(600)
    assert.deepEqual(told, ['second'])
  })

  it('watches the new token of somebody who logs in during the request', async (t) => {
    const { app, pass } = await start(t, {}, (app) => {
      app.get('/again', async (request, reply) => {
        app.jwtCookie.watch(request, (reason) => told.push(`former: ${reason}`))
        await app.jwtCookie.set(reply, { sub: 'bob', expiresIn: 1200 })
        app.jwtCookie.watch(request, (reason) => told.push(`new: ${reason}`))
        return 'done'
      })
    })
    const told: string[] = []
    const { token } = await app.jwtCookie.sign({ sub: 'ann', expiresIn: 600 })
    await app.inject({ url: '/again', headers: { cookie: `__Host-session=${token}` } })
    pass(600)
    assert.deepEqual(told, ['former: expired'])
    await app.jwtCookie.deny({ sub: 'bob' })
    assert.deepEqual(told, ['former: expired', 'new: denied'])
  })

  it('never tells before it has returned', async (t) => {
    const { app, clock, during } = await start(t)
    const told: string[] = []
    await during((request) => {
      clock.forward(600)
      app.jwtCookie.watch(request, (reason) => told.push(reason))
      app.jwtCookie.watch(request, (reason) => told.push(reason))()
      assert.deepEqual(told, [])
    })
    assert.deepEqual(told, ['expired'])
  })

  it('refuses a request without token', async (t) => {
    const { app } = await start(t)
    const lost = { jwt: null } as FastifyRequest
    assert.throws(() => app.jwtCookie.watch(lost, () => undefined), { code: 'GS_JWT_REQUIRED', statusCode: 401 })
  })

  it('logs what a listener throws or rejects with, and tells the others', async (t) => {
    const { app, during, lines, pass } = await start(t)
    const told: string[] = []
    await during((request) => {
      app.jwtCookie.watch(request, () => {
        throw new Error('thrown')
      })
      app.jwtCookie.watch(request, async () => {
        throw new Error('rejected')
      })
      app.jwtCookie.watch(request, (reason) => told.push(reason))
    })
    pass(600)
    await new Promise((resolve) => setImmediate(resolve))
    assert.deepEqual(told, ['expired'])
    assert.deepEqual(
      lines.filter(({ level }) => level >= 50).map(({ msg }) => msg),
      ['onEnd of a watched token failed', 'onEnd of a watched token failed']
    )
  })

  it('tells in the context in which it was asked, not in that of who denies', async (t) => {
    const { app, during } = await start(t)
    const context = new AsyncLocalStorage<string>()
    const told: (string | undefined)[] = []
    await during((request) => context.run('ann', () => app.jwtCookie.watch(request, () => told.push(context.getStore()))))
    await context.run('admin', () => app.jwtCookie.deny({ sub: 'ann' }))
    assert.deepEqual(told, ['ann'])
  })

  it('ends event streams at the moment of expiry, and with app.close()', async (t) => {
    const { app, pass } = await start(t, {}, (app) => {
      app.get('/events', { onRequest: app.requireJwt() }, (request, reply) => {
        reply.hijack()
        const stop = app.jwtCookie.watch(request, (reason) => reply.raw.end(`data: ${reason}\n\n`))
        reply.raw.once('close', stop)
        reply.raw.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: hello\n\n')
      })
    })
    const port = await portOf(app)
    const listen = async () => {
      const { token } = await app.jwtCookie.sign({ sub: 'ann', expiresIn: 600 })
      const request = get({ port, path: '/events', headers: { cookie: `__Host-session=${token}` } })
      const [answer] = (await once(request, 'response')) as [IncomingMessage]
      const [first] = (await once(answer, 'data')) as [Buffer]
      assert.equal(first.toString(), 'data: hello\n\n')
      return async () => {
        let rest = ''
        for await (const part of answer) rest += String(part)
        return rest
      }
    }
    const first = await listen()
    pass(599)
    const second = await listen()
    pass(1)
    assert.equal(await first(), 'data: expired\n\n')
    await app.close()
    assert.equal(await second(), 'data: closing\n\n')
  })
})
