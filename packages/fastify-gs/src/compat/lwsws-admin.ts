import { usernameKey } from '../accounts/identifiers.ts'
import { isPasswordHash } from '../crypto/passwords.ts'
import type { GsOptions } from '../options.ts'
import { quote } from './lwsws-problems.ts'
import type { LwswsSection } from './lwsws-section.ts'

/** Of the password in the documentation of lwsgs: known to everybody. */
const sampleSha1 = '046ce9a9cca769e85798133be06ef30c9c0122c9'

/** The admin of `protocol-generic-sessions`; null: there is none, or what is wrong has been noted. */
export function readAdmin(section: LwswsSection): NonNullable<GsOptions['admin']> | null {
  const username = section.text('admin-user')
  const [key, ...weaker] = ['admin-password-hash', 'admin-password-sha256', 'admin-password-sha1'].filter(
    (name) => section.text(name) !== null
  )
  if (username === null && key === undefined) return null
  if (username === null) return section.error(key!, 'has no "admin-user" beside it; write the login name of the admin, or remove this key.')
  if (key === undefined)
    return section.error(
      'admin-user',
      'has no password beside it; write "admin-password-hash" with what `gs hash-password` prints, or remove this key.'
    )
  for (const name of weaker) section.warning(name, `has no effect beside "${key}"; remove it.`)
  if (usernameKey(username) === null)
    section.error('admin-user', `is ${quote(username)}; write a name of letters, digits and . _ - ' only.`)
  const passwordHash = readAdminHash(section, key)
  return passwordHash === null ? null : { username, passwordHash }
}

/** Hashes are not repeated in sentences: an unsalted one is nearly the password. */
function readAdminHash(section: LwswsSection, key: string): string | null {
  const given = section.text(key)!.trim()
  if (key === 'admin-password-hash')
    return isPasswordHash(given) ? given : section.error(key, 'is no hash of argon2id; write what `gs hash-password` prints.')
  const [algorithm, length] = key === 'admin-password-sha1' ? (['sha1', 40] as const) : (['sha256', 64] as const)
  if (given.length !== length || !/^[0-9a-f]+$/i.test(given))
    return section.error(
      key,
      `is not ${length} hexadecimal digits; write "admin-password-hash" with what \`gs hash-password\` prints instead.`
    )
  if (given.toLowerCase() === sampleSha1)
    section.warning(
      key,
      'is that of the password in the sample, which everybody knows; write "admin-password-hash" with what `gs hash-password` prints for another password instead, now.'
    )
  else
    section.warning(
      key,
      'is a weak hash, from which the password can be guessed quickly; write "admin-password-hash" with what `gs hash-password` prints instead.'
    )
  return `$${algorithm}$${given.toLowerCase()}`
}
