import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { StoredSession } from './store/session-store.ts'

type StoredSecrets = Pick<StoredSession, 'secretHash' | 'formerHash' | 'formerUntil'>

/** How long the former secret goes on when the new one has been used, ms. */
export const formerGrace = 60_000

const digest = (secret: string) => createHash('sha256').update(secret).digest()
const nobody = Buffer.alloc(32)

/** 64 random bytes: 88 characters of base64. */
export const createSecret = () => randomBytes(64).toString('base64')

/** What the store keeps of a secret. */
export const hashSecret = (secret: string) => digest(secret).toString('base64url')

/** Secrets that clients send are texts of 1 to 256 characters; nothing else is looked at. */
const isSecret = (value: unknown): value is string => typeof value === 'string' && value.length > 0 && value.length <= 256

const isSame = (actual: Buffer, hash: string | undefined) => {
  const expected = Buffer.from(hash ?? '', 'base64url')
  return timingSafeEqual(actual, expected.length === actual.length ? expected : nobody) && expected.length === actual.length
}

/**
 * What a secret is to a session. `late`: it was good once, and is not any more, which a window that slept for long may say as well as a thief.
 * Takes the same time for each answer, and for a session that is not there.
 */
export function judgeSecret(stored: StoredSecrets | null, secret: unknown, now: number): 'current' | 'former' | 'late' | 'wrong' {
  const known = isSecret(secret)
  const actual = digest(known ? secret : '')
  const current = isSame(actual, stored?.secretHash)
  const former = isSame(actual, stored?.formerHash?.split('.')[0])
  if (!known || stored === null) return 'wrong'
  if (current) return 'current'
  if (!former) return 'wrong'
  return stored.formerUntil === null || now < stored.formerUntil ? 'former' : 'late'
}

/**
 * The secret that follows one. It is computed from that and a salt that only the store has, not drawn: so whoever comes with the former secret, because an
 * answer was lost or in another window, in whatever process, is given the very same new one. Of 512 bits, and unknown to those who have but one of both.
 */
const successorOf = (secret: string, salt: string) => createHmac('sha512', secret).update(salt).digest('base64')

/** The secrets of a session after a resume with the secret that counts, or with the former one; `told`: what the client is to keep instead, if anything. */
export function rotateSecret(
  stored: StoredSecrets,
  secret: string,
  by: 'current' | 'former',
  now: number,
  rotates: boolean
): { readonly secrets: StoredSecrets; readonly told: string | null } {
  const { secretHash, formerHash, formerUntil } = stored
  if (by === 'former') {
    const told = rotates ? successorOf(secret, formerHash!.split('.')[1] ?? '') : null
    // Of a former secret without a salt nobody can tell what came after it.
    return { secrets: { secretHash, formerHash, formerUntil }, told: told !== null && hashSecret(told) === secretHash ? told : null }
  }
  // It has been used now: from here on the former one has its grace, and there is no room for a third.
  if (formerHash !== null && formerUntil === null)
    return { secrets: { secretHash, formerHash, formerUntil: now + formerGrace }, told: null }
  if (!rotates || (formerUntil !== null && now < formerUntil)) return { secrets: { secretHash, formerHash, formerUntil }, told: null }
  const salt = randomBytes(32).toString('base64url')
  const told = successorOf(secret, salt)
  return { secrets: { secretHash: hashSecret(told), formerHash: `${secretHash}.${salt}`, formerUntil: null }, told }
}
