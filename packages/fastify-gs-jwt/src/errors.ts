import createError, { type FastifyErrorConstructor } from '@fastify/error'

/** Every refusal that a client can meet: its stable code, a sentence for people, and its HTTP status. The code is API, the sentence is not. */
const table = {
  GS_JWT_REQUIRED: ['Please log in first.', 401],
  GS_JWT_CSRF: ['This page does not belong to your login any more. Please load it again.', 403],
  GS_JWT_CROSS_SITE: ['This request came from another site and was refused.', 403],
  GS_JWT_RENEWAL: ['This login cannot be prolonged any more. Please log in again.', 403],
  GS_JWT_PASSWORD_CHANGE: ['Please choose a new password first.', 403],
  GS_JWT_UNAVAILABLE: ['Logins cannot be checked at the moment. Please try again.', 503]
} as const satisfies Record<string, readonly [message: string, status: number]>

/** The stable code of a refusal, e.g. `GS_JWT_REQUIRED`. */
export type JwtErrorCode = keyof typeof table

const constructors = new Map<string, FastifyErrorConstructor>(
  Object.entries(table).map(([code, [message, status]]) => [code, createError(code, message, status)])
)

/** A refusal with a stable code; answered as `{ statusCode, code, error, message, field? }`. */
export interface JwtError extends Error {
  readonly code: JwtErrorCode
  readonly statusCode: number
  readonly field?: string
}

/** Makes (does not throw) the refusal with this code. */
export function jwtError(code: JwtErrorCode, field?: string): JwtError {
  const Constructor = constructors.get(code)!
  return Object.assign(new Constructor(), field !== undefined && { field }) as unknown as JwtError
}

/** A wrong option. Thrown while registering, never during a request. */
export class JwtOptionError extends TypeError {
  override readonly name = 'JwtOptionError'
  readonly code = 'GS_JWT_OPTION'
}

/** A key that cannot be used: unreadable, readable for others, of the wrong kind or too weak. Its message names the key, never its secret. */
export class JwtKeyError extends Error {
  override readonly name = 'JwtKeyError'
  readonly code = 'GS_JWT_KEY'
}

/** A database that cannot hold the denials: out of reach, not writable, or not ours. Thrown when it is opened, never during a request. */
export class JwtDenylistError extends Error {
  override readonly name = 'JwtDenylistError'
  readonly code = 'GS_JWT_DENYLIST'
}

/** Why a token was not signed. */
export type JwtSignFault = 'too-large' | 'ext' | 'claim' | 'no-key' | 'expires-in' | 'denied'

/** A token that was not signed, because nobody could use it. A fault of the application; `fault` says which. */
export class JwtSignError extends Error {
  override readonly name = 'JwtSignError'
  readonly code = 'GS_JWT_SIGN'
  readonly fault: JwtSignFault

  constructor(fault: JwtSignFault, message: string, options?: ErrorOptions) {
    super(message, options)
    this.fault = fault
  }
}

/** Keys or denials that cannot be asked at the moment. Nobody may conclude that a token is wrong, or that it is right. */
export class JwtUnavailableError extends Error {
  override readonly name = 'JwtUnavailableError'
  readonly code = 'GS_JWT_UNAVAILABLE'
  /** What Fastify answers, when a handler does not catch it. */
  readonly statusCode = 503
}

/** Addresses and files are for the log: of what cannot be asked, the error says in its `cause` alone, since handlers pass errors on to clients. */
export async function withoutPlaces<T>(work: () => T | Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const [sentence] = table.GS_JWT_UNAVAILABLE
    if (!(error instanceof JwtUnavailableError) || error.message === sentence) throw error
    throw new JwtUnavailableError(sentence, { cause: error })
  }
}
