import type { StoredSession } from '../index.ts'

export const t0 = Date.UTC(2026, 10, 21, 12)
export const minute = 60_000

/** A session for a store, made at `t0`, over after an hour without anybody and after a day in any case. */
export const session = (id: string | number, more: Partial<StoredSession> = {}): StoredSession => ({
  id,
  secretHash: `hash of ${id}`,
  formerHash: null,
  formerUntil: null,
  owner: null,
  data: '{}',
  fromClient: null,
  firstVisit: t0,
  previousVisit: null,
  latestVisit: t0,
  version: 1,
  links: '{}',
  idleUntil: t0 + 60 * minute,
  absoluteUntil: t0 + 24 * 60 * minute,
  ...more
})
