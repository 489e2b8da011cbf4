import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { build, password, type Browser } from '../testing/build.ts'

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
      app.gs.addHook('onDowngrade', ({ formerSessionId, cause, sessionId }) => told.push({ downgrade: { formerSessionId, cause, sessionId } }))
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
    const { browser, member } = await build(t, {}, (app) => {
      app.gs.addHook('onUpgrade', () => {
        throw new Error('no')
      })
      app.gs.addHook('onDowngrade', () => {
        throw new Error('no')
      })
    })
    await member('alice')
    const visitor = browser()
    assert.equal((await visitor.post('/lwsgs/login', credentials('alice'))).json().username, 'alice')
    assert.equal((await visitor.post('/lwsgs/logout')).json().username, null)
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
