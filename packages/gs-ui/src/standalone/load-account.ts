import { loadPart } from './load-part.ts'

/** Stands in for react/lazy/load-account.ts. */
export const loadAccount = () => loadPart<typeof import('../react/account/account-panels.tsx')>('account')
