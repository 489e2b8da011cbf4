import { setTimeout as pause } from 'node:timers/promises'
import type { FastifyRequest } from 'fastify'
import { AuthMask, forgotWindow } from '../accounts/auth-mask.ts'
import { gsCloseCodes } from '../api.ts'
import type { KeyRing } from '../crypto/tokens.ts'
import type { SessionEndCause } from '../hooks.ts'
import type { GsSocketLimits } from '../options.ts'
import type { Activity } from '../sessions/activity.ts'
import { newTicket, type TicketLimits } from '../sessions/anonymous-ticket.ts'
import type { FoundSession, SessionLimits } from '../sessions/sessions.ts'
import { accountVisit, anonymousVisit, visitState, type AccountVisit } from '../sessions/visit.ts'
import type { WebSocketLike } from './guarded-websocket.ts'
import type { Connection, SessionRegistry } from './session-registry.ts'

/** What all sockets of an application have in common. */
export interface SocketRules {
  readonly registry: Pick<SessionRegistry, 'checkSession' | 'isCurrent'>
  readonly activity: Activity
  readonly activityInterval: number
  readonly sessionLimits: SessionLimits
  readonly ticketLimits: TicketLimits
  readonly keys: KeyRing
  readonly now: () => number
  /** The clock of the limits, ms: nobody sets it back. */
  readonly elapsed: () => number
  /** Why the visitor of a request may not go on with its socket: one word. Null: he may. */
  readonly forbids: (request: FastifyRequest, visit: AccountVisit) => string | null
  /** The connection is no more. */
  readonly gone: (socket: GuardedSocket) => void
}

/** How long a client may take to answer the close frame, ms. */
const closeLimit = 2000
/** How long a message waits for the database, which may be cut off without a word, ms. */
const holdLimit = 5000

type Deliver = WebSocketLike & { deliver(values: readonly unknown[]): void }

/**
 * A websocket from the admission of its request on: what happens to its session, and what both sides may send. Of the handler's socket it is
 * the other side.
 */
export class GuardedSocket implements Connection {
  readonly kind = 'socket'
  readonly limits: Required<GsSocketLimits>
  readonly request: FastifyRequest
  /** Of those that are asked together whether they are there. */
  readonly part: number
  /** Of a visitor who is not logged in: the group of addresses by which he is counted. */
  readonly group: string | null
  readonly #rules: SocketRules
  #found: FoundSession | null
  #leave: (() => void) | null = null
  #socket: Deliver | null = null
  #closed: { readonly code: number; readonly reason: string } | null = null
  #isGone = false
  /** It has said something since the last ping. */
  #answered = true
  /** When the right to send ends by itself, if nothing more happens, ms since 1970. */
  #due = 0
  /** The last use that was noted for the session, ms since 1970. */
  #usedAt = 0
  /** What came after that, until the database has been asked. */
  #held: (readonly unknown[])[] | null = null
  #tokens: number
  #tokensAt: number

  constructor(rules: SocketRules, limits: Required<GsSocketLimits>, request: FastifyRequest, group: string | null, part: number) {
    this.#rules = rules
    this.limits = limits
    this.request = request
    this.group = group
    this.part = part
    this.#found = visitState(request.gs).found
    this.#tokens = limits.burst
    this.#tokensAt = rules.elapsed()
  }

  /** @param leave how the registry forgets it */
  joined(leave: () => void): void {
    this.#leave = leave
  }

  /** The upgrade is done. */
  open(socket: WebSocketLike): void {
    this.#socket = socket as Deliver
    const closed = this.#closed
    if (closed !== null) this.#sendClose(closed.code, closed.reason)
  }

  /** Whether the handler gets a message now. */
  receive(values: readonly unknown[]): boolean {
    if (!this.hear()) return false
    const [data] = values
    const size = typeof data === 'string' ? data.length : ((data as { byteLength?: number }).byteLength ?? 0)
    if (size > this.limits.maxMessage) {
      this.#refuse(gsCloseCodes.tooBig, 'size')
      return false
    }
    if (this.#held !== null) {
      this.#held.push(values)
      return false
    }
    const found = this.#found
    if (found === null) return true
    if (this.#isOver() || !this.#rules.registry.isCurrent()) {
      this.#hold(found.id, values)
      return false
    }
    this.#noteUse(found)
    return true
  }

  /** Counts something that the client has sent. False: it is as if it had not come. */
  hear(): boolean {
    if (this.#closed !== null) return false
    this.#answered = true
    const { burst, messagesPerSecond } = this.limits
    const at = this.#rules.elapsed()
    this.#tokens = Math.min(burst, this.#tokens + ((at - this.#tokensAt) * messagesPerSecond) / 1000)
    this.#tokensAt = at
    if (this.#tokens >= 1) {
      this.#tokens--
      return true
    }
    this.#refuse(gsCloseCodes.tooMany, 'rate')
    return false
  }

  /** A frame of the client was broken. The application hears of the end only, which nobody can keep it from. */
  fail(error: unknown): boolean {
    this.request.log.info({ gs: 'socket', err: error }, 'a websocket was closed for what its client has sent')
    this.#closed ??= { code: 1002, reason: 'fault' }
    this.#cut()
    return true
  }

  /** Why nothing more may be sent; null: it may. */
  refusal(size: number): Error | null {
    if (this.#closed !== null) return new Error(`This websocket is closed (${this.#closed.code} ${this.#closed.reason}).`)
    const socket = this.#socket!
    const waiting = socket.bufferedAmount
    // With nothing before it, a message may be as large as it wants.
    if (waiting === 0 || waiting + size <= this.limits.maxBuffered) return null
    this.request.log.info({ gs: 'socket', waiting }, 'a websocket was broken off whose client does not read')
    this.#closed = { code: 1006, reason: 'buffer' }
    socket.terminate()
    return new Error('This websocket was broken off: its client does not read.')
  }

  /** Asks whether somebody is there; breaks it off if the last question has not been answered. */
  beat(): void {
    const socket = this.#socket
    if (socket === null || this.#closed !== null) return
    // While the application has paused it, no answer could be read.
    if (!this.#answered && !socket.isPaused) {
      this.request.log.info({ gs: 'socket' }, 'a websocket was broken off whose client is gone')
      return socket.terminate()
    }
    this.#answered = socket.isPaused
    socket.ping()
  }

  /** The connection is no more, or the upgrade did not happen. */
  gone(): void {
    if (this.#isGone) return
    this.#isGone = true
    this.#closed ??= { code: 1006, reason: 'gone' }
    this.#held = null
    this.#leave?.()
    this.#rules.gone(this)
  }

  ended(cause: SessionEndCause): void {
    this.#forgetVisitor()
    this.#close(gsCloseCodes.ended, cause)
  }

  renewed(): void {
    this.#forgetVisitor()
    this.#close(gsCloseCodes.tryAgain, 'renewed')
  }

  changed(visit: AccountVisit): void {
    if (this.#closed !== null) return
    const { keys, sessionLimits, now } = this.#rules
    const found = visitState(visit).found!
    // With the request behind it: for its data, and what it tells of the client.
    const current = accountVisit(keys, found, sessionLimits, this.request, now(), found.lastActiveAt)
    this.request.gs = current
    this.#found = found
    this.#due = 0
    const reason = this.#rules.forbids(this.request, current)
    if (reason !== null) this.#close(gsCloseCodes.forbidden, reason)
  }

  sessionsChanged(): void {}

  closing(): void {
    this.#close(gsCloseCodes.goingAway, 'closing')
  }

  /** Whether what the visitor may is over by time, as far as it is known here. */
  #isOver(): boolean {
    const { now, activity, sessionLimits } = this.#rules
    const at = now()
    if (at < this.#due) return false
    const { id, lastActiveAt, expiresAt, remember, forgotAt } = this.#found!
    // Requests of the session may have come here meanwhile.
    const idleEnd = activity.latest(id, lastActiveAt) + (remember ? sessionLimits.remembered : sessionLimits.idle)
    const bitEnd = forgotAt !== null && (this.request.gs.mask & AuthMask.forgot) !== 0 ? forgotAt + forgotWindow : expiresAt
    this.#due = Math.min(expiresAt, idleEnd, bitEnd)
    return at >= this.#due
  }

  #hold(id: string, values: readonly unknown[]): void {
    const socket = this.#socket!
    const resumes = !socket.isPaused
    this.#held = [values]
    // What comes meanwhile waits in the connection.
    if (resumes) socket.pause()
    const asked = Promise.race([this.#rules.registry.checkSession(id), pause(holdLimit, false, { ref: false })])
    void asked.then((isKnown) => this.#release(resumes, isKnown))
  }

  #release(resumes: boolean, isKnown: boolean): void {
    const socket = this.#socket!
    if (resumes) socket.resume()
    const held = this.#held ?? []
    this.#held = null
    if (this.#closed !== null) return
    // Nobody could say that it goes on.
    if (!isKnown || this.#isOver()) return this.#close(gsCloseCodes.tryAgain, 'busy')
    for (const values of held) {
      if (this.#closed !== null) return
      this.#noteUse(this.#found!)
      socket.deliver(values)
    }
  }

  #noteUse({ id, lastActiveAt }: FoundSession): void {
    if (!this.limits.activity) return
    const { activity, activityInterval, now } = this.#rules
    const at = now()
    const last = Math.max(lastActiveAt, this.#usedAt)
    if (at - last < activityInterval) return
    this.#usedAt = at
    activity.note(id, last, { at, ip: this.request.ip })
  }

  /** Whoever still holds the request sees nobody logged in. */
  #forgetVisitor(): void {
    const { keys, ticketLimits, now } = this.#rules
    this.#found = null
    this.request.gs = anonymousVisit(keys, newTicket(now(), null), true, ticketLimits, this.request, now())
  }

  #refuse(code: number, reason: string): void {
    this.request.log.info({ gs: 'socket', code, reason }, 'a websocket was closed')
    this.#close(code, reason)
  }

  #close(code: number, reason: string): void {
    if (this.#closed !== null) return
    this.#closed = { code, reason }
    this.#held = null
    if (this.#socket !== null) this.#sendClose(code, reason)
  }

  #sendClose(code: number, reason: string): void {
    const socket = this.#socket!
    socket.close(code, reason)
    // Else its answer could not be read.
    if (socket.isPaused) socket.resume()
    this.#cut()
  }

  #cut(): void {
    setTimeout(cut, closeLimit, this.#socket!).unref()
  }
}

const cut = (socket: WebSocketLike) => socket.terminate()
