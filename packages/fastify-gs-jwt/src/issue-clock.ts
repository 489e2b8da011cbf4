/**
 * Gives times, ms since 1970, no two of them the same in a process: what was issued and what was denied has an order.
 *
 * @param after the time given is later, ms since 1970
 */
export type IssueClock = (after?: number) => number

export function createIssueClock(now: () => number): IssueClock {
  let last = 0
  return (after = 0) => (last = Math.max(now(), last + 1, after + 1))
}
