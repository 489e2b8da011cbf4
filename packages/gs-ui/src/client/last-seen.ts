/** Who was there when this browser had an answer last, by how much there is to show; '': nobody, or nothing is known. */
export type Seen = '' | 'member' | 'unverified'

const key = 'gs-ui'

/*
 * Kept only so that the card has its height from the first moment, before the server has said anything. Where nothing can be stored the card
 * has that of the login.
 */
export function lastSeen(): string {
  try {
    return localStorage[key] ?? ''
  } catch {
    return ''
  }
}

export function keepSeen(seen: Seen): void {
  try {
    localStorage[key] = seen
  } catch {
    // A browser that stores nothing.
  }
}
