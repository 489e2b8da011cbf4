import { GsOptionError } from '../errors.ts'

/** How many entries a page has. @throws {GsOptionError} */
export function pageLimit(limit = 50): number {
  if (!Number.isInteger(limit) || limit < 1 || limit > 1000)
    throw new GsOptionError(`A list has 1 to 1000 entries at a time; the limit is ${limit}.`)
  return limit
}

/** Takes off the one row that was asked for in excess, and says where the next page begins. */
export function cutPage<R>(rows: readonly R[], limit: number, placeOf: (row: R) => string): { rows: R[]; next: string | null } {
  const page = rows.slice(0, limit)
  return { rows: page, next: rows.length > limit ? placeOf(page.at(-1)!) : null }
}

/** A place in a list whose newest entries come first. */
export const placeInTime = (row: { created_at: number; id: string }) => `${row.created_at}.${row.id}`

/** @throws {GsOptionError} */
export function parsePlaceInTime(place: string): { createdAt: number; id: string } {
  const [, createdAt, id] = /^(\d{1,16})\.([\w-]+)$/.exec(place) ?? []
  if (createdAt === undefined || id === undefined)
    throw new GsOptionError(`${JSON.stringify(place)} is no place in this list; give what "next" of the page before said.`)
  return { createdAt: Number(createdAt), id }
}
