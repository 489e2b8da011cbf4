import { existsSync } from 'node:fs'
import { setImmediate } from 'node:timers/promises'
import { openAdministration, type ImportOutcome } from 'fastify-gs/admin'
import { hasLwsgsUsers, lwsgsSource, openLwsgsUsers } from '../lwsgs/read-users.ts'
import type { Logger } from './log.ts'

const batchSize = 500

/**
 * Takes the users of lwsgs over, when their table stands in the very file that the site uses now. Whoever was taken over before is left
 * alone, deleted or not, so that this can be done at each start.
 */
export async function importLwsgsUsers(path: string, admin: string | undefined, log: Logger): Promise<void> {
  if (!existsSync(path) || !hasLwsgsUsers(path)) return
  const users = openLwsgsUsers(path)
  const refused: ImportOutcome[] = []
  let imported = 0
  try {
    const administration = await openAdministration({ database: { sqlite: path }, actor: 'gs serve' })
    try {
      for (const batch of users.batches(batchSize)) {
        for (const user of batch) if ('refused' in user) refused.push({ name: user.name, result: 'refused', reason: user.refused })
        const accounts = batch.flatMap((user) => ('account' in user ? [user.account] : []))
        const options = { dryRun: false, ...(admin !== undefined && { admin }) }
        for (const outcome of await administration.importAccounts(lwsgsSource, accounts, options)) {
          if (outcome.result === 'imported') imported++
          if (outcome.result === 'refused') refused.push(outcome)
        }
        // At a reload other vhosts have visitors, and nothing on SQLite waits for anything.
        await setImmediate()
      }
    } finally {
      await administration.close()
    }
  } finally {
    users.close()
  }
  const counts = { imported, refused: refused.length }
  if (imported > 0) {
    for (const { name, reason } of refused) log.warn({ name, reason }, 'a user of lwsgs could not be taken over')
    log.info(counts, 'users of lwsgs taken over; they log in with their old passwords')
  } else if (refused.length > 0) {
    log.warn(counts, 'some users of lwsgs are still not taken over; "gs import-lwsgs --dry-run" says why')
  }
}
