'use client'

import { createContext, useState, type ReactNode } from 'react'
import { createGsClient, type GsClient } from '../client/gs-client.ts'
import type { SessionInfo } from '../client/session-info.ts'

/** Props of `<GsProvider/>`. */
export interface GsProviderProps {
  /** The prefix under which fastify-gs is registered (default: `/lwsgs`). Read once. */
  readonly prefix?: string
  /** What a server that renders the page already knows about the session; without it the browser asks. Read once. */
  readonly session?: SessionInfo
  /** A client of your own instead: to share one between several React roots, or with code outside React. */
  readonly client?: GsClient
  readonly children?: ReactNode
}

export const GsContext = createContext<GsClient | null>(null)

/** Gives everything inside it one session: `<GsLogin/>` and `useGs()` need it around them. */
export function GsProvider({ prefix, session, client, children }: GsProviderProps): ReactNode {
  const [own] = useState(() => client ?? createGsClient({ ...(prefix !== undefined && { prefix }), ...(session && { session }) }))
  return <GsContext.Provider value={client ?? own}>{children}</GsContext.Provider>
}
