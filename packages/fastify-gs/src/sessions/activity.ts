/** When and from where a session was used. */
export interface Use {
  /** ms since 1970. */
  readonly at: number
  /** The client's address. */
  readonly ip: string
}

/**
 * Remembers which sessions were used, for a timer to write down: no request waits for that write.
 */
export interface Activity {
  /** The time of the latest known use of a session: what the database says, or what still waits to be written. */
  latest(id: string, recorded: number): number
  /** The same with the address. */
  latestUse(id: string, recorded: Use): Use
  /** Notes a use, if the last recorded one is older than the interval. */
  note(id: string, recorded: number, use: Use): void
  /** Takes what waits. Until the next call it stays known here, because it is not yet written down. */
  take(): ReadonlyMap<string, Use>
}

/** @param interval ms; between two writes for one session at least this time passes */
export function createActivity(interval: number): Activity {
  let waiting = new Map<string, Use>()
  let taken = new Map<string, Use>()
  const known = (id: string) => waiting.get(id) ?? taken.get(id)
  const latest = (id: string, recorded: number) => Math.max(recorded, known(id)?.at ?? 0)
  return {
    latest,
    latestUse(id, recorded) {
      const use = known(id)
      return use !== undefined && use.at > recorded.at ? use : recorded
    },
    note(id, recorded, use) {
      // A clock that was turned back does not turn the time back, but the last address counts.
      if (use.at - recorded >= interval) waiting.set(id, { at: latest(id, use.at), ip: use.ip })
    },
    take() {
      taken = waiting
      waiting = new Map()
      return taken
    }
  }
}
