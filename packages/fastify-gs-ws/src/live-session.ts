import { randomInt } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { WsConflictError, WsEndedError, WsUnavailableError } from './errors.ts'
import { mostLinks, StoredLinks } from './link-numbers.ts'
import type { LinkNumbers, LiveListener, LiveSession, LiveSessionsParts } from './live-sessions-types.ts'
import { ignorePromise, isPromise } from './promises.ts'
import { areSame, composeMembers, memberOf, membersOf, parseMembers, putMember, type Members } from './session-members.ts'
import type { StoredSession } from './store/session-store.ts'
import type { WsConnection, WsSession } from './ws-connection.ts'

/** How often others may be quicker, and from which time on the next try waits a little. */
const patience = 100
const patientFrom = 3

const none: LinkNumbers = new Map()

/** What is to be written, and what happens in memory when it has been. */
interface Plan {
  readonly members: Members
  readonly written: () => void
}

export interface LiveParts extends LiveSessionsParts {
  /** It has its first connection. @throws {WsEndedError} there is another object for this session by now */
  readonly joined: (live: LoadedSession) => void
  /** Its last connection has gone. */
  readonly left: (live: LoadedSession) => void
  /** It is over; said once, before the listeners hear of it. */
  readonly over: (live: LoadedSession) => void
}

/** A session as `LiveSessions` has it: what connections see, and what goes on behind. It knows no secret and no hash of one. */
export class LoadedSession implements LiveSession {
  readonly session: WsSession
  version: number
  cause: string | null = null
  takenBack = 0
  idleUntil: number
  readonly absoluteUntil: number
  /** Since when nobody has it, ms since 1970; null: somebody has. */
  unusedSince: number | null
  readonly #parts: LiveParts
  readonly #listeners = new Map<WsConnection, LiveListener>()
  readonly #connections = new Set<WsConnection>()
  readonly #data: Record<string, unknown> = {}
  readonly #visits: { previous: number | null; latest: number }
  /** The newest that is known of the store. */
  #stored: Members
  /** What each member was when it was last the same here and there: what differs from that was changed here. */
  #base: Map<string, string>
  #links: StoredLinks
  /** Numbers of messages that another process has handled and saved, not this one. */
  readonly #foreign = new Map<string, number>()
  /** Numbers whose effects are in the data here, but not in the store: an attempt to save has failed. */
  readonly #owed = new Map<string, number>()
  #queue: Promise<unknown> = Promise.resolve()
  #queued = 0

  constructor(stored: StoredSession, parts: LiveParts) {
    this.#parts = parts
    this.version = stored.version
    this.idleUntil = stored.idleUntil
    this.absoluteUntil = stored.absoluteUntil
    this.unusedSince = parts.now()
    const visits = { previous: stored.previousVisit, latest: stored.latestVisit }
    this.#visits = visits
    this.#stored = parseMembers(stored.data)
    this.#base = new Map(this.#stored)
    this.#links = StoredLinks.parse(stored.links)
    for (const [name, text] of this.#stored) putMember(this.#data, name, text)
    this.session = Object.freeze({
      id: stored.id,
      data: this.#data,
      firstVisit: stored.firstVisit,
      get previousVisit() {
        return visits.previous
      },
      get latestVisit() {
        return visits.latest
      },
      fromClient: stored.fromClient === null ? undefined : (JSON.parse(stored.fromClient) as unknown),
      owner: stored.owner,
      connections: this.#connections
    })
  }

  get expiresAt() {
    const { now, options } = this.#parts
    return Math.min(this.unusedSince === null ? now() + options.idle * 1000 : this.idleUntil, this.absoluteUntil)
  }

  /** Whether something is being saved or loaded. */
  get busy() {
    return this.#queued > 0
  }

  /** Names of members that were changed here and not saved. */
  get unsaved(): string[] {
    const names = new Set([...Object.keys(this.#data), ...this.#base.keys()])
    return Array.from(names).filter((name) => memberOf(this.#data, name) !== this.#base.get(name))
  }

  attach(connection: WsConnection, listener: LiveListener) {
    if (this.cause !== null) throw this.#endedError()
    if (this.#connections.size === 0) this.#parts.joined(this)
    this.#listeners.set(connection, listener)
    this.#connections.add(connection)
    this.unusedSince = null
    return () => {
      if (this.#listeners.get(connection) !== listener) return
      this.#listeners.delete(connection)
      this.#connections.delete(connection)
      if (this.#connections.size > 0) return
      this.unusedSince = this.#parts.now()
      if (this.cause === null) this.#parts.left(this)
    }
  }

  handled(link: string) {
    return Math.max(this.#links.of(link), this.#owed.get(link) ?? 0)
  }

  async forget(link: string, handled: number) {
    if (handled <= this.handled(link) || this.isGivenUp(link)) return
    this.#owe(new Map([[link, handled]]))
    // Its effects may be among what is not saved yet: then they are saved together, or lost together.
    if (this.cause === null && this.unsaved.length === 0) await this.#inTurn(() => this.#writeOwed())
  }

  isGivenUp(link: string) {
    return this.#links.isGivenUp(link)
  }

  giveUp(link: string, handled: number): Promise<void> {
    return this.#inTurn(() =>
      this.#attempt(async () => {
        if (this.isGivenUp(link)) return true
        const n = Math.max(handled, this.handled(link))
        return this.#put(this.#stored, this.#links.without(link, n, this.#parts.now()), Infinity)
      })
    )
  }

  save(links: LinkNumbers = none, handling: string | null = null): Promise<void> {
    // Now, not when it is the turn: the effects are in the data already, so whoever saves before that saves them, and has to save the numbers too.
    this.#owe(links)
    return this.#inTurn(() =>
      this.#write(links, handling, () => {
        this.#refuseForeign(links, handling, () => this.#undo())
        const members = membersOf(this.#data, this.#base)
        const conflicts = this.#takeOver(members)
        if (conflicts.length > 0) throw this.#conflictError(conflicts)
        return {
          members,
          written: () => {
            this.#base = new Map(members)
          }
        }
      })
    )
  }

  update<T>(change: (data: WsSession['data']) => T, links: LinkNumbers = none, handling: string | null = null): Promise<T> {
    let result: T
    const write = () =>
      this.#write(links, handling, () => {
        this.#refuseForeign(links, handling)
        const before = membersOf(this.#data, this.#base)
        const conflicts = this.#takeOver(before)
        const newest = new Map(before)
        for (const name of conflicts) setOrDelete(newest, name, this.#stored.get(name))
        const copy = {}
        for (const [name, text] of newest) putMember(copy, name, text)
        result = change(copy)
        if (isPromise(result)) {
          ignorePromise(result)
          throw new TypeError(
            'The function for update() has given a promise; let it change the data at once, and await what it needs before'
          )
        }
        const members = membersOf(copy, newest)
        return { members, written: () => this.#place(before, members) }
      })
    return this.#inTurn(write).then(() => result)
  }

  /** What the store has now, as somebody has found it for this session. Resolves when it is here. */
  take(stored: StoredSession): Promise<void> {
    return this.#inTurn(async () => this.#learn(stored))
  }

  /** Looks what the store has. */
  reload(): Promise<void> {
    return this.#inTurn(() => this.#load())
  }

  /** Whether it is this session that the store has, and not another one that has got its id later. */
  isSameAs(stored: StoredSession) {
    return stored.firstVisit === this.session.firstVisit && stored.owner === this.session.owner
  }

  visited({ previousVisit, latestVisit, idleUntil }: Pick<StoredSession, 'previousVisit' | 'latestVisit' | 'idleUntil'>) {
    if (latestVisit >= this.#visits.latest) Object.assign(this.#visits, { previous: previousVisit, latest: latestVisit })
    this.idleUntil = Math.max(this.idleUntil, idleUntil)
    if (this.unusedSince !== null) this.unusedSince = this.#parts.now()
  }

  end(cause: string) {
    if (this.cause !== null) return
    this.cause = cause
    this.#parts.over(this)
    const listeners = Array.from(this.#listeners.values())
    for (const listener of listeners) this.#guard(() => listener.ended(cause))
  }

  /** Resolves when what was begun is done. */
  async settled() {
    while (this.busy) await this.#queue
  }

  #owe(links: LinkNumbers) {
    for (const [link, n] of links) if (n > (this.#owed.get(link) ?? 0)) this.#owed.set(link, n)
    while (this.#owed.size > mostLinks) this.#owed.delete(this.#owed.keys().next().value!)
  }

  #writeOwed(): Promise<void> {
    return this.#attempt(async () => {
      const next = this.#links.with(this.#owed, this.#parts.now())
      return next === null || this.#put(this.#stored, next, Infinity)
    })
  }

  #inTurn<T>(job: () => Promise<T>): Promise<T> {
    this.#queued++
    const done = this.#queue.then(job).finally(() => this.#queued--)
    this.#queue = done.catch(() => {})
    return done
  }

  /** Writes what the plan says, by the version; when another process was quicker, what a new plan says. */
  async #write(links: LinkNumbers, handling: string | null, plan: () => Plan): Promise<void> {
    const { now, options } = this.#parts
    await this.#attempt(async () => {
      const { members, written } = plan()
      const changed = !areSame(members, this.#stored)
      const next = this.#links.with(new Map([...this.#owed, ...links]), now())
      if (changed || next !== null) {
        this.#refuseForeign(links, handling)
        if (!(await this.#put(members, next ?? this.#links, changed ? options.maxData : Infinity))) return false
      }
      written()
      if (changed) this.#tell()
      return true
    })
  }

  /** Tries until it is done; another process was quicker when it is not. */
  async #attempt(job: () => Promise<boolean>): Promise<void> {
    for (let tries = 1; tries <= patience; tries++) {
      if (this.cause !== null) throw this.#endedError()
      if (await job()) return
      await this.#load()
      if (tries >= patientFrom) await wait(randomInt(1, 10))
    }
    throw new WsUnavailableError(`The session ${JSON.stringify(this.session.id)} is being changed by too many processes at once`)
  }

  /** False: another process was quicker. */
  async #put(members: Members, links: StoredLinks, maxData: number): Promise<boolean> {
    const { now, store } = this.#parts
    const data = composeMembers(members, maxData)
    const version = await store.save(this.session.id, this.version, { data, links: String(links), now: now() })
    if (version === null) return false
    this.version = version
    this.#stored = members
    this.#links = links
    this.#settleLinks()
    return true
  }

  async #load() {
    if (this.cause !== null) return
    const { now, store } = this.#parts
    const stored = await store.find(this.session.id, now())
    if (stored !== null && this.isSameAs(stored)) this.#learn(stored)
    else this.end(this.#isOverdue() ? 'expired' : 'ended')
  }

  #isOverdue() {
    const now = this.#parts.now()
    return now >= this.absoluteUntil || now >= this.idleUntil
  }

  #learn(stored: StoredSession) {
    this.visited(stored)
    if (stored.version <= this.version) return
    const members = parseMembers(stored.data)
    const links = StoredLinks.parse(stored.links)
    for (const [link, [n]] of links) if (n > this.#links.of(link)) this.#foreign.set(link, n)
    const changed = !areSame(members, this.#stored)
    this.version = stored.version
    this.#stored = members
    this.#links = links
    this.#settleLinks()
    this.#takeOver()
    if (changed) this.#tell()
  }

  /**
   * Takes over what only others have changed. Gives the names of what was changed here and there to different values. `ours`: the members as they are; it
   * follows.
   */
  #takeOver(ours?: Map<string, string>): string[] {
    const conflicts: string[] = []
    for (const name of new Set([...this.#base.keys(), ...this.#stored.keys(), ...(ours?.keys() ?? [])])) {
      const base = this.#base.get(name)
      const theirs = this.#stored.get(name)
      if (theirs === base) continue
      const own = ours === undefined ? memberOf(this.#data, name) : ours.get(name)
      if (own !== base && own !== theirs) {
        conflicts.push(name)
        continue
      }
      if (own !== theirs) putMember(this.#data, name, theirs)
      setOrDelete(this.#base, name, theirs)
      if (ours !== undefined) setOrDelete(ours, name, theirs)
    }
    return conflicts
  }

  /** Puts what was written in the place of what was there before. What has been changed here meanwhile stays, as a change of what was there before. */
  #place(before: Members, written: Members) {
    for (const name of new Set([...before.keys(), ...written.keys(), ...this.#base.keys()])) {
      const was = before.get(name)
      const text = written.get(name)
      if (text === was) setOrDelete(this.#base, name, text)
      else if (memberOf(this.#data, name) === was) {
        putMember(this.#data, name, text)
        setOrDelete(this.#base, name, text)
      } else setOrDelete(this.#base, name, was)
    }
  }

  /** A message that another process has handled and saved must not have its effect twice. */
  #refuseForeign(links: LinkNumbers, handling: string | null, undo?: () => void) {
    const n = handling === null ? undefined : links.get(handling)
    if (n === undefined) return
    const isGivenUp = this.isGivenUp(handling!)
    if (!isGivenUp && n > (this.#foreign.get(handling!) ?? 0)) return
    undo?.()
    if (isGivenUp)
      throw new WsConflictError(
        `The client has sent the message ${n} again on another link; its effect on the session ${JSON.stringify(this.session.id)} was not saved here`
      )
    throw new WsConflictError(
      `The message ${n} was handled and saved by another process already; its effect on the session ${JSON.stringify(this.session.id)} was not saved again`
    )
  }

  /** Takes back what was changed here, so that nobody saves it with something else. Not when others wait to save what they have changed. */
  #undo() {
    const { unsaved } = this
    if (this.#queued > 1 || unsaved.length === 0) return
    for (const name of unsaved) putMember(this.#data, name, this.#stored.get(name))
    this.#takeOver()
    this.takenBack++
  }

  #settleLinks() {
    for (const [link, n] of this.#owed) if (n <= this.#links.of(link) || this.isGivenUp(link)) this.#owed.delete(link)
    for (const [link, n] of this.#foreign) if (n < this.#links.of(link) || this.#links.of(link) === 0) this.#foreign.delete(link)
  }

  #tell() {
    for (const listener of Array.from(this.#listeners.values())) this.#guard(() => listener.saved(this.version))
  }

  #guard(call: () => void) {
    try {
      call()
    } catch (error) {
      this.#parts.log.error({ err: error }, 'a listener of a websocket session has thrown')
    }
  }

  #endedError() {
    return new WsEndedError(`The session ${JSON.stringify(this.session.id)} is over (${this.cause}); nothing was saved`)
  }

  #conflictError(names: readonly string[]) {
    const members = names.map((name) => JSON.stringify(name)).join(', ')
    return new WsConflictError(
      `Another process has changed ${members} of the session ${JSON.stringify(this.session.id)} to something else; nothing was saved. Change it with conn.update()`
    )
  }
}

function setOrDelete(members: Map<string, string>, name: string, text: string | undefined) {
  if (text === undefined) members.delete(name)
  else members.set(name, text)
}
