import { randomInt } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { isClaim, leeway, type Ext } from './claims.ts'
import type { Denylist } from './denylist/denylist.ts'
import { jwtError, JwtSignError } from './errors.ts'
import { refuse } from './options.ts'
import type { Services } from './services.ts'
import type { SessionDenials } from './session-denials.ts'
import type { SignedJwt, SigningRequest } from './sign.ts'
import { issuedAt } from './token-id.ts'

/** What `fromSession` can be told. */
export interface FromSessionOptions {
  /** More of the application for the claim `ext`. It cannot replace `username`, `mask`, `level` and `sectors`. Default: nothing. */
  readonly ext?: Partial<Ext>
  /** Seconds until it expires; never longer than the session. Default: the option `expiresIn`. */
  readonly expiresIn?: number
  /** For whom, if that is another service. Such a token is not for our own cookie. Default: the option `aud`. */
  readonly aud?: string
  /** Give it to the browser, too, as `set` does. */
  readonly cookie?: FastifyReply
}

/** What tokens that were made from a session have in their claim `ext`, besides what the application adds. */
export interface SessionExt {
  readonly username: string
  /** 32 bits, unsigned: `AuthMask` of fastify-gs and the application's sectors. */
  readonly mask: number
  /** `AuthLevel` of fastify-gs. */
  readonly level: number
  /** Names of the sectors. */
  readonly sectors: readonly string[]
}

/** What a session is and may, as fastify-gs says. */
interface GsState extends SessionExt {
  readonly accountId: string
  readonly mustChangePassword: boolean
  readonly changesAt: number | null
}

interface GsVisit {
  readonly session: { readonly id: string; readonly createdAt: number }
  readonly account: { readonly id: string; readonly mustChangePassword: boolean } | null
  readonly mask: number
  readonly level: number
  readonly expiresAt: number
}

/** What is asked of `app.gs`. */
interface GsLike {
  findSessions(ids: readonly string[]): Promise<ReadonlyMap<string, GsState>>
  holdAnswers(work: Promise<unknown>): void
  onSessionEnd(listener: (event: { readonly sessionId: string; readonly cause: string }) => void): () => void
  watch(
    request: FastifyRequest,
    watch: { readonly job: true; readonly onEnd: () => void; readonly onChange: (visit: GsVisit) => void }
  ): () => void
}

/** Tokens that are made from sessions of fastify-gs, and end with them. */
export interface SessionTokens {
  /** @param renewal of a token that the session had before */
  readonly mint: (
    request: FastifyRequest,
    options: Omit<FromSessionOptions, 'cookie'>,
    renewal?: Pick<SigningRequest, 'notAfter'>
  ) => Promise<SignedJwt>
  /** Whether the request has the session from which a token was made. */
  readonly isSessionOf: (request: FastifyRequest, token: { readonly sid: string | undefined; readonly sub: string }) => boolean
  /**
   * Finds out which sessions with tokens are over, or may something else now, and denies those; again and again from now on. Resolves when
   * that was done once, or takes too long. Never rejects.
   */
  readonly start: () => Promise<void>
  readonly close: () => void
}

/** A session of which this process has made tokens that have not expired. */
interface Outstanding {
  /** ms since 1970. */
  until: number
  /** When the last one was issued, ms since 1970. */
  last: number
  rights: string
  /** What is remembered of them: tokens that were issued until then, and expire until then; ms since 1970. */
  kept: { readonly issuedUntil: number; readonly until: number }
  readonly stop: () => void
}

/** Sessions that fastify-gs is asked to watch at most; of the others a look finds out. */
const maxWatched = 100_000
/** Between two looks, ms. */
const interval = 15_000
/** How long a start waits for the first one, ms. */
const firstPatience = 5_000
/** Of this many changes of rights while a token is being made, one after the other, the last one is too many. */
const attempts = 3
/** Of a session that gets tokens all the time this much is remembered at once, ms. */
const crowd = 10_000
/** What a verifier may have for `clockTolerance`, seconds. */
const mostTolerance = 60
const nothing = { issuedUntil: 0, until: 0 }

const own = ['username', 'mask', 'level', 'sectors'] as const

/** What was added by the application. */
export function ownExt(ext: Ext): Partial<Ext> {
  return Object.fromEntries(Object.entries(ext).filter(([name]) => !(own as readonly string[]).includes(name))) as Partial<Ext>
}

const rightsOf = ({ mask, level }: Pick<GsState, 'mask' | 'level'>, mustChangePassword: boolean) =>
  `${mask}:${level}:${mustChangePassword ? 1 : 0}`

const visitOf = (request: FastifyRequest) => (request as { gs?: GsVisit | null }).gs ?? null

export const needsFastifyGs = (): never =>
  refuse('fromSession() makes tokens of the sessions of fastify-gs; register fastify-gs, and do it before fastify-gs-jwt.')

/** `app.gs`, if fastify-gs was registered. */
export function findGs(app: FastifyInstance): GsLike | null {
  if (!app.hasDecorator('gs')) return null
  const { gs } = app as unknown as { gs: GsLike }
  if (typeof gs?.findSessions === 'function' && typeof gs.holdAnswers === 'function') return gs
  return refuse('app.gs is none that it knows; use fastify-gs of the same version.')
}

/** What the store remembers of tokens: whose they are, and what they say. */
interface Entry {
  readonly sid: string
  readonly rights: string
  /** They were issued until then, ms since 1970. */
  readonly issuedUntil: number
}

function createMemory(list: Denylist, iss: string) {
  const here = new Map<string, number>()
  const write = ({ sid, rights, issuedUntil }: Entry) => `${sid}:${rights}:${issuedUntil}:${iss}`
  const pattern = /^([^:]+):(\d+:\d+:[01]):(\d+):(.+)$/
  return {
    keep(entry: Entry, until: number): void | Promise<void> {
      const text = write(entry)
      if (list.rememberSession !== undefined) return list.rememberSession(text, until)
      here.set(text, until)
    },
    async read(at: number): Promise<ReadonlyMap<string, readonly Entry[]>> {
      for (const [text, until] of here) if (until <= at) here.delete(text)
      const texts = list.rememberedSessions === undefined ? here.keys() : await list.rememberedSessions(at)
      const bySession = new Map<string, Entry[]>()
      for (const text of texts) {
        const [, sid, rights, issued, issuer] = pattern.exec(text) ?? []
        // Another site may use the same list.
        if (issuer !== iss) continue
        const entries = bySession.get(sid!) ?? []
        bySession.set(sid!, entries)
        entries.push({ sid: sid!, rights: rights!, issuedUntil: Number(issued) })
      }
      return bySession
    }
  }
}

/**
 * @param store where sessions with tokens are remembered
 * @param settings for tests
 */
export function createSessionTokens(
  gs: GsLike,
  services: Services,
  store: Denylist,
  denials: SessionDenials,
  settings: { readonly interval?: number } = {}
): SessionTokens {
  const { clock, denylist, log, options, sign } = services
  const { clockTolerance, iss, maxAge, now } = options
  const outstanding = new Map<string, Outstanding>()
  const memory = createMemory(store, iss)
  /** What a look has denied, so that the next one need not ask again: until when tokens of a session were issued. */
  const settled = new Map<string, number>()
  /** By how much the clocks of processes may differ, ms. */
  const margin = clockTolerance * 1000
  /** When a token that was issued by now has certainly expired: it may be dated ahead, and a verifier tolerates late clocks. */
  const longest = () => now() + (maxAge + leeway + mostTolerance) * 1000
  let crowded = false
  let failing = false
  let timer: NodeJS.Timeout | undefined
  let closed = false

  const deny = (sid: string, before: number, until = longest()) => gs.holdAnswers(denials.deny(sid, before, until))
  const forget = (sid: string) => {
    outstanding.get(sid)?.stop()
    outstanding.delete(sid)
  }

  const watch = (request: FastifyRequest, sid: string) => {
    if (outstanding.size >= maxWatched) {
      if (!crowded) log.warn(`more than ${maxWatched} sessions have tokens; what other processes do to some of them is heard of later`)
      crowded = true
      return () => undefined
    }
    return gs.watch(request, {
      job: true,
      onEnd() {
        const known = outstanding.get(sid)
        forget(sid)
        deny(sid, Math.max(clock.denial() + margin, known?.last ?? 0))
      },
      onChange({ account, mask, level }) {
        if (account !== null) hearRights(sid, rightsOf({ mask, level }, account.mustChangePassword))
      }
    })
  }
  const hearRights = (sid: string, rights: string) => {
    const known = outstanding.get(sid)
    if (known === undefined || known.rights === rights) return
    // A look denies all that is remembered of the former rights: what is made from now on must be later than that.
    const before = Math.max(known.last, known.kept.issuedUntil)
    Object.assign(known, { rights, kept: nothing })
    deny(sid, before)
  }
  /** Before a token is handed out. Whether nothing else has been heard of the session meanwhile. */
  const note = async (request: FastifyRequest, sid: string, rights: string, { claims, expiresAt }: SignedJwt): Promise<boolean> => {
    const issued = issuedAt(claims)
    const until = expiresAt + margin
    const before = outstanding.get(sid)
    let kept = before?.rights === rights ? before.kept : nothing
    if (issued > kept.issuedUntil || until > kept.until) {
      // Ahead of the clock, not of tokens that are ahead of it already.
      const more = issued - kept.issuedUntil < crowd ? Math.max(0, now() + crowd - issued) : 0
      kept = { issuedUntil: issued + more, until: until + more }
      await memory.keep({ sid, rights, issuedUntil: kept.issuedUntil }, kept.until)
    }
    const known = outstanding.get(sid)
    if (known === undefined) outstanding.set(sid, { until, last: issued, rights, kept, stop: watch(request, sid) })
    else if (known.rights !== rights) return false
    else Object.assign(known, { last: Math.max(known.last, issued), until: Math.max(known.until, until), kept })
    return true
  }

  const stopHearing = gs.onSessionEnd(({ sessionId, cause }) => {
    const known = outstanding.get(sessionId)
    // No token outlives its session; and of a list that nobody else has, we know what there is to deny.
    if (known === undefined && (cause === 'idle' || cause === 'absolute' || store.ofThisProcess === true)) return
    forget(sessionId)
    const until = store.ofThisProcess === true && known !== undefined ? known.until : longest()
    // It does not come back: whatever is made of it, at this moment and elsewhere, is none.
    deny(sessionId, until, until)
  })

  const mint: SessionTokens['mint'] = async (request, { aud, ext = {}, expiresIn }, { notAfter = Infinity } = {}) => {
    const visit = visitOf(request)
    if (visit === null) return needsFastifyGs()
    if (visit.account === null) throw jwtError('GS_JWT_REQUIRED')
    if (typeof ext !== 'object' || ext === null || Array.isArray(ext)) throw new JwtSignError('ext', 'ext must be an object.')
    if (aud !== undefined && (aud === '' || !isClaim('sub', aud)))
      throw new JwtSignError('claim', 'The claim aud must be a text of 1 to 512 characters without control characters.')
    const sid = visit.session.id
    const sub = visit.account.id
    const find = async () => (await gs.findSessions([sid])).get(sid)

    let state = await find()
    for (let attempt = 1; attempt <= attempts; attempt++) {
      if (state === undefined || state.accountId !== sub) throw jwtError('GS_JWT_REQUIRED')
      if (state.mustChangePassword) throw jwtError('GS_JWT_PASSWORD_CHANGE')
      const rights = rightsOf(state, false)
      hearRights(sid, rights)
      const end = Math.min(visit.expiresAt, state.changesAt ?? Infinity, notAfter)
      const after = await denylist.deniedBefore({ sub, sid }, now())
      // In no time that a verifier would believe is there a token that is not denied: the session is over.
      if (after > now() + leeway * 1000 + margin || now() + 1000 > end) throw jwtError('GS_JWT_REQUIRED')
      const { username, mask, level, sectors } = state
      // More than the application has said in JwtExt.
      const claims: object = { ...ext, username, mask, level, sectors }
      const signed = await sign({
        sub,
        sid,
        ext: claims as Ext,
        authTime: Math.floor(visit.session.createdAt / 1000),
        notAfter: end,
        after,
        ...(aud !== undefined && { aud }),
        ...(expiresIn !== undefined && { expiresIn })
      })
      const isCurrent = await note(request, sid, rights, signed)
      // Only now is whatever happens to the session noticed; and until now something may have.
      state = await find()
      if (isCurrent && state?.accountId === sub && rightsOf(state, state.mustChangePassword) === rights) return signed
    }
    throw jwtError('GS_JWT_UNAVAILABLE')
  }

  const look = async () => {
    const at = now()
    for (const [sid, { until }] of outstanding) if (until <= at) forget(sid)
    if (outstanding.size < maxWatched) crowded = false
    const bySession = await memory.read(at)
    for (const sid of settled.keys()) if (!bySession.has(sid)) settled.delete(sid)
    const states = await gs.findSessions([...bySession.keys()])
    for (const [sid, entries] of bySession) {
      if (closed) return
      const state = states.get(sid)
      const rights = state === undefined ? null : rightsOf(state, state.mustChangePassword)
      const wrong = entries.filter((entry) => entry.rights !== rights)
      const last = Math.max(0, ...wrong.map((entry) => entry.issuedUntil))
      if (last <= (settled.get(sid) ?? 0)) continue
      if ((await denylist.deniedBefore({ sid }, now())) < last) {
        const before = rights === null ? Math.max(clock.denial() + margin, last) : last
        await denials.deny(sid, before, longest())
      }
      settled.set(sid, last)
    }
  }
  const check = async () => {
    try {
      await look()
      failing = false
    } catch (error) {
      if (!failing && !closed) log.warn({ err: error }, 'which sessions with tokens are over cannot be found out; it is tried again')
      failing = true
    }
  }
  const checkAndGoOn = async () => {
    const began = performance.now()
    await check()
    if (closed) return
    // With very many sessions a look takes its time, of which something has to be left for others.
    const delay = Math.max(settings.interval ?? interval, 20 * (performance.now() - began)) * (0.8 + randomInt(400) / 1000)
    timer = setTimeout(() => void checkAndGoOn(), delay).unref()
  }

  return {
    mint,
    isSessionOf(request, { sid, sub }) {
      const visit = visitOf(request)
      return visit !== null && visit.account !== null && visit.account.id === sub && visit.session.id === sid
    },
    async start() {
      await Promise.race([checkAndGoOn(), wait(firstPatience, undefined, { ref: false })])
    },
    close() {
      closed = true
      clearTimeout(timer)
      stopHearing()
      for (const sid of outstanding.keys()) forget(sid)
    }
  }
}
