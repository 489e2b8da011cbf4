import type { Denial, Denylist } from '../denylist/denylist.ts'

/** The same denylist; `heard` is told of each denial that goes through it, before that is done. */
export function hearDenials(list: Denylist, heard: (denial: Denial) => void): Denylist {
  return {
    deny(denial, now) {
      const done = list.deny(denial, now)
      return done instanceof Promise ? done.then(() => heard(denial)) : heard(denial)
    },
    deniedBefore: (token, now) => list.deniedBefore(token, now),
    ...(list.rememberSession !== undefined && { rememberSession: (sid: string, until: number) => list.rememberSession!(sid, until) }),
    ...(list.rememberedSessions !== undefined && { rememberedSessions: (now: number) => list.rememberedSessions!(now) }),
    ...(list.close !== undefined && { close: () => list.close!() })
  }
}
