/** A login by a token, as `GET {prefix}/session` of fastify-gs-jwt tells it. */
export interface JwtSession {
  /** Who is logged in. */
  readonly sub: string
  /** What actions have to bring along: 16 hexadecimal digits. Another one after each renewal. */
  readonly csrf: string
  /** From then on nobody is logged in, by the clock of the server, ms since 1970. */
  readonly expiresAt: number
  /** What the token lives in all, ms. */
  readonly lifetime: number
  /** From when on the login can be prolonged no more, ms since 1970; null: it cannot be prolonged. */
  readonly renewUntil: number | null
}

/** What the server said. `expiresIn`: how long the login lives from now, ms. */
export interface JwtSessionAnswer {
  /** Null: nobody is logged in. */
  readonly session: JwtSession | null
  readonly expiresIn: number
}

const isTime = (value: unknown): value is number => Number.isFinite(value) && (value as number) >= 0

/** Null: it makes no sense. */
export function parseJwtSession(given: unknown): JwtSessionAnswer | null {
  if (Object(given) !== given) return null
  const { sub, csrf, expiresAt, expiresIn, lifetime, renewUntil } = given as Record<string, unknown>
  if (sub === null) return { session: null, expiresIn: 0 }
  if (typeof sub !== 'string' || typeof csrf !== 'string' || !/^[0-9a-f]{16}$/.test(csrf)) return null
  if (!isTime(expiresAt) || !isTime(expiresIn) || !isTime(lifetime) || !(renewUntil === null || isTime(renewUntil))) return null
  return { session: { sub, csrf, expiresAt, lifetime, renewUntil }, expiresIn }
}
