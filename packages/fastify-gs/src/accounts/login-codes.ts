import { timingSafeEqual } from 'node:crypto'
import type { KeyRing } from '../crypto/tokens.ts'
import type { Db, Trx } from '../database/database.ts'
import { madeBy, type StoredLink } from './email-links.ts'

/** Wrong codes that are taken for one account within a week, or since somebody last proved its mailbox (NIST SP 800-63B-4, 3.2.2). */
const mostWrongCodes = 100
const week = 7 * 86_400_000

interface CodeRules {
  readonly digits: number
  /** Wrong ones after which a code is void. */
  readonly tries: number
}

/** The digits behind a signature, each number as likely as any other. */
function digitsOf(signature: string, count: number): string {
  const bytes = Buffer.from(signature, 'base64url')
  const size = 10 ** count
  const fair = 2 ** 48 - (2 ** 48 % size)
  const words = [0, 6, 12, 18, 24].map((offset) => bytes.readUIntBE(offset, 6))
  // That none of the five is fair happens once in 10^22 codes.
  const word = words.find((candidate) => candidate < fair) ?? words[0]!
  return String(word % size).padStart(count, '0')
}

/** One value, whatever other keys are in the ring: each would be one more that could be guessed. */
function codeOf(keys: KeyRing, link: StoredLink, digits: number): string | null {
  const maker = madeBy(keys, link)
  return maker === null ? null : digitsOf(keys.signAll('login-code-digits', link.id)[maker.key]!, digits)
}

const openCodes = (db: Db, now: number) =>
  db
    .selectFrom('gs_links')
    .select(['id', 'token_hash', 'purpose', 'tries'])
    .where('purpose', '=', 'login-code')
    .where('used_at', 'is', null)
    .where('expires_at', '>', now)

/** The code of an open link of the purpose `login-code`, for the mail; null: it is used, void, expired or gone, or its key has been retired. */
export async function codeOfLink(db: Db, keys: KeyRing, id: string, { digits }: CodeRules, now: number): Promise<string | null> {
  const link = await openCodes(db, now).where('id', '=', id).executeTakeFirst()
  return link === undefined ? null : codeOf(keys, link, digits)
}

/** Those of Arabic keyboards, and of Persian and Urdu ones. */
const arabicDigits = /[\u0660-\u0669\u06f0-\u06f9]/g

/** People group digits, and some keyboards have digits of their own or of full width; nothing else may stand before, between or behind. */
const normalized = (typed: string) =>
  typed
    .normalize('NFKC')
    .replace(/[\s\p{Pd}]/gu, '')
    .replace(arabicDigits, (digit) => String(digit.charCodeAt(0) & 15))

function isSame(typed: string, code: string): boolean {
  const [given, expected] = [Buffer.from(normalized(typed)), Buffer.from(code)]
  return given.length === expected.length && timingSafeEqual(given, expected)
}

/**
 * Redeems a code once, or counts a wrong one; the transaction must have locked the account's row, and must be committed either way. False:
 * wrong, or the account has no open code.
 */
export async function redeemCode(
  trx: Trx,
  keys: KeyRing,
  accountId: string,
  typed: string,
  { digits, tries }: CodeRules,
  now: number
): Promise<boolean> {
  const link = await openCodes(trx, now).where('account_id', '=', accountId).executeTakeFirst()
  if (link === undefined) return false
  const code = codeOf(keys, link, digits)
  const right = code !== null && isSame(typed, code)
  const last = right || link.tries + 1 >= tries
  const result = await trx
    .updateTable('gs_links')
    .set((eb) => ({ tries: eb('tries', '+', right ? 0 : 1), ...(last && { used_at: now }) }))
    .where('id', '=', link.id)
    .where('used_at', 'is', null)
    .executeTakeFirst()
  return right && result.numUpdatedRows === 1n
}

/** Whether so few wrong codes were typed for the account that it may get another one. */
export async function mayGetCode(db: Db, accountId: string, { tries }: CodeRules, now: number): Promise<boolean> {
  const { wrong } = await db
    .selectFrom('gs_links')
    .select((eb) => eb.fn.sum<number | string | null>('tries').as('wrong'))
    .where('account_id', '=', accountId)
    .where('purpose', '=', 'login-code')
    .where('created_at', '>', now - week)
    .executeTakeFirstOrThrow()
  return Number(wrong ?? 0) + tries <= mostWrongCodes
}

/** Forgets the wrong codes of an account: somebody has proved its mailbox. */
export async function forgiveCodes(trx: Trx, accountId: string): Promise<void> {
  await trx.updateTable('gs_links').set({ tries: 0 }).where('account_id', '=', accountId).where('purpose', '=', 'login-code').execute()
}
