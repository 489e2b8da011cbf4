import { randomBytes } from 'node:crypto'
import { CompactSign } from 'jose'
import { isClaim, leeway, type Ext, type SessionClaims } from './claims.ts'
import { JwtSignError } from './errors.ts'
import { freezeDeep } from './freeze.ts'
import { createIssueClock, type IssueClock } from './issue-clock.ts'
import type { KeyRing } from './keys/key-ring.ts'
import { resolveSignOptions, type SignOptions } from './options.ts'
import { copyExt } from './plain-ext.ts'
import { createTokenId } from './token-id.ts'

/** What a token says besides what its issuer always says. */
export interface TokenContent {
  /** Whom it is about: the id of an account, a user name; 1 to 512 characters, none of them a control character. */
  readonly sub: string
  /** Claims of the application, as its JSON schema allows: plain values, which are copied. Default: none. */
  readonly ext?: Ext
  /** Seconds until it expires. Default: the option `expiresIn`. */
  readonly expiresIn?: number
}

/** A new token. */
export interface SignedJwt {
  /** A secret: whoever has it, is the subject. */
  readonly token: string
  /** As a verifier reads them. Frozen. */
  readonly claims: SessionClaims
  /** From then on it is not valid any more, ms since 1970. */
  readonly expiresAt: number
  /** What links and forms of its bearer have to bring along. */
  readonly csrf: string
}

/** What else may be said by those who make tokens in here. */
export interface SigningRequest extends TokenContent {
  /** Another audience than that of the rules. */
  readonly aud?: string
  readonly sid?: string
  /** Seconds since 1970. */
  readonly authTime?: number
  /** It does not live longer, ms since 1970. */
  readonly notAfter?: number
  /** It must have been issued after that, ms since 1970: what was issued until then has been denied. */
  readonly after?: number
}

export interface SignerRules {
  readonly keys: KeyRing
  readonly iss: string
  readonly aud: string
  readonly typ: string
  /** Seconds. */
  readonly expiresIn: number
  readonly maxAge: number
  readonly maxBytes: number
  readonly checkExt: (ext: unknown) => string | null
  readonly now: () => number
}

export type Signer = (request: SigningRequest) => Promise<SignedJwt>

/** Signs bytes in compact form (RFC 7515, 5.1) by the key of the ring that signs at the moment. @throws {JwtSignError} there is none */
export async function signJws(
  payload: Uint8Array,
  { keys, typ, now = Date.now }: { readonly keys: KeyRing; readonly typ?: string; readonly now?: () => number }
): Promise<string> {
  const { key, alg, kid } = signingKey(keys, now())
  return new CompactSign(payload).setProtectedHeader({ alg, kid, ...(typ !== undefined && { typ }) }).sign(key)
}

function signingKey(keys: KeyRing, now: number) {
  const key = keys.signing(now)
  if (key === null)
    throw new JwtSignError(
      'no-key',
      'No key can sign: all of them only verify, or have retired. Put a private key first in the option keys.'
    )
  return key
}

const claimSentences = {
  sub: 'a text of 1 to 512 characters without control characters',
  sid: 'a text of 1 to 512 characters without control characters',
  auth_time: 'a whole number of seconds since 1970'
}

function claim<T>(name: keyof typeof claimSentences, value: T): T {
  if (!isClaim(name, value)) throw new JwtSignError('claim', `The claim ${name} must be ${claimSentences[name]}.`)
  return value
}

/** Makes tokens of one issuer. */
export function createSigner(rules: SignerRules, clock: IssueClock = createIssueClock(rules.now)): Signer {
  const { keys, iss, typ, maxAge, maxBytes, checkExt } = rules

  return async ({ aud = rules.aud, sub, ext, expiresIn = rules.expiresIn, sid, authTime, notAfter = Infinity, after }) => {
    if (!Number.isSafeInteger(expiresIn) || expiresIn < 1 || expiresIn > maxAge)
      throw new JwtSignError('expires-in', `expiresIn must be a whole number of seconds from 1 to ${maxAge} (the option maxAge).`)
    const at = clock.issue(after)
    const { validUntil } = signingKey(keys, at)
    const iat = Math.floor(at / 1000)
    const exp = Math.min(iat + expiresIn, Math.floor(Math.min(validUntil, notAfter) / 1000))
    if (!(exp * 1000 > at))
      throw new JwtSignError('expires-in', 'The key or the session ends in less than a second; there is no time left for a token.')
    const copied = ext === undefined ? undefined : (copyExt(ext) as Ext)
    const extFault = checkExt(copied)
    if (extFault !== null) throw new JwtSignError('ext', extFault)
    const claims = freezeDeep<SessionClaims>({
      iss,
      aud,
      iat,
      nbf: iat - leeway,
      exp,
      sub: claim('sub', sub),
      jti: createTokenId(at),
      csrf: randomBytes(8).toString('hex'),
      ...(sid !== undefined && { sid: claim('sid', sid) }),
      ...(authTime !== undefined && { auth_time: claim('auth_time', authTime) }),
      ...(copied !== undefined && { ext: copied })
    })
    const token = await signJws(Buffer.from(JSON.stringify(claims)), { keys, typ, now: () => at })
    if (token.length > maxBytes)
      throw new JwtSignError(
        'too-large',
        `The token has ${token.length} bytes, and ${maxBytes} is the limit; put less into ext, or take an algorithm with shorter signatures.`
      )
    return { token, claims, expiresAt: exp * 1000, csrf: claims.csrf }
  }
}

/**
 * Signs a token with all claims of a session token.
 *
 * @throws {JwtOptionError} (rejects) an option is wrong
 * @throws {JwtSignError} (rejects) nobody could use the token: `fault` says why
 */
export async function signJwt(content: TokenContent, options: SignOptions): Promise<SignedJwt> {
  return createSigner(resolveSignOptions(options))(content)
}
