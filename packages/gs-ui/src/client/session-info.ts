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
  /** Whether nothing is open to this account but to choose a new password. */
  readonly mustChangePassword: boolean
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

/** The session of somebody who is logged in. */
export type Member = SessionInfo & { readonly username: string }

/** From this `SessionInfo.level` on somebody may use the administration. */
export const adminLevel = 50

/** Bits of `SessionInfo.mask` that the widget reads. */
export const maskBits = { forgot: 8 } as const

const kinds: Readonly<Record<keyof SessionInfo, string>> = {
  username: 'string?',
  email: 'string?',
  verified: 'boolean',
  admin: 'boolean',
  mustChangePassword: 'boolean',
  mask: 'number',
  level: 'number',
  sectors: 'list',
  ip: 'string',
  session: 'string',
  expiresAt: 'number',
  csrfToken: 'string'
}

function is(kind: string, value: unknown): boolean {
  if (kind === 'list') return Array.isArray(value) && value.every((item) => typeof item === 'string')
  return value === null ? kind.endsWith('?') : kind.startsWith(typeof value)
}

/** The session in a reply, or `null` when the reply is anything else. Unknown properties are dropped, so that a newer server stays readable. */
export function parseSessionInfo(value: unknown): SessionInfo | null {
  const given = Object(value) as Record<string, unknown>
  const entries = Object.entries(kinds).map(([name]) => [name, given[name]] as const)
  return entries.every(([name, item]) => is(kinds[name as keyof SessionInfo], item))
    ? (Object.fromEntries(entries) as unknown as SessionInfo)
    : null
}
