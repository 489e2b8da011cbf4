import { createArgon2Hasher, encodePassword } from './crypto/passwords.ts'
import { resolvePeppers, type Pepper } from './options.ts'

/** How the server hashes, as its options say it. */
export interface HashPasswordOptions {
  /** As `password.peppers` of the server: the first goes into new hashes, all verify. Default: none. */
  readonly peppers?: readonly Pepper[]
}

const hasherOf = ({ peppers }: HashPasswordOptions) => createArgon2Hasher({ peppers: resolvePeppers(peppers, false) })

/**
 * The argon2id hash of a password, as a PHC string, for `options.admin.passwordHash`.
 *
 * @throws {GsError} `GS_PASSWORD_INVALID`: ill-formed Unicode, or more than 1024 bytes
 * @throws {GsOptionError} for peppers that the server would not take
 */
export async function hashPassword(password: string, options: HashPasswordOptions = {}): Promise<string> {
  return hasherOf(options).hash(encodePassword(password))
}

/**
 * Whether `hashPassword` has made this hash of this password. For start-up code that keeps the hash and not the password; a new hash of
 * the same password would end the admin's sessions.
 *
 * @throws {GsError} `GS_PASSWORD_INVALID`: ill-formed Unicode, or more than 1024 bytes
 * @throws {GsOptionError} for peppers that the server would not take
 */
export async function verifyPassword(password: string, hash: string, options: HashPasswordOptions = {}): Promise<boolean> {
  return hasherOf(options).verify(encodePassword(password), hash)
}
