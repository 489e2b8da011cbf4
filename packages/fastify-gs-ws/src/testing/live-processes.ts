import type { TestContext } from 'node:test'
import { createLiveSessions } from '../live-sessions.ts'
import type { LiveListener, LiveSession, LiveSessions, LiveSessionsOptions } from '../live-sessions-types.ts'
import { memoryStore } from '../store/memory-store.ts'
import type { SessionStore, StoreChange } from '../store/session-store.ts'
import type { WsConnection } from '../ws-connection.ts'

export const t0 = Date.UTC(2026, 10, 21, 12)

/** A clock that stands until it is set. */
export const createClock = (at = t0) => {
  const clock = { at, now: () => clock.at }
  return clock
}

/** A store in memory that several processes of a test share: it tells changes, as those of a database do. Methods can be replaced. */
export function sharedStore(): { -readonly [Name in keyof SessionStore]: SessionStore[Name] } {
  const store = memoryStore()
  return {
    ...store,
    async changes(watched) {
      const changes: StoreChange[] = []
      for (const [id, version] of watched) {
        const stored = await store.find(id, 0)
        if (stored?.version !== version) changes.push({ id, version: stored?.version ?? null })
      }
      return changes
    }
  }
}

export interface LiveProcess extends LiveSessions {
  readonly logged: { readonly level: 'warn' | 'error'; readonly fields: Record<string, unknown>; readonly text: string }[]
}

/** What a process does with its sessions; its timers are as good as off, unless `refresh` says otherwise. */
export function startProcess(
  t: TestContext,
  store: SessionStore,
  { now = () => t0, ...options }: Partial<LiveSessionsOptions> & { readonly now?: () => number } = {}
): LiveProcess {
  const logged: LiveProcess['logged'] = []
  const say = (level: 'warn' | 'error') => (fields: object, text: string) => logged.push({ level, fields: { ...fields }, text })
  const sessions = createLiveSessions({
    store,
    options: { ids: 'random', idle: 30 * 24 * 3600, absolute: 365 * 24 * 3600, maxData: 65_536, refresh: 1e9, ...options },
    now,
    log: { warn: say('warn'), error: say('error') }
  })
  t.after(() => sessions.close())
  return { ...sessions, logged }
}

/** Joins a session as a connection does, and notes what it hears. */
export function join(live: LiveSession) {
  const heard: (number | string)[] = []
  const listener: LiveListener = { saved: (version) => heard.push(version), ended: (cause) => heard.push(cause) }
  const connection = {} as WsConnection
  return { heard, connection, leave: live.attach(connection, listener) }
}

/** What tests keep in sessions. */
export interface TestData {
  [name: string]: unknown
  a?: unknown
  b?: unknown
  c?: unknown
  count?: number
  list?: number[]
  text?: string
  big?: bigint
}

export const dataOf = ({ session }: LiveSession): TestData => session.data as TestData

export const anonymous = { fromClient: undefined, owner: null, dialect: 'gs-sessions.1' } as const

/** A new session in one process, and the same in another one. */
export async function createShared(one: LiveSessions, other: LiveSessions, data: Record<string, unknown> = {}) {
  const { live, secret } = await one.create({ ...anonymous, dialect: 'webgram' })
  Object.assign(live.session.data, structuredClone(data))
  await live.save()
  const resumed = await other.resume({ ...anonymous, dialect: 'webgram', id: live.session.id, secret })
  if (typeof resumed === 'string') throw new Error(resumed)
  return { here: live, there: resumed.live, secret }
}
