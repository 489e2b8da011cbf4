import { encodeNewPassword as encode } from '../../crypto/password-rules.ts'
import type { FlowServices } from './flow.ts'

/**
 * Checks a password that somebody chooses.
 *
 * @throws {GsError} `GS_PASSWORD_WEAK` with a sentence that says why, `GS_PASSWORD_INVALID`
 */
export function encodeNewPassword(services: FlowServices, password: string, owner: { username: string; email: string | null }): Buffer {
  return encode(password, services.options.password, owner)
}
