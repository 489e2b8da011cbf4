import { gsError, type GsErrorDetails } from '../errors.ts'
import { commonPasswords, type Blocklist } from './common-passwords.ts'
import { fold } from './fold.ts'
import { encodePassword } from './passwords.ts'

export interface PasswordRules {
  /** Shortest password, in code points. */
  readonly minLength: number
  /** Words of this deployment that are no passwords: the site's name, its host. */
  readonly contextWords: readonly string[]
  readonly blocklist: Blocklist
}

/** What the refusal says. */
export type PasswordFault = Required<Pick<GsErrorDetails, 'reasonCode'>> & Pick<GsErrorDetails, 'values'>

/** The shortest piece that the text is a repetition of; the text itself when there is none. */
const repeatedUnit = (text: string): string => text.slice(0, (text + text).indexOf(text, 1))

/**
 * Why a password cannot be accepted; null when it can.
 * Length in code points, comparison of the whole password with common and expected ones, no rules of composition
 * (NIST SP 800-63B-4, 3.1.1.2; ASVS 6.2.1, 6.2.4, 6.2.5, 6.2.11).
 */
export function findPasswordFault(password: string, rules: PasswordRules, personal: readonly string[]): PasswordFault | null {
  const length = [...password.normalize('NFC')].length
  if (length < rules.minLength) return { reasonCode: 'reason.password.short', values: { count: rules.minLength } }

  const folded = fold(password)
  const core = folded.replace(/[\d!.?_\s-]+$/u, '')
  const expected = [...rules.contextWords, ...personal].map(fold).filter((word) => word !== '')
  if (expected.some((word) => word === folded || word === core)) return { reasonCode: 'reason.password.personal' }

  const unit = repeatedUnit(folded)
  const common = commonPasswords(rules.blocklist, rules.minLength)
  if (unit.length === 1 || common.has(folded) || common.has(unit)) return { reasonCode: 'reason.password.common' }
  return null
}

/**
 * Checks a password that is chosen for an account, and gives what is hashed of it.
 *
 * @throws {GsError} `GS_PASSWORD_WEAK` with a sentence that says why, `GS_PASSWORD_INVALID`
 */
export function encodeNewPassword(password: string, rules: PasswordRules, owner: { username: string; email: string | null }): Buffer {
  const encoded = encodePassword(password)
  const { username, email } = owner
  const fault = findPasswordFault(password, rules, email === null ? [username] : [username, email, email.slice(0, email.lastIndexOf('@'))])
  if (fault !== null) throw gsError('GS_PASSWORD_WEAK', { field: 'password', ...fault })
  return encoded
}
