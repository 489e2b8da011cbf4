import type { account } from './account.ts'
import type { admin } from './admin.ts'
import type { core } from './core.ts'
import type { endings } from './endings.ts'
import type { guest } from './guest.ts'
import type { strength } from './strength.ts'

/**
 * The codes of refusals, of the server and of the client: those of `GsErrorCode` in `fastify-gs/api`, which a test compares with these. Not
 * `GS_SESSION_REFUSED` and `GS_LOGIN_REFUSED`: what the application says with them is always its own sentence.
 */
export type ErrorCode =
  | 'GS_BODY_INVALID'
  | 'GS_QUERY_INVALID'
  | 'GS_BODY_TOO_LARGE'
  | 'GS_CONTENT_TYPE'
  | 'GS_USERNAME_INVALID'
  | 'GS_USERNAME_TAKEN'
  | 'GS_EMAIL_INVALID'
  | 'GS_EMAIL_SAME'
  | 'GS_EMAIL_TAKEN'
  | 'GS_PASSWORD_WEAK'
  | 'GS_PASSWORD_INVALID'
  | 'GS_CREDENTIALS'
  | 'GS_ACCOUNT_LOCKED'
  | 'GS_ACCOUNT_UNKNOWN'
  | 'GS_CURRENT_PASSWORD'
  | 'GS_CURRENT_PASSWORD_REQUIRED'
  | 'GS_LINK_INVALID'
  | 'GS_LINK_EXPIRED'
  | 'GS_LINK_USED'
  | 'GS_SESSION_UNKNOWN'
  | 'GS_MAIL_UNKNOWN'
  | 'GS_SECTOR_UNKNOWN'
  | 'GS_RANK'
  | 'GS_NOT_LOGGED_IN'
  | 'GS_PASSWORD_CHANGE_REQUIRED'
  | 'GS_CODE_INVALID'
  | 'GS_SESSION_LIMIT'
  | 'GS_SESSIONS_FULL'
  | 'GS_CSRF'
  | 'GS_DATA_TOO_LARGE'
  | 'GS_SETTING_INVALID'
  | 'GS_GROUP_INVALID'
  | 'GS_GROUP_UNKNOWN'
  | 'GS_GROUP_TAKEN'
  | 'GS_FORBIDDEN'
  | 'GS_NOT_FOUND'
  | 'GS_CROSS_SITE'
  | 'GS_CONFIGURED_ADMIN'
  | 'GS_CONFLICT'
  | 'GS_TOO_MANY_ATTEMPTS'
  | 'GS_PASSWORD_DISABLED'
  | 'GS_TOO_MANY_SOCKETS'
  | 'GS_BUSY'
  | 'GS_UPSTREAM'
  | 'GS_INTERNAL'
  | 'GS_NETWORK'
  | 'GS_BAD_REPLY'

/** Names of all texts. In English the server's own sentence is the text of an error, because it may say more than the code. */
export type TextKey =
  | keyof typeof core
  | keyof typeof endings
  | keyof typeof guest
  | keyof typeof account
  | keyof typeof strength
  | keyof typeof admin
  | `error.${ErrorCode}`

/** All texts in one language. What stands in braces (`{name}`) is filled in. */
export type Translation = Readonly<Record<TextKey, string>>

/** What the widget speaks: English is built in, the others are loaded when they are asked for. */
export const languages = ['en', 'de', 'es', 'fr', 'ja', 'ar'] as const

export type Language = (typeof languages)[number]

/** The language of a page (`<html lang="de-AT">`), if the widget speaks it, else English. */
export function languageOf(tag: string): Language {
  const [primary] = tag.toLowerCase().split(/[-_]/)
  return languages.find((language) => language === primary) ?? 'en'
}
