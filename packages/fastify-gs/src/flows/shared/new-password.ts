import { findPasswordFault } from '../../crypto/password-rules.ts'
import { encodePassword } from '../../crypto/passwords.ts'
import { gsError } from '../../errors.ts'
import type { FlowServices } from './flow.ts'

/**
 * Checks a password that somebody chooses.
 *
 * @throws {GsError} `GS_PASSWORD_WEAK` with a sentence that says why, `GS_PASSWORD_INVALID`
 */
export function encodeNewPassword(services: FlowServices, password: string, owner: { username: string; email: string | null }): Buffer {
  const encoded = encodePassword(password)
  const personal =
    owner.email === null ? [owner.username] : [owner.username, owner.email, owner.email.slice(0, owner.email.lastIndexOf('@'))]
  const fault = findPasswordFault(password, services.options.password, personal)
  if (fault !== null) throw gsError('GS_PASSWORD_WEAK', { field: 'password', reason: fault })
  return encoded
}
