/** One of the sessions of an account (`GET /lwsgs/sessions`): `ListedSession` of `fastify-gs/api`, which a test compares with this one. */
export interface ListedSession {
  /** Public id. */
  readonly id: string
  /** The session of this browser. */
  readonly current: boolean
  /** Login, ms since 1970. */
  readonly createdAt: number
  /** Last request, ms since 1970, to about a minute. */
  readonly lastActiveAt: number
  /** When it ends at the latest, ms since 1970. */
  readonly expiresAt: number
  /** "Keep me logged in". */
  readonly remember: boolean
  /** Address of the last use. */
  readonly ip: string
  /** As the browser names itself. */
  readonly userAgent: string
  /** Open pages. */
  readonly pages: number
  /** Open websockets of the application. */
  readonly sockets: number
}

/** The sessions in a reply, or `null` when the reply is anything else. */
export function parseSessionList(value: unknown): readonly ListedSession[] | null {
  const { sessions } = Object(value) as { sessions?: unknown }
  return Array.isArray(sessions) && sessions.every(isListedSession) ? sessions : null
}

/** Dates end here. */
const isShowable = (value: unknown) => typeof value === 'number' && Math.abs(value) <= 8.64e15

function isListedSession(value: unknown): value is ListedSession {
  const { id, current, createdAt, lastActiveAt, expiresAt, remember, ip, userAgent, pages, sockets } = Object(value) as Record<
    string,
    unknown
  >
  return (
    [id, ip, userAgent].every((text) => typeof text === 'string') &&
    [createdAt, lastActiveAt, expiresAt, pages, sockets].every(isShowable) &&
    typeof current === 'boolean' &&
    typeof remember === 'boolean'
  )
}
