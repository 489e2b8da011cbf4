'use client'

import { useContext, useSyncExternalStore } from 'react'
import type { GsClient } from '../client/gs-client.ts'
import type { GsState } from '../client/session-store.ts'
import { GsContext } from './GsProvider.tsx'

/** What `useGs()` returns: the state, and the client to change it. */
export type UseGs = GsState & { readonly client: GsClient }

/** The session, as it changes; in this tab, or by another one. */
export function useGs(): UseGs {
  const client = useContext(GsContext)
  if (!client) throw new Error('gs-ui: useGs() and <GsLogin/> know no session here. Put <GsProvider> around the component.')
  const state = useSyncExternalStore(client.subscribe, client.getSnapshot, client.getSnapshot)
  return { ...state, client }
}
