import { WsDataError } from './errors.ts'

/** The members of a session's data by name, as JSON text: what they are compared by. */
export type Members = ReadonlyMap<string, string>

/** Members whose text is this one hold what cannot be saved. No JSON looks like it. */
const unsavable = ''

type Data = Record<string, unknown>

/** Gives where the first thing is that would come back from the store as something else, and what it is. */
function faultOf(value: unknown, path: string): string | null {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return null
  if (typeof value === 'number') return Number.isFinite(value) ? null : `${path} is ${value}`
  if (typeof value !== 'object') return `${path} is of type ${typeof value}`
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      const fault = faultOf(value[index], `${path}[${index}]`)
      if (fault !== null) return fault
    }
    return null
  }
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) return `${path} is a ${nameOf(prototype)}`
  for (const [name, member] of Object.entries(value)) {
    if (name === '__proto__') return `${path} has a member with the name __proto__`
    if (member === undefined) continue
    const fault = faultOf(member, `${path}.${name}`)
    if (fault !== null) return fault
  }
  return null
}

const nameOf = (prototype: unknown) =>
  (prototype as { readonly constructor?: { readonly name?: string } }).constructor?.name ?? 'thing of a class'

const refuse = (what: string, cause?: unknown) =>
  new WsDataError(
    `session.${what}, which would not come back as it is; keep texts, finite numbers, true, false, null, arrays and plain objects only`,
    {
      cause
    }
  )

/**
 * The members as they are now. What is as it was in `known` was looked at before.
 *
 * @throws {WsDataError} a member would not come back as it is
 */
export function membersOf(data: Data, known: Members): Map<string, string> {
  if (Object.getPrototypeOf(data) !== Object.prototype) throw refuse('data has another prototype: its member __proto__ has been set')
  const members = new Map<string, string>()
  for (const [name, value] of Object.entries(data)) {
    if (value === undefined) continue
    if (name === '__proto__') throw refuse('data has a member with the name __proto__')
    const text = textOf(value, name)
    if (text !== known.get(name)) {
      const fault = faultOf(value, `data.${name}`)
      if (fault !== null) throw refuse(fault)
    }
    members.set(name, text)
  }
  return members
}

function textOf(value: unknown, name: string): string {
  try {
    // Functions have no text; what they are is told by `faultOf`.
    return JSON.stringify(value) ?? unsavable
  } catch (cause) {
    throw refuse(`data.${name} ${typeof value === 'bigint' ? 'is of type bigint' : 'has a cycle, a bigint, or is too deep'}`, cause)
  }
}

/** The text of one member, `unsavable` for what has none; undefined: there is no such member. */
export function memberOf(data: Data, name: string): string | undefined {
  if (!Object.hasOwn(data, name) || data[name] === undefined) return undefined
  try {
    return JSON.stringify(data[name]) ?? unsavable
  } catch {
    return unsavable
  }
}

/** Sets one member to what the text says; undefined: takes it away. */
export function putMember(data: Data, name: string, text: string | undefined) {
  if (text === undefined) delete data[name]
  else data[name] = JSON.parse(text)
}

/** Reads what a store has. @throws {Error} it is no object */
export function parseMembers(text: string): Map<string, string> {
  const data: unknown = JSON.parse(text)
  if (typeof data !== 'object' || data === null || Array.isArray(data)) throw new Error('The data of a session in the store are no object')
  const members = new Map<string, string>()
  // To set it would change the prototype.
  for (const [name, value] of Object.entries(data)) if (name !== '__proto__') members.set(name, JSON.stringify(value))
  return members
}

/** @throws {WsDataError} these are more bytes than a session may hold */
export function composeMembers(members: Members, maxData: number): string {
  const text = `{${Array.from(members, ([name, member]) => `${JSON.stringify(name)}:${member}`).join(',')}}`
  const size = Buffer.byteLength(text)
  if (size > maxData)
    throw new WsDataError(
      `The data of the session have ${size} bytes of JSON, and options.maxData allows ${maxData}; keep less in it, or raise maxData`
    )
  return text
}

export const areSame = (one: Members, other: Members) =>
  one.size === other.size && Array.from(one).every(([name, text]) => other.get(name) === text)
