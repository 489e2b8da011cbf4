'use client'

import { useEffect, useRef } from 'react'
import type { GsEvent } from '../client/gs-event.ts'
import { useGs } from './use-gs.ts'

/**
 * Calls `listener` when such a thing has happened to the session or its account, once for each time in this tab; `useGs()` has the new state
 * by then. It may be another function in each rendering.
 */
export function useGsEvent<T extends GsEvent['type']>(type: T, listener: (event: Extract<GsEvent, { readonly type: T }>) => void): void {
  const { client } = useGs()
  const latest = useRef(listener)
  useEffect(() => {
    latest.current = listener
  })
  useEffect(() => {
    const isWanted = (event: GsEvent): event is Extract<GsEvent, { readonly type: T }> => event.type === type
    return client.onEvent((event) => {
      // React renders the new state in a microtask that is waiting by now; this one comes after it, though the component may be gone then.
      if (isWanted(event)) queueMicrotask(() => latest.current(event))
    })
  }, [client, type])
}
