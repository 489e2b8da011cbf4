/** Deeper than that is no data of a session; it bounds the recursion. */
const deepest = 100

const refuse = (path: string, what: string): never => {
  throw new TypeError(`The data of a session can hold only what JSON can: ${path} is ${what}.`)
}

function describe(value: unknown): string {
  if (value === undefined || typeof value === 'number') return String(value)
  if (typeof value !== 'object') return `a ${typeof value}`
  const name: unknown = (value as object).constructor?.name
  return typeof name === 'string' && name !== '' ? `an instance of ${name}` : 'no plain object'
}

/** Whether it is an object as `{}` makes it, and no instance of something. */
export function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  // That of another realm has no prototype either.
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

function check(value: unknown, path: string, within: readonly object[]): void {
  if (value === null || typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value)) return
  if (typeof value !== 'object') return refuse(path, describe(value))
  if (within.includes(value)) return refuse(path, 'a part of itself')
  if (within.length === deepest) return refuse(path, `more than ${deepest} levels deep`)
  const inside = [...within, value]
  if (Array.isArray(value)) {
    // Not forEach: it leaves holes out, and JSON makes null of them.
    for (let index = 0; index < value.length; index++) check(value[index], `${path}[${index}]`, inside)
    return
  }
  if (!isPlainObject(value)) return refuse(path, describe(value))
  if (Object.getOwnPropertySymbols(value).length > 0) return refuse(path, 'an object with a symbol as key')
  for (const [key, member] of Object.entries(value)) {
    const place = path === '' ? key : `${path}.${key}`
    // Whoever assigns it to another object later changes what that one inherits from.
    if (key === '__proto__') return refuse(place, 'a key with a meaning of its own')
    check(member, place, inside)
  }
}

/**
 * The JSON of an object, if it is the same when it is read again.
 *
 * @throws {TypeError} JSON would change something silently: it names the place
 */
export function encodeObject(value: unknown): string {
  if (!isPlainObject(value)) throw new TypeError('The data of a session must be an object like { theme: "dark" }.')
  check(value, '', [])
  return JSON.stringify(value)
}

function freeze(value: unknown): void {
  if (typeof value !== 'object' || value === null) return
  Object.freeze(value)
  for (const member of Object.values(value)) freeze(member)
}

/** What {@link encodeObject} has written, frozen in all its depth. */
export function decodeObject(text: string): unknown {
  const value: unknown = JSON.parse(text)
  freeze(value)
  return value
}
