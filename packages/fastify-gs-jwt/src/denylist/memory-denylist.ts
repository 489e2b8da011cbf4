import { hash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { leeway } from '../claims.ts'
import { refuse } from '../options.ts'
import { denialKinds, nameOf, type DenialKind } from './denial-name.ts'
import type { Denylist } from './denylist.ts'

/** Options of `memoryDenylist()`. */
export interface MemoryDenylistOptions {
  /** How many denials it holds, each in about 200 bytes. Default: 100000. */
  readonly max?: number
  /**
   * Told in a sentence when it was full. Nothing that was denied may be forgotten, so it denies all tokens that were issued until then,
   * whoever has them. Default: `process.emitWarning`.
   */
  readonly onFull?: (message: string) => void
}

/** Tokens may be dated so far ahead of the clock, ms: what is denied up to then leaves room for a login at once. */
const longestLead = (leeway - 1) * 1000

/** So few are not worth looking through. */
const fewest = 1000

interface Times {
  before: number
  until: number
}

const never: Times = { before: 0, until: 0 }

/** Names of any length may be denied; longer ones than this take the place of their hash, which no shorter one can be. */
const longestName = 64
const shorten = (value: string) => (value.length <= longestName ? value : `#${hash('sha256', value, 'hex')}`)

const warn = (message: string) => process.emitWarning(message, { code: 'GS_JWT_DENYLIST_FULL' })

/**
 * A denylist for a single process, which forgets everything when it ends: until they expire, the tokens that it had denied are good again
 * after a restart.
 *
 * @throws {JwtOptionError}
 */
export function memoryDenylist({ max = 100_000, onFull = warn }: MemoryDenylistOptions = {}): Denylist {
  if (!Number.isSafeInteger(max) || max < 1 || max > 10_000_000)
    refuse('the option max of memoryDenylist() must be a whole number of denials from 1 to 10000000.')
  if (typeof onFull !== 'function') refuse('the option onFull of memoryDenylist() must be a function.')

  const denials: Readonly<Record<DenialKind, Map<string, Times>>> = { jti: new Map(), sub: new Map(), sid: new Map() }
  let everything = never
  /** No denial is over earlier. */
  let earliest = Infinity
  /** They are looked through when they have grown to that: rarely, however many are denied. */
  let nextSweep = Math.min(max, fewest)
  let sessions: LRUCache<string, number> | undefined

  const size = () => denials.jti.size + denials.sub.size + denials.sid.size

  const sweep = (now: number) => {
    if (now >= earliest) {
      earliest = Infinity
      for (const kind of denialKinds) {
        for (const [name, { until }] of denials[kind]) {
          if (until <= now) denials[kind].delete(name)
          else earliest = Math.min(earliest, until)
        }
      }
    }
    nextSweep = Math.min(max, Math.max(fewest, 2 * size()))
  }
  const collapse = (now: number) => {
    let { before, until } = everything
    for (const kind of denialKinds) {
      // Of a single token, and of a login that is over, `before` may be any time in the future; whoever logs in from now on is neither.
      const latest = kind === 'sub' ? Infinity : now + longestLead
      for (const times of denials[kind].values()) {
        before = Math.max(before, Math.min(times.before, latest))
        until = Math.max(until, times.until)
      }
      denials[kind].clear()
    }
    everything = { before, until }
    earliest = Infinity
    nextSweep = Math.min(max, fewest)
    onFull(
      `memoryDenylist() holds ${max} denials and was full: all tokens issued until now are denied. Give it a larger max, or use databaseDenylist().`
    )
  }

  return {
    ofThisProcess: true,
    deny(denial, now) {
      const { kind, value } = nameOf(denial)
      const name = shorten(value)
      const known = denials[kind].get(name)
      if (known === undefined && size() >= nextSweep && now !== undefined) sweep(now)
      const before = Math.max(denial.before, known?.before ?? 0)
      const until = Math.max(denial.until, known?.until ?? 0)
      denials[kind].set(name, { before, until })
      earliest = Math.min(earliest, until)
      if (size() > max) collapse(now ?? Date.now())
    },
    deniedBefore(token, now) {
      let latest = now < everything.until ? everything.before : 0
      for (const kind of denialKinds) {
        const value = token[kind]
        if (value === undefined || denials[kind].size === 0) continue
        const times = denials[kind].get(shorten(value))
        if (times !== undefined && now < times.until && times.before > latest) latest = times.before
      }
      return latest
    },
    rememberSession(sid, until) {
      // When it is full, the one goes whose last token was made the longest ago: this list ends with the process, and helps nobody after a crash.
      sessions ??= new LRUCache({ max })
      sessions.set(sid, Math.max(until, sessions.get(sid) ?? 0))
    },
    rememberedSessions(now) {
      if (sessions === undefined) return []
      const over = [...sessions.entries()].filter(([, until]) => until <= now)
      for (const [sid] of over) sessions.delete(sid)
      return [...sessions.keys()]
    }
  }
}
