import { setImmediate as turn } from 'node:timers/promises'
import type { CompiledQuery } from 'kysely'
import type { Row } from './session-queries.ts'

interface Waiting {
  readonly query: CompiledQuery
  readonly resolve: (rows: readonly Row[]) => void
  readonly reject: (error: unknown) => void
}

/** How many share a transaction: nothing else of this process runs meanwhile. */
const most = 100

/**
 * Writes in the order in which they come; those of one turn of the event loop share a transaction, and so the wait for the disk, which takes far
 * longer than they do. Each is settled for itself: one that fails does not hold up the others.
 *
 * @param together Does all of them, or none; rejects when it could not
 * @param isNoneOfTheirs Whether an error of it has nothing to do with what was written
 */
export function createGroupedWrites(
  together: (queries: readonly CompiledQuery[]) => Promise<readonly (readonly Row[])[]>,
  isNoneOfTheirs: (error: unknown) => boolean
) {
  const waiting: Waiting[] = []
  let working: Promise<void> | undefined

  const settle = async (group: readonly Waiting[]): Promise<void> => {
    try {
      const rows = await together(group.map(({ query }) => query))
      for (const [index, { resolve }] of group.entries()) resolve(rows[index]!)
    } catch (error) {
      if (group.length === 1 || isNoneOfTheirs(error)) for (const { reject } of group) reject(error)
      else for (const one of group) await settle([one])
    }
  }
  const work = async () => {
    await turn()
    while (waiting.length > 0) {
      await settle(waiting.splice(0, most))
      await turn()
    }
    working = undefined
  }

  return {
    write: (query: CompiledQuery) =>
      new Promise<readonly Row[]>((resolve, reject) => {
        waiting.push({ query, resolve, reject })
        working ??= work()
      }),
    /** When everything has been settled that was asked for. */
    idle: async () => working
  }
}
