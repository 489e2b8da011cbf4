import { randomBytes } from 'node:crypto'
import type { GsWsOptions } from './options.ts'
import type { SessionStore } from './store/session-store.ts'

/** Whether a value can be the id of a session: a text of 1 to 128 characters without control characters, or a whole number. */
export const isSessionId = (value: unknown): value is string | number =>
  typeof value === 'number'
    ? Number.isSafeInteger(value)
    : typeof value === 'string' && value.length > 0 && value.length <= 128 && value.isWellFormed() && !/\p{Cc}/u.test(value)

/** Makes what gives ids for new sessions. That an id is free is for the store to say. */
export function createSessionIds(ids: NonNullable<GsWsOptions['ids']>, store: Pick<SessionStore, 'nextNumber'>) {
  if (ids === 'random') return async () => randomBytes(16).toString('base64url')
  if (ids === 'sequence') return store.nextNumber
  return async () => {
    const id = await ids()
    if (isSessionId(id)) return id
    throw new TypeError(
      `The function in options.ids has given ${typeof id === 'string' ? 'a text that is empty, too long or has control characters' : `a value of type ${typeof id}`}; let it give a text of 1 to 128 characters or a whole number`
    )
  }
}
