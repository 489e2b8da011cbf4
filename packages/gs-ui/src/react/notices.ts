import type { PageNotice } from '../client/page-notice.ts'

const sentences = {
  loggedin: null,
  verified: 'Your e-mail address is verified.',
  other: 'The address of the other account is confirmed. You are still logged in as before.',
  forgot: null,
  loggedout: 'You are logged out.',
  ended: 'Your session has ended. Please log in again.',
  deleted: 'Your account is deleted.',
  sent: 'If there is such an account, a mail is on its way.',
  resent: 'If the address still waits for its verification, a new mail is on its way.',
  registered: 'Please check your mail and open the link in it to verify your address.',
  changed: 'Your password is changed.',
  mailed: 'A mail with a link is on its way to you.',
  next: 'Please log in to see that page.',
  toolate: 'The five minutes are over. Please enter your current password, or ask for a new link.'
} as const satisfies Record<PageNotice | 'ended' | 'resent' | 'mailed' | 'next' | 'toolate', string | null>

/** What the widget can say above its panel. */
export type NoticeKey = keyof typeof sentences

/** What it says, and how often in a row. */
export interface Notice {
  readonly key: NoticeKey
  readonly times: number
}

/** These ask for a login, so they have nothing to say to somebody who is logged in. */
const forGuests: readonly NoticeKey[] = ['next', 'ended']

/** What a visitor can ask for again and again. The others may be found twice, which is no news. */
const repeatable: readonly NoticeKey[] = ['resent']

/** The notice that follows another one. */
export function nextNotice(before: Notice | null, key: NoticeKey | null): Notice | null {
  if (key === null) return null
  return { key, times: before?.key === key && repeatable.includes(key) ? before.times + 1 : 1 }
}

/** The sentence of a notice. Said again it carries a number, because a screen reader announces only what changes. */
export function sentenceOf(notice: Notice | null, loggedIn: boolean): string | null {
  if (notice === null || (loggedIn && forGuests.includes(notice.key))) return null
  const sentence = sentences[notice.key]
  return sentence !== null && notice.times > 1 ? `${sentence} (${notice.times})` : sentence
}
