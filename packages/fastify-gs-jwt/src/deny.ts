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

/** What a token may lie ahead of a denial that it is later than, ms; see below. */
const bumped = 1000

/** No denial takes longer to be written, ms. */
const writing = 10_000

export function createDeny({ clock, denylist, options }: Pick<Services, 'clock' | 'denylist' | 'options'>): Deny {
  const { clockTolerance, maxAge, now } = options
  // Clocks of other processes may be ahead: what they have issued by now is meant, too.
  const ahead = clockTolerance * 1000
  const life = maxAge * 1000 + ahead

  return async (what) => {
    const at = clock.denial()
    // There is no other token of this name that could be meant; and a login that is over does not come back, whoever renews it meanwhile.
    if ('jti' in what || ('sid' in what && what.sid.startsWith(loginPrefix))) {
      const end = at + life + writing
      return denylist.deny({ ...what, before: end, until: end }, now())
    }
    const former = await denylist.deniedBefore(what, now())
    // Tokens that were issued since that denial lie just behind it, though our clock is not there yet.
    const before = former >= at ? former + bumped : at + ahead
    await denylist.deny({ ...what, before, until: Math.max(at, before) + life }, now())
    // Whatever was renewed while that was being written was issued later, and asked about before.
    const written = clock.denial()
    if (written > at) await denylist.deny({ ...what, before: written + ahead, until: written + ahead + life }, now())
  }
}
