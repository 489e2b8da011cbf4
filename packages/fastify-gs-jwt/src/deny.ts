import { nameOf } from './denylist/denial-name.ts'
import type { Services } from './services.ts'

/** Which tokens to deny; all of them that were issued until now. */
export type DenyRequest =
  | { /** One token. */ readonly jti: string }
  | { /** Everything of a subject: after a change of its password, when an account is locked. */ readonly sub: string }
  | { /** Everything of one login. */ readonly sid: string }

/** Denies tokens before their time is over. When it is done, every process that shares the denylist refuses them. */
export type Deny = (what: DenyRequest) => Promise<void>

/** Begins the `sid` of logins that are no session of fastify-gs, whose ids have no such character. */
export const loginPrefix = '~'

/** What a token may lie behind a denial that it has to be later than, ms. */
const bumped = 50

/** No denial takes longer to be written, ms. */
const writing = 10_000

export function createDeny({ clock, denylist, options }: Pick<Services, 'clock' | 'denylist' | 'options'>): Deny {
  const { clockTolerance, maxAge, now } = options
  // Clocks of other processes may be ahead: what they have issued by now is meant, too.
  const ahead = clockTolerance * 1000
  const life = maxAge * 1000 + ahead

  return async (what) => {
    const { kind, value } = nameOf({ ...what, before: 0, until: 0 })
    const at = clock.denial()
    // There is no other token of this name that could be meant; and a login that is over does not come back, whoever renews it meanwhile.
    if (kind === 'jti' || (kind === 'sid' && value.startsWith(loginPrefix))) {
      const end = at + life + writing
      return denylist.deny({ ...what, before: end, until: end }, now())
    }
    const real = Math.floor(now())
    const former = await denylist.deniedBefore(what, real)
    // Tokens that other processes have issued since that denial lie just behind it, though no clock is there yet. What is ahead of the clock must
    // not be added to: it would grow with each denial.
    const before = Math.max(at, real + ahead, former > real ? former + bumped : 0)
    await denylist.deny({ ...what, before, until: before + life }, now())
    // Whatever was renewed while that was being written was issued later, and asked about before.
    const written = Math.max(clock.denial(), Math.floor(now()) + ahead)
    if (written > before) await denylist.deny({ ...what, before: written, until: written + life }, now())
  }
}
