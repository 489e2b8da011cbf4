'use client'

import { useEffect } from 'react'
import type { SessionClient } from '../client/session-client.ts'

/** Leaves the page, or loads it again, when the session has ended without a logout in this tab. */
export function useWhenEnded(client: SessionClient, whenEnded: 'stay' | 'reload' | `/${string}`): void {
  useEffect(() => {
    if (whenEnded === 'stay') return undefined
    return client.subscribe(() => {
      const state = client.getSnapshot()
      if (state.status !== 'ready' || state.ended === undefined) return
      if (whenEnded === 'reload') return location.reload()
      const target = new URL(whenEnded, location.href)
      target.searchParams.set('next', location.pathname + location.search + location.hash)
      location.assign(target)
    })
  }, [client, whenEnded])
}
