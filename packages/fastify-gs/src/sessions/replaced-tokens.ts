import { digest } from '../crypto/tokens.ts'

/** The cookies that browsers had a moment ago: they may still come with requests that were sent before the answer with the new one. */
export interface ReplacedTokens {
  readonly note: (token: string) => void
  readonly has: (token: string) => boolean
}

/** An answer takes less than that, ms. */
const memory = 30_000
/** Beyond that the oldest are forgotten, so that logins bound the memory. */
const most = 10_000

export function createReplacedTokens(now: () => number): ReplacedTokens {
  /** Digest and time, the oldest first. */
  const replaced = new Map<string, number>()
  return {
    note(token) {
      const at = now()
      const key = digest(token)
      replaced.delete(key)
      replaced.set(key, at)
      for (const [old, since] of replaced) {
        if (at - since < memory && replaced.size <= most) break
        replaced.delete(old)
      }
    },
    has(token) {
      const since = replaced.get(digest(token))
      return since !== undefined && now() - since < memory
    }
  }
}
