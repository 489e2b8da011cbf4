import { hash } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { Verified } from './verify.ts'

/**
 * Tokens whose signatures were right, so that a signature is verified once. Never those that were refused. Whoever asks checks the times
 * again: of the token, and of the key.
 */
export interface VerifiedCache {
  readonly find: (token: string) => Verified | undefined
  readonly keep: (token: string, verified: Verified) => void
  readonly forget: (token: string) => void
}

/** @param max tokens at most; those that were not asked for the longest go first */
export function createVerifiedCache(max: number): VerifiedCache {
  const cache = new LRUCache<string, Verified>({ max })
  // Not the token itself: it is a secret, and a long one.
  const keyOf = (token: string) => hash('sha256', token, 'base64url')
  return {
    find: (token) => cache.get(keyOf(token)),
    keep: (token, verified) => void cache.set(keyOf(token), verified),
    forget: (token) => void cache.delete(keyOf(token))
  }
}
