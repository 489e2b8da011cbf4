import type { GsErrorCode, GsReasonCode } from '../errors.ts'

type MailText =
  | 'hello'
  | 'contact'
  | `${'verify-email' | 'forgot-password' | 'change-email' | 'password-off' | 'email-changed'}.${'subject' | 'text' | 'button' | 'after'}`
  | `forgot-password.${'text' | 'after'}.admin`
  | `email-changed.${'undo' | 'after.unlinked'}`
  | `${'login-code' | 'already-registered' | 'email-in-use' | 'password-changed' | 'account-deleted'}.${'subject' | 'text'}`
  | `${'login-code' | 'already-registered' | 'email-in-use' | 'password-changed'}.after`

/**
 * Codes of all texts that fastify-gs has: refusals, their details, and mails. `{name}` in a text stands for a value; a line break in the text
 * of a mail begins a paragraph.
 */
export type TextCode = GsErrorCode | GsReasonCode | `mail.${MailText}`

/** All texts in one language. */
export type Translation = Readonly<Record<TextCode, string>>
