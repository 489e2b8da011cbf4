import type { FastifyRequest } from 'fastify'
import { readCompact, type JwsHeader } from '../compact.ts'
import type { Denial } from '../denylist/denylist.ts'
import { isDenied, tokenOf, type RequestJwt } from '../load-jwt.ts'
import type { Services } from '../services.ts'
import { issuedAt } from '../token-id.ts'
import { LiveIndex } from './live-index.ts'

/**
 * Why something that outlives its request has to stop. `expired`: the time of its token is over. `denied`: somebody has denied the token, or
 * its key has retired. `unavailable`: for some time, nobody could say whether it is denied. `closing`: the server stops.
 */
export type JwtEndReason = 'expired' | 'denied' | 'unavailable' | 'closing'

/** What goes on only as long as a token is good. */
export interface LiveListener {
  /** It has to stop. Called once, nothing follows. */
  ended(reason: JwtEndReason): void
  /** 85 % of the life of the token are over. Once for each token. */
  renewalDue(): void
  /** What was in doubt goes on. */
  trusted?(): void
}

/** A token that somebody goes on using after its request. */
export interface LiveJwt {
  readonly request: FastifyRequest
  readonly listeners: Set<LiveListener>
  /** Of those that are looked after together. */
  readonly part: number
  jwt: RequestJwt
  header: JwsHeader
  /** ms since 1970. */
  issuedAt: number
  renewalAt: number
  endsAt: number
  /** How often nobody could say whether it is denied, since somebody could. */
  unanswered: number
  /** When somebody has looked after it, by a clock that is never set, and by one that goes on while a machine sleeps, ms. */
  steady: number
  wall: number
  /** Nobody has for too long: until somebody says that it is not denied, what comes for it has to wait. */
  isDoubted: boolean
  timer: NodeJS.Timeout | undefined
  isOver: boolean
}

export interface LiveJwts {
  /** Begins to look after the token of a request. What ends it may be called before this returns. */
  readonly join: (request: FastifyRequest, jwt: RequestJwt, listener: LiveListener) => LiveJwt
  readonly leave: (live: LiveJwt, listener: LiveListener) => void
  /** Whether it may go on at this moment, as far as the clock tells; if not, it is ended. `isDoubted` says whether that is enough. */
  readonly isOn: (live: LiveJwt) => boolean
  /** Goes on with another token. */
  readonly replace: (live: LiveJwt, jwt: RequestJwt) => void
  /** Ends what is denied from now on. */
  readonly denied: (denial: Denial) => void
  /** Ends everything, and what joins later. */
  readonly close: () => void
}

/** From which part of its life on a token should be renewed. */
const renewalShare = 0.85
/** Timers for longer fire at once, ms. */
const longestTimer = 2 ** 31 - 1
/** In how many turns the denylist is asked about all tokens. */
const parts = 30
/** How many questions the denylist gets at the same time. */
const together = 32
/** After how many rounds without an answer a token does not count any more. */
const patience = 6

type LiveServices = Pick<Services, 'keys' | 'denylist' | 'log'> & {
  readonly options: Pick<Services['options'], 'now' | 'clockTolerance' | 'maxAge' | 'liveInterval'>
}

/** Of a token of ours, which has been read before: it has a header. */
const headerOf = (jwt: RequestJwt) => readCompact(tokenOf(jwt), Infinity) as JwsHeader

/**
 * Looks after all tokens of an application that outlive their requests: ends them on time, and asks the denylist about them again and again,
 * in turns, because other processes deny, too.
 */
export function createLiveJwts(services: LiveServices): LiveJwts {
  const { keys, log, options } = services
  const { clockTolerance, liveInterval, maxAge, now } = options
  const ring = Array.from({ length: parts }, () => new Set<LiveJwt>())
  /** Parts about which the denylist is being asked. */
  const asking = new Set<Set<LiveJwt>>()
  const index = new LiveIndex()
  const ofRequest = new WeakMap<FastifyRequest, LiveJwt>()
  let count = 0
  /** In turn, so that all parts are equally large. */
  let joined = 0
  let turn = 0
  let turnedAt = 0
  let rounds: NodeJS.Timeout | undefined
  let closed = false
  let troubled = false

  /** Rounds are late by more only after a pause of the process, or a sleep of the machine, ms. */
  const longestRound = liveInterval * 1250

  const timesOf = ({ claims }: RequestJwt) => {
    const { exp, iat } = claims
    const last = Math.min(exp, iat + maxAge)
    return { endsAt: (last + clockTolerance) * 1000, renewalAt: (iat + (last - iat) * renewalShare) * 1000 }
  }

  const forget = (live: LiveJwt) => {
    live.isOver = true
    clearTimeout(live.timer)
    if (ofRequest.get(live.request) === live) ofRequest.delete(live.request)
    index.delete(live)
    if (!ring[live.part]!.delete(live) || --count > 0) return
    clearInterval(rounds)
    rounds = undefined
  }
  const end = (live: LiveJwt, reason: JwtEndReason) => {
    if (live.isOver) return
    forget(live)
    for (const listener of live.listeners) listener.ended(reason)
  }

  const arm = (live: LiveJwt) => {
    const at = now()
    if (at >= live.endsAt) return end(live, 'expired')
    const due = Math.min(live.renewalAt, live.endsAt)
    live.timer = setTimeout(wake, Math.min(Math.max(due - at, 1), longestTimer), live).unref()
  }
  // Clocks are set, and timers know nothing of that: the clock decides.
  const wake = (live: LiveJwt) => {
    const at = now()
    if (at >= live.renewalAt && at < live.endsAt) {
      live.renewalAt = Infinity
      for (const listener of live.listeners) listener.renewalDue()
    }
    // A listener may have ended it.
    if (!live.isOver) arm(live)
  }

  const isRefused = ({ header, jwt, issuedAt }: LiveJwt): boolean | Promise<boolean> => {
    const key = keys.find(header.kid, now())
    const judge = (found: Awaited<typeof key>) =>
      found === null || found.alg !== header.alg || isDenied(services, { claims: jwt.claims, issuedAt })
    return key instanceof Promise ? key.then(judge) : judge(key)
  }
  const failed = (live: LiveJwt, error: unknown) => {
    if (!troubled) log.warn({ err: error }, 'tokens of open connections cannot be checked at the moment')
    troubled = true
    if (live.isDoubted) end(live, 'unavailable')
  }
  const check = (live: LiveJwt): void | Promise<void> => {
    const { isDoubted, jwt } = live
    const judged = (refused: boolean) => {
      troubled = false
      if (live.jwt !== jwt) return
      live.unanswered = 0
      if (refused) return end(live, 'denied')
      // An answer to a question of before may be as old as that.
      if (isDoubted) trust(live)
    }
    try {
      const refused = isRefused(live)
      if (refused instanceof Promise) return refused.then(judged).catch((error: unknown) => failed(live, error))
      judged(refused)
    } catch (error) {
      failed(live, error)
    }
  }
  const trust = (live: LiveJwt) => {
    if (!live.isDoubted || live.isOver) return
    live.isDoubted = false
    for (const listener of live.listeners) listener.trusted?.()
  }
  /** Somebody looks after it. */
  const note = (live: LiveJwt) => {
    live.steady = performance.now()
    live.wall = now()
  }
  const isOverdue = ({ steady, wall }: LiveJwt) => Math.max(performance.now() - steady, now() - wall) > longestRound

  const checkSome = (some: Iterator<LiveJwt>): void | Promise<void> => {
    const waiting: Promise<void>[] = []
    for (let next = some.next(); next.done !== true; next = some.next()) {
      const answer = check(next.value)
      if (answer !== undefined && waiting.push(answer) === together) break
    }
    if (waiting.length > 0) return Promise.all(waiting).then(() => checkSome(some))
  }
  const checkPart = (part: Set<LiveJwt>) => {
    const asked = checkSome(part.values())
    if (asked === undefined) return
    asking.add(part)
    void asked.then(() => asking.delete(part))
  }
  const lookAfter = (part: Set<LiveJwt>) => {
    const at = now()
    for (const live of part) {
      live.isDoubted ||= isOverdue(live)
      note(live)
      if (at >= live.endsAt) end(live, 'expired')
      else if (++live.unanswered > patience) end(live, 'unavailable')
      else if (live.isDoubted && asking.has(part)) void check(live)
    }
    if (!asking.has(part)) checkPart(part)
  }
  const takeTurn = () => {
    const at = performance.now()
    let due = at - turnedAt > longestRound ? parts : 1
    for (turnedAt = at; due > 0; due--) {
      turn = (turn + 1) % parts
      lookAfter(ring[turn]!)
    }
  }

  const begin = (request: FastifyRequest, jwt: RequestJwt): LiveJwt => {
    const live: LiveJwt = {
      request,
      listeners: new Set(),
      part: joined++ % parts,
      jwt,
      header: headerOf(jwt),
      issuedAt: issuedAt(jwt.claims),
      ...timesOf(jwt),
      unanswered: 0,
      steady: 0,
      wall: 0,
      isDoubted: false,
      timer: undefined,
      isOver: false
    }
    note(live)
    ofRequest.set(request, live)
    index.add(live)
    ring[live.part]!.add(live)
    count++
    if (rounds === undefined) turnedAt = live.steady
    rounds ??= setInterval(takeTurn, (liveInterval * 1000) / parts).unref()
    return live
  }

  return {
    join(request, jwt, listener) {
      const known = ofRequest.get(request)
      // Another one, if somebody has logged in during the request.
      const live = known?.jwt === jwt ? known : begin(request, jwt)
      live.listeners.add(listener)
      if (live === known) return live
      if (closed) end(live, 'closing')
      else arm(live)
      // It may have been denied since the request was looked at.
      if (!live.isOver) void check(live)
      return live
    },
    leave(live, listener) {
      if (live.listeners.delete(listener) && live.listeners.size === 0 && !live.isOver) forget(live)
    },
    isOn(live) {
      if (!live.isOver && now() >= live.endsAt) end(live, 'expired')
      if (!live.isOver && isOverdue(live)) {
        live.isDoubted = true
        note(live)
        void check(live)
      }
      return !live.isOver
    },
    replace(live, jwt) {
      clearTimeout(live.timer)
      index.delete(live)
      Object.assign(live, { jwt, header: headerOf(jwt), issuedAt: issuedAt(jwt.claims), unanswered: 0 }, timesOf(jwt))
      index.add(live)
      arm(live)
      if (!live.isOver) void check(live)
    },
    denied(denial) {
      for (const live of index.named(denial)) if (live.issuedAt <= denial.before) end(live, 'denied')
    },
    close() {
      closed = true
      for (const part of ring) for (const live of part) end(live, 'closing')
    }
  }
}
