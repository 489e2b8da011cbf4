import { loadAccount } from './lazy/load-account.ts'
import { loadAdmin } from './lazy/load-admin.ts'
import { loadGuest } from './lazy/load-guest.ts'
import { loaded } from './lazy/loaded.ts'

const loads = { guest: loadGuest, account: loadAccount, admin: loadAdmin }

/** What the widget loads on demand: `guest` (sign up, recover), `account` (badge, everything about the own account), `admin`. */
export type GsPart = keyof typeof loads

/**
 * Loads parts of the widget before they are needed. On a server, so that it renders them and not "Loading …"; then also in the browser, before
 * `hydrateRoot`, so that both render the same. Rejects when a part cannot be loaded.
 */
export async function loadGsParts(...parts: readonly GsPart[]): Promise<void> {
  await Promise.all(
    parts.map(async (part) => {
      const load: () => Promise<unknown> = loads[part]
      loaded.set(load, await load())
    })
  )
}
