/**
 * Remembers which sessions were used, for a timer to write down: no request waits for that write.
 */
export interface Activity {
  /** The latest known use of a session: what the database says, or what still waits to be written. */
  latest(id: string, recorded: number): number
  /** Notes a use, if the last recorded one is older than the interval. */
  note(id: string, recorded: number, now: number): void
  /** Takes what waits. */
  take(): ReadonlyMap<string, number>
}

/** @param interval ms; between two writes for one session at least this time passes */
export function createActivity(interval: number): Activity {
  let waiting = new Map<string, number>()
  return {
    latest: (id, recorded) => Math.max(recorded, waiting.get(id) ?? 0),
    note(id, recorded, now) {
      if (now - recorded >= interval) waiting.set(id, now)
    },
    take() {
      const taken = waiting
      waiting = new Map()
      return taken
    }
  }
}
