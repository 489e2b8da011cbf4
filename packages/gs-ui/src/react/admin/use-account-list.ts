'use client'

import { useMemo, useState } from 'react'
import type { AccountState, GsAdmin } from '../../client/admin-calls.ts'
import type { AdminAccount, AdminAccountList } from '../../client/admin-types.ts'
import { usePaged, type Paged } from './use-paged.ts'

/** Which accounts are listed. */
export interface AccountFilter {
  readonly search: string
  readonly state: AccountState | null
}

export type AccountList = Paged<AdminAccount, AdminAccountList> & {
  readonly filter: AccountFilter
  readonly setFilter: (filter: AccountFilter) => void
}

const accountsOf = ({ accounts }: AdminAccountList) => accounts

/** The list of accounts. It outlives the page that shows it, so that an admin comes back to what he has searched for. */
export function useAccountList(calls: GsAdmin): AccountList {
  const [filter, setFilter] = useState<AccountFilter>({ search: '', state: null })
  const load = useMemo(() => {
    const { search, state } = filter
    return (after: string | null) => calls.accounts({ search, ...(state !== null && { state }), ...(after !== null && { after }) })
  }, [calls, filter])
  return { ...usePaged(load, accountsOf), filter, setFilter }
}
