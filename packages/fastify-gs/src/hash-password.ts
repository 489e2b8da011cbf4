import { createArgon2Hasher, encodePassword } from './crypto/passwords.ts'

/**
 * The argon2id hash of a password, as a PHC string, for `options.admin.passwordHash`.
 *
 * @throws {GsError} `GS_PASSWORD_INVALID`: ill-formed Unicode, or more than 1024 bytes
 */
export function hashPassword(password: string): Promise<string> {
  return createArgon2Hasher().hash(encodePassword(password))
}

/**
 * Whether `hashPassword` has made this hash of this password. For start-up code that keeps the hash and not the password; a new hash of
 * the same password would end the admin's sessions.
 *
 * @throws {GsError} `GS_PASSWORD_INVALID`: ill-formed Unicode, or more than 1024 bytes
 */
export function verifyPassword(password: string, hash: string): Promise<boolean> {
  return createArgon2Hasher().verify(encodePassword(password), hash)
}
