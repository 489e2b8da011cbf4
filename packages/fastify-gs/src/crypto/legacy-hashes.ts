import { createHash, timingSafeEqual } from 'node:crypto'
import type { LegacyHash } from '../options.ts'

/** The kind that a stored hash belongs to; undefined: it is of the current kind, or there is none. */
export function findLegacyHash(kinds: readonly LegacyHash[], stored: string | null): LegacyHash | undefined {
  return kinds.find(({ prefix }) => stored?.startsWith(prefix) ?? false)
}

type Algorithm = 'sha1' | 'sha256'

function matches(algorithm: Algorithm, message: readonly (Buffer | string)[], expectedHex: string): boolean {
  const hash = createHash(algorithm)
  for (const part of message) hash.update(part)
  return timingSafeEqual(hash.digest(), Buffer.from(expectedHex, 'hex'))
}

const hexLength = { sha1: 40, sha256: 64 } as const

/**
 * The hashes of libwebsockets' generic-sessions, for `password.legacy`:
 *
 * - `$lwsgs-sha1$SALT$HASH` (2.x) and `$lwsgs-sha256$SALT$HASH` (3.x) of its users, `SALT` as in the column `pwsalt`, `HASH` as in `pwhash`;
 * - `$sha1$HASH` and `$sha256$HASH` of its `admin-password-sha1` and `admin-password-sha256`.
 *
 * All in hexadecimal. `gs import-lwsgs` writes them.
 *
 * @param options.confounder that of its configuration. Default: none. Like there, only the first 31 bytes count.
 */
export function lwsgsHashes(options: { readonly confounder?: string } = {}): readonly LegacyHash[] {
  const confounder = Buffer.from(options.confounder ?? '').subarray(0, 31)

  const ofUsers = (algorithm: Algorithm): LegacyHash => {
    const pattern = new RegExp(`^\\$lwsgs-${algorithm}\\$([0-9a-fA-F]{1,128})\\$([0-9a-fA-F]{${hexLength[algorithm]}})$`)
    return {
      prefix: `$lwsgs-${algorithm}$`,
      verify(password, stored) {
        const [, salt, hash] = pattern.exec(stored) ?? []
        return salt !== undefined && hash !== undefined && matches(algorithm, [password, '-', confounder, '-', salt], hash)
      }
    }
  }

  const ofAdmin = (algorithm: Algorithm): LegacyHash => {
    const pattern = new RegExp(`^\\$${algorithm}\\$([0-9a-fA-F]{${hexLength[algorithm]}})$`)
    return {
      prefix: `$${algorithm}$`,
      verify(password, stored) {
        const hash = pattern.exec(stored)?.[1]
        return hash !== undefined && matches(algorithm, [password], hash)
      }
    }
  }

  return [ofUsers('sha1'), ofUsers('sha256'), ofAdmin('sha1'), ofAdmin('sha256')]
}
