'use client'

import { useEffect } from 'react'
import { nextAddress } from '../client/next-path.ts'
import { takeNotice } from '../client/page-notice.ts'
import { isNotice, type NoticeKey } from './notices.ts'
import { useSession } from './use-gs.ts'

/**
 * Hands over what the page address says: once, how a flow ended that the server finished with a redirect (and cleans the address);
 * or that a protected page sent the visitor here (`next`).
 */
export function usePageNotice(onNotice: (notice: NoticeKey) => void): void {
  const { client } = useSession()
  useEffect(() => {
    if (nextAddress(location.href) !== null) onNotice('next')
    const taken = takeNotice(location.href)
    if (!taken) return
    history.replaceState(history.state, '', taken.address)
    // What only this widget can know is not believed when an address says it.
    if (isNotice(taken.notice) && taken.notice !== 'over') onNotice(taken.notice)
    // The flow ran outside this widget, so nobody told the other tabs yet.
    client.announce()
  }, [client, onNotice])
}
