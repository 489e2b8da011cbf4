import type { SessionInfo } from './session-info.ts'

/** Something that has happened to the session of this browser or to its account, whoever did it. */
export type GsEvent =
  /** The account has logged in somewhere else. `session`: public id, as `client.sessions()` lists it. */
  | { readonly type: 'login'; readonly session: string }
  /** Another session of the account is over, for this cause (`logout`, `idle`, `revoked` … as `SessionEndCause` of fastify-gs, or `unknown`). */
  | { readonly type: 'logout'; readonly session: string; readonly cause: string }
  /** The address is verified now, or not any more. */
  | { readonly type: 'verified'; readonly verified: boolean }
  /** The auth mask, or the names of its sectors, are others. */
  | { readonly type: 'mask'; readonly mask: number; readonly sectors: readonly string[] }
  | { readonly type: 'level'; readonly level: number }
  /** The account has another address. */
  | { readonly type: 'email'; readonly email: string | null }
  /** The list of the account's sessions, or what they have open, may be another one. */
  | { readonly type: 'sessions' }
  /** Nobody is logged in any more, though nobody logged out or deleted the account in this tab. */
  | { readonly type: 'ended'; readonly cause: string }

/** What is different about somebody who is still the same. */
export function changesBetween(before: SessionInfo, { username, verified, mask, sectors, level, email }: SessionInfo): readonly GsEvent[] {
  if (username !== before.username) return []
  const events: GsEvent[] = []
  if (verified !== before.verified) events.push({ type: 'verified', verified })
  if (mask !== before.mask || String(sectors) !== String(before.sectors)) events.push({ type: 'mask', mask, sectors })
  if (level !== before.level) events.push({ type: 'level', level })
  if (email !== before.email) events.push({ type: 'email', email })
  return events
}

/** What the stream says of another session, or `null` when it makes no sense. */
export function otherSessionEvent(type: 'login' | 'logout', data: unknown): Extract<GsEvent, { session: string }> | null {
  const { session } = Object(data) as { session?: unknown }
  if (typeof session !== 'string' || !/^[\w-]{1,64}$/.test(session)) return null
  return type === 'login' ? { type, session } : { type, session, cause: causeIn(data) }
}

/** The cause that the stream gives for the end of a session. */
export function causeIn(data: unknown): string {
  const { cause } = Object(data) as { cause?: unknown }
  return typeof cause === 'string' && /^[\w-]{1,40}$/.test(cause) ? cause : 'unknown'
}
