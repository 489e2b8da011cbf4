import type { JwtExt } from './app-types.ts'
import { parseObject } from './compact.ts'

/** What the application puts into its tokens: `JwtExt` once that is filled. */
export type Ext = keyof JwtExt extends never ? Readonly<Record<string, unknown>> : Readonly<JwtExt>

/** The claims of a verified token, as they stand in it: times in seconds since 1970. RFC 7519, 4.1. */
export interface JwtClaims {
  /** Who has issued it. */
  readonly iss: string
  /** For whom. */
  readonly aud: string
  /** When it was issued. */
  readonly iat: number
  /** Not to be accepted before: 60 s before `iat` in ours, for verifiers whose clocks are late. */
  readonly nbf?: number
  /** Not to be accepted from then on. */
  readonly exp: number
  /** Whom it is about: the id of an account, a user name. */
  readonly sub?: string
  /** Names this token and no other. */
  readonly jti?: string
  /** 16 hexadecimal digits, at random for each token: what links and forms of its bearer have to bring along. */
  readonly csrf?: string
  readonly ext?: Ext
  /** The session of fastify-gs from which it was made; the token is denied when that is over. */
  readonly sid?: string
  /** When the bearer has logged in; renewed tokens keep it. */
  readonly auth_time?: number
}

/** Those of a session token: everything is there. */
export interface SessionClaims extends JwtClaims {
  readonly nbf: number
  readonly sub: string
  readonly jti: string
  readonly csrf: string
}

/** Claims that a token may be required to have, besides `iss`, `aud`, `iat` and `exp`. */
export type RequiredClaim = 'nbf' | 'sub' | 'jti' | 'csrf'

/** Seconds that `nbf` lies before `iat` in our tokens, and that the `iat` of a token may lie ahead of our clock. */
export const leeway = 60

/** Why claims are not accepted. */
export type ClaimFault = 'payload' | 'claim' | 'iss' | 'aud' | 'not-yet' | 'expired' | 'too-old' | 'ext'

export interface ClaimRules {
  readonly iss: string
  readonly aud: string
  readonly required: readonly RequiredClaim[]
  /** Seconds between `iat` and `exp`, and between `iat` and now, at most. */
  readonly maxAge: number
  /** Seconds by which clocks may differ. */
  readonly clockTolerance: number
  /** A sentence about what is wrong with it; null: nothing. */
  readonly checkExt: (ext: unknown) => string | null
}

type CheckedClaims = { readonly claims: JwtClaims } | { readonly fault: ClaimFault; readonly claim?: string }

const isTime = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0
const isName = (value: unknown): value is string =>
  typeof value === 'string' && value !== '' && value.length <= 512 && value.isWellFormed() && !/\p{Cc}/u.test(value)

/** What each claim has to be, where there is one. */
const shapes: Readonly<Record<keyof JwtClaims, (value: unknown) => boolean>> = {
  iss: (value) => typeof value === 'string',
  aud: (value) => typeof value === 'string',
  iat: isTime,
  nbf: isTime,
  exp: isTime,
  sub: isName,
  jti: isName,
  csrf: (value) => typeof value === 'string' && /^[0-9a-f]{16}$/.test(value),
  ext: (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  sid: isName,
  auth_time: isTime
}

const allShapes = Object.entries(shapes)
const always: readonly (keyof JwtClaims)[] = ['iss', 'aud', 'iat', 'exp']

/** Whether a value can be the claim. */
export const isClaim = (name: keyof JwtClaims, value: unknown): boolean => shapes[name](value)

/** Whether the time of a token is here, by the clock of now (ms since 1970). In the second `exp` it is over. A clock that says NaN lets nobody in. */
export function timeFault(
  { iat, nbf = iat, exp }: Pick<JwtClaims, 'iat' | 'nbf' | 'exp'>,
  { clockTolerance, maxAge }: Pick<ClaimRules, 'clockTolerance' | 'maxAge'>,
  now: number
): 'not-yet' | 'expired' | 'too-old' | null {
  const earliest = now / 1000 + clockTolerance
  const latest = now / 1000 - clockTolerance
  if (!(nbf <= earliest && iat - leeway <= earliest)) return 'not-yet'
  if (!(latest < exp)) return 'expired'
  return exp - iat <= maxAge ? null : 'too-old'
}

/**
 * Reads and checks the claims of a token whose signature is right. `iss` and `aud` are compared to the letter, and are one text each; times
 * are whole numbers; what is not one of our claims is left out.
 */
export function checkClaims(payload: Uint8Array, rules: ClaimRules, now: number): CheckedClaims {
  const given = parseObject(payload)
  if (given === null) return { fault: 'payload' }
  if (given['iss'] !== rules.iss) return { fault: 'iss' }
  if (given['aud'] !== rules.aud) return { fault: 'aud' }
  const claims: Record<string, unknown> = {}
  for (const [name, fits] of allShapes) {
    if (Object.hasOwn(given, name)) {
      if (!fits(given[name])) return { fault: 'claim', claim: name }
      claims[name] = given[name]
    } else if (always.includes(name as keyof JwtClaims) || rules.required.includes(name as RequiredClaim)) {
      return { fault: 'claim', claim: name }
    }
  }
  const read = claims as unknown as JwtClaims
  if (read.exp <= read.iat) return { fault: 'claim', claim: 'exp' }
  const fault = timeFault(read, rules, now)
  if (fault !== null) return { fault }
  if (rules.checkExt(claims['ext']) !== null) return { fault: 'ext' }
  return { claims: read }
}
