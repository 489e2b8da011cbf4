import * as crypto from 'node:crypto'
import { availableParallelism } from 'node:os'
import { promisify } from 'node:util'
import pLimit from 'p-limit'
import { gsError } from '../errors.ts'
import { findLegacyHash } from './legacy-hashes.ts'
import type { LegacyHash, PasswordHasher, Pepper } from '../options.ts'

/** argon2id parameters: `memory` in KiB, `passes`, `parallelism`. */
export interface Argon2Parameters {
  readonly memory: number
  readonly passes: number
  readonly parallelism: number
}

/** First choice of the OWASP password storage sheet and on the approved list of ASVS 5.0 appendix C. */
const defaultArgon2Parameters: Argon2Parameters = { memory: 19_456, passes: 2, parallelism: 1 }

const tagLength = 32
/** The PHC string format: `keyid` names the pepper, at most 8 bytes in base64. */
const phcPattern =
  /^\$argon2id\$v=19\$m=(\d{1,8}),t=(\d{1,3}),p=(\d{1,3})(?:,keyid=([A-Za-z0-9+/]{2,11}))?\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$/

/** A stored row must not be able to demand gigabytes or minutes. */
const ceiling: Argon2Parameters = { memory: 262_144, passes: 10, parallelism: 4 }

/** Null: argon2 has no such parameters, or they are above the ceiling. */
function parametersOf([, m, t, p]: RegExpExecArray): Argon2Parameters | null {
  const [memory, passes, parallelism] = [Number(m), Number(t), Number(p)]
  const possible = parallelism >= 1 && passes >= 1 && memory >= 8 * parallelism
  return possible && memory <= ceiling.memory && passes <= ceiling.passes && parallelism <= ceiling.parallelism
    ? { memory, passes, parallelism }
    : null
}

/** Whether this Node was built with argon2; asked by feature, because a Node linked to an old OpenSSL lacks it whatever its version. */
export const argon2Available = typeof crypto.argon2 === 'function'

const unpadded = (bytes: Buffer) => bytes.toString('base64').replace(/=+$/, '')

const derive = (message: Buffer, nonce: Buffer, length: number, parameters: Argon2Parameters, secret?: Buffer): Promise<Buffer> =>
  promisify(crypto.argon2)('argon2id', { message, nonce, tagLength: length, ...parameters, ...(secret !== undefined && { secret }) })

export interface Argon2HasherOptions extends Partial<Argon2Parameters> {
  /** Secrets that go into the hashes: the first into new ones; all verify. Default: none. */
  readonly peppers?: readonly Pepper[]
  /** Told once of each pepper that a stored hash names and that is not there. Default: nobody. */
  readonly onUnknownPepper?: (id: string) => void
}

/** More ids than any ring has had are not told apart. */
const rememberedIds = 100

/** argon2id from Node's own OpenSSL. */
export function createArgon2Hasher(options: Argon2HasherOptions = {}): PasswordHasher {
  const { peppers = [], onUnknownPepper, ...given } = options
  const parameters = { ...defaultArgon2Parameters, ...given }
  const { memory, passes, parallelism } = parameters
  const secrets = new Map(peppers.map(({ id, secret }) => [unpadded(Buffer.from(id)), Buffer.from(secret)]))
  const [first] = secrets
  const keyid = first === undefined ? '' : `,keyid=${first[0]}`
  const current = `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}${keyid}$`
  const unknown = new Set<string>()

  const secretOf = (id: string): Buffer | undefined => {
    const secret = secrets.get(id)
    if (secret === undefined && !unknown.has(id) && unknown.size < rememberedIds) {
      unknown.add(id)
      onUnknownPepper?.(Buffer.from(id, 'base64').toString())
    }
    return secret
  }

  return {
    async hash(password) {
      const salt = crypto.randomBytes(16)
      return `${current}${unpadded(salt)}$${unpadded(await derive(password, salt, tagLength, parameters, first?.[1]))}`
    },
    async verify(password, stored) {
      const match = phcPattern.exec(stored)
      const asked = match === null ? null : parametersOf(match)
      const id = match?.[4]
      const secret = id === undefined ? undefined : secretOf(id)
      if (match === null || asked === null || (id !== undefined && secret === undefined)) {
        // A hash of an unknown kind costs what others cost, so that time does not tell which accounts have one.
        await derive(password, Buffer.alloc(16), tagLength, parameters)
        return false
      }
      const expected = Buffer.from(match[6]!, 'base64')
      const actual = await derive(password, Buffer.from(match[5]!, 'base64'), expected.length, asked, secret)
      return crypto.timingSafeEqual(actual, expected)
    },
    needsRehash: (stored) => !stored.startsWith(current)
  }
}

/** Which pepper a hash of ours was made with; null: with none. */
export function pepperIdOf(stored: string): string | null {
  const id = phcPattern.exec(stored)?.[4]
  return id === undefined ? null : Buffer.from(id, 'base64').toString()
}

/** Whether a string is a hash that this package can verify. */
export function isPasswordHash(text: string): boolean {
  const match = phcPattern.exec(text)
  return match !== null && parametersOf(match) !== null
}

/**
 * What is hashed of a typed password: its NFC form in UTF-8, at most 1024 bytes. NFC is the one documented
 * transformation (NIST SP 800-63B-4, 3.1.1.2), because é can be typed in two ways; nothing is trimmed, folded or cut.
 *
 * @throws {GsError} `GS_PASSWORD_INVALID` for ill-formed Unicode (a lone surrogate would hash like U+FFFD) and for
 * passwords that are too long
 */
export function encodePassword(password: string, field = 'password'): Buffer {
  if (!password.isWellFormed()) throw gsError('GS_PASSWORD_INVALID', { field, reasonCode: 'reason.password.damaged' })
  const bytes = Buffer.from(password.normalize('NFC'))
  if (bytes.length > 1024) throw gsError('GS_PASSWORD_INVALID', { field, reasonCode: 'reason.password.long' })
  return bytes
}

/** Password work with a bound on what runs at once and on what waits. */
export interface Passwords {
  hash(password: Buffer): Promise<string>
  /**
   * With `null` (no such account, or one without password) the same work is done, and the answer is false. A hash of an older system is
   * verified by its kind, and costs the same work besides.
   */
  verify(password: Buffer, stored: string | null): Promise<boolean>
  needsRehash(stored: string): boolean
  /** How many hashes run now, and how many wait. */
  readonly load: { readonly active: number; readonly waiting: number }
}

export interface PasswordsOptions extends Pick<Argon2HasherOptions, 'peppers' | 'onUnknownPepper'> {
  /** In the place of ours, to which the peppers belong. */
  readonly hasher?: PasswordHasher
  /** Hashes of older systems. Default: none. */
  readonly legacy?: readonly LegacyHash[]
  /**
   * Hashes that run at once. Default: `min(cores, UV_THREADPOOL_SIZE − 2)`, at least 1: hashing shares libuv's threads with
   * the file system and DNS, and two threads are left for these.
   */
  readonly concurrency?: number
  /** Hashes that may wait; one more is refused with `GS_BUSY`. Default: 50 for each that runs. */
  readonly maxWaiting?: number
}

export function createPasswords(options: PasswordsOptions = {}): Passwords {
  const { peppers = [], onUnknownPepper } = options
  const hasher = options.hasher ?? createArgon2Hasher({ peppers, ...(onUnknownPepper !== undefined && { onUnknownPepper }) })
  const legacy = options.legacy ?? []
  const threads = Number(process.env['UV_THREADPOOL_SIZE'] ?? 4) || 4
  const concurrency = options.concurrency ?? Math.max(1, Math.min(availableParallelism(), threads - 2))
  const maxWaiting = options.maxWaiting ?? concurrency * 50
  const limit = pLimit(concurrency)
  let standIn: Promise<string> | undefined

  const bounded = <T>(work: () => Promise<T>): Promise<T> => {
    if (limit.pendingCount >= maxWaiting) return Promise.reject(gsError('GS_BUSY', { retryAfter: 2 }))
    return limit(work)
  }

  return {
    hash: (password) => bounded(() => hasher.hash(password)),
    verify: (password, stored) =>
      bounded(async () => {
        const old = findLegacyHash(legacy, stored)
        if (stored !== null && stored !== '' && old === undefined) return hasher.verify(password, stored)
        // An unknown name costs the same work as a known one, so that time does not tell which names exist (EN-01).
        standIn ??= hasher.hash(crypto.randomBytes(16))
        await hasher.verify(password, await standIn)
        return old === undefined ? false : old.verify(password, stored!)
      }),
    needsRehash: (stored) => findLegacyHash(legacy, stored) !== undefined || hasher.needsRehash(stored),
    get load() {
      return { active: limit.activeCount, waiting: limit.pendingCount }
    }
  }
}
