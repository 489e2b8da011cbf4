import { loadPart } from './load-part.ts'

/** Stands in for react/lazy/load-guest.ts. */
export const loadGuest = () => loadPart<typeof import('../react/guest/guest-panels.tsx')>('guest')
