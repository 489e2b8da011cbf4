import assert from 'node:assert/strict'
import { setMaxListeners } from 'node:events'
import { describe, test, type TestContext } from 'node:test'
import { createJwtClient, type JwtClient, type JwtClientOptions } from './jwt-client.ts'

const start = Date.UTC(2026, 10, 21, 12)
const second = 1000
const minute = 60_000
const day = 86_400_000

let prefixes = 0

/** A page, a server, and clocks that stand still until they are moved. */
function setUp(t: TestContext, options: JwtClientOptions = {}) {
  // Tabs of one test do not hear those of another one.
  const prefix = `/jwt${++prefixes}`
  const window = new EventTarget()
  setMaxListeners(50, window)
  const style = { display: '', setProperty: (_name: string, value: string) => (style.display = value) }
  const document = { visibilityState: 'visible', documentElement: { style } }
  const went: string[] = []
  const location = {
    href: 'https://site.test/members?page=2#top',
    origin: 'https://site.test',
    reload: () => went.push('reload'),
    replace: (address: string) => went.push(address)
  }
  const history = { state: { at: 2 }, replaceState: (...values: unknown[]) => replaced.push(values) }
  const replaced: unknown[][] = []
  const stored = new Map<string, string>()
  const sessionStorage = {
    getItem: (key: string) => stored.get(key) ?? null,
    setItem: (key: string, value: string) => stored.set(key, value)
  }
  const globals = { document, window, location, history, sessionStorage, scrollX: 0, scrollY: 0, scrollTo: () => undefined }
  const before = Object.keys(globals).map((name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)] as const)
  for (const [name, value] of Object.entries(globals)) Object.defineProperty(globalThis, name, { value, configurable: true })
  t.after(() => {
    for (const [name, descriptor] of before) {
      Reflect.deleteProperty(globalThis, name)
      if (descriptor !== undefined) Object.defineProperty(globalThis, name, descriptor)
    }
  })

  t.mock.timers.enable({ apis: ['setTimeout'] })
  let passed = 0
  let slept = 0
  let shifted = 0
  let loadedAt = 0
  t.mock.method(performance, 'now', () => passed - loadedAt)
  t.mock.method(Date, 'now', () => start + passed + slept + shifted)
  /** The time of the server, ms since 1970. */
  const truth = () => start + passed + slept

  const server = {
    sub: null as string | null,
    csrf: '',
    expiresAt: 0,
    lifetime: 0,
    renewUntil: null as number | null,
    /** It cannot be reached. */
    isAway: false,
    asked: [] as string[],
    /** Replaces its answer. */
    answer: null as ((path: string) => Response | undefined) | null,
    tokens: 0,
    login(sub: string, lifetime: number, renewFor: number | null = null) {
      Object.assign(server, { sub, lifetime, expiresAt: truth() + lifetime, renewUntil: renewFor === null ? null : truth() + renewFor })
      server.csrf = (++server.tokens).toString(16).padStart(16, '0')
    },
    logout: () => (server.sub = null)
  }
  const json = (value: unknown, status = 200) =>
    new Response(JSON.stringify(value), { status, headers: { 'content-type': 'application/json' } })
  const refusal = (status: number, code: string) => json({ statusCode: status, code, error: '', message: 'No.' }, status)

  const info = () => {
    const { csrf, expiresAt, lifetime, renewUntil } = server
    const isOver = server.sub === null || truth() >= expiresAt
    return isOver
      ? { sub: null, csrf: null, expiresAt: null, expiresIn: null, lifetime: null, renewUntil: null }
      : { sub: server.sub, csrf, expiresAt, expiresIn: expiresAt - truth(), lifetime, renewUntil }
  }

  async function fetch(path: string, init: RequestInit): Promise<Response> {
    const { method = 'GET' } = init
    server.asked.push(`${method} ${path.replace(prefix, '')}`)
    if (server.isAway) throw new TypeError('fetch failed')
    const other = server.answer?.(path)
    if (other !== undefined) return other
    if (path === `${prefix}/session`) return json(info())
    const given =
      new Headers(init.headers).get('x-jwt-csrf') ?? (JSON.parse((init.body as string | undefined) ?? '{}') as { csrf?: string }).csrf
    if (info().sub === null) return refusal(401, 'GS_JWT_REQUIRED')
    if (given !== server.csrf) return refusal(403, 'GS_JWT_CSRF')
    if (path === `${prefix}/renew`) {
      const { renewUntil, sub, lifetime } = server
      if (renewUntil === null || truth() + second > renewUntil) return refusal(403, 'GS_JWT_RENEWAL')
      server.login(sub!, lifetime)
      server.expiresAt = Math.min(server.expiresAt, renewUntil)
      server.renewUntil = renewUntil
      return json(info())
    }
    return json({ done: path, sub: server.sub })
  }

  const tabs: (() => void)[] = []
  const closeAll = () => {
    for (const close of tabs.splice(0)) close()
  }
  t.after(closeAll)
  /** Everything that was begun happens, without any time. */
  const settle = async () => {
    for (let n = 0; n < 30; n++) await new Promise(setImmediate)
  }
  /** Opens a page with a client. */
  const open = async (more: JwtClientOptions = {}): Promise<JwtClient> => {
    loadedAt = passed
    const client = createJwtClient({ prefix, fetch, ...options, ...more })
    tabs.push(client.subscribe(() => undefined))
    await settle()
    return client
  }
  /** Time passes. */
  const wait = async (ms: number) => {
    const step = Math.max(500, Math.floor(ms / 200))
    for (let left = ms; left > 0; left -= step) {
      passed += Math.min(left, step)
      t.mock.timers.tick(Math.min(left, step))
      await new Promise(setImmediate)
    }
    await settle()
  }
  const fire = async (type: string, properties: object = {}) => {
    window.dispatchEvent(Object.assign(new Event(type), properties))
    await settle()
  }
  return {
    closeAll,
    prefix,
    server,
    went,
    replaced,
    open,
    wait,
    settle,
    fire,
    fetch,
    truth,
    refusal,
    json,
    stored,
    location,
    isHidden: () => style.display === 'none',
    /** The device sleeps: its clock goes on, no timer runs, and the steady clock stands still. */
    sleep: (ms: number) => (slept += ms),
    setClock: (ms: number) => (shifted += ms),
    show: (visibilityState: 'visible' | 'hidden') => {
      document.visibilityState = visibilityState
      return fire('visibilitychange')
    },
    /** What the page was told. */
    hear: (type: 'gs-jwt-expiring' | 'gs-jwt-expired', listener: (event: CustomEvent) => void) =>
      window.addEventListener(type, (event) => listener(event as CustomEvent)),
    count: (what: string) => server.asked.filter((one) => one === what).length
  }
}

const status = (client: JwtClient) => client.getSnapshot().status

describe('the end of a login', () => {
  test('is the end of the page: it is hidden and fetched again', async (t) => {
    const { open, server, wait, went, isHidden } = setUp(t)
    server.login('ann', 20 * minute)
    const client = await open()
    assert.equal(status(client), 'member')
    await wait(20 * minute - 1)
    assert.deepEqual([went, isHidden(), status(client)], [[], false, 'member'])
    await wait(1)
    assert.deepEqual([went, isHidden(), status(client)], [['reload'], true, 'ended'])
    await wait(day)
    assert.deepEqual(went, ['reload'])
  })

  test('sends nothing again that a form had sent to get the page', async (t) => {
    const { open, server, wait, went, replaced } = setUp(t)
    server.login('ann', 20 * minute)
    await open()
    await wait(20 * minute)
    // Browsers forget the body with that, as a test in a browser says; the state belongs to the page.
    assert.deepEqual([replaced, went], [[[{ at: 2 }, '']], ['reload']])
  })

  test('leads home where the page is for members only', async (t) => {
    const { open, server, wait, went } = setUp(t, { atExpiry: 'leave', home: '/start' })
    server.login('ann', 20 * minute)
    await open()
    await wait(20 * minute)
    assert.deepEqual(went, ['https://site.test/start'])
  })

  test('fetches the page again where it is the home, so that it does not only scroll', async (t) => {
    for (const home of ['/members?page=2', '/members?page=2#login'] as const) {
      const { open, server, wait, went, closeAll } = setUp(t, { atExpiry: 'leave', home })
      server.login('ann', 20 * minute)
      await open()
      await wait(20 * minute)
      assert.deepEqual(went, ['reload'])
      closeAll()
      t.mock.restoreAll()
      t.mock.timers.reset()
    }
  })

  test('calls a function, once, and nothing else happens', async (t) => {
    const ends: unknown[] = []
    const { open, server, wait, went, isHidden } = setUp(t, { atExpiry: (ended) => ends.push(ended) })
    server.login('ann', minute)
    await open()
    await wait(2 * minute)
    assert.deepEqual([ends, went, isHidden()], [[{ sub: 'ann', reason: 'expired' }], [], false])
  })

  test('comes without any answer of the server', async (t) => {
    const { open, server, wait, went, fire } = setUp(t)
    server.login('ann', 5 * minute)
    await open()
    server.isAway = true
    await wait(4 * minute)
    await fire('focus')
    assert.deepEqual(went, [])
    await wait(minute)
    assert.deepEqual(went, ['reload'])
  })

  test('does not come sooner or later because the clock of the visitor is wrong or set back', async (t) => {
    for (const shift of [-day, -10 * minute, 400 * day]) {
      const { open, server, wait, went, setClock, closeAll } = setUp(t)
      setClock(shift)
      server.login('ann', 20 * minute)
      await open()
      await wait(10 * minute)
      if (shift < 0) setClock(shift)
      await wait(10 * minute - 1)
      assert.deepEqual(went, [], String(shift))
      await wait(1)
      assert.deepEqual(went, ['reload'], String(shift))
      closeAll()
      t.mock.restoreAll()
      t.mock.timers.reset()
    }
  })

  test('is asked about when only the clock says so, because that may have been set', async (t) => {
    const { open, server, wait, went, setClock, isHidden } = setUp(t)
    server.login('ann', 20 * minute)
    const client = await open()
    setClock(day)
    await wait(second)
    assert.deepEqual([went, isHidden(), status(client)], [[], false, 'member'])
    assert.equal(server.asked.length, 2)
    await wait(20 * minute)
    assert.deepEqual(went, ['reload'])
  })

  test('is noticed after the device has slept, and nothing is seen meanwhile', async (t) => {
    const { open, server, wait, went, sleep, isHidden } = setUp(t)
    server.login('ann', 20 * minute)
    await open()
    sleep(8 * 60 * minute)
    server.isAway = true
    await wait(second)
    assert.deepEqual([went, isHidden()], [['reload'], true])
  })

  test('does not wait for a server that says nothing', async (t) => {
    const { open, server, wait, went, sleep, isHidden, fetch, prefix } = setUp(t)
    server.login('ann', 20 * minute)
    let isSilent = false
    await open({ fetch: (path, init) => (isSilent && path === `${prefix}/session` ? new Promise(() => undefined) : fetch(path, init)) })
    isSilent = true
    sleep(60 * minute)
    await wait(second)
    assert.deepEqual([went, isHidden()], [[], true])
    await wait(3 * second)
    assert.deepEqual(went, ['reload'])
  })

  test('comes in the background, too', async (t) => {
    const { open, server, wait, went, show } = setUp(t)
    server.login('ann', 20 * minute)
    await open()
    await show('hidden')
    await wait(20 * minute)
    assert.deepEqual(went, ['reload'])
  })

  test('of a login longer than a timer can wait comes at its time', async (t) => {
    const { open, server, wait, went, show } = setUp(t)
    server.login('ann', 30 * day)
    await open()
    await show('hidden')
    await wait(30 * day - minute)
    assert.deepEqual(went, [])
    await wait(2 * minute)
    assert.deepEqual(went, ['reload'])
  })

  test('is not measured from an answer that was on its way while the device slept', async (t) => {
    const { open, server, wait, went, sleep, fetch, json, truth } = setUp(t)
    server.login('ann', 20 * minute)
    let first = true
    const client = await open({
      fetch: async (path, init) => {
        if (!first) return fetch(path, init)
        first = false
        const answer = json({
          sub: 'ann',
          csrf: server.csrf,
          expiresAt: truth() + 20 * minute,
          expiresIn: 20 * minute,
          lifetime: 20 * minute,
          renewUntil: null
        })
        sleep(60 * minute)
        return answer
      }
    })
    assert.equal(status(client), 'failed')
    await wait(11 * second)
    assert.deepEqual([status(client), went], ['guest', []])
  })

  test('that the server does not believe in makes no page that is fetched again and again', async (t) => {
    const { open, server, wait, went, json, truth, stored, closeAll } = setUp(t)
    server.answer = () => json({ sub: 'ann', csrf: '0'.repeat(16), expiresAt: truth(), expiresIn: 0, lifetime: minute, renewUntil: null })
    const pauses: number[] = []
    for (let n = 0; n < 9; n++) {
      closeAll()
      await open()
      let waited = 0
      for (; went.length === n; waited += second) await wait(second)
      pauses.push(waited / second)
    }
    assert.deepEqual(pauses, [0, 1, 2, 4, 8, 16, 32, 60, 60])
    stored.clear()
    await open()
    assert.equal(went.length, 10)
  })
})

describe('a page', () => {
  test('is told before, and can stay', async (t) => {
    const { open, server, wait, went, hear, isHidden } = setUp(t)
    server.login('ann', 20 * minute)
    const client = await open()
    const told: unknown[] = []
    hear('gs-jwt-expiring', (event) => {
      told.push(event.detail)
      event.preventDefault()
    })
    hear('gs-jwt-expired', ({ detail }) => told.push(detail))
    await wait(19 * minute - second)
    assert.deepEqual(told, [])
    await wait(second)
    assert.deepEqual(told, [{ sub: 'ann', expiresIn: minute }])
    const state = client.getSnapshot()
    assert.ok(state.status === 'member' && state.expiring)
    await wait(minute)
    assert.deepEqual(told[1], { sub: 'ann', reason: 'expired' })
    assert.deepEqual([told.length, went, isHidden(), status(client)], [2, [], false, 'ended'])

    server.login('ann', 20 * minute)
    await client.refresh()
    assert.equal(status(client), 'member')
  })

  test('can stay at the last moment', async (t) => {
    const { open, server, wait, went, hear, isHidden } = setUp(t)
    server.login('ann', minute)
    await open()
    hear('gs-jwt-expired', (event) => event.preventDefault())
    await wait(2 * minute)
    assert.deepEqual([went, isHidden()], [[], false])
  })

  test('is told half of the life before the end of a short one, or when it wants', async (t) => {
    for (const [warnBefore, lifetime, at] of [
      [undefined, 30 * second, 15 * second],
      [5 * minute, 20 * minute, 15 * minute]
    ] as const) {
      const { open, server, wait, hear, closeAll } = setUp(t, warnBefore === undefined ? {} : { warnBefore })
      server.login('ann', lifetime)
      await open()
      let told = 0
      hear('gs-jwt-expiring', () => told++)
      await wait(at - 1)
      assert.equal(told, 0)
      await wait(second)
      assert.equal(told, 1)
      closeAll()
      t.mock.restoreAll()
      t.mock.timers.reset()
    }
  })

  test('that is put aside shows nothing until it is sure that it may', async (t) => {
    const { open, server, went, fire, isHidden } = setUp(t)
    server.login('ann', 20 * minute)
    await open()
    await fire('pagehide', { persisted: true })
    assert.equal(isHidden(), true)
    await fire('pageshow', { persisted: true })
    assert.deepEqual([isHidden(), went], [false, []])
    await fire('pagehide', { persisted: false })
    assert.equal(isHidden(), false)
  })

  test('that is shown again after the end of its login is fetched again before anything is seen', async (t) => {
    const { open, server, sleep, went, fire, isHidden } = setUp(t)
    server.login('ann', minute)
    await open()
    await fire('pagehide', { persisted: true })
    sleep(2 * minute)
    await fire('pageshow', { persisted: true })
    assert.deepEqual([went, isHidden()], [['reload'], true])
  })

  test('that was made for somebody who is logged in no more is over when it comes', async (t) => {
    for (const [now, reason] of [
      [null, 'expired'],
      ['bob', 'replaced'],
      ['ann', null]
    ] as const) {
      const { open, server, went, hear, closeAll } = setUp(t, { sub: 'ann' })
      if (now !== null) server.login(now, minute)
      const told: unknown[] = []
      hear('gs-jwt-expired', ({ detail }) => told.push(detail))
      await open()
      assert.deepEqual(told, reason === null ? [] : [{ sub: 'ann', reason }])
      assert.deepEqual(went, reason === null ? [] : ['reload'])
      closeAll()
      t.mock.restoreAll()
      t.mock.timers.reset()
    }
  })

  test('of nobody asks no more, and hears when somebody logs in', async (t) => {
    const { open, server, wait, went } = setUp(t)
    const client = await open()
    await wait(day)
    assert.deepEqual([status(client), server.asked.length], ['guest', 1])
    server.login('ann', minute)
    const other = await open()
    await wait(second)
    assert.deepEqual([status(other), status(client), went], ['member', 'member', []])
  })

  test('asks again when the server could not be reached, while it is seen', async (t) => {
    const { open, server, wait, show } = setUp(t)
    server.isAway = true
    server.login('ann', 20 * minute)
    const client = await open()
    const state = client.getSnapshot()
    assert.ok(state.status === 'failed' && state.error.code === 'GS_NETWORK')
    await wait(9 * second)
    assert.equal(server.asked.length, 1)
    await wait(2 * second)
    assert.equal(server.asked.length, 2)
    await show('hidden')
    await wait(5 * minute)
    assert.equal(server.asked.length, 2)
    server.isAway = false
    await show('visible')
    assert.equal(status(client), 'member')
  })

  test('stays as it is when the server is in trouble, or somebody else answers', async (t) => {
    const { open, server, fire, wait, refusal, json, went } = setUp(t)
    server.login('ann', 20 * minute)
    const client = await open()
    const before = client.getSnapshot()
    const answers = [
      () => refusal(503, 'GS_JWT_UNAVAILABLE'),
      () => new Response('<title>Hotel</title>', { headers: { 'content-type': 'text/html' } }),
      () => json([]),
      () => json({ sub: 'ann' })
    ]
    for (const answer of answers) {
      server.answer = answer
      await wait(3 * second)
      await fire('focus')
    }
    assert.equal(server.asked.length, 5)
    assert.deepEqual([client.getSnapshot() === before, went], [true, []])
  })

  test('has the same state until it changes', async (t) => {
    const { open, server, wait, fire } = setUp(t)
    server.login('ann', 20 * minute)
    const client = await open()
    const before = client.getSnapshot()
    await wait(5 * second)
    await fire('online')
    assert.equal(server.asked.length, 2)
    assert.equal(client.getSnapshot(), before)
  })

  test('goes on when one of its own functions fails', async (t) => {
    const { open, server } = setUp(t, {
      atExpiry: () => {
        throw new Error('of the page')
      }
    })
    server.login('ann', minute)
    const client = await open()
    server.logout()
    await assert.rejects(client.refresh(), /of the page/)
    server.login('ann', minute)
    assert.ok((await client.refresh()).ok)
    assert.equal(status(client), 'member')
  })

  test('that stayed is told once, also by a server that takes the token for some seconds more', async (t) => {
    const { open, server, wait, hear, json, truth, fire } = setUp(t)
    server.login('ann', minute)
    await open()
    const told: unknown[] = []
    hear('gs-jwt-expired', (event) => {
      told.push(event.detail)
      event.preventDefault()
    })
    server.answer = () => json({ sub: 'ann', csrf: server.csrf, expiresAt: truth(), expiresIn: 0, lifetime: minute, renewUntil: null })
    await wait(minute)
    await wait(3 * second)
    await fire('focus')
    assert.deepEqual([told.length, server.asked.length], [1, 2])
  })

  test('without listeners has nothing left that could happen', async (t) => {
    const { fetch, prefix, server, wait, settle, went, fire } = setUp(t)
    server.login('ann', minute)
    const client = createJwtClient({ prefix, fetch })
    assert.equal(server.asked.length, 0)
    const stop = client.subscribe(() => undefined)
    await settle()
    stop()
    await wait(day)
    await fire('online')
    assert.deepEqual([server.asked.length, went], [1, []])
  })
})

describe('other tabs', () => {
  test('hear of a logout, of another person, and of a renewal', async (t) => {
    const { open, server, wait, went, prefix, fetch } = setUp(t)
    server.login('ann', 20 * minute, 60 * minute)
    const one = await open({ atExpiry: 'leave' })
    const ends: string[] = []
    const two = await open({ prefix, fetch, atExpiry: ({ reason }) => ends.push(reason) })

    await two.renew()
    await wait(second)
    assert.equal(one.getSnapshot().session?.csrf, server.csrf)
    assert.deepEqual(went, [])

    server.login('bob', 20 * minute)
    await two.refresh()
    assert.deepEqual(ends, ['replaced'])
    await wait(second)
    assert.deepEqual(went, ['reload'])
    assert.equal(two.getSnapshot().session?.sub, 'bob')

    server.logout()
    await two.refresh()
    assert.deepEqual(ends, ['replaced', 'logged-out'])
  })

  test('do not talk to each other without end', async (t) => {
    const { open, server, wait } = setUp(t)
    server.login('ann', 20 * minute, 60 * minute)
    const clients = [await open(), await open(), await open()]
    await wait(second)
    const before = server.asked.length
    await clients[0]!.renew()
    await wait(10 * second)
    assert.ok(server.asked.length - before <= 5, server.asked.join())
  })
})

describe('a login is renewed', () => {
  test('when 85 % of its life are over and the visitor has done something', async (t) => {
    const { open, server, wait, went, count, fire, hear } = setUp(t)
    server.login('ann', 20 * minute, 60 * minute)
    const client = await open()
    let told = 0
    hear('gs-jwt-expiring', () => told++)
    const first = server.csrf
    await wait(17 * minute - second)
    assert.equal(count('POST /renew'), 0)
    await wait(2 * second)
    assert.equal(count('POST /renew'), 1)
    assert.notEqual(client.getSnapshot().session?.csrf, first)
    // Nobody does anything.
    await wait(19 * minute)
    assert.deepEqual([count('POST /renew'), told], [1, 1])
    // Somebody comes back in the last minute.
    await fire('keydown')
    await wait(second)
    assert.equal(count('POST /renew'), 2)
    const state = client.getSnapshot()
    assert.ok(state.status === 'member' && !state.expiring)
    await wait(20 * minute)
    assert.deepEqual(went, ['reload'])
  })

  test('also after a listener has thrown', async (t) => {
    const { open, server, wait, count, fire } = setUp(t)
    server.login('ann', 20 * minute, 60 * minute)
    const client = await open()
    const stop = client.subscribe(() => {
      throw new Error('The page has a fault.')
    })
    await assert.rejects(client.renew(), /has a fault/)
    stop()
    await fire('keydown')
    await wait(18 * minute)
    assert.equal(count('POST /renew'), 2)
  })

  test('by whoever goes from page to page and stays on none of them', async (t) => {
    const { open, server, wait, count, closeAll } = setUp(t)
    server.login('ann', 20 * minute, 60 * minute)
    for (let n = 0; n < 50; n++) {
      await open()
      await wait(30 * second)
      closeAll()
    }
    assert.equal(count('POST /renew'), 1)
  })

  test('never, where the server does not allow it, the page does not want it, or it would not become longer', async (t) => {
    for (const [renewFor, options] of [
      [null, {}],
      [60 * minute, { renew: 'never' }],
      [20 * minute, {}]
    ] as const) {
      const { open, server, wait, went, count, closeAll } = setUp(t, options)
      server.login('ann', 20 * minute, renewFor)
      await open()
      await wait(20 * minute)
      assert.deepEqual([count('POST /renew'), went], [0, ['reload']])
      closeAll()
      t.mock.restoreAll()
      t.mock.timers.reset()
    }
  })

  test('again and again, but not too often, while the server cannot be reached', async (t) => {
    const { open, server, wait, went, count } = setUp(t)
    server.login('ann', 20 * minute, 60 * minute)
    await open()
    server.isAway = true
    await wait(18 * minute)
    assert.ok(count('POST /renew') >= 5 && count('POST /renew') <= 7, String(count('POST /renew')))
    server.isAway = false
    await wait(3 * minute)
    assert.deepEqual(went, [])
    assert.equal(server.tokens, 2)
  })

  test('not again when the server has refused it', async (t) => {
    const { open, server, wait, went, count, refusal } = setUp(t)
    server.login('ann', 20 * minute, 60 * minute)
    await open()
    server.answer = (path) => (path.endsWith('/renew') ? refusal(403, 'GS_JWT_RENEWAL') : undefined)
    await wait(20 * minute)
    assert.deepEqual([count('POST /renew'), went], [1, ['reload']])
  })

  test('by another tab at the same moment: the page goes on with what that has got', async (t) => {
    const { open, server, wait, went } = setUp(t)
    server.login('ann', 20 * minute, 60 * minute)
    const client = await open()
    server.login('ann', 20 * minute, 60 * minute)
    const result = await client.renew()
    assert.ok(result.ok)
    assert.equal(client.getSnapshot().session?.csrf, server.csrf)
    await wait(second)
    assert.deepEqual(went, [])
  })
})

describe('fetch', () => {
  test('brings the claim along, to this site only', async (t) => {
    const { open, server, fetch, settle } = setUp(t)
    server.login('ann', minute)
    const sent: [string, string | null][] = []
    const client = await open({
      fetch: (path, init) => {
        sent.push([path, new Headers(init.headers).get('x-jwt-csrf')])
        return fetch(path, init)
      }
    })
    sent.length = 0
    assert.equal((await client.fetch('/delete', { method: 'POST' })).status, 200)
    for (const address of ['https://elsewhere.test/a', '//elsewhere.test/a', '/\\elsewhere.test/a']) await client.fetch(address)
    await settle()
    assert.deepEqual(
      sent.map(([, csrf]) => csrf),
      [server.csrf, null, null, null]
    )
  })

  test('waits for the first answer, and needs no listener', async (t) => {
    const { fetch, prefix, server } = setUp(t)
    server.login('ann', minute)
    const client = createJwtClient({ prefix, fetch })
    assert.equal((await client.fetch('/delete', { method: 'POST' })).status, 200)
  })

  test('goes on with the claim of a renewed token, but not in the name of somebody else', async (t) => {
    const { open, server } = setUp(t, { atExpiry: () => undefined })
    server.login('ann', minute)
    const client = await open()
    server.login('ann', minute)
    assert.equal((await client.fetch('/delete', { method: 'POST' })).status, 200)
    server.login('bob', minute)
    assert.equal((await client.fetch('/delete', { method: 'POST' })).status, 403)
    assert.equal(client.getSnapshot().session?.sub, 'bob')
    server.logout()
    assert.equal((await client.fetch('/delete', { method: 'POST' })).status, 401)
    assert.equal(status(client), 'ended')
  })
})

test('addresses of other sites are refused as options', () => {
  for (const path of ['https://elsewhere.test', '//elsewhere.test', '/\\elsewhere.test', 'jwt', 'javascript:alert(1)']) {
    assert.throws(() => createJwtClient({ prefix: path }), /"prefix" must be a path of this site/)
    assert.throws(() => createJwtClient({ home: path as '/' }), /"home" must be a path of this site/)
  }
})
