'use client'

import { useMemo } from 'react'
import type { SessionClient } from '../client/session-client.ts'
import { useSession } from './use-gs.ts'

/** Calls that belong to a part of the widget. */
export function useCalls<T>(make: (client: SessionClient) => T): T {
  const { client } = useSession()
  return useMemo(() => make(client), [make, client])
}
