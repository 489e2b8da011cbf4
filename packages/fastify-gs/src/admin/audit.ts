import { createId } from '../crypto/tokens.ts'
import type { Db, GsDatabase, Trx } from '../database/database.ts'
import type { AdminActor } from './actor.ts'
import type { Administration } from './administration.ts'
import { cutPage, pageLimit, parsePlaceInTime, placeInTime } from './page.ts'

/** How long entries are kept, ms: 400 days, a year and the time to look back at it. */
const memory = 400 * 86_400_000

/** Something that was done, for the audit. */
export interface AdminAction {
  readonly action:
    | 'add'
    | 'verify'
    | 'lock'
    | 'unlock'
    | 'delete'
    | 'grant'
    | 'add-group'
    | 'set-group'
    | 'delete-group'
    | 'set-password'
    | 'reset-password'
    | 'require-password-change'
    | 'end-session'
    | 'end-sessions'
    | 'retry-mail'
    | 'drop-mail'
    | 'import'
  /** To whom; null: to nobody in particular. */
  readonly accountId: string | null
  /** Before and after as `[before, after]`; never secrets, names and addresses, because entries outlive accounts. */
  readonly details?: Readonly<Record<string, unknown>>
}

export type RecordAction = (action: AdminAction) => Promise<void>

/** Runs the work as `GsDatabase.transaction` does. What it records is written with the change or not at all. */
export type AuditedTransaction = <T>(work: (trx: Trx, record: RecordAction) => Promise<T>) => Promise<T>

/** @param done told, after the commit, what was recorded */
export function createAuditedTransaction(
  database: GsDatabase,
  actor: AdminActor,
  now: () => number,
  done: (action: AdminAction) => void = () => undefined
): AuditedTransaction {
  return async (work) => {
    let recorded: AdminAction[] = []
    const result = await database.transaction(async (trx) => {
      // The transaction may be the second attempt.
      recorded = []
      return work(trx, async (action) => {
        recorded.push(action)
        const { name, accountId, ip } = actor
        await trx
          .insertInto('gs_audit')
          .values({
            id: createId(),
            at: now(),
            actor: name,
            actor_account_id: accountId,
            ip,
            action: action.action,
            account_id: action.accountId,
            details: JSON.stringify(action.details ?? {})
          })
          .execute()
      })
    })
    recorded.forEach(done)
    return result
  }
}

export function readAudit(db: Db): Administration['audit'] {
  return {
    async list({ account, limit: asked, after } = {}) {
      const limit = pageLimit(asked)
      const place = after === undefined ? undefined : parsePlaceInTime(after)
      const found = await db
        .selectFrom('gs_audit as e')
        .leftJoin('gs_accounts as a', 'a.id', 'e.account_id')
        .select(['e.id', 'e.at as created_at', 'e.actor', 'e.actor_account_id', 'e.ip', 'e.action', 'e.account_id', 'e.details'])
        .select('a.username')
        .$if(account !== undefined, (query) => query.where('e.account_id', '=', account!))
        .$if(place !== undefined, (query) =>
          query.where((eb) => eb(eb.refTuple('e.at', 'e.id'), '<', eb.tuple(place!.createdAt, place!.id)))
        )
        .orderBy('e.at', 'desc')
        .orderBy('e.id', 'desc')
        .limit(limit + 1)
        .execute()
      const { rows, next } = cutPage(found, limit, placeInTime)
      const entries = rows.map((row) => ({
        id: row.id,
        at: row.created_at,
        actor: row.actor,
        actorAccountId: row.actor_account_id,
        ip: row.ip,
        action: row.action,
        accountId: row.account_id,
        username: row.username,
        details: JSON.parse(row.details) as Record<string, unknown>
      }))
      return { entries, next }
    }
  }
}

/** Forgets what is older than 400 days. */
export async function pruneAudit(db: Db, now: number): Promise<void> {
  await db
    .deleteFrom('gs_audit')
    .where('at', '<', now - memory)
    .execute()
}
