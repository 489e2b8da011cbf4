import type { Blocklist } from '../crypto/common-passwords.ts'
import type { GsDatabase } from '../database/database.ts'
import type { SessionEndEvent } from '../hooks.ts'
import type { ConnectionCounts } from '../live/connection-counts.ts'
import type { PasswordHasher } from '../options.ts'
import type { AdminActor } from './actor.ts'
import type { AuditedTransaction } from './audit.ts'

/** What the parts of the administration work with. */
export interface AdminServices {
  readonly database: GsDatabase
  readonly hasher: PasswordHasher
  /** Common passwords that new ones are compared with. */
  readonly blocklist: Blocklist
  readonly now: () => number
  readonly actor: AdminActor
  /** A transaction that writes down what is done in it. */
  readonly audited: AuditedTransaction
  /** Names of the application's mask bits from bit 4 on, for the audit. */
  readonly sectors: readonly string[]
  /** What sessions have open. */
  readonly connectionsOf: ConnectionCounts['of']
  /** Tells, after the commit, which sessions have ended. */
  readonly ended: (events: readonly SessionEndEvent[]) => void
}
