/**
 * What the server says about the session of this browser (`GET /lwsgs/session`).
 * The same shape as `SessionInfo` of `fastify-gs/api`, which a test compares with this one; spelled out here so that
 * a front end needs no server package for its types.
 */
export interface SessionInfo {
  /** `null`: nobody is logged in. */
  readonly username: string | null
  /** `null`: nobody is logged in, or the admin whom the server's configuration defines. */
  readonly email: string | null
  /** Whether the address is verified. */
  readonly verified: boolean
  /** Whether this is an admin. */
  readonly admin: boolean
  /** Bit 0 logged in, 1 admin, 2 verified, 3 came by a lost-password link less than five minutes ago, 4–31 the application's sectors. */
  readonly mask: number
  /** 1 anonymous, 2 logged in, 10 user … 50 admin. */
  readonly level: number
  /** Names of the application's sectors which the account has. */
  readonly sectors: readonly string[]
  /** The address from which the server sees this browser. */
  readonly ip: string
  /** Public id of the session, never its token. */
  readonly session: string
  /** When the session ends if nothing more happens, ms since 1970. */
  readonly expiresAt: number
  /** Bound to the session, renewed at login; for the application's own forms. */
  readonly csrfToken: string
}

/** Bits of `SessionInfo.mask` that the widget reads. */
export const maskBits = { forgot: 8 } as const

const text = (value: unknown): value is string => typeof value === 'string'
const textOrNull = (value: unknown): value is string | null => value === null || text(value)
const flag = (value: unknown): value is boolean => typeof value === 'boolean'
const number = (value: unknown): value is number => Number.isFinite(value)
const texts = (value: unknown): value is string[] => Array.isArray(value) && value.every(text)

/** The session in a reply, or `null` when the reply is anything else. Unknown properties are dropped, so that a newer server stays readable. */
export function parseSessionInfo(value: unknown): SessionInfo | null {
  if (typeof value !== 'object' || value === null) return null
  const { username, email, verified, admin, mask, level, sectors, ip, session, expiresAt, csrfToken } = value as Record<string, unknown>
  if (!textOrNull(username) || !textOrNull(email) || !flag(verified) || !flag(admin) || !number(mask) || !number(level)) return null
  if (!texts(sectors) || !text(ip) || !text(session) || !number(expiresAt) || !text(csrfToken)) return null
  return { username, email, verified, admin, mask, level, sectors, ip, session, expiresAt, csrfToken }
}
