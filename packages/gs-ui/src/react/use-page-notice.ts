'use client'

import { useEffect } from 'react'
import { nextAddress } from '../client/next-path.ts'
import { takeNotice, type PageNotice } from '../client/page-notice.ts'
import { useGs } from './use-gs.ts'

/**
 * Hands over what the page address says: once, how a flow ended that the server finished with a redirect (and cleans the address);
 * or that a protected page sent the visitor here (`next`).
 */
export function usePageNotice(onNotice: (notice: PageNotice | 'next') => void): void {
  const { client } = useGs()
  useEffect(() => {
    if (nextAddress(location.href) !== null) onNotice('next')
    const taken = takeNotice(location.href)
    if (!taken) return
    history.replaceState(history.state, '', taken.address)
    if (taken.notice === null) return
    onNotice(taken.notice)
    // The flow ran outside this widget, so nobody told the other tabs yet.
    client.announce()
  }, [client, onNotice])
}
