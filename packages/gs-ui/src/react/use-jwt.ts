'use client'

import { useSyncExternalStore } from 'react'
import type { JwtClient, JwtState } from '../client/jwt-client.ts'

/** What the client knows about the login, as it changes. One client for all components: made by `createJwtClient` outside of them. */
export function useJwt({ subscribe, getSnapshot }: JwtClient): JwtState {
  return useSyncExternalStore(subscribe, getSnapshot, getSnapshot)
}
