import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { FastifyInstance } from 'fastify'
import { build, password, type Browser } from '../testing/build.ts'
import { anyData } from '../testing/session-data.ts'

const credentials = (username: string) => ({ username, password })

/** Public id of the browser's session; asking starts an anonymous one where there is none. */
const sessionOf = async (browser: Browser): Promise<string> => (await browser.get('/lwsgs/session')).json().session

describe('onSessionStart', () => {
  it('is asked once for each new visitor, with the id that the session then has', async (t) => {
    const started: string[] = []
    const { app, browser } = await build(t, {}, (app) => {
      app.gs.addHook('onSessionStart', ({ sessionId, ip, request }) => {
        started.push(sessionId)
        assert.equal(ip, request.ip)
      })
      app.get('/page', () => 'page')
    })
    const visitor = browser()
    await visitor.visit('/page')
    await visitor.visit('/page')
    assert.deepEqual(started, [await sessionOf(visitor)])
    assert.equal((await app.inject('/page')).statusCode, 200, 'a program that takes no ticket starts nothing')
    assert.equal(started.length, 1)
  })

  for (const [name, verdict, message] of [
    ['false', () => false, 'This site does not take new visitors at the moment.'],
    ['a sentence', async () => 'Closed for today.', 'Closed for today.']
  ] as const) {
    it(`refuses the request by ${name}, and the browser gets no cookie`, async (t) => {
      const { browser } = await build(t, {}, (app) => {
        app.gs.addHook('onSessionStart', verdict)
        app.get('/page', () => 'page')
      })
      for (const ask of [(visitor: Browser) => visitor.visit('/page'), (visitor: Browser) => visitor.get('/lwsgs/session')]) {
        const visitor = browser()
        const answer = await ask(visitor)
        assert.deepEqual([answer.statusCode, answer.json().code, answer.json().message], [403, 'GS_SESSION_REFUSED', message])
        assert.equal(visitor.cookies.size, 0)
      }
    })
  }

  it('is asked before a login that brings no session, and then nobody is logged in', async (t) => {
    let open = true
    const { app, browser, member } = await build(t, {}, (app) => {
      app.gs.addHook('onSessionStart', () => open)
    })
    await member('alice')
    open = false
    const stranger = browser()
    const answer = await stranger.post('/lwsgs/login', credentials('alice'))
    assert.deepEqual([answer.statusCode, answer.json().code, stranger.cookies.size], [403, 'GS_SESSION_REFUSED', 0])
    open = true
    assert.equal((await browser().post('/lwsgs/login', credentials('alice'))).statusCode, 200)
    assert.ok(app)
  })
})

describe('onSessionStart, before there is a session', () => {
  it('can store nothing in it, and is told so at once', async (t) => {
    const reasons: string[] = []
    const { browser } = await build(t, {}, (app) => {
      app.gs.addHook('onSessionStart', async ({ request }) => {
        assert.deepEqual(await request.gs.data.read(), {})
        await anyData(request.gs)
          .patch({ seen: true })
          .catch((error: Error) => reasons.push(error.message))
      })
      app.get('/page', () => 'page')
      app.post('/data', ({ gs }) => Promise.all([anyData(gs).patch({ a: 1 }), anyData(gs).patch({ b: 2 })]))
    })
    assert.equal((await browser().visit('/page')).statusCode, 200)
    assert.equal((await browser().post('/data')).statusCode, 200)
    assert.equal(reasons.length, 2)
    for (const reason of reasons) assert.match(reason, /there is no session yet/)
  })
})

describe('beforeLogin', () => {
  it('refuses: no session, no cookie, and the browser is who it was', async (t) => {
    let refusal: string | boolean = true
    const { app, browser, member } = await build(t, {}, (app) => {
      app.gs.addHook('beforeLogin', async ({ account, method, remember }) => {
        assert.deepEqual([account.username, method, remember], ['alice', refusal === true ? 'verify-email' : 'password', refusal !== true])
        return refusal
      })
    })
    const alice = await member('alice')
    const before = (await alice.get('/lwsgs/sessions')).json().sessions.length

    refusal = 'Only on weekdays.'
    const visitor = browser()
    const anonymous = await sessionOf(visitor)
    const cookies = [...visitor.cookies]
    const answer = await visitor.post('/lwsgs/login', { ...credentials('alice'), remember: true })
    assert.deepEqual([answer.statusCode, answer.json().code, answer.json().message], [403, 'GS_LOGIN_REFUSED', 'Only on weekdays.'])
    assert.deepEqual(answer.cookies, [])
    assert.deepEqual([...visitor.cookies], cookies)
    assert.equal(await sessionOf(visitor), anonymous)
    refusal = false
    assert.equal((await visitor.post('/lwsgs/login', { ...credentials('alice'), remember: true })).json().code, 'GS_LOGIN_REFUSED')
    assert.equal((await alice.get('/lwsgs/sessions')).json().sessions.length, before, 'no session was left behind')
    assert.ok(app)
  })

  it('that refuses the login of a mail link leaves the link as it was', async (t) => {
    let open = false
    const { browser, inbox } = await build(t, {}, (app) => {
      app.gs.addHook('beforeLogin', ({ method }) => open || method !== 'verify-email')
    })
    const visitor = browser()
    await visitor.post('/lwsgs/register', { ...credentials('alice'), email: 'alice@mail.test' })
    const token = await inbox.token('alice@mail.test', /Confirm/)
    assert.equal((await visitor.post('/lwsgs/verify-email', { token })).json().code, 'GS_LOGIN_REFUSED')
    open = true
    assert.equal((await visitor.post('/lwsgs/verify-email', { token })).json().username, 'alice')
  })

  it('that throws is an error of the server, and nobody is logged in', async (t) => {
    let fail = false
    const { browser, member } = await build(t, {}, (app) => {
      app.gs.addHook('beforeLogin', () => {
        if (fail) throw new Error('secret detail')
      })
    })
    await member('alice')
    fail = true
    const visitor = browser()
    const answer = await visitor.post('/lwsgs/login', credentials('alice'))
    assert.equal(answer.statusCode, 500)
    assert.doesNotMatch(answer.body, /secret detail/)
    assert.equal(visitor.cookies.size, 0)
  })

  it('that does not answer is given up after 5 s, and others can log in meanwhile or after it', async (t) => {
    let hang = false
    const { browser, member } = await build(t, {}, (app) => {
      app.gs.addHook('beforeLogin', () => (hang ? new Promise<never>(() => {}) : undefined))
    })
    await member('alice')
    hang = true
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const asked = browser().post('/lwsgs/login', credentials('alice'))
    const settled = asked.then(() => true)
    while (!(await Promise.race([settled, new Promise((resolve) => void setImmediate(resolve, false))]))) t.mock.timers.tick(1000)
    t.mock.timers.reset()
    assert.equal((await asked).statusCode, 500)
    hang = false
    assert.equal((await browser().post('/lwsgs/login', credentials('alice'))).statusCode, 200)
  })

  it('may read the data of the session and the settings of the account, for which no login waits', async (t) => {
    const read: object[] = []
    const { browser, clock, member } = await build(t, { session: { data: { onLogout: 'keep' } } }, (app) => {
      app.gs.addHook('beforeLogin', async ({ account, request }) => {
        const [data, version] = [await request.gs.data.read(), await request.gs.data.readVersion()]
        assert.deepEqual(data, version.data)
        read.push({ data, theme: await app.gs.settings.get(account.id, 'theme'), all: await app.gs.settings.all(account.id) })
      })
      app.post('/data', ({ gs }) => anyData(gs).patch({ answered: 7 }))
      app.get('/data', ({ gs }) => gs.data.read())
      app.post('/theme', ({ gs }) => app.gs.settings.set(gs.account!.id, 'theme', 'dark'))
    })
    const alice = await member('alice')
    await alice.post('/theme')
    read.length = 0
    const fromTicket = browser()
    await fromTicket.visit('/data')
    const fromEnded = browser()
    await fromEnded.post('/lwsgs/login', credentials('alice'))
    for (const own of [fromTicket, fromEnded]) await own.post('/data')
    clock.advance(3600)
    await fromTicket.visit('/data')
    await fromTicket.post('/data')
    read.length = 0
    for (const own of [fromTicket, fromEnded]) {
      assert.equal((await own.post('/lwsgs/login', credentials('alice'))).statusCode, 200)
      assert.deepEqual((await own.get('/data')).json(), { answered: 7 })
    }
    const seen = { data: { answered: 7 }, theme: 'dark', all: { theme: 'dark' } }
    assert.deepEqual(read, [seen, seen])
  })

  it('cannot change data or settings, and is told so at once, though others are changing theirs', async (t) => {
    const reasons: string[] = []
    const entered = Promise.withResolvers<void>()
    const gate = Promise.withResolvers<void>()
    const { browser, member } = await build(t, {}, (app) => {
      app.gs.addHook('beforeLogin', async ({ account, method, request }) => {
        if (method !== 'password') return
        entered.resolve()
        await gate.promise
        for (const change of [() => anyData(request.gs).patch({ answered: 7 }), () => app.gs.settings.set(account.id, 'theme', 'dark')])
          await change().catch((error: Error) => reasons.push(error.message))
      })
      app.get('/page', () => 'page')
      app.post('/data', ({ gs }) => anyData(gs).patch({ answered: 1 }))
    })
    await member('alice')
    const visitor = browser()
    await visitor.visit('/page')
    const asked = visitor.post('/lwsgs/login', credentials('alice'))
    await entered.promise
    const others = Array.from({ length: 3 }, () => browser().post('/data'))
    // Until they wait for the database.
    for (let turns = 0; turns < 50; turns++) await new Promise((resolve) => void setImmediate(resolve))
    gate.resolve()
    assert.equal((await asked).statusCode, 200)
    assert.equal(reasons.length, 2)
    for (const reason of reasons) assert.match(reason, /inside of a transaction/)
    for (const other of await Promise.all(others)) assert.equal(other.statusCode, 200)
  })
})

describe('onUpgrade and onDowngrade', () => {
  it('tell what became of the sessions of a browser, before the answer', async (t) => {
    const told: object[] = []
    const { browser, member } = await build(t, {}, (app) => {
      app.gs.addHook('onUpgrade', async ({ sessionId, formerSessionId, account, method, request }) => {
        await new Promise((resolve) => void setImmediate(resolve))
        assert.equal(request.gs.session.id, sessionId, 'the request is that of the new session already')
        told.push({ upgrade: sessionId, from: formerSessionId, who: account.username, method })
      })
      app.gs.addHook('onDowngrade', ({ formerSessionId, cause, sessionId }) =>
        told.push({ downgrade: { formerSessionId, cause, sessionId } })
      )
      app.gs.addHook('onSessionEnd', ({ sessionId, cause }) => told.push({ end: sessionId, cause }))
    })
    await member('alice')
    told.length = 0

    const visitor = browser()
    const anonymous = await sessionOf(visitor)
    await visitor.post('/lwsgs/login', credentials('alice'))
    const first = await sessionOf(visitor)
    await visitor.post('/lwsgs/login', credentials('alice'))
    const second = await sessionOf(visitor)
    await visitor.post('/lwsgs/logout')
    const last = await sessionOf(visitor)
    assert.deepEqual(told, [
      { upgrade: first, from: anonymous, who: 'alice', method: 'password' },
      { end: first, cause: 'login' },
      { upgrade: second, from: first, who: 'alice', method: 'password' },
      { downgrade: { formerSessionId: second, cause: 'logout', sessionId: last } },
      { end: second, cause: 'logout' }
    ])
    assert.equal(new Set([anonymous, first, second, last]).size, 4, 'each is another session')
  })

  it('a browser that logs in without a session had none before', async (t) => {
    const former: unknown[] = []
    const { browser, member } = await build(t, {}, (app) => {
      app.gs.addHook('onUpgrade', ({ formerSessionId, method }) => void former.push([method, formerSessionId]))
    })
    await member('alice')
    await browser().post('/lwsgs/login', credentials('alice'))
    assert.deepEqual(former.at(-1), ['password', null])
  })

  it('a downgrade that nobody asked for names no new session', async (t) => {
    const downgraded: unknown[] = []
    const { browser, member } = await build(t, {}, (app) => {
      app.gs.addHook('onDowngrade', ({ cause, sessionId }) => void downgraded.push([cause, sessionId]))
    })
    const alice = await member('alice')
    const other = browser()
    await other.post('/lwsgs/login', credentials('alice'))
    await alice.send({ method: 'DELETE', url: '/lwsgs/sessions' })
    assert.deepEqual(downgraded, [['revoked', null]])
  })

  it('what they throw is logged and hurts nobody', async (t) => {
    const log: string[] = []
    const fail = () => {
      throw new Error('no')
    }
    const failLater = async () => {
      await Promise.resolve()
      fail()
    }
    const setup = (app: FastifyInstance) => {
      for (const name of ['onUpgrade', 'onDowngrade', 'onSessionEnd'] as const)
        for (const hook of [fail, failLater]) app.gs.addHook(name, hook)
    }
    const logger = { level: 'error', stream: { write: (line: string) => void log.push(JSON.parse(line).msg) } }
    const { browser, member } = await build(t, {}, setup, { logger })
    await member('alice')
    const visitor = browser()
    assert.equal((await visitor.post('/lwsgs/login', credentials('alice'))).json().username, 'alice')
    log.length = 0
    assert.equal((await visitor.post('/lwsgs/logout')).json().username, null)
    const [downgrade, end] = ['a listener of onDowngrade failed', 'a listener of onSessionEnd failed']
    assert.deepEqual(log.toSorted(), [downgrade, downgrade, end, end])
  })
})

describe('addHook', () => {
  it('refuses names that are none and handlers that are no functions, naming the cure', async (t) => {
    const { app } = await build(t)
    assert.throws(() => app.gs.addHook('onLogin' as 'onDowngrade', () => {}), {
      code: 'GS_OPTION',
      message: /"onLogin"; there are onSessionStart, /
    })
    assert.throws(() => app.gs.addHook('onUpgrade', 'no' as never), { code: 'GS_OPTION', message: /onUpgrade must be a function/ })
  })
})
