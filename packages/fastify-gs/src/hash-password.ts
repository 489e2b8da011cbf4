import { createArgon2Hasher, encodePassword } from './crypto/passwords.ts'

/**
 * The argon2id hash of a password, as a PHC string, for `options.admin.passwordHash`.
 *
 * @throws {GsError} `GS_PASSWORD_INVALID`: ill-formed Unicode, or more than 1024 bytes
 */
export function hashPassword(password: string): Promise<string> {
  return createArgon2Hasher().hash(encodePassword(password))
}
