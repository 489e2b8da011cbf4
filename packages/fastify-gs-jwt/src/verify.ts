import { compactVerify } from 'jose'
import { checkClaims, timeFault, type ClaimFault, type ClaimRules, type JwtClaims } from './claims.ts'
import { readCompact, type CompactFault, type JwsHeader } from './compact.ts'
import { freezeDeep } from './freeze.ts'
import type { KeyRing, VerifyKey } from './keys/key-ring.ts'
import { resolveVerifyOptions, type VerifyOptions } from './options.ts'
import { issuedAt } from './token-id.ts'
import type { VerifiedCache } from './verified-cache.ts'

/** Why a signature counts for nothing. */
export type JwsFault = CompactFault | 'kid' | 'alg' | 'signature'

/** Why a token is not accepted. For logs: a client is told nothing of it. */
export type JwtRefusal = JwsFault | 'typ' | ClaimFault

/** A token of which everything has been checked. Frozen. */
export interface VerifiedJwt {
  readonly claims: JwtClaims
  readonly header: JwsHeader
  /** From then on it is not valid any more, ms since 1970. */
  readonly expiresAt: number
  /** When it was issued, ms since 1970. */
  readonly issuedAt: number
}

export type VerifyResult =
  | { readonly ok: true; readonly jwt: VerifiedJwt }
  | { readonly ok: false; readonly reason: JwtRefusal; readonly claim?: string }

export type JwsResult =
  | { readonly ok: true; readonly header: JwsHeader; readonly payload: Uint8Array; readonly key: VerifyKey }
  | { readonly ok: false; readonly reason: JwsFault }

const refuse = (reason: JwsFault): JwsResult => ({ ok: false, reason })

/**
 * Verifies the signature of a token in compact form (RFC 7515, 5.2), and says nothing of what was signed. The key decides about the
 * algorithm (RFC 8725, 3.1); no key and no address is ever taken from the token.
 *
 * @throws {JwtUnavailableError} (rejects) the keys are elsewhere and cannot be asked
 */
export async function verifyJws(
  token: string,
  { keys, maxBytes = 4096, now = Date.now }: { readonly keys: KeyRing; readonly maxBytes?: number; readonly now?: () => number }
): Promise<JwsResult> {
  const header = readCompact(token, maxBytes)
  if (typeof header === 'string') return refuse(header)
  const key = await keys.find(header.kid, now())
  if (key === null) return refuse('kid')
  if (key.alg !== header.alg) return refuse('alg')
  try {
    const { payload } = await compactVerify(token, key.key, { algorithms: [key.alg] })
    return { ok: true, header, payload, key }
  } catch {
    // Whatever it was, the token is not one that this key has signed.
    return refuse('signature')
  }
}

/** What is known of a token whose signature is right. */
export interface Verified {
  readonly jwt: VerifiedJwt
  /** The key counted when it was asked for, and does not count from then on, ms since 1970. */
  readonly keyFrom: number
  readonly keyUntil: number
}

export interface VerifierRules extends ClaimRules {
  readonly keys: KeyRing
  readonly typ: string | null
  readonly maxBytes: number
  readonly now: () => number
}

const refusal = (reason: JwtRefusal): VerifyResult => ({ ok: false, reason })

/** The media type of a header may leave out `application/` and is not case-sensitive (RFC 7515, 4.1.9). */
const typeOf = (typ: string) => typ.toLowerCase().replace(/^application\//, '')

/** Synchronous for tokens that it has seen. */
export type Verifier = (token: string) => VerifyResult | Promise<VerifyResult>

export function createVerifier(rules: VerifierRules, cache: VerifiedCache | null = null): Verifier {
  const { keys, maxBytes, now } = rules
  const typ = rules.typ === null ? null : typeOf(rules.typ)

  const verify = async (token: string): Promise<VerifyResult> => {
    const keyFrom = now()
    const signed = await verifyJws(token, { keys, maxBytes, now })
    if (!signed.ok) return signed
    const { header, payload, key } = signed
    if (typ !== null && (header.typ === undefined || typeOf(header.typ) !== typ)) return refusal('typ')
    const checked = checkClaims(payload, rules, now())
    if ('fault' in checked) return { ok: false, reason: checked.fault, ...(checked.claim !== undefined && { claim: checked.claim }) }
    const { claims } = checked
    const jwt = freezeDeep<VerifiedJwt>({ claims, header, expiresAt: claims.exp * 1000, issuedAt: issuedAt(claims) })
    cache?.keep(token, { jwt, keyFrom, keyUntil: key.validUntil })
    return { ok: true, jwt }
  }
  if (cache === null) return verify

  /** Of the same token at the same time: one question. */
  const running = new Map<string, Promise<VerifyResult>>()
  return (token) => {
    // Before any work: what comes here may be megabytes.
    if (typeof token !== 'string') return refusal('malformed')
    if (token.length > maxBytes) return refusal('too-large')
    const known = cache.find(token)
    if (known !== undefined) {
      const at = now()
      const fault = timeFault(known.jwt.claims, rules, at)
      if (fault !== null) return refusal(fault)
      // A clock that was set back must not make a key last longer.
      if (known.keyFrom <= at && at < known.keyUntil) return { ok: true, jwt: known.jwt }
      cache.forget(token)
    }
    let answer = running.get(token)
    if (answer === undefined) {
      answer = verify(token).finally(() => running.delete(token))
      running.set(token, answer)
    }
    return answer
  }
}

/**
 * Verifies a token: its form, its signature by one of the keys, its type, and each of its claims. A token that is not accepted is no
 * exception.
 *
 * @throws {JwtOptionError} (rejects) an option is wrong
 * @throws {JwtUnavailableError} (rejects) the keys are elsewhere and cannot be asked
 */
export async function verifyJwt(token: string, options: VerifyOptions): Promise<VerifyResult> {
  return createVerifier(resolveVerifyOptions(options))(token)
}
