/** Where a page of sessions has ended: the time of the latest visit, and the key. */
export interface ListCursor {
  readonly latestVisit: number
  readonly key: string
}

export const writeCursor = ({ latestVisit, key }: ListCursor): string =>
  Buffer.from(JSON.stringify([latestVisit, key])).toString('base64url')

/** @throws {TypeError} */
export function readCursor(text: string): ListCursor {
  try {
    const [latestVisit, key, ...more] = JSON.parse(Buffer.from(text, 'base64url').toString()) as unknown[]
    if (Number.isSafeInteger(latestVisit) && typeof key === 'string' && key.isWellFormed() && !key.includes('\0') && more.length === 0)
      return { latestVisit: latestVisit as number, key }
  } catch {}
  throw new TypeError('A page begins after the `next` of another page.')
}
