type SessionId = string | number

/** The longest text that is an id, or an owner, in UTF-16 units: indexes of PostgreSQL do not hold text of any length. */
const longestText = 256

/** Whether every store keeps and finds this text as it is: PostgreSQL has no U+0000, and half a surrogate pair has no UTF-8. */
export const isKeyText = (value: unknown): value is string =>
  typeof value === 'string' && value !== '' && value.length <= longestText && value.isWellFormed() && !value.includes('\0')

/** An id with its type, as the databases have it; null: there is no such id. */
export function keyOf(id: unknown): string | null {
  if (Number.isSafeInteger(id)) return `n:${id as number}`
  return isKeyText(id) ? `s:${id}` : null
}

export const idOf = (key: string): SessionId => (key.startsWith('n:') ? Number(key.slice(2)) : key.slice(2))

/** @throws {TypeError} a session with these could not be found again */
export function checkNames({ id, owner }: { readonly id: unknown; readonly owner: unknown }): string {
  const key = keyOf(id)
  if (key === null)
    throw new TypeError(`The id of a session must be a whole number, or a text of 1 to ${longestText} characters without U+0000.`)
  if (owner !== null && !isKeyText(owner))
    throw new TypeError(`The owner of a session must be null, or a text of 1 to ${longestText} characters without U+0000.`)
  return key
}

/** What `create` rejects with when there is one. Not the id: it may be the only thing that keeps a session apart from strangers. */
export const existsAlready = () => new Error('There is a session with this id already; the option ids must give new ones.')

/** @throws {TypeError} */
export function checkNumber(above: number): void {
  if (!Number.isSafeInteger(above) || above < 0) throw new TypeError('raiseNumber() needs a whole number from 0 to 2 ** 53 - 1.')
}

/** @throws {Error} the sequence is at its end */
export function checkGiven(number: number): number {
  if (!Number.isSafeInteger(number)) throw new Error('The sequence of session ids is at its end; use the option ids: "random".')
  return number
}

/** @throws {TypeError} */
export function checkLimit(limit: number): void {
  if (!Number.isSafeInteger(limit) || limit < 1 || limit > 10_000) throw new TypeError('The limit must be a whole number from 1 to 10000.')
}
