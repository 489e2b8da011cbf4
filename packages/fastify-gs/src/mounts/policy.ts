import { AuthLevel, lowestRole } from '../accounts/auth-level.ts'
import { AuthMask, satisfies } from '../accounts/auth-mask.ts'
import { GsOptionError } from '../errors.ts'
import type { LevelName } from '../options.ts'
import type { Visit } from '../sessions/visit.ts'

/** A policy with all that can be said; what is given must all hold. */
export interface PolicyTerms {
  /** Bits (`5`) or their names (`'user+verified'`, sectors included). */
  readonly mask?: number | string
  /**
   * A name (of `AuthLevel`, or of the option `levels`) or a number from 0 to 125. `none` also means that nobody gets a session for it who
   * has none; `anonymous` that everybody does, not only who opens a page.
   */
  readonly level?: LevelName | number
  /**
   * Unsafe methods need the token of the session (`request.gs.csrfToken`): in the header `x-csrf-token`, or in the field `csrfToken` (or
   * `csrft`) of the body, from which it is removed. Alone, it leaves the option `defaultLevel` in force.
   */
  readonly csrf?: true
}

/** What a route or mount asks of its visitors: a mask (`5`), its names (`'user+verified'`, sectors included), or an object. */
export type Policy = number | string | PolicyTerms

/** What is known when policies are read. */
export interface PolicyWords {
  /** Names of the mask's bits from 4 on. */
  readonly sectors: readonly string[]
  readonly levels: Readonly<Record<string, number>>
  readonly defaultLevel: number
}

export interface ParsedPolicy {
  /** Unsigned 32 bits; 0: everybody. */
  readonly mask: number
  readonly level: number
  readonly csrf: boolean
  /** Who gets an anonymous session for it that has none: nobody, everybody, or (as without policy) who opens a page. */
  readonly starts: 'nothing' | 'session' | 'page'
}

const forms = 'a mask like 5, names like "user+verified", or an object with mask, level and csrf'

const refuse = (where: string, cure: string): never => {
  throw new GsOptionError(`fastify-gs: the policy of ${where} ${cure}`)
}

function parseMask(mask: unknown, sectors: readonly string[], where: string): number {
  if (typeof mask === 'number') {
    if (!Number.isInteger(mask) || mask < 0 || mask > 0xffff_ffff)
      refuse(where, `must be a whole number from 0 to 4294967295; it is ${mask}.`)
    return mask
  }
  if (typeof mask !== 'string') return refuse(where, `must be ${forms}.`)
  let bits = 0
  for (const name of mask.split('+')) {
    const own = Object.hasOwn(AuthMask, name) ? AuthMask[name as keyof typeof AuthMask] : undefined
    const sector = sectors.indexOf(name)
    if (own === undefined && sector < 0)
      refuse(where, `names "${name}", which is not known; known are ${[...Object.keys(AuthMask), ...sectors].join(', ')}.`)
    bits |= own ?? 1 << (sector + 4)
  }
  return bits >>> 0
}

function parseLevel(level: unknown, levels: PolicyWords['levels'], where: string): number {
  const value = typeof level === 'string' && Object.hasOwn(levels, level) ? levels[level] : level
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > AuthLevel.nobody)
    return refuse(where, `must have a level from 0 to 125 or one of ${Object.keys(levels).join(', ')}.`)
  return value
}

/** The policy of everything that has none of its own. */
export const defaultPolicy = ({ defaultLevel: level }: PolicyWords): ParsedPolicy => ({
  mask: 0,
  level,
  csrf: false,
  starts: level === AuthLevel.anonymous ? 'session' : 'page'
})

/** @throws {GsOptionError} for anything that is not a policy: nothing fails open */
export function parsePolicy(policy: unknown, words: PolicyWords, where: string): ParsedPolicy {
  const { sectors, levels } = words
  if (typeof policy !== 'object' || policy === null)
    return { mask: parseMask(policy, sectors, where), level: AuthLevel.none, csrf: false, starts: 'page' }
  const keys = Object.keys(policy)
  if (keys.length === 0 || keys.some((key) => !['mask', 'level', 'csrf'].includes(key))) refuse(where, `must be ${forms}.`)
  const terms = policy as { mask?: unknown; level?: unknown; csrf?: unknown }
  if ('csrf' in terms && terms.csrf !== true) refuse(where, 'has a csrf that is not true; leave it out if no token is needed.')
  const csrf = terms.csrf === true
  // Says nothing about who may pass.
  if (keys.length === 1 && csrf) return { ...defaultPolicy(words), csrf }
  const mask = 'mask' in terms ? parseMask(terms.mask, sectors, where) : 0
  if (!('level' in terms)) return { mask, level: AuthLevel.none, csrf, starts: 'page' }
  const level = parseLevel(terms.level, levels, where)
  const starts = mask !== 0 || level > AuthLevel.anonymous ? 'page' : level === AuthLevel.anonymous ? 'session' : 'nothing'
  return { mask, level, csrf, starts }
}

/** Whether everybody may read what has this policy. */
export const isOpen = ({ mask, level }: ParsedPolicy): boolean => mask === 0 && level <= AuthLevel.anonymous

export type Decision = 'pass' | 'log-in' | 'change-password' | 'forbidden' | 'hidden'

/** What becomes of a visitor; the reason is in the order of the lines. */
export function decide(policy: Pick<ParsedPolicy, 'mask' | 'level'>, visit: Visit): Decision {
  // Nobody includes those who are not logged in: a login would not help them.
  if (policy.level >= AuthLevel.nobody) return 'hidden'
  // Whatever the account may do: first of all the password that somebody else may know.
  if (visit.account?.mustChangePassword === true) {
    return policy.mask === 0 && policy.level <= AuthLevel.anonymous ? 'pass' : 'change-password'
  }
  if (visit.level >= policy.level && satisfies(visit.mask, policy.mask)) return 'pass'
  if (visit.account === null) return 'log-in'
  return visit.level < policy.level && policy.level >= lowestRole ? 'hidden' : 'forbidden'
}
