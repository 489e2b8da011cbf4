import assert from 'node:assert/strict'
import { setMaxListeners } from 'node:events'
import { describe, test, type TestContext } from 'node:test'
import { createGsClient, type GsClient } from './gs-client.ts'
import { createLiveSession } from './live-session.ts'
import type { SessionInfo } from './session-info.ts'

const start = Date.UTC(2026, 10, 21, 12)
const hour = 3_600_000

/** A stream that the test opens, feeds and breaks. */
class FakeSource extends EventTarget {
  static opened: FakeSource[] = []
  readonly url: string
  readyState = 0

  constructor(url: string) {
    super()
    this.url = url
    FakeSource.opened.push(this)
  }

  static get last(): FakeSource {
    return FakeSource.opened.at(-1)!
  }

  /** Those that cost a connection. */
  static get open(): number {
    return FakeSource.opened.filter(({ readyState }) => readyState !== 2).length
  }

  send(type: string, data: unknown = {}, lastEventId = ''): void {
    if (this.readyState === 0) this.readyState = 1
    this.dispatchEvent(new MessageEvent(type, { data: typeof data === 'string' ? data : JSON.stringify(data), lastEventId }))
  }

  /** The connection is gone; the browser will try again. */
  breakOff(): void {
    if (this.readyState === 1) this.readyState = 0
    this.dispatchEvent(new Event('error'))
  }

  /** The server answered 204 or an error; the browser will not try again. */
  refuse(): void {
    this.readyState = 2
    this.dispatchEvent(new Event('error'))
  }

  close(): void {
    this.readyState = 2
  }
}

const Source = FakeSource as unknown as typeof EventSource

class FakePage extends EventTarget {
  visibilityState = 'visible'

  show(visibilityState: 'visible' | 'hidden'): void {
    this.visibilityState = visibilityState
    this.dispatchEvent(new Event('visibilitychange'))
  }
}

/** A page, as far as the client knows one, and a clock that stands still until it is moved. */
function setUpPage(t: TestContext) {
  const page = new FakePage()
  setMaxListeners(50, page)
  const globals = { document: page, window: new EventTarget() }
  Object.assign(globalThis, globals)
  FakeSource.opened = []
  t.mock.timers.enable({ apis: ['Date', 'setInterval', 'setTimeout'], now: start })
  t.after(() => {
    for (const name of Object.keys(globals)) Reflect.deleteProperty(globalThis, name)
  })
  return {
    page,
    window: globals.window,
    /** Time passes, in steps, because the clock of a step shows its end to all timers in it. */
    wait: (ms: number) => {
      for (let left = ms; left > 0; left -= 500) t.mock.timers.tick(Math.min(left, 500))
    },
    /** Time has passed, and no timer ran. */
    sleep: (ms: number) => t.mock.timers.setTime(Date.now() + ms)
  }
}

const member = (username: string, session: string, more: Partial<SessionInfo> = {}): SessionInfo => ({
  username,
  email: null,
  verified: true,
  admin: false,
  mustChangePassword: false,
  mask: 5,
  level: 10,
  sectors: [],
  ip: '127.0.0.1',
  session,
  expiresAt: start + hour,
  csrfToken: session,
  ...more
})
const nobody: SessionInfo = { ...member('', 'anonymous'), username: null, verified: false, mask: 0, level: 1 }
const alice = member('alice', 'session-1')

describe('a live session', () => {
  function setUp(t: TestContext, { stream = true } = {}) {
    const page = setUpPage(t)
    const told: string[] = []
    const live = createLiveSession({
      address: '/lwsgs/events',
      onSession: ({ username }) => told.push(`session ${username}`),
      onEnded: ({ session, cause }) => told.push(`ended ${session} ${cause}`),
      onEvent: ({ type, ...rest }) => told.push([type, ...Object.values(rest)].join(' ')),
      onDoubt: () => told.push('doubt'),
      EventSource: stream ? Source : undefined
    })
    t.after(live.stop)
    const show = (username: string, session: string, more: Partial<SessionInfo> = {}) =>
      live.follow({ session: member(username, session, more) })
    const follow = (session: string, expiresAt = start + hour) => show('alice', session, { expiresAt })
    return { ...page, live, show, follow, told, doubts: () => told.filter((word) => word === 'doubt').length }
  }

  test('opens a stream only while there is a session and somebody sees the page', (t) => {
    const { follow, live, page } = setUp(t)
    assert.equal(FakeSource.open, 0)
    follow('one')
    assert.deepEqual([FakeSource.open, FakeSource.last.url], [1, '/lwsgs/events'])
    follow('one')
    assert.equal(FakeSource.opened.length, 1)
    page.show('hidden')
    assert.equal(FakeSource.open, 0)
    page.show('visible')
    assert.deepEqual([FakeSource.open, FakeSource.opened.length], [1, 2])
    live.follow({ session: null })
    assert.equal(FakeSource.open, 0)
    page.show('hidden')
    page.show('visible')
    assert.equal(FakeSource.open, 0)
  })

  test('opens none for a page that begins in the background', (t) => {
    const { follow, page, wait, told } = setUp(t)
    page.visibilityState = 'hidden'
    follow('one')
    wait(hour)
    assert.deepEqual([FakeSource.opened.length, told], [0, []])
    page.show('visible')
    assert.equal(FakeSource.open, 1)
  })

  test('opens another one for another session, and none for the same one with other rights', (t) => {
    const { follow } = setUp(t)
    follow('one')
    follow('one', start + 2 * hour)
    assert.equal(FakeSource.opened.length, 1)
    follow('two')
    assert.deepEqual([FakeSource.open, FakeSource.opened.length], [1, 2])
  })

  test('tells what the stream says, and hears nothing more of one that is closed', (t) => {
    const { follow, told } = setUp(t)
    follow('one')
    const first = FakeSource.last
    first.send('session', alice)
    first.send('sessions')
    follow('two')
    first.send('session', member('mallory', 'one'))
    first.send('ended', { cause: 'revoked' })
    first.breakOff()
    FakeSource.last.send('ended', { cause: 'password-changed' })
    assert.deepEqual(told, ['session alice', 'sessions', 'ended two password-changed'])
    assert.equal(FakeSource.open, 0)
  })

  test('is not upset by data that makes no sense', (t) => {
    const { follow, told } = setUp(t)
    follow('one')
    for (const data of ['{"username":', 'null', '[]', '{"username":"mallory"}']) {
      FakeSource.last.send('session', data)
      assert.equal(told.pop(), 'doubt')
    }
    for (const data of ['', 'null', '[]', '{"cause":{}}', '{"cause":"<b>"}', `{"cause":"${'x'.repeat(99)}"}`, '"revoked"']) {
      follow(data)
      FakeSource.last.send('ended', data)
      assert.equal(told.pop(), `ended ${data} unknown`)
    }
    assert.deepEqual(told, [])
  })

  test('asks at once when the server closes the stream, then every ten seconds, and tries the stream again after a minute', (t) => {
    const { follow, wait, doubts } = setUp(t)
    follow('one')
    FakeSource.last.refuse()
    assert.equal(doubts(), 1)
    wait(9999)
    assert.equal(doubts(), 1)
    wait(1)
    assert.equal(doubts(), 2)
    wait(49_999)
    assert.deepEqual([doubts(), FakeSource.opened.length], [6, 1])
    wait(1)
    assert.deepEqual([FakeSource.open, FakeSource.opened.length], [1, 2])
    FakeSource.last.send('session', alice)
    const before = doubts()
    wait(60_000)
    assert.equal(doubts(), before)
  })

  test('tries again at once when a stream that worked is refused, as by a proxy whose server starts again, and then less and less often', (t) => {
    const { follow, wait } = setUp(t)
    follow('one')
    FakeSource.last.send('session', alice)
    const pauses: number[] = []
    for (let n = 0; n < 8; n++) {
      const { length } = FakeSource.opened
      FakeSource.last.refuse()
      const refusedAt = Date.now()
      while (FakeSource.opened.length === length) wait(1000)
      pauses.push((Date.now() - refusedAt) / 1000)
    }
    assert.deepEqual(pauses, [1, 2, 4, 8, 16, 32, 60, 60])
    FakeSource.last.send('session', alice)
    FakeSource.last.refuse()
    wait(1000)
    assert.equal(FakeSource.opened.length, 10)
  })

  test('resumes a stream that breaks after a good life sooner than the browser would, and leaves others to it', (t) => {
    const { follow, wait } = setUp(t)
    follow('one')
    FakeSource.last.send('session', alice)
    FakeSource.last.breakOff()
    wait(1000)
    assert.equal(FakeSource.opened.length, 1)
    FakeSource.last.send('session', alice)
    wait(5000)
    FakeSource.last.breakOff()
    assert.equal(FakeSource.open, 0)
    wait(1000)
    assert.deepEqual([FakeSource.open, FakeSource.opened.length], [1, 2])
  })

  test('asks while the browser tries in vain to get the stream back', (t) => {
    const { follow, wait, doubts } = setUp(t)
    follow('one')
    FakeSource.last.send('session', alice)
    for (let n = 0; n < 10; n++) {
      FakeSource.last.breakOff()
      wait(2000)
    }
    assert.equal(doubts(), 2)
    FakeSource.last.send('session', alice)
    wait(30_000)
    assert.equal(doubts(), 2)
  })

  test('asks instead of a stream that stays silent, because something between holds it back', (t) => {
    const { follow, wait, doubts } = setUp(t)
    follow('one')
    FakeSource.last.readyState = 1
    wait(4999)
    assert.equal(doubts(), 0)
    wait(25_001)
    assert.equal(doubts(), 3)
  })

  test('trusts no stream that is held back: what it says at last is old, so it goes on asking', (t) => {
    const { follow, wait, told, doubts } = setUp(t)
    follow('one')
    wait(20_000)
    assert.equal(doubts(), 2)
    FakeSource.last.send('session', alice)
    assert.deepEqual([doubts(), told.includes('session alice')], [3, false])
    wait(20_000)
    assert.equal(doubts(), 5)
    // The next one may go another way.
    FakeSource.last.breakOff()
    wait(1000)
    FakeSource.last.send('session', alice)
    assert.equal(told.at(-1), 'session alice')
    wait(60_000)
    assert.equal(doubts(), 5)
  })

  test('goes on after the last event it has heard when it opens a stream anew, but never in another session', (t) => {
    const { follow, page, live } = setUp(t)
    const address = () => FakeSource.last.url
    const comeBack = () => {
      page.show('hidden')
      page.show('visible')
    }
    follow('one')
    comeBack()
    assert.equal(address(), '/lwsgs/events')
    FakeSource.last.send('session', alice, '41')
    FakeSource.last.send('sessions', {}, '1.4-2.x_Y')
    // The last one that had an id.
    FakeSource.last.send('sessions')
    comeBack()
    assert.equal(address(), '/lwsgs/events?lastEventId=1.4-2.x_Y')
    comeBack()
    assert.equal(address(), '/lwsgs/events?lastEventId=1.4-2.x_Y')
    for (const id of ['&a=b', '7\u0000', 'x'.repeat(129)]) FakeSource.last.send('sessions', {}, id)
    comeBack()
    assert.equal(address(), '/lwsgs/events?lastEventId=1.4-2.x_Y')
    follow('two')
    assert.equal(address(), '/lwsgs/events')
    FakeSource.last.send('session', alice, '43')
    live.follow({ session: null })
    follow('two')
    assert.equal(address(), '/lwsgs/events')
  })

  test('tells what happens to other sessions once, though it is said again after a break', (t) => {
    const { follow, page, told } = setUp(t)
    follow('one')
    FakeSource.last.send('login', { session: 'two' }, '7')
    FakeSource.last.send('logout', { session: 'two', cause: 'idle' }, '8')
    page.show('hidden')
    page.show('visible')
    FakeSource.last.send('login', { session: 'two' }, '7')
    FakeSource.last.send('logout', { session: 'two', cause: 'idle' }, '8')
    FakeSource.last.send('login', { session: 'three' }, '9')
    assert.deepEqual(told, ['login two', 'logout two idle', 'login three'])
  })

  test('keeps only so much in mind of what it told', (t) => {
    const { follow, told } = setUp(t)
    follow('one')
    for (let n = 0; n < 300; n++) FakeSource.last.send('login', { session: `other-${n}` }, String(n))
    for (const session of ['other-299', 'other-100', 'other-0']) FakeSource.last.send('login', { session })
    assert.equal(told.length, 301)
    assert.equal(told.at(-1), 'login other-0')
  })

  test('tells nothing of other sessions that makes no sense, nor of its own', (t) => {
    const { follow, told } = setUp(t)
    follow('one')
    for (const data of [
      '',
      'null',
      '[]',
      '{}',
      '{"session":7}',
      '{"session":"<b>"}',
      `{"session":"${'x'.repeat(65)}"}`,
      '{"session":"one"}'
    ])
      for (const type of ['login', 'logout']) FakeSource.last.send(type, data)
    assert.deepEqual(told, [])
    FakeSource.last.send('logout', { session: 'two', cause: '<b>' })
    assert.deepEqual(told, ['logout two unknown'])
  })

  const differences: readonly (readonly [string, Partial<SessionInfo>, readonly string[]])[] = [
    ['the address is verified', { verified: true, mask: 5 }, ['verified true', 'mask 5 ']],
    ['a sector is granted', { mask: 17, sectors: ['shop'] }, ['mask 17 shop']],
    ['a sector takes the place of another one', { sectors: ['forum'] }, ['mask 1 forum']],
    ['the level is another one', { level: 30 }, ['level 30']],
    ['the address is another one', { email: 'new@mail.test' }, ['email new@mail.test']],
    ['the time is longer, the token another one', { expiresAt: start + 2 * hour, csrfToken: 'next', ip: '::1' }, []],
    ['the session is another one', { session: 'two', verified: true }, ['verified true']]
  ]
  for (const [what, more, events] of differences) {
    test(`tells what is different about who is logged in, once: ${what}`, (t) => {
      const { show, told } = setUp(t, { stream: false })
      const before = { verified: false, mask: 1 }
      show('alice', 'one', before)
      assert.deepEqual(told, [])
      show('alice', 'one', { ...before, ...more })
      show('alice', 'one', { ...before, ...more })
      assert.deepEqual(told, events)
    })
  }

  test('tells no differences between one person and the next', (t) => {
    const { show, live, told } = setUp(t)
    show('alice', 'one')
    show('bob', 'two', { level: 50 })
    live.follow({ session: nobody })
    show('alice', 'three', { level: 30 })
    assert.deepEqual(told, [])
  })

  test('tells the end with its cause once, and none that was wanted', (t) => {
    const { show, live, told } = setUp(t)
    live.follow({ session: nobody, ended: 'idle' })
    show('alice', 'one')
    live.follow({ session: nobody, ended: 'revoked' })
    live.follow({ session: nobody, ended: 'revoked' })
    show('alice', 'two')
    live.follow({ session: nobody })
    assert.deepEqual(told, ['ended revoked'])
  })

  test('asks where there are no streams at all', (t) => {
    const { follow, wait, told, page } = setUp(t, { stream: false })
    follow('one')
    wait(1000)
    assert.deepEqual(told, ['doubt', 'sessions'])
    wait(20_000)
    assert.equal(told.length, 6)
    page.show('hidden')
    wait(hour)
    assert.equal(told.length, 6)
  })

  test('goes on asking after the end was told, until there is nothing to follow', (t) => {
    const { follow, live, wait, doubts } = setUp(t)
    follow('one')
    FakeSource.last.send('ended', { cause: 'idle' })
    wait(30_000)
    assert.deepEqual([doubts(), FakeSource.opened.length], [3, 1])
    live.follow({ session: null })
    wait(hour)
    assert.deepEqual([doubts(), FakeSource.opened.length], [3, 1])
  })

  test('knows after a sleep that it knows nothing', (t) => {
    const { follow, wait, sleep, doubts } = setUp(t)
    follow('one', start + 24 * hour)
    FakeSource.last.send('session', alice)
    wait(30_000)
    assert.equal(doubts(), 0)
    sleep(8 * hour)
    wait(1000)
    assert.deepEqual([doubts(), FakeSource.open, FakeSource.opened.length], [1, 1, 2])
  })

  test('asks when the time of the session is over and the stream has not said so, once for each time', (t) => {
    const { follow, wait, doubts } = setUp(t)
    follow('one', start + 20_000)
    FakeSource.last.send('session', alice)
    wait(20_000)
    assert.equal(doubts(), 0)
    wait(60_000)
    assert.equal(doubts(), 1)
    follow('one', start + 90_000)
    wait(60_000)
    assert.equal(doubts(), 2)
  })

  test('does nothing any more once it is stopped', (t) => {
    const { follow, live, page, wait, told } = setUp(t)
    follow('one')
    const stream = FakeSource.last
    live.stop()
    assert.equal(FakeSource.open, 0)
    stream.send('session', {})
    stream.refuse()
    page.show('hidden')
    page.show('visible')
    wait(hour)
    assert.deepEqual([told, FakeSource.opened.length], [[], 1])
  })
})

describe('a client with a live session', () => {
  let prefixes = 0

  /** Several tabs of one browser; `cookie` is whose session it has. */
  function setUp(t: TestContext, first: SessionInfo = alice) {
    const page = setUpPage(t)
    const prefix = `/live${++prefixes}`
    const browser: { cookie: SessionInfo; online: boolean; why?: string } = { cookie: first, online: true }
    const asked: string[] = []
    /** Answers that wait until the test lets them go. */
    let held: (() => void)[] | null = null

    const fetch = async (path: string, init: RequestInit): Promise<Response> => {
      const name = path.slice(prefix.length)
      asked.push(name)
      if (!browser.online) throw new TypeError('fetch failed')
      if (name === '/logout') browser.cookie = nobody
      // With its answer the browser gets another cookie, which says nothing any more.
      if (name === '/session') delete browser.why
      const body = JSON.stringify(browser.cookie)
      const { why } = browser
      const hold = held
      if (hold !== null && init.method === undefined) await new Promise<void>((go) => hold.push(go))
      return new Response(body, { headers: { 'content-type': 'application/json', ...(why !== undefined && { 'x-gs-ended': why }) } })
    }
    const openTab = (session: SessionInfo | undefined = first): GsClient => {
      const tab = createGsClient({ prefix, fetch, EventSource: Source, ...(session && { session }) })
      t.after(tab.subscribe(() => undefined))
      return tab
    }
    return {
      ...page,
      browser,
      asked,
      openTab,
      hold: () => (held = []),
      release: () => held!.splice(0).forEach((go) => go()),
      /** The live part is loaded, answers and messages of other tabs arrive. */
      settle: async () => {
        for (let n = 0; n < 20; n++) await new Promise(setImmediate)
      }
    }
  }

  const stateOf = (tab: GsClient) => {
    const state = tab.getSnapshot()
    return [state.session?.username ?? null, state.status === 'ready' ? state.ended : undefined]
  }

  test('follows who is logged in, and nobody else', async (t) => {
    const { openTab, settle } = setUp(t, nobody)
    openTab()
    await settle()
    assert.equal(FakeSource.opened.length, 0)
  })

  test('shows what the stream says', async (t) => {
    const { openTab, settle, asked } = setUp(t)
    const tab = openTab()
    await settle()
    FakeSource.last.send('session', { ...alice, email: 'new@mail.test' })
    assert.equal(tab.getSnapshot().session?.email, 'new@mail.test')
    assert.deepEqual(asked, [])
  })

  test('shows the end of the session with its cause, and asks once', async (t) => {
    const { openTab, settle, browser, wait, asked } = setUp(t)
    const tab = openTab()
    await settle()
    browser.cookie = nobody
    FakeSource.last.send('ended', { cause: 'revoked' })
    wait(200)
    await settle()
    assert.deepEqual(stateOf(tab), [null, 'revoked'])
    wait(hour)
    await settle()
    assert.deepEqual(asked, ['/events'])
    assert.equal(FakeSource.open, 0)
  })

  test('takes the session that follows at once for no end', async (t) => {
    const { openTab, settle, browser, wait } = setUp(t)
    const tab = openTab()
    await settle()
    const seen: unknown[] = []
    t.after(tab.subscribe(() => seen.push(stateOf(tab)[0])))
    FakeSource.last.send('ended', { cause: 'login' })
    // The cookie comes with the answer to the tab that logged in.
    browser.cookie = member('alice', 'session-2')
    wait(200)
    await settle()
    assert.deepEqual(seen, ['alice'])
    assert.equal(FakeSource.open, 1)
  })

  test('keeps the cause, though a question from before the end is answered after it', async (t) => {
    const { openTab, settle, browser, wait, hold, release, window } = setUp(t)
    const tab = openTab()
    await settle()
    wait(3000)
    hold()
    window.dispatchEvent(new Event('online'))
    wait(150)
    browser.cookie = nobody
    FakeSource.last.send('ended', { cause: 'idle' })
    release()
    await settle()
    assert.deepEqual(stateOf(tab), ['alice', undefined])
    wait(150)
    release()
    await settle()
    assert.deepEqual(stateOf(tab), [null, 'idle'])
  })

  test('an answer that was overtaken by a login undoes nothing', async (t) => {
    const { openTab, settle, browser, wait, hold, release, window } = setUp(t, nobody)
    const tab = openTab()
    wait(3000)
    hold()
    window.dispatchEvent(new Event('online'))
    wait(150)
    browser.cookie = alice
    await tab.login({ username: 'alice', password: 'secret' })
    release()
    await settle()
    assert.deepEqual(stateOf(tab), ['alice', undefined])
  })

  test('tabs tell each other without a storm of questions', async (t) => {
    const { openTab, settle, browser, wait, asked } = setUp(t)
    const tabs = Array.from({ length: 8 }, () => openTab())
    await settle()
    assert.equal(FakeSource.open, 8)
    browser.cookie = nobody
    for (const stream of FakeSource.opened) stream.send('ended', { cause: 'password-changed' })
    await settle()
    wait(150)
    await settle()
    wait(hour)
    await settle()
    for (const tab of tabs) assert.deepEqual(stateOf(tab), [null, 'password-changed'])
    assert.ok(asked.length <= 16, `${asked.length} questions`)
  })

  test('a tab in the background hears the end and its cause from one that is seen', async (t) => {
    const { openTab, settle, browser, wait, page } = setUp(t)
    page.visibilityState = 'hidden'
    const hidden = openTab()
    await settle()
    assert.equal(FakeSource.opened.length, 0)
    page.visibilityState = 'visible'
    const seen = openTab()
    await settle()
    browser.cookie = nobody
    FakeSource.last.send('ended', { cause: 'revoked' })
    await settle()
    wait(150)
    await settle()
    assert.deepEqual(
      [stateOf(hidden), stateOf(seen)],
      [
        [null, 'revoked'],
        [null, 'revoked']
      ]
    )
  })

  test('believes no tab what happened to another session', async (t) => {
    const { openTab, settle, browser, wait } = setUp(t)
    const tab = openTab()
    await settle()
    const channel = new BroadcastChannel(`gs-ui:${tab.prefix}`)
    t.after(() => channel.close())
    for (const message of [{ session: 'session-0', cause: 'logout' }, { session: 'session-1', cause: {} }, 'changed', 7, null, []]) {
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a channel is bound to its origin
      channel.postMessage(message)
    }
    await settle()
    wait(150)
    await settle()
    assert.deepEqual(stateOf(tab), ['alice', undefined])
    browser.cookie = nobody
    wait(hour)
    await settle()
    assert.deepEqual(stateOf(tab), [null, 'unknown'])
  })

  test('a logout is no surprise in its own tab, and one with its cause in the others', async (t) => {
    const { openTab, settle, wait } = setUp(t)
    const own = openTab()
    const other = openTab()
    await settle()
    const leaving = own.logout()
    for (const stream of FakeSource.opened) stream.send('ended', { cause: 'logout' })
    await leaving
    await settle()
    wait(150)
    await settle()
    assert.deepEqual(stateOf(own), [null, undefined])
    assert.deepEqual(stateOf(other), [null, 'logout'])
  })

  test('learns by asking why the session is over, when there is no stream', async (t) => {
    const { openTab, settle, browser, wait } = setUp(t)
    const tabs = [openTab(), openTab()]
    await settle()
    for (const stream of FakeSource.opened) stream.refuse()
    Object.assign(browser, { cookie: nobody, why: 'account-locked' })
    wait(150)
    await settle()
    for (const tab of tabs) assert.deepEqual(stateOf(tab), [null, 'account-locked'])
  })

  test('learns why the session is over before the browser gets another cookie', async (t) => {
    const { openTab, settle, browser, asked } = setUp(t)
    const tab = openTab()
    await settle()
    Object.assign(browser, { cookie: nobody, why: 'idle' })
    await tab.refresh()
    assert.deepEqual(stateOf(tab), [null, 'idle'])
    assert.deepEqual(asked, ['/events', '/session'])
    await tab.refresh()
    assert.deepEqual(asked.slice(2), ['/session'])
  })

  test('takes the end of a former session for none of the one that has begun since', async (t) => {
    const { openTab, settle, browser, wait, hold, release, window } = setUp(t)
    const tab = openTab()
    await settle()
    wait(3000)
    hold()
    browser.why = 'idle'
    window.dispatchEvent(new Event('online'))
    wait(150)
    delete browser.why
    browser.cookie = member('alice', 'session-2')
    await tab.login({ username: 'alice', password: 'secret' })
    release()
    await settle()
    browser.cookie = nobody
    window.dispatchEvent(new Event('online'))
    wait(3000)
    window.dispatchEvent(new Event('online'))
    wait(150)
    release()
    await settle()
    assert.deepEqual(stateOf(tab), [null, 'unknown'])
  })

  test('asks again as soon as somebody looks at the page again', async (t) => {
    const { openTab, settle, browser, wait, page, asked } = setUp(t, nobody)
    const tab = openTab()
    page.show('hidden')
    wait(hour)
    assert.deepEqual(asked, [])
    browser.cookie = alice
    page.show('visible')
    wait(150)
    await settle()
    assert.deepEqual(stateOf(tab), ['alice', undefined])
    assert.equal(FakeSource.open, 1)
  })

  test('shows the end after a sleep, though nothing was heard', async (t) => {
    const { openTab, settle, browser, wait, sleep } = setUp(t)
    const tab = openTab()
    await settle()
    FakeSource.last.send('session', alice)
    browser.cookie = nobody
    sleep(8 * hour)
    wait(1000)
    await settle()
    wait(150)
    await settle()
    assert.deepEqual(stateOf(tab), [null, 'unknown'])
  })

  test('keeps the session while it is offline, and corrects it when it is back', async (t) => {
    const { openTab, settle, browser, wait, window } = setUp(t)
    const tab = openTab()
    await settle()
    browser.online = false
    FakeSource.last.refuse()
    wait(30_000)
    await settle()
    assert.deepEqual(stateOf(tab), ['alice', undefined])
    browser.online = true
    browser.cookie = nobody
    window.dispatchEvent(new Event('online'))
    wait(150)
    await settle()
    assert.deepEqual(stateOf(tab), [null, 'unknown'])
  })

  test('never asks for what would be a sign of life', async (t) => {
    const { openTab, settle, wait, page, window, asked } = setUp(t)
    openTab()
    await settle()
    FakeSource.last.refuse()
    for (let n = 0; n < 10; n++) {
      wait(60_000)
      page.show('hidden')
      page.show('visible')
      window.dispatchEvent(new Event('online'))
      await settle()
    }
    assert.ok(asked.length > 10)
    assert.deepEqual([...new Set(asked)], ['/events'])
  })

  test('tells who wants to know that the list of sessions has changed', async (t) => {
    const { openTab, settle } = setUp(t)
    const tab = openTab()
    await settle()
    let changes = 0
    const stop = tab.onSessionsChanged(() => changes++)
    FakeSource.last.send('sessions')
    FakeSource.last.send('login', { session: 'session-2' })
    FakeSource.last.send('sessions')
    await settle()
    stop()
    FakeSource.last.send('sessions')
    await settle()
    assert.equal(changes, 2)
  })

  /** Everything that a tab is told, one after the other. */
  const eventsOf = (t: TestContext, tab: GsClient) => {
    const events: unknown[] = []
    t.after(tab.onEvent((event) => events.push(event)))
    return events
  }

  test('tells each event once in each tab, after the state has it', async (t) => {
    const { openTab, settle } = setUp(t, member('alice', 'session-1', { verified: false, mask: 1 }))
    const tabs = [openTab(), openTab()]
    const told = tabs.map((tab) => eventsOf(t, tab))
    const seen: unknown[] = []
    t.after(tabs[0]!.onEvent(({ type }) => type === 'verified' && seen.push(tabs[0]!.getSnapshot().session?.verified)))
    await settle()
    for (const stream of FakeSource.opened) {
      // The named ones come before the session that has them.
      stream.send('verified', { verified: true }, '3')
      stream.send('mask', { mask: 5, sectors: [] }, '3')
      stream.send('session', alice, '3')
      stream.send('login', { session: 'session-2' }, '4')
      stream.send('logout', { session: 'session-2', cause: 'logout' }, '5')
    }
    await settle()
    for (const events of told) {
      assert.deepEqual(events, [
        { type: 'verified', verified: true },
        { type: 'mask', mask: 5, sectors: [] },
        { type: 'login', session: 'session-2' },
        { type: 'logout', session: 'session-2', cause: 'logout' }
      ])
    }
    assert.deepEqual(seen, [true])
  })

  test('tells without a stream what it can find out by asking', async (t) => {
    const { openTab, settle, browser, wait } = setUp(t, member('alice', 'session-1', { verified: false, mask: 1 }))
    const tab = openTab()
    const events = eventsOf(t, tab)
    await settle()
    FakeSource.last.refuse()
    browser.cookie = member('alice', 'session-1', { email: 'new@mail.test', level: 30 })
    wait(150)
    await settle()
    browser.cookie = nobody
    wait(10_000)
    await settle()
    wait(150)
    await settle()
    const list = { type: 'sessions' }
    assert.deepEqual(events, [
      list,
      { type: 'verified', verified: true },
      { type: 'mask', mask: 5, sectors: [] },
      { type: 'level', level: 30 },
      { type: 'email', email: 'new@mail.test' },
      list,
      { type: 'ended', cause: 'unknown' }
    ])
  })

  test('listens for who wants only events', async (t) => {
    const { settle } = setUp(t)
    const client = createGsClient({ prefix: '/only-events', session: alice, EventSource: Source })
    const events: unknown[] = []
    const stop = client.onEvent((event) => events.push(event))
    await settle()
    FakeSource.last.send('login', { session: 'session-2' })
    await settle()
    assert.deepEqual(events, [{ type: 'login', session: 'session-2' }])
    stop()
    assert.equal(FakeSource.open, 0)
  })

  test('answers a stream that talks nonsense with a question, and not with one for each word', async (t) => {
    const { openTab, settle, wait, asked } = setUp(t)
    const tab = openTab()
    await settle()
    for (let n = 0; n < 100; n++) FakeSource.last.send('session', { username: { toString: 1 } })
    wait(150)
    await settle()
    assert.deepEqual(asked, ['/events'])
    assert.deepEqual(stateOf(tab), ['alice', undefined])
  })

  test('has nothing left when nobody listens any more', async (t) => {
    const { settle, wait, page, browser, asked } = setUp(t)
    const client = createGsClient({
      prefix: '/nobody-listens',
      session: alice,
      EventSource: Source,
      fetch: async () => {
        asked.push('/events')
        return new Response(JSON.stringify(browser.cookie), { headers: { 'content-type': 'application/json' } })
      }
    })
    const stop = client.subscribe(() => undefined)
    await settle()
    FakeSource.last.refuse()
    stop()
    wait(hour)
    page.show('hidden')
    page.show('visible')
    await settle()
    assert.deepEqual([asked, FakeSource.open], [[], 0])
    const again = client.subscribe(() => undefined)
    wait(150)
    await settle()
    assert.deepEqual(asked, ['/events'])
    again()
  })

  test('opens nothing when the listener has gone before the live part was there', async (t) => {
    const { settle } = setUp(t)
    const client = createGsClient({ prefix: '/gone', session: alice, EventSource: Source })
    client.subscribe(() => undefined)()
    await settle()
    assert.equal(FakeSource.opened.length, 0)
  })
})
