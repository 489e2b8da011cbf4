import type { admin } from '../../texts/admin.ts'
import type { Say } from '../use-text.tsx'

const kinds = [
  'verify-email',
  'forgot-password',
  'change-email',
  'login-code',
  'password-off',
  'already-registered',
  'email-in-use',
  'email-changed',
  'password-changed',
  'account-deleted'
] as const

/** What a kind of mail is called; a kind that a newer server has, by its own name. */
export function mailName(kind: string, say: Say<keyof typeof admin>): string {
  const known = kinds.find((name) => name === kind)
  return known === undefined ? kind : say(`admin.mail.${known}`)
}
