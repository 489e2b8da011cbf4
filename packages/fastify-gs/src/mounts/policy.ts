import { AuthLevel, lowestRole, type AuthLevelName } from '../accounts/auth-level.ts'
import { AuthMask, satisfies } from '../accounts/auth-mask.ts'
import { GsOptionError } from '../errors.ts'
import type { Visit } from '../sessions/visit.ts'

/**
 * What a route or mount asks of its visitors: a mask (`5`), its names (`'user+verified'`, sectors included), `{ mask }` with either, or
 * `{ level }` with a name of `AuthLevel` or a number from 0 to 125.
 */
export type Policy = number | string | { readonly mask: number | string } | { readonly level: AuthLevelName | number }

export interface ParsedPolicy {
  /** Unsigned 32 bits; 0: everybody. */
  readonly mask: number
  readonly level: number
}

const refuse = (where: string, cure: string): never => {
  throw new GsOptionError(`fastify-gs: the policy of ${where} ${cure}`)
}

function parseMask(mask: unknown, sectors: readonly string[], where: string): number {
  if (typeof mask === 'number') {
    if (!Number.isInteger(mask) || mask < 0 || mask > 0xffff_ffff)
      refuse(where, `must be a whole number from 0 to 4294967295; it is ${mask}.`)
    return mask
  }
  if (typeof mask !== 'string') return refuse(where, 'must be a mask like 5, names like "user+verified", { mask } or { level }.')
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

/** @throws {GsOptionError} for anything that is not a policy: nothing fails open */
export function parsePolicy(policy: unknown, sectors: readonly string[], where: string): ParsedPolicy {
  if (typeof policy !== 'object' || policy === null) return { mask: parseMask(policy, sectors, where), level: AuthLevel.none }
  const keys = Object.keys(policy)
  if (keys.length !== 1 || (keys[0] !== 'mask' && keys[0] !== 'level'))
    refuse(where, 'must be a mask like 5, names like "user+verified", { mask } or { level }.')
  if ('mask' in policy) return { mask: parseMask(policy.mask, sectors, where), level: AuthLevel.none }
  const { level } = policy as { level: unknown }
  const value = typeof level === 'string' && Object.hasOwn(AuthLevel, level) ? AuthLevel[level as AuthLevelName] : level
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > AuthLevel.nobody) {
    return refuse(where, `must have a level from 0 to 125 or one of ${Object.keys(AuthLevel).join(', ')}.`)
  }
  return { mask: 0, level: value }
}

export type Decision = 'pass' | 'log-in' | 'forbidden' | 'hidden'

/** What becomes of a visitor; the reason is in the order of the lines. */
export function decide(policy: ParsedPolicy, visit: Visit): Decision {
  // Nobody includes those who are not logged in: a login would not help them.
  if (policy.level >= AuthLevel.nobody) return 'hidden'
  if (visit.level >= policy.level && satisfies(visit.mask, policy.mask)) return 'pass'
  if (visit.account === null) return 'log-in'
  return visit.level < policy.level && policy.level >= lowestRole ? 'hidden' : 'forbidden'
}
