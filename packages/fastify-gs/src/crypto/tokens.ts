import { createHmac, hash, randomBytes, timingSafeEqual } from 'node:crypto'

/** A new secret for a cookie: 20 random bytes (160 bits), 27 characters base64url. */
export function createToken(): string {
  return randomBytes(20).toString('base64url')
}

/** A new public identifier: 95 random bits, 16 characters base64url. It begins with a letter: on a command line a `-` would begin an option. */
export function createId(): string {
  const bytes = randomBytes(12)
  bytes[0]! &= 0x7f
  return bytes.toString('base64url')
}

/**
 * What the database holds instead of a token: SHA-256, base64url. A plain hash is enough because tokens are random
 * (ASVS 6.5.2); looking up by the hash also takes the comparison out of an attacker's sight.
 */
export function digest(token: string): string {
  return hash('sha256', token, 'base64url')
}

/** Keys of the server: the first signs, all verify, so that a key can be replaced without logging anybody out. */
export interface KeyRing {
  /** HMAC-SHA256 with the first key, base64url, cut to `length` characters (default 43: all). */
  sign(purpose: string, text: string, length?: number): string
  /** The signature by each key, newest first. */
  signAll(purpose: string, text: string, length?: number): string[]
  /** Whether any key made this signature of `length` characters (default 43); constant-time. */
  verify(purpose: string, text: string, signature: string, length?: number): boolean
}

export function createKeyRing(keys: readonly string[]): KeyRing {
  // The purpose is part of the message, so a signature for one purpose is worth nothing for another.
  const mac = (key: string, purpose: string, text: string, length: number) =>
    createHmac('sha256', key).update(`fastify-gs:${purpose}\0${text}`).digest('base64url').slice(0, length)
  return {
    sign: (purpose, text, length = 43) => mac(keys[0]!, purpose, text, length),
    signAll: (purpose, text, length = 43) => keys.map((key) => mac(key, purpose, text, length)),
    verify(purpose, text, signature, length = 43) {
      const given = Buffer.from(signature)
      let valid = false
      for (const key of keys) {
        const expected = Buffer.from(mac(key, purpose, text, length))
        if (expected.length === given.length && timingSafeEqual(expected, given)) valid = true
      }
      return valid
    }
  }
}
