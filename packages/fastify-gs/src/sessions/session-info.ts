import type { SessionInfo } from '../api.ts'
import type { Visit } from './visit.ts'

/** The names of the sectors whose bits the mask has. */
export const sectorsOf = (mask: number, sectors: readonly string[]): string[] =>
  sectors.filter((_, index) => ((mask >>> (index + 4)) & 1) === 1)

/** What a session tells of itself: the answer of `GET P/session`, and what rewritten symbols are made of. */
export function sessionInfoOf({ account, session, mask, level, ip, expiresAt, csrfToken }: Visit, sectors: readonly string[]): SessionInfo {
  return {
    username: account?.username ?? null,
    email: account?.email ?? null,
    verified: account?.verified ?? false,
    admin: account?.admin ?? false,
    mustChangePassword: account?.mustChangePassword ?? false,
    mask,
    level,
    sectors: sectorsOf(mask, sectors),
    ip,
    session: session.id,
    expiresAt,
    csrfToken
  }
}
