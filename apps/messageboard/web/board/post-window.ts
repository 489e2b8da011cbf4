/** Posts that stand in the page at the same time; a browser with ten thousand would be slow at each of them. */
const widest = 400

/** How far the window moves when one of its ends comes into view. */
const step = 100

interface Numbered {
  readonly idx: number
}

/** Which posts stand in the page, newest first. `newest` is the number of the first of them; null: the newest there is. */
export function cutWindow<T extends Numbered>(posts: readonly T[], newest: number | null) {
  const start = findStart(posts, newest)
  return { posts: posts.slice(start, start + widest), newer: start > 0, older: start + widest < posts.length }
}

/** The window further down; the same one when nothing is loaded there. */
export function moveToOlder(posts: readonly Numbered[], newest: number | null): number | null {
  const start = Math.min(findStart(posts, newest) + step, posts.length - widest)
  return start <= 0 ? newest : posts[start]!.idx
}

/** The window further up; at the end it follows what is new. */
export function moveToNewer(posts: readonly Numbered[], newest: number | null): number | null {
  const start = findStart(posts, newest) - step
  return start <= 0 ? null : posts[start]!.idx
}

/** The post itself may have been deleted. */
function findStart(posts: readonly Numbered[], newest: number | null): number {
  if (newest === null) return 0
  const start = posts.findIndex(({ idx }) => idx <= newest)
  return start < 0 ? Math.max(0, posts.length - widest) : start
}
