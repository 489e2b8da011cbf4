import type { AccountEvent, AccountEventListener } from '../hooks.ts'

/** Who wants to hear of account events in this process. */
export interface AccountListeners {
  readonly onAccountEvent: (listener: AccountEventListener) => () => void
  /** Tells all of them; rejects when one fails. Null: there is none. */
  readonly tell: () => ((event: AccountEvent) => Promise<void>) | null
}

/** @param firstListener called when events that waited for a listener can be told */
export function createAccountListeners(firstListener: () => void): AccountListeners {
  const listeners = new Set<AccountEventListener>()
  const tellAll = async (event: AccountEvent) => {
    const results = await Promise.allSettled([...listeners].map(async (listener) => listener(event)))
    const failed = results.find((result) => result.status === 'rejected')
    if (failed !== undefined) throw failed.reason
  }
  return {
    onAccountEvent(listener) {
      listeners.add(listener)
      if (listeners.size === 1) firstListener()
      return () => void listeners.delete(listener)
    },
    tell: () => (listeners.size === 0 ? null : tellAll)
  }
}
