'use client'

import { useContext, useSyncExternalStore } from 'react'
import type { GsClient } from '../client/gs-client.ts'
import type { SessionClient } from '../client/session-client.ts'
import type { GsState } from '../client/session-store.ts'
import { GsContext } from './gs-context.ts'
import { noSession } from './lazy/no-session.ts'

/** What `useGs()` returns: the state, and the client to change it. */
export type UseGs = GsState & {
  readonly client: GsClient
  /** Sets the language of the account that is logged in, a BCP 47 tag like `de`: of its mails, and of what the server says to it. */
  readonly setLanguage: GsClient['setLanguage']
}

/** The session, as it changes; in this tab, or by another one. */
export function useGs(): UseGs {
  // Whoever imports this hook got the client from `createGsClient`.
  const { client, ...state } = useSession() as GsState & { readonly client: GsClient }
  return { ...state, client, setLanguage: client.setLanguage }
}

/** {@link useGs} for the widget itself, whose client may be the smaller one of `lwsgs.js`. */
export function useSession(): GsState & { readonly client: SessionClient } {
  const client = useContext(GsContext) ?? noSession()
  const state = useSyncExternalStore(client.subscribe, client.getSnapshot, client.getSnapshot)
  return { ...state, client }
}
