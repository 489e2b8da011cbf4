import type { Trx } from '../database/database.ts'
import type { AccountEvent, AccountEventType } from '../hooks.ts'
import { createId } from '../crypto/tokens.ts'

/** They wait in the outbox beside the mails; the names tell them apart. */
export const accountEventTypes: readonly AccountEventType[] = ['accountCreated', 'accountVerified', 'accountEmailChanged', 'accountDeleted']

export function isAccountEvent(kind: string): kind is AccountEventType {
  return (accountEventTypes as readonly string[]).includes(kind)
}

interface ConcernedAccount {
  readonly id: string
  readonly username: string
  readonly email: string | null
}

/** Writes down what has happened to an account, in the transaction in which it happens; the outbox tells the application afterwards. */
export function enqueueEvent(
  trx: Trx,
  type: AccountEventType,
  account: ConcernedAccount,
  now: number,
  cause: AccountEvent['cause'] = null
): Promise<void> {
  return enqueueEvents(trx, type, [account], now, cause)
}

/** The same for several accounts, some hundred at most, in one statement. */
export async function enqueueEvents(
  trx: Trx,
  type: AccountEventType,
  accounts: readonly ConcernedAccount[],
  now: number,
  cause: AccountEvent['cause'] = null
): Promise<void> {
  if (accounts.length === 0) return
  await trx
    .insertInto('gs_outbox')
    .values(
      accounts.map(({ id, username, email }) => ({
        id: createId(),
        kind: type,
        account_id: null,
        recipient: '',
        // By it the outbox finds what happened to the account before.
        recipient_key: `account:${id}`,
        parameters: JSON.stringify({ accountId: id, username, email, cause }),
        link_id: null,
        state: 'event' as const,
        created_at: now,
        next_attempt_at: now,
        finished_at: null,
        last_error: null
      }))
    )
    .execute()
}

export function readEvent(row: { id: string; kind: string; parameters: string; created_at: number }): AccountEvent {
  return { id: row.id, type: row.kind, at: row.created_at, ...JSON.parse(row.parameters) } as AccountEvent
}
