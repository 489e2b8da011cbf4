'use client'

import { useRef, useState } from 'react'
import type { GsAdmin } from '../../client/admin-calls.ts'
import type { AdminAccount } from '../../client/admin-types.ts'
import type { GsFailure } from '../../client/api-errors.ts'

/** The account whose page an admin has opened. */
export interface OpenAccount {
  /** Null: on its way, or it failed. */
  readonly account: AdminAccount | null
  /** Why it could not be loaded. */
  readonly failure: GsFailure | null
  /** Opens an account; what the list knows of it is shown until the server has answered. */
  readonly open: (id: string, known: AdminAccount | null) => void
  /** What is on its way is not waited for any more. */
  readonly close: () => void
  readonly reload: () => void
  /** What a change answered. */
  readonly put: (changed: AdminAccount) => void
}

interface OpenAccountEvents {
  readonly onFound: (account: AdminAccount) => void
  /** There is no such account any more. */
  readonly onUnknown: (id: string) => void
}

export function useOpenAccount(calls: GsAdmin, { onFound, onUnknown }: OpenAccountEvents): OpenAccount {
  const [account, setAccount] = useState<AdminAccount | null>(null)
  const [failure, setFailure] = useState<GsFailure | null>(null)
  const opened = useRef('')
  // A change is newer than what was asked before it.
  const question = useRef<object | null>(null)

  function put(changed: AdminAccount): void {
    question.current = null
    if (changed.id === opened.current) setAccount(changed)
    onFound(changed)
  }

  async function load(): Promise<void> {
    const mine = {}
    question.current = mine
    const id = opened.current
    const result = await calls.account(id)
    if (question.current !== mine) return
    setFailure(result.ok ? null : result.error)
    if (result.ok) put(result.value)
    else if (result.error.code === 'GS_ACCOUNT_UNKNOWN') onUnknown(id)
  }

  return {
    account,
    failure,
    open: (id, known) => {
      opened.current = id
      setAccount(known)
      setFailure(null)
      void load()
    },
    close: () => {
      question.current = null
      opened.current = ''
    },
    reload: () => void load(),
    put
  }
}
