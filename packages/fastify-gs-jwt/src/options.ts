import type { RequiredClaim } from './claims.ts'
import type { Denylist } from './denylist/denylist.ts'
import { JwtOptionError } from './errors.ts'
import { createExtCheck, type ExtOptions } from './ext-check.ts'
import { isJwsAlgorithm, jwsAlgorithms, type JwsAlgorithm } from './keys/algorithms.ts'
import type { KeyRing } from './keys/key-ring.ts'
import type { KeySource } from './keys/key-source.ts'
import type { SignerRules } from './sign.ts'
import type { VerifierRules } from './verify.ts'

/** Options of the plugin. The first five have no default. */
export interface GsJwtOptions {
  /**
   * The first one signs, all of them verify, each by its own algorithm only; or a ring made by `loadKeys()` or `remoteKeys()`. Public keys
   * alone are enough for a service that only verifies.
   */
  readonly keys: KeySource | readonly KeySource[] | KeyRing
  /** The algorithm of keys that do not name theirs; the one that signs must have it. */
  readonly alg: JwsAlgorithm
  /** The claim `iss`: who issues, e.g. `https://example.com`. Compared to the letter. */
  readonly iss: string
  /** The claim `aud`: for whom, e.g. `https://example.com/shop`. Compared to the letter. */
  readonly aud: string
  /** Name of the cookie, without prefix: `__Host-` is put in front of it. */
  readonly cookieName: string
  /** Seconds that a token and its cookie live when nobody says otherwise. Default: 1200 (20 minutes). */
  readonly expiresIn?: number
  /** Seconds that a token may live at all; older ones are not accepted, whatever they say. Default: 86400 (a day), which is the maximum. */
  readonly maxAge?: number
  /** Seconds since the login during which `POST {prefix}/renew` prolongs it; 0: never. Default: 0. */
  readonly renewFor?: number
  /** The header `typ`, so that no other kind of token can stand in for a session. Default: `session+jwt`. */
  readonly typ?: string
  /** Seconds by which the clocks of issuer and verifier may differ, 0 to 60. Default: 0. */
  readonly clockTolerance?: number
  /** What the claim `ext` may be. Default: any object of 2048 bytes. */
  readonly ext?: ExtOptions
  /** `strict`: no cookie when somebody comes by a link from elsewhere. Default: `lax`. */
  readonly sameSite?: 'lax' | 'strict'
  /** False for development over plain http: the cookie has neither `Secure` nor the prefix. Default: true. */
  readonly secure?: boolean
  /** Whether `Authorization: Bearer` is taken, too; for services that are called by programs. Default: false. */
  readonly bearer?: boolean
  /** How many verified tokens are remembered, so that a signature is verified once; 0: none. Default: 10000. */
  readonly cache?: number
  /**
   * Where revoked tokens are listed; closed with the server. Default: `memoryDenylist()`, which is for one process and forgets when it ends.
   */
  readonly denylist?: Denylist
  /**
   * Seconds, 1 to 60, after which open websockets, and whatever else is watched, have heard of a denial by another process or of a key that
   * has retired. Denials by this process are heard of at once. Default: 5.
   */
  readonly liveInterval?: number
  /** Origins besides this server's own whose pages may open websockets. Default: none. */
  readonly origins?: readonly string[]
  /** Where `GET session` and `POST renew` are. Default: `/jwt`. */
  readonly prefix?: string
  /** Whether they are there at all. Default: true. */
  readonly sessionRoutes?: boolean
  /** Where the public keys are, for others who verify; `false`: nowhere. Default: `/.well-known/jwks.json`. */
  readonly jwks?: string | false
  /** The clock, ms since 1970; for tests. Default: `Date.now`. */
  readonly now?: () => number
}

interface TokenOptions {
  readonly keys: KeyRing
  /** Compared to the letter. */
  readonly iss: string
  /** Compared to the letter; a token for several audiences is refused. */
  readonly aud: string
  /** Seconds that a token may live at all. Default: 86400. */
  readonly maxAge?: number
  /** Bytes of a token at most. Default: 4096. */
  readonly maxBytes?: number
  readonly ext?: ExtOptions
  /** The clock, ms since 1970. Default: `Date.now`. */
  readonly now?: () => number
}

/** Options of `verifyJwt`. */
export interface VerifyOptions extends TokenOptions {
  /** The header `typ`; null: not looked at, which lets one kind of token stand in for another. Default: `session+jwt`. */
  readonly typ?: string | null
  /** Claims that must be there besides `iss`, `aud`, `iat` and `exp`. Default: `nbf`, `sub`, `jti`, `csrf`. */
  readonly required?: readonly RequiredClaim[]
  /** Seconds by which clocks may differ, 0 to 60. Default: 0. */
  readonly clockTolerance?: number
}

/** Options of `signJwt`. */
export interface SignOptions extends TokenOptions {
  /** The header `typ`. Default: `session+jwt`. */
  readonly typ?: string
  /** Seconds until it expires. Default: 1200. */
  readonly expiresIn?: number
}

const defaultTyp = 'session+jwt'
const day = 86_400
const cookieBytes = 4096

export function refuse(message: string): never {
  throw new JwtOptionError(`fastify-gs-jwt: ${message}`)
}

function checkNames(given: object, known: readonly string[], where: string): void {
  if (typeof given !== 'object' || given === null) refuse(`${where} needs an object with options.`)
  const unknown = Object.keys(given).find((name) => !known.includes(name))
  if (unknown !== undefined) refuse(`the option ${unknown} is not known; known are ${known.join(', ')}.`)
}

function text(name: string, value: unknown, example: string): string {
  if (typeof value !== 'string' || value === '' || value.length > 512 || !value.isWellFormed() || /\p{Cc}/u.test(value))
    refuse(`the option ${name} is missing or no text; write something like ${example}.`)
  return value
}

function whole(name: string, value: unknown, least: number, most: number, unit: string): number {
  if (!Number.isSafeInteger(value) || (value as number) < least || (value as number) > most)
    refuse(`the option ${name} must be a whole number of ${unit} from ${least} to ${most}.`)
  return value as number
}

function flag(name: string, value: unknown): boolean {
  if (typeof value !== 'boolean') refuse(`the option ${name} must be true or false.`)
  return value
}

function clock(value: unknown): () => number {
  if (typeof value !== 'function') refuse('the option now must be a function that returns ms since 1970.')
  return value as () => number
}

function path(name: string, value: unknown, example: string): string {
  if (typeof value !== 'string' || !/^(\/[\w.~-]+)+$/.test(value)) refuse(`the option ${name} must be a path like ${example}.`)
  return value
}

export const isKeyRing = (value: unknown): value is KeyRing =>
  // Lists have a method find, too.
  typeof value === 'object' && value !== null && 'signing' in value && typeof value.signing === 'function'

function refusePromise(keys: unknown): void {
  if (keys instanceof Promise) refuse('the option keys is a promise; write keys: await loadKeys(…).')
}

function ring(value: unknown): KeyRing {
  refusePromise(value)
  if (!isKeyRing(value)) refuse('the option keys must be what loadKeys() or remoteKeys() has made.')
  return value
}

const requirable: readonly RequiredClaim[] = ['nbf', 'sub', 'jti', 'csrf']

/** @throws {JwtOptionError} */
export function resolveVerifyOptions(given: VerifyOptions): VerifierRules {
  checkNames(given, ['keys', 'iss', 'aud', 'maxAge', 'maxBytes', 'ext', 'now', 'typ', 'required', 'clockTolerance'], 'verifyJwt')
  const { required = requirable, typ = defaultTyp } = given
  if (!Array.isArray(required) || !required.every((name) => requirable.includes(name)))
    refuse(`the option required must be a list of ${requirable.join(', ')}.`)
  return {
    keys: ring(given.keys),
    iss: text('iss', given.iss, 'https://example.com'),
    aud: text('aud', given.aud, 'https://example.com/shop'),
    typ: typ === null ? null : text('typ', typ, defaultTyp),
    required,
    maxAge: whole('maxAge', given.maxAge ?? day, 1, Number.MAX_SAFE_INTEGER, 'seconds'),
    maxBytes: whole('maxBytes', given.maxBytes ?? cookieBytes, 64, 65_536, 'bytes'),
    clockTolerance: whole('clockTolerance', given.clockTolerance ?? 0, 0, 60, 'seconds'),
    checkExt: createExtCheck(given.ext),
    now: clock(given.now ?? Date.now)
  }
}

/** @throws {JwtOptionError} */
export function resolveSignOptions(given: SignOptions): SignerRules {
  checkNames(given, ['keys', 'iss', 'aud', 'maxAge', 'maxBytes', 'ext', 'now', 'typ', 'expiresIn'], 'signJwt')
  const maxAge = whole('maxAge', given.maxAge ?? day, 1, Number.MAX_SAFE_INTEGER, 'seconds')
  return {
    keys: ring(given.keys),
    iss: text('iss', given.iss, 'https://example.com'),
    aud: text('aud', given.aud, 'https://example.com/shop'),
    typ: text('typ', given.typ ?? defaultTyp, defaultTyp),
    expiresIn: whole('expiresIn', given.expiresIn ?? Math.min(1200, maxAge), 1, maxAge, 'seconds'),
    maxAge,
    maxBytes: whole('maxBytes', given.maxBytes ?? cookieBytes, 64, 65_536, 'bytes'),
    checkExt: createExtCheck(given.ext),
    now: clock(given.now ?? Date.now)
  }
}

/** The options of the plugin, checked and complete; the keys are not loaded yet. */
export interface ResolvedOptions {
  readonly keys: GsJwtOptions['keys']
  readonly alg: JwsAlgorithm
  readonly iss: string
  readonly aud: string
  readonly cookieName: string
  readonly expiresIn: number
  readonly maxAge: number
  readonly renewFor: number
  readonly typ: string
  readonly clockTolerance: number
  readonly checkExt: (ext: unknown) => string | null
  readonly sameSite: 'lax' | 'strict'
  readonly secure: boolean
  readonly bearer: boolean
  readonly cache: number
  readonly denylist: Denylist | null
  readonly liveInterval: number
  readonly origins: readonly string[]
  readonly prefix: string
  readonly sessionRoutes: boolean
  readonly jwks: string | null
  readonly now: () => number
}

const known =
  'keys alg iss aud cookieName expiresIn maxAge renewFor typ clockTolerance ext sameSite secure bearer cache denylist liveInterval origins prefix sessionRoutes jwks now'.split(
    ' '
  )

function origin(value: unknown): string {
  if (typeof value !== 'string' || !URL.canParse(value) || new URL(value).origin !== value)
    refuse('the option origins must be a list of origins like https://example.com, without path and slash at the end.')
  return value
}

/** @throws {JwtOptionError} */
export function resolveOptions(given: GsJwtOptions): ResolvedOptions {
  checkNames(given, known, 'fastify-gs-jwt')
  const { alg, cookieName, denylist, origins = [], sameSite = 'lax' } = given
  refusePromise(given.keys)
  if (given.keys === undefined)
    refuse('the option keys is missing; make a key with "gs jwk generate" and write keys: { file: "jwt.jwk.json" }.')
  if (!isJwsAlgorithm(alg)) refuse(`the option alg is missing or unknown; it is one of ${jwsAlgorithms.join(', ')}.`)
  if (typeof cookieName !== 'string' || !/^[\w.~-]{1,64}$/.test(cookieName) || /^__(host|secure)-/i.test(cookieName))
    refuse(
      'the option cookieName must be a name like "session" of letters, digits and . _ ~ -, without __Host-, which is put in front of it.'
    )
  if (sameSite !== 'lax' && sameSite !== 'strict') refuse('the option sameSite must be "lax" or "strict".')
  if (denylist instanceof Promise) refuse('the option denylist is a promise; write denylist: await databaseDenylist({ … }).')
  if (denylist !== undefined && (typeof denylist?.deny !== 'function' || typeof denylist.deniedBefore !== 'function'))
    refuse('the option denylist must be what memoryDenylist() or databaseDenylist() has made, or have the methods deny and deniedBefore.')
  if (!Array.isArray(origins)) refuse('the option origins must be a list of origins like https://example.com.')
  const maxAge = whole('maxAge', given.maxAge ?? day, 1, day, 'seconds')
  return Object.freeze({
    keys: given.keys,
    alg,
    iss: text('iss', given.iss, 'https://example.com'),
    aud: text('aud', given.aud, 'https://example.com/shop'),
    cookieName,
    expiresIn: whole('expiresIn', given.expiresIn ?? Math.min(1200, maxAge), 1, maxAge, 'seconds'),
    maxAge,
    renewFor: whole('renewFor', given.renewFor ?? 0, 0, 365 * day, 'seconds'),
    typ: text('typ', given.typ ?? defaultTyp, defaultTyp),
    clockTolerance: whole('clockTolerance', given.clockTolerance ?? 0, 0, 60, 'seconds'),
    checkExt: createExtCheck(given.ext),
    sameSite,
    secure: flag('secure', given.secure ?? true),
    bearer: flag('bearer', given.bearer ?? false),
    cache: whole('cache', given.cache ?? 10_000, 0, 10_000_000, 'tokens'),
    denylist: denylist ?? null,
    liveInterval: whole('liveInterval', given.liveInterval ?? 5, 1, 60, 'seconds'),
    origins: origins.map(origin),
    prefix: path('prefix', given.prefix ?? '/jwt', '/jwt'),
    sessionRoutes: flag('sessionRoutes', given.sessionRoutes ?? true),
    jwks: given.jwks === false ? null : path('jwks', given.jwks ?? '/.well-known/jwks.json', '/.well-known/jwks.json, or false'),
    now: clock(given.now ?? Date.now)
  })
}
