import { setTimeout as wait } from 'node:timers/promises'
import pRetry from 'p-retry'
import type { Denial, Denylist } from './denylist/denylist.ts'
import type { Services } from './services.ts'

/** Denials of whole sessions, which nobody waits for but answers: they count in this process at once, and are written until that succeeds. */
export interface SessionDenials {
  /** The list, with what is not written yet. */
  readonly denylist: Denylist
  /**
   * Denies the tokens of a session. Resolves when that is written, or has failed and is tried again; never rejects.
   *
   * @param before those issued until then, ms since 1970
   * @param until when the last one of them expires, ms since 1970
   */
  readonly deny: (sid: string, before: number, until: number) => Promise<void>
  /** Writes what is left, if that is possible at once. */
  readonly close: () => Promise<void>
}

interface Waiting {
  readonly before: number
  readonly until: number
}

const backOff = { retries: Infinity, minTimeout: 250, maxTimeout: 15_000, factor: 2, randomize: true, unref: true } as const
/** How long a server that stops waits for what is left, ms. */
const lastPatience = 2_000

/** @param heard told of each denial at once */
export function createSessionDenials(
  store: Denylist,
  { log, options }: { readonly log: Services['log']; readonly options: Pick<Services['options'], 'now'> },
  heard: (denial: Denial) => void = () => undefined
): SessionDenials {
  const { now } = options
  const waiting = new Map<string, Waiting>()
  const writing = new Map<string, Promise<void>>()
  const stopping = new AbortController()
  let retrying: Promise<void> | null = null

  const write = async (sid: string) => {
    for (let denial = waiting.get(sid); denial !== undefined; denial = waiting.get(sid)) {
      if (now() < denial.until) await store.deny({ sid, ...denial }, now())
      // Meanwhile it may have become a stronger one.
      if (waiting.get(sid) === denial) waiting.delete(sid)
    }
    // Before anything else runs, too.
    writing.delete(sid)
  }
  const writeAll = async () => {
    while (waiting.size > 0) for (const sid of waiting.keys()) await write(sid)
    // Before anything else runs: what comes from now on is written by itself again.
    retrying = null
  }
  // Not every error is one after which p-retry would try again.
  const attempt = () =>
    writeAll().catch((error: unknown) => {
      throw new Error('not written', { cause: error })
    })
  const retry = async () => {
    const { signal } = stopping
    try {
      await wait(backOff.minTimeout, undefined, { ref: false, signal })
      await pRetry(attempt, { ...backOff, signal })
      log.info('the tokens of ended sessions have been denied in the denylist')
    } catch {
      // The server stops.
      retrying = null
    }
  }
  const failed = (error: unknown) => {
    if (retrying !== null || stopping.signal.aborted) return
    log.error(
      { err: error },
      'the tokens of ended sessions cannot be denied in the denylist; it is tried again, and this process refuses them'
    )
    retrying = retry()
  }
  const begin = (sid: string) => {
    // In a moment: often there is another reason for the same session.
    const work = Promise.resolve()
      .then(() => write(sid))
      .catch((error: unknown) => {
        writing.delete(sid)
        failed(error)
      })
    writing.set(sid, work)
    return work
  }
  const here = (sid: string | undefined) => (sid === undefined ? 0 : (waiting.get(sid)?.before ?? 0))

  return {
    denylist: {
      deny: (denial, at) => store.deny(denial, at),
      deniedBefore(token, at) {
        const stored = store.deniedBefore(token, at)
        if (waiting.size === 0) return stored
        return typeof stored === 'number' ? Math.max(stored, here(token.sid)) : stored.then((before) => Math.max(before, here(token.sid)))
      },
      close: () => store.close?.()
    },
    async deny(sid, before, until) {
      const known = waiting.get(sid)
      if (known !== undefined && known.before >= before && known.until >= until) return writing.get(sid)
      const denial = { before: Math.max(before, known?.before ?? 0), until: Math.max(until, known?.until ?? 0) }
      waiting.set(sid, denial)
      heard({ sid, ...denial })
      // Nobody waits for a list that is out of reach.
      if (retrying !== null) return undefined
      return writing.get(sid) ?? begin(sid)
    },
    async close() {
      stopping.abort()
      await retrying
      const last = writeAll().catch(() => undefined)
      await Promise.race([Promise.all([last, ...writing.values()]), wait(lastPatience, undefined, { ref: false })])
      if (waiting.size > 0) log.error(`the tokens of ${waiting.size} ended sessions could not be denied in the denylist`)
    }
  }
}
