import { loadPart } from './load-part.ts'

/** Stands in for client/lazy/load-live.ts: who is logged in needs the other things of that part too. */
export const loadLive = () => loadPart<typeof import('./live-session.ts')>('account')
