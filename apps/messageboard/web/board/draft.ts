/** Where drafts are kept: `sessionStorage`, so that they live and die with the tab. */
export type DraftStorage = Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>

const keyOf = (username: string) => `board-draft:${username}`

/** What this member has typed and not sent, in this tab; also when the session ended meanwhile. */
export function loadDraft(username: string, storage = tabStorage()): string {
  return attempt(() => storage?.getItem(keyOf(username))) ?? ''
}

/** Keeps a draft; an empty one is forgotten. */
export function saveDraft(username: string, text: string, storage = tabStorage()): void {
  attempt(() => (text === '' ? storage?.removeItem(keyOf(username)) : storage?.setItem(keyOf(username), text)))
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
