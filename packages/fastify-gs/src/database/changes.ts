import { touch, type Db } from './database.ts'
import type { ChangesTable } from './schema.ts'

type Change =
  | { readonly type: 'login'; readonly accountId: string; readonly sessionId: string }
  | { readonly type: 'end'; readonly accountId: string; readonly sessionId: string; readonly cause: string; readonly tokenHash: string }
  | { readonly type: 'account'; readonly accountId: string; readonly sessionId?: string }
  /** A session of the account has another number of connections. */
  | { readonly type: 'connections'; readonly accountId: string; readonly sessionId?: never }

/** In the place of an account: everybody may be concerned. */
export const everybody = ''

/** How long entries are kept, ms; and those of ends, for browsers that come back after a night and want to know why. */
const memory = 3_600_000
const memoryOfEnds = 86_400_000

const rowOf = (change: Change): Omit<ChangesTable, 'id'> => ({
  account_id: change.accountId,
  type: change.type,
  session_id: change.sessionId ?? null,
  cause: change.type === 'end' ? change.cause : null,
  token_hash: change.type === 'end' ? change.tokenHash : null,
  // The clock of the machine: of interest is only how old an entry is.
  at: Date.now()
})

/**
 * Says what has changed for those who are connected, in the transaction of the change. After its commit this process has told its own
 * connections before `transaction()` resolves; others hear of it within a second.
 */
export async function recordChanges(db: Db, changes: readonly Change[]): Promise<void> {
  if (changes.length === 0) return
  await db.insertInto('gs_changes').values(changes.map(rowOf)).execute()
  touch(db)
}

/** An account is, or may, something else now. */
export const recordAccountChange = (db: Db, accountId: string): Promise<void> => recordChanges(db, [{ type: 'account', accountId }])

export async function pruneChanges(db: Db): Promise<void> {
  const now = Date.now()
  // Each by the index: a day of ends must not be looked through every minute.
  const prune = (types: readonly Change['type'][], before: number) =>
    db.deleteFrom('gs_changes').where('type', 'in', types).where('at', '<', before).execute()
  await prune(['login', 'account', 'connections'], now - memory)
  await prune(['end'], now - memoryOfEnds)
}
