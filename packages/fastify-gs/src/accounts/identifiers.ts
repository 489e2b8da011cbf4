import { domainToASCII } from 'node:url'
import { gsError, type GsReasonCode } from '../errors.ts'

/** A checked identifier: as typed (trimmed of nothing), and the form in which two of them are compared. */
export interface Identifier {
  readonly value: string
  readonly key: string
}

/** NFKC before and after folding, because folding can produce decomposable characters. Never upper case: ß and ı would collide with others. */
const fold = (text: string) => text.normalize('NFKC').toLowerCase().normalize('NFKC')

const scripts = [
  'Latin',
  'Greek',
  'Cyrillic',
  'Armenian',
  'Hebrew',
  'Arabic',
  'Devanagari',
  'Bengali',
  'Gurmukhi',
  'Gujarati',
  'Tamil',
  'Telugu',
  'Kannada',
  'Malayalam',
  'Sinhala',
  'Thai',
  'Lao',
  'Tibetan',
  'Myanmar',
  'Georgian',
  'Ethiopic',
  'Khmer',
  'Mongolian',
  'Hangul',
  'Hiragana',
  'Katakana',
  'Bopomofo',
  'Han'
].map((name) => ({ name, pattern: new RegExp(`\\p{Script=${name}}`, 'u') }))

/** Scripts that are written together; every other mixture is how look-alikes are made (UTS #39, highly restrictive). */
const companions = [new Set(['Han', 'Hiragana', 'Katakana']), new Set(['Han', 'Bopomofo']), new Set(['Han', 'Hangul'])]

function mixesScripts(text: string): boolean {
  const found = new Set<string>()
  for (const character of text) {
    if (!/\p{L}/u.test(character)) continue
    const script = scripts.find(({ pattern }) => pattern.test(character))
    if (script === undefined) return true
    found.add(script.name)
  }
  return found.size > 1 && !companions.some((set) => found.isSubsetOf(set))
}

/** Letters of other scripts, and digits, that look like a Latin letter; only used to protect reserved names. */
const lookAlikes = new Map(
  Object.entries({
    а: 'a',
    в: 'b',
    с: 'c',
    ԁ: 'd',
    е: 'e',
    һ: 'h',
    і: 'i',
    ј: 'j',
    к: 'k',
    ӏ: 'l',
    м: 'm',
    н: 'h',
    о: 'o',
    р: 'p',
    ѕ: 's',
    т: 't',
    у: 'y',
    х: 'x',
    α: 'a',
    β: 'b',
    ε: 'e',
    ι: 'i',
    κ: 'k',
    ν: 'n',
    ο: 'o',
    ρ: 'p',
    τ: 't',
    υ: 'u',
    χ: 'x',
    ω: 'w',
    ı: 'i',
    ո: 'n',
    օ: 'o',
    ս: 'u',
    հ: 'h',
    0: 'o',
    1: 'l',
    3: 'e',
    4: 'a',
    5: 's',
    7: 't'
  })
)
/** What a name looks like: without marks and separators, look-alikes replaced, i and l made one. */
const skeleton = (key: string) =>
  [...key.normalize('NFKD').replace(/[\p{M}._'-]/gu, '')]
    .map((character) => lookAlikes.get(character) ?? character)
    .join('')
    .replaceAll('i', 'l')

const reservedNames = [
  'admin',
  'administrator',
  'anonymous',
  'abuse',
  'guest',
  'hostmaster',
  'moderator',
  'nobody',
  'noreply',
  'null',
  'official',
  'operator',
  'owner',
  'postmaster',
  'root',
  'security',
  'staff',
  'superuser',
  'support',
  'system',
  'undefined',
  'webmaster'
]

const looksLikeAddress =
  /^www\.|\.(?:com|net|org|info|biz|dev|app|io|co|me|eu|uk|de|fr|ru|cn|us|xyz|top|site|online|shop|link|click|live|club)$/

/** Letters, marks and digits of any script, inside also . _ - and ' */
const usernamePattern = /^[\p{L}\p{N}][\p{L}\p{M}\p{N}._'-]*$/u

/**
 * The form in which a user name is compared and looked up, whatever was typed; never throws. `null`: cannot be a user name.
 */
export function usernameKey(typed: string): string | null {
  if (!typed.isWellFormed()) return null
  const key = fold(typed)
  return key.length <= 128 && usernamePattern.test(key) ? key : null
}

/** Whether two names look alike to people. */
export function looksLike(one: string, other: string): boolean {
  return skeleton(fold(one)) === skeleton(fold(other))
}

/**
 * Checks the form of a user name: 2 to 32 characters (code points after NFKC), letters, marks and digits of one script, `.`, `_`, `-`,
 * `'` inside.
 *
 * @throws {GsError} `GS_USERNAME_INVALID` with `field: 'username'`
 */
export function checkUsernameForm(typed: string): Identifier {
  const refuse = (reasonCode: GsReasonCode) => gsError('GS_USERNAME_INVALID', { field: 'username', reasonCode })
  const key = usernameKey(typed)
  if (key === null) throw refuse('reason.username.form')
  const length = [...key].length
  if (length < 2 || length > 32 || typed.length > 64) throw refuse('reason.username.length')
  // Our mails greet by this name, and mail programs make links of what looks like an address.
  if (looksLikeAddress.test(key)) throw refuse('reason.username.address')
  if (mixesScripts(key)) throw refuse('reason.username.alphabets')
  // Two marks in a row suffice for every orthography; more are used to paint over other lines.
  if (/\p{M}{3}/u.test(key.normalize('NFD'))) throw refuse('reason.username.marks')
  return { value: typed, key }
}

/**
 * Checks a new user name: its form, that it is not reserved and does not look like a reserved name.
 *
 * @throws {GsError} `GS_USERNAME_INVALID`, `GS_USERNAME_TAKEN` for a reserved name, both with `field: 'username'`
 */
export function checkUsername(typed: string, alsoReserved: readonly string[] = []): Identifier {
  const { value, key } = checkUsernameForm(typed)
  const looks = skeleton(key)
  if ([...reservedNames, ...alsoReserved].some((name) => skeleton(fold(name)) === looks))
    throw gsError('GS_USERNAME_TAKEN', { field: 'username' })
  return { value, key }
}

/** Local part: the dot-atom of RFC 5322, ASCII. No quotes, comments or groups: mail libraries disagree about them. */
const localPattern = /^[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/i
const labelPattern = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/

/** Splits into local part and ASCII domain; null when it is not an address that we send to. */
function parseEmail(typed: string): { local: string; domain: string } | null {
  if (!typed.isWellFormed() || typed.length > 320) return null
  const at = typed.lastIndexOf('@')
  const local = typed.slice(0, at)
  const rawDomain = typed.slice(at + 1)
  // =? begins an encoded word (RFC 2047), which mail programs would show as something else.
  if (at < 1 || local.length > 64 || !localPattern.test(local) || /=\?[^?]+\?[bq]\?/i.test(local)) return null
  // Only characters of a name may reach the URL parser: it would read %, / and : as syntax.
  if (!/^[\p{L}\p{M}\p{N}.。．｡-]+$/u.test(rawDomain)) return null
  const domain = domainToASCII(rawDomain)
  const labels = domain.split('.')
  if (domain.length > 253 || labels.length < 2 || !labels.every((label) => labelPattern.test(label))) return null
  // An address of digits only is an IP address.
  if (/^\d+$/.test(labels.at(-1)!)) return null
  return local.length + 1 + domain.length > 254 ? null : { local, domain }
}

/** The form in which an address is compared; never throws. `null`: cannot be an address of an account. */
export function emailKey(typed: string): string | null {
  const parsed = parseEmail(typed)
  return parsed === null ? null : `${parsed.local.toLowerCase()}@${parsed.domain}`
}

/**
 * Checks a new e-mail address. `value` is what mail is sent to: the local part as typed, the domain in ASCII. Providers' own
 * rules (dots, + suffixes) are not applied.
 *
 * @throws {GsError} `GS_EMAIL_INVALID` with `field: 'email'`
 */
export function checkEmail(typed: string): Identifier {
  const parsed = parseEmail(typed)
  if (parsed === null) throw gsError('GS_EMAIL_INVALID', { field: 'email', reasonCode: 'reason.email' })
  return { value: `${parsed.local}@${parsed.domain}`, key: `${parsed.local.toLowerCase()}@${parsed.domain}` }
}
