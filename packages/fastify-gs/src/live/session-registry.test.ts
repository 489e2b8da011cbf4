import assert from 'node:assert/strict'
import { describe, it, type TestContext } from 'node:test'
import { createKeyRing } from '../crypto/tokens.ts'
import type { SessionEndCause, SessionEndListener } from '../hooks.ts'
import { createActivity } from '../sessions/activity.ts'
import { accountVisit, type AccountVisit } from '../sessions/visit.ts'
import type { WatchedAccount, WatchedSession, WatchedSessions } from '../sessions/watched-sessions.ts'
import { Clock } from '../testing/build.ts'
import { Queue } from '../testing/queue.ts'
import { longestRead, type Change } from './change-log.ts'
import { createSessionRegistry, type Connection, type RegistrySettings } from './session-registry.ts'

const minute = 60_000
const day = 86_400_000
const limits = { idle: 60 * minute, absolute: day, remembered: 90 * day }
const keys = createKeyRing(['only-for-tests-0123456789-abcdefghij'])

/** A registry on tables of the test's own. */
function watched(t: TestContext, settings: Partial<RegistrySettings> = {}) {
  const clock = new Clock()
  const sessions = new Map<string, WatchedSession | 'locked'>()
  const accounts = new Map<string, WatchedAccount>()
  const listeners = new Set<SessionEndListener>()
  const asked: number[] = []
  const changes: Change[] = []
  let news: (() => void) | undefined
  const logged: string[] = []
  const log = (_facts: unknown, message?: unknown) => void logged.push(String(message ?? _facts))
  const find: WatchedSessions = {
    sessions(ids) {
      asked.push(ids.length)
      return new Map(ids.flatMap((id) => (sessions.has(id) ? [[id, sessions.get(id)!]] : [])))
    },
    accounts: (ids) => new Map(ids.flatMap((id) => (accounts.has(id) ? [[id, accounts.get(id)!]] : [])))
  }
  const registry = createSessionRegistry({
    find,
    log: {
      ordered: true,
      position: () => changes.at(-1)?.id ?? 0,
      endOf: () => null,
      after: (id) => changes.filter((change) => change.id > id),
      listen(listener) {
        news = listener
        return async () => (news = undefined)
      }
    },
    events: {
      onSessionEnd(listener) {
        listeners.add(listener)
        return () => void listeners.delete(listener)
      }
    },
    activity: createActivity(minute),
    activityInterval: minute,
    limits,
    keys,
    logger: { error: log, warn: log } as RegistrySettings['logger'],
    now: () => clock.now,
    // As good as never.
    interval: 1_000_000,
    ...settings
  })
  t.after(() => registry.close())
  const add = (id: string, change: Partial<WatchedSession> = {}): WatchedSession => {
    const found: WatchedSession = {
      id,
      tokenHash: `hash of ${id}`,
      former: false,
      formerHash: null,
      createdAt: clock.now,
      lastActiveAt: clock.now,
      expiresAt: clock.now + day,
      remember: false,
      forgotAt: null,
      account: {
        id: 'a',
        username: 'alice',
        email: null,
        verified: true,
        admin: false,
        configured: false,
        language: null,
        mustChangePassword: false
      },
      level: 10,
      sectors: 0,
      tokenAt: 0,
      tokenUnused: false,
      referer: null,
      ...change
    }
    sessions.set(id, found)
    accounts.set(found.account.id, { locked: false })
    return found
  }
  const visit = (found: WatchedSession): AccountVisit => accountVisit(keys, found, limits, { ip: '192.0.2.1', headers: {} }, clock.now)
  const connect = (found: WatchedSession, change: Partial<Connection> = {}) => {
    const told = new Queue<string>()
    const leave = registry.connect(visit(found), {
      kind: 'page',
      ended: (cause) => told.push(`ended ${cause}`),
      renewed: () => told.push('renewed'),
      changed: ({ account, mask, level }) => told.push(`changed ${account.username} ${mask} ${level}`),
      sessionsChanged: () => told.push('sessions'),
      closing: () => told.push('closing'),
      happened: ({ type, sessionId, cause }) => told.push(cause === null ? `${type} ${sessionId}` : `${type} ${sessionId} ${cause}`),
      ...change
    })
    return { leave, told, all: told.all }
  }
  const ended = (sessionId: string, cause: SessionEndCause) => {
    for (const listener of listeners) listener({ sessionId, accountId: 'a', cause })
  }
  /** What any process may have committed. */
  const commit = (...given: readonly NewChange[]) => {
    for (const change of given) changes.push({ ...change, id: (changes.at(-1)?.id ?? 0) + 1 })
  }
  return { registry, clock, sessions, accounts, asked, changes, commit, news: () => news?.(), logged, listeners, add, connect, ended }
}

type NewChange = Change extends infer C ? (C extends Change ? Omit<C, 'id'> : never) : never

/** What has begun without a timer is done. */
const settled = async () => {
  for (let n = 0; n < 10; n++) await new Promise(setImmediate)
}

describe('the registry of connected sessions', () => {
  it('tells an end in this process at once, to all connections of that session only', (t) => {
    const { registry, add, connect, ended } = watched(t)
    const one = add('one')
    const both = [connect(one), connect(one, { kind: 'socket' })]
    const other = connect(add('two'))
    assert.deepEqual([registry.countOfSession('one', 'page'), registry.countOfSession('one', 'socket')], [1, 1])
    assert.deepEqual([registry.countOfAccount('a', 'page'), registry.countOfAccount('a', 'socket')], [2, 1])
    ended('one', 'logout')
    ended('one', 'revoked')
    for (const { all } of both) assert.deepEqual(all, ['ended logout'])
    assert.deepEqual(other.all, [])
    assert.deepEqual([registry.countOfAccount('a', 'page'), registry.countOfAccount('a', 'socket')], [1, 0])
    for (const { leave } of both) leave!()
    assert.equal(registry.countOfAccount('a', 'page'), 1)
  })

  const outside: [what: string, told: string[], change: (tables: ReturnType<typeof watched>, found: WatchedSession) => void][] = [
    ['nothing', [], () => undefined],
    ['the end of the session', ['ended revoked'], ({ sessions }) => void sessions.delete('s')],
    [
      'the deletion of the account',
      ['ended account-deleted'],
      ({ sessions, accounts }) => {
        sessions.clear()
        accounts.clear()
      }
    ],
    [
      'a lock',
      ['ended account-locked'],
      ({ sessions, accounts }) => {
        sessions.clear()
        accounts.set('a', { locked: true })
      }
    ],
    ['a lock that a login has overtaken', ['ended account-locked'], ({ sessions }) => void sessions.set('s', 'locked')],
    ['a new token', ['renewed'], ({ sessions }, found) => void sessions.set('s', { ...found, tokenHash: 'another', level: 30 })],
    ['another level', ['changed alice 5 30'], ({ sessions }, found) => void sessions.set('s', { ...found, level: 30 })],
    ['sector 31', ['changed alice 2147483653 10'], ({ sessions }, found) => void sessions.set('s', { ...found, sectors: 0x8000_0000 })],
    [
      'another name',
      ['changed bob 5 10'],
      ({ sessions }, found) => void sessions.set('s', { ...found, account: { ...found.account, username: 'bob' } })
    ],
    ['the idle time', ['ended idle'], ({ clock }) => clock.advance(3600)],
    ['the absolute end', ['ended absolute'], ({ clock, sessions }, found) => void sessions.set('s', { ...found, expiresAt: clock.now })],
    [
      'the idle time when the row is pruned already',
      ['ended idle'],
      ({ clock, sessions }) => {
        clock.advance(3600)
        sessions.clear()
      }
    ]
  ]
  for (const [what, told, change] of outside)
    it(`tells ${what} at the next comparison, once`, async (t) => {
      const tables = watched(t)
      const found = tables.add('s')
      const { all } = tables.connect(found)
      await tables.registry.check()
      assert.deepEqual(all.splice(0), ['sessions'])
      change(tables, found)
      await tables.registry.check()
      await tables.registry.check()
      assert.deepEqual(all, told)
      assert.equal(tables.registry.countOfSession('s', 'page'), /^(ended|renewed)/.test(told[0] ?? '') ? 0 : 1)
    })

  it('keeps a connection of the former token until the new one has been used, and ends those of older ones', async (t) => {
    const { registry, sessions, add, connect } = watched(t)
    const found = add('s')
    const [former, older] = [connect(found), connect({ ...found, tokenHash: 'older' })]
    const renewed = { ...found, tokenHash: 'new', tokenUnused: true, formerHash: found.tokenHash }
    sessions.set('s', renewed)
    await registry.check()
    const newest = connect(renewed)
    await registry.check()
    assert.deepEqual(
      [former, older, newest].map(({ all }) => all.includes('renewed')),
      [false, true, false]
    )
    sessions.set('s', { ...renewed, tokenUnused: false, formerHash: null })
    await registry.check()
    assert.deepEqual(
      [former, newest].map(({ all }) => all.includes('renewed')),
      [true, false]
    )
  })

  it('tells a connection what changed between its request and its coming', async (t) => {
    const { registry, sessions, add, connect } = watched(t)
    const found = add('s')
    const early = connect(found)
    sessions.set('s', { ...found, level: 30 })
    await registry.check()
    const late = connect(found)
    await registry.check()
    assert.equal(early.all[0], 'changed alice 5 30')
    assert.equal(late.all[0], 'changed alice 5 30')
  })

  it('does not take a new connection for one of the old token because of an older answer of the database', async (t) => {
    let answer: (() => void) | undefined
    const old = new Map<string, WatchedSession>()
    const tables = watched(t, {
      find: {
        sessions: () => new Promise((resolve) => (answer = () => resolve(old))),
        accounts: () => new Map([['a', { locked: false }]])
      }
    })
    const found = tables.add('s')
    old.set('s', found)
    const early = tables.connect(found)
    const checking = tables.registry.check()
    await new Promise(setImmediate)
    const late = tables.connect({ ...found, tokenHash: 'new' })
    answer!()
    await checking
    assert.ok(!late.all.includes('renewed'))
    old.set('s', { ...found, tokenHash: 'new' })
    const again = tables.registry.check()
    await new Promise(setImmediate)
    answer!()
    await again
    assert.ok(early.all.includes('renewed') && !late.all.includes('renewed'))
  })

  it('asks for 500 sessions at once, and tells all of them', async (t) => {
    const { registry, asked, add, connect, sessions } = watched(t)
    const all = Array.from({ length: 1201 }, (_, n) => connect(add(`s${n}`)).all)
    sessions.clear()
    await registry.check()
    assert.deepEqual(asked, [500, 500, 201])
    assert.ok(all.every((told) => told.join() === 'ended revoked'))
  })

  it('goes on when a connection fails, and when the database does', async (t) => {
    let failing = false
    const tables = watched(t, {})
    const { registry, logged, add, connect, ended, sessions } = tables
    const found = add('s')
    connect(found, {
      ended() {
        throw new Error('broken')
      }
    })
    const { all } = connect(found)
    ended('s', 'revoked')
    assert.deepEqual([all, logged.splice(0)], [['ended revoked'], ['a connection of a session failed']])

    const other = add('t')
    const { all: others } = connect(other)
    const get = sessions.has.bind(sessions)
    sessions.has = (id) => {
      if (failing) throw new Error('no database')
      return get(id)
    }
    failing = true
    await registry.check()
    await registry.check()
    assert.equal(logged.length, 1)
    assert.match(logged[0]!, /cannot be watched/)
    failing = false
    sessions.delete('t')
    await registry.check()
    assert.equal(others.at(-1), 'ended revoked')
    assert.match(logged[1]!, /watched again/)
  })

  it('knows whether it is current: not after a pause, nor when the last look has failed', async (t) => {
    const elapsed = performance.now.bind(performance)
    let paused = 0
    t.mock.method(performance, 'now', () => elapsed() + paused)
    const { registry, add, connect, sessions } = watched(t, {})
    assert.equal(registry.isCurrent(), false)
    connect(add('s'))
    assert.equal(await registry.checkSession('s'), true)
    assert.equal(registry.isCurrent(), true)
    paused = 1100
    assert.equal(registry.isCurrent(), false)
    const has = sessions.has.bind(sessions)
    sessions.has = () => {
      throw new Error('no database')
    }
    assert.equal(await registry.checkSession('s'), false)
    assert.equal(registry.isCurrent(), false)
    sessions.has = has
    assert.equal(await registry.checkSession('s'), true)
    assert.equal(registry.isCurrent(), true)
  })

  it('asks at once for who has connected, then for what the log says, and for everybody in turn', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const second = async () => {
      t.mock.timers.tick(1000)
      await settled()
    }
    const { asked, add, commit, connect } = watched(t, { interval: 1000, fullRound: 4000 })
    const found = ['s', 't', 'u', 'v'].map((id) => add(id))
    await second()
    assert.deepEqual(asked, [])
    const leave = found.map((session) => connect(session).leave!)
    await settled()
    assert.deepEqual(asked.splice(0), [4])
    for (let n = 0; n < 8; n++) await second()
    assert.deepEqual(asked.splice(0), [1, 1, 1, 1, 1, 1, 1, 1])
    commit({ type: 'account', accountId: 'a', sessionId: null }, { type: 'account', accountId: 'other', sessionId: null })
    await second()
    assert.deepEqual(asked.splice(0), [4])
    commit({ type: 'account', accountId: null, sessionId: null })
    await second()
    assert.deepEqual(asked.splice(0), [4])
    for (const each of leave) each()
    await second()
    await second()
    assert.deepEqual(asked, [])
    connect(found[0]!)
    await settled()
    assert.deepEqual(asked, [1])
  })

  it('tells what the log says once: ends with their cause, and logins and logouts to the other sessions of the account', async (t) => {
    const { registry, sessions, add, commit, connect, asked } = watched(t)
    commit({ type: 'login', accountId: 'a', sessionId: 'one' }, { type: 'end', accountId: 'a', sessionId: 'old', cause: 'logout' })
    const one = connect(add('one')).all
    const two = connect(add('two'), { kind: 'socket' }).all
    await registry.committed()
    for (const told of [one, two]) assert.deepEqual(told.splice(0), ['sessions'])
    asked.splice(0)
    commit({ type: 'login', accountId: 'a', sessionId: 'three' }, { type: 'login', accountId: 'b', sessionId: 'four' })
    await registry.committed()
    await registry.committed()
    for (const told of [one, two]) assert.deepEqual(told.splice(0), ['login three', 'sessions'])
    sessions.delete('two')
    commit({ type: 'end', accountId: 'a', sessionId: 'two', cause: 'password-changed' })
    await registry.committed()
    assert.deepEqual([one, two], [['logout two password-changed', 'sessions'], ['ended password-changed']])
    assert.deepEqual(asked, [])
    assert.equal(registry.countOfAccount('a', 'socket'), 0)
  })

  it('tells an account that its sessions have other connections in another process, and asks the database nothing', async (t) => {
    const { registry, accounts, add, commit, connect, asked } = watched(t)
    const both = [connect(add('one')).all, connect(add('two')).all]
    await registry.committed()
    for (const told of both) told.splice(0)
    asked.splice(0)
    commit({ type: 'connections', accountId: 'a' }, { type: 'connections', accountId: 'b' })
    await registry.committed()
    await registry.committed()
    assert.deepEqual([both, asked, accounts.size], [[['sessions'], ['sessions']], [], 1])
  })

  it('says of which session there is another number of connections, until nobody wants to know', async (t) => {
    const { registry, add, connect, ended, sessions } = watched(t)
    const said: string[] = []
    const stop = registry.onCounts((id) =>
      said.push(`${id} ${registry.countOfSession(id, 'page')} ${registry.countOfSession(id, 'socket')}`)
    )
    const one = add('one')
    const { leave } = connect(one)
    connect(one, { kind: 'socket' })
    connect(add('two'))
    leave!()
    ended('two', 'logout')
    assert.deepEqual(said.splice(0), ['one 1 0', 'one 1 1', 'two 1 0', 'one 0 1', 'two 0 0'])
    sessions.set('one', { ...one, tokenHash: 'another' })
    await registry.check()
    assert.deepEqual(said.splice(0), ['one 0 0'])
    stop()
    connect(add('three'))
    assert.deepEqual(said, [])
  })

  it('hears entries that appear behind one with a higher id, as on PostgreSQL, and none twice', async (t) => {
    const { registry, add, changes, connect } = watched(t, {
      log: {
        ordered: false,
        position: () => Promise.resolve(changes0.at(-1)?.id ?? 0),
        endOf: () => null,
        after: (id) => Promise.resolve(changes0.filter((change) => change.id > id).toSorted((a, b) => a.id - b.id)),
        listen: () => async () => undefined
      }
    })
    const changes0 = changes
    const { all } = connect(add('one'))
    await registry.committed()
    all.splice(0)
    const login = (id: number): Change => ({ type: 'login', id, accountId: 'a', sessionId: `s${id}` })
    changes.push(login(7))
    await registry.committed()
    changes.push(login(6), login(8))
    await registry.committed()
    await registry.committed()
    assert.deepEqual(all, ['login s7', 'sessions', 'login s6', 'login s8', 'sessions'])
  })

  for (const [disturbed, disturb] of [
    ['there is news all the time', ({ registry }) => void registry.committed()],
    [
      'others come and go',
      ({ add, connect, sessions }) => {
        const visitors = [...sessions.keys()].filter((id) => id.startsWith('visitor'))
        for (const id of visitors) sessions.delete(id)
        for (const one of ['one', 'two']) connect(add(`visitor ${one} ${Math.random()}`))
      }
    ]
  ] as [string, (tables: ReturnType<typeof watched>) => void][]) {
    it(`compares everybody in turn though ${disturbed}`, async (t) => {
      t.mock.timers.enable({ apis: ['setTimeout'] })
      const tables = watched(t, { interval: 1000, fullRound: 4000 })
      const { sessions, add, connect } = tables
      const round = async () => {
        for (let n = 0; n < 8; n++) {
          disturb(tables)
          t.mock.timers.tick(1000)
          await settled()
        }
      }
      const [first] = ['s', 't', 'u', 'v'].map((id) => connect(add(id)))
      await round()
      // By hand: the log has nothing of it.
      sessions.delete('s')
      await round()
      assert.equal(first!.all.at(-1), 'ended revoked')
    })
  }

  it('tells the end that is certain though the database does not answer at all', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout', 'setInterval'] })
    let answers = true
    let answer: (rows: ReadonlyMap<string, WatchedSession>) => void = () => undefined
    const { add, clock, connect } = watched(t, {
      interval: 1000,
      find: {
        sessions: (ids) => (answers ? new Map(ids.map((id) => [id, found])) : new Promise((resolve) => (answer = resolve))),
        accounts: () => new Map()
      }
    })
    const found = add('s', { expiresAt: clock.now + 2500 })
    const { all } = connect(found)
    await settled()
    answers = false
    for (let ms = 0; ms < 4000; ms += 500) {
      clock.now += 500
      t.mock.timers.tick(500)
      await settled()
      assert.equal(all.includes('ended absolute'), ms >= 2500, `after ${ms} ms`)
    }
    answer(new Map())
  })

  it('hears entries that appear behind the newest one at the time at which the first one connects, as on PostgreSQL', async (t) => {
    const entries: Change[] = [{ type: 'login', id: 7, accountId: 'a', sessionId: 's7' }]
    const { registry, add, connect } = watched(t, {
      log: {
        ordered: false,
        position: () => Promise.resolve(entries.at(-1)?.id ?? 0),
        endOf: () => null,
        after: (id) => Promise.resolve(entries.filter((change) => change.id > id).toSorted((a, b) => a.id - b.id)),
        listen: () => async () => undefined
      }
    })
    const { all } = connect(add('one'))
    await registry.committed()
    all.splice(0)
    entries.unshift({ type: 'end', id: 6, accountId: 'a', sessionId: 'one', cause: 'revoked' })
    await registry.committed()
    assert.deepEqual(all, ['ended revoked'])
  })

  it('reads again only what has a gap before it, as on PostgreSQL', async (t) => {
    const entries: Change[] = []
    const asked: number[] = []
    const { registry, add, connect } = watched(t, {
      log: {
        ordered: false,
        position: () => Promise.resolve(0),
        endOf: () => null,
        after(id) {
          asked.push(id)
          return Promise.resolve(entries.filter((change) => change.id > id).toSorted((a, b) => a.id - b.id))
        },
        listen: () => async () => undefined
      }
    })
    connect(add('one'))
    await registry.committed()
    asked.splice(0)
    for (const id of [1, 2, 4, 5, 3, 6]) {
      entries.push({ type: 'login', id, accountId: 'other', sessionId: `s${id}` })
      await registry.committed()
    }
    assert.deepEqual(asked, [0, 1, 2, 2, 2, 5])
  })

  it('lets others have their turn while it reads what has come in a long time', async (t) => {
    const { registry, add, connect } = watched(t, {
      log: {
        ordered: true,
        position: () => 0,
        endOf: () => null,
        after: (id) => given.filter((change) => change.id > id).slice(0, longestRead),
        listen: () => async () => undefined
      }
    })
    const given: Change[] = []
    const { all } = connect(add('one'))
    await registry.committed()
    for (let id = 1; id <= 3 * longestRead; id++) given.push({ type: 'login', id, accountId: 'other', sessionId: `s${id}` })
    given.push({ type: 'end', id: given.length + 1, accountId: 'a', sessionId: 'one', cause: 'revoked' })
    let turns = 0
    const count = () => {
      turns++
      if (all.at(-1) !== 'ended revoked') setImmediate(count)
    }
    setImmediate(count)
    await registry.committed()
    assert.equal(all.at(-1), 'ended revoked')
    assert.ok(turns >= 3)
  })

  it('looks at once when the database says that there is something new', async (t) => {
    const { add, commit, connect, news } = watched(t)
    const { all, told } = connect(add('one'))
    await told.next()
    commit({ type: 'end', accountId: 'a', sessionId: 'one', cause: 'revoked' })
    news()
    assert.equal(await told.next(), 'ended revoked')
    assert.equal(all.length, 2)
    news()
  })

  it('ends a connection whose session has ended between its request and its coming', async (t) => {
    const { add, connect, ended, registry } = watched(t)
    const found = add('one')
    ended('one', 'logout')
    const { told } = connect(found)
    assert.equal(await told.next(), 'ended logout')
    assert.equal(registry.countOfSession('one', 'page'), 0)
  })

  it('tells when a bit of the mask goes by time', async (t) => {
    const clock = new Clock()
    const { registry, add, connect } = watched(t, { now: () => clock.now })
    const { all } = connect(add('one', { forgotAt: clock.now, lastActiveAt: clock.now, expiresAt: clock.now + day }))
    await registry.committed()
    clock.advance(299)
    await registry.committed()
    assert.deepEqual(all.splice(0), ['sessions'])
    clock.advance(1)
    await registry.committed()
    assert.deepEqual(all, ['changed alice 5 10'])
  })

  it('keeps to ends that are further away than a timer of Node can be', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const { add, clock, connect, asked } = watched(t, { interval: 3600_000, fullRound: 1e15 })
    const { all } = connect(add('one', { remember: true, expiresAt: clock.now + 60 * day }))
    await settled()
    asked.splice(0)
    for (let hour = 0; hour < 60 * 24 - 1; hour++) {
      clock.advance(3600)
      t.mock.timers.tick(3600_000)
      await settled()
    }
    assert.ok(!all.includes('ended absolute'))
    clock.advance(3600)
    t.mock.timers.tick(3600_000)
    await settled()
    assert.equal(all.at(-1), 'ended absolute')
  })

  it('compares sooner when a session ends by time before the interval is over', async (t) => {
    const began = Date.now()
    const { add, connect } = watched(t, { now: Date.now })
    const found = add('s', { lastActiveAt: began, expiresAt: began + 60 })
    const { told } = connect(found)
    for (;;) {
      const said = await told.next()
      if (said === 'sessions') continue
      assert.equal(said, 'ended absolute')
      break
    }
    assert.ok(Date.now() >= began + 60)
  })

  it('asks a database that is out of reach no sooner, though a session may have ended by time', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    let asked = 0
    const { add, clock, connect, logged } = watched(t, {
      interval: 1000,
      find: {
        sessions() {
          asked++
          throw new Error('out of reach')
        },
        accounts: () => new Map()
      }
    })
    connect(add('s', { expiresAt: clock.now + 500 }))
    for (let ms = 0; ms < 3500; ms += 100) {
      clock.now += 100
      t.mock.timers.tick(100)
      await new Promise(setImmediate)
    }
    // At once, and then every second, until it has ended without the database.
    assert.deepEqual([asked, logged.length], [2, 1])
  })

  it('lets go of everybody when the server stops, and takes nobody any more', async (t) => {
    const { registry, listeners, add, connect } = watched(t)
    const found = add('s')
    const { all } = connect(found)
    await registry.close()
    await registry.close()
    assert.deepEqual(all, ['closing'])
    assert.equal(connect(found).leave, null)
    assert.deepEqual([listeners.size, registry.countOfSession('s', 'page'), registry.countOfAccount('a', 'page')], [0, 0, 0])
  })
})
