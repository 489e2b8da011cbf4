import { setTimeout } from 'node:timers/promises'

/** Longer than the work for a known name takes on an idle machine, ms; not noticed by people. */
const floor = 60

/**
 * Runs work whose duration would tell whether an account exists, and ends not before a fixed time (EN-03, EN-06). The clock is the
 * machine's, whatever the option `now` says: it is about real time.
 */
export async function evenTime<T>(work: () => Promise<T>): Promise<T> {
  const end = performance.now() + floor
  const result = await work()
  // A timer may fire up to a millisecond early; the next one then waits for the rest.
  for (let left = end - performance.now(); left > 0; left = end - performance.now()) await setTimeout(left)
  return result
}
