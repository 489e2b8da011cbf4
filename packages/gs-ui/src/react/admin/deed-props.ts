import type { GsAdmin } from '../../client/admin-calls.ts'
import type { AdminAccount } from '../../client/admin-types.ts'
import type { GsFailure } from '../../client/api-errors.ts'

/** What everything gets that can be done with an account. */
export interface DeedProps {
  readonly calls: GsAdmin
  readonly account: AdminAccount
  readonly onDone: (changed: AdminAccount) => void
  readonly onRefused: (failure: GsFailure) => void
}
