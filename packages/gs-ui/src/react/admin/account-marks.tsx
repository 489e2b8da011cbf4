'use client'

import type { ReactNode } from 'react'
import type { AdminAccount } from '../../client/admin-types.ts'
import { adminLevel } from '../../client/session-info.ts'
import { admin } from '../../texts/admin.ts'
import { useText } from '../toolkit.ts'

interface AccountMarksProps {
  readonly account: AdminAccount
  /** Whether it belongs to the admin himself. */
  readonly own: boolean
}

/** What stands out about an account, in a word each. */
export function AccountMarks({ account, own }: AccountMarksProps): ReactNode {
  const say = useText(admin)
  const { verified, lockedAt, mustChangePassword, effectiveLevel, configured } = account
  const marks = [
    own && (['own', say('admin.you')] as const),
    lockedAt !== null && (['locked', say('admin.state.locked')] as const),
    verified ? (['verified', say('admin.state.verified')] as const) : (['unverified', say('admin.state.unverified')] as const),
    mustChangePassword && (['must-change', say('admin.state.must-change-password')] as const),
    effectiveLevel >= adminLevel && (['admin', say('admin.mark.admin')] as const),
    configured && (['configured', say('admin.mark.configured')] as const)
  ]
  return (
    <span className="gs-marks">
      {marks.map(
        (mark) =>
          mark !== false && (
            <span key={mark[0]} className="gs-mark" data-mark={mark[0]}>
              {mark[1]}
            </span>
          )
      )}
    </span>
  )
}
