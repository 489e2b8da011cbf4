import { lockAccount, type StoredAccount } from '../accounts/accounts.ts'
import type { Trx } from '../database/database.ts'
import { gsError } from '../errors.ts'

/** Who administers. */
export interface AdminActor {
  /** As the audit names him. */
  readonly name: string
  /** Null: he has none here, or none is needed (an operator with the database in his hands). */
  readonly accountId: string | null
  /** Null: he does not come through the network. */
  readonly ip: string | null
  /**
   * Called in the transaction, with the row of the account held, before anything of it is changed.
   *
   * @param newLevel the level that it is to get; absent: it keeps its own
   * @throws {GsError} he may not
   */
  readonly mayChange: (trx: Trx, account: StoredAccount, newLevel?: number) => Promise<void>
  /**
   * Called in the transaction, before a group of these levels is made, changed or deleted: each must be one that he may grant.
   *
   * @throws {GsError} he may not
   */
  readonly mayLend: (trx: Trx, levels: readonly number[]) => Promise<void>
}

/** An operator with the database in his hands: nothing is kept from him. */
export function operator(name: string): AdminActor {
  return { name, accountId: null, ip: null, mayChange: async () => undefined, mayLend: async () => undefined }
}

/**
 * The account, kept as it is until the transaction ends.
 *
 * @throws {GsError} `GS_ACCOUNT_UNKNOWN`, `GS_CONFIGURED_ADMIN`, and what `AdminActor.mayChange` throws
 */
export async function requireChangeable(trx: Trx, actor: AdminActor, id: string, newLevel?: number): Promise<StoredAccount> {
  const account = await lockAccount(trx, id)
  if (account === null) throw gsError('GS_ACCOUNT_UNKNOWN')
  if (account.configured) throw gsError('GS_CONFIGURED_ADMIN')
  await actor.mayChange(trx, account, newLevel)
  return account
}
