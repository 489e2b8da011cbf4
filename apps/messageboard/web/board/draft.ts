/** Where texts are kept: `sessionStorage`, so that they live and die with the tab. */
export type DraftStorage = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>

/** A text that was sent and that the board does not have yet, as far as this page knows. */
export interface UnsentText {
  /** Made up by the page. A text that is sent again under the same id is posted once. */
  readonly id: string
  readonly content: string
  /** When it was written, ms since 1970. */
  readonly at: number
}

const draftKey = (username: string) => `board-draft:${username}`
const unsentKey = (username: string) => `board-unsent:${username}`

/** What this member has typed and not sent, in this tab; also when the session ended meanwhile. */
export function loadDraft(username: string, storage = tabStorage()): string {
  return attempt(() => storage?.getItem(draftKey(username))) ?? ''
}

/** Keeps a draft; an empty one is forgotten. */
export function saveDraft(username: string, text: string, storage = tabStorage()): void {
  keep(draftKey(username), text, storage)
}

/** What this member has sent in this tab without an answer. */
export function loadUnsent(username: string, storage = tabStorage()): readonly UnsentText[] {
  const texts: unknown = attempt(() => JSON.parse(storage?.getItem(unsentKey(username)) ?? '[]'))
  return Array.isArray(texts) && texts.every(isUnsentText) ? texts : []
}

/** Keeps what has no answer yet; nothing is forgotten. */
export function saveUnsent(username: string, texts: readonly UnsentText[], storage = tabStorage()): void {
  keep(unsentKey(username), texts.length === 0 ? '' : JSON.stringify(texts), storage)
}

/**
 * After a logout the next person at the browser must find nothing. A session that ended by itself takes no text away.
 *
 * @param ended the cause that `useGs()` gives; undefined: somebody has logged out, or deleted the account, in this tab
 */
export function forgetWhoLeft(username: string, ended: string | undefined, storage = tabStorage()): void {
  if (ended !== undefined && ended !== 'logout' && ended !== 'account-deleted') return
  saveDraft(username, '', storage)
  saveUnsent(username, [], storage)
}

function isUnsentText(value: unknown): value is UnsentText {
  const { id, content, at } = Object(value) as Record<string, unknown>
  return typeof id === 'string' && typeof content === 'string' && typeof at === 'number'
}

function keep(key: string, text: string, storage: DraftStorage | undefined): void {
  attempt(() => (text === '' ? storage?.removeItem(key) : storage?.setItem(key, text)))
}

function tabStorage(): DraftStorage | undefined {
  return attempt(() => globalThis.sessionStorage)
}

/** A browser may forbid storage or have no room left. The board works without drafts. */
function attempt<T>(use: () => T): T | undefined {
  try {
    return use()
  } catch {
    return undefined
  }
}
