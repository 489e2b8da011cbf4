import type { GsDatabase } from '../database/database.ts'
import type { SessionEndEvent } from '../hooks.ts'
import type { PasswordHasher } from '../options.ts'

/** What the parts of the administration work with. */
export interface AdminServices {
  readonly database: GsDatabase
  readonly hasher: PasswordHasher
  readonly now: () => number
  /** Tells, after the commit, which sessions have ended. */
  readonly ended: (events: readonly SessionEndEvent[]) => void
}
