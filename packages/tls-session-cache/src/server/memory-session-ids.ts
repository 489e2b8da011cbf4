import { LRUCache } from 'lru-cache'
import { TlsCacheOptionError } from '../errors.ts'
import type { SessionIdStore } from './store-session-ids.ts'

export interface MemorySessionIdOptions {
  /** Sessions that are kept; the one that was used longest ago goes first. Default: 10000. */
  readonly max?: number
}

/** Keeps the sessions of one process, or of all that are started with it: `resumeSession` finds nothing in another one. */
export function memorySessionIds({ max = 10_000 }: MemorySessionIdOptions = {}): SessionIdStore {
  if (!Number.isSafeInteger(max) || max < 1 || max > 1_000_000)
    throw new TlsCacheOptionError('tls-session-cache: the option max must be a whole number of sessions from 1 to 1000000.')
  const kept = new LRUCache<string, Uint8Array>({ max })
  return {
    get: (id) => kept.get(id),
    set: (id, data, ttl) => void kept.set(id, data, { ttl: ttl * 1000 }),
    delete: (id) => void kept.delete(id)
  }
}
