/**
 * Remembers which sessions were used, for a timer to write down: no request waits for that write.
 */
export interface Activity {
  /** The latest known use of a session: what the database says, or what still waits to be written. */
  latest(id: string, recorded: number): number
  /** Notes a use, if the last recorded one is older than the interval. */
  note(id: string, recorded: number, now: number): void
  /** Takes what waits. Until the next call it stays known here, because it is not yet written down. */
  take(): ReadonlyMap<string, number>
}

/** @param interval ms; between two writes for one session at least this time passes */
export function createActivity(interval: number): Activity {
  let waiting = new Map<string, number>()
  let taken = new Map<string, number>()
  const latest = (id: string, recorded: number) => Math.max(recorded, waiting.get(id) ?? 0, taken.get(id) ?? 0)
  return {
    latest,
    note(id, recorded, now) {
      if (now - recorded >= interval) waiting.set(id, latest(id, now))
    },
    take() {
      taken = waiting
      waiting = new Map()
      return taken
    }
  }
}
