import { leeway } from './claims.ts'

/** Gives times, ms since 1970, that put what was issued and what was denied into an order, also within one millisecond and when the clock is set back. */
export interface IssueClock {
  /** When a token is issued: later than every denial before it. @param after and later than that, ms since 1970 */
  readonly issue: (after?: number) => number
  /** Up to when tokens are denied: no token before it was issued later. */
  readonly denial: () => number
}

/**
 * Ms. A clock that was set back by more is not waited for: nobody would believe what is issued so far ahead, and nobody could log in meanwhile. For
 * those whose tokens have been denied, `after` says so.
 */
const farAhead = leeway * 1000

export function createIssueClock(now: () => number): IssueClock {
  let issued = 0
  let denied = 0
  return {
    issue(after = 0) {
      const real = Math.floor(now())
      const at = Math.max(real, denied <= real + farAhead ? denied + 1 : 0, after + 1)
      issued = Math.max(issued, at)
      return at
    },
    denial: () => (denied = Math.max(Math.floor(now()), denied, issued))
  }
}
