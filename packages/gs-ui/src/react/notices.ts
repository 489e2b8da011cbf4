import { core } from '../texts/core.ts'
import type { endings } from '../texts/endings.ts'
import type { Say } from './use-text.tsx'

/** Where what is said above a panel stands. */
export type NoticeTexts = typeof core & typeof endings

type Key = keyof NoticeTexts

/** What the widget can say above its panel. */
export type NoticeKey = Key extends infer K ? (K extends `notice.${infer Name}` ? Name : never) : never

/** What it says, and how often in a row. */
export interface Notice {
  readonly key: NoticeKey
  readonly times: number
}

/** What a visitor can ask for again and again. The others may be found twice, which is no news. */
const repeatable: readonly NoticeKey[] = ['resent', 'ended']

/** The notice that follows another one. */
export function nextNotice(before: Notice | null, key: NoticeKey | null): Notice | null {
  return key && { key, times: before?.key === key && repeatable.includes(key) ? before.times + 1 : 1 }
}

/** Whether there is something to say: what the server tells a page may need no words, or come from somebody else. */
export const isNotice = (key: string, texts: object = core): key is NoticeKey => Object.hasOwn(texts, `notice.${key}`)

/** The sentence of a notice. Said again it carries a number, because a screen reader announces only what changes. */
export function sentenceOf(notice: Notice | null, loggedIn: boolean, say: Say<Key>): string | null {
  // These are for somebody who is not logged in any more, or not yet.
  if (notice === null || (loggedIn && /^(next|over|loggedout|deleted)/.test(notice.key))) return null
  const sentence = say(`notice.${notice.key}`)
  return notice.times > 1 ? `${sentence} (${notice.times})` : sentence
}

/** Whether who was logged in wanted this end of the session, and will not come back to where he was. */
export const isFarewell = (cause: string) => /^(logout|account-deleted)$/.test(cause)

/** What to say about a session that ended for this cause, as far as there are words for it. */
export function endNoticeOf(cause: string, texts: object): NoticeKey {
  const key = cause === 'logout' ? 'loggedout' : `over.${cause}`
  return isNotice(key, texts) ? key : 'over'
}
